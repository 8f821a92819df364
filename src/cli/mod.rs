//! The command line: parses the arguments, runs the command, and returns its exit code.

mod advise;
mod args;
mod capacity;
mod capacity_args;
mod check;
mod compare;
mod compare_args;
mod completions;
mod conformance;
mod exit;
mod explain;
mod init;
mod line_writer;
mod live_page;
mod log_args;
mod matrix;
mod memory_size;
mod merge;
mod metrics_server;
mod open_files;
mod output_args;
mod policy_args;
mod pool_file;
mod progress;
mod report;
mod run;
mod run_pages;
mod run_results;
mod scenario_args;
mod scenario_files;
mod schema;
mod serve;
mod serve_args;
mod shard_args;
mod signals;
mod sources;
mod target_args;
mod users;
mod values;
mod worker;
mod worker_args;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Command};
pub use exit::Exit;

use crate::report::markup::plain;
use crate::scenario::Diagnostic;
use crate::text;

/// Parses the command line, runs the command and returns its exit code.
pub fn main() -> ExitCode {
    if let Some((columns, _)) = terminal_size::terminal_size_of(io::stdout()) {
        text::set_width(columns.0.into());
    }
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(message) => {
            // clap prints help and version to standard output; they are no errors.
            let exit = if message.use_stderr() { Exit::Usage } else { Exit::Pass };
            drop(message.print());
            return exit.into();
        }
    };
    let exit = match args.command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::check(&args),
        Command::Advise(args) => advise::advise(&args),
        Command::Matrix(args) => matrix::matrix(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Capacity(args) => capacity::capacity(&args),
        Command::Compare(args) => compare::compare(&args),
        Command::Merge(args) => merge::merge(&args),
        Command::Worker(args) => worker::worker(&args),
        Command::Locustfile => Ok(worker::locustfile()),
        Command::Report(args) => Ok(report::report(&args)),
        Command::Serve(args) => Ok(serve::serve(&args)),
        Command::Init(args) => init::init(&args),
        Command::Schema => Ok(schema::schema()),
        Command::Completions(args) => Ok(completions::completions(&args)),
        Command::Man(args) => Ok(completions::man(&args)),
    };
    exit.unwrap_or_else(|error| error).into()
}

/// Prints results to standard output. A reader that has closed the pipe is no error; any other failure is.
fn print_stdout(text: &str) -> Exit {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            usage_error(format_args!("cannot write to standard output: {error}"))
        }
        _ => Exit::Pass,
    }
}

/// The command line for reports; invalid UTF-8 is replaced.
fn command_line() -> String {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    words.join(" ")
}

/// Returns whether this stream shows colors: a terminal does, unless `NO_COLOR` or `CLICOLOR_FORCE` decides.
fn shows_color(stream: &impl io::IsTerminal) -> bool {
    let value = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if value("NO_COLOR").is_some() {
        return false;
    }
    let is_forced = value("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    is_forced || (stream.is_terminal() && value("TERM").is_none_or(|term| term != "dumb"))
}

/// Prints a usage error.
fn usage_error(why: impl std::fmt::Display) -> Exit {
    print_error(why);
    Exit::Usage
}

/// Prints what is wrong with a scenario or a pool document.
fn invalid_scenario(diagnostic: &Diagnostic) -> Exit {
    print_stderr(&check::render_diagnostic(diagnostic));
    Exit::InvalidScenario
}

/// Prints an error to standard error with control characters escaped, because it may contain text of files,
/// endpoints or other programs.
fn print_error(why: impl std::fmt::Display) {
    let why = format!("error: {why}");
    let lines: Vec<String> = why.lines().map(plain).collect();
    print_stderr(&lines.join("\n"));
}

/// Prints text to standard error as it is, such as diagnostics with colors.
fn print_stderr(text: &str) {
    drop(writeln!(io::stderr().lock(), "{}", text.trim_end()));
}
