//! The events of threat protection: the last sign-ins and other events of each user, with the risk that was
//! decided (docs/semantics.md, threat protection).

use rand::Rng as _;

use super::Pool;
use super::account::AccountId;
use super::event_record::{AuthEventRecord, EventAnswer, EventKind, EventResult};
use poolproof_cognito::policy::{RiskLevel, RiskMode};
use poolproof_cognito::protocol::{
    AccountResponse, ApiError, AuthEvent, ChallengeResponse, ErrorKind, EventContextData, EventFeedback,
    EventRisk, ListUserAuthEvents, Origin, Reply, Response, UpdateAuthEventFeedback,
};
use poolproof_cognito::time::Timestamp;

/// Most events of a user; the oldest are dropped first.
const MAX_EVENTS: usize = 50;
/// Most answers to challenges that one event lists.
const MAX_ANSWERS: usize = 8;
/// Default page size and maximum of `MaxResults`.
const MAX_PAGE_SIZE: u32 = 60;

/// The risk that was decided for a password.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DecidedRisk {
    pub(super) level: Option<RiskLevel>,
    pub(super) blocked: bool,
    pub(super) compromised: bool,
}

impl AuthEventRecord {
    fn answered(&mut self, answer: EventAnswer) {
        if self.answers.len() < MAX_ANSWERS {
            self.answers.push(answer);
        }
    }

    fn description(&self) -> AuthEvent {
        let word = |text: &str| text.to_owned();
        let level = self.level.map(|level| {
            word(match level {
                RiskLevel::Low => "Low",
                RiskLevel::Medium => "Medium",
                RiskLevel::High => "High",
            })
        });
        let decision = match (self.blocked || self.compromised, &level) {
            (true, _) => "Block",
            (false, Some(_)) => "AccountTakeover",
            (false, None) => "NoRisk",
        };
        let answer = |answer: &EventAnswer| ChallengeResponse {
            challenge_name: word(if answer.mfa { "Mfa" } else { "Password" }),
            challenge_response: word(if answer.success { "Success" } else { "Failure" }),
        };
        AuthEvent {
            event_id: self.id.clone(),
            event_type: word(match self.kind {
                EventKind::SignIn => "SignIn",
                EventKind::SignUp => "SignUp",
                EventKind::ForgotPassword => "ForgotPassword",
                EventKind::PasswordChange => "PasswordChange",
                EventKind::ResendCode => "ResendCode",
            }),
            created: self.created,
            event_response: word(match self.result {
                EventResult::Pass => "Pass",
                EventResult::Fail => "Fail",
                EventResult::InProgress => "InProgress",
            }),
            event_risk: Some(EventRisk {
                risk_decision: Some(word(decision)),
                risk_level: level,
                compromised_credentials_detected: Some(self.compromised),
            }),
            challenge_responses: self.answers.iter().map(answer).collect(),
            event_context_data: self
                .address
                .map(|address| EventContextData { ip_address: Some(address.to_string()) }),
            event_feedback: self.feedback.map(|(valid, at)| EventFeedback {
                feedback_value: word(if valid { "Valid" } else { "Invalid" }),
                provider: word("Admin"),
                at,
            }),
        }
    }
}

impl Pool {
    /// Records a judged password, if threat protection is on. Returns the event's id if the sign-in goes on.
    pub(super) fn record_password(
        &mut self,
        now: Timestamp,
        id: AccountId,
        origin: Origin,
        risk: DecidedRisk,
        result: EventResult,
    ) -> Option<String> {
        // A refusal by risk comes after a right password; other refusals of a password are wrong ones.
        let success = result != EventResult::Fail || risk.blocked || risk.compromised;
        let answers = vec![EventAnswer { mfa: false, success }];
        let event_id = self.push_event(id, |id| AuthEventRecord {
            id,
            kind: EventKind::SignIn,
            created: now,
            result,
            level: risk.level,
            blocked: risk.blocked,
            compromised: risk.compromised,
            answers,
            address: origin.address,
            feedback: None,
        })?;
        (result == EventResult::InProgress).then_some(event_id)
    }

    /// Records an event besides sign-ins, if threat protection is on. Its risk is not assessed.
    pub(super) fn record_event(
        &mut self,
        now: Timestamp,
        id: AccountId,
        origin: Origin,
        kind: EventKind,
        result: EventResult,
    ) {
        self.push_event(id, |id| AuthEventRecord {
            id,
            kind,
            created: now,
            result,
            level: None,
            blocked: false,
            compromised: false,
            answers: Vec::new(),
            address: origin.address,
            feedback: None,
        });
    }

    /// Stores an event under a new id, if threat protection is on.
    fn push_event(&mut self, id: AccountId, event: impl FnOnce(String) -> AuthEventRecord) -> Option<String> {
        if self.policy.risk.mode == RiskMode::Off {
            return None;
        }
        let random = self.rng.next_u64().to_be_bytes();
        let event_id = self.signer.event_id(random, self.directory.account(id).generation);
        let events = &mut self.directory.account_mut(id).events;
        if events.len() >= MAX_EVENTS {
            events.pop_front();
        }
        events.push_back(event(event_id.clone()));
        Some(event_id)
    }

    /// Changes the event of a sign-in, if it has one that is still stored.
    fn change_event(
        &mut self,
        id: AccountId,
        event_id: Option<&str>,
        change: impl FnOnce(&mut AuthEventRecord),
    ) {
        let Some(event_id) = event_id else { return };
        let events = &mut self.directory.account_mut(id).events;
        if let Some(event) = events.iter_mut().rev().find(|event| event.id == event_id) {
            change(event);
        }
    }

    /// Records an answer to a second factor.
    pub(super) fn record_factor(&mut self, id: AccountId, event_id: Option<&str>, success: bool) {
        self.change_event(id, event_id, |event| event.answered(EventAnswer { mfa: true, success }));
    }

    /// Records how a sign-in has ended.
    pub(super) fn record_end(&mut self, id: AccountId, event_id: Option<&str>, result: EventResult) {
        self.change_event(id, event_id, |event| event.result = result);
    }

    fn check_threat_protection(&self) -> Result<(), ApiError> {
        if self.policy.risk.mode == RiskMode::Off {
            let message = "User pool add-on is not enabled: set UserPoolAddOns first.";
            return Err(ApiError::new(ErrorKind::UserPoolAddOnNotEnabled, message));
        }
        Ok(())
    }

    /// `AdminListUserAuthEvents`, the latest first.
    pub(super) fn list_auth_events(&self, request: &ListUserAuthEvents) -> Reply {
        let id = self.find_administered_user(&request.user_pool_id, &request.username)?;
        self.check_threat_protection()?;
        let events = &self.directory.account(id).events;
        let first = match request.next_token.as_deref() {
            None => 0,
            Some(last) => match events.iter().rev().position(|event| event.id == last) {
                Some(at) => at + 1,
                None => return Err(ApiError::invalid_parameter("Invalid pagination token.")),
            },
        };
        let limit = request.max_results.filter(|most| *most > 0).unwrap_or(MAX_PAGE_SIZE).min(MAX_PAGE_SIZE);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut rest = events.iter().rev().skip(first);
        let auth_events: Vec<_> = rest.by_ref().take(limit).map(AuthEventRecord::description).collect();
        let more = rest.next().is_some();
        let next_token = auth_events.last().map(|event| event.event_id.clone()).filter(|_| more);
        Ok(Response::Account(AccountResponse::AuthEvents { auth_events, next_token }))
    }

    /// `AdminUpdateAuthEventFeedback`.
    pub(super) fn give_feedback(&mut self, now: Timestamp, request: &UpdateAuthEventFeedback) -> Reply {
        let id = self.find_administered_user(&request.user_pool_id, &request.username)?;
        self.check_threat_protection()?;
        let valid = match request.feedback_value.as_str() {
            "Valid" => true,
            "Invalid" => false,
            _ => return Err(ApiError::invalid_parameter("Invalid FeedbackValue: Valid or Invalid.")),
        };
        let known = self.directory.account(id).events.iter().any(|event| event.id == request.event_id);
        if !known {
            return Err(ApiError::new(ErrorKind::ResourceNotFound, "Event does not exist."));
        }
        self.change_event(id, Some(&request.event_id), |event| event.feedback = Some((valid, now)));
        Ok(Response::Empty)
    }
}
