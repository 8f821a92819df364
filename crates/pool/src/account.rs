//! Users and their devices.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::lockout::Failures;
use super::sign_in_history::SignInHistory;
use poolproof_cognito::ids::{DeviceGroupKey, DeviceKey, Sub, Username};
use poolproof_cognito::protocol::{ChallengeName, DeviceStatus};
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::TotpSecret;
use poolproof_srp::{Salt, Verifier};

/// Identifies an account in the pool: accounts are numbered in the order in which they were added.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct AccountId(pub(super) u64);

/// A user in the pool.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) username: Username,
    pub(super) sub: Sub,
    pub(super) salt: Salt,
    pub(super) verifier: Verifier,
    pub(super) user_status: UserStatus,
    pub(super) disabled: bool,
    pub(super) phone: Option<String>,
    pub(super) sms_mfa: bool,
    pub(super) email: Option<String>,
    pub(super) email_mfa: bool,
    pub(super) totp: Option<TotpSecret>,
    /// The factor that the pool asks for when there are several.
    pub(super) preferred: Option<ChallengeName>,
    /// The last time step whose code was used; the code cannot be used again.
    pub(super) totp_step_used: Option<u64>,
    pub(super) failures: Failures,
    pub(super) sign_in_history: SignInHistory,
    /// Whether the password is compromised.
    pub(super) compromised: bool,
    /// Number of global sign-outs; tokens of earlier generations are invalid.
    pub(super) generation: u64,
    /// Sign-ins whose refresh token was revoked, each with the token's original expiry.
    pub(super) revoked: BTreeMap<String, Timestamp>,
    pub(super) devices: BTreeMap<DeviceKey, Device>,
    /// Attributes other than `sub`, by name.
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    /// The code that confirms a sign-up.
    pub(super) confirmation: Option<Confirmation>,
    /// An authenticator app that was associated with an access token and is not verified yet.
    pub(super) app_to_verify: Option<TotpSecret>,
    /// An authenticator app that is verified but is not a second factor (or no longer one).
    pub(super) app_to_enable: Option<TotpSecret>,
}

/// The code that confirms a sign-up.
#[derive(Debug)]
pub(super) struct Confirmation {
    pub(super) code: String,
    pub(super) expires: Timestamp,
    pub(super) failures: Failures,
}

/// A device in the pool.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) group_key: DeviceGroupKey,
    pub(super) name: Option<String>,
    /// The address that last used the device.
    pub(super) address: Option<IpAddr>,
    pub(super) state: DeviceState,
    /// Whether the device has completed an MFA (docs/semantics.md, states of a device).
    pub(super) mfa_bound: bool,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    pub(super) authenticated: Timestamp,
}

/// The state of a device.
#[derive(Debug)]
pub(super) enum DeviceState {
    /// Its key was issued with the tokens of this sign-in; the device is not confirmed yet.
    Issued { origin_id: String },
    /// The client has confirmed the device with a verifier.
    Confirmed { salt: Salt, verifier: Verifier, status: DeviceStatus },
}

impl Device {
    /// Returns the device's status, if it is confirmed.
    pub(super) const fn status(&self) -> Option<DeviceStatus> {
        match self.state {
            DeviceState::Issued { .. } => None,
            DeviceState::Confirmed { status, .. } => Some(status),
        }
    }
}

impl Account {
    /// Returns the enabled second factors, as the challenges that ask for them.
    pub(super) fn factors(&self) -> Vec<ChallengeName> {
        let enabled = [
            (self.sms_mfa && self.phone.is_some(), ChallengeName::SmsMfa),
            (self.totp.is_some(), ChallengeName::SoftwareTokenMfa),
            (self.email_mfa && self.email.is_some(), ChallengeName::EmailOtp),
        ];
        enabled.into_iter().filter_map(|(enabled, challenge)| enabled.then_some(challenge)).collect()
    }

    /// Returns the device with this key, if it is confirmed.
    pub(super) fn confirmed(&self, key: &DeviceKey) -> Option<&Device> {
        self.devices.get(key).filter(|device| device.status().is_some())
    }
}

/// The status of a user.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// The user can sign in.
    Confirmed,
    /// The user has signed up and is not confirmed yet.
    Unconfirmed,
    /// An administrator created the user with a temporary password.
    ForceChangePassword,
    /// The user must reset the password.
    ResetRequired,
}

/// A user to add to a pool.
#[derive(Debug)]
pub struct NewAccount {
    /// The name that the user signs in with.
    pub username: Username,
    /// The id that SRP hashes as `USER_ID_FOR_SRP`.
    pub sub: Sub,
    /// The salt of the password's verifier.
    pub salt: Salt,
    /// The password's verifier, computed with `sub`.
    pub verifier: Verifier,
    /// The user's status.
    pub user_status: UserStatus,
    /// Whether an administrator has disabled the user.
    pub disabled: bool,
    /// The phone number that receives codes.
    pub phone: Option<String>,
    /// Whether SMS codes are a second factor. A phone number alone is enough if the pool requires MFA and the
    /// user has no factor.
    pub sms_mfa: bool,
    /// The e-mail address: an alias of the name, and the destination of codes.
    pub email: Option<String>,
    /// Whether e-mail codes are a second factor.
    pub email_mfa: bool,
    /// The factor to ask for when there are several; without one the user chooses.
    pub preferred: Option<ChallengeName>,
    /// The secret of the authenticator app, if one is enabled.
    pub totp: Option<TotpSecret>,
    /// Devices that are already confirmed.
    pub devices: Vec<NewDevice>,
    /// Attributes besides `sub`, `email` and `phone_number`, by name.
    pub attributes: BTreeMap<String, String>,
    /// When the account was created.
    pub created: Timestamp,
    /// Addresses of the user's earlier sign-ins.
    pub addresses: Vec<IpAddr>,
    /// Whether the password is compromised (docs/semantics.md, threat protection).
    pub compromised: bool,
}

impl NewAccount {
    /// Returns a confirmed user with a password and no other settings.
    pub const fn new(username: Username, sub: Sub, salt: Salt, verifier: Verifier) -> Self {
        Self {
            username,
            sub,
            salt,
            verifier,
            user_status: UserStatus::Confirmed,
            disabled: false,
            phone: None,
            sms_mfa: false,
            email: None,
            email_mfa: false,
            preferred: None,
            totp: None,
            devices: Vec::new(),
            attributes: BTreeMap::new(),
            created: Timestamp::from_us(0),
            addresses: Vec::new(),
            compromised: false,
        }
    }
}

/// Another account has this name, sub or e-mail address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("another account has this name")]
pub struct NameTaken;

/// A confirmed device of a new user.
#[derive(Debug)]
pub struct NewDevice {
    /// The device key.
    pub device_key: DeviceKey,
    /// The device group key.
    pub device_group_key: DeviceGroupKey,
    /// The salt of the verifier.
    pub salt: Salt,
    /// The device's verifier.
    pub verifier: Verifier,
    /// Whether the device is remembered.
    pub status: DeviceStatus,
    /// Whether the device has completed an MFA.
    pub mfa_bound: bool,
}

/// All users of a pool.
#[derive(Debug, Default)]
pub(super) struct Directory {
    accounts: BTreeMap<AccountId, Account>,
    by_name: HashMap<String, AccountId>,
    /// The number of the next account. Numbers are never reused, since a sign-in in progress may still refer
    /// to a removed account.
    next: u64,
    /// Takes the place of every removed account: a disabled user without data.
    removed_account: Option<Box<Account>>,
    /// The first generation of a new account's tokens. It makes the tokens of a removed account with the same
    /// name invalid.
    pub(super) first_generation: u64,
    /// Accounts changed since the last query, if changes are recorded.
    change_log: Option<ChangeLog>,
}

#[derive(Debug, Default)]
struct ChangeLog {
    changed: BTreeSet<AccountId>,
    removed: Vec<Sub>,
}

impl Directory {
    pub(super) fn add(&mut self, new: NewAccount) -> Result<(), NameTaken> {
        let devices =
            new.devices.into_iter().map(|device| (device.device_key.clone(), confirmed_device(device)));
        let account = Account {
            username: new.username,
            sub: new.sub,
            salt: new.salt,
            verifier: new.verifier,
            user_status: new.user_status,
            disabled: new.disabled,
            phone: new.phone,
            sms_mfa: new.sms_mfa,
            email: new.email,
            email_mfa: new.email_mfa,
            totp: new.totp,
            preferred: new.preferred,
            totp_step_used: None,
            failures: Failures::default(),
            sign_in_history: SignInHistory::new(&new.addresses),
            compromised: new.compromised,
            generation: self.first_generation,
            revoked: BTreeMap::new(),
            devices: devices.collect(),
            attributes: new.attributes,
            created: new.created,
            modified: new.created,
            confirmation: None,
            app_to_verify: None,
            app_to_enable: None,
        };
        let id = AccountId(self.next);
        self.put(id, account)?;
        self.mark_changed(id);
        Ok(())
    }

    /// Stores an account under its number. Accounts that are added later get higher numbers.
    pub(super) fn put(&mut self, id: AccountId, account: Account) -> Result<(), NameTaken> {
        let names = [Some(account.username.as_str()), Some(account.sub.as_str()), account.email.as_deref()];
        let names: Vec<String> = names.into_iter().flatten().map(str::to_owned).collect();
        if names.iter().any(|name| self.by_name.contains_key(name)) || self.accounts.contains_key(&id) {
            return Err(NameTaken);
        }
        self.by_name.extend(names.into_iter().map(|name| (name, id)));
        self.accounts.insert(id, account);
        self.next = self.next.max(id.0.saturating_add(1));
        Ok(())
    }

    fn mark_changed(&mut self, id: AccountId) {
        if let Some(change_log) = &mut self.change_log {
            change_log.changed.insert(id);
        }
    }

    /// Starts to record changes.
    pub(super) fn start_change_log(&mut self) {
        self.change_log = Some(ChangeLog::default());
    }

    /// Returns the accounts changed since the last call and the accounts removed since then.
    pub(super) fn take_change_log(&mut self) -> (Vec<AccountId>, Vec<Sub>) {
        let Some(change_log) = &mut self.change_log else { return Default::default() };
        let ChangeLog { changed, removed } = std::mem::take(change_log);
        (changed.into_iter().filter(|id| self.has_account(*id)).collect(), removed)
    }

    /// Removes an account. Later lookups of its number find a disabled user without data.
    pub(super) fn remove(&mut self, id: AccountId) {
        let Some(account) = self.accounts.remove(&id) else { return };
        let names = [Some(account.username.as_str()), Some(account.sub.as_str()), account.email.as_deref()];
        for name in names.into_iter().flatten() {
            self.by_name.remove(name);
        }
        self.first_generation = self.first_generation.max(account.generation.saturating_add(1));
        if let Some(change_log) = &mut self.change_log {
            change_log.removed.push(account.sub.clone());
        }
        self.removed_account = Some(Box::new(cleared(account)));
    }

    /// Returns whether the account exists and was not removed.
    pub(super) fn has_account(&self, id: AccountId) -> bool {
        self.accounts.contains_key(&id)
    }

    /// Returns the number of accounts.
    pub(super) fn count(&self) -> usize {
        self.accounts.len()
    }

    /// Returns the accounts from this number on, in the order in which they were added.
    pub(super) fn from(&self, first: u64) -> impl Iterator<Item = (u64, &Account)> {
        self.accounts.range(AccountId(first)..).map(|(id, account)| (id.0, account))
    }

    /// Returns the account with this name, sub or e-mail address.
    pub(super) fn find(&self, name: &str) -> Option<AccountId> {
        self.by_name.get(name).copied()
    }

    /// Changes the account with this name, sub or e-mail address; returns whether it exists.
    pub(super) fn change(&mut self, name: &Username, change: impl FnOnce(&mut Account)) -> bool {
        let account = self.find(name.as_str()).map(|id| self.account_mut(id));
        account.map(change).is_some()
    }

    pub(super) fn account(&self, id: AccountId) -> &Account {
        let account = self.accounts.get(&id).or(self.removed_account.as_deref());
        account.unwrap_or_else(|| unreachable!("an account index is returned only for an existing account"))
    }

    /// Returns an account in order to change it.
    pub(super) fn account_mut(&mut self, id: AccountId) -> &mut Account {
        self.mark_changed(id);
        self.found(id)
    }

    /// Returns an account's failures for an attempt that is about to be made. The attempt alone is not
    /// recorded as a change; its result is.
    pub(super) fn failures_mut(&mut self, id: AccountId) -> &mut Failures {
        &mut self.found(id).failures
    }

    fn found(&mut self, id: AccountId) -> &mut Account {
        if !self.accounts.contains_key(&id) {
            // Changes to a removed user must not affect the next one.
            self.removed_account =
                self.removed_account.take().map(|removed_account| Box::new(cleared(*removed_account)));
        }
        let account = self.accounts.get_mut(&id).or(self.removed_account.as_deref_mut());
        account.unwrap_or_else(|| unreachable!("an account index is returned only for an existing account"))
    }
}

/// Returns what remains of an account after its removal.
fn cleared(account: Account) -> Account {
    Account {
        user_status: UserStatus::Confirmed,
        disabled: true,
        phone: None,
        sms_mfa: false,
        email: None,
        email_mfa: false,
        totp: None,
        preferred: None,
        totp_step_used: None,
        failures: Failures::default(),
        sign_in_history: SignInHistory::default(),
        compromised: false,
        revoked: BTreeMap::new(),
        devices: BTreeMap::new(),
        attributes: BTreeMap::new(),
        confirmation: None,
        app_to_verify: None,
        app_to_enable: None,
        ..account
    }
}

fn confirmed_device(device: NewDevice) -> Device {
    let long_ago = Timestamp::default();
    Device {
        group_key: device.device_group_key,
        name: None,
        address: None,
        state: DeviceState::Confirmed { salt: device.salt, verifier: device.verifier, status: device.status },
        mfa_bound: device.mfa_bound,
        created: long_ago,
        modified: long_ago,
        authenticated: long_ago,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolproof_cognito::seed::Seed;
    use poolproof_srp::Group;

    #[test]
    fn removed_accounts_leave_nothing_behind_and_their_numbers_are_nobodys() {
        let mut rng = Seed::new(1).rng("pool", 0);
        let mut directory = Directory::default();
        let mut numbers = BTreeSet::new();
        for _ in 0..100 {
            let salt = Salt::from_bytes(vec![1; 16]).unwrap();
            let verifier = Verifier::draw(Group::toy(), &mut rng);
            let ann = NewAccount {
                phone: Some("+15550001".to_owned()),
                ..NewAccount::new(Username::new("ann"), Sub::new("s"), salt, verifier)
            };
            directory.add(ann).unwrap();
            let id = directory.find("ann").unwrap();
            assert!(numbers.insert(id), "a number is given once");
            directory.remove(id);
            directory.account_mut(id).phone = Some("+15550002".to_owned());
            let removed_account = directory.failures_mut(id);
            assert_eq!(removed_account.count(), 0);
            let removed_account = directory.account(id);
            assert!(
                removed_account.disabled && removed_account.phone.is_none() && !directory.has_account(id)
            );
        }
        assert_eq!((directory.accounts.len(), directory.by_name.len(), directory.count()), (0, 0, 0));
    }
}
