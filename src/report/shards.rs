//! How a run was divided.

use serde::{Deserialize, Serialize};

use super::format::count;

/// The shards that a report was merged from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Shards {
    /// The number of shards.
    pub count: u32,
    /// The indices of shards that are missing, so that the report is partial.
    pub missing: Vec<u32>,
    /// Whether each shard had users, and without a target also a pool, of its own, so that the report can
    /// differ from that of an undivided run.
    pub separate: bool,
    /// Whether each shard had its share of the pool's quotas.
    pub quotas_divided: bool,
}

/// Most indices in a sentence.
const MAX_NAMED: usize = 10;

impl Shards {
    /// Returns a sentence about the missing shards, if there are any.
    pub(super) fn missing_sentence(&self) -> Option<String> {
        let indices: Vec<String> = self.missing.iter().take(MAX_NAMED).map(u32::to_string).collect();
        let more = match self.missing.len().saturating_sub(MAX_NAMED) {
            0 => String::new(),
            more => format!(" and {} more", count(more as u64)),
        };
        let (noun, verb, whose) = match self.missing.as_slice() {
            [] => return None,
            [_] => ("Shard", "is", "its"),
            _ => ("Shards", "are", "their"),
        };
        let (indices, all) = (indices.join(", "), count(self.count.into()));
        Some(format!("{noun} {indices}{more} of {all} {verb} missing; no figure includes {whose} sign-ins."))
    }

    /// Returns a sentence about shards that were not exact parts of one run. `embedded` is whether each had a
    /// pool of its own.
    pub(super) fn division_sentence(&self, embedded: bool) -> Option<String> {
        let shards = count(self.count.into());
        let quotas = if self.quotas_divided { "its share of the quotas" } else { "the whole quotas" };
        self.separate.then(|| match embedded {
            true => format!(
                "Merged from {shards} shards; each had a pool of its own with {quotas}, so figures can differ from those \
                 of one pool."
            ),
            false => format!("Merged from {shards} shards."),
        })
    }
}
