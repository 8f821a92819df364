//! What happens in a run: who is in the pool at the start, and who comes when and what for.
//!
//! Everything follows from the scenario and its seed. Person 7 is the same person whoever else there is, and sign-in
//! 1000 of a workload is the same sign-in whatever came before it: each has a stream of chance of its own. A workload's streams
//! bear its name, so that another workload beside it changes none of its sign-ins.
//!
//! Axes compose: how points are spread (`Spread`), how the rate goes (`stages`), what ends it (`Limits::allow`), who comes
//! (`Draws`); a run's timetable merges the iterators of its open workloads.

mod arrivals;
mod draws;
mod length;
mod loops;
mod population;
mod stages;

pub use arrivals::{Arrival, Timetable, arrivals};
pub use draws::{Draw, Draws};
pub use length::{
    asked_per_s, expected_count, length, load_span, measured, open_stages, run_asked_per_s, run_length,
    run_measured, warm_up,
};
pub use loops::{Loops, loops};
pub use population::{Owners, Person, home, owners, population};

use crate::scenario::WorkloadPlan;
use poolproof_cognito::seed::{Seed, Stream};

/// The name of a workload's stream for `what`. That of a workload that stands alone is the bare word.
fn stream_name(plan: &WorkloadPlan, what: &str) -> String {
    match plan.name.as_str() {
        WorkloadPlan::ALONE => what.to_owned(),
        name => format!("{what} of {name}"),
    }
}

/// A workload's stream for `what`.
fn stream(seed: Seed, plan: &WorkloadPlan, what: &str) -> Stream {
    seed.stream(&stream_name(plan, what), 0)
}
