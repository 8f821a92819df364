//! The state file of a server. After a failure to write, the pools become what the file contains, and every
//! change is refused before it is made.

use std::cell::Cell;
use std::sync::Arc;

use crate::store::{StateWriteError, StateWriter};
use poolproof_pool::provider::{Provider, ProviderSnapshot};

/// Makes an account from what a state file contains.
pub type RestoreProvider = Box<dyn Fn(ProviderSnapshot) -> Result<Provider, String>>;

/// A state file that the server writes.
pub struct DurableState {
    pub(super) writer: Arc<StateWriter>,
    restore: RestoreProvider,
    is_rolled_back: Cell<bool>,
}

impl DurableState {
    /// Returns the state of a server. After a failure to write, `restore` makes the account again.
    pub fn new(writer: StateWriter, restore: RestoreProvider) -> Self {
        Self { writer: Arc::new(writer), restore, is_rolled_back: Cell::new(false) }
    }

    /// Returns the write error after which changes are refused, if there was one.
    pub(super) fn failure(&self) -> Option<&StateWriteError> {
        self.writer.failure()
    }

    /// Undoes the changes that could not be written, once. Returns a line for the operator.
    pub(super) fn roll_back(&self, provider: &mut Provider) -> Option<String> {
        let failure = self.failure()?;
        if self.is_rolled_back.replace(true) {
            return None;
        }
        let stored = self.writer.read_again().map_err(|error| error.to_string());
        Some(match stored.and_then(|stored| (self.restore)(stored.records)) {
            Ok(restored) => {
                *provider = restored;
                format!("error: {failure}; changes are refused until a restart")
            }
            Err(error) => {
                format!("error: {failure}; refused changes are visible until a restart, because {error}")
            }
        })
    }
}

/// Returns whether an operation changes nothing.
pub(super) fn is_read(operation: &str) -> bool {
    let name = operation.strip_prefix("Admin").unwrap_or(operation);
    let changes = ["GetTokensFromRefreshToken", "GetUserAttributeVerificationCode"];
    ["Get", "List", "Describe"].iter().any(|verb| name.starts_with(verb)) && !changes.contains(&name)
}
