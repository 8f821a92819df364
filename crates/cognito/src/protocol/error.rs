//! Errors that a pool returns. Known AWS messages are used verbatim, because clients match some of them
//! (docs/semantics.md, SEMANTICS d).

use std::fmt;
use std::time::Duration;

use crate::wire::{Mismatch, WireError};

/// The exceptions of Cognito's API model that this pool returns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "the name of each constant is its exception")]
pub enum ErrorKind {
    NotAuthorized,
    UserNotFound,
    UserNotConfirmed,
    PasswordResetRequired,
    InvalidPassword,
    UnsupportedTokenType,
    UnsupportedOperation,
    RefreshTokenReuse,
    Unauthorized,
    ResourceNotFound,
    InvalidParameter,
    CodeMismatch,
    ExpiredCode,
    DeviceKeyExists,
    InvalidUserPoolConfiguration,
    TooManyRequests,
    EnableSoftwareTokenMfa,
    InvalidLambdaResponse,
    UnexpectedLambda,
    UserLambdaValidation,
    UsernameExists,
    AliasExists,
    GroupExists,
    LimitExceeded,
    TooManyFailedAttempts,
    UnsupportedUserState,
    UserPoolAddOnNotEnabled,
    FeatureUnavailableInTier,
    Serialization,
    UnknownOperation,
    InternalError,
    /// An exception outside this list; its message begins with its name.
    Other,
}

impl ErrorKind {
    /// All exceptions, in declaration order.
    pub const ALL: [Self; 32] = [
        Self::NotAuthorized,
        Self::UserNotFound,
        Self::UserNotConfirmed,
        Self::PasswordResetRequired,
        Self::InvalidPassword,
        Self::UnsupportedTokenType,
        Self::UnsupportedOperation,
        Self::RefreshTokenReuse,
        Self::Unauthorized,
        Self::ResourceNotFound,
        Self::InvalidParameter,
        Self::CodeMismatch,
        Self::ExpiredCode,
        Self::DeviceKeyExists,
        Self::InvalidUserPoolConfiguration,
        Self::TooManyRequests,
        Self::EnableSoftwareTokenMfa,
        Self::InvalidLambdaResponse,
        Self::UnexpectedLambda,
        Self::UserLambdaValidation,
        Self::UsernameExists,
        Self::AliasExists,
        Self::GroupExists,
        Self::LimitExceeded,
        Self::TooManyFailedAttempts,
        Self::UnsupportedUserState,
        Self::UserPoolAddOnNotEnabled,
        Self::FeatureUnavailableInTier,
        Self::Serialization,
        Self::UnknownOperation,
        Self::InternalError,
        Self::Other,
    ];

    /// Returns the exception with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Returns the exception's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAuthorized => "NotAuthorizedException",
            Self::UserNotFound => "UserNotFoundException",
            Self::UserNotConfirmed => "UserNotConfirmedException",
            Self::PasswordResetRequired => "PasswordResetRequiredException",
            Self::InvalidPassword => "InvalidPasswordException",
            Self::UnsupportedTokenType => "UnsupportedTokenTypeException",
            Self::UnsupportedOperation => "UnsupportedOperationException",
            Self::RefreshTokenReuse => "RefreshTokenReuseException",
            Self::Unauthorized => "UnauthorizedException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::InvalidParameter => "InvalidParameterException",
            Self::CodeMismatch => "CodeMismatchException",
            Self::ExpiredCode => "ExpiredCodeException",
            Self::DeviceKeyExists => "DeviceKeyExistsException",
            Self::InvalidUserPoolConfiguration => "InvalidUserPoolConfigurationException",
            Self::TooManyRequests => "TooManyRequestsException",
            Self::EnableSoftwareTokenMfa => "EnableSoftwareTokenMFAException",
            Self::InvalidLambdaResponse => "InvalidLambdaResponseException",
            Self::UnexpectedLambda => "UnexpectedLambdaException",
            Self::UserLambdaValidation => "UserLambdaValidationException",
            Self::UsernameExists => "UsernameExistsException",
            Self::AliasExists => "AliasExistsException",
            Self::GroupExists => "GroupExistsException",
            Self::LimitExceeded => "LimitExceededException",
            Self::TooManyFailedAttempts => "TooManyFailedAttemptsException",
            Self::UnsupportedUserState => "UnsupportedUserStateException",
            Self::UserPoolAddOnNotEnabled => "UserPoolAddOnNotEnabledException",
            Self::FeatureUnavailableInTier => "FeatureUnavailableInTierException",
            Self::Serialization => "SerializationException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::InternalError => "InternalErrorException",
            Self::Other => "OtherException",
        }
    }
}

/// An error response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiError {
    /// The exception.
    pub kind: ErrorKind,
    /// The error message.
    pub message: String,
    /// How long the endpoint asks to wait before a repetition, if it does.
    pub retry_after: Option<Duration>,
}

impl ApiError {
    /// Creates an error with this exception and message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None }
    }

    /// Returns the common error for a wrong password, device secret, claim or secret block. It does not
    /// reveal which one was wrong.
    pub fn incorrect_credentials() -> Self {
        Self::new(ErrorKind::NotAuthorized, "Incorrect username or password.")
    }

    /// Returns the error for a sign-in that threat protection blocks.
    pub fn blocked_by_risk() -> Self {
        Self::new(ErrorKind::NotAuthorized, "Unable to login because of security reasons.")
    }

    /// Returns the error for a client address that is blocked.
    pub fn address_blocked() -> Self {
        Self::new(ErrorKind::NotAuthorized, "Request not allowed due to security reasons.")
    }

    /// Returns the error for a user who is locked out.
    pub fn attempts_exceeded() -> Self {
        Self::new(ErrorKind::NotAuthorized, "Password attempts exceeded")
    }

    /// Returns the error for a device that is unknown, forgotten, never confirmed or another user's. Clients
    /// match this exact text.
    pub fn device_not_found() -> Self {
        Self::new(ErrorKind::ResourceNotFound, "Device does not exist.")
    }

    /// Returns the error for a missing required parameter.
    pub fn missing_parameter(key: &str) -> Self {
        Self::new(ErrorKind::InvalidParameter, format!("Missing required parameter {key}"))
    }

    /// Returns the error for a session that is unknown, malformed, or belongs to another client or user.
    pub fn invalid_session() -> Self {
        Self::new(ErrorKind::NotAuthorized, "Invalid session for the user.")
    }

    /// Returns the error for an expired session.
    pub fn session_expired() -> Self {
        Self::new(ErrorKind::NotAuthorized, "Invalid session for the user, session is expired.")
    }

    /// Returns the error for a session that was already answered.
    pub fn session_used() -> Self {
        Self::new(ErrorKind::NotAuthorized, "Invalid session for the user, session can only be used once.")
    }

    /// Returns the error for an exceeded quota.
    pub fn too_many_requests() -> Self {
        Self::new(ErrorKind::TooManyRequests, "Rate exceeded")
    }

    /// Returns the error for an unknown user, for use where the pool may reveal it.
    pub fn user_not_found() -> Self {
        Self::new(ErrorKind::UserNotFound, "User does not exist.")
    }

    /// Returns the error for an invalid argument.
    pub fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidParameter, message)
    }

    /// Returns the error for a flow or a setting that exists on AWS and is not simulated.
    pub fn not_simulated(name: impl fmt::Display) -> Self {
        Self::invalid_parameter(format!("poolproof does not simulate {name}"))
    }

    /// Returns the error for an operation that is not allowed, with the reason.
    pub fn not_authorized(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotAuthorized, message)
    }

    /// Returns the error for a failure inside the pool.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InternalError, message)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.as_str(), self.message)
    }
}

impl From<WireError> for ApiError {
    fn from(error: WireError) -> Self {
        let kind = match error.mismatch {
            Mismatch::Missing(_) | Mismatch::Range(_) | Mismatch::TooManyEntries(_) => {
                ErrorKind::InvalidParameter
            }
            Mismatch::Type { .. } | Mismatch::Other(_) => ErrorKind::Serialization,
        };
        Self::new(kind, error.to_string())
    }
}
