//! `poolproof check`: prints resolved scenarios and their expected decisions.

use std::fmt::Write as _;
use std::io;

use super::args::CheckArgs;
use super::scenario_files::scenario_files;
use super::{Exit, invalid_scenario, print_stdout, shows_color, usage_error};
use crate::scenario::{self, Diagnostic, Scenario};
use crate::workload::too_few_users;
use poolproof_client::Intent;
use poolproof_cognito::policy::{
    CompromisedAction, Factors, Lockout, MfaMode, RememberMode, RiskLevel, RiskMode, RiskSource,
};
use poolproof_oracle::{
    self, AddressStatus, BoundDevice, Circumstances, Claim, Device, Exchanged, Facts, Flow, LockoutState,
    PresentedKey, Revocation, TokenFacts,
};

/// Checks the files and prints the resolved scenarios.
pub(super) fn check(args: &CheckArgs) -> Result<Exit, Exit> {
    let files = scenario_files(&args.files).map_err(usage_error)?;
    let mut exit = Exit::Pass;
    for file in &files {
        match scenario::read(file) {
            Ok(scenario) => {
                let limit = scenario.pool.quotas.reads_per_user;
                let warning = limit.and_then(|limit| too_few_users(&scenario, None, limit));
                let warning = warning.map_or_else(String::new, |warning| format!("# Warning: {warning}.\n"));
                let (yaml, expected) = (scenario.to_yaml(), expected(&scenario));
                exit = exit.or(print_stdout(&format!("{yaml}\n{expected}{warning}\n")));
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

/// Returns the facts of refresh tokens that can occur with the mix.
fn tokens(scenario: &Scenario) -> Vec<TokenFacts> {
    let tracked = scenario.pool.remember.tracks();
    let (bound, named) = if tracked {
        (BoundDevice::Confirmed, PresentedKey::Same)
    } else {
        (BoundDevice::Nothing, PresentedKey::Nothing)
    };
    let usual = TokenFacts { tracked, bound, named, revocation: Revocation::Not, exchanged: Exchanged::Not };
    let used = scenario.intents().any(Intent::uses_tokens);
    let token_facts = |intent| match intent {
        Intent::RefreshWithoutDevice if tracked => Some(TokenFacts { named: PresentedKey::Nothing, ..usual }),
        Intent::RefreshAfterForget | Intent::ForgottenDevice if tracked && used => {
            Some(TokenFacts { bound: BoundDevice::Forgotten, ..usual })
        }
        Intent::RefreshAfterRevoke => Some(TokenFacts { revocation: Revocation::Revoked, ..usual }),
        Intent::RefreshAfterSignOut => Some(TokenFacts { revocation: Revocation::SignedOut, ..usual }),
        intent => intent.uses_tokens().then_some(usual),
    };
    let mut all: Vec<TokenFacts> = Vec::new();
    let again = scenario.intents().filter(|intent| *intent == Intent::RefreshReuse).flat_map(|_| {
        let exchanged = [Exchanged::WithinGrace, Exchanged::AfterGrace];
        exchanged.map(|exchanged| TokenFacts { exchanged, ..usual })
    });
    let again = again.filter(|facts| {
        facts.exchanged == Exchanged::AfterGrace || scenario.rotation.is_some_and(|grace| !grace.is_zero())
    });
    for facts in scenario.intents().filter_map(token_facts).chain(again) {
        if !all.contains(&facts) {
            all.push(facts);
        }
    }
    all
}

/// Returns the facts that can occur with the mix, users and risk of a scenario.
fn situations(scenario: &Scenario) -> Vec<Facts> {
    let mut all = Vec::new();
    let policy = &scenario.pool;
    for intent in scenario.intents() {
        for factors in factors(scenario) {
            for (level, circumstances) in pairs(&levels(scenario), &circumstances(scenario, intent)) {
                for (device, claim, lock) in devices(scenario, intent) {
                    let enforced = policy.risk.mode == RiskMode::Enforced;
                    all.push(Facts {
                        circumstances,
                        remember: policy.remember,
                        suppress_mfa: policy.suppress_mfa,
                        mfa: policy.mfa,
                        risk_note: policy.switches.risk_note,
                        strict_mfa_binding: policy.switches.strict_mfa_binding,
                        factors,
                        claim,
                        device,
                        mfa_bound: factors.is_active(),
                        device_secret_valid: intent != Intent::WrongDeviceSecret,
                        risk: level.filter(|_| enforced).map(|level| (level, policy.risk.action(level))),
                        lock,
                    });
                }
            }
        }
    }
    all
}

/// Returns all pairs of an item of `first` and an item of `second`.
fn pairs<A: Copy, B: Copy>(first: &[A], second: &[B]) -> Vec<(A, B)> {
    first.iter().flat_map(|a| second.iter().map(|b| (*a, *b))).collect()
}

/// Returns the second factors of users, including the one that users without a factor set up if the pool
/// requires MFA.
fn factors(scenario: &Scenario) -> Vec<Factors> {
    let all = scenario.population.factors.iter().filter(|(_, share)| *share > 0.0);
    let mut factors: Vec<Factors> = all.map(|(factors, _)| factors).collect();
    let sets_up = scenario.pool.mfa == MfaMode::On && factors.contains(&Factors::None);
    if sets_up && !factors.contains(&Factors::Totp) {
        factors.push(Factors::Totp);
    }
    factors
}

/// Returns the states of device, claim and lockout that can occur in a sign-in with this intent.
fn devices(scenario: &Scenario, intent: Intent) -> Vec<(Device, Claim, LockoutState)> {
    let right = |device| (device, Claim::Right, LockoutState::Unlocked);
    match intent {
        Intent::NewDevice => vec![right(Device::None)],
        Intent::WrongPassword if scenario.pool.lockout == Lockout::Off => {
            vec![(Device::None, Claim::Wrong, LockoutState::Unlocked)]
        }
        Intent::WrongPassword => {
            vec![
                (Device::None, Claim::Wrong, LockoutState::Unlocked),
                (Device::None, Claim::Right, LockoutState::Locked),
            ]
        }
        Intent::ReplayedClaim => {
            vec![right(Device::None), (Device::None, Claim::Replayed, LockoutState::Unlocked)]
        }
        Intent::RefreshAfterForget if scenario.pool.remember.tracks() => {
            [known(scenario), vec![right(Device::None)]].concat()
        }
        // After a forgotten device the client continues as with a new one.
        Intent::ForgottenDevice => vec![right(Device::Forgotten), right(Device::None)],
        Intent::KnownDevice
        | Intent::KeyOmittedAfterMfa
        | Intent::WrongDeviceSecret
        | Intent::PlainPassword
        | Intent::WrongCustomAnswer
        | Intent::Refresh
        | Intent::RefreshReuse
        | Intent::RefreshWithoutDevice
        | Intent::RefreshAfterForget
        | Intent::RefreshAfterRevoke
        | Intent::RefreshAfterSignOut => known(scenario),
    }
}

/// Returns the states that can occur in a sign-in with a known device.
fn known(scenario: &Scenario) -> Vec<(Device, Claim, LockoutState)> {
    let right = |device| (device, Claim::Right, LockoutState::Unlocked);
    match scenario.pool.remember {
        RememberMode::OptIn => vec![right(Device::Remembered), right(Device::NotRemembered)],
        RememberMode::Always | RememberMode::No => vec![right(Device::Remembered)],
    }
}

/// Returns the risk levels of sign-ins: those of the scenario, or all if the pool estimates the risk.
fn levels(scenario: &Scenario) -> Vec<Option<RiskLevel>> {
    match scenario.pool.risk.levels {
        RiskSource::Given => scenario.risks().collect(),
        RiskSource::Estimated => std::iter::once(None).chain(RiskLevel::ALL.map(Some)).collect(),
    }
}

/// Returns the circumstances that can occur in sign-ins with this intent.
fn circumstances(scenario: &Scenario, intent: Intent) -> Vec<Circumstances> {
    let mut all = Vec::new();
    for flow in scenario.workloads.iter().filter(|plan| plan.mix.share(intent) > 0.0) {
        let flow = flow.flow.judged_as(intent);
        if !all.iter().any(|circumstances: &Circumstances| circumstances.flow == flow) {
            all.extend(circumstances_of(scenario, intent, flow));
        }
    }
    all
}

/// Returns the circumstances that can occur in sign-ins of this flow with this intent.
fn circumstances_of(scenario: &Scenario, intent: Intent, flow: Flow) -> Vec<Circumstances> {
    let usual = Circumstances {
        flow,
        custom_challenges: u8::try_from(scenario.custom_auth.len()).unwrap_or(u8::MAX),
        wrong_custom_answer: intent == Intent::WrongCustomAnswer,
        ..Circumstances::of_switches(&scenario.pool.switches)
    };
    let risk = &scenario.pool.risk;
    let enforced = risk.mode == RiskMode::Enforced;
    let mut all = vec![usual];
    if enforced && !scenario.exceptions.blocked.is_empty() {
        all.push(Circumstances { address: AddressStatus::Blocked, ..usual });
    }
    if enforced && !scenario.exceptions.skipped.is_empty() {
        all.push(Circumstances { address: AddressStatus::Skipped, ..usual });
    }
    if enforced && risk.compromised == CompromisedAction::Block && scenario.population.compromised > 0.0 {
        all.push(Circumstances { compromised: true, ..usual });
        if scenario.intents().any(|intent| intent == Intent::PlainPassword) {
            all.push(Circumstances { compromised: true, reset_required: true, ..usual });
        }
    }
    all
}
