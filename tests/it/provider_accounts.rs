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
    let told = fixture.call_ok("ForgotPassword", &call);
    let delivery = json!({ "Destination": "a***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email" });
    assert_eq!(told["CodeDeliveryDetails"], delivery);
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
    let settings =
        json!({ "UserAttributeUpdateSettings": { "AttributesRequireVerificationBeforeUpdate": ["email"] } });
    let mut fixture = recording();
    let (pool, client) = pool_with(&mut fixture, &settings);
    let tokens = sign_in(&mut fixture, &client, "Permanent-1").unwrap();
    let token = tokens["AuthenticationResult"]["AccessToken"].clone();
    let new = json!([{ "Name": "email", "Value": "new@example.org" }]);
    let told =
        fixture.call_ok("UpdateUserAttributes", &json!({ "AccessToken": token, "UserAttributes": new }));
    assert_eq!(told["CodeDeliveryDetailsList"][0]["Destination"], "n***@e***");
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
    let mut join = |fixture: &mut ProviderFixture, group: &str| {
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
