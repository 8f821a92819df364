//! The whole search: from a scenario and objectives to an answer.

use super::level::{Judged, judge};
use super::model::{Answer, Capacity, Cores, Figures, Level, Limit, Range, Reason, Stage, Verdict, Wanted};
use super::play::{Course, Lengths, Unfit};
use super::search::{Ask, Bounds, Search};
use super::usl::{self, Usl};
use crate::report::figures::number;
use crate::run::{RunError, Settings, Stop};
use crate::scenario::{GroupName, Scenario, Threshold};

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
/// When the scenario has no capacity, or a run cannot be started. What goes wrong in the course of runs is part of the answer.
pub fn find(
    scenario: &Scenario,
    asked: &Asked,
    settings: &Settings,
    stop: &Stop,
    told: &dyn Fn(&str),
) -> Result<Capacity, Broken> {
    let course = Course::new(scenario, &asked.objectives, settings, asked.lengths, stop)?;
    let mut finding = Finding { course, told, levels: Vec::new(), cores: None };
    let bounds = finding.bounds(asked)?;
    let mut search = Search::new(bounds);
    while let Some(ask) = search.next() {
        let passed = finding.level(ask)?;
        if finding.was_cut() {
            // A level that nobody saw the end of has neither passed nor failed.
            break;
        }
        search.tell(ask, passed);
        if finding.is_over() {
            break;
        }
    }
    let usl = if asked.usl && !finding.is_over() { finding.usl(scenario)? } else { None };
    Ok(finding.capacity(scenario, asked, settings, &search, usl))
}

struct Finding<'f> {
    course: Course<'f>,
    told: &'f dyn Fn(&str),
    levels: Vec<Level>,
    cores: Option<Cores>,
}

impl Finding<'_> {
    fn bounds(&self, asked: &Asked) -> Result<Bounds, RunError> {
        let (from, to) = match (asked.from, asked.to) {
            (Some(from), Some(to)) => (from, to),
            (from, to) => {
                (self.told)("closed loop");
                // A pool that answers nobody has a first level too: it will fail.
                let reached = match self.course.probe()? {
                    Some(reached) => reached,
                    // Where so many at once get nothing done in that time, one may.
                    None => self.course.closed(1)?.unwrap_or(1.0),
                };
                let from = from.unwrap_or_else(|| (reached * FIRST).min(to.unwrap_or(f64::INFINITY)));
                (from, to.unwrap_or_else(|| (reached * LAST).max(from)))
            }
        };
        Ok(Bounds {
            from: readable(from),
            to: readable(to),
            factor: asked.factor,
            precision: asked.precision,
        })
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
        let enough = match stage {
            Stage::Climb | Stage::Confirm => 1,
            Stage::Halve => MOST_RUNS.div_ceil(2) as usize,
        };
        while good.len() < enough && bad.len() < MOST_RUNS.div_ceil(2) as usize {
            let repeat = first + (good.len() + bad.len()) as u32;
            (self.told)(&format!("{} {}/s", stage.as_str(), number(per_s)));
            let report = self.course.level(per_s, repeat, confirm)?;
            self.cores = self.cores.or_else(|| self.course.cores(&report));
            let judged = judge(&report);
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

    fn usl(&self, scenario: &Scenario) -> Result<Option<Usl>, RunError> {
        let mut points = Vec::new();
        for users in CONCURRENCY.into_iter().filter(|users| *users <= self.course.users()) {
            (self.told)(&format!("{users} at once"));
            let reached = self.course.closed(users)?;
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
        let wanted = asked.want.zip(answer.as_ref()).map(|(want, answer)| wanted(want, answer));
        let target =
            settings.endpoint.as_ref().map_or_else(|| "embedded".to_owned(), |at| at.address.to_string());
        let group = if scenario.group == GroupName::Toy { "toy" } else { "cognito" };
        Capacity {
            schema_version: Capacity::SCHEMA_VERSION,
            scenario: scenario.name.clone(),
            file: settings.file.clone(),
            seed: scenario.seed.number(),
            clock: scenario.clock,
            group: group.to_owned(),
            target,
            objectives: asked.objectives.iter().map(|one| one.text.clone()).collect(),
            verdict: Verdict::on(&self.levels, answer.as_ref(), self.course.is_stopped()),
            answer,
            levels: self.levels,
            usl,
            wanted,
        }
    }

    fn answer(&self, search: &Search) -> Option<Answer> {
        let per_s = search.passed()?;
        let below_per_s = search.failed();
        let stopped = below_per_s
            .and_then(|rate| self.levels.iter().find(|level| !level.passed && level.per_s == rate));
        let limit = match stopped {
            None => Limit::Range,
            Some(level) if level.is_generators() => Limit::Generator,
            Some(_) => Limit::Pool,
        };
        let figures = self.levels.iter().rev().find(|level| level.passed && level.per_s == per_s)?.figures;
        Some(Answer { per_s, below_per_s, confirmed: search.confirmed(), limit, cores: self.cores, figures })
    }
}

/// Three significant figures: rates are read by people, and typed again.
fn readable(rate: f64) -> f64 {
    let unit = 10_f64.powf(rate.abs().log10().floor() - 2.0);
    let short = (rate / unit).round() * unit;
    // What the unit's own inexactness has left behind goes: 0.30000000000000004.
    (short * 1e6).round() / 1e6
}

/// As many times more as is wanted: a core more is taken to bring what a core brings.
fn wanted(per_s: f64, answer: &Answer) -> Wanted {
    let times = Range {
        least: answer.below_per_s.map(|rate| rounded(per_s / rate)),
        most: rounded(per_s / answer.per_s),
    };
    let of = |cores: u64| Range {
        least: times.least.map(|least| rounded(least * cores as f64)),
        most: rounded(times.most * cores as f64),
    };
    Wanted {
        per_s,
        times,
        server_cores: answer.cores.map(|cores| of(cores.server)),
        client_cores: answer.cores.and_then(|cores| cores.client).map(of),
    }
}

fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

impl Stage {
    /// `climb`, `halve` or `confirm`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Climb => "climb",
            Self::Halve => "halve",
            Self::Confirm => "confirm",
        }
    }
}

impl Level {
    /// Whether it says more of the generator than of the pool. Users who are all waiting for a pool that falls behind are the pool's
    /// affair.
    fn is_generators(&self) -> bool {
        let has = |wanted: fn(&Reason) -> bool| self.reasons.iter().any(wanted);
        has(|reason| matches!(reason, Reason::Generator { .. }))
            && !has(|reason| matches!(reason, Reason::FallsBehind { .. }))
    }
}

impl Reason {
    /// Whether no other level is worth trying.
    const fn ends_the_search(&self) -> bool {
        matches!(self, Self::Mismatched { .. } | Self::Interrupted)
    }
}

impl Verdict {
    /// Of several faults the gravest sets the exit code: 80, 105, 83, 99.
    fn on(levels: &[Level], answer: Option<&Answer>, stopped: bool) -> Self {
        let mismatched = levels.iter().find_map(|level| {
            level.reasons.iter().find_map(|reason| match reason {
                Reason::Mismatched { count } => Some((level.per_s, *count)),
                _ => None,
            })
        });
        let mut sentences = Vec::new();
        let mut exit_code = 0;
        if let Some((per_s, count)) = mismatched {
            exit_code = 80;
            sentences.push(format!(
                "{count} decisions differ from what the rules ask at {}/s: a pool that decides wrongly has no capacity.",
                number(per_s)
            ));
        }
        if stopped {
            exit_code = if exit_code == 0 { 105 } else { exit_code };
            sentences.push("The search was interrupted: this is what was known so far.".to_owned());
        }
        match answer {
            Some(answer) => sentences.extend(remarks(answer)),
            None if exit_code != 0 => {}
            None => {
                let generator = levels.iter().any(Level::is_generators);
                exit_code = if generator { 83 } else { 99 };
                let per_s = levels.first().map_or(0.0, |level| level.per_s);
                let untold = |reason: &Reason| matches!(reason, Reason::Objective { value: None, .. });
                let too_few = levels.first().is_some_and(|level| level.reasons.iter().all(untold));
                let advice = if too_few {
                    "too few sign-ins come to tell. Measure longer with --measure, or start higher with --from."
                } else {
                    "there is nothing to search. Start lower with --from, or ask for less."
                };
                sentences.push(format!("The lowest level, {}/s, fails already: {advice}", number(per_s)));
            }
        }
        Self { exit_code, sentences }
    }
}

fn remarks(answer: &Answer) -> Vec<String> {
    let mut remarks = Vec::new();
    match answer.limit {
        Limit::Pool => {}
        Limit::Generator => remarks.push(
            "The generator reached its end before the pool did: the pool may take more. Give the generator more cores.".to_owned(),
        ),
        Limit::Range => {
            remarks.push("Nothing higher was tried: the pool may take more. Search on with --to.".to_owned());
        }
    }
    if !answer.confirmed {
        remarks.push("No long run has confirmed it: take it as a sign and not as a promise.".to_owned());
    }
    remarks
}
