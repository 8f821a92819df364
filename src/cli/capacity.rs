//! `poolproof capacity`.

use std::sync::Arc;

use super::capacity_args::{CapacityArgs, CapacityFormat};
use super::progress::Progress;
use super::run::{overridden, unusable};
use super::{Exit, accuse, complain, refuse, say, signals, target_args};
use crate::capacity::{self, Asked, Broken, Lengths};
use crate::run::Settings;
use crate::scenario;

/// Searches for the highest rate at which the objectives hold.
pub(super) fn capacity(args: &CapacityArgs) -> Exit {
    let endpoint = match args.target.endpoint() {
        Ok(endpoint) => endpoint,
        Err(message) => return refuse(message),
    };
    if let (Some(from), Some(to)) = (args.from, args.to)
        && to < from
    {
        return refuse(format_args!("--to {to}/s is less than --from {from}/s"));
    }
    let (scenario, text) = match scenario::read_with_text(&args.file) {
        Ok(read) => read,
        Err(diagnostic) => {
            complain(&super::check::rendered(&diagnostic));
            return Exit::InvalidScenario;
        }
    };
    let scenario = overridden(scenario, args.seed, args.clock, endpoint.as_ref());
    endpoint.iter().for_each(target_args::approach);
    let stop = match signals::stop() {
        Ok(stop) => stop,
        Err(exit) => return exit,
    };
    let progress = Arc::new(Progress::new(&scenario.name));
    let settings = Settings {
        file: args.file.display().to_string(),
        text,
        command: super::command_line(),
        workers: args.workers,
        backend: None,
        defect: None,
        endpoint,
        observer: progress.observer(),
    };
    let asked = Asked {
        objectives: args.slo.clone(),
        from: args.from,
        to: args.to,
        factor: args.step,
        precision: args.precision,
        lengths: Lengths { settle: args.settle, measure: args.measure, confirm: args.confirm },
        usl: args.usl,
        want: args.want,
    };
    let told = |what: &str| progress.rename(what);
    let found = capacity::find(&scenario, &asked, &settings, &stop, &told);
    progress.finish();
    match found {
        Ok(found) => {
            let text = match args.format {
                CapacityFormat::Text => capacity::text(&found),
                CapacityFormat::Json => found.to_json(),
            };
            say(&text).or(Exit::from_code(found.verdict.exit_code))
        }
        Err(Broken::Unfit(why)) => refuse(format_args!("{} has no capacity: {why}", args.file.display())),
        Err(Broken::Run(error)) => {
            accuse(format_args!("{}: {error}", args.file.display()));
            unusable(&error)
        }
    }
}
