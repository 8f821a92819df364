//! The `/metrics` page of `run --prometheus`.

use std::future::ready;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

use super::{Exit, print_stderr, usage_error};
use crate::clock::ClockKind;
use crate::failure::{FailureCause, Failures};
use crate::http::prometheus::{MetricKind, MetricsPage};
use crate::http::server::{Page, PageRequest, PageServerHandle, RespondPage, Senders, serve_pages};
use crate::run::{Observer, RunEvent};
use crate::scenario::Scenario;

/// What is known about the running scenario.
#[derive(Default)]
struct State {
    /// Its name, seed, clock and target.
    info: [String; 4],
    provisioned: u64,
    running: Option<RunEvent>,
}

/// What is known about all scenarios so far.
#[derive(Default)]
struct States {
    /// The last one is the running scenario.
    scenarios: Vec<State>,
    /// Whether the last run has ended.
    is_ended: bool,
}

/// Serves the metrics page until it is dropped.
pub(super) struct MetricsServer {
    states: Arc<Mutex<States>>,
    /// Canceled when the page was read after the end.
    is_read: CancellationToken,
    _server: PageServerHandle,
}

impl MetricsServer {
    /// Serves the page on this listener.
    pub(super) fn start((address, listener): (SocketAddr, TcpListener)) -> Result<Self, Exit> {
        let (states, is_read) = (Arc::new(Mutex::new(States::default())), CancellationToken::new());
        let (read_states, reader) = (Arc::clone(&states), is_read.clone());
        let respond: RespondPage =
            Arc::new(move |request| ready(respond(&request, &read_states, &reader)).boxed_local());
        let server = serve_pages("metrics", listener, Senders::All, respond)
            .map_err(|error| usage_error(format!("--prometheus: {error}")))?;
        print_stderr(&format!("Metrics are at http://{address}/metrics"));
        Ok(Self { states, is_read, _server: server })
    }

    /// Notes that the last run has ended. Returns a token that is canceled when the metrics are read after
    /// that.
    pub(super) fn end(&self) -> CancellationToken {
        lock(&self.states).is_ended = true;
        self.is_read.clone()
    }

    /// Announces the next scenario; its events also go to the given observer.
    pub(super) fn observe(&self, scenario: &Scenario, target: &str, observer: Observer) -> Observer {
        let clock = match scenario.clock {
            ClockKind::Wall => "wall",
            ClockKind::Virtual => "virtual",
        };
        let info =
            [scenario.name.clone(), scenario.seed.number().to_string(), clock.to_owned(), target.to_owned()];
        lock(&self.states).scenarios.push(State { info, ..State::default() });
        let states = Arc::clone(&self.states);
        Arc::new(move |event| {
            if let Some(state) = lock(&states).scenarios.last_mut() {
                match &event {
                    // Several threads report progress, in any order.
                    RunEvent::Provisioned { done, .. } => state.provisioned = state.provisioned.max(*done),
                    RunEvent::Running { .. } => state.running = Some(event.clone()),
                }
            }
            observer(event);
        })
    }
}

fn lock(states: &Mutex<States>) -> MutexGuard<'_, States> {
    states.lock().unwrap_or_else(PoisonError::into_inner)
}

fn respond(request: &PageRequest, states: &Mutex<States>, reader: &CancellationToken) -> Page {
    if request.is_post || request.path != "/metrics" {
        return Page::not_found("Metrics are at GET /metrics.\n");
    }
    let states = lock(states);
    let mut metrics = MetricsPage::default();
    states.scenarios.iter().for_each(|state| write_metrics(&mut metrics, state));
    let page = Page::metrics(metrics);
    if !states.is_ended {
        return page;
    }
    reader.cancel();
    page.last()
}

/// Writes the samples of one scenario.
fn write_metrics(page: &mut MetricsPage, state: &State) {
    let [name, seed, clock, target] = state.info.each_ref().map(String::as_str);
    let labels = [("scenario", name), ("seed", seed), ("clock", clock), ("target", target)];
    page.metric("poolproof_run_info", MetricKind::Gauge, "The scenario.").sample(&labels, 1);
    let own = [("scenario", name)];
    let users = "Idle users.";
    page.metric("poolproof_run_users", MetricKind::Gauge, users).sample(&own, state.provisioned);
    let Some(RunEvent::Running { progress, length }) = &state.running else { return };
    let (live, ends) = (&progress.live, progress.live.ends);
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
    failures(page, own[0], &live.failures);
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
}

/// Adds the failed requests by cause.
fn failures(page: &mut MetricsPage, scenario: (&str, &str), failures: &Failures) {
    let help = "Failed requests by cause.";
    let mut requests = page.metric("poolproof_failed_requests_total", MetricKind::Counter, help);
    for cause in FailureCause::ALL {
        let count = failures.get(cause).map_or(0, |failures| failures.requests);
        requests.sample(&[scenario, ("cause", cause.as_str())], count);
    }
    let help = "Time of the first failed request with this cause since the start of the run, and its error.";
    let mut first = page.metric("poolproof_failed_requests_first_seconds", MetricKind::Gauge, help);
    for (cause, failures) in failures.iter() {
        let labels = [scenario, ("cause", cause.as_str()), ("example", &failures.example)];
        first.sample(&labels, failures.first.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::actors::RunProgress;
    use crate::failure::Failure;
    use crate::metrics::Recorder;

    #[test]
    fn failed_requests_are_shown_by_cause() {
        let mut live = Recorder::new().live();
        let (cause, at) = (FailureCause::ConnectionReset, Duration::from_millis(1500));
        let example = "INITIATE_AUTH: \"reset\"".to_owned();
        live.failures.record(&[Failure { cause, at, example }], true, true);
        let progress = RunProgress { live, elapsed: at, in_flight: 0, waiting: 0 };
        let running = Some(RunEvent::Running { progress, length: Duration::from_secs(9) });
        let info = ["x", "1", "wall", "embedded"].map(str::to_owned);
        let mut page = MetricsPage::default();
        write_metrics(&mut page, &State { info, provisioned: 0, running });
        let text = page.into_text();
        for line in [
            "poolproof_failed_requests_total{scenario=\"x\",cause=\"connection_reset\"} 1\n",
            "poolproof_failed_requests_total{scenario=\"x\",cause=\"timeout\"} 0\n",
            "poolproof_failed_requests_first_seconds{scenario=\"x\",cause=\"connection_reset\",\
                example=\"INITIATE_AUTH: \\\"reset\\\"\"} 1.5\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
    }
}
