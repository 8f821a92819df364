//! A session at an endpoint: its pool, the users that it creates there, and their deletion.
//!
//! `run --target`, `capacity --target` and `matrix --against` open a session each time they need a pool.

mod admin_client;
mod backoff;
mod created_users;
mod test_pool;

use std::io;
use std::rc::Rc;
use std::time::Duration;

pub(crate) use admin_client::RETRIES;
pub use admin_client::{AdminClient, CleanupError, SetupError};
pub(crate) use backoff::Backoff;
pub use created_users::CreatedUsers;

use crate::clock::Clock;
use crate::failure::FailureCause;
use crate::http::client::{ClientLimits, Credentials, EndpointUrl, HttpTarget};
use crate::target::TransportError;
use poolproof_cognito::ids::{ClientId, Password, PoolId, Username};
use poolproof_cognito::policy::{PoolPolicy, UsernameSettings};
use poolproof_cognito::seed::Seed;
use poolproof_cognito::totp::TotpSecret;

use test_pool::TestPool;

/// How long a session tries to delete what it created if the endpoint has stopped answering.
const SILENT_CLEANUP: Duration = Duration::from_millis(500);

/// An endpoint, and what of it is used.
#[derive(Clone, Debug)]
pub struct EndpointConfig {
    /// Its address.
    pub address: EndpointUrl,
    /// The credentials for administrators' requests.
    pub credentials: Option<Credentials>,
    /// Timeouts and rate limits.
    pub limits: ClientLimits,
    /// The pool and its users.
    pub pool_source: PoolSource,
    /// The options of the command line besides the address, to repeat the run.
    pub options: Vec<String>,
}

/// Which pool of an endpoint is used, and by whom.
#[derive(Clone, Debug)]
pub enum PoolSource {
    /// A pool that is created for the session and deleted after it, with the scenario's users.
    New,
    /// An existing pool with the scenario's settings.
    Existing {
        /// The pool.
        pool_id: PoolId,
        /// Its app client, which has no secret.
        client_id: ClientId,
        /// Existing users; without them the session creates and deletes the scenario's users.
        existing_users: Option<Vec<ExistingUser>>,
    },
}

/// An existing user of a pool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExistingUser {
    /// The name.
    pub username: Username,
    /// The password.
    pub password: Password,
    /// The TOTP secret, if that is the second factor.
    pub totp: Option<TotpSecret>,
}

/// The settings of a pool that a session creates which no later request can change.
#[derive(Clone, Copy, Debug)]
pub struct NewPool<'n> {
    /// Its name.
    pub name: &'n str,
    /// The grace period of its client's refresh token rotation; `None` is off.
    pub rotation: Option<Duration>,
    /// How its users are named.
    pub usernames: UsernameSettings,
}

impl<'n> NewPool<'n> {
    /// Returns a pool of this name with Cognito's defaults.
    pub const fn named(name: &'n str) -> Self {
        Self { name, rotation: None, usernames: UsernameSettings::DEFAULT }
    }
}

/// A session could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The trusted certificates cannot be read, or a proxy cannot be used.
    #[error("{0}")]
    Client(#[from] io::Error),
    /// The endpoint does not answer.
    #[error("{0}")]
    NoAnswer(String),
    /// The endpoint refused to create a pool.
    #[error("{0}")]
    Setup(#[from] SetupError),
}

impl EndpointConfig {
    /// Connects to the endpoint, which must answer a first request.
    ///
    /// # Errors
    ///
    /// The trusted certificates cannot be read, a proxy cannot be used, or the endpoint does not answer.
    pub async fn connect(&self, clock: Clock) -> Result<HttpTarget, SessionError> {
        let mut target = HttpTarget::new(self.address.clone(), self.credentials.clone(), clock, self.limits)?;
        target.probe().await.map_err(|error| SessionError::NoAnswer(self.no_answer(error)))?;
        Ok(target)
    }

    /// Describes why the endpoint does not answer, and what to do.
    fn no_answer(&self, TransportError { cause, why, .. }: TransportError) -> String {
        if cause != FailureCause::ConnectionRefused {
            return why;
        }
        let host = self.address.host_and_port();
        match self.address.is_loopback() {
            true => format!(
                "nothing listens on {host} ({why}); start a server with `poolproof serve FILE --listen \
                    {host}`, or correct the address"
            ),
            false => format!("nothing listens on {host} ({why}); correct the address"),
        }
    }

    /// Returns the existing users that sign in, if they are given.
    pub fn existing_users(&self) -> Option<&[ExistingUser]> {
        match &self.pool_source {
            PoolSource::Existing { existing_users, .. } => existing_users.as_deref(),
            PoolSource::New => None,
        }
    }
}

/// A pool at an endpoint, and what was created there and must be deleted.
#[derive(Debug)]
pub struct EndpointSession {
    /// The endpoint, for the users of the pool.
    pub target: Rc<HttpTarget>,
    /// The client for administrators' requests.
    pub admin: AdminClient,
    /// The pool.
    pub pool_id: PoolId,
    /// Its app client.
    pub client_id: ClientId,
    /// The users that the session created in the pool.
    pub created_users: CreatedUsers,
    /// The pool, if the session created it.
    test_pool: Option<TestPool>,
}

impl EndpointSession {
    /// Connects to the endpoint and creates this pool, unless an existing one is configured. The backoff
    /// times derive from `seed`.
    ///
    /// # Errors
    ///
    /// The endpoint does not answer, or it refused. A pool that was created is deleted again, or named in the
    /// error.
    pub async fn open(
        at: &EndpointConfig,
        new_pool: &NewPool<'_>,
        clock: Clock,
        seed: Seed,
    ) -> Result<Self, SessionError> {
        let target = Rc::new(at.connect(clock).await?);
        let admin = AdminClient::new(Rc::clone(&target) as _, clock, seed);
        let (pool_id, client_id, test_pool) = match &at.pool_source {
            PoolSource::New => {
                let made = TestPool::create(&admin, new_pool).await?;
                (made.pool_id.clone(), made.client_id.clone(), Some(made))
            }
            PoolSource::Existing { pool_id, client_id, .. } => (pool_id.clone(), client_id.clone(), None),
        };
        target.set_pool(pool_id.clone());
        let created_users = CreatedUsers::created_since(clock.now());
        Ok(Self { target, admin, pool_id, client_id, created_users, test_pool })
    }

    /// Applies these settings to the pool, if the session created it.
    ///
    /// # Errors
    ///
    /// The endpoint refused.
    pub async fn apply_settings(&self, policy: &PoolPolicy) -> Result<(), SetupError> {
        match &self.test_pool {
            Some(test_pool) => test_pool.settle(&self.admin, policy).await,
            None => Ok(()),
        }
    }

    /// Deletes what the session created at an endpoint that has stopped answering: only one short attempt.
    ///
    /// # Errors
    ///
    /// Some of it still exists, or may exist.
    pub async fn close_silent(&self) -> Result<(), CleanupError> {
        match tokio::time::timeout(SILENT_CLEANUP, self.close()).await {
            Ok(closed) => closed,
            Err(_) => {
                let why =
                    format!("the target has stopped answering, and did not answer within {SILENT_CLEANUP:?}");
                let (what, attempted) = match &self.test_pool {
                    Some(test_pool) => (test_pool.label(), "DeleteUserPool"),
                    None => (format!("the users in the pool {}", self.pool_id), "AdminDeleteUser"),
                };
                Err(CleanupError { what, why: SetupError::unexpected(attempted, why) })
            }
        }
    }

    /// Deletes the pool that the session created, or the users that it created in an existing one.
    ///
    /// # Errors
    ///
    /// Some of them still exist, or may exist.
    pub async fn close(&self) -> Result<(), CleanupError> {
        match &self.test_pool {
            Some(test_pool) => test_pool.remove(&self.admin).await,
            None => self.created_users.delete_all(&self.admin, &self.pool_id).await,
        }
    }
}
