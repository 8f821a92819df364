//! The client side of a sign-in, without input and output.
//!
//! [`SignIn`] is the user's app, [`Device`] is the device that keeps a secret. The device secret never leaves
//! [`Device`]: `SignIn` asks for proofs by [`DeviceRequest`]. Neither reads a clock, sends a request or
//! computes an exponentiation. The caller gives them the time and events. They return what to do next: an
//! [`Action`] or a [`DeviceStep`].
//!
//! The pool is any server that speaks the Cognito user pools API.
//!
//! ```
//! use poolproof_client::{Action, Event, SignIn, SignInFlow, SignInOptions};
//! use poolproof_cognito::ids::{ClientId, Password, PoolId, Username};
//! use poolproof_cognito::protocol::Request;
//! use poolproof_cognito::seed::Seed;
//! use poolproof_cognito::time::Timestamp;
//! use poolproof_srp::Group;
//!
//! let options = SignInOptions {
//!     pool_id: PoolId::new("us-east-1_example"),
//!     client_id: ClientId::new("app"),
//!     group: Group::cognito(),
//!     ephemeral_bits: 256,
//!     username: Username::new("user"),
//!     password: Password::new("secret"),
//!     flow: SignInFlow::Password,
//!     device: None,
//!     device_secret_damaged: false,
//!     omits_key_after_mfa: false,
//!     confirms_device: true,
//!     opts_in: false,
//!     replay: false,
//!     device_to_forget: None,
//! };
//! let mut sign_in = SignIn::new(options, Seed::new(1).rng("sign-in", 0));
//! let now = Timestamp::default();
//! let action = sign_in.next(now, Event::Start);
//! assert!(matches!(action, Action::Send(Request::InitiateAuth(_))));
//! let action = sign_in.next(now, Event::NoAnswer("connection refused".to_owned()));
//! assert!(matches!(action, Action::Finished));
//! ```

mod challenges;
mod device;
mod flows;
mod follow_up;
mod intent;
mod sign_in;
mod types;

pub use device::{Device, DeviceAnswer, DeviceRequest, DeviceStep};
pub use intent::Intent;
pub use sign_in::SignIn;
pub use types::{
    Action, Attempt, AttemptEnd, CodeSource, End, Enrollment, Event, FirstFactor, SignInFlow, SignInOptions,
};
