//! Times that users take.

use std::time::Duration;

use rand::RngExt as _;
use rand_distr::{Distribution, Exp1, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MAX_TIME;
use super::numbers::BoundedNumber;
use super::values::Time;
use poolproof_cognito::seed::Rng;

/// A time that users take, constant or random.
// The derived serde code handles the map form; `word_or_map` handles `none` and constant times.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(rename = "DelayMap", transform = super::schema_rules::describe_variants)]
pub enum Delay {
    /// Zero.
    #[default]
    #[serde(skip)]
    None,
    /// The same time for all.
    #[serde(skip)]
    Constant(Duration),
    /// A uniform distribution.
    Uniform {
        /// The minimum.
        #[serde(with = "Time")]
        min: Duration,
        /// The maximum; not less than `min`.
        #[serde(with = "Time")]
        max: Duration,
    },
    /// An exponential distribution.
    Exponential {
        /// The mean.
        #[serde(with = "Time")]
        mean: Duration,
    },
    /// A log-normal distribution, as measured for human reaction times.
    LogNormal {
        /// The median.
        #[serde(with = "Time")]
        median: Duration,
        /// Standard deviation of the logarithm, 0 to 5; 0.6 is usual for people.
        #[serde(with = "BoundedNumber::<5>")]
        sigma: f64,
    },
}

impl Delay {
    /// Returns the mean, at most 24 hours.
    pub fn mean(&self) -> Duration {
        let mean = match *self {
            Self::None => Duration::ZERO,
            Self::Constant(time) => time,
            Self::Uniform { min, max } => (min + max) / 2,
            Self::Exponential { mean } => mean,
            Self::LogNormal { median, sigma } => {
                let seconds = median.as_secs_f64() * (sigma * sigma / 2.0).exp();
                Duration::from_secs_f64(seconds.min(MAX_TIME.as_secs_f64()))
            }
        };
        mean.min(MAX_TIME)
    }

    /// Draws one time, in whole microseconds, at most 24 hours.
    pub fn draw(&self, rng: &mut Rng) -> Duration {
        let seconds = match *self {
            Self::None => return Duration::ZERO,
            Self::Constant(time) => return time,
            Self::Uniform { min, max } => {
                min.as_secs_f64() + rng.random::<f64>() * max.saturating_sub(min).as_secs_f64()
            }
            Self::Exponential { mean } => mean.as_secs_f64() * Distribution::<f64>::sample(&Exp1, rng),
            Self::LogNormal { median, sigma } => {
                let deviation: f64 = StandardNormal.sample(rng);
                median.as_secs_f64() * (sigma * deviation).exp()
            }
        };
        Duration::from_micros((seconds.min(MAX_TIME.as_secs_f64()) * 1e6).round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolproof_cognito::seed::Seed;

    fn mean_and_median(delay: Delay) -> (f64, f64) {
        let mut rng = Seed::new(3).rng("delay", 0);
        let mut all: Vec<f64> = (0..20_000).map(|_| delay.draw(&mut rng).as_secs_f64()).collect();
        all.sort_by(f64::total_cmp);
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let stated = delay.mean().as_secs_f64();
        assert!((mean - stated).abs() <= stated * 0.03, "{mean} is not {stated}");
        (mean, all[all.len() / 2])
    }

    #[test]
    fn distributions_have_the_expected_mean_and_median() {
        let s = Duration::from_secs;
        let near = |value: f64, aim: f64| assert!((value / aim - 1.0).abs() < 0.03, "{value} is not {aim}");
        assert_eq!(mean_and_median(Delay::None), (0.0, 0.0));
        assert_eq!(mean_and_median(Delay::Constant(s(2))), (2.0, 2.0));
        let (mean, median) = mean_and_median(Delay::Uniform { min: s(1), max: s(3) });
        near(mean, 2.0);
        near(median, 2.0);
        let (mean, median) = mean_and_median(Delay::Exponential { mean: s(2) });
        near(mean, 2.0);
        near(median, 2.0 * 2.0_f64.ln());
        let (mean, median) = mean_and_median(Delay::LogNormal { median: s(8), sigma: 0.6 });
        near(median, 8.0);
        near(mean, 8.0 * (0.6_f64 * 0.6 / 2.0).exp());
    }

    #[test]
    fn a_draw_is_at_most_a_day() {
        let wild = Delay::LogNormal { median: MAX_TIME, sigma: 5.0 };
        let mut rng = Seed::new(1).rng("delay", 0);
        assert!((0..1000).all(|_| wild.draw(&mut rng) <= MAX_TIME));
    }
}
