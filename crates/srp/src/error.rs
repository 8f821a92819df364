//! Why a number or a text is not what it claims to be.

use thiserror::Error;

/// Why a text is not a public value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum BadPublicValue {
    /// No text at all.
    #[error("public value is empty")]
    Empty,
    /// More digits than any public value needs; refused before any arithmetic.
    #[error("public value has {length} digits, more than {}", super::public::MAX_DIGITS)]
    TooLong {
        /// Length of the text in bytes.
        length: usize,
    },
    /// Something that is not a hexadecimal digit of ASCII.
    #[error("public value is not hexadecimal")]
    NotHex,
    /// Zero: whoever accepts it shares a key with everyone.
    #[error("public value is zero")]
    Zero,
    /// N or more: no residue is written like that, and N itself is zero in disguise.
    #[error("public value is not below the modulus")]
    NotBelowModulus,
}

/// Why bytes or a text are not a salt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum BadSalt {
    /// Nothing, or more than [`super::Salt::MAX_BYTES`].
    #[error("salt is not 1 to {} bytes long", super::Salt::MAX_BYTES)]
    Length,
    /// Not hexadecimal digits of ASCII.
    #[error("salt is not hexadecimal")]
    NotHex,
    /// Not standard base64 with its padding.
    #[error("salt is not base64")]
    NotBase64,
}

/// Why a text is not a verifier.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum BadVerifier {
    /// More than any verifier needs; refused before any arithmetic.
    #[error("verifier is too long")]
    TooLong,
    /// Not standard base64 with its padding, or of nothing.
    #[error("verifier is not base64")]
    NotBase64,
    /// The top bit is set without a zero byte before it: a negative number in two's complement.
    #[error("verifier is negative")]
    Negative,
    /// 0, 1, N − 1, or N and above: no secret leads there, or every secret does.
    #[error("verifier is out of range")]
    OutOfRange,
}

/// Why a text is not a signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum BadSignature {
    /// Not standard base64 with its padding.
    #[error("signature is not base64")]
    NotBase64,
    /// Base64, but not of 32 bytes.
    #[error("signature is {0} bytes long, not 32")]
    Length(usize),
}

/// Why a computation led nowhere. Only a hostile or a broken peer brings these about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SrpError {
    /// u = 0: the key would not depend on the verifier.
    #[error("the scrambler u is zero")]
    ScramblerIsZero,
    /// B = 0: the pool must draw another b.
    #[error("the public value B is zero")]
    PublicBIsZero,
    /// S = 0, which everyone knows.
    #[error("the shared number S is zero")]
    SharedIsZero,
    /// A value that was parsed for another group.
    #[error("a value belongs to another group")]
    GroupMismatch,
    /// Whoever was to run it is gone.
    #[error("the computation was cut short")]
    Interrupted,
}
