//! All users of a pool, and the names that find them (docs/semantics.md, user names).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::account::{Account, AccountId, Device, DeviceState, NameTaken, NewAccount, NewDevice, UserStatus};
use super::codes::UserCodes;
use super::event_record::AuthEvents;
use super::lockout::Failures;
use super::memory::HeapBytes;
use super::sign_in_history::SignInHistory;
use poolproof_cognito::ids::{Sub, Username};
use poolproof_cognito::policy::UsernameSettings;
use poolproof_cognito::time::Timestamp;

/// All users of a pool.
#[derive(Debug, Default)]
pub(super) struct Directory {
    settings: UsernameSettings,
    accounts: BTreeMap<AccountId, Account>,
    by_username: HashMap<String, AccountId>,
    by_sub: HashMap<Sub, AccountId>,
    by_alias: HashMap<String, AccountId>,
    /// The number of the next account. Numbers are never reused, since a sign-in in progress may still refer
    /// to a removed account.
    next: u64,
    /// Takes the place of every removed account: a disabled user without data.
    removed_account: Option<Box<Account>>,
    /// The first generation of a new account's tokens. It makes the tokens of a removed account with the same
    /// name invalid.
    pub(super) first_generation: u64,
    /// The estimated bytes of all accounts, except the changes of those that were changed since they were
    /// counted.
    bytes: usize,
    changed_since_count: Vec<AccountId>,
    /// Accounts changed since the last query, if changes are recorded.
    change_log: Option<ChangeLog>,
}

#[derive(Debug, Default)]
struct ChangeLog {
    changed: BTreeSet<AccountId>,
    removed: Vec<Sub>,
}

impl Directory {
    /// Sets how users are named. Only an empty directory can change it.
    pub(super) fn set_usernames(&mut self, settings: UsernameSettings) {
        self.settings = settings;
    }

    /// Returns how users are named.
    pub(super) const fn usernames(&self) -> UsernameSettings {
        self.settings
    }

    /// Returns the key of a user name or alias: in lower case if the pool ignores case.
    pub(super) fn fold(&self, name: &str) -> String {
        if self.settings.case_sensitive { name.to_owned() } else { name.to_lowercase() }
    }

    pub(super) fn add(&mut self, new: NewAccount) -> Result<AccountId, NameTaken> {
        let id = AccountId(self.next);
        self.put(id, new_account(new, self.first_generation))?;
        self.mark_changed(id);
        Ok(id)
    }

    /// Stores an account under its number. Accounts that are added later get higher numbers.
    pub(super) fn put(&mut self, id: AccountId, mut account: Account) -> Result<(), NameTaken> {
        let username = self.fold(account.username.as_str());
        let aliases = self.aliases(&account);
        let taken = self.is_taken(account.username.as_str())
            || self.by_sub.contains_key(&account.sub)
            || self.accounts.contains_key(&id)
            || aliases.iter().any(|alias| self.is_taken(alias));
        if taken {
            return Err(NameTaken);
        }
        self.by_username.insert(username, id);
        self.by_sub.insert(account.sub.clone(), id);
        self.by_alias.extend(aliases.iter().map(|alias| (alias.clone(), id)));
        account.aliases = aliases;
        account.counted_bytes = account.heap_bytes();
        self.bytes += account.counted_bytes;
        self.accounts.insert(id, account);
        self.next = self.next.max(id.0.saturating_add(1));
        Ok(())
    }

    /// Returns the aliases of an account: an address is one only once it is verified, unless users are named
    /// by addresses.
    fn aliases(&self, account: &Account) -> Vec<String> {
        let UsernameSettings { email_as_username, phone_as_username, .. } = self.settings;
        let UsernameSettings { email_alias, phone_alias, preferred_username_alias, .. } = self.settings;
        let verified = |name: &str| account.attributes.get(name).is_some_and(|value| **value == *"true");
        let email = email_as_username || email_alias && verified("email_verified");
        let phone = phone_as_username || phone_alias && verified("phone_number_verified");
        let preferred = account.attributes.get("preferred_username").filter(|_| preferred_username_alias);
        let preferred = preferred.map(|name| &**name);
        let aliases = [
            account.email.as_deref().filter(|_| email),
            account.phone.as_deref().filter(|_| phone),
            preferred,
        ];
        aliases.into_iter().flatten().map(|alias| self.fold(alias)).collect()
    }

    /// Returns whether a user name, an alias or a sub is in use. No user may be named by another user's sub.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Changes the attributes of an account, and then its aliases.
    ///
    /// # Errors
    ///
    /// Fails if another account has one of the new aliases. Then nothing changes.
    pub(super) fn change_attributes(
        &mut self,
        id: AccountId,
        change: impl FnOnce(&mut Account),
    ) -> Result<(), NameTaken> {
        let Some(account) = self.accounts.get_mut(&id) else { return Ok(()) };
        let before = (account.attributes.clone(), account.email.clone(), account.phone.clone());
        let codes = account.codes.clone();
        change(account);
        self.changed_since_count.push(id);
        let aliases = self.accounts.get(&id).map(|account| self.aliases(account)).unwrap_or_default();
        let foreign = |alias: &String| self.find(alias).is_some_and(|owner| owner != id);
        let taken = aliases.iter().any(foreign);
        let Some(account) = self.accounts.get_mut(&id) else { return Ok(()) };
        if taken {
            (account.attributes, account.email, account.phone) = before;
            account.codes = codes;
            return Err(NameTaken);
        }
        for alias in std::mem::replace(&mut account.aliases, aliases.clone()) {
            self.by_alias.remove(&alias);
        }
        self.by_alias.extend(aliases.into_iter().map(|alias| (alias, id)));
        self.mark_changed(id);
        Ok(())
    }

    /// Counts the accounts that were changed since the last call.
    pub(super) fn count_bytes(&mut self) {
        for id in self.changed_since_count.drain(..) {
            let Some(account) = self.accounts.get_mut(&id) else { continue };
            self.bytes -= account.counted_bytes;
            account.counted_bytes = account.heap_bytes();
            self.bytes += account.counted_bytes;
        }
    }

    /// Returns the estimated bytes of all accounts.
    pub(super) fn bytes(&mut self) -> usize {
        self.count_bytes();
        self.bytes
    }

    /// Returns the same, counted anew.
    pub(super) fn recounted_bytes(&self) -> usize {
        self.accounts.values().map(HeapBytes::heap_bytes).sum()
    }

    fn mark_changed(&mut self, id: AccountId) {
        if self.changed_since_count.last() != Some(&id) {
            self.changed_since_count.push(id);
        }
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
        self.bytes -= account.counted_bytes;
        self.by_username.remove(&self.fold(account.username.as_str()));
        self.by_sub.remove(&account.sub);
        for alias in &account.aliases {
            self.by_alias.remove(alias);
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

    /// Returns the users of a group, in the order in which they were added.
    pub(super) fn members(&self, group: &str) -> impl Iterator<Item = (AccountId, &Account)> {
        self.accounts
            .iter()
            .filter(move |(_, account)| account.groups.contains(group))
            .map(|(id, account)| (*id, account))
    }

    /// Returns the account with this user name or alias. A sign-in starts with one of these.
    pub(super) fn find_by_name(&self, name: &str) -> Option<AccountId> {
        let key = self.fold(name);
        self.by_username.get(&key).or_else(|| self.by_alias.get(&key)).copied()
    }

    /// Returns the account with this user name, alias or sub. Everything but the start of a sign-in accepts
    /// the sub as well.
    pub(super) fn find(&self, name: &str) -> Option<AccountId> {
        self.find_by_name(name).or_else(|| self.by_sub.get(&Sub::new(name)).copied())
    }

    /// Returns whether this name is an alias of the account, and neither its user name nor its sub.
    pub(super) fn is_alias(&self, id: AccountId, name: &str) -> bool {
        let account = self.account(id);
        account.sub.as_str() != name && self.fold(account.username.as_str()) != self.fold(name)
    }

    /// Changes the account with this user name, alias or sub; returns whether it exists.
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

fn new_account(new: NewAccount, generation: u64) -> Account {
    let devices = new.devices.into_iter().map(|device| (device.device_key.clone(), confirmed_device(device)));
    Account {
        counted_bytes: 0,
        username: new.username,
        sub: new.sub,
        aliases: Vec::new(),
        salt: new.salt,
        verifier: new.verifier,
        user_status: new.user_status,
        disabled: new.disabled,
        phone: new.phone,
        sms_mfa: new.sms_mfa,
        email: new.email,
        email_mfa: new.email_mfa,
        totp_mfa: new.totp.is_some(),
        totp: new.totp,
        totp_name: None,
        preferred: new.preferred,
        totp_step_used: None,
        failures: Failures::default(),
        sign_in_history: SignInHistory::new(&new.addresses),
        events: AuthEvents::new(),
        compromised: new.compromised,
        generation,
        credential_version: 0,
        access_revocations: 0,
        revoked: BTreeMap::new(),
        rotated: BTreeMap::new(),
        devices: devices.collect(),
        password_set: new.password_set,
        attributes: new.attributes.into_iter().map(|(name, value)| (name, value.into())).collect(),
        created: new.created,
        modified: new.created,
        confirmation: None,
        codes: UserCodes::default(),
        first_sign_in_pending: false,
        groups: BTreeSet::new(),
        app_to_verify: None,
    }
}

/// Returns what remains of an account after its removal.
fn cleared(account: Account) -> Account {
    Account {
        aliases: Vec::new(),
        user_status: UserStatus::Confirmed,
        disabled: true,
        phone: None,
        sms_mfa: false,
        email: None,
        email_mfa: false,
        totp: None,
        totp_mfa: false,
        totp_name: None,
        preferred: None,
        totp_step_used: None,
        failures: Failures::default(),
        sign_in_history: SignInHistory::default(),
        events: AuthEvents::new(),
        compromised: false,
        revoked: BTreeMap::new(),
        rotated: BTreeMap::new(),
        devices: BTreeMap::new(),
        attributes: BTreeMap::new(),
        confirmation: None,
        codes: UserCodes::default(),
        first_sign_in_pending: false,
        groups: BTreeSet::new(),
        app_to_verify: None,
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
    use poolproof_srp::{Group, Salt, Verifier};

    #[test]
    fn removed_accounts_leave_no_data_and_their_numbers_are_not_reused() {
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
        assert_eq!((directory.accounts.len(), directory.by_username.len(), directory.count()), (0, 0, 0));
    }
}
