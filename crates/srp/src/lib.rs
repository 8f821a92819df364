//! SRP-6a as Amazon Cognito uses it: an exchange in which a client proves that it knows a password, or a
//! device its secret, without sending it. The crate contains both the client's and the server's side. It
//! parses and prints the values that travel over the wire, returns every modular exponentiation as a [`Job`],
//! and computes jobs with `num-bigint` or with AVX2 and AVX-512 IFMA kernels. It does no I/O; the caller
//! supplies the time and the random number generator.
//!
//! | client knows pool name, name, password | on the wire | server knows pool name, name, s, v |
//! |---|---|---|
//! | draws a; A = g^a | A → | rejects A unless 0 < A < N |
//! | rejects B unless 0 < B < N | ← s, B, secret block | draws b; B = k·v + g^b; draws again if B = 0 |
//! | u = H(PAD(A) ‖ PAD(B)); stops if u = 0 | | computes u in the same way |
//! | x = H(PAD(s) ‖ H(pool name ‖ name ‖ ":" ‖ password)) | | |
//! | S = (B − k·g^x)^(a + u·x) | | S = (A · v^u)^b |
//! | K = HKDF(PAD(u), PAD(S)) | | computes K in the same way |
//! | M = HMAC(K, pool name ‖ name ‖ secret block ‖ timestamp) | M, timestamp → | compares M with its own |
//!
//! | symbol | meaning | type |
//! |---|---|---|
//! | N, g | modulus (a safe prime) and generator; all powers and products are modulo N | [`Group`] |
//! | k | multiplier H(PAD(N) ‖ PAD(g)); stops a server without v from testing two guesses at once | [`Group`] |
//! | pool name, name | a user's pool name and user id; a device's group key and key | [`Identity`] |
//! | s, x, v | salt, private key, verifier v = g^x | [`Salt`], [`Verifier`] |
//! | a, b | secret exponents, new in every exchange | [`Ephemeral`] |
//! | A, B | public values | [`PublicA`], [`PublicB`] |
//! | u | scrambler; binds the key to A and B, so a stolen v proves nothing | [`IntermediateValues`] |
//! | S, K | shared number; session key: 16 bytes of HKDF-SHA256, info "Caldera Derived Key" | [`SessionKey`] |
//! | M | the claim's signature, made with K | [`Signature`] |
//! | H, HMAC | SHA-256, HMAC-SHA-256 | |
//! | PAD | minimal two's-complement bytes; RFC 5054 pads to the length of N instead | |
//!
//! Sources: RFC 5054, RFC 5869, and docs/semantics.md, section "SRP". Values from the wire are parsed into
//! types that exclude every value that an honest peer does not send.
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
//! let (s, i, p) = (salt.clone(), identity.clone(), password.clone());
//! let job = Job::Verifier { group, salt: s, identity: i, password: p };
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

mod error;
mod group;
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
mod small_group;
mod timestamp;
mod verifier;

pub use error::{BadPublicValue, BadSalt, BadSignature, BadVerifier, SrpError};
pub use group::Group;
pub use job::{BaseKind, Exponentiation, Job, JobResult};
pub use key::{Identity, SessionKey, Signature};
pub use power::{Backend, ExponentClass, Modexp};
pub use prepared::{PairShape, PreparedPair};
pub use public::{PublicA, PublicB};
pub use run::{IntermediateValues, run_all};
pub use salt::Salt;
pub use secret::{DeviceSecret, Ephemeral};
pub use timestamp::ClaimTimestamp;
pub use verifier::Verifier;
