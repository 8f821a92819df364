//! A job, power by power: what is to be raised next, and what becomes of the result.
//!
//! Several jobs go forward together, so that their powers can be computed together.

use super::error::Misfortune;
use super::group::{Element, Exponent, Group, Raise};
use super::job::{Done, Job};
use super::key::{Scrambler, SessionKey};
use super::power::ExponentClass;
use super::public::{PublicA, PublicB};
use super::secret::Ephemeral;
use super::verifier::Verifier;
use super::{client, server};

/// Where a job stands.
pub(super) enum Step {
    /// Waits for this power.
    Raise(Group, Raise, After),
    Done(Done),
}

/// What is done with a power.
pub(super) enum After {
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
pub(super) fn begin(job: Job) -> Step {
    let group = job.group();
    try_begin(job).map_or_else(
        |misfortune| Step::Done(Done::Failed(misfortune)),
        |(raise, after)| Step::Raise(group, raise, after),
    )
}

/// The exponents' classes are those that [`Job::costs`] tells.
fn try_begin(job: Job) -> Result<(Raise, After), Misfortune> {
    let mut classes = job.costs().map(|cost| cost.class);
    let mut class = || classes.next().unwrap_or(ExponentClass::Bits1025);
    let g_to = |exponent: Exponent, class| Raise { base: None, exponent, class };
    Ok(match job {
        Job::ClientPublic { a, .. } => (g_to(a.exponent().clone(), class()), After::PublicA { a }),
        Job::Verifier { salt, identity, password, .. } => {
            (g_to(identity.private_key(&salt, &password), class()), After::Verifier)
        }
        Job::ServerPublic { group, b, verifier } => {
            same_group(group, &[verifier.group()])?;
            (g_to(b.exponent().clone(), class()), After::PublicB { b, v: verifier.value().clone() })
        }
        Job::ClientKey { group, a, public_a, public_b, salt, identity, password } => {
            same_group(group, &[public_a.group(), public_b.group()])?;
            let u = Scrambler::of(&public_a, &public_b)?;
            let x = identity.private_key(&salt, &password);
            let raise = g_to(x.clone(), class());
            let (a, public_b) = (a.exponent().clone(), public_b.value().clone());
            (raise, After::ClientBase { a, class: class(), public_b, u, x })
        }
        Job::ServerKey { group, b, verifier, public_a, public_b } => {
            same_group(group, &[verifier.group(), public_a.group(), public_b.group()])?;
            let u = Scrambler::of(&public_a, &public_b)?;
            let (base, exponent) = (Some(verifier.value().clone()), u.exponent().clone());
            let raise = Raise { base, exponent, class: class() };
            let (b, public_a) = (b.exponent().clone(), public_a.value().clone());
            (raise, After::ServerBase { b, class: class(), public_a, u })
        }
    })
}

fn same_group(group: Group, others: &[Group]) -> Result<(), Misfortune> {
    if others.iter().all(|other| *other == group) { Ok(()) } else { Err(Misfortune::OtherGroup) }
}

impl After {
    /// What comes next, now that the power is there.
    pub(super) fn resume(self, group: Group, power: Element) -> Step {
        let then = |base, exponent, class, after| {
            Step::Raise(group, Raise { base: Some(base), exponent, class }, after)
        };
        Step::Done(match self {
            // g is no divisor of zero, so that A is never zero; the type asks all the same.
            Self::PublicA { a } => PublicA::new(group, power)
                .map_or(Done::Failed(Misfortune::SharedIsZero), |public_a| Done::PublicA { a, public_a }),
            Self::Verifier => Done::Verifier(Verifier::new(group, power)),
            Self::PublicB { b, v } => PublicB::new(group, server::public_value(group, &power, &v))
                .map_or(Done::Failed(Misfortune::PublicBIsZero), |public_b| Done::PublicB { b, public_b }),
            Self::Shared { u, .. } => {
                SessionKey::derive(&u, &power).map_or_else(Done::Failed, Done::SessionKey)
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

impl Step {
    /// The group of the power that it waits for.
    pub(super) const fn group(&self) -> Option<Group> {
        match self {
            Self::Raise(group, ..) => Some(*group),
            Self::Done(_) => None,
        }
    }

    pub(super) const fn raise(&self) -> Option<&Raise> {
        match self {
            Self::Raise(_, raise, _) => Some(raise),
            Self::Done(_) => None,
        }
    }

    /// Goes on with the power that it waited for.
    pub(super) fn resume(&mut self, power: Element) {
        if let Self::Raise(group, _, after) =
            std::mem::replace(self, Self::Done(Done::Failed(Misfortune::Interrupted)))
        {
            *self = after.resume(group, power);
        }
    }

    /// What came of it; it waits for nothing any more.
    pub(super) fn into_done(self) -> Done {
        match self {
            Self::Done(done) => done,
            Self::Raise(..) => Done::Failed(Misfortune::Interrupted),
        }
    }
}
