//! The `PASSWORD_VERIFIER` challenges of a pool.

use super::{LookupKey, MAX_FAILED_CLAIMS, PasswordChallenge, Proof, SessionStore};
use poolproof_cognito::ids::SecretBlock;
use poolproof_cognito::time::Timestamp;
use poolproof_srp::SessionKey;

impl SessionStore {
    /// Stores a `PASSWORD_VERIFIER` challenge under its secret block.
    pub(crate) fn insert_password_challenge(
        &mut self,
        now: Timestamp,
        block: &SecretBlock,
        challenge: PasswordChallenge,
    ) {
        let block = LookupKey::from_text(block.as_str());
        self.password_expiry.begin(now, challenge.expires.since(now), block);
        self.password_challenges.insert(block, challenge);
    }

    /// Returns the challenge with this secret block.
    pub(crate) fn password_challenge(&self, block: &SecretBlock) -> Option<&PasswordChallenge> {
        self.password_challenges.get(&LookupKey::from_text(block.as_str()))
    }

    /// Returns the challenge with this secret block, if it is `owned` and still valid.
    pub(crate) fn owned_password_challenge(
        &self,
        now: Timestamp,
        block: &SecretBlock,
        owned: impl Fn(&PasswordChallenge) -> bool,
    ) -> Option<&PasswordChallenge> {
        self.password_challenge(block).filter(|found| owned(found) && found.expires > now)
    }

    /// Ends a challenge that can be answered once.
    pub(crate) fn end_password_challenge(&mut self, block: &SecretBlock) {
        self.password_challenges.change(&LookupKey::from_text(block.as_str()), |challenge| {
            challenge.proof = Proof::Used;
            challenge.failed_claims = Vec::new();
        });
    }

    /// Forgets the device that `InitiateAuth` named.
    pub(crate) fn forget_device_key(&mut self, block: &SecretBlock) {
        let block = LookupKey::from_text(block.as_str());
        self.password_challenges.change(&block, |challenge| challenge.device_key = None);
    }

    /// Replaces the exchange of a challenge by the smaller session key.
    pub(crate) fn keep_session_key(&mut self, block: &SecretBlock, key: &SessionKey) {
        let block = LookupKey::from_text(block.as_str());
        self.password_challenges.change(&block, |challenge| challenge.proof = Proof::Key(key.clone()));
    }

    /// Records a wrong claim for a challenge. Returns whether the claim is new and so counts as a failure.
    pub(crate) fn record_failed_claim(&mut self, block: &SecretBlock, claim: LookupKey) -> bool {
        let recorded = self.password_challenges.change(&LookupKey::from_text(block.as_str()), |challenge| {
            let new = !challenge.failed_claims.contains(&claim);
            if new && challenge.failed_claims.len() < MAX_FAILED_CLAIMS {
                challenge.failed_claims.push(claim);
            }
            new
        });
        recorded.unwrap_or(true)
    }

    /// Restores a challenge, unless it has expired: then nothing would remove it.
    #[cfg(any(test, feature = "defects"))]
    pub(crate) fn restore_password_challenge(
        &mut self,
        now: Timestamp,
        block: &SecretBlock,
        challenge: PasswordChallenge,
    ) {
        if challenge.expires > now {
            self.password_challenges.insert(LookupKey::from_text(block.as_str()), challenge);
        }
    }
}
