//! The options that choose an endpoint and limit its load.

use std::path::PathBuf;

use super::open_files::raise_open_file_limit;
use super::values::whole;
use super::{print_stderr, users};
use crate::endpoint::{EndpointConfig, PoolSource};
use crate::http::client::{ClientLimits, Credentials, EndpointUrl};
use poolproof_cognito::ids::{ClientId, PoolId};

/// Requests a second to a remote target, by default.
const DEFAULT_REMOTE_RATE: u32 = 20;

/// Most connections of a run: one per request in flight.
pub(super) const MAX_CONNECTIONS: usize = 16_384;

/// Limits on the load of an endpoint.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct RemoteArgs {
    /// Allow a target that is not on this machine.
    #[arg(long)]
    pub(super) allow_remote: bool,
    /// Maximum number of requests per second [default: 20 for a target that is not on this machine, otherwise
    /// no limit].
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1, 100_000))]
    pub(super) max_rate: Option<u32>,
}

#[derive(clap::Args, Clone, Debug)]
pub(super) struct TargetArgs {
    /// Sign in to this Cognito-compatible endpoint instead of the embedded pool, such as
    /// http://127.0.0.1:9229. The run creates a pool and deletes it afterwards.
    #[arg(long, value_name = "URL", value_parser = EndpointUrl::parse)]
    pub(super) target: Option<EndpointUrl>,
    /// An existing pool with the settings of the scenario.
    #[arg(long, value_name = "ID", requires_all = ["target", "client_id"])]
    pub(super) pool_id: Option<String>,
    /// Its app client, which has no secret and allows USER_SRP_AUTH.
    #[arg(long, value_name = "ID", requires = "pool_id")]
    pub(super) client_id: Option<String>,
    /// File with existing users of that pool, one per line: username,password[,TOTP secret]. Without it the
    /// run creates users and deletes them afterwards.
    #[arg(long, value_name = "CSV", requires = "pool_id")]
    pub(super) users: Option<PathBuf>,
    #[command(flatten)]
    pub(super) remote_args: RemoteArgs,
}

impl TargetArgs {
    /// Returns the endpoint, if one is given.
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

    /// Returns the given options besides the address.
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
    /// Returns the endpoint with these limits.
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

/// Prepares for this endpoint: raises the limit of open files and prints the rate limit.
pub(super) fn prepare_endpoint(at: &EndpointConfig) {
    raise_open_file_limit(MAX_CONNECTIONS);
    if let Some(rate) = at.limits.per_second {
        print_stderr(&format!("{}: at most {rate} requests a second (--max-rate)", at.address));
    }
}
