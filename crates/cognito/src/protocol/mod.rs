//! Cognito's operations as types: the requests of clients and the responses of pools.
//!
//! Requests are *untrusted text with a shape*. Fields have the names and types of Cognito's API model, and
//! their values are the client's text. Attacks can therefore be written as requests and take the same path as
//! valid ones. The pool validates the values. Errors are values ([`ApiError`]).
//!
//! All names are from the API model of 2016-04-18 (docs/semantics.md, the API).

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

/// Any operation that the owner of the pools can execute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// An operation of sign-in, on devices or on tokens.
    Pool(Request),
    /// An operation on a user.
    Account(AccountRequest),
    /// An operation on a pool or an app client.
    Manage(ManagementRequest),
}

/// A successful response to an [`Operation`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// A response from a pool.
    Pool(Response),
    /// A response about a pool or an app client.
    ManagementResponse(ManagementResponse),
}
