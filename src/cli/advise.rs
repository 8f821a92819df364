//! `poolproof advise`: what surprises in a pool's settings.

use super::args::{AdviceFormat, AdviseArgs};
use super::{Exit, invalid_scenario, print_error, print_stdout};
use crate::advise::{AdviceReport, advise as advice_on, markdown, text};
use crate::settings::{self, PoolSettings};
use poolproof_cognito::policy::RiskMode;

/// Why `--deny` gives no all-clear for a pool whose risk actions are unknown.
const UNKNOWN_RISK: &str = "--deny: risk is enforced, but its actions are unknown, so advice about them is missing\n  \
    help: add the output of `aws cognito-idp describe-risk-configuration --user-pool-id ID`";

/// Reads the settings and prints the advice.
pub(super) fn advise(args: &AdviseArgs) -> Result<Exit, Exit> {
    let settings = settings::read(&args.pool, args.switches.unsimulated())
        .map_err(|diagnostic| invalid_scenario(&diagnostic))?;
    let settings = PoolSettings { policy: args.switches.apply_to(settings.policy), ..settings };
    let advised = advice_on(&settings);
    let text = render(&advised, args.format).map_err(|error| {
        print_error(error);
        Exit::Internal
    })?;
    let mut denied = args.deny.is_some_and(|level| advised.highest_severity() >= Some(level.into()));
    if args.deny.is_some() && settings.policy.risk.mode == RiskMode::Enforced && !settings.risk_known {
        print_error(UNKNOWN_RISK);
        denied = true;
    }
    Ok(print_stdout(&text).or(if denied { Exit::Mismatch } else { Exit::Pass }))
}

fn render(advised: &AdviceReport, format: AdviceFormat) -> serde_json::Result<String> {
    match format {
        AdviceFormat::Text => Ok(text(advised)),
        AdviceFormat::Markdown => Ok(markdown(advised)),
        AdviceFormat::Json => serde_json::to_string_pretty(advised).map(|json| json + "\n"),
    }
}
