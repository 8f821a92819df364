//! SRP-6a as Cognito speaks it: numbers and bytes only.
//!
//! The proof that a password, or a device's secret, is known, without sending it. One exchange:
//!
//! | client knows left, name, password | on the wire | server knows left, name, s, v |
//! |---|---|---|
//! | draws a; A = g^a | A → | refuses A unless 0 < A < N |
//! | refuses B unless 0 < B < N | ← s, B, secret block | draws b; B = k·v + g^b, anew if 0 |
//! | u = H(PAD(A) ‖ PAD(B)), gives up if 0 | | u likewise |
//! | x = H(PAD(s) ‖ H(left ‖ name ‖ ":" ‖ password)) | | |
//! | S = (B − k·g^x)^(a + u·x) | | S = (A · v^u)^b |
//! | K = HKDF(PAD(u), PAD(S)) | | K likewise |
//! | M = HMAC(K, left ‖ name ‖ secret block ‖ timestamp) | M, timestamp → | compares M with its own |
//!
//! | symbol | meaning | here |
//! |---|---|---|
//! | N, g | modulus, a safe prime, and generator; all powers and products are modulo N | [`Group`] |
//! | k | multiplier, H(PAD(N) ‖ PAD(g)): keeps a server without v from testing two guesses at once | [`Group`] |
//! | left, name | pool's name and user id, or device group's key and device's key | [`Identity`] |
//! | s, x, v | salt, private key, verifier v = g^x | [`Salt`], [`Verifier`] |
//! | a, b | secret exponents, new in every exchange | [`Ephemeral`] |
//! | A, B | public values | [`PublicA`], [`PublicB`] |
//! | u | scrambler: binds the key to A and B, so that a stolen v alone proves nothing | [`IntermediateValues`] |
//! | S, K | shared number; session key, the first 16 bytes of HKDF-SHA256 with info "Caldera Derived Key" | [`SessionKey`] |
//! | M | the claim's signature, made with K | [`Signature`] |
//! | H, HMAC | SHA-256, HMAC-SHA-256 | |
//! | PAD | minimal two's-complement bytes, never filled up to the length of N as RFC 5054 does | |
//!
//! Sources: SEMANTICS b, RFC 5054, RFC 5869. The steps that cost something are [`Job`]s. What comes from outside is parsed
//! into types that hold nothing an honest peer would not send, so that no check can be forgotten further in.
//!
//! ```
//! use poolproof_srp::*;
//! use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
//!
//! let (group, rng) = (Group::toy(), &mut ChaCha8Rng::seed_from_u64(7));
//! let identity = Identity::user("AbC", "ann");
//! let (salt, password) = (Salt::draw(rng), "correct horse".to_owned());
//! let (a, b) = (Ephemeral::draw(256, rng), Ephemeral::draw(256, rng));
//!
//! let job = Job::Verifier { group, salt: salt.clone(), identity: identity.clone(), password: password.clone() };
//! let JobResult::Verifier(verifier) = job.run() else { unreachable!() };
//! let JobResult::PublicA { a, public_a } = (Job::ClientPublic { group, a }).run() else { unreachable!() };
//! let job = Job::ServerPublic { group, b, verifier: verifier.clone() };
//! let JobResult::PublicB { b, public_b } = job.run() else { unreachable!() };
//!
//! let (to_client, to_server) = (public_b.clone(), public_a.clone());
//! let keys = run_all(vec![
//!     Job::ClientKey { group, a, public_a, public_b: to_client, salt, identity, password },
//!     Job::ServerKey { group, b, verifier, public_a: to_server, public_b },
//! ]);
//! assert_eq!(keys[0], keys[1]);
//! ```

mod client;
mod error;
mod group;
mod identity;
mod job;
mod job_state;
mod key;
mod pad;
mod power;
mod prepared;
mod prime;
mod public;
mod run;
mod salt;
mod secret;
mod server;
mod small_group;
mod timestamp;
mod verifier;

#[cfg(test)]
mod algebra;

pub use error::{BadPublicValue, BadSalt, BadSignature, BadVerifier, SrpError};
pub use group::Group;
pub use identity::Identity;
pub use job::{BaseKind, Exponentiation, Job, JobResult};
pub use key::{SessionKey, Signature};
pub use power::{Backend, ExponentClass};
pub use prepared::{PairShape, PreparedPair};
pub use public::{PublicA, PublicB};
pub use run::{IntermediateValues, run_all};
pub use salt::Salt;
pub use secret::{DeviceSecret, Ephemeral};
pub use timestamp::ClaimTimestamp;
pub use verifier::Verifier;
