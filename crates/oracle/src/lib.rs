//! The oracle: the rules that every sign-in is judged by.
//!
//! The caller describes a sign-in by [`Facts`]: the pool's settings, the user, the device and the attempt.
//! [`expect`] returns the decision that the documentation requires, with the rule behind it. [`judge`]
//! compares that decision with the one that the pool made. [`explain`] lists the questions that lead to the
//! decision. Refresh tokens have rules of their own, see [`judge_refresh`].
//!
//! The oracle reads no clock and sends nothing. It does not depend on the pool or on the client, so that a
//! mistake in one of them cannot hide itself here. [`basis`] returns what a rule rests on: public texts, each
//! with address and date. The rules and their sources are listed in docs/semantics.md.
//!
//! ```
//! use poolproof_cognito::policy::{Factors, MfaMode, RememberMode, RiskNote};
//! use poolproof_oracle::{Circumstances, Claim, Device, Facts, LockoutState, expect, judge};
//!
//! let facts = Facts {
//!     remember: RememberMode::Always,
//!     suppress_mfa: true,
//!     mfa: MfaMode::Optional,
//!     risk_note: RiskNote::Pool,
//!     strict_mfa_binding: true,
//!     factors: Factors::Totp,
//!     claim: Claim::Right,
//!     device: Device::Remembered,
//!     mfa_bound: true,
//!     device_secret_valid: true,
//!     risk: None,
//!     lock: LockoutState::Unlocked,
//!     circumstances: Circumstances::default(),
//! };
//! let (rule, decision) = expect(&facts);
//! assert_eq!(rule.id, "suppressed");
//! assert_eq!(
//!     decision.to_string(),
//!     "PASSWORD_VERIFIER → DEVICE_SRP_AUTH → DEVICE_PASSWORD_VERIFIER → tokens"
//! );
//! assert!(judge(facts, decision).matches());
//! ```

mod basis;
mod decision;
mod explain;
mod facts;
mod flow_rules;
mod judge;
mod lockout;
mod refresh;
mod risk;
mod rules;
mod sources;
mod token_facts;

pub use basis::{Basis, SWITCHES, Switch, basis};
pub use decision::{Confidence, Decision, Judgement, Outcome, RuleId, Situation};
pub use explain::{Alternative, Answer, Explanation, explain};
pub use facts::{AddressStatus, Circumstances, Claim, Device, Facts, Flow, LockoutState, address_status};
pub use judge::{description, expect, judge, rules};
pub use lockout::{LockoutTracker, RequestInterval};
pub use refresh::{RefreshTokenTracker, expect_refresh, judge_refresh};
pub use risk::RiskEstimator;
pub use sources::Source;
pub use token_facts::{BoundDevice, Exchanged, PresentedKey, Revocation, TokenFacts};
