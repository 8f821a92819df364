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

const SIGN_INS: usize = 2000;
const SPREAD: f64 = 0.5;
const FACTOR: f64 = 0.08;
const KEPT: f64 = 0.7;
const MEDIAN_US: f64 = 10_000.0;

/// The design of an experiment.
#[derive(Clone, Copy)]
pub(crate) struct Design {
    /// The number of pairs at the first look.
    pub(crate) pairs: u32,
    /// The number of pairs at the last look.
    pub(crate) most: u32,
    /// The number of pairs of base against base.
    pub(crate) same: u32,
    /// The slowdown of the head's sign-ins: 0.1 is 10 %.
    pub(crate) slower: f64,
    /// The resamples of the bootstrap.
    pub(crate) resamples: usize,
}

struct Machine {
    factor: f64,
    rng: Rng,
}

impl Machine {
    fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.rng)
    }

    fn run(&mut self, slower: f64) -> RunMetrics {
        self.factor = KEPT * self.factor + (1.0 - KEPT * KEPT).sqrt() * FACTOR * self.normal();
        let scale = MEDIAN_US * self.factor.exp() * (1.0 + slower);
        let mut times: Vec<f64> = (0..SIGN_INS).map(|_| scale * (SPREAD * self.normal()).exp()).collect();
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
    machine.factor = FACTOR * machine.normal();
    let looks = if design.most > design.pairs { 2 } else { 1 };
    let options = ComparisonOptions {
        min_effect: 0.05,
        noise: None,
        error: 0.05,
        looks,
        resamples: design.resamples,
        seed,
    };
    let mut series = Series::default();
    for (pairs, same) in [(0..design.pairs, design.same), (design.pairs..design.most, 0)] {
        for slot in plan(seed, pairs, same) {
            let mut run = |arm| machine.run(if arm == Arm::Head { design.slower } else { 0.0 });
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

/// Counts the verdicts of experiments: regressed, improved, equivalent, inconclusive.
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
