//! Secrets that are drawn: the exponents of an exchange, and a device's password.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::Rng;

use super::group::Exponent;
use super::pad::parse_hex;

/// A secret exponent of one exchange: the client's a or the server's b. Never zero, at most 1024 bits.
#[derive(Clone, PartialEq, Eq)]
pub struct Ephemeral {
    exponent: Exponent,
    bits: u32,
}

impl Ephemeral {
    /// The length that browsers draw; 256 bits match the strength of the group and cannot be told apart on the wire.
    pub const MAX_BITS: u32 = 1024;

    /// Draws an exponent of at most `bits` bits, 1 to [`Self::MAX_BITS`]; the top bit may be anything.
    pub fn draw(bits: u32, rng: &mut impl Rng) -> Self {
        let bits = bits.clamp(1, Self::MAX_BITS);
        let mut bytes = vec![0; bits.div_ceil(8) as usize];
        loop {
            rng.fill_bytes(&mut bytes);
            if let Some(top) = bytes.first_mut() {
                *top &= 0xff >> (bits.next_multiple_of(8) - bits);
            }
            let exponent = Exponent::from_bytes(&bytes);
            if !exponent.is_zero() {
                return Self { exponent, bits };
            }
        }
    }

    /// The exponent that hexadecimal digits spell, for tests with fixed numbers. `None` for zero, for more than
    /// [`Self::MAX_BITS`], and for what is not a number.
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes = if text.len() > 1024 { None } else { parse_hex(text) }?;
        let exponent = Exponent::from_bytes(&bytes);
        let bits = exponent.bits();
        (1..=Self::MAX_BITS).contains(&bits).then_some(Self { exponent, bits })
    }

    /// The length it was drawn with: public, and what its powers cost.
    pub const fn bits(&self) -> u32 {
        self.bits
    }

    pub(super) const fn exponent(&self) -> &Exponent {
        &self.exponent
    }
}

impl fmt::Debug for Ephemeral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ephemeral(secret, {} bits)", self.bits)
    }
}

/// A device's password: the base64 of 40 random bytes, used as text (SEMANTICS b).
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceSecret(String);

impl DeviceSecret {
    /// Draws a secret of 320 bits.
    pub fn draw(rng: &mut impl Rng) -> Self {
        let mut bytes = [0; 40];
        rng.fill_bytes(&mut bytes);
        Self(STANDARD.encode(bytes))
    }

    /// The secret that a device kept. Any text is taken: devices of other makers draw differently.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text that takes the password's place.
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
    fn ephemerals_have_the_length_that_was_asked_for() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (asked, bits) in
            [(0, 1), (1, 1), (7, 7), (9, 9), (256, 256), (1024, 1024), (1025, 1024), (u32::MAX, 1024)]
        {
            let drawn: Vec<_> = (0..200).map(|_| Ephemeral::draw(asked, &mut rng)).collect();
            assert!(
                drawn.iter().all(|e| e.bits() == bits && (1..=bits).contains(&e.exponent.bits())),
                "{asked}"
            );
            assert!(drawn.iter().any(|e| e.exponent.bits() == bits), "{asked}: the top bit is never set");
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
