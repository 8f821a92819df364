//! Settings of pools and clients are stored, returned and applied, and stored data is bounded.

use std::time::Duration;

use poolproof_cognito::ids::PoolId;
use poolproof_cognito::jwt::TokenUse;
use poolproof_cognito::protocol::Origin;
use poolproof_pool::provider::{AccountLimits, Tokens};
use serde_json::{Value, json};

use crate::provider::{ProviderFixture, a_verifier, keys};

/// Creates a pool with these settings and returns its id.
fn pool_with(fixture: &mut ProviderFixture, settings: &Value) -> Value {
    let mut body = json!({ "PoolName": "p" });
    body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    fixture.call_ok("CreateUserPool", &body)["UserPool"]["Id"].clone()
}

/// Creates a client with these settings that allows passwords without SRP, and returns its id.
fn client_with(fixture: &mut ProviderFixture, pool: &Value, settings: &Value) -> Result<Value, String> {
    let flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH"];
    let mut body = json!({ "UserPoolId": pool, "ClientName": "c", "ExplicitAuthFlows": flows });
    body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    fixture.ask("CreateUserPoolClient", &body).map(|made| made["UserPoolClient"].clone())
}

fn ann(fixture: &mut ProviderFixture, pool: &Value) {
    fixture.call_ok(
        "AdminCreateUser",
        &json!({ "UserPoolId": pool, "Username": "ann", "MessageAction": "SUPPRESS" }),
    );
    let body = json!({ "UserPoolId": pool, "Username": "ann", "Password": "Permanent-1", "Permanent": true });
    fixture.call_ok("AdminSetUserPassword", &body);
}

#[test]
fn password_policy_is_enforced_with_the_cognito_message() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let strict = pool_with(&mut fixture, &json!({}));
    let reply = fixture.call_ok("DescribeUserPool", &json!({ "UserPoolId": strict }));
    let default = json!({ "MinimumLength": 8, "RequireUppercase": true, "RequireLowercase": true, "RequireNumbers": true,
        "RequireSymbols": true, "TemporaryPasswordValidityDays": 7 });
    assert_eq!(reply["UserPool"]["Policies"]["PasswordPolicy"], default);
    let client = client_with(&mut fixture, &strict, &json!({})).unwrap()["ClientId"].clone();
    ann(&mut fixture, &strict);
    let set = |fixture: &mut ProviderFixture, pool: &Value, password: &str| {
        let body = json!({ "UserPoolId": pool, "Username": "ann", "Password": password, "Permanent": true });
        fixture.ask("AdminSetUserPassword", &body).map_or_else(|error| error, |_| "kept".to_owned())
    };
    let refused =
        |rule: &str| format!("InvalidPasswordException: Password does not conform to policy: {rule}");
    for (password, rule) in [
        ("Aa1-567", "Password not long enough"),
        ("aa1-5678", "Password must have uppercase characters"),
        ("AA1-5678", "Password must have lowercase characters"),
        ("Aaa-bcde", "Password must have numeric characters"),
        ("Aaa1bcde", "Password must have symbol characters"),
    ] {
        assert_eq!(set(&mut fixture, &strict, password), refused(rule), "{password}");
    }
    assert_eq!(set(&mut fixture, &strict, "Aa1-5678"), "kept");
    let sign_up = json!({ "ClientId": client, "Username": "bob", "Password": "short" });
    assert_eq!(
        fixture.ask("SignUp", &sign_up).unwrap_err(),
        "InvalidPasswordException: Password did not conform with policy: Password not long enough"
    );
    let create = json!({ "UserPoolId": strict, "Username": "bob", "TemporaryPassword": "Nodigits-" });
    assert_eq!(
        fixture.ask("AdminCreateUser", &create).unwrap_err(),
        "InvalidPasswordException: Password did not conform with password policy: Password must have numeric characters"
    );
    // A custom policy, and an update that does not mention it.
    let policies = json!({ "Policies": { "PasswordPolicy": { "MinimumLength": 6, "TemporaryPasswordValidityDays": 1 } } });
    let lax = pool_with(&mut fixture, &policies);
    ann(&mut fixture, &lax);
    assert_eq!(set(&mut fixture, &lax, "short"), refused("Password not long enough"));
    assert_eq!(set(&mut fixture, &lax, "sixsix"), "kept");
    fixture.call_ok("UpdateUserPool", &json!({ "UserPoolId": lax }));
    assert_eq!(set(&mut fixture, &lax, "sixsix"), refused("Password not long enough"));
    for length in [5, 100] {
        let body = json!({ "PoolName": "p", "Policies": { "PasswordPolicy": { "MinimumLength": length } } });
        let refused = fixture.ask("CreateUserPool", &body).unwrap_err();
        assert!(refused.contains("'policies.passwordPolicy.minimumLength' failed to satisfy"), "{refused}");
    }
}

#[test]
fn tokens_and_sessions_expire_by_client_settings() {
    let mut fixture = ProviderFixture::new(Tokens::Rs256(keys()));
    let pool = pool_with(&mut fixture, &json!({}));
    ann(&mut fixture, &pool);
    let units = json!({ "AccessToken": "minutes", "RefreshToken": "hours" });
    let said = json!({ "AccessTokenValidity": 10, "IdTokenValidity": 2, "RefreshTokenValidity": 3, "TokenValidityUnits": units,
        "AuthSessionValidity": 5 });
    let client = client_with(&mut fixture, &pool, &said).unwrap();
    for (key, value) in said.as_object().unwrap() {
        assert_eq!(client[key], *value, "{key}");
    }
    let id = client["ClientId"].as_str().unwrap().to_owned();
    let start = fixture.now;
    let tokens = fixture.sign_in(&id).unwrap();
    assert_eq!(tokens["ExpiresIn"], 600);
    let ends = |usage, token: &Value| {
        let claims = keys().read(usage, token.as_str().unwrap()).unwrap();
        claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap()
    };
    assert_eq!(ends(TokenUse::Access, &tokens["AccessToken"]), 600);
    assert_eq!(ends(TokenUse::Id, &tokens["IdToken"]), 7200);
    let later = |seconds: u64| start.plus(Duration::from_secs(seconds));
    let profile = json!({ "AccessToken": tokens["AccessToken"] });
    let refresh = json!({ "ClientId": id, "RefreshToken": tokens["RefreshToken"] });
    fixture.now = later(599);
    fixture.call_ok("GetUser", &profile);
    fixture.now = later(600);
    assert_eq!(
        fixture.ask("GetUser", &profile).unwrap_err(),
        "NotAuthorizedException: Access Token has expired"
    );
    fixture.now = later(3 * 3600 - 1);
    assert_eq!(
        fixture.call_ok("GetTokensFromRefreshToken", &refresh)["AuthenticationResult"]["ExpiresIn"],
        600
    );
    fixture.now = later(3 * 3600);
    assert_eq!(
        fixture.ask("GetTokensFromRefreshToken", &refresh).unwrap_err(),
        "NotAuthorizedException: Refresh Token has expired"
    );
}

#[test]
fn session_validity_follows_the_client_and_is_bounded() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let pool = pool_with(&mut fixture, &json!({}));
    ann(&mut fixture, &pool);
    let long = json!({ "AuthSessionValidity": 5, "AccessTokenValidity": 10, "TokenValidityUnits": { "AccessToken": "hours" } });
    let id = client_with(&mut fixture, &pool, &long).unwrap()["ClientId"].as_str().unwrap().to_owned();
    // A session of five minutes beside one of three minutes, after a temporary password.
    let usual = client_with(&mut fixture, &pool, &json!({})).unwrap();
    assert_eq!((&usual["AuthSessionValidity"], &usual["RefreshTokenValidity"]), (&json!(3), &json!(30)));
    let usual = usual["ClientId"].as_str().unwrap().to_owned();
    let answered = |fixture: &mut ProviderFixture, client: &str, seconds: u64| {
        let temporary =
            json!({ "UserPoolId": pool, "Username": "ann", "Password": "Temporary-1", "Permanent": false });
        fixture.call_ok("AdminSetUserPassword", &temporary);
        let parameters = json!({ "USERNAME": "ann", "PASSWORD": "Temporary-1" });
        let body =
            json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
        let session = fixture.call_ok("InitiateAuth", &body)["Session"].clone();
        fixture.now = fixture.now.plus(Duration::from_secs(seconds));
        let responses = json!({ "USERNAME": "ann", "NEW_PASSWORD": "Permanent-1" });
        let body = json!({ "ClientId": client, "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": session,
            "ChallengeResponses": responses });
        fixture.ask("RespondToAuthChallenge", &body).is_ok()
    };
    assert!(answered(&mut fixture, &id, 299) && !answered(&mut fixture, &id, 300));
    assert!(answered(&mut fixture, &usual, 179) && !answered(&mut fixture, &usual, 180));
    for (bad, wanted) in [
        (
            json!({ "AccessTokenValidity": 25 }),
            "InvalidParameterException: Invalid range for token validity.",
        ),
        (
            json!({ "RefreshTokenValidity": 3651 }),
            "InvalidParameterException: Invalid range for token validity.",
        ),
        (
            json!({ "IdTokenValidity": 4, "TokenValidityUnits": { "IdToken": "minutes" } }),
            "InvalidParameterException: Invalid range for token validity.",
        ),
        (
            json!({ "AuthSessionValidity": 2 }),
            "InvalidParameterException: 1 validation error detected: Value '2' at 'authSessionValidity' failed to satisfy \
             constraint: Member must have value greater than or equal to 3",
        ),
    ] {
        assert_eq!(client_with(&mut fixture, &pool, &bad).unwrap_err(), wanted);
    }
    // An update without the setting restores the default.
    let flows = ["ALLOW_USER_PASSWORD_AUTH"];
    let update = json!({ "UserPoolId": pool, "ClientId": id, "ExplicitAuthFlows": flows });
    assert_eq!(
        fixture.call_ok("UpdateUserPoolClient", &update)["UserPoolClient"]["AccessTokenValidity"],
        Value::Null
    );
    ann_again(&mut fixture, &pool);
    assert_eq!(fixture.sign_in(&id).unwrap()["ExpiresIn"], 3600);
}

fn ann_again(fixture: &mut ProviderFixture, pool: &Value) {
    let body = json!({ "UserPoolId": pool, "Username": "ann", "Password": "Permanent-1", "Permanent": true });
    fixture.call_ok("AdminSetUserPassword", &body);
}

#[test]
fn risk_configuration_round_trips_and_its_lists_apply() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let pool = pool_with(
        &mut fixture,
        &json!({ "UserPoolTier": "PLUS", "UserPoolAddOns": { "AdvancedSecurityMode": "ENFORCED" } }),
    );
    ann(&mut fixture, &pool);
    let client =
        client_with(&mut fixture, &pool, &json!({})).unwrap()["ClientId"].as_str().unwrap().to_owned();
    let action = |word: &str| json!({ "EventAction": word, "Notify": true });
    let whole = json!({
        "UserPoolId": pool,
        "CompromisedCredentialsRiskConfiguration": { "EventFilter": ["SIGN_IN"], "Actions": { "EventAction": "BLOCK" } },
        "AccountTakeoverRiskConfiguration": {
            "NotifyConfiguration": { "SourceArn": "arn:aws:ses:us-east-1:1:identity/a", "BlockEmail": { "Subject": "s", "TextBody": "Blocked" } },
            "Actions": { "LowAction": action("NO_ACTION"), "MediumAction": action("BLOCK"), "HighAction": action("BLOCK") },
        },
        "RiskExceptionConfiguration": { "BlockedIPRangeList": ["192.0.2.0/24"], "SkippedIPRangeList": ["198.51.100.0/24"] },
    });
    assert_eq!(fixture.call_ok("SetRiskConfiguration", &whole)["RiskConfiguration"], whole);
    assert_eq!(
        fixture.call_ok("DescribeRiskConfiguration", &json!({ "UserPoolId": pool }))["RiskConfiguration"],
        whole
    );
    let medium = Some(poolproof_cognito::policy::RiskLevel::Medium);
    let from = |fixture: &mut ProviderFixture, address: &str, risk| {
        fixture.origin = Origin { address: Some(address.parse().unwrap()), risk };
        fixture.sign_in(&client).map_or_else(|error| error, |_| "in".to_owned())
    };
    let security = "NotAuthorizedException: Unable to login because of security reasons.";
    assert_ne!(from(&mut fixture, "192.0.2.7", None), "in", "always blocked");
    assert_eq!(from(&mut fixture, "203.0.113.7", None), "in");
    assert_eq!(from(&mut fixture, "203.0.113.7", medium), security);
    assert_eq!(from(&mut fixture, "198.51.100.7", medium), "in", "never looked at");
    // A new configuration removes the values that it does not contain.
    fixture.call_ok("SetRiskConfiguration", &json!({ "UserPoolId": pool }));
    let reply =
        fixture.call_ok("DescribeRiskConfiguration", &json!({ "UserPoolId": pool }))["RiskConfiguration"]
            .clone();
    assert_eq!(
        (&reply["RiskExceptionConfiguration"], &reply["CompromisedCredentialsRiskConfiguration"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(from(&mut fixture, "192.0.2.7", None), "in");
    let refusal = |fixture: &mut ProviderFixture, part: Value| {
        let mut body = json!({ "UserPoolId": pool });
        body.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        fixture.ask("SetRiskConfiguration", &body).unwrap_err()
    };
    let list = |ranges: Value| json!({ "RiskExceptionConfiguration": { "BlockedIPRangeList": ranges } });
    assert_eq!(
        refusal(&mut fixture, list(json!(["192.0.2.0/33"]))),
        "InvalidParameterException: Invalid CIDR range in blockedIPRangeList: 192.0.2.0/33"
    );
    let many: Vec<String> = (0..=200).map(|n| format!("10.0.{n}.0/24")).collect();
    assert!(refusal(&mut fixture, list(json!(many))).contains("less than or equal to"));
    let event = json!({ "CompromisedCredentialsRiskConfiguration": { "EventFilter": ["ALWAYS"], "Actions": { "EventAction": "BLOCK" } } });
    assert!(refusal(&mut fixture, event).contains("SIGN_IN, PASSWORD_CHANGE, SIGN_UP"));
}

#[test]
fn stored_data_is_bounded() {
    let mut fixture = ProviderFixture::bounded(
        Tokens::Opaque,
        AccountLimits { users: 3, pending: 20, ..AccountLimits::DEFAULT },
    );
    let (pool, client) = fixture.pool("one");
    let create = |name: &str| json!({ "UserPoolId": pool, "Username": name, "MessageAction": "SUPPRESS" });
    fixture.call_ok("AdminCreateUser", &create("bob"));
    let sign_up = |name: &str| json!({ "ClientId": client, "Username": name, "Password": "Permanent-1" });
    fixture.call_ok("SignUp", &sign_up("cyd"));
    let full = "LimitExceededException: You have exceeded your user limit: 3 users of all pools.";
    assert_eq!(fixture.ask("AdminCreateUser", &create("dan")).unwrap_err(), full);
    assert_eq!(fixture.ask("SignUp", &sign_up("dan")).unwrap_err(), full);
    fixture.call_ok("AdminDeleteUser", &json!({ "UserPoolId": pool, "Username": "bob" }));
    fixture.call_ok("SignUp", &sign_up("dan"));
    // Clients and pools.
    let client = json!({ "UserPoolId": pool, "ClientName": "c" });
    let made = (0..2000).take_while(|_| fixture.ask("CreateUserPoolClient", &client).is_ok()).count();
    assert_eq!(made, 999);
    assert!(fixture.ask("CreateUserPoolClient", &client).unwrap_err().starts_with("LimitExceededException"));
    let made =
        (0..2000).take_while(|_| fixture.ask("CreateUserPool", &json!({ "PoolName": "p" })).is_ok()).count();
    assert_eq!(made, 999);
    assert!(
        fixture
            .ask("CreateUserPool", &json!({ "PoolName": "p" }))
            .unwrap_err()
            .starts_with("LimitExceededException")
    );
}

/// Starts a sign-in with SRP and returns its secret block.
fn begin(fixture: &mut ProviderFixture, client: &str) -> String {
    let srp = json!({ "ClientId": client, "AuthFlow": "USER_SRP_AUTH",
        "AuthParameters": { "USERNAME": "ann", "SRP_A": "abcdef" } });
    let begun = fixture.call_ok("InitiateAuth", &srp);
    begun["ChallengeParameters"]["SECRET_BLOCK"].as_str().unwrap().to_owned()
}

#[test]
fn abandoned_sign_ins_do_not_block_others() {
    let limits = AccountLimits { users: 9, pending: 20, ..AccountLimits::DEFAULT };
    let mut fixture = ProviderFixture::bounded(Tokens::Opaque, limits);
    let [(flooded, flooder), (quiet, client)] = ["flooded", "quiet"].map(|name| fixture.pool(name));
    let pending = |fixture: &mut ProviderFixture, pool: &str| {
        fixture.provider.pool_mut(&PoolId::new(pool)).map_or(0, |pool| pool.pending())
    };
    for _ in 0..3 {
        begin(&mut fixture, &client);
    }
    for _ in 0..200 {
        begin(&mut fixture, &flooder);
        assert!(pending(&mut fixture, &flooded) + pending(&mut fixture, &quiet) <= limits.pending);
    }
    assert_eq!(pending(&mut fixture, &quiet), 3, "the flood takes its own room");
    assert_eq!(fixture.provider.evicted_count(), 183);
    // During the flood a new sign-in stays open until as many others have started as entries exist.
    fixture.sign_in(&flooder).unwrap();
    for _ in 0..5 {
        begin(&mut fixture, &client);
    }
    assert_eq!((pending(&mut fixture, &flooded), pending(&mut fixture, &quiet)), (12, 8));
}

#[test]
fn expired_entries_are_removed() {
    let mut fixture = ProviderFixture::bounded(
        Tokens::Opaque,
        AccountLimits { users: 9, pending: 20, ..AccountLimits::DEFAULT },
    );
    let (_, short) = fixture.pool("other");
    let (pool, long) = fixture.pool("one");
    let flows = ["ALLOW_USER_SRP_AUTH"];
    let validity = json!({ "UserPoolId": pool, "ClientId": long, "AuthSessionValidity": 15, "ExplicitAuthFlows": flows });
    fixture.call_ok("UpdateUserPoolClient", &validity);
    let flows = json!({ "UserPoolId": pool, "ClientName": "short", "ExplicitAuthFlows": flows });
    let made = fixture.call_ok("CreateUserPoolClient", &flows);
    let own_short = made["UserPoolClient"]["ClientId"].as_str().unwrap().to_owned();
    begin(&mut fixture, &long);
    for client in [&short, &own_short] {
        for _ in 0..8 {
            begin(&mut fixture, client);
        }
    }
    fixture.now = fixture.now.plus(Duration::from_secs(3 * 60));
    // The pools receive no other request in between.
    for _ in 0..20 {
        begin(&mut fixture, &short);
    }
    assert_eq!(fixture.provider.evicted_count(), 1, "of the one that had not ended, for the twentieth");
    let left = fixture.provider.pool_mut(&PoolId::new(pool)).map(|pool| pool.pending());
    assert_eq!(left, Some(1));
}

#[test]
fn a_user_has_at_most_1000_devices_and_100_pending() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let (pool, client) = fixture.pool("one");
    let confirm = |tokens: &Value| {
        let verifier = json!({ "PasswordVerifier": a_verifier(), "Salt": "AQ==" });
        json!({ "AccessToken": tokens["AccessToken"], "DeviceKey": tokens["NewDeviceMetadata"]["DeviceKey"],
            "DeviceSecretVerifierConfig": verifier })
    };
    let first = fixture.sign_in(&client).unwrap();
    for _ in 0..100 {
        fixture.now = fixture.now.plus(Duration::from_millis(1));
        fixture.sign_in(&client).unwrap();
    }
    assert_eq!(
        fixture.ask("ConfirmDevice", &confirm(&first)).unwrap_err(),
        "InvalidParameterException: Invalid device key given."
    );
    for _ in 0..1000 {
        let tokens = fixture.sign_in(&client).unwrap();
        fixture.call_ok("ConfirmDevice", &confirm(&tokens));
    }
    let tokens = fixture.sign_in(&client).unwrap();
    let full = "LimitExceededException: User has too many devices; forget one first.";
    assert_eq!(fixture.ask("ConfirmDevice", &confirm(&tokens)).unwrap_err(), full);
    let listed =
        fixture.call_ok("AdminListDevices", &json!({ "UserPoolId": pool, "Username": "ann", "Limit": 1 }));
    let forget =
        json!({ "UserPoolId": pool, "Username": "ann", "DeviceKey": listed["Devices"][0]["DeviceKey"] });
    fixture.call_ok("AdminForgetDevice", &forget);
    fixture.call_ok("ConfirmDevice", &confirm(&tokens));
}

/// API reference, SignInPolicyType; developer guide, MFA: a pool that requires MFA refuses codes as first
/// factors.
#[test]
fn first_factors_are_a_setting_that_excludes_required_mfa() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let create = |factors: &[&str]| {
        let policy = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": factors } });
        json!({ "PoolName": "p", "Policies": policy })
    };
    let made = fixture.call_ok("CreateUserPool", &create(&["PASSWORD", "EMAIL_OTP", "SMS_OTP"]));
    let allowed =
        |made: &Value| made["UserPool"]["Policies"]["SignInPolicy"]["AllowedFirstAuthFactors"].clone();
    assert_eq!(allowed(&made), json!(["PASSWORD", "EMAIL_OTP", "SMS_OTP"]));
    let id = &made["UserPool"]["Id"];
    let on = json!({ "UserPoolId": id, "MfaConfiguration": "ON", "SoftwareTokenMfaConfiguration": { "Enabled": true } });
    let refused = fixture.ask("SetUserPoolMfaConfig", &on).unwrap_err();
    assert!(refused.starts_with("InvalidParameterException: Invalid MFA configuration given"), "{refused}");
    // An update resets what it does not name.
    fixture.call_ok("UpdateUserPool", &json!({ "UserPoolId": id }));
    let described = fixture.call_ok("DescribeUserPool", &json!({ "UserPoolId": id }));
    assert_eq!(allowed(&described), json!(["PASSWORD"]));
    fixture.call_ok("SetUserPoolMfaConfig", &on);
    for (factors, expected) in [
        (&["EMAIL_OTP"][..], "InvalidParameterException: AllowedFirstAuthFactors must include PASSWORD."),
        (
            &["PASSWORD", "WEB_AUTHN"],
            "InvalidParameterException: poolproof does not simulate Policies.SignInPolicy.AllowedFirstAuthFactors=WEB_AUTHN: \
             leave it out, or start with --ignore-unsimulated",
        ),
    ] {
        assert_eq!(fixture.ask("CreateUserPool", &create(factors)).unwrap_err(), expected);
    }
    let unknown = fixture.ask("CreateUserPool", &create(&["PASSWORD", "SMS"])).unwrap_err();
    assert!(
        unknown.contains(
            "Member must satisfy enum value set: [PASSWORD, EMAIL_OTP, SMS_OTP, WEB_AUTHN, SOFTWARE_TOKEN]"
        ),
        "{unknown}"
    );
}

#[test]
fn a_client_lists_the_flows_that_it_allows() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let (pool, _) = fixture.pool("one");
    let spec = |flows: &[&str]| json!({ "UserPoolId": pool, "ClientName": "c", "ExplicitAuthFlows": flows });
    let ask = |fixture: &mut ProviderFixture, flows: &[&str], flow: &str| {
        let made = fixture.call_ok("CreateUserPoolClient", &spec(flows));
        let client = &made["UserPoolClient"]["ClientId"];
        let body = json!({ "ClientId": client, "AuthFlow": flow, "AuthParameters": { "USERNAME": "ann" } });
        match fixture.ask("InitiateAuth", &body) {
            Ok(answer) => answer["ChallengeName"].as_str().unwrap_or_default().to_owned(),
            Err(error) => error,
        }
    };
    let disabled = |flow: &str| format!("InvalidParameterException: {flow} is not enabled for the client.");
    assert_eq!(ask(&mut fixture, &["ALLOW_USER_AUTH"], "USER_AUTH"), "SELECT_CHALLENGE");
    assert_eq!(ask(&mut fixture, &["ALLOW_USER_SRP_AUTH"], "USER_AUTH"), disabled("USER_AUTH"));
    // A11: the client lists the flow, and the pool has no triggers.
    let none = "InvalidParameterException: Custom auth lambda trigger is not configured for the user pool.";
    for flows in [&["ALLOW_CUSTOM_AUTH"][..], &["CUSTOM_AUTH_FLOW_ONLY"], &[]] {
        assert_eq!(ask(&mut fixture, flows, "CUSTOM_AUTH"), none, "{flows:?}");
    }
    assert_eq!(ask(&mut fixture, &["ALLOW_USER_SRP_AUTH"], "CUSTOM_AUTH"), disabled("CUSTOM_AUTH"));
}
