//! Answers requests for the report of a run in progress.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::machine::MachineSample;
use super::report_info::{self, Description};
use super::{RunInputs, RunOptions};
use crate::actors::{Finished, SnapshotReader};
use crate::compute::{Compute, ComputeUsage, Side};
use crate::report::Report;
use crate::scenario::Scenario;
use poolproof_srp::Group;

/// The description of a run, without its measurements.
struct RunDescription {
    scenario: Scenario,
    options: RunOptions,
    group: Group,
    machine_before: Option<MachineSample>,
}

impl RunDescription {
    fn report(&self, usage: &[ComputeUsage; 2], finished: Finished) -> Report {
        let Self { scenario, options, group, machine_before } = self;
        let cancel_token = &CancellationToken::new();
        let inputs = RunInputs { scenario, options, cancel_token, group: *group };
        let machine_now = MachineSample::now(scenario.clock);
        let machine = machine_before.as_ref().zip(machine_now).map(|(before, now)| before.load_until(&now));
        let description = Description::of(inputs, machine, None, finished.started);
        report_info::report(inputs, usage, description, finished).0
    }
}

/// Returns the function that answers the requests of `inputs.options.live`; `None` if there are none.
pub(super) fn snapshot_reader(inputs: RunInputs<'_>, compute: &Compute) -> Option<SnapshotReader> {
    let requests = inputs.options.live.clone()?;
    let description = Arc::new(RunDescription {
        scenario: inputs.scenario.clone(),
        options: RunOptions { live: None, ..inputs.options.clone() },
        group: inputs.group,
        machine_before: MachineSample::now(inputs.scenario.clock),
    });
    let compute = compute.clone();
    Some(Box::new(move |copy| {
        let Some(reader) = requests.take() else { return };
        let (description, finished) = (Arc::clone(&description), copy());
        let usage = [Side::Client, Side::Server].map(|side| compute.usage(side));
        // A reader that has gone needs no answer.
        drop(reader.send(Box::new(move || description.report(&usage, finished))));
    }))
}
