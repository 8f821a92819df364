//! The system under test: a sans-IO user pool that remembers devices.
//!
//! The pool reads no clock, starts no task and computes no modular power. A caller passes a request and the
//! time to [`Pool::handle`], which returns a [`Step`]. A step can be a reply or a [`Job`] of arithmetic; the
//! caller runs the job and passes its result to [`Pool::resume`]. So the same pool makes the same decisions
//! inline in a simulation and with worker threads under load.
//!
//! Other requests run between [`Pool::handle`] and [`Pool::resume`]. So a request changes nothing before its
//! arithmetic. After it, the pool checks again what it has checked before and then changes everything at
//! once. The outcome of parallel requests is that of some serial order.
//!
//! | file | purpose |
//! |---|---|
//! | `sign_in` | `InitiateAuth` and the SRP password claim |
//! | `answer` | sessions that are answered, before and after arithmetic |
//! | `password` | the steps after a correct first factor; plain and new passwords |
//! | `choice` | `USER_AUTH`: the choice of the first factor |
//! | `custom_auth`, `trigger` | `CUSTOM_AUTH`: custom challenges and their triggers |
//! | `unknown_user` | names of users that do not exist |
//! | `risk` | risk levels, address lists, compromised passwords |
//! | `decide` | what the pool requires after a correct first factor |
//! | `factor`  | second factors: selection, codes, setup |
//! | `device_auth` | device authentication |
//! | `finish`  | tokens and new devices |
//! | `refresh` | refresh tokens and token revocation |
//! | `device_ops`, `device_admin`, `device_list` | device operations for users and administrators |
//! | `users`, `sign_up`, `profile`, `user_list` | user operations for users and administrators |
//! | `auth_events`, `event_record` | recorded sign-ins and other events |
//! | `groups` | groups and their claims |
//! | `recovery`, `change_password` | passwords that users reset or change |
//! | `attributes`, `codes`, `code_delivery` | changes and verification of attributes |
//! | `harness` | a pool that answers at once, on one thread |
//! | `rs256` | tokens that other parties can verify |
//! | `settings` | the settings, as an administrator changes them |
//! | `record` | the user records that are stored between runs |
//! | `account`, `directory`, `app_client`, `session_store`, `expiry_queue` | users, clients and sign-ins |
//! | `lockout`, `quota`, `token`, `entry_counts`, `memory` | the rest of the state, and its size |

mod account;
mod answer;
mod app_client;
mod attributes;
mod auth_events;
mod change_password;
mod choice;
mod code_delivery;
mod codes;
mod custom_auth;
mod decide;
mod defect;
#[cfg(feature = "defects")]
mod defective;
mod device_admin;
mod device_auth;
mod device_list;
mod device_ops;
mod directory;
mod entry_counts;
mod event_record;
mod expiry_queue;
mod factor;
mod finish;
mod groups;
mod harness;
mod lockout;
mod memory;
mod new_password;
mod password;
mod profile;
pub mod provider;
mod quota;
mod record;
mod recovery;
mod refresh;
mod risk;
mod rs256;
mod session_store;
mod settings;
mod sign_in;
mod sign_in_history;
mod sign_up;
mod token;
mod trigger;
mod unknown_user;
mod user_list;
mod users;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng as _;

use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::ids::{ClientId, PoolId, Session, Username};
use poolproof_cognito::policy::{AccountSettings, PasswordPolicy, PoolPolicy};
use poolproof_cognito::protocol::{AccountRequest, ApiError, ErrorKind, Origin, Reply, Request};
use poolproof_cognito::schema::Schema;
use poolproof_cognito::seed::Rng;
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{Group, Job, JobResult};

pub use account::{NameTaken, NewAccount, NewDevice, RotatedToken, UserStatus};
pub use app_client::{AppClient, ClientRisk, PasswordFlow, Validity};
pub use codes::{HourlyCount, SentCode, UserCodes};
pub use defect::Defect;
pub use entry_counts::EntryCounts;
pub use event_record::{AuthEventRecord, AuthEvents, EventAnswer, EventKind, EventResult};
pub use groups::GroupRecord;
pub use harness::Harness;
pub use memory::MemoryUse;
pub use quota::quota_category;
pub use record::{
    AccountChange, AccountRecord, ConfirmationRecord, DeviceRecord, DeviceStateRecord, FailuresRecord,
    RecordError,
};
pub use rs256::{Rs256, SigningJob};
pub use session_store::Delivery;
pub use trigger::{CustomAuth, CustomChallenge, TriggerCall, TriggerFailure};

use directory::Directory;
use groups::Groups;
use quota::{CategoryBuckets, UserBuckets};
use session_store::SessionStore;
use token::Signer;
use unknown_user::SimulatedUsers;

/// Bits of the pool's secret exponents `b`: twice the security level of the group.
const SERVER_EPHEMERAL_BITS: u32 = 256;

/// The result of a request.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a step is passed on once and never stored")]
pub enum Step {
    /// The reply.
    Reply(Reply),
    /// Arithmetic that must run first; pass its result to [`Pool::resume`] with the [`Pending`].
    Compute(Job, Pending),
    /// A reply without the signatures of its RS256 tokens; [`SigningJob::run`] completes it.
    Sign(Box<SigningJob>),
    /// A call of a trigger at an endpoint; pass what it answers to [`Pool::resume_trigger`] with the
    /// [`Pending`].
    Trigger(Box<TriggerCall>, Pending),
}

impl Step {
    /// Returns whether the step refuses a device that the pool does not know. The client may then answer
    /// again without the device key.
    fn refuses_unknown_device(&self) -> bool {
        matches!(self, Self::Reply(Err(error)) if error.kind == ErrorKind::ResourceNotFound)
    }
}

/// A request that waits for arithmetic. It holds what the request removed from the pool.
#[derive(Debug)]
pub struct Pending {
    /// The app client that sent the request; none for administrators.
    client_id: Option<ClientId>,
    work: PendingWork,
}

/// An input of the pool.
enum Input {
    Request(Origin, Request),
    Account(Origin, AccountRequest),
    Result(Pending, JobResult),
    TriggerAnswer(Pending, Result<Vec<u8>, TriggerFailure>),
}

#[derive(Debug)]
enum PendingWork {
    PasswordChallenge(sign_in::PendingChallenge),
    PasswordClaim(sign_in::PendingClaim),
    PlainPassword(password::PendingPlainPassword),
    NewPassword(new_password::PendingNewPassword),
    DeviceChallenge(device_auth::PendingChallenge),
    DeviceClaim(device_auth::PendingClaim),
    Trigger(custom_auth::PendingTrigger),
    Account(users::PendingVerifier),
}

/// A pool's ids and SRP group.
#[derive(Clone, Debug)]
pub struct PoolIdentity {
    /// `UserPoolId`.
    pub pool_id: PoolId,
    /// `ClientId` of its first app client.
    pub client_id: ClientId,
    /// The SRP group.
    pub group: Group,
}

/// A user pool.
#[derive(Debug)]
pub struct Pool {
    identity: PoolIdentity,
    policy: PoolPolicy,
    exceptions: RiskExceptions,
    passwords: PasswordPolicy,
    account_settings: AccountSettings,
    /// The attributes that users can have. Without it every attribute is accepted.
    schema: Option<Schema>,
    clients: BTreeMap<ClientId, Arc<AppClient>>,
    directory: Directory,
    groups: Groups,
    session_store: SessionStore,
    /// The quotas of the categories; `None` if the account of the pool counts them.
    category_buckets: Option<CategoryBuckets>,
    user_buckets: UserBuckets,
    signer: Signer,
    simulated_users: SimulatedUsers,
    rng: Rng,
    custom_auth: Option<CustomAuth>,
    /// The latest time that a caller passed.
    latest: Timestamp,
    #[cfg(feature = "defects")]
    defect: Option<Defect>,
    rs256: Option<Rs256>,
}

impl Pending {
    fn new(client_id: &ClientId, work: PendingWork) -> Self {
        Self { client_id: Some(client_id.clone()), work }
    }
}

impl Pool {
    /// Returns an empty pool. All its random values derive from `rng`.
    pub fn new(identity: PoolIdentity, policy: PoolPolicy, mut rng: Rng) -> Self {
        let signer = Signer::new(&mut rng);
        let simulated_users = SimulatedUsers::new(identity.group, &mut rng);
        let mut pool = Self {
            clients: BTreeMap::new(),
            identity,
            policy,
            exceptions: RiskExceptions::default(),
            passwords: PasswordPolicy::LENGTH_ONLY,
            account_settings: AccountSettings::default(),
            schema: None,
            directory: Directory::default(),
            groups: Groups::default(),
            session_store: SessionStore::default(),
            category_buckets: Some(CategoryBuckets::default()),
            user_buckets: UserBuckets::default(),
            signer,
            simulated_users,
            rng,
            custom_auth: None,
            latest: Timestamp::default(),
            #[cfg(feature = "defects")]
            defect: None,
            rs256: None,
        };
        if pool.identity.client_id != ClientId::EMPTY {
            pool.put_client(AppClient::public(pool.identity.client_id.clone()));
        }
        pool
    }

    /// Replaces the public app client of a new pool.
    #[must_use]
    pub fn with_client(mut self, client: AppClient) -> Self {
        self.clients.remove(&self.identity.client_id);
        self.put_client(client);
        self
    }

    /// Plants a defect in this pool. Does nothing without the feature `defects`.
    #[must_use]
    #[cfg_attr(not(feature = "defects"), expect(unused_mut, unused_variables, reason = "defects are off"))]
    pub fn with_defect(mut self, defect: Option<Defect>) -> Self {
        #[cfg(feature = "defects")]
        {
            self.defect = defect;
        }
        self
    }

    /// Returns the pool's ids and SRP group.
    pub const fn identity(&self) -> &PoolIdentity {
        &self.identity
    }

    /// Returns this pool without quotas of its categories: the account that it belongs to counts them.
    #[must_use]
    pub(crate) fn without_category_quotas(self) -> Self {
        Self { category_buckets: None, ..self }
    }

    /// Adds a user, as an administrator does. A duplicate name is refused.
    pub fn add_account(&mut self, account: NewAccount) -> Result<(), NameTaken> {
        self.directory.add(account).map(drop)
    }

    /// Returns the number of users.
    pub fn users(&self) -> usize {
        self.directory.count()
    }

    /// Returns the messages sent since the last call. If they are not fetched, the oldest are dropped.
    pub fn take_deliveries(&mut self) -> Vec<Delivery> {
        self.session_store.take_deliveries()
    }

    /// Returns whether this session belongs to the pool.
    pub fn has_session(&self, session: &str) -> bool {
        self.session_store.contains_session(session)
    }

    /// Disables or enables a user, as an administrator does. Sign-ins in progress and tokens of a disabled
    /// user are refused. Returns whether the user exists.
    pub fn set_disabled(&mut self, username: &Username, disabled: bool) -> bool {
        self.directory.change(username, |account| account.disabled = disabled)
    }

    /// Requires a password reset, as an administrator does. Until then the user cannot sign in, and sign-ins
    /// in progress are refused. Returns whether the user exists.
    pub fn require_reset(&mut self, username: &Username) -> bool {
        self.directory.change(username, |account| account.user_status = UserStatus::ResetRequired)
    }

    /// Returns the last code that was sent to this user's phone and has not been used.
    pub fn delivered_code(&self, username: &Username) -> Option<String> {
        self.session_store.delivered_code(username)
    }

    /// Handles a request of the user-facing API. Never panics, whatever the request contains.
    pub fn handle(&mut self, now: Timestamp, origin: Origin, request: Request) -> Step {
        self.step(now, Input::Request(origin, request))
    }

    /// Handles a request about a user. Never panics, whatever the request contains.
    pub fn handle_account(&mut self, now: Timestamp, origin: Origin, request: AccountRequest) -> Step {
        self.step(now, Input::Account(origin, request))
    }

    /// Continues a request with the result of its job. What changed since the request is taken into account.
    pub fn resume(&mut self, now: Timestamp, pending: Pending, done: JobResult) -> Step {
        self.step(now, Input::Result(pending, done))
    }

    /// Continues a request with the answer of a trigger endpoint: the bytes of its output, or the reason why
    /// there is none.
    pub fn resume_trigger(
        &mut self,
        now: Timestamp,
        pending: Pending,
        answer: Result<Vec<u8>, TriggerFailure>,
    ) -> Step {
        self.step(now, Input::TriggerAnswer(pending, answer))
    }

    /// Passes an input to the pool, through the planted defect if there is one.
    fn step(&mut self, now: Timestamp, input: Input) -> Step {
        let now = self.monotonic(now);
        #[cfg(feature = "defects")]
        if let Some(defect) = self.defect {
            return defect.step(self, now, input);
        }
        self.process(now, input)
    }

    fn process(&mut self, now: Timestamp, input: Input) -> Step {
        let step = match input {
            Input::Request(origin, request) => {
                self.session_store.remove_expired(now);
                match self.admit(now, &quota::of_request(&request)) {
                    true => self.answer(now, origin, request),
                    false => refuse(ApiError::too_many_requests()),
                }
            }
            Input::Account(origin, request) => {
                self.session_store.remove_expired(now);
                match self.admit(now, &quota::of_account_request(&request)) {
                    true => self.answer_account(now, origin, request),
                    false => refuse(ApiError::too_many_requests()),
                }
            }
            Input::Result(pending, done) => self.continue_with(now, pending, done),
            Input::TriggerAnswer(Pending { client_id, work: PendingWork::Trigger(work) }, answer) => {
                match client_id.map(|client_id| self.client(client_id.as_str())) {
                    Some(Err(error)) => refuse(error),
                    _ => self.read_trigger_answer(now, work, answer),
                }
            }
            Input::TriggerAnswer(..) => refuse(ApiError::internal("the request waits for no trigger")),
        };
        self.directory.count_bytes();
        self.defer_signing(step)
    }

    fn answer(&mut self, now: Timestamp, origin: Origin, request: Request) -> Step {
        match request {
            Request::InitiateAuth(request) => self.initiate_auth(now, origin, &request),
            Request::RespondToAuthChallenge(request) => self.respond(now, origin, &request),
            Request::AssociateSoftwareToken(request) => reply(self.associate_token(now, &request)),
            Request::VerifySoftwareToken(request) => reply(self.verify_token(now, &request)),
            Request::ConfirmDevice(request) => reply(self.confirm_device(now, &request)),
            Request::UpdateDeviceStatus(request) => reply(self.update_device_status(now, &request)),
            Request::GetDevice(request) => reply(self.get_device(now, &request)),
            Request::ListDevices(request) => reply(self.list_devices(now, &request)),
            Request::ForgetDevice(request) => reply(self.forget_device(now, &request)),
            Request::AdminForgetDevice(request) => reply(self.admin_forget_device(&request)),
            Request::AdminGetDevice(request) => reply(self.admin_get_device(&request)),
            Request::AdminListDevices(request) => reply(self.admin_list_devices(&request)),
            Request::AdminUpdateDeviceStatus(request) => {
                reply(self.admin_update_device_status(now, &request))
            }
            Request::GetTokensFromRefreshToken(request) => reply(self.get_tokens(now, &request)),
            Request::RevokeToken(request) => reply(self.revoke_token(now, &request)),
            Request::GlobalSignOut(request) => reply(self.global_sign_out(now, &request)),
        }
    }

    fn continue_with(&mut self, now: Timestamp, pending: Pending, done: JobResult) -> Step {
        let Pending { client_id, work } = pending;
        if let Some(Err(error)) = client_id.map(|client_id| self.client(client_id.as_str())) {
            return refuse(error);
        }
        let answer = match (work, done) {
            (PendingWork::Account(pending_work), JobResult::Verifier(verifier)) => {
                return self.resume_account(now, pending_work, verifier);
            }
            (PendingWork::PasswordChallenge(pending_work), JobResult::PublicB { b, public_b }) => {
                self.challenge_password(now, pending_work, b, public_b)
            }
            (PendingWork::PasswordClaim(pending_work), JobResult::SessionKey(key)) => {
                return self.verify_password_claim(now, pending_work, &key);
            }
            (PendingWork::PlainPassword(pending_work), JobResult::Verifier(verifier)) => {
                return self.verify_plain_password(now, pending_work, &verifier);
            }
            (PendingWork::NewPassword(pending_work), JobResult::Verifier(verifier)) => {
                return self.store_new_password(now, pending_work, verifier);
            }
            (PendingWork::DeviceChallenge(pending_work), JobResult::PublicB { b, public_b }) => {
                self.challenge_device(now, pending_work, b, public_b)
            }
            (PendingWork::DeviceClaim(pending_work), JobResult::SessionKey(key)) => {
                self.verify_device_claim(now, pending_work, &key)
            }
            (_, JobResult::Failed(_)) => Err(ApiError::incorrect_credentials()),
            _ => Err(ApiError::internal("a job returned the result of another job")),
        };
        reply(answer)
    }

    /// Returns the app client with this id.
    fn client(&self, client_id: &str) -> Result<Arc<AppClient>, ApiError> {
        let client = self.clients.get(&ClientId::new(client_id)).filter(|_| !client_id.is_empty());
        client.cloned().ok_or_else(|| {
            let message = format!("User pool client {client_id} does not exist.");
            ApiError::new(ErrorKind::ResourceNotFound, message)
        })
    }

    /// Returns how long sessions and tokens of this client are valid.
    fn validity(&self, client_id: &ClientId) -> Validity {
        self.clients.get(client_id).map_or(Validity::DEFAULT, |client| client.validity)
    }

    /// Returns how long a challenge of this client may be answered.
    fn session_validity(&self, client_id: &ClientId) -> Duration {
        self.validity(client_id).session.unwrap_or(self.policy.session_validity)
    }

    /// Returns `now` or the latest time seen, so that a clock that steps back does not revive expired
    /// entries.
    fn monotonic(&mut self, now: Timestamp) -> Timestamp {
        self.latest = self.latest.max(now);
        self.latest
    }

    fn new_session(&mut self) -> Session {
        let mut bytes = [0; 48];
        self.rng.fill_bytes(&mut bytes);
        Session::new(data_encoding::BASE64URL_NOPAD.encode(&bytes))
    }
}

fn reply(reply: Reply) -> Step {
    Step::Reply(reply)
}

const fn refuse(error: ApiError) -> Step {
    Step::Reply(Err(error))
}
