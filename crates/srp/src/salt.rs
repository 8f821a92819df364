//! The salt, which is bytes where it is kept and a number where it is hashed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::Rng;

use super::error::BadSalt;
use super::pad::{minimal_hex, pad, parse_hex};

/// A salt of 1 to 64 bytes, kept as it came.
///
/// Cognito's clients hash PAD of the *number* that the salt spells. They differ in one case only: digits that begin with
/// a zero byte and then a byte below 0x80. Browsers read a number and drop the zeros, as [`Salt::from_hex`] does;
/// pycognito and the Rust client hash the bytes as sent, so that one user in 512 cannot sign in. A pool therefore
/// sends a user's salt as canonical digits ([`Salt::to_hex`]), which all clients read alike.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Salt(Vec<u8>);

impl Salt {
    /// Length of the longest salt that is taken.
    pub const MAX_BYTES: usize = 64;

    /// Draws 16 random bytes, as all clients and Cognito do.
    pub fn draw(rng: &mut impl Rng) -> Self {
        let mut bytes = vec![0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// A salt of exactly these bytes. Not all clients draw 16: one sends 32 bytes of ASCII digits.
    ///
    /// # Errors
    ///
    /// None at all, or more than 64.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, BadSalt> {
        if (1..=Self::MAX_BYTES).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(BadSalt::Length) }
    }

    /// The number that hexadecimal digits of either case spell, as browsers read `SALT`; zeros in front are dropped.
    ///
    /// # Errors
    ///
    /// No digit, more than 128, or something else than digits.
    pub fn from_hex(text: &str) -> Result<Self, BadSalt> {
        if !(1..=2 * Self::MAX_BYTES).contains(&text.len()) {
            return Err(BadSalt::Length);
        }
        let bytes = parse_hex(text).ok_or(BadSalt::NotHex)?;
        Ok(Self(if bytes.is_empty() { vec![0] } else { bytes }))
    }

    /// The bytes that standard base64 spells, as `ConfirmDevice` sends them; kept as they are.
    ///
    /// # Errors
    ///
    /// Not base64, of nothing, or of more than 64 bytes.
    pub fn from_base64(text: &str) -> Result<Self, BadSalt> {
        if text.len() > Self::MAX_BYTES.div_ceil(3) * 4 {
            return Err(BadSalt::Length);
        }
        Self::from_bytes(STANDARD.decode(text).map_err(|_| BadSalt::NotBase64)?)
    }

    /// Canonical digits: the number, minimal and in lower case. What a pool sends for a user, and an honest client's own.
    pub fn to_hex(&self) -> String {
        minimal_hex(&self.0)
    }

    /// Two digits for every byte, zeros in front included: what a pool sends for a device, whose client may hash the very
    /// bytes that it gave.
    pub fn to_verbatim_hex(&self) -> String {
        hex::encode(&self.0)
    }

    /// Standard base64 of PAD, as `ConfirmDevice` asks for.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.padded())
    }

    /// What is hashed.
    pub(super) fn padded(&self) -> Vec<u8> {
        pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    #[test]
    fn salts_are_numbers_on_the_wire() {
        // Digits as received; canonical digits; what is hashed.
        for (digits, canonical, hashed) in [
            ("667cfa", "667cfa", "667cfa"),
            ("f3e1", "f3e1", "00f3e1"),
            ("7c6", "7c6", "07c6"),
            ("005c33", "5c33", "5c33"),
            ("00C558", "c558", "00c558"),
            ("00", "0", "00"),
        ] {
            let salt = Salt::from_hex(digits).unwrap();
            assert_eq!(
                (salt.to_hex(), hex::encode(salt.padded())),
                (canonical.into(), hashed.into()),
                "{digits}"
            );
            assert_eq!(Salt::from_base64(&salt.to_base64()).unwrap().to_hex(), canonical, "{digits}");
        }
    }

    #[test]
    fn zeros_in_front_of_digits_are_dropped() {
        assert_eq!(Salt::from_hex("005c33"), Salt::from_bytes(vec![0x5c, 0x33]));
        assert_eq!(Salt::from_hex("7c6"), Salt::from_bytes(vec![0x07, 0xc6]));
    }

    #[test]
    fn a_device_gets_back_the_bytes_that_it_gave() {
        // The Rust client sends 32 ASCII digits instead of 16 bytes.
        let ascii = b"98073476a1b2c3d4e5f60718293a4b5c";
        let salt = Salt::from_base64(&STANDARD.encode(ascii)).unwrap();
        assert_eq!((salt.to_verbatim_hex(), salt.to_hex()), (hex::encode(ascii), hex::encode(ascii)));
        let zeros = Salt::from_bytes(vec![0, 0x5c]).unwrap();
        assert_eq!((zeros.to_verbatim_hex(), zeros.to_hex()), ("005c".into(), "5c".into()));
    }

    #[test]
    fn salts_are_1_to_64_bytes() {
        assert!(Salt::from_bytes(vec![7]).is_ok() && Salt::from_bytes(vec![7; 64]).is_ok());
        assert_eq!(Salt::from_bytes(vec![]), Err(BadSalt::Length));
        assert_eq!(Salt::from_bytes(vec![7; 65]), Err(BadSalt::Length));
        assert!(Salt::from_hex(&"a".repeat(128)).is_ok());
        assert_eq!(Salt::from_hex(&"a".repeat(129)), Err(BadSalt::Length));
        assert_eq!(Salt::from_hex(""), Err(BadSalt::Length));
        assert_eq!(Salt::from_hex("0x12"), Err(BadSalt::NotHex));
        assert!(Salt::from_base64(&STANDARD.encode([7; 64])).is_ok());
        assert_eq!(Salt::from_base64(&STANDARD.encode([7; 65])), Err(BadSalt::Length));
        assert_eq!(Salt::from_base64(&"A".repeat(1_000_000)), Err(BadSalt::Length));
        assert_eq!(Salt::from_base64(""), Err(BadSalt::Length));
        assert_eq!(Salt::from_base64("-_=="), Err(BadSalt::NotBase64));
        assert_eq!(Salt::draw(&mut ChaCha8Rng::seed_from_u64(1)).to_verbatim_hex().len(), 32);
    }
}
