//! `poolproof run`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::args::{Format, RunArgs};
use super::board::Board;
use super::progress::Progress;
use super::{Exit, complain, say, shows_colour, target_args};
use crate::report;
use crate::run::{AnEndpoint, Lodging, RunError, Settings, Stop, run as play};
use crate::scenario::{self, Scenario};
use crate::seed::Seed;

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
            complain(&format!("error: {message}"));
            return Exit::Usage;
        }
    };
    let jobs = match prepare(args, endpoint.as_ref()) {
        Ok(jobs) => jobs,
        Err(exit) => return exit,
    };
    if let Some(told) = endpoint.as_ref().and_then(target_args::told) {
        complain(&told);
    }
    let stop = match stop_on_signals() {
        Ok(stop) => stop,
        Err(error) => {
            complain(&format!("error: cannot listen for Ctrl-C: {error}"));
            return Exit::Internal;
        }
    };
    let board = match Board::show(&args.board) {
        Ok(board) => board,
        Err(exit) => return exit,
    };
    let mut exit = Exit::Pass;
    for (number, job) in jobs.iter().enumerate() {
        let end = run_one(args, job, endpoint.as_ref(), board.as_ref(), &stop);
        exit = exit.or(end);
        if stop.is_pulled() {
            leave(&jobs[number + 1..]);
            break;
        }
    }
    exit
}

/// Tells which scenarios an interrupt has kept from being played.
fn leave(jobs: &[Job]) {
    for job in jobs {
        complain(&format!("{} was not run.", job.file.display()));
        // It was made before anything was run; one with an earlier report in it stays.
        let _ = std::fs::remove_dir(&job.dir);
    }
}

/// The first Ctrl-C ends the run and has its report written; the second ends the program.
fn stop_on_signals() -> Result<Stop, ctrlc::Error> {
    let stop = Stop::default();
    let pulled = stop.clone();
    ctrlc::set_handler(move || {
        if pulled.pull() {
            std::process::exit(Exit::Interrupted.code().into());
        }
    })?;
    Ok(stop)
}

fn prepare(args: &RunArgs, endpoint: Option<&AnEndpoint>) -> Result<Vec<Job>, Exit> {
    let mut jobs = Vec::new();
    let mut invalid = false;
    for file in &args.files {
        match read(file) {
            Ok((scenario, text)) => {
                let dir = args.out.join(&scenario.name);
                let scenario = overridden(scenario, args, endpoint);
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
            complain(&format!("error: {one} and {two} are both named `{name}`, and would share a report"));
            return Err(Exit::Usage);
        }
    }
    for job in &jobs {
        if let Err(error) = report::writable(&job.dir) {
            complain(&format!("error: {error}\nNothing was run. Choose another folder with --out."));
            return Err(Exit::Usage);
        }
    }
    Ok(jobs)
}

/// The scenario and its text; what is wrong with it, ready to print.
fn read(file: &Path) -> Result<(Scenario, String), String> {
    scenario::read_with_text(file).map_err(|diagnostic| super::check::rendered(&diagnostic))
}

fn overridden(mut scenario: Scenario, args: &RunArgs, endpoint: Option<&AnEndpoint>) -> Scenario {
    if let Some(Lodging::Existing { tenants: Some(tenants), .. }) = endpoint.map(|at| &at.lodging) {
        scenario.population.users = u32::try_from(tenants.len()).unwrap_or(u32::MAX);
    }
    Scenario {
        seed: args.seed.map_or(scenario.seed, Seed::new),
        clock: args.clock.map_or(scenario.clock, Into::into),
        ..scenario
    }
}

fn run_one(
    args: &RunArgs,
    job: &Job,
    endpoint: Option<&AnEndpoint>,
    board: Option<&Board>,
    stop: &Stop,
) -> Exit {
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
        command: std::env::args().collect::<Vec<_>>().join(" "),
        workers: args.workers,
        backend: args.srp,
        defect: None,
        endpoint: endpoint.cloned(),
        observer,
    };
    let played = play(&job.scenario, &settings, stop);
    progress.finish();
    let report = match played {
        Ok(report) => report,
        Err(error) => {
            complain(&format!("error: {}: {error}", job.file.display()));
            return match error {
                RunError::Threads(_) => Exit::Internal,
                RunError::Target(_) => Exit::Unreachable,
                RunError::Unfit(_) => Exit::Usage,
            };
        }
    };
    let written = report::write(&job.dir, &report, args.format.contains(&Format::Html));
    let said = say(&report::text(&report, written.as_ref().ok(), shows_colour(&io::stdout())));
    match written {
        Ok(_) => said.or(Exit::from_code(report.verdict.exit_code)),
        Err(error) => {
            complain(&format!("error: {error}"));
            Exit::Usage
        }
    }
}
