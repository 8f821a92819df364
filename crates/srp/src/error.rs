//! Errors of parsing and of the computation.

use thiserror::Error;

/// The reason why a text is not a public value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum BadPublicValue {
    /// The text is empty.
    #[error("public value is empty")]
    Empty,
    /// The text has more than 770 digits. It is rejected before any arithmetic.
    #[error("public value has {length} digits, more than {}", super::public::MAX_DIGITS)]
    TooLong {
        /// Length of the text in bytes.
        length: usize,
    },
    /// The text contains a character other than an ASCII hexadecimal digit.
    #[error("public value is not hexadecimal")]
    NotHex,
    /// The value is zero, which would make the shared number S zero.
    #[error("public value is zero")]
    Zero,
    /// The value is N or more.
    #[error("public value is not below the modulus")]
    NotBelowModulus,
}

/// The reason why bytes or a text are not a salt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum BadSalt {
    /// The salt is empty or longer than [`super::Salt::MAX_BYTES`].
    #[error("salt is not 1 to {} bytes long", super::Salt::MAX_BYTES)]
    Length,
    /// The text contains a character other than an ASCII hexadecimal digit.
    #[error("salt is not hexadecimal")]
    NotHex,
    /// The text is not standard base64 with padding.
    #[error("salt is not base64")]
    NotBase64,
}

/// The reason why a text is not a verifier.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum BadVerifier {
    /// The text is longer than 520 characters. It is rejected before any arithmetic.
    #[error("verifier is too long")]
    TooLong,
    /// The text is empty or not standard base64 with padding.
    #[error("verifier is not base64")]
    NotBase64,
    /// The top bit is set without a leading zero byte, which is a negative number in two's complement.
    #[error("verifier is negative")]
    Negative,
    /// The value is 0, 1, N − 1, or at least N.
    #[error("verifier is out of range")]
    OutOfRange,
}

/// The reason why a text is not a signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum BadSignature {
    /// The text is not standard base64 with padding.
    #[error("signature is not base64")]
    NotBase64,
    /// The base64 decodes to a number of bytes other than 32.
    #[error("signature is {0} bytes long, not 32")]
    Length(usize),
}

/// The reason why a computation has no result. Only a hostile or defective peer causes the first four.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SrpError {
    /// u is zero, so the key would not depend on the verifier.
    #[error("the scrambler u is zero")]
    ScramblerIsZero,
    /// B is zero, and the pool must draw another b.
    #[error("the public value B is zero")]
    PublicBIsZero,
    /// S is zero, which every party can guess.
    #[error("the shared number S is zero")]
    SharedIsZero,
    /// A value was parsed for another group, or a prepared pair has another shape.
    #[error("values belong to different groups")]
    GroupMismatch,
    /// The worker stopped before it computed the result.
    #[error("the computation was canceled")]
    Interrupted,
}
