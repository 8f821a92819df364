//! The last phase of a sign-in: the client enrolls a new device and forgets an old one.

use super::device::{DeviceAnswer, DeviceRequest};
use super::sign_in::{SignIn, State};
use super::types::{Action, Enrollment, Event};
use poolproof_cognito::ids::AccessToken;
use poolproof_cognito::protocol::{
    AuthenticationResult, ConfirmDevice, DeviceCall, DeviceStatus, Request, Response, SecretVerifierConfig,
    UpdateDeviceStatus,
};
use poolproof_cognito::time::Timestamp;

/// The name of all simulated devices.
const DEVICE_NAME: &str = "poolproof";

impl SignIn {
    /// Handles the events of the last phase. After a refusal the client continues with the next step.
    pub(super) fn next_follow_up(&mut self, now: Timestamp, state: State, event: Event) -> Action {
        match (state, event) {
            (State::Enrollment { token }, Event::Device(DeviceAnswer::Enrolled(config))) => {
                self.confirm(now, token, config)
            }
            (State::Confirmation { token }, Event::Answer(Ok(answer))) => {
                self.on_confirmed(now, token, &answer)
            }
            (State::Confirmation { token }, Event::Answer(Err(_))) => self.forget_old_device(now, &token),
            (State::OptIn { token }, Event::Answer(answer)) => {
                if let (Some(enrollment), Ok(_)) = (&mut self.enrollment, answer) {
                    enrollment.opted_in = true;
                }
                self.forget_old_device(now, &token)
            }
            (State::Forgetting, Event::Answer(answer)) => {
                if answer.is_ok() {
                    self.forgotten_device = self.options.device_to_forget.take();
                }
                self.replay(now)
            }
            (state, _) => self.protocol_violation(now, format!("unexpected event after {}", state.name())),
        }
    }

    /// Enrolls the new device if the tokens include a key for one.
    pub(super) fn enroll(&mut self, now: Timestamp, tokens: AuthenticationResult) -> Action {
        let Some(metadata) = tokens.new_device else { return self.replay(now) };
        self.enrollment = Some(Enrollment { metadata: metadata.clone(), confirmed: false, opted_in: false });
        if !self.options.confirms_device {
            return self.replay(now);
        }
        self.state = State::Enrollment { token: tokens.access_token };
        Action::Device(DeviceRequest::Enroll(metadata))
    }

    fn confirm(&mut self, now: Timestamp, token: AccessToken, config: SecretVerifierConfig) -> Action {
        let request = ConfirmDevice {
            access_token: token.as_str().to_owned(),
            device_key: self.enrolled_key(),
            device_name: Some(DEVICE_NAME.to_owned()),
            secret_verifier: Some(config),
        };
        self.send(now, Request::ConfirmDevice(request), State::Confirmation { token })
    }

    fn on_confirmed(&mut self, now: Timestamp, token: AccessToken, answer: &Response) -> Action {
        let Response::DeviceConfirmed { user_confirmation_necessary } = *answer else {
            return self.protocol_violation(now, "the answer belongs to another operation");
        };
        if let Some(enrollment) = &mut self.enrollment {
            enrollment.confirmed = true;
        }
        if !user_confirmation_necessary || !self.options.opts_in {
            return self.forget_old_device(now, &token);
        }
        let request = UpdateDeviceStatus {
            access_token: token.as_str().to_owned(),
            device_key: self.enrolled_key(),
            status: Some(DeviceStatus::Remembered.as_str().to_owned()),
        };
        self.send(now, Request::UpdateDeviceStatus(request), State::OptIn { token })
    }

    fn forget_old_device(&mut self, now: Timestamp, token: &AccessToken) -> Action {
        let Some(key) = &self.options.device_to_forget else { return self.replay(now) };
        let (access_token, device_key) = (token.as_str().to_owned(), key.as_str().to_owned());
        let request = DeviceCall { access_token, device_key };
        self.send(now, Request::ForgetDevice(request), State::Forgetting)
    }

    fn enrolled_key(&self) -> String {
        self.enrollment.as_ref().map_or_else(String::new, |new| new.metadata.device_key.as_str().to_owned())
    }
}
