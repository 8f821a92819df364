//! The inputs that triggers of custom challenges get from a request, and outputs that are not simulated.

use poolproof_cognito::ids::Session;
use poolproof_cognito::protocol::{
    Challenge, ChallengeName, Parameters, Request, RespondToAuthChallenge, keys,
};
use poolproof_pool::{Pending, Step, TriggerCall, TriggerFailure};
use serde_json::{Value, json};

use crate::custom_auth::{Endpoint, named, reply, says};
use crate::fixture::{CLIENT, PASSWORD, challenge, refusal, tokens};

fn metadata() -> Parameters {
    Parameters::new().with("captcha", "token")
}

/// Sends an answer with `ClientMetadata`.
fn answer(endpoint: &mut Endpoint, asked: &Challenge, answers: Parameters) -> Step {
    let request = RespondToAuthChallenge {
        client_id: CLIENT.to_owned(),
        challenge_name: asked.name.as_str().to_owned(),
        session: asked.session.as_ref().map(|session| Session::as_str(session).to_owned()),
        challenge_responses: answers,
        client_metadata: metadata(),
    };
    let harness = &mut endpoint.0.harness;
    let mut step = harness.pool.handle(harness.now, harness.origin, Request::RespondToAuthChallenge(request));
    while let Step::Compute(job, pending) = step {
        step = harness.pool.resume(harness.now, pending, job.run());
    }
    step
}

fn event_metadata(call: &(TriggerCall, Pending)) -> Value {
    call.0.event["request"]["clientMetadata"].clone()
}

/// API reference, `ClientMetadata` of RespondToAuthChallenge and of InitiateAuth: the latter does not reach
/// these triggers.
#[test]
fn triggers_get_the_metadata_of_the_answer() {
    let mut endpoint = Endpoint::new();
    let token = json!({ "captcha": "token" });
    let define = endpoint.start();
    assert_eq!(event_metadata(&define), Value::Null);
    let next = json!({ "challengeName": "CUSTOM_CHALLENGE" });
    let create = Endpoint::called(endpoint.respond(define, next.clone()));
    assert_eq!(event_metadata(&create), Value::Null);
    let asked = challenge(reply(endpoint.respond(create, json!({}))));
    let verify = Endpoint::called(answer(&mut endpoint, &asked, says("ann", "42")));
    assert_eq!((verify.0.trigger, event_metadata(&verify)), ("VerifyAuthChallengeResponse", token.clone()));
    let define = Endpoint::called(endpoint.respond(verify, json!({ "answerCorrect": false })));
    assert_eq!((define.0.trigger, event_metadata(&define)), ("DefineAuthChallenge", token.clone()));
    let create = Endpoint::called(endpoint.respond(define, next));
    assert_eq!((create.0.trigger, event_metadata(&create)), ("CreateAuthChallenge", token.clone()));
    // The next answer has none.
    let asked = challenge(reply(endpoint.respond(create, json!({}))));
    let verify = endpoint.answer(&asked, "42");
    assert_eq!(event_metadata(&verify), Value::Null);
}

#[test]
fn the_metadata_of_the_password_reaches_the_trigger_after_it() {
    let mut endpoint = Endpoint::new();
    let exchange = {
        let (now, origin) = (endpoint.0.harness.now, endpoint.0.harness.origin);
        endpoint.0.start_flow(|fixture, public_a| {
            let parameters = named("ann").with(keys::CHALLENGE_NAME, "SRP_A").with(keys::SRP_A, public_a);
            let started = crate::fixture::initiate("CUSTOM_AUTH", parameters);
            let pool = &mut fixture.harness.pool;
            let (call, pending) = Endpoint::called(pool.handle(now, origin, started));
            let mut event = call.event;
            event["response"] = json!({ "challengeName": "PASSWORD_VERIFIER" });
            let mut step = pool.resume_trigger(now, pending, Ok(event.to_string().into_bytes()));
            while let Step::Compute(job, pending) = step {
                step = pool.resume(now, pending, job.run());
            }
            reply(step)
        })
    };
    let claim = endpoint.0.claim(&exchange, PASSWORD);
    let define = Endpoint::called(answer(&mut endpoint, &exchange.challenge, claim));
    assert_eq!(event_metadata(&define), json!({ "captcha": "token" }));
}

/// Developer guide, define auth challenge: names that a trigger may return.
#[test]
fn challenges_of_a_trigger_that_are_not_simulated_are_refused_by_name() {
    for name in [ChallengeName::SmsMfa, ChallengeName::DeviceSrpAuth, ChallengeName::SoftwareTokenMfa] {
        let mut endpoint = Endpoint::new();
        let define = endpoint.start();
        let step = endpoint.respond(define, json!({ "challengeName": name.as_str() }));
        let expected = format!(
            "InvalidParameterException: poolproof does not simulate {name} in the output of DefineAuthChallenge"
        );
        assert_eq!(refusal(reply(step)), expected);
    }
}

/// Our reading: a trigger that did not run has judged nothing.
#[test]
fn a_challenge_can_be_answered_again_after_a_trigger_could_not_be_called() {
    let mut endpoint = Endpoint::new();
    let define = endpoint.start();
    let create = Endpoint::called(endpoint.respond(define, json!({ "challengeName": "CUSTOM_CHALLENGE" })));
    let asked = challenge(reply(endpoint.respond(create, json!({}))));
    let fail = |endpoint: &mut Endpoint, failure| {
        let (call, pending) = endpoint.answer(&asked, "42");
        assert_eq!(call.event["triggerSource"], "VerifyAuthChallengeResponse_Authentication");
        let now = endpoint.0.harness.now;
        refusal(reply(endpoint.0.harness.pool.resume_trigger(now, pending, Err(failure))))
    };
    for _ in 0..2 {
        let refused = fail(&mut endpoint, TriggerFailure::Unreachable("Socket timeout".to_owned()));
        assert!(refused.starts_with("UnexpectedLambdaException"), "{refused}");
    }
    let verify = endpoint.answer(&asked, "42");
    let define = Endpoint::called(endpoint.respond(verify, json!({ "answerCorrect": true })));
    // The failed calls are no answers.
    assert_eq!(define.0.event["request"]["session"].as_array().unwrap().len(), 1);
    tokens(reply(endpoint.respond(define, json!({ "issueTokens": true }))));
}
