//! Requests against the constraints of the API model, and fields and operations that are not simulated.

use poolproof::http::codec::{OPERATIONS, decode, decode_with_unsimulated};
use poolproof_cognito::model;
use poolproof_pool::provider::Tokens;
use serde_json::{Value, json};

use crate::provider::ProviderFixture;

/// Decodes a request and returns the message of its refusal.
pub(crate) fn refusal(operation: &str, body: &Value) -> String {
    let error = decode(operation, body.to_string().as_bytes()).map(drop).unwrap_err().to_string();
    let kind = "InvalidParameterException: ";
    error.strip_prefix(kind).unwrap_or_else(|| panic!("{error}")).to_owned()
}

/// amazon-cognito-identity-js#388 has the message for four errors. Lengths of passwords are the pool's own
/// subject today, so the first of the four is left out.
#[test]
fn several_errors_are_listed_without_the_values_of_secrets() {
    let body = json!({ "ClientId": "c", "Username": "", "Password": "" });
    assert_eq!(
        refusal("SignUp", &body),
        "3 validation errors detected: Value at 'username' failed to satisfy constraint: Member must have length \
         greater than or equal to 1; Value at 'username' failed to satisfy constraint: Member must satisfy regular \
         expression pattern: [\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]+; Value at 'password' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [\\S]+"
    );
    assert_eq!(
        refusal("SignUp", &json!({})),
        "2 validation errors detected: Value null at 'clientId' failed to satisfy constraint: Member must not be \
         null; Value at 'username' failed to satisfy constraint: Member must not be null"
    );
}

/// qiita.com/Khmer495 (a pool id), identity-dart-2#61 (a user name at sign-in), anomalyco/guide#127.
#[test]
fn an_error_names_the_path_and_the_constraint() {
    let error = |operation: &str, body: Value, expected: &str| {
        let (value, constraint) = expected.split_once(" must ").unwrap();
        let expected = format!(
            "1 validation error detected: {value} failed to satisfy constraint: Member must {constraint}"
        );
        assert_eq!(refusal(operation, &body), expected, "{operation}");
    };
    let user = json!({ "UserPoolId": "string", "Username": "a" });
    error(
        "AdminConfirmSignUp",
        user,
        "Value 'string' at 'userPoolId' must satisfy regular expression pattern: [\\w-]+_[0-9a-zA-Z]+",
    );
    error(
        "InitiateAuth",
        json!({ "ClientId": "c", "AuthFlow": "USER_SRP_AUTH", "AuthParameters": { "USERNAME": "a b" } }),
        "Value at 'username' must satisfy regular expression pattern: [\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]+",
    );
    error(
        "RespondToAuthChallenge",
        json!({ "ClientId": "c", "ChallengeName": "CAPTCHA" }),
        "Value 'CAPTCHA' at 'challengeName' must satisfy enum value set: [SMS_MFA, EMAIL_OTP, SOFTWARE_TOKEN_MFA, \
         SELECT_MFA_TYPE, MFA_SETUP, PASSWORD_VERIFIER, CUSTOM_CHALLENGE, SELECT_CHALLENGE, DEVICE_SRP_AUTH, \
         DEVICE_PASSWORD_VERIFIER, ADMIN_NO_SRP_AUTH, NEW_PASSWORD_REQUIRED, SMS_OTP, PASSWORD, WEB_AUTHN, \
         PASSWORD_SRP]",
    );
    error(
        "AdminCreateUser",
        json!({ "UserPoolId": "r_1", "Username": "a", "UserAttributes": [{ "Name": "a" }, { "Name": "b".repeat(33) }] }),
        &format!(
            "Value '{}' at 'userAttributes.2.member.name' must have length less than or equal to 32",
            "b".repeat(33)
        ),
    );
    error(
        "ListUserPools",
        json!({ "MaxResults": 61 }),
        "Value '61' at 'maxResults' must have value less than or equal to 60",
    );
    error("ListUserPools", json!({}), "Value null at 'maxResults' must not be null");
    error(
        "CreateUserPool",
        json!({ "PoolName": "p", "Policies": { "PasswordPolicy": { "MinimumLength": 5 } } }),
        "Value '5' at 'policies.passwordPolicy.minimumLength' must have value greater than or equal to 6",
    );
    let ranges: Vec<String> = (0..201).map(|at| format!("192.0.2.{at}/32")).collect();
    let lists = json!({ "BlockedIPRangeList": ranges[..200] });
    let risk = |lists: &Value| json!({ "UserPoolId": "r_1", "RiskExceptionConfiguration": lists });
    assert!(decode("SetRiskConfiguration", risk(&lists).to_string().as_bytes()).is_ok());
    error(
        "SetRiskConfiguration",
        risk(&json!({ "BlockedIPRangeList": ranges })),
        "Value at 'riskExceptionConfiguration.blockedIPRangeList' must have length less than or equal to 200",
    );
}

#[test]
fn a_message_is_bounded_and_counts_all_errors() {
    let attributes: Vec<Value> = (0..100).map(|_| json!({ "Name": "b".repeat(1000) })).collect();
    let body = json!({ "UserPoolId": "r_1", "Username": "a", "UserAttributes": attributes });
    let message = refusal("AdminCreateUser", &body);
    assert!(message.starts_with("100 validation errors detected: "));
    assert!(message.len() < 6000, "{}", message.len());
}

/// Every operation of the API model that has no handler is refused by name; another name is unknown.
#[test]
fn an_operation_that_is_not_simulated_is_refused_by_name() {
    for name in ["AdminLinkProviderForUser", "GetProvisionedLimit", "UpdateProvisionedLimit"] {
        assert_eq!(refusal(name, &json!({})), format!("poolproof does not simulate {name}"));
    }
    let unknown = decode("AdminLinkProvider", b"{}").unwrap_err().to_string();
    assert_eq!(unknown, "UnknownOperationException: Unknown operation: AdminLinkProvider");
    for operation in OPERATIONS {
        assert!(model::has_operation(operation), "{operation}");
    }
}

#[test]
fn a_field_that_is_not_simulated_is_refused_by_name() {
    let arn = "arn:aws:lambda:us-east-1:1:function:f";
    let pool =
        json!({ "PoolName": "p", "LambdaConfig": { "PreTokenGeneration": arn, "CustomMessage": arn } });
    assert_eq!(
        refusal("CreateUserPool", &pool),
        "poolproof does not simulate LambdaConfig.PreTokenGeneration: leave it out, or start with \
         --ignore-unsimulated"
    );
    let two = json!({ "PoolName": "p", "LambdaConfig": { "PreSignUp": arn },
        "Policies": { "PasswordPolicy": { "PasswordHistorySize": 3 } } });
    assert!(refusal("CreateUserPool", &two).starts_with(
        "poolproof does not simulate Policies.PasswordPolicy.PasswordHistorySize, LambdaConfig.PreSignUp:"
    ));
    let (_, ignored) = decode_with_unsimulated("CreateUserPool", pool.to_string().as_bytes()).unwrap();
    assert_eq!(ignored, ["LambdaConfig.PreTokenGeneration"]);
    // Fields that equal the default and fields that cannot matter are accepted.
    let harmless = json!({
        "PoolName": "p", "LambdaConfig": {}, "DeletionProtection": "INACTIVE",
        "Policies": { "PasswordPolicy": { "PasswordHistorySize": 0 }, "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] } },
        "IssuerConfiguration": { "Type": "ORIGINAL" }, "UserPoolTags": { "a": "b" }, "EmailVerificationSubject": "Hello",
        "AdminCreateUserConfig": { "InviteMessageTemplate": { "EmailSubject": "Hello" } },
    });
    assert!(decode("CreateUserPool", harmless.to_string().as_bytes()).is_ok());
    let context = json!({ "ClientId": "c", "AuthFlow": "USER_SRP_AUTH", "UserContextData": { "EncodedData": "x" },
        "ClientMetadata": { "a": "b" }, "AnalyticsMetadata": { "AnalyticsEndpointId": "x" } });
    assert!(decode("InitiateAuth", context.to_string().as_bytes()).is_ok(), "stock clients send these");
}

/// A pool that the API creates has no triggers, so each that could decide is refused by name. One that only
/// words or sends messages is accepted.
#[test]
fn a_trigger_is_refused_by_name_when_a_pool_is_created_or_changed() {
    let arn = "arn:aws:lambda:us-east-1:1:function:f";
    let with = |trigger: &str, value: Value| json!({ "PoolName": "p", "UserPoolId": "r_A", "LambdaConfig": { trigger: value } });
    let decisive = [
        "PreSignUp",
        "PostConfirmation",
        "PreAuthentication",
        "PostAuthentication",
        "DefineAuthChallenge",
        "CreateAuthChallenge",
        "VerifyAuthChallengeResponse",
        "PreTokenGeneration",
        "UserMigration",
    ];
    for operation in ["CreateUserPool", "UpdateUserPool"] {
        for trigger in decisive {
            let refused = refusal(operation, &with(trigger, json!(arn)));
            let expected = format!("poolproof does not simulate LambdaConfig.{trigger}: ");
            assert!(refused.starts_with(&expected), "{operation}: {refused}");
        }
        let versioned = json!({ "LambdaVersion": "V2_0", "LambdaArn": arn });
        let refused = refusal(operation, &with("PreTokenGenerationConfig", versioned));
        assert!(refused.contains("not simulate LambdaConfig.PreTokenGenerationConfig: "), "{refused}");
        let sender = json!({ "LambdaVersion": "V1_0", "LambdaArn": arn });
        for (trigger, value) in [
            ("CustomMessage", json!(arn)),
            ("CustomSMSSender", sender.clone()),
            ("CustomEmailSender", sender.clone()),
            ("KMSKeyID", json!(arn)),
        ] {
            let body = with(trigger, value).to_string();
            assert!(decode(operation, body.as_bytes()).is_ok(), "{operation}: {trigger}");
        }
    }
}

/// Amplify and the mobile SDKs send `EncodedData`, which no decision reads. An address in an administrator's
/// request, which the server would have to believe, is refused by name.
#[test]
fn an_address_in_context_data_is_refused_by_name() {
    let users =
        |context: Value| json!({ "ClientId": "c", "AuthFlow": "USER_SRP_AUTH", "UserContextData": context });
    let encoded = json!({ "EncodedData": "x" });
    assert!(decode("InitiateAuth", users(encoded).to_string().as_bytes()).is_ok());
    // Cognito reads it only for app clients with EnablePropagateAdditionalUserContextData, which is refused.
    let address = json!({ "EncodedData": "x", "IpAddress": "192.0.2.1" });
    assert!(decode("InitiateAuth", users(address).to_string().as_bytes()).is_ok());
    let context =
        json!({ "IpAddress": "192.0.2.1", "ServerName": "s", "ServerPath": "/", "HttpHeaders": [] });
    let body = json!({ "UserPoolId": "r_A", "ClientId": "c", "AuthFlow": "ADMIN_NO_SRP_AUTH", "ContextData": context });
    let refused = refusal("AdminInitiateAuth", &body);
    assert!(refused.starts_with("poolproof does not simulate ContextData.IpAddress: "), "{refused}");
}

/// The texts that a pool keeps are bounded, whatever a request contains: an ill-formed device key is one that
/// no device has.
#[test]
fn a_device_key_of_any_length_is_an_unknown_device() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let (_, client) = fixture.pool("p");
    for key in [String::new(), "x".repeat(100_000), "no key".to_owned()] {
        let parameters = json!({ "USERNAME": "ann", "PASSWORD": "Permanent-1", "DEVICE_KEY": key });
        let body =
            json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
        let refused = fixture.ask("InitiateAuth", &body).unwrap_err();
        assert_eq!(refused, "ResourceNotFoundException: Device does not exist.");
    }
}
