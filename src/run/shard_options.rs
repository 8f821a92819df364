//! Which part of a run to play, and how it relates to the whole.

use serde::{Deserialize, Serialize};

use crate::workload::Shard;

/// What a shard does with the quotas of the pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShardQuotas {
    /// Each shard has its share of every quota.
    #[default]
    Divided,
    /// Each shard has the whole quotas.
    Whole,
}

/// The part of a run to play.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShardOptions {
    /// The part.
    pub shard: Shard,
    /// Whether the part may be a smaller pool of its own, if the scenario couples its users.
    pub allow_coupled: bool,
    /// The quotas of such a smaller pool.
    pub quotas: ShardQuotas,
}

/// How the parts of a run relate to the whole run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Division {
    /// All parts together are the whole run, sign-in by sign-in.
    Exact,
    /// Each part has its own users, and substitutes a busy user by another of its own.
    Separate,
}
