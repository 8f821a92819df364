//! The conformance of an endpoint: which rules it follows, which it breaks, and which could not be tried.

mod play;
mod render;
mod trial;
mod trial_user;

pub use play::{EndpointError, play_at_endpoint};
pub use render::{conformance_json, conformance_markdown, conformance_text};
pub use trial::{Trial, trials};

use poolproof_oracle::{Confidence, Decision, RuleId};

/// The result of one trial.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// The endpoint's decision, and its message if the decision does not contain it.
    Decided(Decision, Option<String>),
    /// The trial could not be run, for this reason.
    Untried(String),
}

/// A trial in which the endpoint broke a rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Example {
    /// The trial.
    pub trial: Trial,
    /// The decision that the rule requires.
    pub expected: Decision,
    /// The decision of the endpoint.
    pub actual: Decision,
    /// The endpoint's message, if the decision does not contain it.
    pub message: Option<String>,
}

/// The results of all trials of one rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleResult {
    /// The rule.
    pub rule: RuleId,
    /// The rule in one sentence.
    pub description: &'static str,
    /// The number of trials in which the endpoint followed the rule.
    pub followed: usize,
    /// The number of trials in which it broke the rule.
    pub broken: usize,
    /// The number of trials that could not be run.
    pub untried: usize,
    /// The first trial in which the endpoint broke the rule.
    pub example: Option<Example>,
    /// Why the first of the trials could not be run.
    pub reason: Option<String>,
}

/// The conformance of an endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conformance {
    /// The address of the endpoint.
    pub target: String,
    /// Whether the endpoint accepts a risk level for a sign-in.
    pub accepts_risk_level: bool,
    /// Whether the trials were interrupted.
    pub partial: bool,
    /// The resources that could not be deleted, each with the reason.
    pub left_behind: Vec<String>,
    /// The number of rules without a trial in the sample.
    pub rules_left_out: usize,
    /// The number of trials with a risk level that the sample leaves out, because the endpoint accepts none.
    pub risk_trials_left_out: usize,
    /// The rules with a trial, in order of precedence.
    pub rules: Vec<RuleResult>,
}

impl RuleResult {
    /// Returns whether the endpoint broke the rule in any trial.
    pub const fn is_broken(&self) -> bool {
        self.broken > 0
    }

    /// Returns whether the endpoint followed the rule in all trials that could be run.
    pub const fn is_followed(&self) -> bool {
        self.broken == 0 && self.followed > 0
    }

    /// Returns whether no trial could be run.
    pub const fn is_untried(&self) -> bool {
        self.broken == 0 && self.followed == 0
    }

    /// Returns `broken`, `untried` or `followed`.
    const fn word(&self) -> &'static str {
        if self.is_broken() {
            "broken"
        } else if self.is_untried() {
            "untried"
        } else {
            "followed"
        }
    }
}

impl Conformance {
    /// Returns the rules of this confidence, or all.
    pub fn of(&self, confidence: Option<Confidence>) -> impl Iterator<Item = &RuleResult> {
        self.rules.iter().filter(move |one| confidence.is_none_or(|wanted| one.rule.confidence == wanted))
    }

    /// Returns whether the endpoint breaks a rule that is documented, today or formerly, or observed.
    pub fn breaks_known_rule(&self) -> bool {
        self.rules.iter().any(|one| one.is_broken() && one.rule.confidence != Confidence::Inferred)
    }

    /// Returns the first reason if no trial at all could be run.
    pub fn nothing_tried(&self) -> Option<&str> {
        let tried = self.rules.iter().any(|one| !one.is_untried());
        let reason = self.rules.iter().find_map(|one| one.reason.as_deref());
        (!tried).then(|| reason.unwrap_or("there is no trial"))
    }

    /// Returns the number of trials that followed their rule, broke it, and could not be run.
    pub fn totals(&self) -> (usize, usize, usize) {
        self.rules.iter().fold((0, 0, 0), |(followed, broken, untried), one| {
            (followed + one.followed, broken + one.broken, untried + one.untried)
        })
    }
}
