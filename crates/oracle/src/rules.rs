//! The table of rules on sign-ins.
//!
//! The first rule whose condition fits the facts applies. A unit test enumerates all situations: each has a
//! rule, and each rule applies somewhere. The sources are the sections of docs/semantics.md; `#n` is a row of
//! its table of decisions.

use super::decision::{Confidence, Outcome, RuleId};
use super::facts::{AddressStatus, Claim, Device, Facts, Flow, LockoutState};
use poolproof_cognito::policy::{
    Factors, MfaMode, ProofAfterMfa, RememberMode, RiskAction, RiskLevel, RiskNote,
};

use Confidence::{Documented, FormerlyDocumented, Inferred, Observed};
use Device::{Forgotten, Issued, NotRemembered, Remembered};
use RememberMode::{Always, No, OptIn};

/// The condition of a rule. Facts fit if every value is in the list of its column.
pub(super) struct Condition {
    lock: &'static [LockoutState],
    claim: &'static [Claim],
    remember: &'static [RememberMode],
    suppress_mfa: &'static [bool],
    mfa: &'static [MfaMode],
    /// Whether the user has a registered second factor.
    factor: &'static [bool],
    /// See [`pool_mfa_due`].
    pool_mfa_due: &'static [bool],
    device: &'static [Device],
    /// See [`mfa_binding_met`].
    mfa_binding_met: &'static [bool],
    risk: &'static [Risk],
    note: &'static [RiskNote],
    /// Whether the user must reset the password.
    reset: &'static [bool],
    /// Whether the client's address is on the list of blocked ranges.
    blocked: &'static [bool],
    /// Whether the pool finds the password compromised. It can check only a password that the client sends
    /// in plain text.
    compromised: &'static [bool],
}

/// A risk level with its action. Medium and high are one value, since no rule distinguishes them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Risk {
    /// No risk, or a risk without action.
    None,
    Low(Mfa),
    MediumOrHigh(Mfa),
    Block,
}

/// An action that requires an MFA.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mfa {
    IfConfigured,
    Required,
}

/// The decision of a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Effect {
    /// The answer to the password claim is a refusal.
    Refuse(Outcome),
    /// Tokens, after the user's MFA and the device proof where these are required.
    Tokens { mfa: bool, device_proof: bool, new_device: bool },
}

/// A rule on sign-ins.
pub(super) struct Rule {
    pub(super) name: RuleId,
    /// The rule in one sentence.
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

/// The situations of the Note: remember always, suppress_mfa, MFA active, and a medium or high risk that
/// requires an MFA.
const NOTED: Condition =
    Condition { remember: &[Always], suppress_mfa: &[true], mfa: MFA_ACTIVE, risk: RISK_NOTED, ..ANY };
/// The situations of the Note with a remembered device: it applies unless `risk_note` is `off`.
const NOTED_DEVICE: Condition =
    Condition { device: &[Remembered], note: &[RiskNote::Pool, RiskNote::Device], ..NOTED };
/// The situations of the Note with another device: it applies only if `risk_note` is `pool`.
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

/// Overrides every rule that requires a device proof, if the device's secret is damaged.
pub(super) const WRONG_DEVICE_SECRET: RuleId =
    RuleId { id: "wrong-device-secret", source: "SEMANTICS c.5 #20", confidence: Observed };
/// Overrides the rule that applies because risk is not evaluated for the address.
pub(super) const ADDRESS_ALLOWED: RuleId =
    RuleId { id: "address-allowed", source: "SEMANTICS c.4", confidence: Documented };
/// Overrides the rule that applies because SRP does not reveal the password.
pub(super) const COMPROMISED_SRP: RuleId =
    RuleId { id: "compromised-srp", source: "SEMANTICS c.5 #35", confidence: Documented };
/// Overrides the rule that applies to the device of the password step.
pub(super) const MFA_ANSWER_WITHOUT_KEY: RuleId =
    RuleId { id: "mfa-answer-without-key", source: "SEMANTICS c.2a", confidence: Observed };
/// Overrides a rule by which a remembered device replaces an MFA by e-mail.
pub(super) const EMAIL_MFA_KEPT: RuleId =
    RuleId { id: "email-mfa-kept", source: "SEMANTICS c.3", confidence: Observed };
/// Overrides a rule by which a device that is not remembered proves nothing after an MFA.
pub(super) const PROOF_AFTER_MFA: RuleId =
    RuleId { id: "proof-after-mfa", source: "SEMANTICS c.2a", confidence: Inferred };
/// Overrides a rule by which risk asks nothing of a user without a factor.
pub(super) const RISK_MFA_SETUP: RuleId =
    RuleId { id: "risk-mfa-setup", source: "SEMANTICS c.4", confidence: Inferred };
/// The overriding rules, each in one sentence.
pub(super) const OVERRIDING_RULES: [(RuleId, &str); 7] = [
    (
        EMAIL_MFA_KEPT,
        "With `email_mfa_suppressed: false` a remembered device does not replace an MFA by e-mail.",
    ),
    (
        PROOF_AFTER_MFA,
        "With `proof_after_mfa: confirmed` every confirmed device that an MFA answer names must prove its secret.",
    ),
    (
        RISK_MFA_SETUP,
        "With `risk_mfa_setup`, risk with `mfa_if_configured` asks a user without a factor to set one up.",
    ),
    (
        MFA_ANSWER_WITHOUT_KEY,
        "After an MFA the device key of the MFA answer counts: without one the device is new and gets a key.",
    ),
    (WRONG_DEVICE_SECRET, "A device that cannot prove its secret is refused."),
    (ADDRESS_ALLOWED, "Risk is not evaluated for an address on the list of skipped ranges."),
    (COMPROMISED_SRP, "A compromised password is not detected if the client proves it by SRP."),
];

/// The rules in order of precedence.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    // Lockout and password.
    rule("locked-out", "SEMANTICS d, lockout", Documented,
        "Too many failed attempts lock the user out for a while, even with the right password.",
        Condition { lock: &[LockoutState::Locked], ..ANY }, Effect::Refuse(Outcome::LockedOut)),
    rule("wrong-password", "SEMANTICS d", Observed,
        "A wrong password is refused with the same message as an unknown user.",
        Condition { claim: &[Claim::Wrong], ..ANY }, Effect::Refuse(Outcome::Incorrect)),
    rule("replayed-claim", "ASSURANCE S13", Inferred,
        "With `claims: once`, a password claim that has led to tokens cannot be used again.",
        Condition { claim: &[Claim::Replayed], ..ANY }, Effect::Refuse(Outcome::Incorrect)),

    rule("reset-required", "SEMANTICS d", Observed,
        "A user who must reset the password is refused once the password has proved right.",
        Condition { reset: &[true], ..ANY }, Effect::Refuse(Outcome::ResetRequired)),

    // Refusals of threat protection that do not depend on the risk level.
    rule("address-blocked", "SEMANTICS c.4", Documented,
        "No sign-in is allowed from an address on the list of blocked ranges.",
        Condition { blocked: &[true], ..ANY }, Effect::Refuse(Outcome::AddressBlocked)),
    rule("compromised-blocked", "SEMANTICS c.5 #36", Documented,
        "A compromised password that the client sends in plain text is refused, and the user must reset it.",
        Condition { compromised: &[true], ..ANY }, Effect::Refuse(Outcome::Blocked)),

    rule("risk-block", "SEMANTICS c.5 #22", Documented,
        "A risk level with action block refuses the sign-in before the device key is checked.",
        Condition { risk: &[Risk::Block], ..ANY }, Effect::Refuse(Outcome::Blocked)),

    // Device keys that do not exist.
    rule("device-issued", "SEMANTICS c.5 #18", Inferred,
        "A device key that was issued but never confirmed is refused as unknown.",
        Condition { remember: TRACKED, device: &[Issued], ..ANY }, Effect::Refuse(Outcome::DeviceNotFound)),
    rule("device-unknown", "SEMANTICS c.5 #19", Observed,
        "A device key that was forgotten, was never issued, or belongs to another user is refused as unknown.",
        Condition { remember: TRACKED, device: &[Forgotten], ..ANY },
            Effect::Refuse(Outcome::DeviceNotFound)),

    // The Note: the pool ignores the MFA of medium and high risk.
    rule("note-device", "SEMANTICS c.5 #26", FormerlyDocumented,
        "With remember always and suppress_mfa, a remembered device replaces the MFA that medium or high \
         risk requires.",
        Condition { factor: &[true], mfa_binding_met: &[true], ..NOTED_DEVICE }, DEVICE),
    rule("note-device-no-factor", "SEMANTICS c.5 #28", Inferred,
        "With remember always and suppress_mfa, a remembered device signs in even if medium or high risk \
         requires an MFA and the user has no factor.",
        Condition { factor: &[false], mfa_binding_met: &[true], ..NOTED_DEVICE }, DEVICE),
    rule("note-device-unbound", "SEMANTICS c.5 #13", Observed,
        "With remember always and suppress_mfa, medium and high risk add no MFA; the pool's own MFA is due \
         until the device has completed one.",
        Condition { pool_mfa_due: &[true], mfa_binding_met: &[false], ..NOTED_DEVICE }, MFA_DEVICE),
    rule("note-device-unbound-no-mfa", "SEMANTICS c.5 #13", Inferred,
        "With remember always and suppress_mfa, medium and high risk add no MFA, and the pool itself \
         requires none: the device proof is enough.",
        Condition { pool_mfa_due: &[false], mfa_binding_met: &[false], ..NOTED_DEVICE }, DEVICE),
    rule("note-new-mfa", "SEMANTICS c.5 #29", FormerlyDocumented,
        "With remember always and suppress_mfa, medium and high risk add no MFA; the pool itself still \
         requires one on a new device.",
        Condition { pool_mfa_due: &[true], device: &[Device::None], ..NOTED_POOL }, MFA_NEW),
    rule("note-new", "SEMANTICS c.6", Inferred,
        "With remember always and suppress_mfa, medium and high risk add no MFA, even on a new device: the \
         password is enough.",
        Condition { pool_mfa_due: &[false], device: &[Device::None], ..NOTED_POOL }, TOKENS_NEW),
    rule("note-not-remembered-mfa", "SEMANTICS c.5 #29", FormerlyDocumented,
        "With remember always and suppress_mfa, medium and high risk add no MFA; the pool itself still \
         requires one if the device is not remembered.",
        Condition { pool_mfa_due: &[true], device: &[NotRemembered], ..NOTED_POOL }, MFA),
    rule("note-not-remembered", "SEMANTICS c.6", Inferred,
        "With remember always and suppress_mfa, medium and high risk add no MFA, even if the device is not \
         remembered: the password is enough.",
        Condition { pool_mfa_due: &[false], device: &[NotRemembered], ..NOTED_POOL }, TOKENS),

    // Risk that requires an MFA.
    rule("risk-required-mfa-off", "SEMANTICS c.5 #33", Inferred,
        "Risk that requires an MFA refuses every user in a pool without MFA.",
        Condition { mfa: &[MfaMode::Off], risk: RISK_REQUIRED, ..ANY }, Effect::Refuse(Outcome::Blocked)),
    rule("risk-required-no-factor", "SEMANTICS c.5 #25", Documented,
        "Risk that requires an MFA refuses a user without a registered second factor.",
        Condition { mfa: &[MfaMode::Optional], factor: &[false], risk: RISK_REQUIRED, ..ANY },
            Effect::Refuse(Outcome::Blocked)),
    rule("risk-required-no-factor-on", "SEMANTICS c.5 #25", Inferred,
        "Risk that requires an MFA refuses a user without a second factor, even if the pool would let the \
         user set one up.",
        Condition { factor: &[false], risk: RISK_REQUIRED, ..ANY }, Effect::Refuse(Outcome::Blocked)),
    rule("risk-mfa-remembered", "SEMANTICS c.5 #27 #30 #31", Inferred,
        "A remembered device does not replace the MFA that risk requires: the MFA is first, then the \
         device proof.",
        Condition { remember: TRACKED, mfa: MFA_ACTIVE, factor: &[true], device: &[Remembered],
            risk: RISK_MFA, ..ANY }, MFA_DEVICE),
    rule("risk-mfa-new", "SEMANTICS c.5 #23", Documented,
        "If the user has a factor, risk requires an MFA on a new device, as the pool itself does; then the \
         device gets a key.",
        Condition { remember: TRACKED, mfa: &[MfaMode::Optional], factor: &[true], device: &[Device::None],
            risk: RISK_MFA, ..ANY }, MFA_NEW),
    rule("risk-mfa-new-on", "SEMANTICS c.5 #23", Inferred,
        "If MFA is on, risk adds nothing to the MFA that a new device needs anyway; then the device gets a \
         key.",
        Condition { remember: TRACKED, mfa: &[MfaMode::On], factor: &[true], device: &[Device::None],
            risk: RISK_MFA, ..ANY }, MFA_NEW),
    rule("risk-mfa", "SEMANTICS c.5 #23", Documented,
        "Risk requires an MFA of users who have a registered second factor.",
        Condition { mfa: &[MfaMode::Optional], factor: &[true], risk: RISK_MFA, ..ANY }, MFA),
    rule("risk-mfa-on", "SEMANTICS c.5 #23", Inferred,
        "If MFA is on, risk adds nothing to the MFA that every user needs anyway.",
        Condition { mfa: &[MfaMode::On], factor: &[true], risk: RISK_MFA, ..ANY }, MFA),

    // Pools that remember no devices.
    rule("untracked-mfa", "SEMANTICS c.5 #3 #4", Documented,
        "In a pool that remembers no devices, MFA depends on the pool and the user alone.",
        Condition { remember: &[No], pool_mfa_due: &[true], device: &[Device::None], ..ANY }, MFA),
    rule("untracked", "SEMANTICS c.5 #1 #2", Documented,
        "In a pool that remembers no devices and requires no MFA, the password is enough.",
        Condition { remember: &[No], pool_mfa_due: &[false], device: &[Device::None], ..ANY }, TOKENS),
    rule("untracked-key-ignored-mfa", "SEMANTICS c.1", Inferred,
        "A pool that remembers no devices ignores the device key and requires the MFA that is due.",
        Condition { remember: &[No], pool_mfa_due: &[true], ..ANY }, MFA),
    rule("untracked-key-ignored", "SEMANTICS c.5 #1", Inferred,
        "A pool that remembers no devices ignores the device key.",
        Condition { remember: &[No], pool_mfa_due: &[false], ..ANY }, TOKENS),

    // Remembered devices.
    rule("suppressed", "SEMANTICS c.5 #11 #12", Documented,
        "A remembered device replaces the second factor.",
        Condition { suppress_mfa: &[true], factor: &[true], pool_mfa_due: &[true], device: &[Remembered],
            mfa_binding_met: &[true], ..ANY }, DEVICE),
    rule("suppressed-no-factor", "SEMANTICS c.5 #17", Inferred,
        "A remembered device replaces even the setup of a second factor.",
        Condition { suppress_mfa: &[true], factor: &[false], pool_mfa_due: &[true], device: &[Remembered],
            mfa_binding_met: &[true], ..ANY }, DEVICE),
    rule("suppression-unbound", "SEMANTICS c.5 #13", Observed,
        "A remembered device that has not completed an MFA does not replace one yet: the MFA is first, \
         then the device proof.",
        Condition { suppress_mfa: &[true], pool_mfa_due: &[true], device: &[Remembered],
            mfa_binding_met: &[false], ..ANY }, MFA_DEVICE),
    rule("not-suppressed", "SEMANTICS c.5 #14", Observed,
        "Without suppression a remembered device replaces nothing: the MFA is first, then the device proof.",
        Condition { suppress_mfa: &[false], factor: &[true], pool_mfa_due: &[true], device: &[Remembered],
            ..ANY }, MFA_DEVICE),
    rule("not-suppressed-no-factor", "SEMANTICS c.5 #17", Inferred,
        "Without suppression a remembered device does not replace the setup of a second factor.",
        Condition { suppress_mfa: &[false], factor: &[false], pool_mfa_due: &[true], device: &[Remembered],
            ..ANY }, MFA_DEVICE),
    rule("remembered-always", "SEMANTICS c.5 #9", Documented,
        "If no MFA is due, a remembered device must still prove its secret.",
        Condition { remember: &[Always], pool_mfa_due: &[false], device: &[Remembered], ..ANY }, DEVICE),
    rule("remembered-opt-in", "SEMANTICS c.5 #10", Observed,
        "If no MFA is due, a device that the user chose to remember must still prove its secret.",
        Condition { remember: &[OptIn], pool_mfa_due: &[false], device: &[Remembered], ..ANY }, DEVICE),

    // Confirmed devices that are not remembered.
    rule("not-remembered-mfa", "SEMANTICS c.5 #16", Documented,
        "A confirmed device that is not remembered replaces nothing: the MFA that is due is required.",
        Condition { pool_mfa_due: &[true], device: &[NotRemembered], ..ANY }, MFA),
    rule("not-remembered", "SEMANTICS c.5 #15", Documented,
        "A confirmed device that is not remembered changes nothing: the password is enough if no MFA is due.",
        Condition { pool_mfa_due: &[false], device: &[NotRemembered], ..ANY }, TOKENS),

    // New devices.
    rule("new-device-mfa", "SEMANTICS c.5 #7", Documented,
        "A new device needs the user's second factor and then gets a key.",
        Condition { factor: &[true], pool_mfa_due: &[true], device: &[Device::None], ..ANY }, MFA_NEW),
    rule("new-device-mfa-setup", "SEMANTICS c.5 #8", Documented,
        "A user who needs a second factor and has none sets one up; then the new device gets a key.",
        Condition { factor: &[false], pool_mfa_due: &[true], device: &[Device::None], ..ANY }, MFA_NEW),
    rule("new-device", "SEMANTICS c.5 #5 #6", Documented,
        "If no MFA is due, the password is enough on a new device, which gets a key.",
        Condition { pool_mfa_due: &[false], device: &[Device::None], ..ANY }, TOKENS_NEW),
];

/// Returns whether the pool itself requires an MFA: with mode `on` always, with `optional` if the user has an
/// active factor.
pub(super) const fn pool_mfa_due(facts: &Facts) -> bool {
    match facts.mfa {
        MfaMode::Off => false,
        MfaMode::Optional => facts.factors.is_active(),
        MfaMode::On => true,
    }
}

/// Returns whether MFA binding allows the device to replace an MFA.
pub(super) const fn mfa_binding_met(facts: &Facts) -> bool {
    facts.mfa_bound || !facts.strict_mfa_binding
}

/// Returns the effect in this situation: that of the rule, unless a switch changes it, and the name of the
/// rule or of the switch's rule.
pub(super) fn switched(rule: &Rule, facts: &Facts) -> (RuleId, Effect) {
    let (mut name, mut then) = (rule.name, rule.then);
    let circumstances = &facts.circumstances;
    let Effect::Tokens { mut mfa, mut device_proof, new_device } = then else { return (name, then) };
    let asks_if_configured = matches!(
        Risk::evaluated(facts),
        Risk::Low(Mfa::IfConfigured) | Risk::MediumOrHigh(Mfa::IfConfigured)
    );
    let sets_up = circumstances.risk_mfa_setup
        && asks_if_configured
        && facts.mfa != MfaMode::Off
        && !facts.factors.is_registered()
        && !note_applies(facts);
    if sets_up && !mfa {
        (name, mfa) = (RISK_MFA_SETUP, true);
    }
    let by_email = circumstances.email_mfa_kept && facts.factors == Factors::Email && pool_mfa_due(facts);
    if by_email && !mfa {
        (name, mfa) = (EMAIL_MFA_KEPT, true);
    }
    let proves = circumstances.proof_after_mfa == ProofAfterMfa::Confirmed
        && facts.remember.tracks()
        && facts.device == NotRemembered;
    if proves && mfa {
        (name, device_proof) = (PROOF_AFTER_MFA, true);
    }
    then = Effect::Tokens { mfa, device_proof, new_device };
    (name, then)
}

/// Returns whether the Note covers the situation, so that the pool ignores the MFA of risk.
pub(super) fn note_applies(facts: &Facts) -> bool {
    NOTED_DEVICE.fits(facts) || NOTED_POOL.fits(facts)
}

/// Returns whether risk requires an MFA, apart from the Note.
pub(super) fn risk_requires_mfa(facts: &Facts) -> bool {
    RISK_MFA.contains(&Risk::evaluated(facts))
}

/// Returns whether the pool acts on this risk.
pub(super) fn has_consequence(risk: Option<(RiskLevel, RiskAction)>) -> bool {
    Risk::new(risk) != Risk::None
}

impl Condition {
    /// Returns whether `facts` fit.
    pub(super) fn fits(&self, facts: &Facts) -> bool {
        let factor = facts.factors.is_registered();
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
            && self.risk.contains(&Risk::evaluated(facts))
            && self.note.contains(&facts.risk_note)
            && self.reset.contains(&circumstances.reset_required)
            && self.blocked.contains(&(circumstances.address == AddressStatus::Blocked))
            && self.compromised.contains(&found)
    }
}

impl Risk {
    /// Returns the risk that the pool evaluates.
    fn evaluated(facts: &Facts) -> Self {
        if facts.circumstances.address == AddressStatus::Skipped { Self::None } else { Self::new(facts.risk) }
    }

    fn new(risk: Option<(RiskLevel, RiskAction)>) -> Self {
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
