//! Watches show what the records of their windows say, and keep no more than their windows.

use std::time::Duration;

use poolproof::metrics::{
    Aim, Counted, Due, End, Figure, Recorder, Seen, SignInRecord, Span, Timed, Watch, Windows, Worse,
};
use poolproof_cognito::protocol::Step;

use crate::sample::{recorded, sign_ins};

const FIGURES: [Figure; 9] = [
    Figure::Quantile(Timed::Intended, 0.99),
    Figure::Quantile(Timed::Service, 0.5),
    Figure::Quantile(Timed::Lag, 1.0),
    Figure::Quantile(Timed::Step(Step::DevicePasswordVerifier), 0.95),
    Figure::Count(Counted::Refused),
    Figure::Count(Counted::Mismatched),
    Figure::Share(Counted::Failed, Counted::Started),
    Figure::Share(Counted::Throttled, Counted::Requests),
    Figure::Mean(Timed::Intended),
];

/// Windows that begin with the sixth second, since the sample's warm-up is five seconds long, and end with second 40.
fn windows(seconds: u32, worse: Worse) -> Windows {
    Windows { seconds, worse, least: 1, load: vec![span(0, 5, 40)] }
}

fn span(workload: u16, from_s: u64, until_s: u64) -> Span {
    Span { workload, from: Duration::from_secs(from_s), until: Duration::from_secs(until_s) }
}

/// A measured sign-in that is due.
fn due(intended: Duration) -> Due {
    Due { intended, workload: 0, warm_up: false, cool_down: false }
}

fn watch(figure: Figure, windows: Option<Windows>) -> Watch {
    Watch::new(Aim { figure, rule: None, workload: None, windows })
}

/// The records in the order in which they end, as a conductor hears of them.
fn in_order(seed: u64) -> Vec<SignInRecord> {
    let mut all = sign_ins(seed, 5000, true);
    all.sort_by_key(|sign_in| sign_in.finished);
    all
}

fn second(sign_in: &SignInRecord) -> u64 {
    sign_in.finished.as_secs()
}

#[test]
fn every_window_shows_what_its_records_say() {
    for (seed, seconds) in [(1, 1), (2, 3), (3, 10)] {
        let all = in_order(seed);
        let mut recorder = Recorder::watching(
            FIGURES.iter().map(|figure| watch(*figure, Some(windows(seconds, Worse::Higher)))).collect(),
        );
        let mut worst = [None::<Seen>; FIGURES.len()];
        let (mut told, ends) = (0, second(all.last().unwrap()));
        for end in 1..=ends {
            all.iter().filter(|one| second(one) == end - 1).for_each(|one| recorder.sign_in(one));
            recorder.tick(Duration::from_secs(end));
            let within =
                |one: &&SignInRecord| (end.saturating_sub(u64::from(seconds))..end).contains(&second(one));
            let measured = recorded(all.iter().filter(within).filter(|one| !one.warm_up));
            // Whoever ends in it counts, though of the warm-up no time is measured.
            let ended: Vec<_> =
                all.iter().filter(within).map(|one| SignInRecord { warm_up: false, ..one.clone() }).collect();
            let ended = recorded(&ended);
            for ((figure, watch), worst) in FIGURES.iter().zip(recorder.watches()).zip(&mut worst) {
                let full = (5 + u64::from(seconds)..=40).contains(&end);
                let timed = matches!(figure, Figure::Quantile(..) | Figure::Mean(_));
                let summary = if timed { measured.summary() } else { ended.summary() };
                let seen = summary.value(*figure).filter(|_| full).map(|value| Seen {
                    value,
                    from_us: (end - u64::from(seconds)) * 1_000_000,
                    to_us: end * 1_000_000,
                });
                match (watch.latest(), seen) {
                    // The mean is a sum of floating-point numbers, and so not the same in every order.
                    (Some(is), Some(should)) => {
                        assert!((is.value - should.value).abs() <= 1e-9 * should.value, "{figure:?} {end}");
                        assert_eq!((is.from_us, is.to_us), (should.from_us, should.to_us));
                    }
                    (is, should) => assert_eq!(is, should, "{figure:?} at {end}"),
                }
                told += u64::from(seen.is_some());
                if seen.is_some_and(|seen| worst.is_none_or(|worst| seen.value > worst.value)) {
                    *worst = seen;
                }
            }
        }
        assert!(told > 100, "{told}");
        for (watch, worst) in recorder.watches().iter().zip(worst) {
            assert_eq!(watch.worst().map(|seen| seen.to_us), worst.map(|seen| seen.to_us));
        }
    }
}

#[test]
fn a_watch_of_everything_shows_what_the_summary_does() {
    let all = in_order(4);
    let figures = FIGURES.iter().copied().chain([
        Figure::PerSecond(Counted::Offered),
        Figure::PerSecond(Counted::Answered),
        Figure::Share(Counted::Missed, Counted::Offered),
        Figure::Count(Counted::Started),
    ]);
    let figures: Vec<Figure> = figures.collect();
    let mut recorder = Recorder::watching(figures.iter().map(|figure| watch(*figure, None)).collect());
    all.iter().for_each(|one| recorder.sign_in(one));
    recorder.missed(due(Duration::from_secs(39)));
    recorder.cut_off(due(Duration::from_secs(40)));
    // What the warm-up has missed is in the course of the run alone.
    recorder.missed(Due { warm_up: true, ..due(Duration::ZERO) });
    for (figure, watch) in figures.iter().zip(recorder.watches()) {
        let value = recorder.summary().value(*figure);
        assert!(value.is_some(), "{figure:?}");
        assert_eq!(watch.value(), value, "{figure:?}");
        assert_eq!(watch.among(), recorder.summary().among(*figure), "{figure:?}");
    }
}

#[test]
fn selected_sign_ins_are_those_of_the_workload_and_of_the_rule() {
    let mut all = in_order(5);
    for one in &mut all {
        one.workload = u16::from(one.number.is_multiple_of(3));
    }
    let rule = "device-suppresses-mfa";
    let aim = |figure, rule, workload| Watch::new(Aim { figure, rule, workload, windows: None });
    let p50 = Figure::Quantile(Timed::Service, 0.5);
    let mut recorder = Recorder::watching(vec![
        aim(Figure::Count(Counted::Started), None, Some(1)),
        aim(Figure::Count(Counted::Checked), Some(rule), None),
        aim(Figure::Count(Counted::Mismatched), Some(rule), Some(0)),
        aim(p50, Some(rule), Some(1)),
        aim(Figure::Count(Counted::Mismatched), Some("unheard-of"), None),
    ]);
    all.iter().for_each(|one| recorder.sign_in(one));
    let of =
        |workload: Option<u16>| all.iter().filter(move |one| workload.is_none_or(|it| it == one.workload));
    let under = |one: &SignInRecord| one.verdicts.iter().filter(|verdict| verdict.rule.id == rule).count();
    let wrong = of(Some(0)).flat_map(|one| &one.verdicts);
    let wrong = wrong.filter(|verdict| verdict.rule.id == rule && !verdict.matches()).count();
    let timed = recorded(of(Some(1)).filter(|one| under(one) > 0));
    assert!(wrong > 0);
    let values: Vec<Option<f64>> = recorder.watches().iter().map(Watch::value).collect();
    assert_eq!(
        values,
        [
            Some(of(Some(1)).count() as f64),
            Some(of(None).map(under).sum::<usize>() as f64),
            Some(wrong as f64),
            timed.summary().value(p50),
            // Where nothing was checked, nothing has been shown to agree.
            None,
        ]
    );
}

#[test]
fn what_is_told_late_counts_in_the_second_that_is_open() {
    let one = SignInRecord { warm_up: false, workload: 0, ..sign_ins(1, 1, false).remove(0) };
    let at = |ms| SignInRecord { finished: Duration::from_millis(ms), end: End::Completed, ..one.clone() };
    let started = Figure::Count(Counted::Started);
    let mut recorder = Recorder::watching(vec![watch(started, Some(windows(1, Worse::Higher)))]);
    [at(5100), at(6001), at(5999), at(6500)].iter().for_each(|one| recorder.sign_in(one));
    recorder.tick(Duration::from_secs(7));
    assert_eq!(recorder.watches()[0].worst().map(|seen| (seen.value, seen.from_us)), Some((3.0, 6_000_000)));
}

/// A watch for each of the ways in which one value can be worse than another.
fn each_way(figure: Figure, load: &[Span]) -> Recorder {
    let ways = [Worse::Higher, Worse::Lower, Worse::FartherFrom(100.0), Worse::FartherFrom(0.0)];
    let windows = |worse| Windows { load: load.to_vec(), ..windows(2, worse) };
    Recorder::watching(ways.map(|worse| watch(figure, Some(windows(worse)))).to_vec())
}

/// The worst value of each watch, and from which second to which.
fn worst(recorder: &Recorder) -> Vec<Option<(f64, u64, u64)>> {
    let told = |seen: Seen| (seen.value, seen.from_us / 1_000_000, seen.to_us / 1_000_000);
    recorder.watches().iter().map(|watch| watch.worst().map(told)).collect()
}

#[test]
fn windows_are_looked_at_while_the_load_is_on_whichever_value_is_the_worse() {
    let one = sign_ins(1, 1, false).remove(0);
    let ended = |ms, end| {
        let finished = Duration::from_millis(ms);
        let warm_up = finished < Duration::from_secs(5);
        SignInRecord { finished, warm_up, end, workload: 0, ..one.clone() }
    };
    // Ten a second until the load ends at 40 s, and then two stragglers, one of whom fails.
    let all: Vec<SignInRecord> = (0..400)
        .map(|tenth| ended(100 * tenth, End::Completed))
        .chain([ended(41_000, End::Abandoned), ended(59_000, End::Completed)])
        .collect();
    let worst_of = |figure, load: &[Span], early: Option<u64>| {
        let mut recorder = each_way(figure, load);
        if let Some(at) = early {
            recorder.load_ends(0, Duration::from_secs(at));
        }
        all.iter().for_each(|one| recorder.sign_in(one));
        recorder.tick(Duration::from_secs(60));
        worst(&recorder)
    };
    let rate = Figure::PerSecond(Counted::Answered);
    assert_eq!(worst_of(rate, &[span(0, 5, 40)], None), [Some((10.0, 5, 7)); 4]);
    let failed = Figure::Share(Counted::Failed, Counted::Started);
    assert_eq!(worst_of(failed, &[span(0, 5, 40)], None), [Some((0.0, 5, 7)); 4]);
    // With the stragglers among them it would be otherwise.
    let drained = [Some((10.0, 5, 7)), Some((0.0, 40, 42)), Some((0.0, 40, 42)), Some((10.0, 5, 7))];
    assert_eq!(worst_of(rate, &[span(0, 5, 60)], None), drained);
    assert_eq!(worst_of(failed, &[span(0, 5, 60)], None)[0], Some((1.0, 40, 42)));
    // A load that ends earlier than planned, and one that never was.
    assert_eq!(worst_of(rate, &[span(0, 5, 60)], Some(40)), [Some((10.0, 5, 7)); 4]);
    assert_eq!(worst_of(rate, &[span(0, 5, 60)], Some(6)), [None; 4]);
    assert_eq!(worst_of(rate, &[], None), [None; 4]);
    // What ends within a second is on to the second before, and what begins within one from the next on.
    let odd =
        Span { from: Duration::from_millis(38_001), until: Duration::from_millis(41_999), ..span(0, 0, 0) };
    assert_eq!(worst_of(rate, &[odd], None)[1], Some((5.0, 39, 41)));
}

#[test]
fn between_two_loads_no_window_is_looked_at() {
    let rate = Figure::PerSecond(Counted::Answered);
    let one = SignInRecord { warm_up: false, end: End::Completed, ..sign_ins(1, 1, false).remove(0) };
    let seen = |load: &[Span]| {
        let mut recorder = each_way(rate, load);
        // Ten a second up to 5 s and from 8 s to 12 s; then silence, of which nobody tells before its end.
        for tenth in (0..50).chain(80..120) {
            recorder.sign_in(&SignInRecord { finished: Duration::from_millis(100 * tenth), ..one.clone() });
        }
        recorder.tick(Duration::from_secs(1000));
        worst(&recorder)[1]
    };
    assert_eq!(seen(&[span(0, 0, 5), span(1, 8, 12)]), Some((10.0, 0, 2)));
    assert_eq!(seen(&[span(0, 0, 7), span(1, 8, 12)]), Some((0.0, 5, 7)));
    assert_eq!(seen(&[span(1, 8, 12), span(0, 0, 4), span(2, 3, 8)]), Some((0.0, 5, 7)), "in any order");
    // Silence goes on where the load is on again: it is seen, however long ago it began.
    assert_eq!(seen(&[span(0, 0, 5), span(1, 8, 12), span(2, 400, 402)]), Some((0.0, 400, 402)));
    assert_eq!(seen(&[span(0, 0, 5), span(1, 8, 12), span(2, 400, 401)]), Some((10.0, 0, 2)));
}

#[test]
fn a_share_of_too_few_is_not_told() {
    let failed = Figure::Share(Counted::Failed, Counted::Started);
    let one = SignInRecord { warm_up: false, workload: 0, ..sign_ins(1, 1, false).remove(0) };
    let mut recorder =
        Recorder::watching(vec![watch(failed, Some(Windows { least: 10, ..windows(1, Worse::Higher) }))]);
    // Nine in the second from 6 s on, all of which fail, and ten in the next, of which one does.
    for (ms, end) in (0..9)
        .map(|n| (6000 + n, End::Abandoned))
        .chain((0..10).map(|n| (7000 + n, if n == 0 { End::Abandoned } else { End::Completed })))
    {
        recorder.sign_in(&SignInRecord { finished: Duration::from_millis(ms), end, ..one.clone() });
    }
    recorder.tick(Duration::from_secs(10));
    assert_eq!(worst(&recorder), [Some((0.1, 7, 8))]);
}

#[test]
fn offered_and_missed_count_when_they_are_due() {
    let share = Figure::Share(Counted::Missed, Counted::Offered);
    let mut recorder = Recorder::watching(vec![
        watch(share, Some(windows(1, Worse::Higher))),
        watch(Figure::PerSecond(Counted::Offered), Some(windows(1, Worse::Lower))),
    ]);
    for tenth in 50..100 {
        let due = due(Duration::from_millis(100 * tenth));
        recorder.due(due);
        if tenth == 73 {
            recorder.missed(due);
        }
    }
    recorder.tick(Duration::from_secs(10));
    assert_eq!(recorder.watches()[0].worst().map(|seen| (seen.value, seen.from_us)), Some((0.1, 7_000_000)));
    assert_eq!(recorder.watches()[1].worst().map(|seen| (seen.value, seen.from_us)), Some((10.0, 5_000_000)));
}

#[test]
fn a_long_silence_takes_no_time_and_is_seen_once() {
    let ever = Span { until: Duration::MAX, ..span(0, 5, 0) };
    let windows = || Windows { load: vec![ever], ..windows(600, Worse::Higher) };
    let mut recorder = Recorder::watching(vec![
        watch(Figure::Count(Counted::Started), Some(windows())),
        watch(Figure::Quantile(Timed::Intended, 1.0), Some(windows())),
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
fn two_million_sign_ins_take_no_more_room_than_one_million() {
    let mut watches: Vec<Watch> = FIGURES
        .iter()
        .flat_map(|figure| [1, 10, 600].map(|seconds| watch(*figure, Some(windows(seconds, Worse::Higher)))))
        .collect();
    watches.extend(FIGURES.map(|figure| watch(figure, None)));
    let mut recorder = Recorder::watching(watches);
    let some = in_order(6);
    // Each interval of the timeline meets all 5000, each time: 200 of 8 s, and of 16 s; the longest window 75 times over.
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
    assert_eq!(sizes[0], sizes[1], "bytes after one million and after two");
    assert!(sizes[0] > 1 << 20, "{sizes:?} bytes are not all that it holds");
}
