//! The table of advice: the condition, the severity and the text of each piece.
//!
//! Placeholders in braces are replaced by numbers computed from the settings. `cells` contains a change: the
//! advice counts the cells whose decision this change alters. The rules that decide these cells are added to
//! the evidence.

use super::Severity::{self, High, Low, Medium, Note};
use super::cells::Variation;
use crate::settings::PoolSettings;
use poolproof_cognito::policy::{
    MfaMode, PoolPolicy, RememberMode, RiskAction, RiskLevel, RiskMode, RiskNote,
};
use poolproof_oracle::{AddressStatus, Confidence, Device, Facts};

use Basis::{Rule, Text};
use Confidence::{Documented, FormerlyDocumented, Inferred, Observed};
use Variation::{Pool, Situation};

/// A row of the table.
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

/// Whether cells are counted, and whether the advice applies without affected cells.
pub(super) enum CellCount {
    /// The advice is not about decisions.
    Uncounted,
    /// The advice applies with any number of affected cells.
    Any(Variation),
    /// The advice applies only if some cells are affected.
    Some(Variation),
}

/// The evidence in the table.
pub(super) enum Basis {
    /// A rule of the oracle, by its id.
    Rule(&'static str),
    /// Another source.
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

/// Returns whether the Note covers this pool.
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

/// Replaces the action of the risk if it is `from`.
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
        headline: "With devices always remembered and MFA suppressed, the pool ignores the MFA of medium \
                   and high risk.",
        why: "An older version of the AWS documentation has a Note about this, for the whole pool and not \
              only for remembered devices. The current documentation no longer has the Note, and no test \
              has been published. The cells are those that the Note decides (switch `risk_note`).",
        what_to_do: "Do not rely on risk to bring MFA back: use BLOCK for sign-ins that must be stopped, \
                     turn suppression off, or let users opt in. Test the real pool before you rely on \
                     either reading.",
        rests_on: &[Text("SEMANTICS c.5, the Note", FormerlyDocumented)],
    },
    Entry {
        id: "note-may-ignore-risk-mfa",
        severity: Medium,
        applies: |s| note_applies(s) && enforced(s) && !s.risk_known,
        cells: CellCount::Uncounted,
        headline: "If medium or high risk requires MFA, these settings may ignore it.",
        why: "Devices are always remembered and MFA is suppressed. For such pools an older version of the \
              AWS documentation says that the MFA settings of medium and high risk are ignored. The actions \
              of this pool are unknown.",
        what_to_do: "Add the output of describe-risk-configuration and run the command again.",
        rests_on: &[Text("SEMANTICS c.5, the Note", FormerlyDocumented)],
    },
    Entry {
        id: "required-with-mfa-off",
        severity: High,
        applies: |s| enforced(s) && !has_mfa(s) && has_action(s, RiskAction::MfaRequired),
        cells: CellCount::Some(Situation(|facts| {
            replace_action(facts, RiskAction::MfaRequired, RiskAction::NoAction);
        })),
        headline: "Risk requires MFA but the pool has MFA off: every user at that level is refused.",
        why: "MFA_REQUIRED refuses users without a second factor. With MFA off no user has one, so the \
              action blocks every sign-in at that level.",
        what_to_do: "Set MFA to OPTIONAL, as AWS recommends with threat protection, or use the action BLOCK \
                     if a block is intended.",
        rests_on: &[Rule("risk-required-mfa-off")],
    },
    Entry {
        id: "required-refuses-without-factor",
        severity: High,
        applies: |s| enforced(s) && has_mfa(s) && has_action(s, RiskAction::MfaRequired),
        cells: CellCount::Some(Situation(|facts| {
            replace_action(facts, RiskAction::MfaRequired, RiskAction::MfaIfConfigured);
        })),
        headline: "Risk that requires MFA refuses users who have no second factor.",
        why: "They have the right password and see \"Unable to login because of security reasons.\", \
              without a way to set up a factor. Another page of the AWS documentation says that they can \
              set one up.",
        what_to_do: "Have users enroll a factor before you turn this action on, or use MFA_IF_CONFIGURED.",
        rests_on: &[Rule("risk-required-no-factor")],
    },
    Entry {
        id: "risk-laxer-above",
        severity: High,
        applies: laxer_above,
        cells: CellCount::Uncounted,
        headline: "A higher risk level has a laxer action than a lower one.",
        why: "AWS rejects such a configuration, so these documents do not describe a real pool; a level may \
              be missing.",
        what_to_do: "Use actions that become stricter with the level, and fetch the risk configuration \
                     again.",
        rests_on: &[Text("SEMANTICS c.4", Documented)],
    },
    Entry {
        id: "mfa-without-method",
        severity: High,
        applies: |s| has_mfa(s) && !s.factors.any(),
        cells: CellCount::Uncounted,
        headline: "MFA is on or optional, but users cannot enroll a second factor.",
        why: "The MFA configuration has neither SMS, nor an authenticator app, nor e-mail. No user can have \
              a second factor, whatever the other settings are.",
        what_to_do: "Turn on an authenticator app (SoftwareTokenMfaConfiguration) or another factor, or set \
                     MFA to OFF.",
        rests_on: &[Text("SEMANTICS c.3", Documented)],
    },
    Entry {
        id: "risk-without-effect",
        severity: Medium,
        applies: |s| !enforced(s) && has_any_action(s),
        cells: CellCount::Any(Pool(|policy| policy.risk.mode = RiskMode::Enforced)),
        headline: "Risk actions are configured but have no effect.",
        why: "They apply only in mode ENFORCED: AUDIT logs what would have happened, and OFF does not \
              evaluate risk. The cells are those whose decision would change in mode ENFORCED.",
        what_to_do: "Set AdvancedSecurityMode to ENFORCED (it needs the Plus tier) when the log looks \
                     right.",
        rests_on: &[Text("SEMANTICS c.4, c.5 #34", Documented)],
    },
    Entry {
        id: "risk-actions-unknown",
        severity: Medium,
        applies: |s| enforced(s) && !s.risk_known,
        cells: CellCount::Uncounted,
        headline: "Risk is enforced, but its actions are unknown.",
        why: "The actions at each level are in a separate document. This report assumes Cognito's default, \
              which blocks at every level, and gives no further advice on risk.",
        what_to_do: "Add the output of describe-risk-configuration.",
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
        headline: "No device is remembered unless the app asks its users.",
        why: "A confirmed device stays not remembered until the app calls UpdateDeviceStatus; managed login \
              does not ask. The cells are those in which a device that is not remembered changes the \
              decision.",
        what_to_do: "Ask the user when ConfirmDevice returns UserConfirmationNecessary, and call \
                     UpdateDeviceStatus with `remembered`; or always remember devices.",
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
        headline: "A device that was remembered before its user had MFA still needs one MFA.",
        why: "A device seems to replace MFA only after it has completed one; AWS does not document this. \
              The cells are those in which such a device still needs an MFA, as clients have observed \
              (switch `strict_mfa_binding`).",
        what_to_do: "Expect one more MFA on each such device. This is normal.",
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
        headline: "Many new devices exceed the quota of ConfirmDevice long before the quota of sign-ins.",
        why: "AWS limits device changes to {updates} per second and does not raise this quota; the quota of \
              sign-ins is {sign_ins}. A new device needs {per_device} of these changes. {fleet} devices \
              need at least {enroll_minutes} minutes.",
        what_to_do: "Spread a launch over hours, let clients retry when ConfirmDevice is throttled, and \
                     count failures: some clients ignore them and their devices stay unknown.",
        rests_on: &[Text("SEMANTICS f", Documented)],
    },
    Entry {
        id: "refresh-bound-to-device",
        severity: Medium,
        applies: tracks,
        cells: CellCount::Uncounted,
        headline: "Refresh tokens work only with the key of the device that they were issued to.",
        why: "If the pool tracks devices, it refuses a refresh without DEVICE_KEY, with another key, or \
              from an unconfirmed device with \"Invalid Refresh Token.\". Forgetting a device also ends its \
              tokens.",
        what_to_do: "Confirm every device, store its key with the refresh token, and send both.",
        rests_on: &[Text("SEMANTICS a.6", Documented)],
    },
    Entry {
        id: "low-risk-not-covered",
        severity: Low,
        applies: |s| note_applies(s) && enforced(s),
        cells: CellCount::Some(Situation(|facts| {
            if matches!(facts.risk, Some((RiskLevel::Low, _))) {
                without_risk_mfa(facts);
            }
        })),
        headline: "Low risk still requires MFA: the Note that waives it covers only medium and high risk.",
        why: "The Note on suppressed MFA does not mention low risk. Read literally, low risk then requires \
              more than high risk.",
        what_to_do: "Give level low the action NO_ACTION, or do not rely on its effect.",
        rests_on: &[Text("SEMANTICS c.5 #27", Inferred)],
    },
    Entry {
        id: "risk-outweighs-suppression",
        severity: Low,
        applies: |s| suppresses(s) && opt_in(s) && enforced(s),
        cells: CellCount::Some(Situation(|facts| {
            if facts.device == Device::Remembered { without_risk_mfa(facts) }
        })),
        headline: "Risk requires MFA even on devices that users chose to remember.",
        why: "The Note that waives it is about pools that always remember devices, and in this pool users \
              choose. That the MFA then applies is the reading of this project.",
        what_to_do: "Expect MFA on remembered devices too, and test it on the real pool.",
        rests_on: &[Text("SEMANTICS c.5 #30", Inferred)],
    },
    Entry {
        id: "suppression-without-mfa",
        severity: Low,
        applies: |s| tracks(s) && s.policy.suppress_mfa && !has_mfa(s),
        cells: CellCount::Any(Pool(|policy| policy.suppress_mfa = false)),
        headline: "MFA is suppressed on remembered devices, but the pool has no MFA.",
        why: "The setting ChallengeRequiredOnNewDevice has no effect until MFA is OPTIONAL or ON: no cell \
              changes with it. It takes effect as soon as MFA is turned on.",
        what_to_do: "Turn suppression off until you want it, or turn MFA on.",
        rests_on: &[Text("SEMANTICS c.1", Documented)],
    },
    Entry {
        id: "suppression-without-tracking",
        severity: Low,
        applies: |s| s.policy.suppress_mfa && !tracks(s),
        cells: CellCount::Any(Pool(|policy| policy.suppress_mfa = false)),
        headline: "MFA is suppressed on remembered devices, but the pool remembers none.",
        why: "Without device tracking no device can replace MFA: no cell changes with the setting.",
        what_to_do: "Remember devices (`always` or `opt_in`), or remove `suppress_mfa`.",
        rests_on: &[Text("SEMANTICS c.1", Documented)],
    },
    Entry {
        id: "if-configured-with-mfa-off",
        severity: Low,
        applies: |s| enforced(s) && !has_mfa(s) && has_action(s, RiskAction::MfaIfConfigured),
        cells: CellCount::Any(Situation(|facts| {
            replace_action(facts, RiskAction::MfaIfConfigured, RiskAction::NoAction);
        })),
        headline: "Risk requires MFA if configured, but no user can configure it.",
        why: "With MFA off no user has a second factor: the action has no effect.",
        what_to_do: "Set MFA to OPTIONAL.",
        rests_on: &[Text("SEMANTICS c.5 #32", Inferred)],
    },
    Entry {
        id: "optional-mfa-not-enrolled",
        severity: Low,
        applies: |s| s.policy.mfa == MfaMode::Optional,
        cells: CellCount::Some(Pool(|policy| policy.mfa = MfaMode::On)),
        headline: "MFA is optional: users without a factor sign in with the password alone.",
        why: "OPTIONAL requires MFA only of users who have a factor, and does not prompt users to enroll \
              one. The cells are those whose decision would change if MFA were ON.",
        what_to_do: "Have the app offer enrollment, and monitor how many users have a factor.",
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
        headline: "Sign-ins with MFA and a device proof are limited to {sustained} per second, not \
                   {sign_ins}.",
        why: "Each needs {answer_count} challenge answers. Three answers for each sign-in of the quota are \
              free, and further answers count against the quota.",
        what_to_do: "Plan for {sustained} per second, let remembered devices replace MFA, or request a \
                     higher quota.",
        rests_on: &[Text("SEMANTICS f", Documented), Rule("not-suppressed")],
    },
    Entry {
        id: "remembered-for-ever",
        severity: Low,
        applies: tracks,
        cells: CellCount::Uncounted,
        headline: "Remembered devices never expire.",
        why: "Cognito forgets no device because of its age, and documents no limit on the number of \
              devices. The effect of a password reset on devices is not documented either.",
        what_to_do: "Forget devices from the app or from a job of your own, by their \
                     DeviceLastAuthenticatedDate.",
        rests_on: &[Text("SEMANTICS a.5", Documented)],
    },
    Entry {
        id: "list-shows-remembered-only",
        severity: Low,
        applies: opt_in,
        cells: CellCount::Uncounted,
        headline: "A user's own list of devices contains only remembered devices.",
        why: "ListDevices and GetDevice do not return a confirmed device that is not remembered, but \
              AdminListDevices and AdminGetDevice do. UpdateDeviceStatus works on it as well.",
        what_to_do: "Do not build \"remember this device?\" on ListDevices; keep the key from \
                     ConfirmDevice.",
        rests_on: &[Text("SEMANTICS a.5", Observed)],
    },
    Entry {
        id: "allowed-addresses-unchecked",
        severity: Medium,
        applies: |s| {
            enforced(s) && !s.exceptions.skipped.is_empty() && (s.blocks_compromised || has_any_action(s))
        },
        cells: CellCount::Any(Situation(|facts| facts.circumstances.address = AddressStatus::Skipped)),
        headline: "For addresses that are always allowed, neither risk nor a compromised password stops a \
                   sign-in.",
        why: "The pool does not evaluate addresses in SkippedIPRangeList: they have no risk level and no \
              action, and a compromised password is accepted. The cells are those whose decision changes \
              for such an address.",
        what_to_do: "Limit the list to addresses that only you use, never those of a carrier or a shared \
                     proxy, and let the pool itself require MFA there.",
        rests_on: &[Rule("address-allowed"), Text("SEMANTICS c.4", Documented)],
    },
    Entry {
        id: "compromised-not-checked",
        severity: Low,
        applies: |s| s.blocks_compromised && enforced(s),
        cells: CellCount::Uncounted,
        headline: "The pool does not check for compromised passwords in SRP sign-ins.",
        why: "It never sees the password in SRP. It checks a password that it receives: in \
              USER_PASSWORD_AUTH, at sign-up and when the password changes.",
        what_to_do: "Do not rely on this check for users who sign in with USER_SRP_AUTH.",
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
        headline: "A block by risk also applies to remembered devices.",
        why: "The pool evaluates risk before it checks the device: a user of a remembered device also sees \
              \"Unable to login because of security reasons.\".",
        what_to_do: "Inform your support team about the message, and mark false alarms with \
                     AdminUpdateAuthEventFeedback.",
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
        headline: "A sign-in with an unknown device key fails until the client drops the key.",
        why: "The pool answers a forgotten, unconfirmed or foreign key with \"Device does not exist.\" \
              after the right password. The client must drop the key and answer the same challenge again.",
        what_to_do: "Check that your client drops the key and retries; otherwise its user cannot sign in \
                     any more.",
        rests_on: &[],
    },
];
