//! Shows the failed requests by cause.

use maud::{Markup, html};

use crate::report::Report;
use crate::report::format::{count, time};

/// Returns the section on failed requests; empty if there are none.
pub(super) fn section(report: &Report) -> Markup {
    if report.failures.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "Failed requests" }
            p.lead { "Requests without a usable answer. A sign-in ends with its last failed request, unless it \
                had its tokens before." }
            div.scroll tabindex="0" role="region" aria-label="Failed requests by cause" {
                table {
                    thead { tr {
                        @for head in ["Cause", "Requests", "Sign-ins", "First after", "Example"] { th scope="col" { (head) } }
                    } }
                    tbody {
                        @for failures in &report.failures {
                            tr {
                                td { (failures.cause.describe()) }
                                td.number { (count(failures.requests)) }
                                td.number { (count(failures.sign_ins)) }
                                td.number { (time(failures.first_us)) }
                                td { (failures.example) }
                            }
                        }
                    }
                }
            }
        }
    }
}
