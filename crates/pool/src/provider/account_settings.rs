//! `AccountRecoverySetting`, `AutoVerifiedAttributes` and `UserAttributeUpdateSettings` of a pool.

use serde_json::Value;

use super::word;
use poolproof_cognito::policy::{AccountSettings, AddressKind, FactorTypes, MfaMode, Recovery};
use poolproof_cognito::protocol::{
    AccountRecoverySetting, ApiError, PoolSpec, RecoveryOption, UserAttributeUpdateSettings,
};

const ADMIN_ONLY: &str = "admin_only";
const MECHANISMS: [(&str, Option<AddressKind>); 3] = [
    ("verified_email", Some(AddressKind::Email)),
    ("verified_phone_number", Some(AddressKind::Phone)),
    (ADMIN_ONLY, None),
];
const ADDRESSES: [(&str, AddressKind); 2] =
    [("phone_number", AddressKind::Phone), ("email", AddressKind::Email)];

/// Returns the requested settings, or Cognito's defaults.
pub(super) fn parse(spec: &PoolSpec) -> Result<AccountSettings, ApiError> {
    let updates = spec.user_attribute_update_settings.clone().unwrap_or_default();
    let verified_first: Vec<AddressKind> = updates
        .attributes_require_verification_before_update
        .iter()
        .map(|name| word(&ADDRESSES, "attributesRequireVerificationBeforeUpdate", name))
        .collect::<Result<_, _>>()?;
    let auto_verified = auto_verified(spec)?;
    if verified_first.iter().any(|kind| !auto_verified.contains(kind)) {
        // The text of AWS (aws/aws-cli#7151).
        return Err(ApiError::invalid_parameter(
            "All attributes in AttributesRequireVerificationBeforeUpdate must exist in AutoVerifiedAttributes",
        ));
    }
    Ok(AccountSettings {
        auto_verify_email: auto_verified.contains(&AddressKind::Email),
        auto_verify_phone: auto_verified.contains(&AddressKind::Phone),
        recovery: recovery(spec.account_recovery_setting.as_ref())?,
        verify_email_first: verified_first.contains(&AddressKind::Email),
        verify_phone_first: verified_first.contains(&AddressKind::Phone),
    })
}

/// Returns `AutoVerifiedAttributes`.
fn auto_verified(spec: &PoolSpec) -> Result<Vec<AddressKind>, ApiError> {
    let names = spec.all.get("AutoVerifiedAttributes").and_then(Value::as_array);
    let name = |name: &Value| word(&ADDRESSES, "autoVerifiedAttributes", name.as_str().unwrap_or_default());
    names.map(Vec::as_slice).unwrap_or_default().iter().map(name).collect()
}

fn recovery(setting: Option<&AccountRecoverySetting>) -> Result<Recovery, ApiError> {
    let mut options = setting.map(|setting| setting.recovery_mechanisms.clone()).unwrap_or_default();
    options.sort_by_key(|option| option.priority);
    let invalid = |reason: &str| {
        ApiError::invalid_parameter(format!("Invalid account recovery setting parameter. {reason}"))
    };
    let mechanism = |option: &RecoveryOption| {
        word(&MECHANISMS, "accountRecoverySetting.recoveryMechanisms.name", &option.name)
    };
    let mechanisms: Vec<_> = options.iter().map(mechanism).collect::<Result<_, _>>()?;
    if options.iter().any(|option| !(1..=2).contains(&option.priority)) {
        return Err(invalid("Priority must be 1 or 2."));
    }
    match mechanisms[..] {
        [] => Ok(Recovery::Legacy),
        [None] => Ok(Recovery::AdminOnly),
        [Some(first)] => Ok(Recovery::Addresses { first, second: None }),
        [Some(first), Some(second)] if first != second && options[0].priority != options[1].priority => {
            Ok(Recovery::Addresses { first, second: Some(second) })
        }
        _ => Err(invalid("Use admin_only alone, or at most two addresses with different priorities.")),
    }
}

/// Refuses a factor whose messages go to the only address for recovery: a user with this factor could not
/// recover a password (hashicorp/terraform-provider-aws#41049, aws/aws-cdk#11478).
pub(super) fn check_factors(
    settings: AccountSettings,
    mfa: MfaMode,
    factor_types: FactorTypes,
) -> Result<(), ApiError> {
    let (kind, name, is_factor) = match settings.recovery {
        Recovery::Addresses { first: AddressKind::Email, second: None } => {
            ("verified_email", "email", factor_types.email)
        }
        Recovery::Addresses { first: AddressKind::Phone, second: None } => {
            ("verified_phone_number", "SMS", factor_types.sms)
        }
        _ => return Ok(()),
    };
    if mfa == MfaMode::Off || !is_factor {
        return Ok(());
    }
    Err(ApiError::invalid_parameter(format!(
        "Invalid account recovery setting parameter. Account Recovery Setting cannot use {kind} as a recovery mechanism \
         when {name} MFA is configured."
    )))
}

/// Returns the settings as a pool's description contains them.
pub(super) fn described(
    settings: AccountSettings,
) -> (Option<AccountRecoverySetting>, Option<UserAttributeUpdateSettings>) {
    let chosen = match settings.recovery {
        Recovery::Legacy => Vec::new(),
        Recovery::AdminOnly => vec![None],
        Recovery::Addresses { first, second } => {
            [Some(Some(first)), second.map(Some)].into_iter().flatten().collect()
        }
    };
    let name = |mechanism: Option<AddressKind>| {
        MECHANISMS.iter().find(|(_, one)| *one == mechanism).map_or(ADMIN_ONLY, |(name, _)| name).to_owned()
    };
    let options = chosen.into_iter().zip(1..);
    let recovery_mechanisms: Vec<_> =
        options.map(|(mechanism, priority)| RecoveryOption { priority, name: name(mechanism) }).collect();
    let verified_first = ADDRESSES.iter().filter(|(_, kind)| settings.verifies_first(*kind));
    let attributes_require_verification_before_update: Vec<_> =
        verified_first.map(|(name, _)| (*name).to_owned()).collect();
    (
        Some(AccountRecoverySetting { recovery_mechanisms })
            .filter(|setting| !setting.recovery_mechanisms.is_empty()),
        Some(UserAttributeUpdateSettings { attributes_require_verification_before_update })
            .filter(|setting| !setting.attributes_require_verification_before_update.is_empty()),
    )
}
