//! The command line as typed.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use super::policy_args::{EXPLAIN_EXAMPLES, ExplainArgs, MATRIX_EXAMPLES, MatrixArgs};
use crate::clock::ClockKind;

const EXIT_CODES: &str = "\
Exit codes:
    0  everything held
    1  a fault of poolproof's own
    2  the command line or the output folder is not usable
   80  a decision differed from what the rules ask
   83  the generator could not keep up: the numbers are not to be trusted
   99  a threshold was crossed
  104  a scenario is not valid; nothing was run
  105  interrupted; the report is partial
Of several, the gravest counts: 104, 80, 105, 99, 83.";

const RUN_EXAMPLES: &str = "\
Examples:
  poolproof run scenarios/smoke.yaml
  poolproof run scenarios/*.yaml --out /tmp/reports
  poolproof run scenarios/opt-in.yaml --seed 8        the same people, other chances
  poolproof run scenarios/risk.yaml --clock wall      the same scenario in real time";

const CHECK_EXAMPLES: &str = "\
Examples:
  poolproof check scenarios/*.yaml";

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
    /// Show the whole policy as a table; play it against the pool, or hold it against a baseline.
    #[command(after_help = MATRIX_EXAMPLES)]
    Matrix(MatrixArgs),
    /// Explain the decision about one sign-in, question by question, with its sources.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
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
}

#[derive(clap::Args, Debug)]
pub(super) struct CheckArgs {
    /// Scenario files.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
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
