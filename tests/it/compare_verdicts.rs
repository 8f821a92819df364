//! The verdicts of experiments with pairs of runs, and their texts.

use poolproof::compare::{self, ComparisonOptions, Experiment, MetricVerdict, PairStatus, Reports, plan};
use poolproof::report::Report;
use poolproof_cognito::seed::Seed;

use crate::compare::report;
use crate::noise::{Design, counts};
use crate::run_fixture::root;

/// Runs an experiment of six pairs with a bundled report as base. `change` turns it into the head's report.
fn experiment(change: impl Fn(&mut Report, usize)) -> compare::Comparison {
    let file = root().join("reports/golden/cognito-quotas-devices/report.json");
    let original = report(&file);
    let options = ComparisonOptions {
        min_effect: 0.05,
        noise: None,
        error: 0.05,
        looks: 1,
        resamples: 1000,
        seed: Seed::new(1),
    };
    let mut experiment = Experiment::new(options);
    for (number, slot) in plan(Seed::new(1), 0..6, 0).iter().enumerate() {
        let mut other = original.clone();
        change(&mut other, number);
        let reports = |report: Report| Reports::from([(report.scenario.name.clone(), report)]);
        let status = experiment.add(slot, &reports(original.clone()), &reports(other)).unwrap();
        assert_eq!(status, PairStatus::Accepted);
    }
    experiment.comparison("base", "head")
}

#[test]
fn one_decision_difference_decides_the_verdict() {
    let comparison = experiment(|report, pair| {
        report.latency.sign_in.intended.p50_us = Some(9_000);
        report.decisions.mismatched += u64::from(pair == 4);
    });
    assert_eq!((comparison.verdict.exit_code, comparison.verdict.word.as_str()), (80, "decisions differ"));
    assert_eq!(comparison.scenarios[0].decisions.differing_pairs, 1);
    let text = compare::text(&comparison).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("different in 1 of 6 pairs"), "{text}");
    // The verdict reports the change of the latency too.
    assert!(comparison.verdict.sentences.iter().any(|sentence| sentence.starts_with("Regressed:")));
}

#[test]
fn more_throughput_is_better_and_longer_times_are_worse() {
    let rate = |factor: f64| {
        let comparison = experiment(|report, _| {
            report.throughput.achieved_per_s = report.throughput.achieved_per_s.map(|rate| rate * factor);
        });
        (comparison.verdict.exit_code, comparison.scenarios[0].metrics[3].judgement)
    };
    assert_eq!(rate(0.8), (81, MetricVerdict::Regressed));
    assert_eq!(rate(1.25), (0, MetricVerdict::Improved));
    let times = |us| experiment(move |report, _| report.latency.sign_in.intended.p99_us = Some(us));
    assert_eq!(times(1).scenarios[0].metrics[2].judgement, MetricVerdict::Improved);
    assert_eq!(times(10_000_000).scenarios[0].metrics[2].judgement, MetricVerdict::Regressed);
}

#[test]
fn the_effect_limit_is_twice_the_aa_noise() {
    let file = root().join("reports/golden/cognito-quotas-devices/report.json");
    let original = report(&file);
    let options = ComparisonOptions {
        min_effect: 0.05,
        noise: None,
        error: 0.05,
        looks: 1,
        resamples: 1000,
        seed: Seed::new(1),
    };
    let metric = |noise: Option<f64>| {
        let mut experiment = Experiment::new(ComparisonOptions { noise, ..options });
        for slot in plan(Seed::new(1), 0..6, 6) {
            let mut other = original.clone();
            let us = original.latency.sign_in.intended.p50_us.map(|us| us as f64).unwrap();
            // Each A/A pair differs by a factor of 1.2. The mean of six differs by 8 %. The head is 10 %
            // slower.
            let factor = if slot.is_aa() { [1.2, 1.0 / 1.2][slot.number as usize % 2] } else { 1.1 };
            other.latency.sign_in.intended.p50_us = Some((us * factor).round() as u64);
            let reports = |report: Report| Reports::from([(report.scenario.name.clone(), report)]);
            let status = experiment.add(&slot, &reports(original.clone()), &reports(other)).unwrap();
            assert_eq!(status, PairStatus::Accepted);
        }
        experiment.comparison("base", "head").scenarios[0].metrics[0].clone()
    };
    let measured = metric(None);
    assert_eq!(measured.judgement, MetricVerdict::Equivalent, "{measured:?}");
    assert!((measured.noise_floor.unwrap() - 0.077).abs() < 0.001, "{measured:?}");
    assert!((measured.effect - 2.0 * measured.noise_floor.unwrap()).abs() < 1e-5, "{measured:?}");
    let given = metric(Some(0.01));
    assert_eq!((given.effect, given.judgement), (0.05, MetricVerdict::Regressed));
}

#[test]
fn high_variance_is_inconclusive_and_saturation_is_reported() {
    let noisy = |report: &mut Report, pair: usize| {
        report.latency.sign_in.intended.p50_us = Some([3_000, 8_000, 4_000, 7_000, 2_500, 9_000][pair]);
    };
    assert_eq!(experiment(noisy).verdict.exit_code, 82);
    let saturated = experiment(|report, pair| {
        report.generator.saturated = (pair == 2).then(|| "late".to_owned());
    });
    assert_eq!(saturated.verdict.exit_code, 83);
    assert!(
        saturated.verdict.sentences.iter().any(|sentence| sentence.contains("could not keep up in 1 run"))
    );
}

#[test]
fn external_text_is_escaped() {
    let mut comparison = experiment(|_, _| {});
    comparison.base = "a\u{1b}[31m | `b` <img>".to_owned();
    comparison.scenarios[0].group = "x\u{1b}[2J|<b>\n# y".to_owned();
    let text = compare::text(&comparison);
    assert!(!text.contains('\u{1b}'), "{text}");
    let markdown = compare::markdown(&comparison);
    assert!(
        !markdown.contains('\u{1b}') && !markdown.contains("<b>") && !markdown.contains("\n# y"),
        "{markdown}"
    );
    assert!(markdown.contains("- base `` a\u{fffd}[31m | `b` <img> ``"), "{markdown}");
}

/// A quick version of `benches/compare.rs`, with fewer experiments and wider limits.
#[test]
fn noisy_experiments_have_few_false_alarms_and_find_10_percent() {
    let design = Design { pairs: 10, max_pairs: 10, aa_pairs: 0, slowdown: 0.0, resamples: 2000 };
    let [regressed, improved, ..] = counts(&design, 40);
    assert!(regressed + improved <= 4, "{regressed} + {improved} false alarms in 40 experiments");
    let [regressed, improved, ..] = counts(&Design { slowdown: 0.1, ..design }, 40);
    assert!(regressed >= 34 && improved == 0, "only {regressed} of 40 regressions were found");
}

/// The full version: `cargo test --test it two_hundred -- --ignored`.
#[test]
#[ignore = "takes half a minute: --ignored"]
fn two_hundred_noisy_experiments_keep_the_error_rate() {
    for (max_pairs, aa_pairs) in [(10, 0), (10, 5), (20, 5)] {
        let design = Design { pairs: 10, max_pairs, aa_pairs, slowdown: 0.0, resamples: 10_000 };
        let [regressed, improved, ..] = counts(&design, 200);
        assert!(regressed + improved <= 10, "{regressed} + {improved} false alarms in 200 experiments");
        let [regressed, ..] = counts(&Design { slowdown: 0.1, ..design }, 200);
        assert!(regressed >= 180, "only {regressed} of 200 regressions were found");
    }
}

#[test]
fn a_second_look_halves_the_error() {
    let options = ComparisonOptions {
        min_effect: 0.05,
        noise: None,
        error: 0.05,
        looks: 2,
        resamples: 100,
        seed: Seed::new(1),
    };
    assert!((options.error_per_look() - 0.025).abs() < 1e-12);
    let from_least_severe = [
        MetricVerdict::Equivalent,
        MetricVerdict::Improved,
        MetricVerdict::Inconclusive,
        MetricVerdict::Regressed,
    ];
    assert!(from_least_severe.is_sorted());
}
