//! `poolproof serve`: a pool over HTTP.

use std::net::SocketAddr;
use std::num::NonZero;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, available_parallelism};
use std::time::Duration;

use super::check::render_diagnostic;
use super::line_writer::LineWriter;
use super::memory_size::default_memory;
use super::open_files::raise_open_file_limit;
use super::serve_args::{EXPOSE_HINT, ServeArgs, TokensArg, bind_listener};
use super::{Exit, print_stderr, print_stdout};
use crate::clock::{Clock, ClockKind};
use crate::http::server::{self, DurableState, ServerLimits, ShutdownKind, TriggerEndpoint, WebAccess};
use crate::input;
use crate::scenario::{self, GroupName};
use crate::settings::{PoolSettings, SourceKind, Unsimulated};
use crate::store::{INTEGRITY_CHECK_THREAD, ReadAccess, StateFileError, StateWriter, Store, StoredState};
use poolproof_cognito::ids::{ClientId, PoolId};
use poolproof_cognito::jwt::Keys;
use poolproof_cognito::protocol::ApiError;
use poolproof_cognito::seed::{Rng, Seed, rng_from_bytes};
use poolproof_cognito::time::Timestamp;
use poolproof_pool::provider::{AccountLimits, Issuer, Provider, ProviderConfig, Tokens};
use poolproof_pool::{AppClient, CustomAuth, PasswordFlow};
use poolproof_srp::Group;
use serde_json::Value;

/// The flows of the first client. The last one is not allowed with rotation.
const FLOWS: [&str; 6] = [
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_USER_AUTH",
    "ALLOW_CUSTOM_AUTH",
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
];

/// Serves the pool until a signal.
pub(super) fn serve(args: &ServeArgs) -> Exit {
    match try_serve(args) {
        Ok(exit) => exit,
        Err((exit, message)) => {
            print_stderr(&message);
            exit
        }
    }
}

fn try_serve(args: &ServeArgs) -> Result<Exit, (Exit, String)> {
    let usage = |message: String| (Exit::Usage, format!("error: {message}"));
    check_options(args).map_err(usage)?;
    let address = args.listen;
    let (settings, rotation) = read(args).map_err(|message| (Exit::InvalidScenario, message))?;
    let pool_id = pool_id(args, &settings).map_err(usage)?;
    let triggers = triggers(args, &settings).map_err(usage)?;
    let (address, listener) = bind_listener(address, "--listen").map_err(usage)?;
    let internal = |error: String| (Exit::Internal, format!("error: {error}"));
    let rng = rng(args.seed).map_err(internal)?;
    let (store, kept) =
        opened(args).map_err(usage)?.map_or_else(Default::default, |(store, kept)| (Some(store), kept));
    let tokens = match args.tokens {
        TokensArg::Opaque => Tokens::Opaque,
        TokensArg::Rs256 => Tokens::Rs256(Arc::new(signing_keys(args, store.as_ref(), &kept)?)),
    };
    let url = format!("http://{address}");
    let provider_settings = ProviderConfig {
        region: pool_id.region().to_owned(),
        issuer: args.issuer.clone().unwrap_or_else(|| Issuer::Url(url.clone())),
        tokens,
        group: Group::cognito(),
        limits: AccountLimits {
            users: usize::try_from(args.users).unwrap_or(usize::MAX),
            memory: usize::try_from(args.memory.unwrap_or_else(default_memory)).unwrap_or(usize::MAX / 2),
            ..AccountLimits::DEFAULT
        },
        switches: settings.policy.switches,
        quotas: settings.policy.quotas,
    };
    let now = Clock::start(ClockKind::Wall).now();
    let custom_auth = custom_auth(args, &settings);
    let restored_auth = (pool_id.clone(), custom_auth.clone());
    let mut provider = Provider::new(provider_settings.clone(), rng);
    let mut pool_was_restored = false;
    if let Some(store) = &store {
        provider = provider.with_change_log();
        restore(&mut provider, args, kept).map_err(usage)?;
        check_memory(&mut provider, args).map_err(usage)?;
        pool_was_restored = provider.has_pool(&pool_id);
        add(&mut provider, now, args, &pool_id, settings, custom_auth, rotation).map_err(usage)?;
        store.write(&provider.take_changes(None)).map_err(|error| usage(state_file_error(args, &error)))?;
    } else {
        add(&mut provider, now, args, &pool_id, settings, custom_auth, rotation).map_err(usage)?;
    }
    let clients = provider.client_ids(&pool_id).join(", ");
    print_stdout(&format!("Serving pool {pool_id} with client {clients} at {url}\n"));
    print_state_summary(&provider, pool_was_restored.then_some(&pool_id), args);
    print_notes(args, address, &url);
    let durable = store.map(|store| durable_state(store, provider_settings, restored_auth));
    let durable = durable.transpose().map_err(|error| internal(error.to_string()))?;
    // A reader that has stopped is no reason to stop serving.
    let line_writer = LineWriter::start(|line| {
        let _ = print_stdout(&format!("{line}\n"));
    });
    let line_writer = line_writer.map_err(|error| internal(error.to_string()))?;
    let lines = line_writer.lines();
    let _log = args.log.start();
    let quiet = args.quiet;
    let log_line = Arc::new(move |line: &str| {
        if !quiet {
            lines.log_line(line);
        }
    });
    let ended = server::serve(provider, listener, limits(args), log_line, durable, triggers);
    match ended.map_err(|error| internal(error.to_string()))? {
        ShutdownKind::Graceful => Ok(Exit::Pass),
        ShutdownKind::Immediate => {
            print_stderr("ended at once: requests in flight were not answered");
            Ok(Exit::Interrupted)
        }
    }
}

/// Prints where codes are, and a warning if other machines can reach the server.
fn print_notes(args: &ServeArgs, address: SocketAddr, url: &str) {
    if !args.quiet {
        print_stderr(&format!("Codes are printed and kept at {url}/outbox. Ctrl-C stops the server."));
    }
    if !address.ip().is_loopback() {
        print_stderr(
            "warning: every client that reaches this port is an administrator; use made-up users only",
        );
    }
}

/// Starts to write the state file. After a failure to write, the account is made again from the file.
fn durable_state(
    store: Store,
    config: ProviderConfig,
    (pool_id, custom_auth): (PoolId, Option<CustomAuth>),
) -> std::io::Result<DurableState> {
    let restore = move |records| {
        let mut provider = Provider::new(config.clone(), rng(None)?).with_change_log();
        provider.restore(records).map_err(|error| error.to_string())?;
        provider.set_custom_auth(&pool_id, custom_auth.clone());
        Ok(provider)
    };
    Ok(DurableState::new(StateWriter::start(store)?, Box::new(restore)))
}

/// Returns what decides about the custom challenges of the first pool.
fn custom_auth(args: &ServeArgs, settings: &PoolSettings) -> Option<CustomAuth> {
    let challenges = Some(&settings.custom_auth).filter(|challenges| !challenges.is_empty());
    match args.triggers {
        Some(_) => Some(CustomAuth::Endpoint),
        None => challenges.cloned().map(CustomAuth::Challenges),
    }
}

/// Returns the endpoint of the triggers, if one is given.
fn triggers(args: &ServeArgs, settings: &PoolSettings) -> Result<Option<TriggerEndpoint>, String> {
    let Some(address) = &args.triggers else { return Ok(None) };
    if !settings.custom_auth.is_empty() {
        return Err("give either --triggers or `pool.custom_auth` in the scenario".to_owned());
    }
    TriggerEndpoint::parse(address).map(Some).map_err(|why| format!("--triggers {why}"))
}

fn state_file_error(args: &ServeArgs, error: &dyn std::fmt::Display) -> String {
    let file = args.state.as_deref().unwrap_or_else(|| Path::new("")).display();
    format!("--state {file}: {error}")
}

/// Opens the state file, if one is named, and reads its content.
fn opened(args: &ServeArgs) -> Result<Option<(Store, StoredState)>, String> {
    let Some(file) = &args.state else { return Ok(None) };
    let (store, kept) =
        without_panic_output(|| Store::open(file)).map_err(|error| state_file_error(args, &error))?;
    let shown = file.display();
    match kept.read_access {
        ReadAccess::OwnerOnly => {}
        ReadAccess::Restricted => {
            print_stderr(&format!(
                "note: {shown} was readable by other users; now only its owner can read it"
            ));
        }
        ReadAccess::OthersCanRead => {
            print_stderr(&format!("warning: {shown} contains secrets, and other users can read it"));
        }
    }
    Ok(Some((store, kept)))
}

/// Opens a store without printing the database's panic message: damage is returned as an error.
fn without_panic_output<T>(open: impl FnOnce() -> T) -> T {
    let usual = Arc::new(panic::take_hook());
    let kept = Arc::clone(&usual);
    panic::set_hook(Box::new(move |panicked| {
        if thread::current().name() != Some(INTEGRITY_CHECK_THREAD) {
            usual(panicked);
        }
    }));
    let opened = open();
    panic::set_hook(Box::new(move |panicked| kept(panicked)));
    opened
}

/// Returns the keys of the state, or new ones, which are saved.
fn signing_keys(args: &ServeArgs, store: Option<&Store>, kept: &StoredState) -> Result<Keys, (Exit, String)> {
    let internal = |error: String| (Exit::Internal, format!("error: {error}"));
    if let Some([access, id]) = &kept.keys {
        return Keys::from_pkcs8(access, id)
            .ok_or_else(|| internal("the state file contains no valid signing keys".to_owned()));
    }
    let keys = Keys::generate().map_err(|error| internal(error.to_string()))?;
    if let Some(store) = store {
        let written =
            keys.to_pkcs8().ok_or_else(|| internal("the signing keys cannot be written".to_owned()))?;
        store
            .write_keys(&written)
            .map_err(|error| (Exit::Usage, format!("error: {}", state_file_error(args, &error))))?;
    }
    Ok(keys)
}

/// Restores the state into an account without pools.
fn restore(provider: &mut Provider, args: &ServeArgs, kept: StoredState) -> Result<(), String> {
    let damaged = |error| state_file_error(args, &StateFileError::Damaged(format!("{error}")));
    provider.restore(kept.records).map_err(damaged)
}

/// Checks that what was restored leaves room for sign-ins.
fn check_memory(provider: &mut Provider, args: &ServeArgs) -> Result<(), String> {
    let status = provider.memory_status();
    let (used, budget) = (status.used.accounts, status.budget);
    let sufficient = status.sufficient_budget().div_ceil(1_000_000);
    let message = |effect: &str| {
        let sizes = format!("users, pools and app clients use {used} bytes of a memory budget of {budget}");
        state_file_error(args, &format!("{sizes}, so {effect}; use --memory {sufficient}MB or more"))
    };
    if !status.admits_sign_ins() {
        return Err(message("no user could sign in"));
    }
    if !status.admits_sign_ups() {
        print_stderr(&format!("warning: {}", message("users cannot sign up")));
    }
    Ok(())
}

/// Adds the pool and its clients, unless the state contains them.
fn add(
    provider: &mut Provider,
    now: Timestamp,
    args: &ServeArgs,
    pool_id: &PoolId,
    settings: PoolSettings,
    custom_auth: Option<CustomAuth>,
    rotation: Option<Duration>,
) -> Result<(), String> {
    let PoolSettings { name, policy, exceptions, description, .. } = settings;
    let invalid = |error: ApiError| format!("{}: {}", file_names(args), error.message);
    if !provider.has_pool(pool_id) {
        match &description {
            Some(description) => {
                provider
                    .add_described_pool(now, pool_id, description, policy, exceptions)
                    .map_err(invalid)?;
            }
            None => provider.add_pool(now, pool_id.clone(), &name, policy, exceptions),
        }
    }
    provider.set_custom_auth(pool_id, custom_auth);
    let described = description.map_or_else(Vec::new, |description| description.clients);
    for client in &described {
        let id = client.get("ClientId").and_then(Value::as_str).unwrap_or_default();
        if is_new_client(provider, args, pool_id, &ClientId::new(id))? {
            provider.add_described_client(now, pool_id, client).map_err(invalid)?;
        }
    }
    let client_id = match &args.client_id {
        Some(id) => id.as_str(),
        None if described.is_empty() => "poolproof",
        None => return Ok(()),
    };
    let client_id = ClientId::new(client_id);
    if is_new_client(provider, args, pool_id, &client_id)? {
        let client = AppClient {
            password_flow: PasswordFlow::WithDevices,
            choice_flow: true,
            admin_flow: true,
            refresh_flow: rotation.is_none(),
            rotation,
            ..AppClient::public(client_id)
        };
        let flows = if rotation.is_none() { &FLOWS[..] } else { &FLOWS[..FLOWS.len() - 1] };
        provider.add_client(now, pool_id, client, "poolproof", flows);
    }
    Ok(())
}

/// Returns whether no pool has a client with this id. Fails if another pool has it.
fn is_new_client(
    provider: &Provider,
    args: &ServeArgs,
    pool_id: &PoolId,
    client_id: &ClientId,
) -> Result<bool, String> {
    match provider.pool_of_client(client_id) {
        None => Ok(true),
        Some(home) if home == pool_id => Ok(false),
        Some(home) => {
            let message =
                format!("client {client_id} belongs to pool {home}; choose another with --client-id");
            Err(state_file_error(args, &message))
        }
    }
}

fn file_names(args: &ServeArgs) -> String {
    args.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Prints what was restored, and whose settings apply.
fn print_state_summary(provider: &Provider, restored_pool: Option<&PoolId>, args: &ServeArgs) {
    let Some(state) = &args.state else { return };
    let (pools, users) = provider.counts();
    let (state, files) = (state.display(), file_names(args));
    print_stdout(&format!("State in {state}: pools {pools}, users {users}\n"));
    if let Some(pool) = restored_pool {
        print_stdout(&format!(
            "Pool {pool} has the settings in {state}; the settings in {files} are ignored\n"
        ));
    }
}

fn limits(args: &ServeArgs) -> ServerLimits {
    let cores = available_parallelism().map_or(1, NonZero::get);
    let connections = usize::try_from(args.connections).unwrap_or(usize::MAX);
    let room = raise_open_file_limit(connections);
    if room < connections {
        print_stderr(&format!(
            "note: the system allows {room} of {connections} connections at once (`ulimit -Hn`); others wait"
        ));
    }
    ServerLimits {
        workers: args.workers.map_or(cores, usize::from),
        connections: room,
        request: Duration::from_secs(args.request_timeout.into()),
        idle: Duration::from_secs(args.idle_timeout.into()),
        ignore_unsimulated: args.ignore_unsimulated,
        web_access: WebAccess { hosts: args.allow_host.clone(), origins: args.allow_origin.clone() },
        ..ServerLimits::DEFAULT
    }
}

/// Reads the pool's settings, and the grace period of its client's refresh token rotation. The toy group is
/// refused.
fn read(args: &ServeArgs) -> Result<(PoolSettings, Option<Duration>), String> {
    let unsimulated = if args.ignore_unsimulated { Unsimulated::Ignore } else { Unsimulated::Refuse };
    let settings = crate::settings::read(&args.files, unsimulated);
    let settings = settings.map_err(|diagnostic| render_diagnostic(&diagnostic))?;
    for line in &settings.unknown {
        print_stderr(&format!("unknown: {line}"));
    }
    for name in &settings.ignored {
        print_stderr(&format!("note: {name} is not simulated and is ignored"));
    }
    let mut rotation = None;
    if settings.source == SourceKind::Scenario {
        let file = args.files.first().map(PathBuf::as_path).unwrap_or_else(|| Path::new(""));
        if file == Path::new(input::STDIN) {
            return Err(
                "error: `serve` reads a scenario twice, so it cannot come from standard input: give a file"
                    .to_owned(),
            );
        }
        let scenario = scenario::read(file).map_err(|diagnostic| render_diagnostic(&diagnostic))?;
        if scenario.group == GroupName::Toy {
            return Err(format!(
                "error: {}: `group: toy` gives no protection, and stock clients do not support it",
                file.display()
            ));
        }
        rotation = scenario.rotation;
    }
    Ok((settings, rotation))
}

/// Checks options that exclude or require each other.
fn check_options(args: &ServeArgs) -> Result<(), String> {
    let address = args.listen;
    if !address.ip().is_loopback() && !args.expose {
        return Err(format!(
            "other machines can reach {address}, and every client that reaches it is an administrator; \
                {EXPOSE_HINT}"
        ));
    }
    if args.issuer.is_some() && args.tokens == TokensArg::Opaque {
        return Err("--issuer needs --tokens rs256: opaque tokens name no issuer".to_owned());
    }
    Ok(())
}

/// Returns the id of the pool. Ids must match the patterns of the API model, because clients check them too.
fn pool_id(args: &ServeArgs, settings: &PoolSettings) -> Result<PoolId, String> {
    let given = args.pool_id.as_ref().or(settings.pool_id.as_ref());
    let pool_id = given.map_or("us-east-1_Poolproof", String::as_str);
    let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let (region, name) = pool_id.split_once('_').unwrap_or_default();
    let regional = region.chars().all(|letter| word(letter) || letter == '-');
    let named = name.chars().all(|letter| letter.is_ascii_alphanumeric());
    if region.is_empty() || name.is_empty() || !regional || !named || pool_id.len() > 55 {
        return Err(format!("--pool-id {pool_id:?} does not have the form us-east-1_AbCdEf123"));
    }
    let clients = settings.description.iter().flat_map(|description| &description.clients);
    let described = clients.filter_map(|client| client.get("ClientId")?.as_str());
    for client_id in args.client_id.as_deref().into_iter().chain(described) {
        if client_id.is_empty() || client_id.len() > 128 || !client_id.chars().all(word) {
            return Err(format!("--client-id {client_id:?} is not 1 to 128 letters, digits and _"));
        }
    }
    Ok(PoolId::new(pool_id))
}

fn rng(seed: Option<u64>) -> Result<Rng, String> {
    if let Some(seed) = seed {
        return Ok(Seed::new(seed).rng("provider", 0));
    }
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| "cannot read random bytes from the operating system".to_owned())?;
    Ok(rng_from_bytes(bytes))
}
