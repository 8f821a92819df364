//! The judge: facts of a sign-in in, the decision that the documentation asks for out, and a verdict on what was seen.
//!
//! It shares its sources with the pool and not one line of code: it imports neither the pool nor the client nor any
//! arithmetic, so that a mistake would have to be made twice to go unseen.

mod decision;
mod explain;
mod facts;
mod judge;
mod lock;
mod rules;

pub use decision::{Confidence, Decision, Outcome, RuleId, Verdict};
pub use explain::{Answer, Explanation, Otherwise, explain};
pub use facts::{Claim, Device, Facts, Lock};
pub use judge::{expect, judge, rules, says};
pub use lock::{Between, LockBook};
