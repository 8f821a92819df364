//! `poolproof init`: writes a first scenario, with comments, to standard output.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::scenario_args::key;
use super::values::whole;
use super::{Exit, pool_file, print_stderr, print_stdout};
use crate::scenario::{self, Override};
use crate::settings::{PoolSettings, SourceKind, Unsimulated};
use poolproof_cognito::policy::{Factors, MfaMode, PoolPolicy, Quotas, RememberMode};
use serde_json::Value;

pub(super) const INIT_EXAMPLES: &str = "Examples:
  poolproof init > mine.yaml && poolproof run mine.yaml
  poolproof init --from pool.json mfa.json risk.json --rate 50/s > mine.yaml
  aws cognito-idp describe-user-pool --user-pool-id ID |
    poolproof init --from - > mine.yaml";

#[derive(clap::Args, Debug)]
pub(super) struct InitArgs {
    /// Settings of the pool: the JSON that AWS tools print about it (several files, or one merged with
    /// `jq -s add`), or another scenario [default: a pool that remembers devices on request].
    #[arg(long, value_name = "FILE", num_args = 1..)]
    from: Vec<PathBuf>,
    /// Sign-ins a second.
    #[arg(long, value_name = "RATE", default_value = "20/s", value_parser = scenario::rate)]
    rate: f64,
    /// Number of users [default: those that sign in during a minute, at least 200].
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1, 1_000_000))]
    users: Option<u32>,
    /// Ignore settings of the pool that are not simulated, instead of refusing them, and list them.
    #[arg(long, requires = "from")]
    ignore_unsimulated: bool,
}

/// Prints the scenario.
pub(super) fn init(args: &InitArgs) -> Result<Exit, Exit> {
    let unsimulated = if args.ignore_unsimulated { Unsimulated::Ignore } else { Unsimulated::Refuse };
    let settings = pool_file::read_settings(&args.from, unsimulated, print_stderr)?;
    Ok(print_stdout(&template(args, settings.as_ref())))
}

/// Most sign-ins a second on one simulated core of the template: half of what it can serve.
const RATE_PER_CORE: f64 = 250.0;

fn template(args: &InitArgs, settings: Option<&PoolSettings>) -> String {
    let rate = args.rate;
    let users = args.users.unwrap_or_else(|| ((rate * 60.0).ceil() as u32).clamp(200, 1_000_000));
    let cores = ((rate / RATE_PER_CORE).ceil() as u32).clamp(1, 1024);
    let (title, name) = settings.map_or_else(
        || ("a pool that remembers devices on request".to_owned(), "my-pool".to_owned()),
        |settings| (format!("the pool {}", printable(&settings.name)), scenario_name(&settings.name)),
    );
    let default = PoolPolicy {
        remember: RememberMode::OptIn,
        suppress_mfa: true,
        mfa: MfaMode::Optional,
        ..PoolPolicy::DEFAULT
    };
    let policy = settings.map_or(default, |settings| settings.policy);
    let pool = pool_keys(&policy, settings);
    let sign_in_by = sign_in_by(settings);
    let factors = factors(&policy, settings, sign_in_by.is_some());
    let sign_in_by = sign_in_by.map_or_else(String::new, |by| format!("  sign_in_by: {by}\n"));
    let risk = if policy.risk.mode == poolproof_cognito::policy::RiskMode::Enforced {
        "  risk: { none: 97, medium: 2, high: 1 }            # how risky the sign-ins look, as weights\n"
    } else {
        ""
    };
    format!(
        "# Sign-ins to {title} at {rate}/s.
version: 1
name: {name}
clock: virtual        # simulated time: the same report everywhere. `wall` measures this machine; then remove `service`
group: toy            # fast arithmetic. `cognito` computes with Cognito's 3072 bits
pool:
{pool}population:
  users: {users}
{sign_in_by}  factors: {factors}    # second factors of the users, as weights
  devices: 1                                           # devices that each user already has
workload:
  stages:
    - {{ for: 5s, rate: {rate}/s, warm_up: true }}       # judged, not measured
    - {{ for: 30s, rate: {rate}/s }}                     # a ramp: {{ for: 30s, to: {ramp}/s }}
  mix: {{ known_device: 80, new_device: 15, wrong_password: 5 }}
{risk}service: {{ cores: {cores} }}   # cores of the simulated pool; one serves about 490 sign-ins with a device a second
thresholds:           # a run that misses one exits with 99
  - decisions.mismatched == 0                          # the pool decides as Cognito does
  - sign_in.p99 < 100ms
  - failed.rate < 1%                                   # sign-ins that got no decision, for example throttled ones
# Next:
#   poolproof run FILE                                 plays this file and writes a report
#   poolproof check FILE                               prints it with all defaults and its possible decisions
#   poolproof run FILE --set 'workload.stages[1].rate={ramp}/s'
#                                                      tries another rate without an edit
#   poolproof capacity FILE --slo 'p99<100ms'          searches for the highest rate
",
        ramp = rate * 5.0,
    )
}

/// Returns the keys of the pool, each on a line.
fn pool_keys(policy: &PoolPolicy, settings: Option<&PoolSettings>) -> String {
    let comments = [
        ("remember", "no, always, or opt_in: the user decides"),
        ("suppress_mfa", "a remembered device replaces the second factor"),
        ("mfa", "off, optional (users who have a factor), or on (everyone)"),
    ];
    let exceptions = settings.map(|settings| settings.exceptions.clone()).unwrap_or_default();
    let mut text = String::new();
    for (key, value) in Override::from_policy(policy, &exceptions, "").iter().filter_map(Override::pool_line)
    {
        let comment = comments.iter().find(|(known, _)| *known == key);
        let line = format!("  {key}: {value}");
        let _ = match comment {
            Some((_, comment)) => writeln!(text, "{line:<30}# {comment}"),
            None => writeln!(text, "{line}"),
        };
    }
    if let Some(risk) = Override::risk_line(policy, &exceptions) {
        let _ = writeln!(text, "  risk: {risk}");
    }
    text + &quotas_line(policy, settings)
}

/// Returns the line of the quotas: those of a scenario that has some, else the default ones of an account.
fn quotas_line(policy: &PoolPolicy, settings: Option<&PoolSettings>) -> String {
    let comment = match settings.map(|settings| settings.source) {
        Some(SourceKind::Scenario) if policy.quotas != Quotas::NONE => {
            return format!("  quotas: {}\n", Override::quotas_line(policy));
        }
        Some(SourceKind::Scenario) => {
            "added, the scenario has none: the default quotas of an account. `none` turns them off"
        }
        Some(SourceKind::Aws) => {
            "assumed, not in the documents: the default quotas of an account; see docs/scenarios.md"
        }
        None => "the default quotas of an account; see docs/scenarios.md for raised ones",
    };
    format!("{:<30}# {comment}\n", "  quotas: cognito")
}

/// Returns how users sign in, unless by their user names.
fn sign_in_by(settings: Option<&PoolSettings>) -> Option<&'static str> {
    let pool = &settings?.description.as_ref()?.pool;
    let has_email = |key: &str| {
        let list = pool.get(key).and_then(Value::as_array);
        list.is_some_and(|list| list.iter().any(|attribute| attribute == "email"))
    };
    if has_email("UsernameAttributes") {
        Some("email")
    } else {
        has_email("AliasAttributes").then_some("alias")
    }
}

/// Returns the weights of factors that users of this pool can have.
fn factors(policy: &PoolPolicy, settings: Option<&PoolSettings>, by_address: bool) -> String {
    let possible = settings.map_or_else(|| Factors::ALL.to_vec(), |settings| settings.factors.sets());
    let has = |factors: Factors| policy.mfa != MfaMode::Off && possible.contains(&factors);
    let mut weights = vec![(Factors::None, 40)];
    weights.extend(has(Factors::Totp).then_some((Factors::Totp, 40)));
    weights.extend(has(Factors::Sms).then_some((Factors::Sms, 20)));
    if weights.len() == 1 && has(Factors::Email) && !by_address {
        weights.push((Factors::Email, 60));
    }
    let weights: Vec<String> =
        weights.into_iter().map(|(factors, weight)| format!("{}: {weight}", key(factors))).collect();
    format!("{{ {} }}", weights.join(", "))
}

/// Returns a name for the scenario of a pool with this name.
fn scenario_name(pool: &str) -> String {
    let letters = pool.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let name: String = letters.take(64).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "my-pool".to_owned() } else { name.to_owned() }
}

/// Returns text that is harmless in a comment.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}
