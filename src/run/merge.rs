//! Merges the shards of a run into one report.

use std::collections::BTreeSet;

use tokio_util::sync::CancellationToken;

use super::report_info::{self, Description};
use super::shard_file::{ShardData, ShardFile, ShardedRun};
use super::shard_options::{Division, ShardQuotas};
use super::{RunInputs, RunOptions, RunOutput, group, recorder, recorder_without_load};
use crate::actors::Finished;
use crate::compute::ComputeUsage;
use crate::report::{MachineLoad, Shards};
use crate::scenario::{self, Scenario};

/// Why shards cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// The file is not one of a shard.
    #[error("{name} is not a shard that this version can read: {why}")]
    Invalid {
        /// The file.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// Two files do not belong to the same run, or are the same shard.
    #[error("{0}")]
    NotComparable(String),
}

/// The shards of one run, merged so far. Its size does not depend on their number.
#[derive(Debug)]
pub struct Merge {
    run: ShardedRun,
    scenario: Scenario,
    /// The files of the shards by index; `None` are missing.
    names: Vec<Option<String>>,
    finished: Finished,
    usage: [ComputeUsage; 2],
    machine: Option<MachineLoad>,
    /// The environment of the first shard, with its index.
    environment: Option<(u32, crate::report::Environment)>,
    left_behind: Vec<String>,
    /// The shards that were canceled, by index.
    ended_early: BTreeSet<u32>,
}

impl Merge {
    /// Begins with the shard in the file `name`.
    ///
    /// # Errors
    ///
    /// The file is not valid.
    pub fn new(name: &str, file: ShardFile) -> Result<Self, MergeError> {
        let invalid = |why: String| MergeError::Invalid { name: name.to_owned(), why };
        let shard = file.shard().map_err(invalid)?;
        let scenario = scenario::parse(name, file.run.scenario.as_bytes())
            .map_err(|diagnostic| invalid(format!("its scenario is invalid: {diagnostic}")))?;
        if scenario.name != file.run.name {
            return Err(invalid("its name is not that of its scenario".to_owned()));
        }
        let count = usize::try_from(shard.count()).unwrap_or(usize::MAX);
        let mut merge = Self {
            run: file.run.clone(),
            names: vec![None; count],
            finished: Finished {
                recorder: match file.run.live_load {
                    true => recorder_without_load(&scenario),
                    false => recorder(&scenario),
                },
                ..Finished::default()
            },
            usage: [ComputeUsage::new(0), ComputeUsage::new(0)],
            scenario,
            machine: None,
            environment: None,
            left_behind: Vec::new(),
            ended_early: BTreeSet::new(),
        };
        merge.add(name, file)?;
        Ok(merge)
    }

    /// Adds the shard in the file `name`.
    ///
    /// # Errors
    ///
    /// The file is not valid, belongs to another run, or is a shard that was added before.
    pub fn add(&mut self, name: &str, file: ShardFile) -> Result<(), MergeError> {
        let invalid = |why: &str| MergeError::Invalid { name: name.to_owned(), why: why.to_owned() };
        file.shard().map_err(|why| invalid(&why))?;
        if let Some(difference) = self.run.difference(&file.run) {
            let first = self.names.iter().flatten().next().map_or("the first shard", String::as_str);
            return Err(MergeError::NotComparable(format!(
                "{name} does not belong to the same run as {first}: {difference}"
            )));
        }
        let place = &mut self.names[file.index as usize];
        if let Some(other) = place.replace(name.to_owned()) {
            return Err(MergeError::NotComparable(format!(
                "{name} and {other} are both shard {} of {}",
                file.index, self.run.count
            )));
        }
        let ShardData { started, interrupted, abort, left_behind, recorder, .. } = file.data;
        let finished = &mut self.finished;
        finished.recorder.merge(&recorder).map_err(invalid)?;
        finished.interrupted |= interrupted;
        // A threshold that canceled it is reported instead.
        if interrupted && abort.is_none() {
            self.ended_early.insert(file.index);
        }
        finished.abort = [finished.abort, abort].into_iter().flatten().min_by_key(|abort| abort.elapsed);
        // The first start of all; before the first shard there is none.
        let is_first = self.names.iter().flatten().count() == 1;
        finished.started = if is_first { started } else { finished.started.min(started) };
        if file
            .data
            .arrival_counts
            .keys()
            .any(|workload| usize::from(*workload) >= self.scenario.workloads.len())
        {
            return Err(invalid("it has counts of workloads that its scenario does not have"));
        }
        for (workload, counts) in &file.data.arrival_counts {
            finished.arrival_counts.entry(*workload).or_default().add(counts);
        }
        finished.devices.extend(file.data.devices);
        finished.new_devices += file.data.new_devices;
        self.usage.iter_mut().zip(&file.data.usage).for_each(|(usage, more)| usage.merge(more));
        self.machine = MachineLoad::worse(self.machine, file.data.machine);
        if let Some(environment) = file.data.environment
            && self.environment.as_ref().is_none_or(|(index, _)| file.index < *index)
        {
            self.environment = Some((file.index, environment));
        }
        self.left_behind.extend(left_behind);
        Ok(())
    }

    /// Returns the number of shards.
    pub const fn count(&self) -> u32 {
        self.run.count
    }

    /// Returns the scenario's file as the command line of the shards named it.
    pub fn scenario_file(&self) -> &str {
        &self.run.file
    }

    /// Returns the indices of the shards that are missing.
    pub fn missing(&self) -> Vec<u32> {
        (0..).zip(&self.names).filter_map(|(index, name)| name.is_none().then_some(index)).collect()
    }

    /// Returns the merged run. Missing shards make it partial.
    pub fn finish(self) -> RunOutput {
        let missing = self.missing();
        let Self {
            run, scenario, mut finished, usage, machine, environment, left_behind, ended_early, ..
        } = self;
        finished.recorder.complete_merge();
        finished.interrupted |= !missing.is_empty();
        if !finished.interrupted {
            finished.recorder.complete();
        }
        let separate = run.division == Division::Separate;
        let shards = (separate || finished.interrupted).then(|| Shards {
            count: run.count,
            missing,
            ended_early: ended_early.into_iter().collect(),
            separate,
            quotas_divided: separate && run.quotas == ShardQuotas::Divided,
        });
        let options = RunOptions {
            file: run.file,
            text: run.text,
            replay_options: run.options,
            ..RunOptions::default()
        };
        let cancel_token = &CancellationToken::new();
        let inputs = RunInputs {
            group: group(scenario.group, None),
            scenario: &scenario,
            options: &options,
            cancel_token,
        };
        let description = Description {
            files: run.files,
            stages: run.stages,
            target: run.target,
            target_options: run.target_options,
            machine,
            environment: environment.map(|(_, environment)| environment),
            left_behind: (!left_behind.is_empty()).then(|| left_behind.join("; ")),
            shards,
            live_load: run.live_load,
        };
        let started = finished.started;
        let left = description.left_behind.clone();
        let (report, measured) = report_info::report(inputs, &usage, description, finished);
        RunOutput { report, measured, started, left_behind: left, shard: None }
    }
}

impl ShardedRun {
    /// Returns the first difference to another run in words.
    fn difference(&self, other: &Self) -> Option<String> {
        let counts = (self.count != other.count)
            .then(|| format!("it is one of {} shards, not of {}", other.count, self.count));
        counts
            .or_else(|| (self.text != other.text).then(|| "its scenario file has another text".to_owned()))
            .or_else(|| {
                (self.scenario != other.scenario)
                    .then(|| "its seed, its clock or options such as --set differ".to_owned())
            })
            .or_else(|| {
                (self.target != other.target)
                    .then(|| format!("its target is {}, not {}", other.target, self.target))
            })
            // A machine can name the same file by another path.
            .or_else(|| {
                let other = Self { file: self.file.clone(), ..other.clone() };
                (*self != other).then(|| "its options differ".to_owned())
            })
    }
}
