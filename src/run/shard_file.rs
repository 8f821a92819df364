//! `shard-INDEX.json`: everything that one shard of a run recorded, without loss, and what describes the run.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::shard_options::{Division, ShardQuotas};
use crate::actors::{ArrivalCounts, ThresholdAbort};
use crate::compute::ComputeUsage;
use crate::metrics::StoredRecorder;
use crate::report::{Environment, MachineLoad, NamedFile, StageSummary};
use crate::workload::Shard;
use poolproof_cognito::time::Timestamp;

/// One shard of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShardFile {
    /// The version of this format.
    pub(super) format: u32,
    /// The version of the program. Shards of different versions cannot be merged.
    pub(super) version: String,
    /// The index of the shard, from 0.
    pub(super) index: u32,
    /// What is the same in all shards of a run.
    pub(super) run: ShardedRun,
    /// What this shard recorded.
    pub(super) data: ShardData,
}

/// What is the same in all shards of a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct ShardedRun {
    /// The number of shards.
    pub(super) count: u32,
    pub(super) division: Division,
    pub(super) quotas: ShardQuotas,
    /// The scenario's name.
    pub(super) name: String,
    /// The scenario with all defaults, seed and clock.
    pub(super) scenario: String,
    /// The scenario's file as named by the user, and its text.
    pub(super) file: String,
    pub(super) text: String,
    pub(super) files: Vec<NamedFile>,
    pub(super) stages: Vec<StageSummary>,
    /// As in the report.
    pub(super) options: Vec<String>,
    pub(super) target: String,
    pub(super) target_options: Vec<String>,
    /// Whether the load was not that of the scenario's stages, but set while the run went on.
    #[serde(default)]
    pub(super) live_load: bool,
}

/// What one shard recorded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ShardData {
    pub(super) started: Timestamp,
    pub(super) interrupted: bool,
    /// The threshold that canceled it.
    pub(super) abort: Option<ThresholdAbort>,
    pub(super) left_behind: Option<String>,
    pub(super) recorder: StoredRecorder,
    pub(super) arrival_counts: BTreeMap<u16, ArrivalCounts>,
    /// The devices that each user of the shard has collected.
    pub(super) devices: Vec<u32>,
    pub(super) new_devices: u64,
    /// The work of clients and pool.
    pub(super) usage: [ComputeUsage; 2],
    pub(super) machine: Option<MachineLoad>,
    pub(super) environment: Option<Environment>,
}

impl ShardFile {
    /// The version of the format that this program reads and writes.
    pub const FORMAT: u32 = 1;

    /// Returns the name of the file of a shard. Shards have different names, so they can share a folder.
    pub fn file_name(index: u32) -> String {
        format!("shard-{index}.json")
    }

    /// Returns whether a file with this name is that of a shard.
    pub fn is_file_name(name: &str) -> bool {
        let index = name.strip_prefix("shard-").and_then(|rest| rest.strip_suffix(".json"));
        index.is_some_and(|index| index.parse::<u32>().is_ok_and(|index| Self::file_name(index) == name))
    }

    /// Sets that the load was set while the run went on.
    pub(super) fn of_live_load(mut self) -> Self {
        self.run.live_load = true;
        self.run.stages.clear();
        self
    }

    /// Returns the part of the run that this is.
    ///
    /// # Errors
    ///
    /// The numbers are not those of a shard.
    pub fn shard(&self) -> Result<Shard, String> {
        Shard::new(self.index, self.run.count)
    }

    /// Returns the index of the shard, from 0.
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// Returns the name of the scenario.
    pub fn scenario_name(&self) -> &str {
        &self.run.name
    }

    /// Returns the finished sign-ins, warm-up included.
    pub fn sign_ins(&self) -> u64 {
        self.data.recorder.sign_ins()
    }

    /// Returns the part in words: `0 of 0 to 3`.
    pub fn index_of_count(&self) -> String {
        format!("{} of 0 to {}", self.index, self.run.count.saturating_sub(1))
    }

    /// Returns whether the shard was canceled.
    pub const fn is_interrupted(&self) -> bool {
        self.data.interrupted
    }

    /// Parses the text of a file.
    ///
    /// # Errors
    ///
    /// Says why it is not the file of a shard that this version can read.
    pub fn parse(text: &str) -> Result<Self, String> {
        /// The fields that every version has.
        #[derive(Deserialize)]
        struct Header {
            format: u32,
            version: String,
        }
        let header: Header = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let own = env!("CARGO_PKG_VERSION");
        if header.version != own {
            return Err(format!(
                "poolproof {} wrote it, and this is {own}; use one version for all shards and for the merge",
                header.version
            ));
        }
        if header.format != Self::FORMAT {
            return Err(format!("its format is {}, and this version reads {}", header.format, Self::FORMAT));
        }
        serde_json::from_str::<CheckedFile>(text).map_err(|error| error.to_string())?;
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// Renders the file: one line.
    pub fn to_json(&self) -> String {
        // Serialization cannot fail because maps have text keys and numbers are finite.
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// The largest count or time in µs in a file: sums of those of all shards are exact.
const MAX_NUMBER: u64 = 1 << 46;

/// The counts and times of a file.
#[derive(Deserialize)]
#[expect(dead_code, reason = "reading checks them")]
struct CheckedFile {
    data: CheckedData,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "reading checks them")]
struct CheckedData {
    recorder: Checked,
    arrival_counts: Checked,
    devices: Checked,
    new_devices: Checked,
    usage: Checked,
}

/// Any JSON value without numbers above [`MAX_NUMBER`], also in keys. Nothing is kept of it.
struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Checked {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a run")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self, E> {
        if number <= MAX_NUMBER { Ok(self) } else { Err(E::custom(format!("{number} is too large"))) }
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self, E> {
        text.parse().map_or(Ok(Self), |number| self.visit_u64(number))
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self, A::Error> {
        while values.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self, A::Error> {
        while fields.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}
