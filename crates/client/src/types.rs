//! The inputs and outputs of a sign-in.

use std::time::Duration;

use super::device::{DeviceAnswer, DeviceRequest};
use poolproof_cognito::ids::{ClientId, DeviceKey, Password, PoolId, Username};
use poolproof_cognito::protocol::{ApiError, ChallengeName, NewDeviceMetadata, Reply, Request};
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::TotpSecret;
use poolproof_srp::{Group, Job, JobResult};

/// The options of a sign-in.
#[derive(Clone, Debug)]
pub struct SignInOptions {
    /// The pool.
    pub pool_id: PoolId,
    /// The app client.
    pub client_id: ClientId,
    /// The SRP group of the pool.
    pub group: Group,
    /// Bits of the secret exponent `a`.
    pub ephemeral_bits: u32,
    /// The user who signs in.
    pub username: Username,
    /// The password that the user types, right or wrong.
    pub password: Password,
    /// How the client starts and proves who the user is.
    pub flow: SignInFlow,
    /// The key of the device, if it has one.
    pub device: Option<DeviceKey>,
    /// Whether the secret of that device is damaged.
    pub device_secret_damaged: bool,
    /// Whether the client leaves the device key out of its MFA answer.
    pub omits_key_after_mfa: bool,
    /// Whether the client confirms a new device.
    pub confirms_device: bool,
    /// Whether the user chooses to remember a new device if the pool lets the user choose.
    pub opts_in: bool,
    /// Whether the client sends the password claim once more after the sign-in.
    pub replay: bool,
    /// A device to forget after a new one is enrolled.
    pub device_to_forget: Option<DeviceKey>,
}

/// How a client starts a sign-in and proves who the user is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum SignInFlow {
    /// By an SRP proof of the password (`USER_SRP_AUTH`).
    #[default]
    Srp,
    /// By the password itself (`USER_PASSWORD_AUTH`).
    Password,
    /// By the first factor that the user prefers (`USER_AUTH`).
    Choice(FirstFactor),
    /// By custom challenges (`CUSTOM_AUTH`).
    Custom {
        /// Whether an SRP proof of the password comes first.
        password_first: bool,
        /// The answers in order; the last one is repeated.
        answers: Vec<String>,
    },
}

/// A first factor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FirstFactor {
    /// An SRP proof of the password.
    PasswordSrp,
    /// The password itself.
    Password,
    /// A code sent by SMS, if the pool offers it; else an SRP proof of the password.
    SmsCode,
    /// A code sent by e-mail, if the pool offers it; else an SRP proof of the password.
    EmailCode,
}

/// An input of a sign-in.
#[derive(Debug)]
pub enum Event {
    /// Start the sign-in.
    Start,
    /// The pool answered or refused.
    Answer(Reply),
    /// A job is done.
    JobResult(JobResult),
    /// The device answered.
    Device(DeviceAnswer),
    /// The user typed this code.
    Code(String),
    /// The user left instead of typing a code.
    Abandoned,
    /// The pool did not answer, for this reason.
    NoAnswer(String),
}

/// An output of a sign-in: what the caller must do next.
#[derive(Debug)]
pub enum Action {
    /// Send this request. The next event is [`Event::Answer`] or [`Event::NoAnswer`].
    Send(Request),
    /// Run this job. The next event is [`Event::JobResult`].
    Compute(Job),
    /// Ask the device. The next event is [`Event::Device`].
    Device(DeviceRequest),
    /// Let the user type a code. The next event is [`Event::Code`] or [`Event::Abandoned`].
    EnterCode(CodeSource),
    /// The sign-in is finished; see [`SignIn::attempts`](super::SignIn::attempts).
    Finished,
}

/// The place where the user reads a code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CodeSource {
    /// In a text message.
    Phone,
    /// In an e-mail.
    Email,
    /// In the authenticator app.
    App,
    /// In the message with the code that is the first factor.
    FirstFactor(FirstFactor),
    /// In an authenticator app that has just received this secret.
    NewApp(TotpSecret),
}

/// How a sign-in ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// The pool issued tokens.
    SignedIn,
    /// The pool refused.
    Refused(ApiError),
    /// The client was throttled too often, or the user left.
    Abandoned,
    /// The pool's answer violates the protocol.
    ProtocolViolation(String),
    /// The pool did not answer.
    NoAnswer(String),
}

/// One password claim and its result.
///
/// A sign-in has several attempts if the pool does not know the device. It has an attempt without a claim if
/// the pool decides before the client could send one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// The device key in the claim.
    pub device: Option<DeviceKey>,
    /// Whether the claim was used before.
    pub replayed: bool,
    /// The challenges of the pool, in order.
    pub challenges: Vec<ChallengeName>,
    /// When the claim was sent and answered; without a claim, when `InitiateAuth` was.
    pub claimed: Option<(Timestamp, Timestamp)>,
    /// The longest time from the request that led to a challenge until the answer to its response.
    pub longest_challenge_time: Duration,
    /// How the attempt ended; `None` while it is in progress.
    pub end: Option<AttemptEnd>,
}

impl Attempt {
    /// Creates an attempt that sends this device key in response to these challenges.
    pub(super) const fn new(device: Option<DeviceKey>, challenges: Vec<ChallengeName>) -> Self {
        let longest_challenge_time = Duration::ZERO;
        Self { device, replayed: false, challenges, claimed: None, longest_challenge_time, end: None }
    }
}

/// How an attempt ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AttemptEnd {
    /// The pool issued tokens.
    Tokens {
        /// Whether the tokens include a key for a new device.
        new_device: bool,
    },
    /// The pool refused.
    Refused(ApiError),
    /// The pool's answer violates the protocol.
    ProtocolViolation,
}

/// A device that was enrolled during a sign-in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Enrollment {
    /// The keys of the device.
    pub metadata: NewDeviceMetadata,
    /// Whether the pool accepted the verifier of the device.
    pub confirmed: bool,
    /// Whether the user chose to remember the device.
    pub opted_in: bool,
}
