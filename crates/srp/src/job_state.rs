//! The state of a job between its exponentiations.
//!
//! [`super::run_all`] advances several jobs together, so that a backend can compute their powers together.

use num_bigint::BigUint;

use super::error::SrpError;
use super::group::Group;
use super::job::{Job, JobResult};
use super::key::{Scrambler, SessionKey};
use super::power::{ExponentClass, Modexp};
use super::public::{PublicA, PublicB};
use super::secret::Ephemeral;
use super::verifier::Verifier;

/// The state of a job.
pub(super) enum JobState {
    /// The job needs this power.
    Pending(Group, Modexp, Continuation),
    Finished(JobResult),
}

/// The use of a power, with the values that the rest of the job needs.
pub(super) enum Continuation {
    /// The power is g^a = A.
    PublicA { a: Ephemeral },
    /// The power is g^x = v.
    Verifier,
    /// The power is g^b.
    PublicB { b: Ephemeral, v: BigUint },
    /// The power is g^x, which the client's base needs.
    ClientBase { a: BigUint, class: ExponentClass, public_b: BigUint, u: Scrambler, x: BigUint },
    /// The power is v^u, which the server's base needs.
    ServerBase { b: BigUint, class: ExponentClass, public_a: BigUint, u: Scrambler },
    /// The power is S.
    Shared { u: Scrambler, x: Option<BigUint> },
}

/// Returns the job's first exponentiation and its use, with the exponent classes of [`Job::costs`].
fn first_power(job: Job) -> Result<(Modexp, Continuation), SrpError> {
    let mut classes = job.costs().map(|cost| cost.class);
    let mut class = || classes.next().unwrap_or(ExponentClass::Bits1025);
    let g_to = |exponent: BigUint, class| Modexp { base: None, exponent, class };
    Ok(match job {
        Job::ClientPublic { a, .. } => (g_to(a.exponent.clone(), class()), Continuation::PublicA { a }),
        Job::Verifier { salt, identity, password, .. } => {
            (g_to(identity.private_key(&salt, &password), class()), Continuation::Verifier)
        }
        Job::ServerPublic { group, b, verifier } => {
            same_group(group, &[verifier.group])?;
            (g_to(b.exponent.clone(), class()), Continuation::PublicB { b, v: verifier.value.clone() })
        }
        Job::ClientKey { group, a, public_a, public_b, salt, identity, password } => {
            same_group(group, &[public_a.group, public_b.group])?;
            let u = Scrambler::of(&public_a, &public_b)?;
            let x = identity.private_key(&salt, &password);
            let power = g_to(x.clone(), class());
            let (a, public_b) = (a.exponent.clone(), public_b.value.clone());
            (power, Continuation::ClientBase { a, class: class(), public_b, u, x })
        }
        Job::ServerKey { group, b, verifier, public_a, public_b } => {
            same_group(group, &[verifier.group, public_a.group, public_b.group])?;
            let u = Scrambler::of(&public_a, &public_b)?;
            let (base, exponent) = (Some(verifier.value.clone()), u.0.clone());
            let power = Modexp { base, exponent, class: class() };
            let (b, public_a) = (b.exponent.clone(), public_a.value.clone());
            (power, Continuation::ServerBase { b, class: class(), public_a, u })
        }
    })
}

fn same_group(group: Group, others: &[Group]) -> Result<(), SrpError> {
    if others.iter().all(|other| *other == group) { Ok(()) } else { Err(SrpError::GroupMismatch) }
}

/// Computes B − k·g^x from g^x. The result is zero only for B = k·v, which an honest server does not send.
fn client_base(group: Group, public_b: &BigUint, power_of_x: &BigUint) -> BigUint {
    group.sub(public_b, &(group.k() * power_of_x))
}

/// Computes B = k·v + g^b from g^b. If the result is zero, the server must draw another b.
fn server_public_value(group: Group, power_of_b: &BigUint, v: &BigUint) -> BigUint {
    group.reduce(&(group.k() * v + power_of_b))
}

/// Computes A·v^u from v^u. The result is zero only if N divides A, which [`PublicA`] excludes.
fn server_base(group: Group, public_a: &BigUint, power_of_v: &BigUint) -> BigUint {
    group.reduce(&(public_a * power_of_v))
}

impl Continuation {
    /// Continues the job with the power.
    pub(super) fn resume(self, group: Group, power: BigUint) -> JobState {
        let then = |base, exponent, class, after| {
            JobState::Pending(group, Modexp { base: Some(base), exponent, class }, after)
        };
        JobState::Finished(match self {
            Self::PublicA { a } => match PublicA::new(group, power) {
                Some(public_a) => JobResult::PublicA { a, public_a },
                // A power of g is never zero.
                None => JobResult::Failed(SrpError::SharedIsZero),
            },
            Self::Verifier => JobResult::Verifier(Verifier { group, value: power }),
            Self::PublicB { b, v } => match PublicB::new(group, server_public_value(group, &power, &v)) {
                Some(public_b) => JobResult::PublicB { b, public_b },
                None => JobResult::Failed(SrpError::PublicBIsZero),
            },
            Self::Shared { u, .. } => {
                SessionKey::derive(&u, &power).map_or_else(JobResult::Failed, JobResult::SessionKey)
            }
            Self::ClientBase { a, class, public_b, u, x } => {
                let base = client_base(group, &public_b, &power);
                let exponent = a + &u.0 * &x;
                return then(base, exponent, class, Self::Shared { u, x: Some(x) });
            }
            Self::ServerBase { b, class, public_a, u } => {
                let base = server_base(group, &public_a, &power);
                return then(base, b, class, Self::Shared { u, x: None });
            }
        })
    }
}

impl JobState {
    /// Returns the first state of a job.
    pub(super) fn begin(job: Job) -> Self {
        let group = job.group();
        match first_power(job) {
            Ok((power, after)) => Self::Pending(group, power, after),
            Err(error) => Self::Finished(JobResult::Failed(error)),
        }
    }

    /// Returns the power that the job needs, and its group.
    pub(super) const fn pending(&self) -> Option<(Group, &Modexp)> {
        match self {
            Self::Pending(group, power, _) => Some((*group, power)),
            Self::Finished(_) => None,
        }
    }

    /// Continues the job with the result of its pending power.
    pub(super) fn resume(&mut self, power: BigUint) {
        let canceled = Self::Finished(JobResult::Failed(SrpError::Interrupted));
        *self = match std::mem::replace(self, canceled) {
            Self::Pending(group, _, after) => after.resume(group, power),
            finished @ Self::Finished(_) => finished,
        };
    }

    /// Returns the result of a finished job.
    pub(super) fn into_result(self) -> JobResult {
        match self {
            Self::Finished(result) => result,
            Self::Pending(..) => JobResult::Failed(SrpError::Interrupted),
        }
    }
}

#[cfg(test)]
mod tests;
