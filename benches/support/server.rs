//! A server for benches, in this process.

use std::net::TcpListener;
use std::sync::Arc;

use poolproof::http::client::EndpointUrl;
use poolproof::http::server;
use poolproof_cognito::policy::{Quotas, Switches};
use poolproof_cognito::seed::Seed;
use poolproof_pool::provider::{AccountLimits, Provider, ProviderConfig, Tokens};
use poolproof_srp::Group;

/// Starts a server in this process and returns its URL. The server ends with the process.
pub(crate) fn start() -> EndpointUrl {
    let config = ProviderConfig {
        region: "us-east-1".to_owned(),
        issuer: poolproof_pool::provider::Issuer::Url("http://127.0.0.1".to_owned()),
        tokens: Tokens::Opaque,
        group: Group::cognito(),
        limits: AccountLimits::DEFAULT,
        switches: Switches::DEFAULT,
        quotas: Quotas::NONE,
    };
    let provider = Provider::new(config, Seed::new(1).rng("provider", 0));
    let listener = TcpListener::bind("127.0.0.1:0").expect("the system has a free port");
    listener.set_nonblocking(true).expect("the listener becomes non-blocking");
    let address = listener.local_addr().expect("the listener has an address");
    std::thread::spawn(move || {
        let limits = server::ServerLimits { workers: 1, ..server::ServerLimits::DEFAULT };
        server::serve(provider, listener, limits, Arc::new(|_: &str| {}), None, None)
            .expect("the server starts its threads");
    });
    EndpointUrl::parse(&format!("http://{address}")).unwrap_or_else(|error| panic!("{error}"))
}
