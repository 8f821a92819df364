//! Sign-ins that wait for a correct answer, in every flow. The answer leads to tokens or to the next
//! challenge.

use poolproof_cognito::ids::{ClientId, Session};
use poolproof_cognito::policy::{FirstFactors, MfaMode, PoolPolicy, RememberMode, Switches};
use poolproof_cognito::protocol::{
    AssociateSoftwareToken, Challenge, ChallengeName, DeviceStatus, Parameters, Request, Response, keys,
};
use poolproof_pool::{AppClient, CustomAuth, CustomChallenge, NewAccount, PasswordFlow};
use poolproof_srp::Group;

use crate::admin_changes::interrupted_sign_ins;
use crate::fixture::{
    CLIENT, Exchange, PASSWORD, PoolFixture, TestDevice, challenge, initiate, policy, respond,
};

/// A sign-in that waits, and its correct answer.
pub(crate) struct PendingStep {
    pub(crate) name: &'static str,
    pub(crate) fixture: PoolFixture,
    pub(crate) request: Request,
}

fn ann() -> Parameters {
    Parameters::new().with(keys::USERNAME, "ann")
}

fn respond_to(challenge: &Challenge, answers: Parameters) -> Request {
    respond(challenge.name.as_str(), challenge.session.as_ref().map(Session::as_str), answers)
}

fn with_addresses(account: &mut NewAccount) {
    account.email = Some("ann@example.org".to_owned());
    account.phone = Some("+15550100".to_owned());
}

/// Returns a pool whose client allows every flow, and Ann's device.
fn pool(mfa: MfaMode, configure: impl FnOnce(&mut NewAccount)) -> (PoolFixture, TestDevice) {
    let client = AppClient {
        password_flow: PasswordFlow::WithDevices,
        choice_flow: true,
        custom_flow: true,
        ..AppClient::public(ClientId::new(CLIENT))
    };
    let policy = PoolPolicy {
        first_factors: FirstFactors { email_otp: true, sms_otp: true },
        switches: Switches { passwordless_device_proof: true, ..Switches::DEFAULT },
        ..policy(RememberMode::Always, true, mfa)
    };
    let mut fixture = PoolFixture::with(policy, Group::toy(), client);
    let only = CustomChallenge { challenge: "captcha".to_owned(), answer: "42".to_owned() };
    fixture.custom_auth(CustomAuth::Challenges(vec![only]));
    let (device, known) = fixture.device(DeviceStatus::Remembered, true);
    fixture.add("ann", |account| {
        account.devices.push(known);
        configure(account);
    });
    (fixture, device)
}

/// Returns every pending step.
pub(crate) fn pending_steps() -> Vec<PendingStep> {
    let mut steps: Vec<_> = interrupted_sign_ins()
        .into_iter()
        .map(|(name, fixture, request)| PendingStep { name, fixture, request })
        .collect();
    let mut add = |name, (fixture, request)| steps.push(PendingStep { name, fixture, request });
    add("a password claim", password_claim(&ann(), "USER_SRP_AUTH"));
    add("a password claim before custom challenges", password_claim(&ann(), "CUSTOM_AUTH"));
    add("an e-mailed code as the second factor", second_factor_by_email());
    add("a set-up that is repeated", repeated_set_up());
    for answer in ["SELECT_CHALLENGE", "PASSWORD", "PASSWORD_SRP", "EMAIL_OTP", "SMS_OTP"] {
        add(answer, first_factor(answer));
    }
    add("a claim after PASSWORD_SRP", claim_after_choice());
    add("a custom challenge", custom_challenge(false));
    add("a custom challenge after the password", custom_challenge(true));
    for first in ["EMAIL_OTP", "PASSWORD", "CUSTOM_CHALLENGE"] {
        add("the device's turn after another first factor", device_turn(first));
    }
    for by in ["session", "handle"] {
        add("the device's turn", device_step(by == "session", false));
        add("the device's claim", device_step(by == "session", true));
    }
    steps
}

fn password_claim(named: &Parameters, flow: &str) -> (PoolFixture, Request) {
    let (mut fixture, _) = pool(MfaMode::Off, |_| {});
    let parameters = named.clone().with(keys::CHALLENGE_NAME, "SRP_A");
    let exchange = start(&mut fixture, |public_a| initiate(flow, parameters.with(keys::SRP_A, public_a)));
    let claim = fixture.claim(&exchange, PASSWORD);
    let request = respond_to(&exchange.challenge, claim);
    (fixture, request)
}

fn start(fixture: &mut PoolFixture, request: impl FnOnce(String) -> Request) -> Exchange {
    fixture.start_flow(|fixture, public_a| fixture.ask(request(public_a)))
}

fn second_factor_by_email() -> (PoolFixture, Request) {
    let (mut fixture, _) = pool(MfaMode::Optional, |account| {
        with_addresses(account);
        account.email_mfa = true;
    });
    let asked = challenge(fixture.password("ann", PASSWORD, None));
    let request = respond_to(&asked, ann().with(keys::EMAIL_OTP_CODE, fixture.delivered("ann")));
    (fixture, request)
}

fn repeated_set_up() -> (PoolFixture, Request) {
    let (mut fixture, _) = pool(MfaMode::On, |_| {});
    let asked = challenge(fixture.password("ann", PASSWORD, None));
    let associate = |session: &Session| {
        let session = Some(session.as_str().to_owned());
        Request::AssociateSoftwareToken(AssociateSoftwareToken { session })
    };
    let Ok(Response::SecretCode { session, .. }) = fixture.ask(associate(&asked.session.unwrap())) else {
        panic!("no secret")
    };
    (fixture, associate(&session))
}

/// Asks for a first factor by a choice. Returns its correct answer.
fn first_factor(answer: &str) -> (PoolFixture, Request) {
    let (mut fixture, _) = pool(MfaMode::Off, with_addresses);
    let preferred =
        if answer == "SELECT_CHALLENGE" { ann() } else { ann().with(keys::PREFERRED_CHALLENGE, answer) };
    let asked = challenge(fixture.initiate("USER_AUTH", preferred));
    assert_eq!(asked.name.as_str(), answer);
    let answers = match asked.name {
        ChallengeName::SelectChallenge => ann().with(keys::ANSWER, "PASSWORD").with(keys::PASSWORD, PASSWORD),
        ChallengeName::Password => ann().with(keys::PASSWORD, PASSWORD),
        ChallengeName::PasswordSrp => ann().with(keys::SRP_A, fixture.draw_a().1.to_hex()),
        ChallengeName::EmailOtp => ann().with(keys::EMAIL_OTP_CODE, fixture.delivered("ann")),
        _ => ann().with(keys::SMS_OTP_CODE, fixture.delivered("ann")),
    };
    let request = respond_to(&asked, answers);
    (fixture, request)
}

fn claim_after_choice() -> (PoolFixture, Request) {
    let (mut fixture, _) = pool(MfaMode::Off, with_addresses);
    let offer = challenge(fixture.initiate("USER_AUTH", ann()));
    let choice = ann().with(keys::ANSWER, "PASSWORD_SRP");
    let exchange = start(&mut fixture, |public_a| respond_to(&offer, choice.with(keys::SRP_A, public_a)));
    let claim = fixture.claim(&exchange, PASSWORD);
    let request = respond_to(&exchange.challenge, claim);
    (fixture, request)
}

fn custom_challenge(after_password: bool) -> (PoolFixture, Request) {
    let (mut fixture, claim) = password_claim(&ann(), "CUSTOM_AUTH");
    let first = if after_password { claim } else { initiate("CUSTOM_AUTH", ann()) };
    let asked = challenge(fixture.ask(first));
    assert_eq!(asked.name, ChallengeName::CustomChallenge);
    let request = respond_to(&asked, ann().with(keys::ANSWER, "42"));
    (fixture, request)
}

/// Returns the device's public value for a challenge.
fn device_start(fixture: &mut PoolFixture, device: &TestDevice) -> Parameters {
    let public_a = fixture.draw_a().1.to_hex();
    ann().with(keys::DEVICE_KEY, device.key.as_str()).with(keys::SRP_A, public_a)
}

/// Proves a first factor other than the SRP password, so that the device follows.
fn device_turn(first: &str) -> (PoolFixture, Request) {
    let (mut fixture, device) = pool(MfaMode::Off, with_addresses);
    let named = ann().with(keys::DEVICE_KEY, device.key.as_str());
    let reply = match first {
        "PASSWORD" => fixture.initiate("USER_PASSWORD_AUTH", named.with(keys::PASSWORD, PASSWORD)),
        "EMAIL_OTP" => {
            let preferred = named.clone().with(keys::PREFERRED_CHALLENGE, first);
            let asked = challenge(fixture.initiate("USER_AUTH", preferred));
            let code = fixture.delivered("ann");
            fixture.ask(respond_to(&asked, named.with(keys::EMAIL_OTP_CODE, code)))
        }
        _ => {
            let asked = challenge(fixture.initiate("CUSTOM_AUTH", named.clone()));
            fixture.ask(respond_to(&asked, named.with(keys::ANSWER, "42")))
        }
    };
    let asked = challenge(reply);
    assert_eq!(asked.name, ChallengeName::DeviceSrpAuth, "after {first}");
    let answers = device_start(&mut fixture, &device);
    (fixture, respond_to(&asked, answers))
}

/// Returns a device's public value, or its claim, with or without a session.
fn device_step(named: bool, claim: bool) -> (PoolFixture, Request) {
    let (mut fixture, device) = pool(MfaMode::Off, |_| {});
    let turn = challenge(fixture.password("ann", PASSWORD, Some(&device.key)));
    let mut asked = Challenge { session: turn.session.filter(|_| named), ..turn };
    if !claim {
        let answers = device_start(&mut fixture, &device);
        return (fixture, respond_to(&asked, answers));
    }
    let proof = fixture.start_device("ann", asked.session.as_ref(), &device).unwrap();
    let answers = fixture.claim(&proof, &device.secret);
    asked = Challenge { session: proof.challenge.session.clone().filter(|_| named), ..proof.challenge };
    (fixture, respond_to(&asked, answers))
}

#[test]
fn every_pending_step_is_answered_correctly() {
    for PendingStep { name, mut fixture, request } in pending_steps() {
        let reply = fixture.ask(request);
        assert!(reply.is_ok(), "{name}: {reply:?}");
    }
}
