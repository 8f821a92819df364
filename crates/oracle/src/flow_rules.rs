//! The rules on first factors without a password and on custom challenges. They override the rule that
//! applies to the rest of the sign-in.

use super::decision::{Confidence, RuleId};

use Confidence::{Documented, Inferred, Observed};

const fn rule(id: &'static str, confidence: Confidence) -> RuleId {
    RuleId { id, source: "SEMANTICS a.8", confidence }
}

pub(super) const CODE_NOT_OFFERED: RuleId = rule("first-factor-code-not-offered", Documented);
pub(super) const CODE_WITHOUT_PROOF: RuleId = rule("first-factor-code-no-proof", Inferred);
pub(super) const CUSTOM_WRONG_ANSWER: RuleId = rule("custom-wrong-answer", Inferred);
pub(super) const CUSTOM_MFA: RuleId = rule("custom-mfa-after-password", Observed);
pub(super) const CUSTOM_DEVICE_UNKNOWN: RuleId = rule("custom-device-unknown", Inferred);
pub(super) const CUSTOM_DEVICE_PROOF: RuleId = rule("custom-device-proof", Documented);
pub(super) const CUSTOM_NO_NEW_DEVICE: RuleId = rule("custom-no-new-device", Observed);
pub(super) const CUSTOM_NEW_DEVICE: RuleId = rule("custom-new-device", Observed);
pub(super) const CUSTOM_ANSWERED: RuleId = rule("custom-answered", Documented);

/// The rules, each in one sentence.
pub(super) const FLOW_RULES: [(RuleId, &str); 9] = [
    (
        CODE_NOT_OFFERED,
        "A code is not offered as the first factor if the user lacks the address or an MFA would follow: the client \
         proves the password instead.",
    ),
    (
        CODE_WITHOUT_PROOF,
        "After a code as the first factor a remembered device does not prove its secret, unless \
         `passwordless_device_proof` is set.",
    ),
    (CUSTOM_WRONG_ANSWER, "The third wrong answer to custom challenges refuses the sign-in."),
    (CUSTOM_MFA, "If an MFA is due after the password, it takes the place of the custom challenges."),
    (
        CUSTOM_DEVICE_UNKNOWN,
        "After custom challenges the last answer is refused if its device key does not exist.",
    ),
    (CUSTOM_DEVICE_PROOF, "After custom challenges a remembered device must still prove its secret."),
    (CUSTOM_NO_NEW_DEVICE, "After custom challenges a new device gets no key."),
    (
        CUSTOM_NEW_DEVICE,
        "After custom challenges a new device gets a key if `custom_auth_devices` allows it.",
    ),
    (CUSTOM_ANSWERED, "Right answers to all custom challenges are enough to sign in."),
];
