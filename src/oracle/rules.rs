//! The table of rules: in which situation the documentation asks for which decision.
//!
//! Rules are read from the top, and the first that fits applies. A unit test enumerates every situation and proves that
//! each meets exactly one decision and that no rule is dead. `#n` is a row of SEMANTICS c.5; `c.2` and so on its sections.

use super::decision::{Confidence, Outcome, RuleId};
use super::facts::{Claim, Device, Facts, Lock};
use crate::policy::{MfaMode, RememberMode, RiskAction, RiskLevel, RiskNote};

use Confidence::{Documented, Inferred, Observed};
use Device::{Forgotten, Issued, NotRemembered, Remembered};
use RememberMode::{Always, No, OptIn};

/// When a rule applies: a situation fits if each of its columns is in the rule's list.
pub(super) struct When {
    lock: &'static [Lock],
    claim: &'static [Claim],
    remember: &'static [RememberMode],
    suppress_mfa: &'static [bool],
    mfa: &'static [MfaMode],
    /// Whether the user has an enabled factor.
    factor: &'static [bool],
    /// Whether the pool makes an MFA due by itself: always with `on`, with `optional` when the user has a factor (c.3).
    due: &'static [bool],
    device: &'static [Device],
    /// Whether the device may replace an MFA as far as MFA binding goes (c.2).
    bound: &'static [bool],
    risk: &'static [Risk],
    note: &'static [RiskNote],
}

/// Levels of risk as the table tells them apart: the seed's Note covers medium and high.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Risk {
    /// No risk, or no consequence of it.
    None,
    Low(Mfa),
    MediumOrHigh(Mfa),
    Block,
}

/// What risk asks for, where it asks for an MFA.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mfa {
    IfConfigured,
    Required,
}

/// What a rule asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Then {
    /// The password's claim is answered by a refusal.
    Refuse(Outcome),
    /// Tokens, perhaps after the user's MFA and then the device's proof, perhaps with a key for a new device.
    Tokens { mfa: bool, device_proof: bool, new_device: bool },
}

/// A rule.
pub(super) struct Rule {
    pub(super) name: RuleId,
    pub(super) when: When,
    pub(super) then: Then,
}

const NO_YES: &[bool] = &[false, true];
const TRACKED: &[RememberMode] = &[Always, OptIn];
const MFA_ACTIVE: &[MfaMode] = &[MfaMode::Optional, MfaMode::On];
const RISK_MFA: &[Risk] = &[
    Risk::Low(Mfa::IfConfigured),
    Risk::Low(Mfa::Required),
    Risk::MediumOrHigh(Mfa::IfConfigured),
    Risk::MediumOrHigh(Mfa::Required),
];
const RISK_REQUIRED: &[Risk] = &[Risk::Low(Mfa::Required), Risk::MediumOrHigh(Mfa::Required)];
const RISK_NOTED: &[Risk] = &[Risk::MediumOrHigh(Mfa::IfConfigured), Risk::MediumOrHigh(Mfa::Required)];

const ANY: When = When {
    lock: &[Lock::Open, Lock::Edge, Lock::Locked],
    claim: &[Claim::Right, Claim::Wrong, Claim::Replayed],
    remember: &RememberMode::ALL,
    suppress_mfa: NO_YES,
    mfa: &MfaMode::ALL,
    factor: NO_YES,
    due: NO_YES,
    device: &Device::ALL,
    bound: NO_YES,
    risk: &[
        Risk::None,
        Risk::Low(Mfa::IfConfigured),
        Risk::Low(Mfa::Required),
        Risk::MediumOrHigh(Mfa::IfConfigured),
        Risk::MediumOrHigh(Mfa::Required),
        Risk::Block,
    ],
    note: &[RiskNote::Pool, RiskNote::Device, RiskNote::Off],
};

/// The situations of the seed's Note: Always + suppress, MFA active, medium or high risk that asks for an MFA.
const NOTED: When =
    When { remember: &[Always], suppress_mfa: &[true], mfa: MFA_ACTIVE, risk: RISK_NOTED, ..ANY };
/// The Note where a remembered device is named; both readings of it hold.
const NOTED_DEVICE: When = When { device: &[Remembered], note: &[RiskNote::Pool, RiskNote::Device], ..NOTED };
/// The Note for everyone else, in its literal reading.
const NOTED_POOL: When = When { device: &[Device::None, NotRemembered], note: &[RiskNote::Pool], ..NOTED };

const TOKENS: Then = Then::Tokens { mfa: false, device_proof: false, new_device: false };
const TOKENS_NEW: Then = Then::Tokens { mfa: false, device_proof: false, new_device: true };
const MFA: Then = Then::Tokens { mfa: true, device_proof: false, new_device: false };
const MFA_NEW: Then = Then::Tokens { mfa: true, device_proof: false, new_device: true };
const DEVICE: Then = Then::Tokens { mfa: false, device_proof: true, new_device: false };
const MFA_DEVICE: Then = Then::Tokens { mfa: true, device_proof: true, new_device: false };

const fn rule(
    id: &'static str,
    source: &'static str,
    confidence: Confidence,
    when: When,
    then: Then,
) -> Rule {
    Rule { name: RuleId { id, source, confidence }, when, then }
}

/// Stands over every rule that ends with the device's proof.
pub(super) const WRONG_DEVICE_SECRET: RuleId =
    RuleId { id: "wrong-device-secret", source: "SEMANTICS c.5 #20", confidence: Observed };

/// All rules, in the order in which they are read.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    // The password.
    rule("locked-out", "SEMANTICS d, lockout", Documented,
        When { lock: &[Lock::Locked], ..ANY }, Then::Refuse(Outcome::LockedOut)),
    rule("wrong-password", "SEMANTICS d", Observed,
        When { claim: &[Claim::Wrong], ..ANY }, Then::Refuse(Outcome::Incorrect)),
    rule("replayed-claim", "ASSURANCE S13", Inferred,
        When { claim: &[Claim::Replayed], ..ANY }, Then::Refuse(Outcome::Incorrect)),

    // Risk that refuses, before anything is said about devices.
    rule("risk-block", "SEMANTICS c.5 #22", Documented,
        When { risk: &[Risk::Block], ..ANY }, Then::Refuse(Outcome::Blocked)),

    // Devices that the pool does not know.
    rule("device-issued", "SEMANTICS c.5 #18", Inferred,
        When { remember: TRACKED, device: &[Issued], ..ANY }, Then::Refuse(Outcome::DeviceNotFound)),
    rule("device-unknown", "SEMANTICS c.5 #19", Observed,
        When { remember: TRACKED, device: &[Forgotten], ..ANY }, Then::Refuse(Outcome::DeviceNotFound)),

    // The seed's Note: the MFA of medium and high risk is ignored.
    rule("note-device", "SEMANTICS c.5 #26", Documented,
        When { factor: &[true], bound: &[true], ..NOTED_DEVICE }, DEVICE),
    rule("note-device-no-factor", "SEMANTICS c.5 #28", Inferred,
        When { factor: &[false], bound: &[true], ..NOTED_DEVICE }, DEVICE),
    rule("note-device-unbound", "SEMANTICS c.5 #13", Observed,
        When { due: &[true], bound: &[false], ..NOTED_DEVICE }, MFA_DEVICE),
    rule("note-device-unbound-no-mfa", "SEMANTICS c.5 #13", Inferred,
        When { due: &[false], bound: &[false], ..NOTED_DEVICE }, DEVICE),
    rule("note-new-mfa", "SEMANTICS c.5 #29", Documented,
        When { due: &[true], device: &[Device::None], ..NOTED_POOL }, MFA_NEW),
    rule("note-new", "SEMANTICS c.6", Inferred,
        When { due: &[false], device: &[Device::None], ..NOTED_POOL }, TOKENS_NEW),
    rule("note-not-remembered-mfa", "SEMANTICS c.5 #29", Documented,
        When { due: &[true], device: &[NotRemembered], ..NOTED_POOL }, MFA),
    rule("note-not-remembered", "SEMANTICS c.6", Inferred,
        When { due: &[false], device: &[NotRemembered], ..NOTED_POOL }, TOKENS),

    // Risk that asks for an MFA.
    rule("risk-required-mfa-off", "SEMANTICS c.5 #33", Inferred,
        When { mfa: &[MfaMode::Off], risk: RISK_REQUIRED, ..ANY }, Then::Refuse(Outcome::Blocked)),
    rule("risk-required-no-factor", "SEMANTICS c.5 #25", Documented,
        When { factor: &[false], risk: RISK_REQUIRED, ..ANY }, Then::Refuse(Outcome::Blocked)),
    rule("risk-mfa-remembered", "SEMANTICS c.5 #27 #30 #31", Inferred,
        When { remember: TRACKED, mfa: MFA_ACTIVE, factor: &[true], device: &[Remembered], risk: RISK_MFA, ..ANY }, MFA_DEVICE),
    rule("risk-mfa-new", "SEMANTICS c.5 #23", Documented,
        When { remember: TRACKED, mfa: MFA_ACTIVE, factor: &[true], device: &[Device::None], risk: RISK_MFA, ..ANY }, MFA_NEW),
    rule("risk-mfa", "SEMANTICS c.5 #23", Documented,
        When { mfa: MFA_ACTIVE, factor: &[true], risk: RISK_MFA, ..ANY }, MFA),

    // Pools that remember nothing.
    rule("untracked-mfa", "SEMANTICS c.5 #3 #4", Documented,
        When { remember: &[No], due: &[true], device: &[Device::None], ..ANY }, MFA),
    rule("untracked", "SEMANTICS c.5 #1 #2", Documented,
        When { remember: &[No], due: &[false], device: &[Device::None], ..ANY }, TOKENS),
    rule("untracked-key-ignored-mfa", "SEMANTICS c.1", Inferred,
        When { remember: &[No], due: &[true], ..ANY }, MFA),
    rule("untracked-key-ignored", "SEMANTICS c.5 #1", Inferred,
        When { remember: &[No], due: &[false], ..ANY }, TOKENS),

    // Remembered devices.
    rule("suppressed", "SEMANTICS c.5 #11 #12", Documented,
        When { suppress_mfa: &[true], factor: &[true], due: &[true], device: &[Remembered], bound: &[true], ..ANY }, DEVICE),
    rule("suppressed-no-factor", "SEMANTICS c.5 #17", Inferred,
        When { suppress_mfa: &[true], factor: &[false], due: &[true], device: &[Remembered], bound: &[true], ..ANY }, DEVICE),
    rule("suppression-unbound", "SEMANTICS c.5 #13", Observed,
        When { suppress_mfa: &[true], due: &[true], device: &[Remembered], bound: &[false], ..ANY }, MFA_DEVICE),
    rule("not-suppressed", "SEMANTICS c.5 #14", Observed,
        When { suppress_mfa: &[false], factor: &[true], due: &[true], device: &[Remembered], ..ANY }, MFA_DEVICE),
    rule("not-suppressed-no-factor", "SEMANTICS c.5 #17", Inferred,
        When { suppress_mfa: &[false], factor: &[false], due: &[true], device: &[Remembered], ..ANY }, MFA_DEVICE),
    rule("remembered-always", "SEMANTICS c.5 #9", Documented,
        When { remember: &[Always], due: &[false], device: &[Remembered], ..ANY }, DEVICE),
    rule("remembered-opt-in", "SEMANTICS c.5 #10", Observed,
        When { remember: &[OptIn], due: &[false], device: &[Remembered], ..ANY }, DEVICE),

    // Devices that are known and not remembered.
    rule("not-remembered-mfa", "SEMANTICS c.5 #16", Documented,
        When { due: &[true], device: &[NotRemembered], ..ANY }, MFA),
    rule("not-remembered", "SEMANTICS c.5 #15", Documented,
        When { due: &[false], device: &[NotRemembered], ..ANY }, TOKENS),

    // New devices.
    rule("new-device-mfa", "SEMANTICS c.5 #7", Documented,
        When { factor: &[true], due: &[true], device: &[Device::None], ..ANY }, MFA_NEW),
    rule("new-device-mfa-setup", "SEMANTICS c.5 #8", Documented,
        When { factor: &[false], due: &[true], device: &[Device::None], ..ANY }, MFA_NEW),
    rule("new-device", "SEMANTICS c.5 #5 #6", Documented,
        When { due: &[false], device: &[Device::None], ..ANY }, TOKENS_NEW),
];

impl When {
    /// Whether `facts` fit.
    pub(super) fn fits(&self, facts: &Facts) -> bool {
        let factor = facts.factors.any();
        let due = match facts.mfa {
            MfaMode::Off => false,
            MfaMode::Optional => factor,
            MfaMode::On => true,
        };
        self.lock.contains(&facts.lock)
            && self.claim.contains(&facts.claim)
            && self.remember.contains(&facts.remember)
            && self.suppress_mfa.contains(&facts.suppress_mfa)
            && self.mfa.contains(&facts.mfa)
            && self.factor.contains(&factor)
            && self.due.contains(&due)
            && self.device.contains(&facts.device)
            && self.bound.contains(&(facts.mfa_bound || !facts.strict_mfa_binding))
            && self.risk.contains(&Risk::of(facts.risk))
            && self.note.contains(&facts.risk_note)
    }
}

impl Risk {
    fn of(risk: Option<(RiskLevel, RiskAction)>) -> Self {
        let Some((level, action)) = risk else { return Self::None };
        let mfa = match action {
            RiskAction::NoAction => return Self::None,
            RiskAction::Block => return Self::Block,
            RiskAction::MfaIfConfigured => Mfa::IfConfigured,
            RiskAction::MfaRequired => Mfa::Required,
        };
        match level {
            RiskLevel::Low => Self::Low(mfa),
            RiskLevel::Medium | RiskLevel::High => Self::MediumOrHigh(mfa),
        }
    }
}
