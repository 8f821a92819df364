//! How a pool refuses. The texts are AWS's where they are known (SEMANTICS d); clients match on some of them.

use std::fmt;

/// The exceptions of Cognito's API model that this pool raises.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "the name of each constant is its exception")]
pub enum ErrorKind {
    NotAuthorized,
    UserNotFound,
    UserNotConfirmed,
    PasswordResetRequired,
    InvalidPassword,
    UnsupportedTokenType,
    ResourceNotFound,
    InvalidParameter,
    CodeMismatch,
    ExpiredCode,
    DeviceKeyExists,
    InvalidUserPoolConfiguration,
    TooManyRequests,
    EnableSoftwareTokenMfa,
    UsernameExists,
    AliasExists,
    LimitExceeded,
    TooManyFailedAttempts,
    UnsupportedUserState,
    UserPoolAddOnNotEnabled,
    Serialization,
    UnknownOperation,
    InternalError,
    /// One that this list does not have; its message begins with its name.
    Other,
}

impl ErrorKind {
    /// All of them, in the order of declaration.
    pub const ALL: [Self; 24] = [
        Self::NotAuthorized,
        Self::UserNotFound,
        Self::UserNotConfirmed,
        Self::PasswordResetRequired,
        Self::InvalidPassword,
        Self::UnsupportedTokenType,
        Self::ResourceNotFound,
        Self::InvalidParameter,
        Self::CodeMismatch,
        Self::ExpiredCode,
        Self::DeviceKeyExists,
        Self::InvalidUserPoolConfiguration,
        Self::TooManyRequests,
        Self::EnableSoftwareTokenMfa,
        Self::UsernameExists,
        Self::AliasExists,
        Self::LimitExceeded,
        Self::TooManyFailedAttempts,
        Self::UnsupportedUserState,
        Self::UserPoolAddOnNotEnabled,
        Self::Serialization,
        Self::UnknownOperation,
        Self::InternalError,
        Self::Other,
    ];

    /// The exception of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The exception's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAuthorized => "NotAuthorizedException",
            Self::UserNotFound => "UserNotFoundException",
            Self::UserNotConfirmed => "UserNotConfirmedException",
            Self::PasswordResetRequired => "PasswordResetRequiredException",
            Self::InvalidPassword => "InvalidPasswordException",
            Self::UnsupportedTokenType => "UnsupportedTokenTypeException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::InvalidParameter => "InvalidParameterException",
            Self::CodeMismatch => "CodeMismatchException",
            Self::ExpiredCode => "ExpiredCodeException",
            Self::DeviceKeyExists => "DeviceKeyExistsException",
            Self::InvalidUserPoolConfiguration => "InvalidUserPoolConfigurationException",
            Self::TooManyRequests => "TooManyRequestsException",
            Self::EnableSoftwareTokenMfa => "EnableSoftwareTokenMFAException",
            Self::UsernameExists => "UsernameExistsException",
            Self::AliasExists => "AliasExistsException",
            Self::LimitExceeded => "LimitExceededException",
            Self::TooManyFailedAttempts => "TooManyFailedAttemptsException",
            Self::UnsupportedUserState => "UnsupportedUserStateException",
            Self::UserPoolAddOnNotEnabled => "UserPoolAddOnNotEnabledException",
            Self::Serialization => "SerializationException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::InternalError => "InternalErrorException",
            Self::Other => "OtherException",
        }
    }
}

/// A refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiError {
    /// Which exception.
    pub kind: ErrorKind,
    /// Its message.
    pub message: String,
}

impl ApiError {
    /// This exception with this message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// The one answer to a wrong password, device secret, claim or secret block: it does not tell which.
    pub fn incorrect_credentials() -> Self {
        Self::new(ErrorKind::NotAuthorized, "Incorrect username or password.")
    }

    /// Refused by risk.
    pub fn blocked_by_risk() -> Self {
        Self::new(ErrorKind::NotAuthorized, "Unable to login because of security reasons.")
    }

    /// Refused because of the address that it came from.
    pub fn address_blocked() -> Self {
        Self::new(ErrorKind::NotAuthorized, "Request not allowed due to security reasons.")
    }

    /// The user is locked out for now.
    pub fn attempts_exceeded() -> Self {
        Self::new(ErrorKind::NotAuthorized, "Password attempts exceeded")
    }

    /// Unknown, forgotten, never confirmed or another user's. Clients match this very text.
    pub fn device_not_found() -> Self {
        Self::new(ErrorKind::ResourceNotFound, "Device does not exist.")
    }

    /// A required key is absent.
    pub fn missing_parameter(key: &str) -> Self {
        Self::new(ErrorKind::InvalidParameter, format!("Missing required parameter {key}"))
    }

    /// The session is unknown, malformed, or belongs to another client or user.
    pub fn invalid_session() -> Self {
        Self::new(ErrorKind::NotAuthorized, "Invalid session for the user.")
    }

    /// The session was answered too late.
    pub fn session_expired() -> Self {
        Self::new(ErrorKind::NotAuthorized, "Invalid session for the user, session is expired.")
    }

    /// The session was answered already.
    pub fn session_used() -> Self {
        Self::new(ErrorKind::NotAuthorized, "Invalid session for the user, session can only be used once.")
    }

    /// A quota is used up.
    pub fn too_many_requests() -> Self {
        Self::new(ErrorKind::TooManyRequests, "Rate exceeded")
    }

    /// There is no such user, where that may be told.
    pub fn user_not_found() -> Self {
        Self::new(ErrorKind::UserNotFound, "User does not exist.")
    }

    /// An argument makes no sense.
    pub fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidParameter, message)
    }

    /// Not allowed, for this reason.
    pub fn not_authorized(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotAuthorized, message)
    }

    /// The pool is at fault.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InternalError, message)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.as_str(), self.message)
    }
}
