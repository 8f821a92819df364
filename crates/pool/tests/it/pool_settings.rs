//! Settings of the pools that `CreateUserPool` makes.

use poolproof_cognito::policy::{Quotas, Switches};
use poolproof_cognito::protocol::{
    ManagementRequest, ManagementResponse, MfaConfig, Operation, OperationResponse, Origin, PoolDescription,
};
use poolproof_cognito::seed::Seed;
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::wire::from_value;
use poolproof_pool::provider::{AccountLimits, Issuer, Provider, ProviderConfig, Step, Tokens};
use poolproof_srp::Group;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) fn provider() -> Provider {
    let config = ProviderConfig {
        region: "eu-west-1".to_owned(),
        issuer: Issuer::Url("http://host".to_owned()),
        tokens: Tokens::Opaque,
        group: Group::toy(),
        limits: AccountLimits::DEFAULT,
        switches: Switches::DEFAULT,
        quotas: Quotas::NONE,
    };
    Provider::new(config, Seed::new(5).rng("provider", 0))
}

pub(crate) fn manage(
    provider: &mut Provider,
    request: ManagementRequest,
) -> Result<ManagementResponse, String> {
    let (now, origin) = (Timestamp::VIRTUAL_START, Origin::default());
    match provider.handle(now, origin, Operation::Management(request)).step {
        Step::Reply(Ok(OperationResponse::Management(response))) => Ok(response),
        Step::Reply(Err(error)) => Err(error.to_string()),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn create(provider: &mut Provider, spec: &Value) -> Result<PoolDescription, String> {
    let request = ManagementRequest::CreateUserPool(read(spec));
    manage(provider, request).map(|response| match response {
        ManagementResponse::Pool(pool) => pool,
        other => panic!("{other:?}"),
    })
}

pub(crate) fn read<T: DeserializeOwned>(value: &Value) -> T {
    from_value(value, 1000).unwrap()
}

fn mfa_config(provider: &mut Provider, pool: &str) -> MfaConfig {
    let call = read(&json!({ "UserPoolId": pool }));
    match manage(provider, ManagementRequest::GetUserPoolMfaConfig(call)) {
        Ok(ManagementResponse::Mfa(config)) => config,
        other => panic!("{other:?}"),
    }
}

/// API reference, CreateUserPool: "supports only SMS MFA configuration"; text from aws-cdk#11478 and #12075.
#[test]
fn a_new_pool_has_mfa_only_with_a_sender_of_sms() {
    let refused = "InvalidParameterException: SMS configuration and Auto verification for phone_number are \
                   required when MFA is required/optional";
    let mut provider = provider();
    for mfa in ["ON", "OPTIONAL"] {
        let spec = json!({ "PoolName": "p", "MfaConfiguration": mfa });
        assert_eq!(create(&mut provider, &spec).unwrap_err(), refused);
        let sender = json!({ "SnsCallerArn": "arn:aws:iam::000000000000:role/sms" });
        let spec = json!({ "PoolName": "p", "MfaConfiguration": mfa, "SmsConfiguration": sender });
        let pool = create(&mut provider, &spec).unwrap();
        assert_eq!(pool.mfa.as_deref(), Some(mfa));
        let config = mfa_config(&mut provider, &pool.id);
        let arn = config.sms.and_then(|sms| sms.sender).map(|sender| sender.sns_caller_arn);
        assert_eq!(arn.as_deref(), Some("arn:aws:iam::000000000000:role/sms"));
        assert_eq!((config.software_token, config.email), (None, None));
        let id = poolproof_cognito::ids::PoolId::new(&pool.id);
        let types = provider.pool_mut(&id).unwrap().policy().factor_types;
        assert_eq!((types.sms, types.totp, types.email), (true, false, false));
    }
    let pool = create(&mut provider, &json!({ "PoolName": "p", "MfaConfiguration": "OFF" })).unwrap();
    assert_eq!(mfa_config(&mut provider, &pool.id).sms, None);
    let update = json!({ "UserPoolId": pool.id, "MfaConfiguration": "ON" });
    let update = ManagementRequest::UpdateUserPool(read(&update));
    assert!(manage(&mut provider, update).unwrap_err().starts_with("InvalidParameterException"));
    let sms = json!({ "UserPoolId": pool.id, "MfaConfiguration": "ON", "SmsConfiguration": { "SnsCallerArn": "a" } });
    let update = ManagementRequest::UpdateUserPool(read(&sms));
    assert_eq!(manage(&mut provider, update), Ok(ManagementResponse::Empty));
    assert!(mfa_config(&mut provider, &pool.id).sms.is_some());
}

/// API reference, `ExplicitAuthFlows`: legacy values are not assigned together with ALLOW_ values.
#[test]
fn legacy_flows_are_not_mixed_with_the_others() {
    let mut provider = provider();
    let pool = create(&mut provider, &json!({ "PoolName": "p" })).unwrap();
    for (flows, accepted) in [
        (json!(["ALLOW_USER_SRP_AUTH", "USER_PASSWORD_AUTH"]), false),
        (json!(["USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"]), true),
        (json!(["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]), true),
    ] {
        let spec = json!({ "UserPoolId": pool.id, "ClientName": "c", "ExplicitAuthFlows": flows });
        let created = manage(&mut provider, ManagementRequest::CreateUserPoolClient(read(&spec)));
        assert_eq!(created.is_ok(), accepted, "{created:?}");
    }
}
