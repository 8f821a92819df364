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

    /// Computes the client's side of a whole sign-in for each exchange: A and the key, for the user and for
    /// the device. `answers` are those of the server, see [`Self::answers`].
    pub(crate) fn client_sign_ins(&self, answers: &[PublicB]) {
        for _ in 0..2 {
            let a = self.public_a(Group::cognito());
            self.client_keys(Group::cognito(), &a, answers);
        }
    }

    /// Returns the server's B of each exchange.
    pub(crate) fn answers(&self) -> Vec<PublicB> {
        self.public_b(Group::cognito())
    }

    fn run_each(&self, job: impl Fn(&(Ephemeral, Ephemeral)) -> Job) -> Vec<JobResult> {
        run_all(self.secrets.iter().map(job).collect())
    }

    fn public_a(&self, group: Group) -> Vec<PublicA> {
        let results = self.run_each(|(a, _)| Job::ClientPublic { group, a: a.clone() });
        let public_a = |result| match result {
            JobResult::PublicA { public_a, .. } => public_a,
            _ => panic!("the job returned no A"),
        };
        results.into_iter().map(public_a).collect()
    }

    fn public_b(&self, group: Group) -> Vec<PublicB> {
        let job = |(_, b): &(Ephemeral, Ephemeral)| Job::ServerPublic {
            group,
            b: b.clone(),
            verifier: self.verifier.clone(),
        };
        let public_b = |result| match result {
            JobResult::PublicB { public_b, .. } => public_b,
            _ => panic!("the job returned no B"),
        };
        self.run_each(job).into_iter().map(public_b).collect()
    }

    fn client_keys(&self, group: Group, a: &[PublicA], b: &[PublicB]) -> Vec<JobResult> {
        let job = |((a, _), (public_a, public_b)): (&(Ephemeral, Ephemeral), (&PublicA, &PublicB))| {
            Job::ClientKey {
                group,
                a: a.clone(),
                public_a: public_a.clone(),
                public_b: public_b.clone(),
                salt: self.salt.clone(),
                identity: self.identity.clone(),
                password: PASSWORD.to_owned(),
            }
        };
        run_all(self.secrets.iter().zip(a.iter().zip(b)).map(job).collect())
    }

    /// Computes A, B, the client's key and the server's key, each for all exchanges in one call.
    pub(crate) fn run(&self, group: Group) {
        let (a, b) = (self.public_a(group), self.public_b(group));
        let server_key =
            |((_, own), (public_a, public_b)): (&(Ephemeral, Ephemeral), (&PublicA, &PublicB))| {
                Job::ServerKey {
                    group,
                    b: own.clone(),
                    verifier: self.verifier.clone(),
                    public_a: public_a.clone(),
                    public_b: public_b.clone(),
                }
            };
        let server = run_all(self.secrets.iter().zip(a.iter().zip(&b)).map(server_key).collect());
        assert!(self.client_keys(group, &a, &b) == server, "the two sides differ");
    }
}
