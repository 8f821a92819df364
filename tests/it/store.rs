//! Records are what was written down, and an account made of them behaves as the one that was.

use std::collections::BTreeMap;
use std::net::IpAddr;

use poolproof::store::{decode, encode};
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::ids::{ClientId, DeviceGroupKey, DeviceKey, PoolId, Sub, Username};
use poolproof_cognito::policy::{MfaMode, PoolPolicy, Quotas, RememberMode};
use poolproof_cognito::protocol::{ChallengeName, DeviceStatus, ValiditySpec};
use poolproof_cognito::time::Timestamp;
use poolproof_pool::provider::{ClientRecord, PoolRecord, ProviderChange, ProviderSnapshot, Tokens};
use poolproof_pool::{
    AccountRecord, AppClient, ConfirmationRecord, DeviceRecord, DeviceStateRecord, FailuresRecord,
    PasswordFlow, UserStatus,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::provider::{ProviderFixture, a_verifier};

fn moment() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp::from_us)
}

fn failures() -> impl Strategy<Value = FailuresRecord> {
    (any::<u32>(), moment(), moment()).prop_map(|(count, locked_until, last_attempt)| FailuresRecord {
        count,
        locked_until,
        last_attempt,
    })
}

fn state() -> impl Strategy<Value = DeviceStateRecord> {
    prop_oneof![
        ".*".prop_map(|origin_id| DeviceStateRecord::Issued { origin_id }),
        (".*", ".*", any::<bool>()).prop_map(|(salt, verifier, remembered)| {
            let status = if remembered { DeviceStatus::Remembered } else { DeviceStatus::NotRemembered };
            DeviceStateRecord::Confirmed { salt, verifier, status }
        }),
    ]
}

fn device() -> impl Strategy<Value = DeviceRecord> {
    let names = (".*", any::<Option<String>>(), any::<Option<IpAddr>>());
    (names, state(), any::<bool>(), (moment(), moment(), moment())).prop_map(
        |((group, name, address), state, mfa_bound, (created, modified, authenticated))| DeviceRecord {
            group_key: DeviceGroupKey::new(group),
            name,
            address,
            state,
            mfa_bound,
            created,
            modified,
            authenticated,
        },
    )
}

prop_compose! {
    fn confirmation()(code in ".*", expires in moment(), failures in failures()) -> ConfirmationRecord {
        ConfirmationRecord { code, expires, failures }
    }
}

prop_compose! {
    fn account()(
        (serial, username, sub, salt, verifier) in (any::<u64>(), ".*", ".*", ".*", ".*"),
        user_status in prop::sample::select(vec![
            UserStatus::Confirmed, UserStatus::Unconfirmed, UserStatus::ForceChangePassword, UserStatus::ResetRequired,
        ]),
        (disabled, sms_mfa, email_mfa, compromised) in any::<(bool, bool, bool, bool)>(),
        (phone, email, totp, app_to_verify, app_to_enable) in any::<(Option<String>, Option<String>, Option<String>, Option<String>, Option<String>)>(),
        preferred in prop::option::of(prop::sample::select(ChallengeName::ALL.to_vec())),
        (totp_step_used, failures_since, generation) in any::<(Option<u64>, u32, u64)>(),
        (failures, confirmation) in (failures(), prop::option::of(confirmation())),
        addresses in any::<Vec<IpAddr>>(),
        revoked in prop::collection::btree_map(".*", moment(), 0..3),
        devices in prop::collection::btree_map(".*".prop_map(DeviceKey::new), device(), 0..3),
        attributes in any::<BTreeMap<String, String>>(),
        (created, modified) in (moment(), moment()),
    ) -> AccountRecord {
        AccountRecord {
            serial, username: Username::new(username), sub: Sub::new(sub), salt, verifier, user_status, disabled, phone, sms_mfa,
            email, email_mfa, totp, preferred, totp_step_used, failures, addresses, failures_since, compromised,
            generation, revoked, devices, attributes, created, modified, confirmation, app_to_verify, app_to_enable,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_record_round_trips(record in account(), cut in any::<prop::sample::Index>()) {
        let bytes = encode(&record);
        prop_assert_eq!(decode::<AccountRecord>(&bytes), Some(record));
        prop_assert_eq!(decode::<AccountRecord>(&bytes[..cut.index(bytes.len())]), None, "half a record");
        let newer = [&[2], &bytes[1..]].concat();
        prop_assert_eq!(decode::<AccountRecord>(&newer), None, "a form of tomorrow");
    }
}

#[test]
fn a_record_with_a_wrong_field_count_is_rejected() {
    let client = ClientRecord {
        client: AppClient {
            secret: Some("s".to_owned()),
            prevents_user_existence_errors: true,
            password_flow: PasswordFlow::WithoutDevices,
            ..AppClient::public(ClientId::new("c"))
        },
        name: "n".to_owned(),
        flows: vec!["ALLOW_USER_SRP_AUTH".to_owned()],
        created: Timestamp::from_us(1),
        modified: Timestamp::from_us(2),
        validity: ValiditySpec { access: Some(5), ..ValiditySpec::default() },
    };
    let bytes = encode(&client);
    assert_eq!(decode::<ClientRecord>(&bytes), Some(client));
    let text = std::str::from_utf8(&bytes[1..]).unwrap();
    for changed in [text.replace(",\"name\":\"n\"", ""), text.replace("\"name\"", "\"more\":1,\"name\"")] {
        assert_ne!(changed, text);
        assert_eq!(decode::<ClientRecord>(&[&bytes[..1], changed.as_bytes()].concat()), None, "{changed}");
    }
}

/// Decodes a record of format version 1.
fn decode_version_1<T: serde::de::DeserializeOwned>(record: &Value) -> Option<T> {
    decode(&[b"\x01", record.to_string().as_bytes()].concat())
}

/// Returns the JSON of a record as it is stored now.
fn stored(record: &impl serde::Serialize) -> Value {
    serde_json::from_slice(&encode(record)[1..]).unwrap()
}

#[test]
fn records_of_earlier_versions_are_read() {
    let account = json!({
        "serial": 7, "username": "anna", "sub": "0b-1", "salt": "0aff", "verifier": "AQID",
        "standing": "force_change_password", "disabled": false, "phone": "+15550100", "sms_mfa": true,
        "email_mfa": false, "preferred": "SMS_MFA", "totp_step_used": 59_000_000,
        "failures": { "count": 1, "locked_until": 2, "last_attempt": 3 },
        "addresses": ["192.0.2.7", "2001:db8::1"], "failures_since": 0, "compromised": false, "generation": 2,
        "revoked": { "jti": 5 },
        "devices": {
            "r_1": {
                "group_key": "-g", "name": "phone", "address": "192.0.2.7",
                "state": { "salt": "0a", "verifier": "AQ", "status": "not_remembered" },
                "mfa_bound": true, "created": 1, "modified": 2, "authenticated": 3,
            },
            "r_2": {
                "group_key": "-h", "state": { "origin_id": "o" },
                "mfa_bound": false, "created": 1, "modified": 2, "authenticated": 3,
            },
        },
        "attributes": { "name": "Anna" }, "created": 1, "modified": 2,
        "confirmation": {
            "code": "123456", "expires": 9, "failures": { "count": 0, "locked_until": 0, "last_attempt": 0 },
        },
    });
    let read: AccountRecord = decode_version_1(&account).unwrap();
    assert_eq!(
        (read.user_status, read.preferred),
        (UserStatus::ForceChangePassword, Some(ChallengeName::SmsMfa))
    );
    assert_eq!(stored(&read), account);

    let client = json!({
        "client": {
            "id": "c", "secret": "s", "hides_users": true, "password_flow": "without_devices", "srp_flow": true,
            "admin_flow": false,
            "validity": {
                "access": { "secs": 3600, "nanos": 0 }, "id": { "secs": 3600, "nanos": 0 },
                "refresh": { "secs": 86400, "nanos": 0 },
            },
        },
        "name": "n", "flows": ["ALLOW_USER_SRP_AUTH"], "created": 1, "modified": 2,
        "validity": { "session": 5, "access": 1, "units": { "access": "hours", "refresh": "days" } },
    });
    let read: ClientRecord = decode_version_1(&client).unwrap();
    assert!(read.client.prevents_user_existence_errors);
    assert_eq!((read.validity.session, read.validity.access), (Some(5), Some(1)));
    assert_eq!(read.validity.units.as_ref().and_then(|units| units.refresh.as_deref()), Some("days"));
    assert_eq!(stored(&read), client);
}

#[test]
fn pool_records_of_earlier_versions_are_read() {
    let email = |subject: &str| json!({ "subject": subject, "html": "<p>", "text": "t" });
    let pool = json!({
        "id": "eu-west-1_abc", "name": "p", "created": 1, "modified": 2, "seed": "0a".repeat(32),
        "first_generation": 0,
        "policy": {
            "remember": "opt_in", "suppress_mfa": true, "mfa": "optional",
            "risk": {
                "mode": "enforced", "levels": "estimated", "compromised": "block", "low": "no_action",
                "medium": "mfa_if_configured", "high": "block",
            },
            "lockout": "cognito", "quotas": { "user_authentication": 120 },
            "switches": { "risk_note": "pool", "strict_mfa_binding": false },
            "session_validity": { "secs": 180, "nanos": 0 },
        },
        "exceptions": { "blocked": ["192.0.2.0/24"], "skipped": [] },
        "passwords": {
            "minimum_length": 8, "uppercase": true, "lowercase": true, "numbers": true, "symbols": false,
            "temporary_days": 7,
        },
        "mfa": {
            "user_pool_id": "eu-west-1_abc", "mfa": "OPTIONAL", "software_token": { "enabled": true },
            "sms": { "message": "code {####}", "sender": { "sns_caller_arn": "arn" } },
            "email": { "message": "m", "subject": "s" },
        },
        "risk": {
            "user_pool_id": "eu-west-1_abc", "client_id": "c",
            "compromised": { "event_filter": ["SIGN_IN"], "actions": { "event_action": "BLOCK" } },
            "account_takeover": {
                "notify": {
                    "from": "a@example.com", "reply_to": "b@example.com", "source_arn": "arn",
                    "block": email("b"), "no_action": email("n"), "mfa": email("m"),
                },
                "actions": {
                    "low": { "event_action": "NO_ACTION", "notify": false },
                    "medium": { "event_action": "MFA_IF_CONFIGURED", "notify": true },
                    "high": { "event_action": "BLOCK" },
                },
            },
            "exceptions": { "blocked": ["192.0.2.0/24"], "skipped": ["198.51.100.0/24"] },
        },
    });
    let read: PoolRecord = decode_version_1(&pool).unwrap();
    assert_eq!(stored(&read), pool);

    // Earlier versions stored empty lists.
    let mut with_empty_lists = pool.clone();
    with_empty_lists["risk"]["compromised"]["event_filter"] = json!([]);
    with_empty_lists["risk"]["exceptions"] = json!({ "blocked": [], "skipped": [] });
    let read: PoolRecord = decode_version_1(&with_empty_lists).unwrap();
    assert_eq!(read.risk.compromised.map(|compromised| compromised.event_filter), Some(Vec::new()));

    let mut unknown_key = pool;
    unknown_key["risk"]["compromised"]["more"] = json!(1);
    assert_eq!(decode_version_1::<PoolRecord>(&unknown_key), None);
}

/// What a store would hold after these changes.
#[derive(Default)]
struct RecordStore {
    records: ProviderSnapshot,
}

impl RecordStore {
    fn take(&mut self, changes: Vec<ProviderChange>) {
        let ProviderSnapshot { pools, clients, accounts } = &mut self.records;
        for change in changes {
            match change {
                ProviderChange::Pool(record) => {
                    pools.retain(|pool| pool.id != record.id);
                    pools.push(decode(&encode(&*record)).unwrap());
                }
                ProviderChange::PoolRemoved(id) => {
                    pools.retain(|pool| pool.id != id);
                    clients.retain(|(pool, _)| *pool != id);
                    accounts.retain(|(pool, _)| *pool != id);
                }
                ProviderChange::Client(pool, record) => {
                    clients.retain(|(_, client)| client.client.id != record.client.id);
                    clients.push((pool, decode(&encode(&*record)).unwrap()));
                }
                ProviderChange::ClientRemoved(_, id) => clients.retain(|(_, client)| client.client.id != id),
                ProviderChange::Account(pool, record) => {
                    accounts.retain(|(home, account)| *home != pool || account.sub != record.sub);
                    accounts.push((pool, decode(&encode(&*record)).unwrap()));
                }
                ProviderChange::AccountRemoved(pool, sub) => {
                    accounts.retain(|(home, account)| *home != pool || account.sub != sub);
                }
            }
        }
    }
}

/// What an account with a pool, a client and some users is asked, drawn as numbers.
fn request(
    pool: &str,
    client: &str,
    tokens: &[Value],
    (what, who, which): (u8, u8, u8),
) -> (&'static str, Value) {
    let name = format!("user-{}", who % 4);
    let user = json!({ "UserPoolId": pool, "Username": name });
    let with = |more: Value| {
        let mut user = user.clone();
        user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        user
    };
    let nothing = json!({});
    let token = tokens.get(usize::from(which) % tokens.len().max(1)).unwrap_or(&nothing);
    let (access, key) = (&token["AccessToken"], &token["NewDeviceMetadata"]["DeviceKey"]);
    let password = format!("Permanent-{}", which % 3);
    let sign_in = json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": name, "PASSWORD": password } });
    match what % 16 {
        0 | 1 => (
            "AdminCreateUser",
            with(json!({ "MessageAction": "SUPPRESS", "UserAttributes": [
            { "Name": "email", "Value": format!("{name}@x.example") }, { "Name": "phone_number", "Value": "+1555000111" } ] })),
        ),
        2 => ("AdminSetUserPassword", with(json!({ "Password": password, "Permanent": which % 2 == 0 }))),
        3..=5 => ("InitiateAuth", sign_in),
        6 => ("AdminDeleteUser", user),
        7 => (if which % 2 == 0 { "AdminDisableUser" } else { "AdminEnableUser" }, user),
        8 => ("AdminUserGlobalSignOut", user),
        9 | 10 => (
            "ConfirmDevice",
            json!({ "AccessToken": access, "DeviceKey": key,
            "DeviceSecretVerifierConfig": { "PasswordVerifier": a_verifier(), "Salt": "AQ==" } }),
        ),
        11 => ("ForgetDevice", json!({ "AccessToken": access, "DeviceKey": key })),
        12 => ("RevokeToken", json!({ "ClientId": client, "Token": token["RefreshToken"] })),
        13 => ("AdminSetUserMFAPreference", with(json!({ "SMSMfaSettings": { "Enabled": which % 2 == 0 } }))),
        14 => ("SignUp", json!({ "ClientId": client, "Username": name, "Password": password })),
        _ => (
            "UpdateUserPool",
            json!({ "UserPoolId": pool, "MfaConfiguration": "OPTIONAL",
            "DeviceConfiguration": { "ChallengeRequiredOnNewDevice": which % 2 == 0 } }),
        ),
    }
}

/// What can be seen of an account, in words.
fn observe(fixture: &mut ProviderFixture, pool: &str, client: &str, tokens: &[Value]) -> Vec<String> {
    let mut observe = Vec::new();
    let mut ask = |operation: &str, body: Value| {
        observe.push(format!("{operation}: {:?}", fixture.ask(operation, &body)));
    };
    ask("ListUserPools", json!({ "MaxResults": 60 }));
    ask("DescribeUserPool", json!({ "UserPoolId": pool }));
    ask("DescribeUserPoolClient", json!({ "UserPoolId": pool, "ClientId": client }));
    ask("ListUsers", json!({ "UserPoolId": pool }));
    for who in 0..4 {
        let name = format!("user-{who}");
        ask("AdminGetUser", json!({ "UserPoolId": pool, "Username": name }));
        ask("AdminListDevices", json!({ "UserPoolId": pool, "Username": name }));
    }
    for token in tokens {
        ask("GetUser", json!({ "AccessToken": token["AccessToken"] }));
        ask("ListDevices", json!({ "AccessToken": token["AccessToken"] }));
    }
    // Right and wrong passwords: what comes of them is drawn, whether there is something is not.
    for who in 0..4 {
        for which in 0..3 {
            let parameters =
                json!({ "USERNAME": format!("user-{who}"), "PASSWORD": format!("Permanent-{which}") });
            let body =
                json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
            let told = fixture.ask("InitiateAuth", &body);
            observe.push(format!("{who} {which}: {:?}", told.map(|body| body["ChallengeName"].clone())));
        }
    }
    for token in tokens {
        let body = json!({ "ClientId": client, "RefreshToken": token["RefreshToken"],
            "DeviceKey": token["NewDeviceMetadata"]["DeviceKey"] });
        let told = fixture.ask("GetTokensFromRefreshToken", &body);
        observe.push(format!("refresh: {:?}", told.map(|_| ())));
    }
    observe
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_restored_account_behaves_the_same(
        asked in prop::collection::vec(any::<(u8, u8, u8)>(), 0..60)
    ) {
        let mut fixture = ProviderFixture::new(Tokens::Opaque);
        fixture.provider = fixture.provider.with_change_log();
        let mut shelf = RecordStore::default();
        let (pool, client) = fixture.pool("one");
        let mut tokens = Vec::new();
        for one in asked {
            let (operation, body) = request(&pool, &client, &tokens, one);
            let told = fixture.ask(operation, &body);
            if let Ok(told) = told && told["AuthenticationResult"].is_object() {
                tokens.push(told["AuthenticationResult"].clone());
            }
            fixture.now = fixture.now.plus(std::time::Duration::from_secs(7));
        }
        shelf.take(std::mem::take(&mut fixture.changes));
        let mut again = ProviderFixture::new(Tokens::Opaque);
        again.now = fixture.now;
        again.provider.restore(shelf.records.clone()).unwrap();
        prop_assert_eq!(again.provider.counts(), fixture.provider.counts());
        prop_assert_eq!(observe(&mut again, &pool, &client, &tokens), observe(&mut fixture, &pool, &client, &tokens));
    }
}

#[test]
fn reads_produce_no_changes() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    fixture.provider = fixture.provider.with_change_log();
    let (pool, client) = fixture.pool("one");
    fixture.changes.clear();
    let user = json!({ "UserPoolId": pool, "Username": "ann" });
    for (operation, body) in [
        ("AdminGetUser", user.clone()),
        ("AdminListDevices", user.clone()),
        ("ListUsers", json!({ "UserPoolId": pool })),
        ("DescribeUserPool", json!({ "UserPoolId": pool })),
        ("AdminForgetDevice", json!({ "UserPoolId": pool, "Username": "ann", "DeviceKey": "r_0" })),
    ] {
        let _ = fixture.ask(operation, &body);
        assert_eq!(fixture.changes, Vec::new(), "{operation}");
    }
    let srp = json!({ "ClientId": client, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": { "USERNAME": "ann", "SRP_A": "abcdef" } });
    fixture.call_ok("InitiateAuth", &srp);
    assert_eq!(fixture.changes, Vec::new(), "a sign-in that has only begun");
    fixture.call_ok("AdminUserGlobalSignOut", &user);
    assert_eq!(fixture.changes.len(), 1);
}

#[test]
fn inconsistent_records_are_rejected() {
    let policy = PoolPolicy {
        remember: RememberMode::OptIn,
        mfa: MfaMode::On,
        quotas: Quotas::COGNITO,
        ..PoolPolicy::DEFAULT
    };
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    fixture.provider = fixture.provider.with_change_log();
    let id = PoolId::new("eu-west-1_one");
    let ranges = RiskExceptions { blocked: vec!["192.0.2.0/24".parse().unwrap()], skipped: Vec::new() };
    fixture.provider.add_pool(fixture.now, id.clone(), "one", policy, ranges);
    fixture.call_ok("AdminCreateUser", &json!({ "UserPoolId": id.as_str(), "Username": "ann" }));
    let mut shelf = RecordStore::default();
    shelf.take(fixture.changes);
    let call_ok = shelf.records;
    let refused = |records: ProviderSnapshot| {
        let told = ProviderFixture::new(Tokens::Opaque).provider.restore(records);
        told.map_err(|error| error.to_string()).unwrap_err()
    };
    assert!(ProviderFixture::new(Tokens::Opaque).provider.restore(call_ok.clone()).is_ok());
    let changed = |change: &dyn Fn(&mut ProviderSnapshot)| {
        let mut records = call_ok.clone();
        change(&mut records);
        refused(records)
    };
    let nowhere = "duplicate or dangling pool, client or user";
    assert_eq!(changed(&|records| records.pools.clear()), nowhere);
    assert_eq!(changed(&|records| records.pools.push(call_ok.pools[0].clone())), nowhere);
    assert_eq!(changed(&|records| records.accounts.push(call_ok.accounts[0].clone())), "duplicate user name");
    assert_eq!(changed(&|records| records.accounts[0].1.salt = "x".to_owned()), "invalid salt");
    assert_eq!(changed(&|records| records.accounts[0].1.verifier = "AA==".to_owned()), "invalid verifier");
    assert_eq!(changed(&|records| records.accounts[0].1.totp = Some("!".to_owned())), "invalid TOTP secret");
}
