//! The matrix at an endpoint: which of the rules it follows, which it breaks, and which could not be tried there.

mod json;
mod markdown;
mod play;
mod text;
mod trial;
mod trial_user;

pub use json::conformance_json;
pub use markdown::conformance_markdown;
pub use play::{EndpointError, EndpointOptions, play_at_endpoint};
pub use text::conformance_text;
pub use trial::{Trial, trials};

use poolproof_oracle::{Confidence, Decision, RuleId};

/// What became of one trial.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// The endpoint decided so; what else it said, where that tells more.
    Decided(Decision, Option<String>),
    /// It could not be tried, for this reason.
    Untried(String),
}

/// One rule that is broken: what was done, what came, and what was expected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Example {
    /// The situation.
    pub trial: Trial,
    /// What the rule asks for.
    pub expected: Decision,
    /// What came.
    pub actual: Decision,
    /// What the endpoint said that no decision says.
    pub message: Option<String>,
}

/// How an endpoint stands to one rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleResult {
    /// The rule.
    pub rule: RuleId,
    /// The rule in one sentence.
    pub description: &'static str,
    /// Trials that were decided as it asks.
    pub followed: usize,
    /// Trials that were not.
    pub broken: usize,
    /// Trials that could not be made.
    pub untried: usize,
    /// The first trial that was decided otherwise.
    pub example: Option<Example>,
    /// Why the first trial that could not be made could not.
    pub reason: Option<String>,
}

/// How an endpoint stands to the rules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conformance {
    /// Where it is.
    pub target: String,
    /// Whether it could be told how risky a sign-in is to look.
    pub accepts_risk_level: bool,
    /// Whether it was cut short.
    pub partial: bool,
    /// What was made there and could not be removed, each with the reason.
    pub left_behind: Vec<String>,
    /// How many rules the sample had no trial for.
    pub rules_left_out: usize,
    /// The rules that any trial was about, in the order of their table.
    pub rules: Vec<RuleResult>,
}

impl RuleResult {
    /// Whether any trial was made and all were decided as the rule asks.
    pub const fn is_followed(&self) -> bool {
        self.broken == 0 && self.followed > 0
    }

    /// Whether no trial was made.
    pub const fn is_untried(&self) -> bool {
        self.broken == 0 && self.followed == 0
    }
}

impl Conformance {
    /// The rules of this confidence, or of any.
    pub fn of(&self, confidence: Option<Confidence>) -> impl Iterator<Item = &RuleResult> {
        self.rules.iter().filter(move |one| confidence.is_none_or(|wanted| one.rule.confidence == wanted))
    }

    /// Whether a rule is broken that somebody but us says.
    pub fn breaks_known_rule(&self) -> bool {
        self.rules.iter().any(|one| one.broken > 0 && one.rule.confidence != Confidence::Inferred)
    }

    /// Why nothing at all could be tried, where that is so: the first reason.
    pub fn nothing_tried(&self) -> Option<&str> {
        let tried = self.rules.iter().any(|one| !one.is_untried());
        let reason = self.rules.iter().find_map(|one| one.reason.as_deref());
        (!tried).then(|| reason.unwrap_or("there was nothing to try"))
    }

    /// Trials in all: decided as asked, otherwise, and not made.
    pub fn totals(&self) -> (usize, usize, usize) {
        self.rules.iter().fold((0, 0, 0), |(followed, broken, untried), one| {
            (followed + one.followed, broken + one.broken, untried + one.untried)
        })
    }
}
