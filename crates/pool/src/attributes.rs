//! Changes of attributes, and the verification of addresses (docs/semantics.md, around sign-in).

use std::collections::BTreeMap;

use super::Pool;
use super::account::{Account, AccountId};
use super::codes::{self, CODE_VALIDITY, MAX_CODE_REQUESTS, MAX_VERIFICATIONS, SentCode};
use super::profile::{Attributes, alias_exists};
use super::recovery::code_sent;
use poolproof_cognito::policy::AddressKind;
use poolproof_cognito::protocol::{
    AccountResponse, AdminDeleteUserAttributes, AdminUpdateUserAttributes, ApiError, CodeDelivery,
    DeleteUserAttributes, GetUserAttributeVerificationCode, Reply, Response, UpdateUserAttributes,
    VerifyUserAttribute,
};
use poolproof_cognito::schema::cannot_be_updated;
use poolproof_cognito::time::Timestamp;

/// Most attributes of a user besides the addresses. Cognito allows 50 custom ones beside the standard ones.
const MAX_ATTRIBUTES: usize = 100;

/// A new address of a user.
struct NewAddress {
    kind: AddressKind,
    address: String,
    /// Whether an administrator says that it is verified.
    verified: bool,
    /// Whether the address counts only once the user has verified it.
    later: bool,
}

impl Pool {
    /// `UpdateUserAttributes`.
    pub(super) fn update_own_attributes(&mut self, now: Timestamp, request: UpdateUserAttributes) -> Reply {
        let (id, _) = self.bearer(&request.access_token, now)?;
        let sent = self.update_attributes(now, id, request.attributes, true)?;
        Ok(Response::Account(AccountResponse::CodesSent(sent)))
    }

    /// `AdminUpdateUserAttributes`.
    pub(super) fn admin_update_attributes(
        &mut self,
        now: Timestamp,
        request: AdminUpdateUserAttributes,
    ) -> Reply {
        let id = self.find_administered_user(&request.user_pool_id, &request.username)?;
        self.update_attributes(now, id, request.attributes, false)?;
        Ok(Response::Empty)
    }

    /// Changes attributes. A new address is not verified, unless an administrator says so, and the user gets
    /// a code that verifies it, if the pool verifies such addresses.
    pub(super) fn update_attributes(
        &mut self,
        now: Timestamp,
        id: AccountId,
        given: Vec<(String, String)>,
        by_user: bool,
    ) -> Result<Vec<CodeDelivery>, ApiError> {
        self.check_schema(&given, true)?;
        let (deleted, given): (Vec<_>, Vec<_>) = given.into_iter().partition(|(_, value)| value.is_empty());
        let deleted: Vec<String> = deleted.into_iter().map(|(name, _)| name).collect();
        self.check_deletable(&deleted)?;
        let changed = Attributes::read(given, by_user)?;
        self.check_preferred_username(&changed)?;
        let new_addresses = self.new_addresses(id, &changed);
        let account = self.directory.account(id);
        changed.check_verified(|kind| {
            account.address(kind).is_some() && !deleted.iter().any(|name| name == kind.attribute())
        })?;
        let added = changed.rest().keys().filter(|name| !account.attributes.contains_key(*name)).count();
        if account.attributes.len() + added > MAX_ATTRIBUTES {
            return Err(ApiError::invalid_parameter(
                "user.attributes: Attributes did not conform to the schema.",
            ));
        }
        let change = |account: &mut Account| {
            deleted.iter().for_each(|name| account.remove_attribute(name));
            account.set_attributes(changed.rest().clone());
            for new in new_addresses.iter().filter(|new| !new.later) {
                account.set_address(new.kind, Some(new.address.clone()), new.verified);
            }
        };
        self.directory.change_attributes(id, change).map_err(|_| alias_exists())?;
        let account = self.directory.account_mut(id);
        account.modified = now;
        let settings = self.account_settings;
        let sent = new_addresses.into_iter().filter(|new| !new.verified && settings.auto_verifies(new.kind));
        Ok(sent.map(|new| self.send_address_code(now, id, new.kind, Some(new.address))).collect())
    }

    /// Returns the addresses that differ from the user's.
    fn new_addresses(&self, id: AccountId, changed: &Attributes) -> Vec<NewAddress> {
        let account = self.directory.account(id);
        let new_address = |kind: AddressKind| {
            let address = changed.address(kind).filter(|address| account.address(kind) != Some(*address))?;
            let verified = changed.rest().get(kind.verified_attribute()).is_some_and(|value| value == "true");
            let later = !verified && self.account_settings.verifies_first(kind);
            Some(NewAddress { kind, address: address.clone(), verified, later })
        };
        AddressKind::ALL.into_iter().filter_map(new_address).collect()
    }

    /// Sends a code that verifies `address`. If it is not the user's current address, it replaces that one
    /// once it is verified.
    fn send_address_code(
        &mut self,
        now: Timestamp,
        id: AccountId,
        kind: AddressKind,
        address: Option<String>,
    ) -> CodeDelivery {
        let code = self.new_code();
        let account = self.directory.account_mut(id);
        let current = account.address(kind).cloned();
        let new_address = address.clone().filter(|_| address != current);
        let destination = address.or(current).unwrap_or_default();
        let expires = now.plus(CODE_VALIDITY);
        *account.codes.address(kind) = Some(SentCode { code: code.clone(), expires, new_address });
        self.send_to(id, kind, &destination, code)
    }

    /// `DeleteUserAttributes`.
    pub(super) fn delete_own_attributes(&mut self, now: Timestamp, request: &DeleteUserAttributes) -> Reply {
        let (id, _) = self.bearer(&request.access_token, now)?;
        self.delete_attributes(now, id, &request.names)
    }

    /// `AdminDeleteUserAttributes`.
    pub(super) fn admin_delete_attributes(
        &mut self,
        now: Timestamp,
        request: &AdminDeleteUserAttributes,
    ) -> Reply {
        let id = self.find_administered_user(&request.user_pool_id, &request.username)?;
        self.delete_attributes(now, id, &request.names)
    }

    fn delete_attributes(&mut self, now: Timestamp, id: AccountId, names: &[String]) -> Reply {
        let deleted: Vec<_> = names.iter().map(|name| (name.clone(), String::new())).collect();
        self.check_schema(&deleted, true)?;
        self.check_deletable(names)?;
        let delete = |account: &mut Account| names.iter().for_each(|name| account.remove_attribute(name));
        self.directory.change_attributes(id, delete).map_err(|_| alias_exists())?;
        self.directory.account_mut(id).modified = now;
        Ok(Response::Empty)
    }

    /// Refuses attributes that the pool does not have, values that do not conform, and changes of attributes
    /// that cannot change.
    pub(super) fn check_schema(&self, given: &[(String, String)], changes: bool) -> Result<(), ApiError> {
        let Some(schema) = &self.schema else { return Ok(()) };
        let given = given.iter().filter(|(name, _)| name != "sub");
        schema.check_values(given.clone().map(|(name, value)| (name.as_str(), value.as_str())))?;
        if changes { schema.check_changes(given.map(|(name, _)| name.as_str())) } else { Ok(()) }
    }

    /// Returns the required attributes that a user does not have.
    pub(super) fn missing_attributes(&self, id: AccountId) -> Vec<String> {
        let Some(schema) = &self.schema else { return Vec::new() };
        let account = self.directory.account(id);
        schema.missing(|name| account.has_attribute(name)).into_iter().map(str::to_owned).collect()
    }

    /// Refuses to delete attributes that the pool alone sets or requires.
    fn check_deletable(&self, names: &[String]) -> Result<(), ApiError> {
        if let Some(name) = names.iter().find(|name| *name == "sub" || name.ends_with("_verified")) {
            return Err(cannot_be_updated(name));
        }
        let deleted = |name: &str| names.iter().any(|one| one == name);
        self.schema.as_ref().map_or(Ok(()), |schema| schema.check_required(|name| !deleted(name)))
    }

    /// `GetUserAttributeVerificationCode`.
    pub(super) fn send_verification_code(
        &mut self,
        now: Timestamp,
        request: &GetUserAttributeVerificationCode,
    ) -> Reply {
        let (id, _) = self.bearer(&request.access_token, now)?;
        let kind = address_kind(&request.attribute_name)?;
        let account = self.directory.account_mut(id);
        let new_address = account.codes.address(kind).as_ref().and_then(|sent| sent.new_address.clone());
        if new_address.is_none() && account.address(kind).is_none() {
            let message = format!("User does not have the attribute {}.", kind.attribute());
            return Err(ApiError::invalid_parameter(message));
        }
        account.codes.requests.admit(now, MAX_CODE_REQUESTS)?;
        Ok(code_sent(self.send_address_code(now, id, kind, new_address)))
    }

    /// `VerifyUserAttribute`.
    pub(super) fn verify_attribute(&mut self, now: Timestamp, request: &VerifyUserAttribute) -> Reply {
        let (id, _) = self.bearer(&request.access_token, now)?;
        let kind = address_kind(&request.attribute_name)?;
        let account = self.directory.account_mut(id);
        account.codes.verifications.admit(now, MAX_VERIFICATIONS)?;
        SentCode::check(account.codes.address(kind).as_ref(), now, &request.code)?;
        let new_address = account.codes.address(kind).as_ref().and_then(|sent| sent.new_address.clone());
        let address = new_address.or_else(|| account.address(kind).cloned());
        if address.is_none() {
            return Err(codes::code_expired());
        }
        let verify = |account: &mut Account| account.set_address(kind, address, true);
        self.directory.change_attributes(id, verify).map_err(|_| alias_exists())?;
        let account = self.directory.account_mut(id);
        *account.codes.address(kind) = None;
        account.modified = now;
        let username = account.username.clone();
        self.session_store.discard_code(&username);
        Ok(Response::Empty)
    }
}

impl Account {
    /// Returns whether the user has this attribute.
    fn has_attribute(&self, name: &str) -> bool {
        match address_kind(name) {
            Ok(kind) => self.address(kind).is_some(),
            Err(_) => self.attributes.contains_key(name),
        }
    }

    /// Sets attributes that are no addresses.
    pub(super) fn set_attributes(&mut self, attributes: BTreeMap<String, String>) {
        self.attributes.extend(attributes.into_iter().map(|(name, value)| (name, value.into())));
    }

    /// Removes an attribute. With an address go its verification and a new one that is not verified yet.
    fn remove_attribute(&mut self, name: &str) {
        match address_kind(name) {
            Ok(kind) => {
                self.set_address(kind, None, false);
                *self.codes.address(kind) = None;
            }
            Err(_) => drop(self.attributes.remove(name)),
        }
    }
}

fn address_kind(attribute: &str) -> Result<AddressKind, ApiError> {
    let kind = AddressKind::ALL.into_iter().find(|kind| kind.attribute() == attribute);
    kind.ok_or_else(|| ApiError::invalid_parameter("Invalid attribute name: email or phone_number expected."))
}
