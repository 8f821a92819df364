//! Option values of several commands.

use std::time::Duration;

use clap::ValueEnum;

use crate::clock::ClockKind;
use crate::scenario;
use poolproof_srp::Backend;

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ClockArg {
    /// Real time.
    Wall,
    /// Simulated time.
    Virtual,
}

impl From<ClockArg> for ClockKind {
    fn from(clock: ClockArg) -> Self {
        match clock {
            ClockArg::Wall => Self::Wall,
            ClockArg::Virtual => Self::Virtual,
        }
    }
}

/// Returns a parser of whole numbers from `min` to `max`.
pub(super) fn whole<T: TryFrom<u64>>(
    min: u64,
    max: u64,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse().ok().filter(|number| (min..=max).contains(number));
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| format!("expected a whole number from {min} to {max}"))
    }
}

/// Most threads of a side.
const MAX_WORKERS: usize = 1024;

pub(super) fn workers(text: &str) -> Result<(usize, usize), String> {
    let number = |text: &str| text.trim().parse().ok().filter(|number| (1..=MAX_WORKERS).contains(number));
    text.split_once(',')
        .and_then(|(clients, pool)| Some((number(clients)?, number(pool)?)))
        .ok_or_else(|| format!("expected two numbers from 1 to {MAX_WORKERS}, such as 2,2"))
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.trim().strip_suffix('%').and_then(|number| number.trim_end().parse().ok());
    number
        .filter(|number| (0.0..=100.0).contains(number))
        .map(|number| number / 100.0)
        .ok_or_else(|| "expected a share of at most 100 %, such as 5%".to_owned())
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    scenario::time(text)
}

pub(super) fn backend(text: &str) -> Result<Backend, String> {
    let backend: Backend =
        text.parse().map_err(|()| "expected one of reference, portable, avx2 and ifma".to_owned())?;
    if backend.is_available() { Ok(backend) } else { Err(format!("this CPU does not support {backend}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_limits() {
        let parse = whole::<u32>(1, 100);
        assert_eq!((parse("1"), parse("100")), (Ok(1), Ok(100)));
        for text in ["0", "101", "x", "", "-1", "1.5", "99999999999999999999"] {
            assert_eq!(parse(text).unwrap_err(), "expected a whole number from 1 to 100", "{text}");
        }
    }

    #[test]
    fn percentages_need_a_percent_sign() {
        assert_eq!((share("5%"), share("2.5 %"), share("0%")), (Ok(0.05), Ok(0.025), Ok(0.0)));
        for text in ["5", "0.05", "-1%", "101%", "NaN%", "%", ""] {
            assert!(share(text).is_err(), "{text}");
        }
        // The steal that a run's verdict warns about is the limit for pairs.
        assert_eq!(share("5%"), Ok(crate::report::MAX_STEAL));
    }
}
