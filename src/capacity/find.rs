//! Runs a capacity search: from a scenario and objectives to an answer.

use super::level::{LevelResult, evaluate_level};
use super::model::{
    Capacity, CapacityEstimate, CoreEstimate, Cores, Figures, Level, Limit, Reason, SearchPhase,
};
use super::runner::{LevelDurations, LevelRunner, UnsuitableScenario};
use super::search::{LevelRequest, Search, SearchBounds};
use super::usl::{self, Usl};
use super::verdict::{SearchOutcome, limiting_level};
use crate::report::Report;
use crate::report::figures::exact_number;
use crate::rounding::significant;
use crate::run::{CancellationToken, RunError, RunOptions};
use crate::scenario::{Scenario, Threshold};

/// The first rate, as a share of the rate that a closed workload achieves.
const FIRST_RATE_SHARE: f64 = 1.0 / 8.0;
/// The highest rate, as a multiple of the rate that a closed workload achieves.
const LAST_RATE_FACTOR: f64 = 4.0;
/// Concurrency levels to which the scalability law is fitted.
const CONCURRENCY: [u32; 6] = [1, 2, 4, 8, 16, 32];
/// Most runs of a level; the majority decides.
const MAX_RUNS: u32 = 3;

/// Options of a capacity search.
#[derive(Clone, PartialEq, Debug)]
pub struct CapacityOptions {
    /// The objectives.
    pub objectives: Vec<Threshold>,
    /// The first rate; by default an eighth of the rate that a closed workload achieves.
    pub from: Option<f64>,
    /// The highest rate to try; by default four times what a closed loop reaches.
    pub to: Option<f64>,
    /// The factor by which rates increase while climbing.
    pub factor: f64,
    /// How close the bounds of the answer must be, as a share.
    pub precision: f64,
    /// How long levels take.
    pub durations: LevelDurations,
    /// Whether to fit the scalability law.
    pub usl: bool,
    /// A rate for which to estimate the cores.
    pub want: Option<f64>,
}

/// An error that prevents or ends a search.
#[derive(Debug, thiserror::Error)]
pub enum CapacityError {
    /// The scenario has no capacity.
    #[error(transparent)]
    UnsuitableScenario(#[from] UnsuitableScenario),
    /// A run could not be started.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Searches for the highest rate at which this scenario's pool meets the objectives. `on_progress` is called
/// before each run.
///
/// # Errors
///
/// Returns an error if the scenario has no capacity or the first run cannot start. Later errors are part of
/// the answer.
pub fn find(
    scenario: &Scenario,
    options: &CapacityOptions,
    run_options: &RunOptions,
    cancel_token: &CancellationToken,
    on_progress: &dyn Fn(&str),
) -> Result<Capacity, CapacityError> {
    let runner =
        LevelRunner::new(scenario, &options.objectives, run_options, options.durations, cancel_token)?;
    let mut capacity_run =
        CapacityRun { runner, on_progress, levels: Vec::new(), common: None, run_error: None };
    let mut search = Search::new(capacity_run.bounds(options)?);
    let sought = capacity_run.search(&mut search).and_then(|()| capacity_run.usl(scenario, options));
    let usl = match sought {
        Ok(usl) => usl,
        Err(error) if capacity_run.levels.is_empty() => return Err(error.into()),
        Err(error) => {
            capacity_run.run_error = Some(error);
            None
        }
    };
    Ok(capacity_run.capacity(scenario, options, run_options, &search, usl))
}

struct CapacityRun<'f> {
    runner: LevelRunner<'f>,
    on_progress: &'f dyn Fn(&str),
    levels: Vec<Level>,
    common: Option<Common>,
    /// The error that ended the runs.
    run_error: Option<RunError>,
}

/// Returns the level of these runs, and whether it passed; `None` if it was interrupted before that was
/// known. An interrupted run has no result. A long run that failed before counts against the rate.
fn conclude(
    per_s: f64,
    phase: SearchPhase,
    mut good: Vec<LevelResult>,
    mut bad: Vec<LevelResult>,
    enough: usize,
) -> (Level, Option<bool>) {
    let is_interrupted = |one: &LevelResult| one.reasons.contains(&Reason::Interrupted);
    let interrupted = bad.iter().position(is_interrupted).map(|place| bad.remove(place));
    let passed = match interrupted {
        None => Some(good.len() >= enough),
        Some(_) if phase == SearchPhase::Confirm && !bad.is_empty() => Some(false),
        Some(_) => None,
    };
    let (runs, runs_passed) = ((good.len() + bad.len()) as u32, good.len() as u32);
    let shown = if passed == Some(true) { good.pop() } else { bad.pop() };
    let LevelResult { figures, reasons } = shown
        .or(interrupted)
        .unwrap_or_else(|| LevelResult { figures: Figures::default(), reasons: vec![Reason::Interrupted] });
    let level = Level { per_s, phase, runs, runs_passed, passed: passed == Some(true), reasons, figures };
    (level, passed)
}

/// What all runs have in common, from the first report.
#[derive(Clone, Debug, Default)]
struct Common {
    cores: Option<Cores>,
    group: String,
    target: String,
}

impl CapacityRun<'_> {
    fn record_common(&mut self, report: &Report) {
        let runner = &self.runner;
        self.common.get_or_insert_with(|| Common {
            cores: runner.cores(report),
            group: report.group.clone(),
            target: report.target.clone(),
        });
    }

    fn bounds(&mut self, options: &CapacityOptions) -> Result<SearchBounds, RunError> {
        let (from, to) = match (options.from, options.to) {
            (Some(from), Some(to)) => (from, to),
            (from, to) => {
                (self.on_progress)("closed loop");
                let report = self.runner.probe()?;
                self.record_common(&report);
                // A pool that answers no request also gets a first level, which fails.
                let reached = report.throughput.achieved_per_s.filter(|rate| *rate > 0.0).unwrap_or(1.0);
                let first = significant(reached * FIRST_RATE_SHARE, 3);
                let from = from.unwrap_or_else(|| first.min(to.unwrap_or(f64::INFINITY)));
                (from, to.unwrap_or_else(|| significant(reached * LAST_RATE_FACTOR, 3).max(from)))
            }
        };
        Ok(SearchBounds { from, to, factor: options.factor, precision: options.precision })
    }

    /// Runs the levels that the search requests.
    fn search(&mut self, search: &mut Search) -> Result<(), RunError> {
        while let Some(request) = search.next() {
            // An interrupted level without a result has neither passed nor failed.
            let Some(passed) = self.level(request)? else { break };
            search.record_result(request, passed);
            if self.is_over() {
                break;
            }
        }
        Ok(())
    }

    /// Runs a level until the majority of its runs is known. While climbing, one passing run is enough.
    /// Returns whether it passed; `None` if it was interrupted before.
    fn level(&mut self, request: LevelRequest) -> Result<Option<bool>, RunError> {
        let per_s = request.per_s();
        let (phase, confirm) = match request {
            LevelRequest::Climb(_) => (SearchPhase::Climb, false),
            LevelRequest::Halve(_) => (SearchPhase::Halve, false),
            LevelRequest::Confirm(_) => (SearchPhase::Confirm, true),
        };
        // A confirming run uses seeds that no other run used.
        let first = if confirm { MAX_RUNS } else { 0 };
        let (mut good, mut bad): (Vec<LevelResult>, Vec<LevelResult>) = (Vec::new(), Vec::new());
        let majority = MAX_RUNS.div_ceil(2) as usize;
        let enough = if phase == SearchPhase::Halve { majority } else { 1 };
        while good.len() < enough && bad.len() < majority {
            let repeat = first + (good.len() + bad.len()) as u32;
            (self.on_progress)(&format!("{} {}/s", phase.as_str(), exact_number(per_s)));
            let report = self.runner.level(per_s, repeat, confirm)?;
            self.record_common(&report);
            let judged = evaluate_level(&report, self.runner.users());
            let ends = judged.reasons.iter().any(Reason::ends_the_search);
            let heap = if judged.reasons.is_empty() { &mut good } else { &mut bad };
            heap.push(judged);
            if ends || self.runner.is_stopped() {
                break;
            }
        }
        let (level, passed) = conclude(per_s, phase, good, bad, enough);
        self.levels.push(level);
        Ok(passed)
    }

    /// Returns whether further levels would add nothing.
    fn is_over(&self) -> bool {
        let ends = |level: &Level| level.reasons.iter().any(Reason::ends_the_search);
        self.runner.is_stopped() || self.levels.last().is_some_and(ends)
    }

    /// Fits the scalability law if it was requested and enough points exist.
    fn usl(&self, scenario: &Scenario, options: &CapacityOptions) -> Result<Option<Usl>, RunError> {
        if !options.usl || self.is_over() {
            return Ok(None);
        }
        let mut points = Vec::new();
        for users in CONCURRENCY.into_iter().filter(|users| *users <= self.runner.users()) {
            (self.on_progress)(&format!("{users} at once"));
            let reached = self.runner.closed(users)?.throughput.achieved_per_s;
            if self.runner.is_stopped() {
                return Ok(None);
            }
            points.extend(reached.map(|rate| (users, rate)));
        }
        Ok(usl::fit(&points, &mut scenario.seed.rng("usl", 0)))
    }

    fn capacity(
        self,
        scenario: &Scenario,
        options: &CapacityOptions,
        run_options: &RunOptions,
        search: &Search,
        usl: Option<Usl>,
    ) -> Capacity {
        let answer = self.answer(search);
        let outcome = SearchOutcome {
            levels: &self.levels,
            answer: answer.as_ref(),
            stopped: self.runner.is_stopped(),
            run_error: self.run_error.as_ref(),
            max_requests_per_s: run_options.endpoint.as_ref().and_then(|at| at.limits.per_second),
            usl_unavailable: options.usl && usl.is_none() && self.run_error.is_none() && !self.is_over(),
        };
        let verdict = outcome.verdict();
        let wanted = options.want.zip(answer.as_ref()).map(|(want, answer)| CoreEstimate::of(want, answer));
        let Common { group, target, .. } = self.common.unwrap_or_default();
        Capacity {
            schema_version: Capacity::SCHEMA_VERSION,
            scenario: scenario.name.clone(),
            file: run_options.file.clone(),
            seed: scenario.seed.number(),
            clock: scenario.clock,
            group,
            target,
            objectives: options.objectives.iter().map(|one| one.text.clone()).collect(),
            verdict,
            answer,
            levels: self.levels,
            usl,
            wanted,
        }
    }

    fn answer(&self, search: &Search) -> Option<CapacityEstimate> {
        let per_s = search.passed()?;
        let below_per_s = search.failed();
        let limit = match limiting_level(&self.levels, below_per_s) {
            None => Limit::Range,
            Some(level) if level.is_generator_limited() => Limit::Generator,
            Some(_) => Limit::Pool,
        };
        let figures = self.levels.iter().rev().find(|level| level.passed && level.per_s == per_s)?.figures;
        let cores = self.common.as_ref().and_then(|common| common.cores);
        Some(CapacityEstimate { per_s, below_per_s, confirmed: search.confirmed(), limit, cores, figures })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(reasons: Vec<Reason>) -> LevelResult {
        LevelResult { figures: Figures::default(), reasons }
    }

    #[test]
    fn interrupted_runs_do_not_count_and_failed_ones_do() {
        let interrupted = || result(vec![Reason::Interrupted]);
        let failed = || result(vec![Reason::FallsBehind { us_per_s: 20_000 }]);
        let confirm = |bad| conclude(10.0, SearchPhase::Confirm, Vec::new(), bad, 1);
        // The answer must not be a rate whose long run has just failed.
        let (level, passed) = confirm(vec![failed(), interrupted()]);
        assert_eq!((passed, level.runs, level.runs_passed), (Some(false), 1, 0));
        assert_eq!(level.reasons, failed().reasons);
        let (level, passed) = confirm(vec![interrupted()]);
        assert_eq!((passed, level.runs, level.reasons), (None, 0, vec![Reason::Interrupted]));
        let halve = conclude(10.0, SearchPhase::Halve, vec![result(Vec::new())], vec![interrupted()], 2);
        assert_eq!((halve.1, halve.0.runs, halve.0.runs_passed), (None, 1, 1));
        let (level, passed) = conclude(10.0, SearchPhase::Halve, Vec::new(), vec![failed(), failed()], 2);
        assert_eq!((passed, level.passed, level.runs), (Some(false), false, 2));
        let (level, passed) = conclude(10.0, SearchPhase::Climb, vec![result(Vec::new())], vec![failed()], 1);
        assert_eq!((passed, level.passed, level.runs, level.runs_passed), (Some(true), true, 2, 1));
    }
}
