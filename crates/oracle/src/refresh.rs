//! The judge's own book on refresh tokens (SEMANTICS a.6), kept from outside: which live, and which device each hangs on.

use std::collections::VecDeque;

use super::decision::{Confidence, Decision, Judgement, Outcome, RuleId, Situation};
use super::token_facts::{BoundDevice, PresentedKey, Revocation, TokenFacts};
use poolproof_cognito::ids::DeviceKey;

use Confidence::{Documented, Inferred, Observed};

struct Rule {
    name: RuleId,
    description: &'static str,
    fits: fn(&TokenFacts) -> bool,
    outcome: Outcome,
}

const fn rule(
    id: &'static str,
    confidence: Confidence,
    description: &'static str,
    fits: fn(&TokenFacts) -> bool,
    outcome: Outcome,
) -> Rule {
    Rule { name: RuleId { id, source: "SEMANTICS a.6", confidence }, description, fits, outcome }
}

/// All rules on refresh tokens, in the order in which they are read.
#[rustfmt::skip]
const RULES: [Rule; 8] = [
    rule("refresh-revoked", Documented,
        "A refresh token that was revoked gives no more tokens.",
        |facts| facts.revocation == Revocation::Revoked, Outcome::RefreshRevoked),
    rule("refresh-signed-out", Documented,
        "Signing out everywhere ends all refresh tokens that were given before.",
        |facts| facts.revocation == Revocation::SignedOut, Outcome::RefreshRevoked),
    rule("refresh-untracked", Observed,
        "Where no devices are tracked, a refresh token needs no device's key, and any is ignored.",
        |facts| !facts.tracked, Outcome::Tokens),
    rule("refresh-unbound", Inferred,
        "A refresh token from before devices were tracked hangs on none.",
        |facts| facts.bound == BoundDevice::Nothing, Outcome::Tokens),
    rule("refresh-device-forgotten", Observed,
        "A refresh token ends with the device that it was given to.",
        |facts| facts.bound == BoundDevice::Forgotten, Outcome::RefreshInvalid),
    rule("refresh-device-unconfirmed", Observed,
        "A refresh token is worth nothing until its device was confirmed.",
        |facts| facts.bound == BoundDevice::Unconfirmed, Outcome::RefreshInvalid),
    rule("refresh-without-device", Observed,
        "A refresh token without the key of its device, or with another key, gives nothing.",
        |facts| facts.named != PresentedKey::Same, Outcome::RefreshInvalid),
    rule("refresh", Observed,
        "A refresh token with the key of its confirmed device gives new tokens.",
        |_| true, Outcome::Tokens),
];

/// The rules on refresh tokens, each with its sentence.
pub(super) fn refresh_rules() -> impl Iterator<Item = (RuleId, &'static str)> {
    RULES.iter().map(|rule| (rule.name, rule.description))
}

fn applicable_rule(facts: &TokenFacts) -> &'static Rule {
    let found = RULES.iter().find(|rule| (rule.fits)(facts));
    found.unwrap_or_else(|| unreachable!("the last rule fits everything"))
}

/// What is to come of sending a refresh token in, and the rule that says so.
pub fn expect_refresh(facts: &TokenFacts) -> (RuleId, Decision) {
    let rule = applicable_rule(facts);
    (rule.name, decision(rule.outcome))
}

/// Judges what came of sending a refresh token in.
pub fn judge_refresh(facts: TokenFacts, seen: Outcome) -> Judgement {
    let (rule, expected) = expect_refresh(&facts);
    Judgement { rule, situation: Situation::Refresh(facts), expected, seen: decision(seen) }
}

const fn decision(outcome: Outcome) -> Decision {
    Decision { challenges: Vec::new(), outcome, new_device: false }
}

/// The refresh tokens of one user, as far as an outsider knows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RefreshTokenTracker(VecDeque<TrackedToken>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct TrackedToken {
    sign_in_id: u64,
    device: Option<DeviceKey>,
    bound: BoundDevice,
    revocation: Revocation,
}

impl RefreshTokenTracker {
    /// Tokens that are remembered; of more, the first are not asked about any more.
    pub const CAPACITY: usize = 4;

    /// Notes that the sign-in with this number gave a token, bound to this device.
    pub fn record_issued(&mut self, sign_in_id: u64, device: Option<(DeviceKey, BoundDevice)>) {
        let bound = device.as_ref().map_or(BoundDevice::Nothing, |(_, bound)| *bound);
        let device = device.map(|(key, _)| key);
        self.0.push_back(TrackedToken { sign_in_id, device, bound, revocation: Revocation::Not });
        if self.0.len() > Self::CAPACITY {
            self.0.pop_front();
        }
    }

    /// Notes that the token of this sign-in was revoked.
    pub fn record_revoked(&mut self, sign_in_id: u64) {
        for token in self.0.iter_mut().filter(|token| token.sign_in_id == sign_in_id) {
            token.revocation = Revocation::Revoked;
        }
    }

    /// Notes that the user has signed out everywhere.
    pub fn record_signed_out(&mut self) {
        for token in self.0.iter_mut().filter(|token| token.revocation == Revocation::Not) {
            token.revocation = Revocation::SignedOut;
        }
    }

    /// Notes that this device was forgotten.
    pub fn record_forgotten(&mut self, device: &DeviceKey) {
        for token in self.0.iter_mut().filter(|token| token.device.as_ref() == Some(device)) {
            token.bound = BoundDevice::Forgotten;
        }
    }

    /// The situation of the token of this sign-in when it is sent in with this key; nothing if it is not remembered.
    pub fn facts(&self, tracked: bool, sign_in_id: u64, named: Option<&DeviceKey>) -> Option<TokenFacts> {
        let token = self.0.iter().find(|token| token.sign_in_id == sign_in_id)?;
        let named = match named {
            None => PresentedKey::Nothing,
            named if named == token.device.as_ref() => PresentedKey::Same,
            Some(_) => PresentedKey::Other,
        };
        Some(TokenFacts { tracked, bound: token.bound, named, revocation: token.revocation })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_refresh_has_a_rule_and_no_rule_is_dead() {
        let mut met = BTreeSet::new();
        for tracked in [false, true] {
            for bound in [
                BoundDevice::Nothing,
                BoundDevice::Confirmed,
                BoundDevice::Unconfirmed,
                BoundDevice::Forgotten,
            ] {
                for named in [PresentedKey::Nothing, PresentedKey::Same, PresentedKey::Other] {
                    for revocation in [Revocation::Not, Revocation::Revoked, Revocation::SignedOut] {
                        met.insert(
                            applicable_rule(&TokenFacts { tracked, bound, named, revocation }).name.id,
                        );
                    }
                }
            }
        }
        assert_eq!(met, refresh_rules().map(|(rule, _)| rule.id).collect());
        assert_eq!(met.len(), RULES.len(), "ids are unique");
    }

    #[test]
    fn a_book_follows_each_token_to_its_end() {
        let (mut tracker, key) = (RefreshTokenTracker::default(), DeviceKey::new("r_1"));
        for sign_in_id in 1..=5 {
            tracker.record_issued(sign_in_id, Some((key.clone(), BoundDevice::Confirmed)));
        }
        let facts = |tracker: &RefreshTokenTracker, sign_in_id| tracker.facts(true, sign_in_id, Some(&key));
        assert_eq!(facts(&tracker, 1), None, "the first of five is not remembered");
        tracker.record_revoked(3);
        tracker.record_signed_out();
        tracker.record_forgotten(&key);
        let revocation = |tracker: &RefreshTokenTracker, sign_in_id| {
            facts(tracker, sign_in_id).map(|facts| (facts.bound, facts.revocation))
        };
        assert_eq!(revocation(&tracker, 2), Some((BoundDevice::Forgotten, Revocation::SignedOut)));
        assert_eq!(revocation(&tracker, 3), Some((BoundDevice::Forgotten, Revocation::Revoked)));
    }
}
