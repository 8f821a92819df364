//! Users that this run created in an existing pool and deletes at its end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::admin_client::{AdminClient, CleanupError, SetupError};
use poolproof_cognito::ids::{PoolId, Username};
use poolproof_cognito::protocol::{
    AccountRequest, AccountResponse, AdminUserCall, Operation, OperationResponse, Response,
};
use poolproof_cognito::time::Timestamp;

/// Users that are deleted at the same time.
const MAX_CONCURRENT_USERS: usize = 16;
/// Most names in an error message.
const MAX_NAMES: usize = 10;
/// Tolerated clock difference. A user created up to this long before the run counts as created by it.
const SKEW: Duration = Duration::from_secs(2);
/// The status of a user who was created and has no permanent password.
const STATUS_WITHOUT_PASSWORD: &str = "FORCE_CHANGE_PASSWORD";

/// How certain it is that this run created a user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum CreationState {
    /// The request is in flight.
    InProgress,
    /// The request got no response.
    Unknown,
    /// The endpoint confirmed it.
    Confirmed,
}

/// The users that this run created. No other user is deleted.
#[derive(Debug)]
pub struct CreatedUsers {
    since: Timestamp,
    made: RefCell<BTreeMap<Username, CreationState>>,
}

impl CreatedUsers {
    /// Starts without users, at this time.
    pub const fn created_since(now: Timestamp) -> Self {
        Self { since: now, made: RefCell::new(BTreeMap::new()) }
    }

    /// Records that a user is about to be created.
    pub(crate) fn begin(&self, username: &Username) {
        self.made.borrow_mut().insert(username.clone(), CreationState::InProgress);
    }

    /// Records the result.
    pub(crate) fn note<T>(&self, username: &Username, made: &Result<T, SetupError>) {
        let made = match made {
            Ok(_) => Some(CreationState::Confirmed),
            Err(error) if error.had_no_effect() => None,
            Err(_) => Some(CreationState::Unknown),
        };
        match made {
            Some(made) => self.made.borrow_mut().insert(username.clone(), made),
            None => self.made.borrow_mut().remove(username),
        };
    }

    /// Returns whether a creation is in flight.
    pub fn any_in_progress(&self) -> bool {
        self.made.borrow().values().any(|made| *made == CreationState::InProgress)
    }

    /// Deletes the users from this pool.
    ///
    /// # Errors
    ///
    /// Some of them still exist, or may exist.
    pub async fn delete_all(&self, admin: &AdminClient, pool_id: &PoolId) -> Result<(), CleanupError> {
        let made = self.made.take();
        let all = made.len();
        let deletions = made.into_iter().map(|(username, made)| async move {
            let deleted = self.delete_user(admin, pool_id, &username, made).await;
            deleted.map_err(|why| (username, why))
        });
        let deleted: Vec<_> = stream::iter(deletions).buffered(MAX_CONCURRENT_USERS).collect().await;
        let (names, mut reasons): (Vec<_>, Vec<_>) = deleted.into_iter().filter_map(Result::err).unzip();
        if reasons.is_empty() {
            return Ok(());
        }
        let listed: Vec<&str> = names.iter().take(MAX_NAMES).map(Username::as_str).collect();
        let more = if names.len() > MAX_NAMES { ", …" } else { "" };
        let what =
            format!("{} of {all} users ({}{more}) in the pool {pool_id}", names.len(), listed.join(", "));
        Err(CleanupError { what, why: reasons.swap_remove(0) })
    }

    async fn delete_user(
        &self,
        admin: &AdminClient,
        pool_id: &PoolId,
        username: &Username,
        made: CreationState,
    ) -> Result<(), SetupError> {
        let call = || AdminUserCall {
            user_pool_id: pool_id.as_str().to_owned(),
            username: username.as_str().to_owned(),
        };
        if made != CreationState::Confirmed {
            let question = Operation::Account(AccountRequest::AdminGetUser(call()));
            match admin.execute("AdminGetUser", question).await {
                Ok(answer) if self.is_created_by_run(&answer) => {}
                Ok(_) => return Ok(()),
                Err(error) if error.is_not_found() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        let request = Operation::Account(AccountRequest::AdminDeleteUser(call()));
        match admin.execute("AdminDeleteUser", request).await {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }

    /// Returns whether only this run can have created the user: it was created since the start and has no
    /// password, which the run never set.
    fn is_created_by_run(&self, answer: &OperationResponse) -> bool {
        let OperationResponse::Pool(Response::Account(AccountResponse::User(user))) = answer else {
            return false;
        };
        user.status == STATUS_WITHOUT_PASSWORD && user.created.plus(SKEW) >= self.since
    }
}
