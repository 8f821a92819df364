//! Runs jobs, one or several at a time.

use super::error::SrpError;
use super::job::{Job, JobResult};
use super::job_state::{Continuation, JobState};
use super::key::SessionKey;
use super::power::Modexp;

/// The intermediate values of a session key, in minimal lower-case hexadecimal, for explanations and tests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IntermediateValues {
    /// The multiplier k.
    pub k: String,
    /// The scrambler u.
    pub u: String,
    /// The private key x; `None` on the server, which does not know it.
    pub x: Option<String>,
    /// The shared number S.
    pub shared: String,
    /// The session key K, always 32 digits.
    pub session_key: String,
}

impl Job {
    /// Computes this job on the calling thread.
    pub fn run(self) -> JobResult {
        run_all(vec![self]).pop().unwrap_or(JobResult::Failed(SrpError::Interrupted))
    }

    /// Computes the intermediate values of the session key. Returns `None` for jobs without a key and on
    /// errors.
    pub fn intermediate_values(&self) -> Option<IntermediateValues> {
        let mut state = JobState::begin(self.clone());
        loop {
            match state {
                JobState::Finished(_) => return None,
                JobState::Pending(group, power, Continuation::Shared { u, x }) => {
                    let shared = group.raise(power);
                    return Some(IntermediateValues {
                        k: format!("{:x}", group.k()),
                        u: format!("{:x}", u.0),
                        x: x.map(|x| format!("{x:x}")),
                        session_key: hex::encode(SessionKey::derive(&u, &shared).ok()?.0),
                        shared: format!("{shared:x}"),
                    });
                }
                JobState::Pending(group, power, after) => state = after.resume(group, group.raise(power)),
            }
        }
    }
}

/// Runs several jobs and returns their results in the same order. Powers of one class are computed together.
pub fn run_all(jobs: Vec<Job>) -> Vec<JobResult> {
    let mut states: Vec<JobState> = jobs.into_iter().map(JobState::begin).collect();
    while let Some((group, _)) = states.iter().find_map(JobState::pending) {
        let needed = |state: &JobState| {
            state.pending().filter(|(other, _)| *other == group).map(|(_, power)| power.clone())
        };
        let powers: Vec<Modexp> = states.iter().filter_map(needed).collect();
        let mut results = group.raise_all(&powers).into_iter();
        for state in &mut states {
            if state.pending().is_some_and(|(other, _)| other == group)
                && let Some(power) = results.next()
            {
                state.resume(power);
            }
        }
    }
    states.into_iter().map(JobState::into_result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BaseKind, Ephemeral, ExponentClass, Group, Identity, Salt};
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    #[test]
    fn costs_follow_from_the_requested_lengths() {
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
