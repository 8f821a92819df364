//! Watches have the values of the records in their windows, and store only their windows.

use std::time::Duration;

use poolproof::metrics::{
    Counter, DueSignIn, LoadSpan, Recorder, SignInRecord, SignInStatus, Statistic, Timing, Watch, WatchSpec,
    WindowSpec, WindowValue, WorseDirection,
};
use poolproof_cognito::protocol::SignInStep;

use crate::sample::{recorded, sign_ins};

const STATISTICS: [Statistic; 9] = [
    Statistic::Quantile(Timing::Intended, 0.99),
    Statistic::Quantile(Timing::Service, 0.5),
    Statistic::Quantile(Timing::Lag, 1.0),
    Statistic::Quantile(Timing::SignInStep(SignInStep::DevicePasswordVerifier), 0.95),
    Statistic::Count(Counter::Refused),
    Statistic::Count(Counter::Mismatched),
    Statistic::Share(Counter::Failed, Counter::Started),
    Statistic::Share(Counter::Throttled, Counter::Requests),
    Statistic::Mean(Timing::Intended),
];

/// Windows from the sixth second, because the warm-up of the sample is five seconds long, to second 40.
fn windows(seconds: u32, worse: WorseDirection) -> WindowSpec {
    WindowSpec { seconds, worse, min_samples: 1, load: vec![span(0, 5, 40)] }
}

fn span(workload: u16, from_s: u64, until_s: u64) -> LoadSpan {
    LoadSpan { workload, from: Duration::from_secs(from_s), until: Duration::from_secs(until_s) }
}

/// A measured sign-in that is due.
fn due(intended: Duration) -> DueSignIn {
    DueSignIn { intended, workload: 0, warm_up: false, cool_down: false }
}

fn watch(statistic: Statistic, windows: Option<WindowSpec>) -> Watch {
    Watch::new(WatchSpec { statistic, rule: None, workload: None, windows })
}

/// Returns the records in the order of their ends, as the run's recorder receives them.
fn in_order(seed: u64) -> Vec<SignInRecord> {
    let mut all = sign_ins(seed, 5000, true);
    all.sort_by_key(|sign_in| sign_in.finished);
    all
}

fn second(sign_in: &SignInRecord) -> u64 {
    sign_in.finished.as_secs()
}

#[test]
fn every_window_matches_its_records() {
    for (seed, seconds) in [(1, 1), (2, 3), (3, 10)] {
        let all = in_order(seed);
        let mut recorder = Recorder::with_watches(
            STATISTICS
                .iter()
                .map(|statistic| watch(*statistic, Some(windows(seconds, WorseDirection::Higher))))
                .collect(),
        );
        let mut worst = [None::<WindowValue>; STATISTICS.len()];
        let (mut window_count, ends) = (0, second(all.last().unwrap()));
        for end in 1..=ends {
            all.iter().filter(|one| second(one) == end - 1).for_each(|one| recorder.sign_in(one));
            recorder.tick(Duration::from_secs(end));
            let within =
                |one: &&SignInRecord| (end.saturating_sub(u64::from(seconds))..end).contains(&second(one));
            let measured = recorded(all.iter().filter(within).filter(|one| !one.warm_up));
            // A sign-in counts in the window in which it ends, even if it started in the warm-up.
            let ended: Vec<_> =
                all.iter().filter(within).map(|one| SignInRecord { warm_up: false, ..one.clone() }).collect();
            let ended = recorded(&ended);
            for ((statistic, watch), worst) in STATISTICS.iter().zip(recorder.watches()).zip(&mut worst) {
                let full = (5 + u64::from(seconds)..=40).contains(&end);
                let timing = matches!(statistic, Statistic::Quantile(..) | Statistic::Mean(_));
                let summary = if timing { measured.summary() } else { ended.summary() };
                let seen = summary.value(*statistic).filter(|_| full).map(|value| WindowValue {
                    value,
                    from_us: (end - u64::from(seconds)) * 1_000_000,
                    to_us: end * 1_000_000,
                });
                match (watch.latest(), seen) {
                    // The mean is a sum of floating-point numbers, which depends on the order.
                    (Some(actual), Some(expected)) => {
                        assert!(
                            (actual.value - expected.value).abs() <= 1e-9 * expected.value,
                            "{statistic:?} {end}"
                        );
                        assert_eq!((actual.from_us, actual.to_us), (expected.from_us, expected.to_us));
                    }
                    (actual, expected) => assert_eq!(actual, expected, "{statistic:?} at {end}"),
                }
                window_count += u64::from(seen.is_some());
                if seen.is_some_and(|seen| worst.is_none_or(|worst| seen.value > worst.value)) {
                    *worst = seen;
                }
            }
        }
        assert!(window_count > 100, "{window_count}");
        for (watch, worst) in recorder.watches().iter().zip(worst) {
            assert_eq!(watch.worst().map(|seen| seen.to_us), worst.map(|seen| seen.to_us));
        }
    }
}

#[test]
fn a_watch_without_filter_matches_the_summary() {
    let all = in_order(4);
    let statistics = STATISTICS.iter().copied().chain([
        Statistic::PerSecond(Counter::Offered),
        Statistic::PerSecond(Counter::Answered),
        Statistic::Share(Counter::Dropped, Counter::Offered),
        Statistic::Count(Counter::Started),
    ]);
    let statistics: Vec<Statistic> = statistics.collect();
    let mut recorder =
        Recorder::with_watches(statistics.iter().map(|statistic| watch(*statistic, None)).collect());
    all.iter().for_each(|one| recorder.sign_in(one));
    recorder.dropped(due(Duration::from_secs(39)));
    recorder.unfinished(due(Duration::from_secs(40)));
    // Arrivals that the warm-up dropped are only in the course of the run.
    recorder.dropped(DueSignIn { warm_up: true, ..due(Duration::ZERO) });
    for (statistic, watch) in statistics.iter().zip(recorder.watches()) {
        let value = recorder.summary().value(*statistic);
        assert!(value.is_some(), "{statistic:?}");
        assert_eq!(watch.value(), value, "{statistic:?}");
        assert_eq!(watch.denominator(), recorder.summary().denominator(*statistic), "{statistic:?}");
    }
}

#[test]
fn selectors_filter_by_workload_and_rule() {
    let mut all = in_order(5);
    for one in &mut all {
        one.workload = u16::from(one.number.is_multiple_of(3));
    }
    let rule = "device-suppresses-mfa";
    let watch_spec =
        |statistic, rule, workload| Watch::new(WatchSpec { statistic, rule, workload, windows: None });
    let p50 = Statistic::Quantile(Timing::Service, 0.5);
    let mut recorder = Recorder::with_watches(vec![
        watch_spec(Statistic::Count(Counter::Started), None, Some(1)),
        watch_spec(Statistic::Count(Counter::Checked), Some(rule), None),
        watch_spec(Statistic::Count(Counter::Mismatched), Some(rule), Some(0)),
        watch_spec(p50, Some(rule), Some(1)),
        watch_spec(Statistic::Count(Counter::Mismatched), Some("unheard-of"), None),
    ]);
    all.iter().for_each(|one| recorder.sign_in(one));
    let of =
        |workload: Option<u16>| all.iter().filter(move |one| workload.is_none_or(|it| it == one.workload));
    let under =
        |one: &SignInRecord| one.judgements.iter().filter(|judgement| judgement.rule.id == rule).count();
    let wrong = of(Some(0)).flat_map(|one| &one.judgements);
    let wrong = wrong.filter(|judgement| judgement.rule.id == rule && !judgement.matches()).count();
    let timing = recorded(of(Some(1)).filter(|one| under(one) > 0));
    assert!(wrong > 0);
    let values: Vec<Option<f64>> = recorder.watches().iter().map(Watch::value).collect();
    assert_eq!(
        values,
        [
            Some(of(Some(1)).count() as f64),
            Some(of(None).map(under).sum::<usize>() as f64),
            Some(wrong as f64),
            timing.summary().value(p50),
            // Without checked decisions there is no value.
            None,
        ]
    );
}

#[test]
fn late_records_count_in_the_open_second() {
    let one = SignInRecord { warm_up: false, workload: 0, ..sign_ins(1, 1, false).remove(0) };
    let at = |ms| SignInRecord {
        finished: Duration::from_millis(ms),
        end: SignInStatus::Completed,
        ..one.clone()
    };
    let started = Statistic::Count(Counter::Started);
    let mut recorder = Recorder::with_watches(vec![watch(started, Some(windows(1, WorseDirection::Higher)))]);
    [at(5100), at(6001), at(5999), at(6500)].iter().for_each(|one| recorder.sign_in(one));
    recorder.tick(Duration::from_secs(7));
    assert_eq!(recorder.watches()[0].worst().map(|seen| (seen.value, seen.from_us)), Some((3.0, 6_000_000)));
}

/// Returns a recorder with a watch for each direction in which a value can be worse.
fn with_each_worse(statistic: Statistic, load: &[LoadSpan]) -> Recorder {
    let ways = [
        WorseDirection::Higher,
        WorseDirection::Lower,
        WorseDirection::FartherFrom(100.0),
        WorseDirection::FartherFrom(0.0),
    ];
    let windows = |worse| WindowSpec { load: load.to_vec(), ..windows(2, worse) };
    Recorder::with_watches(ways.map(|worse| watch(statistic, Some(windows(worse)))).to_vec())
}

/// Returns the worst value of each watch and the start and end of its window in seconds.
fn worst(recorder: &Recorder) -> Vec<Option<(f64, u64, u64)>> {
    let in_seconds = |seen: WindowValue| (seen.value, seen.from_us / 1_000_000, seen.to_us / 1_000_000);
    recorder.watches().iter().map(|watch| watch.worst().map(in_seconds)).collect()
}

#[test]
fn windows_are_evaluated_only_during_load() {
    let one = sign_ins(1, 1, false).remove(0);
    let ended = |ms, end| {
        let finished = Duration::from_millis(ms);
        let warm_up = finished < Duration::from_secs(5);
        SignInRecord { finished, warm_up, end, workload: 0, ..one.clone() }
    };
    // Ten sign-ins per second until the load ends at 40 s, then two late ones, one of which fails.
    let all: Vec<SignInRecord> = (0..400)
        .map(|tenth| ended(100 * tenth, SignInStatus::Completed))
        .chain([ended(41_000, SignInStatus::Abandoned), ended(59_000, SignInStatus::Completed)])
        .collect();
    let worst_of = |statistic, load: &[LoadSpan], early: Option<u64>| {
        let mut recorder = with_each_worse(statistic, load);
        if let Some(at) = early {
            recorder.end_load(0, Duration::from_secs(at));
        }
        all.iter().for_each(|one| recorder.sign_in(one));
        recorder.tick(Duration::from_secs(60));
        worst(&recorder)
    };
    let rate = Statistic::PerSecond(Counter::Answered);
    assert_eq!(worst_of(rate, &[span(0, 5, 40)], None), [Some((10.0, 5, 7)); 4]);
    let failed = Statistic::Share(Counter::Failed, Counter::Started);
    assert_eq!(worst_of(failed, &[span(0, 5, 40)], None), [Some((0.0, 5, 7)); 4]);
    // With the late sign-ins the values would differ.
    let drained = [Some((10.0, 5, 7)), Some((0.0, 40, 42)), Some((0.0, 40, 42)), Some((10.0, 5, 7))];
    assert_eq!(worst_of(rate, &[span(0, 5, 60)], None), drained);
    assert_eq!(worst_of(failed, &[span(0, 5, 60)], None)[0], Some((1.0, 40, 42)));
    // A load that ends earlier than planned, and one without sign-ins.
    assert_eq!(worst_of(rate, &[span(0, 5, 60)], Some(40)), [Some((10.0, 5, 7)); 4]);
    assert_eq!(worst_of(rate, &[span(0, 5, 60)], Some(6)), [None; 4]);
    assert_eq!(worst_of(rate, &[], None), [None; 4]);
    // A load that ends within a second counts up to the second before; one that starts within a second counts
    // from the next.
    let odd = LoadSpan {
        from: Duration::from_millis(38_001),
        until: Duration::from_millis(41_999),
        ..span(0, 0, 0)
    };
    assert_eq!(worst_of(rate, &[odd], None)[1], Some((5.0, 39, 41)));
}

#[test]
fn windows_between_loads_are_ignored() {
    let rate = Statistic::PerSecond(Counter::Answered);
    let one =
        SignInRecord { warm_up: false, end: SignInStatus::Completed, ..sign_ins(1, 1, false).remove(0) };
    let seen = |load: &[LoadSpan]| {
        let mut recorder = with_each_worse(rate, load);
        // Ten sign-ins per second up to 5 s and from 8 s to 12 s, then none until the load ends.
        for tenth in (0..50).chain(80..120) {
            recorder.sign_in(&SignInRecord { finished: Duration::from_millis(100 * tenth), ..one.clone() });
        }
        recorder.tick(Duration::from_secs(1000));
        worst(&recorder)[1]
    };
    assert_eq!(seen(&[span(0, 0, 5), span(1, 8, 12)]), Some((10.0, 0, 2)));
    assert_eq!(seen(&[span(0, 0, 7), span(1, 8, 12)]), Some((0.0, 5, 7)));
    assert_eq!(seen(&[span(1, 8, 12), span(0, 0, 4), span(2, 3, 8)]), Some((0.0, 5, 7)), "in any order");
    // A gap continues into the next load and counts there, however long ago it began.
    assert_eq!(seen(&[span(0, 0, 5), span(1, 8, 12), span(2, 400, 402)]), Some((0.0, 400, 402)));
    assert_eq!(seen(&[span(0, 0, 5), span(1, 8, 12), span(2, 400, 401)]), Some((10.0, 0, 2)));
}

#[test]
fn a_ratio_with_too_few_samples_is_absent() {
    let failed = Statistic::Share(Counter::Failed, Counter::Started);
    let one = SignInRecord { warm_up: false, workload: 0, ..sign_ins(1, 1, false).remove(0) };
    let mut recorder = Recorder::with_watches(vec![watch(
        failed,
        Some(WindowSpec { min_samples: 10, ..windows(1, WorseDirection::Higher) }),
    )]);
    // Nine sign-ins in the second from 6 s, which all fail, and ten in the next, of which one fails.
    for (ms, end) in (0..9).map(|n| (6000 + n, SignInStatus::Abandoned)).chain(
        (0..10).map(|n| (7000 + n, if n == 0 { SignInStatus::Abandoned } else { SignInStatus::Completed })),
    ) {
        recorder.sign_in(&SignInRecord { finished: Duration::from_millis(ms), end, ..one.clone() });
    }
    recorder.tick(Duration::from_secs(10));
    assert_eq!(worst(&recorder), [Some((0.1, 7, 8))]);
}

#[test]
fn offered_and_dropped_count_at_the_intended_start() {
    let share = Statistic::Share(Counter::Dropped, Counter::Offered);
    let mut recorder = Recorder::with_watches(vec![
        watch(share, Some(windows(1, WorseDirection::Higher))),
        watch(Statistic::PerSecond(Counter::Offered), Some(windows(1, WorseDirection::Lower))),
    ]);
    for tenth in 50..100 {
        let due = due(Duration::from_millis(100 * tenth));
        recorder.due(due);
        if tenth == 73 {
            recorder.dropped(due);
        }
    }
    recorder.tick(Duration::from_secs(10));
    assert_eq!(recorder.watches()[0].worst().map(|seen| (seen.value, seen.from_us)), Some((0.1, 7_000_000)));
    assert_eq!(recorder.watches()[1].worst().map(|seen| (seen.value, seen.from_us)), Some((10.0, 5_000_000)));
}

#[test]
fn a_long_gap_is_processed_quickly() {
    let unlimited = LoadSpan { until: Duration::MAX, ..span(0, 5, 0) };
    let windows = || WindowSpec { load: vec![unlimited], ..windows(600, WorseDirection::Higher) };
    let mut recorder = Recorder::with_watches(vec![
        watch(Statistic::Count(Counter::Started), Some(windows())),
        watch(Statistic::Quantile(Timing::Intended, 1.0), Some(windows())),
    ]);
    let one = SignInRecord { warm_up: false, ..sign_ins(1, 1, false).remove(0) };
    for finished in [6, 600, u64::from(u32::MAX) * 1000] {
        recorder.sign_in(&SignInRecord { finished: Duration::from_secs(finished), ..one.clone() });
    }
    recorder.tick(Duration::MAX);
    let worst = recorder.watches()[0].worst().unwrap();
    assert_eq!((worst.value, worst.from_us, worst.to_us), (2.0, 5_000_000, 605_000_000));
    assert_eq!(recorder.watches()[0].latest().map(|seen| seen.value), Some(0.0));
    assert_eq!((recorder.watches()[1].latest(), recorder.watches()[1].worst().is_some()), (None, true));
}

#[test]
fn watch_memory_is_constant() {
    let mut watches: Vec<Watch> = STATISTICS
        .iter()
        .flat_map(|statistic| {
            [1, 10, 600].map(|seconds| watch(*statistic, Some(windows(seconds, WorseDirection::Higher))))
        })
        .collect();
    watches.extend(STATISTICS.map(|statistic| watch(statistic, None)));
    let mut recorder = Recorder::with_watches(watches);
    let some = in_order(6);
    // Each of the 200 timeline intervals, of 8 s and of 16 s, contains all 5000 records. The longest window
    // contains them 75 times.
    let spacing = Duration::from_micros(1600);
    let mut sizes = Vec::new();
    for number in 1..=2_000_000_u32 {
        let one = &some[number as usize % some.len()];
        let finished = spacing * (number - 1);
        recorder.sign_in(&SignInRecord {
            number: u64::from(number),
            intended: finished.saturating_sub(one.latency),
            finished,
            warm_up: false,
            ..one.clone()
        });
        if number % 1_000_000 == 0 {
            recorder.tick(finished);
            sizes.push(recorder.heap_bytes());
        }
    }
    assert_eq!(recorder.summary().sign_ins().started, 2_000_000);
    assert_eq!(sizes[0], sizes[1], "bytes after one million records and after two million");
    assert!(sizes[0] > 1 << 20, "{sizes:?} bytes are fewer than expected");
}

/// Returns a recorder of watches of the whole run and of windows.
fn recorder_of_all() -> Recorder {
    let scopes = [None, Some(windows(3, WorseDirection::Higher))];
    let all = scopes.iter().flat_map(|windows| STATISTICS.map(|statistic| watch(statistic, windows.clone())));
    Recorder::with_watches(all.collect())
}

/// Records these sign-ins second by second.
fn play<'s>(mut recorder: Recorder, sign_ins: impl IntoIterator<Item = &'s SignInRecord>) -> Recorder {
    for sign_in in sign_ins {
        recorder.tick(Duration::from_secs(second(sign_in)));
        recorder.sign_in(sign_in);
    }
    recorder.tick(Duration::from_secs(60));
    recorder
}

#[test]
fn stored_parts_of_a_run_merge_to_the_watches_of_the_whole_run() {
    let mut all = in_order(5);
    // The sample's rules are invented, and only known ones can be read.
    let rule = poolproof_oracle::rules().next().unwrap();
    all.iter_mut().flat_map(|one| &mut one.judgements).for_each(|judgement| judgement.rule = rule);
    let whole = play(recorder_of_all(), &all);
    let mut merged = recorder_of_all();
    for part in [2, 0, 1] {
        let part = play(recorder_of_all().with_history(), all.iter().skip(part).step_by(3));
        let stored = serde_json::to_string(&part.stored()).unwrap();
        merged.merge(&serde_json::from_str(&stored).unwrap()).unwrap();
    }
    merged.complete_merge();
    assert!(merged.snapshot() == whole.snapshot());
    for (one, other) in merged.watches().iter().zip(whole.watches()) {
        assert!(one.value().is_some());
        // A mean is a sum of floating-point numbers, whose order differs.
        let near =
            one.value().zip(other.value()).is_some_and(|(one, other)| (one - other).abs() < 1e-6 * other);
        assert!(one.value() == other.value() || near, "{:?} {:?}", one.value(), other.value());
        assert_eq!(one.worst().map(|worst| worst.to_us), other.worst().map(|worst| worst.to_us));
        assert_eq!(one.latest().is_some(), other.latest().is_some());
    }
    let other = Recorder::with_watches(vec![watch(STATISTICS[0], None)]);
    assert_eq!(merged.merge(&other.stored()), Err("it has other thresholds"));
}
