//! The system under test: a user pool that remembers devices, sans-IO.
//!
//! The pool reads no clock, starts no task and computes no power. A request goes in by [`Pool::handle`]
//! together with the time; out comes a [`Step`]: a reply, or a [`Job`] of arithmetic that somebody else runs
//! and brings back by [`Pool::resume`]. So the same machine answers inline in a simulation and from worker
//! threads under load, and it decides the same.
//!
//! One rule keeps a challenge from being answered twice: whoever answers it takes it out of the pool's books,
//! and it is carried in the [`Pending`] job. Only a refusal that leaves it answerable puts it back.
//!
//! | file | what it does |
//! |---|---|
//! | `sign_in` | `InitiateAuth` and the password's claim by SRP |
//! | `password` | what a right password leads to; plain and new passwords |
//! | `stranger` | names that are nobody's |
//! | `risk` | how risky an attempt looks, lists of addresses, compromised passwords |
//! | `decide`  | what is asked after a right password (DESIGN 5) |
//! | `factor`  | second factors: choice, codes, set-up |
//! | `device_auth` | the device's proof |
//! | `finish`  | tokens and new devices |
//! | `refresh` | tokens for refresh tokens, and the end of tokens |
//! | `device_ops`, `device_admin`, `device_list` | the operations on devices, for users and administrators |
//! | `users`, `sign_up`, `profile`, `user_list` | the operations on users, for themselves and administrators |
//! | `rs256` | tokens that others can check |
//! | `record` | what is kept of users between two runs |
//! | `account`, `app_client`, `session_store`, `expiry_queue`, `lockout`, `quota`, `token` | what the pool keeps; `entry_counts`: how much |

mod account;
mod app_client;
mod decide;
mod defect;
mod device_admin;
mod device_auth;
mod device_list;
mod device_ops;
mod entry_counts;
mod expiry_queue;
mod factor;
mod finish;
mod lockout;
mod password;
mod profile;
pub mod provider;
mod quota;
mod record;
mod refresh;
mod risk;
mod rs256;
mod session_store;
mod sign_in;
mod sign_in_history;
mod sign_up;
mod token;
mod unknown_user;
mod user_list;
mod users;

use std::collections::BTreeMap;
use std::time::Duration;

use rand::Rng as _;

use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::ids::{ClientId, PoolId, Session, Username};
use poolproof_cognito::jwt::UnsignedToken;
use poolproof_cognito::policy::{PasswordPolicy, PoolPolicy};
use poolproof_cognito::protocol::{ApiError, ErrorKind, Origin, Reply, Request};
use poolproof_cognito::seed::Rng;
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{Group, Job, JobResult};

pub use account::{NameTaken, NewAccount, NewDevice, UserStatus};
pub use app_client::{AppClient, PasswordFlow, Validity};
pub use defect::Defect;
pub use entry_counts::EntryCounts;
pub use record::{
    AccountChange, AccountRecord, ConfirmationRecord, DeviceRecord, DeviceStateRecord, FailuresRecord,
    RecordError,
};
pub use rs256::{Rs256, SigningJob};
pub use session_store::Delivery;

use account::Directory;
use quota::Buckets;
use session_store::SessionStore;
use token::Signer;
use unknown_user::SimulatedUsers;

/// Bits of the pool's secret exponents `b`: twice the strength of the group.
const SERVER_EPHEMERAL_BITS: u32 = 256;

/// What comes of a request.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a step is passed on once and never stored")]
pub enum Step {
    /// The answer.
    Reply(Reply),
    /// Arithmetic to be done first; its result goes to [`Pool::resume`] together with the [`Pending`].
    Compute(Job, Pending),
    /// The answer, but for the signatures of its RS256 tokens: [`SigningJob::run`] makes it whole.
    Sign(Box<SigningJob>),
}

/// A request that waits for arithmetic. It holds what the request has taken out of the books.
#[derive(Debug)]
pub struct Pending {
    /// The app client that asked.
    client_id: ClientId,
    work: PendingWork,
}

#[derive(Debug)]
enum PendingWork {
    PasswordChallenge(sign_in::PendingChallenge),
    PasswordClaim(sign_in::PendingClaim),
    PlainPassword(password::PendingPlainPassword),
    NewPassword(password::PendingNewPassword),
    DeviceChallenge(device_auth::PendingChallenge),
    DeviceClaim(device_auth::PendingClaim),
    Account(users::PendingVerifier),
}

/// What a pool is called, and the arithmetic it uses.
#[derive(Clone, Debug)]
pub struct PoolIdentity {
    /// `UserPoolId`.
    pub pool_id: PoolId,
    /// `ClientId` of its first app client.
    pub client_id: ClientId,
    /// The group of its SRP.
    pub group: Group,
}

/// A user pool.
#[derive(Debug)]
pub struct Pool {
    identity: PoolIdentity,
    policy: PoolPolicy,
    exceptions: RiskExceptions,
    passwords: PasswordPolicy,
    /// The app client whose request is at hand.
    client: AppClient,
    /// The other clients.
    other_clients: BTreeMap<ClientId, AppClient>,
    directory: Directory,
    session_store: SessionStore,
    buckets: Buckets,
    signer: Signer,
    simulated_users: SimulatedUsers,
    rng: Rng,
    /// The latest moment that the pool was told.
    latest: Timestamp,
    planted: Option<Defect>,
    rs256: Option<Rs256>,
    /// The tokens of the answer at hand, where they are yet to be signed.
    unsigned: Option<[UnsignedToken; 2]>,
}

impl Pool {
    /// An empty pool. All its random values come from `rng`.
    pub fn new(identity: PoolIdentity, policy: PoolPolicy, mut rng: Rng) -> Self {
        let signer = Signer::new(&mut rng);
        let simulated_users = SimulatedUsers::new(identity.group, &mut rng);
        Self {
            client: AppClient::public(identity.client_id.clone()),
            other_clients: BTreeMap::new(),
            identity,
            policy,
            exceptions: RiskExceptions::default(),
            passwords: PasswordPolicy::LENGTH_ONLY,
            directory: Directory::default(),
            session_store: SessionStore::default(),
            buckets: Buckets::new(policy.quotas),
            signer,
            simulated_users,
            rng,
            latest: Timestamp::default(),
            planted: None,
            rs256: None,
            unsigned: None,
        }
    }

    /// This pool with another app client in place of a public one.
    #[must_use]
    pub fn with_client(mut self, client: AppClient) -> Self {
        self.client = client;
        self
    }

    /// This pool with lists of addresses that threat protection, where it is enforced, always refuses or
    /// never looks at.
    #[must_use]
    pub fn with_exceptions(mut self, exceptions: RiskExceptions) -> Self {
        self.exceptions = exceptions;
        self
    }

    /// This pool with a fault planted, where the feature `defects` is on; the same pool elsewhere.
    #[must_use]
    pub fn planted(self, defect: Option<Defect>) -> Self {
        #[cfg(feature = "defects")]
        if let Some(defect) = defect {
            return self.with_defect(defect);
        }
        let _ = defect;
        self
    }

    /// This pool with a planted fault, to see whether the harness finds it.
    #[cfg(feature = "defects")]
    #[must_use]
    pub fn with_defect(mut self, defect: Defect) -> Self {
        self.planted = Some(defect);
        self
    }

    /// What this pool is called, and its arithmetic.
    pub const fn identity(&self) -> &PoolIdentity {
        &self.identity
    }

    /// Adds a user, as an administrator would. A name that is taken is refused.
    pub fn add_account(&mut self, account: NewAccount) -> Result<(), NameTaken> {
        self.directory.add(account)
    }

    /// Changes the settings, as an administrator would. Users, their devices and sign-ins in progress stay.
    pub fn set_policy(&mut self, policy: PoolPolicy) {
        if policy.quotas != self.policy.quotas {
            self.buckets = Buckets::new(policy.quotas);
        }
        self.policy = policy;
    }

    /// Changes the lists of addresses, as an administrator would.
    pub fn set_exceptions(&mut self, exceptions: RiskExceptions) {
        self.exceptions = exceptions;
    }

    /// The lists of addresses that threat protection always refuses or never looks at.
    pub const fn exceptions(&self) -> &RiskExceptions {
        &self.exceptions
    }

    /// Changes what passwords must have from now on, as an administrator would.
    pub const fn set_passwords(&mut self, passwords: PasswordPolicy) {
        self.passwords = passwords;
    }

    /// What passwords must have.
    pub const fn passwords(&self) -> PasswordPolicy {
        self.passwords
    }

    /// Sign-ins in progress, and what is remembered of others until their challenges would have ended.
    pub fn pending(&self) -> usize {
        self.session_store.len()
    }

    /// Forgets what has ended by now of sign-ins in progress.
    pub fn remove_expired(&mut self, now: Timestamp) {
        let now = self.monotonic(now);
        self.session_store.remove_expired(now);
    }

    /// Forgets what is oldest of sign-ins in progress before its end: for whoever has no room for more. Who
    /// comes to answer it finds that there never was such a challenge. Returns whether there was something.
    pub fn evict_oldest(&mut self) -> bool {
        self.session_store.evict_oldest()
    }

    /// The settings.
    pub const fn policy(&self) -> &PoolPolicy {
        &self.policy
    }

    /// Adds an app client, or replaces the one of its id.
    pub fn put_client(&mut self, client: AppClient) {
        if client.id == self.client.id {
            self.client = client;
        } else {
            self.other_clients.insert(client.id.clone(), client);
        }
    }

    /// Removes an app client. Nobody can go on with what it began.
    pub fn remove_client(&mut self, id: &ClientId) {
        self.other_clients.remove(id);
        if self.client.id == *id {
            self.client = AppClient::placeholder();
        }
    }

    /// How many users there are.
    pub fn users(&self) -> usize {
        self.directory.count()
    }

    /// The messages that went out since this was asked last; the oldest are lost when nobody asks.
    pub fn take_deliveries(&mut self) -> Vec<Delivery> {
        self.session_store.take_deliveries()
    }

    /// Whether this session is one of the pool's.
    pub fn has_session(&self, session: &str) -> bool {
        self.session_store.contains_session(session)
    }

    /// Disables a user or enables them again, as an administrator would: sign-ins in progress and tokens are
    /// refused from now on. Returns whether there is such a user.
    pub fn set_disabled(&mut self, username: &Username, disabled: bool) -> bool {
        self.directory.change(username, |account| account.disabled = disabled)
    }

    /// Makes a user reset the password, as an administrator would: until then they cannot sign in, and
    /// sign-ins in progress are refused. Returns whether there is such a user.
    pub fn require_reset(&mut self, username: &Username) -> bool {
        self.directory.change(username, |account| account.user_status = UserStatus::ResetRequired)
    }

    /// The code that was last sent to this user's phone and not used yet.
    pub fn delivered_code(&self, username: &Username) -> Option<String> {
        self.session_store.delivered_code(username)
    }

    /// Takes a request in. Never panics, whatever it says.
    pub fn handle(&mut self, now: Timestamp, origin: Origin, request: Request) -> Step {
        let now = self.monotonic(now);
        self.session_store.remove_expired(now);
        if !self.buckets.admit(now, &request) {
            return refuse(ApiError::too_many_requests());
        }
        self.select_client(request.client_id());
        let step = self.answer(now, origin, request);
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

    /// Goes on with a request when its arithmetic is done. What happened meanwhile is judged here.
    pub fn resume(&mut self, now: Timestamp, pending: Pending, done: JobResult) -> Step {
        let now = self.monotonic(now);
        let Pending { client_id, work } = pending;
        self.select_client(Some(client_id.as_str()));
        // A password that an administrator gives has nothing to do with the client that happens to be at
        // hand.
        let needs_no_client =
            matches!(&work, PendingWork::Account(pending_work) if !pending_work.is_client_request());
        if !needs_no_client && self.client.id != client_id {
            let message = format!("User pool client {client_id} does not exist.");
            return refuse(ApiError::new(ErrorKind::ResourceNotFound, message));
        }
        let answer = match (work, done) {
            (PendingWork::Account(pending_work), JobResult::Verifier(verifier)) => {
                return self.resume_account(now, pending_work, verifier);
            }
            (PendingWork::PasswordChallenge(pending_work), JobResult::PublicB { b, public_b }) => {
                self.challenge_password(now, pending_work, b, public_b)
            }
            (PendingWork::PasswordClaim(pending_work), JobResult::SessionKey(key)) => {
                self.verify_password_claim(now, pending_work, &key)
            }
            (PendingWork::PlainPassword(pending_work), JobResult::Verifier(verifier)) => {
                self.verify_plain_password(now, pending_work, &verifier)
            }
            (PendingWork::NewPassword(pending_work), JobResult::Verifier(verifier)) => {
                self.store_new_password(now, pending_work, verifier)
            }
            (PendingWork::DeviceChallenge(pending_work), JobResult::PublicB { b, public_b }) => {
                self.challenge_device(now, pending_work, b, public_b)
            }
            (PendingWork::DeviceClaim(pending_work), JobResult::SessionKey(key)) => {
                self.verify_device_claim(now, &pending_work, &key)
            }
            (_, JobResult::Failed(_)) => Err(ApiError::incorrect_credentials()),
            _ => Err(ApiError::internal("a job returned the result of another job")),
        };
        self.defer_signing(reply(answer))
    }

    /// Makes this client, if there is one of its id, the one whose request is at hand.
    fn select_client(&mut self, client_id: Option<&str>) {
        let Some(client_id) = client_id.filter(|id| *id != self.client.id.as_str()) else { return };
        if let Some(client) = self.other_clients.remove(&ClientId::new(client_id)) {
            let before = std::mem::replace(&mut self.client, client);
            if before.id != ClientId::EMPTY {
                self.other_clients.insert(before.id.clone(), before);
            }
        }
    }

    /// How long a challenge of the client at hand may be answered.
    fn session_validity(&self) -> Duration {
        self.client.validity.session.unwrap_or(self.policy.session_validity)
    }

    fn pending_work(&self, work: PendingWork) -> Pending {
        Pending { client_id: self.client.id.clone(), work }
    }

    /// Now, or the latest moment that the pool was told: a clock that steps back must not revive what has
    /// ended.
    fn monotonic(&mut self, now: Timestamp) -> Timestamp {
        self.latest = self.latest.max(now);
        self.latest
    }

    fn has_defect(&self, defect: Defect) -> bool {
        self.planted == Some(defect)
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
