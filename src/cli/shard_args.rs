//! The options of `run` about shards.

use std::env;

use clap::ValueEnum;

use super::{Exit, usage_error};
use crate::run::{ShardOptions, ShardQuotas};
use crate::workload::Shard;
use poolproof_cognito::time::Timestamp;

/// The options that write or show a report, which a shard does not have.
const REPORT_OPTIONS: [&str; 4] = ["format", "json", "open", "live"];

#[derive(clap::Args, Clone, Debug)]
pub(super) struct ShardArgs {
    /// Run only part INDEX of COUNT, from 0: the sign-ins of some of the users. Writes shard-INDEX.json, for
    /// `merge`.
    /// With the INDEX `auto`, a batch scheduler's variable gives it: JOB_COMPLETION_INDEX,
    /// SLURM_ARRAY_TASK_ID or AWS_BATCH_JOB_ARRAY_INDEX.
    #[arg(long, value_name = "INDEX/COUNT", value_parser = ShardArg::parse, conflicts_with_all = REPORT_OPTIONS)]
    shard: Option<ShardArg>,
    /// Run the shard as a smaller pool of its own if the scenario couples its users: by limited cores, quotas
    /// or the wall clock. The merged report says so.
    #[arg(long, requires = "shard")]
    allow_coupled: bool,
    /// The pool's quotas in such a shard: its share of them, or all.
    #[arg(long, value_enum, value_name = "SHARE", default_value = "divided", requires = "shard")]
    shard_quotas: QuotasArg,
    /// Start the sign-ins at this time, when all users are ready: `2026-12-01T12:00:00Z`. Only under the wall
    /// clock.
    #[arg(long, value_name = "TIME", value_parser = time)]
    start_at: Option<Timestamp>,
}

/// The value of `--shard`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ShardArg {
    /// A given part.
    Given(Shard),
    /// One of this many; the environment has its index.
    Auto(u32),
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum QuotasArg {
    /// A share for each shard.
    Divided,
    /// All for each shard.
    Whole,
}

impl ShardArg {
    fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix("auto/") {
            // Parsed like an index to check the number.
            Some(count) => format!("0/{count}").parse().map(|shard: Shard| Self::Auto(shard.count())),
            None => text.parse().map(Self::Given),
        }
    }
}

impl ShardArgs {
    /// Returns when to start; `None` is as soon as possible.
    pub(super) const fn start_at(&self) -> Option<Timestamp> {
        self.start_at
    }

    /// Returns the part to run; `None` is all.
    pub(super) fn options(&self) -> Result<Option<ShardOptions>, Exit> {
        let shard = match self.shard {
            None => return Ok(None),
            Some(ShardArg::Given(shard)) => shard,
            Some(ShardArg::Auto(count)) => {
                from_environment(count, |name| env::var(name).ok()).map_err(usage_error)?
            }
        };
        let quotas = match self.shard_quotas {
            QuotasArg::Divided => ShardQuotas::Divided,
            QuotasArg::Whole => ShardQuotas::Whole,
        };
        Ok(Some(ShardOptions { shard, allow_coupled: self.allow_coupled, quotas }))
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|()| "expected a time like 2026-12-01T12:00:00Z".to_owned())
}

/// Returns the part that a batch scheduler's variables give.
fn from_environment(count: u32, variable: impl Fn(&str) -> Option<String>) -> Result<Shard, String> {
    const INDICES: [&str; 3] = ["JOB_COMPLETION_INDEX", "SLURM_ARRAY_TASK_ID", "AWS_BATCH_JOB_ARRAY_INDEX"];
    let set: Vec<(&str, String)> =
        INDICES.into_iter().filter_map(|name| Some((name, variable(name)?))).collect();
    let (name, value) = match set.as_slice() {
        [] => {
            return Err(format!(
                "--shard auto/{count} needs one of {} in the environment",
                INDICES.join(", ")
            ));
        }
        [one] => one,
        [(one, _), (two, _), ..] => {
            return Err(format!(
                "the environment has both {one} and {two}: give the index, for example --shard 0/{count}"
            ));
        }
    };
    let number = |name: &str, value: &str| {
        value.parse::<u32>().map_err(|_| format!("{name} is `{value}`, but an index is a whole number"))
    };
    let mut index = number(name, value)?;
    if *name == "SLURM_ARRAY_TASK_ID" {
        // An array can begin at any number.
        if let Some(first) = variable("SLURM_ARRAY_TASK_MIN") {
            index = index.saturating_sub(number("SLURM_ARRAY_TASK_MIN", &first)?);
        }
    }
    Shard::new(index, count).map_err(|why| format!("{name} is {value}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Result<Shard, String> {
        from_environment(4, |name| {
            variables.iter().find_map(|(known, value)| (*known == name).then(|| (*value).to_owned()))
        })
    }

    #[test]
    fn batch_schedulers_give_the_index() {
        let shard = |index| Ok(Shard::new(index, 4).unwrap());
        assert_eq!(found(&[("JOB_COMPLETION_INDEX", "3")]), shard(3));
        assert_eq!(found(&[("AWS_BATCH_JOB_ARRAY_INDEX", "0")]), shard(0));
        assert_eq!(found(&[("SLURM_ARRAY_TASK_ID", "2")]), shard(2));
        assert_eq!(found(&[("SLURM_ARRAY_TASK_ID", "4"), ("SLURM_ARRAY_TASK_MIN", "1")]), shard(3));
    }

    #[test]
    fn a_missing_or_wrong_index_is_an_error() {
        for (variables, why) in [
            (&[][..], "needs one of JOB_COMPLETION_INDEX"),
            (&[("JOB_COMPLETION_INDEX", "x")], "a whole number"),
            (&[("JOB_COMPLETION_INDEX", "4")], "from 0 to 3"),
            (&[("JOB_COMPLETION_INDEX", "0"), ("SLURM_ARRAY_TASK_ID", "0")], "both"),
        ] {
            let error = found(variables).unwrap_err();
            assert!(error.contains(why), "{variables:?}: {error}");
        }
    }
}
