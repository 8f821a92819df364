//! A user's profile: attributes, second factors, authenticator app and password.

use std::collections::BTreeMap;

use unicode_general_category::get_general_category;

use super::Pool;
use super::account::{Account, AccountId, NewAccount, UserStatus};
use super::factor::matching_steps;
use poolproof_cognito::ids::Username;
use poolproof_cognito::protocol::{
    AccountResponse, AdminSetUserMfaPreference, ApiError, BearerCall, ChallengeName, ErrorKind,
    MfaPreferences, Reply, Response, SetUserMfaPreference, UserDescription, VerifyOwnSoftwareToken,
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
    fn read(given: Vec<(String, String)>) -> Result<Self, ApiError> {
        let mut rest = BTreeMap::new();
        for (name, value) in given {
            if name.is_empty() || name.len() > 32 || value.len() > 2048 || name == "sub" {
                return Err(ApiError::invalid_parameter(
                    "user.attributes: Attributes did not conform to the schema.",
                ));
            }
            if rest.insert(name.clone(), value).is_some() {
                return Err(ApiError::invalid_parameter(format!("Attribute {name} is given twice.")));
            }
        }
        let email = rest.remove("email").filter(|email| !email.is_empty());
        if email.as_ref().is_some_and(|email| !email.contains('@') || !is_valid_name(email)) {
            return Err(ApiError::invalid_parameter("Invalid email address format."));
        }
        let phone = rest.remove("phone_number").filter(|phone| !phone.is_empty());
        let digits = |phone: &String| {
            let rest = phone.strip_prefix('+').unwrap_or_default();
            (3..=15).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit())
        };
        if phone.as_ref().is_some_and(|phone| !digits(phone)) {
            return Err(ApiError::invalid_parameter("Invalid phone number format."));
        }
        Ok(Self { email, phone, rest })
    }

    /// Returns an account with these attributes.
    pub(super) fn apply_to(self, account: NewAccount) -> NewAccount {
        NewAccount { email: self.email, phone: self.phone, attributes: self.rest, ..account }
    }
}

/// Returns whether a text is a valid name: 1 to 128 letters, marks, symbols, numbers and punctuation. This
/// excludes spaces, controls, formats such as U+202E, private-use and unassigned characters.
fn is_valid_name(text: &str) -> bool {
    let category = |letter| get_general_category(letter).abbreviation();
    (1..=128).contains(&text.chars().count())
        && text.chars().all(|letter| category(letter).starts_with(['L', 'M', 'S', 'N', 'P']))
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
    pub(super) fn attributes_with_sub(&self) -> Vec<(String, String)> {
        let known = [("email", &self.email), ("phone_number", &self.phone)];
        let known = known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        let rest = self.attributes.iter().map(|(name, value)| (name.clone(), value.clone()));
        let mut all: Vec<_> = known.chain(rest).collect();
        all.sort();
        all.insert(0, ("sub".to_owned(), self.sub.as_str().to_owned()));
        all
    }

    pub(super) fn description(&self) -> UserDescription {
        let factors = self.factors();
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
    fn set_mfa_preference(&mut self, preferences: &MfaPreferences) -> Result<(), ApiError> {
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
        if on(preferences.software_token) == Some(true) && self.totp.is_none() && self.app_to_enable.is_none()
        {
            return Err(ApiError::invalid_parameter("User has not verified software token mfa"));
        }
        self.sms_mfa = on(preferences.sms).unwrap_or(self.sms_mfa);
        self.email_mfa = on(preferences.email).unwrap_or(self.email_mfa);
        match on(preferences.software_token) {
            Some(true) => self.totp = self.app_to_enable.take().or_else(|| self.totp.take()),
            Some(false) => self.app_to_enable = self.totp.take().or_else(|| self.app_to_enable.take()),
            None => {}
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
    /// Checks the name and the attributes of a user before the user is added.
    pub(super) fn check_new_user(
        &self,
        username: &str,
        attributes: Vec<(String, String)>,
    ) -> Result<(Username, Attributes), ApiError> {
        if !is_valid_name(username) {
            return Err(ApiError::invalid_parameter(
                "1 validation error detected: Value at 'username' failed to satisfy constraint: Member must satisfy \
                 regular expression pattern: [\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]{1,128}",
            ));
        }
        let attributes = Attributes::read(attributes)?;
        if self.directory.find(username).is_some() {
            return Err(ApiError::new(ErrorKind::UsernameExists, "User already exists"));
        }
        if attributes.email.as_deref().is_some_and(|email| self.directory.find(email).is_some()) {
            let message = "An account with the given email already exists.";
            return Err(ApiError::new(ErrorKind::UsernameExists, message));
        }
        Ok((Username::new(username), attributes))
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
        self.directory.account_mut(id).set_mfa_preference(&request.preferences).map(|()| Response::Empty)
    }

    /// `AdminSetUserMFAPreference`.
    pub(super) fn admin_set_preference(
        &mut self,
        now: Timestamp,
        request: &AdminSetUserMfaPreference,
    ) -> Reply {
        let id = self.find_administered_user(&request.user_pool_id, &request.username)?;
        let account = self.directory.account_mut(id);
        account.set_mfa_preference(&request.preferences)?;
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
        if account.totp.is_some() {
            account.totp = Some(secret);
        } else {
            account.app_to_enable = Some(secret);
        }
        Ok(Response::Account(AccountResponse::SoftwareTokenVerified))
    }
}
