//! The steps of SRP that need modular exponentiations, as values.
//!
//! The pool and the client return a [`Job`] and continue when they get its [`JobResult`]. The caller decides
//! where and when a job runs: inline under the virtual clock, or on worker threads.

use std::fmt;

use super::error::SrpError;
use super::group::Group;
use super::key::{Identity, SessionKey};
use super::power::ExponentClass;
use super::public::{PublicA, PublicB};
use super::salt::Salt;
use super::secret::Ephemeral;
use super::verifier::Verifier;

/// A step of SRP that needs modular exponentiations.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the crate's table of symbols describes the fields")]
pub enum Job {
    /// Computes the client's A.
    ClientPublic { group: Group, a: Ephemeral },
    /// Computes the client's K from the password.
    ClientKey {
        group: Group,
        a: Ephemeral,
        public_a: PublicA,
        public_b: PublicB,
        salt: Salt,
        identity: Identity,
        password: String,
    },
    /// Computes the server's B.
    ServerPublic { group: Group, b: Ephemeral, verifier: Verifier },
    /// Computes the server's K from the verifier.
    ServerKey { group: Group, b: Ephemeral, verifier: Verifier, public_a: PublicA, public_b: PublicB },
    /// Computes the verifier of a user's or device's new password.
    Verifier { group: Group, salt: Salt, identity: Identity, password: String },
}

/// The result of a [`Job`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the crate's table of symbols describes the fields")]
pub enum JobResult {
    /// The result of [`Job::ClientPublic`]. `a` comes from the job or from a [prepared
    /// pair](super::PreparedPair).
    PublicA { a: Ephemeral, public_a: PublicA },
    /// The result of [`Job::ServerPublic`]. `b` comes from the job or from a [prepared
    /// pair](super::PreparedPair).
    PublicB { b: Ephemeral, public_b: PublicB },
    /// The result of [`Job::ClientKey`] and [`Job::ServerKey`].
    SessionKey(SessionKey),
    /// The result of [`Job::Verifier`].
    Verifier(Verifier),
    /// The error of any job.
    Failed(SrpError),
}

/// The properties of a modular exponentiation that determine its cost.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Exponentiation {
    /// The kind of base.
    pub base: BaseKind,
    /// The length of the exponent.
    pub class: ExponentClass,
}

/// The kind of base of a modular exponentiation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BaseKind {
    /// g, for which backends use precomputed tables.
    Generator,
    /// Any other base.
    Variable,
}

impl Job {
    /// Returns the exponentiations that this job needs, in order.
    pub fn costs(&self) -> impl Iterator<Item = Exponentiation> + use<> {
        use BaseKind::{Generator, Variable};
        let power = |base, bits| Some(Exponentiation { base, class: ExponentClass::of(bits) });
        match self {
            Self::ClientPublic { a: secret, .. } | Self::ServerPublic { b: secret, .. } => {
                [power(Generator, secret.bits()), None]
            }
            // g^x, then the exponent a + u·x. It is one bit longer than the longer of a and the 512 bits of
            // u·x.
            Self::ClientKey { a, .. } => [power(Generator, 256), power(Variable, a.bits().max(512) + 1)],
            // v^u, then the exponent b.
            Self::ServerKey { b, .. } => [power(Variable, 256), power(Variable, b.bits())],
            Self::Verifier { .. } => [power(Generator, 256), None],
        }
        .into_iter()
        .flatten()
    }

    /// Returns this job with another secret exponent, if the job computes A or B.
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

impl fmt::Debug for Job {
    /// Prints only the kind and the group, because all other fields are secret or derived from secrets.
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
