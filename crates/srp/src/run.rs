//! Runs jobs, alone or several together.

use super::error::SrpError;
use super::group::{Exponent, Modexp};
use super::job::{Job, JobResult};
use super::job_state::{self, Continuation, JobState};
use super::key::SessionKey;

/// The numbers on the way to a session key, in minimal lower-case hexadecimal: for teaching and for tests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IntermediateValues {
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
    pub fn run(self) -> JobResult {
        run_all(vec![self]).pop().unwrap_or(JobResult::Failed(SrpError::Interrupted))
    }

    /// The numbers on the way to the session key, computed anew. `None` for jobs that have no key or lead nowhere.
    pub fn intermediate_values(&self) -> Option<IntermediateValues> {
        let mut state = job_state::begin(self.clone());
        loop {
            match state {
                JobState::JobResult(_) => return None,
                JobState::Modexp(group, raise, Continuation::Shared { u, x }) => {
                    let s = group.raise(raise);
                    let digits = |exponent: &Exponent| super::pad::minimal_hex(&exponent.to_bytes());
                    return Some(IntermediateValues {
                        k: group.k().to_hex(),
                        u: digits(u.exponent()),
                        x: x.as_ref().map(digits),
                        session_key: SessionKey::derive(&u, &s).ok()?.to_hex(),
                        shared: s.to_hex(),
                    });
                }
                JobState::Modexp(group, raise, after) => state = after.resume(group, group.raise(raise)),
            }
        }
    }
}

/// Runs several jobs; what came of them, in the same order. Powers of one kind that are due at the same time are computed
/// together: hand over what is waiting.
pub fn run_all(jobs: Vec<Job>) -> Vec<JobResult> {
    let mut steps: Vec<JobState> = jobs.into_iter().map(job_state::begin).collect();
    while let Some(group) = steps.iter().find_map(JobState::group) {
        let mine = |state: &&mut JobState| state.group() == Some(group);
        let raises: Vec<Modexp> =
            steps.iter_mut().filter(mine).filter_map(|state| state.raise().cloned()).collect();
        for (state, power) in steps.iter_mut().filter(mine).zip(group.raise_all(&raises)) {
            state.resume(power);
        }
    }
    steps.into_iter().map(JobState::into_result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BaseKind, Ephemeral, ExponentClass, Group, Identity, Salt};
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    #[test]
    fn costs_follow_from_the_lengths_that_were_asked_for() {
        use BaseKind::{Generator, Variable};
        use ExponentClass::{Bits256, Bits513, Bits1025};
        let (group, rng) = (Group::toy(), &mut ChaCha8Rng::seed_from_u64(1));
        let identity = Identity::user("AbC", "ann");
        let (salt, password) = (Salt::draw(rng), "secret".to_owned());
        let costs = |job: &Job| job.costs().map(|cost| (cost.base, cost.class)).collect::<Vec<_>>();

        let job = Job::Verifier {
            group,
            salt: salt.clone(),
            identity: identity.clone(),
            password: password.clone(),
        };
        assert_eq!(costs(&job), [(Generator, Bits256)]);
        assert_eq!(format!("{job:?}"), "Job::Verifier(toy)");
        let JobResult::Verifier(verifier) = job.run() else { panic!("no verifier") };
        for (bits, public, key) in [
            (256, Bits256, Bits513),
            (257, Bits513, Bits513),
            (512, Bits513, Bits513),
            (513, Bits513, Bits1025),
            (1024, Bits1025, Bits1025),
        ] {
            let secret = Ephemeral::draw(bits, rng);
            let job = Job::ClientPublic { group, a: secret.clone() };
            assert_eq!(costs(&job), [(Generator, public)], "{bits}");
            let JobResult::PublicA { public_a, .. } = job.run() else { panic!("no A") };
            let job = Job::ServerPublic { group, b: secret.clone(), verifier: verifier.clone() };
            assert_eq!(costs(&job), [(Generator, public)], "{bits}");
            let JobResult::PublicB { public_b, .. } = job.run() else { panic!("no B") };
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
