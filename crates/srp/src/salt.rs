//! The salt, which is stored as bytes and hashed as a number.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use num_bigint::BigUint;
use rand_core::Rng;

use super::error::BadSalt;
use super::pad::{pad, parse_hex};

/// A salt of 1 to 64 bytes, stored unchanged.
///
/// Cognito's clients hash PAD of the number that the salt represents. They differ only for digits that begin
/// with a zero byte and a byte below 0x80. Browsers parse a number and drop the zeros, as [`Salt::from_hex`]
/// does. pycognito and the Rust client hash the bytes as sent, so that one user in 512 cannot sign in. A pool
/// therefore sends a user's salt as minimal digits ([`Salt::to_hex`]), which all clients hash alike.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Salt(Vec<u8>);

impl Salt {
    /// The maximum length in bytes.
    pub const MAX_BYTES: usize = 64;

    /// Draws 16 random bytes, as Cognito and most clients do.
    pub fn draw(rng: &mut impl Rng) -> Self {
        let mut bytes = vec![0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Returns a salt of these bytes. One client sends 32 bytes of ASCII digits.
    ///
    /// # Errors
    ///
    /// [`BadSalt::Length`] if there are no bytes or more than 64.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, BadSalt> {
        if (1..=Self::MAX_BYTES).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(BadSalt::Length) }
    }

    /// Parses hexadecimal digits of either case as a number, as browsers parse `SALT`. Leading zero bytes are
    /// dropped.
    ///
    /// # Errors
    ///
    /// The text is empty, has more than 128 digits, or contains other characters.
    pub fn from_hex(text: &str) -> Result<Self, BadSalt> {
        if !(1..=2 * Self::MAX_BYTES).contains(&text.len()) {
            return Err(BadSalt::Length);
        }
        Ok(Self(parse_hex(text).ok_or(BadSalt::NotHex)?.to_bytes_be()))
    }

    /// Parses standard base64, as `ConfirmDevice` sends it. The bytes are stored unchanged.
    ///
    /// # Errors
    ///
    /// The text is empty, not base64, or encodes more than 64 bytes.
    pub fn from_base64(text: &str) -> Result<Self, BadSalt> {
        if text.len() > Self::MAX_BYTES.div_ceil(3) * 4 {
            return Err(BadSalt::Length);
        }
        Self::from_bytes(STANDARD.decode(text).map_err(|_| BadSalt::NotBase64)?)
    }

    /// Returns the number in minimal lower-case digits. A pool sends this form for a user.
    pub fn to_hex(&self) -> String {
        format!("{:x}", self.number())
    }

    /// Returns two digits for every byte, with leading zeros. A pool sends this form for a device.
    ///
    /// Some clients hash exactly the bytes that they sent in `ConfirmDevice`.
    pub fn to_verbatim_hex(&self) -> String {
        hex::encode(&self.0)
    }

    /// Returns standard base64 of PAD, as `ConfirmDevice` requires.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.padded())
    }

    /// Returns PAD of the number, which clients and pools hash.
    pub(super) fn padded(&self) -> Vec<u8> {
        pad(&self.number())
    }

    fn number(&self) -> BigUint {
        BigUint::from_bytes_be(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    #[test]
    fn salts_are_numbers_on_the_wire() {
        // Received digits, canonical digits, hashed bytes.
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
    fn leading_zeros_of_digits_are_dropped() {
        assert_eq!(Salt::from_hex("005c33"), Salt::from_bytes(vec![0x5c, 0x33]));
        assert_eq!(Salt::from_hex("7c6"), Salt::from_bytes(vec![0x07, 0xc6]));
    }

    #[test]
    fn a_device_gets_the_bytes_that_it_sent() {
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
