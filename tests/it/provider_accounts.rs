//! Recovery and attributes at the account of several pools: settings, routes, and what a restart keeps.

use poolproof_pool::provider::{ProviderChange, ProviderSnapshot, Tokens};
use serde_json::{Value, json};

use crate::provider::ProviderFixture;

/// A pool with these settings, an app client and the user `ann`, whose e-mail address is verified.
fn pool_with(fixture: &mut ProviderFixture, settings: &Value) -> (String, String) {
    let mut spec = json!({ "PoolName": "accounts" });
    spec.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let pool = fixture.call_ok("CreateUserPool", &spec)["UserPool"]["Id"].as_str().unwrap().to_owned();
    let flows = json!(["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]);
    let client = json!({ "UserPoolId": pool, "ClientName": "app", "ExplicitAuthFlows": flows });
    let client = fixture.call_ok("CreateUserPoolClient", &client)["UserPoolClient"]["ClientId"].clone();
    let attributes = json!([
        { "Name": "email", "Value": "ann@example.org" }, { "Name": "email_verified", "Value": "true" }
    ]);
    let user = json!({ "UserPoolId": pool, "Username": "ann", "UserAttributes": attributes });
    fixture.call_ok("AdminCreateUser", &user);
    let password =
        json!({ "UserPoolId": pool, "Username": "ann", "Password": "Permanent-1", "Permanent": true });
    fixture.call_ok("AdminSetUserPassword", &password);
    (pool, client.as_str().unwrap().to_owned())
}

fn sign_in(fixture: &mut ProviderFixture, client: &str, password: &str) -> Result<Value, String> {
    let parameters = json!({ "USERNAME": "ann", "PASSWORD": password });
    let body = json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    fixture.ask("InitiateAuth", &body)
}

/// An account that is restored from what this one has recorded.
fn restarted(fixture: &mut ProviderFixture) -> ProviderFixture {
    let mut snapshot = ProviderSnapshot::default();
    for change in std::mem::take(&mut fixture.changes) {
        match change {
            ProviderChange::Pool(record) => {
                snapshot.pools.retain(|pool| pool.id != record.id);
                snapshot.pools.push(*record);
            }
            ProviderChange::Client(pool, record) => {
                snapshot.clients.retain(|(_, client)| client.client.id != record.client.id);
                snapshot.clients.push((pool, *record));
            }
            ProviderChange::Account(pool, record) => {
                snapshot.accounts.retain(|(_, account)| account.sub != record.sub);
                snapshot.accounts.push((pool, *record));
            }
            ProviderChange::Group(pool, record) => snapshot.groups.push((pool, record)),
            other => panic!("{other:?}"),
        }
    }
    let mut again = ProviderFixture::new(Tokens::Opaque);
    again.now = fixture.now;
    again.provider.restore(snapshot).unwrap();
    again
}

fn recording() -> ProviderFixture {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    fixture.provider = fixture.provider.with_change_log();
    fixture
}

/// The last code that a pool has sent.
fn code(fixture: &mut ProviderFixture, pool: &str) -> String {
    let pool = poolproof_cognito::ids::PoolId::new(pool);
    fixture.provider.take_deliveries(&pool).pop().unwrap().code
}

#[test]
fn recovery_settings_are_described_changed_and_kept() {
    let mut fixture = recording();
    let settings = json!({
        "AccountRecoverySetting": { "RecoveryMechanisms": [
            { "Priority": 1, "Name": "verified_email" }, { "Priority": 2, "Name": "verified_phone_number" }
        ] },
        "AutoVerifiedAttributes": ["email"],
        "UserAttributeUpdateSettings": { "AttributesRequireVerificationBeforeUpdate": ["email"] }
    });
    let (pool, _) = pool_with(&mut fixture, &settings);
    for fixture in [&mut restarted(&mut fixture), &mut fixture] {
        let described =
            fixture.call_ok("DescribeUserPool", &json!({ "UserPoolId": pool }))["UserPool"].clone();
        for (key, value) in settings.as_object().unwrap() {
            assert_eq!(&described[key], value);
        }
    }
    let admin_only = json!({ "UserPoolId": pool,
        "AccountRecoverySetting": { "RecoveryMechanisms": [{ "Priority": 1, "Name": "admin_only" }] } });
    fixture.call_ok("UpdateUserPool", &admin_only);
    let described = fixture.call_ok("DescribeUserPool", &json!({ "UserPoolId": pool }))["UserPool"].clone();
    assert_eq!(described["AccountRecoverySetting"], admin_only["AccountRecoverySetting"]);
    assert_eq!(described["UserAttributeUpdateSettings"], Value::Null, "absent settings are reset");
}

#[test]
fn invalid_recovery_settings_are_refused() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let option = |priority: u32, name: &str| json!({ "Priority": priority, "Name": name });
    for options in [
        vec![option(1, "admin_only"), option(2, "verified_email")],
        vec![option(1, "verified_email"), option(1, "verified_phone_number")],
        vec![option(1, "verified_email"), option(2, "verified_email")],
        vec![option(3, "verified_email")],
        vec![option(1, "carrier_pigeon")],
    ] {
        let spec = json!({ "PoolName": "x", "AccountRecoverySetting": { "RecoveryMechanisms": options } });
        let refused = fixture.ask("CreateUserPool", &spec).unwrap_err();
        assert!(refused.starts_with("InvalidParameterException"), "{refused}");
    }
}

#[test]
fn the_only_recovery_address_cannot_be_a_factor() {
    // hashicorp/terraform-provider-aws#41049, aws/aws-cdk#11478.
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let email_only = json!({ "AccountRecoverySetting": { "RecoveryMechanisms": [{ "Priority": 1, "Name": "verified_email" }] } });
    let (pool, _) = pool_with(&mut fixture, &email_only);
    let mfa = |factor: &str| json!({ "UserPoolId": pool, "MfaConfiguration": "OPTIONAL", factor: {} });
    assert_eq!(
        fixture.ask("SetUserPoolMfaConfig", &mfa("EmailMfaConfiguration")).unwrap_err(),
        "InvalidParameterException: Invalid account recovery setting parameter. Account Recovery Setting cannot use \
         verified_email as a recovery mechanism when email MFA is configured."
    );
    fixture.call_ok("SetUserPoolMfaConfig", &mfa("SmsMfaConfiguration"));
    let phone_only = json!({ "UserPoolId": pool, "MfaConfiguration": "OPTIONAL",
        "AccountRecoverySetting": { "RecoveryMechanisms": [{ "Priority": 1, "Name": "verified_phone_number" }] } });
    assert!(fixture.ask("UpdateUserPool", &phone_only).unwrap_err().contains("when SMS MFA is configured"));
}

#[test]
fn a_recovery_code_and_its_limit_survive_a_restart() {
    let mut fixture = recording();
    let (pool, client) = pool_with(&mut fixture, &json!({}));
    let call = json!({ "ClientId": client, "Username": "ann" });
    let answer = fixture.call_ok("ForgotPassword", &call);
    let delivery = json!({ "Destination": "a***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email" });
    assert_eq!(answer["CodeDeliveryDetails"], delivery);
    let code = code(&mut fixture, &pool);
    let confirm = |code: &str| json!({ "ClientId": client, "Username": "ann", "ConfirmationCode": code, "Password": "Permanent-2" });
    for _ in 0..18 {
        fixture.ask("ConfirmForgotPassword", &confirm("x")).unwrap_err();
    }
    let mut fixture = restarted(&mut fixture);
    fixture.call_ok("ConfirmForgotPassword", &confirm(&code));
    assert!(fixture.ask("ForgotPassword", &call).unwrap_err().starts_with("LimitExceededException"));
    sign_in(&mut fixture, &client, "Permanent-2").unwrap();
    sign_in(&mut fixture, &client, "Permanent-1").unwrap_err();
}

#[test]
fn a_pending_address_survives_a_restart() {
    let settings = json!({ "AutoVerifiedAttributes": ["email"],
        "UserAttributeUpdateSettings": { "AttributesRequireVerificationBeforeUpdate": ["email"] } });
    let mut fixture = recording();
    let (pool, client) = pool_with(&mut fixture, &settings);
    let tokens = sign_in(&mut fixture, &client, "Permanent-1").unwrap();
    let token = tokens["AuthenticationResult"]["AccessToken"].clone();
    let new = json!([{ "Name": "email", "Value": "new@example.org" }]);
    let answer =
        fixture.call_ok("UpdateUserAttributes", &json!({ "AccessToken": token, "UserAttributes": new }));
    assert_eq!(answer["CodeDeliveryDetailsList"][0]["Destination"], "n***@e***");
    let code = code(&mut fixture, &pool);
    let mut fixture = restarted(&mut fixture);
    let verify = json!({ "AccessToken": token, "AttributeName": "email", "Code": code });
    fixture.call_ok("VerifyUserAttribute", &verify);
    let user = fixture.call_ok("GetUser", &json!({ "AccessToken": token }));
    assert!(user["UserAttributes"].as_array().unwrap().contains(&new[0]), "{user}");
    fixture
        .call_ok("DeleteUserAttributes", &json!({ "AccessToken": token, "UserAttributeNames": ["email"] }));
    fixture.call_ok("DeleteUser", &json!({ "AccessToken": token }));
    sign_in(&mut fixture, &client, "Permanent-1").unwrap_err();
}

/// The payload of a token.
fn claims(token: &Value) -> Value {
    let body = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(body.as_bytes()).unwrap()).unwrap()
}

#[test]
fn tokens_name_the_groups_of_the_user_and_their_roles() {
    // Developer guide, "Adding groups to a user pool": the role of the group with the lowest precedence is
    // preferred, and of none if two such groups have different roles.
    let mut fixture = ProviderFixture::new(Tokens::Rs256(crate::provider::keys()));
    let (pool, client) = pool_with(&mut fixture, &json!({}));
    let tokens = sign_in(&mut fixture, &client, "Permanent-1").unwrap()["AuthenticationResult"].clone();
    for token in ["AccessToken", "IdToken"] {
        assert_eq!(claims(&tokens[token])["cognito:groups"], Value::Null, "no groups, no claim");
    }
    let role = |n: u32| format!("arn:aws:iam::000000000000:role/r{n}");
    for (name, precedence, role_arn) in [
        ("plain", Value::Null, Value::Null),
        ("second", json!(2), json!(role(2))),
        ("first", json!(1), json!(role(1))),
        ("rival", json!(1), json!(role(3))),
    ] {
        let group =
            json!({ "UserPoolId": pool, "GroupName": name, "Precedence": precedence, "RoleArn": role_arn });
        fixture.call_ok("CreateGroup", &group);
    }
    let join = |fixture: &mut ProviderFixture, group: &str| {
        let call = json!({ "UserPoolId": pool, "Username": "ann", "GroupName": group });
        fixture.call_ok("AdminAddUserToGroup", &call);
    };
    join(&mut fixture, "plain");
    // A refresh gives the groups of now.
    let refresh = json!({ "ClientId": client, "RefreshToken": tokens["RefreshToken"] });
    let fresh = fixture.call_ok("GetTokensFromRefreshToken", &refresh)["AuthenticationResult"].clone();
    assert_eq!(claims(&fresh["AccessToken"])["cognito:groups"], json!(["plain"]));
    assert_eq!(claims(&fresh["IdToken"])["cognito:roles"], Value::Null, "only if a role is set");
    join(&mut fixture, "second");
    join(&mut fixture, "first");
    let tokens = sign_in(&mut fixture, &client, "Permanent-1").unwrap()["AuthenticationResult"].clone();
    let (access, id) = (claims(&tokens["AccessToken"]), claims(&tokens["IdToken"]));
    assert_eq!(access["cognito:groups"], json!(["first", "second", "plain"]));
    assert_eq!(id["cognito:groups"], access["cognito:groups"]);
    assert_eq!(id["cognito:roles"], json!([role(1), role(2)]));
    assert_eq!(id["cognito:preferred_role"], json!(role(1)));
    assert_eq!(access["cognito:roles"], Value::Null);
    join(&mut fixture, "rival");
    let tokens = sign_in(&mut fixture, &client, "Permanent-1").unwrap()["AuthenticationResult"].clone();
    assert_eq!(claims(&tokens["IdToken"])["cognito:preferred_role"], Value::Null);
}

#[test]
fn groups_and_memberships_survive_a_restart() {
    let mut fixture = recording();
    let (pool, _) = pool_with(&mut fixture, &json!({}));
    let group = json!({ "UserPoolId": pool, "GroupName": "staff", "Description": "d", "Precedence": 7 });
    let made = fixture.call_ok("CreateGroup", &group)["Group"].clone();
    fixture.call_ok(
        "AdminAddUserToGroup",
        &json!({ "UserPoolId": pool, "Username": "ann", "GroupName": "staff" }),
    );
    let mut fixture = restarted(&mut fixture);
    let listed = fixture.call_ok("AdminListGroupsForUser", &json!({ "UserPoolId": pool, "Username": "ann" }));
    assert_eq!(listed["Groups"], json!([made]));
    let users = fixture.call_ok("ListUsersInGroup", &json!({ "UserPoolId": pool, "GroupName": "staff" }));
    assert_eq!(users["Users"][0]["Username"], "ann");
}

#[test]
fn a_client_has_its_own_risk_configuration_until_it_is_reset() {
    // API reference, SetRiskConfiguration: with UserPoolId and ClientId only, the client has the
    // pool's configuration again.
    let mut fixture = recording();
    let add_ons = json!({ "UserPoolTier": "PLUS", "UserPoolAddOns": { "AdvancedSecurityMode": "ENFORCED" } });
    let (pool, client) = pool_with(&mut fixture, &add_ons);
    let flows = json!(["ALLOW_USER_PASSWORD_AUTH"]);
    let other = json!({ "UserPoolId": pool, "ClientName": "other", "ExplicitAuthFlows": flows });
    let other = fixture.call_ok("CreateUserPoolClient", &other)["UserPoolClient"]["ClientId"].clone();
    let other = other.as_str().unwrap().to_owned();
    let all = |action: &str| {
        let action = json!({ "EventAction": action, "Notify": false });
        json!({ "Actions": { "LowAction": action, "MediumAction": action, "HighAction": action } })
    };
    let pools = json!({ "UserPoolId": pool, "AccountTakeoverRiskConfiguration": all("BLOCK") });
    fixture.call_ok("SetRiskConfiguration", &pools);
    let own = json!({ "UserPoolId": pool, "ClientId": other, "AccountTakeoverRiskConfiguration": all("NO_ACTION") });
    let answer = fixture.call_ok("SetRiskConfiguration", &own)["RiskConfiguration"].clone();
    assert_eq!(answer, own);
    let mut again = restarted(&mut fixture);
    for fixture in [&mut again, &mut fixture] {
        fixture.origin.risk = Some(poolproof_cognito::policy::RiskLevel::High);
        let describe = |client: &Value| json!({ "UserPoolId": pool, "ClientId": client });
        let described = fixture.call_ok("DescribeRiskConfiguration", &describe(&json!(other)));
        assert_eq!(described["RiskConfiguration"], own);
        for pools_client in [json!(client), json!("ALL"), Value::Null] {
            let described = fixture.call_ok("DescribeRiskConfiguration", &describe(&pools_client));
            assert_eq!(described["RiskConfiguration"], pools, "a client without one has the pool's");
        }
        sign_in(fixture, &client, "Permanent-1").unwrap_err();
        sign_in(fixture, &other, "Permanent-1").unwrap();
        let events = json!({ "UserPoolId": pool, "Username": "ann" });
        let events = fixture.call_ok("AdminListUserAuthEvents", &events)["AuthEvents"].clone();
        assert_eq!(events[0]["EventRisk"]["RiskDecision"], "AccountTakeover");
        assert_eq!(events[1]["EventRisk"]["RiskDecision"], "Block");
    }
    let unknown = json!({ "UserPoolId": pool, "ClientId": "none" });
    for operation in ["SetRiskConfiguration", "DescribeRiskConfiguration"] {
        let refused = fixture.ask(operation, &unknown).unwrap_err();
        assert_eq!(refused, "ResourceNotFoundException: User pool client none does not exist.");
    }
    let reset = json!({ "UserPoolId": pool, "ClientId": other });
    let answer = fixture.call_ok("SetRiskConfiguration", &reset)["RiskConfiguration"].clone();
    assert_eq!(answer, pools);
    sign_in(&mut fixture, &other, "Permanent-1").unwrap_err();
}

#[test]
fn events_and_tokens_share_the_id_and_survive_a_restart() {
    let mut fixture = ProviderFixture::new(Tokens::Rs256(crate::provider::keys()));
    let add_ons = json!({ "UserPoolTier": "PLUS", "UserPoolAddOns": { "AdvancedSecurityMode": "AUDIT" } });
    let (pool, client) = pool_with(&mut fixture, &add_ons);
    let tokens = sign_in(&mut fixture, &client, "Permanent-1").unwrap()["AuthenticationResult"].clone();
    let ann = json!({ "UserPoolId": pool, "Username": "ann" });
    let events = fixture.call_ok("AdminListUserAuthEvents", &ann)["AuthEvents"].clone();
    assert_eq!(claims(&tokens["IdToken"])["event_id"], events[0]["EventId"]);
    assert_eq!(events[0]["EventResponse"], "Pass");
    fixture.call_ok("GetUser", &json!({ "AccessToken": tokens["AccessToken"] }));

    let mut fixture = recording();
    let (pool, client) = pool_with(&mut fixture, &add_ons);
    let ann = json!({ "UserPoolId": pool, "Username": "ann" });
    sign_in(&mut fixture, &client, "Permanent-1").unwrap();
    let before = fixture.call_ok("AdminListUserAuthEvents", &ann);
    let id = &before["AuthEvents"][0]["EventId"];
    let feedback = json!({ "UserPoolId": pool, "Username": "ann", "EventId": id, "FeedbackValue": "Valid" });
    fixture.call_ok("AdminUpdateAuthEventFeedback", &feedback);
    let before = fixture.call_ok("AdminListUserAuthEvents", &ann);
    assert_eq!(before["AuthEvents"][0]["EventFeedback"]["FeedbackValue"], "Valid");
    assert_eq!(restarted(&mut fixture).call_ok("AdminListUserAuthEvents", &ann), before);
}

#[test]
fn tags_are_set_changed_and_kept() {
    let mut fixture = recording();
    let (pool, _) = pool_with(&mut fixture, &json!({ "UserPoolTags": { "team": "a" } }));
    let described = fixture.call_ok("DescribeUserPool", &json!({ "UserPoolId": pool }))["UserPool"].clone();
    assert_eq!(described["UserPoolTags"], json!({ "team": "a" }));
    let arn = described["Arn"].clone();
    let tag = json!({ "ResourceArn": arn, "Tags": { "team": "b", "stage": "test" } });
    assert_eq!(fixture.call_ok("TagResource", &tag), json!({}));
    fixture.call_ok("UntagResource", &json!({ "ResourceArn": arn, "TagKeys": ["stage", "unknown"] }));
    fixture.call_ok("UpdateUserPool", &json!({ "UserPoolId": pool }));
    for fixture in [&mut restarted(&mut fixture), &mut fixture] {
        let tags = fixture.call_ok("ListTagsForResource", &json!({ "ResourceArn": arn }));
        assert_eq!(tags, json!({ "Tags": { "team": "b" } }));
    }
    let many: serde_json::Map<String, Value> = (0..50).map(|n| (format!("k{n}"), json!("v"))).collect();
    for (body, error) in [
        (json!({ "ResourceArn": arn, "Tags": many }), "InvalidParameterException"),
        (json!({ "ResourceArn": arn, "Tags": { "": "v" } }), "InvalidParameterException"),
        (json!({ "ResourceArn": "arn:aws:s3:::bucket-of-someone", "Tags": {} }), "InvalidParameterException"),
        (
            json!({ "ResourceArn": "arn:aws:cognito-idp:eu-west-1:000000000000:userpool/eu-west-1_None", "Tags": {} }),
            "ResourceNotFoundException",
        ),
    ] {
        let refused = fixture.ask("TagResource", &body).unwrap_err();
        assert!(refused.starts_with(error), "{refused}");
    }
}

#[test]
fn refresh_tokens_of_a_disabled_user_work_again_after_enabling() {
    // docs/semantics.md, SEMANTICS a.6: access tokens are revoked, refresh is refused while the user is
    // disabled and possible again afterwards.
    for tokens in [Tokens::Opaque, Tokens::Rs256(crate::provider::keys())] {
        let mut fixture = ProviderFixture::new(tokens);
        let (pool, client) = pool_with(&mut fixture, &json!({}));
        let tokens = sign_in(&mut fixture, &client, "Permanent-1").unwrap()["AuthenticationResult"].clone();
        let ann = json!({ "UserPoolId": pool, "Username": "ann" });
        let refresh = json!({ "ClientId": client, "RefreshToken": tokens["RefreshToken"] });
        let access = |token: &Value| json!({ "AccessToken": token["AccessToken"] });
        fixture.call_ok("AdminDisableUser", &ann);
        let disabled = "NotAuthorizedException: User is disabled.";
        assert_eq!(fixture.ask("GetTokensFromRefreshToken", &refresh).unwrap_err(), disabled);
        assert_eq!(fixture.ask("GetUser", &access(&tokens)).unwrap_err(), disabled);
        fixture.call_ok("AdminEnableUser", &ann);
        let revoked = "NotAuthorizedException: Access Token has been revoked";
        assert_eq!(fixture.ask("GetUser", &access(&tokens)).unwrap_err(), revoked);
        let fresh = fixture.call_ok("GetTokensFromRefreshToken", &refresh)["AuthenticationResult"].clone();
        fixture.call_ok("GetUser", &access(&fresh));
        fixture.call_ok("AdminUserGlobalSignOut", &ann);
        assert_eq!(fixture.ask("GetUser", &access(&fresh)).unwrap_err(), revoked);
    }
}

#[test]
fn a_pool_that_ignores_case_has_one_spelling_of_a_name() {
    let mut fixture = ProviderFixture::new(Tokens::Rs256(crate::provider::keys()));
    let case = json!({ "UsernameConfiguration": { "CaseSensitive": false } });
    let (pool, client) = pool_with(&mut fixture, &case);
    let made = fixture.call_ok("AdminCreateUser", &json!({ "UserPoolId": pool, "Username": "BoB" }));
    assert_eq!(made["User"]["Username"], "bob");
    let password =
        json!({ "UserPoolId": pool, "Username": "BOB", "Password": "Permanent-1", "Permanent": true });
    fixture.call_ok("AdminSetUserPassword", &password);
    let sign_up = json!({ "ClientId": client, "Username": "CyD", "Password": "Permanent-1" });
    fixture.call_ok("SignUp", &sign_up);
    assert_eq!(fixture.ask("SignUp", &sign_up).unwrap_err(), "UsernameExistsException: User already exists");
    for (typed, name) in [("Bob", "bob"), ("cyD", "cyd")] {
        let user = fixture.call_ok("AdminGetUser", &json!({ "UserPoolId": pool, "Username": typed }));
        assert_eq!(user["Username"], name);
    }
    let body = json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": "bOb", "PASSWORD": "Permanent-1" } });
    let tokens = fixture.call_ok("InitiateAuth", &body)["AuthenticationResult"].clone();
    assert_eq!(claims(&tokens["AccessToken"])["username"], "bob");
    assert_eq!(claims(&tokens["IdToken"])["cognito:username"], "bob");
}
