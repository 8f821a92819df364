//! The app client that speaks for users: what it may do, and how it proves itself.

use std::time::Duration;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use poolproof_cognito::ids::ClientId;
use poolproof_cognito::protocol::{ApiError, ErrorKind, Parameters, keys};

/// An app client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppClient {
    /// `ClientId`.
    pub id: ClientId,
    /// `ClientSecret`, if it has one: then every request carries a hash made with it.
    pub secret: Option<String>,
    /// `PreventUserExistenceErrors = ENABLED`: an unknown user is answered like a known one.
    pub prevents_user_existence_errors: bool,
    /// `USER_PASSWORD_AUTH`.
    pub password_flow: PasswordFlow,
    /// `USER_SRP_AUTH`.
    pub srp_flow: bool,
    /// `ADMIN_USER_PASSWORD_AUTH`.
    pub admin_flow: bool,
    /// How long what it gets is good.
    pub validity: Validity,
}

/// How long sessions and tokens of a client are good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validity {
    /// `AuthSessionValidity`; the pool's, where the client has none of its own.
    pub session: Option<Duration>,
    /// `AccessTokenValidity`.
    pub access: Duration,
    /// `IdTokenValidity`.
    pub id: Duration,
    /// `RefreshTokenValidity`.
    pub refresh: Duration,
}

impl Validity {
    /// Cognito's defaults: an hour, and thirty days for refresh tokens.
    pub const DEFAULT: Self = Self {
        session: None,
        access: Duration::from_secs(3600),
        id: Duration::from_secs(3600),
        refresh: Duration::from_secs(30 * 24 * 3600),
    };
}

/// Whether passwords may be sent as they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PasswordFlow {
    /// Not.
    Off,
    /// Yes, and a `DEVICE_KEY` counts there as in SRP: today's documentation (SEMANTICS, first conflict).
    WithDevices,
    /// Yes, and a `DEVICE_KEY` is ignored there: the older documentation asks for SRP.
    WithoutDevices,
}

impl AppClient {
    /// A client without a secret, for SRP alone, that tells when a user does not exist.
    pub const fn public(id: ClientId) -> Self {
        Self {
            id,
            secret: None,
            prevents_user_existence_errors: false,
            password_flow: PasswordFlow::Off,
            srp_flow: true,
            admin_flow: false,
            validity: Validity::DEFAULT,
        }
    }

    /// In the place of a client where there is none.
    pub(super) const fn placeholder() -> Self {
        Self::public(ClientId::EMPTY)
    }

    /// Whether this is the client that is meant.
    pub(super) fn check_id(&self, client_id: &str) -> Result<(), ApiError> {
        if client_id == self.id.as_str() && !client_id.is_empty() {
            return Ok(());
        }
        let message = format!("User pool client {client_id} does not exist.");
        Err(ApiError::new(ErrorKind::ResourceNotFound, message))
    }

    /// Checks the hash in the parameters that start a sign-in.
    pub(super) fn check_hash_at_start(&self, parameters: &Parameters) -> Result<(), ApiError> {
        if self.secret.is_none() && parameters.value(keys::SECRET_HASH).is_some() {
            let message =
                format!("App client {} is not configured for secret but secret hash was received", self.id);
            return Err(ApiError::invalid_parameter(message));
        }
        self.check_hash(parameters, parameters.value(keys::USERNAME).unwrap_or_default())
    }

    /// Checks the hash made with this name. One that nobody needs is ignored, but at the start of a sign-in.
    pub(super) fn check_hash(&self, parameters: &Parameters, name: &str) -> Result<(), ApiError> {
        let Some(secret) = &self.secret else { return Ok(()) };
        let Some(claimed) = parameters.value(keys::SECRET_HASH) else {
            let message =
                format!("Client {} is configured with secret but SECRET_HASH was not received", self.id);
            return Err(ApiError::not_authorized(message));
        };
        let wrong =
            || ApiError::not_authorized(format!("Unable to verify secret hash for client {}", self.id));
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| wrong())?;
        let claimed = BASE64.decode(claimed.as_bytes()).map_err(|_| wrong())?;
        let mac = mac.chain_update(name.as_bytes()).chain_update(self.id.as_str().as_bytes());
        mac.verify_slice(&claimed).map_err(|_| wrong())
    }

    /// Checks the secret itself, where an operation carries it.
    pub(super) fn check_secret(&self, claimed: Option<&str>) -> Result<(), ApiError> {
        match (&self.secret, claimed) {
            (None, _) => Ok(()),
            (Some(secret), Some(claimed)) if secret == claimed => Ok(()),
            (Some(_), _) => {
                Err(ApiError::not_authorized(format!("Unable to verify secret for client {}", self.id)))
            }
        }
    }
}
