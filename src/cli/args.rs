//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::capacity_args::{CAPACITY_EXAMPLES, CapacityArgs};
use super::compare_args::{COMPARE_EXAMPLES, CompareArgs};
use super::init::{INIT_EXAMPLES, InitArgs};
use super::log_args::LogArgs;
use super::merge::{MERGE_EXAMPLES, MergeArgs};
use super::output_args::{Format, OutputArgs};
use super::policy_args::{EXPLAIN_EXAMPLES, ExplainArgs, MATRIX_EXAMPLES, MatrixArgs, SwitchArgs};
use super::run_pages::PagesArgs;
use super::scenario_args::ScenarioArgs;
use super::serve_args::{SERVE_EXAMPLES, ServeArgs};
use super::shard_args::ShardArgs;
use super::target_args::TargetArgs;
use super::values::{ClockArg, backend, duration, whole, workers};
use super::worker_args::{LOCUSTFILE_EXAMPLES, WORKER_EXAMPLES, WorkerArgs};
use crate::advise::Severity;
use poolproof_srp::Backend;

const EXIT_CODES: &str = "\
Exit codes:
    0  everything held
    1  an internal error of poolproof
    2  the command line is wrong, or an output cannot be written
   80  a decision does not match the rules, or denied advice was given
   81  a comparison found a regression
   82  a comparison is inconclusive
   83  the generator could not keep up, or lacked files, ports or memory
   84  the reports cannot be compared, or the shards cannot be merged
   85  a shard was not ready at --start-at, or clocks differ
   99  a threshold was crossed, or there were too few samples
  104  a scenario or a pool document is invalid; nothing was run
  105  interrupted; the report is partial, or `serve` ended requests in flight
  107  a target is unusable, gave no answers, or still has resources of the run
If several apply: the first of 1, 2, 104, 84, 85, 80, 105, 107, 99, 81, 83, 82.";

const RUN_EXAMPLES: &str = "Examples:
  poolproof run scenarios/smoke.yaml
  poolproof run scenarios/ --out /tmp/reports     a whole folder, with an index
  poolproof run scenarios/ --format html,junit,markdown
                                                  for CI: junit.xml, summary.md
  poolproof run scenarios/ --format junit,github  annotations in GitHub Actions
  poolproof run scenarios/opt-in.yaml --seed 8    other random choices
  poolproof run scenarios/opt-in.yaml --clock wall
                                                  the same scenario in real time
  poolproof run scenarios/opt-in.yaml --clock wall --live 127.0.0.1:8089
                                                  its report while it grows
  poolproof run mine.yaml --set pool.mfa=on       another setting
  poolproof run mine.yaml --pool pool.json        the settings of a pool on AWS
  poolproof run scenarios/smoke.yaml --target http://127.0.0.1:9229
                                                  a Cognito-compatible URL
  poolproof run mine.yaml --shard 0/4 --out out   a part of a run, for `merge`";

const CHECK_EXAMPLES: &str = "\
Examples:
  poolproof check scenarios/*.yaml";

const REPORT_EXAMPLES: &str = "Nothing is run. The files are written beside report.json, or into --out.
Histograms (hlog) are not in report.json; only `run` writes them.

Examples:
  poolproof report reports/latest/smoke/report.json
  poolproof report reports/latest/smoke --format junit,markdown --out /tmp/ci
  poolproof report new/report.json --baseline old/report.json
                                                    both on one page";

const ADVISE_EXAMPLES: &str = "A pool is a scenario file, or the JSON that AWS tools print about it. This is
the output of `describe-user-pool`, and optionally of `get-user-pool-mfa-config`
and `describe-risk-configuration`, in any order or merged into one object.

Examples:
  poolproof advise scenarios/risk.yaml
  poolproof advise scenarios/aws/*.json
  aws cognito-idp describe-user-pool --user-pool-id ID |
    poolproof advise /dev/stdin
  poolproof advise pool.json --risk-note off   without the Note
  poolproof advise pool.json --deny high       exits with 80 if any is high";

/// Simulation and load testing of Cognito-style sign-ins that remember devices, every decision judged.
#[derive(Parser, Debug)]
#[command(name = "poolproof", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Run scenarios, judge every decision, and write reports.
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<RunArgs>),
    /// Validate scenarios and print them with their defaults and possible decisions; run nothing.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// List settings of a pool that will surprise users or operators; run nothing.
    #[command(after_help = ADVISE_EXAMPLES)]
    Advise(AdviseArgs),
    /// Print the whole policy as a table, play it against a pool, or compare it with a baseline.
    #[command(after_help = MATRIX_EXAMPLES)]
    Matrix(MatrixArgs),
    /// Explain the decision about one sign-in, step by step, with its sources.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// Search for the highest rate of sign-ins that meets the objectives.
    #[command(after_help = CAPACITY_EXAMPLES)]
    Capacity(Box<CapacityArgs>),
    /// Compare reports, or two command lines in paired runs: regressed, improved, equivalent or inconclusive.
    #[command(after_help = COMPARE_EXAMPLES)]
    Compare(CompareArgs),
    /// Merge the shards of a run into one report; run nothing.
    #[command(after_help = MERGE_EXAMPLES)]
    Merge(MergeArgs),
    /// Work for a Locust master: it starts, changes and ends the load.
    #[command(after_help = WORKER_EXAMPLES)]
    Worker(Box<WorkerArgs>),
    /// Print the locustfile of a master that poolproof workers serve.
    #[command(after_help = LOCUSTFILE_EXAMPLES)]
    Locustfile,
    /// Render a report.json in other forms; run nothing.
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArgs),
    /// Serve a pool over HTTP to stock clients: boto3, the AWS CLI, Amplify and others.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArgs),
    /// Print a first scenario with comments, for the settings of your own pool if you give them.
    #[command(after_help = INIT_EXAMPLES)]
    Init(InitArgs),
    /// Print the JSON Schema of scenario files.
    Schema,
    /// Print completions for a shell.
    Completions(CompletionsArgs),
    /// Print a manual page, for example `poolproof man | man -l -`.
    Man(ManArgs),
}

#[derive(clap::Args, Debug)]
pub(super) struct RunArgs {
    /// Scenario files, or folders with *.yaml and *.yml files; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) scenario: ScenarioArgs,
    /// Seed to use instead of the scenario's.
    #[arg(long, value_name = "N", value_parser = whole::<u64>(0, u64::MAX))]
    pub(super) seed: Option<u64>,
    /// Clock to use instead of the scenario's.
    #[arg(long, value_enum)]
    pub(super) clock: Option<ClockArg>,
    /// Worker threads of clients and pool under the wall clock [default: half of the cores each; with
    /// --target, all cores for the clients].
    #[arg(long, value_name = "CLIENTS,POOL", value_parser = workers)]
    pub(super) workers: Option<(usize, usize)>,
    /// Backend for SRP exponentiations [default: the fastest that this CPU supports]. Decisions do not depend
    /// on it.
    #[arg(long, value_name = "reference|portable|avx2|ifma", value_parser = backend)]
    pub(super) srp: Option<Backend>,
    /// How long the run waits for answers after the last sign-in was due, before it cancels the requests
    /// [default: 10s; under the virtual clock it waits for every answer].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) drain: Option<Duration>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    #[command(flatten)]
    pub(super) shard: ShardArgs,
    #[command(flatten)]
    pub(super) log: LogArgs,
    #[command(flatten)]
    pub(super) target: TargetArgs,
    #[command(flatten)]
    pub(super) pages: PagesArgs,
}

impl RunArgs {
    /// Returns the options that change the scenario or the end of the run, word by word.
    pub(super) fn replay_options(&self) -> Vec<String> {
        let drain = self.drain.map(|time| ["--drain".to_owned(), format!("{}ms", time.as_millis())]);
        self.scenario.words().into_iter().chain(drain.into_iter().flatten()).collect()
    }
}

#[derive(clap::Args, Debug)]
pub(super) struct ReportArgs {
    /// The report.json, or its folder.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Folder for the output [default: the folder of FILE].
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Reports to write.
    #[arg(long, value_delimiter = ',', default_value = "html", value_parser = report_formats())]
    pub(super) format: Vec<Format>,
    /// The report.json of another run of the same scenario, to show next to this one.
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
}

#[derive(clap::Args, Debug)]
pub(super) struct CheckArgs {
    /// Scenario files, or folders with *.yaml and *.yml files; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) scenario: ScenarioArgs,
}

#[derive(clap::Args, Debug)]
pub(super) struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub(super) shell: Shell,
}

#[derive(clap::Args, Debug)]
pub(super) struct ManArgs {
    /// Command whose page is printed [default: the page about all commands].
    #[arg(value_name = "COMMAND")]
    pub(super) command: Option<String>,
}

#[derive(clap::Args, Debug)]
pub(super) struct AdviseArgs {
    /// One scenario file, or the JSON documents of one pool on AWS.
    #[arg(required = true, value_name = "POOL")]
    pub(super) pool: Vec<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: AdviceFormat,
    /// Exit with 80 if there is advice of this severity or a higher one.
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub(super) deny: Option<DenyArg>,
    #[command(flatten)]
    pub(super) switches: SwitchArgs,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum AdviceFormat {
    /// For a terminal.
    Text,
    /// For a program.
    Json,
    /// For a pull request or a wiki.
    Markdown,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DenyArg {
    /// A protection does not work, or users are locked out.
    High,
    /// Users or operators will be surprised.
    Medium,
    /// A surprise that rarely does harm.
    Low,
    /// Any advice.
    Note,
}

impl From<DenyArg> for Severity {
    fn from(level: DenyArg) -> Self {
        match level {
            DenyArg::High => Self::High,
            DenyArg::Medium => Self::Medium,
            DenyArg::Low => Self::Low,
            DenyArg::Note => Self::Note,
        }
    }
}

/// The files that can be rendered from a report.json, which has no histograms.
fn report_formats() -> impl TypedValueParser<Value = Format> {
    let only_of_runs = [Format::Hlog, Format::Github];
    let had = Format::value_variants().iter().filter(|format| !only_of_runs.contains(format));
    let names = PossibleValuesParser::new(had.filter_map(ValueEnum::to_possible_value));
    names.try_map(|name| Format::from_str(&name, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn after_help_fits_in_80_columns() {
        let program = Args::command();
        let help_texts =
            program.get_subcommands().chain([&program]).filter_map(|command| command.get_after_help());
        let help_texts: Vec<String> = help_texts.map(ToString::to_string).collect();
        assert!(help_texts.len() > 8);
        for line in help_texts.iter().flat_map(|text| text.lines()) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
