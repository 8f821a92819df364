//! Operations on pools.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{HostedPool, MAX_POOLS_OR_CLIENTS, Provider, RequestedSettings, account_settings, tags, word};
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::ids::PoolId;
use poolproof_cognito::policy::{
    FactorTypes, FirstFactors, FirstFactorsError, MfaMode, PasswordPolicy, PoolPolicy, RememberMode,
    RiskAction, RiskMode, RiskPolicy, UsernameSettings,
};
use poolproof_cognito::protocol::{
    AddOns, ApiError, DeviceConfiguration, ErrorKind, ListUserPools, ManagementResponse, MfaConfig,
    PasswordPolicySpec, Policies, PoolCall, PoolDescription, PoolSpec, PoolSummary, SignInPolicy, SmsConfig,
    SmsSender, UsernameConfiguration, mfa_mode_name,
};
use poolproof_cognito::time::Timestamp;

const MFA_VALUES: [(&str, MfaMode); 3] =
    [("OFF", MfaMode::Off), ("OPTIONAL", MfaMode::Optional), ("ON", MfaMode::On)];
const RISK_MODE_VALUES: [(&str, RiskMode); 3] =
    [("OFF", RiskMode::Off), ("AUDIT", RiskMode::Audit), ("ENFORCED", RiskMode::Enforced)];
/// The account that the pools belong to; it does not exist on AWS.
const AWS_ACCOUNT: &str = "000000000000";
/// `UserPoolTier` of a pool that names none.
const DEFAULT_TIER: &str = "ESSENTIALS";
/// Most pools or clients on a page.
pub(super) const MAX_PAGE_SIZE: u32 = 60;

/// The refusal of MFA in `CreateUserPool` without `SmsConfiguration`: `SetUserPoolMfaConfig` activates the
/// other types (API reference, CreateUserPool; text from aws-cdk#11478 and #12075).
const NO_SMS_CONFIGURATION: &str =
    "SMS configuration and Auto verification for phone_number are required when MFA is required/optional";

/// Returns the sender of SMS messages that a request configures, which activates SMS as a factor.
fn sms_config(spec: &PoolSpec) -> Option<SmsConfig> {
    let sender = spec.all.get("SmsConfiguration").filter(|sender| sender.is_object())?;
    let sns_caller_arn = sender.get("SnsCallerArn").and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(SmsConfig { message: None, sender: Some(SmsSender { sns_caller_arn }) })
}

/// Returns the settings that this request makes of `base`. Absent settings get their defaults.
fn policy(spec: &PoolSpec, base: PoolPolicy) -> Result<PoolPolicy, ApiError> {
    let requested = spec.devices.unwrap_or_default();
    let (challenge, prompt) =
        (requested.challenge_required_on_new_device, requested.device_only_remembered_on_user_prompt);
    let remember = match (challenge, prompt) {
        (None, None) => RememberMode::No,
        (_, Some(true)) => RememberMode::OptIn,
        (_, _) => RememberMode::Always,
    };
    let mfa =
        spec.mfa.as_deref().map_or(Ok(MfaMode::Off), |mfa| word(&MFA_VALUES, "mfaConfiguration", mfa))?;
    check_factor_types(mfa, base.factor_types)?;
    let mode = spec.add_ons.as_ref().map(|add_ons| add_ons.advanced_security_mode.as_str());
    let mode = mode.map_or(Ok(RiskMode::Off), |mode| {
        word(&RISK_MODE_VALUES, "userPoolAddOns.advancedSecurityMode", mode)
    })?;
    let risk = match (base.risk.mode, mode) {
        // Cognito's defaults until a request configures the actions (docs/semantics.md, threat protection).
        (RiskMode::Off, RiskMode::Audit | RiskMode::Enforced) => RiskPolicy {
            mode,
            low: RiskAction::Block,
            medium: RiskAction::Block,
            high: RiskAction::Block,
            ..base.risk
        },
        _ => RiskPolicy { mode, ..base.risk },
    };
    let first_factors = first_factors(spec)?;
    check_first_factors(mfa, first_factors)?;
    Ok(PoolPolicy { remember, suppress_mfa: challenge == Some(true), mfa, first_factors, risk, ..base })
}

/// Returns `AllowedFirstAuthFactors` of a request.
fn allowed_first_factors(spec: &PoolSpec) -> Option<&[String]> {
    let sign_in = spec.policies.as_ref().and_then(|policies| policies.sign_in.as_ref());
    sign_in.map(|sign_in| sign_in.allowed_first_auth_factors.as_slice())
}

/// Returns the first factors that a request allows.
fn first_factors(spec: &PoolSpec) -> Result<FirstFactors, ApiError> {
    let Some(allowed) = allowed_first_factors(spec) else { return Ok(FirstFactors::PASSWORD) };
    FirstFactors::parse(allowed).map_err(|error| {
        ApiError::invalid_parameter(match error {
            FirstFactorsError::Unknown(_) => {
                "Unknown value of policies.signInPolicy.allowedFirstAuthFactors."
            }
            FirstFactorsError::NoPassword => "AllowedFirstAuthFactors must include PASSWORD.",
        })
    })
}

/// Refuses first factors without a password in a pool that requires MFA.
fn check_first_factors(mfa: MfaMode, first_factors: FirstFactors) -> Result<(), ApiError> {
    if mfa != MfaMode::On || !first_factors.any() {
        return Ok(());
    }
    let message = "Invalid MFA configuration given, can't require MFA while AllowedFirstAuthFactors includes EMAIL_OTP or \
                   SMS_OTP.";
    Err(ApiError::invalid_parameter(message))
}

/// Refuses MFA without any type of factor: no user could complete it.
fn check_factor_types(mfa: MfaMode, factor_types: FactorTypes) -> Result<(), ApiError> {
    if mfa == MfaMode::Off || factor_types.any() {
        return Ok(());
    }
    let message = "Invalid MFA configuration given, can't turn on MFA without an MFA factor.";
    Err(ApiError::invalid_parameter(message))
}

/// Returns the requested password policy, or Cognito's default.
pub(super) fn passwords(spec: &PoolSpec) -> PasswordPolicy {
    // The older setting applies where the newer one is absent (API reference, AdminCreateUserConfigType).
    let default = PasswordPolicy::LENGTH_ONLY;
    let unused = unused_days(spec).unwrap_or(default.temporary_days);
    let Some(requested) = spec.policies.as_ref().and_then(|policies| policies.password) else {
        return PasswordPolicy { temporary_days: unused, ..PasswordPolicy::COGNITO };
    };
    PasswordPolicy {
        minimum_length: requested.minimum_length.unwrap_or(default.minimum_length),
        uppercase: requested.uppercase.unwrap_or(false),
        lowercase: requested.lowercase.unwrap_or(false),
        numbers: requested.numbers.unwrap_or(false),
        symbols: requested.symbols.unwrap_or(false),
        temporary_days: days(requested.temporary_days).unwrap_or(unused),
    }
}

/// Returns the number of days; 0 means the default (API reference, PasswordPolicyType).
fn days(given: Option<u32>) -> Option<u32> {
    given.filter(|days| *days > 0)
}

/// Returns `AdminCreateUserConfig.UnusedAccountValidityDays`.
fn unused_days(spec: &PoolSpec) -> Option<u32> {
    let config = spec.all.get("AdminCreateUserConfig")?;
    days(config.get("UnusedAccountValidityDays")?.as_u64().and_then(|days| u32::try_from(days).ok()))
}

/// Refuses a request that sets the validity of temporary passwords twice (text from aws/aws-sdk-js#3817).
fn check_validity_days(spec: &PoolSpec) -> Result<(), ApiError> {
    let password = spec.policies.as_ref().and_then(|policies| policies.password);
    let temporary = days(password.and_then(|password| password.temporary_days));
    if temporary.is_none() || unused_days(spec).is_none() {
        return Ok(());
    }
    Err(ApiError::invalid_parameter(
        "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays",
    ))
}

/// Refuses features that the pool's tier does not have (texts from hashicorp/terraform-provider-aws#40734 and
/// aws-amplify/amplify-backend#2805).
fn check_tier(spec: &PoolSpec, policy: &PoolPolicy) -> Result<(), ApiError> {
    let tier = spec.tier.as_deref().unwrap_or(DEFAULT_TIER);
    let passwordless =
        allowed_first_factors(spec).unwrap_or_default().iter().any(|factor| factor != "PASSWORD");
    let refused = [
        (policy.risk.mode != RiskMode::Off && tier != "PLUS", "Threat Protection"),
        (passwordless && tier == "LITE", "Passwordless Sign-In"),
    ];
    let refused: Vec<_> = refused.into_iter().filter(|(refused, _)| *refused).map(|(_, name)| name).collect();
    if refused.is_empty() {
        return Ok(());
    }
    let message = format!(
        "The following features need to be disabled for the {tier} pricing tier configured: {}",
        refused.join(", ")
    );
    Err(ApiError::new(ErrorKind::FeatureUnavailableInTier, message))
}

/// Returns how the users of a new pool are named.
pub(super) fn usernames(spec: &PoolSpec) -> Result<UsernameSettings, ApiError> {
    let (names, aliases) = (&spec.username_attributes, &spec.alias_attributes);
    if !names.is_empty() && !aliases.is_empty() {
        let message = "Only one of the aliasAttributes or usernameAttributes can be set in a user pool.";
        return Err(ApiError::invalid_parameter(message));
    }
    let has = |list: &[String], name: &str| list.iter().any(|one| one == name);
    Ok(UsernameSettings {
        email_as_username: has(names, "email"),
        phone_as_username: has(names, "phone_number"),
        email_alias: has(aliases, "email"),
        phone_alias: has(aliases, "phone_number"),
        preferred_username_alias: has(aliases, "preferred_username"),
        case_sensitive: spec.username_configuration.is_none_or(|configuration| configuration.case_sensitive),
    })
}

/// Returns the page size for `MaxResults`.
pub(super) fn page_size(max_results: Option<u32>) -> usize {
    let most = max_results.unwrap_or(MAX_PAGE_SIZE).min(MAX_PAGE_SIZE);
    usize::try_from(most).unwrap_or(usize::MAX)
}

impl HostedPool {
    fn description(&self, id: &PoolId) -> PoolDescription {
        let described = self.own_description(id);
        let mut all = self.settings.describe(&described);
        if let Some(schema) = self.pool.schema() {
            all.insert("SchemaAttributes".to_owned(), schema.describe());
        }
        PoolDescription { all, ..described }
    }

    /// Returns the description without settings that have no effect here.
    fn own_description(&self, id: &PoolId) -> PoolDescription {
        let region = id.region();
        let PoolPolicy { remember, suppress_mfa, mfa, risk, first_factors, .. } = *self.pool.policy();
        let allowed =
            [(true, "PASSWORD"), (first_factors.email_otp, "EMAIL_OTP"), (first_factors.sms_otp, "SMS_OTP")];
        let allowed = allowed.into_iter().filter(|(on, _)| *on).map(|(_, name)| name.to_owned());
        let requested = self.settings.first_factors();
        let allowed_first_auth_factors = requested.unwrap_or_else(|| allowed.collect());
        let passwords = self.pool.passwords();
        let usernames = self.pool.usernames();
        let (account_recovery_setting, user_attribute_update_settings) =
            account_settings::described(self.pool.account_settings());
        let names = |email: bool, phone: bool, preferred: bool| {
            let names = [(phone, "phone_number"), (email, "email"), (preferred, "preferred_username")];
            names.into_iter().filter(|(on, _)| *on).map(|(_, name)| name.to_owned()).collect()
        };
        PoolDescription {
            id: id.as_str().to_owned(),
            name: self.name.clone(),
            arn: format!("arn:aws:cognito-idp:{region}:{AWS_ACCOUNT}:userpool/{id}"),
            created: self.created,
            modified: self.modified,
            users: u32::try_from(self.pool.users()).unwrap_or(u32::MAX),
            mfa: Some(mfa_mode_name(mfa).to_owned()),
            devices: remember.tracks().then_some(DeviceConfiguration {
                challenge_required_on_new_device: Some(suppress_mfa),
                device_only_remembered_on_user_prompt: Some(remember == RememberMode::OptIn),
            }),
            add_ons: RISK_MODE_VALUES
                .iter()
                .find(|(_, mode)| *mode == risk.mode && risk.mode != RiskMode::Off)
                .map(|(word, _)| AddOns { advanced_security_mode: (*word).to_owned() }),
            policies: Some(Policies {
                password: Some(PasswordPolicySpec {
                    minimum_length: Some(passwords.minimum_length),
                    uppercase: Some(passwords.uppercase),
                    lowercase: Some(passwords.lowercase),
                    numbers: Some(passwords.numbers),
                    symbols: Some(passwords.symbols),
                    temporary_days: Some(passwords.temporary_days),
                }),
                sign_in: Some(SignInPolicy { allowed_first_auth_factors }),
            }),
            username_attributes: names(usernames.email_as_username, usernames.phone_as_username, false),
            alias_attributes: names(
                usernames.email_alias,
                usernames.phone_alias,
                usernames.preferred_username_alias,
            ),
            username_configuration: Some(UsernameConfiguration { case_sensitive: usernames.case_sensitive }),
            tags: self.tags.clone(),
            account_recovery_setting,
            user_attribute_update_settings,
            all: serde_json::Map::new(),
        }
    }

    fn summary(&self, id: &PoolId) -> PoolSummary {
        PoolSummary {
            id: id.as_str().to_owned(),
            name: self.name.clone(),
            created: self.created,
            modified: self.modified,
        }
    }
}

impl Provider {
    pub(super) fn create_pool(
        &mut self,
        now: Timestamp,
        spec: &PoolSpec,
    ) -> Result<ManagementResponse, ApiError> {
        let name = spec.name.as_deref().unwrap_or_default();
        let switches = self.config.switches;
        let sms = sms_config(spec);
        if matches!(spec.mfa.as_deref(), Some("ON" | "OPTIONAL")) && sms.is_none() {
            return Err(ApiError::invalid_parameter(NO_SMS_CONFIGURATION));
        }
        let factor_types = FactorTypes { sms: sms.is_some(), ..FactorTypes::NONE };
        let policy = policy(spec, PoolPolicy { switches, factor_types, ..PoolPolicy::DEFAULT })?;
        let passwords = passwords(spec);
        let usernames = usernames(spec)?;
        let account_settings = account_settings::parse(spec)?;
        check_tier(spec, &policy)?;
        check_validity_days(spec)?;
        tags::check(spec.tags.as_ref().unwrap_or(&BTreeMap::new()))?;
        if self.pools.len() >= MAX_POOLS_OR_CLIENTS {
            return Err(ApiError::new(ErrorKind::LimitExceeded, "You have exceeded your user pool limit"));
        }
        let settings = RequestedSettings::of_pool(spec.all.clone());
        let schema = settings.schema()?;
        self.count_settings(0, settings.len())?;
        let id = self.random_text(9, false);
        let id = PoolId::new(format!("{}_{id}", self.config.region));
        self.add_pool(now, id.clone(), name, policy, RiskExceptions::default());
        let hosted = self.hosted_mut(id.as_str())?;
        hosted.settings = settings;
        hosted.mfa = MfaConfig { sms, ..MfaConfig::default() };
        hosted.tags = spec.tags.clone().unwrap_or_default();
        let pool = &mut hosted.pool;
        pool.set_passwords(passwords);
        pool.set_usernames(usernames);
        pool.set_account_settings(account_settings);
        pool.set_schema(schema);
        Ok(ManagementResponse::Pool(self.hosted(id.as_str())?.description(&id)))
    }

    pub(super) fn describe_pool(&self, call: &PoolCall) -> Result<ManagementResponse, ApiError> {
        let hosted = self.hosted(&call.user_pool_id)?;
        Ok(ManagementResponse::Pool(hosted.description(&PoolId::new(&call.user_pool_id))))
    }

    pub(super) fn update_pool(
        &mut self,
        now: Timestamp,
        spec: PoolSpec,
    ) -> Result<ManagementResponse, ApiError> {
        tags::check(spec.tags.as_ref().unwrap_or(&BTreeMap::new()))?;
        let id = PoolId::new(Self::named(spec.user_pool_id.as_deref())?);
        let hosted = self.hosted(id.as_str())?;
        let sms = sms_config(&spec);
        let mut base = *hosted.pool.policy();
        base.factor_types.sms |= sms.is_some();
        let policy = policy(&spec, base)?;
        check_tier(&spec, &policy)?;
        check_validity_days(&spec)?;
        let account_settings = account_settings::parse(&spec)?;
        account_settings::check_factors(account_settings, policy.mfa, hosted.configured_factor_types())?;
        let (before, settings) = (hosted.settings.len(), RequestedSettings::new(spec.all.clone()));
        let settings = settings.with_fixed_members_of(&hosted.settings);
        self.count_settings(before, settings.len())?;
        let hosted = self.hosted_mut(id.as_str())?;
        hosted.settings = settings;
        hosted.mfa.sms = hosted.mfa.sms.take().or(sms);
        hosted.pool.set_account_settings(account_settings);
        hosted.pool.set_passwords(passwords(&spec));
        hosted.pool.set_policy(policy);
        hosted.modified = now;
        hosted.tags = spec.tags.unwrap_or_else(|| hosted.tags.clone());
        if let Some(name) = spec.name {
            hosted.name = name;
        }
        self.mark_pool_changed(&id);
        Ok(ManagementResponse::Empty)
    }

    pub(super) fn list_pools(&self, request: &ListUserPools) -> Result<ManagementResponse, ApiError> {
        let most = page_size(request.max_results);
        // A token is a pool id; the pool may be deleted meanwhile.
        if request.next_token.as_deref().is_some_and(|token| !token.contains('_')) {
            return Err(ApiError::invalid_parameter("Invalid pagination token."));
        }
        let after = request.next_token.as_deref().unwrap_or_default();
        let mut rest = self.pools.iter().filter(|(id, _)| id.as_str() > after);
        let described = rest.by_ref().take(most).map(|(id, hosted)| hosted.summary(id));
        let pools: Vec<_> = described.collect();
        let more = rest.next().is_some();
        let next_token = pools.last().map(|pool| pool.id.clone()).filter(|_| more);
        Ok(ManagementResponse::Pools { pools, next_token })
    }

    pub(super) fn delete_pool(&mut self, call: &PoolCall) -> Result<ManagementResponse, ApiError> {
        let hosted = self.hosted(&call.user_pool_id)?;
        if hosted.settings.is_protected {
            let message = "The user pool cannot be deleted because deletion protection is activated. Deletion \
                           protection must be inactivated first.";
            return Err(ApiError::invalid_parameter(message));
        }
        self.settings_bytes -= hosted.settings_bytes();
        let id = PoolId::new(&call.user_pool_id);
        self.pools.remove(&id);
        self.client_pools.retain(|_, home_pool| *home_pool != id);
        self.mark_pool_changed(&id);
        Ok(ManagementResponse::Empty)
    }

    pub(super) fn set_mfa(
        &mut self,
        now: Timestamp,
        config: MfaConfig,
    ) -> Result<ManagementResponse, ApiError> {
        let hosted = self.hosted_mut(&config.user_pool_id)?;
        let requested = config.mfa.as_deref();
        let mfa = requested.map_or(Ok(MfaMode::Off), |mfa| word(&MFA_VALUES, "mfaConfiguration", mfa))?;
        let factor_types = FactorTypes {
            sms: config.sms.is_some(),
            totp: config.software_token.is_some_and(|totp| totp.enabled == Some(true)),
            email: config.email.is_some(),
        };
        check_factor_types(mfa, factor_types)?;
        account_settings::check_factors(hosted.pool.account_settings(), mfa, factor_types)?;
        check_first_factors(mfa, hosted.pool.policy().first_factors)?;
        let policy = PoolPolicy { mfa, factor_types, ..*hosted.pool.policy() };
        hosted.pool.set_policy(policy);
        let id = PoolId::new(&config.user_pool_id);
        hosted.mfa = config;
        hosted.modified = now;
        let described = hosted.mfa_description();
        self.mark_pool_changed(&id);
        Ok(described)
    }

    pub(super) fn get_mfa(&self, call: &PoolCall) -> Result<ManagementResponse, ApiError> {
        Ok(self.hosted(&call.user_pool_id)?.mfa_description())
    }
}

impl HostedPool {
    /// Returns the types of factors that a request has configured, and authenticator apps.
    const fn configured_factor_types(&self) -> FactorTypes {
        FactorTypes { sms: self.mfa.sms.is_some(), totp: true, email: self.mfa.email.is_some() }
    }

    fn mfa_description(&self) -> ManagementResponse {
        let mfa = Some(mfa_mode_name(self.pool.policy().mfa).to_owned());
        ManagementResponse::Mfa(MfaConfig { mfa, ..self.mfa.clone() })
    }
}
