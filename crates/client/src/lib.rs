//! The other side of a sign-in: what a person and their device do, sans-IO, honest or not.
//!
//! Two machines, since a device's secret belongs to the device: [`SignIn`] is the user's app, [`Device`] the part that
//! keeps the secret. `SignIn` never holds it; it asks, by [`DeviceAsk`], and gets proofs. Neither reads a clock,
//! sends anything or computes a power: they say what they want, and are told what came of it.

mod after;
mod attempt;
mod device;
mod intent;
mod legs;
mod sign_in;

pub use attempt::{Attempt, AttemptEnd, Enrolment};
pub use device::{Device, DeviceAnswer, DeviceAsk, DeviceStep};
pub use intent::Intent;
pub use sign_in::{Action, CodeOf, End, Event, Plan, SignIn};
