//! A job, power by power: what is to be raised next, and what becomes of the result.
//!
//! Several jobs go forward together, so that their powers can be computed together.

use super::error::SrpError;
use super::group::{Element, Exponent, Group, Modexp};
use super::job::{Job, JobResult};
use super::key::{Scrambler, SessionKey};
use super::power::ExponentClass;
use super::public::{PublicA, PublicB};
use super::secret::Ephemeral;
use super::verifier::Verifier;
use super::{client, server};

/// Where a job stands.
pub(super) enum JobState {
    /// Waits for this power.
    Modexp(Group, Modexp, Continuation),
    JobResult(JobResult),
}

/// What is done with a power.
pub(super) enum Continuation {
    /// g^a is A.
    PublicA { a: Ephemeral },
    /// g^x is v.
    Verifier,
    /// g^b goes into B.
    PublicB { b: Ephemeral, v: Element },
    /// g^x goes into the client's base.
    ClientBase { a: Exponent, class: ExponentClass, public_b: Element, u: Scrambler, x: Exponent },
    /// v^u goes into the server's base.
    ServerBase { b: Exponent, class: ExponentClass, public_a: Element, u: Scrambler },
    /// This is S.
    Shared { u: Scrambler, x: Option<Exponent> },
}

/// The first step of a job.
pub(super) fn begin(job: Job) -> JobState {
    let group = job.group();
    try_begin(job).map_or_else(
        |error| JobState::JobResult(JobResult::Failed(error)),
        |(raise, after)| JobState::Modexp(group, raise, after),
    )
}

/// The exponents' classes are those that [`Job::costs`] tells.
fn try_begin(job: Job) -> Result<(Modexp, Continuation), SrpError> {
    let mut classes = job.costs().map(|cost| cost.class);
    let mut class = || classes.next().unwrap_or(ExponentClass::Bits1025);
    let g_to = |exponent: Exponent, class| Modexp { base: None, exponent, class };
    Ok(match job {
        Job::ClientPublic { a, .. } => (g_to(a.exponent().clone(), class()), Continuation::PublicA { a }),
        Job::Verifier { salt, identity, password, .. } => {
            (g_to(identity.private_key(&salt, &password), class()), Continuation::Verifier)
        }
        Job::ServerPublic { group, b, verifier } => {
            same_group(group, &[verifier.group()])?;
            (g_to(b.exponent().clone(), class()), Continuation::PublicB { b, v: verifier.value().clone() })
        }
        Job::ClientKey { group, a, public_a, public_b, salt, identity, password } => {
            same_group(group, &[public_a.group(), public_b.group()])?;
            let u = Scrambler::of(&public_a, &public_b)?;
            let x = identity.private_key(&salt, &password);
            let raise = g_to(x.clone(), class());
            let (a, public_b) = (a.exponent().clone(), public_b.value().clone());
            (raise, Continuation::ClientBase { a, class: class(), public_b, u, x })
        }
        Job::ServerKey { group, b, verifier, public_a, public_b } => {
            same_group(group, &[verifier.group(), public_a.group(), public_b.group()])?;
            let u = Scrambler::of(&public_a, &public_b)?;
            let (base, exponent) = (Some(verifier.value().clone()), u.exponent().clone());
            let raise = Modexp { base, exponent, class: class() };
            let (b, public_a) = (b.exponent().clone(), public_a.value().clone());
            (raise, Continuation::ServerBase { b, class: class(), public_a, u })
        }
    })
}

fn same_group(group: Group, others: &[Group]) -> Result<(), SrpError> {
    if others.iter().all(|other| *other == group) { Ok(()) } else { Err(SrpError::GroupMismatch) }
}

impl Continuation {
    /// What comes next, now that the power is there.
    pub(super) fn resume(self, group: Group, power: Element) -> JobState {
        let then = |base, exponent, class, after| {
            JobState::Modexp(group, Modexp { base: Some(base), exponent, class }, after)
        };
        JobState::JobResult(match self {
            // g is no divisor of zero, so that A is never zero; the type asks all the same.
            Self::PublicA { a } => {
                PublicA::new(group, power).map_or(JobResult::Failed(SrpError::SharedIsZero), |public_a| {
                    JobResult::PublicA { a, public_a }
                })
            }
            Self::Verifier => JobResult::Verifier(Verifier::new(group, power)),
            Self::PublicB { b, v } => PublicB::new(group, server::public_value(group, &power, &v)).map_or(
                JobResult::Failed(SrpError::PublicBIsZero),
                |public_b| JobResult::PublicB { b, public_b },
            ),
            Self::Shared { u, .. } => {
                SessionKey::derive(&u, &power).map_or_else(JobResult::Failed, JobResult::SessionKey)
            }
            Self::ClientBase { a, class, public_b, u, x } => {
                let exponent = client::exponent(&a, u.exponent(), &x);
                let base = client::base(group, &public_b, &power);
                return then(base, exponent, class, Self::Shared { u, x: Some(x) });
            }
            Self::ServerBase { b, class, public_a, u } => {
                let base = server::base(group, &public_a, &power);
                return then(base, b, class, Self::Shared { u, x: None });
            }
        })
    }
}

impl JobState {
    /// The group of the power that it waits for.
    pub(super) const fn group(&self) -> Option<Group> {
        match self {
            Self::Modexp(group, ..) => Some(*group),
            Self::JobResult(_) => None,
        }
    }

    pub(super) const fn raise(&self) -> Option<&Modexp> {
        match self {
            Self::Modexp(_, raise, _) => Some(raise),
            Self::JobResult(_) => None,
        }
    }

    /// Goes on with the power that it waited for.
    pub(super) fn resume(&mut self, power: Element) {
        if let Self::Modexp(group, _, after) =
            std::mem::replace(self, Self::JobResult(JobResult::Failed(SrpError::Interrupted)))
        {
            *self = after.resume(group, power);
        }
    }

    /// What came of it; it waits for nothing any more.
    pub(super) fn into_result(self) -> JobResult {
        match self {
            Self::JobResult(done) => done,
            Self::Modexp(..) => JobResult::Failed(SrpError::Interrupted),
        }
    }
}
