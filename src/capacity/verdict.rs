//! Sentences and exit code of a search.

use super::model::{CapacityEstimate, Level, Limit, Reason, SearchPhase, Verdict};
use crate::report::figures::{exact_number, percent};
use crate::report::{INTERRUPTED, MISMATCH, SATURATED, Shortage, THRESHOLD, UNREACHABLE};
use crate::run::RunError;

/// Exit code if the operating system cannot create threads.
const INTERNAL: u8 = 1;

/// The outcome of a search.
pub(super) struct SearchOutcome<'o> {
    /// The levels in the order of the search.
    pub(super) levels: &'o [Level],
    /// The answer.
    pub(super) answer: Option<&'o CapacityEstimate>,
    /// Whether the search was canceled.
    pub(super) stopped: bool,
    /// The error that ended the search, if any.
    pub(super) run_error: Option<&'o RunError>,
    /// Limit of requests per second to the target, if configured.
    pub(super) max_requests_per_s: Option<u32>,
    /// Whether the scalability law was requested and could not be fitted.
    pub(super) usl_unavailable: bool,
}

impl SearchOutcome<'_> {
    /// Returns the verdict. The most severe fault sets the exit code: 80, 105, 107, 99, 83.
    pub(super) fn verdict(&self) -> Verdict {
        let mut faults = Vec::new();
        faults.extend(self.mismatched().map(|sentence| (MISMATCH, sentence)));
        if self.stopped {
            let sentence = "The search was interrupted; this is the result so far.";
            faults.push((INTERRUPTED, sentence.to_owned()));
        }
        if let Some(error) = self.run_error {
            let code = if matches!(error, RunError::Target(_)) { UNREACHABLE } else { INTERNAL };
            faults
                .push((code, format!("The search could not continue: {error}. This is the result so far.")));
        }
        if self.answer.is_none() && faults.is_empty() {
            faults.extend(self.lowest().map(lowest_level_failure));
        }
        let exit_code = faults.first().map_or(0, |(code, _)| *code);
        let mut sentences: Vec<String> = faults.into_iter().map(|(_, sentence)| sentence).collect();
        sentences.extend(self.answer.into_iter().flat_map(|answer| self.remarks(answer)));
        Verdict { exit_code, sentences }
    }

    fn mismatched(&self) -> Option<String> {
        let (per_s, count) = self.levels.iter().find_map(|level| {
            level.reasons.iter().find_map(|reason| match reason {
                Reason::Mismatched { count } => Some((level.per_s, *count)),
                _ => None,
            })
        })?;
        let differ = if count == 1 { "1 decision differs" } else { &format!("{count} decisions differ") };
        let rate = exact_number(per_s);
        Some(format!("{differ} from the rules at {rate}/s: a pool with wrong decisions has no capacity."))
    }

    /// Returns the last run of the lowest level that failed.
    fn lowest(&self) -> Option<&Level> {
        let failed = self.levels.iter().rev().filter(|level| !level.passed);
        failed.min_by(|one, other| one.per_s.total_cmp(&other.per_s))
    }

    /// Returns remarks on an answer.
    fn remarks(&self, answer: &CapacityEstimate) -> Vec<String> {
        let mut remarks = Vec::new();
        let mut say = |sentence: &str| remarks.push(sentence.to_owned());
        let over = !self.stopped && self.run_error.is_none();
        match (answer.limit, limiting_level(self.levels, answer.below_per_s).and_then(Level::short_of)) {
            (Limit::Generator, Some(Shortage::Users)) => say(
                "The scenario ran out of users before the pool reached its limit. Raise population.users.",
            ),
            (Limit::Generator, Some(Shortage::Limits)) => say(
                "The generator ran out of files, ports or memory before the pool reached its limit. Raise \
                    `ulimit -n`.",
            ),
            (Limit::Generator, _) => {
                say("The generator reached its limit before the pool did. Give the generator more cores.");
            }
            (Limit::Range, _) if over => {
                say("No higher rate was tried, so the pool may serve more. Continue with --to.");
            }
            (Limit::Range | Limit::Pool, _) => {}
        }
        if !answer.confirmed {
            say("No long run confirmed the answer; treat it as an estimate.");
        }
        if let Some(rate) = self.max_requests_per_s.filter(|_| answer.limit == Limit::Pool) {
            say(&format!(
                "Requests were limited to {rate} a second (--max-rate): that may be the limit instead of \
                    the pool."
            ));
        }
        if self.usl_unavailable {
            say("The scalability law could not be fitted: it needs 32 users, and responses at 1 to 32 at \
                    once.");
        }
        remarks
    }
}

/// Returns the level that ended the search upward.
pub(super) fn limiting_level(levels: &[Level], below_per_s: Option<f64>) -> Option<&Level> {
    let rate = below_per_s?;
    levels.iter().find(|level| !level.passed && level.per_s == rate)
}

/// Returns the sentence and exit code for a lowest level that fails.
fn lowest_level_failure(level: &Level) -> (u8, String) {
    let has = |wanted: fn(&Reason) -> bool| level.reasons.iter().any(wanted);
    let lost = level.reasons.iter().find_map(|reason| match reason {
        Reason::NoAnswer { share } => Some(*share),
        _ => None,
    });
    let untold =
        |reason: &Reason| matches!(reason, Reason::TooFew { .. } | Reason::Objective { value: None, .. });
    let (code, advice) = if let Some(share) = lost {
        (UNREACHABLE, format!("the target did not answer {} of the sign-ins.", percent(share)))
    } else if level.is_generator_limited() {
        let advice = match level.short_of() {
            Some(Shortage::Users) => {
                "the scenario ran out of users. Raise population.users, or start lower with --from."
            }
            Some(Shortage::Limits) => {
                "the generator ran out of files, ports or memory. Raise `ulimit -n`, or start lower with --from."
            }
            _ => "the generator could not keep up. Give it more cores, or start lower with --from.",
        };
        (SATURATED, advice.to_owned())
    } else if level.reasons.iter().all(untold) {
        let advice =
            "there were too few sign-ins. Measure longer with --measure, or start higher with --from.";
        (THRESHOLD, advice.to_owned())
    } else if has(|reason| matches!(reason, Reason::FallsBehind { .. })) {
        (THRESHOLD, "the pool falls behind. Start lower with --from.".to_owned())
    } else {
        (THRESHOLD, "the range is empty. Start lower with --from, or relax the objective.".to_owned())
    };
    let fails =
        if level.phase == SearchPhase::Confirm { "does not hold in a long run" } else { "fails already" };
    (code, format!("The lowest level, {}/s, {fails}: {advice}", exact_number(level.per_s)))
}

impl Level {
    /// Returns whether the generator limited this level, and not the pool. If no user is idle because all
    /// wait for a slow pool, the pool is the limit.
    pub(super) fn is_generator_limited(&self) -> bool {
        self.short_of().is_some()
            && !self.reasons.iter().any(|reason| matches!(reason, Reason::FallsBehind { .. }))
    }

    /// Returns what the generator lacked, if it could not keep up.
    fn short_of(&self) -> Option<Shortage> {
        self.reasons.iter().find_map(|reason| match reason {
            Reason::Generator { short_of, .. } => Some(*short_of),
            _ => None,
        })
    }
}

impl Reason {
    /// Returns whether the reason makes further levels useless.
    pub(super) const fn ends_the_search(&self) -> bool {
        matches!(self, Self::Mismatched { .. } | Self::Interrupted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::Figures;

    fn level(per_s: f64, reasons: Vec<Reason>) -> Level {
        let passed = reasons.is_empty();
        let (phase, figures) = (SearchPhase::Climb, Figures::default());
        Level { per_s, phase, runs: 1, runs_passed: passed.into(), passed, reasons, figures }
    }

    fn outcome<'o>(levels: &'o [Level], answer: Option<&'o CapacityEstimate>) -> SearchOutcome<'o> {
        SearchOutcome {
            levels,
            answer,
            stopped: false,
            run_error: None,
            max_requests_per_s: None,
            usl_unavailable: false,
        }
    }

    fn short_of(short_of: Shortage) -> Reason {
        Reason::Generator { why: "It was late.".to_owned(), short_of }
    }

    fn answer(limit: Limit) -> CapacityEstimate {
        let figures = Figures::default();
        CapacityEstimate {
            per_s: 10.0,
            below_per_s: Some(20.0),
            confirmed: true,
            limit,
            cores: None,
            figures,
        }
    }

    #[test]
    fn the_advice_names_the_resource_that_the_generator_lacked() {
        for (shortage, wanted, unwanted) in [
            (Shortage::Users, "population.users", "more cores"),
            (Shortage::Cores, "more cores", "population.users"),
            (Shortage::Limits, "ulimit -n", "more cores"),
        ] {
            let levels = [level(10.0, Vec::new()), level(20.0, vec![short_of(shortage)])];
            let answer = answer(Limit::Generator);
            let verdict = outcome(&levels, Some(&answer)).verdict();
            assert_eq!(verdict.exit_code, 0);
            let text = verdict.sentences.join(" ");
            assert!(text.contains(wanted) && !text.contains(unwanted), "{text}");
            let lowest = outcome(&levels[1..], None).verdict();
            let text = lowest.sentences.join(" ");
            assert_eq!(lowest.exit_code, 83, "{text}");
            assert!(text.contains(wanted) && !text.contains(unwanted), "{text}");
        }
        // Users who wait for a slow pool concern the pool.
        let behind = [level(10.0, vec![short_of(Shortage::Users), Reason::FallsBehind { us_per_s: 20_000 }])];
        assert_eq!(outcome(&behind, None).verdict().exit_code, 99);
    }

    #[test]
    fn results_before_a_lost_target_are_reported() {
        let levels = [level(10.0, Vec::new())];
        let (answer, lost) = (answer(Limit::Range), RunError::Target("no response".to_owned()));
        let run_error = SearchOutcome { run_error: Some(&lost), ..outcome(&levels, Some(&answer)) };
        let verdict = run_error.verdict();
        assert_eq!(
            (verdict.exit_code, verdict.sentences.len()),
            (107, 1),
            "without advice to continue: {verdict:?}"
        );
        assert!(verdict.sentences[0].contains("could not continue: the target cannot be used: no response."));
        assert_eq!(
            SearchOutcome { stopped: true, ..run_error }.verdict().exit_code,
            105,
            "the more severe of two"
        );
        let silent = [level(10.0, vec![Reason::NoAnswer { share: 1.0 }])];
        let verdict = outcome(&silent, None).verdict();
        assert_eq!(verdict.exit_code, 107);
        assert!(
            verdict.sentences[0].ends_with("the target did not answer 100 % of the sign-ins."),
            "{verdict:?}"
        );
    }

    #[test]
    fn a_rate_limit_is_named_if_it_may_be_the_limit() {
        let levels = [level(10.0, Vec::new()), level(20.0, vec![Reason::FallsBehind { us_per_s: 50_000 }])];
        for (limit, is_named) in [(Limit::Pool, true), (Limit::Range, false)] {
            let answer = answer(limit);
            let limited = SearchOutcome { max_requests_per_s: Some(20), ..outcome(&levels, Some(&answer)) };
            let sentences = limited.verdict().sentences.join(" ");
            assert_eq!(sentences.contains("Requests were limited to 20 a second"), is_named, "{sentences}");
        }
    }

    #[test]
    fn too_few_sign_ins_give_no_verdict() {
        let untold = vec![Reason::TooFew { sign_ins: 50, needed: 300 }];
        let verdict = outcome(&[level(0.2, untold)], None).verdict();
        assert_eq!(verdict.exit_code, 99);
        assert!(
            verdict.sentences[0].contains("0.2/s, fails already: there were too few sign-ins"),
            "{verdict:?}"
        );
    }
}
