//! Powers of g computed in advance, which save the exponentiation of a job that computes A or B.

use std::fmt;

use num_bigint::BigUint;
use rand_core::Rng;

use super::error::SrpError;
use super::group::Group;
use super::job::{Job, JobResult};
use super::job_state::JobState;
use super::power::{ExponentClass, Modexp};
use super::secret::Ephemeral;

/// A secret exponent and its power of g, for use in one exchange. [`PreparedPair::complete`] consumes it.
pub struct PreparedPair {
    shape: PairShape,
    secret: Ephemeral,
    power: BigUint,
}

/// The group and the exponent length in bits that a pair and a job must share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PairShape {
    group: Group,
    bits: u32,
}

impl PairShape {
    /// Returns the shape of a pair for this job, or `None` if the job does not compute A or B.
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
    /// Draws `count` exponents of a shape from `rng` and computes their powers together.
    pub fn generate(shape: PairShape, count: usize, rng: &mut impl Rng) -> Vec<Self> {
        let secrets: Vec<_> = (0..count).map(|_| Ephemeral::draw(shape.bits, rng)).collect();
        let class = ExponentClass::of(shape.bits);
        let modexp = |secret: &Ephemeral| Modexp { base: None, exponent: secret.exponent.clone(), class };
        let powers = shape.group.raise_all(&secrets.iter().map(modexp).collect::<Vec<_>>());
        secrets.into_iter().zip(powers).map(|(secret, power)| Self { shape, secret, power }).collect()
    }

    /// Runs a job with this pair's secret instead of the job's own, which needs at most one product.
    ///
    /// The result is [`SrpError::GroupMismatch`] if the job has another shape.
    pub fn complete(self, job: Job) -> JobResult {
        if PairShape::of(&job) != Some(self.shape) {
            return JobResult::Failed(SrpError::GroupMismatch);
        }
        let mut state = JobState::begin(job.with_secret(self.secret));
        state.resume(self.power);
        state.into_result()
    }
}

impl fmt::Debug for PreparedPair {
    /// Prints only the shape, because all other fields are secret or derived from secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
    fn a_prepared_pair_gives_the_result_of_its_secret() {
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
    fn a_pair_completes_only_jobs_of_its_shape() {
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
