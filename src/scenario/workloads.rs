//! What the workloads of a file mean: rules between their keys, and between the workloads.

use std::collections::BTreeSet;
use std::time::Duration;

use super::delay::Delay;
use super::raw::{RawModel, RawStage, RawWorkload};
use super::schedule::{RateSchedule, RateSchedules};
use super::validated::{
    ArrivalProcess, ClosedStage, Model, OpenStage, SourceAddress, WorkloadLimits, WorkloadPlan,
};
use super::validation::{ValidationError, ValidationResult, delay, display_path, weights};
use super::values::{Rate, Time};
use super::word_or_map::WordOrMap;
use super::{MAX_TIME, Segment};
use poolproof_client::Intent;
use poolproof_cognito::policy::RiskLevel;

/// A workload as typed, and where it stands.
struct WorkloadValidator<'f> {
    at: Vec<Segment>,
    file: &'f RawWorkload,
}

/// The workloads of a file: the one that stands alone, or those of the list.
pub(super) fn workloads(
    single: Option<&RawWorkload>,
    list: Option<&[RawWorkload]>,
    schedules: &RateSchedules,
) -> ValidationResult<Vec<WorkloadPlan>> {
    let key = |key: &str| Segment::Key(key.to_owned());
    let error = |path: Vec<Segment>, message: &str| {
        Err(ValidationError { path, part: None, message: message.to_owned(), help: None })
    };
    match (single, list) {
        (None, None) => error(Vec::new(), "missing key `workload`"),
        (Some(_), Some(_)) => {
            error(vec![key("workloads")], "give one `workload`, or a list of `workloads`, not both")
        }
        (Some(file), None) => {
            let typed = WorkloadValidator { at: vec![key("workload")], file };
            for (name, given) in [("name", file.name.is_some()), ("starts_at", file.starts_at.is_some())] {
                if given {
                    return typed.error(&[key(name)], "is for those of the list `workloads`");
                }
            }
            Ok(vec![typed.plan(WorkloadPlan::DEFAULT_NAME.to_owned(), schedules)?])
        }
        (None, Some(list)) => {
            if list.is_empty() || list.len() > WorkloadPlan::MAX_COUNT {
                return error(vec![key("workloads")], "workloads: give 1 to 16 of them");
            }
            let mut names = BTreeSet::new();
            let mut plans = Vec::with_capacity(list.len());
            for (index, file) in list.iter().enumerate() {
                let typed = WorkloadValidator { at: vec![key("workloads"), Segment::Index(index)], file };
                let Some(name) = &file.name else {
                    return typed.error(&[], "missing key `name`");
                };
                if !names.insert(&name.0) {
                    return typed.error(&[key("name")], "another workload has this name already");
                }
                plans.push(typed.plan(name.0.clone(), schedules)?);
            }
            Ok(plans)
        }
    }
}

impl WorkloadValidator<'_> {
    fn path(&self, more: &[Segment]) -> Vec<Segment> {
        [self.at.as_slice(), more].concat()
    }

    fn error<T>(&self, more: &[Segment], message: &str) -> ValidationResult<T> {
        let path = self.path(more);
        let message = format!("{}: {message}", display_path(&path));
        Err(ValidationError { path, part: None, message, help: None })
    }

    /// A key of the workload is refused.
    fn key<T>(&self, key: &str, message: &str) -> ValidationResult<T> {
        self.error(&[Segment::Key(key.to_owned())], message)
    }

    fn key_path(&self, key: &str) -> Vec<Segment> {
        self.path(&[Segment::Key(key.to_owned())])
    }

    fn plan(&self, name: String, schedules: &RateSchedules) -> ValidationResult<WorkloadPlan> {
        let file = self.file;
        let schedule = file.schedule.as_ref().and_then(|name| schedules.get(name));
        let model = match file.model {
            RawModel::Open => self.open(schedule)?,
            RawModel::Closed => self.closed()?,
        };
        let starts_at = file.starts_at.map_or(Duration::ZERO, |Time(time)| time);
        if starts_at + model.length() > MAX_TIME {
            return self.error(&[], "with this workload the run is longer than 24 hours");
        }
        let stops_after = file.stops_after.map(|Time(time)| time);
        if stops_after.is_some_and(|end| end <= model.warm_up()) {
            return self.key("stops_after", "it would stop before anything is measured");
        }
        let at_most = file.at_most.map(|most| most.0);
        if at_most.is_some_and(|most| most <= model.min_warm_up_sign_ins()) {
            return self.key("at_most", "its warm-up has as many sign-ins, and nothing would be measured");
        }
        let risk = [
            (None, file.risk.none),
            (Some(RiskLevel::Low), file.risk.low),
            (Some(RiskLevel::Medium), file.risk.medium),
            (Some(RiskLevel::High), file.risk.high),
        ];
        let from = SourceAddress::ALL.map(|source_address| {
            let weight = match source_address {
                SourceAddress::Home => file.from.home,
                SourceAddress::Elsewhere => file.from.elsewhere,
                SourceAddress::ElsewhereV6 => file.from.elsewhere_v6,
            };
            (source_address, weight)
        });
        Ok(WorkloadPlan {
            name,
            starts_at,
            limits: WorkloadLimits { at_most, stops_after },
            model,
            schedule: schedule.map(|schedule| schedule.source.clone()),
            from: weights(&self.key_path("from"), from)?,
            mix: weights(&self.key_path("mix"), mix(file))?,
            risk: weights(&self.key_path("risk"), risk)?,
        })
    }

    fn open(&self, schedule: Option<&RateSchedule>) -> ValidationResult<Model> {
        if self.file.think_time.is_some() {
            return self.key("think_time", "users think in model `closed` only");
        }
        let stages = match (schedule, &self.file.stages) {
            (Some(_), Some(_)) => {
                return self
                    .key("schedule", "the load over time is in `stages` or in a `schedule`, not in both");
            }
            (Some(schedule), None) => self.scheduled(schedule)?,
            (None, _) => self.open_stages()?,
        };
        let arrivals = self.file.arrivals.map_or(ArrivalProcess::Poisson, |WordOrMap(arrivals)| arrivals);
        Ok(Model::Open { arrivals, stages })
    }

    fn scheduled(&self, schedule: &RateSchedule) -> ValidationResult<Vec<OpenStage>> {
        let warm_up = self.file.warm_up.map_or(Duration::ZERO, |Time(time)| time);
        if warm_up >= schedule.length() {
            return self.key("warm_up", "with this warm-up nothing of the schedule is measured");
        }
        Ok(schedule.stages(warm_up))
    }

    fn open_stages(&self) -> ValidationResult<Vec<OpenStage>> {
        let typed = self.stages()?;
        let mut stages = Vec::with_capacity(typed.len());
        let mut before = None;
        for (index, stage) in typed.iter().enumerate() {
            if stage.users.is_some() {
                let message = "model `open` has a rate; `users` are for model `closed`";
                return self.stage(index, Some("users"), message);
            }
            let (from, to) = match (stage.rate, stage.to, before) {
                (Some(Rate(rate)), None, _) => (rate, rate),
                (Some(Rate(from)), Some(Rate(to)), _) => (from, to),
                (None, Some(Rate(to)), Some(from)) => (from, to),
                (None, Some(_), None) => {
                    let message = "the first stage has nothing to start from: give `rate` beside `to`";
                    return self.stage(index, Some("to"), message);
                }
                (None, None, _) => return self.stage(index, None, "give a `rate`, or `to` for a ramp"),
            };
            let RawStage { length: Time(length), warm_up, cool_down, .. } = *stage;
            stages.push(OpenStage { length, from, to, warm_up, cool_down });
            before = Some(to);
        }
        Ok(stages)
    }

    fn closed(&self) -> ValidationResult<Model> {
        if self.file.arrivals.is_some() {
            return self.key("arrivals", "sign-ins arrive at a rate in model `open` only");
        }
        if self.file.schedule.is_some() {
            return self.key("schedule", "a schedule is of rates, which are for model `open` only");
        }
        let typed = self.stages()?;
        let mut stages = Vec::with_capacity(typed.len());
        for (index, stage) in typed.iter().enumerate() {
            for (key, given) in [("rate", stage.rate), ("to", stage.to)] {
                if given.is_some() {
                    let message = "model `closed` has `users`; rates are for model `open`";
                    return self.stage(index, Some(key), message);
                }
            }
            let Some(users) = stage.users else {
                return self.stage(index, None, "give the number of `users`");
            };
            let RawStage { length: Time(length), warm_up, cool_down, .. } = *stage;
            stages.push(ClosedStage { length, users: users.get(), warm_up, cool_down });
        }
        let think_time = self.file.think_time.unwrap_or(WordOrMap(Delay::None));
        Ok(Model::Closed { think_time: delay(&self.key_path("think_time"), think_time)?, stages })
    }

    fn stage<T>(&self, index: usize, key: Option<&str>, message: &str) -> ValidationResult<T> {
        let at = [Segment::Key("stages".to_owned()), Segment::Index(index)];
        let mut path = self.path(&at);
        let message = format!("{}: {message}", display_path(&path));
        path.extend(key.map(|key| Segment::Key(key.to_owned())));
        Err(ValidationError { path, part: None, message, help: None })
    }

    /// The stages as typed, of which holds what holds for those of both models.
    fn stages(&self) -> ValidationResult<&[RawStage]> {
        let Some(stages) = &self.file.stages else {
            return self.error(&[], "missing key `stages`");
        };
        if self.file.warm_up.is_some() {
            return self.key("warm_up", "is for a `schedule`; mark stages with `warm_up: true`");
        }
        let mut total = Duration::ZERO;
        let (mut measured, mut cooling) = (false, false);
        for (index, stage) in stages.iter().enumerate() {
            if stage.length.0.is_zero() {
                return self.stage(index, Some("for"), "a stage lasts longer than no time");
            }
            total += stage.length.0;
            if total > MAX_TIME {
                return self.stage(index, Some("for"), "with this stage the run is longer than 24 hours");
            }
            if stage.warm_up && stage.cool_down {
                return self.stage(index, Some("cool_down"), "a stage is warm-up or cool-down, not both");
            }
            if stage.warm_up && (measured || cooling) {
                return self.stage(index, Some("warm_up"), "warm-up comes before all that is measured");
            }
            cooling |= stage.cool_down;
            if cooling && !stage.cool_down {
                let message = "cool-down comes last: this stage follows it and is none";
                return self.stage(index, None, message);
            }
            measured |= !stage.warm_up && !stage.cool_down;
        }
        match measured {
            true => Ok(stages),
            false => self.key("stages", "at least one stage must be measured, not warm-up"),
        }
    }
}

fn mix(file: &RawWorkload) -> [(Intent, super::raw::Weight); Intent::ALL.len()] {
    Intent::ALL.map(|intent| {
        let weight = match intent {
            Intent::KnownDevice => file.mix.known_device,
            Intent::NewDevice => file.mix.new_device,
            Intent::WrongPassword => file.mix.wrong_password,
            Intent::ForgottenDevice => file.mix.forgotten_device,
            Intent::WrongDeviceSecret => file.mix.wrong_device_secret,
            Intent::ReplayedClaim => file.mix.replayed_claim,
            Intent::PlainPassword => file.mix.plain_password,
            Intent::Refresh => file.mix.refresh,
            Intent::RefreshWithoutDevice => file.mix.refresh_without_device,
            Intent::RefreshAfterForget => file.mix.refresh_after_forget,
            Intent::RefreshAfterRevoke => file.mix.refresh_after_revoke,
            Intent::RefreshAfterSignOut => file.mix.refresh_after_sign_out,
        };
        (intent, weight)
    })
}
