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
    /// The indices of shards that were canceled or lost during the run, which makes it partial. Omitted if
    /// there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended_early: Vec<u32>,
    /// Whether each shard had users, and without a target also a pool, of its own, so that the report can
    /// differ from that of an undivided run.
    pub separate: bool,
    /// Whether each shard had its share of the pool's quotas.
    pub quotas_divided: bool,
}

/// Most indices in a sentence.
const MAX_NAMED: usize = 10;

impl Shards {
    /// Returns sentences about shards that are missing or incomplete, if there are any.
    pub(super) fn partial_sentence(&self) -> Option<String> {
        let all = count(self.count.into());
        let missing = words(&self.missing).map(|(shards, verb, whose)| {
            format!("{shards} of {all} {verb} missing; no figure includes {whose} sign-ins.")
        });
        let early = words(&self.ended_early).map(|(shards, _, whose)| {
            format!("{shards} of {all} ended early; figures include {whose} sign-ins until then.")
        });
        let sentences: Vec<String> = [missing, early].into_iter().flatten().collect();
        (!sentences.is_empty()).then(|| sentences.join(" "))
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

/// Returns these shards in words, and the verb and the pronoun for them; `None` if there are none.
fn words(shards: &[u32]) -> Option<(String, &'static str, &'static str)> {
    let (noun, verb, whose) = match shards {
        [] => return None,
        [_] => ("Shard", "is", "its"),
        _ => ("Shards", "are", "their"),
    };
    let indices: Vec<String> = shards.iter().take(MAX_NAMED).map(u32::to_string).collect();
    let more = match shards.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(" and {} more", count(more as u64)),
    };
    Some((format!("{noun} {}{more}", indices.join(", ")), verb, whose))
}
