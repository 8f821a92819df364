//! The options of the commands that show the policy.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::target_args::RemoteArgs;
use super::values::whole;
use crate::http::client::EndpointUrl;
use crate::settings::Unsimulated;
use poolproof_cognito::policy::{
    Factors, MfaMode, PoolPolicy, RememberMode, RiskAction, RiskLevel, RiskNote, Switches,
};
use poolproof_oracle::Device;

pub(super) const MATRIX_EXAMPLES: &str = "\
Examples:
  poolproof matrix                                  every pool, condensed
  poolproof matrix --pool scenarios/opt-in.yaml     one pool
  poolproof matrix --pool scenarios/aws/*.json      one that AWS's tools printed
  poolproof matrix --format html > matrix.html
  poolproof matrix --format json > matrix.json      to keep as a baseline
  poolproof matrix --baseline matrix.json           what changed since
  poolproof matrix --sources                        the sources of the rules
  poolproof matrix --against pool                   every cell by real sign-ins
  poolproof matrix --against http://127.0.0.1:9229  which rules it breaks";

pub(super) const EXPLAIN_EXAMPLES: &str = "\
Examples:
  poolproof explain --remember always --suppress-mfa --mfa optional \\
    --factor totp --device remembered
  poolproof explain --remember opt_in --mfa on --device issued --risk high:block
  poolproof explain --pool scenarios/risk.yaml --factor sms \\
    --device remembered --risk medium";

/// Choices where the documentation is silent or contradicts itself. AWS documents do not contain them.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(super) struct SwitchArgs {
    /// Sign-ins that the Note covers: with `remember: always` and suppression, the MFA of medium and high
    /// risk is ignored [default: the pool's, or pool].
    #[arg(long, value_parser = one_of(&RiskNote::ALL, RiskNote::as_str), value_name = "WHOSE")]
    risk_note: Option<RiskNote>,
    /// Whether a device replaces MFA only after it has completed one [default: the pool's, or true].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    strict_mfa_binding: Option<bool>,
    /// Ignore settings of a pool that are not simulated, instead of refusing them, and list them.
    #[arg(long)]
    ignore_unsimulated: bool,
}

impl SwitchArgs {
    /// Returns what to do with settings that are not simulated.
    pub(super) const fn unsimulated(self) -> Unsimulated {
        if self.ignore_unsimulated { Unsimulated::Ignore } else { Unsimulated::Refuse }
    }

    /// Returns these settings with the given switches.
    pub(super) fn apply_to(self, policy: PoolPolicy) -> PoolPolicy {
        let switches = Switches {
            risk_note: self.risk_note.unwrap_or(policy.switches.risk_note),
            strict_mfa_binding: self.strict_mfa_binding.unwrap_or(policy.switches.strict_mfa_binding),
            ..policy.switches
        };
        PoolPolicy { switches, ..policy }
    }
}

#[derive(clap::Args, Debug)]
pub(super) struct MatrixArgs {
    /// Only the pool of this scenario file, or of the JSON that AWS tools print (several files, or one merged
    /// with `jq -s add`).
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(super) pool: Vec<PathBuf>,
    /// Format of the matrix [default: table]. With --against pool or --baseline it is printed only if this is
    /// given; with --against URL it is the format of the result: table, json or markdown.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(super) format: Option<MatrixFormat>,
    /// Decisions to compare with. `oracle` only prints the expected decisions. `pool` plays every cell in the
    /// embedded pool. A URL plays them at a Cognito-compatible endpoint, in pools that are created there and
    /// deleted afterwards.
    #[arg(long, value_name = "oracle|pool|URL", default_value = "oracle", value_parser = against)]
    pub(super) against: Against,
    /// Play only N situations at an endpoint instead of all, spread evenly over the rules.
    #[arg(long, value_name = "N", value_parser = whole::<usize>(0, u64::MAX))]
    pub(super) sample: Option<usize>,
    #[command(flatten)]
    pub(super) remote_args: RemoteArgs,
    /// Print what changed since this matrix was saved with --format json.
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Print the sources of each rule and each switch instead: public texts with address and date.
    #[arg(long, exclusive = true)]
    pub(super) sources: bool,
    #[command(flatten)]
    pub(super) switches: SwitchArgs,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum MatrixFormat {
    /// Condensed, for terminals of 100 columns.
    Table,
    /// An array with one object per cell.
    Json,
    /// RFC 4180, one line per cell.
    Csv,
    /// Condensed, as Markdown tables.
    Markdown,
    /// Condensed, as one page.
    Html,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Against {
    /// The table of rules.
    Oracle,
    /// The embedded pool, by real sign-ins.
    Pool,
    /// An endpoint, by real sign-ins.
    Endpoint(EndpointUrl),
}

fn against(text: &str) -> Result<Against, String> {
    match text {
        "oracle" => Ok(Against::Oracle),
        "pool" => Ok(Against::Pool),
        url => EndpointUrl::parse(url)
            .map(Against::Endpoint)
            .map_err(|why| format!("expected oracle, pool or a URL, but {why}")),
    }
}

#[derive(clap::Args, Debug)]
pub(super) struct ExplainArgs {
    /// Take the pool from this scenario file, or from the JSON that AWS tools print (several files, or one
    /// merged with `jq -s add`).
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["remember", "suppress_mfa", "mfa"])]
    pub(super) pool: Vec<PathBuf>,
    /// Whether the pool remembers devices.
    #[arg(long, value_parser = one_of(&RememberMode::ALL, RememberMode::as_str), value_name = "WHEN", required_unless_present = "pool")]
    pub(super) remember: Option<RememberMode>,
    /// A remembered device replaces the second factor.
    #[arg(long)]
    pub(super) suppress_mfa: bool,
    /// When the pool asks for a second factor.
    #[arg(long, value_parser = one_of(&MfaMode::ALL, MfaMode::as_str), value_name = "WHEN", required_unless_present = "pool")]
    pub(super) mfa: Option<MfaMode>,
    /// The user's second factors.
    #[arg(long, value_parser = one_of(&Factors::ALL, Factors::as_str), value_name = "WHICH", default_value = "none")]
    pub(super) factor: Factors,
    /// The device whose key the client sends.
    #[arg(long, value_parser = one_of(&Device::ALL, Device::as_str), value_name = "STATE", default_value = "none")]
    pub(super) device: Device,
    /// Risk level and the pool's action for it, as in high:block. With --pool give only the level, because
    /// the action comes from the pool.
    #[arg(long, value_name = "LEVEL:ACTION", value_parser = risk)]
    pub(super) risk: Option<RiskArg>,
    #[command(flatten)]
    pub(super) switches: SwitchArgs,
    /// The device has not completed an MFA.
    #[arg(long)]
    pub(super) not_mfa_bound: bool,
}

/// A risk option; without an action the pool's applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RiskArg {
    pub(super) level: RiskLevel,
    pub(super) action: Option<RiskAction>,
}

fn risk(text: &str) -> Result<RiskArg, String> {
    let words = |words: &[&str]| words.join(", ");
    let (level, action) = text.split_once(':').map_or((text, None), |(level, action)| (level, Some(action)));
    let known = words(&RiskLevel::ALL.map(RiskLevel::as_str));
    let level =
        level.parse().map_err(|()| format!("unknown risk level `{level}`, expected one of {known}"))?;
    let known = words(&RiskAction::ALL.map(RiskAction::as_str));
    let action = action
        .map(|action| {
            action.parse().map_err(|()| {
                format!(
                    "unknown risk action `{action}`, expected one of \
            {known}"
                )
            })
        })
        .transpose()?;
    Ok(RiskArg { level, action })
}

/// Accepts exactly the words in `all`, which are also the words of scenarios.
fn one_of<T>(all: &'static [T], text: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    PossibleValuesParser::new(all.iter().map(|value| text(*value))).try_map(move |typed| {
        all.iter().copied().find(|value| text(*value) == typed).ok_or("not one of the possible values")
    })
}
