//! Measures candidates alternately, so that the load of a busy machine affects all of them alike.

#![allow(dead_code, reason = "each bench uses what it needs")]

use std::collections::BTreeMap;
use std::time::Duration;

use cpu_time::ThreadTime;

/// The minimum duration of one measurement.
const MIN_DURATION: Duration = Duration::from_millis(4);

/// Returns the CPU time of this thread in µs for one of the `per_call` operations that `call` performs.
pub(crate) fn cpu_us(per_call: u32, mut call: impl FnMut()) -> f64 {
    let start = ThreadTime::now();
    let mut calls = 0;
    loop {
        call();
        calls += 1;
        let spent = start.elapsed();
        if spent >= MIN_DURATION {
            return spent.as_secs_f64() * 1e6 / f64::from(calls * per_call);
        }
    }
}

type Candidate<'a> = (String, Box<dyn FnMut() -> f64 + 'a>, Vec<f64>);

/// All candidates with their measurements.
#[derive(Default)]
pub(crate) struct Interleaved<'a> {
    candidates: Vec<Candidate<'a>>,
}

impl<'a> Interleaved<'a> {
    /// Adds a candidate. `measure` returns its time in µs.
    pub(crate) fn add(&mut self, name: &str, measure: impl FnMut() -> f64 + 'a) {
        self.candidates.push((name.to_owned(), Box::new(measure), Vec::new()));
    }

    /// Runs one round to warm up, and then `rounds` rounds.
    pub(crate) fn run(&mut self, rounds: usize) {
        for round in 0..=rounds {
            for (_, measure, times) in &mut self.candidates {
                let us = measure();
                if round > 0 {
                    times.push(us);
                }
            }
        }
    }

    fn by_name(&self) -> BTreeMap<&str, &[f64]> {
        self.candidates.iter().map(|(name, _, times)| (name.as_str(), times.as_slice())).collect()
    }

    /// Returns the median of the ratios of each round, or `None` if a candidate is missing.
    pub(crate) fn ratio(&self, ours: &str, theirs: &str) -> Option<f64> {
        let times = self.by_name();
        let (ours, theirs) = (times.get(ours)?, times.get(theirs)?);
        Some(median(ours.iter().zip(*theirs).map(|(ours, theirs)| ours / theirs).collect()))
    }

    /// Prints the minimum and the median of each candidate.
    pub(crate) fn print(&self) {
        println!("{:<40} {:>12} {:>12}", "", "min µs", "median µs");
        for (name, _, times) in &self.candidates {
            let min = times.iter().copied().fold(f64::INFINITY, f64::min);
            println!("{name:<40} {min:>12.1} {:>12.1}", median(times.clone()));
        }
    }
}

/// Returns the median, or the higher of the two middle values.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
