//! What is kept of users between two runs of a program, as plain data.
//!
//! A pool that keeps its changes notes which users a request has touched, and hands out their records. From
//! these the users can be made again. Sign-ins in progress are in no record: they end with the program.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Pool;
use super::account::{Account, AccountId, Confirmation, Device, DeviceState, UserStatus};
use super::lockout::Failures;
use super::sign_in_history::SignInHistory;
use poolproof_cognito::ids::{DeviceGroupKey, DeviceKey, Sub, Username};
use poolproof_cognito::protocol::{ChallengeName, DeviceStatus};
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::TotpSecret;
use poolproof_srp::{Group, Salt, Verifier};

/// A user with everything that is kept of them.
///
/// It is not printed for debugging: whoever has it can try passwords and read codes.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountRecord {
    /// Users are listed in the order of these numbers.
    pub serial: u64,
    /// The name to sign in with.
    pub username: Username,
    /// `sub`.
    pub sub: Sub,
    /// The salt of the password, in hexadecimal digits, two a byte.
    pub salt: String,
    /// The password's verifier, base64 of PAD.
    pub verifier: String,
    /// How far the user has come.
    pub user_status: UserStatus,
    /// Whether an administrator has disabled the user.
    pub disabled: bool,
    /// The phone.
    pub phone: Option<String>,
    /// Whether its codes are a second factor.
    pub sms_mfa: bool,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether its codes are a second factor.
    pub email_mfa: bool,
    /// The secret of the authenticator app, base32.
    pub totp: Option<String>,
    /// The factor that is asked for when there are several.
    pub preferred: Option<ChallengeName>,
    /// The last time step whose code was used.
    pub totp_step_used: Option<u64>,
    /// Failed attempts to sign in.
    pub failures: FailuresRecord,
    /// Addresses of the last sign-ins, the last one last.
    pub addresses: Vec<IpAddr>,
    /// Failures since the last sign-in.
    pub failures_since: u32,
    /// Whether the password is known to others.
    pub compromised: bool,
    /// How often the user has signed out everywhere.
    pub generation: u64,
    /// Sign-ins whose refresh token was revoked, and until when it would have been good.
    pub revoked: BTreeMap<String, Timestamp>,
    /// Devices by their keys, those too that were never confirmed.
    pub devices: BTreeMap<DeviceKey, DeviceRecord>,
    /// Attributes besides `sub`, `email` and `phone_number`.
    pub attributes: BTreeMap<String, String>,
    /// When the account was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// The code that confirms the sign-up.
    pub confirmation: Option<ConfirmationRecord>,
    /// The secret of an app that is not verified yet, base32.
    pub app_to_verify: Option<String>,
    /// The secret of an app that is verified and no factor, base32.
    pub app_to_enable: Option<String>,
}

/// Failed attempts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FailuresRecord {
    /// How many count.
    pub count: u32,
    /// Until when the user is locked out.
    pub locked_until: Timestamp,
    /// The last attempt.
    pub last_attempt: Timestamp,
}

/// The code that confirms a sign-up.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfirmationRecord {
    /// The code.
    pub code: String,
    /// Until when it is good.
    pub expires: Timestamp,
    /// Wrong codes that came in its place.
    pub failures: FailuresRecord,
}

/// A device.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceRecord {
    /// The key of its group.
    pub group_key: DeviceGroupKey,
    /// `DeviceName`.
    pub name: Option<String>,
    /// The address that it was last used from.
    pub address: Option<IpAddr>,
    /// How far it has come.
    pub state: DeviceStateRecord,
    /// Whether it has been through an MFA.
    pub mfa_bound: bool,
    /// When its key was handed out.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// When it last signed in.
    pub authenticated: Timestamp,
}

/// How far a device has come.
#[derive(Clone, PartialEq, Eq)]
pub enum DeviceStateRecord {
    /// Its key came with the tokens of this sign-in.
    Issued {
        /// `origin_jti`.
        origin_id: String,
    },
    /// It has given its verifier.
    Confirmed {
        /// In hexadecimal digits, two a byte.
        salt: String,
        /// Base64 of PAD.
        verifier: String,
        /// Whether it is remembered.
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

/// A record that no pool has written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordError {
    /// The salt is none.
    #[error("invalid salt")]
    Salt,
    /// The verifier is none in the pool's group.
    #[error("invalid verifier")]
    Verifier,
    /// The secret of an authenticator app is none.
    #[error("invalid TOTP secret")]
    Totp,
    /// Two users have one name, sub or e-mail address.
    #[error("duplicate user name")]
    NameTaken,
    /// Two pools or clients have one id, or a client or a user has no pool.
    #[error("duplicate or dangling pool, client or user")]
    Inconsistent,
}

/// What became of a user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccountChange {
    /// The user is like this now.
    Put(Box<AccountRecord>),
    /// The user is gone.
    Removed(Sub),
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
            totp: base32(&self.totp),
            preferred: self.preferred,
            totp_step_used: self.totp_step_used,
            failures: self.failures.record(),
            addresses: self.sign_in_history.addresses.clone(),
            failures_since: self.sign_in_history.failures,
            compromised: self.compromised,
            generation: self.generation,
            revoked: self.revoked.clone(),
            devices: self.devices.iter().map(|(key, device)| (key.clone(), device.record())).collect(),
            attributes: self.attributes.clone(),
            created: self.created,
            modified: self.modified,
            confirmation: self.confirmation.as_ref().map(|kept| ConfirmationRecord {
                code: kept.code.clone(),
                expires: kept.expires,
                failures: kept.failures.record(),
            }),
            app_to_verify: base32(&self.app_to_verify),
            app_to_enable: base32(&self.app_to_enable),
        }
    }

    fn from_record(group: Group, record: AccountRecord) -> Result<Self, RecordError> {
        let device = |(key, device)| Ok((key, Device::from_record(group, device)?));
        Ok(Self {
            username: record.username,
            sub: record.sub,
            salt: salt(&record.salt)?,
            verifier: verifier(group, &record.verifier)?,
            user_status: record.user_status,
            disabled: record.disabled,
            phone: record.phone,
            sms_mfa: record.sms_mfa,
            email: record.email,
            email_mfa: record.email_mfa,
            totp: totp(record.totp.as_ref())?,
            preferred: record.preferred,
            totp_step_used: record.totp_step_used,
            failures: Failures::from_record(record.failures),
            sign_in_history: SignInHistory { addresses: record.addresses, failures: record.failures_since },
            compromised: record.compromised,
            generation: record.generation,
            revoked: record.revoked,
            devices: record.devices.into_iter().map(device).collect::<Result<_, RecordError>>()?,
            attributes: record.attributes,
            created: record.created,
            modified: record.modified,
            confirmation: record.confirmation.map(|kept| Confirmation {
                code: kept.code,
                expires: kept.expires,
                failures: Failures::from_record(kept.failures),
            }),
            app_to_verify: totp(record.app_to_verify.as_ref())?,
            app_to_enable: totp(record.app_to_enable.as_ref())?,
        })
    }

    /// The latest moment that it tells of.
    fn latest(&self) -> Timestamp {
        let devices = self.devices.values().map(|device| device.modified.max(device.authenticated));
        let own = self.created.max(self.modified).max(self.failures.last_attempt);
        devices.fold(own, Timestamp::max)
    }
}

impl Pool {
    /// This pool, which from now on notes which users its requests touch, for [`Self::take_changes`].
    #[must_use]
    pub fn with_change_log(mut self) -> Self {
        self.directory.start_change_log();
        self
    }

    /// What became of the users that were touched since this was asked last. Nothing in a pool that does not
    /// keep its changes. An attempt that has come to nothing yet is no change.
    pub fn take_changes(&mut self) -> Vec<AccountChange> {
        let (changed, removed) = self.directory.take_change_log();
        let removed = removed.into_iter().map(AccountChange::Removed);
        let put = |id: AccountId| AccountChange::Put(Box::new(self.directory.account(id).record(id)));
        removed.chain(changed.into_iter().map(put)).collect()
    }

    /// The generation at which tokens of new users start; it is kept with the pool.
    pub const fn first_generation(&self) -> u64 {
        self.directory.first_generation
    }

    /// Makes the users of these records again, in an empty pool. They are no changes.
    ///
    /// # Errors
    ///
    /// A record that no pool of this group has written, or two users of one name.
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

    /// This pool with other chance for whatever it draws from now on. What it drew when it was made stays:
    /// its secrets.
    #[must_use]
    pub fn with_rng(mut self, rng: poolproof_cognito::seed::Rng) -> Self {
        self.rng = rng;
        self
    }
}
