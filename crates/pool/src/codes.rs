//! Codes that are sent outside a sign-in, and how often a user may ask for one or enter one.

use std::time::Duration;

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::Pool;
use super::account::{Account, AccountId};
use super::factor::{masked_email, masked_phone};
use super::session_store::Delivery;
use poolproof_cognito::policy::AddressKind;
use poolproof_cognito::protocol::{ApiError, CodeDelivery, ErrorKind};
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

/// Returns `CodeDeliveryDetails` for this address.
pub(super) fn delivery_details(kind: AddressKind, address: &str) -> CodeDelivery {
    let destination = match kind {
        AddressKind::Email => masked_email(address),
        AddressKind::Phone => masked_phone(address),
    };
    CodeDelivery { destination, medium: kind.medium(), attribute: kind.attribute() }
}

impl Account {
    /// Returns the address of this kind.
    pub(super) const fn address(&self, kind: AddressKind) -> Option<&String> {
        match kind {
            AddressKind::Email => self.email.as_ref(),
            AddressKind::Phone => self.phone.as_ref(),
        }
    }

    /// Returns whether the address of this kind is verified.
    pub(super) fn is_verified(&self, kind: AddressKind) -> bool {
        self.attributes.get(kind.verified_attribute()).is_some_and(|value| value == "true")
    }

    /// Sets or removes the address of this kind, and whether it is verified.
    pub(super) fn set_address(&mut self, kind: AddressKind, address: Option<String>, verified: bool) {
        let flag = kind.verified_attribute().to_owned();
        match &address {
            Some(_) => drop(self.attributes.insert(flag, verified.to_string())),
            None => drop(self.attributes.remove(&flag)),
        }
        match kind {
            AddressKind::Email => self.email = address,
            AddressKind::Phone => self.phone = address,
        }
    }
}

impl Pool {
    /// Returns a new code of six digits.
    pub(super) fn new_code(&mut self) -> String {
        format!("{:06}", self.rng.random_range(0..1_000_000))
    }

    /// Sends a code to this address of the user and returns the details of the delivery.
    pub(super) fn send_to(
        &mut self,
        id: AccountId,
        kind: AddressKind,
        address: &str,
        code: String,
    ) -> CodeDelivery {
        let username = self.directory.account(id).username.clone();
        let (medium, destination) = (kind.medium(), address.to_owned());
        self.session_store.deliver(Delivery { username, medium, destination, code });
        delivery_details(kind, address)
    }
}
