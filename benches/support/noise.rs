//! Experiments on a simulated machine, whose noise is like that of a real one: each run is quicker or slower as a whole, runs close
//! together more alike than runs far apart.
//!
//! The noise is that measured for paired runs: 2,000 log-normal sign-ins (σ 0.5) a run, and a factor of the run with a standard deviation of
//! 8 %, which keeps 0.7 of itself from one run to the next.

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

/// How experiments are made.
#[derive(Clone, Copy)]
pub(crate) struct Design {
    /// Pairs of the first look.
    pub(crate) pairs: u32,
    /// Pairs of the last look.
    pub(crate) most: u32,
    /// Pairs of base against base.
    pub(crate) same: u32,
    /// By how much the head's sign-ins take longer: 0.1 is a tenth.
    pub(crate) slower: f64,
    /// Resamples of the bootstrap.
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
        // One user after the other: what is achieved is what the sign-ins leave time for.
        let throughput = SIGN_INS as f64 * 1e6 / times.iter().sum::<f64>();
        RunMetrics([quantile(0.50), quantile(0.90), quantile(0.99), Some(throughput)])
    }
}

/// What experiment `number` says in the end.
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
        let said = overall(&judge_metrics(std::slice::from_ref(&series), &options));
        if said != MetricVerdict::Inconclusive {
            return said;
        }
    }
    MetricVerdict::Inconclusive
}

/// How many of so many experiments say what: regressed, improved, equivalent, inconclusive.
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
