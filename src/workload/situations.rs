//! The situations that a scenario can cause: facts of sign-ins and of refreshes, as the oracle judges them.

use std::net::IpAddr;

use crate::scenario::{DeviceCount, Scenario, SourceAddress};
use poolproof_client::Intent;
use poolproof_cognito::addresses::AddressRange;
use poolproof_cognito::policy::{
    CompromisedAction, Factors, Lockout, MfaMode, RememberMode, RiskLevel, RiskMode, RiskSource,
};
use poolproof_oracle::{
    AddressStatus, BoundDevice, Circumstances, Claim, Device, Exchanged, Facts, Flow, LockoutState,
    PresentedKey, Revocation, TokenFacts,
};

/// Returns the facts of refresh tokens that can occur with the mix.
pub(crate) fn tokens(scenario: &Scenario) -> Vec<TokenFacts> {
    let tracked = scenario.pool.remember.tracks();
    let (bound, named) = if tracked {
        (BoundDevice::Confirmed, PresentedKey::Same)
    } else {
        (BoundDevice::Nothing, PresentedKey::Nothing)
    };
    let usual = TokenFacts { tracked, bound, named, revocation: Revocation::Not, exchanged: Exchanged::Not };
    let intents: Vec<Intent> = played_intents(scenario).map(|(_, intent)| intent).collect();
    let used = intents.iter().any(|intent| intent.uses_tokens());
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
    let again = intents.iter().filter(|intent| **intent == Intent::RefreshReuse).flat_map(|_| {
        let exchanged = [Exchanged::WithinGrace, Exchanged::AfterGrace];
        exchanged.map(|exchanged| TokenFacts { exchanged, ..usual })
    });
    let again = again.filter(|facts| {
        facts.exchanged == Exchanged::AfterGrace || scenario.rotation.is_some_and(|grace| !grace.is_zero())
    });
    for facts in intents.iter().copied().filter_map(token_facts).chain(again) {
        if !all.contains(&facts) {
            all.push(facts);
        }
    }
    all
}

/// Returns each intent of a scenario, and the one that its sign-ins have: without users who start with a
/// device, an intent that needs one becomes a sign-in from a new device.
fn played_intents(scenario: &Scenario) -> impl Iterator<Item = (Intent, Intent)> {
    let no_devices = match scenario.population.devices {
        DeviceCount::Exactly(count) => count == 0,
        DeviceCount::Poisson(mean) => mean <= 0.0,
    };
    let played =
        move |intent: Intent| if no_devices && intent.needs_device() { Intent::NewDevice } else { intent };
    scenario.intents().map(move |intent| (intent, played(intent)))
}

/// Returns facts that include all that a run can have, and others: for the rules that cannot apply.
pub(super) fn possible_facts(scenario: &Scenario) -> Vec<Facts> {
    let mut all = Vec::new();
    let wrong = scenario.intents().any(|intent| intent == Intent::WrongPassword);
    let lockout = scenario.pool.lockout != Lockout::Off;
    let situations = situations(scenario);
    let devices =
        Device::ALL.into_iter().filter(|device| situations.iter().any(|usual| usual.device == *device));
    let devices: Vec<Device> = devices.collect();
    for usual in situations {
        all.push(usual);
        for device in devices.iter().copied() {
            for mfa_bound in [false, true] {
                for claim in [Some(Claim::Right), wrong.then_some(Claim::Wrong)].into_iter().flatten() {
                    all.push(Facts { device, mfa_bound, claim, ..usual });
                    if lockout {
                        all.push(Facts { device, mfa_bound, claim, lock: LockoutState::Locked, ..usual });
                    }
                }
            }
        }
    }
    all
}

/// Returns the facts that can occur with the mix, users and risk of a scenario.
pub(crate) fn situations(scenario: &Scenario) -> Vec<Facts> {
    let mut all = Vec::new();
    let policy = &scenario.pool;
    for (asked, intent) in played_intents(scenario) {
        for factors in factors(scenario) {
            for (level, circumstances) in pairs(&levels(scenario), &circumstances(scenario, asked, intent)) {
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
        RememberMode::OptIn if scenario.population.opt_in <= 0.0 => vec![right(Device::NotRemembered)],
        RememberMode::OptIn if scenario.population.opt_in < 1.0 => {
            vec![right(Device::Remembered), right(Device::NotRemembered)]
        }
        RememberMode::OptIn => vec![right(Device::Remembered)],
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

/// Returns the circumstances that can occur in sign-ins with this intent, which the mix calls `asked`.
fn circumstances(scenario: &Scenario, asked: Intent, intent: Intent) -> Vec<Circumstances> {
    let mut all = Vec::new();
    for plan in scenario.workloads.iter().filter(|plan| plan.mix.share(asked) > 0.0) {
        let flow = plan.flow.judged_as(intent);
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
    if enforced && any_address_in(scenario, &scenario.exceptions.blocked) {
        all.push(Circumstances { address: AddressStatus::Blocked, ..usual });
    }
    if enforced && any_address_in(scenario, &scenario.exceptions.skipped) {
        all.push(Circumstances { address: AddressStatus::Skipped, ..usual });
    }
    if enforced && risk.compromised == CompromisedAction::Block && scenario.population.compromised > 0.0 {
        all.push(Circumstances { compromised: true, ..usual });
        let plain = scenario.intents().any(|intent| {
            scenario
                .workloads
                .iter()
                .any(|plan| plan.mix.share(intent) > 0.0 && plan.flow.judged_as(intent) == Flow::Password)
        });
        if plain {
            all.push(Circumstances { compromised: true, reset_required: true, ..usual });
        }
    }
    all
}

/// Returns whether a sign-in can come from an address in these ranges.
fn any_address_in(scenario: &Scenario, ranges: &[AddressRange]) -> bool {
    let sources = scenario.workloads.iter().flat_map(|plan| plan.from.iter().map(|(source, _)| source));
    let overlap = |source: SourceAddress, range: &AddressRange| {
        let (network, prefix): (IpAddr, u8) = match source {
            SourceAddress::Home => (IpAddr::from([10, 0, 0, 0]), 8),
            SourceAddress::Elsewhere => (IpAddr::from([198, 18, 0, 0]), 15),
            SourceAddress::ElsewhereV6 => (IpAddr::from((0x2001_0db8_u128 << 96).to_be_bytes()), 32),
        };
        same_prefix(network, range.network(), prefix.min(range.prefix()))
    };
    sources.into_iter().any(|source| ranges.iter().any(|range| overlap(source, range)))
}

/// Returns whether two addresses of the same family have their first bits in common.
fn same_prefix(one: IpAddr, other: IpAddr, bits: u8) -> bool {
    let shifted = |address: u128, length: u8| address.checked_shr(u32::from(length - bits)).unwrap_or(0);
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            shifted(one.to_bits().into(), 32) == shifted(other.to_bits().into(), 32)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => shifted(one.to_bits(), 128) == shifted(other.to_bits(), 128),
        _ => false,
    }
}
