//! The sources of each rule and each switch.

use super::decision::{Confidence, RuleId};
use super::sources::*;

/// The sources of a rule or a switch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Basis {
    /// A summary of the sources, and this project's reading of them.
    pub note: &'static str,
    /// The sources.
    pub sources: &'static [Source],
}

/// A choice in `pool.switches`: a question that the documentation leaves open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Switch {
    /// Its key in `pool.switches`.
    pub name: &'static str,
    /// The behavior that it changes.
    pub description: &'static str,
    /// How well its default is known.
    pub confidence: Confidence,
    /// The sources of its default.
    pub basis: Basis,
}

/// Returns the sources of a rule. Every rule of [`rules`](super::rules) has an entry.
pub fn basis(rule: RuleId) -> Option<Basis> {
    RULES.iter().find(|(id, _)| *id == rule.id).map(|(_, basis)| *basis)
}

const fn on(note: &'static str, sources: &'static [Source]) -> Basis {
    Basis { note, sources }
}

/// The switches of a pool.
#[rustfmt::skip]
pub const SWITCHES: &[Switch] = &[
    Switch {
        name: "risk_note",
        description: "Which sign-ins the Note covers: all of the pool (`pool`), those from remembered devices \
                      (`device`), or none (`off`).",
        confidence: Confidence::FormerlyDocumented,
        basis: on("The Note is read literally: it names settings of the pool and no device. Today's page does not \
                   have it.", &[ARCHIVED_DEVICES, DEVICES]),
    },
    Switch {
        name: "strict_mfa_binding",
        description: "Whether a device replaces an MFA only after it has completed one.",
        confidence: Confidence::Observed,
        basis: on("Three independent reports. AWS does not document it.",
            &[AMPLIFY_8977, AMPLIFY_932, AMPLIFY_4174]),
    },
    Switch {
        name: "claims",
        description: "Whether a password claim is accepted any number of times until its challenge expires \
                      (`cognito`) or refused once it has led to tokens (`once`).",
        confidence: Confidence::Observed,
        basis: on("MiniStack measured it. Clients send a claim again when the device is unknown.",
            &[MINISTACK, IDENTITY_206]),
    },
    Switch {
        name: "custom_auth_devices",
        description: "Which custom sign-ins get the key of a new device: none (`never`), those with a password first \
                      (`after_password`), or all (`always`).",
        confidence: Confidence::Observed,
        basis: on("Reports contradict each other. The default follows the answer of a maintainer.",
            &[AMPLIFY_14909, AMPLIFY_2705, FLUTTER_3541]),
    },
    Switch {
        name: "passwordless_device_proof",
        description: "Whether a remembered device proves itself after a code as the first factor.",
        confidence: Confidence::Inferred,
        basis: on("No source says it. The page describes the device proof only as a replacement for MFA.", &[DEVICES]),
    },
    Switch {
        name: "email_mfa_suppressed",
        description: "Whether a remembered device replaces an MFA by e-mail as it does other MFAs.",
        confidence: Confidence::Documented,
        basis: on("The reference names e-mail as a factor like the others. One report saw an MFA by e-mail on a \
                   remembered device.", &[API_EMAIL_MFA, AMPLIFY_14349]),
    },
    Switch {
        name: "proof_after_mfa",
        description: "Which device that an MFA answer names must prove its secret: a remembered one (`remembered`) or \
                      every confirmed one (`confirmed`).",
        confidence: Confidence::Inferred,
        basis: on("The page requires nothing of a device that is not remembered. Clients answer the device's challenge \
                   after an MFA for any device that they have stored.", &[DEVICES, AMPLIFY_14626, ANDROID_3289]),
    },
    Switch {
        name: "risk_mfa_setup",
        description: "Whether risk with `mfa_if_configured` asks a user without a registered factor to set up an \
                      authenticator app.",
        confidence: Confidence::Inferred,
        basis: on("The reference contradicts itself: it allows the sign-in of a user without a factor, and speaks of \
                   methods that the user can set up.", &[API_TAKEOVER_ACTION]),
    },
];

const NOTE_READING: Basis =
    on("Our reading of the Note on the archived page. Today's page does not have it.", &[ARCHIVED_DEVICES]);
const BINDING_REPORTS: &[Source] = &[AMPLIFY_8977, AMPLIFY_932, AMPLIFY_4174];
const ADAPTIVE_READING: Basis = on("Our reading of the page.", &[ADAPTIVE]);
const DOCUMENTED_RISK: Basis = on("AWS documents it.", &[ADAPTIVE, API_TAKEOVER_ACTION]);
const DOCUMENTED_DEVICES: Basis = on("AWS documents it.", &[DEVICES]);
const DEVICES_READING: Basis = on("Our reading of the page.", &[DEVICES]);

#[rustfmt::skip]
const RULES: &[(&str, Basis)] = &[
    ("email-mfa-kept", on("One report saw an MFA by e-mail on a remembered device.", &[AMPLIFY_14349])),
    ("proof-after-mfa", on("Our reading of clients that answer the device's challenge after an MFA.",
        &[AMPLIFY_14626, ANDROID_3289])),
    ("risk-mfa-setup", on("The reference speaks of methods that the user can set up.", &[API_TAKEOVER_ACTION])),
    ("locked-out", on("AWS documents it. The text of the refusal is from the issue.", &[LOCKOUT, IDENTITY_506])),
    ("wrong-password", on("Measured on a real user pool.", &[MINISTACK_1758])),
    ("replayed-claim", on("No source requires it. The default, `claims: cognito`, follows MiniStack, which measured \
        that Cognito accepts any number of answers until the challenge expires.", &[MINISTACK])),
    ("reset-required", on("The reference names the exception. The issue shows that it follows the right password.",
        &[API_INITIATE_AUTH, AMPLIFY_4890])),
    ("address-blocked", on("AWS documents it. The text of the refusal is from applications that check for it. \
        Our reading: the password is checked first.", &[API_RISK_EXCEPTION])),
    ("compromised-blocked", on("AWS documents it. The text of the refusal is not published: that of a blocking risk \
        is used.", &[COMPROMISED])),
    ("risk-block", on("AWS documents it. The text of the refusal is from applications that check for it. Our \
        reading: the risk is checked before the device.", &[ADAPTIVE, API_TAKEOVER_ACTION])),
    ("device-issued", on("No source describes a sign-in with such a key. Operations on such a device are refused.",
        &[NET_10])),
    ("device-unknown", on("Reported, and handled by clients.", &[IDENTITY_200, IDENTITY_206, ANDROID_2603])),
    ("note-device", on("A Note on the archived page. Today's page does not have it.", &[ARCHIVED_DEVICES, DEVICES])),
    ("note-device-no-factor", NOTE_READING),
    ("note-device-unbound", on("The Note on the archived page, and reports on MFA binding.",
        &[ARCHIVED_DEVICES, AMPLIFY_8977, AMPLIFY_932, AMPLIFY_4174])),
    ("note-device-unbound-no-mfa", NOTE_READING),
    ("note-new-mfa", on("By the archived page's Note, only the MFA of risk is ignored. Today's page has no Note.",
        &[ARCHIVED_DEVICES, MFA])),
    ("note-new", NOTE_READING),
    ("note-not-remembered-mfa", on("By the archived page's Note, only the MFA of risk is ignored. Today's page has \
        no Note.", &[ARCHIVED_DEVICES, MFA])),
    ("note-not-remembered", NOTE_READING),
    ("risk-required-mfa-off", ADAPTIVE_READING),
    ("risk-required-no-factor", on("The reference says that the request is blocked. The archived page says that \
        the user is asked to set a factor up: the two contradict each other.",
        &[API_TAKEOVER_ACTION, ARCHIVED_SECURITY])),
    ("risk-required-no-factor-on", on("Our reading of the reference.", &[API_TAKEOVER_ACTION])),
    ("risk-mfa-remembered", ADAPTIVE_READING),
    ("risk-mfa-new", DOCUMENTED_RISK),
    ("risk-mfa-new-on", ADAPTIVE_READING),
    ("risk-mfa", DOCUMENTED_RISK),
    ("risk-mfa-on", ADAPTIVE_READING),
    ("untracked-mfa", on("AWS documents it.", &[DEVICES, MFA])),
    ("untracked", on("AWS documents it.", &[DEVICES, MFA])),
    ("untracked-key-ignored-mfa", DEVICES_READING),
    ("untracked-key-ignored", DEVICES_READING),
    ("suppressed", DOCUMENTED_DEVICES),
    ("suppressed-no-factor", DEVICES_READING),
    ("suppression-unbound", on("Three independent reports.", BINDING_REPORTS)),
    ("not-suppressed", on("The page describes the MFA. Clients expect the device proof after it.",
        &[DEVICES, AMPLIFY_14626, ANDROID_3289])),
    ("not-suppressed-no-factor", DEVICES_READING),
    ("remembered-always", DOCUMENTED_DEVICES),
    ("remembered-opt-in", on("Clients answer the device's challenge in both modes.", &[AMPLIFY_DEVICES])),
    ("not-remembered-mfa", on("AWS documents it.", &[DEVICES, AMPLIFY_DEVICES])),
    ("not-remembered", on("AWS documents it.", &[DEVICES, AMPLIFY_DEVICES])),
    ("new-device-mfa", DOCUMENTED_DEVICES),
    ("new-device-mfa-setup", on("AWS documents the setup. The issue shows that a key follows.",
        &[MFA, AMPLIFY_DOCS_2093])),
    ("new-device", DOCUMENTED_DEVICES),
    ("wrong-device-secret", on("Reported with the texts of Cognito's answers.", &[DART_62, NET_73])),
    ("mfa-answer-without-key", on("Clients that left the key out got a new device at each sign-in with MFA.",
        &[AMPLIFY_14622, AMPLIFY_14626, ANDROID_3289])),
    ("address-allowed", on("AWS documents it. No source covers an address on both lists or compromised passwords. \
        Our reading: the blocked list takes precedence, and passwords are not checked.", &[API_RISK_EXCEPTION])),
    ("compromised-srp", on("AWS documents it: the pool never sees a password that is proved by SRP.", &[COMPROMISED])),
    ("refresh-revoked", on("AWS documents it.", &[API_REVOKE_TOKEN, REVOCATION])),
    ("refresh-signed-out", on("AWS documents it.", &[API_GLOBAL_SIGN_OUT, REVOCATION])),
    ("refresh-untracked", on("With device tracking off, the same refresh succeeds.", &[CPP_851, JAVA_2841])),
    ("refresh-unbound", on("Our reading: the page speaks of devices that the pool remembers.", &[REFRESH_TOKENS])),
    ("refresh-device-forgotten", on("The post says it, and the issue quotes it.", &[BLOG, AMPLIFY_2962])),
    ("refresh-device-unconfirmed", on("The reference requires the key of a confirmed device.", &[API_REFRESH, ANDROID_2506])),
    ("refresh-without-device", on("The reference requires the key. The reports show the refusal.",
        &[API_REFRESH, CPP_851, JAVA_2841, ANDROID_3394, SWIFT_4207])),
    ("refresh-reused", on("AWS documents it.", &[REFRESH_TOKENS])),
    ("refresh-in-grace", on("AWS documents it.", &[REFRESH_TOKENS])),
    ("refresh", on("AWS documents it.", &[API_REFRESH])),
    ("first-factor-code-not-offered", on("AWS documents it.", &[MFA, API_SIGN_IN_POLICY])),
    ("first-factor-code-no-proof", on("No source says it. The page describes the device proof only as a replacement \
        for MFA, and no MFA follows a code.", &[DEVICES])),
    ("custom-wrong-answer", on("AWS leaves it to the trigger. Its examples allow three answers.", &[CUSTOM_AUTH])),
    ("custom-mfa-after-password", on("No trigger is called after the password, and the MFA leads to tokens.",
        &[AMPLIFY_3876])),
    ("custom-device-unknown", on("No source says at which answer the pool checks the key. Clients answer again \
        without the key.", &[DEVICES])),
    ("custom-device-proof", DOCUMENTED_DEVICES),
    ("custom-no-new-device", on("A maintainer's answer, and a report on sign-ins without a password.",
        &[AMPLIFY_14909, AMPLIFY_2705])),
    ("custom-new-device", on("One report on sign-ins with a password, and one on all sign-ins.", &[AMPLIFY_2705, FLUTTER_3541])),
    ("custom-answered", on("AWS documents it: `issueTokens` ends the sign-in.", &[CUSTOM_AUTH])),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::rules;

    /// Whether `text` is a day as in `2026-11-30`.
    fn is_date(text: &str) -> bool {
        let parts: Vec<&str> = text.split('-').collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        lengths == [4, 2, 2] && parts.iter().all(|part| part.parse::<u32>().is_ok())
    }

    fn assert_complete(name: &str, basis: Basis) {
        assert!(basis.note.ends_with('.'), "{name}: {}", basis.note);
        assert!(!basis.sources.is_empty(), "{name} has no sources");
        for source in basis.sources {
            assert!(source.title.len() > 10, "{name}: {source:?}");
            assert!(source.address.starts_with("https://") && !source.address.contains(' '), "{source:?}");
            assert!(is_date(source.date), "{name}: {source:?}");
        }
    }

    #[test]
    fn every_rule_and_every_switch_has_sources() {
        for rule in rules() {
            let basis = basis(rule).unwrap_or_else(|| panic!("{} has no sources", rule.id));
            assert_complete(rule.id, basis);
        }
        for switch in SWITCHES {
            assert_complete(switch.name, switch.basis);
        }
    }

    #[test]
    fn every_entry_belongs_to_a_rule() {
        let ids: Vec<&str> = RULES.iter().map(|(id, _)| *id).collect();
        assert!(ids.iter().all(|id| rules().any(|rule| rule.id == *id)), "{ids:?}");
        assert_eq!(ids.len(), rules().count(), "an id is in the table twice");
    }

    /// A documented rule needs a current page of AWS, and a formerly documented rule an archived page.
    #[test]
    fn confidence_agrees_with_the_sources() {
        let is_page = |source: &Source| source.address.starts_with("https://docs.aws.amazon.com/");
        let is_archived = |source: &Source| source.address.contains("/awsdocs/");
        let named = rules().filter_map(|rule| Some((rule.id, rule.confidence, basis(rule)?)));
        let switches = SWITCHES.iter().map(|switch| (switch.name, switch.confidence, switch.basis));
        for (name, confidence, basis) in named.chain(switches) {
            let has = |kind: &dyn Fn(&Source) -> bool| basis.sources.iter().any(kind);
            match confidence {
                Confidence::Documented => assert!(has(&is_page), "{name}"),
                Confidence::FormerlyDocumented => assert!(has(&is_archived), "{name}"),
                Confidence::Observed | Confidence::Inferred => {}
            }
        }
    }
}
