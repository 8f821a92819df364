//! The pools of one account and region: who makes pools and app clients, and finds the pool that a request is
//! for. Sans-IO.
//!
//! As with a pool, time is an argument and arithmetic an effect: [`Provider::handle`] takes a request in and
//! gives a [`Step`]; [`Provider::resume`] goes on when the arithmetic is done. A request finds its pool by
//! `UserPoolId`, `ClientId`, access token or session; what it may do there is the pool's to say.

mod clients;
mod pools;
mod record;
mod risk;
mod route;
mod validity;

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::{Rng as _, RngExt as _};

use crate::{AppClient, Defect, Delivery, Pool, PoolIdentity, Rs256, SigningJob};
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::ids::{ClientId, PoolId};
use poolproof_cognito::jwt::Keys;
use poolproof_cognito::policy::PoolPolicy;
use poolproof_cognito::protocol::{
    AccountRequest, Answer, ApiError, ErrorKind, ManagementRequest, MfaConfig, Operation, Origin, Reply,
    Request, RiskConfiguration, SoftwareTokenConfig, ValiditySpec,
};
use poolproof_cognito::seed::Rng;
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{Group, Job, JobResult};

pub use clients::DEFAULT_FLOWS;
pub use record::{PoolRecord, ProviderChange, ProviderSnapshot};

/// Pools that an account may have, and clients that a pool may have: Cognito's default quotas.
const MAX_POOLS_OR_CLIENTS: usize = 1000;

/// What comes of a request.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a step is passed on once and never stored")]
pub enum Step {
    /// The answer.
    Answer(Result<Answer, ApiError>),
    /// Arithmetic to be done first; its result goes to [`Provider::resume`] together with the [`Pending`].
    Compute(Job, Pending),
    /// A pool's answer, but for the signatures of its tokens.
    Sign(Box<SigningJob>),
}

/// A request that waits for arithmetic.
#[derive(Debug)]
pub struct Pending {
    pool_id: PoolId,
    pending: crate::Pending,
}

/// The form of access and id tokens.
#[derive(Clone, Debug)]
pub enum Tokens {
    /// Only the pool can read them: two RSA signatures would hide what SRP costs.
    Opaque,
    /// Signed with these keys, which all pools of the account share.
    Rs256(Arc<Keys>),
}

/// What all pools of the account have in common.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// The region, with which the ids of pools begin.
    pub region: String,
    /// The address before `/<UserPoolId>` in `iss`, without a slash at its end.
    pub issuer: String,
    /// The form of tokens.
    pub tokens: Tokens,
    /// The group of the pools' SRP.
    pub group: Group,
    /// How much the account holds.
    pub limits: AccountLimits,
}

/// How much an account holds at most: a process has only so much memory, whatever it is asked and in which
/// order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountLimits {
    /// Users of all pools.
    pub users: usize,
    /// What is remembered of sign-ins in progress, a few entries each. For more the oldest are forgotten.
    pub pending: usize,
}

impl AccountLimits {
    /// Some hundred megabytes of each.
    pub const DEFAULT: Self = Self { users: 100_000, pending: 500_000 };
}

/// A pool and what is known of it besides.
#[derive(Debug)]
struct HostedPool {
    pool: Pool,
    /// What its secrets follow from.
    seed: [u8; 32],
    name: String,
    created: Timestamp,
    modified: Timestamp,
    mfa: MfaConfig,
    risk: RiskConfiguration,
    clients: BTreeMap<ClientId, ClientRecord>,
}

/// An app client and what is known of it besides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientRecord {
    /// What decides.
    pub client: AppClient,
    /// `ClientName`.
    pub name: String,
    /// `ExplicitAuthFlows`.
    pub flows: Vec<String>,
    /// `CreationDate`.
    pub created: Timestamp,
    /// `LastModifiedDate`.
    pub modified: Timestamp,
    /// What was said of validities; `client` has what comes of it.
    pub validity: ValiditySpec,
}

/// The pools of one account and region.
#[derive(Debug)]
pub struct Provider {
    config: ProviderConfig,
    pools: BTreeMap<PoolId, HostedPool>,
    /// Which pool a client belongs to.
    client_pools: BTreeMap<ClientId, PoolId>,
    rng: Rng,
    /// The pool that was asked last.
    last_pool: Option<PoolId>,
    /// The fault of every pool.
    planted: Option<Defect>,
    /// What was changed since it was asked last, where somebody wants to know.
    change_log: Option<record::ChangeLog>,
    /// Entries of sign-ins in progress that had to go before their end.
    evicted_count: u64,
}

impl Provider {
    /// An account without pools. All random values come from `rng`, but for the keys of RS256 tokens.
    pub const fn new(config: ProviderConfig, rng: Rng) -> Self {
        Self {
            config,
            pools: BTreeMap::new(),
            client_pools: BTreeMap::new(),
            rng,
            last_pool: None,
            planted: None,
            change_log: None,
            evicted_count: 0,
        }
    }

    /// The same with a fault planted in every pool that is made from now on. Only the tests' pools can have
    /// one.
    #[must_use]
    pub fn planted(self, planted: Option<Defect>) -> Self {
        Self { planted, ..self }
    }

    /// Adds a pool of this id, or replaces the one that has it; it has no client yet. `exceptions` are the
    /// addresses that threat protection, where it is enforced, always refuses or never looks at.
    pub fn add_pool(
        &mut self,
        now: Timestamp,
        pool_id: PoolId,
        name: &str,
        policy: PoolPolicy,
        exceptions: RiskExceptions,
    ) {
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        let mut hosted = self.host(now, &pool_id, name, policy, seed);
        hosted.pool = hosted.pool.with_exceptions(exceptions);
        self.mark_pool_changed(&pool_id);
        self.pools.insert(pool_id, hosted);
    }

    /// Whether there is this pool.
    pub fn has_pool(&self, pool_id: &PoolId) -> bool {
        self.pools.contains_key(pool_id)
    }

    /// The pool that has this client.
    pub fn pool_of_client(&self, client_id: &ClientId) -> Option<&PoolId> {
        self.client_pools.get(client_id)
    }

    /// A new pool whose secrets follow from `seed`.
    fn host(
        &self,
        now: Timestamp,
        pool_id: &PoolId,
        name: &str,
        policy: PoolPolicy,
        seed: [u8; 32],
    ) -> HostedPool {
        let identity =
            PoolIdentity { pool_id: pool_id.clone(), client_id: ClientId::EMPTY, group: self.config.group };
        let pool =
            Pool::new(identity, policy, poolproof_cognito::seed::rng_from_bytes(seed)).planted(self.planted);
        let pool = if self.change_log.is_some() { pool.with_change_log() } else { pool };
        let pool = match &self.config.tokens {
            Tokens::Opaque => pool,
            Tokens::Rs256(keys) => {
                let issuer = format!("{}/{pool_id}", self.config.issuer);
                pool.with_rs256(Rs256 { keys: Arc::clone(keys), issuer })
            }
        };
        let mfa = MfaConfig {
            software_token: Some(SoftwareTokenConfig { enabled: Some(true) }),
            ..MfaConfig::default()
        };
        HostedPool {
            pool,
            seed,
            name: name.to_owned(),
            created: now,
            modified: now,
            mfa,
            risk: RiskConfiguration::default(),
            clients: BTreeMap::new(),
        }
    }

    /// A stream of its own for a pool.
    fn new_rng(&mut self) -> Rng {
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        poolproof_cognito::seed::rng_from_bytes(seed)
    }

    /// Adds a client of this pool, if there is the pool.
    pub fn add_client(
        &mut self,
        now: Timestamp,
        pool_id: &PoolId,
        client: AppClient,
        name: &str,
        flows: &[&str],
    ) {
        let Some(hosted) = self.pools.get_mut(pool_id) else { return };
        let flows = flows.iter().map(|flow| (*flow).to_owned()).collect();
        let id = client.id.clone();
        self.client_pools.insert(id.clone(), pool_id.clone());
        hosted.put_client(ClientRecord {
            client,
            name: name.to_owned(),
            flows,
            created: now,
            modified: now,
            validity: ValiditySpec::default(),
        });
        self.mark_client_changed(pool_id, &id);
    }

    /// A pool, for adding users beforehand.
    pub fn pool_mut(&mut self, pool_id: &PoolId) -> Option<&mut Pool> {
        self.pools.get_mut(pool_id).map(|hosted| &mut hosted.pool)
    }

    /// The `iss` of a pool's tokens and their public keys as a JSON Web Key Set; `None` for a pool that
    /// nobody has, or whose tokens are opaque.
    pub fn issuer(&self, pool_id: &str) -> Option<(String, String)> {
        let Tokens::Rs256(keys) = &self.config.tokens else { return None };
        let pool_id = PoolId::new(pool_id);
        let known = self.pools.contains_key(&pool_id);
        known.then(|| (format!("{}/{pool_id}", self.config.issuer), keys.jwks()))
    }

    /// How many pools and how many users there are.
    pub fn counts(&self) -> (usize, usize) {
        (self.pools.len(), self.pools.values().map(|hosted| hosted.pool.users()).sum())
    }

    /// The messages that the pool which was asked last has sent since.
    pub fn take_deliveries(&mut self) -> Vec<(PoolId, Delivery)> {
        let Some(pool_id) = &self.last_pool else { return Vec::new() };
        let Some(hosted) = self.pools.get_mut(pool_id) else { return Vec::new() };
        hosted.pool.take_deliveries().into_iter().map(|delivery| (pool_id.clone(), delivery)).collect()
    }

    /// Takes a request in. Never panics, whatever it says.
    pub fn handle(&mut self, now: Timestamp, origin: Origin, operation: Operation) -> Step {
        let found = match &operation {
            Operation::Manage(_) => Ok(None),
            Operation::Pool(request) => self.find(&route::of_request(request)).map(Some),
            Operation::Account(request) => self.find(&route::of_account_request(request)).map(Some),
        };
        let pool_id = match found.and_then(|found| self.enforce_limits(now, &operation).map(|()| found)) {
            Ok(found) => found,
            Err(error) => return Step::Answer(Err(error)),
        };
        let hosted = pool_id.as_ref().and_then(|pool_id| self.pools.get_mut(pool_id));
        let step = match (operation, hosted) {
            (Operation::Manage(request), _) => return Step::Answer(self.manage(now, request)),
            (Operation::Pool(request), Some(hosted)) => hosted.pool.handle(now, origin, request),
            (Operation::Account(request), Some(hosted)) => hosted.pool.handle_account(now, origin, request),
            (_, None) => {
                return Step::Answer(Err(ApiError::internal("the pool of the request does not exist")));
            }
        };
        self.last_pool.clone_from(&pool_id);
        pool_id.map_or_else(
            || Step::Answer(Err(ApiError::internal("the pool has no id"))),
            |pool_id| from_pool_step(pool_id, step),
        )
    }

    /// Sees to it that the account holds no more than it may: further users are refused; for another sign-in
    /// what has ended is forgotten, and if that is not enough, what is oldest in the pool that has most. So
    /// whoever begins sign-ins by the thousand takes the room of their own, and nobody is shut out.
    fn enforce_limits(&mut self, now: Timestamp, operation: &Operation) -> Result<(), ApiError> {
        let AccountLimits { users, pending } = self.config.limits;
        match operation {
            Operation::Account(AccountRequest::AdminCreateUser(_) | AccountRequest::SignUp(_))
                if self.counts().1 >= users =>
            {
                let message = format!("You have exceeded your user limit: {users} users of all pools.");
                Err(ApiError::new(ErrorKind::LimitExceeded, message))
            }
            Operation::Pool(Request::InitiateAuth(_))
            | Operation::Account(AccountRequest::AdminInitiateAuth(_))
                if self.pending() >= pending =>
            {
                self.pools.values_mut().for_each(|hosted| hosted.pool.remove_expired(now));
                while self.pending() >= pending {
                    let fullest = self.pools.values_mut().max_by_key(|hosted| hosted.pool.pending());
                    if !fullest.is_some_and(|hosted| hosted.pool.evict_oldest()) {
                        break;
                    }
                    self.evicted_count += 1;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What is remembered of sign-ins in all pools.
    fn pending(&self) -> usize {
        self.pools.values().map(|hosted| hosted.pool.pending()).sum()
    }

    /// How many entries of sign-ins in progress were forgotten before their end, for want of room.
    pub const fn evicted_count(&self) -> u64 {
        self.evicted_count
    }

    /// Goes on with a request when its arithmetic is done.
    pub fn resume(&mut self, now: Timestamp, pending: Pending, done: JobResult) -> Step {
        let Pending { pool_id, pending } = pending;
        let Some(hosted) = self.pools.get_mut(&pool_id) else {
            // Deleted meanwhile.
            return Step::Answer(Err(pool_not_found(pool_id.as_str())));
        };
        let step = hosted.pool.resume(now, pending, done);
        self.last_pool = Some(pool_id.clone());
        from_pool_step(pool_id, step)
    }

    fn manage(&mut self, now: Timestamp, request: ManagementRequest) -> Result<Answer, ApiError> {
        let managed = match request {
            ManagementRequest::CreateUserPool(spec) => self.create_pool(now, &spec),
            ManagementRequest::DescribeUserPool(call) => self.describe_pool(&call),
            ManagementRequest::UpdateUserPool(spec) => self.update_pool(now, spec),
            ManagementRequest::ListUserPools(request) => self.list_pools(&request),
            ManagementRequest::DeleteUserPool(call) => self.delete_pool(&call),
            ManagementRequest::SetUserPoolMfaConfig(config) => self.set_mfa(now, config),
            ManagementRequest::GetUserPoolMfaConfig(call) => self.get_mfa(&call),
            ManagementRequest::SetRiskConfiguration(config) => self.set_risk(now, config),
            ManagementRequest::DescribeRiskConfiguration(call) => self.describe_risk(&call),
            ManagementRequest::CreateUserPoolClient(spec) => self.create_client(now, &spec),
            ManagementRequest::DescribeUserPoolClient(call) => self.describe_client(&call),
            ManagementRequest::UpdateUserPoolClient(spec) => self.update_client(now, &spec),
            ManagementRequest::ListUserPoolClients(request) => self.list_clients(&request),
            ManagementRequest::DeleteUserPoolClient(call) => self.delete_client(&call),
        };
        managed.map(Answer::ManagementResponse)
    }

    fn hosted(&self, pool_id: &str) -> Result<&HostedPool, ApiError> {
        self.pools.get(&PoolId::new(pool_id)).ok_or_else(|| pool_not_found(pool_id))
    }

    fn hosted_mut(&mut self, pool_id: &str) -> Result<&mut HostedPool, ApiError> {
        self.pools.get_mut(&PoolId::new(pool_id)).ok_or_else(|| pool_not_found(pool_id))
    }

    /// Small letters and digits, or all letters and digits.
    fn random_text(&mut self, length: usize, small: bool) -> String {
        let letters = (&mut self.rng).sample_iter(rand::distr::Alphanumeric).map(char::from);
        letters.filter(|letter| !small || !letter.is_ascii_uppercase()).take(length).collect()
    }
}

impl HostedPool {
    fn put_client(&mut self, record: ClientRecord) {
        self.pool.put_client(record.client.clone());
        self.clients.insert(record.client.id.clone(), record);
    }
}

fn from_pool_step(pool_id: PoolId, step: crate::Step) -> Step {
    match step {
        crate::Step::Reply(reply) => Step::Answer(to_answer(reply)),
        crate::Step::Compute(job, pending) => Step::Compute(job, Pending { pool_id, pending }),
        crate::Step::Sign(signing) => Step::Sign(signing),
    }
}

/// A pool's reply as an answer.
pub fn to_answer(reply: Reply) -> Result<Answer, ApiError> {
    reply.map(Answer::Pool)
}

fn pool_not_found(pool_id: &str) -> ApiError {
    let shown: String = pool_id.chars().take(64).collect();
    ApiError::new(ErrorKind::ResourceNotFound, format!("User pool {shown} does not exist."))
}

/// A word of the API, or why it is none.
fn word<T: Copy>(words: &[(&str, T)], key: &str, text: &str) -> Result<T, ApiError> {
    let known = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
    known.ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        ApiError::invalid_parameter(format!(
            "1 validation error detected: Value '{}' at '{key}' failed to satisfy constraint: Member must satisfy enum \
             value set: [{}]",
            text.chars().take(64).collect::<String>(),
            words.join(", ")
        ))
    })
}
