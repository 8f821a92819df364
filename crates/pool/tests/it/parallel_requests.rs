//! The start of the rounds of `parallel`: a pool with users in every state, and requests of every kind.

use poolproof_cognito::ids::{AccessToken, ClientId, Session};
use poolproof_cognito::policy::{ClaimReuse, MfaMode, PoolPolicy, RememberMode, Switches, UsernameSettings};
use poolproof_cognito::protocol::{
    AccountRequest, AssociateSoftwareToken, AuthenticationResult, Challenge, ChallengeName, DeviceStatus,
    GroupRequest, MfaPreference, MfaPreferences, Parameters, ProfileRequest, Request, Response,
    SecretVerifierConfig, SetUserMfaPreference, VerifySoftwareToken, keys,
};
use poolproof_cognito::totp::{TotpSecret, step_at};
use poolproof_pool::{AppClient, CustomAuth, PasswordFlow, Pool, UserStatus};
use poolproof_srp::Group;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::accounts::{ask, set_password};
use crate::fixture::{
    CLIENT, PASSWORD, POOL, PoolFixture, TestDevice, a_verifier, challenge, confirm_device, initiate,
    respond, set_status,
};

/// The passwords that requests set.
pub(crate) const NEW_PASSWORDS: [&str; 4] =
    ["of-the-user-1", "of-the-user-2", "of-the-admin-1", "temporary-1"];

/// A [`Request`] or an [`AccountRequest`].
#[derive(Clone, Debug)]
pub(crate) enum AnyRequest {
    Pool(Request),
    Account(AccountRequest),
}

/// The variants of the start. Each bit of the number is a setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant(pub(crate) u32);

impl Variant {
    pub(crate) const COUNT: u32 = 64;

    const fn is(self, bit: u32) -> bool {
        self.0 >> bit & 1 == 1
    }
}

/// A pool with pending sign-ins and the requests that can come next. Equal variants give equal scenes.
pub(crate) struct Scene {
    pub(crate) fixture: PoolFixture,
    /// The requests by the user whom they are about.
    pub(crate) requests: Vec<(&'static str, AnyRequest)>,
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn named(name: &str) -> Parameters {
    Parameters::new().with(keys::USERNAME, name)
}

fn session(challenge: &Challenge) -> Option<&str> {
    challenge.session.as_ref().map(Session::as_str)
}

impl Scene {
    pub(crate) fn new(variant: Variant) -> Self {
        let client = AppClient {
            password_flow: PasswordFlow::WithDevices,
            admin_flow: true,
            choice_flow: true,
            custom_flow: true,
            prevents_user_existence_errors: variant.is(0),
            rotation: variant.is(1).then_some(std::time::Duration::ZERO),
            ..AppClient::public(ClientId::new(CLIENT))
        };
        let claims = if variant.is(2) { ClaimReuse::Once } else { ClaimReuse::Cognito };
        let policy = PoolPolicy {
            remember: RememberMode::Always,
            suppress_mfa: true,
            mfa: if variant.is(3) { MfaMode::On } else { MfaMode::Optional },
            switches: Switches { claims, ..Switches::DEFAULT },
            ..PoolPolicy::DEFAULT
        };
        let mut fixture = PoolFixture::with(policy, Group::toy(), client);
        fixture.replace_pool(|pool: Pool| {
            let usernames = UsernameSettings { email_alias: true, ..UsernameSettings::DEFAULT };
            pool.with_usernames(usernames).with_custom_auth(Some(CustomAuth::Endpoint)).with_change_log()
        });
        let mut scene = Self { fixture, requests: Vec::new() };
        let device = scene.add_users();
        scene.add_sign_ins(&device);
        scene.add_device_sign_ins(&device);
        scene.add_token_requests(&device);
        scene.add_other_users();
        scene.add_administrators();
        scene.add_new_users();
        scene.prepare(variant);
        scene
    }

    fn pool_request(&mut self, user: &'static str, request: Request) {
        self.requests.push((user, AnyRequest::Pool(request)));
    }

    fn account_request(&mut self, user: &'static str, request: AccountRequest) {
        self.requests.push((user, AnyRequest::Account(request)));
    }

    fn profile_request(&mut self, user: &'static str, request: ProfileRequest) {
        self.account_request(user, AccountRequest::Profile(request));
    }

    fn add_users(&mut self) -> TestDevice {
        let (device, known) = self.fixture.device(DeviceStatus::Remembered, true);
        self.fixture.add("ann", |account| {
            account.devices.push(known);
            account.email = Some("ann@example.org".to_owned());
            account.attributes.insert("email_verified".to_owned(), "true".to_owned());
        });
        self.fixture.add("bob", |account| account.user_status = UserStatus::ForceChangePassword);
        self.fixture.add_with_app("dora", |_| {});
        self.fixture.add("sam", |account| {
            account.phone = Some("+15550100".to_owned());
            account.sms_mfa = true;
        });
        for name in ["users", "others"] {
            let group = json!({ "UserPoolId": POOL, "GroupName": name });
            ask(&mut self.fixture, AccountRequest::Group(GroupRequest::CreateGroup(read(group)))).unwrap();
        }
        device
    }

    /// Adds requests about Ann's password: starts, claims, plain passwords, choices and custom challenges.
    fn add_sign_ins(&mut self, device: &TestDevice) {
        let fixture = &mut self.fixture;
        let (_, public_a) = fixture.draw_a();
        let start = initiate("USER_SRP_AUTH", named("ann").with(keys::SRP_A, public_a.to_hex()));
        let unknown = fixture.start_with(named("ann").with(keys::DEVICE_KEY, "us-east-1_unknown"));
        let exchange = fixture.start("ann");
        let right = fixture.claim(&exchange, PASSWORD);
        let claims = [
            right.clone(),
            right.with(keys::DEVICE_KEY, device.key.as_str()),
            fixture.claim(&exchange, "wrong"),
            fixture.claim(&unknown, PASSWORD),
        ];
        let mut requests = vec![start];
        requests.extend(claims.into_iter().map(|claim| respond("PASSWORD_VERIFIER", None, claim)));
        let choice =
            challenge(fixture.initiate("USER_AUTH", named("ann").with(keys::DEVICE_KEY, "us-east-1_x")));
        for password in [PASSWORD, "wrong", NEW_PASSWORDS[2]] {
            let plain = named("ann").with(keys::PASSWORD, password);
            requests.push(initiate("USER_PASSWORD_AUTH", plain.clone()));
            let chosen = plain.with(keys::ANSWER, "PASSWORD");
            requests.push(respond("SELECT_CHALLENGE", session(&choice), chosen.clone()));
            let chosen = chosen.with(keys::DEVICE_KEY, device.key.as_str());
            requests.push(respond("SELECT_CHALLENGE", session(&choice), chosen));
        }
        requests.push(initiate("CUSTOM_AUTH", named("ann")));
        let custom = initiate("CUSTOM_AUTH", named("ann").with(keys::DEVICE_KEY, "us-east-1_x"));
        let custom = challenge(crate::parallel::ask_any(&mut self.fixture, AnyRequest::Pool(custom)));
        for answer in ["right", "wrong"] {
            let answer = named("ann").with(keys::ANSWER, answer);
            requests.push(respond("CUSTOM_CHALLENGE", session(&custom), answer.clone()));
            let answer = answer.with(keys::DEVICE_KEY, device.key.as_str());
            requests.push(respond("CUSTOM_CHALLENGE", session(&custom), answer));
        }
        requests.into_iter().for_each(|request| self.pool_request("ann", request));
    }

    /// Adds the device steps of Ann's sign-ins, with and without sessions.
    fn add_device_sign_ins(&mut self, device: &TestDevice) {
        let fixture = &mut self.fixture;
        let mut turns = (0..3).map(|_| challenge(fixture.password("ann", PASSWORD, Some(&device.key))));
        let (first, second, third) = (turns.next().unwrap(), turns.next().unwrap(), turns.next().unwrap());
        drop(turns);
        assert_eq!(first.name, ChallengeName::DeviceSrpAuth);
        let (_, public_a) = fixture.draw_a();
        let start =
            named("ann").with(keys::DEVICE_KEY, device.key.as_str()).with(keys::SRP_A, public_a.to_hex());
        let mut requests = vec![
            respond("DEVICE_SRP_AUTH", session(&first), start.clone()),
            respond("DEVICE_SRP_AUTH", session(&third), start.clone()),
            respond("DEVICE_SRP_AUTH", None, start),
        ];
        for waiting in [session(&second).map(Session::new), None] {
            let proof = fixture.start_device("ann", waiting.as_ref(), device).unwrap();
            for secret in [device.secret.as_str(), "wrong"] {
                let claim = fixture.claim(&proof, secret);
                requests.push(respond("DEVICE_PASSWORD_VERIFIER", session(&proof.challenge), claim));
            }
        }
        requests.into_iter().for_each(|request| self.pool_request("ann", request));
    }

    /// Completes a sign-in with Ann's device.
    fn tokens_of_ann(&mut self, device: Option<&TestDevice>) -> AuthenticationResult {
        let asked = self.fixture.password("ann", PASSWORD, device.map(|device| &device.key));
        self.fixture.finish_sign_in("ann", device, asked).end.unwrap()
    }

    /// Adds what Ann can do with her tokens.
    fn add_token_requests(&mut self, device: &TestDevice) {
        let own = self.tokens_of_ann(Some(device));
        let access = own.access_token.as_str();
        let bearer = json!({ "AccessToken": access });
        let Ok(Response::Account(poolproof_cognito::protocol::AccountResponse::SecretCode(secret))) =
            ask(&mut self.fixture, AccountRequest::AssociateSoftwareToken(read(bearer.clone())))
        else {
            panic!("no secret")
        };
        let code = TotpSecret::from_base32(&secret).unwrap().code(step_at(self.fixture.harness.now));
        let change = |previous: &str, next: &str| {
            AccountRequest::ChangePassword(read(json!({
                "AccessToken": access, "PreviousPassword": previous, "ProposedPassword": next,
            })))
        };
        let app = MfaPreference { enabled: Some(true), preferred: None };
        let preferences = MfaPreferences { software_token: Some(app), ..MfaPreferences::default() };
        let preference = SetUserMfaPreference { access_token: access.to_owned(), preferences };
        for request in [
            change(PASSWORD, NEW_PASSWORDS[0]),
            change(PASSWORD, NEW_PASSWORDS[1]),
            change("wrong", NEW_PASSWORDS[0]),
            change(NEW_PASSWORDS[2], NEW_PASSWORDS[0]),
            AccountRequest::AssociateSoftwareToken(read(bearer.clone())),
            AccountRequest::VerifySoftwareToken(read(json!({ "AccessToken": access, "UserCode": code }))),
            AccountRequest::SetUserMfaPreference(preference),
        ] {
            self.account_request("ann", request);
        }
        let attribute = |value: &str| json!([{ "Name": "email", "Value": value }]);
        let update = json!({ "AccessToken": access, "UserAttributes": attribute("new@example.org") });
        let code = read(json!({ "AccessToken": access, "AttributeName": "email" }));
        let code = ProfileRequest::GetUserAttributeVerificationCode(code);
        ask(&mut self.fixture, AccountRequest::Profile(code)).unwrap();
        let code = crate::accounts::sent(&mut self.fixture).code;
        let verify =
            |code: &str| read(json!({ "AccessToken": access, "AttributeName": "email", "Code": code }));
        for request in [
            ProfileRequest::UpdateUserAttributes(read(update)),
            ProfileRequest::VerifyUserAttribute(verify(&code)),
            ProfileRequest::VerifyUserAttribute(verify("000000")),
            ProfileRequest::GetUserAttributeVerificationCode(read(
                json!({ "AccessToken": access, "AttributeName": "email" }),
            )),
            ProfileRequest::DeleteUserAttributes(read(
                json!({ "AccessToken": access, "UserAttributeNames": ["email"] }),
            )),
            ProfileRequest::DeleteUser(read(bearer)),
        ] {
            self.profile_request("ann", request);
        }
        self.add_device_and_refresh_requests(device, &own);
    }

    fn add_device_and_refresh_requests(&mut self, device: &TestDevice, own: &AuthenticationResult) {
        let access = own.access_token.as_str();
        let refresh = own.refresh_token.clone().unwrap();
        let key = device.key.as_str();
        let get = json!({ "RefreshToken": refresh, "ClientId": CLIENT, "DeviceKey": key });
        let mut requests = vec![
            Request::GlobalSignOut(read(json!({ "AccessToken": access }))),
            Request::GetTokensFromRefreshToken(read(get)),
            Request::RevokeToken(read(json!({ "Token": refresh, "ClientId": CLIENT }))),
            set_status(&AccessToken::new(access), &device.key, "not_remembered"),
            Request::ForgetDevice(read(json!({ "AccessToken": access, "DeviceKey": key }))),
            Request::AdminForgetDevice(read(
                json!({ "UserPoolId": POOL, "Username": "ann", "DeviceKey": key }),
            )),
        ];
        // With MFA on, a sign-in without a device asks for a factor.
        if self.fixture.harness.pool.policy().mfa != MfaMode::On {
            let unnamed = self.tokens_of_ann(None);
            let issued = unnamed.new_device.clone().unwrap().device_key;
            let config = SecretVerifierConfig { password_verifier: a_verifier(), salt: "AAAA".to_owned() };
            requests.push(confirm_device(&unnamed.access_token, &issued, config));
        }
        requests.into_iter().for_each(|request| self.pool_request("ann", request));
    }

    /// Adds a new password, second factors and the set-up of one.
    fn add_other_users(&mut self) {
        let fixture = &mut self.fixture;
        let asked = challenge(fixture.password("bob", PASSWORD, None));
        let news = NEW_PASSWORDS[..2].iter().map(|password| named("bob").with(keys::NEW_PASSWORD, *password));
        let mut requests: Vec<_> =
            news.map(|answer| ("bob", respond("NEW_PASSWORD_REQUIRED", session(&asked), answer))).collect();
        let asked = challenge(fixture.password("dora", PASSWORD, None));
        let code = fixture.next_app_code("dora");
        for code in [code.as_str(), "000000"] {
            let answer = named("dora").with(keys::SOFTWARE_TOKEN_MFA_CODE, code);
            requests.push(("dora", respond("SOFTWARE_TOKEN_MFA", session(&asked), answer)));
        }
        let asked = challenge(fixture.password("sam", PASSWORD, None));
        let code = fixture.delivered("sam");
        for code in [code.as_str(), "000000"] {
            let answer = named("sam").with(keys::SMS_MFA_CODE, code);
            requests.push(("sam", respond("SMS_MFA", session(&asked), answer)));
        }
        if fixture.harness.pool.policy().mfa == MfaMode::On {
            for done in [false, true] {
                let asked = challenge(fixture.password("ann", PASSWORD, None));
                let waiting = asked.session.map(|session| session.as_str().to_owned());
                let associate = Request::AssociateSoftwareToken(AssociateSoftwareToken { session: waiting });
                if !done {
                    requests.push(("ann", associate));
                    continue;
                }
                let Ok(Response::SecretCode { secret_code, session }) = fixture.ask(associate) else {
                    panic!("no secret")
                };
                let session = Some(session.as_str().to_owned());
                let code = TotpSecret::from_base32(&secret_code).unwrap().code(step_at(fixture.harness.now));
                let (user_code, friendly_device_name) = (code, None);
                let verify =
                    VerifySoftwareToken { session: session.clone(), user_code, friendly_device_name };
                requests.push(("ann", Request::VerifySoftwareToken(verify)));
                let again = AssociateSoftwareToken { session };
                requests.push(("ann", Request::AssociateSoftwareToken(again)));
            }
        }
        requests.into_iter().for_each(|(user, request)| self.pool_request(user, request));
    }

    /// Adds what administrators do to each user.
    fn add_administrators(&mut self) {
        for user in ["ann", "bob", "dora"] {
            let call = || read(json!({ "UserPoolId": POOL, "Username": user }));
            let membership = || json!({ "UserPoolId": POOL, "Username": user, "GroupName": "users" });
            for request in [
                set_password(user, NEW_PASSWORDS[2], true),
                set_password(user, NEW_PASSWORDS[0], true),
                set_password(user, NEW_PASSWORDS[3], false),
                AccountRequest::AdminDeleteUser(call()),
                AccountRequest::AdminDisableUser(call()),
                AccountRequest::AdminEnableUser(call()),
                AccountRequest::AdminUserGlobalSignOut(call()),
                AccountRequest::Profile(ProfileRequest::AdminResetUserPassword(read(
                    json!({ "UserPoolId": POOL, "Username": user }),
                ))),
                AccountRequest::Group(GroupRequest::AdminAddUserToGroup(read(membership()))),
                AccountRequest::Group(GroupRequest::AdminRemoveUserFromGroup(read(membership()))),
            ] {
                self.account_request(user, request);
            }
        }
        for name in ["users", "more"] {
            let group = || json!({ "UserPoolId": POOL, "GroupName": name });
            self.account_request("ann", AccountRequest::Group(GroupRequest::CreateGroup(read(group()))));
            self.account_request("ann", AccountRequest::Group(GroupRequest::DeleteGroup(read(group()))));
        }
    }

    /// Adds sign-ups, invitations and recoveries.
    fn add_new_users(&mut self) {
        let email = |address: &str| json!([{ "Name": "email", "Value": address }]);
        let sign_up = |name: &str| {
            AccountRequest::SignUp(read(json!({
                "ClientId": CLIENT, "Username": name, "Password": NEW_PASSWORDS[0],
                "UserAttributes": email("ben@example.org"),
            })))
        };
        let create = |name: &str, action: Option<&str>| {
            AccountRequest::AdminCreateUser(read(json!({
                "UserPoolId": POOL, "Username": name, "TemporaryPassword": NEW_PASSWORDS[3],
                "MessageAction": action, "UserAttributes": email("ben@example.org"),
            })))
        };
        ask(&mut self.fixture, sign_up("carl")).unwrap();
        let code = self.fixture.delivered("carl");
        let forgot = json!({ "ClientId": CLIENT, "Username": "ann" });
        let forgot = ProfileRequest::ForgotPassword(read(forgot));
        ask(&mut self.fixture, AccountRequest::Profile(forgot.clone())).unwrap();
        let reset = self.fixture.delivered("ann");
        self.profile_request("ann", forgot);
        for (code, password) in [
            (reset.as_str(), NEW_PASSWORDS[0]),
            (reset.as_str(), NEW_PASSWORDS[1]),
            ("000000", NEW_PASSWORDS[1]),
        ] {
            let recover = json!({
                "ClientId": CLIENT, "Username": "ann", "ConfirmationCode": code, "Password": password,
            });
            self.profile_request("ann", ProfileRequest::ConfirmForgotPassword(read(recover)));
        }
        self.account_request("bob", create("bob", Some("RESEND")));
        self.account_request("new", sign_up("nina"));
        self.account_request("new", create("nina", None));
        self.account_request("new", create("otto", None));
        self.account_request("ann", sign_up("ann"));
        let carl = || json!({ "UserPoolId": POOL, "Username": "carl" });
        self.account_request("new", AccountRequest::AdminConfirmSignUp(read(carl())));
        self.account_request("new", AccountRequest::AdminDeleteUser(read(carl())));
        self.account_request("new", sign_up("carl"));
        let again = json!({ "ClientId": CLIENT, "Username": "carl" });
        self.profile_request("new", ProfileRequest::ResendConfirmationCode(read(again)));
        for code in [code.as_str(), "000000"] {
            let confirm = json!({ "ClientId": CLIENT, "Username": "carl", "ConfirmationCode": code });
            self.account_request("new", AccountRequest::ConfirmSignUp(read(confirm)));
        }
    }

    /// Counts failures of Ann and changes of her password, so that one more reaches a limit.
    fn prepare(&mut self, variant: Variant) {
        let plain = named("ann").with(keys::PASSWORD, "wrong");
        for _ in 0..if variant.is(4) { 4 } else { 0 } {
            self.fixture.initiate("USER_PASSWORD_AUTH", plain.clone()).unwrap_err();
        }
        let change = self.requests.iter().find_map(|(_, request)| match request {
            AnyRequest::Account(request @ AccountRequest::ChangePassword(_)) => Some(request.clone()),
            _ => None,
        });
        for _ in 0..if variant.is(5) { 4 } else { 0 } {
            let Some(AccountRequest::ChangePassword(mut change)) = change.clone() else { break };
            change.previous_password = Some("wrong".to_owned());
            ask(&mut self.fixture, AccountRequest::ChangePassword(change)).unwrap_err();
        }
        self.fixture.harness.pool.take_deliveries();
    }
}

#[test]
fn every_variant_has_its_requests() {
    for variant in (0..Variant::COUNT).map(Variant) {
        let scene = Scene::new(variant);
        assert!(scene.requests.len() > 100, "{variant:?}: {}", scene.requests.len());
    }
}
