//! Untrusted text is escaped in every format of a report.

use poolproof::report::{
    Report, RunInfo, RunStatus, ScenarioResult, ThresholdResult, Unit, index, junit, summary, timeline_csv,
};
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser};

use crate::sample::{recorded, run_info, sign_ins};

pub(crate) const HOSTILE: &str = "=cmd|' /C calc'!A0</details></summary><script>alert(\"x\")</script> ]]> --> `a` ```\n# b\r\n- \
                       [c](https://d.e) | x | @f #1 &amp; \u{1b}[31m\0\u{7f}\u{fffe}\u{202e} ${{ g }} *h* _i_ ~~j~~";

pub(crate) fn hostile_report(text: &str) -> Report {
    let snapshot = recorded(&sign_ins(7, 300, true));
    let threshold = |passed| ThresholdResult {
        text: text.to_owned(),
        value: None,
        limit: 1.0,
        unit: Unit::Us,
        passed,
        window: None,
        canceled_at_us: None,
    };
    let run_info = RunInfo {
        name: text.to_owned(),
        about: text.to_owned(),
        yaml: text.to_owned(),
        file: text.to_owned(),
        group: text.to_owned(),
        target: text.to_owned(),
        saturated: Some(text.to_owned()),
        thresholds: vec![threshold(false), threshold(true)],
        ..run_info()
    };
    let mut report = Report::new(run_info, &snapshot.summary());
    for mismatch in &mut report.decisions.mismatches {
        mismatch.rule = text.to_owned();
        mismatch.situation = text.to_owned();
        mismatch.expected = text.to_owned();
        mismatch.seen = text.to_owned();
    }
    for rule in &mut report.decisions.rules {
        rule.id = text.to_owned();
        rule.mismatched = 1;
    }
    report
}

fn markdown_events(text: &str) -> Vec<Event<'_>> {
    Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).collect()
}

/// Returns the text that a Markdown renderer shows.
pub(crate) fn words(text: &str) -> String {
    let mut words = String::new();
    for event in markdown_events(text) {
        match event {
            Event::Text(text) | Event::Code(text) => words.push_str(&text),
            Event::End(_) | Event::SoftBreak | Event::HardBreak => words.push('\n'),
            _ => {}
        }
    }
    words
}

/// Returns the kinds of Markdown and HTML elements in a text, without their text.
fn skeleton(text: &str) -> Vec<String> {
    let mut skeleton: Vec<String> = Vec::new();
    for event in markdown_events(text) {
        match event {
            Event::Start(tag) => skeleton.push(format!("{tag:?}").split('(').next().unwrap().to_owned()),
            Event::Html(html) | Event::InlineHtml(html) => {
                let tags = html.split('<').skip(1).map(|tag| tag.split('>').next().unwrap().to_owned());
                skeleton.extend(tags);
            }
            Event::Code(_) => skeleton.push("code".to_owned()),
            Event::SoftBreak | Event::HardBreak | Event::Rule => skeleton.push("break".to_owned()),
            _ => {}
        }
    }
    skeleton
}

/// Checks that all formats escape `text`.
fn assert_escaped(text: &str) {
    let hostile = [
        ScenarioResult::played(hostile_report(text)),
        ScenarioResult {
            name: text.to_owned(),
            file: text.to_owned(),
            status: RunStatus::Failed(text.to_owned()),
        },
        ScenarioResult { name: text.to_owned(), file: text.to_owned(), status: RunStatus::NotRun },
    ];
    let harmless = [
        ScenarioResult::played(hostile_report("harmless")),
        ScenarioResult {
            name: "harmless".to_owned(),
            file: "harmless".to_owned(),
            status: RunStatus::Failed("harmless".to_owned()),
        },
        ScenarioResult {
            name: "harmless".to_owned(),
            file: "harmless".to_owned(),
            status: RunStatus::NotRun,
        },
    ];
    let (one, other) = (junit(&hostile), junit(&harmless));
    let tags = |text: &str| -> Vec<String> {
        let document = roxmltree::Document::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        document
            .descendants()
            .map(|node| node.tag_name().name().to_owned())
            .filter(|name| !name.is_empty())
            .collect()
    };
    assert_eq!(tags(&one), tags(&other), "{text:?}");
    for many in [&hostile[..], &hostile[..1]] {
        assert_eq!(skeleton(&summary(many)), skeleton(&summary(&harmless[..many.len()])), "{text:?}");
    }
    let page = index(&hostile);
    let elements = |page: &str| page.matches('<').count();
    assert_eq!(elements(&page), elements(&index(&harmless)), "{text:?}");
    for line in timeline_csv(hostile[0].report().unwrap()).split_terminator("\r\n").skip(1) {
        assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
        let field = if let Some(quoted) = line.strip_prefix('"') {
            // The field ends at the first quote that is not doubled.
            let inner = quoted.replace("\"\"", "\u{1}");
            let (field, rest) = inner.split_once('"').unwrap();
            assert_eq!(rest.matches(',').count(), 13, "{line:?}");
            field.replace('\u{1}', "\"")
        } else {
            assert_eq!(line.matches(',').count(), 13, "{line:?}");
            line.split(',').next().unwrap().to_owned()
        };
        assert!(!field.trim_start().starts_with(['=', '+', '-', '@']), "{line:?}");
    }
}

#[test]
fn hostile_text_is_escaped_in_every_format() {
    assert_escaped(HOSTILE);
    for text in [
        "- a",
        "1. b",
        "# c",
        "> d",
        "    e",
        "</details>",
        "<b>",
        "`",
        "``",
        "|",
        "\\|",
        "===",
        "---",
        "[a]: b",
        "!",
        "~~~",
    ] {
        assert_escaped(text);
    }
    let report = hostile_report(HOSTILE);
    let shown = |c: char| if c.is_control() || matches!(c, '\u{fffe}' | '\u{202e}') { '\u{fffd}' } else { c };
    let text = summary(&[ScenarioResult::played(report.clone())]);
    // Markdown keeps non-characters.
    let plain: String = HOSTILE.chars().map(|c| if c == '\u{fffe}' { c } else { shown(c) }).collect();
    assert!(words(&text).contains(&plain), "{}", words(&text));
    let text = junit(&[ScenarioResult::played(report)]);
    let document = roxmltree::Document::parse(&text).unwrap();
    let case = document
        .descendants()
        .find(|node| node.attribute("classname").is_some_and(|class| class.ends_with(".rules")));
    let name = case.unwrap().attribute("name").unwrap();
    let kept: String = HOSTILE
        .chars()
        .map(|c| if c.is_control() && !"\r\n".contains(c) || c == '\u{fffe}' { '\u{fffd}' } else { c })
        .collect();
    assert_eq!(name, kept);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn arbitrary_text_is_escaped(text in "[ -~\\n\\r\\t\\x00\\x1b]{1,40}|\\PC{1,12}|[<>&|`*_#=+@~!\\[\\]()\\\\ .0-9-]{1,30}") {
        // An empty name is not a name, and a text of spaces is shown as nothing.
        prop_assume!(!text.trim().is_empty());
        assert_escaped(&text);
    }
}

#[test]
fn a_scenario_description_renders_as_a_paragraph() {
    let mut report = hostile_report("harmless");
    report.scenario.about = "Devices that\nreplace\r\n\tMFA.\n".to_owned();
    let text = summary(&[ScenarioResult::played(report)]);
    assert!(text.contains("\n> Devices that replace MFA.\n"), "{text}");
}

#[test]
fn a_summary_fits_the_github_size_limit() {
    let long = hostile_report(&HOSTILE.repeat(40));
    let mut report = long.clone();
    report.thresholds = vec![long.thresholds[0].clone(); 3000];
    report.decisions.mismatches = vec![long.decisions.mismatches[0].clone(); 100];
    report.decisions.rules = vec![long.decisions.rules[0].clone(); 500];
    let entries = vec![ScenarioResult::played(report); 40];
    for many in [1, 2, 40] {
        let text = summary(&entries[..many]);
        assert!(text.len() <= 65_536, "{} bytes", text.len());
        assert!(text.contains(" more thresholds."), "{many}");
        let tags = skeleton(&text);
        let folded = |tag: &str| tags.iter().filter(|one| one.starts_with(tag)).count();
        assert_eq!(folded("details"), folded("/details"));
        // One is never left out.
        let left = text.contains("Not shown, because a comment can have 65,536 characters");
        assert!(if many == 2 { true } else { left == (many == 40) }, "{many}");
    }
}
