//! Contestants measured in turns, so that a busy machine is busy for all of them alike.

#![allow(dead_code, reason = "each bench uses what it needs")]

use std::collections::BTreeMap;
use std::time::Duration;

use cpu_time::ThreadTime;

/// At least so long is measured at a time.
const LEAST: Duration = Duration::from_millis(4);

/// CPU time of this thread for one of the `per_call` things that `call` does, in µs.
pub(crate) fn cpu_us(per_call: u32, mut call: impl FnMut()) -> f64 {
    let start = ThreadTime::now();
    let mut calls = 0;
    loop {
        call();
        calls += 1;
        let spent = start.elapsed();
        if spent >= LEAST {
            return spent.as_secs_f64() * 1e6 / f64::from(calls * per_call);
        }
    }
}

type Candidate<'a> = (String, Box<dyn FnMut() -> f64 + 'a>, Vec<f64>);

/// All that is measured.
#[derive(Default)]
pub(crate) struct Interleaved<'a> {
    contestants: Vec<Candidate<'a>>,
}

impl<'a> Interleaved<'a> {
    /// Adds a contestant, which returns what it took, in µs.
    pub(crate) fn add(&mut self, name: &str, measure: impl FnMut() -> f64 + 'a) {
        self.contestants.push((name.to_owned(), Box::new(measure), Vec::new()));
    }

    /// A warm-up, then as many rounds.
    pub(crate) fn run(&mut self, rounds: usize) {
        for round in 0..=rounds {
            for (_, measure, taken) in &mut self.contestants {
                let us = measure();
                if round > 0 {
                    taken.push(us);
                }
            }
        }
    }

    fn by_name(&self) -> BTreeMap<&str, &[f64]> {
        self.contestants.iter().map(|(name, _, taken)| (name.as_str(), taken.as_slice())).collect()
    }

    /// The median of the ratios round by round; `None` if one of the two was not measured.
    pub(crate) fn ratio(&self, ours: &str, theirs: &str) -> Option<f64> {
        let taken = self.by_name();
        let (ours, theirs) = (taken.get(ours)?, taken.get(theirs)?);
        Some(median(ours.iter().zip(*theirs).map(|(ours, theirs)| ours / theirs).collect()))
    }

    /// A line each: smallest and median.
    pub(crate) fn print(&self) {
        println!("{:<40} {:>12} {:>12}", "", "min µs", "median µs");
        for (name, _, taken) in &self.contestants {
            let least = taken.iter().copied().fold(f64::INFINITY, f64::min);
            println!("{name:<40} {least:>12.1} {:>12.1}", median(taken.clone()));
        }
    }
}

/// The middle of these.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
