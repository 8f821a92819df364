//! Public reports and measurements of Cognito's behavior that need the API of pools and app clients, each as
//! a test. The comment of each test has the number of the report and its source.

use poolproof_cognito::protocol::ErrorKind;
use poolproof_pool::provider::Tokens;
use serde_json::{Value, json};

use crate::provider::{ProviderFixture, keys as signing_keys};

/// amplify-swift PR 4254, amplify-flutter PR 2622.
#[test]
fn users_named_by_an_address_get_their_sub_as_user_name() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let pool = json!({ "PoolName": "p", "UsernameAttributes": ["email"] });
    let pool = fixture.call_ok("CreateUserPool", &pool)["UserPool"].clone();
    assert_eq!(pool["UsernameAttributes"], json!(["email"]));
    let user = json!({ "UserPoolId": pool["Id"], "Username": "me@example.com" });
    let user = fixture.call_ok("AdminCreateUser", &user)["User"].clone();
    let attribute = |name: &str| {
        let all = user["Attributes"].as_array().unwrap();
        all.iter().find(|one| one["Name"] == name).map(|one| one["Value"].clone())
    };
    assert_eq!(attribute("email"), Some(json!("me@example.com")));
    assert_eq!(attribute("sub").as_ref(), Some(&user["Username"]));
    let found = json!({ "UserPoolId": pool["Id"], "Username": "me@example.com" });
    assert_eq!(fixture.call_ok("AdminGetUser", &found)["Username"], user["Username"]);
    let wrong = json!({ "UserPoolId": pool["Id"], "Username": "ann" });
    let refused = fixture.ask("AdminCreateUser", &wrong).unwrap_err();
    assert_eq!(refused, "InvalidParameterException: Username should be an email.");
    let both = json!({ "PoolName": "p", "UsernameAttributes": ["email"], "AliasAttributes": ["email"] });
    assert!(
        fixture
            .ask("CreateUserPool", &both)
            .unwrap_err()
            .starts_with("InvalidParameterException: Only one of")
    );
}

/// A pool by the API, with a client for plain passwords and refreshing.
fn served_pool(fixture: &mut ProviderFixture, settings: &Value, client: &Value) -> (String, String) {
    let mut pool = json!({ "PoolName": "p" });
    pool.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    // CreateUserPool activates no factor but SMS.
    let mfa = pool.as_object_mut().unwrap().remove("MfaConfiguration");
    let pool = fixture.call_ok("CreateUserPool", &pool)["UserPool"]["Id"].as_str().unwrap().to_owned();
    if let Some(mfa) = mfa {
        let sms = json!({ "SmsConfiguration": { "SnsCallerArn": "arn:aws:iam::000000000000:role/sms" } });
        let all = json!({ "UserPoolId": pool, "MfaConfiguration": mfa, "SmsMfaConfiguration": sms,
            "SoftwareTokenMfaConfiguration": { "Enabled": true }, "EmailMfaConfiguration": {} });
        fixture.call_ok("SetUserPoolMfaConfig", &all);
    }
    let mut spec = json!({ "UserPoolId": pool, "ClientName": "c" });
    spec.as_object_mut().unwrap().extend(client.as_object().unwrap().clone());
    let client = fixture.call_ok("CreateUserPoolClient", &spec)["UserPoolClient"]["ClientId"].clone();
    for (operation, body) in [
        ("AdminCreateUser", json!({ "UserPoolId": pool, "Username": "ann", "MessageAction": "SUPPRESS" })),
        (
            "AdminSetUserPassword",
            json!({ "UserPoolId": pool, "Username": "ann", "Password": "Permanent-1", "Permanent": true }),
        ),
    ] {
        fixture.call_ok(operation, &body);
    }
    (pool, client.as_str().unwrap().to_owned())
}

fn refresh(fixture: &mut ProviderFixture, client: &str, token: &Value) -> Result<Value, String> {
    let body = json!({ "ClientId": client, "RefreshToken": token });
    fixture.ask("GetTokensFromRefreshToken", &body).map(|answer| answer["AuthenticationResult"].clone())
}

/// Developer guide, refresh token rotation; identity-dart-2#279.
#[test]
fn a_rotated_refresh_token_ends_after_its_grace_period() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let rotation = json!({ "Feature": "ENABLED", "RetryGracePeriodSeconds": 10 });
    let spec = json!({ "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"], "RefreshTokenRotation": rotation });
    let (pool, client) = served_pool(&mut fixture, &json!({}), &spec);
    let described = json!({ "UserPoolId": pool, "ClientId": client });
    let described = fixture.call_ok("DescribeUserPoolClient", &described);
    assert_eq!(described["UserPoolClient"]["RefreshTokenRotation"], rotation);
    let first = fixture.sign_in(&client).unwrap()["RefreshToken"].clone();
    let second = refresh(&mut fixture, &client, &first).unwrap()["RefreshToken"].clone();
    assert_ne!(first, second);
    fixture.now = fixture.now.plus(std::time::Duration::from_secs(9));
    assert!(refresh(&mut fixture, &client, &first).is_ok(), "within the grace period");
    fixture.now = fixture.now.plus(std::time::Duration::from_secs(1));
    let reused = refresh(&mut fixture, &client, &first).unwrap_err();
    assert_eq!(reused, "RefreshTokenReuseException: Refresh token has been used already.");
    assert!(refresh(&mut fixture, &client, &second).is_ok());
    let parameters = json!({ "REFRESH_TOKEN": second });
    let start = json!({ "ClientId": client, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": parameters });
    assert!(fixture.ask("InitiateAuth", &start).unwrap_err().starts_with("InvalidParameterException"));
    let both = json!({
        "UserPoolId": pool, "ClientName": "d", "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
        "RefreshTokenRotation": rotation,
    });
    assert!(fixture.ask("CreateUserPoolClient", &both).unwrap_err().starts_with("InvalidParameterException"));
}

/// Developer guide, app client settings; moto PR 4836; floci PR 3974.
#[test]
fn a_flow_that_the_client_lacks_is_refused() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let spec = json!({ "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"] });
    let (pool, client) = served_pool(&mut fixture, &json!({}), &spec);
    let token = fixture.sign_in(&client).unwrap()["RefreshToken"].clone();
    let start = |flow: &str, parameters: &Value| json!({ "ClientId": client, "UserPoolId": pool, "AuthFlow": flow, "AuthParameters": parameters });
    let refused =
        fixture.ask("InitiateAuth", &start("REFRESH_TOKEN_AUTH", &json!({ "REFRESH_TOKEN": token })));
    assert!(refused.unwrap_err().starts_with("InvalidParameterException"));
    let names = json!({ "USERNAME": "ann", "PASSWORD": "Permanent-1" });
    let unsupported = "InvalidParameterException: Initiate Auth method not supported.";
    assert_eq!(
        fixture.ask("AdminInitiateAuth", &start("USER_PASSWORD_AUTH", &names)).unwrap_err(),
        unsupported
    );
    assert_eq!(
        fixture.ask("InitiateAuth", &start("ADMIN_USER_PASSWORD_AUTH", &names)).unwrap_err(),
        unsupported
    );
    let (_, other) =
        served_pool(&mut fixture, &json!({}), &json!({ "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"] }));
    assert_eq!(
        fixture.sign_in(&other).unwrap_err(),
        "InvalidParameterException: USER_PASSWORD_AUTH flow not enabled for this client"
    );
}

/// The API model on RevokeToken; developer guide, revoking tokens.
#[test]
fn revoke_token_refuses_foreign_and_access_tokens() {
    for signed in [Tokens::Opaque, Tokens::Rs256(signing_keys())] {
        let mut fixture = ProviderFixture::new(signed);
        let (pool, client) = fixture.pool("p");
        let spec = json!({ "UserPoolId": pool, "ClientName": "d", "EnableTokenRevocation": false });
        let other = fixture.call_ok("CreateUserPoolClient", &spec)["UserPoolClient"].clone();
        assert_eq!(other["EnableTokenRevocation"], json!(false));
        let tokens = fixture.sign_in(&client).unwrap();
        let mut revoke = |client: &Value, token: &Value| {
            let refused = fixture.ask("RevokeToken", &json!({ "ClientId": client, "Token": token }));
            refused.map(drop).map_err(|error| error.split(':').next().unwrap().to_owned())
        };
        let spec = json!({ "UserPoolId": pool, "ClientName": "e" });
        assert_eq!(
            revoke(&other["ClientId"], &tokens["RefreshToken"]),
            Err("UnsupportedOperationException".to_owned())
        );
        assert_eq!(
            revoke(&json!(client), &tokens["AccessToken"]),
            Err("UnsupportedTokenTypeException".to_owned())
        );
        let third = fixture.call_ok("CreateUserPoolClient", &spec)["UserPoolClient"]["ClientId"].clone();
        let refused =
            fixture.ask("RevokeToken", &json!({ "ClientId": third, "Token": tokens["RefreshToken"] }));
        assert!(refused.unwrap_err().starts_with("UnauthorizedException"));
        fixture.call_ok("RevokeToken", &json!({ "ClientId": client, "Token": tokens["RefreshToken"] }));
    }
}

/// The API model on SetRiskConfiguration: without a configuration the defaults apply.
#[test]
fn a_risk_configuration_without_settings_restores_the_defaults() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let enforced =
        json!({ "UserPoolTier": "PLUS", "UserPoolAddOns": { "AdvancedSecurityMode": "ENFORCED" } });
    let (pool, _) = served_pool(&mut fixture, &enforced, &json!({}));
    let risk =
        fixture.call_ok("SetRiskConfiguration", &json!({ "UserPoolId": pool }))["RiskConfiguration"].clone();
    for level in ["LowAction", "MediumAction", "HighAction"] {
        let action = &risk["AccountTakeoverRiskConfiguration"]["Actions"][level]["EventAction"];
        assert_eq!(action, "BLOCK", "{level}");
    }
}

/// Developer guide, MFA: a required MFA cannot be turned off by its user.
#[test]
fn the_last_factor_cannot_be_turned_off_while_mfa_is_required() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let (pool, client) =
        served_pool(&mut fixture, &json!({}), &json!({ "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"] }));
    let attributes = json!([{ "Name": "phone_number", "Value": "+15551234567" }]);
    let user = json!({ "UserPoolId": pool, "Username": "bob", "MessageAction": "SUPPRESS", "UserAttributes": attributes });
    fixture.call_ok("AdminCreateUser", &user);
    let password =
        json!({ "UserPoolId": pool, "Username": "bob", "Password": "Permanent-1", "Permanent": true });
    fixture.call_ok("AdminSetUserPassword", &password);
    let parameters = json!({ "USERNAME": "bob", "PASSWORD": "Permanent-1" });
    let start = json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let token = fixture.call_ok("InitiateAuth", &start)["AuthenticationResult"]["AccessToken"].clone();
    let preference = |on: bool| json!({ "UserPoolId": pool, "Username": "bob", "SMSMfaSettings": { "Enabled": on, "PreferredMfa": false } });
    fixture.call_ok("AdminSetUserMFAPreference", &preference(true));
    let sms = json!({ "SmsConfiguration": { "SnsCallerArn": "arn:aws:iam::000000000000:role/sms" } });
    let mfa = json!({ "UserPoolId": pool, "MfaConfiguration": "ON", "SmsMfaConfiguration": sms });
    fixture.call_ok("SetUserPoolMfaConfig", &mfa);
    let refused = fixture.ask("AdminSetUserMFAPreference", &preference(false)).unwrap_err();
    assert!(refused.starts_with("InvalidParameterException"), "{refused}");
    let own = json!({ "AccessToken": token, "SMSMfaSettings": { "Enabled": false, "PreferredMfa": false } });
    let refused = fixture.ask("SetUserMFAPreference", &own).unwrap_err();
    assert!(refused.starts_with("InvalidParameterException"), "{refused}");
    let off = json!({ "UserPoolId": pool, "MfaConfiguration": "OFF" });
    fixture.call_ok("SetUserPoolMfaConfig", &off);
    fixture.call_ok("AdminSetUserMFAPreference", &preference(false));
}

/// Developer guide, MFA: "tokens, even if your user pool requires MFA".
#[test]
fn the_first_sign_in_after_a_confirmed_sign_up_needs_no_mfa() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let spec = json!({ "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"] });
    let (pool, client) = served_pool(
        &mut fixture,
        &json!({ "MfaConfiguration": "ON", "AutoVerifiedAttributes": ["email"] }),
        &spec,
    );
    let attributes = json!([{ "Name": "email", "Value": "eve@example.com" }]);
    let sign_up = json!({ "ClientId": client, "Username": "eve", "Password": "Permanent-1", "UserAttributes": attributes });
    fixture.call_ok("SignUp", &sign_up);
    let pool_id = poolproof_cognito::ids::PoolId::new(&pool);
    let code = fixture.provider.take_deliveries(&pool_id).pop().unwrap().code;
    fixture.call_ok(
        "ConfirmSignUp",
        &json!({ "ClientId": client, "Username": "eve", "ConfirmationCode": code }),
    );
    let parameters = json!({ "USERNAME": "eve", "PASSWORD": "Permanent-1" });
    let start = json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    assert!(fixture.call_ok("InitiateAuth", &start)["AuthenticationResult"]["AccessToken"].is_string());
    assert_eq!(fixture.call_ok("InitiateAuth", &start)["ChallengeName"], "MFA_SETUP");
}

/// identity-js#180; AWS's MFA example.
#[test]
fn challenges_describe_the_user_and_a_verified_app_counts_at_once() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let spec = json!({ "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"] });
    let (pool, client) = served_pool(
        &mut fixture,
        &json!({ "MfaConfiguration": "ON", "AutoVerifiedAttributes": ["email"] }),
        &spec,
    );
    let attributes =
        json!([{ "Name": "email", "Value": "bob@example.com" }, { "Name": "given_name", "Value": "Bob" }]);
    let user = json!({
        "UserPoolId": pool, "Username": "bob", "TemporaryPassword": "Temporary-1", "UserAttributes": attributes,
    });
    fixture.call_ok("AdminCreateUser", &user);
    let parameters = json!({ "USERNAME": "bob", "PASSWORD": "Temporary-1" });
    let start = json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let asked = fixture.call_ok("InitiateAuth", &start);
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");
    let described: Value =
        serde_json::from_str(asked["ChallengeParameters"]["userAttributes"].as_str().unwrap()).unwrap();
    assert_eq!(described, json!({ "email": "bob@example.com", "given_name": "Bob" }));
    let parameters = json!({ "USERNAME": "ann", "PASSWORD": "Permanent-1" });
    let start = json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let session = fixture.call_ok("InitiateAuth", &start)["Session"].clone();
    let associated = fixture.call_ok("AssociateSoftwareToken", &json!({ "Session": session }));
    let secret = associated["SecretCode"].as_str().unwrap();
    let secret = poolproof_cognito::totp::TotpSecret::from_base32(secret).unwrap();
    let code = secret.code(poolproof_cognito::totp::step_at(fixture.now));
    let verify =
        json!({ "Session": associated["Session"], "UserCode": code, "FriendlyDeviceName": "my app" });
    assert_eq!(fixture.call_ok("VerifySoftwareToken", &verify)["Status"], "SUCCESS");
    let asked = fixture.call_ok("InitiateAuth", &start);
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    assert_eq!(asked["ChallengeParameters"]["FRIENDLY_DEVICE_NAME"], "my app");
}

/// AWS CLI examples; developer guide, using tokens.
#[test]
fn tokens_and_device_descriptions_look_as_documented() {
    let mut fixture = ProviderFixture::new(Tokens::Rs256(signing_keys()));
    let (pool, client) = fixture.pool("p");
    let signed_in = fixture.sign_in(&client).unwrap();
    let claims = |token: &Value| -> Value {
        let text = token.as_str().unwrap().split('.').nth(1).unwrap();
        serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()).unwrap()
    };
    let (access, id) = (claims(&signed_in["AccessToken"]), claims(&signed_in["IdToken"]));
    assert_ne!(access["jti"], id["jti"]);
    assert_eq!((&access["event_id"], &access["origin_jti"]), (&id["event_id"], &id["origin_jti"]));
    assert!(access["event_id"].is_string());
    let own = |claims: &Value| claims.as_object().unwrap().keys().any(|key| key.contains("poolproof"));
    assert!(!own(&access) && !own(&id), "no claim that Cognito does not have");
    let key = &signed_in["NewDeviceMetadata"]["DeviceKey"];
    let config =
        json!({ "PasswordVerifier": crate::provider::a_verifier(), "Salt": "AAECAwQFBgcICQoLDA0ODw==" });
    let confirm = json!({ "AccessToken": signed_in["AccessToken"], "DeviceKey": key, "DeviceSecretVerifierConfig": config });
    fixture.call_ok("ConfirmDevice", &confirm);
    let device = json!({ "UserPoolId": pool, "Username": "ann", "DeviceKey": key });
    let device = fixture.call_ok("AdminGetDevice", &device)["Device"].clone();
    let seconds = device["DeviceLastAuthenticatedDate"].as_f64().unwrap();
    assert!(seconds.fract().abs() < f64::EPSILON, "whole seconds: {seconds}");
    let names: Vec<_> =
        device["DeviceAttributes"].as_array().unwrap().iter().map(|one| one["Name"].clone()).collect();
    assert!(names.contains(&json!("dev:device_sdk")));
    // A refreshed token keeps the event.
    let body = json!({ "ClientId": client, "RefreshToken": signed_in["RefreshToken"], "DeviceKey": key });
    let refreshed = fixture.call_ok("GetTokensFromRefreshToken", &body)["AuthenticationResult"].clone();
    let again = claims(&refreshed["AccessToken"]);
    assert_eq!(again["event_id"], access["event_id"]);
    assert_ne!(again["jti"], access["jti"]);
    fixture.call_ok("GlobalSignOut", &json!({ "AccessToken": refreshed["AccessToken"] }));
    let ended = fixture.ask("GetUser", &json!({ "AccessToken": signed_in["AccessToken"] })).unwrap_err();
    assert_eq!(ended, "NotAuthorizedException: Access Token has been revoked");
}

/// Developer guide: setting up a factor again; histories against an independent model.
#[test]
fn the_app_that_was_verified_last_counts() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let spec = json!({ "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"] });
    let (_, client) = served_pool(&mut fixture, &json!({ "MfaConfiguration": "OPTIONAL" }), &spec);
    let token = fixture.sign_in(&client).unwrap()["AccessToken"].clone();
    let enroll = |fixture: &mut ProviderFixture| {
        let associated = fixture.call_ok("AssociateSoftwareToken", &json!({ "AccessToken": token }));
        let secret = associated["SecretCode"].as_str().unwrap();
        let secret = poolproof_cognito::totp::TotpSecret::from_base32(secret).unwrap();
        let code = secret.code(poolproof_cognito::totp::step_at(fixture.now));
        fixture.call_ok("VerifySoftwareToken", &json!({ "AccessToken": token, "UserCode": code }));
        secret
    };
    let first = enroll(&mut fixture);
    let last = enroll(&mut fixture);
    for on in [true, false, true] {
        let setting = json!({ "AccessToken": token, "SoftwareTokenMfaSettings": { "Enabled": on } });
        fixture.call_ok("SetUserMFAPreference", &setting);
    }
    fixture.now = fixture.now.plus(std::time::Duration::from_secs(60));
    let parameters = json!({ "USERNAME": "ann", "PASSWORD": "Permanent-1" });
    let start = json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let asked = fixture.call_ok("InitiateAuth", &start);
    let mut answer = |secret: &poolproof_cognito::totp::TotpSecret| {
        let code = secret.code(poolproof_cognito::totp::step_at(fixture.now));
        let responses = json!({ "USERNAME": "ann", "SOFTWARE_TOKEN_MFA_CODE": code });
        let body = json!({
            "ClientId": client, "ChallengeName": "SOFTWARE_TOKEN_MFA", "Session": asked["Session"],
            "ChallengeResponses": responses,
        });
        fixture.ask("RespondToAuthChallenge", &body)
    };
    assert!(answer(&first).unwrap_err().starts_with(ErrorKind::CodeMismatch.as_str()));
    assert!(answer(&last).is_ok());
}

/// The same, where the pool asks for the second app by MFA_SETUP.
#[test]
fn an_app_of_mfa_setup_replaces_one_that_was_verified_before_and_not_turned_on() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let spec = json!({ "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"] });
    let (pool, client) = served_pool(&mut fixture, &json!({ "MfaConfiguration": "OPTIONAL" }), &spec);
    let verify = |fixture: &mut ProviderFixture, by: &Value| {
        let associated = fixture.call_ok("AssociateSoftwareToken", by);
        let secret = associated["SecretCode"].as_str().unwrap();
        let secret = poolproof_cognito::totp::TotpSecret::from_base32(secret).unwrap();
        let code = secret.code(poolproof_cognito::totp::step_at(fixture.now));
        let mut body = json!({ "UserCode": code, "AccessToken": by["AccessToken"] });
        body["Session"] = associated["Session"].clone();
        (secret, fixture.call_ok("VerifySoftwareToken", &body)["Session"].clone())
    };
    let token = fixture.sign_in(&client).unwrap()["AccessToken"].clone();
    let (first, _) = verify(&mut fixture, &json!({ "AccessToken": token }));
    let app = json!({ "Enabled": true });
    let required =
        json!({ "UserPoolId": pool, "MfaConfiguration": "ON", "SoftwareTokenMfaConfiguration": app });
    fixture.call_ok("SetUserPoolMfaConfig", &required);
    let parameters = json!({ "USERNAME": "ann", "PASSWORD": "Permanent-1" });
    let start = json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let asked = fixture.call_ok("InitiateAuth", &start);
    assert_eq!(asked["ChallengeName"], "MFA_SETUP");
    let (last, session) = verify(&mut fixture, &json!({ "Session": asked["Session"] }));
    let done = json!({
        "ClientId": client, "ChallengeName": "MFA_SETUP", "Session": session,
        "ChallengeResponses": { "USERNAME": "ann" },
    });
    fixture.call_ok("RespondToAuthChallenge", &done);
    let setting = json!({ "AccessToken": token, "SoftwareTokenMfaSettings": app });
    fixture.call_ok("SetUserMFAPreference", &setting);
    fixture.now = fixture.now.plus(std::time::Duration::from_secs(60));
    for (secret, accepted) in [(first, false), (last, true)] {
        let asked = fixture.call_ok("InitiateAuth", &start);
        let code = secret.code(poolproof_cognito::totp::step_at(fixture.now));
        let body = json!({
            "ClientId": client, "ChallengeName": asked["ChallengeName"], "Session": asked["Session"],
            "ChallengeResponses": { "USERNAME": "ann", "SOFTWARE_TOKEN_MFA_CODE": code },
        });
        assert_eq!(fixture.ask("RespondToAuthChallenge", &body).is_ok(), accepted);
    }
}

/// Developer guide: an address is an alias once it is verified, and a user cannot verify it by an
/// attribute.
#[test]
fn a_user_cannot_sign_up_with_a_verified_address() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let aliases = json!({ "AliasAttributes": ["email", "preferred_username"] });
    let (_, client) = served_pool(&mut fixture, &aliases, &json!({}));
    let mut sign_up = |attributes: Value| {
        let body = json!({
            "ClientId": client, "Username": "eve", "Password": "Permanent-1", "UserAttributes": attributes,
        });
        fixture.ask("SignUp", &body)
    };
    let email = json!({ "Name": "email", "Value": "ann@example.com" });
    let verified = json!({ "Name": "email_verified", "Value": "true" });
    let refused = sign_up(json!([email, verified])).unwrap_err();
    assert_eq!(refused, "NotAuthorizedException: A client attempted to write unauthorized attribute");
    let preferred = json!({ "Name": "preferred_username", "Value": "ann@example.com" });
    assert!(sign_up(json!([preferred])).unwrap_err().starts_with("InvalidParameterException"));
    assert!(sign_up(json!([email])).is_ok());
}
