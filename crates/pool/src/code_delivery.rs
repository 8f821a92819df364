//! Users' addresses, and the codes that are sent to them.

use rand::RngExt as _;

use super::Pool;
use super::account::{Account, AccountId};
use super::codes::DeliveredCode;
use super::factor::{masked_email, masked_phone};
use super::session_store::Delivery;
use poolproof_cognito::policy::AddressKind;
use poolproof_cognito::protocol::CodeDelivery;

/// Returns `CodeDeliveryDetails` for this address.
pub(super) fn delivery_details(kind: AddressKind, address: &str) -> CodeDelivery {
    let destination = match kind {
        AddressKind::Email => masked_email(address),
        AddressKind::Phone => masked_phone(address),
    };
    CodeDelivery { destination, medium: kind.medium(), attribute: kind.attribute() }
}

impl Account {
    /// Returns whether this is the delivered code. It counts only while the user has the address that
    /// received it: a code proves no other address.
    pub(super) fn is_answered(&self, delivered: &DeliveredCode, entered: &str) -> bool {
        delivered.code == entered && self.address(delivered.kind) == Some(&delivered.address)
    }

    /// Returns the address of this kind.
    pub(super) const fn address(&self, kind: AddressKind) -> Option<&String> {
        match kind {
            AddressKind::Email => self.email.as_ref(),
            AddressKind::Phone => self.phone.as_ref(),
        }
    }

    /// Returns whether the address of this kind is verified.
    pub(super) fn is_verified(&self, kind: AddressKind) -> bool {
        self.attributes.get(kind.verified_attribute()).is_some_and(|value| **value == *"true")
    }

    /// Sets or removes the address of this kind, and whether it is verified. The codes that were sent to an
    /// earlier address end with it: it may be another person's now.
    pub(super) fn set_address(&mut self, kind: AddressKind, address: Option<String>, verified: bool) {
        if self.address(kind) != address.as_ref() {
            *self.codes.address(kind) = None;
            self.codes.reset = None;
        }
        let flag = kind.verified_attribute().to_owned();
        match &address {
            Some(_) => drop(self.attributes.insert(flag, verified.to_string().into())),
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
