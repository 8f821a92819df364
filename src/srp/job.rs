//! The expensive steps as values: what to compute, what it costs, what came of it.
//!
//! The machines of the pool and of the client hand out [`Job`]s and go on when a [`Done`] comes back. Where and when a job
//! runs is not their business: inline under the virtual clock, on worker threads under load.

use std::fmt;

use super::error::Misfortune;
use super::group::{Exponent, Group, Raise};
use super::identity::Identity;
use super::key::SessionKey;
use super::power::ExponentClass;
use super::public::{PublicA, PublicB};
use super::salt::Salt;
use super::secret::Ephemeral;
use super::steps::{self, After, Step};
use super::verifier::Verifier;

/// One step of SRP that takes modular exponentiations.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the symbols of the module's table, by their names")]
pub enum Job {
    /// The client's A.
    ClientPublic { group: Group, a: Ephemeral },
    /// The client's K, from the password.
    ClientKey {
        group: Group,
        a: Ephemeral,
        public_a: PublicA,
        public_b: PublicB,
        salt: Salt,
        identity: Identity,
        password: String,
    },
    /// The server's B.
    ServerPublic { group: Group, b: Ephemeral, verifier: Verifier },
    /// The server's K, from the verifier.
    ServerKey { group: Group, b: Ephemeral, verifier: Verifier, public_a: PublicA, public_b: PublicB },
    /// The verifier of a new password, user's or device's.
    Verifier { group: Group, salt: Salt, identity: Identity, password: String },
}

/// What came of a [`Job`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the fields are the symbols of the module's table, by their names")]
pub enum Done {
    /// Of [`Job::ClientPublic`], with the secret behind it: the job's own, or one that was [prepared](super::Prepared).
    PublicA { a: Ephemeral, public_a: PublicA },
    /// Of [`Job::ServerPublic`], likewise.
    PublicB { b: Ephemeral, public_b: PublicB },
    /// Of [`Job::ClientKey`] and [`Job::ServerKey`].
    SessionKey(SessionKey),
    /// Of [`Job::Verifier`].
    Verifier(Verifier),
    /// Of any job whose numbers lead nowhere.
    Failed(Misfortune),
}

/// One modular exponentiation, as far as its cost goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Exponentiation {
    /// What is raised.
    pub base: Base,
    /// How long the exponent is.
    pub class: ExponentClass,
}

/// What is raised to a power.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Base {
    /// g, for which tables can be made.
    Generator,
    /// Anything else.
    Variable,
}

/// The numbers on the way to a session key, in minimal lower-case hexadecimal: for teaching and for tests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Workings {
    /// k, the multiplier.
    pub k: String,
    /// u, the scrambler.
    pub u: String,
    /// x, the private key; only the client knows it.
    pub x: Option<String>,
    /// S, the shared number.
    pub shared: String,
    /// K, the session key: always 32 digits.
    pub session_key: String,
}

impl Job {
    /// Computes it, on the calling thread.
    pub fn run(self) -> Done {
        run_all(vec![self]).pop().unwrap_or(Done::Failed(Misfortune::Interrupted))
    }

    /// The exponentiations that it takes, in their order.
    pub fn costs(&self) -> impl Iterator<Item = Exponentiation> + use<> {
        use Base::{Generator, Variable};
        let power = |base, bits| Some(Exponentiation { base, class: ExponentClass::of(bits) });
        match self {
            Self::ClientPublic { a, .. } => [power(Generator, a.bits()), None],
            // g^x, then the power a + u·x, which is one bit longer than the longer of a and the 512 bits of u·x.
            Self::ClientKey { a, .. } => [power(Generator, 256), power(Variable, a.bits().max(512) + 1)],
            Self::ServerPublic { b, .. } => [power(Generator, b.bits()), None],
            // v^u, then the power b.
            Self::ServerKey { b, .. } => [power(Variable, 256), power(Variable, b.bits())],
            Self::Verifier { .. } => [power(Generator, 256), None],
        }
        .into_iter()
        .flatten()
    }

    /// The numbers on the way to the session key, computed anew. `None` for jobs that have no key or lead nowhere.
    pub fn workings(&self) -> Option<Workings> {
        let mut step = steps::begin(self.clone());
        loop {
            match step {
                Step::Done(_) => return None,
                Step::Raise(group, raise, After::Shared { u, x }) => {
                    let s = group.raise(raise);
                    let digits = |exponent: &Exponent| super::pad::minimal_hex(&exponent.to_bytes());
                    return Some(Workings {
                        k: group.k().to_hex(),
                        u: digits(u.exponent()),
                        x: x.as_ref().map(digits),
                        session_key: SessionKey::derive(&u, &s).ok()?.to_hex(),
                        shared: s.to_hex(),
                    });
                }
                Step::Raise(group, raise, after) => step = after.resume(group, group.raise(raise)),
            }
        }
    }

    /// The same job with another secret, where it begins an exchange.
    pub(super) fn with_secret(self, secret: Ephemeral) -> Self {
        match self {
            Self::ClientPublic { group, .. } => Self::ClientPublic { group, a: secret },
            Self::ServerPublic { group, verifier, .. } => Self::ServerPublic { group, b: secret, verifier },
            other => other,
        }
    }

    pub(super) const fn group(&self) -> Group {
        match self {
            Self::ClientPublic { group, .. }
            | Self::ClientKey { group, .. }
            | Self::ServerPublic { group, .. }
            | Self::ServerKey { group, .. }
            | Self::Verifier { group, .. } => *group,
        }
    }
}

/// Runs several jobs; what came of them, in the same order. Powers of one kind that are due at the same time are computed
/// together: hand over what is waiting.
pub fn run_all(jobs: Vec<Job>) -> Vec<Done> {
    let mut steps: Vec<Step> = jobs.into_iter().map(steps::begin).collect();
    while let Some(group) = steps.iter().find_map(Step::group) {
        let mine = |step: &&mut Step| step.group() == Some(group);
        let raises: Vec<Raise> =
            steps.iter_mut().filter(mine).filter_map(|step| step.raise().cloned()).collect();
        for (step, power) in steps.iter_mut().filter(mine).zip(group.raise_all(&raises)) {
            step.resume(power);
        }
    }
    steps.into_iter().map(Step::into_done).collect()
}

impl fmt::Debug for Job {
    /// Its kind and its group: all else is a secret, or made from one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::ClientPublic { .. } => "ClientPublic",
            Self::ClientKey { .. } => "ClientKey",
            Self::ServerPublic { .. } => "ServerPublic",
            Self::ServerKey { .. } => "ServerKey",
            Self::Verifier { .. } => "Verifier",
        };
        write!(f, "Job::{kind}({})", self.group().name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PoolId;
    use crate::seed::Seed;

    #[test]
    fn costs_follow_from_the_lengths_that_were_asked_for() {
        use Base::{Generator, Variable};
        use ExponentClass::{Bits256, Bits513, Bits1025};
        let (group, stream) = (Group::toy(), &mut Seed::new(1).stream("costs", 0));
        let identity = Identity::user(&PoolId::new("us-east-1_AbC"), "ann");
        let (salt, password) = (Salt::draw(stream), "secret".to_owned());
        let costs = |job: &Job| job.costs().map(|cost| (cost.base, cost.class)).collect::<Vec<_>>();

        let job = Job::Verifier {
            group,
            salt: salt.clone(),
            identity: identity.clone(),
            password: password.clone(),
        };
        assert_eq!(costs(&job), [(Generator, Bits256)]);
        assert_eq!(format!("{job:?}"), "Job::Verifier(toy)");
        let Done::Verifier(verifier) = job.run() else { panic!("no verifier") };
        for (bits, public, key) in [
            (256, Bits256, Bits513),
            (257, Bits513, Bits513),
            (512, Bits513, Bits513),
            (513, Bits513, Bits1025),
            (1024, Bits1025, Bits1025),
        ] {
            let secret = Ephemeral::draw(bits, stream);
            let job = Job::ClientPublic { group, a: secret.clone() };
            assert_eq!(costs(&job), [(Generator, public)], "{bits}");
            let Done::PublicA { public_a, .. } = job.run() else { panic!("no A") };
            let job = Job::ServerPublic { group, b: secret.clone(), verifier: verifier.clone() };
            assert_eq!(costs(&job), [(Generator, public)], "{bits}");
            let Done::PublicB { public_b, .. } = job.run() else { panic!("no B") };
            let job = Job::ServerKey {
                group,
                b: secret.clone(),
                verifier: verifier.clone(),
                public_a: public_a.clone(),
                public_b: public_b.clone(),
            };
            assert_eq!(costs(&job), [(Variable, Bits256), (Variable, public)], "{bits}");
            let (salt, identity, password) = (salt.clone(), identity.clone(), password.clone());
            let job = Job::ClientKey { group, a: secret, public_a, public_b, salt, identity, password };
            assert_eq!(costs(&job), [(Generator, Bits256), (Variable, key)], "{bits}");
        }
    }
}
