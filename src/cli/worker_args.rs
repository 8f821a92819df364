//! The options of `worker`.

use std::time::Duration;

use super::target_args::RemoteArgs;
use super::values::{backend, duration, workers};
use poolproof_srp::Backend;

pub(super) const WORKER_EXAMPLES: &str = "\
The master runs Locust with the file that `poolproof locustfile` prints. It
names the scenario, the target and the number of shards. Locust has no
authentication: use it in a private network only.

Examples:
  poolproof locustfile > locustfile.py
  locust --master -f locustfile.py --headless --expect-workers 2 -u 20 -t 1m
    --scenario scenarios/smoke.yaml --poolproof-out reports/locust
  poolproof worker --locust 127.0.0.1:5557        on each machine";

pub(super) const LOCUSTFILE_EXAMPLES: &str = "\
Examples:
  poolproof locustfile > locustfile.py
  locust --master -f locustfile.py --scenario scenarios/smoke.yaml";

/// Longest id: the identity of a ZeroMQ socket has at most 255 bytes.
const MAX_ID: usize = 200;

#[derive(clap::Args, Debug)]
pub(super) struct WorkerArgs {
    /// The Locust master's address for workers.
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    pub(super) locust: String,
    /// How long to try to reach the master, at first and after it was lost.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub(super) connect_timeout: Duration,
    /// Name of this worker in Locust's tables; no other worker may have it [default: process id and a random
    /// number].
    #[arg(long, value_name = "NAME", value_parser = id)]
    pub(super) id: Option<String>,
    #[command(flatten)]
    pub(super) remote_args: RemoteArgs,
    /// Worker threads of clients and pool [default: half of the cores each; with a target, all cores for the
    /// clients].
    #[arg(long, value_name = "CLIENTS,POOL", value_parser = workers)]
    pub(super) workers: Option<(usize, usize)>,
    /// Backend for SRP exponentiations [default: the fastest that this CPU supports].
    #[arg(long, value_name = "reference|portable|avx2|ifma", value_parser = backend)]
    pub(super) srp: Option<Backend>,
    /// How long requests may take after the end of a test before they are canceled [default: 10s].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) drain: Option<Duration>,
    /// Print only errors.
    #[arg(long, short)]
    pub(super) quiet: bool,
}

fn address(text: &str) -> Result<String, String> {
    let valid = text.rsplit_once(':').filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    match valid {
        Some(_) if !text.contains('/') => Ok(text.to_owned()),
        _ => Err("expected HOST:PORT without a scheme, such as 127.0.0.1:5557".to_owned()),
    }
}

fn id(text: &str) -> Result<String, String> {
    let printable = text.chars().all(|c| c.is_ascii_graphic());
    if (1..=MAX_ID).contains(&text.len()) && printable {
        return Ok(text.to_owned());
    }
    Err(format!("expected 1 to {MAX_ID} printable ASCII characters without spaces"))
}
