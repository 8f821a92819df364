//! Unknown users in a pool that hides user existence (`PreventUserExistenceErrors`, docs/semantics.md,
//! SEMANTICS d).
//!
//! A sign-in of an unknown user gets a normal challenge: the same salt and id for the same name every time,
//! and a fresh B. It costs the same arithmetic (RFC 5054 section 2.5.1.3). The claim then fails as with a
//! wrong password, and failures lock the name out as they lock a user.
//!
//! The simulated id is what a user with this name would have as `USER_ID_FOR_SRP`: the name itself, or a UUID
//! if the name is an address. A UUID maps to itself, as a user name does.

use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::Rng as _;
use sha2::Sha256;

use super::account::AccountId;
use super::lockout::FailureKey;
use super::session_store::{Owner, UnknownUser};
use super::{AppClient, Pool};
use poolproof_cognito::ids::Sub;
use poolproof_cognito::policy::AddressKind;
use poolproof_cognito::protocol::ApiError;
use poolproof_cognito::seed::Rng;
use poolproof_srp::{Group, Salt, Verifier};

/// The secrets from which unknown users are derived.
pub(super) struct SimulatedUsers {
    key: Hmac<Sha256>,
    /// One verifier for all: B = k·v + g^b is equally random for every v.
    pub(super) verifier: Verifier,
}

impl std::fmt::Debug for SimulatedUsers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimulatedUsers(…)")
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

    /// Returns the salt of the unknown user with this id, the same every time.
    pub(super) fn salt(&self, sub: &Sub) -> Salt {
        let salt = Salt::from_bytes(self.derive(b"salt", sub.as_str().as_bytes())[..16].to_vec());
        salt.unwrap_or_else(|_| unreachable!("a salt can have 16 bytes"))
    }

    /// Returns the id of this name, the same every time. A simulated id is its own name, as a user's id is.
    /// So a client that starts with the returned id gets the same response for known and unknown users.
    pub(super) fn sub(&self, name: &str) -> Sub {
        if self.is_simulated_sub(name) {
            return Sub::new(name);
        }
        let mut half = [0; 8];
        half.copy_from_slice(&self.derive(b"sub", name.as_bytes())[..8]);
        Sub::new(self.uuid_with_tag(half))
    }

    /// Returns the key of this unknown user's failures. It derives from the id by the pool's key, so that no
    /// client can choose it.
    pub(super) fn failure_key(&self, sub: &Sub) -> FailureKey {
        let mut failure_key = [0; 16];
        failure_key.copy_from_slice(&self.derive(b"place", sub.as_str().as_bytes())[..16]);
        FailureKey(failure_key)
    }

    /// Returns bytes from which an address of this unknown user derives, the same every time.
    fn address_seed(&self, address: &str, sub: &Sub) -> [u8; 32] {
        self.derive(address.as_bytes(), sub.as_str().as_bytes())
    }

    /// Returns whether this name is a simulated id.
    fn is_simulated_sub(&self, name: &str) -> bool {
        let Ok(id) = uuid::Uuid::try_parse(name) else { return false };
        let mut half = [0; 8];
        half.copy_from_slice(&id.as_bytes()[..8]);
        self.uuid_with_tag(half) == name
    }

    /// Returns a random-looking version 4 UUID whose second half authenticates the first.
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
    /// Returns the owner of this user name or alias, with which a sign-in starts. An unknown name is an error
    /// unless the client hides user existence.
    pub(super) fn owner(&self, client: &AppClient, name: &str) -> Result<Owner, ApiError> {
        match self.directory.find_by_name(name) {
            Some(id) => Ok(Owner::Account(id)),
            None if client.prevents_user_existence_errors => Ok(Owner::UnknownUser(self.simulated_id(name))),
            None => Err(ApiError::user_not_found()),
        }
    }

    /// Returns the simulated id of an unknown name.
    fn simulated_id(&self, name: &str) -> Sub {
        let usernames = self.directory.usernames();
        // No user has a longer name than 128 characters (API model); a short id is kept for it.
        let too_long = name.chars().count() > 128;
        if usernames.names_are_addresses() || usernames.is_address(name) || too_long {
            self.simulated_users.sub(&self.directory.fold(name))
        } else {
            Sub::new(self.directory.fold(name))
        }
    }

    /// Returns whether a user that does not exist appears to have an address of this kind.
    pub(super) fn simulates_address(&self, kind: AddressKind, name: &str) -> bool {
        let label = if kind == AddressKind::Email { "email" } else { "phone" };
        let seed = || self.simulated_users.address_seed(label, &self.simulated_id(name));
        is_address_of(kind, name) || seed()[0] & 1 == 1
    }

    /// Returns the address of a user that does not exist: the name, if it is such an address, and else one
    /// that is the same every time. Every operation shows this address.
    pub(super) fn simulated_address(&self, kind: AddressKind, name: &str) -> String {
        if is_address_of(kind, name) {
            return name.to_owned();
        }
        let seed = self.simulated_users.address_seed(kind.medium(), &self.simulated_id(name));
        let letter = |byte: u8| char::from(b'a' + byte % 26);
        match kind {
            AddressKind::Email => format!("{}@{}", letter(seed[0]), letter(seed[1])),
            AddressKind::Phone => seed[2..6].iter().map(|byte| char::from(b'0' + byte % 10)).collect(),
        }
    }

    /// Returns what is stored of an unknown name.
    pub(super) fn unknown_user(&mut self, name: &str) -> &mut UnknownUser {
        let failure_key = self.simulated_users.failure_key(&self.simulated_id(name));
        self.session_store.unknown_user(failure_key, &mut self.rng)
    }

    /// Returns whether a challenge of `owner` may be answered under this name. For unknown users that
    /// includes the simulated id.
    pub(super) fn owner_matches(&self, owner: &Owner, name: &str) -> bool {
        match owner {
            Owner::Account(id) => self.directory.find(name) == Some(*id),
            Owner::UnknownUser(simulated_id) => self.simulated_id(name) == *simulated_id,
        }
    }

    /// Returns the owner's user name: what `USER_ID_FOR_SRP` is for this user.
    pub(super) fn name_of<'p>(&'p self, owner: &'p Owner) -> &'p str {
        match owner {
            Owner::Account(id) => self.directory.account(*id).username.as_str(),
            Owner::UnknownUser(simulated_id) => simulated_id.as_str(),
        }
    }

    /// Returns the owner's account, if there is one.
    pub(super) const fn account_of(owner: &Owner) -> Option<AccountId> {
        match owner {
            Owner::Account(id) => Some(*id),
            Owner::UnknownUser(_) => None,
        }
    }
}

/// Returns whether a name has the form of an address of this kind.
fn is_address_of(kind: AddressKind, name: &str) -> bool {
    match kind {
        AddressKind::Email => name.contains('@'),
        AddressKind::Phone => name.starts_with('+'),
    }
}
