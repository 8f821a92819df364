//! The estimated memory of challenges, sessions and codes.

use super::{
    Exchange, ExpectedAnswer, ExpiredSession, FailureKey, FirstAnswer, LookupKey, OpenSession, Owner,
    PasswordChallenge, Proof, SessionEntry, SessionStore, SignInState, UnknownUser, UnprovenSession,
};
use crate::codes::DeliveredCode;
use crate::memory::{ALLOCATION, HeapBytes, SRP_NUMBER, map_entry};
use crate::trigger::{ChallengeResult, CustomState};
use poolproof_cognito::time::Timestamp;

impl SessionStore {
    /// Returns the estimated bytes of all entries, except the codes of users.
    pub(crate) fn bytes(&self) -> usize {
        let maps = self.password_challenges.bytes() + self.sessions.bytes() + self.sessions_by_handle.bytes();
        maps + self.other_bytes()
    }

    /// Returns the estimated bytes of the last code of each user.
    pub(crate) const fn code_bytes(&self) -> usize {
        self.unused_codes.bytes()
    }

    /// Returns both sums, counted anew.
    pub(crate) fn recounted_bytes(&self) -> (usize, usize) {
        let maps = self.password_challenges.recounted_bytes()
            + self.sessions.recounted_bytes()
            + self.sessions_by_handle.recounted_bytes();
        (maps + self.other_bytes(), self.unused_codes.recounted_bytes())
    }

    /// Returns the bytes of the queues and of unknown names, whose entries have the same size, and those of
    /// the few messages.
    fn other_bytes(&self) -> usize {
        let deliveries = self.deliveries.iter().map(|delivery| {
            size_of_val(delivery)
                + delivery.username.heap_bytes()
                + delivery.destination.heap_bytes()
                + delivery.code.heap_bytes()
        });
        self.password_expiry.len() * map_entry::<Timestamp, LookupKey>()
            + self.session_expiry.len() * map_entry::<Timestamp, ExpiredSession>()
            + self.unknown_users.len() * map_entry::<FailureKey, UnknownUser>()
            + deliveries.sum::<usize>()
    }
}

impl HeapBytes for LookupKey {
    fn heap_bytes(&self) -> usize {
        0
    }
}

impl HeapBytes for Vec<LookupKey> {
    fn heap_bytes(&self) -> usize {
        if self.capacity() == 0 { 0 } else { self.capacity() * size_of::<LookupKey>() + ALLOCATION }
    }
}

impl HeapBytes for Owner {
    fn heap_bytes(&self) -> usize {
        match self {
            Self::Account(_) => 0,
            Self::UnknownUser(simulated_id) => simulated_id.heap_bytes(),
        }
    }
}

impl HeapBytes for Exchange {
    fn heap_bytes(&self) -> usize {
        // Two public values and a short secret one.
        2 * SRP_NUMBER + 32 + ALLOCATION
    }
}

impl HeapBytes for PasswordChallenge {
    fn heap_bytes(&self) -> usize {
        let proof = match &self.proof {
            Proof::Exchange(exchange) => exchange.heap_bytes(),
            Proof::Key(_) | Proof::Used => 0,
        };
        proof
            + self.client_id.heap_bytes()
            + self.owner.heap_bytes()
            + self.device_key.heap_bytes()
            + self.failed_claims.heap_bytes()
    }
}

impl HeapBytes for SessionEntry {
    fn heap_bytes(&self) -> usize {
        match self {
            Self::OpenSession(open) => {
                size_of_val(&**open) + ALLOCATION + open.0.heap_bytes() + open.1.heap_bytes()
            }
            Self::Unproven(open) => {
                size_of_val(&**open) + ALLOCATION + open.0.heap_bytes() + open.1.heap_bytes()
            }
            Self::Used { .. } => 0,
        }
    }
}

impl HeapBytes for OpenSession {
    fn heap_bytes(&self) -> usize {
        let expected_answer = match &self.expected_answer {
            ExpectedAnswer::Code(delivered) => delivered.heap_bytes(),
            ExpectedAnswer::SetupCode { secret } => secret.heap_bytes(),
            ExpectedAnswer::DeviceClaim { exchange, secret_block, .. } => {
                exchange.heap_bytes() + secret_block.heap_bytes()
            }
            ExpectedAnswer::FactorChoice
            | ExpectedAnswer::NewPassword { .. }
            | ExpectedAnswer::TotpCode
            | ExpectedAnswer::Setup
            | ExpectedAnswer::SetupDone
            | ExpectedAnswer::DevicePublic => 0,
        };
        self.sign_in.heap_bytes() + expected_answer
    }
}

impl HeapBytes for DeliveredCode {
    fn heap_bytes(&self) -> usize {
        self.address.heap_bytes() + self.code.heap_bytes()
    }
}

impl HeapBytes for SignInState {
    fn heap_bytes(&self) -> usize {
        self.client_id.heap_bytes()
            + self.named_device.heap_bytes()
            + self.trusted_device.heap_bytes()
            + self.answered_session.heap_bytes()
            + self.event_id.heap_bytes()
    }
}

impl HeapBytes for UnprovenSession {
    fn heap_bytes(&self) -> usize {
        let expected_answer = match &self.expected_answer {
            FirstAnswer::Code(_, delivered) => delivered.heap_bytes(),
            FirstAnswer::Custom(state) => state.heap_bytes(),
            FirstAnswer::Choice | FirstAnswer::Password | FirstAnswer::PasswordSrp => 0,
        };
        let sign_in = &self.sign_in;
        let sign_in =
            sign_in.client_id.heap_bytes() + sign_in.owner.heap_bytes() + sign_in.named_device.heap_bytes();
        sign_in + self.sign_in.started_as.heap_bytes() + expected_answer
    }
}

impl HeapBytes for Box<CustomState> {
    fn heap_bytes(&self) -> usize {
        let history = self.history.iter().map(|result| result.metadata.heap_bytes());
        size_of::<CustomState>()
            + ALLOCATION
            + self.history.capacity() * size_of::<ChallengeResult>()
            + history.sum::<usize>()
            + self.private.heap_bytes()
            + self.metadata.heap_bytes()
            + self.event_id.heap_bytes()
    }
}
