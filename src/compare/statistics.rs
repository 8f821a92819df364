//! What can be said of paired differences: numbers in, numbers out.
//!
//! A run is the unit, and so a difference belongs to a pair of runs; requests of one run depend on each
//! other, and a test on them finds differences where there are none. The interval of a mean is the
//! bootstrap's, bias-corrected and accelerated (BCa: B. Efron, "Better Bootstrap Confidence Intervals", JASA
//! 82, 1987), and widened for few pairs as T. Hesterberg shows that it must ("What Teachers Should Know About
//! the Bootstrap", The American Statistician 69, 2015): plain, ten pairs give an interval of 95 % that holds
//! nine times in ten.

use rand::Rng as _;

use super::distributions::{normal_cdf, normal_quantile, student_t_cdf, student_t_quantile};
use poolproof_cognito::seed::Rng;

/// With fewer differences than these nothing is said.
pub const MIN_PAIRS: usize = 5;

/// Where a mean lies, with a given confidence.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Interval {
    /// Whether all of it lies between −`effect` and `effect`.
    ///
    /// With an interval of confidence 1 − 2α this is the test by two one-sided tests at α each (TOST: D. J.
    /// Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987).
    pub fn within(&self, effect: f64) -> bool {
        -effect < self.low && self.high < effect
    }
}

/// A mean difference and how sure it is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Estimate {
    /// The mean of the differences.
    pub mean: f64,
    /// Where it lies.
    pub interval: Interval,
    /// How often chance alone would bring about a mean so far from 0, to either side.
    pub p: f64,
}

/// The mean of paired differences with its interval of this `confidence` (0.95 is 95 %), from so many
/// `resamples` (some 10,000) drawn from `rng`. `None` below [`MIN_PAIRS`] differences, or when one of them is
/// no finite number.
pub fn estimate(differences: &[f64], confidence: f64, resamples: usize, rng: &mut Rng) -> Option<Estimate> {
    let n = differences.len();
    if n < MIN_PAIRS || differences.iter().any(|difference| !difference.is_finite()) {
        return None;
    }
    let mean = mean(differences);
    if differences.iter().all(|difference| *difference == differences[0]) {
        // Nothing varies, as under the virtual clock: what was seen is what there is.
        let mean = differences[0];
        let p = if mean == 0.0 { 1.0 } else { 0.0 };
        return Some(Estimate { mean, interval: Interval { low: mean, high: mean }, p });
    }
    let means = resampled(differences, resamples.max(1), rng);
    let bca = Bca { bias: bias(&means, mean), acceleration: acceleration(differences, mean), n };
    let tail = (1.0 - confidence) / 2.0;
    let interval = Interval {
        low: quantile(&means, bca.share(student_t_quantile(tail, n - 1))),
        high: quantile(&means, bca.share(student_t_quantile(1.0 - tail, n - 1))),
    };
    Some(Estimate { mean, interval, p: two_sided_p_value(differences, mean, &means, &bca) })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The means of resamples, each of as many differences drawn with replacement, in rising order.
fn resampled(differences: &[f64], resamples: usize, rng: &mut Rng) -> Vec<f64> {
    let n = differences.len();
    let mut draw = || differences[((u128::from(rng.next_u64()) * n as u128) >> 64) as usize];
    let mut means: Vec<f64> =
        (0..resamples).map(|_| (0..n).map(|_| draw()).sum::<f64>() / n as f64).collect();
    means.sort_by(f64::total_cmp);
    means
}

/// How far the median of the resamples is from the mean, in normal deviates. Those that equal it count half.
fn bias(means: &[f64], mean: f64) -> f64 {
    normal_quantile(share_below(means, mean))
}

/// The share of sorted `means` below `value`, never quite 0 or 1: so many resamples cannot show that.
fn share_below(means: &[f64], value: f64) -> f64 {
    let count = means.len() as f64;
    let below = means.partition_point(|mean| *mean < value);
    let equal = means.partition_point(|mean| *mean <= value) - below;
    ((below as f64 + equal as f64 / 2.0) / count).clamp(0.5 / count, 1.0 - 0.5 / count)
}

/// How the spread of the mean changes with the mean: a sixth of the skewness of the jack-knife's means.
fn acceleration(differences: &[f64], mean: f64) -> f64 {
    // A mean without one value differs from the mean by the value's own deviation, scaled and turned; the
    // scale cancels.
    let (squares, cubes) = differences.iter().fold((0.0, 0.0), |(squares, cubes), difference| {
        let deviation = difference - mean;
        (squares + deviation * deviation, cubes + deviation * deviation * deviation)
    });
    if squares > 0.0 { cubes / (6.0 * f64::powf(squares, 1.5)) } else { 0.0 }
}

/// The correction of a bootstrap distribution.
struct Bca {
    bias: f64,
    acceleration: f64,
    n: usize,
}

impl Bca {
    /// The resamples' spread is that of the population by the factor √((n − 1)/n).
    fn widening(&self) -> f64 {
        (self.n as f64 / (self.n - 1) as f64).sqrt()
    }

    /// The share of resamples below the end of an interval that Student's t puts `t` from the middle.
    fn share(&self, t: f64) -> f64 {
        let z = self.bias + t * self.widening();
        // Far out the correction would turn back on itself; there is nothing beyond the last resample anyway.
        let stretch = (1.0 - self.acceleration * z).max(0.05);
        normal_cdf(self.bias + z / stretch)
    }

    /// The way back: at which t an interval ends below whose end this share of resamples lies.
    fn t(&self, share: f64) -> f64 {
        let z = normal_quantile(share) - self.bias;
        let stretch = (1.0 + self.acceleration * z).max(0.05);
        (z / stretch - self.bias) / self.widening()
    }
}

/// The share of chance: twice that of the interval which just reaches 0; by Student's t where no resample
/// does.
fn two_sided_p_value(differences: &[f64], mean: f64, means: &[f64], bca: &Bca) -> f64 {
    let degrees_of_freedom = differences.len() - 1;
    let outside = |t: f64| (2.0 * student_t_cdf(-t.abs(), degrees_of_freedom)).min(1.0);
    if means[0] < 0.0 && means[means.len() - 1] > 0.0 {
        // The share of resamples below 0 says at which t an interval would end there.
        return outside(bca.t(share_below(means, 0.0)));
    }
    // No resample crosses 0, as none can where all differences are of one sign, and so they cannot show how
    // rare that is.
    let spread = differences.iter().map(|difference| (difference - mean).powi(2)).sum::<f64>();
    let error = (spread / (degrees_of_freedom * differences.len()) as f64).sqrt();
    outside(mean / error)
}

/// A quantile of sorted values, between neighbours in proportion.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

/// The chances of several tests at once, each raised by so much that any error is as rare as asked for (S.
/// Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6,
/// 1979). In the order given.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|one, two| p_values[*one].total_cmp(&p_values[*two]));
    let mut raised = vec![1.0; p_values.len()];
    let mut highest = 0.0_f64;
    for (rank, at) in order.into_iter().enumerate() {
        highest = highest.max((p_values[at] * (p_values.len() - rank) as f64).min(1.0));
        raised[at] = highest;
    }
    raised
}

/// How much a mean over so many `pairs` strays from 0 when both arms are the same: the standard error that
/// such pairs, `same`, show. `None` without any.
pub fn noise_floor(same: &[f64], pairs: usize) -> Option<f64> {
    // Their true mean is known to be 0, and so nothing is lost on estimating it.
    let squares: f64 = same.iter().map(|difference| difference * difference).sum();
    (!same.is_empty()).then(|| (squares / same.len() as f64 / pairs.max(1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolproof_cognito::seed::Seed;
    use rand_distr::{Distribution as _, StandardNormal};

    fn to_estimate(differences: &[f64]) -> Estimate {
        estimate(differences, 0.95, 10_000, &mut Seed::new(1).rng("test", 0)).unwrap()
    }

    #[test]
    fn an_interval_of_ten_pairs_holds_as_often_as_it_says() {
        let mut rng = Seed::new(5).rng("coverage", 0);
        let mut held = 0;
        let trials = 1000;
        for trial in 0..trials {
            let differences: Vec<f64> = (0..10).map(|_| StandardNormal.sample(&mut rng)).collect();
            let estimate =
                estimate(&differences, 0.95, 1000, &mut Seed::new(6).rng("coverage", trial)).unwrap();
            held += u32::from(estimate.interval.low <= 0.0 && 0.0 <= estimate.interval.high);
            // The chance and the interval say the same, but for how finely the resamples lie.
            let beyond = estimate.interval.low > 0.0 || estimate.interval.high < 0.0;
            assert!(beyond == (estimate.p < 0.05) || (estimate.p - 0.05).abs() < 0.01, "{estimate:?}");
        }
        assert!((930..=970).contains(&held), "an interval of 95 % held {held} times in {trials}");
    }

    #[test]
    fn the_interval_leans_to_where_the_differences_reach() {
        let skewed = to_estimate(&[0.0, 0.01, 0.01, 0.02, 0.02, 0.03, 0.03, 0.05, 0.1, 0.4]);
        let (below, above) = (skewed.mean - skewed.interval.low, skewed.interval.high - skewed.mean);
        assert!(above > 1.5 * below, "{skewed:?}");
        let turned = to_estimate(&[0.0, -0.01, -0.01, -0.02, -0.02, -0.03, -0.03, -0.05, -0.1, -0.4]);
        assert!((turned.mean + skewed.mean).abs() < 1e-12);
        assert!((turned.interval.low + skewed.interval.high).abs() < 0.01, "{turned:?} {skewed:?}");
    }

    #[test]
    fn what_does_not_vary_is_as_it_is() {
        let same = to_estimate(&[0.0; 6]);
        assert_eq!((same.mean, same.interval, same.p), (0.0, Interval { low: 0.0, high: 0.0 }, 1.0));
        let slower = to_estimate(&[0.25; 6]);
        assert_eq!((slower.mean, slower.p), (0.25, 0.0));
    }

    #[test]
    fn few_pairs_that_agree_by_far_are_enough_and_few_that_do_not_are_not() {
        assert!(to_estimate(&[0.50, 0.51, 0.49, 0.50, 0.52]).p < 0.001);
        // Five of one sign happen by chance once in sixteen.
        assert!(to_estimate(&[0.01, 0.20, 0.02, 0.30, 0.01]).p > 0.05);
    }

    #[test]
    fn what_cannot_be_said_is_not() {
        let mut rng = Seed::new(1).rng("test", 0);
        assert_eq!(estimate(&[0.1; MIN_PAIRS - 1], 0.95, 100, &mut rng), None);
        assert_eq!(estimate(&[0.1, 0.1, 0.1, 0.1, f64::NAN], 0.95, 100, &mut rng), None);
        assert_eq!(noise_floor(&[], 10), None);
    }

    #[test]
    fn the_same_stream_says_the_same() {
        let differences = [0.1, -0.2, 0.05, 0.3, 0.0, -0.1];
        assert_eq!(to_estimate(&differences), to_estimate(&differences));
    }

    #[test]
    fn holm_raises_the_smallest_most() {
        assert_eq!(holm(&[0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02]);
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
        assert_eq!(holm(&[]), Vec::<f64>::new());
    }

    #[test]
    fn the_noise_floor_is_the_error_of_a_mean() {
        let floor = noise_floor(&[0.04, -0.04, 0.04, -0.04], 16).unwrap();
        assert!((floor - 0.01).abs() < 1e-12);
    }
}
