//! The other side of a sign-in: what a person and their device do, sans-IO, honest or not.

mod intent;

pub use intent::Intent;
