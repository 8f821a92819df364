//! Messages that pools sent by SMS and e-mail. They do not leave this machine.

use std::collections::VecDeque;

use serde_json::{Value, json};

use poolproof_cognito::ids::PoolId;
use poolproof_cognito::time::Timestamp;
use poolproof_pool::Delivery;

/// Most messages; older ones are dropped.
const MAX_MESSAGES: usize = 1000;

/// A message, its pool and when it was sent.
type Message = (Timestamp, PoolId, Delivery);

/// The latest messages, the oldest first.
#[derive(Default)]
pub(super) struct Outbox(VecDeque<Message>);

impl Outbox {
    pub(super) fn put(&mut self, now: Timestamp, pool_id: PoolId, delivery: Delivery) {
        if self.0.len() >= MAX_MESSAGES {
            self.0.pop_front();
        }
        self.0.push_back((now, pool_id, delivery));
    }

    /// Returns the messages, the oldest first; with a user name only that user's.
    pub(super) fn messages(&self, username: Option<&str>) -> Vec<Message> {
        let is_selected =
            |delivery: &Delivery| username.is_none_or(|name| delivery.username.as_str() == name);
        self.0.iter().filter(|(_, _, delivery)| is_selected(delivery)).cloned().collect()
    }
}

/// Returns messages as JSON.
pub(super) fn to_json(messages: &[Message]) -> Value {
    let messages = messages.iter().map(|(at, pool_id, delivery)| {
        json!({
            "at": at.to_string(),
            "user_pool_id": pool_id.as_str(),
            "username": delivery.username.as_str(),
            "medium": delivery.medium,
            "destination": delivery.destination,
            "code": delivery.code,
        })
    });
    json!({ "messages": messages.collect::<Vec<_>>() })
}
