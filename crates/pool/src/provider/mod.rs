//! The pools of one account and region. The provider creates pools and app clients and routes each request to
//! its pool. Sans-IO.
//!
//! As in a pool, time is an argument and arithmetic an effect. [`Provider::handle`] takes a request and
//! returns a [`Step`]; [`Provider::resume`] continues after the arithmetic. A request is routed by
//! `UserPoolId`, `ClientId`, access token or session. The pool decides what the request may do.

mod account_settings;
mod clients;
mod config;
mod described;
mod memory;
mod pools;
mod recheck;
mod record;
mod risk;
mod route;
mod settings;
mod tags;
mod validity;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rand::{Rng as _, RngExt as _};

use crate::quota::{self, CategoryBuckets, Level, PoolOperation};
use crate::{
    AppClient, CustomAuth, Defect, Delivery, Pool, PoolIdentity, Rs256, SigningJob, TriggerCall,
    TriggerFailure,
};
use memory::MemoryCounts;
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::ids::{ClientId, PoolId};
use poolproof_cognito::policy::PoolPolicy;
use poolproof_cognito::protocol::{
    AccountRequest, ApiError, ErrorKind, ManagementRequest, MfaConfig, Operation, OperationResponse, Origin,
    Reply, Request, RiskConfiguration, SoftwareTokenConfig, ValiditySpec,
};
use poolproof_cognito::seed::Rng;
use poolproof_cognito::time::Timestamp;
use poolproof_srp::{Job, JobResult};
use settings::RequestedSettings;

pub use clients::{ClientRecord, DEFAULT_FLOWS};
pub use config::{AccountLimits, Issuer, ProviderConfig, Tokens};
pub use described::Description;
pub use memory::MemoryStatus;
pub use record::{PoolRecord, ProviderChange, ProviderSnapshot};

/// Most pools of an account and clients of a pool: Cognito's default quotas.
const MAX_POOLS_OR_CLIENTS: usize = 1000;

/// The result of a request.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a step is passed on once and never stored")]
pub enum Step {
    /// The answer.
    Reply(Result<OperationResponse, ApiError>),
    /// Arithmetic that must run first; pass its result to [`Provider::resume`] with the [`Pending`].
    Compute(Job, Pending),
    /// A pool's answer without the signatures of its tokens.
    Sign(Box<SigningJob>),
    /// A call of a trigger at an endpoint; pass its answer and the [`Pending`] to
    /// [`Provider::resume_trigger`].
    Trigger(Box<TriggerCall>, Pending),
}

/// The result of a call: the pool that handled the request, if one did, and the step that follows.
#[derive(Debug)]
pub struct Handled {
    /// The pool that handled the request. Pass it to [`Provider::take_deliveries`] and
    /// [`Provider::take_changes`].
    pub pool_id: Option<PoolId>,
    /// The step that follows.
    pub step: Step,
}

/// A request that waits for arithmetic.
#[derive(Debug)]
pub struct Pending {
    pool_id: PoolId,
    inner: crate::Pending,
    /// Whether the request named its pool, and not an app client or an access token.
    named_pool: bool,
}

/// The requests of each operation.
type OperationBuckets = HashMap<PoolOperation, Level>;

/// A pool with its metadata.
#[derive(Debug)]
struct HostedPool {
    pool: Pool,
    /// The seed of its secrets.
    seed: [u8; 32],
    name: String,
    created: Timestamp,
    modified: Timestamp,
    mfa: MfaConfig,
    risk: RiskConfiguration,
    tags: BTreeMap<String, String>,
    settings: RequestedSettings,
    clients: BTreeMap<ClientId, ClientRecord>,
    /// The requests for the pool's resources and clients, by operation.
    operations: OperationBuckets,
}

/// The pools of one account and region.
#[derive(Debug)]
pub struct Provider {
    config: ProviderConfig,
    pools: BTreeMap<PoolId, HostedPool>,
    /// The pool of each client.
    client_pools: BTreeMap<ClientId, PoolId>,
    buckets: CategoryBuckets,
    rng: Rng,
    /// The defect of every pool.
    defect: Option<Defect>,
    /// Changes since the last query, if changes are recorded.
    change_log: Option<record::ChangeLog>,
    /// Number of entries of sign-ins that were removed before they expired.
    evicted_count: u64,
    /// Bytes of the requested settings of all pools and app clients.
    settings_bytes: usize,
    memory: MemoryCounts,
}

impl Provider {
    /// Returns an account without pools. All random values derive from `rng`, except the keys of RS256
    /// tokens.
    pub fn new(config: ProviderConfig, rng: Rng) -> Self {
        Self {
            config,
            pools: BTreeMap::new(),
            client_pools: BTreeMap::new(),
            buckets: CategoryBuckets::default(),
            rng,
            defect: None,
            change_log: None,
            evicted_count: 0,
            settings_bytes: 0,
            memory: MemoryCounts::default(),
        }
    }

    /// Plants a defect in every pool that is added from now on. Does nothing without the feature `defects`.
    #[must_use]
    pub fn with_defect(self, defect: Option<Defect>) -> Self {
        Self { defect, ..self }
    }

    /// Adds a pool or replaces the one with the same id; it has no client yet. Its quotas are those of the
    /// account. Threat protection, if
    /// enforced, always blocks or never assesses the addresses in `exceptions`.
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

    /// Sets what decides about custom challenges in this pool, if the pool exists.
    pub fn set_custom_auth(&mut self, pool_id: &PoolId, custom_auth: Option<CustomAuth>) {
        if let Some(hosted) = self.hosted_pool_mut(pool_id) {
            hosted.pool.set_custom_auth(custom_auth);
        }
    }

    /// Returns whether the pool exists.
    pub fn has_pool(&self, pool_id: &PoolId) -> bool {
        self.pools.contains_key(pool_id)
    }

    /// Returns the pool of this client.
    pub fn pool_of_client(&self, client_id: &ClientId) -> Option<&PoolId> {
        self.client_pools.get(client_id)
    }

    /// Returns the ids of this pool's clients.
    pub fn client_ids(&self, pool_id: &PoolId) -> Vec<&str> {
        let clients =
            self.pools.get(pool_id).map(|hosted| hosted.clients.keys().map(ClientId::as_str).collect());
        clients.unwrap_or_default()
    }

    /// Creates a pool whose secrets derive from `seed`.
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
        let policy = PoolPolicy { quotas: self.config.quotas, ..policy };
        let pool = Pool::new(identity, policy, poolproof_cognito::seed::rng_from_bytes(seed))
            .without_category_quotas()
            .with_defect(self.defect);
        let pool = if self.change_log.is_some() { pool.with_change_log() } else { pool };
        let pool = match &self.config.tokens {
            Tokens::Opaque => pool,
            Tokens::Rs256(keys) => {
                let issuer = self.config.issuer.of(pool_id);
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
            tags: BTreeMap::new(),
            settings: RequestedSettings::default(),
            clients: BTreeMap::new(),
            operations: OperationBuckets::default(),
        }
    }

    /// Returns a separate random generator for a pool.
    fn new_rng(&mut self) -> Rng {
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        poolproof_cognito::seed::rng_from_bytes(seed)
    }

    /// Adds a client to this pool, if the pool exists.
    pub fn add_client(
        &mut self,
        now: Timestamp,
        pool_id: &PoolId,
        client: AppClient,
        name: &str,
        flows: &[&str],
    ) {
        let flows = flows.iter().map(|flow| (*flow).to_owned()).collect();
        let record = ClientRecord {
            client,
            name: name.to_owned(),
            flows,
            created: now,
            modified: now,
            validity: ValiditySpec::default(),
            risk: None,
            settings: String::new(),
        };
        self.put_new_client(pool_id, record);
    }

    fn put_new_client(&mut self, pool_id: &PoolId, record: ClientRecord) {
        let Some(hosted) = self.hosted_pool_mut(pool_id) else { return };
        let id = record.client.id.clone();
        hosted.put_client(record);
        self.mark_client_changed(pool_id, &id);
        self.client_pools.insert(id, pool_id.clone());
    }

    /// Returns a pool, to add users before a run.
    pub fn pool_mut(&mut self, pool_id: &PoolId) -> Option<&mut Pool> {
        self.hosted_pool_mut(pool_id).map(|hosted| &mut hosted.pool)
    }

    /// Returns the `iss` of a pool's tokens and the public keys as a JSON Web Key Set. Returns `None` if the
    /// pool does not exist or its tokens are opaque.
    pub fn issuer(&self, pool_id: &str) -> Option<(String, String)> {
        let Tokens::Rs256(keys) = &self.config.tokens else { return None };
        let pool_id = PoolId::new(pool_id);
        let known = self.pools.contains_key(&pool_id);
        known.then(|| (self.config.issuer.of(&pool_id), keys.jwks()))
    }

    /// Returns the numbers of pools and users.
    pub fn counts(&self) -> (usize, usize) {
        (self.pools.len(), self.pools.values().map(|hosted| hosted.pool.users()).sum())
    }

    /// Removes and returns the messages that this pool has sent.
    pub fn take_deliveries(&mut self, pool_id: &PoolId) -> Vec<Delivery> {
        self.hosted_pool_mut(pool_id).map(|hosted| hosted.pool.take_deliveries()).unwrap_or_default()
    }

    /// Handles a request. Never panics, whatever the request contains.
    pub fn handle(&mut self, now: Timestamp, origin: Origin, operation: Operation) -> Handled {
        if !self.admit(now, &operation) {
            return Handled { pool_id: None, step: Step::Reply(Err(ApiError::too_many_requests())) };
        }
        let found = match &operation {
            Operation::Management(_) => Ok(None),
            Operation::Pool(request) => self.find(&route::of_request(request)).map(Some),
            Operation::Account(request) => self.find(&route::of_account_request(request)).map(Some),
        };
        let checked = found.and_then(|found| {
            let signs_up = matches!(&operation, Operation::Account(AccountRequest::SignUp(_)));
            if let Some(pool_id) = found.as_ref().filter(|_| signs_up) {
                self.check_sign_up(pool_id)?;
            }
            self.enforce_limits(now, &operation).map(|()| found)
        });
        let pool_id = match checked {
            Ok(pool_id) => pool_id,
            Err(error) => return Handled { pool_id: None, step: Step::Reply(Err(error)) },
        };
        let hosted = pool_id.as_ref().and_then(|pool_id| Some((pool_id, self.hosted_pool_mut(pool_id)?)));
        let step = match (operation, hosted) {
            (Operation::Management(request), _) => Step::Reply(self.manage(now, request)),
            (Operation::Pool(request), Some((pool_id, hosted))) => {
                from_pool_step(pool_id, false, hosted.pool.handle(now, origin, request))
            }
            (Operation::Account(request), Some((pool_id, hosted))) => {
                let named_pool = matches!(route::of_account_request(&request), route::Route::Pool(_));
                from_pool_step(pool_id, named_pool, hosted.pool.handle_account(now, origin, request))
            }
            (_, None) => Step::Reply(Err(ApiError::internal("the pool of the request does not exist"))),
        };
        self.enforce_memory(now);
        Handled { pool_id, step }
    }

    /// Returns whether the account's quotas admit a request, and counts it. Requests about users of all pools
    /// count together. Each operation on the resources and clients of a pool counts for that pool as well.
    fn admit(&mut self, now: Timestamp, operation: &Operation) -> bool {
        let quotas = self.config.quotas;
        let (bucket, limited) = quota::of_operation(operation);
        if let Some((operation, pool_id)) = limited
            && let Some(hosted) = self.pools.get_mut(&PoolId::new(pool_id))
            && !hosted.operations.entry(operation).or_default().take(now, quotas.operation_per_pool)
        {
            return false;
        }
        self.buckets.admit(now, &quotas, bucket)
    }

    /// Enforces the account's limits. Further users are refused. For another sign-in, expired entries are
    /// removed first, then the oldest of the pool with the most entries. So a client that starts many
    /// sign-ins displaces its own pool's entries and does not lock out other pools.
    fn enforce_limits(&mut self, now: Timestamp, operation: &Operation) -> Result<(), ApiError> {
        let AccountLimits { pending, .. } = self.config.limits;
        self.check_memory(operation)?;
        match operation {
            Operation::Account(AccountRequest::AdminCreateUser(_) | AccountRequest::SignUp(_)) => {
                self.check_user_limit()
            }
            Operation::Pool(Request::InitiateAuth(_))
            | Operation::Account(AccountRequest::AdminInitiateAuth(_))
                if self.pending() >= pending =>
            {
                self.remove_expired(now);
                while self.pending() >= pending {
                    if !self.fullest_pool(Pool::pending).is_some_and(Pool::evict_oldest) {
                        break;
                    }
                    self.evicted_count += 1;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Returns the number of stored sign-in entries of all pools.
    fn pending(&self) -> usize {
        self.pools.values().map(|hosted| hosted.pool.pending()).sum()
    }

    /// Returns how many sign-in entries were removed before they expired because a limit was reached.
    pub const fn evicted_count(&self) -> u64 {
        self.evicted_count
    }

    /// Continues a request with the result of its job.
    pub fn resume(&mut self, now: Timestamp, pending: Pending, done: JobResult) -> Handled {
        self.resume_in_pool(now, pending, |pool, inner| pool.resume(now, inner, done))
    }

    /// Continues a request with what an endpoint answered for a trigger.
    pub fn resume_trigger(
        &mut self,
        now: Timestamp,
        pending: Pending,
        answer: Result<Vec<u8>, TriggerFailure>,
    ) -> Handled {
        self.resume_in_pool(now, pending, |pool, inner| pool.resume_trigger(now, inner, answer))
    }

    fn manage(&mut self, now: Timestamp, request: ManagementRequest) -> Result<OperationResponse, ApiError> {
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
            ManagementRequest::TagResource(request) => self.tag(request),
            ManagementRequest::UntagResource(request) => self.untag(&request),
            ManagementRequest::ListTagsForResource(request) => self.list_tags(&request),
        };
        managed.map(OperationResponse::Management)
    }

    fn hosted(&self, pool_id: &str) -> Result<&HostedPool, ApiError> {
        self.pools.get(&PoolId::new(pool_id)).ok_or_else(|| pool_not_found(pool_id))
    }

    fn hosted_mut(&mut self, pool_id: &str) -> Result<&mut HostedPool, ApiError> {
        self.hosted_pool_mut(&PoolId::new(pool_id)).ok_or_else(|| pool_not_found(pool_id))
    }

    /// Returns random lower-case letters and digits (`small`), or letters of both cases and digits.
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

fn from_pool_step(pool_id: &PoolId, named_pool: bool, step: crate::Step) -> Step {
    let pending = |inner| Pending { pool_id: pool_id.clone(), inner, named_pool };
    match step {
        crate::Step::Reply(reply) => Step::Reply(to_operation_response(reply)),
        crate::Step::Compute(job, inner) => Step::Compute(job, pending(inner)),
        crate::Step::Sign(signing) => Step::Sign(signing),
        crate::Step::Trigger(call, inner) => Step::Trigger(call, pending(inner)),
    }
}

/// Converts a pool's reply to an answer.
pub fn to_operation_response(reply: Reply) -> Result<OperationResponse, ApiError> {
    reply.map(OperationResponse::Pool)
}

fn pool_not_found(pool_id: &str) -> ApiError {
    let shown: String = pool_id.chars().take(64).collect();
    ApiError::new(ErrorKind::ResourceNotFound, format!("User pool {shown} does not exist."))
}

/// Parses an enumeration value of the API. Requests over HTTP are checked against the API model before.
fn word<T: Copy>(words: &[(&str, T)], key: &str, text: &str) -> Result<T, ApiError> {
    let known = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
    known.ok_or_else(|| ApiError::invalid_parameter(format!("Unknown value of {key}.")))
}
