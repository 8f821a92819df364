//! Parses the text of a threshold: `metric{selector}.stat[window] < limit`.

use std::time::Duration;

use super::{Comparison, DecisionStat, LatencyStat, Metric, Selector, SignInStat, Threshold, Unit};
use crate::scenario::WorkloadPlan;
use crate::scenario::diagnostic::{did_you_mean, nearest};
use crate::scenario::values::{TextValue as _, Time};
use poolproof_cognito::protocol::SignInStep;

/// An error in the text of a threshold.
#[derive(PartialEq, Eq, Debug)]
pub(in crate::scenario) struct ThresholdError<'t> {
    /// The error message.
    pub(in crate::scenario) message: String,
    /// The next step for the user.
    pub(in crate::scenario) help: Option<String>,
    /// The wrong part of the text; empty if all of it is wrong.
    pub(in crate::scenario) part: &'t str,
    /// Keys outside of the text that the broken rule is about, without the indexes of lists.
    pub(in crate::scenario) involves: &'static [&'static str],
}

impl<'t> ThresholdError<'t> {
    pub(super) fn new(message: impl Into<String>, part: &'t str) -> Self {
        Self { message: message.into(), help: None, part, involves: &[] }
    }

    pub(super) fn with_help(self, help: impl Into<Option<String>>) -> Self {
        Self { help: help.into(), ..self }
    }
}

fn threshold_error<T>(message: impl Into<String>, part: &str) -> Result<T, ThresholdError<'_>> {
    Err(ThresholdError::new(message, part))
}

/// The parts of the left side of a comparison.
struct MetricExpr<'t> {
    /// `metric.stat`.
    name: String,
    /// The text between braces.
    selector: Option<&'t str>,
    /// The text between brackets.
    window: Option<&'t str>,
}

impl Threshold {
    /// Parses a threshold outside of a scenario, which cannot select a workload.
    ///
    /// # Errors
    ///
    /// Returns a message, with a suggestion if there is one.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::parse_in(text, &[]).map_err(|threshold_error| match threshold_error.help {
            Some(help) => format!("{} ({help})", threshold_error.message),
            None => threshold_error.message,
        })
    }

    /// Parses a threshold in a scenario with these workloads. It does not stop the run.
    pub(in crate::scenario) fn parse_in<'t>(
        text: &'t str,
        workloads: &[&str],
    ) -> Result<Self, ThresholdError<'t>> {
        let Some(operator_at) = text.find(['<', '>', '=', '!']) else {
            let example = "write a metric, one of < <= > >= ==, and a limit, as in `sign_in.p99 < 400ms`";
            return threshold_error(format!("`{text}` has no comparison: {example}"), text);
        };
        let (left, rest) = (text[..operator_at].trim(), &text[operator_at..]);
        let signs = rest.find(|c: char| !matches!(c, '<' | '>' | '=' | '!')).unwrap_or(rest.len());
        let (signs, limit) = (&rest[..signs], rest[signs..].trim());
        let Some(&(_, op)) = Comparison::ALL.iter().find(|(known, _)| *known == signs) else {
            return threshold_error(format!("`{signs}` is not a comparison: use one of < <= > >= =="), signs);
        };
        let expr = MetricExpr::parse(left)?;
        // A statistic alone, such as `p99`, is that of whole sign-ins.
        let is_short = LatencyStat::parse(&expr.name).is_some();
        let family = if is_short { "sign_in." } else { "" };
        let metric = metric(&format!("{family}{}", expr.name), if left.is_empty() { text } else { left })?;
        let selector =
            expr.selector.map_or_else(|| Ok(Selector::default()), |text| selector(text, workloads))?;
        if let (Some(rule), false) = (selector.rule, metric.supports_rule_selector()) {
            let message =
                format!("`{metric}` cannot select by rule: sign-ins without a decision have no rule");
            let help = "select by rule for decisions, latencies and lag only".to_owned();
            let part = expr.selector.filter(|text| text.contains(rule)).unwrap_or(left);
            return Err(ThresholdError::new(message, part).with_help(help));
        }
        let window = expr.window.map(window).transpose()?;
        match metric.unit().parse(limit) {
            Ok(limit) => Ok(Self {
                text: format!("{family}{}", text.trim()),
                metric,
                selector,
                window,
                op,
                limit,
                abort: false,
                after: Duration::ZERO,
            }),
            Err(why) => {
                let (what, _) = metric.unit().example();
                let example = limit_example(metric, op);
                let help = Some(format!("`{metric}` is {what}: write `{left} {signs} {example}`"));
                Err(ThresholdError::new(why, if limit.is_empty() { text } else { limit }).with_help(help))
            }
        }
    }
}

/// Returns a limit that a run can meet with this comparison.
fn limit_example(metric: Metric, op: Comparison) -> &'static str {
    let often_zero = matches!(
        metric,
        Metric::Decisions(DecisionStat::Mismatched)
            | Metric::SignIns(SignInStat::Refused | SignInStat::Abandoned | SignInStat::TransportFailed)
    );
    match (metric.unit(), op) {
        (Unit::Count, Comparison::Less) if often_zero => "1",
        (Unit::Count, Comparison::Less | Comparison::LessOrEqual | Comparison::Equal) if !often_zero => {
            "1000"
        }
        (Unit::Share, Comparison::Equal) => "0%",
        (unit, _) => unit.example().1,
    }
}

impl<'t> MetricExpr<'t> {
    fn parse(left: &'t str) -> Result<Self, ThresholdError<'t>> {
        let (rest, window) = match (left.find('['), left.strip_suffix(']')) {
            (None, None) => (left, None),
            (Some(open), Some(inner)) if open < inner.len() => (&left[..open], Some(&inner[open + 1..])),
            _ => {
                return threshold_error(
                    "write the window at the end in brackets, as in `sign_in.p99[10s]`",
                    left,
                );
            }
        };
        let (name, selector) = match (rest.find('{'), rest.find('}')) {
            (None, None) => (rest.trim_end().to_owned(), None),
            (Some(open), Some(close)) if open < close => {
                (format!("{}{}", &rest[..open], rest[close + 1..].trim_end()), Some(&rest[open + 1..close]))
            }
            _ => {
                let message = "write the selector in braces, as in `sign_in{workload:storm}.p99`";
                return threshold_error(message, left);
            }
        };
        Ok(Self { name, selector, window })
    }
}

/// Metrics of former versions, and their names today.
const RENAMED: [(&str, &str); 1] = [("offered_missed.rate", "dropped.rate")];

fn metric<'t>(name: &str, part: &'t str) -> Result<Metric, ThresholdError<'t>> {
    Metric::parse(name).ok_or_else(|| {
        let help = match RENAMED.iter().find(|(old, _)| *old == name) {
            Some((_, new)) => format!("the metric is now called `{new}`"),
            None => known_metrics(name),
        };
        ThresholdError::new(format!("unknown metric `{name}`"), part).with_help(help)
    })
}

/// Names the metric that is most similar to `name`, then all of them.
fn known_metrics(name: &str) -> String {
    let names: Vec<String> = Metric::all().iter().map(ToString::to_string).collect();
    let near = nearest(name, names.iter().map(String::as_str)).map(did_you_mean);
    let steps: Vec<String> = SignInStep::ALL.iter().map(|step| format!("`{step}`")).collect();
    let others: Vec<String> = Metric::all()
        .into_iter()
        .filter(|metric| metric.unit() != Unit::Time)
        .map(|metric| format!("`{metric}`"))
        .collect();
    let all = format!(
        "metrics: `sign_in`, `service`, `lag` and the steps {}, each with `.p50`, `.p99` or any percentile, `.max` or `.mean`; \
         {}",
        steps.join(", "),
        others.join(", ")
    );
    near.map_or_else(|| all.clone(), |near| format!("{near} {all}"))
}

/// Parses `rule:ID`, `workload:NAME`, or both with a comma between them.
fn selector<'t>(text: &'t str, workloads: &[&str]) -> Result<Selector, ThresholdError<'t>> {
    let mut selector = Selector::default();
    for part in text.split(',') {
        let Some((key, value)) = part.split_once(':').map(|(key, value)| (key.trim(), value.trim())) else {
            let message =
                format!("`{{{text}}}` is not a selector: write `{{rule:ID}}` or `{{workload:NAME}}`");
            return threshold_error(message, if part.trim().is_empty() { text } else { part.trim() });
        };
        let twice = match key {
            "rule" => selector.rule.replace(rule(value, part)?).is_some(),
            "workload" => selector.workload.replace(workload(value, part, workloads)?).is_some(),
            _ => {
                let help = nearest(key, ["rule", "workload"]).map(did_you_mean);
                let message = format!("unknown selector `{key}`: use `rule` or `workload`");
                return Err(
                    ThresholdError::new(message, if key.is_empty() { part } else { key }).with_help(help)
                );
            }
        };
        if twice {
            return threshold_error(format!("the selector has `{key}` twice"), part.trim());
        }
    }
    Ok(selector)
}

fn rule<'t>(id: &'t str, part: &'t str) -> Result<&'static str, ThresholdError<'t>> {
    let ids = || poolproof_oracle::rules().map(|rule| rule.id);
    ids().find(|known| *known == id).ok_or_else(|| {
        let help = nearest(id, ids()).map_or_else(
            || "`poolproof matrix` and every report show the ids of rules".to_owned(),
            did_you_mean,
        );
        let part = if id.is_empty() { part } else { id };
        ThresholdError::new(format!("unknown rule `{id}`"), part).with_help(help)
    })
}

fn workload<'t>(name: &'t str, part: &'t str, workloads: &[&str]) -> Result<u16, ThresholdError<'t>> {
    let number = workloads.iter().position(|known| *known == name);
    number.and_then(|number| u16::try_from(number).ok()).ok_or_else(|| {
        let unknown = format!("unknown workload `{name}`");
        let near = nearest(name, workloads.iter().copied()).map(did_you_mean);
        let without = format!("leave `{{{}}}` out to select all sign-ins", part.trim());
        let (message, help) = match workloads {
            [] => (format!("{unknown}: a workload cannot be selected here"), without),
            [WorkloadPlan::DEFAULT_NAME] => (
                format!("{unknown}: the scenario has no named workloads"),
                format!("{without}; or give a list of `workloads`, each with a `name`"),
            ),
            _ => (unknown, format!("the workloads are `{}`", workloads.join("`, `"))),
        };
        let part = if name.is_empty() { part } else { name };
        let error = ThresholdError::new(message, part).with_help(near.unwrap_or(help));
        ThresholdError { involves: &["workload.name", "workloads.name"], ..error }
    })
}

/// Parses a window: whole seconds within bounds.
fn window(text: &str) -> Result<Duration, ThresholdError<'_>> {
    let part = if text.trim().is_empty() { "[]" } else { text.trim() };
    let Time(length) = Time::parse(text.trim()).map_err(|message| ThresholdError::new(message, part))?;
    let bounds = Duration::from_secs(1)..=Threshold::MAX_WINDOW;
    if bounds.contains(&length) && length.subsec_nanos() == 0 {
        Ok(length)
    } else {
        threshold_error(format!("`{part}` is not a window: use 1s to 10m in whole seconds"), part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In a scenario with two workloads.
    fn parse(text: &str) -> Result<Threshold, ThresholdError<'_>> {
        Threshold::parse_in(text, &["calm", "storm"])
    }

    #[test]
    fn every_metric_is_parsed_from_its_name() {
        for metric in Metric::all() {
            let (_, example) = metric.unit().example();
            for (signs, op) in Comparison::ALL {
                for text in [format!("{metric} {signs} {example}"), format!(" {metric}{signs}{example} ")] {
                    let threshold = parse(&text).unwrap();
                    assert_eq!((threshold.metric, threshold.op), (metric, op), "{text}");
                }
            }
        }
    }

    #[test]
    fn limits_are_in_the_unit_of_the_metric() {
        let limit = |text: &str| parse(text).unwrap().limit;
        assert_eq!(limit("sign_in.p99 < 400ms"), 400_000.0);
        assert_eq!(limit("failed.rate < 0.1%"), 0.001);
        assert_eq!(limit("throughput.achieved >= 100/s"), 100.0);
        assert_eq!(limit("decisions.checked > 5"), 5.0);
    }

    #[test]
    fn any_percentile_is_parsed_and_a_statistic_alone_is_that_of_sign_ins() {
        let parsed = |text: &str| {
            let threshold = parse(text).unwrap();
            (threshold.metric, threshold.text)
        };
        for (name, thousandths) in [
            ("p99.9", 99_900),
            ("p999", 99_900),
            ("p75", 75_000),
            ("p99.999", 99_999),
            ("p0.5", 500),
            ("p5", 5000),
        ] {
            let metric = Metric::SignIn(LatencyStat::Percentile(thousandths));
            assert_eq!(parsed(&format!("sign_in.{name} < 5ms")).0, metric, "{name}");
            let short = parsed(&format!(" {name}<5ms "));
            assert_eq!(short, (metric, format!("sign_in.{name}<5ms")), "{name}");
        }
        let step = Metric::SignInStep(SignInStep::PasswordVerifier, LatencyStat::Percentile(99_500));
        assert_eq!(parsed("PASSWORD_VERIFIER.p99.5[1m30s] < 300 ms").0, step);
        assert_eq!(parsed("p99{workload:storm}[10s] < 1s").1, "sign_in.p99{workload:storm}[10s] < 1s");
        assert_eq!(Metric::SignIn(LatencyStat::Percentile(99_950)).to_string(), "sign_in.p99.95");
    }

    #[test]
    fn an_unknown_metric_lists_the_known_ones() {
        let help = parse("sing_in.p99 < 5ms").unwrap_err().help.unwrap();
        assert!(help.starts_with("did you mean `sign_in.p99`? metrics: "), "{help}");
        for metric in ["`DEVICE_PASSWORD_VERIFIER`", "`throughput.achieved`", "`failed.rate`"] {
            assert!(help.contains(metric), "{help}");
        }
    }

    #[test]
    fn errors_name_the_wrong_part() {
        for (text, part) in [
            ("", ""),
            ("sign_in.p99", "sign_in.p99"),
            ("sign_in.p9x < 5ms", "sign_in.p9x"),
            ("sign_in.p100 < 5ms", "sign_in.p100"),
            ("sign_in.p0 < 5ms", "sign_in.p0"),
            ("sign_in.p99. < 5ms", "sign_in.p99."),
            ("sign_in.p99.9999 < 5ms", "sign_in.p99.9999"),
            ("p100 < 5ms", "p100"),
            ("sign_in.p99 => 5ms", "=>"),
            ("sign_in.p99 != 5ms", "!="),
            ("sign_in.p99 < 5", "5"),
            ("sign_in.p99 < 0.1%", "0.1%"),
            ("sign_in.p99 < -5ms", "-5ms"),
            ("sign_in.p99 < NaN", "NaN"),
            ("failed.rate < 5ms", "5ms"),
            ("decisions.mismatched == 0%", "0%"),
            ("decisions.mismatched == -1", "-1"),
            ("sign_in.p99 < ", "sign_in.p99 < "),
            ("< 5ms", "< 5ms"),
            ("sign_in.p99[10s < 5ms", "sign_in.p99[10s"),
            ("sign_in[10s].p99 < 5ms", "sign_in[10s].p99"),
            ("sign_in.p99]10s[ < 5ms", "sign_in.p99]10s["),
            ("sign_in.p99] < 5ms", "sign_in.p99]"),
            ("sign_in.p99[] < 5ms", "[]"),
            ("sign_in.p99[500ms] < 5ms", "500ms"),
            ("sign_in.p99[1500ms] < 5ms", "1500ms"),
            ("sign_in.p99[11m] < 5ms", "11m"),
            ("sign_in.p99[10] < 5ms", "10"),
            ("sign_in{workload:storm.p99 < 5ms", "sign_in{workload:storm.p99"),
            ("sign_in}workload:storm{.p99 < 5ms", "sign_in}workload:storm{.p99"),
            ("sign_in{}.p99 < 5ms", ""),
            ("sign_in{storm}.p99 < 5ms", "storm"),
            ("sign_in{user:storm}.p99 < 5ms", "user"),
            ("sign_in{workload:storn}.p99 < 5ms", "storn"),
            ("sign_in{workload:}.p99 < 5ms", "workload:"),
            ("sign_in{workload:calm,workload:storm}.p99 < 5ms", "workload:storm"),
            ("decisions{rule:wrong-pasword}.checked > 5", "wrong-pasword"),
            ("failed{rule:wrong-password}.rate < 5%", "rule:wrong-password"),
            ("throughput{rule:wrong-password}.offered > 5/s", "rule:wrong-password"),
        ] {
            assert_eq!(parse(text).unwrap_err().part, part, "{text}");
        }
    }

    #[test]
    fn windows_and_selectors_are_parsed() {
        let parsed = |text: &str| {
            let threshold = parse(text).unwrap();
            (
                threshold.metric.to_string(),
                threshold.selector.rule,
                threshold.selector.workload,
                threshold.window,
            )
        };
        let s = |s| Some(Duration::from_secs(s));
        let sign_in = "sign_in.p99".to_owned();
        assert_eq!(parsed("sign_in.p99[10s] < 5ms"), (sign_in.clone(), None, None, s(10)));
        assert_eq!(parsed("sign_in.p99[ 10m ]<5ms"), (sign_in.clone(), None, None, s(600)));
        assert_eq!(parsed("sign_in{workload:storm}.p99 < 5ms"), (sign_in, None, Some(1), None));
        assert_eq!(
            parsed("decisions{ rule: wrong-password , workload: calm }.mismatched[1s] == 0"),
            ("decisions.mismatched".to_owned(), Some("wrong-password"), Some(0), s(1))
        );
        assert_eq!(
            parsed("lag{rule:new-device}.max[2s] < 1s"),
            ("lag.max".to_owned(), Some("new-device"), None, s(2))
        );
    }

    #[test]
    fn a_suggested_limit_can_hold() {
        let suggested = |text: &str| Threshold::parse_in(text, &[]).unwrap_err().help.unwrap();
        for (text, wanted) in [
            ("decisions.checked < x", "write `decisions.checked < 1000`"),
            ("decisions.mismatched < x", "write `decisions.mismatched < 1`"),
            ("decisions.mismatched == x", "write `decisions.mismatched == 0`"),
            ("sign_ins.completed == x", "write `sign_ins.completed == 1000`"),
            ("sign_ins.completed > x", "write `sign_ins.completed > 0`"),
            ("failed.rate == x", "write `failed.rate == 0%`"),
            ("sign_in.p99 < x", "write `sign_in.p99 < 400ms`"),
        ] {
            assert!(suggested(text).ends_with(wanted), "{text}: {}", suggested(text));
        }
    }

    #[test]
    fn a_workload_cannot_be_selected_without_names() {
        let error = |names: &[&str]| {
            let ThresholdError { message, help, part, .. } =
                Threshold::parse_in("sign_in{ workload: a }.p99 < 5ms", names).unwrap_err();
            assert_eq!(part, "a");
            format!("{message}: {}", help.unwrap())
        };
        let leave = "leave `{workload: a}` out to select all sign-ins";
        assert_eq!(error(&[]), format!("unknown workload `a`: a workload cannot be selected here: {leave}"));
        let list = "or give a list of `workloads`, each with a `name`";
        let message = "unknown workload `a`: the scenario has no named workloads";
        assert_eq!(error(&[WorkloadPlan::DEFAULT_NAME]), format!("{message}: {leave}; {list}"));
    }

    #[test]
    fn selectors_have_suggestions() {
        let help = |text| parse(text).unwrap_err().help.unwrap();
        assert_eq!(help("sign_in{workload:storn}.p99 < 5ms"), "did you mean `storm`?");
        assert_eq!(help("sign_in{workload:x}.p99 < 5ms"), "the workloads are `calm`, `storm`");
        assert_eq!(help("offered_missed.rate < 1%"), "the metric is now called `dropped.rate`");
        assert_eq!(help("decisions{rule:wrong-pasword}.checked > 5"), "did you mean `wrong-password`?");
        assert_eq!(help("sign_in{worklaod:storm}.p99 < 5ms"), "did you mean `workload`?");
        assert!(help("sign_in{workload:storm}.p9x[5s] < 5ms").starts_with("did you mean `sign_in.p9"));
    }
}
