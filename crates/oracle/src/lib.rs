//! The judge: facts of a sign-in in, the decision that the documentation asks for out, and a verdict on what was seen.
//!
//! It shares its sources with the pool and not one line of code: it imports neither the pool nor the client nor any
//! arithmetic, so that a mistake would have to be made twice to go unseen.

mod decision;
mod estimate;
mod explain;
mod facts;
mod judge;
mod lock;
mod ranges;
mod rules;
mod token_facts;
mod tokens;

pub use decision::{Confidence, Decision, Outcome, RuleId, Situation, Verdict};
pub use estimate::RiskBook;
pub use explain::{Answer, Explanation, Otherwise, explain};
pub use facts::{Address, Circumstances, Claim, Device, Facts, Flow, Lock};
pub use judge::{expect, judge, rules, says};
pub use lock::{Between, LockBook};
pub use ranges::standing_of;
pub use token_facts::{Bound, Ended, Named, TokenFacts};
pub use tokens::{TokenBook, expect_refresh, judge_refresh};
