//! The promises of the house, one module each.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

/// A scenario file is understood as it is meant, or refused with the place and the reason.
mod scenario_files;
/// The same scenario and seed ask for the same people and sign-ins, as many as the stages say.
mod workload;
