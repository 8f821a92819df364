//! Experiments on a simulated machine with the noise of a real one. Each run has a common speed factor, and
//! the factors of consecutive runs are correlated.
//!
//! The parameters were measured for paired runs: 2,000 log-normal sign-ins (σ 0.5) a run, a speed factor with
//! a standard deviation of 8 %, and a correlation of 0.7 from one run to the next.

use poolproof::compare::{
    Arm, ComparisonOptions, MetricVerdict, Pair, RunMetrics, Series, judge_metrics, overall, plan,
};
use poolproof_cognito::seed::{Rng, Seed};
use rand_distr::{Distribution as _, StandardNormal};

/// The number of sign-ins in a run.
const SIGN_INS: usize = 2000;
/// σ of the latencies in a run.
const LATENCY_SIGMA: f64 = 0.5;
/// The standard deviation of the logarithm of the speed factor.
const FACTOR_SIGMA: f64 = 0.08;
/// The correlation of the speed factors of consecutive runs.
const CORRELATION: f64 = 0.7;
const MEDIAN_US: f64 = 10_000.0;

/// The design of an experiment.
#[derive(Clone, Copy)]
pub(crate) struct Design {
    /// The number of pairs at the first look.
    pub(crate) pairs: u32,
    /// The number of pairs at the last look.
    pub(crate) max_pairs: u32,
    /// The number of A/A pairs: both runs of such a pair are runs of the base.
    pub(crate) aa_pairs: u32,
    /// The slowdown of the head's sign-ins, as a share: 0.1 is 10 %.
    pub(crate) slowdown: f64,
    /// The number of resamples of the bootstrap.
    pub(crate) resamples: usize,
}

struct Machine {
    /// The logarithm of the speed factor of the last run.
    factor: f64,
    rng: Rng,
}

impl Machine {
    fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.rng)
    }

    fn run(&mut self, slowdown: f64) -> RunMetrics {
        self.factor = CORRELATION * self.factor
            + (1.0 - CORRELATION * CORRELATION).sqrt() * FACTOR_SIGMA * self.normal();
        let scale = MEDIAN_US * self.factor.exp() * (1.0 + slowdown);
        let mut times: Vec<f64> =
            (0..SIGN_INS).map(|_| scale * (LATENCY_SIGMA * self.normal()).exp()).collect();
        times.sort_by(f64::total_cmp);
        let quantile = |share: f64| Some(times[(share * SIGN_INS as f64) as usize]);
        // One user signs in repeatedly, so the sum of the latencies determines the throughput.
        let throughput = SIGN_INS as f64 * 1e6 / times.iter().sum::<f64>();
        RunMetrics([quantile(0.50), quantile(0.90), quantile(0.99), Some(throughput)])
    }
}

/// Returns the final verdict of experiment `number`.
pub(crate) fn experiment(design: &Design, number: u64) -> MetricVerdict {
    let seed = Seed::new(1000 + number);
    let mut machine = Machine { factor: 0.0, rng: seed.rng("noise", 0) };
    machine.factor = FACTOR_SIGMA * machine.normal();
    let looks = if design.max_pairs > design.pairs { 2 } else { 1 };
    let options = ComparisonOptions {
        min_effect: 0.05,
        noise: None,
        error: 0.05,
        looks,
        resamples: design.resamples,
        seed,
    };
    let mut series = Series::default();
    for (pairs, aa_pairs) in [(0..design.pairs, design.aa_pairs), (design.pairs..design.max_pairs, 0)] {
        for slot in plan(seed, pairs, aa_pairs) {
            let mut run = |arm| machine.run(if arm == Arm::Head { design.slowdown } else { 0.0 });
            let [first, second] = slot.arms.map(&mut run);
            let head_first = slot.arms[0] == Arm::Head;
            let pair = if head_first {
                Pair { base: second, head: first }
            } else {
                Pair { base: first, head: second }
            };
            if slot.is_aa() { series.same.push(pair) } else { series.pairs.push(pair) }
        }
        let verdict = overall(&judge_metrics(std::slice::from_ref(&series), &options));
        if verdict != MetricVerdict::Inconclusive {
            return verdict;
        }
    }
    MetricVerdict::Inconclusive
}

/// Returns the number of experiments with each verdict: regressed, improved, equivalent, inconclusive.
pub(crate) fn counts(design: &Design, experiments: u64) -> [u64; 4] {
    let mut counts = [0; 4];
    for number in 0..experiments {
        counts[match experiment(design, number) {
            MetricVerdict::Regressed => 0,
            MetricVerdict::Improved => 1,
            MetricVerdict::Equivalent => 2,
            MetricVerdict::Inconclusive => 3,
        }] += 1;
    }
    counts
}
