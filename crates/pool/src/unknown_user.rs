//! Names that are nobody's, in a pool that does not tell (`PreventUserExistenceErrors`, SEMANTICS d).
//!
//! Whoever asks for an unknown user gets a challenge like any other: the same salt and id for the same name
//! every time, a fresh B, and as much arithmetic (RFC 5054 section 2.5.1.3). The claim then fails as a wrong
//! password does, and failures lock the name out as they would a user's. A made-up id leads back to itself,
//! as a user's id does.

use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::Rng as _;
use sha2::Sha256;

use super::Pool;
use super::account::AccountId;
use super::lockout::FailureKey;
use super::session_store::Owner;
use poolproof_cognito::ids::Sub;
use poolproof_cognito::protocol::ApiError;
use poolproof_cognito::seed::Rng;
use poolproof_srp::{Group, Salt, Verifier};

/// What unknown users are made of.
pub(super) struct SimulatedUsers {
    key: Hmac<Sha256>,
    /// One verifier for all: B = k·v + g^b is as random for one v as for another.
    pub(super) verifier: Verifier,
}

impl std::fmt::Debug for SimulatedUsers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decoy(…)")
    }
}

impl SimulatedUsers {
    pub(super) fn new(group: Group, rng: &mut Rng) -> Self {
        let mut key = [0; 32];
        rng.fill_bytes(&mut key);
        let key =
            Hmac::new_from_slice(&key).unwrap_or_else(|_| unreachable!("HMAC accepts keys of any length"));
        Self { key, verifier: Verifier::draw(group, rng) }
    }

    /// The salt of the nobody with this id: the same every time.
    pub(super) fn salt(&self, sub: &Sub) -> Salt {
        let salt = Salt::from_bytes(self.derive(b"salt", sub.as_str().as_bytes())[..16].to_vec());
        salt.unwrap_or_else(|_| unreachable!("a salt can have 16 bytes"))
    }

    /// The id of this name: the same every time. An id that was made up here is its own name, as a user's id
    /// is: so whoever starts with the id that came back is answered alike, known or not.
    pub(super) fn sub(&self, name: &str) -> Sub {
        if self.is_simulated_sub(name) {
            return Sub::new(name);
        }
        let mut half = [0; 8];
        half.copy_from_slice(&self.derive(b"sub", name.as_bytes())[..8]);
        Sub::new(self.uuid_with_tag(half))
    }

    /// Where this nobody's failures are kept. It follows from the id by the pool's key, so that no one can
    /// choose it.
    pub(super) fn failure_key(&self, sub: &Sub) -> FailureKey {
        let mut failure_key = [0; 16];
        failure_key.copy_from_slice(&self.derive(b"place", sub.as_str().as_bytes())[..16]);
        FailureKey(failure_key)
    }

    /// Whether this name is an id that was made up here.
    fn is_simulated_sub(&self, name: &str) -> bool {
        let Ok(id) = uuid::Uuid::try_parse(name) else { return false };
        let mut half = [0; 8];
        half.copy_from_slice(&id.as_bytes()[..8]);
        self.uuid_with_tag(half) == name
    }

    /// A random-looking uuid of version 4 whose second half is a seal on the first.
    fn uuid_with_tag(&self, mut half: [u8; 8]) -> String {
        half[6] = (half[6] & 0x0f) | 0x40;
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&half);
        bytes[8..].copy_from_slice(&self.derive(b"seal", &half)[..8]);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    fn derive(&self, what: &[u8], of: &[u8]) -> [u8; 32] {
        let mac = self.key.clone().chain_update(what).chain_update([0]).chain_update(of);
        mac.finalize().into_bytes().into()
    }
}

impl Pool {
    /// Whose name this is. An unknown one is told as such unless the client hides that.
    pub(super) fn owner(&self, name: &str) -> Result<Owner, ApiError> {
        match self.directory.find(name) {
            Some(id) => Ok(Owner::Account(id)),
            None if self.client.prevents_user_existence_errors => {
                Ok(Owner::UnknownUser(self.simulated_users.sub(name)))
            }
            None => Err(ApiError::user_not_found()),
        }
    }

    /// Whether a challenge of `owner` may be answered in this name: for nobodies that is the made-up id too.
    pub(super) fn owner_matches(&self, owner: &Owner, name: &str) -> bool {
        match owner {
            Owner::Account(id) => self.directory.find(name) == Some(*id),
            Owner::UnknownUser(simulated_sub) => self.simulated_users.sub(name) == *simulated_sub,
        }
    }

    /// The account, of an owner who has one.
    pub(super) const fn account_of(owner: &Owner) -> Option<AccountId> {
        match owner {
            Owner::Account(id) => Some(*id),
            Owner::UnknownUser(_) => None,
        }
    }
}
