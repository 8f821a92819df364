//! The table of advice: when each is given, how grave it is, and in which words.
//!
//! What stands in braces is filled with numbers computed from the settings. The count of cells compares the pool with
//! what `cells` says; the rules that decide the cells counted join what an advice rests on.

use super::Severity::{self, High, Low, Medium, Note};
use super::cells::Variation;
use crate::settings::PoolSettings;
use poolproof_cognito::policy::{
    MfaMode, PoolPolicy, RememberMode, RiskAction, RiskLevel, RiskMode, RiskNote,
};
use poolproof_oracle::{AddressStatus, Confidence, Device, Facts};

use Basis::{Rule, Text};
use Confidence::{Documented, Inferred, Observed};
use Variation::{Pool, Situation};

/// One row.
pub(super) struct Entry {
    pub(super) id: &'static str,
    pub(super) severity: Severity,
    pub(super) applies: fn(&PoolSettings) -> bool,
    pub(super) cells: CellCount,
    pub(super) headline: &'static str,
    pub(super) why: &'static str,
    pub(super) what_to_do: &'static str,
    pub(super) rests_on: &'static [Basis],
}

/// Whether the cells are counted, and whether an advice without any is given.
pub(super) enum CellCount {
    /// Not about decisions.
    Uncounted,
    /// Counted; given even when there are none.
    Any(Variation),
    /// Counted; given only when there are some.
    Some(Variation),
}

/// What an advice rests on before anything is counted.
pub(super) enum Basis {
    /// A rule of the oracle, by its id.
    Rule(&'static str),
    /// A source beside the rules.
    Text(&'static str, Confidence),
}

const fn tracks(s: &PoolSettings) -> bool {
    s.policy.remember.tracks()
}

fn opt_in(s: &PoolSettings) -> bool {
    s.policy.remember == RememberMode::OptIn
}

fn has_mfa(s: &PoolSettings) -> bool {
    s.policy.mfa != MfaMode::Off
}

fn suppresses(s: &PoolSettings) -> bool {
    tracks(s) && s.policy.suppress_mfa && has_mfa(s)
}

/// The pool that the Note speaks of.
fn note_applies(s: &PoolSettings) -> bool {
    s.policy.remember == RememberMode::Always && suppresses(s) && s.policy.switches.risk_note != RiskNote::Off
}

fn enforced(s: &PoolSettings) -> bool {
    s.policy.risk.mode == RiskMode::Enforced
}

fn has_action(s: &PoolSettings, action: RiskAction) -> bool {
    RiskLevel::ALL.iter().any(|level| s.policy.risk.action(*level) == action)
}

fn has_any_action(s: &PoolSettings) -> bool {
    RiskAction::ALL[1..].iter().any(|action| has_action(s, *action))
}

fn laxer_above(s: &PoolSettings) -> bool {
    let risk = &s.policy.risk;
    risk.medium < risk.low || risk.high < risk.medium
}

fn without_note(policy: &mut PoolPolicy) {
    policy.switches.risk_note = RiskNote::Off;
}

/// As if risk that has one action had the other.
fn replace_action(facts: &mut Facts, from: RiskAction, to: RiskAction) {
    if let Some((_, action)) = &mut facts.risk
        && *action == from
    {
        *action = to;
    }
}

fn without_risk_mfa(facts: &mut Facts) {
    replace_action(facts, RiskAction::MfaIfConfigured, RiskAction::NoAction);
    replace_action(facts, RiskAction::MfaRequired, RiskAction::NoAction);
}

#[rustfmt::skip]
pub(super) const TABLE: &[Entry] = &[
    Entry {
        id: "note-ignores-risk-mfa",
        severity: High,
        applies: |s| note_applies(s) && enforced(s) && s.risk_known,
        cells: CellCount::Some(Pool(without_note)),
        headline: "With devices always remembered and MFA suppressed, the MFA of medium and high risk is ignored.",
        why: "The older documentation says so in a Note, for the whole pool and not only for remembered devices; \
              today's documentation no longer has the Note, and nobody has published a test. The cells are those \
              that the Note decides as this pool reads it (switch `risk_note`).",
        what_to_do: "Do not count on risk to bring MFA back: use BLOCK for what must be stopped, turn suppression \
                     off, or let users opt in. Try it on the real pool before relying on either reading.",
        rests_on: &[Text("SEMANTICS c.5, the Note", Documented)],
    },
    Entry {
        id: "note-may-ignore-risk-mfa",
        severity: Medium,
        applies: |s| note_applies(s) && enforced(s) && !s.risk_known,
        cells: CellCount::Uncounted,
        headline: "If medium or high risk asks for MFA, these settings may ignore it.",
        why: "Devices are always remembered and MFA is suppressed: for such pools the older documentation says, and \
              today's does not, that the MFA settings of medium and high risk are ignored. Which actions this pool \
              has is not known.",
        what_to_do: "Give the output of describe-risk-configuration too, and ask again.",
        rests_on: &[Text("SEMANTICS c.5, the Note", Documented)],
    },
    Entry {
        id: "required-with-mfa-off",
        severity: High,
        applies: |s| enforced(s) && !has_mfa(s) && has_action(s, RiskAction::MfaRequired),
        cells: CellCount::Some(Situation(|facts| replace_action(facts, RiskAction::MfaRequired, RiskAction::NoAction))),
        headline: "Risk requires MFA and the pool has MFA off: everybody at that level is refused.",
        why: "MFA_REQUIRED asks for a second factor and refuses who has none. With MFA off nobody can answer, so that \
              the action is a block under another name.",
        what_to_do: "Set MFA to OPTIONAL, which is what AWS advises beside threat protection, or say BLOCK if a block \
                     is meant.",
        rests_on: &[Rule("risk-required-mfa-off")],
    },
    Entry {
        id: "required-refuses-without-factor",
        severity: High,
        applies: |s| enforced(s) && has_mfa(s) && has_action(s, RiskAction::MfaRequired),
        cells: CellCount::Some(Situation(|facts| replace_action(facts, RiskAction::MfaRequired, RiskAction::MfaIfConfigured))),
        headline: "Risk that requires MFA refuses users who have no second factor.",
        why: "They have the right password and see \"Unable to login because of security reasons.\", with no way to set \
              a factor up. Another page of the documentation says that they are asked to set one up.",
        what_to_do: "Have users enrol a factor before this action is switched on, or use MFA_IF_CONFIGURED.",
        rests_on: &[Rule("risk-required-no-factor")],
    },
    Entry {
        id: "risk-laxer-above",
        severity: High,
        applies: laxer_above,
        cells: CellCount::Uncounted,
        headline: "A higher level of risk has a laxer action than a lower one.",
        why: "AWS does not take such a configuration, so these documents are not of a pool as it is; perhaps a level \
              was left out.",
        what_to_do: "Let the actions rise with the risk, and fetch the risk configuration anew.",
        rests_on: &[Text("SEMANTICS c.4", Documented)],
    },
    Entry {
        id: "mfa-without-method",
        severity: High,
        applies: |s| has_mfa(s) && !s.factors.any(),
        cells: CellCount::Uncounted,
        headline: "MFA is on or optional, but no second factor can be enrolled.",
        why: "The MFA configuration has neither SMS, nor an authenticator app, nor e-mail. Nobody can have a second \
              factor, whatever else is set.",
        what_to_do: "Turn on an authenticator app (SoftwareTokenMfaConfiguration) or another factor, or set MFA to OFF.",
        rests_on: &[Text("SEMANTICS c.3", Documented)],
    },
    Entry {
        id: "risk-without-effect",
        severity: Medium,
        applies: |s| !enforced(s) && has_any_action(s),
        cells: CellCount::Any(Pool(|policy| policy.risk.mode = RiskMode::Enforced)),
        headline: "Actions against risk are configured and not taken.",
        why: "They are taken in mode ENFORCED only: AUDIT notes what would have happened, and OFF does not look. The \
              cells are those that would be decided otherwise if the mode were ENFORCED.",
        what_to_do: "Set AdvancedSecurityMode to ENFORCED (it needs the Plus tier) once the log looks right.",
        rests_on: &[Text("SEMANTICS c.4, c.5 #34", Documented)],
    },
    Entry {
        id: "risk-actions-unknown",
        severity: Low,
        applies: |s| enforced(s) && !s.risk_known,
        cells: CellCount::Uncounted,
        headline: "Risk is enforced, and what it does is not said.",
        why: "The actions at each level are in a document of their own. Cognito's default was taken, to block at every \
              level, and nothing more is advised on risk.",
        what_to_do: "Give the output of describe-risk-configuration too.",
        rests_on: &[Text("SEMANTICS c.4", Documented)],
    },
    Entry {
        id: "opt-in-needs-prompt",
        severity: Medium,
        applies: opt_in,
        cells: CellCount::Some(Situation(|facts| {
            if facts.device == Device::Remembered {
                facts.device = Device::NotRemembered;
            }
        })),
        headline: "Unless the app asks its users, no device is ever remembered.",
        why: "A confirmed device stays not remembered until the app calls UpdateDeviceStatus; managed login does not \
              ask. The cells are those of remembered devices that are then decided as if there were none.",
        what_to_do: "Ask when ConfirmDevice answers UserConfirmationNecessary, and call UpdateDeviceStatus with \
                     `remembered`; or remember always.",
        rests_on: &[Text("SEMANTICS c.2", Documented)],
    },
    Entry {
        id: "mfa-binding",
        severity: Medium,
        applies: suppresses,
        cells: CellCount::Some(Situation(|facts| {
            facts.strict_mfa_binding = true;
            facts.mfa_bound = false;
        })),
        headline: "A device remembered before its user had MFA is asked for MFA once more.",
        why: "A device seems to replace MFA only after it has been through one; AWS does not document it. The cells are \
              those in which such a device is then asked, as seen from clients (switch `strict_mfa_binding`).",
        what_to_do: "Expect one more MFA per device when users enrol, and do not take it for a fault; set \
                     `strict_mfa_binding: true` to play it.",
        rests_on: &[Rule("suppression-unbound"), Text("SEMANTICS c.2, MFA-binding", Observed)],
    },
    Entry {
        id: "confirm-quota",
        severity: Medium,
        applies: |s| {
            let quotas = &s.policy.quotas;
            let slower = |updates| quotas.user_authentication.is_none_or(|sign_ins| updates < sign_ins);
            tracks(s) && quotas.user_resource_update.is_some_and(slower)
        },
        cells: CellCount::Uncounted,
        headline: "A fleet of new devices meets the quota of ConfirmDevice long before that of sign-ins.",
        why: "Changes of devices are limited to {updates} a second, which AWS does not raise, against {sign_ins} \
              sign-ins; remembering a device takes {per_device} of them. {fleet} devices need at least \
              {enroll_minutes} minutes.",
        what_to_do: "Spread a launch over hours, let clients try again when ConfirmDevice is throttled, and count the \
                     failures: some clients swallow them and stay unknown.",
        rests_on: &[Text("SEMANTICS f", Documented)],
    },
    Entry {
        id: "refresh-bound-to-device",
        severity: Medium,
        applies: tracks,
        cells: CellCount::Uncounted,
        headline: "Refresh tokens work only with the key of the device they were given to.",
        why: "With devices tracked, a refresh without DEVICE_KEY, with another key, or from a device that was never \
              confirmed is refused with \"Invalid Refresh Token.\". Forgetting a device ends its tokens too.",
        what_to_do: "Confirm every device, store its key beside the refresh token, and send both.",
        rests_on: &[Text("SEMANTICS a.6", Observed)],
    },
    Entry {
        id: "low-risk-not-covered",
        severity: Low,
        applies: |s| note_applies(s) && enforced(s),
        cells: CellCount::Some(Situation(|facts| {
            if matches!(facts.risk, Some((RiskLevel::Low, RiskAction::MfaIfConfigured | RiskAction::MfaRequired))) {
                facts.risk = None;
            }
        })),
        headline: "Low risk still asks for MFA: the Note that waives it is of medium and high risk.",
        why: "The Note on suppressed MFA says nothing of low risk. Read literally, a mild \
              suspicion asks for more than a grave one.",
        what_to_do: "Give level low the action NO_ACTION, or do not rely on what it does.",
        rests_on: &[Text("SEMANTICS c.5 #27", Inferred)],
    },
    Entry {
        id: "risk-outweighs-suppression",
        severity: Low,
        applies: |s| suppresses(s) && opt_in(s) && enforced(s),
        cells: CellCount::Some(Situation(|facts| if facts.device == Device::Remembered { without_risk_mfa(facts) })),
        headline: "Risk asks for MFA even on devices that users chose to remember.",
        why: "The Note that waives it speaks of pools that always remember, and this one lets users choose. That it \
              then holds is our reading.",
        what_to_do: "Expect codes to be asked for on remembered devices too, and try it on the real pool.",
        rests_on: &[Text("SEMANTICS c.5 #30", Inferred)],
    },
    Entry {
        id: "suppression-without-mfa",
        severity: Low,
        applies: |s| tracks(s) && s.policy.suppress_mfa && !has_mfa(s),
        cells: CellCount::Any(Pool(|policy| policy.suppress_mfa = false)),
        headline: "MFA is suppressed on remembered devices, but the pool has no MFA.",
        why: "The setting ChallengeRequiredOnNewDevice does nothing until MFA is OPTIONAL or ON: no cell changes with \
              it. It takes effect on the day that MFA is turned on.",
        what_to_do: "Turn suppression off until it is meant, or turn MFA on.",
        rests_on: &[Text("SEMANTICS c.1", Documented)],
    },
    Entry {
        id: "suppression-without-tracking",
        severity: Low,
        applies: |s| s.policy.suppress_mfa && !tracks(s),
        cells: CellCount::Any(Pool(|policy| policy.suppress_mfa = false)),
        headline: "MFA is suppressed on remembered devices, but none is remembered.",
        why: "Without device tracking there is no device that could replace MFA: no cell changes with the setting.",
        what_to_do: "Remember devices (`always` or `opt_in`), or leave `suppress_mfa` out.",
        rests_on: &[Text("SEMANTICS c.1", Documented)],
    },
    Entry {
        id: "if-configured-with-mfa-off",
        severity: Low,
        applies: |s| enforced(s) && !has_mfa(s) && has_action(s, RiskAction::MfaIfConfigured),
        cells: CellCount::Any(Situation(|facts| replace_action(facts, RiskAction::MfaIfConfigured, RiskAction::NoAction))),
        headline: "Risk asks for MFA where it is configured, and nobody can have it configured.",
        why: "With MFA off there is no second factor to ask for: the action does nothing.",
        what_to_do: "Set MFA to OPTIONAL.",
        rests_on: &[Text("SEMANTICS c.5 #32", Inferred)],
    },
    Entry {
        id: "optional-mfa-not-enrolled",
        severity: Low,
        applies: |s| s.policy.mfa == MfaMode::Optional,
        cells: CellCount::Some(Pool(|policy| policy.mfa = MfaMode::On)),
        headline: "MFA is optional: who has enrolled no factor signs in with the password alone.",
        why: "Optional asks users who have a factor, and nobody is led to enrol one. The cells are those that would \
              be decided otherwise if MFA were ON.",
        what_to_do: "Have the app offer enrolment, and watch how many users have a factor.",
        rests_on: &[Text("SEMANTICS c.3", Documented)],
    },
    Entry {
        id: "mfa-then-device-quota",
        severity: Low,
        applies: |s| {
            let quota = s.policy.quotas.user_authentication.is_some();
            tracks(s) && has_mfa(s) && s.factors.any() && !s.policy.suppress_mfa && quota
        },
        cells: CellCount::Uncounted,
        headline: "Sign-ins that go through MFA and then the device are limited to {sustained} a second, not {sign_ins}.",
        why: "Each takes {answer_count} answers to challenges. Three answers for each sign-in of the quota are free, and what \
              exceeds them is taken from it.",
        what_to_do: "Plan with {sustained} a second, let remembered devices replace MFA, or have the quota raised.",
        rests_on: &[Text("SEMANTICS f", Documented), Rule("not-suppressed")],
    },
    Entry {
        id: "remembered-for-ever",
        severity: Low,
        applies: tracks,
        cells: CellCount::Uncounted,
        headline: "Remembered devices never expire.",
        why: "Cognito has no age after which a device is forgotten, and no documented limit to how many a user has. What \
              a reset of the password does to them is not documented either.",
        what_to_do: "Forget devices from the app or from a job of your own, by their DeviceLastAuthenticatedDate.",
        rests_on: &[Text("SEMANTICS a.5", Documented)],
    },
    Entry {
        id: "list-shows-remembered-only",
        severity: Low,
        applies: opt_in,
        cells: CellCount::Uncounted,
        headline: "A user's own list of devices shows only those that are remembered.",
        why: "ListDevices and GetDevice do not know a confirmed device that was not remembered, while AdminListDevices \
              and AdminGetDevice do. UpdateDeviceStatus works on it all the same.",
        what_to_do: "Do not build \"remember this device?\" on ListDevices; keep the key from ConfirmDevice.",
        rests_on: &[Text("SEMANTICS a.5", Observed)],
    },
    Entry {
        id: "allowed-addresses-unchecked",
        severity: Medium,
        applies: |s| enforced(s) && !s.exceptions.skipped.is_empty() && (s.blocks_compromised || has_any_action(s)),
        cells: CellCount::Any(Situation(|facts| facts.circumstances.address = AddressStatus::Skipped)),
        headline: "From addresses that are always allowed, neither risk nor a compromised password stops anybody.",
        why: "SkippedIPRangeList is not looked at at all: no level of risk is given there, so that no action is taken, \
              and a compromised password is taken like any other. The cells are those that such an address decides \
              otherwise.",
        what_to_do: "Keep the list to addresses that only you send from, never a carrier's or a shared proxy's, and \
                     let the pool itself ask for MFA there.",
        rests_on: &[Rule("address-allowed"), Text("SEMANTICS c.4", Documented)],
    },
    Entry {
        id: "compromised-not-checked",
        severity: Low,
        applies: |s| s.blocks_compromised && enforced(s),
        cells: CellCount::Uncounted,
        headline: "Compromised passwords are not looked for in SRP sign-ins.",
        why: "The pool never sees the password there. They are found when the password itself is sent: in \
              USER_PASSWORD_AUTH, at sign-up and when it is changed.",
        what_to_do: "Do not count on this block for users who sign in with USER_SRP_AUTH.",
        rests_on: &[Rule("compromised-srp"), Text("SEMANTICS c.4", Documented)],
    },
    Entry {
        id: "block-includes-remembered",
        severity: Note,
        applies: |s| tracks(s) && enforced(s) && s.risk_known,
        cells: CellCount::Some(Situation(|facts| {
            if facts.device == Device::Remembered {
                replace_action(facts, RiskAction::Block, RiskAction::NoAction);
            }
        })),
        headline: "A block by risk holds for remembered devices too.",
        why: "It is decided before anything is said of devices: the user sees \"Unable to login because of security \
              reasons.\" on a device that was trusted a minute ago.",
        what_to_do: "Have support know the message, and mark false alarms as such (AdminUpdateAuthEventFeedback).",
        rests_on: &[],
    },
    Entry {
        id: "stale-key-refused",
        severity: Note,
        applies: tracks,
        cells: CellCount::Some(Situation(|facts| {
            if matches!(facts.device, Device::Issued | Device::Forgotten) {
                facts.device = Device::None;
            }
        })),
        headline: "A device key that the pool does not know makes the sign-in fail until it is left out.",
        why: "A forgotten, unconfirmed or foreign key is answered with \"Device does not exist.\", after the right \
              password. Clients are expected to drop the key and answer the same challenge again.",
        what_to_do: "See that your client drops the key on that answer and tries again; without that it locks its user \
                     out for good.",
        rests_on: &[],
    },
];
