//! Checks whether two reports are comparable.

use std::fmt;

use crate::clock::ClockKind;
use crate::report::{NamedFile, Report};
use crate::scenario::{self, Scenario, ScheduleFile, ScheduleFiles, Service};
use poolproof_cognito::seed::Seed;

/// Most differing scenario lines to report.
const MAX_LINES: usize = 3;

/// A difference that makes two reports incomparable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The subject: `seed`, `clock`, `group`, `target`, `scenario`.
    pub what: &'static str,
    /// The value of the base.
    pub base: String,
    /// The value of the head.
    pub head: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: base has {}, head has {}", self.what, self.base, self.head)
    }
}

/// Returns the differences that make two reports incomparable; empty if they are comparable.
///
/// Name, seed, clock, group, target, pool, population, workload and client must be equal, and neither report
/// may be partial. The costs of the pool's arithmetic (`service`) and thresholds may differ.
pub fn differences(base: &Report, head: &Report) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare_field = |what, base: String, head: String| {
        if base != head {
            found.push(Difference { what, base, head });
        }
    };
    compare_field("scenario", quoted(&base.scenario.name), quoted(&head.scenario.name));
    compare_field("group", base.group.clone(), head.group.clone());
    compare_field("seed", base.seed.to_string(), head.seed.to_string());
    compare_field("clock", clock(base).to_owned(), clock(head).to_owned());
    compare_field("target", base.target.clone(), head.target.clone());
    if base.partial || head.partial {
        // Two partial reports also differ in length.
        found.push(Difference { what: "report", base: coverage(base), head: coverage(head) });
    }
    if base.scenario.name == head.scenario.name {
        found.extend(scenario_differences(base, head));
    }
    found
}

fn coverage(report: &Report) -> String {
    match report.canceled_by() {
        Some(threshold) => format!("a partial run that {} ended", quoted(&threshold.text)),
        None if report.partial => "a partial run that was interrupted".to_owned(),
        None => "a whole run".to_owned(),
    }
}

fn quoted(name: &str) -> String {
    format!("`{name}`")
}

fn clock(report: &Report) -> &'static str {
    match report.clock {
        ClockKind::Wall => "wall",
        ClockKind::Virtual => "virtual",
    }
}

fn parsed_scenario(report: &Report) -> Option<Scenario> {
    let to_schedule_text =
        |file: &NamedFile| ScheduleFile { path: file.path.clone(), text: file.text.clone() };
    let files: Vec<ScheduleFile> = report.scenario.files.iter().map(to_schedule_text).collect();
    scenario::parse_with(
        &report.scenario.file,
        report.scenario.yaml.as_bytes(),
        ScheduleFiles::Inline(&files),
    )
    .ok()
}

/// Returns the differences between two scenarios. Texts that this version cannot parse must be equal.
fn scenario_differences(base: &Report, head: &Report) -> Vec<Difference> {
    if (&base.scenario.yaml, &base.scenario.files) == (&head.scenario.yaml, &head.scenario.files) {
        return Vec::new();
    }
    match (parsed_scenario(base), parsed_scenario(head)) {
        (Some(base), Some(head)) => lines(&comparable_yaml(base), &comparable_yaml(head)),
        _ => lines(&base.scenario.yaml, &head.scenario.yaml),
    }
}

/// Returns a scenario with all defaults as YAML, without the parts that may differ or are compared elsewhere.
fn comparable_yaml(scenario: Scenario) -> String {
    let plain = Scenario {
        about: String::new(),
        seed: Seed::new(0),
        clock: ClockKind::Virtual,
        group: scenario::GroupName::Cognito,
        service: Service::None,
        thresholds: Vec::new(),
        ..scenario
    };
    plain.to_yaml()
}

/// Returns the first lines that differ, each with its parent keys.
fn lines(base: &str, head: &str) -> Vec<Difference> {
    let (base, head) = (with_paths(base), with_paths(head));
    let only = |own: &[String], other: &[String]| -> Vec<String> {
        own.iter().filter(|line| !other.contains(line)).cloned().collect()
    };
    let (only_base, only_head) = (only(&base, &head), only(&head, &base));
    let mut found: Vec<Difference> = Vec::new();
    for at in 0..only_base.len().max(only_head.len()).min(MAX_LINES) {
        let line =
            |lines: &[String]| lines.get(at).map_or_else(|| "nothing there".to_owned(), |line| quoted(line));
        let difference = Difference { what: "scenario", base: line(&only_base), head: line(&only_head) };
        if !found.contains(&difference) {
            found.push(difference);
        }
    }
    if found.is_empty() && base != head {
        let order = "the same lines in another order".to_owned();
        found.push(Difference { what: "scenario", base: order.clone(), head: order });
    }
    found
}

/// Returns the lines of block YAML with their full key paths: `pool.risk.low: block`,
/// `workload.stages[1].to: 700/s`.
fn with_paths(yaml: &str) -> Vec<String> {
    let mut above: Vec<PathPart> = Vec::new();
    let mut lines = Vec::new();
    for line in yaml.lines().filter(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty()) {
        let mut text = line.trim();
        let mut indent = line.len() - line.trim_start().len();
        // A list can have the indentation of its key.
        let is_item = text.starts_with("- ");
        above.retain(|part| part.indent < indent || is_item && part.indent == indent);
        while let Some(rest) = text.strip_prefix("- ") {
            match above.last_mut() {
                Some(last) => last.item = Some(last.item.map_or(0, |item| item + 1)),
                None => above.push(PathPart { indent, key: String::new(), item: Some(0) }),
            }
            indent += 2;
            text = rest.trim_start();
        }
        let path: String = above.iter().map(PathPart::text).collect();
        let is_scalar = is_item && !text.contains(": ") && !text.ends_with(':');
        lines.push(if is_scalar {
            format!("{}: {text}", path.trim_end_matches('.'))
        } else {
            format!("{path}{text}")
        });
        if let Some(key) = text.strip_suffix(':') {
            above.push(PathPart { indent, key: key.to_owned(), item: None });
        }
    }
    lines
}

/// A key above a line, with the index of the item if its value is a list.
struct PathPart {
    indent: usize,
    key: String,
    item: Option<usize>,
}

impl PathPart {
    fn text(&self) -> String {
        self.item.map_or_else(|| format!("{}.", self.key), |item| format!("{}[{item}].", self.key))
    }
}

/// Returns whether both sides have the same costs of the pool's arithmetic, so that virtual time passes
/// equally.
pub(super) fn same_service(base: &Report, head: &Report) -> bool {
    let service = |report| parsed_scenario(report).map(|scenario| scenario.service);
    base.scenario.yaml == head.scenario.yaml || service(base) == service(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_paths_of_their_keys() {
        let yaml = "a: 1\nb:\n  c: 2\n  d:\n  - e: 3\n    f:\n      g: 4\n  - e: 5\n  h: 6\ni:\n- x\n- y\n";
        let paths = [
            "a: 1",
            "b:",
            "b.c: 2",
            "b.d:",
            "b.d[0].e: 3",
            "b.d[0].f:",
            "b.d[0].f.g: 4",
            "b.d[1].e: 5",
            "b.h: 6",
            "i:",
            "i[0]: x",
            "i[1]: y",
        ];
        assert_eq!(with_paths(yaml), paths);
    }
}
