//! Our people in somebody else's pool: who was made by us, and has to go in the end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::administrator::{Administrator, Left, Unwelcome};
use poolproof_cognito::ids::{PoolId, Username};
use poolproof_cognito::protocol::{
    AccountRequest, AccountResponse, AdminUserCall, Answer, Operation, Response,
};
use poolproof_cognito::time::Timestamp;

/// People who go at the same time.
const AT_ONCE: usize = 16;
/// More names are not told.
const NAMES: usize = 10;
/// How far an endpoint's clock may be behind ours. Whoever was made that long before we came counts as made by us.
const SKEW: Duration = Duration::from_secs(2);
/// The status of a user who was made, and whose password nobody has set.
const JUST_MADE: &str = "FORCE_CHANGE_PASSWORD";

/// How sure it is that somebody was made by us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Made {
    /// The request is under way.
    UnderWay,
    /// No answer to the request came.
    Perhaps,
    /// The endpoint has said so.
    Surely,
}

/// Who was made by us, as far as anybody can know. Nobody else is touched.
#[derive(Debug)]
pub struct Guests {
    came: Timestamp,
    made: RefCell<BTreeMap<Username, Made>>,
}

impl Guests {
    /// Nobody yet; those who come, come from now on.
    pub const fn from_now(now: Timestamp) -> Self {
        Self { came: now, made: RefCell::new(BTreeMap::new()) }
    }

    /// Notes that somebody is about to be made.
    pub(super) fn begin(&self, username: &Username) {
        self.made.borrow_mut().insert(username.clone(), Made::UnderWay);
    }

    /// Notes what came of it.
    pub(super) fn note<T>(&self, username: &Username, made: &Result<T, Unwelcome>) {
        let made = match made {
            Ok(_) => Some(Made::Surely),
            Err(error) if error.is_sure() => None,
            Err(_) => Some(Made::Perhaps),
        };
        match made {
            Some(made) => self.made.borrow_mut().insert(username.clone(), made),
            None => self.made.borrow_mut().remove(username),
        };
    }

    /// Whether somebody is being made just now.
    pub fn any_under_way(&self) -> bool {
        self.made.borrow().values().any(|made| *made == Made::UnderWay)
    }

    /// Removes them from this pool.
    ///
    /// # Errors
    ///
    /// Some are still there, or may be.
    pub async fn leave(&self, admin: &Administrator<'_>, pool_id: &PoolId) -> Result<(), Left> {
        let made = self.made.take();
        let all = made.len();
        let leaving = made.into_iter().map(|(username, made)| async move {
            let gone = self.send_away(admin, pool_id, &username, made).await;
            gone.map_err(|why| (username, why))
        });
        let gone: Vec<_> = stream::iter(leaving).buffered(AT_ONCE).collect().await;
        let (names, mut reasons): (Vec<_>, Vec<_>) = gone.into_iter().filter_map(Result::err).unzip();
        if reasons.is_empty() {
            return Ok(());
        }
        let told: Vec<&str> = names.iter().take(NAMES).map(Username::as_str).collect();
        let more = if names.len() > NAMES { ", …" } else { "" };
        let what =
            format!("{} of {all} users ({}{more}) in the pool {pool_id}", names.len(), told.join(", "));
        Err(Left { what, why: reasons.swap_remove(0) })
    }

    async fn send_away(
        &self,
        admin: &Administrator<'_>,
        pool_id: &PoolId,
        username: &Username,
        made: Made,
    ) -> Result<(), Unwelcome> {
        let call = || AdminUserCall {
            user_pool_id: pool_id.as_str().to_owned(),
            username: username.as_str().to_owned(),
        };
        if made != Made::Surely {
            let question = Operation::Account(AccountRequest::AdminGetUser(call()));
            match admin.ask("AdminGetUser", question).await {
                Ok(answer) if self.is_ours(&answer) => {}
                Ok(_) => return Ok(()),
                Err(error) if error.is_not_there() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        let request = Operation::Account(AccountRequest::AdminDeleteUser(call()));
        match admin.ask("AdminDeleteUser", request).await {
            Err(error) if !error.is_not_there() => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether this is somebody whom only we can have made: since we came, and without a password, which we never got to set.
    fn is_ours(&self, answer: &Answer) -> bool {
        let Answer::Pool(Response::Account(AccountResponse::User(user))) = answer else { return false };
        user.status == JUST_MADE && user.created.plus(SKEW) >= self.came
    }
}
