//! Cognito's operations as types: what a client may say and a pool may answer.
//!
//! Requests are *untrusted text with a shape*: fields are named and typed as in Cognito's API model, and their contents
//! are whatever the client wrote. So an attack can be written down and passes through every door like an honest
//! request. Whether the text means anything is for the pool to find out. Refusals are values ([`ApiError`]).
//!
//! Source of all names: SEMANTICS a.1–a.5, after the API model of 2016-04-18.

mod error;
mod names;
mod request;
mod response;

pub use error::{ApiError, ErrorKind};
pub use names::{ChallengeName, DeviceStatus, Step, keys};
pub use request::{
    AdminDeviceCall, AdminListDevices, AdminUpdateDeviceStatus, AssociateSoftwareToken, ConfirmDevice,
    DeviceCall, GetTokensFromRefreshToken, GlobalSignOut, InitiateAuth, ListDevices, Origin, Parameters,
    Request, RespondToAuthChallenge, RevokeToken, SecretVerifierConfig, UpdateDeviceStatus,
    VerifySoftwareToken,
};
pub use response::{
    AuthOutcome, Authentication, Challenge, DeviceDescription, NewDeviceMetadata, Reply, Response,
};
