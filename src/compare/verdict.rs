//! Derives a verdict on each metric from paired runs.

use std::fmt;

use serde::Serialize;

use super::statistics::{Estimate, Interval, estimate, holm, noise_floor};
use crate::report::Report;
use crate::rounding::rounded;
use poolproof_cognito::seed::Seed;

/// The metrics of whole sign-ins: latency quantiles from the intended start, and achieved throughput.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Median.
    P50,
    /// 90th percentile.
    P90,
    /// 99th percentile.
    P99,
    /// Answers a second.
    Throughput,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::P50, Self::P90, Self::P99, Self::Throughput];

    /// Its name, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
            Self::Throughput => "throughput",
        }
    }

    /// Returns 1 if a higher value is worse, −1 if a lower value is worse.
    const fn worse_sign(self) -> f64 {
        match self {
            Self::P50 | Self::P90 | Self::P99 => 1.0,
            Self::Throughput => -1.0,
        }
    }
}

/// The metrics of one run in the order of [`Metric::ALL`], in µs and answers per second. `None` if there were
/// too few sign-ins.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct RunMetrics(pub [Option<f64>; Metric::ALL.len()]);

impl RunMetrics {
    /// Reads the metrics of a report. A latency below a microsecond counts as one.
    pub fn of(report: &Report) -> Self {
        let quantiles = &report.latency.sign_in.intended;
        let us = |us: Option<u64>| us.map(|us| us.max(1) as f64);
        Self([
            us(quantiles.p50_us),
            us(quantiles.p90_us),
            us(quantiles.p99_us),
            report.throughput.achieved_per_s.filter(|rate| *rate > 0.0),
        ])
    }

    fn value(&self, metric: Metric) -> Option<f64> {
        self.0[metric as usize]
    }
}

/// Consecutive runs of both arms with the same seed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pair {
    /// Of the base.
    pub base: RunMetrics,
    /// Of the head.
    pub head: RunMetrics,
}

impl Pair {
    /// ln(head / base).
    fn log_ratio(&self, metric: Metric) -> Option<f64> {
        Some((self.head.value(metric)? / self.base.value(metric)?).ln())
    }
}

/// The pairs of one scenario.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Series {
    /// Base against head.
    pub pairs: Vec<Pair>,
    /// Base against base, to measure noise.
    pub same: Vec<Pair>,
}

/// Options of a comparison.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ComparisonOptions {
    /// The smallest relevant effect, as a share: 0.05 is 5 %.
    pub min_effect: f64,
    /// A configured noise floor, as a share; `None` if it is measured.
    pub noise: Option<f64>,
    /// Error probability of the whole experiment.
    pub error: f64,
    /// Number of looks; they share the error probability.
    pub looks: u32,
    /// Resamples of the bootstrap.
    pub resamples: usize,
    /// The seed of the resamples.
    pub seed: Seed,
}

impl ComparisonOptions {
    /// Returns the error probability of one look.
    pub fn error_per_look(&self) -> f64 {
        self.error / f64::from(self.looks.max(1))
    }
}

/// The verdict on a metric.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricVerdict {
    /// The difference is irrelevant at both ends of its interval.
    Equivalent,
    /// Better by a relevant amount, and significant.
    Improved,
    /// Inconclusive.
    Inconclusive,
    /// Worse by a relevant amount, and significant.
    Regressed,
}

impl fmt::Display for MetricVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Equivalent => "equivalent",
            Self::Improved => "improved",
            Self::Inconclusive => "inconclusive",
            Self::Regressed => "regressed",
        })
    }
}

/// A metric with its verdict. Shares are relative to the base: 0.1 is 10 % more.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct MetricResult {
    /// The metric.
    pub metric: Metric,
    /// The geometric mean over the runs of the base, in µs or answers per second; absent if a run had too few
    /// sign-ins.
    pub base: Option<f64>,
    /// The geometric mean over the runs of the head.
    pub head: Option<f64>,
    /// The relative difference of the head.
    pub change: Option<f64>,
    /// The lower bound of the confidence interval of `change`.
    pub low: Option<f64>,
    /// The upper bound.
    pub high: Option<f64>,
    /// The p-value after Holm's correction.
    pub p: Option<f64>,
    /// The noise of base against base, if known.
    pub noise_floor: Option<f64>,
    /// The smallest relevant difference.
    pub effect: f64,
    /// The verdict.
    pub judgement: MetricVerdict,
}

/// Judges all metrics of all scenarios together, each scenario's in the order of [`Metric::ALL`].
///
/// *Regressed* and *improved* need a mean of at least the relevant effect and a Holm-corrected p-value within
/// the error of the look. *Equivalent* needs an interval of confidence 1 − that error within the effect (TOST
/// at half the error per side). The effect is the larger of `min_effect` and twice the noise floor, as a
/// ratio, so that both directions are symmetric.
pub fn judge_metrics(series: &[Series], options: &ComparisonOptions) -> Vec<Vec<MetricResult>> {
    let mut results: Vec<(MetricResult, Option<Estimate>)> = Vec::new();
    for one in series {
        for metric in Metric::ALL {
            // Resamples depend only on the index of the metric, so another metric does not change them.
            results.push(measure(one, metric, options, results.len() as u64));
        }
    }
    let known: Vec<f64> = results.iter().filter_map(|(_, estimate)| estimate.map(|known| known.p)).collect();
    let mut raised = holm(&known).into_iter();
    let mut judged = results.into_iter().map(|(mut judged, estimate)| {
        if let Some((estimate, p)) = estimate.and_then(|estimate| Some((estimate, raised.next()?))) {
            judged.p = Some(p);
            judged.judgement = verdict(judged.metric, &estimate, p, judged.effect, options);
        }
        judged
    });
    series.iter().map(|_| judged.by_ref().take(Metric::ALL.len()).collect()).collect()
}

fn measure(
    series: &Series,
    metric: Metric,
    options: &ComparisonOptions,
    place: u64,
) -> (MetricResult, Option<Estimate>) {
    let ratios =
        |pairs: &[Pair]| pairs.iter().map(|pair| pair.log_ratio(metric)).collect::<Option<Vec<f64>>>();
    let same = ratios(&series.same).and_then(|same| noise_floor(&same, series.pairs.len()));
    let noise_floor = options.noise.or_else(|| same.map(f64::exp_m1));
    let effect = options.min_effect.max(2.0 * noise_floor.unwrap_or(0.0));
    let rng = &mut options.seed.rng("compare.bootstrap", place);
    let confidence = 1.0 - options.error_per_look();
    let estimate =
        ratios(&series.pairs).and_then(|ratios| estimate(&ratios, confidence, options.resamples, rng));
    let middle = |arm: fn(&Pair) -> &RunMetrics| {
        let values = series.pairs.iter().map(|pair| arm(pair).value(metric));
        let logs: Option<Vec<f64>> = values.map(|value| value.map(f64::ln)).collect();
        logs.filter(|logs| !logs.is_empty()).map(|logs| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
    };
    let share = |of: fn(&Estimate) -> f64| estimate.as_ref().map(|known| rounded(of(known).exp_m1(), 6));
    let judged = MetricResult {
        metric,
        base: middle(|pair| &pair.base).map(|value| rounded(value, 3)),
        head: middle(|pair| &pair.head).map(|value| rounded(value, 3)),
        change: share(|known| known.mean),
        low: share(|known| known.interval.low),
        high: share(|known| known.interval.high),
        p: None,
        noise_floor: noise_floor.map(|floor| rounded(floor, 6)),
        effect: rounded(effect, 6),
        judgement: MetricVerdict::Inconclusive,
    };
    (judged, estimate)
}

fn verdict(
    metric: Metric,
    estimate: &Estimate,
    p: f64,
    effect: f64,
    options: &ComparisonOptions,
) -> MetricVerdict {
    let matters = effect.ln_1p();
    let worse_by = estimate.mean * metric.worse_sign();
    let Interval { low, high } = estimate.interval;
    if p <= options.error_per_look() && worse_by >= matters {
        MetricVerdict::Regressed
    } else if p <= options.error_per_look() && -worse_by >= matters {
        MetricVerdict::Improved
    } else if (Interval { low, high }).within(matters) {
        MetricVerdict::Equivalent
    } else {
        MetricVerdict::Inconclusive
    }
}

/// Returns the overall verdict on the measured metrics: the worst one, except that *improved* needs every
/// metric to be conclusive.
pub fn overall(judged: &[Vec<MetricResult>]) -> MetricVerdict {
    let measured = judged.iter().flatten().filter(|one| one.change.is_some());
    measured.map(|one| one.judgement).max().unwrap_or(MetricVerdict::Inconclusive)
}
