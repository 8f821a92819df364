//! Device operations of users and administrators: results, refusals, pages and visibility.

use poolproof_cognito::ids::AccessToken;
use poolproof_cognito::policy::{MfaMode, PoolPolicy, RememberMode};
use poolproof_cognito::protocol::{
    AdminDeviceCall, AdminListDevices, AdminUpdateDeviceStatus, ConfirmDevice, DeviceDescription,
    DeviceStatus, ListDevices, Reply, Request, Response, SecretVerifierConfig,
};
use poolproof_cognito::time::Timestamp;

use crate::fixture::{
    NO_SUCH_DEVICE, POOL, PoolFixture, TestDevice, call, confirm_device, policy, refusal, set_status,
};

fn always() -> PoolPolicy {
    policy(RememberMode::Always, true, MfaMode::Optional)
}

fn admin(key: &str) -> AdminDeviceCall {
    let (user_pool_id, username) = (POOL.to_owned(), "ann".to_owned());
    AdminDeviceCall { user_pool_id, username, device_key: key.to_owned() }
}

fn admin_status(key: &str, status: Option<&str>) -> Request {
    let AdminDeviceCall { user_pool_id, username, device_key } = admin(key);
    let status = status.map(str::to_owned);
    Request::AdminUpdateDeviceStatus(AdminUpdateDeviceStatus { user_pool_id, username, device_key, status })
}

fn device(reply: Reply) -> DeviceDescription {
    match reply {
        Ok(Response::Device(device)) => device,
        other => panic!("{other:?}"),
    }
}

fn list(token: &AccessToken, limit: Option<u32>, after: Option<&str>) -> Request {
    let (access_token, pagination_token) = (token.as_str().to_owned(), after.map(str::to_owned));
    Request::ListDevices(ListDevices { access_token, limit, pagination_token })
}

fn page(reply: Reply) -> (Vec<String>, Option<String>) {
    match reply {
        Ok(Response::Devices { devices, pagination_token }) => {
            (devices.into_iter().map(|one| one.device_key.as_str().to_owned()).collect(), pagination_token)
        }
        other => panic!("{other:?}"),
    }
}

fn config() -> SecretVerifierConfig {
    // A verifier of 5 and a salt of one byte.
    SecretVerifierConfig { password_verifier: "BQ==".to_owned(), salt: "CQ==".to_owned() }
}

#[test]
fn users_list_remembered_devices_and_admins_list_confirmed_ones() {
    let mut fixture = PoolFixture::of_ann(policy(RememberMode::OptIn, true, MfaMode::Optional));
    let tokens = fixture.sign_in("ann");
    let token = &tokens.access_token;
    let key = tokens.new_device.clone().unwrap().device_key;
    let get = Request::GetDevice(call(token, &key));
    let admin_get = Request::AdminGetDevice(admin(key.as_str()));
    // Issued: the device is invisible, and every operation on it fails.
    assert!(fixture.all_devices("ann").is_empty());
    assert_eq!(page(fixture.ask(list(token, None, None))), (vec![], None));
    let changes = [set_status(token, &key, "remembered"), admin_status(key.as_str(), Some("remembered"))];
    let looks = [get.clone(), admin_get.clone(), Request::ForgetDevice(call(token, &key))];
    for request in changes.into_iter().chain(looks) {
        assert_eq!(refusal(fixture.ask(request)), NO_SUCH_DEVICE);
    }
    // Confirmed, but not remembered.
    let (phone, necessary) = fixture.confirm(&tokens);
    assert!(necessary);
    assert_eq!(refusal(fixture.ask(get.clone())), NO_SUCH_DEVICE);
    assert_eq!(page(fixture.ask(list(token, None, None))), (vec![], None));
    assert_eq!(device(fixture.ask(admin_get.clone())).device_key, phone.key);
    assert_eq!(fixture.all_devices("ann").len(), 1);
    // Remembered, then not remembered by the user and by an administrator.
    for request in [set_status(token, &key, "remembered"), admin_status(key.as_str(), Some("remembered"))] {
        assert_eq!(fixture.ask(request), Ok(Response::Empty));
        assert_eq!(device(fixture.ask(get.clone())).device_key, phone.key);
        assert_eq!(page(fixture.ask(list(token, None, None))).0, [key.as_str()]);
        assert_eq!(fixture.ask(admin_status(key.as_str(), Some("not_remembered"))), Ok(Response::Empty));
        assert_eq!(refusal(fixture.ask(get.clone())), NO_SUCH_DEVICE);
    }
    // Forgotten: the key is never valid again.
    assert_eq!(fixture.ask(Request::ForgetDevice(call(token, &key))), Ok(Response::Empty));
    let status = set_status(token, &key, "remembered");
    for request in [Request::ForgetDevice(call(token, &key)), get, admin_get, status] {
        assert_eq!(refusal(fixture.ask(request)), NO_SUCH_DEVICE);
    }
    let again = refusal(fixture.ask(confirm_device(token, &key, config())));
    assert_eq!(again, "InvalidParameterException: Invalid device key given.");
}

#[test]
fn a_device_is_returned_with_attributes_and_dates() {
    let mut fixture = PoolFixture::of_ann(always());
    fixture.harness.origin.address = Some([192, 0, 2, 7].into());
    let created = fixture.harness.now;
    let tokens = fixture.sign_in("ann");
    fixture.advance_clock(10);
    let (phone, _) = fixture.confirm(&tokens);
    let confirmed = fixture.harness.now;
    fixture.advance_clock(10);
    fixture.harness.origin.address = Some([192, 0, 2, 8].into());
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens");
    let used = fixture.harness.now;
    let seen = device(fixture.ask(Request::GetDevice(call(&tokens.access_token, &phone.key))));
    assert_eq!((seen.created, seen.modified, seen.authenticated), (created, confirmed, used));
    let ours =
        [("device_status", "valid"), ("device_name", "phone"), ("last_ip_used", "192.0.2.8")].map(owned);
    assert_eq!(seen.attributes, ours);
    let seen = device(fixture.ask(Request::AdminGetDevice(admin(phone.key.as_str()))));
    let owner = format!("ann.{POOL}");
    let arn = format!("arn:aws:cognito-idp:us-east-1:000000000000:owner/{owner}/device/{}", phone.key);
    let theirs = [
        ("dev:device_arn", arn.as_str()),
        ("dev:device_owner", &owner),
        ("dev:device_remembered_status", "remembered"),
        ("dev:device_sdk", "aws-sdk"),
    ];
    assert_eq!(seen.attributes, [ours.as_slice(), theirs.map(owned).as_slice()].concat());
    fixture.advance_clock(10);
    fixture.ask(admin_status(phone.key.as_str(), None)).unwrap();
    let seen = device(fixture.ask(Request::AdminGetDevice(admin(phone.key.as_str()))));
    assert_eq!(seen.modified, confirmed, "without a status nothing changes");
    fixture.ask(admin_status(phone.key.as_str(), Some("not_remembered"))).unwrap();
    let seen = device(fixture.ask(Request::AdminGetDevice(admin(phone.key.as_str()))));
    assert_eq!(seen.modified, fixture.harness.now);
}

fn owned((name, value): (&'static str, &str)) -> (&'static str, String) {
    (name, value.to_owned())
}

#[test]
fn device_list_pages_hold_every_device_once() {
    let mut fixture = PoolFixture::new(policy(RememberMode::OptIn, true, MfaMode::Optional));
    let devices: Vec<_> = (0..130)
        .map(|n| {
            let status = if n % 10 == 0 { DeviceStatus::NotRemembered } else { DeviceStatus::Remembered };
            fixture.device(status, true)
        })
        .collect();
    let all: Vec<String> = devices.iter().map(|(phone, _)| phone.key.as_str().to_owned()).collect();
    let seen: Vec<String> =
        all.iter().enumerate().filter(|(n, _)| n % 10 != 0).map(|(_, key)| key.clone()).collect();
    fixture.add("ann", |account| account.devices.extend(devices.into_iter().map(|(_, known)| known)));
    let token = fixture.sign_in("ann").access_token;
    for (limit, longest) in
        [(None, 60), (Some(0), 60), (Some(60), 60), (Some(1), 1), (Some(13), 13), (Some(39), 39)]
    {
        let (mut listed, mut administered) = (Vec::new(), Vec::new());
        let mut after = None;
        loop {
            let (keys, next) = page(fixture.ask(list(&token, limit, after.as_deref())));
            assert!(keys.len() == longest || next.is_none(), "only the last page is short");
            listed.extend(keys);
            after = next;
            if after.is_none() {
                break;
            }
        }
        loop {
            let (user_pool_id, username) = (POOL.to_owned(), "ann".to_owned());
            let request = AdminListDevices { user_pool_id, username, limit, pagination_token: after.clone() };
            let (keys, next) = page(fixture.ask(Request::AdminListDevices(request)));
            administered.extend(keys);
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((&listed, &administered), (&seen, &all), "limit {limit:?}");
    }
    for after in ["", "a b", "zzz"] {
        let refused = refusal(fixture.ask(list(&token, None, Some(after))));
        assert!(refused.starts_with("InvalidParameterException: "), "{refused}");
    }
    // The last device of a page may be forgotten before the next page is requested.
    assert_eq!(page(fixture.ask(list(&token, None, Some("zz_9")))), (vec![], None));
}

#[test]
fn a_device_is_confirmed_once_by_its_own_sign_in() {
    let mut fixture = PoolFixture::of_ann(always());
    fixture.add("eve", |_| {});
    let (tokens, other, eve) = (fixture.sign_in("ann"), fixture.sign_in("ann"), fixture.sign_in("eve"));
    let key = tokens.new_device.clone().unwrap().device_key;
    let not_given = "InvalidParameterException: Invalid device key given.";
    for token in [&other.access_token, &eve.access_token] {
        assert_eq!(refusal(fixture.ask(confirm_device(token, &key, config()))), not_given);
    }
    let garbage = AccessToken::new("garbage");
    let refused = refusal(fixture.ask(confirm_device(&garbage, &key, config())));
    assert_eq!(refused, "NotAuthorizedException: Invalid Access Token");
    let (phone, _) = fixture.confirm(&tokens);
    for token in [&tokens.access_token, &other.access_token] {
        let twice = refusal(fixture.ask(confirm_device(token, &key, config())));
        assert!(twice.starts_with("DeviceKeyExistsException: "), "{twice}");
    }
    assert_eq!(refusal(fixture.ask(confirm_device(&eve.access_token, &key, config()))), not_given);
    assert_eq!(
        fixture.sign_in_path("ann", Some(&phone)),
        "DEVICE_SRP_AUTH tokens",
        "the first verifier stands"
    );
}

#[test]
fn an_expired_token_confirms_and_changes_nothing() {
    let mut fixture = PoolFixture::of_ann(always());
    let tokens = fixture.sign_in("ann");
    let key = tokens.new_device.clone().unwrap().device_key;
    fixture.advance_clock(3599);
    let (_, necessary) = fixture.confirm(&tokens);
    assert!(!necessary);
    fixture.advance_clock(1);
    let expired = "NotAuthorizedException: Access Token has expired";
    let token = &tokens.access_token;
    for request in [
        confirm_device(token, &key, config()),
        set_status(token, &key, "not_remembered"),
        Request::GetDevice(call(token, &key)),
        Request::ForgetDevice(call(token, &key)),
        list(token, None, None),
    ] {
        assert_eq!(refusal(fixture.ask(request)), expired);
    }
    assert_eq!(fixture.all_devices("ann").len(), 1);
}

#[test]
fn invalid_verifiers_and_salts_are_rejected() {
    let mut fixture = PoolFixture::of_ann(always());
    let n = fixture.group.modulus_hex();
    let n = data_encoding::BASE64.encode(&hex::decode(n).unwrap());
    let last = {
        let n = u64::from_str_radix(&fixture.group.modulus_hex(), 16).unwrap();
        data_encoding::BASE64.encode(&(n - 1).to_be_bytes())
    };
    let bad_verifiers = ["", "AA==", "AQ==", n.as_str(), last.as_str(), "gA==", "§", &"BQUF".repeat(1000)];
    let bad_salts = ["", "§", "CQ", &"CQkJ".repeat(22)];
    let tokens = fixture.sign_in("ann");
    let key = tokens.new_device.clone().unwrap().device_key;
    for verifier in bad_verifiers {
        let config = SecretVerifierConfig { password_verifier: verifier.to_owned(), ..config() };
        let refused = refusal(fixture.ask(confirm_device(&tokens.access_token, &key, config)));
        assert_eq!(refused, "InvalidParameterException: Invalid PasswordVerifier.", "{verifier:.40}");
    }
    for salt in bad_salts {
        let config = SecretVerifierConfig { salt: salt.to_owned(), ..config() };
        let refused = refusal(fixture.ask(confirm_device(&tokens.access_token, &key, config)));
        assert_eq!(refused, "InvalidParameterException: Invalid Salt.", "{salt:.40}");
    }
    assert!(fixture.all_devices("ann").is_empty());
    fixture.confirm(&tokens);
}

#[test]
fn a_device_can_have_any_name_or_none() {
    for name in [
        None,
        Some("x".to_owned()),
        Some("é".repeat(1024)),
        Some("Mozilla/5.0 (X11; Linux x86_64)".to_owned()),
    ] {
        let mut fixture = PoolFixture::of_ann(always());
        let tokens = fixture.sign_in("ann");
        let request = Request::ConfirmDevice(ConfirmDevice {
            access_token: tokens.access_token.as_str().to_owned(),
            device_key: tokens.new_device.clone().unwrap().device_key.as_str().to_owned(),
            device_name: name.clone(),
            secret_verifier: Some(config()),
        });
        assert!(fixture.ask(request).is_ok(), "{:?}", name.map(|name| name.chars().count()));
    }
}

#[test]
fn confirm_device_needs_a_verifier() {
    let mut fixture = PoolFixture::of_ann(always());
    let tokens = fixture.sign_in("ann");
    let key = tokens.new_device.clone().unwrap().device_key;
    let Request::ConfirmDevice(request) = confirm_device(&tokens.access_token, &key, config()) else {
        unreachable!()
    };
    let request = Request::ConfirmDevice(ConfirmDevice { secret_verifier: None, ..request });
    let expected = "InvalidParameterException: Missing required parameter DeviceSecretVerifierConfig";
    assert_eq!(refusal(fixture.ask(request)), expected);
}

#[test]
fn users_cannot_access_other_users_devices() {
    let mut fixture = PoolFixture::new(always());
    let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
    fixture.add("ann", |account| account.devices.push(known));
    fixture.add("eve", |_| {});
    let token = fixture.sign_in("eve").access_token;
    for request in [
        Request::GetDevice(call(&token, &phone.key)),
        Request::ForgetDevice(call(&token, &phone.key)),
        set_status(&token, &phone.key, "not_remembered"),
    ] {
        assert_eq!(refusal(fixture.ask(request)), NO_SUCH_DEVICE);
    }
    assert_eq!(page(fixture.ask(list(&token, None, Some("a_")))), (vec![], None));
    assert_eq!(fixture.sign_in_path("ann", Some(&phone)), "DEVICE_SRP_AUTH tokens");
}

#[test]
fn admin_calls_report_missing_users_and_devices() {
    let mut fixture = PoolFixture::new(always());
    let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
    fixture.add("ann", |account| account.devices.push(known));
    let key = phone.key.as_str();
    let no_pool = "ResourceNotFoundException: User pool eu_X does not exist.";
    let no_user = "UserNotFoundException: User does not exist.";
    let in_pool =
        |user_pool_id: &str| AdminDeviceCall { user_pool_id: user_pool_id.to_owned(), ..admin(key) };
    let of_user = |username: &str| AdminDeviceCall { username: username.to_owned(), ..admin(key) };
    for make in [Request::AdminGetDevice, Request::AdminForgetDevice] {
        assert_eq!(refusal(fixture.ask(make(in_pool("eu_X")))), no_pool);
        assert_eq!(refusal(fixture.ask(make(of_user("eve")))), no_user);
        assert_eq!(refusal(fixture.ask(make(admin("us-east-1_other")))), NO_SUCH_DEVICE);
    }
    for status in ["", "Remembered", "forgotten"] {
        let refused = refusal(fixture.ask(admin_status(key, Some(status))));
        assert!(refused.starts_with("InvalidParameterException: "), "{refused}");
    }
    assert_eq!(fixture.all_devices("ann").len(), 1);
    fixture.forget("ann", &phone);
    assert!(fixture.all_devices("ann").is_empty());
}

#[test]
fn device_calls_fail_without_tracking() {
    let mut fixture = PoolFixture::new(policy(RememberMode::No, false, MfaMode::Off));
    let (TestDevice { key, .. }, known) = fixture.device(DeviceStatus::Remembered, true);
    fixture.add("ann", |account| account.devices.push(known));
    let token = fixture.sign_in("ann").access_token;
    let confirm = confirm_device(&token, &key, config());
    let admin_list = AdminListDevices {
        user_pool_id: POOL.to_owned(),
        username: "ann".to_owned(),
        limit: None,
        pagination_token: None,
    };
    for request in [
        confirm,
        set_status(&token, &key, "not_remembered"),
        admin_status(key.as_str(), None),
        Request::GetDevice(call(&token, &key)),
        Request::ForgetDevice(call(&token, &key)),
        list(&token, None, None),
        Request::AdminGetDevice(admin(key.as_str())),
        Request::AdminForgetDevice(admin(key.as_str())),
        Request::AdminListDevices(admin_list),
    ] {
        let refused = refusal(fixture.ask(request));
        assert!(refused.starts_with("InvalidUserPoolConfigurationException: "), "{refused}");
    }
}

#[test]
fn a_device_without_recorded_dates_or_name_is_described() {
    let mut fixture = PoolFixture::new(always());
    let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
    fixture.add("ann", |account| account.devices.push(known));
    let seen = device(fixture.ask(Request::AdminGetDevice(admin(phone.key.as_str()))));
    assert_eq!(seen.authenticated, Timestamp::default());
    assert!(!seen.attributes.iter().any(|(name, _)| *name == "device_name"));
}
