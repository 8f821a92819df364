//! Who proves: the two names that go into the private key x and into the claim's signature.

use sha2::{Digest as _, Sha256};

use super::group::Exponent;
use super::salt::Salt;

/// A user of a pool, or a device of a group: the two are proved by the same arithmetic under different names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    pool_name: String,
    name: String,
}

impl Identity {
    /// A user: the pool id's part after the first `_`, and `USER_ID_FOR_SRP`, taken as it is without normalising.
    pub fn user(pool_name: &str, user_id_for_srp: &str) -> Self {
        Self { pool_name: pool_name.to_owned(), name: user_id_for_srp.to_owned() }
    }

    /// A device: its group's key, and its own.
    pub fn device(device_group_key: &str, device_key: &str) -> Self {
        Self { pool_name: device_group_key.to_owned(), name: device_key.to_owned() }
    }

    /// What stands before the name: the pool's name or the device group's key.
    pub(super) fn pool_name(&self) -> &str {
        &self.pool_name
    }

    /// `USER_ID_FOR_SRP` or the device's key.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// x = SHA256(PAD(salt) ‖ SHA256(left ‖ name ‖ ":" ‖ password)): all that is left of a password.
    pub(super) fn private_key(&self, salt: &Salt, password: &str) -> Exponent {
        let mut inner = Sha256::new();
        for part in [self.pool_name(), self.name(), ":", password] {
            inner.update(part);
        }
        let mut outer = Sha256::new();
        outer.update(salt.padded());
        outer.update(inner.finalize());
        Exponent::from_bytes(&outer.finalize())
    }
}
