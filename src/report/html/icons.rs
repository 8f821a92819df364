//! Small shapes that repeat the meaning of colors, for readers and printers without color.

use maud::{Markup, html};

/// Returns the color of the light theme, for pages without their style sheet.
const fn color(good: bool) -> &'static str {
    if good { "#0d6b39" } else { "#b3211a" }
}

/// Returns a circle with a check mark, or an octagon with a cross.
pub(super) fn verdict_icon(passed: bool) -> Markup {
    html! {
        svg.icon.good[passed].bad[!passed] width="34" height="34" color=(color(passed)) viewBox="0 0 34 34" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round" {
            @if passed {
                circle cx="17" cy="17" r="15" {}
                path d="M10.5 17.5 15 22l8.5-9.5" {}
            } @else {
                path d="M11 2h12l9 9v12l-9 9H11l-9-9V11z" {}
                path d="M12 12l10 10M22 12 12 22" {}
            }
        }
    }
}

/// Draws ✓ or ✗ with a word for screen readers.
pub(super) fn tick(good: bool) -> Markup {
    let word = if good { "holds" } else { "does not hold" };
    html! {
        svg.tick.good[good].bad[!good] width="14" height="14" color=(color(good)) viewBox="0 0 14 14" role="img" aria-label=(word) fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round" {
            @if good { path d="M2 7.5 5.5 11 12 3.5" {} } @else { path d="M3 3l8 8M11 3l-8 8" {} }
        }
    }
}

/// Returns a command that wraps between its words, not at hyphens.
pub(super) fn command(text: &str) -> Markup {
    html! { code.command { @for word in text.split(' ') { span { (word) } " " } } }
}

/// Returns the confidence of a rule, a circle and the word. The circle is full, has a dot, is half full or
/// empty.
pub(crate) fn confidence(word: &str) -> Markup {
    html! {
        span.sure {
            svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.4" {
                circle cx="5" cy="5" r="4.2" {}
                @match word {
                    "documented" => circle cx="5" cy="5" r="4.2" fill="currentColor" {},
                    "formerly_documented" => circle cx="5" cy="5" r="1.6" fill="currentColor" {},
                    "observed" => path d="M5 .8a4.2 4.2 0 0 0 0 8.4z" fill="currentColor" {},
                    _ => (""),
                }
            }
            (word.replace('_', " "))
        }
    }
}

/// Returns a legend symbol for a line of a chart.
pub(super) fn legend_line(class: &str) -> Markup {
    html! { svg width="22" height="10" viewBox="0 0 22 10" aria-hidden="true" { path.line.(class) d="M0 5H22" {} } }
}

/// Returns a legend symbol for a filled area of a chart.
pub(super) fn legend_area(class: &str) -> Markup {
    html! { svg width="22" height="10" viewBox="0 0 22 10" aria-hidden="true" { rect.area.(class) width="22" height="10" {} } }
}
