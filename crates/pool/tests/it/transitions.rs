//! The transitions of a sign-in: every answer is sent in every state, and the results are a snapshot.

use std::fmt::Write as _;

use poolproof_cognito::ids::{DeviceKey, Session};
use poolproof_cognito::policy::{MfaMode, RememberMode};
use poolproof_cognito::protocol::{
    AssociateSoftwareToken, AuthOutcome, ChallengeName, DeviceStatus, Parameters, Reply, Request, Response,
    VerifySoftwareToken, keys,
};
use poolproof_cognito::totp::{TotpSecret, step_at};
use poolproof_pool::{NewAccount, UserStatus};

use crate::fixture::{
    BAD_SESSION, Exchange, INCORRECT, PASSWORD, PoolFixture, TestDevice, USED_SESSION, WRONG_CODE, challenge,
    policy,
};

/// The state of a sign-in: what it waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Password,
    NewPassword,
    Choice,
    Sms,
    App,
    Mail,
    SetUp,
    Secret,
    Verified,
    Device,
    Proof,
    Tokens,
}

impl State {
    const ALL: [(Self, &'static str); 12] = [
        (Self::Password, "password"),
        (Self::NewPassword, "new password"),
        (Self::Choice, "choice"),
        (Self::Sms, "sms"),
        (Self::App, "app"),
        (Self::Mail, "mail"),
        (Self::SetUp, "set-up"),
        (Self::Secret, "secret"),
        (Self::Verified, "verified"),
        (Self::Device, "device"),
        (Self::Proof, "proof"),
        (Self::Tokens, "tokens"),
    ];

    /// The answer that advances it.
    const fn right(self) -> Option<Answer> {
        match self {
            Self::Password => Some(Answer::Claim),
            Self::NewPassword => Some(Answer::NewPassword),
            Self::Choice => Some(Answer::Choose),
            Self::Sms => Some(Answer::Sms),
            Self::App => Some(Answer::App),
            Self::Mail => Some(Answer::Mail),
            Self::SetUp => Some(Answer::Associate),
            Self::Secret => Some(Answer::Verify),
            Self::Verified => Some(Answer::SetUp),
            Self::Device => Some(Answer::DeviceA),
            Self::Proof => Some(Answer::DeviceM),
            Self::Tokens => None,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Answer {
    Claim,
    WrongClaim,
    NewPassword,
    Choose,
    Sms,
    WrongSms,
    App,
    WrongApp,
    Mail,
    WrongMail,
    Associate,
    Verify,
    WrongVerify,
    SetUp,
    DeviceA,
    OtherDeviceA,
    DeviceM,
    WrongDeviceM,
}

impl Answer {
    const ALL: [(Self, &'static str); 18] = [
        (Self::Claim, "claim"),
        (Self::WrongClaim, "¬claim"),
        (Self::NewPassword, "new pw"),
        (Self::Choose, "choose"),
        (Self::Sms, "sms"),
        (Self::WrongSms, "¬sms"),
        (Self::App, "app"),
        (Self::WrongApp, "¬app"),
        (Self::Mail, "mail"),
        (Self::WrongMail, "¬mail"),
        (Self::Associate, "assoc"),
        (Self::Verify, "verify"),
        (Self::WrongVerify, "¬verify"),
        (Self::SetUp, "set up"),
        (Self::DeviceA, "dev A"),
        (Self::OtherDeviceA, "¬dev A"),
        (Self::DeviceM, "dev M"),
        (Self::WrongDeviceM, "¬dev M"),
    ];
}

/// A sign-in in some state.
struct TransitionTest {
    fixture: PoolFixture,
    phone: TestDevice,
    password: Exchange,
    claim: Parameters,
    session: Option<Session>,
    proof: Option<Exchange>,
    secret: Option<TotpSecret>,
}

impl TransitionTest {
    /// Starts a sign-in in a pool that requires everything: a factor, then the device.
    fn begin(state: State) -> Self {
        let mut fixture = PoolFixture::new(policy(RememberMode::Always, false, MfaMode::On));
        let (phone, known) = fixture.device(DeviceStatus::Remembered, true);
        let has = |states: &[State]| states.contains(&state);
        let (sms, mail) = (has(&[State::Sms, State::Choice]), has(&[State::Mail, State::Choice]));
        let fresh = has(&[State::NewPassword]);
        let configure = |account: &mut NewAccount| {
            account.devices.push(known);
            account.phone = sms.then(|| "+15551234567".to_owned());
            account.email = mail.then(|| "ann@example.org".to_owned());
            (account.sms_mfa, account.email_mfa) = (sms, mail);
            if fresh {
                account.user_status = UserStatus::ForceChangePassword;
            }
        };
        let without_app = [State::Sms, State::Mail, State::SetUp, State::Secret, State::Verified];
        if without_app.contains(&state) {
            fixture.add("ann", configure);
        } else {
            fixture.add_with_app("ann", configure);
        }
        let password = fixture.start("ann");
        let claim = fixture.claim(&password, PASSWORD).with(keys::DEVICE_KEY, phone.key.as_str());
        Self { fixture, phone, password, claim, session: None, proof: None, secret: None }
    }

    /// Returns a sign-in in this state.
    fn in_state(state: State) -> Self {
        let mut at = Self::begin(state);
        let sign_in_path: &[Answer] = match state {
            State::Password => &[],
            State::NewPassword | State::Choice | State::Sms | State::App | State::Mail | State::SetUp => {
                &[Answer::Claim]
            }
            State::Secret => &[Answer::Claim, Answer::Associate],
            State::Verified => &[Answer::Claim, Answer::Associate, Answer::Verify],
            State::Device => &[Answer::Claim, Answer::App],
            State::Proof => &[Answer::Claim, Answer::App, Answer::DeviceA],
            State::Tokens => &[Answer::Claim, Answer::App, Answer::DeviceA, Answer::DeviceM],
        };
        let name = |wanted| State::ALL.iter().find(|(state, _)| *state == wanted).map(|(_, name)| *name);
        let mut reached = "password".to_owned();
        for answer in sign_in_path {
            reached = at.play(*answer);
        }
        assert_eq!(name(state), Some(reached.trim()), "{state:?}");
        at
    }

    /// Sends this answer. Returns the new state or the refusal. The sign-in continues from there.
    fn play(&mut self, answer: Answer) -> String {
        let session = self.session.clone();
        let session = session.as_ref();
        let reply = match answer {
            Answer::DeviceA | Answer::OtherDeviceA => {
                let key = if answer == Answer::DeviceA { self.phone.key.as_str() } else { "us-east-1_0" };
                let phone = TestDevice { key: DeviceKey::new(key), ..self.phone.clone() };
                match self.fixture.start_device("ann", session, &phone) {
                    Ok(proof) => {
                        let reply = Response::Auth(AuthOutcome::Challenge(proof.challenge.clone()));
                        self.proof = Some(proof);
                        Ok(reply)
                    }
                    Err(error) => Err(error),
                }
            }
            Answer::Associate => {
                let session = session.map(|session| session.as_str().to_owned());
                self.fixture.ask(Request::AssociateSoftwareToken(AssociateSoftwareToken { session }))
            }
            Answer::Verify | Answer::WrongVerify => {
                let session = session.map(|session| session.as_str().to_owned());
                let step = step_at(self.fixture.harness.now);
                let right = self.secret.as_ref().filter(|_| answer == Answer::Verify);
                let user_code = right.map_or_else(|| "none".to_owned(), |secret| secret.code(step));
                self.fixture.ask(Request::VerifySoftwareToken(VerifySoftwareToken {
                    session,
                    user_code,
                    friendly_device_name: None,
                }))
            }
            _ => {
                let (name, answers) = self.words(answer);
                self.fixture.answer(name, session, answers)
            }
        };
        self.record_reply(&reply)
    }

    /// Returns the answers for `RespondToAuthChallenge`.
    fn words(&self, answer: Answer) -> (ChallengeName, Parameters) {
        let says = |key: &str, value: &str| Parameters::new().with(keys::USERNAME, "ann").with(key, value);
        // After an MFA the device key of its answer counts.
        let device_key = self.phone.key.as_str().to_owned();
        let with_key = |answers: Parameters| answers.with(keys::DEVICE_KEY, device_key.as_str());
        let sent = || {
            let name = poolproof_cognito::ids::Username::new("ann");
            self.fixture.harness.pool.delivered_code(&name).unwrap_or_else(|| "none".to_owned())
        };
        let proof = |secret: &str| match &self.proof {
            Some(proof) => self.fixture.claim(proof, secret),
            None => self.claim.clone(),
        };
        match answer {
            Answer::Claim => (ChallengeName::PasswordVerifier, self.claim.clone()),
            Answer::WrongClaim => {
                (ChallengeName::PasswordVerifier, self.fixture.claim(&self.password, "wrong"))
            }
            Answer::NewPassword => {
                (ChallengeName::NewPasswordRequired, says(keys::NEW_PASSWORD, "brand-new-password"))
            }
            Answer::Choose => (ChallengeName::SelectMfaType, says(keys::ANSWER, "SOFTWARE_TOKEN_MFA")),
            Answer::Sms => (ChallengeName::SmsMfa, with_key(says(keys::SMS_MFA_CODE, &sent()))),
            Answer::WrongSms => (ChallengeName::SmsMfa, says(keys::SMS_MFA_CODE, "wrong")),
            Answer::App => {
                let now = self.fixture.harness.now;
                let code = self.fixture.app_code_if_any("ann", now).unwrap_or_else(|| "none".to_owned());
                (ChallengeName::SoftwareTokenMfa, with_key(says(keys::SOFTWARE_TOKEN_MFA_CODE, &code)))
            }
            Answer::WrongApp => {
                (ChallengeName::SoftwareTokenMfa, says(keys::SOFTWARE_TOKEN_MFA_CODE, "wrong"))
            }
            Answer::Mail => (ChallengeName::EmailOtp, with_key(says(keys::EMAIL_OTP_CODE, &sent()))),
            Answer::WrongMail => (ChallengeName::EmailOtp, says(keys::EMAIL_OTP_CODE, "wrong")),
            Answer::SetUp => {
                (ChallengeName::MfaSetup, with_key(Parameters::new().with(keys::USERNAME, "ann")))
            }
            Answer::DeviceM => (ChallengeName::DevicePasswordVerifier, proof(&self.phone.secret)),
            Answer::WrongDeviceM => (ChallengeName::DevicePasswordVerifier, proof("wrong")),
            other => panic!("{other:?} is no answer to a challenge"),
        }
    }

    fn record_reply(&mut self, reply: &Reply) -> String {
        match reply {
            Err(error) => match error.to_string().as_str() {
                BAD_SESSION => "–".to_owned(),
                "InvalidParameterException: Missing required parameter Session" => "none".to_owned(),
                USED_SESSION => "used".to_owned(),
                INCORRECT => "wrong".to_owned(),
                WRONG_CODE | "EnableSoftwareTokenMFAException: Code mismatch" => "code".to_owned(),
                other if other.contains("Set up a factor") => "first".to_owned(),
                other => other.to_owned(),
            },
            Ok(Response::SecretCode { secret_code, session }) => {
                self.secret = TotpSecret::from_base32(secret_code);
                self.session = Some(session.clone());
                "secret".to_owned()
            }
            Ok(Response::SoftwareTokenVerified { session }) => {
                self.session = Some(session.clone());
                "verified".to_owned()
            }
            Ok(Response::Auth(AuthOutcome::Tokens(_))) => "tokens".to_owned(),
            Ok(reply) => {
                let asked = challenge(Ok(reply.clone()));
                self.session = asked.session;
                match asked.name {
                    ChallengeName::NewPasswordRequired => "new password",
                    ChallengeName::SelectMfaType => "choice",
                    ChallengeName::SmsMfa => "sms",
                    ChallengeName::SoftwareTokenMfa => "app",
                    ChallengeName::EmailOtp => "mail",
                    ChallengeName::MfaSetup => "set-up",
                    ChallengeName::DeviceSrpAuth => "device",
                    ChallengeName::DevicePasswordVerifier => "proof",
                    ChallengeName::PasswordVerifier => "password",
                    other => other.as_str(),
                }
                .to_owned()
            }
        }
    }
}

/// Sends the answer. If it is refused, checks whether the correct answer still advances the sign-in.
fn cell(state: State, answer: Answer) -> String {
    let mut at = TransitionTest::in_state(state);
    let heard = at.play(answer);
    let moved = State::ALL.iter().any(|(_, name)| *name == heard);
    match state.right() {
        Some(right) if !moved => {
            let after = at.play(right);
            let alive = State::ALL.iter().any(|(_, name)| *name == after);
            if alive { heard } else { format!("{heard}†") }
        }
        _ => heard,
    }
}

const WIDTH: usize = 14;

#[test]
fn every_answer_in_every_state_does_what_the_table_says() {
    let mut table = format!("{:WIDTH$}", "");
    for (_, name) in Answer::ALL {
        write!(table, "{name:10}").unwrap();
    }
    for (state, name) in State::ALL {
        let end = table.trim_end().len();
        table.truncate(end);
        write!(table, "\n{name:WIDTH$}").unwrap();
        for (answer, _) in Answer::ALL {
            let cell = cell(state, answer);
            let cell = if cell == "new password" { "new pw".to_owned() } else { cell };
            write!(table, "{cell:10}").unwrap();
        }
    }
    let legend = "\
        States down, answers across; a cell is the next state, or how the answer was refused.\n\
        –      invalid session      used   session was used      wrong  incorrect username or password\n\
        code   code mismatch        first  set up first          †      and the sign-in is over\n\
        claim, ¬claim: the password's, right and wrong. sms, app, mail: codes; choose: the app.\n\
        assoc, verify, set up: AssociateSoftwareToken, VerifySoftwareToken, MFA_SETUP.\n\
        dev A, dev M: DEVICE_SRP_AUTH, DEVICE_PASSWORD_VERIFIER; ¬: of an unknown key, with a wrong secret.\n";
    insta::assert_snapshot!(format!("{legend}\n{}\n", table.trim_end()));
}
