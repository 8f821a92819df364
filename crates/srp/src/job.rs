//! The expensive steps as values: what to compute, what it costs, what came of it.
//!
//! The machines of the pool and of the client hand out [`Job`]s and go on when a [`JobResult`] comes back. Where and when a job
//! runs is not their business: inline under the virtual clock, on worker threads under load.

use std::fmt;

use super::error::SrpError;
use super::group::Group;
use super::identity::Identity;
use super::key::SessionKey;
use super::power::ExponentClass;
use super::public::{PublicA, PublicB};
use super::salt::Salt;
use super::secret::Ephemeral;
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
pub enum JobResult {
    /// Of [`Job::ClientPublic`], with the secret behind it: the job's own, or one that was [prepared](super::PreparedPair).
    PublicA { a: Ephemeral, public_a: PublicA },
    /// Of [`Job::ServerPublic`], likewise.
    PublicB { b: Ephemeral, public_b: PublicB },
    /// Of [`Job::ClientKey`] and [`Job::ServerKey`].
    SessionKey(SessionKey),
    /// Of [`Job::Verifier`].
    Verifier(Verifier),
    /// Of any job whose numbers lead nowhere.
    Failed(SrpError),
}

/// One modular exponentiation, as far as its cost goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Exponentiation {
    /// What is raised.
    pub base: BaseKind,
    /// How long the exponent is.
    pub class: ExponentClass,
}

/// What is raised to a power.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BaseKind {
    /// g, for which tables can be made.
    Generator,
    /// Anything else.
    Variable,
}

impl Job {
    /// The exponentiations that it takes, in their order.
    pub fn costs(&self) -> impl Iterator<Item = Exponentiation> + use<> {
        use BaseKind::{Generator, Variable};
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
