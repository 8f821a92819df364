//! The stored records of users, as plain data.
//!
//! A pool that records changes tracks the users that a request changes and returns their records. The users
//! can be restored from these. Sign-ins in progress are not recorded: they end with the program.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Pool;
use super::account::{Account, AccountId, Confirmation, Device, DeviceState, RotatedToken, UserStatus};
use super::codes::UserCodes;
use super::event_record::AuthEvents;
use super::groups::GroupRecord;
use super::lockout::Failures;
use super::sign_in_history::SignInHistory;
use poolproof_cognito::ids::{DeviceGroupKey, DeviceKey, Sub, Username};
use poolproof_cognito::policy::AddressKind;
use poolproof_cognito::protocol::{ChallengeName, DeviceStatus};
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::TotpSecret;
use poolproof_srp::{Group, Salt, Verifier};

/// A stored user.
///
/// It does not implement `Debug`: its contents allow anyone to try passwords and read codes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountRecord {
    /// The user's number; users are listed in this order.
    pub serial: u64,
    /// The name that the user signs in with.
    pub username: Username,
    /// `sub`.
    pub sub: Sub,
    /// The salt of the password, two hexadecimal digits per byte.
    pub salt: String,
    /// The password's verifier, base64 of PAD.
    pub verifier: String,
    /// The user's status.
    pub user_status: UserStatus,
    /// Whether an administrator has disabled the user.
    pub disabled: bool,
    /// The phone number.
    pub phone: Option<String>,
    /// Whether SMS codes are a second factor.
    pub sms_mfa: bool,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether e-mail codes are a second factor.
    pub email_mfa: bool,
    /// The secret of the authenticator app, base32, if the app is a second factor.
    pub totp: Option<String>,
    /// The factor that the pool asks for when there are several.
    pub preferred: Option<ChallengeName>,
    /// The last time step whose code was used.
    pub totp_step_used: Option<u64>,
    /// Failed attempts to sign in.
    pub failures: FailuresRecord,
    /// Addresses of the last sign-ins, the latest one last.
    pub addresses: Vec<IpAddr>,
    /// Failures since the last sign-in.
    pub failures_since: u32,
    /// Whether the password is compromised.
    pub compromised: bool,
    /// Number of global sign-outs.
    pub generation: u64,
    /// How often the user's access tokens were revoked, but not the refresh tokens.
    #[serde(default)]
    pub access_revocations: u64,
    /// Sign-ins whose refresh token was revoked, each with the token's original expiry.
    pub revoked: BTreeMap<String, Timestamp>,
    /// Sign-ins whose refresh token was exchanged for another one, by `origin_jti`.
    pub rotated: BTreeMap<String, RotatedToken>,
    /// Devices by key, including unconfirmed ones.
    pub devices: BTreeMap<DeviceKey, DeviceRecord>,
    /// Attributes besides `sub`, `email` and `phone_number`.
    pub attributes: BTreeMap<String, String>,
    /// When the password was set.
    #[serde(default)]
    pub password_set: Option<Timestamp>,
    /// When the account was created.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// The code that confirms the sign-up.
    pub confirmation: Option<ConfirmationRecord>,
    /// Codes for a new password and for addresses.
    #[serde(default)]
    pub codes: UserCodes,
    /// The secret of an app that is not verified yet, base32.
    pub app_to_verify: Option<String>,
    /// The secret of an app that is verified but is not a factor, base32.
    pub app_to_enable: Option<String>,
    /// The last sign-ins that threat protection has recorded.
    #[serde(default)]
    pub events: AuthEvents,
    /// Names of the user's groups.
    #[serde(default)]
    pub groups: BTreeSet<String>,
    /// `FriendlyDeviceName` of the app.
    #[serde(default)]
    pub totp_name: Option<String>,
    /// Whether the user has confirmed a sign-up by a code and has not signed in yet.
    #[serde(default)]
    pub first_sign_in_pending: bool,
}

/// Failed attempts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailuresRecord {
    /// Number of failures that count towards the lockout.
    pub count: u32,
    /// End of the lockout.
    pub locked_until: Timestamp,
    /// Time of the last attempt.
    pub last_attempt: Timestamp,
}

/// The code that confirms a sign-up.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfirmationRecord {
    /// The code.
    pub code: String,
    /// The address that received it, if the user had one.
    #[serde(default)]
    pub sent_to: Option<(AddressKind, String)>,
    /// Its expiry.
    pub expires: Timestamp,
    /// Wrong codes.
    pub failures: FailuresRecord,
}

/// A device.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceRecord {
    /// The device group key.
    pub group_key: DeviceGroupKey,
    /// `DeviceName`.
    pub name: Option<String>,
    /// The address that last used the device.
    pub address: Option<IpAddr>,
    /// The state of the device.
    pub state: DeviceStateRecord,
    /// Whether the device has completed an MFA.
    pub mfa_bound: bool,
    /// When the key was issued.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// When the device last signed in.
    pub authenticated: Timestamp,
}

/// The state of a device.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum DeviceStateRecord {
    /// Its key was issued with the tokens of this sign-in.
    Issued {
        /// `origin_jti`.
        origin_id: String,
    },
    /// The device is confirmed with a verifier.
    Confirmed {
        /// The salt, two hexadecimal digits per byte.
        salt: String,
        /// The verifier, base64 of PAD.
        verifier: String,
        /// Whether the device is remembered.
        status: DeviceStatus,
    },
}

macro_rules! redacted_debug {
    ($($name:ident)*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}

redacted_debug! { AccountRecord ConfirmationRecord DeviceRecord DeviceStateRecord }

/// An error about a record that no pool has written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordError {
    /// The salt is invalid.
    #[error("invalid salt")]
    Salt,
    /// The verifier is not an element of the pool's group.
    #[error("invalid verifier")]
    Verifier,
    /// The secret of an authenticator app is invalid.
    #[error("invalid TOTP secret")]
    Totp,
    /// Two users share a name, sub or alias.
    #[error("duplicate user name")]
    NameTaken,
    /// Two pools or clients share an id, or the pool of a client or user does not exist.
    #[error("two pools or clients share an id, or a pool is missing")]
    Inconsistent,
}

/// A change of a user or a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccountChange {
    /// The user was created or changed.
    Put(Box<AccountRecord>),
    /// The user was removed.
    Removed(Sub),
    /// The group was created or changed.
    Group(GroupRecord),
    /// The group of this name was removed.
    GroupRemoved(String),
}

impl Failures {
    const fn record(self) -> FailuresRecord {
        let Self { count, locked_until, last_attempt } = self;
        FailuresRecord { count, locked_until, last_attempt }
    }

    const fn from_record(record: FailuresRecord) -> Self {
        let FailuresRecord { count, locked_until, last_attempt } = record;
        Self { count, locked_until, last_attempt }
    }
}

fn salt(digits: &str) -> Result<Salt, RecordError> {
    let bytes = hex::decode(digits).map_err(|_| RecordError::Salt)?;
    Salt::from_bytes(bytes).map_err(|_| RecordError::Salt)
}

fn verifier(group: Group, text: &str) -> Result<Verifier, RecordError> {
    Verifier::from_base64(group, text).map_err(|_| RecordError::Verifier)
}

fn totp(text: Option<&String>) -> Result<Option<TotpSecret>, RecordError> {
    text.map(|text| TotpSecret::from_base32(text).ok_or(RecordError::Totp)).transpose()
}

impl Device {
    fn record(&self) -> DeviceRecord {
        DeviceRecord {
            group_key: self.group_key.clone(),
            name: self.name.clone(),
            address: self.address,
            state: match &self.state {
                DeviceState::Issued { origin_id } => {
                    DeviceStateRecord::Issued { origin_id: origin_id.clone() }
                }
                DeviceState::Confirmed { salt, verifier, status } => DeviceStateRecord::Confirmed {
                    salt: salt.to_verbatim_hex(),
                    verifier: verifier.to_base64(),
                    status: *status,
                },
            },
            mfa_bound: self.mfa_bound,
            created: self.created,
            modified: self.modified,
            authenticated: self.authenticated,
        }
    }

    fn from_record(group: Group, record: DeviceRecord) -> Result<Self, RecordError> {
        let DeviceRecord { group_key, name, address, state, mfa_bound, created, modified, authenticated } =
            record;
        let state = match state {
            DeviceStateRecord::Issued { origin_id } => DeviceState::Issued { origin_id },
            DeviceStateRecord::Confirmed { salt: digits, verifier: text, status } => {
                DeviceState::Confirmed { salt: salt(&digits)?, verifier: verifier(group, &text)?, status }
            }
        };
        Ok(Self { group_key, name, address, state, mfa_bound, created, modified, authenticated })
    }
}

impl Account {
    fn record(&self, id: AccountId) -> AccountRecord {
        let base32 = |secret: &Option<TotpSecret>| secret.as_ref().map(TotpSecret::to_base32);
        AccountRecord {
            serial: id.0,
            username: self.username.clone(),
            sub: self.sub.clone(),
            salt: self.salt.to_verbatim_hex(),
            verifier: self.verifier.to_base64(),
            user_status: self.user_status,
            disabled: self.disabled,
            phone: self.phone.clone(),
            sms_mfa: self.sms_mfa,
            email: self.email.clone(),
            email_mfa: self.email_mfa,
            totp: base32(&self.totp).filter(|_| self.totp_mfa),
            preferred: self.preferred,
            totp_step_used: self.totp_step_used,
            failures: self.failures.record(),
            addresses: self.sign_in_history.addresses.clone(),
            failures_since: self.sign_in_history.failures,
            compromised: self.compromised,
            generation: self.generation,
            access_revocations: self.access_revocations,
            revoked: self.revoked.clone(),
            rotated: self.rotated.clone(),
            devices: self.devices.iter().map(|(key, device)| (key.clone(), device.record())).collect(),
            attributes: self
                .attributes
                .iter()
                .map(|(name, value)| (name.clone(), (**value).to_owned()))
                .collect(),
            password_set: self.password_set,
            created: self.created,
            modified: self.modified,
            confirmation: self.confirmation.as_ref().map(|kept| ConfirmationRecord {
                code: kept.code.clone(),
                sent_to: kept.sent_to.clone(),
                expires: kept.expires,
                failures: kept.failures.record(),
            }),
            codes: self.codes.clone(),
            app_to_verify: base32(&self.app_to_verify),
            app_to_enable: base32(&self.totp).filter(|_| !self.totp_mfa),
            events: self.events.clone(),
            groups: self.groups.clone(),
            totp_name: self.totp_name.clone(),
            first_sign_in_pending: self.first_sign_in_pending,
        }
    }

    fn from_record(group: Group, record: AccountRecord) -> Result<Self, RecordError> {
        let device = |(key, device)| Ok((key, Device::from_record(group, device)?));
        Ok(Self {
            counted_bytes: 0,
            username: record.username,
            sub: record.sub,
            aliases: Vec::new(),
            salt: salt(&record.salt)?,
            verifier: verifier(group, &record.verifier)?,
            user_status: record.user_status,
            disabled: record.disabled,
            phone: record.phone,
            sms_mfa: record.sms_mfa,
            email: record.email,
            email_mfa: record.email_mfa,
            totp: totp(record.totp.as_ref().or(record.app_to_enable.as_ref()))?,
            totp_mfa: record.totp.is_some(),
            events: record.events,
            groups: record.groups,
            totp_name: record.totp_name,
            preferred: record.preferred,
            totp_step_used: record.totp_step_used,
            failures: Failures::from_record(record.failures),
            sign_in_history: SignInHistory { addresses: record.addresses, failures: record.failures_since },
            compromised: record.compromised,
            generation: record.generation,
            credential_version: 0,
            access_revocations: record.access_revocations,
            revoked: record.revoked,
            rotated: record.rotated,
            devices: record.devices.into_iter().map(device).collect::<Result<_, RecordError>>()?,
            attributes: record.attributes.into_iter().map(|(name, value)| (name, value.into())).collect(),
            password_set: record.password_set,
            created: record.created,
            modified: record.modified,
            confirmation: record.confirmation.map(|kept| Confirmation {
                code: kept.code,
                sent_to: kept.sent_to,
                expires: kept.expires,
                failures: Failures::from_record(kept.failures),
            }),
            codes: record.codes,
            app_to_verify: totp(record.app_to_verify.as_ref())?,
            first_sign_in_pending: record.first_sign_in_pending,
        })
    }

    /// Returns the latest time in the record.
    fn latest(&self) -> Timestamp {
        let devices = self.devices.values().map(|device| device.modified.max(device.authenticated));
        let own = self.created.max(self.modified).max(self.failures.last_attempt);
        devices.fold(own, Timestamp::max)
    }
}

impl Pool {
    /// Returns this pool with change recording enabled, for [`Self::take_changes`].
    #[must_use]
    pub fn with_change_log(mut self) -> Self {
        self.directory.start_change_log();
        self.groups.start_change_log();
        self
    }

    /// Returns the changes of users and groups since the last call. The list is empty if the pool does not
    /// record changes. A sign-in attempt that has not finished is not a change.
    pub fn take_changes(&mut self) -> Vec<AccountChange> {
        let (changed, removed) = self.directory.take_change_log();
        let removed = removed.into_iter().map(AccountChange::Removed);
        let put = |id: AccountId| AccountChange::Put(Box::new(self.directory.account(id).record(id)));
        let groups = self.groups.take_changes().into_iter();
        let groups = groups.map(|group| group.map_or_else(AccountChange::GroupRemoved, AccountChange::Group));
        removed.chain(changed.into_iter().map(put)).chain(groups).collect()
    }

    /// Returns the first token generation of new users, which is stored with the pool.
    pub const fn first_generation(&self) -> u64 {
        self.directory.first_generation
    }

    /// Restores the users of these records into an empty pool. They do not count as changes.
    ///
    /// # Errors
    ///
    /// Fails if a record was not written by a pool of this group, or if two users share a name.
    pub fn restore(&mut self, records: Vec<AccountRecord>, first_generation: u64) -> Result<(), RecordError> {
        let group = self.identity.group;
        for record in records {
            let id = AccountId(record.serial);
            let account = Account::from_record(group, record)?;
            self.latest = self.latest.max(account.latest());
            self.directory.put(id, account).map_err(|_| RecordError::NameTaken)?;
        }
        self.directory.first_generation = self.directory.first_generation.max(first_generation);
        Ok(())
    }

    /// Returns this pool with another random generator for future values. The secrets drawn at its creation
    /// are kept.
    #[must_use]
    pub fn with_rng(mut self, rng: poolproof_cognito::seed::Rng) -> Self {
        self.rng = rng;
        self
    }
}
