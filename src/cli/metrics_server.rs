//! The `/metrics` page of `run --prometheus`.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::serve_args::{EXPOSE_HINT, bind_listener, listen};
use super::{Exit, print_stderr, usage_error};
use crate::clock::ClockKind;
use crate::http::prometheus::{MetricKind, MetricsPage};
use crate::http::server::{MetricsServerHandle, serve_metrics};
use crate::run::{Observer, RunEvent};
use crate::scenario::Scenario;

#[derive(clap::Args, Clone, Debug)]
pub(super) struct PrometheusArgs {
    /// Serve live metrics at http://ADDR/metrics in Prometheus format; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", value_parser = listen)]
    pub(super) prometheus: Option<SocketAddr>,
    /// Allow --prometheus on an address that other machines can reach.
    #[arg(long, requires = "prometheus")]
    pub(super) expose: bool,
}

/// What is known about the running scenario.
#[derive(Default)]
struct State {
    /// Its name, seed, clock and target.
    info: [String; 4],
    provisioned: u64,
    running: Option<RunEvent>,
}

/// Serves the metrics page until it is dropped.
pub(super) struct MetricsServer {
    state: Arc<Mutex<State>>,
    _shown: MetricsServerHandle,
}

impl MetricsServer {
    /// Starts the page, if --prometheus is given.
    pub(super) fn serve_metrics(args: &PrometheusArgs) -> Result<Option<Self>, Exit> {
        let Some(address) = args.prometheus else { return Ok(None) };
        if !address.ip().is_loopback() && !args.expose {
            return Err(usage_error(format!(
                "other machines can reach --prometheus {address}; {EXPOSE_HINT}"
            )));
        }
        let state = Arc::new(Mutex::new(State::default()));
        let shared_state = Arc::clone(&state);
        let metrics = Arc::new(move || page(&lock(&shared_state)));
        let (address, listener) = bind_listener(address, "--prometheus").map_err(usage_error)?;
        let shown = serve_metrics(listener, metrics)
            .map_err(|error| usage_error(format!("--prometheus: {error}")))?;
        print_stderr(&format!("Metrics are at http://{address}/metrics"));
        Ok(Some(Self { state, _shown: shown }))
    }

    /// Announces the next scenario; its events also go to the given observer.
    pub(super) fn observe(&self, scenario: &Scenario, target: &str, observer: Observer) -> Observer {
        let clock = match scenario.clock {
            ClockKind::Wall => "wall",
            ClockKind::Virtual => "virtual",
        };
        let info =
            [scenario.name.clone(), scenario.seed.number().to_string(), clock.to_owned(), target.to_owned()];
        *lock(&self.state) = State { info, ..State::default() };
        let state = Arc::clone(&self.state);
        Arc::new(move |event| {
            match event {
                RunEvent::Provisioned { done, .. } => {
                    let mut state = lock(&state);
                    // Several threads report progress, in any order.
                    state.provisioned = state.provisioned.max(done);
                }
                RunEvent::Running { .. } => lock(&state).running = Some(event),
            }
            observer(event);
        })
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn page(state: &State) -> MetricsPage {
    let mut page = MetricsPage::default();
    let [name, seed, clock, target] = state.info.each_ref().map(String::as_str);
    let labels = [("scenario", name), ("seed", seed), ("clock", clock), ("target", target)];
    page.metric("poolproof_run_info", MetricKind::Gauge, "The scenario.").sample(&labels, 1);
    let own = [("scenario", name)];
    let users = "Idle users.";
    page.metric("poolproof_run_users", MetricKind::Gauge, users).sample(&own, state.provisioned);
    let Some(RunEvent::Running { progress, length }) = state.running else { return page };
    let (live, ends) = (progress.live, progress.live.ends);
    let mut sign_ins =
        page.metric("poolproof_sign_ins_total", MetricKind::Counter, "Finished sign-ins by result.");
    for (end, count) in [
        ("completed", ends.completed),
        ("refused", ends.refused),
        ("abandoned", ends.abandoned),
        ("transport_failed", ends.transport_failed),
    ] {
        sign_ins.sample(&[own[0], ("end", end)], count);
    }
    let begun = live.started + (progress.in_flight + progress.waiting) as u64;
    let mut decisions = page.metric("poolproof_decisions_total", MetricKind::Counter, "Judged decisions.");
    for (verdict, count) in [("expected", live.checked - live.mismatched), ("mismatched", live.mismatched)] {
        decisions.sample(&[own[0], ("verdict", verdict)], count);
    }
    let help = "Latency of the sign-ins so far, from their intended start, without warm-up.";
    let mut latency = page.metric("poolproof_sign_in_latency_seconds", MetricKind::Summary, help);
    let [p50, p90] = live.p50_p90;
    for (quantile, time) in [("0.5", p50), ("0.9", p90), ("0.99", live.p99)] {
        if let Some(time) = time {
            latency.sample(&[own[0], ("quantile", quantile)], time.as_secs_f64());
        }
    }
    let left = length.saturating_sub(progress.elapsed).as_secs_f64();
    let mut one = |name, kind, help, value: String| page.metric(name, kind, help).sample(&own, value);
    let offered = "Arrivals due so far, with warm-up and dropped ones.";
    one("poolproof_sign_ins_offered_total", MetricKind::Counter, offered, (begun + live.dropped).to_string());
    let dropped = "Arrivals that could not start because no user was idle.";
    one("poolproof_sign_ins_dropped_total", MetricKind::Counter, dropped, live.dropped.to_string());
    one(
        "poolproof_sign_ins_in_flight",
        MetricKind::Gauge,
        "Sign-ins in flight.",
        progress.in_flight.to_string(),
    );
    let waiting = "Arrivals that wait for an idle user.";
    one("poolproof_sign_ins_waiting", MetricKind::Gauge, waiting, progress.waiting.to_string());
    one(
        "poolproof_run_seconds_left",
        MetricKind::Gauge,
        "Time until the workload ends.",
        format!("{left:.3}"),
    );
    page
}
