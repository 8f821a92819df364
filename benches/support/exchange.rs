//! Batches of SRP exchanges, as workers compute them.

#![allow(dead_code, reason = "each bench uses what it needs")]

use poolproof_cognito::seed::Seed;
use poolproof_srp::{Ephemeral, Group, Identity, Job, JobResult, PublicA, PublicB, Salt, Verifier, run_all};

/// Exchanges of one user.
#[derive(Clone)]
pub(crate) struct Exchange {
    identity: Identity,
    salt: Salt,
    verifier: Verifier,
    secrets: Vec<(Ephemeral, Ephemeral)>,
}

const PASSWORD: &str = "correct horse";

impl Exchange {
    /// Draws `count` exchanges with an `a` of `bits` bits.
    pub(crate) fn new(bits: u32, count: usize) -> Self {
        let rng = &mut Seed::new(2).rng("bench", 0);
        let identity = Identity::user("AbC", "ann");
        let (group, salt) = (Group::cognito(), Salt::draw(rng));
        let password = PASSWORD.to_owned();
        let job = Job::Verifier { group, salt: salt.clone(), identity: identity.clone(), password };
        let JobResult::Verifier(verifier) = job.run() else { panic!("the job returned no verifier") };
        let draw = |_| (Ephemeral::draw(bits, rng), Ephemeral::draw(256, rng));
        Self { identity, salt, verifier, secrets: (0..count).map(draw).collect() }
    }

    /// Returns the first `count` exchanges.
    pub(crate) fn first(&self, count: usize) -> Self {
        Self { secrets: self.secrets[..count].to_vec(), ..self.clone() }
    }

    /// Computes a whole sign-in for each exchange: the user's exchange and the device's, both sides.
    pub(crate) fn sign_ins(&self) {
        self.run(Group::cognito());
        self.run(Group::cognito());
    }

    /// Computes A, B, the client's key and the server's key, each for all exchanges in one call.
    pub(crate) fn run(&self, group: Group) {
        let run_each =
            |job: &dyn Fn(&(Ephemeral, Ephemeral)) -> Job| run_all(self.secrets.iter().map(job).collect());
        let a: Vec<PublicA> = run_each(&|(a, _)| Job::ClientPublic { group, a: a.clone() })
            .into_iter()
            .map(|result| {
                if let JobResult::PublicA { public_a, .. } = result {
                    public_a
                } else {
                    panic!("the job returned no A")
                }
            })
            .collect();
        let b: Vec<PublicB> =
            run_each(&|(_, b)| Job::ServerPublic { group, b: b.clone(), verifier: self.verifier.clone() })
                .into_iter()
                .map(|result| {
                    if let JobResult::PublicB { public_b, .. } = result {
                        public_b
                    } else {
                        panic!("the job returned no B")
                    }
                })
                .collect();
        let keys = |client: bool| {
            let jobs = self.secrets.iter().zip(a.iter().zip(&b)).map(|((a, b), (public_a, public_b))| {
                let (public_a, public_b) = (public_a.clone(), public_b.clone());
                if client {
                    let (salt, identity) = (self.salt.clone(), self.identity.clone());
                    let password = PASSWORD.to_owned();
                    Job::ClientKey { group, a: a.clone(), public_a, public_b, salt, identity, password }
                } else {
                    let verifier = self.verifier.clone();
                    Job::ServerKey { group, b: b.clone(), verifier, public_a, public_b }
                }
            });
            run_all(jobs.collect())
        };
        assert!(keys(true) == keys(false), "the two sides differ");
    }
}
