//! The promises of the house, one module each.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test tells what it found, in the functions that tests share too"
)]

/// No public value that an attacker can think of gets past parsing.
mod srp_door;
/// SRP holds for whatever is drawn.
mod srp_properties;
/// SRP gives the very numbers of real clients.
mod srp_vectors;
