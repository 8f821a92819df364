//! `poolproof capacity`.

use std::sync::Arc;

use super::capacity_args::{CapacityArgs, CapacityFormat};
use super::progress::{Progress, ProgressOutput};
use super::run::{exit_for_run_error, misleading, print_warnings, with_overrides};
use super::{
    Exit, invalid_scenario, print_error, print_stderr, print_stdout, signals, target_args, usage_error,
};
use crate::capacity::{self, CapacityError, CapacityOptions, LevelDurations};
use crate::run::RunOptions;

/// Searches for the highest rate that meets the objectives.
pub(super) fn capacity(args: &CapacityArgs) -> Result<Exit, Exit> {
    let endpoint = args.target.endpoint().map_err(usage_error)?;
    if let (Some(from), Some(to)) = (args.from, args.to)
        && to < from
    {
        return Err(usage_error(format_args!("--to {to}/s is lower than --from {from}/s")));
    }
    let overrides = args.scenario.overrides(print_stderr)?;
    let read = overrides.read(&args.file, args.clock);
    let (scenario, text) = read.map_err(|diagnostic| invalid_scenario(&diagnostic))?;
    let scenario = with_overrides(scenario, args.seed, endpoint.as_ref());
    let warnings = misleading(&scenario, endpoint.is_some(), args.to.or(args.from));
    print_warnings(&scenario, &args.file, overrides.file_text(&text), &warnings);
    endpoint.iter().for_each(target_args::prepare_endpoint);
    let cancel_token = signals::cancel_token()?;
    let progress = Arc::new(Progress::new(&scenario.name, ProgressOutput::Shown));
    let run_options = RunOptions {
        file: args.file.display().to_string(),
        text,
        command: super::command_line(),
        workers: args.workers,
        endpoint,
        observer: progress.observer(),
        ..RunOptions::default()
    };
    let options = CapacityOptions {
        objectives: args.slo.clone(),
        from: args.from,
        to: args.to,
        factor: args.step,
        precision: args.precision,
        durations: LevelDurations { settle: args.settle, measure: args.measure, confirm: args.confirm },
        usl: args.usl,
        want: args.want,
    };
    let on_progress = |what: &str| progress.rename(what);
    let found = capacity::find(&scenario, &options, &run_options, &cancel_token, &on_progress);
    progress.finish();
    match found {
        Ok(found) => {
            let text = match args.format {
                CapacityFormat::Text => capacity::text(&found),
                CapacityFormat::Json => found.to_json(),
            };
            Ok(print_stdout(&text).or(Exit::from_code(found.verdict.exit_code)))
        }
        Err(CapacityError::UnsuitableScenario(why)) => {
            let file = args.file.display();
            Err(usage_error(format_args!("cannot measure the capacity of {file}: {why}")))
        }
        Err(CapacityError::Run(error)) => {
            print_error(format_args!("{}: {error}", args.file.display()));
            Err(exit_for_run_error(&error))
        }
    }
}
