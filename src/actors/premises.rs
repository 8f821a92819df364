//! A pool at an endpoint: made by its administrator, lived in by our people, and removed.
//!
//! A pool is friendly at first: it hands out keys to whoever has the password, and asks for no MFA of those who have no factor.
//! So people get their devices by signing in, as people do; then the pool is given the settings that it is to have.

use super::administrator::{Administrator, Left, Unwelcome};
use poolproof_cognito::ids::{ClientId, PoolId};
use poolproof_cognito::policy::{MfaMode, PoolPolicy, RememberMode, RiskAction, RiskMode, RiskPolicy};
use poolproof_cognito::protocol::{
    AccountTakeover, AddOns, Answer, ClientSpec, DeviceConfiguration, Managed, Management, MfaConfig,
    Operation, PoolCall, PoolSpec, RiskConfiguration, SoftwareTokenConfig, TakeoverAction, TakeoverActions,
    mfa_word,
};

/// What the app clients of our pools may do.
const FLOWS: [&str; 3] = ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"];

/// What is said of an answer that is none to what was asked.
const ODD: &str = "an answer of another operation";

/// A pool of our own at an endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Premises {
    /// The pool.
    pub pool_id: PoolId,
    /// Its app client.
    pub client_id: ClientId,
    name: String,
}

impl Premises {
    /// Makes a friendly pool of this name, and a client.
    ///
    /// # Errors
    ///
    /// The endpoint does not let us. A pool that was made by then is removed again; one that cannot be is told.
    pub async fn make(admin: &Administrator<'_>, name: &str) -> Result<Self, Unwelcome> {
        let doing = "CreateUserPool";
        let operation = Management::CreateUserPool(spec(None, name, &friendly()));
        let answer = match admin.ask(doing, Operation::Manage(operation)).await {
            Ok(answer) => answer,
            Err(mut error) => {
                if !error.is_sure() {
                    error.why.push_str(&format!(" (a pool that was made all the same is named {name})"));
                }
                return Err(error);
            }
        };
        let Answer::Managed(Managed::Pool(pool)) = answer else {
            return Err(Unwelcome::odd(doing, ODD));
        };
        let pool_id = PoolId::new(pool.id);
        let mut premises = Self { pool_id, client_id: ClientId::EMPTY, name: name.to_owned() };
        match premises.furnish(admin).await {
            Ok(client_id) => premises.client_id = client_id,
            Err(error) => {
                let left = premises.remove(admin).await.err().map(Box::new);
                return Err(Unwelcome { left, ..error });
            }
        }
        Ok(premises)
    }

    async fn furnish(&self, admin: &Administrator<'_>) -> Result<ClientId, Unwelcome> {
        self.set_mfa(admin, friendly().mfa).await?;
        let spec = ClientSpec {
            user_pool_id: self.pool_id.as_str().to_owned(),
            name: Some("poolproof".to_owned()),
            auth_flows: FLOWS.map(str::to_owned).to_vec(),
            ..ClientSpec::default()
        };
        let doing = "CreateUserPoolClient";
        match admin.ask(doing, Operation::Manage(Management::CreateUserPoolClient(spec))).await? {
            Answer::Managed(Managed::Client(client)) => Ok(ClientId::new(client.client_id)),
            _ => Err(Unwelcome::odd(doing, ODD)),
        }
    }

    async fn set_mfa(&self, admin: &Administrator<'_>, mode: MfaMode) -> Result<(), Unwelcome> {
        let config = MfaConfig {
            user_pool_id: self.pool_id.as_str().to_owned(),
            mfa: Some(mfa_word(mode).to_owned()),
            software_token: Some(SoftwareTokenConfig { enabled: Some(true) }),
            ..MfaConfig::default()
        };
        let operation = Operation::Manage(Management::SetUserPoolMfaConfig(config));
        admin.ask("SetUserPoolMfaConfig", operation).await.map(drop)
    }

    /// Gives the pool these settings, as far as an API can: remembering, MFA and risk.
    ///
    /// # Errors
    ///
    /// The endpoint does not let us.
    pub async fn settle(&self, admin: &Administrator<'_>, policy: &PoolPolicy) -> Result<(), Unwelcome> {
        let spec = spec(Some(&self.pool_id), &self.name, policy);
        admin.ask("UpdateUserPool", Operation::Manage(Management::UpdateUserPool(spec))).await?;
        self.set_mfa(admin, policy.mfa).await?;
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
        let operation = Operation::Manage(Management::SetRiskConfiguration(config));
        admin.ask("SetRiskConfiguration", operation).await.map(drop)
    }

    /// Removes the pool with everything in it.
    ///
    /// # Errors
    ///
    /// The endpoint does not let us: the pool is still there.
    pub async fn remove(&self, admin: &Administrator<'_>) -> Result<(), Left> {
        let call = PoolCall { user_pool_id: self.pool_id.as_str().to_owned() };
        match admin.ask("DeleteUserPool", Operation::Manage(Management::DeleteUserPool(call))).await {
            Err(why) if !why.is_not_there() => {
                Err(Left { what: format!("the pool {} ({})", self.pool_id, self.name), why })
            }
            _ => Ok(()),
        }
    }
}

/// A pool that hands out keys to whoever has the password, and remembers what its users choose.
const fn friendly() -> PoolPolicy {
    PoolPolicy { remember: RememberMode::OptIn, mfa: MfaMode::Optional, ..PoolPolicy::DEFAULT }
}

fn spec(pool_id: Option<&PoolId>, name: &str, policy: &PoolPolicy) -> PoolSpec {
    let mode = match policy.risk.mode {
        RiskMode::Off => None,
        RiskMode::Audit => Some("AUDIT"),
        RiskMode::Enforced => Some("ENFORCED"),
    };
    PoolSpec {
        user_pool_id: pool_id.map(|id| id.as_str().to_owned()),
        // An update does not take a name.
        name: pool_id.is_none().then(|| name.to_owned()),
        devices: policy.remember.tracks().then_some(DeviceConfiguration {
            challenge_required_on_new_device: Some(policy.suppress_mfa),
            device_only_remembered_on_user_prompt: Some(policy.remember == RememberMode::OptIn),
        }),
        // What needs more settings than a word is set by SetUserPoolMfaConfig.
        mfa: None,
        add_ons: mode.map(|mode| AddOns { advanced_security_mode: mode.to_owned() }),
        // The passwords that people bring hold under Cognito's own.
        policies: None,
    }
}
