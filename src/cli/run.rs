//! `poolproof run`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::args::RunArgs;
use super::check::render_diagnostic;
use super::progress::{Progress, ProgressOutput};
use super::run_pages::RunPages;
use super::run_results::{self, open_page, print_text, publish, write_invalid, write_results};
use super::scenario_files::scenario_files;
use super::{Exit, invalid_scenario, print_error, print_stderr, signals, target_args, usage_error};
use crate::clock::ClockKind;
use crate::endpoint::EndpointConfig;
use crate::report::figures::count;
use crate::report::{self, Format, RunStatus, ScenarioResult};
use crate::run::{self, CancellationToken, RunError, RunOptions, ShardFile, ShardOptions};
use crate::scenario::{self, Scenario};
use crate::workload::{ScenarioWarning, warnings};
use poolproof_cognito::policy::Quotas;
use poolproof_cognito::seed::Seed;

/// A scenario to run, and the folder of its report.
struct Job {
    scenario: Scenario,
    file: PathBuf,
    text: String,
    /// The text in which lines of the file can be found; empty if options change the scenario.
    file_text: String,
    dir: PathBuf,
    /// The part to run; `None` is all.
    shard: Option<ShardOptions>,
}

/// Runs the scenarios. Nothing starts unless all of them are valid and their reports can be written. Files of
/// an earlier run are deleted before.
pub(super) fn run(args: &RunArgs) -> Result<Exit, Exit> {
    let endpoint = args.target.endpoint().map_err(usage_error)?;
    if args.output.open && !args.output.formats().contains(&Format::Html) {
        return Err(usage_error("--open needs --format html"));
    }
    let jobs = prepare(args, endpoint.as_ref())?;
    endpoint.iter().for_each(target_args::prepare_endpoint);
    let mut warnings = Vec::new();
    for job in &jobs {
        let found = misleading(&job.scenario, endpoint.is_some(), None);
        if !args.output.quiet {
            print_warnings(&job.scenario, &job.file, &job.file_text, &found);
        }
        for ScenarioWarning { path, message, .. } in found {
            let (name, text) = (&job.scenario.name, &job.file_text);
            warnings.push(run_results::warning(&job.file, name, text, &path, &message));
        }
    }
    let _log = args.log.start();
    let signal = signals::cancel_token()?;
    let cancel_token = signal.child_token();
    let pages = RunPages::start(&args.pages, &cancel_token)?;
    let mut exit = Exit::Pass;
    let mut entries = Vec::new();
    for (number, job) in jobs.iter().enumerate() {
        let (end, status) =
            run_one(args, job, endpoint.as_ref(), (&pages, (number, jobs.len())), &cancel_token);
        exit = exit.or(end);
        entries.push(job.result(status));
        if cancel_token.is_cancelled() {
            entries.extend(jobs[number + 1..].iter().map(skipped_entry));
            break;
        }
    }
    if jobs.iter().all(|job| job.shard.is_none()) {
        exit = exit.or(write_results(&args.output, &entries, warnings));
        let folders: Vec<PathBuf> = jobs.iter().map(|job| job.dir.clone()).collect();
        open_page(&args.output, &folders);
    }
    pages.end(&entries, &signal, args.output.quiet);
    Ok(exit)
}

impl Job {
    fn result(&self, status: RunStatus) -> ScenarioResult {
        ScenarioResult { name: self.scenario.name.clone(), file: self.file.display().to_string(), status }
    }
}

/// Returns the entry of a scenario that was not run because of an interrupt.
fn skipped_entry(job: &Job) -> ScenarioResult {
    print_stderr(&format!("{} was not run.", job.file.display()));
    // The folder was created before; one that contains other files is not empty and stays.
    let _ = std::fs::remove_dir(&job.dir);
    job.result(RunStatus::NotRun)
}

fn prepare(args: &RunArgs, endpoint: Option<&EndpointConfig>) -> Result<Vec<Job>, Exit> {
    let note: fn(&str) = if args.output.quiet { |_| {} } else { print_stderr };
    let files = scenario_files(&args.files, note).map_err(usage_error)?;
    let shard = args.shard.options()?;
    let overrides = args.scenario.overrides(note)?;
    let read: Vec<_> = files.iter().map(|file| overrides.read(file, args.clock)).collect();
    if read.iter().any(Result::is_err) {
        for diagnostic in read.iter().filter_map(|one| one.as_ref().err()) {
            let _ = invalid_scenario(diagnostic);
        }
        let names = read.iter().map(|one| one.as_ref().map(|(scenario, _)| scenario.name.as_str()));
        let read = names.map(|name| name.map_err(Clone::clone));
        return Err(write_invalid(&args.output, files.iter().map(PathBuf::as_path).zip(read).collect()));
    }
    let mut jobs = Vec::new();
    for (file, (scenario, text)) in files.iter().zip(read.into_iter().flatten()) {
        let dir = args.output.out.join(&scenario.name);
        let scenario = with_overrides(scenario, args.seed, endpoint);
        if args.shard.start_at().is_some() && scenario.clock == ClockKind::Virtual {
            return Err(usage_error(format_args!(
                "{}: --start-at needs the wall clock: use --clock wall, or leave it out",
                file.display()
            )));
        }
        let file_text = overrides.file_text(&text).to_owned();
        jobs.push(Job { scenario, file: file.clone(), text, file_text, dir, shard });
    }
    let mut names = BTreeMap::new();
    for job in &jobs {
        if let Some(other) = names.insert(&job.scenario.name, &job.file) {
            let (one, two, name) = (other.display(), job.file.display(), &job.scenario.name);
            if *other == job.file {
                return Err(usage_error(format_args!("{one} is given twice")));
            }
            return Err(usage_error(format_args!(
                "{one} and {two} are both named `{name}` and would share a report"
            )));
        }
    }
    let runs = jobs.iter().map(|job| job.dir.as_path());
    check_writable(args, &jobs)
        .and_then(|()| report::remove_stale(&args.output.out, runs))
        .and_then(|()| jobs.iter().try_for_each(|job| remove_shards(&job.dir, job.shard)))
        .map_err(|error| {
            usage_error(format_args!("{error}\nNothing was run. Choose another folder with --out."))
        })?;
    Ok(jobs)
}

/// Deletes the shards of an earlier run in this folder: all of them, or before a shard only the same one.
fn remove_shards(dir: &Path, shard: Option<ShardOptions>) -> Result<(), report::ReportError> {
    let own = shard.map(|options| ShardFile::file_name(options.shard.index()));
    let is_stale =
        |name: &str| own.as_deref().map_or_else(|| ShardFile::is_file_name(name), |own| name == own);
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(is_stale) {
            let path = entry.path();
            std::fs::remove_file(&path).map_err(|source| report::ReportError::Remove { path, source })?;
        }
    }
    Ok(())
}

/// Checks that all reports can be written.
fn check_writable(args: &RunArgs, jobs: &[Job]) -> Result<(), report::ReportError> {
    let common = report::common_names(jobs.len(), &args.output.formats());
    if !common.is_empty() {
        report::check_writable_names(&args.output.out, common)?;
    }
    jobs.iter().try_for_each(|job| report::check_writable(&job.dir))
}

/// Returns the warnings about a scenario that make its result misleading. An endpoint is taken to have
/// Cognito's quotas.
pub(super) fn misleading(scenario: &Scenario, has_endpoint: bool, rate: Option<f64>) -> Vec<ScenarioWarning> {
    let quotas = if has_endpoint { Quotas::COGNITO } else { scenario.pool.quotas };
    let mut warnings = warnings(scenario, &quotas, rate);
    warnings.retain(|warning| warning.misleads);
    warnings
}

/// Prints warnings about the scenario in `file`, with their positions in `text`.
pub(super) fn print_warnings(scenario: &Scenario, file: &Path, text: &str, warnings: &[ScenarioWarning]) {
    for ScenarioWarning { path, message, .. } in warnings {
        let message = format!("{}: {message}", scenario.name);
        let warning = scenario::warning(&file.display().to_string(), text, path, message);
        print_stderr(&render_diagnostic(&warning));
    }
}

/// Applies the options of the command line, and the number of users of a list.
pub(super) fn with_overrides(
    mut scenario: Scenario,
    seed: Option<u64>,
    endpoint: Option<&EndpointConfig>,
) -> Scenario {
    if let Some(existing_users) = endpoint.and_then(EndpointConfig::existing_users) {
        scenario.population.users = u32::try_from(existing_users.len()).unwrap_or(u32::MAX);
    }
    Scenario { seed: seed.map_or(scenario.seed, Seed::new), ..scenario }
}

/// Runs one scenario and writes its report.
fn run_one(
    args: &RunArgs,
    job: &Job,
    endpoint: Option<&EndpointConfig>,
    (pages, place): (&RunPages, (usize, usize)),
    cancel_token: &CancellationToken,
) -> (Exit, RunStatus) {
    let is_hidden = args.output.quiet || args.log.is_on();
    let output = if is_hidden { ProgressOutput::Hidden } else { ProgressOutput::Shown };
    let progress = Progress::new(&job.scenario.name, output);
    let target = endpoint.map_or_else(|| "embedded".to_owned(), |at| at.address.to_string());
    let (observer, live) = pages.observe((&job.scenario, &target), place, &job.dir, progress.observer());
    let run_options = RunOptions {
        file: job.file.display().to_string(),
        text: job.text.clone(),
        command: super::command_line(),
        replay_options: args.replay_options(),
        workers: args.workers,
        backend: args.srp,
        defect: None,
        shard: job.shard,
        start_at: args.shard.start_at(),
        endpoint: endpoint.cloned(),
        drain: args.drain,
        observer,
        live,
    };
    let played = run::run(&job.scenario, &run_options, cancel_token);
    progress.finish();
    let played = match played {
        Ok(played) => played,
        Err(error) => {
            print_error(format_args!("{}: {error}", job.file.display()));
            return (exit_for_run_error(&error), RunStatus::Failed(error.to_string()));
        }
    };
    match &played.shard {
        Some(file) => (write_shard(args, &job.dir, file), RunStatus::Played(Box::new(played.report))),
        None => publish(&args.output, &job.dir, played),
    }
}

/// Writes the file of a shard. It is judged when all shards are merged.
fn write_shard(args: &RunArgs, dir: &Path, file: &ShardFile) -> Exit {
    let name = ShardFile::file_name(file.index());
    let path = dir.join(&name);
    let text = report::File { name, text: file.to_json() };
    if let Err(error) = report::write_files(dir, &[text]) {
        return usage_error(error);
    }
    let exit = if file.is_interrupted() { Exit::Interrupted } else { Exit::Pass };
    let printed = print_text(&args.output, || {
        let (scenario, shard) = (file.scenario_name(), file.index_of_count());
        format!("{scenario}: shard {shard}, {} sign-ins: {}\n", count(file.sign_ins()), path.display())
    });
    printed.or(exit)
}

/// Returns the exit for a run that could not start.
pub(super) const fn exit_for_run_error(error: &RunError) -> Exit {
    match error {
        RunError::Threads(_) => Exit::Internal,
        RunError::Target(_) => Exit::Unreachable,
        RunError::Unsupported(_) => Exit::Usage,
        RunError::Start(_) => Exit::Start,
    }
}
