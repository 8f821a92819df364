//! What a user knows of themselves and their devices, and how the judge is asked.
//!
//! Nothing here comes from inside the pool: a device counts as remembered because the user confirmed it in a pool whose
//! policy remembers, not because the pool says so.

use std::net::IpAddr;
use std::rc::Rc;

use actix::Addr;

use super::device::DeviceActor;
use super::errands::{self, Errand};
use crate::workload::{Person, home};
use poolproof_client::{Attempt, AttemptEnd};
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::ids::DeviceKey;
use poolproof_cognito::policy::{
    CompromisedAction, Factors, Lockout, PoolPolicy, RememberMode, RiskLevel, RiskLevels, RiskMode,
};
use poolproof_cognito::protocol::{ApiError, ChallengeName, ErrorKind, Reply};
use poolproof_oracle::{
    self, Address, Between, Circumstances, Claim, Decision, Facts, Flow, Lock, LockBook, Outcome, RiskBook,
    TokenBook, Verdict,
};

/// A device that the user has.
#[derive(Debug)]
pub(super) struct Owned {
    pub(super) key: DeviceKey,
    pub(super) device: Addr<DeviceActor>,
    pub(super) standing: poolproof_oracle::Device,
    /// Whether it has been through an MFA.
    pub(super) mfa_bound: bool,
}

/// A user's own book.
#[derive(Debug)]
pub(super) struct Ledger {
    policy: PoolPolicy,
    exceptions: Rc<RiskExceptions>,
    lock: LockBook,
    risk: RiskBook,
    /// The tokens that the user was given.
    pub(super) tokens: TokenBook,
    /// Whether the password is known to others.
    compromised: bool,
    /// Whether the pool has refused it for that.
    reset_required: bool,
    pub(super) factors: Factors,
    pub(super) devices: Vec<Owned>,
}

/// What is known of a sign-in beforehand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beforehand {
    pub(super) risk: Option<RiskLevel>,
    pub(super) address: IpAddr,
    pub(super) sends_password: bool,
    pub(super) wrong_password: bool,
    pub(super) device_damaged: bool,
}

impl Ledger {
    pub(super) fn new(
        policy: PoolPolicy,
        exceptions: &Rc<RiskExceptions>,
        person: &Person,
        devices: Vec<Owned>,
    ) -> Self {
        Self {
            policy,
            exceptions: Rc::clone(exceptions),
            lock: LockBook::default(),
            risk: RiskBook::new(home(person.number)),
            tokens: TokenBook::default(),
            compromised: person.compromised,
            reset_required: false,
            factors: person.factors,
            devices,
        }
    }

    /// Notes that an administrator has removed a device, by its place among the user's.
    pub(super) fn forget_at(&mut self, place: usize) {
        if let Some(owned) = self.devices.get_mut(place) {
            owned.standing = poolproof_oracle::Device::Forgotten;
            self.tokens.forgot(&owned.key);
        }
    }

    /// Judges what came of a refresh token, and notes what ends others.
    pub(super) fn judge_errand(&mut self, errand: &Errand, reply: &Reply) -> Option<Verdict> {
        match errand {
            Errand::Refresh { number, named } => {
                let tracked = self.policy.remember.tracks();
                let facts = self.tokens.facts(tracked, *number, named.as_ref())?;
                return Some(poolproof_oracle::judge_refresh(facts, errands::outcome(reply)?));
            }
            _ if reply.is_err() => {}
            Errand::Forget(key) => {
                self.tokens.forgot(key);
                self.devices.retain(|owned| owned.key != *key);
            }
            Errand::Revoke(number) => self.tokens.revoked(*number),
            Errand::SignOut => self.tokens.signed_out(),
        }
        None
    }

    /// Whether the pool remembers devices.
    pub(super) const fn remember(&self) -> RememberMode {
        self.policy.remember
    }

    /// Judges an attempt, and notes what follows from it. An attempt that did not end was not decided, as long as it was asked for
    /// nothing that the rules do not ask for; nor was one whose challenge ran out on the way.
    pub(super) fn judge(&mut self, attempt: &Attempt, before: Beforehand) -> Option<Verdict> {
        let (sent, heard) = attempt.claimed?;
        let when = Between { sent, heard };
        let facts = self.facts(attempt, before, when);
        let Some(seen) = seen_by_then(attempt, &poolproof_oracle::expect(&facts).1) else {
            // The password was right and the user went away afterwards: an attempt all the same.
            if attempt.challenges.len() > usize::from(!before.sends_password) {
                self.lock.attempted(when);
            }
            return None;
        };
        if self.ran_out(attempt, seen.outcome) {
            self.lock.failed(when);
            self.risk.failed();
            return None;
        }
        let verdict = poolproof_oracle::judge(facts, seen);
        self.note(&verdict, when, before);
        if verdict.seen.outcome == Outcome::Tokens && !attempt.replayed {
            self.note_mfa(attempt);
        }
        Some(verdict)
    }

    /// Whether the refusal is that of a challenge which had run out, in a pool that takes too long: no decision.
    fn ran_out(&self, attempt: &Attempt, outcome: Outcome) -> bool {
        let refused = matches!(outcome, Outcome::Incorrect | Outcome::SessionOver);
        refused && attempt.longest_leg >= self.policy.session_validity
    }

    fn facts(&self, attempt: &Attempt, before: Beforehand, when: Between) -> Facts {
        let owned = attempt.device.as_ref().map(|key| self.devices.iter().find(|owned| owned.key == *key));
        let (device, mfa_bound) = match owned {
            None => (poolproof_oracle::Device::None, false),
            Some(None) => (poolproof_oracle::Device::Forgotten, false),
            Some(Some(owned)) => (owned.standing, owned.mfa_bound),
        };
        let enforced = self.policy.risk.mode == RiskMode::Enforced;
        let level = match self.policy.risk.levels {
            RiskLevels::Given => before.risk,
            RiskLevels::Estimated => {
                let confirmed = matches!(
                    device,
                    poolproof_oracle::Device::Remembered | poolproof_oracle::Device::NotRemembered
                );
                self.risk.level(confirmed || !self.policy.remember.tracks(), before.address)
            }
        };
        let risk = level.filter(|_| enforced).map(|level| (level, self.policy.risk.action(level)));
        let blocks = enforced && self.policy.risk.compromised == CompromisedAction::Block;
        let circumstances = Circumstances {
            flow: if before.sends_password { Flow::Password } else { Flow::Srp },
            compromised: self.compromised && blocks,
            reset_required: self.reset_required,
            address: match enforced {
                true => poolproof_oracle::standing_of(before.address, &self.exceptions),
                false => Address::Any,
            },
        };
        let claim = match (attempt.replayed, before.wrong_password) {
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
            device_secret_right: !before.device_damaged,
            risk,
            lock: match self.policy.lockout {
                Lockout::Off => Lock::Open,
                Lockout::Cognito => self.lock.standing(when),
            },
            circumstances,
        }
    }

    /// Keeps the books on failures, addresses and passwords.
    fn note(&mut self, verdict: &Verdict, when: Between, before: Beforehand) {
        // What the judge expects, and not what was seen: a pool that forgets to ask for a reset is not followed.
        self.reset_required |= verdict.rule.id == "compromised-blocked";
        match verdict.seen.outcome {
            Outcome::LockedOut => self.lock.refused_by_lock(when),
            Outcome::Incorrect if verdict.seen.challenges.len() <= 1 => {
                self.lock.failed(when);
                self.risk.failed();
            }
            Outcome::Tokens => {
                self.lock.succeeded();
                self.risk.succeeded(before.address);
            }
            _ => self.lock.attempted(when),
        }
    }

    /// A remembered device that was named in a sign-in through an MFA has been through one.
    fn note_mfa(&mut self, attempt: &Attempt) {
        if through_mfa(attempt) {
            let named = |owned: &&mut Owned| Some(&owned.key) == attempt.device.as_ref();
            for owned in self.devices.iter_mut().filter(named) {
                owned.mfa_bound |= owned.standing == poolproof_oracle::Device::Remembered;
            }
        }
    }
}

/// Whether an attempt went through an MFA.
pub(super) fn through_mfa(attempt: &Attempt) -> bool {
    attempt.challenges.iter().any(|challenge| {
        matches!(challenge, ChallengeName::SmsMfa | ChallengeName::SoftwareTokenMfa | ChallengeName::MfaSetup)
    })
}

/// What an attempt has shown of the pool's decision; nothing if it did not end.
pub fn seen(attempt: &Attempt) -> Option<Decision> {
    let (outcome, new_device) = match attempt.end.as_ref()? {
        AttemptEnd::Tokens { new_device } => (Outcome::Tokens, *new_device),
        AttemptEnd::Refused(error) => (outcome(error), false),
        AttemptEnd::Misbehaved => (Outcome::Other, false),
    };
    Some(Decision { challenges: attempt.challenges.clone(), outcome, new_device })
}

/// The same, where this is expected: an attempt that was asked for what it should not have been is decided, and wrongly, whether or
/// not the user could answer.
pub fn seen_by_then(attempt: &Attempt, expected: &Decision) -> Option<Decision> {
    let strayed = !expected.challenges.starts_with(&attempt.challenges);
    seen(attempt).or_else(|| {
        let challenges = attempt.challenges.clone();
        strayed.then_some(Decision { challenges, outcome: Outcome::Other, new_device: false })
    })
}

/// What a client can tell from a refusal.
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
