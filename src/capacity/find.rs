//! The whole search: from a scenario and objectives to an answer.

use super::level::{Judged, judge};
use super::model::{Answer, Capacity, Cores, Figures, Level, Limit, Reason, Stage, Wanted};
use super::play::{Course, Lengths, Unfit};
use super::search::{Ask, Bounds, Search};
use super::usl::{self, Usl};
use super::verdict::{Outcome, ceiling};
use crate::digits::significant;
use crate::report::Report;
use crate::report::figures::exactly;
use crate::run::{RunError, Settings, Stop};
use crate::scenario::{Scenario, Threshold};

/// The first level is this part of what a closed loop reaches.
const FIRST: f64 = 1.0 / 8.0;
/// The search ends at so many times what a closed loop reaches.
const LAST: f64 = 4.0;
/// Sign-ins at once from which the scalability law is fitted.
const CONCURRENCY: [u32; 6] = [1, 2, 4, 8, 16, 32];
/// A level is played so often at most; the majority decides.
const MOST_RUNS: u32 = 3;

/// What is asked for.
#[derive(Clone, PartialEq, Debug)]
pub struct Asked {
    /// What has to hold.
    pub objectives: Vec<Threshold>,
    /// The first rate; by default an eighth of what a closed loop reaches.
    pub from: Option<f64>,
    /// The highest rate to try; by default four times what a closed loop reaches.
    pub to: Option<f64>,
    /// What rates grow by on the way up.
    pub factor: f64,
    /// How close the bounds of the answer must be, as a share.
    pub precision: f64,
    /// How long levels take.
    pub lengths: Lengths,
    /// Whether to fit the scalability law.
    pub usl: bool,
    /// A rate whose cores are to be told.
    pub want: Option<f64>,
}

/// Why a search could not begin, or go on.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The scenario has no capacity.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A run could not be started.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Searches for the highest rate at which this scenario's pool keeps the objectives. `told` hears of each run before it begins.
///
/// # Errors
///
/// When the scenario has no capacity, or the first run cannot be started. What goes wrong afterwards is part of the answer.
pub fn find(
    scenario: &Scenario,
    asked: &Asked,
    settings: &Settings,
    stop: &Stop,
    told: &dyn Fn(&str),
) -> Result<Capacity, Broken> {
    let course = Course::new(scenario, &asked.objectives, settings, asked.lengths, stop)?;
    let mut finding = Finding { course, told, levels: Vec::new(), common: None, broken: None };
    let mut search = Search::new(finding.bounds(asked)?);
    let sought = finding.search(&mut search).and_then(|()| finding.usl(scenario, asked));
    let usl = match sought {
        Ok(usl) => usl,
        Err(error) if finding.levels.is_empty() => return Err(error.into()),
        Err(error) => {
            finding.broken = Some(error);
            None
        }
    };
    Ok(finding.capacity(scenario, asked, settings, &search, usl))
}

struct Finding<'f> {
    course: Course<'f>,
    told: &'f dyn Fn(&str),
    levels: Vec<Level>,
    common: Option<Common>,
    /// Why no run could be started any more.
    broken: Option<RunError>,
}

/// What all runs have in common, as the first tells it.
#[derive(Clone, Debug, Default)]
struct Common {
    cores: Option<Cores>,
    group: String,
    target: String,
}

impl Finding<'_> {
    fn note(&mut self, report: &Report) {
        let course = &self.course;
        self.common.get_or_insert_with(|| Common {
            cores: course.cores(report),
            group: report.group.clone(),
            target: report.target.clone(),
        });
    }

    fn bounds(&mut self, asked: &Asked) -> Result<Bounds, RunError> {
        let (from, to) = match (asked.from, asked.to) {
            (Some(from), Some(to)) => (from, to),
            (from, to) => {
                (self.told)("closed loop");
                let report = self.course.probe()?;
                self.note(&report);
                // A pool that answers nobody has a first level too: it will fail.
                let reached = report.throughput.achieved_per_s.filter(|rate| *rate > 0.0).unwrap_or(1.0);
                let first = significant(reached * FIRST, 3);
                let from = from.unwrap_or_else(|| first.min(to.unwrap_or(f64::INFINITY)));
                (from, to.unwrap_or_else(|| significant(reached * LAST, 3).max(from)))
            }
        };
        Ok(Bounds { from, to, factor: asked.factor, precision: asked.precision })
    }

    /// Plays the levels that are asked for.
    fn search(&mut self, search: &mut Search) -> Result<(), RunError> {
        while let Some(ask) = search.next() {
            let passed = self.level(ask)?;
            if self.was_cut() {
                // A level that nobody saw the end of has neither passed nor failed.
                break;
            }
            search.tell(ask, passed);
            if self.is_over() {
                break;
            }
        }
        Ok(())
    }

    /// Plays a level until the majority of its runs is known; on the way up one that passes is enough.
    fn level(&mut self, ask: Ask) -> Result<bool, RunError> {
        let per_s = ask.per_s();
        let (stage, confirm) = match ask {
            Ask::Climb(_) => (Stage::Climb, false),
            Ask::Halve(_) => (Stage::Halve, false),
            Ask::Confirm(_) => (Stage::Confirm, true),
        };
        // A run that is to confirm has chances that no other had.
        let first = if confirm { MOST_RUNS } else { 0 };
        let (mut good, mut bad): (Vec<Judged>, Vec<Judged>) = (Vec::new(), Vec::new());
        let majority = MOST_RUNS.div_ceil(2) as usize;
        let enough = if stage == Stage::Halve { majority } else { 1 };
        while good.len() < enough && bad.len() < majority {
            let repeat = first + (good.len() + bad.len()) as u32;
            (self.told)(&format!("{} {}/s", stage.as_str(), exactly(per_s)));
            let report = self.course.level(per_s, repeat, confirm)?;
            self.note(&report);
            let judged = judge(&report, self.course.users());
            let ends = judged.reasons.iter().any(Reason::ends_the_search);
            let heap = if judged.reasons.is_empty() { &mut good } else { &mut bad };
            heap.push(judged);
            if ends || self.course.is_stopped() {
                break;
            }
        }
        let passed = good.len() >= enough;
        let (runs, runs_passed) = ((good.len() + bad.len()) as u32, good.len() as u32);
        let shown = if passed { good.pop() } else { bad.pop().or_else(|| good.pop()) };
        let Judged { figures, reasons } = shown
            .unwrap_or_else(|| Judged { figures: Figures::default(), reasons: vec![Reason::Interrupted] });
        self.levels.push(Level { per_s, stage, runs, runs_passed, passed, reasons, figures });
        Ok(passed)
    }

    /// Whether the last level was cut short.
    fn was_cut(&self) -> bool {
        self.levels.last().is_some_and(|level| level.reasons.contains(&Reason::Interrupted))
    }

    /// Whether going on would say nothing more.
    fn is_over(&self) -> bool {
        let ends = |level: &Level| level.reasons.iter().any(Reason::ends_the_search);
        self.course.is_stopped() || self.levels.last().is_some_and(ends)
    }

    /// The scalability law, where it was asked for, and can be fitted.
    fn usl(&self, scenario: &Scenario, asked: &Asked) -> Result<Option<Usl>, RunError> {
        if !asked.usl || self.is_over() {
            return Ok(None);
        }
        let mut points = Vec::new();
        for users in CONCURRENCY.into_iter().filter(|users| *users <= self.course.users()) {
            (self.told)(&format!("{users} at once"));
            let reached = self.course.closed(users)?.throughput.achieved_per_s;
            if self.course.is_stopped() {
                return Ok(None);
            }
            points.extend(reached.map(|rate| (users, rate)));
        }
        Ok(usl::fit(&points, &mut scenario.seed.stream("usl", 0)))
    }

    fn capacity(
        self,
        scenario: &Scenario,
        asked: &Asked,
        settings: &Settings,
        search: &Search,
        usl: Option<Usl>,
    ) -> Capacity {
        let answer = self.answer(search);
        let outcome = Outcome {
            levels: &self.levels,
            answer: answer.as_ref(),
            stopped: self.course.is_stopped(),
            broken: self.broken.as_ref(),
            most_requests: settings.endpoint.as_ref().and_then(|at| at.limits.per_second),
            lawless: asked.usl && usl.is_none() && self.broken.is_none() && !self.is_over(),
        };
        let verdict = outcome.verdict();
        let wanted = asked.want.zip(answer.as_ref()).map(|(want, answer)| Wanted::of(want, answer));
        let Common { group, target, .. } = self.common.unwrap_or_default();
        Capacity {
            schema_version: Capacity::SCHEMA_VERSION,
            scenario: scenario.name.clone(),
            file: settings.file.clone(),
            seed: scenario.seed.number(),
            clock: scenario.clock,
            group,
            target,
            objectives: asked.objectives.iter().map(|one| one.text.clone()).collect(),
            verdict,
            answer,
            levels: self.levels,
            usl,
            wanted,
        }
    }

    fn answer(&self, search: &Search) -> Option<Answer> {
        let per_s = search.passed()?;
        let below_per_s = search.failed();
        let limit = match ceiling(&self.levels, below_per_s) {
            None => Limit::Range,
            Some(level) if level.is_generators() => Limit::Generator,
            Some(_) => Limit::Pool,
        };
        let figures = self.levels.iter().rev().find(|level| level.passed && level.per_s == per_s)?.figures;
        let cores = self.common.as_ref().and_then(|common| common.cores);
        Some(Answer { per_s, below_per_s, confirmed: search.confirmed(), limit, cores, figures })
    }
}
