//! A user's knowledge of the own account and devices, and the calls of the oracle.
//!
//! Nothing here comes from inside the pool. A device counts as remembered because the user confirmed it in a
//! pool that remembers devices. Statements of the pool about the device do not count.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use actix::Addr;

use super::device::DeviceActor;
use super::token_actions::{self, TokenAction, TokenReply};
use crate::workload::{UserSpec, home_address};
use poolproof_client::{Attempt, AttemptEnd};
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::ids::DeviceKey;
use poolproof_cognito::policy::{
    CompromisedAction, Factors, Lockout, PoolPolicy, RememberMode, RiskLevel, RiskMode, RiskSource,
};
use poolproof_cognito::protocol::{ApiError, ChallengeName, ErrorKind};
use poolproof_oracle::{
    self, AddressStatus, Circumstances, Claim, Decision, Facts, Flow, Judgement, LockoutState,
    LockoutTracker, Outcome, RefreshTokenTracker, RequestInterval, RiskEstimator,
};

/// A device that the user has.
#[derive(Debug)]
pub(super) struct OwnedDevice {
    pub(super) key: DeviceKey,
    pub(super) device: Addr<DeviceActor>,
    pub(super) status: poolproof_oracle::Device,
    /// Whether the device has completed an MFA.
    pub(super) mfa_bound: bool,
}

/// The state of a user.
#[derive(Debug)]
pub(super) struct UserState {
    policy: PoolPolicy,
    exceptions: Rc<RiskExceptions>,
    lock: LockoutTracker,
    risk: RiskEstimator,
    /// The user's refresh tokens.
    pub(super) tokens: RefreshTokenTracker,
    /// Whether the password is compromised.
    compromised: bool,
    /// Whether the pool required a password reset.
    reset_required: bool,
    pub(super) factors: Factors,
    pub(super) devices: Vec<OwnedDevice>,
}

/// What is known before a sign-in.
#[derive(Clone, Copy, Debug)]
pub(super) struct AttemptInputs {
    pub(super) risk: Option<RiskLevel>,
    pub(super) address: IpAddr,
    pub(super) flow: Flow,
    pub(super) custom_challenges: u8,
    pub(super) wrong_custom_answer: bool,
    pub(super) wrong_password: bool,
    pub(super) device_secret_damaged: bool,
    pub(super) omits_key_after_mfa: bool,
}

impl UserState {
    pub(super) fn new(
        policy: PoolPolicy,
        exceptions: &Rc<RiskExceptions>,
        user_spec: &UserSpec,
        devices: Vec<OwnedDevice>,
    ) -> Self {
        Self {
            policy,
            exceptions: Rc::clone(exceptions),
            lock: LockoutTracker::default(),
            risk: RiskEstimator::new(home_address(user_spec.number)),
            tokens: RefreshTokenTracker::default(),
            compromised: user_spec.compromised,
            reset_required: false,
            factors: user_spec.factors,
            devices,
        }
    }

    /// Records that an administrator forgot a device, by index.
    pub(super) fn forget_at(&mut self, place: usize) {
        if let Some(owned) = self.devices.get_mut(place) {
            owned.status = poolproof_oracle::Device::Forgotten;
            self.tokens.record_forgotten(&owned.key);
        }
    }

    /// Judges a token action and records which tokens it ends.
    pub(super) fn judge_token_action(
        &mut self,
        done: &TokenReply,
        rotation: Option<Duration>,
    ) -> Option<Judgement> {
        let TokenReply { action, when, reply } = done;
        match (action, reply) {
            (TokenAction::Refresh { number, .. }, None) => self.tokens.record_unknown(*number),
            (_, None) => {}
            (TokenAction::Refresh { number, named, used }, Some(reply)) => {
                let tracked = self.policy.remember.tracks();
                let mut facts = self.tokens.facts(tracked, *number, named.as_ref())?;
                if *used {
                    facts.exchanged = self.tokens.exchanged(*number, *when, rotation?)?;
                } else if token_actions::rotated_token(reply).is_some() {
                    self.tokens.record_exchanged(*number, *when);
                }
                let outcome = token_actions::outcome(reply, rotation.is_some())?;
                return Some(poolproof_oracle::judge_refresh(facts, outcome));
            }
            (action, Some(reply)) if reply.is_ok() => self.record_token_action(action),
            _ => {}
        }
        None
    }

    fn record_token_action(&mut self, action: &TokenAction) {
        match action {
            TokenAction::Refresh { .. } => {}
            TokenAction::Forget(key) => {
                self.tokens.record_forgotten(key);
                self.devices.retain(|owned| owned.key != *key);
            }
            TokenAction::Revoke(number) => self.tokens.record_revoked(*number),
            TokenAction::SignOut => self.tokens.record_signed_out(),
        }
    }

    /// Returns the remember mode of the pool.
    pub(super) const fn remember(&self) -> RememberMode {
        self.policy.remember
    }

    /// Judges an attempt and records its effects. An unfinished attempt is not judged, unless the pool asked
    /// for something that the rules do not ask for. An attempt whose challenge expired is not judged either.
    pub(super) fn judge(&mut self, attempt: &Attempt, inputs: AttemptInputs) -> Option<Judgement> {
        let (sent, answered) = attempt.claimed?;
        let when = RequestInterval { sent, answered };
        let facts = self.facts(attempt, inputs, when);
        let Some(seen) = observed_decision_given(attempt, &poolproof_oracle::expect(&facts).1) else {
            // The password was right and the user abandoned the sign-in later: this is an attempt too.
            let asked_first = match inputs.flow {
                Flow::Password => 0,
                Flow::Srp | Flow::CustomAfterPassword => 1,
                Flow::SmsCode | Flow::EmailCode => 2,
                // No answer there is an attempt to sign in.
                Flow::Custom => usize::MAX,
            };
            if attempt.challenges.len() > asked_first {
                self.lock.record_attempt(when);
            }
            return None;
        };
        if self.challenge_expired(attempt, seen.outcome) {
            self.lock.failed(when);
            self.risk.failed();
            return None;
        }
        let verdict = poolproof_oracle::judge(facts, seen);
        self.note(&verdict, when, inputs);
        if verdict.seen.outcome == Outcome::Tokens && !attempt.replayed && !inputs.omits_key_after_mfa {
            self.note_mfa(attempt);
        }
        Some(verdict)
    }

    /// Returns whether the refusal says that a challenge expired in a slow pool, which is no decision.
    fn challenge_expired(&self, attempt: &Attempt, outcome: Outcome) -> bool {
        let refused = matches!(outcome, Outcome::Incorrect | Outcome::SessionOver);
        refused && attempt.longest_challenge_time >= self.policy.session_validity
    }

    fn facts(&self, attempt: &Attempt, inputs: AttemptInputs, when: RequestInterval) -> Facts {
        let owned = attempt.device.as_ref().map(|key| self.devices.iter().find(|owned| owned.key == *key));
        let (device, mfa_bound) = match owned {
            None => (poolproof_oracle::Device::None, false),
            Some(None) => (poolproof_oracle::Device::Forgotten, false),
            Some(Some(owned)) => (owned.status, owned.mfa_bound),
        };
        let enforced = self.policy.risk.mode == RiskMode::Enforced;
        let level = match self.policy.risk.levels {
            RiskSource::Given => inputs.risk,
            RiskSource::Estimated => {
                let confirmed = matches!(
                    device,
                    poolproof_oracle::Device::Remembered | poolproof_oracle::Device::NotRemembered
                );
                self.risk.level(confirmed || !self.policy.remember.tracks(), inputs.address)
            }
        };
        let risk = level.filter(|_| enforced).map(|level| (level, self.policy.risk.action(level)));
        let blocks = enforced && self.policy.risk.compromised == CompromisedAction::Block;
        let circumstances = Circumstances {
            flow: inputs.flow,
            custom_challenges: inputs.custom_challenges,
            wrong_custom_answer: inputs.wrong_custom_answer,
            key_omitted_after_mfa: inputs.omits_key_after_mfa,
            compromised: self.compromised && blocks,
            reset_required: self.reset_required,
            address: match enforced {
                true => poolproof_oracle::address_status(inputs.address, &self.exceptions),
                false => AddressStatus::Any,
            },
            ..Circumstances::of_switches(&self.policy.switches)
        };
        let claim = match (attempt.replayed, inputs.wrong_password) {
            (true, _) => Claim::Replayed,
            (false, true) => Claim::Wrong,
            (false, false) => Claim::Right,
        };
        Facts {
            remember: self.policy.remember,
            suppress_mfa: self.policy.suppress_mfa,
            mfa: self.policy.mfa,
            risk_note: self.policy.switches.risk_note,
            strict_mfa_binding: self.policy.switches.strict_mfa_binding,
            factors: self.factors,
            claim,
            device,
            mfa_bound,
            device_secret_valid: !inputs.device_secret_damaged,
            risk,
            lock: match self.policy.lockout {
                Lockout::Off => LockoutState::Unlocked,
                Lockout::Cognito => self.lock.status(when),
            },
            circumstances,
        }
    }

    /// Updates failures, addresses and the password state.
    fn note(&mut self, verdict: &Judgement, when: RequestInterval, inputs: AttemptInputs) {
        // Follows the expected decision, not the observed one: a pool that forgets to require a reset is not
        // followed.
        self.reset_required |= verdict.rule.id == "compromised-blocked";
        match verdict.seen.outcome {
            Outcome::LockedOut => self.lock.record_refused(when),
            Outcome::Incorrect
                if matches!(verdict.seen.challenges.last(), None | Some(ChallengeName::PasswordVerifier)) =>
            {
                self.lock.failed(when);
                self.risk.failed();
            }
            Outcome::Tokens => {
                self.lock.record_success();
                self.risk.record_success(inputs.address);
            }
            _ if inputs.flow == Flow::Custom => {}
            _ => self.lock.record_attempt(when),
        }
    }

    /// Marks a remembered device as MFA-bound if it was used in a sign-in that included an MFA.
    fn note_mfa(&mut self, attempt: &Attempt) {
        if through_mfa(attempt) {
            let named = |owned: &&mut OwnedDevice| Some(&owned.key) == attempt.device.as_ref();
            for owned in self.devices.iter_mut().filter(named) {
                owned.mfa_bound |= owned.status == poolproof_oracle::Device::Remembered;
            }
        }
    }
}

/// Returns whether an attempt included an MFA.
pub(super) fn through_mfa(attempt: &Attempt) -> bool {
    // The challenge after SELECT_CHALLENGE is a first factor.
    let first_factor = attempt.challenges.first() == Some(&ChallengeName::SelectChallenge);
    attempt.challenges.iter().skip(if first_factor { 2 } else { 0 }).any(|challenge| {
        matches!(
            challenge,
            ChallengeName::SmsMfa
                | ChallengeName::SoftwareTokenMfa
                | ChallengeName::EmailOtp
                | ChallengeName::MfaSetup
        )
    })
}

/// Returns the pool's decision as far as the attempt shows it; `None` if it did not end.
pub fn seen(attempt: &Attempt) -> Option<Decision> {
    let (outcome, new_device) = match attempt.end.as_ref()? {
        AttemptEnd::Tokens { new_device } => (Outcome::Tokens, *new_device),
        AttemptEnd::Refused(error) => (outcome(error), false),
        AttemptEnd::ProtocolViolation => (Outcome::Other, false),
    };
    Some(Decision { challenges: attempt.challenges.clone(), outcome, new_device })
}

/// Returns the decision given the expected one: an attempt with a challenge that should not have been asked
/// is decided, and wrong, even if the user could not answer.
pub fn observed_decision_given(attempt: &Attempt, expected: &Decision) -> Option<Decision> {
    let deviated = !expected.challenges.starts_with(&attempt.challenges);
    seen(attempt).or_else(|| {
        let challenges = attempt.challenges.clone();
        deviated.then_some(Decision { challenges, outcome: Outcome::Other, new_device: false })
    })
}

/// Returns what a client learns from a refusal.
fn outcome(error: &ApiError) -> Outcome {
    match (error.kind, error.message.as_str()) {
        (ErrorKind::ResourceNotFound, "Device does not exist.") => Outcome::DeviceNotFound,
        (ErrorKind::NotAuthorized, "Incorrect username or password.") => Outcome::Incorrect,
        (ErrorKind::NotAuthorized, "Unable to login because of security reasons.") => Outcome::Blocked,
        (ErrorKind::NotAuthorized, "Request not allowed due to security reasons.") => Outcome::AddressBlocked,
        (ErrorKind::PasswordResetRequired, "Password reset required for the user") => Outcome::ResetRequired,
        (ErrorKind::NotAuthorized, "Password attempts exceeded") => Outcome::LockedOut,
        (ErrorKind::NotAuthorized, message) if message.starts_with("Invalid session for the user") => {
            Outcome::SessionOver
        }
        _ => Outcome::Other,
    }
}
