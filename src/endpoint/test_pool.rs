//! A pool that a run creates at an endpoint and deletes again.
//!
//! The pool starts with permissive settings: it tracks devices and requires no MFA. Users get their devices
//! by signing in. Then the pool gets its final settings.

use std::time::Duration;

use super::NewPool;
use super::admin_client::{AdminClient, CleanupError, SetupError};
use crate::failure::FailureCause;
use poolproof_cognito::ids::{ClientId, PoolId};
use poolproof_cognito::policy::{
    FactorTypes, MfaMode, PoolPolicy, RememberMode, RiskAction, RiskMode, RiskPolicy,
};
use poolproof_cognito::protocol::{
    AccountTakeover, AddOns, ClientSpec, DeviceConfiguration, EmailConfig, ManagementRequest,
    ManagementResponse, MfaConfig, Operation, OperationResponse, PoolCall, PoolSpec, RefreshTokenRotation,
    RiskConfiguration, SmsConfig, SmsSender, SoftwareTokenConfig, TakeoverAction, TakeoverActions,
    mfa_mode_name,
};

/// The flows of the app clients that a run creates.
const FLOWS: [&str; 3] = ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", REFRESH_FLOW];
const REFRESH_FLOW: &str = "ALLOW_REFRESH_TOKEN_AUTH";

/// The text for a response of the wrong operation.
const UNEXPECTED_ANSWER: &str = "the endpoint answered with the response of another operation";

/// A pool that this run created at an endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct TestPool {
    /// The pool.
    pub(super) pool_id: PoolId,
    /// Its app client.
    pub(super) client_id: ClientId,
    name: String,
}

impl TestPool {
    /// Creates a pool with permissive settings and a client.
    ///
    /// # Errors
    ///
    /// The endpoint refused. A pool that was created is deleted again, or named in the error.
    pub(super) async fn create(admin: &AdminClient, new_pool: &NewPool<'_>) -> Result<Self, SetupError> {
        let NewPool { name, rotation, usernames } = *new_pool;
        let email = || "email".to_owned();
        let attempted = "CreateUserPool";
        let operation = ManagementRequest::CreateUserPool(PoolSpec {
            username_attributes: usernames.email_as_username.then(email).into_iter().collect(),
            alias_attributes: usernames.email_alias.then(email).into_iter().collect(),
            ..spec(None, name, &setup_policy())
        });
        let answer = match admin.execute(attempted, Operation::Management(operation)).await {
            Ok(answer) => answer,
            Err(mut error) => {
                if !error.had_no_effect() {
                    error.why.push_str(&format!(" (the pool may still exist; its name is {name})"));
                }
                if let Some(FailureCause::HttpStatus | FailureCause::UnreadableAnswer) = error.cause {
                    error.why.push_str("; it is not an answer of Cognito's protocol: is the address right?");
                }
                return Err(error);
            }
        };
        let OperationResponse::Management(ManagementResponse::Pool(pool)) = answer else {
            return Err(SetupError::unexpected(attempted, UNEXPECTED_ANSWER));
        };
        let pool_id = PoolId::new(pool.id);
        let mut test_pool = Self { pool_id, client_id: ClientId::EMPTY, name: name.to_owned() };
        match test_pool.create_client(admin, rotation).await {
            Ok(client_id) => test_pool.client_id = client_id,
            Err(error) => {
                let cleanup_error = test_pool.remove(admin).await.err().map(Box::new);
                return Err(SetupError { cleanup_error, ..error });
            }
        }
        Ok(test_pool)
    }

    async fn create_client(
        &self,
        admin: &AdminClient,
        rotation: Option<Duration>,
    ) -> Result<ClientId, SetupError> {
        self.set_mfa(admin, setup_policy().mfa, FactorTypes { totp: true, ..FactorTypes::NONE }).await?;
        // A client that rotates refresh tokens may not allow the flow.
        let flows = FLOWS.into_iter().filter(|flow| rotation.is_none() || *flow != REFRESH_FLOW);
        let spec = ClientSpec {
            user_pool_id: self.pool_id.as_str().to_owned(),
            name: Some("poolproof".to_owned()),
            auth_flows: flows.map(str::to_owned).collect(),
            refresh_token_rotation: rotation.map(|grace| RefreshTokenRotation {
                feature: "ENABLED".to_owned(),
                retry_grace_period_seconds: Some(grace.as_secs()),
            }),
            ..ClientSpec::default()
        };
        let attempted = "CreateUserPoolClient";
        match admin
            .execute(attempted, Operation::Management(ManagementRequest::CreateUserPoolClient(spec)))
            .await?
        {
            OperationResponse::Management(ManagementResponse::Client(client)) => {
                Ok(ClientId::new(client.client_id))
            }
            _ => Err(SetupError::unexpected(attempted, UNEXPECTED_ANSWER)),
        }
    }

    /// Sets when MFA is required, and activates the types of factors that the users need.
    async fn set_mfa(
        &self,
        admin: &AdminClient,
        mode: MfaMode,
        types: FactorTypes,
    ) -> Result<(), SetupError> {
        let config = MfaConfig {
            user_pool_id: self.pool_id.as_str().to_owned(),
            mfa: Some(mfa_mode_name(mode).to_owned()),
            software_token: Some(SoftwareTokenConfig { enabled: Some(true) }),
            sms: types.sms.then(|| SmsConfig { message: None, sender: Some(sms_sender()) }),
            email: types.email.then(EmailConfig::default),
        };
        let operation = Operation::Management(ManagementRequest::SetUserPoolMfaConfig(config));
        admin.execute("SetUserPoolMfaConfig", operation).await.map(drop)
    }

    /// Applies these settings as far as the API allows: remembering, MFA and risk.
    ///
    /// # Errors
    ///
    /// The endpoint refused.
    pub(super) async fn settle(&self, admin: &AdminClient, policy: &PoolPolicy) -> Result<(), SetupError> {
        let spec = spec(Some(&self.pool_id), &self.name, policy);
        admin
            .execute("UpdateUserPool", Operation::Management(ManagementRequest::UpdateUserPool(spec)))
            .await?;
        self.set_mfa(admin, policy.mfa, policy.factor_types).await?;
        if policy.risk.mode == RiskMode::Off {
            return Ok(());
        }
        let action = |action: RiskAction| {
            Some(TakeoverAction { event_action: action.as_str().to_ascii_uppercase(), notify: Some(false) })
        };
        let RiskPolicy { low, medium, high, .. } = policy.risk;
        let actions = TakeoverActions { low: action(low), medium: action(medium), high: action(high) };
        let config = RiskConfiguration {
            user_pool_id: self.pool_id.as_str().to_owned(),
            account_takeover: Some(AccountTakeover { actions: Some(actions), notify: None }),
            ..RiskConfiguration::default()
        };
        let operation = Operation::Management(ManagementRequest::SetRiskConfiguration(config));
        admin.execute("SetRiskConfiguration", operation).await.map(drop)
    }

    /// Returns the pool's id and name.
    pub(super) fn label(&self) -> String {
        format!("the pool {} ({})", self.pool_id, self.name)
    }

    /// Deletes the pool and everything in it.
    ///
    /// # Errors
    ///
    /// The endpoint refused: the pool still exists.
    pub(super) async fn remove(&self, admin: &AdminClient) -> Result<(), CleanupError> {
        let call = PoolCall { user_pool_id: self.pool_id.as_str().to_owned() };
        match admin
            .execute("DeleteUserPool", Operation::Management(ManagementRequest::DeleteUserPool(call)))
            .await
        {
            Err(why) if !why.is_not_found() => Err(CleanupError { what: self.label(), why }),
            _ => Ok(()),
        }
    }
}

/// The permissive settings: devices are tracked, and users choose which are remembered.
const fn setup_policy() -> PoolPolicy {
    PoolPolicy { remember: RememberMode::OptIn, mfa: MfaMode::Optional, ..PoolPolicy::DEFAULT }
}

/// Returns an SMS sender with a placeholder role. Endpoints that send messages need a role of the account.
fn sms_sender() -> SmsSender {
    SmsSender { sns_caller_arn: "arn:aws:iam::000000000000:role/service-role/poolproof".to_owned() }
}

fn spec(pool_id: Option<&PoolId>, name: &str, policy: &PoolPolicy) -> PoolSpec {
    let mode = match policy.risk.mode {
        RiskMode::Off => None,
        RiskMode::Audit => Some("AUDIT"),
        RiskMode::Enforced => Some("ENFORCED"),
    };
    PoolSpec {
        user_pool_id: pool_id.map(|id| id.as_str().to_owned()),
        // An update takes no name.
        name: pool_id.is_none().then(|| name.to_owned()),
        devices: policy.remember.tracks().then_some(DeviceConfiguration {
            challenge_required_on_new_device: Some(policy.suppress_mfa),
            device_only_remembered_on_user_prompt: Some(policy.remember == RememberMode::OptIn),
        }),
        // SetUserPoolMfaConfig sets what needs more than one value.
        mfa: None,
        // Threat protection needs the highest tier.
        tier: mode.map(|_| "PLUS".to_owned()),
        add_ons: mode.map(|mode| AddOns { advanced_security_mode: mode.to_owned() }),
        // The generated passwords satisfy Cognito's default policy.
        policies: None,
        ..PoolSpec::default()
    }
}
