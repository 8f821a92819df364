//! The user of a trial: set up for its cell, then signed in.

use super::Outcome;
use super::trial::Trial;
use crate::actors::{self, SignInVariation, TestUser, UserContext};
use crate::endpoint::{EndpointSession, SetupError};
use crate::scenario::SignInName;
use crate::workload::UserSpec;
use poolproof_client::{End, SignIn};
use poolproof_cognito::ids::Username;
use poolproof_cognito::protocol::{AdminDeviceCall, Operation, Request};
use poolproof_cognito::seed::Seed;
use poolproof_oracle::{Claim, Decision, Device, Outcome as Ending};

/// The seed of all users.
const SEED: Seed = Seed::new(1);

/// A user who is set up for a trial, and the index of the device to sign in with.
pub(super) struct TrialUser {
    trial: Trial,
    test_user: TestUser,
    device: Option<usize>,
}

impl TrialUser {
    /// Sets up a user while the pool does not yet require an MFA. Returns the reason if that fails.
    pub(super) async fn prepare(
        trial: Trial,
        number: u32,
        session: &EndpointSession,
        context: &UserContext,
    ) -> Result<Self, String> {
        let has_device =
            matches!(trial.cell.device, Device::Remembered | Device::NotRemembered | Device::Forgotten);
        let user_spec = UserSpec {
            number,
            username: Username::new(format!("user-{number}")),
            sign_in_by: SignInName::Username,
            factors: trial.cell.factor,
            devices: u32::from(has_device),
            remembers: vec![trial.cell.device != Device::NotRemembered],
            opts_in: false,
            compromised: false,
        };
        let mut test_user = TestUser::new_user(SEED, user_spec);
        let to_text = |error: SetupError| error.to_string();
        test_user.register(session, context).await.map_err(to_text)?;
        if trial.mfa_bound {
            // The pool asks for the factor, so that the device completes an MFA.
            test_user.set_factors(session, context).await.map_err(to_text)?;
        }
        test_user.enroll_devices(context).await.map_err(to_text)?;
        let device = match trial.cell.device {
            Device::None => None,
            Device::Issued => {
                let sign_in = test_user.sign_in(context, SignInVariation::default()).await;
                let place = test_user.add_unconfirmed_device(context, &sign_in);
                Some(place.ok_or("the tokens include no key for a new device")?)
            }
            _ => Some(0),
        };
        if has_device && !test_user.has_device() {
            return Err("the endpoint issued or confirmed no device key".to_owned());
        }
        if trial.cell.device == Device::Forgotten {
            forget(&test_user, session).await?;
        }
        if !trial.mfa_bound {
            test_user.set_factors(session, context).await.map_err(to_text)?;
        }
        Ok(Self { trial, test_user, device })
    }

    /// Signs in and returns the decision.
    pub(super) async fn play(mut self, context: &UserContext, expected: &Decision) -> Outcome {
        let variation = SignInVariation {
            device: self.device,
            risk: self.trial.cell.risk.map(|(level, _)| level),
            wrong_password: self.trial.claim == Claim::Wrong,
            device_secret_damaged: !self.trial.secret_valid,
            ..SignInVariation::default()
        };
        let sign_in = self.test_user.sign_in(context, variation).await;
        let Some(attempt) = sign_in.attempts().first() else { return ended_early(&sign_in) };
        match actors::observed_decision_given(attempt, expected) {
            Some(actual) => {
                let message = message(&sign_in).filter(|_| actual.outcome == Ending::Other);
                Outcome::Decided(actual, message)
            }
            None => ended_early(&sign_in),
        }
    }
}

async fn forget(test_user: &TestUser, session: &EndpointSession) -> Result<(), String> {
    let Some(key) = test_user.device_keys().next() else { return Err("no device to forget".to_owned()) };
    let request = Request::AdminForgetDevice(AdminDeviceCall {
        user_pool_id: session.pool_id.as_str().to_owned(),
        username: test_user.user_spec().username.as_str().to_owned(),
        device_key: key.as_str().to_owned(),
    });
    let forgotten = session.admin.execute("AdminForgetDevice", Operation::Pool(request)).await;
    forgotten.map(drop).map_err(|error| error.to_string())
}

/// Returns the message of a sign-in that did not succeed.
fn message(sign_in: &SignIn) -> Option<String> {
    Some(match &sign_in.ended()?.1 {
        End::SignedIn => return None,
        End::Refused(error) => error.to_string(),
        End::Abandoned => "the user could not answer a challenge".to_owned(),
        End::ProtocolViolation(why) | End::NoAnswer(why) => why.clone(),
    })
}

/// Returns the result of a sign-in that ended before a decision.
fn ended_early(sign_in: &SignIn) -> Outcome {
    let nothing = Decision { challenges: Vec::new(), outcome: Ending::Other, new_device: false };
    match sign_in.ended().map(|(_, end)| end) {
        // A refusal before the password claim, or an invalid answer, is a wrong decision.
        Some(End::Refused(_) | End::ProtocolViolation(_)) => Outcome::Decided(nothing, message(sign_in)),
        _ => Outcome::Untried(message(sign_in).unwrap_or_else(|| "the endpoint made no decision".to_owned())),
    }
}
