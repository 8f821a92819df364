//! App clients: what they may do, and how they authenticate.

use std::time::Duration;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::ids::ClientId;
use poolproof_cognito::policy::{CompromisedAction, RiskAction};
use poolproof_cognito::protocol::{ApiError, Parameters, keys};

/// An app client.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppClient {
    /// `ClientId`.
    pub id: ClientId,
    /// `ClientSecret`, if it has one; then every request must carry a hash computed with it.
    pub secret: Option<String>,
    /// `PreventUserExistenceErrors = ENABLED`: the responses for an unknown user look like those for a known
    /// one.
    pub prevents_user_existence_errors: bool,
    /// `USER_PASSWORD_AUTH`.
    pub password_flow: PasswordFlow,
    /// `USER_SRP_AUTH`.
    pub srp_flow: bool,
    /// `USER_AUTH`.
    #[serde(default)]
    pub choice_flow: bool,
    /// `CUSTOM_AUTH`.
    #[serde(default)]
    pub custom_flow: bool,
    /// `ADMIN_USER_PASSWORD_AUTH`.
    pub admin_flow: bool,
    /// `REFRESH_TOKEN_AUTH`.
    pub refresh_flow: bool,
    /// `EnableTokenRevocation`.
    pub token_revocation: bool,
    /// `RefreshTokenRotation`: how long a used refresh token can be used again; `None` is off.
    pub rotation: Option<Duration>,
    /// How long the client's sessions and tokens are valid.
    pub validity: Validity,
    /// The client's own risk configuration; it replaces the pool's.
    #[serde(default)]
    pub risk: Option<Box<ClientRisk>>,
}

/// The risk configuration of a client.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientRisk {
    /// The action at low risk.
    pub low: RiskAction,
    /// The action at medium risk.
    pub medium: RiskAction,
    /// The action at high risk.
    pub high: RiskAction,
    /// The action for compromised passwords.
    pub compromised: CompromisedAction,
    /// Addresses that are always blocked or never assessed.
    pub exceptions: RiskExceptions,
}

/// How long a client's sessions and tokens are valid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validity {
    /// `AuthSessionValidity`; `None` is the pool's value.
    pub session: Option<Duration>,
    /// `AccessTokenValidity`.
    pub access: Duration,
    /// `IdTokenValidity`.
    pub id: Duration,
    /// `RefreshTokenValidity`.
    pub refresh: Duration,
}

impl Validity {
    /// Cognito's defaults: one hour, and 30 days for refresh tokens.
    pub const DEFAULT: Self = Self {
        session: None,
        access: Duration::from_secs(3600),
        id: Duration::from_secs(3600),
        refresh: Duration::from_secs(30 * 24 * 3600),
    };
}

/// Whether the client may send plain passwords.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordFlow {
    /// Plain passwords are refused.
    Off,
    /// Allowed, and `DEVICE_KEY` counts as in SRP, as the current documentation says.
    WithDevices,
    /// Allowed, and `DEVICE_KEY` is ignored: the older documentation requires SRP.
    WithoutDevices,
}

impl AppClient {
    /// Returns a client without a secret, with Cognito's default flows, that reveals when a user does not
    /// exist.
    pub const fn public(id: ClientId) -> Self {
        Self {
            id,
            secret: None,
            prevents_user_existence_errors: false,
            password_flow: PasswordFlow::Off,
            srp_flow: true,
            choice_flow: false,
            custom_flow: true,
            admin_flow: false,
            refresh_flow: true,
            token_revocation: true,
            rotation: None,
            validity: Validity::DEFAULT,
            risk: None,
        }
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

    /// Checks the hash computed with this name. An unnecessary hash is ignored, except at the start of a
    /// sign-in.
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

    /// Checks the secret itself, in operations that carry it.
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
