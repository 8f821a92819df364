//! The pages about a run that `run` serves: `--live` and `--prometheus`.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use clap::ArgGroup;
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::live_page::LivePage;
use super::metrics_server::MetricsServer;
use super::serve_args::{EXPOSE_HINT, bind_listener, listen};
use super::{Exit, print_stderr, usage_error};
use crate::report::ScenarioResult;
use crate::run::{LiveReports, Observer};
use crate::scenario::Scenario;

/// Longest wait for readers of the last state.
const MAX_WAIT: Duration = Duration::from_secs(15);

#[derive(clap::Args, Clone, Debug)]
#[command(group = ArgGroup::new("pages").args(["live", "prometheus"]).multiple(true))]
pub(super) struct PagesArgs {
    /// Serve the report at http://ADDR/ while it grows, with a button to cancel the run. Port 0 takes a free
    /// port. At the end the program waits until the finished report has been loaded, at most 15 s.
    #[arg(long, value_name = "ADDR", value_parser = listen)]
    pub(super) live: Option<SocketAddr>,
    /// Serve live metrics at http://ADDR/metrics in Prometheus format. Port 0 takes a free port. At the end
    /// the program waits until the metrics have been scraped once more, at most 15 s.
    #[arg(long, value_name = "ADDR", value_parser = listen)]
    pub(super) prometheus: Option<SocketAddr>,
    /// Allow --live and --prometheus on an address that other machines can reach. Every reader of the live
    /// page can cancel the run.
    #[arg(long, requires = "pages")]
    pub(super) expose: bool,
}

impl PagesArgs {
    fn listener(
        &self,
        address: Option<SocketAddr>,
        flag: &str,
    ) -> Result<Option<(SocketAddr, TcpListener)>, Exit> {
        let Some(address) = address else { return Ok(None) };
        if !address.ip().is_loopback() && !self.expose {
            return Err(usage_error(format!("other machines can reach {flag} {address}; {EXPOSE_HINT}")));
        }
        bind_listener(address, flag).map(Some).map_err(usage_error)
    }
}

/// The pages that are served.
pub(super) struct RunPages {
    live: Option<LivePage>,
    metrics: Option<MetricsServer>,
}

impl RunPages {
    /// Starts the pages that the command line asks for. The live page can cancel `cancel_token`.
    pub(super) fn start(args: &PagesArgs, cancel_token: &CancellationToken) -> Result<Self, Exit> {
        let metrics = args.listener(args.prometheus, "--prometheus")?;
        let live = args.listener(args.live, "--live")?;
        Ok(Self {
            metrics: metrics.map(MetricsServer::start).transpose()?,
            live: live.map(|listener| LivePage::start(listener, cancel_token.clone())).transpose()?,
        })
    }

    /// Announces the next scenario, at `place` among all, whose report is written to `folder`. Its events
    /// also go to the given observer. Returns the observer and where reports are asked for.
    pub(super) fn observe(
        &self,
        (scenario, target): (&Scenario, &str),
        place: (usize, usize),
        folder: &Path,
        mut observer: Observer,
    ) -> (Observer, Option<LiveReports>) {
        if let Some(metrics) = &self.metrics {
            observer = metrics.observe(scenario, target, observer);
        }
        match &self.live {
            None => (observer, None),
            Some(live) => {
                let (observer, reports) = live.observe(&scenario.name, place, folder, observer);
                (observer, Some(reports))
            }
        }
    }

    /// Waits until the last state of each page is read, but not for long, and not after a signal.
    pub(super) fn end(self, results: &[ScenarioResult], signal: &CancellationToken, quiet: bool) {
        let live = self.live.as_ref().map(|live| live.end(results));
        let metrics = self.metrics.as_ref().map(MetricsServer::end);
        let readers: Vec<CancellationToken> = live.into_iter().chain(metrics).collect();
        if readers.is_empty() || signal.is_cancelled() {
            return;
        }
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return };
        if !quiet {
            print_stderr("Waiting up to 15 s for readers of the last state; Ctrl-C ends the wait.");
        }
        runtime.block_on(wait(&readers, signal));
    }
}

/// Waits until all tokens of readers are canceled, for the longest wait, or until the signal.
async fn wait(readers: &[CancellationToken], signal: &CancellationToken) {
    let all_read = join_all(readers.iter().map(CancellationToken::cancelled));
    drop(tokio::time::timeout(MAX_WAIT, signal.run_until_cancelled(all_read)).await);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether the wait is shorter than `MAX_WAIT` if these are canceled: two readers and the signal.
    /// The time of the test is simulated.
    async fn is_short(canceled: [bool; 3]) -> bool {
        let tokens = canceled.map(|is_canceled| {
            let token = CancellationToken::new();
            if is_canceled {
                token.cancel();
            }
            token
        });
        let [readers @ .., signal] = &tokens;
        let longer = MAX_WAIT + Duration::from_secs(1);
        tokio::time::timeout(longer, wait(readers, signal)).await.expect("the wait ends");
        tokio::time::timeout(MAX_WAIT / 2, wait(readers, signal)).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn all_readers_or_a_signal_end_the_wait() {
        assert!(is_short([true, true, false]).await && is_short([false, false, true]).await);
        assert!(!is_short([true, false, false]).await && !is_short([false, false, false]).await);
    }
}
