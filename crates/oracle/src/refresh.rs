//! The rules on refresh tokens, and the oracle's own account of the tokens that a user holds.
//!
//! In a pool that tracks devices, a refresh token is bound to the device of its sign-in.

use std::collections::VecDeque;
use std::time::Duration;

use super::decision::{Confidence, Decision, Judgement, Outcome, RuleId, Situation};
use super::lockout::RequestInterval;
use super::token_facts::{BoundDevice, Exchanged, PresentedKey, Revocation, TokenFacts};
use poolproof_cognito::ids::DeviceKey;

use Confidence::{Documented, Inferred, Observed};

/// A rule on refresh tokens.
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

/// The rules on refresh tokens in order of precedence.
#[rustfmt::skip]
const RULES: [Rule; 10] = [
    rule("refresh-revoked", Documented,
        "A revoked refresh token gives no new tokens.",
        |facts| facts.revocation == Revocation::Revoked, Outcome::RefreshRevoked),
    rule("refresh-signed-out", Documented,
        "GlobalSignOut ends all refresh tokens that were issued before it.",
        |facts| facts.revocation == Revocation::SignedOut, Outcome::RefreshRevoked),
    rule("refresh-reused", Documented,
        "With rotation, a refresh token that was used is refused after its grace period.",
        |facts| facts.exchanged == Exchanged::AfterGrace, Outcome::RefreshReused),
    rule("refresh-untracked", Observed,
        "In a pool that tracks no devices, a refresh token needs no device key, and any key is ignored.",
        |facts| !facts.tracked, Outcome::Tokens),
    rule("refresh-unbound", Inferred,
        "A refresh token that was issued before the pool tracked devices is bound to no device.",
        |facts| facts.bound == BoundDevice::Nothing, Outcome::Tokens),
    rule("refresh-device-forgotten", Observed,
        "Forgetting a device ends the refresh tokens that were issued to it.",
        |facts| facts.bound == BoundDevice::Forgotten, Outcome::RefreshInvalid),
    rule("refresh-device-unconfirmed", Documented,
        "A refresh token is not accepted until its device is confirmed.",
        |facts| facts.bound == BoundDevice::Unconfirmed, Outcome::RefreshInvalid),
    rule("refresh-without-device", Documented,
        "A refresh token is not accepted without the key of its device, or with another key.",
        |facts| facts.named != PresentedKey::Same, Outcome::RefreshInvalid),
    rule("refresh-in-grace", Documented,
        "With rotation, a refresh token that was used gives new tokens until its grace period ends.",
        |facts| facts.exchanged == Exchanged::WithinGrace, Outcome::Tokens),
    rule("refresh", Documented,
        "A refresh token with the key of its confirmed device gives new tokens.",
        |_| true, Outcome::Tokens),
];

/// Returns the rules on refresh tokens, each with its description.
pub(super) fn refresh_rules() -> impl Iterator<Item = (RuleId, &'static str)> {
    RULES.iter().map(|rule| (rule.name, rule.description))
}

fn applicable_rule(facts: &TokenFacts) -> &'static Rule {
    let found = RULES.iter().find(|rule| (rule.fits)(facts));
    found.unwrap_or_else(|| unreachable!("the last rule fits everything"))
}

/// Returns the decision that the rules require, and the rule behind it.
pub fn expect_refresh(facts: &TokenFacts) -> (RuleId, Decision) {
    let rule = applicable_rule(facts);
    (rule.name, decision(rule.outcome))
}

/// Compares the outcome that the client saw with the one that the rules require.
pub fn judge_refresh(facts: TokenFacts, seen: Outcome) -> Judgement {
    let (rule, expected) = expect_refresh(&facts);
    Judgement { rule, situation: Situation::Refresh(facts), expected, seen: decision(seen) }
}

const fn decision(outcome: Outcome) -> Decision {
    Decision { challenges: Vec::new(), outcome, new_device: false }
}

/// Tracks the refresh tokens of one user as far as the client can know them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RefreshTokenTracker(VecDeque<TrackedToken>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct TrackedToken {
    sign_in_id: u64,
    device: Option<DeviceKey>,
    bound: BoundDevice,
    revocation: Revocation,
    /// When the last of its tokens was exchanged, if any was.
    exchanged: Option<RequestInterval>,
}

impl RefreshTokenTracker {
    /// How many tokens a tracker holds. It drops the oldest ones first.
    pub const CAPACITY: usize = 4;

    /// Records the refresh token of a sign-in, and the device that it was issued to.
    pub fn record_issued(&mut self, sign_in_id: u64, device: Option<(DeviceKey, BoundDevice)>) {
        let (device, bound) = device.map_or((None, BoundDevice::Nothing), |(key, bound)| (Some(key), bound));
        self.0.push_back(TrackedToken {
            sign_in_id,
            device,
            bound,
            revocation: Revocation::Not,
            exchanged: None,
        });
        if self.0.len() > Self::CAPACITY {
            self.0.pop_front();
        }
    }

    /// Records that the token of this sign-in was revoked.
    pub fn record_revoked(&mut self, sign_in_id: u64) {
        for token in self.0.iter_mut().filter(|token| token.sign_in_id == sign_in_id) {
            token.revocation = Revocation::Revoked;
        }
    }

    /// Records that the current token of this sign-in was exchanged for another one in this request.
    pub fn record_exchanged(&mut self, sign_in_id: u64, when: RequestInterval) {
        for token in self.0.iter_mut().filter(|token| token.sign_in_id == sign_in_id) {
            token.exchanged = Some(when);
        }
    }

    /// Forgets the tokens of this sign-in: a request with one of them got no answer, so they may have been
    /// exchanged.
    pub fn record_unknown(&mut self, sign_in_id: u64) {
        self.0.retain(|token| token.sign_in_id != sign_in_id);
    }

    /// Returns whether the token before the current one of this sign-in can still be used in a request at
    /// `when`; `None` if the times do not show it, or if there is no such token.
    pub fn exchanged(&self, sign_in_id: u64, when: RequestInterval, grace: Duration) -> Option<Exchanged> {
        let token = self.0.iter().find(|token| token.sign_in_id == sign_in_id)?;
        let exchange = token.exchanged?;
        if when.answered < exchange.sent.plus(grace) {
            Some(Exchanged::WithinGrace)
        } else if when.sent >= exchange.answered.plus(grace) {
            Some(Exchanged::AfterGrace)
        } else {
            None
        }
    }

    /// Records that the user has signed out everywhere.
    pub fn record_signed_out(&mut self) {
        for token in self.0.iter_mut().filter(|token| token.revocation == Revocation::Not) {
            token.revocation = Revocation::SignedOut;
        }
    }

    /// Records that this device was forgotten.
    pub fn record_forgotten(&mut self, device: &DeviceKey) {
        for token in self.0.iter_mut().filter(|token| token.device.as_ref() == Some(device)) {
            token.bound = BoundDevice::Forgotten;
        }
    }

    /// Returns the facts of a request with the current token of this sign-in and the key `named`; `None` if
    /// the token is not tracked.
    pub fn facts(&self, tracked: bool, sign_in_id: u64, named: Option<&DeviceKey>) -> Option<TokenFacts> {
        let token = self.0.iter().find(|token| token.sign_in_id == sign_in_id)?;
        let named = match named {
            None => PresentedKey::Nothing,
            named if named == token.device.as_ref() => PresentedKey::Same,
            Some(_) => PresentedKey::Other,
        };
        Some(TokenFacts {
            tracked,
            bound: token.bound,
            named,
            revocation: token.revocation,
            exchanged: Exchanged::Not,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use poolproof_cognito::time::Timestamp;

    #[test]
    fn every_request_has_a_rule_and_every_rule_applies_somewhere() {
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
                        for exchanged in [Exchanged::Not, Exchanged::WithinGrace, Exchanged::AfterGrace] {
                            let facts = TokenFacts { tracked, bound, named, revocation, exchanged };
                            met.insert(applicable_rule(&facts).name.id);
                        }
                    }
                }
            }
        }
        assert_eq!(met, refresh_rules().map(|(rule, _)| rule.id).collect());
        assert_eq!(met.len(), RULES.len(), "ids are unique");
    }

    #[test]
    fn tracker_follows_each_token() {
        let (mut tracker, key) = (RefreshTokenTracker::default(), DeviceKey::new("r_1"));
        for sign_in_id in 1..=5 {
            tracker.record_issued(sign_in_id, Some((key.clone(), BoundDevice::Confirmed)));
        }
        let facts = |tracker: &RefreshTokenTracker, sign_in_id| tracker.facts(true, sign_in_id, Some(&key));
        assert_eq!(facts(&tracker, 1), None, "the first of five is dropped");
        tracker.record_revoked(3);
        tracker.record_signed_out();
        tracker.record_forgotten(&key);
        let revocation = |tracker: &RefreshTokenTracker, sign_in_id| {
            facts(tracker, sign_in_id).map(|facts| (facts.bound, facts.revocation))
        };
        assert_eq!(revocation(&tracker, 2), Some((BoundDevice::Forgotten, Revocation::SignedOut)));
        assert_eq!(revocation(&tracker, 3), Some((BoundDevice::Forgotten, Revocation::Revoked)));
    }

    #[test]
    fn the_grace_period_starts_between_request_and_answer() {
        let at = |sent: u64, answered: u64| RequestInterval {
            sent: Timestamp::from_us(sent),
            answered: Timestamp::from_us(answered),
        };
        let grace = Duration::from_micros(100);
        let mut tracker = RefreshTokenTracker::default();
        tracker.record_issued(1, None);
        assert_eq!(tracker.exchanged(1, at(10, 12), grace), None, "no token was exchanged");
        tracker.record_exchanged(1, at(10, 14));
        assert_eq!(tracker.exchanged(1, at(20, 109), grace), Some(Exchanged::WithinGrace));
        assert_eq!(tracker.exchanged(1, at(20, 110), grace), None);
        assert_eq!(tracker.exchanged(1, at(113, 200), grace), None);
        assert_eq!(tracker.exchanged(1, at(114, 200), grace), Some(Exchanged::AfterGrace));
        tracker.record_unknown(1);
        assert_eq!(tracker.exchanged(1, at(114, 200), grace), None);
    }
}
