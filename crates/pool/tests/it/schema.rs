//! The schema of a pool's attributes, the addresses that get codes, and the validity of temporary passwords.
//!
//! Sources are named in docs/semantics.md, around sign-in.

use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::policy::{AccountSettings, PasswordPolicy, PoolPolicy};
use poolproof_cognito::protocol::{
    AccountRequest, AccountResponse, AdminCreateUser, ClientUserCall, DeleteUserAttributes,
    ManagementRequest, Parameters, ProfileRequest, Reply, Response, SignUp, keys,
};
use poolproof_cognito::schema::Schema;
use poolproof_cognito::time::Timestamp;
use poolproof_pool::provider::Description;
use serde_json::{Value, json};

use crate::accounts::{access, ask, fixture, set_password};
use crate::attributes::{admin_update, list, request, update};
use crate::fixture::{CLIENT, PASSWORD, POOL, PoolFixture, challenge, parameter, refusal, tokens};
use crate::pool_settings::{create, manage, provider, read};

const TEMPORARY: &str = "temporary-1";
const DAY_S: u64 = 24 * 3600;

/// A pool whose users have a given name, and custom attributes.
fn with_schema() -> PoolFixture {
    let mut fixture = fixture();
    let schema = json!([
        { "Name": "given_name", "AttributeDataType": "String", "Required": true },
        { "Name": "tier", "AttributeDataType": "Number", "Mutable": false,
          "NumberAttributeConstraints": { "MinValue": "1", "MaxValue": "3" } },
    ]);
    let schema = Schema::parse(&Schema::to_description(schema)).unwrap();
    fixture.harness.pool.set_schema(Some(schema));
    fixture
}

fn sign_up(fixture: &mut PoolFixture, name: &str, attributes: &[(&str, &str)]) -> Reply {
    let request = SignUp {
        client_id: CLIENT.to_owned(),
        username: name.to_owned(),
        password: Some("permanent-1".to_owned()),
        attributes: list(attributes),
        ..SignUp::default()
    };
    ask(fixture, AccountRequest::SignUp(request))
}

fn admin_create(fixture: &mut PoolFixture, name: &str, attributes: &[(&str, &str)]) -> Reply {
    let request = AdminCreateUser {
        user_pool_id: POOL.to_owned(),
        username: name.to_owned(),
        attributes: list(attributes),
        temporary_password: Some(TEMPORARY.to_owned()),
        message_action: Some("SUPPRESS".to_owned()),
    };
    ask(fixture, AccountRequest::AdminCreateUser(request))
}

fn plain(fixture: &mut PoolFixture, password: &str) -> Reply {
    let parameters = Parameters::new().with(keys::USERNAME, "ann").with(keys::PASSWORD, password);
    fixture.initiate("USER_PASSWORD_AUTH", parameters)
}

fn not_conforming(lines: &str) -> String {
    format!("InvalidParameterException: Attributes did not conform to the schema: {lines}\n")
}

#[test]
fn sign_ups_need_the_required_attributes_and_no_others() {
    let mut fixture = with_schema();
    let required = not_conforming("given_name: The attribute is required");
    assert_eq!(refusal(sign_up(&mut fixture, "ann", &[])), required);
    assert_eq!(refusal(sign_up(&mut fixture, "ann", &[("given_name", "")])), required);
    let unknown = [("given_name", "Ann"), ("foo", "x"), ("custom:nope", "1")];
    let refused =
        "foo: Attribute does not exist in the schema.\ncustom:nope: Attribute does not exist in the schema.";
    assert_eq!(refusal(sign_up(&mut fixture, "ann", &unknown)), not_conforming(refused));
    assert_eq!(refusal(admin_create(&mut fixture, "ann", &unknown)), not_conforming(refused));
    let refused = not_conforming("custom:tier: The value must be a whole number.");
    assert_eq!(
        refusal(sign_up(&mut fixture, "ann", &[("given_name", "Ann"), ("custom:tier", "abc")])),
        refused
    );
    assert!(sign_up(&mut fixture, "ann", &[("given_name", "Ann"), ("custom:tier", "2")]).is_ok());
}

#[test]
fn the_new_password_comes_with_the_missing_attributes() {
    let mut fixture = with_schema();
    admin_create(&mut fixture, "ann", &[]).unwrap();
    let asked = challenge(plain(&mut fixture, TEMPORARY));
    assert_eq!(parameter(&asked, "requiredAttributes"), r#"["userAttributes.given_name"]"#);
    let answers = Parameters::new().with(keys::USERNAME, "ann").with(keys::NEW_PASSWORD, "permanent-1");
    let missing = fixture.answer(asked.name, asked.session.as_ref(), answers.clone());
    assert_eq!(
        refusal(missing),
        "InvalidParameterException: Invalid attributes given, given_name is missing"
    );
    let answers = answers.with("userAttributes.given_name", "Ann");
    tokens(fixture.answer(asked.name, asked.session.as_ref(), answers));
    // An attribute that the administrator has given is not missing.
    let mut fixture = with_schema();
    admin_create(&mut fixture, "ann", &[("given_name", "Ann")]).unwrap();
    let asked = challenge(plain(&mut fixture, TEMPORARY));
    assert_eq!(parameter(&asked, "requiredAttributes"), "[]");
    let answers = Parameters::new().with(keys::USERNAME, "ann").with(keys::NEW_PASSWORD, "permanent-1");
    tokens(fixture.answer(asked.name, asked.session.as_ref(), answers));
}

#[test]
fn fixed_attributes_do_not_change_and_required_ones_stay() {
    let mut fixture = with_schema();
    fixture.add("ann", |account| {
        account.attributes = list(&[("given_name", "Ann"), ("custom:tier", "1")]).into_iter().collect();
    });
    let token = access(&mut fixture, "ann", PASSWORD);
    let fixed = "InvalidParameterException: user.custom:tier: Attribute cannot be updated.";
    for value in ["2", "1", ""] {
        assert_eq!(refusal(update(&mut fixture, &token, &[("custom:tier", value)])), fixed);
        assert_eq!(refusal(admin_update(&mut fixture, "ann", &[("custom:tier", value)])), fixed);
    }
    let delete = |fixture: &mut PoolFixture, name: &str| {
        let call = DeleteUserAttributes { access_token: token.clone(), names: vec![name.to_owned()] };
        request(fixture, ProfileRequest::DeleteUserAttributes(call))
    };
    assert_eq!(refusal(delete(&mut fixture, "custom:tier")), fixed);
    let required = not_conforming("given_name: The attribute is required");
    assert_eq!(refusal(delete(&mut fixture, "given_name")), required);
    assert_eq!(refusal(update(&mut fixture, &token, &[("given_name", "")])), required);
    assert!(update(&mut fixture, &token, &[("given_name", "Amy"), ("nickname", "A")]).is_ok());
    assert!(delete(&mut fixture, "nickname").is_ok());
}

/// Developer guide, configuring messages: with both addresses verified, the code goes to the phone.
#[test]
fn the_pool_decides_where_the_code_of_a_sign_up_goes() {
    let both = [("email", "ann@example.org"), ("phone_number", "+15550001111")];
    for (email, phone, destination) in [
        (true, true, Some("+15550001111")),
        (false, true, Some("+15550001111")),
        (true, false, Some("ann@example.org")),
        (false, false, None),
    ] {
        let mut fixture = fixture();
        let settings = AccountSettings {
            auto_verify_email: email,
            auto_verify_phone: phone,
            ..AccountSettings::default()
        };
        fixture.harness.pool.set_account_settings(settings);
        let signed_up = sign_up(&mut fixture, "ann", &both);
        let Ok(Response::Account(AccountResponse::SignedUp { delivery, .. })) = signed_up else {
            panic!("{signed_up:?}")
        };
        assert_eq!(delivery.is_some(), destination.is_some());
        let sent = fixture.harness.pool.take_deliveries().pop().map(|sent| sent.destination);
        assert_eq!(sent.as_deref(), destination);
        let again = ClientUserCall {
            client_id: CLIENT.to_owned(),
            username: "ann".to_owned(),
            ..ClientUserCall::default()
        };
        let again = request(&mut fixture, ProfileRequest::ResendConfirmationCode(again));
        let off = "InvalidParameterException: Cannot resend codes. Auto verification not turned on.";
        assert_eq!(
            again.map(drop).map_err(|error| error.to_string()),
            destination.map(|_| ()).ok_or_else(|| off.to_owned())
        );
        // A new address gets a code only if the pool verifies its kind.
        fixture.add("bob", |_| {});
        let token = access(&mut fixture, "bob", PASSWORD);
        fixture.harness.pool.take_deliveries();
        update(&mut fixture, &token, &[("email", "bob@example.org"), ("phone_number", "+15550002222")])
            .unwrap();
        let sent = fixture.harness.pool.take_deliveries();
        assert_eq!(sent.len(), usize::from(email) + usize::from(phone));
    }
}

#[test]
fn temporary_passwords_expire() {
    let expired =
        "NotAuthorizedException: Temporary password has expired and must be reset by an administrator.";
    let mut fixture = fixture();
    fixture.harness.pool.set_passwords(PasswordPolicy { temporary_days: 2, ..PasswordPolicy::LENGTH_ONLY });
    admin_create(&mut fixture, "ann", &[]).unwrap();
    fixture.advance_clock(2 * DAY_S - 1);
    challenge(plain(&mut fixture, TEMPORARY));
    fixture.advance_clock(1);
    assert_eq!(refusal(plain(&mut fixture, TEMPORARY)), expired);
    // A wrong password does not reveal it.
    assert_eq!(refusal(plain(&mut fixture, "wrong-1")), crate::fixture::INCORRECT);
    ask(&mut fixture, set_password("ann", "temporary-2", false)).unwrap();
    challenge(plain(&mut fixture, "temporary-2"));
    ask(&mut fixture, set_password("ann", "permanent-1", true)).unwrap();
    fixture.advance_clock(30 * DAY_S);
    tokens(plain(&mut fixture, "permanent-1"));
}

fn refused(spec: &Value) -> String {
    let mut spec = spec.clone();
    spec["PoolName"] = "p".into();
    create(&mut provider(), &spec).unwrap_err()
}

/// Texts from hashicorp/terraform-provider-aws#40734 and aws-amplify/amplify-backend#2805.
#[test]
fn features_of_a_higher_tier_are_refused() {
    let unavailable = |tier: &str, features: &str| {
        format!(
            "FeatureUnavailableInTierException: The following features need to be disabled for the {tier} pricing \
             tier configured: {features}"
        )
    };
    let codes = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] } });
    for mode in ["ENFORCED", "AUDIT"] {
        let add_ons = json!({ "AdvancedSecurityMode": mode });
        let threat = |tier: &str| unavailable(tier, "Threat Protection");
        assert_eq!(refused(&json!({ "UserPoolAddOns": add_ons })), threat("ESSENTIALS"));
        assert_eq!(refused(&json!({ "UserPoolAddOns": add_ons, "UserPoolTier": "LITE" })), threat("LITE"));
        let both = json!({ "UserPoolAddOns": add_ons, "UserPoolTier": "LITE", "Policies": codes });
        assert_eq!(refused(&both), unavailable("LITE", "Threat Protection, Passwordless Sign-In"));
    }
    let codes_only = json!({ "UserPoolTier": "LITE", "Policies": codes });
    assert_eq!(refused(&codes_only), unavailable("LITE", "Passwordless Sign-In"));
    let mut provider = provider();
    let plus = json!({ "PoolName": "p", "UserPoolTier": "PLUS", "Policies": codes,
        "UserPoolAddOns": { "AdvancedSecurityMode": "ENFORCED" } });
    let pool = create(&mut provider, &plus).unwrap();
    assert!(create(&mut provider, &json!({ "PoolName": "p", "Policies": codes })).is_ok());
    // An update that names no tier sets the default one.
    let add_ons = json!({ "UserPoolId": pool.id, "UserPoolAddOns": { "AdvancedSecurityMode": "AUDIT" } });
    let update = manage(&mut provider, ManagementRequest::UpdateUserPool(read(&add_ons)));
    assert_eq!(update.unwrap_err(), unavailable("ESSENTIALS", "Threat Protection"));
}

/// Texts from aws/aws-cli#7151, aws/aws-sdk-js#3817 and boto/boto3#2317.
#[test]
fn settings_that_contradict_each_other_are_refused() {
    let verified_first = json!({ "AttributesRequireVerificationBeforeUpdate": ["email"] });
    let text = "InvalidParameterException: All attributes in AttributesRequireVerificationBeforeUpdate must exist in \
                AutoVerifiedAttributes";
    for auto_verified in [json!([]), json!(["phone_number"])] {
        let spec =
            json!({ "UserAttributeUpdateSettings": verified_first, "AutoVerifiedAttributes": auto_verified });
        assert_eq!(refused(&spec), text);
    }
    let spec = json!({
        "AdminCreateUserConfig": { "UnusedAccountValidityDays": 3 },
        "Policies": { "PasswordPolicy": { "TemporaryPasswordValidityDays": 3 } },
    });
    let text = "InvalidParameterException: Please use TemporaryPasswordValidityDays in PasswordPolicy instead of \
                UnusedAccountValidityDays";
    assert_eq!(refused(&spec), text);
    let spec = json!({ "Schema": [{ "Name": "a", "AttributeDataType": "String", "Required": true }] });
    assert_eq!(
        refused(&spec),
        "InvalidParameterException: Required custom attributes are not supported currently."
    );
    let mut provider = provider();
    let spec = json!({
        "PoolName": "p", "UserAttributeUpdateSettings": verified_first, "AutoVerifiedAttributes": ["email"],
        "AdminCreateUserConfig": { "UnusedAccountValidityDays": 3 },
    });
    let pool = create(&mut provider, &spec).unwrap();
    let id = poolproof_cognito::ids::PoolId::new(&pool.id);
    let created = provider.pool_mut(&id).unwrap();
    let settings = created.account_settings();
    assert_eq!((settings.auto_verify_email, settings.auto_verify_phone), (true, false));
    assert_eq!(created.passwords().temporary_days, 3);
    let policy = json!({ "PasswordPolicy": { "TemporaryPasswordValidityDays": 2 } });
    let pool = create(&mut provider, &json!({ "PoolName": "p", "Policies": policy })).unwrap();
    let id = poolproof_cognito::ids::PoolId::new(&pool.id);
    assert_eq!(provider.pool_mut(&id).unwrap().passwords().temporary_days, 2);
}

/// API reference, CreateUserPool: all pools have the standard attributes.
#[test]
fn a_pool_has_the_standard_attributes_and_its_own() {
    let mut provider = provider();
    let plan = json!({ "Name": "plan", "AttributeDataType": "String", "Mutable": false });
    let pool = create(&mut provider, &json!({ "PoolName": "p", "Schema": [plan] })).unwrap();
    let id = poolproof_cognito::ids::PoolId::new(&pool.id);
    let attributes = provider.pool_mut(&id).unwrap().schema().unwrap().describe();
    assert_eq!(pool.all["SchemaAttributes"], attributes);
    assert_eq!(
        attributes[20],
        json!({ "Name": "custom:plan", "AttributeDataType": "String",
        "DeveloperOnlyAttribute": false, "Mutable": false, "Required": false, "StringAttributeConstraints": {} })
    );
    let unknown = |values: &[(&str, &str)]| {
        let schema = Schema::parse(&attributes).unwrap();
        schema.check_values(values.iter().copied()).is_err()
    };
    assert!(!unknown(&[("custom:plan", "a"), ("email", "a@b"), ("locale", "de"), ("updated_at", "7")]));
    assert!(unknown(&[("plan", "a")]));
    assert!(unknown(&[("custom:other", "a")]));
}

/// The schema, the addresses that get codes and the age of temporary passwords are those of the document.
#[test]
fn a_described_pool_has_the_rules_for_attributes_of_its_document() {
    let mut provider = provider();
    let id = poolproof_cognito::ids::PoolId::new("eu-west-1_D");
    let attribute = json!({ "Name": "given_name", "AttributeDataType": "String", "Required": true });
    let document = json!({
        "Id": id.as_str(), "Name": "p", "SchemaAttributes": [attribute], "AutoVerifiedAttributes": ["email"],
        "Policies": { "PasswordPolicy": { "TemporaryPasswordValidityDays": 2 } },
    });
    let description = Description { pool: document.as_object().unwrap().clone(), ..Description::default() };
    let (now, none) = (Timestamp::VIRTUAL_START, RiskExceptions::default());
    provider.add_described_pool(now, &id, &description, PoolPolicy::DEFAULT, none).unwrap();
    let pool = provider.pool_mut(&id).unwrap();
    assert_eq!(pool.schema().unwrap().missing(|_| false), ["given_name"]);
    let settings = pool.account_settings();
    assert_eq!((settings.auto_verify_email, settings.auto_verify_phone), (true, false));
    assert_eq!(pool.passwords().temporary_days, 2);
}
