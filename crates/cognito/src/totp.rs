//! Codes of authenticator apps: RFC 6238 with HMAC-SHA-1, six digits and steps of 30 seconds.
//!
//! The pool and the simulated users share this code. It is a published algorithm with published test vectors,
//! and it decides nothing.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::Rng as _;
use sha1::Sha1;

use crate::seed::Rng;
use crate::time::Timestamp;

/// Length of a time step in seconds, RFC 6238 `X`.
pub const STEP_S: u64 = 30;

/// The secret that the authenticator app and the pool share.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret(Vec<u8>);

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

impl TotpSecret {
    /// Draws a new secret of 160 bits, as RFC 4226 recommends.
    pub fn draw(rng: &mut Rng) -> Self {
        let mut bytes = vec![0; 20];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Decodes a secret from RFC 4648 base32.
    pub fn from_base32(text: &str) -> Option<Self> {
        BASE32_NOPAD.decode(text.as_bytes()).ok().map(Self)
    }

    /// Returns the secret as RFC 4648 base32, as users enter it in an app.
    pub fn to_base32(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// Returns the code for this time step.
    pub fn code(&self, step: u64) -> String {
        format!("{:06}", self.value(step) % 1_000_000)
    }

    /// Returns the dynamically truncated value (RFC 4226 section 5.3).
    fn value(&self, step: u64) -> u32 {
        let Ok(mac) = Hmac::<Sha1>::new_from_slice(&self.0) else { return 0 };
        let hash = mac.chain_update(step.to_be_bytes()).finalize().into_bytes();
        let at = usize::from(hash[19] & 0xf);
        u32::from_be_bytes([hash[at] & 0x7f, hash[at + 1], hash[at + 2], hash[at + 3]])
    }
}

/// Returns the time step that contains `now`.
pub const fn step_at(now: Timestamp) -> u64 {
    now.as_secs() / STEP_S
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_match_the_vectors_of_rfc_6238() {
        // The vectors of RFC 6238 appendix B for SHA-1 have eight digits.
        let secret = TotpSecret(b"12345678901234567890".to_vec());
        for (seconds, code) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            let step = step_at(Timestamp::from_us(seconds * 1_000_000));
            assert_eq!(secret.value(step) % 100_000_000, code, "at {seconds} s");
        }
    }

    #[test]
    fn secrets_round_trip_through_base32() {
        let secret = TotpSecret::draw(&mut crate::seed::Seed::new(1).rng("totp", 0));
        assert_eq!(TotpSecret::from_base32(&secret.to_base32()), Some(secret));
        assert_eq!(TotpSecret::from_base32("not base32!"), None);
    }
}
