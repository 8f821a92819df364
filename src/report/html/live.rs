//! The page while the run goes on: the report so far, under a bar with the run's progress.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::verdict::thresholds;
use super::{POLICY, SCRIPT, render_limited, script_code};
use crate::report::Report;

const STYLE: &str = "
.live { position: sticky; top: 0; z-index: 2; display: flex; flex-wrap: wrap; gap: 4px 18px; align-items: center; padding: 8px 40px; background: var(--panel);
  border-bottom: 1px solid var(--rule); font-size: 14px; } .live p { overflow-wrap: anywhere; } .live .where { flex: 1; min-width: 12em; } .live .gone { flex-basis: 100%; }
.live button { font: inherit; color: var(--bad); background: var(--paper); border: 1px solid; border-radius: 4px; padding: 3px 12px; cursor: pointer; }
.running.verdict { border-left-color: var(--one); } .running .call { background: var(--panel); } .running .icon { border: 5px solid var(--one); border-radius: 50%; }
@media (max-width: 600px) { .live { padding: 8px 18px; } }
";

/// The script without comments and indentation.
static LIVE_SCRIPT: LazyLock<String> = LazyLock::new(|| script_code(include_str!("live.js")));

/// The browser runs only the two scripts. They load only pages of this server, and forms are sent only to it.
static LIVE_POLICY: LazyLock<String> = LazyLock::new(|| {
    let hashes = [&*SCRIPT, &*LIVE_SCRIPT].map(|code| STANDARD.encode(Sha256::digest(code.as_bytes())));
    let closed = POLICY.replace("form-action 'none'", "form-action 'self'");
    format!("{closed}; connect-src 'self'; script-src 'sha256-{}' 'sha256-{}'", hashes[0], hashes[1])
});

/// The progress bar above the report of a run in progress.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LiveBar {
    /// The name of the scenario.
    pub scenario: String,
    /// The number of the scenario among several, and the progress.
    pub progress: String,
    /// The path to which the button to cancel posts; `None` if there is nothing to cancel.
    pub cancel_path: Option<String>,
    /// The folder where the report will be.
    pub folder: String,
}

/// Returns the page with the report so far, rendered as the final one. Its script loads it again and again.
pub fn live_page(report: &Report, bar: &LiveBar) -> String {
    render_limited(report, None, Some(bar))
}

/// Returns a page without a report: with a bar the run prepares, without one it could not start.
pub fn message_page(scenario: &str, message: &str, live: Option<&LiveBar>) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            @match live {
                Some(_) => (head(scenario)),
                None => (super::head(scenario, "", POLICY)),
            }
            body {
                @if let Some(bar) = live { (self::bar(bar)) }
                main {
                    header.top {
                        p.mark { b { "poolproof" } " · sign-in report" }
                        h1 { (scenario) }
                        p.about { (message) }
                    }
                }
                @if live.is_some() { (super::script()) (script()) }
            }
        }
    };
    markup.into_string()
}

pub(super) fn head(name: &str) -> Markup {
    super::head(&format!("{name} · running"), STYLE, &LIVE_POLICY)
}

/// Returns the script that loads the page again. It must follow the script of the report.
pub(super) fn script() -> Markup {
    html! { script { (PreEscaped(&*LIVE_SCRIPT)) } }
}

pub(super) fn bar(bar: &LiveBar) -> Markup {
    html! {
        div.live role="region" aria-label="Live run" {
            p.where { b { (bar.scenario) } " · " (bar.progress) }
            @if let Some(path) = &bar.cancel_path {
                form method="post" action=(path) { button type="submit" { "Cancel the run" } }
            }
            p.gone.bad hidden { "The program has ended, so this page is no longer refreshed. The reports are in \
                " code { (bar.folder) } "." }
        }
    }
}

/// Returns the section that replaces the verdict: the state of the thresholds so far.
pub(super) fn strip(report: &Report) -> Markup {
    html! {
        section.verdict.running aria-label="So far" {
            div.call {
                span.icon {}
                h2 { "Running" }
                div.code { "so far" }
                div.why { @for sentence in &report.verdict.sentences { p { (sentence) } } }
            }
            (thresholds(report))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LIVE_SCRIPT;

    #[test]
    fn the_live_script_cannot_end_its_element() {
        assert!(!LIVE_SCRIPT.contains("</") && !LIVE_SCRIPT.contains("<!"), "{}", *LIVE_SCRIPT);
    }
}
