//! The condensed matrix as a self-contained HTML page in the style of the report.

use maud::{DOCTYPE, Markup, html};

use super::cell::Risk;
use super::condense::{Block, CellGroup, CellSummary, blocks, classes, risks};
use super::row::Matrix;
use super::summary::{self, DecisionSummary, LEGEND, MfaPrompt};
use crate::report::page::{POLICY, confidence, head};
use crate::text::group_digits;
use poolproof_cognito::policy::{PoolPolicy, RememberMode, RiskAction, RiskMode};
use poolproof_oracle::{Confidence, Outcome};

/// The style of the grid, in addition to the style of reports.
const GRID: &str = include_str!("matrix.css");

/// Renders the page.
pub fn page(matrix: &Matrix) -> String {
    let blocks = blocks(matrix);
    let groups: Vec<&CellGroup> = blocks.iter().flat_map(|block| &block.groups).collect();
    let risks = risks(matrix);
    let mut classes = classes(&groups, risks.len());
    // Sorted from lax to strict, most equal fields are adjacent and can be joined.
    classes.sort_by_key(|class| class.iter().filter_map(|&risk| risks[risk]).map(|(_, action)| action).max());
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            (head("Policy matrix", GRID, POLICY))
            body {
                main.wide-page {
                    (top(matrix))
                    (key())
                    @if blocks.len() > 1 { (contents(&blocks)) }
                    (grid(&blocks, &classes, &risks))
                    (rules(matrix))
                    (words())
                    footer {
                        "Made by poolproof. The same data for each cell: "
                        code { "--format json" } " or " code { "--format csv" } "."
                    }
                }
            }
        }
    };
    markup.into_string()
}

fn top(matrix: &Matrix) -> Markup {
    let cells = group_digits(matrix.rows().len() as u64);
    html! {
        header.top {
            p.mark { b { "poolproof" } " · policy matrix" }
            @match matrix.pool() {
                None => {
                    h1 { "Every decision after a right password" }
                    p.about {
                        (cells) " situations: each pool setting, second factor, device state and risk. \
                         Situations with the same decision by the same rule share a field."
                    }
                }
                Some(pool) => {
                    h1 { "Every decision of this pool after a right password" }
                    p.about { (cells) " situations: each second factor, device state and risk level." }
                    (settings(pool))
                }
            }
        }
    }
}

fn settings(pool: &PoolPolicy) -> Markup {
    let risk = &pool.risk;
    html! {
        dl.facts {
            div { dt { "Remember" } dd { (pool.remember.as_str()) } }
            div { dt { "Suppress MFA" } dd { (pool.suppress_mfa) } }
            div { dt { "MFA" } dd { (pool.mfa.as_str()) } }
            div { dt { "Risk" } dd {
                @match risk.mode {
                    RiskMode::Off => "off",
                    RiskMode::Audit => "audited, without effect",
                    RiskMode::Enforced => {
                        "low " (risk.low.as_str()) ", medium " (risk.medium.as_str())
                        ", high " (risk.high.as_str())
                    }
                }
            } }
            div { dt { "Switches" } dd {
                "risk_note " (pool.switches.risk_note.as_str())
                ", strict_mfa_binding " (pool.switches.strict_mfa_binding)
            } }
        }
    }
}

/// Explains the colors.
fn key() -> Markup {
    let kinds = [
        ("word", "the password alone"),
        ("mfa", "a second factor"),
        ("device", "the device proof instead"),
        ("both", "a second factor and the device proof"),
        ("stop", "refused"),
        ("unknown", "the device does not exist"),
    ];
    html! {
        ul.key aria-label="Meaning of the colors" {
            @for (class, words) in kinds { li { span class={ "swatch " (class) } {} (words) } }
            li { b.plus { "+ key" } "a new device gets a key" }
            li { (mark(Confidence::FormerlyDocumented)) "rule documented by AWS once, not today" }
            li { (mark(Confidence::Observed)) "rule observed on AWS" }
            li { (mark(Confidence::Inferred)) "rule inferred by this project; unmarked rules are documented" }
        }
    }
}

/// Renders links to the configurations.
fn contents(blocks: &[Block]) -> Markup {
    html! {
        nav.contents aria-label="Configurations" {
            @for remember in RememberMode::ALL {
                p {
                    b { "remember " (remember.as_str()) }
                    @for block in blocks.iter().filter(|block| block.remember == remember) {
                        a href=(format!("#{}", anchor(block))) {
                            "mfa " (block.mfa.as_str())
                            @match block.suppress_mfa[..] {
                                [true] => ", suppressed",
                                [false] => ", not suppressed",
                                _ => "",
                            }
                        }
                    }
                }
            }
        }
    }
}

fn anchor(block: &Block) -> String {
    let suppress = block.suppress_word().replace(' ', "-");
    format!("{}-{}-{suppress}", block.remember, block.mfa)
}

fn grid(blocks: &[Block], classes: &[Vec<usize>], risks: &[Option<Risk>]) -> Markup {
    html! {
        div.sheet tabindex="0" role="region" aria-label="The matrix" {
            table.grid {
                thead {
                    tr {
                        th scope="col" { "Device" }
                        th scope="col" { "Factor" }
                        @for class in classes { th scope="col" { (risk_head(class, risks)) } }
                    }
                }
                @for block in blocks {
                    tbody id=(anchor(block)) {
                        tr.title { th colspan=(classes.len() + 2) scope="rowgroup" { (title(block)) } }
                        @for (number, group) in block.groups.iter().enumerate() {
                            (row(block, number, group, classes))
                        }
                    }
                }
            }
        }
    }
}

fn title(block: &Block) -> Markup {
    html! {
        span.soft { "remember " } (block.remember.as_str())
        span.soft { " · suppress_mfa " } (block.suppress_word())
        span.soft { " · mfa " } (block.mfa.as_str())
        span.cells { (group_digits(block.cells() as u64)) " cells" }
    }
}

/// Renders the risks of a column: the level above, the action below.
fn risk_head(class: &[usize], risks: &[Option<Risk>]) -> Markup {
    let set: Vec<Option<Risk>> = class.iter().map(|&risk| risks[risk]).collect();
    if set.contains(&None) {
        let others = set.iter().flatten().filter(|(_, action)| *action != RiskAction::NoAction);
        let others: Vec<Option<Risk>> = others.copied().map(Some).collect();
        return html! {
            "No risk"
            @if set.len() > others.len() + 1 { span.of { "or no_action" } }
            @if !others.is_empty() { span.of { (summary::risks(&others)) } }
        };
    }
    let words = summary::risks(&set);
    match words.split_once(": ") {
        Some((levels, actions)) if !actions.contains(';') => {
            html! { (capitalized(levels)) " risk" span.of { (actions) } }
        }
        _ => html! { "Risk" span.of { (words) } },
    }
}

/// Capitalizes the first letter.
fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Renders one row. Adjacent fields with the same content are joined.
fn row(block: &Block, number: usize, group: &CellGroup, classes: &[Vec<usize>]) -> Markup {
    let first = number == 0 || block.groups[number - 1].devices != group.devices;
    let height = block.groups.iter().filter(|other| other.devices == group.devices).count();
    let mut fields: Vec<(CellSummary, usize)> = Vec::new();
    for class in classes {
        let summary = group.summaries[class[0]];
        match fields.last_mut() {
            Some((last, width)) if *last == summary => *width += 1,
            _ => fields.push((summary, 1)),
        }
    }
    html! {
        tr {
            @if first { th.device scope="rowgroup" rowspan=(height) { (summary::devices(&group.devices)) } }
            th.factor scope="row" { (summary::factors(&group.factors)) }
            @for ((summary, rule), width) in fields {
                td class=(kind(summary)) colspan=[(width > 1).then_some(width)]
                    title=(poolproof_oracle::description(rule)) {
                    span.what {
                        (what(summary)) @if summary.new_device { b.plus { "+ key" } }
                        (mark(rule.confidence))
                    }
                    a.why href=(format!("#{}", rule.id)) { (rule.id) }
                }
            }
        }
    }
}

/// Renders the mark of rules that AWS does not document today: a circle with a dot if an older page does,
/// half full if observed, empty if inferred.
fn mark(confidence: Confidence) -> Markup {
    html! {
        @if confidence != Confidence::Documented {
            svg.unsure width="10" height="10" viewBox="0 0 10 10" role="img" aria-label=(confidence.as_str())
                fill="none" stroke="currentColor" stroke-width="1.4" {
                circle cx="5" cy="5" r="4.2" {}
                @match confidence {
                    Confidence::FormerlyDocumented => circle cx="5" cy="5" r="1.6" fill="currentColor" {},
                    Confidence::Observed => path d="M5 .8a4.2 4.2 0 0 0 0 8.4z" fill="currentColor" {},
                    _ => (""),
                }
            }
        }
    }
}

/// Returns what the user must do, or the refusal.
fn what(summary: DecisionSummary) -> &'static str {
    match (summary.outcome, summary.mfa, summary.device_proof) {
        (Outcome::Tokens, MfaPrompt::Nothing, false) => "Password alone",
        (Outcome::Tokens, MfaPrompt::Nothing, true) => "Device",
        (Outcome::Tokens, MfaPrompt::Factor, false) => "MFA",
        (Outcome::Tokens, MfaPrompt::Factor, true) => "MFA, device",
        (Outcome::Tokens, MfaPrompt::SetUp, false) => "MFA set-up",
        (Outcome::Tokens, MfaPrompt::SetUp, true) => "MFA set-up, device",
        (Outcome::Blocked, ..) => "Blocked",
        (Outcome::DeviceNotFound, ..) => "Device not found",
        (other, ..) => other.as_str(),
    }
}

/// Returns the CSS class of a decision.
const fn kind(summary: DecisionSummary) -> &'static str {
    match (summary.outcome, summary.mfa, summary.device_proof) {
        (Outcome::Tokens, MfaPrompt::Nothing, false) => "word",
        (Outcome::Tokens, MfaPrompt::Nothing, true) => "device",
        (Outcome::Tokens, _, false) => "mfa",
        (Outcome::Tokens, _, true) => "both",
        (Outcome::DeviceNotFound, ..) => "unknown",
        _ => "stop",
    }
}

fn rules(matrix: &Matrix) -> Markup {
    html! {
        section {
            h2 { "Rules" }
            p.lead {
                "The rules with their sources. Confidence is how well a rule is known: documented by AWS, \
                 documented by an older page of AWS only, observed on AWS, or inferred by this project."
            }
            div.scroll tabindex="0" role="region" aria-label="Rules" {
                table.sayings {
                    thead { tr {
                        th scope="col" { "Rule" }
                        th.left scope="col" { "Description" }
                        th.left.wide scope="col" { "Source" }
                        th.left scope="col" { "Confidence" }
                        th scope="col" { "Cells" }
                    } }
                    tbody {
                        @for (rule, cells) in matrix.rules() {
                            tr id=(rule.id) {
                                th scope="row" { code { (rule.id) } }
                                td.left.wrap { (poolproof_oracle::description(rule)) }
                                td.left.soft.wrap.wide { (rule.source) }
                                td.left { (confidence(rule.confidence.as_str())) }
                                td { (group_digits(cells as u64)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn words() -> Markup {
    let needed = |word: &&(&str, &str)| !matches!(word.0, "risk" | "setup" | "device →" | "tokens");
    html! {
        section {
            h2 { "Terms" }
            dl.ground {
                @for (word, meaning) in LEGEND.iter().filter(needed) { dt { (word) } dd { (meaning) } }
                dt { "MFA set-up" } dd { code { "MFA_SETUP" } }
                dt { "Device" } dd {
                    "as a step: " code { "DEVICE_SRP_AUTH" } ", " code { "DEVICE_PASSWORD_VERIFIER" }
                    ", the device proves its secret"
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::GRID;
    use crate::report::page::{STYLE, contrast};

    /// Returns the value of a color in this theme of a style sheet.
    fn color<'s>(style: &'s str, theme: usize, name: &str) -> &'s str {
        let block = style.split(":root {").nth(theme + 1).unwrap().split('}').next().unwrap();
        block.split(&format!("--{name}: ")).nth(1).unwrap().split(';').next().unwrap()
    }

    #[test]
    fn text_has_enough_contrast_in_every_theme() {
        for theme in [0, 1, 2] {
            for text in ["ink", "soft"] {
                for ground in ["word", "mfa", "device", "both", "stop", "unknown"] {
                    let (ink, paper) = (color(STYLE, theme, text), color(GRID, theme, ground));
                    let contrast = contrast(ink, paper);
                    assert!(contrast >= 4.5, "{text} on {ground} in theme {theme}: {contrast:.2}");
                }
            }
        }
    }
}
