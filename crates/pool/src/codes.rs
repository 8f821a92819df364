//! Codes that are sent outside a sign-in, and how often a user may ask for one or enter one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::memory::HeapBytes;
use poolproof_cognito::policy::AddressKind;
use poolproof_cognito::protocol::{ApiError, ErrorKind};
use poolproof_cognito::time::Timestamp;

/// Validity of a code that confirms a sign-up or verifies an address: Cognito's default.
pub(super) const CODE_VALIDITY: Duration = Duration::from_secs(24 * 3600);
/// The period of the limits per user.
const LIMIT_PERIOD: Duration = Duration::from_secs(3600);
/// Most codes that a user can ask for in an hour, to confirm a sign-up or to verify an address.
pub(super) const MAX_CODE_REQUESTS: u32 = 5;
/// Most codes that a user can enter in an hour to verify an address.
pub(super) const MAX_VERIFICATIONS: u32 = 15;
/// Most changes of a password in an hour.
pub(super) const MAX_PASSWORD_CHANGES: u32 = 5;

/// A user's codes besides those of sign-ins, and the counts of attempts.
///
/// It does not implement `Debug`: it allows anyone to take the account over.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserCodes {
    /// The code that allows a new password.
    pub reset: Option<SentCode>,
    /// The code that verifies the e-mail address.
    pub email: Option<SentCode>,
    /// The code that verifies the phone number.
    pub phone: Option<SentCode>,
    /// Codes for a new password that were asked for or entered.
    pub recoveries: HourlyCount,
    /// Codes of a sign-up or an address that were asked for.
    pub requests: HourlyCount,
    /// Codes of an address that were entered.
    pub verifications: HourlyCount,
    /// Calls of `ChangePassword`.
    pub password_changes: HourlyCount,
}

impl std::fmt::Debug for UserCodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UserCodes(…)")
    }
}

impl std::fmt::Debug for SentCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SentCode(…)")
    }
}

/// A code that a sign-in waits for, and the address that received it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct DeliveredCode {
    pub(crate) kind: AddressKind,
    pub(crate) address: String,
    pub(crate) code: String,
}

/// A code that was sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentCode {
    /// The code.
    pub code: String,
    /// Its expiry.
    pub expires: Timestamp,
    /// The address that the code verifies and that counts from then on, if it is not the current one.
    pub new_address: Option<String>,
}

/// Counts attempts for an hour from the first one on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HourlyCount {
    /// The time of the first attempt that counts.
    pub since: Timestamp,
    /// Number of attempts since then.
    pub count: u32,
}

impl HourlyCount {
    /// Counts an attempt, or refuses it if `limit` attempts were counted already.
    pub(super) fn admit(&mut self, now: Timestamp, limit: u32) -> Result<(), ApiError> {
        if now.since(self.since) >= LIMIT_PERIOD {
            *self = Self { since: now, count: 0 };
        }
        if self.count >= limit {
            let message = "Attempt limit exceeded, please try after some time.";
            return Err(ApiError::new(ErrorKind::LimitExceeded, message));
        }
        self.count += 1;
        Ok(())
    }
}

impl UserCodes {
    /// Returns the code that verifies the address of this kind.
    pub(super) const fn address(&mut self, kind: AddressKind) -> &mut Option<SentCode> {
        match kind {
            AddressKind::Email => &mut self.email,
            AddressKind::Phone => &mut self.phone,
        }
    }

    /// Returns the number of stored codes.
    pub(super) fn count(&self) -> usize {
        [&self.reset, &self.email, &self.phone].into_iter().flatten().count()
    }
}

impl HeapBytes for UserCodes {
    fn heap_bytes(&self) -> usize {
        let codes = [&self.reset, &self.email, &self.phone].into_iter().flatten();
        codes.map(|sent| sent.code.heap_bytes() + sent.new_address.heap_bytes()).sum()
    }
}

impl SentCode {
    /// Checks a code that a user enters.
    pub(super) fn check(sent: Option<&Self>, now: Timestamp, entered: &str) -> Result<(), ApiError> {
        match sent {
            Some(sent) if now < sent.expires => {
                if sent.code == entered {
                    Ok(())
                } else {
                    Err(code_mismatch())
                }
            }
            _ => Err(code_expired()),
        }
    }
}

/// Returns the error for a wrong code.
pub(super) fn code_mismatch() -> ApiError {
    ApiError::new(ErrorKind::CodeMismatch, "Invalid verification code provided, please try again.")
}

/// Returns the error for a code that has expired or was never sent.
pub(super) fn code_expired() -> ApiError {
    ApiError::new(ErrorKind::ExpiredCode, "Invalid code provided, please request a code again.")
}
