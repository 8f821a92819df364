//! Powers of g made ahead of time: half of what the first step of an exchange takes, for an exponent that nobody has used.

use rand::Rng;

use super::error::SrpError;
use super::group::{Element, Group, Modexp};
use super::job::{Job, JobResult};
use super::job_state::{self, JobState};
use super::power::ExponentClass;
use super::secret::Ephemeral;

/// A secret exponent and its power of g, for one exchange: whoever uses it gives it away.
pub struct PreparedPair {
    shape: PairShape,
    secret: Ephemeral,
    power: Element,
}

/// Which pairs are alike: those of one group whose exponents were drawn with one length, in bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PairShape {
    group: Group,
    bits: u32,
}

impl PairShape {
    /// The shape of the pair that would serve this job; `None` for jobs that do not begin an exchange.
    pub const fn of(job: &Job) -> Option<Self> {
        match job {
            Job::ClientPublic { group, a: secret } | Job::ServerPublic { group, b: secret, .. } => {
                Some(Self { group: *group, bits: secret.bits() })
            }
            Job::ClientKey { .. } | Job::ServerKey { .. } | Job::Verifier { .. } => None,
        }
    }
}

impl PreparedPair {
    /// So many pairs of a shape, their exponents drawn from `rng` and their powers computed together.
    pub fn generate(shape: PairShape, count: usize, rng: &mut impl Rng) -> Vec<Self> {
        let secrets: Vec<_> = (0..count).map(|_| Ephemeral::draw(shape.bits, rng)).collect();
        let class = ExponentClass::of(shape.bits);
        let raise = |secret: &Ephemeral| Modexp { base: None, exponent: secret.exponent().clone(), class };
        let powers = shape.group.raise_all(&secrets.iter().map(raise).collect::<Vec<_>>());
        secrets.into_iter().zip(powers).map(|(secret, power)| Self { shape, secret, power }).collect()
    }

    /// What becomes of a job that takes this pair in its own secret's place: at most a product is left to do. A job of another
    /// shape is refused.
    pub fn complete(self, job: Job) -> JobResult {
        let Self { shape, secret, power } = self;
        if PairShape::of(&job) != Some(shape) {
            return JobResult::Failed(SrpError::GroupMismatch);
        }
        let mut state = job_state::begin(job.with_secret(secret));
        state.resume(power);
        match state {
            JobState::JobResult(done) => done,
            JobState::Modexp(..) => unreachable!("one power begins an exchange"),
        }
    }
}

impl std::fmt::Debug for PreparedPair {
    /// Its shape: all else is a secret, or made from one.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Prepared({:?})", self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Identity, Salt, Verifier};
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    fn verifier(group: Group, rng: &mut ChaCha8Rng) -> Verifier {
        let identity = Identity::user("AbC", "ann");
        let job = Job::Verifier { group, salt: Salt::draw(rng), identity, password: "secret".to_owned() };
        let JobResult::Verifier(verifier) = job.run() else { panic!("no verifier") };
        verifier
    }

    #[test]
    fn a_prepared_pair_gives_what_its_own_secret_would_give() {
        for group in [Group::toy(), Group::cognito()] {
            let rng = &mut ChaCha8Rng::seed_from_u64(1);
            let verifier = verifier(group, rng);
            let own = Ephemeral::draw(256, rng);
            let shape = PairShape::of(&Job::ClientPublic { group, a: own.clone() }).unwrap();
            let server =
                |b: &Ephemeral| Job::ServerPublic { group, b: b.clone(), verifier: verifier.clone() };
            assert_eq!(PairShape::of(&server(&own)), Some(shape));

            let mut pairs = PreparedPair::generate(shape, 8, rng);
            for number in 0..4 {
                let done = pairs.pop().unwrap().complete(Job::ClientPublic { group, a: own.clone() });
                let JobResult::PublicA { a, .. } = &done else { panic!("no A") };
                assert_ne!(*a, own, "{number}");
                assert_eq!(Job::ClientPublic { group, a: a.clone() }.run(), done, "{number}");

                let done = pairs.pop().unwrap().complete(server(&own));
                let JobResult::PublicB { b, .. } = &done else { panic!("no B") };
                assert_ne!(*b, own, "{number}");
                assert_eq!(server(b).run(), done, "{number}");
            }
        }
    }

    #[test]
    fn a_pair_serves_jobs_of_its_shape_only() {
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let job =
            |group, bits, rng: &mut ChaCha8Rng| Job::ClientPublic { group, a: Ephemeral::draw(bits, rng) };
        let mine = job(Group::toy(), 256, rng);
        let shape = PairShape::of(&mine).unwrap();
        for other in [job(Group::toy(), 255, rng), job(Group::cognito(), 256, rng)] {
            let pair = PreparedPair::generate(shape, 1, rng).pop().unwrap();
            assert_eq!(pair.complete(other), JobResult::Failed(SrpError::GroupMismatch));
        }
        let (salt, identity) = (Salt::draw(rng), Identity::user("AbC", "ann"));
        let password = "secret".to_owned();
        assert_eq!(PairShape::of(&Job::Verifier { group: Group::toy(), salt, identity, password }), None);
    }
}
