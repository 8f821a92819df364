//! The judge's own book on refresh tokens (SEMANTICS a.6), kept from outside: which live, and which device each hangs on.

use std::collections::VecDeque;

use super::decision::{Confidence, Decision, Outcome, RuleId, Situation, Verdict};
use super::token_facts::{Bound, Ended, Named, TokenFacts};
use poolproof_cognito::ids::DeviceKey;

use Confidence::{Documented, Inferred, Observed};

struct Rule {
    name: RuleId,
    says: &'static str,
    fits: fn(&TokenFacts) -> bool,
    outcome: Outcome,
}

const fn rule(
    id: &'static str,
    confidence: Confidence,
    says: &'static str,
    fits: fn(&TokenFacts) -> bool,
    outcome: Outcome,
) -> Rule {
    Rule { name: RuleId { id, source: "SEMANTICS a.6", confidence }, says, fits, outcome }
}

/// All rules on refresh tokens, in the order in which they are read.
#[rustfmt::skip]
const RULES: [Rule; 8] = [
    rule("refresh-revoked", Documented,
        "A refresh token that was revoked gives no more tokens.",
        |facts| facts.ended == Ended::Revoked, Outcome::RefreshRevoked),
    rule("refresh-signed-out", Documented,
        "Signing out everywhere ends all refresh tokens that were given before.",
        |facts| facts.ended == Ended::SignedOut, Outcome::RefreshRevoked),
    rule("refresh-untracked", Observed,
        "Where no devices are tracked, a refresh token needs no device's key, and any is ignored.",
        |facts| !facts.tracked, Outcome::Tokens),
    rule("refresh-unbound", Inferred,
        "A refresh token from before devices were tracked hangs on none.",
        |facts| facts.bound == Bound::Nothing, Outcome::Tokens),
    rule("refresh-device-forgotten", Observed,
        "A refresh token ends with the device that it was given to.",
        |facts| facts.bound == Bound::Forgotten, Outcome::RefreshInvalid),
    rule("refresh-device-unconfirmed", Observed,
        "A refresh token is worth nothing until its device was confirmed.",
        |facts| facts.bound == Bound::Unconfirmed, Outcome::RefreshInvalid),
    rule("refresh-without-device", Observed,
        "A refresh token without the key of its device, or with another key, gives nothing.",
        |facts| facts.named != Named::Same, Outcome::RefreshInvalid),
    rule("refresh", Observed,
        "A refresh token with the key of its confirmed device gives new tokens.",
        |_| true, Outcome::Tokens),
];

/// The rules on refresh tokens, each with its sentence.
pub(super) fn refresh_rules() -> impl Iterator<Item = (RuleId, &'static str)> {
    RULES.iter().map(|rule| (rule.name, rule.says))
}

fn applicable(facts: &TokenFacts) -> &'static Rule {
    let found = RULES.iter().find(|rule| (rule.fits)(facts));
    found.unwrap_or_else(|| unreachable!("the last rule fits everything"))
}

/// What is to come of sending a refresh token in, and the rule that says so.
pub fn expect_refresh(facts: &TokenFacts) -> (RuleId, Decision) {
    let rule = applicable(facts);
    (rule.name, decision(rule.outcome))
}

/// Judges what came of sending a refresh token in.
pub fn judge_refresh(facts: TokenFacts, seen: Outcome) -> Verdict {
    let (rule, expected) = expect_refresh(&facts);
    Verdict { rule, situation: Situation::Refresh(facts), expected, seen: decision(seen) }
}

const fn decision(outcome: Outcome) -> Decision {
    Decision { challenges: Vec::new(), outcome, new_device: false }
}

/// The refresh tokens of one user, as far as an outsider knows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TokenBook(VecDeque<Kept>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Kept {
    number: u64,
    device: Option<DeviceKey>,
    bound: Bound,
    ended: Ended,
}

impl TokenBook {
    /// Tokens that are remembered; of more, the first are not asked about any more.
    pub const MOST: usize = 4;

    /// Notes that the sign-in with this number gave a token, bound to this device.
    pub fn given(&mut self, number: u64, device: Option<(DeviceKey, Bound)>) {
        let bound = device.as_ref().map_or(Bound::Nothing, |(_, bound)| *bound);
        let device = device.map(|(key, _)| key);
        self.0.push_back(Kept { number, device, bound, ended: Ended::Not });
        if self.0.len() > Self::MOST {
            self.0.pop_front();
        }
    }

    /// Notes that the token of this sign-in was revoked.
    pub fn revoked(&mut self, number: u64) {
        for kept in self.0.iter_mut().filter(|kept| kept.number == number) {
            kept.ended = Ended::Revoked;
        }
    }

    /// Notes that the user has signed out everywhere.
    pub fn signed_out(&mut self) {
        for kept in self.0.iter_mut().filter(|kept| kept.ended == Ended::Not) {
            kept.ended = Ended::SignedOut;
        }
    }

    /// Notes that this device was forgotten.
    pub fn forgot(&mut self, device: &DeviceKey) {
        for kept in self.0.iter_mut().filter(|kept| kept.device.as_ref() == Some(device)) {
            kept.bound = Bound::Forgotten;
        }
    }

    /// The situation of the token of this sign-in when it is sent in with this key; nothing if it is not remembered.
    pub fn facts(&self, tracked: bool, number: u64, named: Option<&DeviceKey>) -> Option<TokenFacts> {
        let kept = self.0.iter().find(|kept| kept.number == number)?;
        let named = match named {
            None => Named::Nothing,
            named if named == kept.device.as_ref() => Named::Same,
            Some(_) => Named::Other,
        };
        Some(TokenFacts { tracked, bound: kept.bound, named, ended: kept.ended })
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
            for bound in [Bound::Nothing, Bound::Confirmed, Bound::Unconfirmed, Bound::Forgotten] {
                for named in [Named::Nothing, Named::Same, Named::Other] {
                    for ended in [Ended::Not, Ended::Revoked, Ended::SignedOut] {
                        met.insert(applicable(&TokenFacts { tracked, bound, named, ended }).name.id);
                    }
                }
            }
        }
        assert_eq!(met, refresh_rules().map(|(rule, _)| rule.id).collect());
        assert_eq!(met.len(), RULES.len(), "ids are unique");
    }

    #[test]
    fn a_book_follows_each_token_to_its_end() {
        let (mut book, key) = (TokenBook::default(), DeviceKey::new("r_1"));
        for number in 1..=5 {
            book.given(number, Some((key.clone(), Bound::Confirmed)));
        }
        let facts = |book: &TokenBook, number| book.facts(true, number, Some(&key));
        assert_eq!(facts(&book, 1), None, "the first of five is not remembered");
        book.revoked(3);
        book.signed_out();
        book.forgot(&key);
        let ended = |book: &TokenBook, number| facts(book, number).map(|facts| (facts.bound, facts.ended));
        assert_eq!(ended(&book, 2), Some((Bound::Forgotten, Ended::SignedOut)));
        assert_eq!(ended(&book, 3), Some((Bound::Forgotten, Ended::Revoked)));
    }
}
