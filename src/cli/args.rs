//! The command line as typed.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use super::compare_args::{COMPARE_EXAMPLES, CompareArgs};
use super::policy_args::{EXPLAIN_EXAMPLES, ExplainArgs, MATRIX_EXAMPLES, MatrixArgs, SwitchArgs};
use super::serve_args::{SERVE_EXAMPLES, ServeArgs};
use super::target_args::TargetArgs;
use crate::advise::Severity;
use crate::clock::ClockKind;
use crate::srp::Backend;

const EXIT_CODES: &str = "\
Exit codes:
    0  everything held
    1  a fault of poolproof's own
    2  the command line, or a place to write to, is not usable
   80  a decision differed from what the rules ask, or denied advice was given
   81  a comparison found the head slower
   82  a comparison is inconclusive
   83  the generator could not keep up: the numbers are not to be trusted
   84  reports are not of the same thing, and cannot be compared
   99  a threshold was crossed
  104  a scenario, or what describes a pool, is not valid; nothing was run
  105  interrupted; the report is partial
  107  a target cannot be used, or sign-ins got no answer from it
Of several, the gravest counts: 104, 84, 80, 105, 107, 99, 81, 83, 82.";

const RUN_EXAMPLES: &str = "\
Examples:
  poolproof run scenarios/smoke.yaml
  poolproof run scenarios/*.yaml --out /tmp/reports
  poolproof run scenarios/opt-in.yaml --seed 8      same people, other chances
  poolproof run scenarios/risk.yaml --clock wall    the same scenario in real time
  poolproof run scenarios/smoke.yaml --target http://127.0.0.1:9229
                                                    any endpoint like Cognito";

const CHECK_EXAMPLES: &str = "\
Examples:
  poolproof check scenarios/*.yaml";

const ADVISE_EXAMPLES: &str = "\
A pool is a scenario file, or what AWS's tools print about it as JSON:
`describe-user-pool`, and beside it, if you have them, `get-user-pool-mfa-config`
and `describe-risk-configuration`, in any order or merged into one object.

Examples:
  poolproof advise scenarios/risk.yaml
  poolproof advise scenarios/aws/*.json
  aws cognito-idp describe-user-pool --user-pool-id ID |
    poolproof advise /dev/stdin
  poolproof advise pool.json --risk-note off    as the docs read without the Note
  poolproof advise pool.json --deny high        ends with 80 if any is high";

/// Simulation and load testing of Cognito-style sign-ins that remember devices, every decision judged.
#[derive(Parser, Debug)]
#[command(name = "poolproof", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Play scenarios, judge every decision, and write reports.
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Check scenarios, and show what they mean and which decisions they expect; nothing is run.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Tell what will surprise in a pool's settings; nothing is run.
    #[command(after_help = ADVISE_EXAMPLES)]
    Advise(AdviseArgs),
    /// Show the whole policy as a table; play it against the pool, or hold it against a baseline.
    #[command(after_help = MATRIX_EXAMPLES)]
    Matrix(MatrixArgs),
    /// Explain the decision about one sign-in, question by question, with its sources.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// Compare reports with reports, or two command lines by runs in pairs: regressed, improved, equivalent or inconclusive.
    #[command(after_help = COMPARE_EXAMPLES)]
    Compare(CompareArgs),
    /// Serve a pool over HTTP to stock clients: boto3, the AWS CLI, Amplify and others.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArgs),
    /// Print the JSON Schema of scenario files.
    Schema,
}

#[derive(clap::Args, Debug)]
pub(super) struct RunArgs {
    /// Scenario files.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// The folder for reports; each scenario gets a folder of its name in it.
    #[arg(long, value_name = "DIR", default_value = "reports/latest")]
    pub(super) out: PathBuf,
    /// The seed to use instead of the scenario's.
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// The clock to use instead of the scenario's.
    #[arg(long, value_enum)]
    pub(super) clock: Option<ClockArg>,
    /// Which reports to write.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "html,json")]
    pub(super) format: Vec<Format>,
    /// Worker threads by the wall clock, the clients' and the pool's; by default half of the cores each.
    #[arg(long, value_name = "CLIENTS,POOL", value_parser = workers)]
    pub(super) workers: Option<(usize, usize)>,
    /// How to compute SRP's powers; by default as quickly as this machine can. The decisions are the same.
    #[arg(long, value_name = "reference|portable|avx2|ifma", value_parser = backend)]
    pub(super) srp: Option<Backend>,
    #[command(flatten)]
    pub(super) target: TargetArgs,
}

/// At most so many threads a side.
const MOST_WORKERS: usize = 1024;

fn workers(text: &str) -> Result<(usize, usize), String> {
    let number = |text: &str| text.trim().parse().ok().filter(|number| (1..=MOST_WORKERS).contains(number));
    text.split_once(',')
        .and_then(|(clients, pool)| Some((number(clients)?, number(pool)?)))
        .ok_or_else(|| format!("two numbers from 1 to {MOST_WORKERS} are needed, such as 2,2"))
}

fn backend(text: &str) -> Result<Backend, String> {
    let backend: Backend =
        text.parse().map_err(|()| "it is one of reference, portable, avx2 and ifma".to_owned())?;
    if backend.is_available() { Ok(backend) } else { Err(format!("this machine cannot do {backend}")) }
}

#[derive(clap::Args, Debug)]
pub(super) struct CheckArgs {
    /// Scenario files.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
}

#[derive(clap::Args, Debug)]
pub(super) struct AdviseArgs {
    /// One scenario file, or the JSON documents of one pool on AWS.
    #[arg(required = true, value_name = "POOL")]
    pub(super) pool: Vec<PathBuf>,
    /// How to tell it.
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: AdviceFormat,
    /// End with 80 when there is advice of this severity or a graver one.
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
    /// A protection does not work, or people are shut out.
    High,
    /// Users or operators will be surprised.
    Medium,
    /// A surprise without harm to most.
    Low,
    /// Any advice at all.
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

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ClockArg {
    /// Real time.
    Wall,
    /// Simulated time.
    Virtual,
}

impl From<ClockArg> for ClockKind {
    fn from(clock: ClockArg) -> Self {
        match clock {
            ClockArg::Wall => Self::Wall,
            ClockArg::Virtual => Self::Virtual,
        }
    }
}

/// A form of the report. `report.json` is always written: the others say nothing that is not in it.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Format {
    /// `report.json`, always written.
    Json,
    /// `report.html`.
    Html,
}
