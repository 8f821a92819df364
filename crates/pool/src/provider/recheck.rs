//! What the provider checks again when a request continues after its arithmetic: pools and users may have
//! been added or removed meanwhile.

use super::{AccountLimits, Handled, Pending, Provider, Step, from_pool_step, pool_not_found, route};
use crate::Pool;
use crate::users::PendingVerifier;
use poolproof_cognito::ids::PoolId;
use poolproof_cognito::protocol::{ApiError, ErrorKind};
use poolproof_cognito::time::Timestamp;

impl Provider {
    /// Refuses a sign-up if only administrators create users of the pool. It is checked before the limits, as
    /// no free space would change the answer.
    pub(super) fn check_sign_up(&self, pool_id: &PoolId) -> Result<(), ApiError> {
        if self.pools.get(pool_id).is_some_and(|hosted| hosted.settings.only_administrators_create) {
            return Err(ApiError::not_authorized("SignUp is not permitted for this user pool"));
        }
        Ok(())
    }

    /// Refuses another user if the account has as many as it may.
    pub(super) fn check_user_limit(&self) -> Result<(), ApiError> {
        let AccountLimits { users, .. } = self.config.limits;
        if self.counts().1 < users {
            return Ok(());
        }
        let message = format!("You have exceeded your user limit: {users} users of all pools.");
        Err(ApiError::new(ErrorKind::LimitExceeded, message))
    }

    /// Checks again, after arithmetic, what [`Self::handle`] has checked before.
    fn check_again(&mut self, pending: &Pending) -> Result<(), ApiError> {
        let Pending { pool_id, inner, named_pool } = pending;
        let work = inner.account_work();
        if !self.pools.contains_key(pool_id) {
            return Err(match &inner.client_id {
                _ if work.is_some_and(PendingVerifier::has_token) => route::invalid_token(),
                Some(client_id) if !named_pool => route::client_not_found(client_id.as_str()),
                _ => pool_not_found(pool_id.as_str()),
            });
        }
        let Some(work) = work.filter(|work| work.adds_user()) else { return Ok(()) };
        if work.signs_up() {
            self.check_sign_up(pool_id)?;
        }
        self.check_user_limit()?;
        self.check_room_for_user(work.signs_up())
    }

    /// Continues a request in its pool.
    pub(super) fn resume_in_pool(
        &mut self,
        now: Timestamp,
        pending: Pending,
        resume: impl FnOnce(&mut Pool, crate::Pending) -> crate::Step,
    ) -> Handled {
        let checked = self.check_again(&pending);
        let Pending { pool_id, inner, named_pool } = pending;
        let step = match (checked, self.hosted_pool_mut(&pool_id)) {
            (Err(error), _) => Step::Reply(Err(error)),
            (Ok(()), Some(hosted)) => from_pool_step(&pool_id, named_pool, resume(&mut hosted.pool, inner)),
            (Ok(()), None) => Step::Reply(Err(pool_not_found(pool_id.as_str()))),
        };
        self.enforce_memory(now);
        Handled { pool_id: Some(pool_id), step }
    }
}
