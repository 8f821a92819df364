//! `poolproof run`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::args::RunArgs;
use super::board::Board;
use super::progress::Progress;
use super::scenario_files::scenario_files;
use super::values::ClockArg;
use super::{Exit, accuse, complain, refuse, say, shows_colour, signals, target_args};
use crate::report::{self, Came, Entry, Format, Measured};
use crate::run::{AnEndpoint, Lodging, RunError, Settings, Stop, play};
use crate::scenario::{self, Scenario};
use poolproof_cognito::seed::Seed;

/// A scenario to play, and where its report goes.
struct Job {
    scenario: Scenario,
    file: PathBuf,
    text: String,
    dir: PathBuf,
}

/// Plays the scenarios. Nothing is run unless all of them are valid and there is room for their reports.
pub(super) fn run(args: &RunArgs) -> Exit {
    let endpoint = match args.target.endpoint() {
        Ok(endpoint) => endpoint,
        Err(message) => {
            return refuse(message);
        }
    };
    let jobs = match prepare(args, endpoint.as_ref()) {
        Ok(jobs) => jobs,
        Err(exit) => return exit,
    };
    endpoint.iter().for_each(target_args::approach);
    let stop = match signals::stop() {
        Ok(stop) => stop,
        Err(exit) => return exit,
    };
    let board = match Board::show(&args.board) {
        Ok(board) => board,
        Err(exit) => return exit,
    };
    let mut exit = Exit::Pass;
    let mut entries = Vec::new();
    for (number, job) in jobs.iter().enumerate() {
        let (end, came) = run_one(args, job, endpoint.as_ref(), board.as_ref(), &stop);
        exit = exit.or(end);
        entries.push(Entry { name: job.scenario.name.clone(), came });
        if stop.is_pulled() {
            entries.extend(jobs[number + 1..].iter().map(leave));
            break;
        }
    }
    exit.or(write_common(args, &entries))
}

/// Tells of a scenario that an interrupt has kept from being played.
fn leave(job: &Job) -> Entry {
    complain(&format!("{} was not run.", job.file.display()));
    // It was made before anything was run; one with an earlier report in it stays.
    let _ = std::fs::remove_dir(&job.dir);
    Entry { name: job.scenario.name.clone(), came: Came::Left }
}

fn formats(args: &RunArgs) -> Vec<Format> {
    args.format.iter().map(|format| (*format).into()).collect()
}

/// Writes what tells of all scenarios, and names it.
fn write_common(args: &RunArgs, entries: &[Entry]) -> Exit {
    let files = report::common_files(entries, &formats(args));
    if files.is_empty() {
        return Exit::Pass;
    }
    if let Err(error) = report::write_files(&args.out, &files) {
        return refuse(error);
    }
    let paths = files.iter().map(|file| format!("              {}\n", args.out.join(&file.name).display()));
    let paths: String = paths.collect();
    say(&format!("\n  together    {}", paths.trim_start()))
}

fn prepare(args: &RunArgs, endpoint: Option<&AnEndpoint>) -> Result<Vec<Job>, Exit> {
    let files = scenario_files(&args.files).map_err(refuse)?;
    let mut jobs = Vec::new();
    let mut invalid = false;
    for file in &files {
        match read(file) {
            Ok((scenario, text)) => {
                let dir = args.out.join(&scenario.name);
                let scenario = overridden(scenario, args.seed, args.clock, endpoint);
                jobs.push(Job { scenario, file: file.clone(), text, dir });
            }
            Err(message) => {
                complain(&message);
                invalid = true;
            }
        }
    }
    if invalid {
        return Err(Exit::InvalidScenario);
    }
    let mut names = BTreeMap::new();
    for job in &jobs {
        if let Some(other) = names.insert(&job.scenario.name, &job.file) {
            let (one, two, name) = (other.display(), job.file.display(), &job.scenario.name);
            return Err(refuse(format_args!(
                "{one} and {two} are both named `{name}`, and would share a report"
            )));
        }
    }
    match room(args, &jobs) {
        Ok(()) => Ok(jobs),
        Err(error) => {
            Err(refuse(format_args!("{error}\nNothing was run. Choose another folder with --out.")))
        }
    }
}

/// Whether all reports can be written.
fn room(args: &RunArgs, jobs: &[Job]) -> Result<(), report::ReportError> {
    let common = report::common_names(jobs.len(), &formats(args));
    if !common.is_empty() {
        report::writable_as(&args.out, common)?;
    }
    jobs.iter().try_for_each(|job| report::writable(&job.dir))
}

/// The scenario and its text; what is wrong with it, ready to print.
fn read(file: &Path) -> Result<(Scenario, String), String> {
    scenario::read_with_text(file).map_err(|diagnostic| super::check::rendered(&diagnostic))
}

/// The scenario with what the command line has instead, for as many users as a list has.
pub(super) fn overridden(
    mut scenario: Scenario,
    seed: Option<u64>,
    clock: Option<ClockArg>,
    endpoint: Option<&AnEndpoint>,
) -> Scenario {
    if let Some(Lodging::Existing { tenants: Some(tenants), .. }) = endpoint.map(|at| &at.lodging) {
        scenario.population.users = u32::try_from(tenants.len()).unwrap_or(u32::MAX);
    }
    Scenario {
        seed: seed.map_or(scenario.seed, Seed::new),
        clock: clock.map_or(scenario.clock, Into::into),
        ..scenario
    }
}

/// Plays one scenario and has its report written: how it ends, and what came of it.
fn run_one(
    args: &RunArgs,
    job: &Job,
    endpoint: Option<&AnEndpoint>,
    board: Option<&Board>,
    stop: &Stop,
) -> (Exit, Came) {
    let progress = Progress::new(&job.scenario.name);
    let target = endpoint.map_or_else(|| "embedded".to_owned(), |at| at.address.to_string());
    let observer = progress.observer();
    let observer = match board {
        Some(board) => board.observe(&job.scenario, &target, observer),
        None => observer,
    };
    let settings = Settings {
        file: job.file.display().to_string(),
        text: job.text.clone(),
        command: super::command_line(),
        workers: args.workers,
        backend: args.srp,
        defect: None,
        endpoint: endpoint.cloned(),
        observer,
    };
    let played = play(&job.scenario, &settings, stop);
    progress.finish();
    let played = match played {
        Ok(played) => played,
        Err(error) => {
            accuse(format_args!("{}: {error}", job.file.display()));
            return (unusable(&error), Came::Failed(error.to_string()));
        }
    };
    let report = played.report;
    let measured = Measured { snapshot: &played.measured, started: played.started };
    let written = report::write_run(&job.dir, &report, Some(measured), &formats(args));
    let said = say(&report::text(&report, written.as_ref().ok(), shows_colour(&io::stdout())));
    let exit = match written {
        Ok(_) => said.or(Exit::from_code(report.verdict.exit_code)),
        Err(error) => refuse(error),
    };
    (exit, Came::Played(Box::new(report)))
}

/// How the program ends when a run could not be started.
pub(super) const fn unusable(error: &RunError) -> Exit {
    match error {
        RunError::Threads(_) => Exit::Internal,
        RunError::Target(_) => Exit::Unreachable,
        RunError::Unfit(_) => Exit::Usage,
    }
}
