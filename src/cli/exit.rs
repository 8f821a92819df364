//! Exit codes: what a script can tell from how the program ended.

use std::process::ExitCode;

/// How the program ended. The codes of k6 where the meaning is k6's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Everything held.
    Pass,
    /// A fault of poolproof's own.
    Internal,
    /// The command line, or a place to write to, is not usable: standard output too.
    Usage,
    /// A decision differed from what the rules ask, or advice was given that is denied.
    Mismatch,
    /// A comparison found the head slower, by enough to matter and not by chance.
    Regressed,
    /// A comparison could not be decided.
    Inconclusive,
    /// The generator could not keep up, so that the numbers are not to be trusted.
    Saturated,
    /// Reports are not of the same thing, so that they cannot be compared.
    Incomparable,
    /// A threshold was crossed.
    Threshold,
    /// A scenario, or what describes a pool, is not valid.
    InvalidScenario,
    /// The run was interrupted; its report is partial. Or a server was told twice to end, and cut requests off.
    Interrupted,
    /// A target cannot be used, gave no answers, or keeps what was made there.
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
            Self::Threshold => 99,
            Self::InvalidScenario => 104,
            Self::Interrupted => 105,
            Self::Unreachable => 107,
        }
    }

    /// The end that a report's code stands for.
    pub(super) const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Pass,
            2 => Self::Usage,
            80 => Self::Mismatch,
            81 => Self::Regressed,
            82 => Self::Inconclusive,
            83 => Self::Saturated,
            84 => Self::Incomparable,
            99 => Self::Threshold,
            104 => Self::InvalidScenario,
            105 => Self::Interrupted,
            107 => Self::Unreachable,
            _ => Self::Internal,
        }
    }

    /// The graver of two ends.
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
            Self::Incomparable => 8,
            Self::InvalidScenario => 9,
            Self::Usage => 10,
            Self::Internal => 11,
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
