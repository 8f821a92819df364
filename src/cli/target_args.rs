//! The command line as typed: what says which endpoint is used, and how carefully.

use std::path::PathBuf;

use super::open_files::raise_open_file_limit;
use super::{print_stderr, users};
use crate::http::client::{ClientLimits, Credentials, EndpointUrl};
use crate::run::{EndpointConfig, PoolSource};
use poolproof_cognito::ids::{ClientId, PoolId};

/// Requests a second to what is not on this machine, unless somebody says otherwise.
const DEFAULT_REMOTE_RATE: u32 = 20;

/// Connections that a run may come to need: one for each request that is under way.
const MAX_CONNECTIONS: usize = 16_384;

/// How carefully an endpoint is asked.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct RemoteArgs {
    /// Allow a target that is not on this machine.
    #[arg(long)]
    pub(super) allow_remote: bool,
    /// Requests a second, at most [default: 20 for a target that is not on this machine, else no limit].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) max_rate: Option<u32>,
}

#[derive(clap::Args, Clone, Debug)]
pub(super) struct TargetArgs {
    /// Sign in to this Cognito-compatible endpoint instead of the embedded pool, such as http://127.0.0.1:9229. A pool
    /// of its own is made for the run and removed afterwards.
    #[arg(long, value_name = "URL", value_parser = EndpointUrl::parse)]
    pub(super) target: Option<EndpointUrl>,
    /// A pool that is there, with the settings that the scenario says.
    #[arg(long, value_name = "ID", requires_all = ["target", "client_id"])]
    pub(super) pool_id: Option<String>,
    /// Its app client, which has no secret and allows USER_SRP_AUTH.
    #[arg(long, value_name = "ID", requires = "pool_id")]
    pub(super) client_id: Option<String>,
    /// Users of that pool, a line each: username,password[,secret of the authenticator app]. Otherwise users are made, and
    /// removed afterwards.
    #[arg(long, value_name = "CSV", requires = "pool_id")]
    pub(super) users: Option<PathBuf>,
    #[command(flatten)]
    pub(super) remote_args: RemoteArgs,
}

impl TargetArgs {
    /// The endpoint that is meant, if one is.
    pub(super) fn endpoint(&self) -> Result<Option<EndpointConfig>, String> {
        let Some(address) = &self.target else {
            if self.remote_args.max_rate.is_some() || self.remote_args.allow_remote {
                return Err("--max-rate and --allow-remote need --target".to_owned());
            }
            return Ok(None);
        };
        let pool_source = match (&self.pool_id, &self.client_id) {
            (Some(pool_id), Some(client_id)) => PoolSource::Existing {
                pool_id: PoolId::new(pool_id),
                client_id: ClientId::new(client_id),
                existing_users: self.users.as_deref().map(users::read).transpose()?,
            },
            _ => PoolSource::New,
        };
        let endpoint = self.remote_args.endpoint(address.clone(), pool_source)?;
        Ok(Some(EndpointConfig { options: self.options(), ..endpoint }))
    }

    /// What was typed besides the address.
    fn options(&self) -> Vec<String> {
        let users = self.users.as_ref().map(|users| users.display().to_string());
        let rate = self.remote_args.max_rate.map(|rate| rate.to_string());
        let valued = [
            ("--pool-id", &self.pool_id),
            ("--client-id", &self.client_id),
            ("--users", &users),
            ("--max-rate", &rate),
        ];
        let given = valued.into_iter().filter_map(|(flag, value)| Some([flag.to_owned(), value.clone()?]));
        let remote = self.remote_args.allow_remote.then(|| "--allow-remote".to_owned());
        given.flatten().chain(remote).collect()
    }
}

impl RemoteArgs {
    /// This endpoint, as carefully as is meant.
    pub(super) fn endpoint(
        &self,
        address: EndpointUrl,
        pool_source: PoolSource,
    ) -> Result<EndpointConfig, String> {
        let is_local = address.is_loopback();
        if !is_local && !self.allow_remote {
            return Err(format!(
                "{address} is not on this machine; add --allow-remote if you may send load and test users \
                    to it"
            ));
        }
        let credentials = Credentials::from_chain(&|name| std::env::var(name).ok());
        let credentials = credentials.map_err(|error| error.to_string())?;
        if !is_local
            && credentials.is_none()
            && !matches!(pool_source, PoolSource::Existing { existing_users: Some(_), .. })
        {
            return Err(format!(
                "administrators' requests to {address} must be signed: set AWS_ACCESS_KEY_ID and \
                    AWS_SECRET_ACCESS_KEY, or name pool and users with --pool-id, --client-id and --users"
            ));
        }
        let credentials = credentials.or_else(|| is_local.then(Credentials::dummy));
        let per_second = self.max_rate.or_else(|| (!is_local).then_some(DEFAULT_REMOTE_RATE));
        Ok(EndpointConfig {
            address,
            credentials,
            limits: ClientLimits { per_second, ..ClientLimits::DEFAULT },
            pool_source,
            options: Vec::new(),
        })
    }
}

/// Gets ready for this endpoint: asks the system for room for the connections, and says how fast it is asked, where that is limited.
pub(super) fn prepare_endpoint(at: &EndpointConfig) {
    raise_open_file_limit(MAX_CONNECTIONS);
    if let Some(rate) = at.limits.per_second {
        print_stderr(&format!("{}: at most {rate} requests a second (--max-rate)", at.address));
    }
}
