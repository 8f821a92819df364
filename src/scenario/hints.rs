//! Hints for mistakes in scenarios: examples of keys, missing quotes, files of other kinds.

use std::path::Path;

use super::Segment;
use super::diagnostic::{Diagnostic, TextError, TextSpan};
use super::validation::display_path;

/// Keys that a map needs, each with an example.
const EXAMPLES: [(&str, &str); 22] = [
    ("version", "version: 1"),
    ("name", "name: my-pool"),
    ("pool", "pool: { remember: always }"),
    ("population", "population: { users: 100 }"),
    ("workload", "workload: { stages: [ { for: 30s, rate: 20/s } ] }"),
    ("stages", "stages: [ { for: 30s, rate: 20/s } ]"),
    ("remember", "remember: always"),
    ("users", "users: 100"),
    ("mode", "mode: enforced"),
    ("for", "for: 10s"),
    ("bursts", "bursts: 5x"),
    ("every", "every: 10m"),
    ("min", "min: 1s"),
    ("max", "max: 24h"),
    ("mean", "mean: 2s"),
    ("median", "median: 8s"),
    ("sigma", "sigma: 0.6"),
    ("challenge", "challenge: captcha"),
    ("answer", "answer: \"42\""),
    ("threshold", "threshold: decisions.mismatched == 0"),
    ("rate", "rate: 20/s"),
    ("others", "others: cognito"),
];

/// Keys whose value is a list, each with an example of the list.
const LISTS: [(&str, &str); 6] = [
    ("stages", "[ { for: 30s, rate: 20/s } ]"),
    ("thresholds", "[ decisions.mismatched == 0 ]"),
    ("first_factors", "[ email_otp ]"),
    ("custom_auth", "[ { challenge: captcha, answer: \"42\" } ]"),
    ("always_block", "[ 192.0.2.0/24 ]"),
    ("always_allow", "[ 192.0.2.0/24 ]"),
];

/// The end of the message about a list in place of another value.
pub(super) const LIST_REFUSED: &str = "invalid type: list, expected a map or a single value";

/// Returns an example of a key with its value.
pub(super) fn example(key: &str) -> String {
    let known = EXAMPLES.iter().find(|(known, _)| *known == key);
    known.map_or_else(|| format!("{key}: …"), |(_, example)| (*example).to_owned())
}

/// Returns a valid value of a key that is missing at `parent`.
pub(super) fn filler(key: &str, parent: &[Segment], is_closed: bool) -> Option<String> {
    match (key, parent.last()) {
        ("stages", _) if is_closed => Some("[ { for: 30s, users: 1 } ]".to_owned()),
        // Names of workloads differ.
        ("name", Some(Segment::Index(index))) => Some(format!("missing-{index}")),
        _ => EXAMPLES
            .iter()
            .find(|(known, _)| *known == key)?
            .1
            .split_once(": ")
            .map(|(_, value)| value.to_owned()),
    }
}

/// Explains an error of the YAML parser.
pub(super) fn syntax(text: &str, span: Option<TextSpan>) -> Option<String> {
    let line = span?.line;
    let mut lines = text.split('\n').skip(line.saturating_sub(2)).take(if line > 1 { 2 } else { 1 });
    lines.find_map(|line| {
        let variable =
            line.find("${").map(|at| &line[at..]).and_then(|rest| rest.split_inclusive('}').next());
        variable.map(|variable| variables(variable, None)).or_else(|| unquoted(line))
    })
}

/// Explains that a value with brackets needs quotes inside of braces.
fn unquoted(line: &str) -> Option<String> {
    let opens = line.find(['{', '['])?;
    let inner = &line[opens..];
    let is_inside = |at: usize| at > 0 && inner[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
    let bracket = inner.match_indices(['{', '[']).map(|(at, _)| at).find(|at| is_inside(*at))?;
    let start = inner[..bracket].rfind([' ', '{', '[', ',']).map_or(0, |at| at + 1);
    let mut depth = 0_usize;
    let end = inner[start..].find(|c: char| {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' if depth == 0 => return true,
            '}' | ']' => depth -= 1,
            ',' => return depth == 0,
            _ => {}
        }
        false
    });
    let value = inner[start..end.map_or(inner.len(), |end| start + end)].trim();
    Some(format!("inside of {{ }} and [ ] put quotes around a value with brackets: '{value}'"))
}

/// Explains a value, if its text needs more than the message.
pub(super) fn value(path: &[Segment], message: &str) -> Option<String> {
    if let Some(at) = message.find("${") {
        let variable = message[at..].split_inclusive('}').next().unwrap_or_default();
        return Some(variables(variable, Some(path)));
    }
    let is_threshold = path.first() == Some(&Segment::from("thresholds"));
    if is_threshold && message.contains("unknown key `") && message.split('`').nth(1)?.contains(['{', '[']) {
        return Some("put quotes around a threshold that contains `: `".to_owned());
    }
    let is_map = message.contains("invalid type: map, expected a list");
    if is_map && path == [Segment::from("workloads")] {
        return Some("write `- name: …` before its keys, or rename the key to `workload`".to_owned());
    }
    if (message.contains("expected a list") || message.ends_with(" is not a list"))
        && let Some(Segment::Key(key)) = path.last()
    {
        let example = LISTS.iter().find(|(known, _)| known == key).map(|(_, example)| example);
        return example.map(|example| format!("write a list such as `{key}: {example}`"));
    }
    None
}

fn variables(variable: &str, path: Option<&[Segment]>) -> String {
    let key = path.map_or_else(|| "KEY".to_owned(), display_path);
    format!(
        "a scenario has no variables such as `{variable}`: write a value, and override it with --set '{key}=VALUE'"
    )
}

/// Top keys of documents that AWS's tools print, and the command that prints each.
const AWS_DOCUMENTS: [(&str, &str); 7] = [
    ("UserPool", "describe-user-pool"),
    ("RiskConfiguration", "describe-risk-configuration"),
    ("UserPoolClient", "describe-user-pool-client"),
    ("MfaConfiguration", "get-user-pool-mfa-config"),
    ("SmsMfaConfiguration", "get-user-pool-mfa-config"),
    ("SoftwareTokenMfaConfiguration", "get-user-pool-mfa-config"),
    ("EmailMfaConfiguration", "get-user-pool-mfa-config"),
];

/// The keys of a scenario.
const TOP_KEYS: [&str; 12] = [
    "version",
    "name",
    "seed",
    "clock",
    "group",
    "pool",
    "population",
    "workload",
    "workloads",
    "client",
    "service",
    "thresholds",
];

/// Returns the key of a line that starts with one.
fn top_key(line: &str) -> Option<&str> {
    let (key, rest) = line.split_once(':')?;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let ends = rest.is_empty() || rest.starts_with([' ', '\r']);
    (ends && !key.is_empty() && key.bytes().all(is_word)).then_some(key)
}

/// Recognizes files that are no scenarios: AWS documents, reports, schedules, and text that is not YAML.
pub(super) fn other_kind(file: &str, text: &str) -> Option<Diagnostic> {
    let error = |message: &str, help: String| {
        let text_error = TextError { message: message.to_owned(), help: Some(help), span: None };
        Some(Diagnostic::new(file, text, text_error))
    };
    if text.trim_start().starts_with('{') {
        let json: serde_json::Value = serde_json::from_str(text).ok()?;
        if let Some((_, command)) = AWS_DOCUMENTS.iter().find(|(key, _)| json.get(key).is_some()) {
            let help = format!(
                "`poolproof advise {file}` explains its settings, `poolproof init --from {file}` makes a scenario of them, \
                 and `run SCENARIO --pool {file}` plays one with them"
            );
            return error(&format!("the output of {command}, not a scenario"), help);
        }
        if json.get("schema_version").is_some() {
            return error("a report, not a scenario", format!("`poolproof report {file}` renders it"));
        }
        return None;
    }
    let keys: Vec<&str> = text.lines().filter_map(top_key).collect();
    let needed = ["pool", "population", "workload", "workloads"];
    // The keys of other kinds of files are words. Shorter ones get the message about their mistake.
    let unknown = keys.iter().filter(|key| key.len() > 2 && !TOP_KEYS.contains(key)).count();
    if unknown > 1 && !keys.iter().any(|key| needed.contains(key)) {
        let help = "`poolproof init` prints a scenario".to_owned();
        return error("not a scenario: it has neither `pool` nor `population` nor `workload`", help);
    }
    let first =
        text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#')).unwrap_or_default();
    let is_csv = Path::new(file).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    if is_csv || first.replace(' ', "") == "at,rate" {
        let help = "a scenario names it: `workload: { schedule: FILE }`".to_owned();
        return error("a schedule of rates, not a scenario", help);
    }
    None
}
