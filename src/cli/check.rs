//! `poolproof check`: prints resolved scenarios and their expected decisions.

use std::fmt::Write as _;
use std::io;

use super::args::CheckArgs;
use super::scenario_files::scenario_files;
use super::{Exit, invalid_scenario, print_stderr, print_stdout, shows_color, usage_error};
use crate::rounding::rounded;
use crate::scenario::{self, Diagnostic, Scenario};
use crate::workload::{situations, tokens, warnings};
use poolproof_oracle::{self, AddressStatus, Circumstances, Claim, Facts, Flow, LockoutState};

/// Checks the files and prints the resolved scenarios.
pub(super) fn check(args: &CheckArgs) -> Result<Exit, Exit> {
    let files = scenario_files(&args.files, print_stderr).map_err(usage_error)?;
    let overrides = args.scenario.overrides(print_stderr)?;
    let mut exit = Exit::Pass;
    for file in &files {
        match overrides.read(file, None) {
            Ok((scenario, text)) => {
                let lines = warnings(&scenario, &scenario.pool.quotas, None).into_iter().map(|warning| {
                    let text = overrides.file_text(&text);
                    let line = scenario::line_of(text, std::slice::from_ref(&warning.path));
                    let line = line.map_or_else(String::new, |line| format!(" (line {line})"));
                    format!("# Warning: {}{line}.\n", warning.message)
                });
                let lines: String = lines.collect();
                let (yaml, expected) = (scenario.to_yaml(), expected(&scenario));
                exit = exit.or(print_stdout(&format!("{yaml}\n{}{expected}{lines}", shares(&scenario))));
            }
            Err(diagnostic) => exit = invalid_scenario(&diagnostic),
        }
    }
    Ok(exit)
}

/// Formats a diagnostic for stderr, with colors if it is a terminal.
pub(super) fn render_diagnostic(diagnostic: &Diagnostic) -> String {
    if shows_color(&io::stderr()) { diagnostic.to_colored() } else { diagnostic.to_string() }
}

/// Lists weights of several values with their shares of the sum.
fn shares(scenario: &Scenario) -> String {
    let lines = scenario.weight_shares().into_iter().map(|(path, shares)| {
        let shares = shares.iter().map(|(key, share)| format!("{key} {} %", rounded(share * 100.0, 2)));
        format!("#   {path}: {}\n", shares.collect::<Vec<_>>().join(", "))
    });
    let lines: String = lines.collect();
    if lines.is_empty() { lines } else { format!("# Weights as shares:\n{lines}") }
}

/// Lists the decisions that can occur in the scenario, each with its rule.
fn expected(scenario: &Scenario) -> String {
    let mut lines: Vec<[String; 4]> = Vec::new();
    for facts in situations(scenario) {
        let (rule, decision) = poolproof_oracle::expect(&facts);
        let line = [
            situation(&facts),
            decision.to_string(),
            rule.id.to_owned(),
            rule.confidence.as_str().to_owned(),
        ];
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    for facts in tokens(scenario) {
        let (rule, decision) = poolproof_oracle::expect_refresh(&facts);
        let (id, confidence) = (rule.id.to_owned(), rule.confidence.as_str().to_owned());
        lines.push([facts.to_string(), decision.to_string(), id, confidence]);
    }
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let (first, second, third) = (width(0), width(1), width(2));
    let mut text = "# Decisions that can occur in this scenario:\n".to_owned();
    for [situation, decision, rule, confidence] in &lines {
        let _ = writeln!(text, "#   {situation:first$}  {decision:second$}  {rule:third$}  {confidence}");
    }
    text
}

fn situation(facts: &Facts) -> String {
    match (facts.lock, facts.claim) {
        (LockoutState::Locked, _) => return "after five failures".to_owned(),
        (_, Claim::Wrong) => return "wrong password".to_owned(),
        (_, Claim::Replayed) => return "claim used before".to_owned(),
        (_, Claim::Right) => {}
    }
    let damaged = if facts.device_secret_valid { "" } else { ", secret damaged" };
    let risk = facts.risk.map_or_else(String::new, |(level, action)| format!(", {level} risk: {action}"));
    let Circumstances { flow, compromised, reset_required, address, .. } = facts.circumstances;
    let Circumstances { key_omitted_after_mfa, wrong_custom_answer, .. } = facts.circumstances;
    let around: String = [
        (flow == Flow::Password, ", password in plain text"),
        (flow == Flow::SmsCode, ", SMS code as the first factor"),
        (flow == Flow::EmailCode, ", e-mail code as the first factor"),
        (flow == Flow::Custom, ", custom challenges"),
        (flow == Flow::CustomAfterPassword, ", custom challenges after the password"),
        (wrong_custom_answer, ", wrong answers"),
        (key_omitted_after_mfa, ", no key in the MFA answer"),
        (compromised && !reset_required, ", password compromised"),
        (reset_required, ", password reset required"),
        (address == AddressStatus::Blocked, ", address always blocked"),
        (address == AddressStatus::Skipped, ", address always allowed"),
    ]
    .into_iter()
    .map(|(applies, text)| if applies { text } else { "" })
    .collect();
    format!("device {}{damaged}, factors {}{risk}{around}", facts.device.as_str(), facts.factors)
}
