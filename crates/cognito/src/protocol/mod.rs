//! Cognito's operations as types: what a client may say and a pool may answer.
//!
//! Requests are *untrusted text with a shape*: fields are named and typed as in Cognito's API model, and
//! their contents are whatever the client wrote. So an attack can be written down and passes through every
//! door like an honest request. Whether the text means anything is for the pool to find out. Refusals are
//! values ([`ApiError`]).
//!
//! Source of all names: SEMANTICS a.1–a.5, after the API model of 2016-04-18.

mod account;
mod error;
mod management;
mod names;
mod request;
mod response;

pub use account::{
    AccountRequest, AccountResponse, AdminCreateUser, AdminInitiateAuth, AdminRespondToAuthChallenge,
    AdminSetUserMfaPreference, AdminSetUserPassword, AdminUserCall, Attributes, BearerCall, ChangePassword,
    CodeDelivery, ConfirmSignUp, ListUsers, MfaPreference, MfaPreferences, SetUserMfaPreference, SignUp,
    UserDescription, VerifyOwnSoftwareToken,
};
pub use error::{ApiError, ErrorKind};
pub use management::{
    AccountTakeover, AddOns, ClientCall, ClientDescription, ClientSpec, CompromisedActions,
    CompromisedCredentials, DeviceConfiguration, EmailConfig, ListUserPoolClients, ListUserPools,
    ManagementRequest, ManagementResponse, MfaConfig, NotifyConfiguration, NotifyEmail, PasswordPolicySpec,
    Policies, PoolCall, PoolDescription, PoolSpec, RiskConfiguration, RiskExceptionLists, SmsConfig,
    SmsSender, SoftwareTokenConfig, TakeoverAction, TakeoverActions, ValiditySpec, ValidityUnits,
    mfa_mode_name,
};
pub use names::{ChallengeName, DeviceStatus, SignInStep, keys};
pub use request::{
    AdminDeviceCall, AdminListDevices, AdminUpdateDeviceStatus, AssociateSoftwareToken, ConfirmDevice,
    DeviceCall, GetTokensFromRefreshToken, GlobalSignOut, InitiateAuth, ListDevices, Origin, Parameters,
    Request, RespondToAuthChallenge, RevokeToken, SecretVerifierConfig, UpdateDeviceStatus,
    VerifySoftwareToken,
};
pub use response::{
    AuthOutcome, AuthenticationResult, Challenge, DeviceDescription, NewDeviceMetadata, Reply, Response,
};

/// Everything that can be asked of whoever owns pools.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Signs in, or is about devices or tokens.
    Pool(Request),
    /// Is about a user.
    Account(AccountRequest),
    /// Is about a pool.
    Manage(ManagementRequest),
}

/// An answer to an [`Operation`] that is not a refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// A pool's.
    Pool(Response),
    /// About a pool.
    ManagementResponse(ManagementResponse),
}
