//! The keys by which sessions and challenges are found.

use sha2::{Digest as _, Sha256};

use crate::account::AccountId;
use poolproof_cognito::ids::{DeviceKey, SecretBlock};

/// The key of a session or a secret block: half of its hash. It is infeasible to find another text with the
/// same half.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct LookupKey([u8; 16]);

impl LookupKey {
    /// Returns the key of a text.
    pub(crate) fn from_text(text: &str) -> Self {
        Self::from_parts(&[text.as_bytes()])
    }

    fn from_parts(parts: &[&[u8]]) -> Self {
        let hash: [u8; 32] = parts.iter().fold(Sha256::new(), Sha256::chain_update).finalize().into();
        let mut lookup_key = [0; 16];
        lookup_key.copy_from_slice(&hash[..16]);
        Self(lookup_key)
    }
}

/// The value that identifies a session for clients that send none (docs/semantics.md, what a client can still
/// do).
#[derive(Debug)]
pub(crate) enum SessionHandle {
    /// User and device, for `DEVICE_SRP_AUTH`.
    Device(AccountId, DeviceKey),
    /// The secret block, for `DEVICE_PASSWORD_VERIFIER`.
    Block(SecretBlock),
}

impl SessionHandle {
    /// Returns the lookup key of the handle. The first part has a length prefix, so that no two handles have
    /// the same bytes.
    pub(super) fn lookup_key(&self) -> LookupKey {
        match self {
            Self::Device(account, key) => {
                LookupKey::from_parts(&[b"device", &account.0.to_be_bytes(), key.as_str().as_bytes()])
            }
            Self::Block(block) => LookupKey::from_parts(&[b"block.", block.as_str().as_bytes()]),
        }
    }
}
