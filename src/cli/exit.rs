//! Exit codes.

use std::process::ExitCode;

/// How the program ended. Codes that k6 has too are the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Everything held.
    Pass,
    /// An internal error of poolproof.
    Internal,
    /// The command line is wrong, or an output cannot be written.
    Usage,
    /// A decision does not match the rules, or denied advice was given.
    Mismatch,
    /// A comparison found a regression.
    Regressed,
    /// A comparison is inconclusive.
    Inconclusive,
    /// The generator could not keep up, or lacked files, ports or memory, so its figures are not valid.
    Saturated,
    /// The reports cannot be compared.
    Incomparable,
    /// A shard was not ready at its start, or clocks differ.
    Start,
    /// A threshold was crossed.
    Threshold,
    /// A scenario or a pool document is invalid.
    InvalidScenario,
    /// The run was interrupted and its report is partial, or a server ended requests in flight.
    Interrupted,
    /// A target is unusable, gave no answers, or still holds resources that the run created.
    Unreachable,
}

impl Exit {
    /// The code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Mismatch => 80,
            Self::Regressed => 81,
            Self::Inconclusive => 82,
            Self::Saturated => 83,
            Self::Incomparable => 84,
            Self::Start => 85,
            Self::Threshold => 99,
            Self::InvalidScenario => 104,
            Self::Interrupted => 105,
            Self::Unreachable => 107,
        }
    }

    /// Returns the exit for a report's code.
    pub(super) const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Pass,
            2 => Self::Usage,
            80 => Self::Mismatch,
            81 => Self::Regressed,
            82 => Self::Inconclusive,
            83 => Self::Saturated,
            84 => Self::Incomparable,
            85 => Self::Start,
            99 => Self::Threshold,
            104 => Self::InvalidScenario,
            105 => Self::Interrupted,
            107 => Self::Unreachable,
            _ => Self::Internal,
        }
    }

    /// Returns the more severe of two exits.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if other.severity() > self.severity() { other } else { self }
    }

    const fn severity(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Inconclusive => 1,
            Self::Saturated => 2,
            Self::Regressed => 3,
            Self::Threshold => 4,
            Self::Unreachable => 5,
            Self::Interrupted => 6,
            Self::Mismatch => 7,
            Self::Start => 8,
            Self::Incomparable => 9,
            Self::InvalidScenario => 10,
            Self::Usage => 11,
            Self::Internal => 12,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_severe_exit_wins_and_codes_round_trip() {
        let rising = [
            Exit::Pass,
            Exit::Inconclusive,
            Exit::Saturated,
            Exit::Regressed,
            Exit::Threshold,
            Exit::Unreachable,
            Exit::Interrupted,
            Exit::Mismatch,
            Exit::Start,
            Exit::Incomparable,
            Exit::InvalidScenario,
        ];
        for (at, graver) in rising.iter().enumerate() {
            assert_eq!(Exit::from_code(graver.code()), *graver);
            for milder in &rising[..at] {
                assert_eq!(milder.or(*graver), *graver);
                assert_eq!(graver.or(*milder), *graver);
            }
        }
    }
}
