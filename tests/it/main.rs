//! The promises of the house, one module each.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers too: a test that cannot go on has failed")]

// Merged snapshots are what one recorder would have seen, and their sums hold (P12).
mod metrics;
// Page, terminal and report.json tell the same, and nothing from outside becomes more than text (P11, P12, N4).
mod report;
// A run as a recorder sees it, drawn from a seed; no test of its own.
mod sample;
