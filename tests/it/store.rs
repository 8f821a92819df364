//! Records contain what was stored, and an account that is restored from them behaves the same.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use poolproof::store::{decode, encode};
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::ids::{ClientId, DeviceGroupKey, DeviceKey, PoolId, Sub, Username};
use poolproof_cognito::policy::{AddressKind, MfaMode, PoolPolicy, Quotas, RememberMode, RiskLevel};
use poolproof_cognito::protocol::{ChallengeName, DeviceStatus, ValiditySpec};
use poolproof_cognito::time::Timestamp;
use poolproof_pool::provider::{ClientRecord, ProviderChange, ProviderSnapshot, Tokens};
use poolproof_pool::{
    AccountRecord, AppClient, AuthEventRecord, ConfirmationRecord, DeviceRecord, DeviceStateRecord,
    EventAnswer, EventKind, EventResult, FailuresRecord, HourlyCount, PasswordFlow, RotatedToken, SentCode,
    UserCodes, UserStatus,
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
    fn confirmation()(code in ".*", sent_to in any::<Option<String>>(), expires in moment(), failures in failures()) -> ConfirmationRecord {
        let sent_to = sent_to.map(|address| (AddressKind::Phone, address));
        ConfirmationRecord { code, sent_to, expires, failures }
    }
}

prop_compose! {
    fn sent_code()(code in ".*", expires in moment(), new_address in any::<Option<String>>()) -> SentCode {
        SentCode { code, expires, new_address }
    }
}

prop_compose! {
    fn event()(
        (id, address) in (".*", any::<Option<IpAddr>>()), (created, given) in (moment(), moment()),
        (blocked, compromised, success, mfa, valid) in any::<(bool, bool, bool, bool, Option<bool>)>(),
        result in prop::sample::select(vec![EventResult::Pass, EventResult::Fail, EventResult::InProgress]),
        level in prop::option::of(prop::sample::select(vec![RiskLevel::Low, RiskLevel::High])),
        kind in prop::sample::select(vec![EventKind::SignIn, EventKind::SignUp, EventKind::PasswordChange]),
    ) -> AuthEventRecord {
        let answers = vec![EventAnswer { mfa, success }];
        let feedback = valid.map(|valid| (valid, given));
        AuthEventRecord { id, kind, created, result, level, blocked, compromised, answers, address, feedback }
    }
}

prop_compose! {
    fn codes()(
        (reset, email) in (prop::option::of(sent_code()), prop::option::of(sent_code())),
        (since, count) in (moment(), any::<u32>()),
    ) -> UserCodes {
        let count = HourlyCount { since, count };
        UserCodes { reset, email, recoveries: count, password_changes: count, ..UserCodes::default() }
    }
}

prop_compose! {
    fn rotated()(
        current in ".*", previous in prop::collection::btree_map(".*", moment(), 0..3), expires in moment(),
    ) -> RotatedToken {
        RotatedToken { current, previous, expires }
    }
}

prop_compose! {
    fn account()(
        (serial, username, sub, salt, verifier) in (any::<u64>(), ".*", ".*", ".*", ".*"),
        user_status in prop::sample::select(vec![
            UserStatus::Confirmed, UserStatus::Unconfirmed, UserStatus::ForceChangePassword, UserStatus::ResetRequired,
        ]),
        (disabled, sms_mfa, email_mfa, compromised, first_sign_in_pending) in any::<(bool, bool, bool, bool, bool)>(),
        (totp_name, rotated) in (any::<Option<String>>(), prop::collection::btree_map(".*", rotated(), 0..3)),
        (phone, email, totp, app_to_verify, app_to_enable) in any::<(Option<String>, Option<String>, Option<String>, Option<String>, Option<String>)>(),
        preferred in prop::option::of(prop::sample::select(ChallengeName::ALL.to_vec())),
        (totp_step_used, failures_since, generation, access_revocations) in any::<(Option<u64>, u32, u64, u64)>(),
        (failures, confirmation, codes) in (failures(), prop::option::of(confirmation()), codes()),
        addresses in any::<Vec<IpAddr>>(),
        revoked in prop::collection::btree_map(".*", moment(), 0..3),
        devices in prop::collection::btree_map(".*".prop_map(DeviceKey::new), device(), 0..3),
        (attributes, groups) in any::<(BTreeMap<String, String>, BTreeSet<String>)>(),
        events in prop::collection::vec_deque(event(), 0..3),
        (created, modified) in (moment(), moment()),
    ) -> AccountRecord {
        AccountRecord {
            serial, username: Username::new(username), sub: Sub::new(sub), salt, verifier, user_status, disabled, phone, sms_mfa,
            email, email_mfa, totp, preferred, totp_step_used, failures, addresses, failures_since, compromised,
            generation, access_revocations, revoked, rotated, devices, attributes, created, modified, confirmation, app_to_verify, app_to_enable,
            totp_name, first_sign_in_pending, codes, groups, events, password_set: Some(modified),
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
        let newer = [br#"{"later":1,"#, &bytes[1..]].concat();
        prop_assert_eq!(decode::<AccountRecord>(&newer), None, "a field of a later version");
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
        risk: None,
        settings: "{}".to_owned(),
    };
    let bytes = encode(&client);
    assert_eq!(decode::<ClientRecord>(&bytes), Some(client));
    let text = std::str::from_utf8(&bytes[1..]).unwrap();
    for changed in [text.replace(",\"name\":\"n\"", ""), text.replace("\"name\"", "\"more\":1,\"name\"")] {
        assert_ne!(changed, text);
        assert_eq!(decode::<ClientRecord>(changed.as_bytes()), None, "{changed}");
    }
}

/// The content of a store after these changes.
#[derive(Default)]
struct RecordStore {
    records: ProviderSnapshot,
}

impl RecordStore {
    fn take(&mut self, changes: Vec<ProviderChange>) {
        let ProviderSnapshot { pools, clients, accounts, groups } = &mut self.records;
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
                    groups.retain(|(pool, _)| *pool != id);
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
                ProviderChange::Group(pool, record) => {
                    groups.retain(|(home, group)| *home != pool || group.name != record.name);
                    groups.push((pool, decode(&encode(&record)).unwrap()));
                }
                ProviderChange::GroupRemoved(pool, name) => {
                    groups.retain(|(home, group)| *home != pool || group.name != name);
                }
                ProviderChange::AccountRemoved(pool, sub) => {
                    accounts.retain(|(home, account)| *home != pool || account.sub != sub);
                }
            }
        }
    }
}

/// Returns a request about an account with a pool, a client and some users, selected by numbers.
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
    let group = json!({ "UserPoolId": pool, "GroupName": format!("group-{}", which % 2) });
    let joined = with(json!({ "GroupName": group["GroupName"] }));
    match what % 24 {
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
        20 => ("CreateGroup", group),
        21 => ("AdminAddUserToGroup", joined),
        22 => (
            if which % 4 == 0 { "DeleteGroup" } else { "AdminAddUserToGroup" },
            if which % 4 == 0 { group } else { joined },
        ),
        23 => ("AdminRemoveUserFromGroup", joined),
        15 => ("ForgotPassword", json!({ "ClientId": client, "Username": name })),
        16 => ("AdminResetUserPassword", user),
        17 => (
            "AdminUpdateUserAttributes",
            with(json!({ "UserAttributes": [
            { "Name": "email", "Value": format!("{which}@x.example") },
            { "Name": "email_verified", "Value": if which % 2 == 0 { "true" } else { "false" } } ] })),
        ),
        18 => {
            ("DeleteUserAttributes", json!({ "AccessToken": access, "UserAttributeNames": ["phone_number"] }))
        }
        14 => ("SignUp", json!({ "ClientId": client, "Username": name, "Password": password })),
        _ => (
            "UpdateUserPool",
            json!({ "UserPoolId": pool, "MfaConfiguration": "OPTIONAL",
            "DeviceConfiguration": { "ChallengeRequiredOnNewDevice": which % 2 == 0 } }),
        ),
    }
}

/// Returns the visible state of an account as text.
fn observe(fixture: &mut ProviderFixture, pool: &str, client: &str, tokens: &[Value]) -> Vec<String> {
    let mut observe = Vec::new();
    let mut ask = |operation: &str, body: Value| {
        observe.push(format!("{operation}: {:?}", fixture.ask(operation, &body)));
    };
    ask("ListUserPools", json!({ "MaxResults": 60 }));
    ask("DescribeUserPool", json!({ "UserPoolId": pool }));
    ask("DescribeUserPoolClient", json!({ "UserPoolId": pool, "ClientId": client }));
    ask("ListUsers", json!({ "UserPoolId": pool }));
    ask("ListGroups", json!({ "UserPoolId": pool }));
    for who in 0..4 {
        let name = format!("user-{who}");
        ask("AdminGetUser", json!({ "UserPoolId": pool, "Username": name }));
        ask("AdminListDevices", json!({ "UserPoolId": pool, "Username": name }));
        ask("AdminListGroupsForUser", json!({ "UserPoolId": pool, "Username": name }));
    }
    for token in tokens {
        ask("GetUser", json!({ "AccessToken": token["AccessToken"] }));
        ask("ListDevices", json!({ "AccessToken": token["AccessToken"] }));
    }
    // Right and wrong passwords. The outcome is random.
    for who in 0..4 {
        for which in 0..3 {
            let parameters =
                json!({ "USERNAME": format!("user-{who}"), "PASSWORD": format!("Permanent-{which}") });
            let body =
                json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
            let reply = fixture.ask("InitiateAuth", &body);
            observe.push(format!("{who} {which}: {:?}", reply.map(|body| body["ChallengeName"].clone())));
        }
    }
    for token in tokens {
        let body = json!({ "ClientId": client, "RefreshToken": token["RefreshToken"],
            "DeviceKey": token["NewDeviceMetadata"]["DeviceKey"] });
        let reply = fixture.ask("GetTokensFromRefreshToken", &body);
        observe.push(format!("refresh: {:?}", reply.map(|_| ())));
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
            let reply = fixture.ask(operation, &body);
            if let Ok(reply) = reply && reply["AuthenticationResult"].is_object() {
                tokens.push(reply["AuthenticationResult"].clone());
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
        let reply = ProviderFixture::new(Tokens::Opaque).provider.restore(records);
        reply.map_err(|error| error.to_string()).unwrap_err()
    };
    assert!(ProviderFixture::new(Tokens::Opaque).provider.restore(call_ok.clone()).is_ok());
    let changed = |change: &dyn Fn(&mut ProviderSnapshot)| {
        let mut records = call_ok.clone();
        change(&mut records);
        refused(records)
    };
    let nowhere = "two pools or clients share an id, or a pool is missing";
    assert_eq!(changed(&|records| records.pools.clear()), nowhere);
    assert_eq!(changed(&|records| records.pools.push(call_ok.pools[0].clone())), nowhere);
    assert_eq!(changed(&|records| records.accounts.push(call_ok.accounts[0].clone())), "duplicate user name");
    assert_eq!(changed(&|records| records.accounts[0].1.salt = "x".to_owned()), "invalid salt");
    assert_eq!(changed(&|records| records.accounts[0].1.verifier = "AA==".to_owned()), "invalid verifier");
    assert_eq!(changed(&|records| records.accounts[0].1.totp = Some("!".to_owned())), "invalid TOTP secret");
}
