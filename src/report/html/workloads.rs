//! Shows the results of each workload, if a scenario has several.

use maud::{Markup, html};

use super::super::Report;
use super::super::format::{count, rate, time_or_unknown};

/// Returns a row per workload; empty if there is only one.
pub(super) fn section(report: &Report) -> Markup {
    html! {
        @if !report.workloads.is_empty() {
            section {
                h2 { "Workloads" }
                div.scroll tabindex="0" role="region" aria-label="Workloads" {
                    table.sortable.stack {
                        thead {
                            tr {
                                th scope="col" { "Workload" }
                                th scope="col" { "Sign-ins" }
                                th scope="col" { "Offered" }
                                th scope="col" { "Achieved" }
                                th scope="col" { "Dropped" }
                                th scope="col" { "p50" }
                                th scope="col" { "p99" }
                                th scope="col" { "p99, service" }
                            }
                        }
                        tbody {
                            @for workload in &report.workloads {
                                tr {
                                    th scope="row" { (workload.name) }
                                    td data-head="Sign-ins" { (count(workload.sign_ins.started)) }
                                    td data-head="Offered" { (rate(workload.offered_per_s)) }
                                    td data-head="Achieved" { (rate(workload.achieved_per_s)) }
                                    td data-head="Dropped" { (count(workload.dropped)) }
                                    td data-head="p50" { (time_or_unknown(workload.intended.p50_us)) }
                                    td data-head="p99" { (time_or_unknown(workload.intended.p99_us)) }
                                    td data-head="p99, service" { (time_or_unknown(workload.service.p99_us)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
