//! Codes that the pool has sent, until they are fetched.

use super::{Delivery, SessionStore};
use poolproof_cognito::ids::Username;

/// Most messages that wait to be fetched; the oldest are dropped first.
const MAX_DELIVERIES: usize = 256;

impl SessionStore {
    /// Sends a code by SMS or e-mail.
    pub(crate) fn deliver(&mut self, delivery: Delivery) {
        self.unused_codes.insert(delivery.username.clone(), delivery.code.clone());
        if self.deliveries.len() >= MAX_DELIVERIES {
            self.deliveries.pop_front();
        }
        self.deliveries.push_back(delivery);
    }

    /// Returns the messages sent since the last call.
    pub(crate) fn take_deliveries(&mut self) -> Vec<Delivery> {
        self.deliveries.drain(..).collect()
    }

    /// Returns the last code sent to this user.
    pub(crate) fn delivered_code(&self, username: &Username) -> Option<String> {
        self.unused_codes.get(username).cloned()
    }

    /// Removes a sent code after its use.
    pub(crate) fn discard_code(&mut self, username: &Username) {
        self.unused_codes.remove(username);
    }
}
