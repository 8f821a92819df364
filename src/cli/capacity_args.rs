//! The options of `poolproof capacity`.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use super::scenario_args::ScenarioArgs;
use super::target_args::TargetArgs;
use super::values::{ClockArg, share, whole, workers};
use crate::scenario::{self, Threshold};

pub(super) const CAPACITY_EXAMPLES: &str = "\
The scenario runs at one rate (a level) after the other. Its pool, users and mix
stay; its stages are replaced. A run passes if every objective holds, 99 of 100
sign-ins are decided, the median latency grows by less than 10 ms a second, and
no decision mismatches. While the rate rises, one passing run per level is
enough. Between the highest rate that passed and the lowest that failed, two of
three runs decide. A long run confirms the answer.

A run is measured for --measure. If 300 sign-ins need longer at its rate, it is
measured for up to 5 minutes. Under the virtual clock these limits are 3000
sign-ins and a day. A run with fewer than 270 sign-ins does not pass.

Exit codes:
    0  an answer was found
   80  a decision does not match the rules
   83  the generator could not keep up at the lowest level
   99  the lowest level fails, or there were too few sign-ins
  105  interrupted; the answer is partial
  107  the target is unusable, or did not answer

Examples:
  poolproof capacity scenarios/capacity.yaml --slo 'p99<250ms'
  poolproof capacity scenarios/capacity.yaml --slo 'p99<250ms' --want 10000/s
  poolproof capacity scenarios/capacity.yaml --slo 'p99<250ms' \\
    --clock wall --set service=none --set group=cognito
  poolproof capacity scenarios/smoke.yaml --slo 'p99<1s' \\
    --slo 'failed.rate<1%' --target http://127.0.0.1:9229 --from 5/s --to 400/s";

#[derive(clap::Args, Debug)]
pub(super) struct CapacityArgs {
    /// The scenario file; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) scenario: ScenarioArgs,
    /// Objective: a threshold of a scenario, or short `p99<250ms` for `sign_in.p99 < 250ms`. Can be repeated.
    #[arg(long, required = true, value_name = "OBJECTIVE", value_parser = Threshold::parse)]
    pub(super) slo: Vec<Threshold>,
    /// Also print the cores that this rate needs, such as 10000/s.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub(super) want: Option<f64>,
    /// First rate [default: an eighth of the rate that a closed workload achieves].
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub(super) from: Option<f64>,
    /// Highest rate to try [default: four times the rate that a closed workload achieves].
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub(super) to: Option<f64>,
    /// Factor between rates on the way up, from 1.05 to 10.
    #[arg(long, value_name = "FACTOR", default_value = "1.5", value_parser = factor)]
    pub(super) step: f64,
    /// Largest distance between the bounds of the answer, from 0.5% to 100%.
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = precision)]
    pub(super) precision: f64,
    /// Time that a level runs before it is measured: whole seconds, from 1 s to 1 h.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = settle)]
    pub(super) settle: Duration,
    /// Time that a level is measured, longer if too few sign-ins are expected: whole seconds, from 5 s to 1
    /// h.
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = measure)]
    pub(super) measure: Duration,
    /// Time of the confirming run, longer if too few sign-ins are expected: whole seconds, from 5 s to 1 h.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = measure)]
    pub(super) confirm: Duration,
    /// Also fit the Universal Scalability Law to closed runs with 1 to 32 users at once.
    #[arg(long)]
    pub(super) usl: bool,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: CapacityFormat,
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
    #[command(flatten)]
    pub(super) target: TargetArgs,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CapacityFormat {
    /// For a terminal.
    Text,
    /// For a program.
    Json,
}

fn rate(text: &str) -> Result<f64, String> {
    scenario::rate(text)
}

fn factor(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.trim().parse().ok();
    number
        .filter(|number| (1.05..=10.0).contains(number))
        .ok_or_else(|| "expected a number from 1.05 to 10".to_owned())
}

fn precision(text: &str) -> Result<f64, String> {
    share(text)
        .ok()
        .filter(|share| (0.005..=1.0).contains(share))
        .ok_or_else(|| "expected a share from 0.5% to 100%, such as 5%".to_owned())
}

/// Parses whole seconds, so that all timeline intervals have one length.
fn seconds(text: &str, least: u64) -> Result<Duration, String> {
    let time = scenario::time(text)?;
    let whole = time.subsec_nanos() == 0 && (least..=3600).contains(&time.as_secs());
    if whole { Ok(time) } else { Err(format!("expected whole seconds from {least} s to 1 h, such as 20s")) }
}

fn settle(text: &str) -> Result<Duration, String> {
    seconds(text, 1)
}

fn measure(text: &str) -> Result<Duration, String> {
    seconds(text, 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_accept_thresholds_and_short_forms() {
        for (text, wanted) in [
            ("p99<250ms", "sign_in.p99<250ms"),
            (" max <= 2s ", "sign_in.max <= 2s"),
            ("service.p99 < 1s", "service.p99 < 1s"),
            ("failed.rate<1%", "failed.rate<1%"),
            ("DEVICE_PASSWORD_VERIFIER.p99 < 50ms", "DEVICE_PASSWORD_VERIFIER.p99 < 50ms"),
            ("sign_in.p99[10s] < 1s", "sign_in.p99[10s] < 1s"),
            ("p99[10s] < 1s", "sign_in.p99[10s] < 1s"),
        ] {
            assert_eq!(Threshold::parse(text).map(|one| one.text), Ok(wanted.to_owned()), "{text}");
        }
        for text in ["", "p100<1s", "p99", "p99<5", "<5ms", "p99<5%", "sign_in{workload:storm}.p99<1s"] {
            assert!(Threshold::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_and_factors_are_validated() {
        assert_eq!(measure("20s"), Ok(Duration::from_secs(20)));
        assert!(measure("500ms").is_err() && measure("4s").is_err() && settle("0s").is_err());
        assert!(factor("1").is_err() && factor("NaN").is_err() && factor("1.25").is_ok());
        assert!(precision("0%").is_err() && precision("5").is_err() && precision("5%") == Ok(0.05));
    }
}
