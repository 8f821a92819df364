//! Requests by operation and outcome, for `/metrics`.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::lock;
use crate::http::codec::OPERATIONS;
use crate::http::prometheus::{MetricKind, MetricsPage};

/// Counts by operation and outcome. Only known operations and exceptions are keys.
#[derive(Default)]
pub(super) struct RequestCounts(Mutex<BTreeMap<(&'static str, &'static str), u64>>);

impl RequestCounts {
    /// Counts a request and returns the name under which it counts: that of its operation, or `other`.
    pub(super) fn count(&self, operation: &str, outcome: &'static str) -> &'static str {
        let operation = OPERATIONS.iter().find(|known| **known == operation).copied().unwrap_or("other");
        *lock(&self.0).entry((operation, outcome)).or_default() += 1;
        operation
    }

    /// Writes the counts as a metric.
    pub(super) fn write_metrics(&self, page: &mut MetricsPage) {
        let mut requests = page.metric(
            "poolproof_requests_total",
            MetricKind::Counter,
            "Requests by operation and outcome.",
        );
        for ((operation, outcome), count) in &*lock(&self.0) {
            requests.sample(&[("operation", operation), ("outcome", outcome)], count);
        }
    }
}
