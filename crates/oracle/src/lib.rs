//! The judge: facts of a sign-in in, the decision that the documentation asks for out, and a verdict on what was seen.
//!
//! It shares its sources with the pool and not one line of code: it imports neither the pool nor the client nor any
//! arithmetic, so that a mistake would have to be made twice to go unseen.

mod decision;
mod explain;
mod facts;
mod judge;
mod lockout;
mod ranges;
mod refresh;
mod risk;
mod rules;
mod token_facts;

pub use decision::{Confidence, Decision, Judgement, Outcome, RuleId, Situation};
pub use explain::{Alternative, Answer, Explanation, explain};
pub use facts::{AddressStatus, Circumstances, Claim, Device, Facts, Flow, LockoutState};
pub use judge::{description, expect, judge, rules};
pub use lockout::{LockoutTracker, RequestInterval};
pub use ranges::address_status;
pub use refresh::{RefreshTokenTracker, expect_refresh, judge_refresh};
pub use risk::RiskEstimator;
pub use token_facts::{BoundDevice, PresentedKey, Revocation, TokenFacts};
