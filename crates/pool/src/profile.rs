//! A user's profile: attributes, second factors, authenticator app and password.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use unicode_general_category::get_general_category;

use super::Pool;
use super::account::{Account, AccountId, NewAccount, UserStatus};
use super::factor::matching_steps;
use poolproof_cognito::ids::{Sub, Username};
use poolproof_cognito::policy::{AddressKind, FactorTypes, MfaMode, PoolPolicy, UsernameSettings};
use poolproof_cognito::protocol::{
    AccountResponse, AdminSetUserMfaPreference, AdminUserCall, ApiError, BearerCall, ChallengeName,
    ErrorKind, MfaPreferences, Reply, Response, SetUserMfaPreference, SharedAttributes, UserDescription,
    VerifyOwnSoftwareToken,
};
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::TotpSecret;

/// The attributes of a new account.
#[derive(Debug)]
pub(super) struct Attributes {
    email: Option<String>,
    phone: Option<String>,
    rest: BTreeMap<String, String>,
}

impl Attributes {
    /// Reads attributes: no duplicate names, valid addresses, and no attribute that only the pool may set.
    ///
    /// A user who signs up may not say that an address is verified: only a code or an administrator can.
    pub(super) fn read(given: Vec<(String, String)>, by_user: bool) -> Result<Self, ApiError> {
        if by_user && given.iter().any(|(name, _)| name.ends_with("_verified")) {
            return Err(ApiError::not_authorized("A client attempted to write unauthorized attribute"));
        }
        let mut rest = BTreeMap::new();
        for (name, value) in given {
            if name.is_empty() || name.len() > 32 || value.len() > 2048 || name == "sub" {
                return Err(ApiError::invalid_parameter(
                    "user.attributes: Attributes did not conform to the schema.",
                ));
            }
            let value = if AddressKind::ALL.iter().any(|kind| kind.verified_attribute() == name) {
                read_flag(&name, &value)?
            } else {
                value
            };
            if rest.insert(name.clone(), value).is_some() {
                return Err(ApiError::invalid_parameter(format!("Attribute {name} is given twice.")));
            }
        }
        let email = rest.remove("email").filter(|email| !email.is_empty());
        if email.as_deref().is_some_and(|email| !is_email(email)) {
            return Err(ApiError::invalid_parameter("Invalid email address format."));
        }
        let phone = rest.remove("phone_number").filter(|phone| !phone.is_empty());
        if phone.as_deref().is_some_and(|phone| !is_phone_number(phone)) {
            return Err(ApiError::invalid_parameter("Invalid phone number format."));
        }
        Ok(Self { email, phone, rest })
    }

    /// Returns the address of this kind.
    pub(super) const fn address(&self, kind: AddressKind) -> Option<&String> {
        match kind {
            AddressKind::Email => self.email.as_ref(),
            AddressKind::Phone => self.phone.as_ref(),
        }
    }

    /// Returns the attributes besides the addresses.
    pub(super) const fn rest(&self) -> &BTreeMap<String, String> {
        &self.rest
    }

    /// Refuses to call an address verified that is not given and that the user does not have (API reference,
    /// AdminCreateUser).
    pub(super) fn check_verified(&self, has: impl Fn(AddressKind) -> bool) -> Result<(), ApiError> {
        let verified =
            |kind: &AddressKind| self.rest.get(kind.verified_attribute()).is_some_and(|flag| flag == "true");
        let lacks = |kind: &AddressKind| self.address(*kind).is_none() && !has(*kind);
        match AddressKind::ALL.into_iter().filter(verified).find(lacks) {
            None => Ok(()),
            Some(kind) => {
                let (flag, address) = (kind.verified_attribute(), kind.attribute());
                Err(ApiError::invalid_parameter(format!("{flag} is true, but there is no {address}.")))
            }
        }
    }

    /// Takes an address that was given as the user name.
    fn take_username(&mut self, usernames: UsernameSettings, username: &str) -> Result<(), ApiError> {
        if usernames.email_as_username && is_email(username) {
            self.email = Some(username.to_owned());
        } else if usernames.phone_as_username && is_phone_number(username) {
            self.phone = Some(username.to_owned());
        } else {
            let wanted = match (usernames.email_as_username, usernames.phone_as_username) {
                (true, true) => "either an email or a phone number",
                (true, false) => "an email",
                (false, _) => "a phone number",
            };
            return Err(ApiError::invalid_parameter(format!("Username should be {wanted}.")));
        }
        Ok(())
    }

    /// Returns an account with these attributes.
    pub(super) fn apply_to(self, account: NewAccount) -> NewAccount {
        NewAccount { email: self.email, phone: self.phone, attributes: self.rest, ..account }
    }
}

/// Reads `true` or `false` in any case.
fn read_flag(name: &str, value: &str) -> Result<String, ApiError> {
    let value = value.to_ascii_lowercase();
    if matches!(value.as_str(), "true" | "false") {
        return Ok(value);
    }
    Err(ApiError::invalid_parameter(format!("Invalid value of {name}: true or false expected.")))
}

fn is_email(text: &str) -> bool {
    text.contains('@') && is_valid_name(text)
}

/// Returns whether a text is a phone number in E.164 form.
fn is_phone_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (3..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether a text is a valid name: 1 to 128 letters, marks, symbols, numbers and punctuation. This
/// excludes spaces, controls, formats such as U+202E, private-use and unassigned characters. Cognito's
/// pattern allows invisible marks and letters as well; they would make names that look alike.
fn is_valid_name(text: &str) -> bool {
    let category = |letter| get_general_category(letter).abbreviation();
    (1..=128).contains(&text.chars().count())
        && text.chars().all(|letter| category(letter).starts_with(['L', 'M', 'S', 'N', 'P']))
        && !has_invisible(text)
}

/// The code points with the property `Default_Ignorable_Code_Point`, which are not displayed
/// (`DerivedCoreProperties.txt` of Unicode 14 to 16), and U+2800, the blank Braille pattern.
const INVISIBLE: [(char, char); 18] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fff8}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Returns whether a text contains characters that are not displayed.
pub(super) fn has_invisible(text: &str) -> bool {
    text.chars().any(|letter| INVISIBLE.iter().any(|(first, last)| (*first..=*last).contains(&letter)))
}

impl Account {
    /// `UserStatus`.
    pub(super) const fn status(&self) -> &'static str {
        match self.user_status {
            UserStatus::Confirmed => "CONFIRMED",
            UserStatus::Unconfirmed => "UNCONFIRMED",
            UserStatus::ForceChangePassword => "FORCE_CHANGE_PASSWORD",
            UserStatus::ResetRequired => "RESET_REQUIRED",
        }
    }

    /// Returns `UserAttributes`: `sub` first, then ordered by name.
    fn attributes_with_sub(&self) -> SharedAttributes {
        let known = [("email", &self.email), ("phone_number", &self.phone)];
        let known =
            known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.as_deref()?.into())));
        let rest = self.attributes.iter().map(|(name, value)| (name.clone(), Arc::clone(value)));
        let mut all: Vec<_> = known.chain(rest).collect();
        all.sort();
        all.insert(0, ("sub".to_owned(), self.sub.as_str().into()));
        all
    }

    /// Returns `userAttributes` of `NEW_PASSWORD_REQUIRED`: the attributes without `sub` as JSON text.
    pub(super) fn attributes_as_json(&self) -> String {
        let attributes = self.attributes_with_sub().into_iter().filter(|(name, _)| name != "sub");
        let attributes: Map<String, Value> =
            attributes.map(|(name, value)| (name, (*value).into())).collect();
        Value::Object(attributes).to_string()
    }

    /// Returns `userAttributes` of the triggers' events.
    pub(super) fn trigger_attributes(&self) -> Map<String, Value> {
        let status = ("cognito:user_status".to_owned(), self.status().into());
        let attributes = self.attributes_with_sub().into_iter().chain([status]);
        attributes.map(|(name, value)| (name, (*value).into())).collect()
    }

    pub(super) fn description(&self) -> UserDescription {
        let factors = self.active_factors(FactorTypes::ALL);
        UserDescription {
            username: self.username.clone(),
            attributes: self.attributes_with_sub(),
            created: self.created,
            modified: self.modified,
            enabled: !self.disabled,
            status: self.status(),
            preferred: self.preferred.filter(|preferred| factors.contains(preferred)),
            factors,
        }
    }

    /// Sets second factors. If one of them is not available, nothing changes.
    fn set_mfa_preference(
        &mut self,
        policy: &PoolPolicy,
        preferences: &MfaPreferences,
    ) -> Result<(), ApiError> {
        let on =
            |setting: Option<poolproof_cognito::protocol::MfaPreference>| setting.and_then(|one| one.enabled);
        let lacks = |name: &str| {
            ApiError::invalid_parameter(format!("User does not have delivery config set to turn on {name}"))
        };
        if on(preferences.sms) == Some(true) && self.phone.is_none() {
            return Err(lacks("SMS_MFA"));
        }
        if on(preferences.email) == Some(true) && self.email.is_none() {
            return Err(lacks("EMAIL_OTP"));
        }
        if on(preferences.software_token) == Some(true) && self.totp.is_none() {
            return Err(ApiError::invalid_parameter("User has not verified software token mfa"));
        }
        let before = (self.sms_mfa, self.email_mfa, self.totp_mfa);
        let had_factor = !self.active_factors(policy.factor_types).is_empty();
        self.sms_mfa = on(preferences.sms).unwrap_or(self.sms_mfa);
        self.email_mfa = on(preferences.email).unwrap_or(self.email_mfa);
        self.totp_mfa = on(preferences.software_token).unwrap_or(self.totp_mfa);
        let loses_last = had_factor && self.active_factors(policy.factor_types).is_empty();
        if policy.mfa == MfaMode::On && loses_last {
            (self.sms_mfa, self.email_mfa, self.totp_mfa) = before;
            let message = "User pool requires MFA: the last MFA factor of a user cannot be turned off.";
            return Err(ApiError::invalid_parameter(message));
        }
        let named = [
            (preferences.sms, ChallengeName::SmsMfa),
            (preferences.software_token, ChallengeName::SoftwareTokenMfa),
            (preferences.email, ChallengeName::EmailOtp),
        ];
        for (setting, factor) in named {
            match setting.and_then(|setting| setting.preferred) {
                Some(true) => self.preferred = Some(factor),
                Some(false) if self.preferred == Some(factor) => self.preferred = None,
                _ => {}
            }
        }
        Ok(())
    }
}

impl Pool {
    /// Checks the name and the attributes of a user before the user is added. Returns the canonical user
    /// name: the sub in a pool whose users are named by addresses.
    pub(super) fn check_new_user(
        &self,
        username: &str,
        sub: &Sub,
        by_user: bool,
        attributes: Vec<(String, String)>,
    ) -> Result<(Username, Attributes), ApiError> {
        let usernames = self.directory.usernames();
        if !is_valid_name(username) {
            return Err(ApiError::invalid_parameter(
                "1 validation error detected: Value at 'username' failed to satisfy constraint: Member must satisfy \
                 regular expression pattern: [\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]{1,128}",
            ));
        }
        // Verification flags of users are refused as unauthorized before the schema is read.
        let unauthorized = by_user && attributes.iter().any(|(name, _)| name.ends_with("_verified"));
        if !unauthorized {
            self.check_schema(&attributes, false)?;
        }
        let mut attributes = Attributes::read(attributes, by_user)?;
        self.check_preferred_username(&attributes)?;
        if !usernames.names_are_addresses() {
            if usernames.is_address(username) {
                return Err(ApiError::invalid_parameter(
                    "Username cannot be of email format, since user pool is configured for email alias.",
                ));
            }
            attributes.check_verified(|_| false)?;
            self.check_required(&attributes, by_user)?;
            self.check_name_is_free(username, &attributes)?;
            // A pool that ignores case has one spelling of a name: lower case.
            return Ok((Username::new(self.directory.fold(username)), attributes));
        }
        attributes.take_username(usernames, username)?;
        attributes.check_verified(|_| false)?;
        self.check_required(&attributes, by_user)?;
        self.check_name_is_free(username, &attributes)?;
        Ok((Username::new(sub.as_str()), attributes))
    }

    /// Refuses a sign-up without the required attributes. An administrator can leave them to the user, who
    /// gives them with the new password (API reference, AdminCreateUser).
    fn check_required(&self, attributes: &Attributes, by_user: bool) -> Result<(), ApiError> {
        let Some(schema) = self.schema.as_ref().filter(|_| by_user) else { return Ok(()) };
        schema.check_required(|name| {
            let address = AddressKind::ALL.into_iter().find(|kind| kind.attribute() == name);
            match address {
                Some(kind) => attributes.address(kind).is_some(),
                None => attributes.rest.get(name).is_some_and(|value| !value.is_empty()),
            }
        })
    }

    /// Refuses the name of a new user if another user has it.
    pub(super) fn check_name_is_free(&self, username: &str, attributes: &Attributes) -> Result<(), ApiError> {
        let taken = |message: &str| Err(ApiError::new(ErrorKind::UsernameExists, message));
        if !self.directory.usernames().names_are_addresses() {
            return if self.directory.is_taken(username) { taken("User already exists") } else { Ok(()) };
        }
        let addresses = [attributes.email.as_deref(), attributes.phone.as_deref()];
        if addresses.into_iter().flatten().any(|address| self.directory.is_taken(address)) {
            return taken("An account with the given email already exists.");
        }
        Ok(())
    }

    /// Refuses a `preferred_username` that has the form of an address or contains invisible characters.
    pub(super) fn check_preferred_username(&self, attributes: &Attributes) -> Result<(), ApiError> {
        let usernames = self.directory.usernames();
        let Some(name) = attributes.rest.get("preferred_username") else { return Ok(()) };
        if usernames.is_address(name) {
            return Err(ApiError::invalid_parameter(
                "Invalid preferred_username: it has the form of an alias.",
            ));
        }
        if has_invisible(name) {
            return Err(ApiError::invalid_parameter(
                "Invalid preferred_username: it contains a character that is not displayed.",
            ));
        }
        Ok(())
    }

    pub(super) fn describe_user(&self, id: AccountId) -> UserDescription {
        self.directory.account(id).description()
    }

    /// `GetUser`.
    pub(super) fn get_own_user(&self, now: Timestamp, request: &BearerCall) -> Reply {
        let (id, _) = self.bearer(&request.access_token, now)?;
        Ok(Response::Account(AccountResponse::Profile(self.describe_user(id))))
    }

    /// `SetUserMFAPreference`.
    pub(super) fn set_own_preference(&mut self, now: Timestamp, request: &SetUserMfaPreference) -> Reply {
        let (id, _) = self.bearer(&request.access_token, now)?;
        let account = self.directory.account_mut(id);
        account.set_mfa_preference(&self.policy, &request.preferences).map(|()| Response::Empty)
    }

    /// `AdminSetUserMFAPreference`.
    pub(super) fn admin_set_preference(
        &mut self,
        now: Timestamp,
        request: &AdminSetUserMfaPreference,
    ) -> Reply {
        let id = self.find_administered_user(&request.user_pool_id, &request.username)?;
        let account = self.directory.account_mut(id);
        account.set_mfa_preference(&self.policy, &request.preferences)?;
        account.modified = now;
        Ok(Response::Empty)
    }

    /// `AdminDeleteSoftwareToken`: the user has no authenticator app any more and can set up another one.
    pub(super) fn admin_delete_app(&mut self, now: Timestamp, request: &AdminUserCall) -> Reply {
        let id = self.find_administered_user(&request.user_pool_id, &request.username)?;
        let account = self.directory.account_mut(id);
        account.totp = None;
        account.totp_mfa = false;
        account.totp_name = None;
        account.totp_step_used = None;
        account.app_to_verify = None;
        account.preferred = account.preferred.filter(|factor| *factor != ChallengeName::SoftwareTokenMfa);
        account.modified = now;
        Ok(Response::Empty)
    }

    /// `AssociateSoftwareToken` with an access token: returns the secret of an app that is not verified yet.
    pub(super) fn associate_own(&mut self, now: Timestamp, request: &BearerCall) -> Reply {
        let (id, _) = self.bearer(&request.access_token, now)?;
        let secret = TotpSecret::draw(&mut self.rng);
        let secret_code = secret.to_base32();
        self.directory.account_mut(id).app_to_verify = Some(secret);
        Ok(Response::Account(AccountResponse::SecretCode(secret_code)))
    }

    /// `VerifySoftwareToken` with an access token. The app becomes a second factor only when the user enables
    /// it.
    pub(super) fn verify_own(&mut self, now: Timestamp, request: &VerifyOwnSoftwareToken) -> Reply {
        let (id, _) = self.bearer(&request.access_token, now)?;
        let account = self.directory.account_mut(id);
        let Some(secret) = account.app_to_verify.take() else {
            return Err(ApiError::invalid_parameter("Associate a software token first."));
        };
        let Some(step) = matching_steps(&secret, &request.user_code, now).pop() else {
            account.app_to_verify = Some(secret);
            return Err(ApiError::new(ErrorKind::EnableSoftwareTokenMfa, "Code mismatch"));
        };
        account.totp_step_used = Some(step);
        account.totp = Some(secret);
        account.totp_name.clone_from(&request.friendly_device_name);
        Ok(Response::Account(AccountResponse::SoftwareTokenVerified))
    }
}

/// Returns the error for an address that is another user's alias.
pub(super) fn alias_exists() -> ApiError {
    let message = "An account with the given email or phone number already exists.";
    ApiError::new(ErrorKind::AliasExists, message)
}
