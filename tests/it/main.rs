//! The promises of the house, one module each.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test tells what it found, in the functions that tests share too"
)]

/// What surprises in a pool's settings is told, counted, and nothing else is.
mod advise;
/// The command says what it should, and ends as it should.
mod cli;
/// Planted faults are found, and named by the right rule.
mod defects;
/// Nobody looks up or sideways.
mod floors;
/// The bundled scenarios come out as committed.
mod golden;
/// The matrix is complete, is what the pool does, and says what changed; a decision is explained as it is taken.
mod matrix;
/// Merged snapshots are what one recorder would have seen, and their sums hold.
mod metrics;
/// Page, terminal and report.json tell the same, and nothing from outside becomes more than text.
mod report;
/// Whole runs add up and can be replayed.
mod runs;
/// A run as a recorder sees it, drawn from a seed.
mod sample;
/// A scenario file is understood as it is meant, or refused with the place and the reason.
mod scenario_files;
/// A pool's settings are read from a scenario or from AWS's own JSON, or refused with the place.
mod settings;
/// No public value that an attacker can think of gets past parsing.
mod srp_door;
/// SRP holds for whatever is drawn.
mod srp_properties;
/// SRP gives the very numbers of real clients.
mod srp_vectors;
/// What the tests of whole runs share.
mod stage;
/// The same scenario and seed ask for the same people and sign-ins, as many as the stages say.
mod workload;
