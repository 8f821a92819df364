//! Validates the workloads of a scenario: rules between their keys, and between the workloads.

use std::collections::BTreeSet;
use std::time::Duration;

use super::delay::Delay;
use super::raw::{RawModel, RawStage, RawWorkload};
use super::schedule::{RateSchedule, RateSchedules};
use super::validated::{ArrivalProcess, Bursts, ClosedStage, Model, OpenStage, WorkloadLimits, WorkloadPlan};
use super::validation::{ValidationError, ValidationResult, delay, join, weights};
use super::values::{LoadRate, Time};
use super::word_or_map::WordOrMap;
use super::{MAX_TIME, Segment};

/// A raw workload and its path.
struct WorkloadValidator<'f> {
    path: Vec<Segment>,
    raw: &'f RawWorkload,
}

/// Validates the single workload, or the list of workloads.
pub(super) fn workloads(
    single: Option<&RawWorkload>,
    list: Option<&[RawWorkload]>,
    schedules: &RateSchedules,
) -> ValidationResult<Vec<WorkloadPlan>> {
    let path = || vec!["workloads".into()];
    match (single, list) {
        (None, None) => Err(ValidationError::at(Vec::new(), "missing key `workload`")),
        (Some(_), Some(_)) => {
            Err(ValidationError::at(path(), "give either one `workload` or a list of `workloads`"))
        }
        (Some(raw), None) => {
            let validator = WorkloadValidator { path: vec!["workload".into()], raw };
            for (key, present) in [("name", raw.name.is_some()), ("starts_at", raw.starts_at.is_some())] {
                if present {
                    return validator.error(&[key], "use this key in the list `workloads` only");
                }
            }
            Ok(vec![validator.plan(WorkloadPlan::DEFAULT_NAME.to_owned(), schedules)?])
        }
        (None, Some(list)) => {
            if list.is_empty() || list.len() > WorkloadPlan::MAX_COUNT {
                return Err(ValidationError::at(path(), "give 1 to 16 workloads"));
            }
            let mut names = BTreeSet::new();
            let mut plans = Vec::with_capacity(list.len());
            for (index, raw) in list.iter().enumerate() {
                let validator = WorkloadValidator { path: vec!["workloads".into(), index.into()], raw };
                let Some(name) = &raw.name else {
                    return validator.error(&[], "missing key `name`");
                };
                if !names.insert(&name.0) {
                    return validator.error(&["name"], "another workload already has this name");
                }
                plans.push(validator.plan(name.0.clone(), schedules)?);
            }
            Ok(plans)
        }
    }
}

impl WorkloadValidator<'_> {
    fn key_path(&self, key: &str) -> Vec<Segment> {
        join(&self.path, &[key])
    }

    /// Returns an error at a path of keys inside the workload.
    fn error<T>(&self, keys: &[&str], message: &str) -> ValidationResult<T> {
        Err(ValidationError::at(join(&self.path, keys), message))
    }

    /// Returns an error at a key of a stage, or at the stage itself.
    fn stage_error<T>(&self, index: usize, key: Option<&str>, message: &str) -> ValidationResult<T> {
        let stage = [self.key_path("stages"), vec![index.into()]].concat();
        let error = ValidationError::at(stage, message);
        Err(ValidationError { path: join(&error.path, key.as_slice()), ..error })
    }

    fn plan(&self, name: String, schedules: &RateSchedules) -> ValidationResult<WorkloadPlan> {
        let raw = self.raw;
        let schedule = raw.schedule.as_ref().and_then(|name| schedules.get(name));
        let model = match raw.model {
            RawModel::Open => self.open(schedule)?,
            RawModel::Closed => self.closed()?,
        };
        let starts_at = raw.starts_at.map_or(Duration::ZERO, |Time(time)| time);
        if starts_at + model.length() > MAX_TIME {
            return self.error(&[], "the run is longer than 24 hours with this workload");
        }
        let stops_after = raw.stops_after.map(|Time(time)| time);
        if stops_after.is_some_and(|end| end <= model.warm_up()) {
            return self.error(&["stops_after"], "the workload stops before its warm-up ends");
        }
        let at_most = raw.at_most.map(|most| most.0);
        if at_most.is_some_and(|most| most <= model.min_warm_up_sign_ins()) {
            return self.error(&["at_most"], "the workload reaches this limit before its warm-up ends");
        }
        Ok(WorkloadPlan {
            name,
            starts_at,
            limits: WorkloadLimits { at_most, stops_after },
            model,
            schedule: schedule.map(|schedule| schedule.source.clone()),
            flow: raw.flow,
            from: weights(self.key_path("from"), raw.from.weights())?,
            mix: weights(self.key_path("mix"), raw.mix.weights())?,
            risk: weights(self.key_path("risk"), raw.risk.weights())?,
        })
    }

    fn open(&self, schedule: Option<&RateSchedule>) -> ValidationResult<Model> {
        if self.raw.think_time.is_some() {
            return self.error(&["think_time"], "only model `closed` has a think time");
        }
        let stages = match (schedule, &self.raw.stages) {
            (Some(_), Some(_)) => {
                return self.error(&["schedule"], "give either `stages` or a `schedule`");
            }
            (Some(schedule), None) => {
                let warm_up = self.raw.warm_up.map_or(Duration::ZERO, |Time(time)| time);
                if warm_up >= schedule.length() {
                    return self.error(&["warm_up"], "the warm-up is as long as the schedule");
                }
                schedule.stages(warm_up)
            }
            (None, _) => self.open_stages()?,
        };
        let is_measured = |stage: &OpenStage| !stage.warm_up && !stage.cool_down;
        if !stages.iter().any(|stage| is_measured(stage) && stage.expected_sign_ins() > 0.0) {
            let key = if schedule.is_some() { "schedule" } else { "stages" };
            return self.error(&[key], "no measured stage has a rate above zero");
        }
        let arrivals = self.raw.arrivals.map_or(ArrivalProcess::Poisson, |WordOrMap(arrivals)| arrivals);
        if let ArrivalProcess::Bursty(Bursts { length, every, .. }) = arrivals {
            if length.as_millis() == 0 {
                return self.error(&["arrivals", "bursty", "for"], "a burst lasts at least 1ms");
            }
            if every <= length {
                let path = join(&self.path, &["arrivals", "bursty", "every"]);
                let error = ValidationError::at(path, "`every` must be longer than `for`");
                let involves = &["workload.arrivals.bursty.for", "workloads.arrivals.bursty.for"];
                return Err(ValidationError { involves, ..error });
            }
        }
        Ok(Model::Open { arrivals, stages })
    }

    fn open_stages(&self) -> ValidationResult<Vec<OpenStage>> {
        let raw_stages = self.stages()?;
        let mut stages = Vec::with_capacity(raw_stages.len());
        let mut previous = None;
        for (index, stage) in raw_stages.iter().enumerate() {
            if stage.users.is_some() {
                let message = "model `open` has a `rate`; `users` is for model `closed`";
                return self.stage_error(index, Some("users"), message);
            }
            let (from, to) = match (stage.rate, stage.to, previous) {
                (Some(LoadRate(rate)), None, _) => (rate, rate),
                (Some(LoadRate(from)), Some(LoadRate(to)), _) => (from, to),
                (None, Some(LoadRate(to)), Some(from)) => (from, to),
                (None, Some(_), None) => {
                    let message = "the first stage has no rate to start from: give `rate` beside `to`";
                    return self.stage_error(index, Some("to"), message);
                }
                (None, None, _) => return self.stage_error(index, None, "give a `rate`, or `to` for a ramp"),
            };
            let RawStage { length: Time(length), warm_up, cool_down, .. } = *stage;
            stages.push(OpenStage { length, from, to, warm_up, cool_down });
            previous = Some(to);
        }
        Ok(stages)
    }

    fn closed(&self) -> ValidationResult<Model> {
        if self.raw.arrivals.is_some() {
            return self.error(&["arrivals"], "only model `open` has arrivals");
        }
        if self.raw.schedule.is_some() {
            return self.error(&["schedule"], "a schedule has rates, which are for model `open`");
        }
        let raw_stages = self.stages()?;
        let mut stages = Vec::with_capacity(raw_stages.len());
        for (index, stage) in raw_stages.iter().enumerate() {
            for (key, rate) in [("rate", stage.rate), ("to", stage.to)] {
                if rate.is_some() {
                    let message = "model `closed` has `users`; rates are for model `open`";
                    return self.stage_error(index, Some(key), message);
                }
            }
            let Some(users) = stage.users else {
                return self.stage_error(index, None, "give the number of `users`");
            };
            let RawStage { length: Time(length), warm_up, cool_down, .. } = *stage;
            stages.push(ClosedStage { length, users: users.get(), warm_up, cool_down });
        }
        let think_time = self.raw.think_time.unwrap_or(WordOrMap(Delay::None));
        Ok(Model::Closed { think_time: delay(&self.key_path("think_time"), think_time)?, stages })
    }

    /// Checks the rules that stages of both models share.
    fn stages(&self) -> ValidationResult<&[RawStage]> {
        let Some(stages) = &self.raw.stages else {
            return self.error(&[], "missing key `stages`");
        };
        if self.raw.warm_up.is_some() {
            return self
                .error(&["warm_up"], "this key is for a `schedule`; mark stages with `warm_up: true`");
        }
        let mut total = Duration::ZERO;
        let (mut measured, mut cooling) = (false, false);
        for (index, stage) in stages.iter().enumerate() {
            total += stage.length.0;
            let started = measured || cooling;
            cooling |= stage.cool_down;
            measured |= !stage.warm_up && !stage.cool_down;
            let (key, message) = if stage.length.0.is_zero() {
                (Some("for"), "a stage must last longer than zero")
            } else if total > MAX_TIME {
                (Some("for"), "the run is longer than 24 hours with this stage")
            } else if stage.warm_up && stage.cool_down {
                (Some("cool_down"), "a stage is either warm-up or cool-down")
            } else if stage.warm_up && started {
                (Some("warm_up"), "warm-up stages come before all others")
            } else if cooling && !stage.cool_down {
                (None, "this stage follows cool-down, which comes last")
            } else {
                continue;
            };
            return self.stage_error(index, key, message);
        }
        if measured {
            Ok(stages)
        } else {
            self.error(&["stages"], "no stage is measured: add one that is neither warm-up nor cool-down")
        }
    }
}
