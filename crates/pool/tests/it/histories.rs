//! Random histories: the pool answers every request, gives nothing to a client without a proof, and advances
//! a sign-in at most once per answer.

use poolproof_cognito::ids::{ClientId, Session};
use poolproof_cognito::policy::{ClaimReuse, Lockout, MfaMode, PoolPolicy, RememberMode, Switches};
use poolproof_cognito::protocol::{
    AdminDeviceCall, AssociateSoftwareToken, AuthOutcome, ChallengeName, DeviceCall, DeviceStatus,
    GetTokensFromRefreshToken, GlobalSignOut, InitiateAuth, ListDevices, Parameters, Reply, Request,
    RespondToAuthChallenge, Response, RevokeToken, SecretVerifierConfig, UpdateDeviceStatus,
    VerifySoftwareToken, keys,
};
use poolproof_pool::{AppClient, NewAccount, PasswordFlow};
use poolproof_srp::Group;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::fixture::{
    CLIENT, Exchange, INCORRECT, PASSWORD, PoolFixture, TestDevice, challenge, parameter, policy, refusal,
    respond, tokens,
};

/// Words that an attacker has. All values that the pool has sent to any client are added.
const WORDS: [&str; 14] = [
    "",
    "ann",
    "bob",
    "ANN",
    "5",
    "0",
    "AA==",
    "00000",
    "remembered",
    "SMS_MFA",
    "us-east-1_0",
    "Thu Jan 1 00:00:00 UTC 2026",
    "\0",
    "é\u{202e}",
];

const KEYS: [&str; 14] = [
    keys::USERNAME,
    keys::SRP_A,
    keys::DEVICE_KEY,
    keys::PASSWORD_CLAIM_SECRET_BLOCK,
    keys::PASSWORD_CLAIM_SIGNATURE,
    keys::TIMESTAMP,
    keys::SMS_MFA_CODE,
    keys::SOFTWARE_TOKEN_MFA_CODE,
    keys::EMAIL_OTP_CODE,
    keys::PASSWORD,
    keys::NEW_PASSWORD,
    keys::SECRET_HASH,
    keys::REFRESH_TOKEN,
    keys::ANSWER,
];

/// A request of an attacker: the operation, the words and their changes.
#[derive(Clone, Debug)]
struct RandomRequest {
    what: u8,
    words: [u16; 14],
    bent: u8,
    absent: u16,
}

fn random_request() -> impl Strategy<Value = RandomRequest> {
    (any::<u8>(), any::<[u16; 14]>(), any::<u8>(), any::<u16>())
        .prop_map(|(what, words, bent, absent)| RandomRequest { what, words, bent, absent })
}

impl RandomRequest {
    fn word(&self, at: usize, overheard: &[String]) -> String {
        // The newest words are the most interesting ones.
        let pick = usize::from(self.words[at]) % (WORDS.len() + overheard.len());
        let word =
            overheard.get(pick).map_or_else(|| WORDS[(pick - overheard.len()) % WORDS.len()], String::as_str);
        if self.bent != u8::try_from(at).unwrap_or_default() {
            return word.to_owned();
        }
        match self.words[at] % 5 {
            0 => word.chars().rev().collect(),
            1 => word.chars().skip(1).collect(),
            2 => word.repeat(3),
            3 => word.to_uppercase(),
            _ => format!("{word} "),
        }
    }

    fn parameters(&self, overheard: &[String]) -> Parameters {
        let there = |at: &usize| self.absent & (1 << at) == 0 || self.absent & 1 == 0;
        (0..KEYS.len())
            .filter(there)
            .fold(Parameters::new(), |parameters, at| parameters.with(KEYS[at], self.word(at, overheard)))
    }

    fn request(&self, overheard: &[String]) -> Request {
        let word = |at: usize| self.word(at, overheard);
        let maybe = |at: usize| (self.absent & (1 << at) == 0).then(|| self.word(at, overheard));
        let (access_token, device_key) = (word(0), word(1));
        match self.what % 24 {
            0..=3 => Request::InitiateAuth(InitiateAuth {
                client_id: CLIENT.to_owned(),
                auth_flow: ["USER_SRP_AUTH", "USER_PASSWORD_AUTH", "REFRESH_TOKEN_AUTH", "CUSTOM_AUTH"]
                    [usize::from(self.what % 4)]
                .to_owned(),
                auth_parameters: self.parameters(overheard),
            }),
            4..=14 => Request::RespondToAuthChallenge(RespondToAuthChallenge {
                client_id: CLIENT.to_owned(),
                challenge_name: ChallengeName::ALL[usize::from(self.what) % ChallengeName::ALL.len()]
                    .as_str()
                    .to_owned(),
                session: maybe(2),
                challenge_responses: self.parameters(overheard),
                client_metadata: Parameters::new(),
            }),
            15 => Request::AssociateSoftwareToken(AssociateSoftwareToken { session: maybe(2) }),
            16 => Request::VerifySoftwareToken(VerifySoftwareToken {
                session: maybe(2),
                user_code: word(3),
                friendly_device_name: None,
            }),
            17 => Request::ConfirmDevice(poolproof_cognito::protocol::ConfirmDevice {
                access_token,
                device_key,
                device_name: maybe(2),
                secret_verifier: Some(SecretVerifierConfig { password_verifier: word(3), salt: word(4) }),
            }),
            18 => {
                Request::UpdateDeviceStatus(UpdateDeviceStatus { access_token, device_key, status: maybe(4) })
            }
            19 => Request::GetDevice(DeviceCall { access_token, device_key }),
            20 => Request::ListDevices(ListDevices { access_token, limit: None, pagination_token: maybe(3) }),
            21 => Request::GlobalSignOut(GlobalSignOut { access_token }),
            22 => Request::RevokeToken(RevokeToken {
                token: access_token,
                client_id: CLIENT.to_owned(),
                client_secret: maybe(3),
            }),
            _ => Request::GetTokensFromRefreshToken(GetTokensFromRefreshToken {
                refresh_token: access_token,
                client_id: CLIENT.to_owned(),
                client_secret: None,
                device_key: maybe(1),
            }),
        }
    }
}

fn has_tokens(reply: &Reply) -> bool {
    matches!(reply, Ok(Response::Auth(AuthOutcome::Tokens(_)) | Response::SoftwareTokenVerified { .. }))
}

/// Collects all values of a challenge.
fn collect_secrets(reply: &Reply, overheard: &mut Vec<String>) {
    if let Ok(Response::Auth(AuthOutcome::Challenge(challenge))) = reply {
        overheard.extend(challenge.parameters.iter().map(|(_, value)| value.to_owned()));
        overheard.extend(challenge.session.as_ref().map(|session| session.as_str().to_owned()));
        // Old words are removed, so that new ones are used.
        let old = overheard.len().saturating_sub(40);
        overheard.drain(..old);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_requests_are_answered_without_secrets(
        shots in vec(random_request(), 1..120), prevents_user_existence_errors: bool, suppress: bool,
    ) {
        let id = ClientId::new(CLIENT);
        let client =
            AppClient { prevents_user_existence_errors, password_flow: PasswordFlow::WithDevices, ..AppClient::public(id) };
        let policy = policy(RememberMode::Always, suppress, MfaMode::Optional);
        let policy = PoolPolicy { lockout: Lockout::Off, ..policy };
        let mut fixture = PoolFixture::with(policy, Group::toy(), client);
        let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
        fixture.add_with_app("ann", |account| account.devices.push(known));
        fixture.add("bob", |account| {
            account.phone = Some("+15551234567".to_owned());
            account.sms_mfa = true;
        });
        let mut overheard = vec![phone.key.as_str().to_owned()];
        for random_request in shots {
            // Users sign in correctly. The attacker sees the replies but not the secrets.
            let honest = match random_request.what % 7 {
                0 => fixture.password("ann", PASSWORD, Some(&phone.key)),
                1 => fixture.password("bob", PASSWORD, None),
                _ => {
                    let request = random_request.request(&overheard);
                    let reply = fixture.ask(request.clone());
                    prop_assert!(!has_tokens(&reply), "{request:?}");
                    reply
                }
            };
            collect_secrets(&honest, &mut overheard);
            if random_request.absent % 16 == 3 {
                fixture.advance_clock(u64::from(random_request.absent) % 200);
            }
        }
        // All devices still exist and no user is locked out.
        let expected = if suppress { "DEVICE_SRP_AUTH tokens" } else { "SOFTWARE_TOKEN_MFA DEVICE_SRP_AUTH tokens" };
        prop_assert_eq!(fixture.sign_in_path("ann", Some(&phone)), expected);
        prop_assert_eq!(fixture.sign_in_path("bob", None), "SMS_MFA tokens +N");
        let device = AdminDeviceCall {
            user_pool_id: crate::fixture::POOL.to_owned(),
            username: "ann".to_owned(),
            device_key: phone.key.as_str().to_owned(),
        };
        prop_assert!(fixture.ask(Request::AdminGetDevice(device)).is_ok());
    }
}

/// The expected state of one of several interleaved sign-ins of a user.
enum SignInState {
    Password { exchange: Exchange },
    Code { session: Session, code: String },
    Device { session: Session },
    Proof { exchange: Exchange },
    Over,
}

/// A sign-in and the answers that have advanced it.
struct SignIn {
    with_device: bool,
    state: SignInState,
    moved_by: Vec<Request>,
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Start {
        with_device: bool,
    },
    /// The correct answer, with the right user name or another one.
    Right {
        which: u8,
        as_bob: bool,
    },
    Wrong {
        which: u8,
    },
    Repeat {
        which: u8,
        answer: u8,
    },
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        2 => any::<bool>().prop_map(|with_device| Action::Start { with_device }),
        6 => (any::<u8>(), prop::bool::weighted(0.2)).prop_map(|(which, as_bob)| Action::Right { which, as_bob }),
        1 => any::<u8>().prop_map(|which| Action::Wrong { which }),
        3 => any::<(u8, u8)>().prop_map(|(which, answer)| Action::Repeat { which, answer }),
    ]
}

fn answer_of(
    fixture: &mut PoolFixture,
    phone: &TestDevice,
    sign_in: &SignIn,
    right: bool,
) -> Option<Request> {
    let name = || Parameters::new().with(keys::USERNAME, "ann");
    Some(match &sign_in.state {
        SignInState::Password { exchange } => {
            let mut claim = fixture.claim(exchange, if right { PASSWORD } else { "wrong" });
            if sign_in.with_device {
                claim = claim.with(keys::DEVICE_KEY, phone.key.as_str());
            }
            respond("PASSWORD_VERIFIER", None, claim)
        }
        SignInState::Code { session, code } => {
            let code = if right { code.as_str() } else { "wrong" };
            let mut answers = name().with(keys::SMS_MFA_CODE, code);
            if sign_in.with_device {
                answers = answers.with(keys::DEVICE_KEY, phone.key.as_str());
            }
            respond("SMS_MFA", Some(session.as_str()), answers)
        }
        // `PoolFixture::start_device` draws the next public value. A wrong answer names another device.
        SignInState::Device { session } => {
            let answers = name().with(keys::DEVICE_KEY, "us-east-1_0").with(keys::SRP_A, "5");
            respond("DEVICE_SRP_AUTH", Some(session.as_str()), answers)
        }
        SignInState::Proof { exchange } => {
            let claim = fixture.claim(exchange, if right { &phone.secret } else { "wrong" });
            let session = exchange.challenge.session.as_ref().map(Session::as_str);
            respond("DEVICE_PASSWORD_VERIFIER", session, claim)
        }
        SignInState::Over => return None,
    })
}

fn as_bob_request(request: Request) -> Request {
    match request {
        Request::RespondToAuthChallenge(mut answer) => {
            answer.challenge_responses = answer.challenge_responses.with(keys::USERNAME, "bob");
            Request::RespondToAuthChallenge(answer)
        }
        other => other,
    }
}

/// Sends the correct answer and checks that the sign-in advances to the expected state.
fn advance(fixture: &mut PoolFixture, phone: &TestDevice, sign_in: &mut SignIn) {
    if let SignInState::Device { session } = &sign_in.state {
        let session = session.clone();
        let exchange = fixture.start_device("ann", Some(&session), phone).unwrap();
        let again = Parameters::new()
            .with(keys::USERNAME, "ann")
            .with(keys::DEVICE_KEY, phone.key.as_str())
            .with(keys::SRP_A, "5");
        sign_in.moved_by.push(respond("DEVICE_SRP_AUTH", Some(session.as_str()), again));
        sign_in.state = SignInState::Proof { exchange };
        return;
    }
    let Some(request) = answer_of(fixture, phone, sign_in, true) else { return };
    let reply = fixture.ask(request.clone());
    sign_in.moved_by.push(request);
    sign_in.state = match &sign_in.state {
        SignInState::Password { .. } => {
            let asked = challenge(reply);
            assert_eq!(asked.name, ChallengeName::SmsMfa);
            SignInState::Code { session: asked.session.unwrap(), code: fixture.delivered("ann") }
        }
        SignInState::Code { .. } if sign_in.with_device => {
            let asked = challenge(reply);
            assert_eq!(
                (asked.name, parameter(&asked, keys::DEVICE_KEY)),
                (ChallengeName::DeviceSrpAuth, phone.key.as_str())
            );
            SignInState::Device { session: asked.session.unwrap() }
        }
        _ => {
            assert_eq!(tokens(reply).new_device.is_some(), !sign_in.with_device);
            SignInState::Over
        }
    };
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_sign_in_advances_once_per_correct_answer(actions in vec(action(), 1..80)) {
        let policy = policy(RememberMode::Always, false, MfaMode::On);
        let switches = Switches { claims: ClaimReuse::Once, ..Switches::DEFAULT };
        let mut fixture = PoolFixture::new(PoolPolicy { lockout: Lockout::Off, switches, ..policy });
        let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
        let with_sms = |account: &mut NewAccount| {
            account.phone = Some("+15551234567".to_owned());
            account.sms_mfa = true;
        };
        fixture.add("ann", |account| {
            with_sms(account);
            account.devices.push(known);
        });
        fixture.add("bob", with_sms);
        let mut sign_ins: Vec<SignIn> = Vec::new();
        for action in actions {
            let count = sign_ins.len();
            let pick = |which: u8| (count > 0).then(|| usize::from(which) % count);
            match action {
                Action::Start { with_device } => {
                    let state = SignInState::Password { exchange: fixture.start("ann") };
                    sign_ins.push(SignIn { with_device, state, moved_by: Vec::new() });
                }
                Action::Right { which, as_bob: false } => {
                    let Some(at) = pick(which) else { continue };
                    advance(&mut fixture, &phone, &mut sign_ins[at]);
                }
                Action::Right { which, as_bob: true } => {
                    let Some(at) = pick(which) else { continue };
                    let Some(request) = answer_of(&mut fixture, &phone, &sign_ins[at], true) else { continue };
                    refusal(fixture.ask(as_bob_request(request)));
                }
                Action::Wrong { which } => {
                    let Some(at) = pick(which) else { continue };
                    let Some(request) = answer_of(&mut fixture, &phone, &sign_ins[at], false) else { continue };
                    let refused = refusal(fixture.ask(request));
                    let sign_in = &mut sign_ins[at];
                    if matches!(sign_in.state, SignInState::Password { .. } | SignInState::Proof { .. }) {
                        // A wrong claim is one failed attempt.
                        prop_assert_eq!(refused, INCORRECT);
                        sign_in.state = SignInState::Over;
                    }
                }
                Action::Repeat { which, answer } => {
                    let Some(at) = pick(which) else { continue };
                    let past = &sign_ins[at].moved_by;
                    if let Some(request) = past.get(usize::from(answer) % past.len().max(1)) {
                        refusal(fixture.ask(request.clone()));
                    }
                }
            }
        }
        // All open sign-ins can be completed.
        for sign_in in &mut sign_ins {
            while !matches!(sign_in.state, SignInState::Over) {
                advance(&mut fixture, &phone, sign_in);
            }
        }
    }
}
