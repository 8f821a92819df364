//! Random secrets: the exponents of an exchange, and a device's password.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use num_bigint::BigUint;
use rand_core::Rng;

use super::pad::parse_hex;

/// A secret exponent of one exchange: the client's a or the server's b. It has 1 to 1024 bits and is never
/// zero.
#[derive(Clone, PartialEq, Eq)]
pub struct Ephemeral {
    pub(super) exponent: BigUint,
    bits: u32,
}

impl Ephemeral {
    /// The length in bits that browsers draw.
    ///
    /// An exponent of 256 bits matches the strength of the group, and a peer cannot see the difference.
    pub const MAX_BITS: u32 = 1024;

    /// Draws an exponent of at most `bits` bits, clamped to 1 to [`Self::MAX_BITS`]. The top bit is random.
    pub fn draw(bits: u32, rng: &mut impl Rng) -> Self {
        let bits = bits.clamp(1, Self::MAX_BITS);
        let mut bytes = vec![0; bits.div_ceil(8) as usize];
        loop {
            rng.fill_bytes(&mut bytes);
            if let Some(top) = bytes.first_mut() {
                *top &= 0xff >> (bits.next_multiple_of(8) - bits);
            }
            let exponent = BigUint::from_bytes_be(&bytes);
            if exponent != BigUint::ZERO {
                return Self { exponent, bits };
            }
        }
    }

    /// Parses hexadecimal digits, for tests with fixed numbers.
    ///
    /// Returns `None` for zero, for more than [`Self::MAX_BITS`] bits, and for other characters.
    pub fn from_hex(text: &str) -> Option<Self> {
        let exponent = if text.len() > 1024 { None } else { parse_hex(text) }?;
        let bits = u32::try_from(exponent.bits()).ok()?;
        (1..=Self::MAX_BITS).contains(&bits).then_some(Self { exponent, bits })
    }

    /// Returns the length in bits that was requested. It is public and determines the cost of powers.
    pub const fn bits(&self) -> u32 {
        self.bits
    }
}

impl fmt::Debug for Ephemeral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ephemeral(secret, {} bits)", self.bits)
    }
}

/// A device's password: the base64 text of 40 random bytes. See docs/semantics.md, section "SRP".
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceSecret(String);

impl DeviceSecret {
    /// Draws a secret of 320 bits.
    pub fn draw(rng: &mut impl Rng) -> Self {
        let mut bytes = [0; 40];
        rng.fill_bytes(&mut bytes);
        Self(STANDARD.encode(bytes))
    }

    /// Returns the secret of an existing device. Any text is valid, because other clients draw other forms.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text, which is used as the password.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DeviceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceSecret(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    #[test]
    fn ephemerals_have_the_requested_length() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (requested, bits) in
            [(0, 1), (1, 1), (7, 7), (9, 9), (256, 256), (1024, 1024), (1025, 1024), (u32::MAX, 1024)]
        {
            let drawn: Vec<_> = (0..200).map(|_| Ephemeral::draw(requested, &mut rng)).collect();
            assert!(
                drawn.iter().all(|e| e.bits() == bits && (1..=u64::from(bits)).contains(&e.exponent.bits())),
                "{requested}"
            );
            assert!(
                drawn.iter().any(|e| e.exponent.bits() == u64::from(bits)),
                "{requested}: the top bit is never set"
            );
        }
    }

    #[test]
    fn ephemerals_are_read_from_digits() {
        assert_eq!(Ephemeral::from_hex("0ff").map(|e| e.bits()), Some(8));
        assert_eq!(Ephemeral::from_hex(&"f".repeat(256)).map(|e| e.bits()), Some(1024));
        for text in [
            String::new(),
            "0".into(),
            "00".into(),
            "-1".into(),
            format!("1{}", "0".repeat(256)),
            "1".repeat(2000),
        ] {
            assert_eq!(Ephemeral::from_hex(&text), None, "{text}");
        }
    }

    #[test]
    fn device_secrets_are_56_characters_and_stay_out_of_logs() {
        let secret = DeviceSecret::draw(&mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!((secret.as_str().len(), secret.as_str().ends_with('=')), (56, true));
        assert!(!format!("{secret:?}").contains(secret.as_str()));
        let a = Ephemeral::from_hex("abcdef").unwrap();
        assert_eq!(format!("{a:?}"), "Ephemeral(secret, 24 bits)");
    }
}
