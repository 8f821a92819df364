//! The load of a run: the users of the pool at the start, and the sign-ins with their times.
//!
//! Everything follows from the scenario and its seed. Each user and each sign-in has a random number
//! generator of its own, derived from its number. So user 7 does not depend on the number of users, and
//! sign-in 1000 does not depend on the sign-ins before it. The generators of a workload also depend on its
//! name, so workloads do not affect each other.
//!
//! A workload combines the distribution of arrivals (`Spacing`), the rate over time (`ArrivalTimes`), its
//! limits (`WorkloadLimits`), and users and intents (`SignInSampler`). [`arrivals`] merges the open workloads
//! of a run.

mod arrival_times;
mod arrivals;
mod closed_workloads;
mod codes;
mod length;
mod live;
mod population;
mod sampler;
mod shard;
mod situations;
mod user_limit;
mod warnings;

pub use arrivals::{Arrival, MergedArrivals, arrivals};
pub use closed_workloads::{ClosedWorkload, closed_workloads};
pub use codes::totp_limit;
pub use length::{
    known_load, known_run_load, length, load_span, measured, measured_sign_ins, open_stages, run_length,
    run_measured_span, run_target_per_s, target_per_s, warm_up,
};
pub use live::LiveArrivals;
pub use population::{DeviceOwners, UserSpec, device_owners, home_address, population};
pub use sampler::{DrawnSignIn, SignInSampler};
pub use shard::Shard;
pub(crate) use situations::{situations, tokens};
pub(crate) use warnings::{ScenarioWarning, warnings};

use crate::scenario::WorkloadPlan;
use poolproof_cognito::seed::{Rng, Seed};

/// Returns the name of a workload's random numbers for `what`. A single workload without a name uses `what`
/// alone.
fn stream_name(plan: &WorkloadPlan, what: &str) -> String {
    match plan.name.as_str() {
        WorkloadPlan::DEFAULT_NAME => what.to_owned(),
        name => format!("{what} of {name}"),
    }
}

/// Returns a workload's random number generator for `what`.
fn rng(seed: Seed, plan: &WorkloadPlan, what: &str) -> Rng {
    seed.rng(&stream_name(plan, what), 0)
}
