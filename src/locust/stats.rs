//! Locust's statistics: rows and errors since the report before.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::metrics::{Latencies, Snapshot};
use poolproof_cognito::protocol::SignInStep;

/// The method of the rows of whole sign-ins.
const SIGN_IN: &str = "sign-in";
/// The method of the rows of steps.
const STEP: &str = "step";

/// Everything that Locust counts, since the start of a test.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Counts {
    /// All sign-ins.
    pub total: RowCounts,
    /// Rows by method and name.
    pub rows: BTreeMap<(&'static str, String), RowCounts>,
    /// Occurrences by method, name and error.
    pub errors: BTreeMap<(&'static str, String, String), u64>,
}

/// One row.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RowCounts {
    /// Sign-ins, or steps.
    pub requests: u64,
    /// Those of them that failed.
    pub failures: u64,
    /// Those of them without a response time.
    pub without_time: u64,
    /// Response times in µs, as upper bounds of the histogram's buckets, and their counts.
    times_us: BTreeMap<u64, u64>,
    /// The longest response time in µs, exactly.
    longest_us: u64,
}

impl RowCounts {
    fn new(requests: u64, failures: u64, times: &Latencies) -> Self {
        let buckets = times.histogram().iter_recorded();
        let times_us = buckets.map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value())).collect();
        let longest_us = times.max_us().unwrap_or_default();
        Self {
            requests,
            failures,
            without_time: requests.saturating_sub(times.count()),
            times_us,
            longest_us,
        }
    }

    /// Returns what has been added to `before`.
    fn since(&self, before: Option<&Self>) -> Self {
        let none = Self::default();
        let before = before.unwrap_or(&none);
        let more = |us: &u64, count: &u64| {
            let more = count - before.times_us.get(us).copied().unwrap_or_default().min(*count);
            (more > 0).then_some((*us, more))
        };
        Self {
            requests: self.requests.saturating_sub(before.requests),
            failures: self.failures.saturating_sub(before.failures),
            without_time: self.without_time.saturating_sub(before.without_time),
            times_us: self.times_us.iter().filter_map(|(us, count)| more(us, count)).collect(),
            longest_us: self.longest_us,
        }
    }
}

impl Counts {
    /// Returns the counts of a run with workloads of these names.
    ///
    /// A refused sign-in is a failure, and so is one without a decision. The latter have no response time.
    pub fn of(snapshot: &Snapshot, workloads: &[String]) -> Self {
        let summary = snapshot.summary();
        let failed = |counts: &crate::metrics::SignInCounts| counts.refused + counts.failed();
        let all = summary.sign_ins();
        let total = RowCounts::new(all.started, failed(&all), summary.intended());
        let mut rows = BTreeMap::new();
        match summary.workload_totals() {
            [] => {
                let name = workloads.first().cloned().unwrap_or_default();
                rows.insert((SIGN_IN, name), total.clone());
            }
            all => rows.extend(workloads.iter().zip(all).map(|(name, totals)| {
                let counts = totals.sign_ins();
                let row = RowCounts::new(counts.started, failed(&counts), totals.intended());
                ((SIGN_IN, name.clone()), row)
            })),
        }
        let steps = SignInStep::ALL.iter().filter_map(|step| Some((step, summary.step(*step)?)));
        rows.extend(
            steps.map(|(step, times)| ((STEP, step.to_string()), RowCounts::new(times.count(), 0, times))),
        );
        Self { total, rows, errors: errors(snapshot) }
    }

    /// Returns the data of a report: what has been added to `before` from second `from` to second `to`.
    pub fn since(
        &self,
        before: &Self,
        (from, to): (u64, u64),
        user_classes_count: &BTreeMap<String, u32>,
    ) -> StatsReport {
        let entry = |method: &'static str, name: &str, now: &RowCounts, before: Option<&RowCounts>| {
            Entry::new(method, name, &now.since(before), (from, to))
        };
        let rows = self.rows.iter().map(|(key, row)| entry(key.0, &key.1, row, before.rows.get(key)));
        let errors = self.errors.iter().filter_map(|(key, count)| {
            let occurrences = count.saturating_sub(before.errors.get(key).copied().unwrap_or_default());
            let (method, name, error) = key;
            let one = ErrorEntry {
                name: name.clone(),
                method,
                error: error.clone(),
                occurrences,
                first_seen: from as f64,
                last_seen: to as f64,
            };
            (occurrences > 0).then(|| (format!("{method}.{name}.{error}"), one))
        });
        StatsReport {
            stats: rows.filter(|row| row.num_requests > 0).collect(),
            stats_total: entry("", "Aggregated", &self.total, Some(&before.total)),
            errors: errors.collect(),
            user_count: user_classes_count.values().sum(),
            user_classes_count: user_classes_count.clone(),
        }
    }
}

/// Returns refusals and mismatches by rule, and failed requests by cause.
fn errors(snapshot: &Snapshot) -> BTreeMap<(&'static str, String, String), u64> {
    let summary = snapshot.summary();
    let mut errors = BTreeMap::new();
    let mut add = |name: &str, error: String, count: u64| {
        if count > 0 {
            *errors.entry((SIGN_IN, name.to_owned(), error)).or_default() += count;
        }
    };
    for one in summary.decisions().cases().iter().flat_map(|(_, decisions)| decisions) {
        if one.matches() && one.seen.outcome != poolproof_oracle::Outcome::Tokens {
            add("refused", format!("{}: {}", one.rule.id, one.seen), one.count);
        }
    }
    for (rule, count) in summary.decisions().rules() {
        let error = format!("{}: the decision does not match the rule", rule.id);
        add("mismatch", error, count.mismatched);
    }
    for (cause, count) in summary.failures().iter() {
        add("no answer", cause.describe().to_owned(), count.sign_ins);
    }
    add("abandoned", "the user gave up".to_owned(), summary.sign_ins().abandoned);
    errors
}

/// The data of Locust's message `stats`.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct StatsReport {
    stats: Vec<Entry>,
    stats_total: Entry,
    errors: BTreeMap<String, ErrorEntry>,
    user_classes_count: BTreeMap<String, u32>,
    user_count: u32,
}

impl StatsReport {
    /// Returns the number of sign-ins.
    pub const fn sign_ins(&self) -> u64 {
        self.stats_total.num_requests
    }
}

/// Locust's statistics of one row; times in milliseconds.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
struct Entry {
    name: String,
    method: &'static str,
    last_request_timestamp: Option<f64>,
    start_time: f64,
    num_requests: u64,
    num_none_requests: u64,
    num_failures: u64,
    total_response_time: f64,
    max_response_time: f64,
    min_response_time: Option<f64>,
    total_content_length: u64,
    response_times: BTreeMap<u64, u64>,
    num_reqs_per_sec: BTreeMap<u64, u64>,
    num_fail_per_sec: BTreeMap<u64, u64>,
}

impl Entry {
    fn new(method: &'static str, name: &str, row: &RowCounts, (from, to): (u64, u64)) -> Self {
        let ms = |us: u64| us.min(row.longest_us) as f64 / 1000.0;
        let mut response_times = BTreeMap::new();
        for (us, count) in &row.times_us {
            *response_times.entry(rounded_ms(*us)).or_default() += count;
        }
        let total_us: f64 = row.times_us.iter().map(|(us, count)| *us as f64 * *count as f64).sum();
        Self {
            name: name.to_owned(),
            method,
            last_request_timestamp: (row.requests > 0).then_some(to as f64),
            start_time: from as f64,
            num_requests: row.requests,
            num_none_requests: row.without_time,
            num_failures: row.failures,
            total_response_time: total_us / 1000.0,
            max_response_time: row.times_us.keys().next_back().map_or(0.0, |us| ms(*us)),
            min_response_time: row.times_us.keys().next().map(|us| ms(*us)),
            total_content_length: 0,
            response_times,
            num_reqs_per_sec: spread(row.requests, (from, to)),
            num_fail_per_sec: spread(row.failures, (from, to)),
        }
    }
}

/// Locust's count of one error.
#[derive(Clone, PartialEq, Debug, Serialize)]
struct ErrorEntry {
    name: String,
    method: &'static str,
    error: String,
    occurrences: u64,
    first_seen: f64,
    last_seen: f64,
}

/// Rounds a time as Locust does: to milliseconds, with two significant figures from 100 ms on.
fn rounded_ms(us: u64) -> u64 {
    let ms = (us + 500) / 1000;
    let unit = match ms {
        ..100 => 1,
        100..1000 => 10,
        1000..10_000 => 100,
        _ => 1000,
    };
    (ms + unit / 2) / unit * unit
}

/// Distributes a count evenly over the seconds after `from` up to `to`. The sum is exact.
fn spread(count: u64, (from, to): (u64, u64)) -> BTreeMap<u64, u64> {
    let seconds = to.saturating_sub(from).clamp(1, 60);
    let share = |second: u64| u128::from(count) * u128::from(second) / u128::from(seconds);
    let each =
        (0..seconds).map(|nth| (to - (seconds - 1 - nth).min(to), (share(nth + 1) - share(nth)) as u64));
    each.filter(|(_, count)| *count > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn row(times_ms: &[u64], requests: u64) -> RowCounts {
        let mut times = Latencies::fine();
        times_ms.iter().for_each(|ms| times.record(Duration::from_millis(*ms)));
        RowCounts::new(requests, 1, &times)
    }

    fn counts(row: RowCounts, errors: u64) -> Counts {
        let key = ("sign-in", "workload".to_owned());
        let error = ("sign-in", "refused".to_owned(), "blocked".to_owned());
        Counts {
            total: row.clone(),
            rows: BTreeMap::from([(key, row)]),
            errors: BTreeMap::from([(error, errors)]),
        }
    }

    #[test]
    fn reports_contain_what_is_new() {
        let (first, second) = (counts(row(&[7, 7, 250], 4), 2), counts(row(&[7, 7, 7, 250, 1234], 6), 2));
        let users = BTreeMap::from([("Poolproof".to_owned(), 3)]);
        let whole = first.since(&Counts::default(), (100, 103), &users);
        assert_eq!((whole.sign_ins(), whole.user_count), (4, 3));
        assert_eq!(whole.stats_total.num_none_requests, 1, "one had no decision");
        assert_eq!(whole.stats_total.response_times, BTreeMap::from([(7, 2), (250, 1)]));
        assert_eq!(whole.errors.values().map(|one| one.occurrences).sum::<u64>(), 2);
        let more = second.since(&first, (103, 106), &users);
        assert_eq!(more.stats_total.response_times, BTreeMap::from([(7, 1), (1200, 1)]));
        assert_eq!((more.sign_ins(), more.stats_total.num_failures), (2, 0));
        assert!(more.errors.is_empty());
        assert_eq!(
            more.stats,
            [Entry { name: "workload".to_owned(), method: "sign-in", ..more.stats_total.clone() }]
        );
        let nothing = second.since(&second, (106, 109), &users);
        assert_eq!((nothing.sign_ins(), nothing.stats_total.last_request_timestamp), (0, None));
        assert!(nothing.stats.is_empty());
    }

    /// The longest time of a report is not in the same place as that of the next one.
    #[test]
    fn no_time_is_counted_twice() {
        let (mut before, mut sum) = (Counts::default(), 0);
        let mut times = Latencies::fine();
        for nth in 1..200_u64 {
            times.record(Duration::from_micros(nth * nth * 37));
            let now = counts(RowCounts::new(nth, 0, &times), 0);
            let report = now.since(&before, (nth, nth + 1), &BTreeMap::new());
            let times = report.stats_total.response_times;
            assert_eq!(times.values().sum::<u64>(), 1, "{nth}: {times:?}");
            assert!(report.stats_total.max_response_time <= (nth * nth * 37) as f64 / 1000.0);
            sum += report.stats_total.num_requests;
            before = now;
        }
        assert_eq!(sum, 199);
    }

    #[test]
    fn times_are_rounded_as_in_locust() {
        let rounded = [0, 499, 500, 1499, 99_400, 147_000, 999_400, 3_432_000, 58_760_000].map(rounded_ms);
        assert_eq!(rounded, [0, 0, 1, 1, 99, 150, 1000, 3400, 59_000]);
    }

    #[test]
    fn seconds_share_a_count_without_loss() {
        assert_eq!(spread(7, (100, 103)), BTreeMap::from([(101, 2), (102, 2), (103, 3)]));
        assert_eq!(spread(1, (100, 100)), BTreeMap::from([(100, 1)]));
        assert!(spread(0, (100, 103)).is_empty());
        assert_eq!(spread(10_000, (0, 100_000)).values().sum::<u64>(), 10_000);
    }
}
