//! How often each operation was asked for and how it went, for `/metrics`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;

use super::lock;
use crate::http::codec::OPERATIONS;

/// Counts by operation and outcome. There are as many keys as operations and exceptions, and no more.
#[derive(Default)]
pub(super) struct Tally(Mutex<BTreeMap<(&'static str, &'static str), u64>>);

impl Tally {
    /// Counts a request. What is no operation of ours counts as `other`, whatever it was called.
    pub(super) fn count(&self, operation: &str, outcome: &'static str) {
        let operation = OPERATIONS.iter().find(|known| **known == operation).copied().unwrap_or("other");
        *lock(&self.0).entry((operation, outcome)).or_default() += 1;
    }

    /// The counts in the text format of Prometheus.
    pub(super) fn told(&self, text: &mut String) {
        text.push_str("# HELP poolproof_requests_total Requests by operation and outcome.\n");
        text.push_str("# TYPE poolproof_requests_total counter\n");
        for ((operation, outcome), count) in &*lock(&self.0) {
            let labels = format!("operation=\"{operation}\",outcome=\"{outcome}\"");
            let _ = writeln!(text, "poolproof_requests_total{{{labels}}} {count}");
        }
    }
}
