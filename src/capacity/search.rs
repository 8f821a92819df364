//! Decides which rate to try next, from the results of the levels so far.
//!
//! It climbs by a factor until a level fails, then halves the gap on a logarithmic scale to the requested
//! precision. A long run confirms the highest level that passed. A failed confirmation counts as a failed
//! level, and the search continues below it, a limited number of times.

use crate::rounding::significant;

/// Rounds a rate, so that the printed rate is the tested rate.
fn rounded_rate(rate: f64) -> f64 {
    significant(rate, 4)
}

/// Where to search, and how closely.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SearchBounds {
    /// The first rate, sign-ins a second; more than zero.
    pub from: f64,
    /// No rate above this one is tried; at least `from`.
    pub to: f64,
    /// The factor by which rates increase while climbing; more than 1.
    pub factor: f64,
    /// How far apart, as a share, the answer's bounds may be: 0.05 is 5 %. At least 0.005, since rates have
    /// four figures.
    pub precision: f64,
}

/// A level to be tried.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum LevelRequest {
    /// On the way up: one run that passes is enough.
    Climb(f64),
    /// Between two levels that are known.
    Halve(f64),
    /// The answer, if it holds for longer.
    Confirm(f64),
}

impl LevelRequest {
    /// Sign-ins a second.
    pub const fn per_s(self) -> f64 {
        match self {
            Self::Climb(rate) | Self::Halve(rate) | Self::Confirm(rate) => rate,
        }
    }
}

/// The maximum number of confirmations that may fail.
const MAX_CONFIRMATIONS: u32 = 3;

/// The search for the highest rate that passes.
#[derive(Clone, Debug)]
pub struct Search {
    bounds: SearchBounds,
    /// Rates that passed, rising.
    passed: Vec<f64>,
    /// The lowest that failed.
    failed: Option<f64>,
    confirmations: u32,
    confirmed: bool,
}

impl Search {
    /// Creates a search without results.
    pub const fn new(bounds: SearchBounds) -> Self {
        Self { bounds, passed: Vec::new(), failed: None, confirmations: 0, confirmed: false }
    }

    /// Returns the next level; `None` if the search is finished.
    pub fn next(&self) -> Option<LevelRequest> {
        let SearchBounds { from, to, factor, precision } = self.bounds;
        match (self.passed(), self.failed) {
            (None, None) => Some(LevelRequest::Climb(from)),
            // The search never goes below the first level: if that fails, there is no answer.
            (None, Some(_)) => None,
            _ if self.confirmed || self.confirmations >= MAX_CONFIRMATIONS => None,
            (Some(best), None) if best < to => Some(LevelRequest::Climb(rounded_rate(best * factor).min(to))),
            (Some(best), None) => Some(LevelRequest::Confirm(best)),
            (Some(best), Some(worst)) if worst / best > 1.0 + precision => {
                Some(LevelRequest::Halve(rounded_rate((best * worst).sqrt())))
            }
            (Some(best), Some(_)) => Some(LevelRequest::Confirm(best)),
        }
    }

    /// Records the result of the last requested level.
    pub fn record_result(&mut self, request: LevelRequest, passed: bool) {
        let rate = request.per_s();
        if let LevelRequest::Confirm(_) = request {
            self.confirmations += 1;
            self.confirmed = passed;
        } else if passed {
            self.passed.push(rate);
        }
        if !passed {
            self.failed = Some(self.failed.map_or(rate, |worst| worst.min(rate)));
            self.passed.retain(|one| *one < rate);
        }
    }

    /// The highest rate that passed.
    pub fn passed(&self) -> Option<f64> {
        self.passed.last().copied()
    }

    /// The lowest rate that failed.
    pub const fn failed(&self) -> Option<f64> {
        self.failed
    }

    /// Whether the answer held in a long run.
    pub const fn confirmed(&self) -> bool {
        self.confirmed
    }

    /// Returns the maximum number of levels that the search requests.
    pub fn max_levels(&self) -> u32 {
        let SearchBounds { from, to, factor, precision } = self.bounds;
        let climbs = ((to / from).ln() / factor.ln()).ceil() as u32 + 1;
        // One more than by the numbers, since rates have four figures.
        let halvings = (factor.ln() / (1.0 + precision).ln()).log2().ceil().max(0.0) as u32 + 1;
        climbs + (halvings + 1) * MAX_CONFIRMATIONS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Runs a search against a pool that sustains up to `knee`; confirmations pass only up to `holds`.
    fn play(bounds: SearchBounds, knee: f64, holds: f64) -> (Search, u32) {
        let mut search = Search::new(bounds);
        let mut asked = 0;
        while let Some(request) = search.next() {
            asked += 1;
            let limit = if matches!(request, LevelRequest::Confirm(_)) { holds } else { knee };
            search.record_result(request, request.per_s() <= limit);
            assert!(asked <= search.max_levels(), "{search:?}");
        }
        (search, asked)
    }

    proptest! {
        #[test]
        fn the_capacity_is_found_within_the_precision(
            from in 0.1..1000.0_f64, steps in 0.0..8.0_f64, factor in 1.1..4.0_f64, precision in 0.01..0.3_f64,
        ) {
            let knee = from * steps.exp();
            let bounds = SearchBounds { from, to: knee * 10.0, factor, precision };
            let (search, _) = play(bounds, knee, knee);
            let (lo, hi) = (search.passed().unwrap(), search.failed().unwrap());
            prop_assert!(lo <= knee && knee < hi, "{lo} {knee} {hi}");
            prop_assert!(hi / lo <= 1.0 + precision + 1e-9 && search.confirmed(), "{lo} {hi}");
        }
    }

    #[test]
    fn a_rate_that_no_long_run_confirms_is_not_the_answer() {
        let bounds = SearchBounds { from: 10.0, to: 1000.0, factor: 2.0, precision: 0.05 };
        let (search, _) = play(bounds, 100.0, 80.0);
        // Confirmations just below 100 fail; below 80 one passes, or none did.
        assert!(search.failed().unwrap() <= 100.0);
        assert!(!search.confirmed() || search.passed().unwrap() <= 80.0, "{search:?}");
    }

    #[test]
    fn the_search_stays_in_its_range() {
        let bounds = SearchBounds { from: 10.0, to: 50.0, factor: 2.0, precision: 0.05 };
        let (search, asked) = play(bounds, 1.0, 1.0);
        assert_eq!((search.passed(), search.failed(), asked), (None, Some(10.0), 1));
        let (search, _) = play(bounds, 1e9, 1e9);
        assert_eq!((search.passed(), search.failed(), search.confirmed()), (Some(50.0), None, true));
    }
}
