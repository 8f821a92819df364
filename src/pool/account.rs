//! Users and their devices.

use std::collections::{BTreeMap, HashMap};

use super::lockout::Failures;
use crate::clock::Timestamp;
use crate::ids::{DeviceGroupKey, DeviceKey, Sub, Username};
use crate::policy::Factors;
use crate::protocol::DeviceStatus;
use crate::srp::{Salt, Verifier};
use crate::totp::TotpSecret;

/// Names an account inside the pool.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct AccountId(usize);

/// A user as the pool knows them.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) username: Username,
    pub(super) sub: Sub,
    pub(super) salt: Salt,
    pub(super) verifier: Verifier,
    pub(super) phone: Option<String>,
    pub(super) totp: Option<TotpSecret>,
    /// The last time step whose code was used: it cannot be used again.
    pub(super) totp_step_used: Option<u64>,
    pub(super) failures: Failures,
    pub(super) devices: BTreeMap<DeviceKey, Device>,
}

/// A device as the pool knows it.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) group_key: DeviceGroupKey,
    pub(super) name: Option<String>,
    pub(super) state: DeviceState,
    /// Whether the device has been through an MFA (SEMANTICS c.2).
    pub(super) mfa_bound: bool,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    pub(super) authenticated: Timestamp,
}

/// How far a device has come.
#[derive(Debug)]
pub(super) enum DeviceState {
    /// Its key came with the tokens of the sign-in with this id, and nothing was heard of it since.
    Issued { token_id: String },
    /// It has given the pool its verifier.
    Confirmed { salt: Salt, verifier: Verifier, status: DeviceStatus },
}

impl Device {
    /// Its status, if it was confirmed.
    pub(super) const fn status(&self) -> Option<DeviceStatus> {
        match self.state {
            DeviceState::Issued { .. } => None,
            DeviceState::Confirmed { status, .. } => Some(status),
        }
    }
}

impl Account {
    /// The second factors that are enabled.
    pub(super) const fn factors(&self) -> Factors {
        match (self.phone.is_some(), self.totp.is_some()) {
            (false, false) => Factors::None,
            (true, false) => Factors::Sms,
            (false, true) => Factors::Totp,
            (true, true) => Factors::SmsAndTotp,
        }
    }

    /// The device with this key, if it was confirmed.
    pub(super) fn confirmed(&self, key: &DeviceKey) -> Option<&Device> {
        self.devices.get(key).filter(|device| device.status().is_some())
    }
}

/// A user to add to a pool.
#[derive(Debug)]
pub struct NewAccount {
    /// The name to sign in with.
    pub username: Username,
    /// The id that SRP hashes as `USER_ID_FOR_SRP`.
    pub sub: Sub,
    /// The salt of the password's verifier.
    pub salt: Salt,
    /// The password's verifier, made with `sub`.
    pub verifier: Verifier,
    /// The phone that codes are sent to, if SMS is enabled.
    pub phone: Option<String>,
    /// The secret of the authenticator app, if one is enabled.
    pub totp: Option<TotpSecret>,
    /// Devices that were confirmed before.
    pub devices: Vec<NewDevice>,
}

/// Another account has this name or sub.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("another account has this name")]
pub struct NameTaken;

/// A device that a new user brings along, confirmed long ago.
#[derive(Debug)]
pub struct NewDevice {
    /// Its key.
    pub device_key: DeviceKey,
    /// Its group's key.
    pub device_group_key: DeviceGroupKey,
    /// The salt of its verifier.
    pub salt: Salt,
    /// Its verifier.
    pub verifier: Verifier,
    /// Whether it is remembered.
    pub status: DeviceStatus,
    /// Whether it has been through an MFA.
    pub mfa_bound: bool,
}

/// All users of a pool.
#[derive(Debug, Default)]
pub(super) struct Directory {
    accounts: Vec<Account>,
    by_name: HashMap<String, AccountId>,
}

impl Directory {
    pub(super) fn add(&mut self, new: NewAccount) -> Result<(), NameTaken> {
        if self.by_name.contains_key(new.username.as_str()) || self.by_name.contains_key(new.sub.as_str()) {
            return Err(NameTaken);
        }
        let id = AccountId(self.accounts.len());
        self.by_name.insert(new.username.as_str().to_owned(), id);
        self.by_name.insert(new.sub.as_str().to_owned(), id);
        let devices = new.devices.into_iter().map(|device| (device.device_key.clone(), known(device)));
        self.accounts.push(Account {
            username: new.username,
            sub: new.sub,
            salt: new.salt,
            verifier: new.verifier,
            phone: new.phone,
            totp: new.totp,
            totp_step_used: None,
            failures: Failures::default(),
            devices: devices.collect(),
        });
        Ok(())
    }

    /// The account with this name or sub.
    pub(super) fn find(&self, name: &str) -> Option<AccountId> {
        self.by_name.get(name).copied()
    }

    pub(super) fn account(&self, id: AccountId) -> &Account {
        &self.accounts[id.0]
    }

    pub(super) fn account_mut(&mut self, id: AccountId) -> &mut Account {
        &mut self.accounts[id.0]
    }
}

fn known(device: NewDevice) -> Device {
    let long_ago = Timestamp::default();
    Device {
        group_key: device.device_group_key,
        name: None,
        state: DeviceState::Confirmed { salt: device.salt, verifier: device.verifier, status: device.status },
        mfa_bound: device.mfa_bound,
        created: long_ago,
        modified: long_ago,
        authenticated: long_ago,
    }
}
