//! A pool for tests, users whose secrets are known, and sign-ins that a test can stop at any step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use data_encoding::BASE64;
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::ids::{ClientId, DeviceGroupKey, DeviceKey, PoolId, Session, Sub, Username};
use poolproof_cognito::policy::{MfaMode, PoolPolicy, RememberMode, UsernameSettings};
use poolproof_cognito::protocol::{
    AdminDeviceCall, AdminListDevices, ApiError, AuthOutcome, AuthenticationResult, Challenge, ChallengeName,
    DeviceDescription, DeviceStatus, NewDeviceMetadata, Parameters, Reply, Request, Response,
    SecretVerifierConfig, keys,
};
use poolproof_cognito::seed::{Rng, Seed};
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::{STEP_S, TotpSecret, step_at};
use poolproof_pool::{
    AppClient, CustomAuth, Harness, NewAccount, NewDevice, Pending, Pool, PoolIdentity, Step,
};
use poolproof_srp::{
    ClaimTimestamp, DeviceSecret, Ephemeral, Group, Identity, Job, JobResult, PublicA, PublicB, Salt,
    SessionKey, Verifier,
};

pub(crate) use crate::requests::{
    BAD_SESSION, CLIENT, INCORRECT, LATE_SESSION, LOCKED, NO_SUCH_DEVICE, PASSWORD, POOL, USED_SESSION,
    WRONG_CODE, call, challenge, confirm_device, initiate, parameter, refusal, respond, secret_hash,
    set_status, tokens,
};

/// Returns a device verifier that the pool accepts.
pub(crate) fn a_verifier() -> String {
    Verifier::draw(Group::toy(), &mut Seed::new(3).rng("verifier", 0)).to_base64()
}

/// Gives an account the verified address `ann@example.org`, an alias where the pool allows it.
pub(crate) fn with_email_alias(account: &mut NewAccount) {
    account.email = Some("ann@example.org".to_owned());
    account.attributes.insert("email_verified".to_owned(), "true".to_owned());
}

/// Returns a policy with these settings for devices and MFA.
pub(crate) fn policy(remember: RememberMode, suppress_mfa: bool, mfa: MfaMode) -> PoolPolicy {
    PoolPolicy { remember, suppress_mfa, mfa, ..PoolPolicy::DEFAULT }
}

pub(crate) struct PoolFixture {
    pub(crate) harness: Harness,
    pub(crate) group: Group,
    pub(crate) rng: Rng,
    user_count: u64,
    apps: BTreeMap<String, TotpSecret>,
    /// Time steps of the apps whose code was used.
    used_app_steps: BTreeSet<(String, u64)>,
}

/// A device with its secret.
#[derive(Clone, Debug)]
pub(crate) struct TestDevice {
    pub(crate) key: DeviceKey,
    pub(crate) group_key: DeviceGroupKey,
    pub(crate) secret: String,
}

/// An SRP exchange after the pool's challenge, for a password or a device.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    a: Ephemeral,
    public_a: PublicA,
    pub(crate) challenge: Challenge,
    pub(crate) identity: Identity,
}

/// The challenges of a sign-in and its outcome.
pub(crate) struct SignInResult {
    pub(crate) asked: Vec<ChallengeName>,
    pub(crate) end: Result<AuthenticationResult, ApiError>,
}

impl SignInResult {
    /// Returns the challenges, followed by `tokens`, `tokens +N` with the key of a new device, or the
    /// refusal.
    pub(crate) fn path(&self) -> String {
        let asked = self.asked.iter().map(|name| format!("{name} "));
        let end = match &self.end {
            Ok(tokens) if tokens.new_device.is_some() => "tokens +N".to_owned(),
            Ok(_) => "tokens".to_owned(),
            Err(error) => error.to_string(),
        };
        asked.collect::<String>() + &end
    }
}

impl PoolFixture {
    /// Returns a pool of the toy group with a public client.
    pub(crate) fn new(policy: PoolPolicy) -> Self {
        Self::with(policy, Group::toy(), AppClient::public(ClientId::new(CLIENT)))
    }

    pub(crate) fn with(policy: PoolPolicy, group: Group, client: AppClient) -> Self {
        Self::seeded(policy, group, client, 11)
    }

    /// Returns a pool whose random values follow from another seed, like a pool after a restart without
    /// state.
    pub(crate) fn seeded(policy: PoolPolicy, group: Group, client: AppClient, seed: u64) -> Self {
        let identity = PoolIdentity { pool_id: PoolId::new(POOL), client_id: ClientId::new(CLIENT), group };
        let pool = Pool::new(identity, policy, Seed::new(seed).rng("pool", 0)).with_client(client);
        Self {
            harness: Harness::new(pool),
            group,
            rng: Seed::new(11).rng("people", 0),
            user_count: 0,
            apps: BTreeMap::new(),
            used_app_steps: BTreeSet::new(),
        }
    }

    /// Makes verified e-mail addresses aliases. Call this before you add users.
    pub(crate) fn allow_email_alias(&mut self) {
        let usernames = UsernameSettings { email_alias: true, ..UsernameSettings::DEFAULT };
        self.replace_pool(|pool| pool.with_usernames(usernames));
    }

    pub(crate) fn replace_pool(&mut self, change: impl FnOnce(Pool) -> Pool) {
        let identity = self.harness.pool.identity().clone();
        let unused = Pool::new(identity, PoolPolicy::DEFAULT, Seed::new(0).rng("unused", 0));
        let pool = std::mem::replace(&mut self.harness.pool, unused);
        self.harness.pool = change(pool);
    }

    /// Sets the address lists of the pool.
    pub(crate) fn exceptions(&mut self, exceptions: RiskExceptions) {
        self.replace_pool(|pool| pool.with_exceptions(exceptions));
    }

    /// Gives the pool custom challenges.
    pub(crate) fn custom_auth(&mut self, custom_auth: CustomAuth) {
        self.replace_pool(|pool| pool.with_custom_auth(Some(custom_auth)));
    }

    /// Signs in from an address on no list, which resets the failure count.
    pub(crate) fn sign_in_from_unlisted_address(&mut self, name: &str) {
        let address = self.harness.origin.address.take();
        self.sign_in(name);
        self.harness.origin.address = address;
    }

    /// Returns a pool with one user, `ann`, who has only a password.
    pub(crate) fn of_ann(policy: PoolPolicy) -> Self {
        let mut fixture = Self::new(policy);
        fixture.add("ann", |_| {});
        fixture
    }

    /// Adds a user with [`PASSWORD`] and the changes of `configure`.
    pub(crate) fn add(&mut self, name: &str, configure: impl FnOnce(&mut NewAccount)) {
        self.user_count += 1;
        let sub = Sub::new(format!("00000000-0000-4000-8000-{:012x}", self.user_count));
        let salt = Salt::draw(&mut self.rng);
        let identity = Identity::user(PoolId::new(POOL).name(), name);
        let verifier = self.verifier(&salt, identity, PASSWORD);
        let mut account = NewAccount::new(Username::new(name), sub, salt, verifier);
        configure(&mut account);
        if let Some(secret) = &account.totp {
            self.apps.insert(name.to_owned(), secret.clone());
        }
        self.harness.pool.add_account(account).unwrap();
    }

    /// Adds a user with an authenticator app.
    pub(crate) fn add_with_app(&mut self, name: &str, configure: impl FnOnce(&mut NewAccount)) {
        let secret = TotpSecret::draw(&mut self.rng);
        self.add(name, |account| {
            account.totp = Some(secret);
            configure(account);
        });
    }

    /// Returns a device and the form in which an account receives it.
    pub(crate) fn device(&mut self, status: DeviceStatus, mfa_bound: bool) -> (TestDevice, NewDevice) {
        self.user_count += 1;
        let key = DeviceKey::new(format!("us-east-1_00000000-0000-4000-8000-{:012x}", self.user_count));
        let metadata = NewDeviceMetadata {
            device_key: key,
            device_group_key: DeviceGroupKey::new(format!("-Grp{:05}", self.user_count)),
        };
        let salt = Salt::draw(&mut self.rng);
        let (phone, verifier) = self.phone(&metadata, &salt);
        let (device_key, device_group_key) = (phone.key.clone(), phone.group_key.clone());
        (phone, NewDevice { device_key, device_group_key, salt, verifier, status, mfa_bound })
    }

    /// Returns a device with these keys and the verifier of its secret.
    fn phone(&mut self, metadata: &NewDeviceMetadata, salt: &Salt) -> (TestDevice, Verifier) {
        let NewDeviceMetadata { device_key: key, device_group_key: group_key } = metadata.clone();
        let secret = DeviceSecret::draw(&mut self.rng).as_str().to_owned();
        let verifier = self.verifier(salt, Identity::device(group_key.as_str(), key.as_str()), &secret);
        (TestDevice { key, group_key, secret }, verifier)
    }

    fn verifier(&self, salt: &Salt, identity: Identity, password: &str) -> Verifier {
        let (salt, password) = (salt.clone(), password.to_owned());
        let job = Job::Verifier { group: self.group, salt, identity, password };
        let JobResult::Verifier(verifier) = job.run() else { panic!("no verifier") };
        verifier
    }

    pub(crate) fn advance_clock(&mut self, seconds: u64) {
        self.harness.now = self.harness.now.plus(Duration::from_secs(seconds));
    }

    pub(crate) fn ask(&mut self, request: Request) -> Reply {
        let reply = self.harness.ask(request);
        self.check_memory();
        reply
    }

    /// Checks that the running count of the pool's memory is right.
    pub(crate) fn check_memory(&mut self) {
        let pool = &mut self.harness.pool;
        assert_eq!(pool.memory_use(), pool.recounted_memory_use());
    }

    /// Sends `InitiateAuth` with these parameters.
    pub(crate) fn initiate(&mut self, flow: &str, parameters: Parameters) -> Reply {
        self.ask(initiate(flow, parameters))
    }

    /// Sends `RespondToAuthChallenge` with these answers.
    pub(crate) fn answer(
        &mut self,
        name: ChallengeName,
        session: Option<&Session>,
        answers: Parameters,
    ) -> Reply {
        self.ask(respond(name.as_str(), session.map(Session::as_str), answers))
    }

    /// Returns a private and a public client value.
    pub(crate) fn draw_a(&mut self) -> (Ephemeral, PublicA) {
        let a = Ephemeral::draw(256, &mut self.rng);
        let job = Job::ClientPublic { group: self.group, a: a.clone() };
        let JobResult::PublicA { public_a, .. } = job.run() else { panic!("no A") };
        (a, public_a)
    }

    /// Starts an exchange for a password.
    pub(crate) fn start(&mut self, name: &str) -> Exchange {
        self.start_with(Parameters::new().with(keys::USERNAME, name))
    }

    pub(crate) fn start_with(&mut self, parameters: Parameters) -> Exchange {
        self.start_flow(|fixture, public_a| {
            fixture.initiate("USER_SRP_AUTH", parameters.with(keys::SRP_A, public_a))
        })
    }

    /// Starts an exchange about a password with a request that sends this `SRP_A`.
    pub(crate) fn start_flow(&mut self, begin: impl FnOnce(&mut Self, String) -> Reply) -> Exchange {
        let (a, public_a) = self.draw_a();
        let challenge = challenge(begin(self, public_a.to_hex()));
        assert_eq!(challenge.name, ChallengeName::PasswordVerifier);
        let identity = Identity::user(PoolId::new(POOL).name(), parameter(&challenge, keys::USER_ID_FOR_SRP));
        Exchange { a, public_a, challenge, identity }
    }

    /// Starts an exchange for a device.
    pub(crate) fn start_device(
        &mut self,
        name: &str,
        session: Option<&Session>,
        phone: &TestDevice,
    ) -> Result<Exchange, ApiError> {
        let (a, public_a) = self.draw_a();
        let answers = Parameters::new()
            .with(keys::USERNAME, name)
            .with(keys::DEVICE_KEY, phone.key.as_str())
            .with(keys::SRP_A, public_a.to_hex());
        let reply = self.answer(ChallengeName::DeviceSrpAuth, session, answers)?;
        let challenge = challenge(Ok(reply));
        assert_eq!(challenge.name, ChallengeName::DevicePasswordVerifier);
        Ok(Exchange {
            a,
            public_a,
            challenge,
            identity: Identity::device(phone.group_key.as_str(), phone.key.as_str()),
        })
    }

    /// Returns the session key that a client with this secret computes.
    pub(crate) fn key(&self, exchange: &Exchange, secret: &str) -> SessionKey {
        let job = Job::ClientKey {
            group: self.group,
            a: exchange.a.clone(),
            public_a: exchange.public_a.clone(),
            public_b: PublicB::parse_hex(self.group, parameter(&exchange.challenge, keys::SRP_B)).unwrap(),
            salt: Salt::from_hex(parameter(&exchange.challenge, keys::SALT)).unwrap(),
            identity: exchange.identity.clone(),
            password: secret.to_owned(),
        };
        let JobResult::SessionKey(key) = job.run() else { panic!("no key") };
        key
    }

    /// Returns the claim of a client with this secret.
    pub(crate) fn claim(&self, exchange: &Exchange, secret: &str) -> Parameters {
        let timestamp = ClaimTimestamp::format(self.harness.now.as_secs());
        self.claim_at(exchange, secret, &timestamp, &timestamp)
    }

    /// Returns a claim that contains one timestamp and signs another.
    pub(crate) fn claim_at(&self, exchange: &Exchange, secret: &str, says: &str, signs: &str) -> Parameters {
        let block = parameter(&exchange.challenge, keys::SECRET_BLOCK);
        let bytes = BASE64.decode(block.as_bytes()).unwrap();
        let signature = self.key(exchange, secret).sign(&exchange.identity, &bytes, signs);
        let claim = Parameters::new()
            .with(keys::USERNAME, parameter(&exchange.challenge, keys::USERNAME))
            .with(keys::PASSWORD_CLAIM_SECRET_BLOCK, block)
            .with(keys::PASSWORD_CLAIM_SIGNATURE, signature.to_base64())
            .with(keys::TIMESTAMP, says);
        match exchange.challenge.parameters.value(keys::DEVICE_KEY) {
            Some(key) => claim.with(keys::DEVICE_KEY, key),
            None => claim,
        }
    }

    /// Sends the claim of a client with this secret.
    pub(crate) fn prove(&mut self, exchange: &Exchange, secret: &str) -> Reply {
        let claim = self.claim(exchange, secret);
        self.send_claim(exchange, claim)
    }

    /// Sends this claim as the answer to the challenge.
    pub(crate) fn send_claim(&mut self, exchange: &Exchange, claim: Parameters) -> Reply {
        self.answer(exchange.challenge.name, exchange.challenge.session.as_ref(), claim)
    }

    /// Starts a sign-in and proves a password, with or without a device key.
    pub(crate) fn password(&mut self, name: &str, password: &str, device: Option<&DeviceKey>) -> Reply {
        let exchange = self.start(name);
        let mut claim = self.claim(&exchange, password);
        if let Some(key) = device {
            claim = claim.with(keys::DEVICE_KEY, key.as_str());
        }
        self.send_claim(&exchange, claim)
    }

    /// Completes a sign-in with correct answers.
    pub(crate) fn run_sign_in(&mut self, name: &str, phone: Option<&TestDevice>) -> SignInResult {
        let reply = self.password(name, PASSWORD, phone.map(|phone| &phone.key));
        self.finish_sign_in(name, phone, reply)
    }

    /// Completes a sign-in with correct answers and returns its path.
    pub(crate) fn sign_in_path(&mut self, name: &str, phone: Option<&TestDevice>) -> String {
        self.run_sign_in(name, phone).path()
    }

    /// Completes a sign-in that must succeed.
    pub(crate) fn sign_in(&mut self, name: &str) -> AuthenticationResult {
        self.run_sign_in(name, None).end.unwrap()
    }

    /// Completes the rest of a sign-in with correct answers.
    pub(crate) fn finish_sign_in(
        &mut self,
        name: &str,
        phone: Option<&TestDevice>,
        reply: Reply,
    ) -> SignInResult {
        let mut asked = Vec::new();
        let mut reply = reply;
        loop {
            let challenge = match reply {
                Err(error) => return SignInResult { asked, end: Err(error) },
                Ok(Response::Auth(AuthOutcome::Tokens(tokens))) => {
                    return SignInResult { asked, end: Ok(tokens) };
                }
                Ok(Response::Auth(AuthOutcome::Challenge(challenge))) => challenge,
                Ok(other) => panic!("{other:?}"),
            };
            asked.push(challenge.name);
            reply = self.answer_correctly(name, phone, &challenge);
        }
    }

    fn answer_correctly(&mut self, name: &str, phone: Option<&TestDevice>, challenge: &Challenge) -> Reply {
        let session = challenge.session.as_ref();
        // After an MFA the device key of its answer counts.
        let says = |key: &str, value: &str| {
            let answers = Parameters::new().with(keys::USERNAME, name).with(key, value);
            phone.map_or_else(
                || answers.clone(),
                |phone| answers.clone().with(keys::DEVICE_KEY, phone.key.as_str()),
            )
        };
        match challenge.name {
            ChallengeName::SmsMfa => {
                let code = self.delivered(name);
                self.answer(challenge.name, session, says(keys::SMS_MFA_CODE, &code))
            }
            ChallengeName::EmailOtp => {
                let code = self.delivered(name);
                self.answer(challenge.name, session, says(keys::EMAIL_OTP_CODE, &code))
            }
            ChallengeName::SoftwareTokenMfa => {
                let code = self.next_app_code(name);
                self.answer(challenge.name, session, says(keys::SOFTWARE_TOKEN_MFA_CODE, &code))
            }
            ChallengeName::SelectMfaType => {
                self.answer(challenge.name, session, says(keys::ANSWER, "SOFTWARE_TOKEN_MFA"))
            }
            ChallengeName::DeviceSrpAuth => {
                let phone = phone.unwrap();
                let exchange = self.start_device(name, session, phone)?;
                self.prove(&exchange, &phone.secret)
            }
            other => panic!("{other}"),
        }
    }

    /// Returns the last code that was sent to the user.
    pub(crate) fn delivered(&self, name: &str) -> String {
        self.harness.pool.delivered_code(&Username::new(name)).unwrap()
    }

    /// Returns an unused code of the user's app. Advances the clock if necessary.
    pub(crate) fn next_app_code(&mut self, name: &str) -> String {
        while !self.used_app_steps.insert((name.to_owned(), step_at(self.harness.now))) {
            self.advance_clock(STEP_S);
        }
        self.app_code(name, self.harness.now)
    }

    /// Returns the code that the user's app shows at this time, if the user has an app.
    pub(crate) fn app_code_if_any(&self, name: &str, now: Timestamp) -> Option<String> {
        self.apps.get(name).map(|secret| secret.code(step_at(now)))
    }

    /// Returns the code that the user's app shows at this time.
    pub(crate) fn app_code(&self, name: &str, now: Timestamp) -> String {
        self.app_code_if_any(name, now).unwrap()
    }

    /// Confirms the new device of these tokens.
    pub(crate) fn confirm(&mut self, tokens: &AuthenticationResult) -> (TestDevice, bool) {
        let metadata = tokens.new_device.clone().unwrap();
        let salt = Salt::draw(&mut self.rng);
        let (phone, verifier) = self.phone(&metadata, &salt);
        let config = SecretVerifierConfig { password_verifier: verifier.to_base64(), salt: salt.to_base64() };
        let reply = self.ask(confirm_device(&tokens.access_token, &phone.key, config));
        let Ok(Response::DeviceConfirmed { user_confirmation_necessary }) = reply else {
            panic!("{reply:?}")
        };
        (phone, user_confirmation_necessary)
    }

    /// Returns all devices of a user as administrators see them.
    pub(crate) fn all_devices(&mut self, name: &str) -> Vec<DeviceDescription> {
        let (user_pool_id, username) = (POOL.to_owned(), name.to_owned());
        let request = AdminListDevices { user_pool_id, username, ..AdminListDevices::default() };
        match self.ask(Request::AdminListDevices(request)) {
            Ok(Response::Devices { devices, .. }) => devices,
            other => panic!("{other:?}"),
        }
    }

    /// Removes a device as an administrator.
    pub(crate) fn forget(&mut self, name: &str, phone: &TestDevice) {
        let (user_pool_id, username) = (POOL.to_owned(), name.to_owned());
        let device_key = phone.key.as_str().to_owned();
        let request = AdminDeviceCall { user_pool_id, username, device_key };
        assert_eq!(self.ask(Request::AdminForgetDevice(request)), Ok(Response::Empty));
    }
}

/// Starts a request and computes its job, without passing the result to the pool.
pub(crate) fn begin(fixture: &mut PoolFixture, request: Request) -> (JobResult, Pending) {
    let (now, origin) = (fixture.harness.now, fixture.harness.origin);
    match fixture.harness.pool.handle(now, origin, request) {
        Step::Compute(job, pending) => (Job::run(job), pending),
        Step::Reply(reply) => panic!("{reply:?}"),
        Step::Sign(signing) => panic!("{signing:?}"),
        Step::Trigger(call, _) => panic!("{call:?}"),
    }
}

/// Passes the result to the pool.
pub(crate) fn finish(fixture: &mut PoolFixture, (done, pending): (JobResult, Pending)) -> Reply {
    match fixture.harness.pool.resume(fixture.harness.now, pending, done) {
        Step::Reply(reply) => reply,
        Step::Compute(..) | Step::Sign(_) | Step::Trigger(..) => panic!("more arithmetic"),
    }
}
