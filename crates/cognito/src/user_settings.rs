//! Settings of a pool about its users: their second factors and their names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The types of second factors that a pool offers (`SetUserPoolMfaConfig`). Others count neither for
/// challenges nor for risk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactorTypes {
    /// SMS codes (`SmsMfaConfiguration`).
    pub sms: bool,
    /// Authenticator apps (`SoftwareTokenMfaConfiguration`).
    pub totp: bool,
    /// E-mail codes (`EmailMfaConfiguration`).
    pub email: bool,
}

impl FactorTypes {
    /// All types.
    pub const ALL: Self = Self { sms: true, totp: true, email: true };
    /// No types.
    pub const NONE: Self = Self { sms: false, totp: false, email: false };

    /// Returns whether there is any.
    pub const fn any(self) -> bool {
        self.sms || self.totp || self.email
    }

    /// Returns the sets of factors that a user can have, the empty one first.
    pub fn sets(self) -> Vec<Factors> {
        let possible = |set: &Factors| {
            (self.sms || !set.has_phone())
                && (self.totp || !set.has_totp())
                && (self.email || !set.has_email())
        };
        Factors::ALL.into_iter().filter(possible).collect()
    }
}

impl Default for FactorTypes {
    fn default() -> Self {
        Self::ALL
    }
}

/// The first factors that a pool allows besides the password (`AllowedFirstAuthFactors`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstFactors {
    /// `EMAIL_OTP`: a code sent by e-mail.
    pub email_otp: bool,
    /// `SMS_OTP`: a code sent to a phone.
    pub sms_otp: bool,
}

/// Why `AllowedFirstAuthFactors` is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FirstFactorsError {
    /// The value at this index, from 0, is unknown.
    Unknown(usize),
    /// `PASSWORD` is missing.
    NoPassword,
}

impl FirstFactors {
    /// The values of `AllowedFirstAuthFactors`.
    pub const WORDS: [&str; 4] = ["PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN"];

    /// Parses `AllowedFirstAuthFactors`. `WEB_AUTHN` has no effect: it is not simulated.
    ///
    /// # Errors
    ///
    /// A value is unknown, or `PASSWORD` is missing.
    pub fn parse(allowed: &[String]) -> Result<Self, FirstFactorsError> {
        if let Some(at) = allowed.iter().position(|factor| !Self::WORDS.contains(&factor.as_str())) {
            return Err(FirstFactorsError::Unknown(at));
        }
        let has = |name: &str| allowed.iter().any(|factor| factor == name);
        if !has("PASSWORD") {
            return Err(FirstFactorsError::NoPassword);
        }
        Ok(Self { email_otp: has("EMAIL_OTP"), sms_otp: has("SMS_OTP") })
    }

    /// The password alone: Cognito's default.
    pub const PASSWORD: Self = Self { email_otp: false, sms_otp: false };

    /// Returns whether a user can sign in without a password.
    pub const fn any(self) -> bool {
        self.email_otp || self.sms_otp
    }
}

/// How the users of a pool are named. It cannot change after the pool is created.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsernameSettings {
    /// `UsernameAttributes` contains `email`: users are created with an e-mail address, and their user name
    /// is the sub.
    pub email_as_username: bool,
    /// `UsernameAttributes` contains `phone_number`.
    pub phone_as_username: bool,
    /// `AliasAttributes` contains `email`: a verified address can replace the user name at sign-in.
    pub email_alias: bool,
    /// `AliasAttributes` contains `phone_number`.
    pub phone_alias: bool,
    /// `AliasAttributes` contains `preferred_username`.
    pub preferred_username_alias: bool,
    /// `UsernameConfiguration.CaseSensitive`.
    pub case_sensitive: bool,
}

impl UsernameSettings {
    /// A pool that the API creates without these settings: no aliases, and names are case-sensitive.
    pub const DEFAULT: Self = Self {
        email_as_username: false,
        phone_as_username: false,
        email_alias: false,
        phone_alias: false,
        preferred_username_alias: false,
        case_sensitive: true,
    };

    /// Returns whether users are created with an address instead of a user name.
    pub const fn names_are_addresses(self) -> bool {
        self.email_as_username || self.phone_as_username
    }

    /// Returns whether `name` has the form of an address that can replace the user name.
    pub fn is_address(self, name: &str) -> bool {
        let email = (self.email_as_username || self.email_alias) && name.contains('@');
        let phone = (self.phone_as_username || self.phone_alias) && name.starts_with('+');
        email || phone
    }
}

impl Default for UsernameSettings {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A kind of address that receives codes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressKind {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
}

impl AddressKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Email, Self::Phone];

    /// Returns the attribute of a user that has this address.
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone_number",
        }
    }

    /// Returns the attribute that says whether the address is verified.
    pub const fn verified_attribute(self) -> &'static str {
        match self {
            Self::Email => "email_verified",
            Self::Phone => "phone_number_verified",
        }
    }

    /// Returns `DeliveryMedium`.
    pub const fn medium(self) -> &'static str {
        match self {
            Self::Email => "EMAIL",
            Self::Phone => "SMS",
        }
    }
}

/// How users recover their passwords (`AccountRecoverySetting`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// Without the setting: by phone, else by e-mail. An address can be a factor as well, unless it is the
    /// preferred one.
    #[default]
    Legacy,
    /// Only administrators reset passwords (`admin_only`).
    AdminOnly,
    /// These addresses, in this order. The address of an active factor does not count.
    Addresses {
        /// The address that is tried first.
        first: AddressKind,
        /// The address that is tried if the user does not have the first.
        second: Option<AddressKind>,
    },
}

/// The settings of a pool for password recovery and for codes that verify addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountSettings {
    /// `AccountRecoverySetting`.
    pub recovery: Recovery,
    /// `AttributesRequireVerificationBeforeUpdate` contains `email`: a new address counts once it is
    /// verified.
    pub verify_email_first: bool,
    /// `AttributesRequireVerificationBeforeUpdate` contains `phone_number`.
    pub verify_phone_first: bool,
    /// `AutoVerifiedAttributes` contains `email`: sign-ups and new addresses get a code.
    #[serde(default = "on")]
    pub auto_verify_email: bool,
    /// `AutoVerifiedAttributes` contains `phone_number`.
    #[serde(default = "on")]
    pub auto_verify_phone: bool,
}

/// Pools of earlier versions sent codes to all addresses.
const fn on() -> bool {
    true
}

/// A pool that is not created through the API sends codes to all addresses.
impl Default for AccountSettings {
    fn default() -> Self {
        Self {
            recovery: Recovery::default(),
            verify_email_first: false,
            verify_phone_first: false,
            auto_verify_email: true,
            auto_verify_phone: true,
        }
    }
}

impl AccountSettings {
    /// Returns whether an address of this kind gets a code that verifies it.
    pub const fn auto_verifies(self, kind: AddressKind) -> bool {
        match kind {
            AddressKind::Email => self.auto_verify_email,
            AddressKind::Phone => self.auto_verify_phone,
        }
    }

    /// Returns whether a new address of this kind takes effect only after it is verified.
    pub const fn verifies_first(self, kind: AddressKind) -> bool {
        match kind {
            AddressKind::Email => self.verify_email_first,
            AddressKind::Phone => self.verify_phone_first,
        }
    }
}

/// The second factors of a user: registered, and enabled unless a value says otherwise.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Factors {
    /// None.
    None,
    /// A phone number that is registered and not enabled as a factor.
    Phone,
    /// Codes sent to a phone.
    Sms,
    /// Codes of an authenticator app.
    Totp,
    /// Codes sent by e-mail.
    Email,
    /// Codes sent to a phone and codes of an app, with no preference between them.
    SmsAndTotp,
}

impl Factors {
    /// All sets of factors.
    pub const ALL: [Self; 6] =
        [Self::None, Self::Phone, Self::Sms, Self::Totp, Self::Email, Self::SmsAndTotp];

    /// Returns whether a factor is registered: enough for an MFA that risk requires.
    pub const fn is_registered(self) -> bool {
        !matches!(self, Self::None)
    }

    /// Returns whether a factor is registered and enabled: what a pool with optional MFA asks for.
    pub const fn is_active(self) -> bool {
        !matches!(self, Self::None | Self::Phone)
    }

    /// Returns whether a phone number is registered.
    pub const fn has_phone(self) -> bool {
        matches!(self, Self::Phone | Self::Sms | Self::SmsAndTotp)
    }

    /// Returns whether e-mail codes are enabled.
    pub const fn has_email(self) -> bool {
        matches!(self, Self::Email)
    }

    /// Returns whether an authenticator app is enabled.
    pub const fn has_totp(self) -> bool {
        matches!(self, Self::Totp | Self::SmsAndTotp)
    }

    /// Returns whether SMS codes are enabled.
    pub const fn has_sms(self) -> bool {
        matches!(self, Self::Sms | Self::SmsAndTotp)
    }
}
