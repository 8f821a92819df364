//! Short forms of decisions and of sets of devices, factors and risks, for tables.

use std::fmt;

use super::cell::Risk;
use poolproof_cognito::policy::{Factors, RiskAction, RiskLevel};
use poolproof_cognito::protocol::ChallengeName;
use poolproof_oracle::{Decision, Device, Outcome};

/// A decision without the kind of factor, which follows from the factors of the user.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct DecisionSummary {
    pub(super) mfa: MfaPrompt,
    pub(super) device_proof: bool,
    pub(super) outcome: Outcome,
    pub(super) new_device: bool,
}

/// The second factor that a decision requires.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum MfaPrompt {
    /// None.
    Nothing,
    /// One that the user has.
    Factor,
    /// The setup of one.
    SetUp,
}

impl DecisionSummary {
    pub(super) fn new(decision: &Decision) -> Self {
        let asked = |wanted: &[ChallengeName]| decision.challenges.iter().any(|name| wanted.contains(name));
        let mfa = if asked(&[ChallengeName::SmsMfa, ChallengeName::SoftwareTokenMfa, ChallengeName::EmailOtp])
        {
            MfaPrompt::Factor
        } else if asked(&[ChallengeName::MfaSetup]) {
            MfaPrompt::SetUp
        } else {
            MfaPrompt::Nothing
        };
        Self {
            mfa,
            device_proof: asked(&[ChallengeName::DevicePasswordVerifier]),
            outcome: decision.outcome,
            new_device: decision.new_device,
        }
    }
}

impl fmt::Display for DecisionSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = match self.mfa {
            MfaPrompt::Nothing => String::new(),
            MfaPrompt::Factor => "MFA → ".to_owned(),
            MfaPrompt::SetUp => "setup → ".to_owned(),
        };
        if self.device_proof {
            text.push_str("device → ");
        }
        text.push_str(self.outcome.as_str());
        if self.new_device {
            text.push_str(" +key");
        }
        f.pad(&text)
    }
}

/// The terms of the condensed tables with their meanings.
pub(super) const LEGEND: [(&str, &str); 9] = [
    (
        "device",
        "the device whose key the client sends with the password. none: no key; any key: every value except none",
    ),
    (
        "factor",
        "the user's second factors. active: sms, totp, email or several; phone: a number that is not \
                active; some: any of these; any: with or without factors",
    ),
    (
        "risk",
        "none: no risk, or no_action; none or other: also every risk that is not listed for the same \
         device and factor; any other: every risk that is not listed above; mfa_*: mfa_if_configured and \
         mfa_required",
    ),
    ("MFA", "SMS_MFA, SOFTWARE_TOKEN_MFA or EMAIL_OTP; with several factors SELECT_MFA_TYPE comes first"),
    ("setup", "MFA_SETUP"),
    ("device →", "DEVICE_SRP_AUTH, DEVICE_PASSWORD_VERIFIER: the device proves its secret"),
    ("tokens", "signed in; +key: with NewDeviceMetadata, the key of a new device"),
    ("blocked", "refused: “Unable to login because of security reasons.”"),
    ("device_not_found", "refused: “Device does not exist.”; the client may retry without the key"),
];

/// Returns `any`, `any key`, or the names.
pub(super) fn devices(set: &[Device]) -> String {
    match set.len() {
        all if all == Device::ALL.len() => "any".to_owned(),
        named if named + 1 == Device::ALL.len() && !set.contains(&Device::None) => "any key".to_owned(),
        _ => joined(set.iter().map(|device| device.as_str())),
    }
}

/// Returns `any`, `some`, `active`, or the names.
pub(super) fn factors(set: &[Factors]) -> String {
    let active = Factors::ALL.into_iter().filter(|factors| factors.is_active());
    if active.eq(set.iter().copied()) {
        return "active".to_owned();
    }
    match set.len() {
        all if all == Factors::ALL.len() => "any".to_owned(),
        some if some + 1 == Factors::ALL.len() && !set.contains(&Factors::None) => "some".to_owned(),
        _ => joined(set.iter().map(|factors| factors.as_str())),
    }
}

/// Returns the risks by level, for example `medium, high: mfa_required`.
pub(super) fn risks(set: &[Option<Risk>]) -> String {
    let mut parts: Vec<(Vec<RiskLevel>, Vec<RiskAction>)> = Vec::new();
    for level in RiskLevel::ALL {
        let here = set.iter().flatten().filter(|risk| risk.0 == level);
        let actions: Vec<RiskAction> = here.map(|risk| risk.1).collect();
        match parts.iter_mut().find(|(_, same)| *same == actions) {
            _ if actions.is_empty() => {}
            Some((levels, _)) => levels.push(level),
            None => parts.push((vec![level], actions)),
        }
    }
    let mut words: Vec<String> = set.contains(&None).then(|| "none".to_owned()).into_iter().collect();
    words.extend(parts.iter().map(|(levels, actions)| {
        let levels = match levels.len() {
            all if all == RiskLevel::ALL.len() => "any".to_owned(),
            _ => joined(levels.iter().map(|level| level.as_str())),
        };
        let actions = match actions[..] {
            [RiskAction::MfaIfConfigured, RiskAction::MfaRequired] => "mfa_*".to_owned(),
            ref other => joined(other.iter().map(|action| action.as_str())),
        };
        format!("{levels}: {actions}")
    }));
    words.join("; ")
}

fn joined<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_have_short_names() {
        assert_eq!(devices(&Device::ALL), "any");
        assert_eq!(devices(&Device::ALL[1..]), "any key");
        assert_eq!(devices(&[Device::Issued, Device::Forgotten]), "issued, forgotten");
        assert_eq!(factors(&Factors::ALL), "any");
        assert_eq!(factors(&Factors::ALL[1..]), "some");
        let of = |level, action| Some((level, action));
        let (low, medium, high) = (RiskLevel::Low, RiskLevel::Medium, RiskLevel::High);
        let (if_configured, required) = (RiskAction::MfaIfConfigured, RiskAction::MfaRequired);
        assert_eq!(risks(&[of(low, required)]), "low: mfa_required");
        assert_eq!(risks(&RiskLevel::ALL.map(|level| of(level, RiskAction::Block))), "any: block");
        let noted = [medium, high].map(|level| [of(level, if_configured), of(level, required)]);
        assert_eq!(risks(noted.as_flattened()), "medium, high: mfa_*");
        assert_eq!(risks(&[None, of(low, if_configured)]), "none; low: mfa_if_configured");
    }
}
