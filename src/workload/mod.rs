//! What happens in a run: who is in the pool at the start, and who comes when and what for.
//!
//! Everything follows from the scenario and its seed. Person 7 is the same person whoever else there is, and sign-in
//! 1000 of a workload is the same sign-in whatever came before it: each has a stream of chance of its own. A workload's streams
//! bear its name, so that another workload beside it changes none of its sign-ins.
//!
//! Axes compose: how points are spread (`Spacing`), how the rate goes (`stages`), what ends it (`WorkloadLimits::allow`), who comes
//! (`SignInSampler`); a run's timetable merges the iterators of its open workloads.

mod arrival_times;
mod arrivals;
mod closed_workloads;
mod length;
mod population;
mod sampler;

pub use arrivals::{Arrival, MergedArrivals, arrivals};
pub use closed_workloads::{ClosedWorkload, closed_workloads};
pub use length::{
    length, load_span, measured, measured_sign_ins, open_stages, run_length, run_measured_span,
    run_target_per_s, target_per_s, warm_up,
};
pub use population::{DeviceOwners, UserSpec, device_owners, home_address, population};
pub use sampler::{DrawnSignIn, SignInSampler};

use crate::scenario::WorkloadPlan;
use poolproof_cognito::seed::{Rng, Seed};

/// The name of a workload's stream for `what`. That of a workload that stands alone is the bare word.
fn stream_name(plan: &WorkloadPlan, what: &str) -> String {
    match plan.name.as_str() {
        WorkloadPlan::DEFAULT_NAME => what.to_owned(),
        name => format!("{what} of {name}"),
    }
}

/// A workload's stream for `what`.
fn rng(seed: Seed, plan: &WorkloadPlan, what: &str) -> Rng {
    seed.rng(&stream_name(plan, what), 0)
}
