//! Our people in somebody else's pool: who was made by us, and has to go in the end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::admin_client::{AdminClient, CleanupError, SetupError};
use poolproof_cognito::ids::{PoolId, Username};
use poolproof_cognito::protocol::{
    AccountRequest, AccountResponse, AdminUserCall, Answer, Operation, Response,
};
use poolproof_cognito::time::Timestamp;

/// People who go at the same time.
const MAX_CONCURRENT_USERS: usize = 16;
/// More names are not told.
const MAX_NAMES: usize = 10;
/// How far an endpoint's clock may be behind ours. Whoever was made that long before we came counts as made by us.
const SKEW: Duration = Duration::from_secs(2);
/// The status of a user who was made, and whose password nobody has set.
const STATUS_WITHOUT_PASSWORD: &str = "FORCE_CHANGE_PASSWORD";

/// How sure it is that somebody was made by us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum CreationState {
    /// The request is under way.
    InProgress,
    /// No answer to the request came.
    Unknown,
    /// The endpoint has said so.
    Confirmed,
}

/// Who was made by us, as far as anybody can know. Nobody else is touched.
#[derive(Debug)]
pub struct CreatedUsers {
    since: Timestamp,
    made: RefCell<BTreeMap<Username, CreationState>>,
}

impl CreatedUsers {
    /// Nobody yet; those who come, come from now on.
    pub const fn created_since(now: Timestamp) -> Self {
        Self { since: now, made: RefCell::new(BTreeMap::new()) }
    }

    /// Notes that somebody is about to be made.
    pub(super) fn begin(&self, username: &Username) {
        self.made.borrow_mut().insert(username.clone(), CreationState::InProgress);
    }

    /// Notes what came of it.
    pub(super) fn note<T>(&self, username: &Username, made: &Result<T, SetupError>) {
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

    /// Whether somebody is being made just now.
    pub fn any_in_progress(&self) -> bool {
        self.made.borrow().values().any(|made| *made == CreationState::InProgress)
    }

    /// Removes them from this pool.
    ///
    /// # Errors
    ///
    /// Some are still there, or may be.
    pub async fn delete_all(&self, admin: &AdminClient<'_>, pool_id: &PoolId) -> Result<(), CleanupError> {
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
        admin: &AdminClient<'_>,
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

    /// Whether this is somebody whom only we can have made: since we came, and without a password, which we never got to set.
    fn is_created_by_run(&self, answer: &Answer) -> bool {
        let Answer::Pool(Response::Account(AccountResponse::User(user))) = answer else { return false };
        user.status == STATUS_WITHOUT_PASSWORD && user.created.plus(SKEW) >= self.since
    }
}
