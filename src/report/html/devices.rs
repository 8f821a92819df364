//! Shows how many devices users have collected.

use maud::{Markup, html};

use crate::report::format::count;
use crate::report::{Devices, Report};

/// Returns the section on devices; empty if no user has one.
pub(super) fn section(report: &Report) -> Markup {
    let Some(Devices { issued, per_user_p50, per_user_p99, per_user_max }) = report.devices else {
        return html! {};
    };
    let facts = [
        ("Median", per_user_p50.into()),
        ("p99", per_user_p99.into()),
        ("Most", per_user_max.into()),
        ("New in the run", issued),
    ];
    html! {
        section {
            h2 { "Devices per user" }
            p.lead { "The devices that each user had at the start, and those whose key the pool issued since. \
                A client that gets a new device at every sign-in shows here." }
            dl.facts {
                @for (name, number) in facts { div { dt { (name) } dd { (count(number)) } } }
            }
        }
    }
}
