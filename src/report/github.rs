//! Writes annotations as workflow commands of GitHub Actions: `::error file=…,line=…::message`.
//!
//! GitHub shows them beside the lines of a pull request, at most ten errors and ten warnings of a step.

use super::format::count;
use super::markup::replace_control_char;
use super::scenario_result::{RunStatus, ScenarioResult};
use super::{Report, ThresholdResult};

/// The level of an annotation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AnnotationLevel {
    /// The run fails.
    Error,
    /// The run does not fail.
    Warning,
}

/// A message about a line of a scenario's file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Annotation {
    /// Its level.
    pub level: AnnotationLevel,
    /// The file as the command line gives it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, if known.
    pub column: Option<usize>,
    /// The subject, in a few words.
    pub title: String,
    /// The message.
    pub message: String,
}

impl Annotation {
    /// Returns the workflow command for a file at `path` in the repository.
    pub fn command(&self, path: &str) -> String {
        let level = match self.level {
            AnnotationLevel::Error => "error",
            AnnotationLevel::Warning => "warning",
        };
        let column = self.column.map_or_else(String::new, |column| format!(",col={column}"));
        let (line, title) = (self.line, property(&self.title));
        format!(
            "::{level} file={},line={line}{column},title={title}::{}",
            property(path),
            data(&self.message)
        )
    }
}

/// Returns the annotations of all scenarios, errors first.
pub fn annotations(entries: &[ScenarioResult]) -> Vec<Annotation> {
    let mut all: Vec<Annotation> = entries.iter().flat_map(of_scenario).collect();
    all.sort_by_key(|annotation| annotation.level == AnnotationLevel::Warning);
    all
}

fn of_scenario(entry: &ScenarioResult) -> Vec<Annotation> {
    let new = |level, line, column, title: &str, message: String| {
        let title = format!("{}: {title}", entry.name);
        Annotation { level, file: entry.file.clone(), line, column, title, message }
    };
    let error = |line, title: &str, message| new(AnnotationLevel::Error, line, None, title, message);
    match &entry.status {
        RunStatus::Played(report) => {
            let mut found: Vec<Annotation> = faults(report)
                .into_iter()
                .map(|(line, title, message)| error(line, &title, message))
                .collect();
            let warnings = report.verdict.sentences.iter().filter_map(|one| one.strip_prefix("Warning: "));
            found.extend(
                warnings.map(|one| new(AnnotationLevel::Warning, 1, None, "warning", one.to_owned())),
            );
            found
        }
        RunStatus::Invalid(mistakes) => mistakes
            .iter()
            .map(|mistake| {
                let (line, column) = mistake.position().map_or((1, None), |(line, col)| (line, Some(col)));
                let help = mistake.help().map_or_else(String::new, |help| format!("\n{help}"));
                let message = format!("{}{help}", mistake.message());
                new(AnnotationLevel::Error, line, column, "invalid scenario", message)
            })
            .collect(),
        RunStatus::Failed(why) => vec![error(1, "could not run", why.clone())],
        // The annotation of another scenario says why.
        RunStatus::NotStarted | RunStatus::NotRun => Vec::new(),
    }
}

/// Returns what is wrong with a run: line, title and message.
fn faults(report: &Report) -> Vec<(usize, String, String)> {
    let mut faults: Vec<(usize, String, String)> = Vec::new();
    for rule in report.decisions.rules.iter().filter(|rule| rule.mismatched > 0) {
        let mut message =
            format!("{} of {} decisions do not match the rule.", count(rule.mismatched), count(rule.seen));
        if let Some(first) = report.decisions.mismatches.iter().find(|first| first.rule == rule.id) {
            message += &format!(
                "\nsituation: {}\nexpected: {}\nactual: {}",
                first.situation, first.expected, first.seen
            );
        }
        let message = format!("{message}\nreplay: {}", report.replay());
        faults.push((report.rule_line(&rule.id), format!("rule {}", rule.id), message));
    }
    for (index, threshold) in report.thresholds.iter().enumerate().filter(|(_, one)| !one.passed) {
        faults.push((report.threshold_line(index), threshold.text.clone(), crossed(threshold)));
    }
    // Any other fault, such as an interrupt or a target that did not answer.
    if faults.is_empty() && !report.verdict.passed {
        let sentences = report.verdict.sentences.iter().filter(|one| !one.starts_with("Warning: "));
        let message: Vec<&str> = sentences.map(String::as_str).collect();
        faults.push((1, format!("exit code {}", report.verdict.exit_code), message.join("\n")));
    }
    faults
}

fn crossed(threshold: &ThresholdResult) -> String {
    match threshold.value {
        Some(value) => format!("{} does not hold: it was {}.", threshold.text, threshold.measured(value)),
        None => format!("{} does not hold: too few samples to say.", threshold.text),
    }
}

/// Escapes a message of a workflow command.
fn data(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '%' => out.push_str("%25"),
            '\r' => out.push_str("%0D"),
            '\n' => out.push_str("%0A"),
            c => out.push(replace_control_char(c)),
        }
    }
    out
}

/// Escapes a property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_escaped() {
        let annotation = Annotation {
            level: AnnotationLevel::Error,
            file: String::new(),
            line: 7,
            column: Some(3),
            title: "smoke: a, b".to_owned(),
            message: "99 %\n::error::planted: yes, no".to_owned(),
        };
        let command = annotation.command("a,b:c%.yaml");
        assert_eq!(
            command,
            "::error file=a%2Cb%3Ac%25.yaml,line=7,col=3,title=smoke%3A a%2C b::99 %25%0A::error::planted: yes, no"
        );
        let warning = Annotation { level: AnnotationLevel::Warning, column: None, ..annotation };
        assert!(warning.command("x").starts_with("::warning file=x,line=7,title="), "{warning:?}");
    }
}
