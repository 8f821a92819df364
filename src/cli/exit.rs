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
    /// The generator could not keep up, so that the numbers are not to be trusted.
    Saturated,
    /// A threshold was crossed.
    Threshold,
    /// A scenario, or what describes a pool, is not valid.
    InvalidScenario,
    /// The run was interrupted; its report is partial.
    Interrupted,
}

impl Exit {
    /// The code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Mismatch => 80,
            Self::Saturated => 83,
            Self::Threshold => 99,
            Self::InvalidScenario => 104,
            Self::Interrupted => 105,
        }
    }

    /// The end that a report's code stands for.
    pub(super) const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Pass,
            2 => Self::Usage,
            80 => Self::Mismatch,
            83 => Self::Saturated,
            99 => Self::Threshold,
            104 => Self::InvalidScenario,
            105 => Self::Interrupted,
            _ => Self::Internal,
        }
    }

    /// The graver of two ends.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if other.gravity() > self.gravity() { other } else { self }
    }

    const fn gravity(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Saturated => 1,
            Self::Threshold => 2,
            Self::Interrupted => 3,
            Self::Mismatch => 4,
            Self::InvalidScenario => 5,
            Self::Usage => 6,
            Self::Internal => 7,
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
    fn the_graver_end_counts_and_codes_survive_a_report() {
        let rising = [Exit::Pass, Exit::Saturated, Exit::Threshold, Exit::Interrupted, Exit::Mismatch];
        for (at, graver) in rising.iter().enumerate() {
            assert_eq!(Exit::from_code(graver.code()), *graver);
            for milder in &rising[..at] {
                assert_eq!(milder.or(*graver), *graver);
                assert_eq!(graver.or(*milder), *graver);
            }
        }
    }
}
