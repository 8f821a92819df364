//! The table of rules: in which situation the documentation asks for which decision.
//!
//! Rules are read from the top, and the first that fits applies. A unit test enumerates every situation and proves that
//! each meets exactly one decision and that no rule is dead. `#n` is a row of SEMANTICS c.5; `c.2` and so on its sections.

use super::decision::{Confidence, Outcome, RuleId};
use super::facts::{AddressStatus, Claim, Device, Facts, Flow, LockoutState};
use poolproof_cognito::policy::{MfaMode, RememberMode, RiskAction, RiskLevel, RiskNote};

use Confidence::{Documented, Inferred, Observed};
use Device::{Forgotten, Issued, NotRemembered, Remembered};
use RememberMode::{Always, No, OptIn};

/// When a rule applies: a situation fits if each of its columns is in the rule's list.
pub(super) struct Condition {
    lock: &'static [LockoutState],
    claim: &'static [Claim],
    remember: &'static [RememberMode],
    suppress_mfa: &'static [bool],
    mfa: &'static [MfaMode],
    /// Whether the user has an enabled factor.
    factor: &'static [bool],
    /// Whether the pool makes an MFA due by itself: always with `on`, with `optional` when the user has a factor (c.3).
    pool_mfa_due: &'static [bool],
    device: &'static [Device],
    /// Whether the device may replace an MFA as far as MFA binding goes (c.2).
    mfa_binding_met: &'static [bool],
    risk: &'static [Risk],
    note: &'static [RiskNote],
    /// Whether the user must reset the password.
    reset: &'static [bool],
    /// Whether the attempt comes from an address that is always refused.
    blocked: &'static [bool],
    /// Whether the password is looked at and found compromised: only one that is sent as it is.
    compromised: &'static [bool],
}

/// Levels of risk as the table tells them apart: the Note covers medium and high.
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
pub(super) enum Effect {
    /// The password's claim is answered by a refusal.
    Refuse(Outcome),
    /// Tokens, perhaps after the user's MFA and then the device's proof, perhaps with a key for a new device.
    Tokens { mfa: bool, device_proof: bool, new_device: bool },
}

/// A rule.
pub(super) struct Rule {
    pub(super) name: RuleId,
    /// The rule in one sentence, for people.
    pub(super) description: &'static str,
    pub(super) when: Condition,
    pub(super) then: Effect,
}

const EITHER: &[bool] = &[false, true];
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

const ANY: Condition = Condition {
    lock: &[LockoutState::Unlocked, LockoutState::Uncertain, LockoutState::Locked],
    claim: &[Claim::Right, Claim::Wrong, Claim::Replayed],
    remember: &RememberMode::ALL,
    suppress_mfa: EITHER,
    mfa: &MfaMode::ALL,
    factor: EITHER,
    pool_mfa_due: EITHER,
    device: &Device::ALL,
    mfa_binding_met: EITHER,
    risk: &[
        Risk::None,
        Risk::Low(Mfa::IfConfigured),
        Risk::Low(Mfa::Required),
        Risk::MediumOrHigh(Mfa::IfConfigured),
        Risk::MediumOrHigh(Mfa::Required),
        Risk::Block,
    ],
    note: &[RiskNote::Pool, RiskNote::Device, RiskNote::Off],
    reset: EITHER,
    blocked: EITHER,
    compromised: EITHER,
};

/// The situations of the Note: Always + suppress, MFA active, medium or high risk that asks for an MFA.
const NOTED: Condition =
    Condition { remember: &[Always], suppress_mfa: &[true], mfa: MFA_ACTIVE, risk: RISK_NOTED, ..ANY };
/// The Note where a remembered device is named; both readings of it hold.
const NOTED_DEVICE: Condition =
    Condition { device: &[Remembered], note: &[RiskNote::Pool, RiskNote::Device], ..NOTED };
/// The Note for everyone else, in its literal reading.
const NOTED_POOL: Condition =
    Condition { device: &[Device::None, NotRemembered], note: &[RiskNote::Pool], ..NOTED };

const TOKENS: Effect = Effect::Tokens { mfa: false, device_proof: false, new_device: false };
const TOKENS_NEW: Effect = Effect::Tokens { mfa: false, device_proof: false, new_device: true };
const MFA: Effect = Effect::Tokens { mfa: true, device_proof: false, new_device: false };
const MFA_NEW: Effect = Effect::Tokens { mfa: true, device_proof: false, new_device: true };
const DEVICE: Effect = Effect::Tokens { mfa: false, device_proof: true, new_device: false };
const MFA_DEVICE: Effect = Effect::Tokens { mfa: true, device_proof: true, new_device: false };

const fn rule(
    id: &'static str,
    source: &'static str,
    confidence: Confidence,
    description: &'static str,
    when: Condition,
    then: Effect,
) -> Rule {
    Rule { name: RuleId { id, source, confidence }, description, when, then }
}

/// Stands over every rule that ends with the device's proof.
pub(super) const WRONG_DEVICE_SECRET: RuleId =
    RuleId { id: "wrong-device-secret", source: "SEMANTICS c.5 #20", confidence: Observed };
/// Stands over every rule that is reached because risk is not looked at.
pub(super) const ADDRESS_ALLOWED: RuleId =
    RuleId { id: "address-allowed", source: "SEMANTICS c.4", confidence: Documented };
/// Stands over every rule that is reached because a password's proof tells nothing of the password.
pub(super) const COMPROMISED_SRP: RuleId =
    RuleId { id: "compromised-srp", source: "SEMANTICS c.5 #35", confidence: Documented };
/// These rules, each in one sentence.
pub(super) const OVERRIDING_RULES: [(RuleId, &str); 3] = [
    (WRONG_DEVICE_SECRET, "A device that cannot prove its secret is refused."),
    (ADDRESS_ALLOWED, "From an address that is always allowed, risk is not looked at."),
    (COMPROMISED_SRP, "A compromised password that is proved by SRP is not noticed."),
];

/// All rules, in the order in which they are read.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    // The password.
    rule("locked-out", "SEMANTICS d, lockout", Documented,
        "Whoever failed too often is refused for a while, right password or not.",
        Condition { lock: &[LockoutState::Locked], ..ANY }, Effect::Refuse(Outcome::LockedOut)),
    rule("wrong-password", "SEMANTICS d", Observed,
        "A wrong password is refused, in the same words as an unknown user.",
        Condition { claim: &[Claim::Wrong], ..ANY }, Effect::Refuse(Outcome::Incorrect)),
    rule("replayed-claim", "ASSURANCE S13", Inferred,
        "A password's claim that has led to tokens cannot be used again.",
        Condition { claim: &[Claim::Replayed], ..ANY }, Effect::Refuse(Outcome::Incorrect)),

    rule("reset-required", "SEMANTICS d", Observed,
        "Who must reset the password is told so once the password was right.",
        Condition { reset: &[true], ..ANY }, Effect::Refuse(Outcome::ResetRequired)),

    // What threat protection refuses whatever the risk.
    rule("address-blocked", "SEMANTICS c.4", Documented,
        "From an address that is always blocked nobody signs in.",
        Condition { blocked: &[true], ..ANY }, Effect::Refuse(Outcome::AddressBlocked)),
    rule("compromised-blocked", "SEMANTICS c.5 #36", Documented,
        "A compromised password that is sent as it is, is refused, and its user must reset it.",
        Condition { compromised: &[true], ..ANY }, Effect::Refuse(Outcome::Blocked)),

    // Risk that refuses, before anything is said about devices.
    rule("risk-block", "SEMANTICS c.5 #22", Documented,
        "Risk whose action is block refuses, before anything is said about devices.",
        Condition { risk: &[Risk::Block], ..ANY }, Effect::Refuse(Outcome::Blocked)),

    // Devices that the pool does not know.
    rule("device-issued", "SEMANTICS c.5 #18", Inferred,
        "A device that was given a key and never confirmed it does not exist.",
        Condition { remember: TRACKED, device: &[Issued], ..ANY }, Effect::Refuse(Outcome::DeviceNotFound)),
    rule("device-unknown", "SEMANTICS c.5 #19", Observed,
        "A device that was forgotten, was never known, or belongs to somebody else does not exist.",
        Condition { remember: TRACKED, device: &[Forgotten], ..ANY }, Effect::Refuse(Outcome::DeviceNotFound)),

    // The Note: the MFA of medium and high risk is ignored.
    rule("note-device", "SEMANTICS c.5 #26", Documented,
        "Always with suppression: a remembered device replaces the MFA that medium or high risk asks for.",
        Condition { factor: &[true], mfa_binding_met: &[true], ..NOTED_DEVICE }, DEVICE),
    rule("note-device-no-factor", "SEMANTICS c.5 #28", Inferred,
        "Always with suppression: a remembered device signs in at medium or high risk, even where risk wants an MFA that the user does not have.",
        Condition { factor: &[false], mfa_binding_met: &[true], ..NOTED_DEVICE }, DEVICE),
    rule("note-device-unbound", "SEMANTICS c.5 #13", Observed,
        "Always with suppression ignores the MFA of risk, but a device that has been through no MFA does not replace the pool's own.",
        Condition { pool_mfa_due: &[true], mfa_binding_met: &[false], ..NOTED_DEVICE }, MFA_DEVICE),
    rule("note-device-unbound-no-mfa", "SEMANTICS c.5 #13", Inferred,
        "Always with suppression ignores the MFA of risk, and the pool itself asks for none: the device's proof is enough.",
        Condition { pool_mfa_due: &[false], mfa_binding_met: &[false], ..NOTED_DEVICE }, DEVICE),
    rule("note-new-mfa", "SEMANTICS c.5 #29", Documented,
        "Always with suppression ignores the MFA of risk; the pool itself still asks a new device for one.",
        Condition { pool_mfa_due: &[true], device: &[Device::None], ..NOTED_POOL }, MFA_NEW),
    rule("note-new", "SEMANTICS c.6", Inferred,
        "Always with suppression ignores the MFA of risk, even for a new device: the password is enough.",
        Condition { pool_mfa_due: &[false], device: &[Device::None], ..NOTED_POOL }, TOKENS_NEW),
    rule("note-not-remembered-mfa", "SEMANTICS c.5 #29", Documented,
        "Always with suppression ignores the MFA of risk; the pool itself still asks for one where the device is not remembered.",
        Condition { pool_mfa_due: &[true], device: &[NotRemembered], ..NOTED_POOL }, MFA),
    rule("note-not-remembered", "SEMANTICS c.6", Inferred,
        "Always with suppression ignores the MFA of risk, even where the device is not remembered: the password is enough.",
        Condition { pool_mfa_due: &[false], device: &[NotRemembered], ..NOTED_POOL }, TOKENS),

    // Risk that asks for an MFA.
    rule("risk-required-mfa-off", "SEMANTICS c.5 #33", Inferred,
        "Risk that requires an MFA refuses everyone in a pool without MFA.",
        Condition { mfa: &[MfaMode::Off], risk: RISK_REQUIRED, ..ANY }, Effect::Refuse(Outcome::Blocked)),
    rule("risk-required-no-factor", "SEMANTICS c.5 #25", Documented,
        "Risk that requires an MFA refuses whoever has no second factor.",
        Condition { mfa: &[MfaMode::Optional], factor: &[false], risk: RISK_REQUIRED, ..ANY }, Effect::Refuse(Outcome::Blocked)),
    rule("risk-required-no-factor-on", "SEMANTICS c.5 #25", Inferred,
        "Risk that requires an MFA refuses whoever has no second factor even where the pool would have one set up.",
        Condition { factor: &[false], risk: RISK_REQUIRED, ..ANY }, Effect::Refuse(Outcome::Blocked)),
    rule("risk-mfa-remembered", "SEMANTICS c.5 #27 #30 #31", Inferred,
        "A remembered device does not replace the MFA that risk asks for: MFA first, then the device's proof.",
        Condition { remember: TRACKED, mfa: MFA_ACTIVE, factor: &[true], device: &[Remembered], risk: RISK_MFA, ..ANY }, MFA_DEVICE),
    rule("risk-mfa-new", "SEMANTICS c.5 #23", Documented,
        "Risk asks a new device for an MFA, as the pool does of whoever has a factor; then the device is given a key.",
        Condition { remember: TRACKED, mfa: &[MfaMode::Optional], factor: &[true], device: &[Device::None], risk: RISK_MFA, ..ANY }, MFA_NEW),
    rule("risk-mfa-new-on", "SEMANTICS c.5 #23", Inferred,
        "Where MFA is on, risk adds nothing to the MFA that a new device is asked for anyway; then the device is given a key.",
        Condition { remember: TRACKED, mfa: &[MfaMode::On], factor: &[true], device: &[Device::None], risk: RISK_MFA, ..ANY }, MFA_NEW),
    rule("risk-mfa", "SEMANTICS c.5 #23", Documented,
        "Risk asks whoever has a second factor for it.",
        Condition { mfa: &[MfaMode::Optional], factor: &[true], risk: RISK_MFA, ..ANY }, MFA),
    rule("risk-mfa-on", "SEMANTICS c.5 #23", Inferred,
        "Where MFA is on, risk adds nothing to the MFA that everyone is asked for anyway.",
        Condition { mfa: &[MfaMode::On], factor: &[true], risk: RISK_MFA, ..ANY }, MFA),

    // Pools that remember nothing.
    rule("untracked-mfa", "SEMANTICS c.5 #3 #4", Documented,
        "In a pool that remembers no devices, MFA depends on the pool and the user alone.",
        Condition { remember: &[No], pool_mfa_due: &[true], device: &[Device::None], ..ANY }, MFA),
    rule("untracked", "SEMANTICS c.5 #1 #2", Documented,
        "In a pool that remembers no devices and asks for no MFA, the password is enough.",
        Condition { remember: &[No], pool_mfa_due: &[false], device: &[Device::None], ..ANY }, TOKENS),
    rule("untracked-key-ignored-mfa", "SEMANTICS c.1", Inferred,
        "A pool that remembers no devices ignores a device's key, and asks for the MFA that is due.",
        Condition { remember: &[No], pool_mfa_due: &[true], ..ANY }, MFA),
    rule("untracked-key-ignored", "SEMANTICS c.5 #1", Inferred,
        "A pool that remembers no devices ignores a device's key.",
        Condition { remember: &[No], pool_mfa_due: &[false], ..ANY }, TOKENS),

    // Remembered devices.
    rule("suppressed", "SEMANTICS c.5 #11 #12", Documented,
        "A remembered device replaces the second factor.",
        Condition { suppress_mfa: &[true], factor: &[true], pool_mfa_due: &[true], device: &[Remembered], mfa_binding_met: &[true], ..ANY }, DEVICE),
    rule("suppressed-no-factor", "SEMANTICS c.5 #17", Inferred,
        "A remembered device replaces even the set-up of a second factor.",
        Condition { suppress_mfa: &[true], factor: &[false], pool_mfa_due: &[true], device: &[Remembered], mfa_binding_met: &[true], ..ANY }, DEVICE),
    rule("suppression-unbound", "SEMANTICS c.5 #13", Observed,
        "A remembered device that has been through no MFA does not replace one yet: MFA first, then the device's proof.",
        Condition { suppress_mfa: &[true], pool_mfa_due: &[true], device: &[Remembered], mfa_binding_met: &[false], ..ANY }, MFA_DEVICE),
    rule("not-suppressed", "SEMANTICS c.5 #14", Observed,
        "Without suppression a remembered device replaces nothing: MFA first, then the device's proof.",
        Condition { suppress_mfa: &[false], factor: &[true], pool_mfa_due: &[true], device: &[Remembered], ..ANY }, MFA_DEVICE),
    rule("not-suppressed-no-factor", "SEMANTICS c.5 #17", Inferred,
        "Without suppression a remembered device does not replace the set-up of a second factor.",
        Condition { suppress_mfa: &[false], factor: &[false], pool_mfa_due: &[true], device: &[Remembered], ..ANY }, MFA_DEVICE),
    rule("remembered-always", "SEMANTICS c.5 #9", Documented,
        "Where no MFA is due, a remembered device still proves itself.",
        Condition { remember: &[Always], pool_mfa_due: &[false], device: &[Remembered], ..ANY }, DEVICE),
    rule("remembered-opt-in", "SEMANTICS c.5 #10", Observed,
        "Where no MFA is due, a device that the user chose to have remembered still proves itself.",
        Condition { remember: &[OptIn], pool_mfa_due: &[false], device: &[Remembered], ..ANY }, DEVICE),

    // Devices that are known and not remembered.
    rule("not-remembered-mfa", "SEMANTICS c.5 #16", Documented,
        "A device that is known and not remembered replaces nothing: the MFA that is due is asked for.",
        Condition { pool_mfa_due: &[true], device: &[NotRemembered], ..ANY }, MFA),
    rule("not-remembered", "SEMANTICS c.5 #15", Documented,
        "A device that is known and not remembered changes nothing: the password is enough where no MFA is due.",
        Condition { pool_mfa_due: &[false], device: &[NotRemembered], ..ANY }, TOKENS),

    // New devices.
    rule("new-device-mfa", "SEMANTICS c.5 #7", Documented,
        "A new device is asked for the user's second factor, then given a key.",
        Condition { factor: &[true], pool_mfa_due: &[true], device: &[Device::None], ..ANY }, MFA_NEW),
    rule("new-device-mfa-setup", "SEMANTICS c.5 #8", Documented,
        "Who needs a second factor and has none sets one up; then the new device is given a key.",
        Condition { factor: &[false], pool_mfa_due: &[true], device: &[Device::None], ..ANY }, MFA_NEW),
    rule("new-device", "SEMANTICS c.5 #5 #6", Documented,
        "Where no MFA is due, the password is enough for a new device, which is given a key.",
        Condition { pool_mfa_due: &[false], device: &[Device::None], ..ANY }, TOKENS_NEW),
];

/// Whether the pool makes an MFA due by itself.
pub(super) const fn pool_mfa_due(facts: &Facts) -> bool {
    match facts.mfa {
        MfaMode::Off => false,
        MfaMode::Optional => facts.factors.any(),
        MfaMode::On => true,
    }
}

/// Whether the device may replace an MFA as far as MFA binding goes.
pub(super) const fn mfa_binding_met(facts: &Facts) -> bool {
    facts.mfa_bound || !facts.strict_mfa_binding
}

/// Whether the Note covers this situation, so that the MFA settings of risk are ignored.
pub(super) fn note_applies(facts: &Facts) -> bool {
    NOTED_DEVICE.fits(facts) || NOTED_POOL.fits(facts)
}

/// Whether risk asks for an MFA, if nothing sets that aside.
pub(super) fn risk_requires_mfa(facts: &Facts) -> bool {
    RISK_MFA.contains(&Risk::seen(facts))
}

/// Whether a pool does anything about this risk.
pub(super) fn has_consequence(risk: Option<(RiskLevel, RiskAction)>) -> bool {
    Risk::of(risk) != Risk::None
}

impl Condition {
    /// Whether `facts` fit.
    pub(super) fn fits(&self, facts: &Facts) -> bool {
        let factor = facts.factors.any();
        let circumstances = &facts.circumstances;
        let password_checked =
            circumstances.flow == Flow::Password && circumstances.address != AddressStatus::Skipped;
        let found = circumstances.compromised && password_checked;
        self.lock.contains(&facts.lock)
            && self.claim.contains(&facts.claim)
            && self.remember.contains(&facts.remember)
            && self.suppress_mfa.contains(&facts.suppress_mfa)
            && self.mfa.contains(&facts.mfa)
            && self.factor.contains(&factor)
            && self.pool_mfa_due.contains(&pool_mfa_due(facts))
            && self.device.contains(&facts.device)
            && self.mfa_binding_met.contains(&mfa_binding_met(facts))
            && self.risk.contains(&Risk::seen(facts))
            && self.note.contains(&facts.risk_note)
            && self.reset.contains(&circumstances.reset_required)
            && self.blocked.contains(&(circumstances.address == AddressStatus::Blocked))
            && self.compromised.contains(&found)
    }
}

impl Risk {
    /// The risk that is looked at in this situation.
    fn seen(facts: &Facts) -> Self {
        if facts.circumstances.address == AddressStatus::Skipped { Self::None } else { Self::of(facts.risk) }
    }

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
