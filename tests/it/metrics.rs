//! Snapshots of metrics: merged snapshots equal those of a single recorder, and their sums are consistent.

use std::time::Duration;

use poolproof::metrics::{Decisions, Recorder, SignInRecord, SignInStatus, Snapshot, Timeline};

use crate::sample::{recorded, sign_ins};

#[test]
fn merged_snapshots_equal_one_recorder() {
    let all = sign_ins(1, 6000, true);
    let whole = recorded(&all);
    // Each part has every third sign-in and so covers the whole time. The parts are merged in different
    // orders.
    let part = |n| recorded(all.iter().skip(n).step_by(3));
    for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
        let mut merged = Snapshot::empty();
        order.map(part).iter().for_each(|part| merged.merge(part));
        assert!(merged.is_consistent());
        assert!(merged == whole, "{order:?}");
    }
}

#[test]
fn snapshots_with_different_interval_widths_can_be_merged() {
    let early = sign_ins(1, 500, false);
    let late: Vec<SignInRecord> = early
        .iter()
        .map(|sign_in| SignInRecord {
            number: sign_in.number + 500,
            intended: sign_in.intended * 90,
            finished: sign_in.finished * 90,
            ..sign_in.clone()
        })
        .collect();
    let whole = recorded(early.iter().chain(&late));
    for (one, two) in [(&early, &late), (&late, &early)] {
        let mut merged = recorded(one);
        merged.merge(&recorded(two));
        assert!(merged == whole);
    }
    let timeline = recorded(&late).summary().timeline().width_us();
    assert_eq!((recorded(&early).summary().timeline().width_us(), timeline), (1_000_000, 4_000_000));
}

#[test]
fn only_the_first_mismatches_are_kept_but_all_are_counted() {
    let mut wrong = sign_ins(3, 400, false);
    wrong.iter_mut().flat_map(|sign_in| &mut sign_in.judgements).for_each(|judgement| {
        judgement.seen.new_device = !judgement.seen.new_device;
    });
    let snapshot = recorded(wrong.iter().rev());
    let decisions = snapshot.summary().decisions();
    assert_eq!(decisions.mismatched(), decisions.checked());
    assert_eq!(decisions.mismatches().len(), Decisions::MAX_KEPT_MISMATCHES);
    let mut end_times: Vec<Duration> = wrong
        .iter()
        .filter(|sign_in| !sign_in.judgements.is_empty())
        .map(|sign_in| sign_in.finished)
        .collect();
    end_times.sort();
    let kept: Vec<Duration> = decisions.mismatches().iter().map(|mismatch| mismatch.ended_at).collect();
    assert_eq!(kept, end_times[..Decisions::MAX_KEPT_MISMATCHES]);
}

#[test]
fn warm_up_decisions_are_checked_but_not_measured() {
    let all = sign_ins(1, 2000, true);
    let snapshot = recorded(&all);
    let summary = snapshot.summary();
    let warm_up = all.iter().filter(|sign_in| sign_in.warm_up).count() as u64;
    let judgements = all.iter().map(|sign_in| sign_in.judgements.len() as u64).sum::<u64>();
    assert!(warm_up > 0);
    assert_eq!(summary.sign_ins().started, 2000);
    assert_eq!(summary.measured().started, 2000 - warm_up);
    let (decided, undecided) = (summary.measured().answered(), summary.measured().failed());
    assert!(decided > 0 && undecided > 0);
    assert_eq!((summary.latency_count(None), summary.undecided().count()), (decided, undecided));
    assert_eq!(summary.decisions().checked(), judgements);
}

#[test]
fn every_sign_in_result_is_counted_once() {
    let all = sign_ins(1, 4000, false);
    let live = all.iter().fold(Recorder::new(), |mut recorder, sign_in| {
        recorder.sign_in(sign_in);
        recorder
    });
    let (sums, live) = (live.snapshot().summary().sign_ins(), live.live());
    let ended = |end| all.iter().filter(|sign_in| sign_in.end == end).count() as u64;
    assert_eq!(
        [sums.completed, sums.refused, sums.abandoned, sums.transport_failed],
        SignInStatus::ALL.map(ended)
    );
    assert_eq!(sums.started, 4000);
    assert_eq!(live.started, live.completed + live.refused + live.failed);
    assert_eq!(live.p99.map(|p99| p99.as_micros() as u64), recorded(&all).summary().latency_us(None, 0.99));
}

#[test]
fn a_backlog_lowers_achieved_rate_but_think_time_does_not() {
    let steady = |latency_of_last: Duration| {
        let one = sign_ins(1, 1, false).remove(0);
        let all: Vec<SignInRecord> = (0..100)
            .map(|number| {
                let latency = if number == 99 { latency_of_last } else { Duration::from_millis(1) };
                let intended = Duration::from_millis(100 * number);
                let finished = intended + Duration::from_secs(60);
                let end = SignInStatus::Completed;
                SignInRecord { number, warm_up: false, end, intended, latency, finished, ..one.clone() }
            })
            .collect();
        let snapshot = recorded(&all);
        (snapshot.summary().offered_per_s().unwrap(), snapshot.summary().achieved_per_s().unwrap())
    };
    let (offered, achieved) = steady(Duration::from_millis(1));
    assert!((offered - 10.0).abs() < 1e-9 && (achieved - 10.0).abs() < 1e-9, "{offered} {achieved}");
    let (offered, achieved) = steady(Duration::from_millis(10_100));
    assert!((offered - 10.0).abs() < 1e-9 && (achieved - 5.0).abs() < 1e-9, "{offered} {achieved}");
}

#[test]
fn recorder_size_does_not_grow_with_the_run() {
    let one = sign_ins(1, 1, false).remove(0);
    let mut recorder = Recorder::new();
    for number in 0..100_000 {
        let intended = Duration::from_millis(40 * number);
        recorder.sign_in(&SignInRecord { number, intended, finished: intended + one.latency, ..one.clone() });
    }
    let snapshot = recorder.snapshot();
    assert!(snapshot.summary().timeline().intervals().len() <= Timeline::MAX_INTERVALS);
    assert!(snapshot.is_consistent());
}
