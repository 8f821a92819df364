//! The other side of a sign-in: what a person and their device do, sans-IO, honest or not.
//!
//! Two machines, since a device's secret belongs to the device: [`SignIn`] is the user's app, [`Device`] the part that
//! keeps the secret. `SignIn` never holds it; it asks, by [`DeviceRequest`], and gets proofs. Neither reads a clock,
//! sends anything or computes a power: they say what they want, and are told what came of it.

mod attempt;
mod challenges;
mod device;
mod follow_up;
mod intent;
mod sign_in;

pub use attempt::{Attempt, AttemptEnd, Enrollment};
pub use device::{Device, DeviceAnswer, DeviceRequest, DeviceStep};
pub use intent::Intent;
pub use sign_in::{Action, CodeSource, End, Event, SignIn, SignInOptions};
