//! The triggers of custom challenges (`CUSTOM_AUTH`, docs/semantics.md): their events and answers in AWS's
//! JSON form, and the built-in triggers that a list of challenges stands for.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use poolproof_cognito::protocol::{ApiError, ErrorKind, Parameters};

/// Wrong answers in one sign-in after which the built-in triggers refuse it. AWS leaves this to the trigger.
const MAX_WRONG_ANSWERS: usize = 3;

/// Most challenges in one sign-in. It bounds the memory when an endpoint asks without end.
pub(super) const MAX_CHALLENGES: usize = 50;

/// Most characters of a trigger's error message that the client gets.
const MAX_MESSAGE: usize = 256;

/// The key of the public parameter in which the built-in triggers return a challenge's name.
const CHALLENGE: &str = "challenge";
const ANSWER: &str = "answer";

/// The triggers of custom challenges.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CustomAuth {
    /// These challenges, in order. A sign-in ends with tokens after a right answer to each, and is refused
    /// after three wrong answers.
    Challenges(Vec<CustomChallenge>),
    /// An endpoint, which the caller of the pool calls ([`Step::Trigger`](super::Step::Trigger)).
    Endpoint,
}

/// A custom challenge and its right answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CustomChallenge {
    /// The name, which the client gets as the challenge parameter `challenge`.
    pub challenge: String,
    /// The right answer.
    pub answer: String,
}

/// A call of a trigger: the effect of a [`Step::Trigger`](super::Step::Trigger).
#[derive(Clone, PartialEq, Debug)]
pub struct TriggerCall {
    /// The name of the trigger as in `LambdaConfig`.
    pub trigger: &'static str,
    /// The event, in AWS's form.
    pub event: Value,
}

/// Why a trigger gave no output.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TriggerFailure {
    /// It could not be called, or it did not answer in time.
    Unreachable(String),
    /// It answered with an error, which has this message.
    Refused(String),
}

impl TriggerFailure {
    /// Returns the failure of a caller that has no endpoint.
    pub fn no_endpoint() -> Self {
        Self::Unreachable("there is no endpoint".to_owned())
    }
}

/// An answered challenge: an item of the triggers' `session`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ChallengeResult {
    pub(super) name: &'static str,
    pub(super) right: bool,
    pub(super) metadata: Option<String>,
}

impl ChallengeResult {
    pub(super) const fn right(name: &'static str) -> Self {
        Self { name, right: true, metadata: None }
    }
}

/// The custom challenge that a session waits for, and the challenges before it.
#[derive(Clone, Debug)]
pub(super) struct CustomState {
    pub(super) history: Vec<ChallengeResult>,
    /// `privateChallengeParameters`.
    pub(super) private: BTreeMap<String, String>,
    /// `challengeMetadata`.
    pub(super) metadata: Option<String>,
    /// The recorded event of the sign-in.
    pub(super) event_id: Option<String>,
}

/// A trigger and the part of its request that the others do not have.
#[derive(Clone, Debug)]
pub(super) enum Trigger {
    Define,
    Create { challenge_name: String },
    Verify { private: BTreeMap<String, String>, answer: String },
}

impl Trigger {
    /// Returns the name of the trigger as in `LambdaConfig`.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Define => "DefineAuthChallenge",
            Self::Create { .. } => "CreateAuthChallenge",
            Self::Verify { .. } => "VerifyAuthChallengeResponse",
        }
    }
}

/// The output of a trigger.
#[derive(Debug)]
pub(super) enum Output {
    Define(DefineOutput),
    Create(CreateOutput),
    Verify { correct: bool },
}

/// The `response` of `DefineAuthChallenge`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DefineOutput {
    pub(super) challenge_name: Option<String>,
    pub(super) issue_tokens: Option<bool>,
    pub(super) fail_authentication: Option<bool>,
}

/// The `response` of `CreateAuthChallenge`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CreateOutput {
    pub(super) public_challenge_parameters: Option<BTreeMap<String, String>>,
    pub(super) private_challenge_parameters: Option<BTreeMap<String, String>>,
    pub(super) challenge_metadata: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VerifyOutput {
    answer_correct: bool,
}

/// The output of a trigger as text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    response: Option<Value>,
    error_message: Option<String>,
}

/// The values that the events of all triggers of a sign-in contain.
pub(super) struct EventContext<'e> {
    pub(super) region: &'e str,
    pub(super) pool_id: &'e str,
    pub(super) client_id: &'e str,
    pub(super) username: &'e str,
    /// The user's attributes; empty for a user that does not exist.
    pub(super) attributes: Map<String, Value>,
    pub(super) user_not_found: bool,
    pub(super) history: &'e [ChallengeResult],
    /// `ClientMetadata` of the request.
    pub(super) metadata: &'e Parameters,
}

/// Returns the event of a trigger.
pub(super) fn event(trigger: &Trigger, context: &EventContext<'_>) -> TriggerCall {
    let name = trigger.name();
    let session: Vec<Value> = context
        .history
        .iter()
        .map(|result| {
            json!({
                "challengeName": result.name,
                "challengeResult": result.right,
                "challengeMetadata": result.metadata,
            })
        })
        .collect();
    let mut request = json!({
        "userAttributes": &context.attributes,
        "userNotFound": context.user_not_found,
    });
    if !context.metadata.is_empty() {
        request["clientMetadata"] = json!(context.metadata);
    }
    let response = match trigger {
        Trigger::Define => {
            request["session"] = session.into();
            json!({ "challengeName": null, "issueTokens": null, "failAuthentication": null })
        }
        Trigger::Create { challenge_name } => {
            request["session"] = session.into();
            request["challengeName"] = challenge_name.as_str().into();
            json!({
                "publicChallengeParameters": null,
                "privateChallengeParameters": null,
                "challengeMetadata": null,
            })
        }
        Trigger::Verify { private, answer } => {
            request["privateChallengeParameters"] = json!(private);
            request["challengeAnswer"] = answer.as_str().into();
            json!({ "answerCorrect": null })
        }
    };
    let event = json!({
        "version": "1",
        "region": context.region,
        "userPoolId": context.pool_id,
        "userName": context.username,
        "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": context.client_id },
        "triggerSource": format!("{name}_Authentication"),
        "request": request,
        "response": response,
    });
    TriggerCall { trigger: name, event }
}

/// Reads what an endpoint answered, or returns the error that the sign-in fails with.
pub(super) fn read(trigger: &Trigger, answer: Result<Vec<u8>, TriggerFailure>) -> Result<Output, ApiError> {
    let name = trigger.name();
    let failed = |message: &str| {
        let message: String =
            message.chars().filter(|letter| !letter.is_control()).take(MAX_MESSAGE).collect();
        let message = format!("{name} failed with error {}.", message.trim_end_matches('.'));
        ApiError::new(ErrorKind::UserLambdaValidation, message)
    };
    let bytes = match answer {
        Ok(bytes) => bytes,
        Err(TriggerFailure::Refused(message)) => return Err(failed(&message)),
        Err(TriggerFailure::Unreachable(why)) => {
            let message = format!("{name} invocation failed due to error {}.", why.trim_end_matches('.'));
            return Err(ApiError::new(ErrorKind::UnexpectedLambda, message));
        }
    };
    let answered: Answered = serde_json::from_slice(&bytes).map_err(|error| match error.is_data() {
        true => unrecognizable(),
        false => {
            ApiError::new(ErrorKind::InvalidLambdaResponse, "Invalid lambda function output : Invalid JSON")
        }
    })?;
    match (answered.response, answered.error_message) {
        (_, Some(message)) => Err(failed(&message)),
        (None, None) => Err(unrecognizable()),
        (Some(response), None) => match trigger {
            Trigger::Define => parse(response).map(Output::Define),
            Trigger::Create { .. } => parse(response).map(Output::Create),
            Trigger::Verify { .. } => parse(response)
                .map(|VerifyOutput { answer_correct }| Output::Verify { correct: answer_correct }),
        },
    }
}

fn parse<T: DeserializeOwned>(response: Value) -> Result<T, ApiError> {
    serde_json::from_value(response).map_err(|_| unrecognizable())
}

/// Returns the error for an output that is not of AWS's form.
pub(super) fn unrecognizable() -> ApiError {
    ApiError::new(ErrorKind::InvalidLambdaResponse, "Unrecognizable lambda output")
}

/// Returns the output of the built-in trigger for a list of challenges.
pub(super) fn built_in(
    challenges: &[CustomChallenge],
    trigger: &Trigger,
    history: &[ChallengeResult],
) -> Output {
    let custom = history.iter().filter(|result| result.name == CUSTOM_CHALLENGE);
    let (right, wrong): (Vec<_>, Vec<_>) = custom.partition(|result| result.right);
    match trigger {
        Trigger::Define => {
            let next = match history {
                [ChallengeResult { name: SRP_A, .. }] => PASSWORD_VERIFIER,
                _ => CUSTOM_CHALLENGE,
            };
            Output::Define(DefineOutput {
                challenge_name: Some(next.to_owned()),
                issue_tokens: Some(right.len() >= challenges.len()),
                fail_authentication: Some(wrong.len() >= MAX_WRONG_ANSWERS),
            })
        }
        Trigger::Create { .. } => {
            let next = challenges.get(right.len());
            let single = |key: &str, value: &String| BTreeMap::from([(key.to_owned(), value.clone())]);
            Output::Create(CreateOutput {
                public_challenge_parameters: next.map(|next| single(CHALLENGE, &next.challenge)),
                private_challenge_parameters: next.map(|next| single(ANSWER, &next.answer)),
                challenge_metadata: next.map(|next| next.challenge.clone()),
            })
        }
        Trigger::Verify { private, answer } => {
            Output::Verify { correct: private.get(ANSWER) == Some(answer) }
        }
    }
}

/// The names of challenges in the triggers' `session` and `challengeName`.
pub(super) const SRP_A: &str = "SRP_A";
pub(super) const PASSWORD_VERIFIER: &str = "PASSWORD_VERIFIER";
pub(super) const CUSTOM_CHALLENGE: &str = "CUSTOM_CHALLENGE";

#[cfg(test)]
mod tests {
    use super::*;

    fn error(trigger: &Trigger, answer: &str) -> String {
        read(trigger, Ok(answer.as_bytes().to_vec())).unwrap_err().to_string()
    }

    #[test]
    fn invalid_trigger_outputs_give_the_errors_of_aws() {
        let (define, verify) =
            (Trigger::Define, Trigger::Verify { private: BTreeMap::new(), answer: String::new() });
        let json = "InvalidLambdaResponseException: Invalid lambda function output : Invalid JSON";
        for text in ["", "{", "hello", "{} {}", "\u{0}", "[[[["] {
            assert_eq!(error(&define, text), json, "{text:?}");
        }
        let unrecognizable = "InvalidLambdaResponseException: Unrecognizable lambda output";
        for text in ["null", "[]", "7", "{}", r#"{"response":7}"#, r#"{"response":{"issueTokens":"yes"}}"#] {
            assert_eq!(error(&define, text), unrecognizable, "{text:?}");
        }
        for text in [r#"{"response":{}}"#, r#"{"response":{"answerCorrect":null}}"#] {
            assert_eq!(error(&verify, text), unrecognizable, "{text:?}");
        }
        let message = "UserLambdaValidationException: DefineAuthChallenge failed with error no robots.";
        for lambda_error in [
            r#"{"errorMessage":"no robots.","errorType":"Error"}"#,
            r#"{"response":{"issueTokens":true},"errorMessage":"no robots"}"#,
            r#"{"errorMessage":"no\r\n\u0007 robots"}"#,
        ] {
            assert_eq!(error(&define, lambda_error), message);
        }
        let long = format!(r#"{{"errorMessage":"{}"}}"#, "x".repeat(15_000));
        assert!(error(&define, &long).len() < 400);
        let deep = "[".repeat(100_000);
        assert!(error(&define, &deep).starts_with("InvalidLambdaResponseException"));
    }

    #[test]
    fn the_built_in_triggers_allow_three_wrong_answers_in_a_sign_in() {
        let challenges = ["one", "two"]
            .map(|name| CustomChallenge { challenge: name.to_owned(), answer: name.to_owned() });
        let decide = |results: &[bool]| {
            let result =
                |right: &bool| ChallengeResult { name: CUSTOM_CHALLENGE, right: *right, metadata: None };
            let history: Vec<_> = results.iter().map(result).collect();
            let Output::Define(output) = built_in(&challenges, &Trigger::Define, &history) else {
                panic!("another output")
            };
            (output.issue_tokens.unwrap(), output.fail_authentication.unwrap())
        };
        assert_eq!(decide(&[]), (false, false));
        assert_eq!(decide(&[true]), (false, false));
        assert_eq!(decide(&[false, true, false, true]), (true, false));
        assert_eq!(decide(&[false, true, false, false]), (false, true));
    }
}
