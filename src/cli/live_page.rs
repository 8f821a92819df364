//! The page of `run --live`: the report while it grows, and at the end the report.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt as _;
use hyper::body::Bytes;
use tokio_util::sync::CancellationToken;

use super::{Exit, print_stderr, usage_error};
use crate::clock::{Clock, ClockKind};
use crate::http::server::{Page, PageRequest, PageServerHandle, RespondPage, Senders, serve_pages};
use crate::report::figures::{count, tick};
use crate::report::html::{self, LiveBar};
use crate::report::{RunStatus, ScenarioResult};
use crate::run::{LiveReports, Observer, RunEvent};
use poolproof_cognito::time::{Timestamp, as_us};

/// A report is rendered at most once in this time.
const RENDER_INTERVAL: Duration = Duration::from_secs(1);
/// Longest wait for a run's answer; then the last page is sent again.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// The scenario that runs.
#[derive(Default)]
struct Playing {
    name: String,
    /// Its index among the scenarios, from 0, and their number.
    place: (usize, usize),
    folder: String,
    provisioned: Option<(u64, u64)>,
    /// The time of the run and the length of its workload.
    elapsed: Option<(Duration, Duration)>,
    reports: LiveReports,
    /// The last rendered page and its time.
    rendered: Option<(Timestamp, Bytes)>,
}

struct Shared {
    playing: Mutex<Playing>,
    /// The page after the end of the last run.
    last_page: Mutex<Option<Bytes>>,
    /// Canceled when the last page was sent.
    is_read: CancellationToken,
    /// One report is rendered at a time.
    turn: tokio::sync::Mutex<()>,
    clock: Clock,
    cancel_path: String,
    /// Ends the run.
    cancel_token: CancellationToken,
}

/// Serves the page until it is dropped.
pub(super) struct LivePage {
    shared: Arc<Shared>,
    _server: PageServerHandle,
}

impl LivePage {
    /// Serves the page on this listener. Its button cancels `cancel_token`.
    pub(super) fn start(
        (address, listener): (std::net::SocketAddr, std::net::TcpListener),
        cancel_token: CancellationToken,
    ) -> Result<Self, Exit> {
        let mut secret = [0; 16];
        aws_lc_rs::rand::fill(&mut secret)
            .map_err(|_| usage_error("--live: cannot read random bytes from the operating system"))?;
        let shared = Arc::new(Shared {
            playing: Mutex::default(),
            last_page: Mutex::default(),
            is_read: CancellationToken::new(),
            turn: tokio::sync::Mutex::default(),
            clock: Clock::start(ClockKind::Wall),
            cancel_path: format!("/cancel/{}", URL_SAFE_NO_PAD.encode(secret)),
            cancel_token,
        });
        let served = Arc::clone(&shared);
        let respond: RespondPage =
            Arc::new(move |request| respond(request, Arc::clone(&served)).boxed_local());
        let server = serve_pages("live page", listener, Senders::OwnPages, respond)
            .map_err(|error| usage_error(format!("--live: {error}")))?;
        print_stderr(&format!("The live page is at http://{address}/"));
        Ok(Self { shared, _server: server })
    }

    /// Announces the next scenario, at `place` among all. Its events also go to the given observer. Returns
    /// the observer and where the page asks for reports.
    pub(super) fn observe(
        &self,
        name: &str,
        place: (usize, usize),
        folder: &Path,
        observer: Observer,
    ) -> (Observer, LiveReports) {
        let reports = LiveReports::default();
        let mut playing = lock(&self.shared.playing);
        playing.reports.close();
        *playing = Playing {
            name: name.to_owned(),
            place,
            folder: folder.display().to_string(),
            reports: reports.clone(),
            ..Playing::default()
        };
        let shared = Arc::clone(&self.shared);
        let observer: Observer = Arc::new(move |event| {
            let mut playing = lock(&shared.playing);
            match &event {
                RunEvent::Provisioned { done, users } => {
                    // Several threads report progress, in any order.
                    let before = playing.provisioned.map_or(0, |(before, _)| before);
                    playing.provisioned = Some((before.max(*done), *users));
                }
                RunEvent::Running { progress, length } => playing.elapsed = Some((progress.elapsed, *length)),
            }
            drop(playing);
            observer(event);
        });
        (observer, reports)
    }

    /// Shows the report of the last scenario. Returns a token that is canceled when this page was sent.
    pub(super) fn end(&self, results: &[ScenarioResult]) -> CancellationToken {
        let shown = results.iter().rev().find(|result| !matches!(result.status, RunStatus::NotRun));
        let page = match shown {
            Some(ScenarioResult { status: RunStatus::Played(report), .. }) => html::page(report, None),
            Some(result) => {
                let why = result.not_run().unwrap_or_default();
                html::message_page(&result.name, &format!("The scenario was not played: {why}"), None)
            }
            None => html::message_page("", "Nothing was run.", None),
        };
        *lock(&self.shared.last_page) = Some(page.into());
        lock(&self.shared.playing).reports.close();
        self.shared.is_read.clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn respond(request: PageRequest, shared: Arc<Shared>) -> Page {
    match (request.is_post, request.path.as_str()) {
        (false, "/") => page(&shared).await,
        (false, "/state") => Page::text(if lock(&shared.last_page).is_some() { "ended" } else { "running" }),
        (true, path) if path.starts_with("/cancel/") => {
            if verify_slices_are_equal(path.as_bytes(), shared.cancel_path.as_bytes()).is_err() {
                return Page::forbidden("The page is of an earlier run. Load it again.\n");
            }
            shared.cancel_token.cancel();
            Page::redirect("/")
        }
        _ => Page::not_found("The live page is at GET /.\n"),
    }
}

/// Returns the report: the final one at the end, before that one that is at most an interval old.
async fn page(shared: &Shared) -> Page {
    // A second reader gets the page that was rendered for the first.
    let _turn = shared.turn.lock().await;
    loop {
        if let Some(page) = lock(&shared.last_page).clone() {
            shared.is_read.cancel();
            return Page::html(page).last();
        }
        let request = {
            let playing = lock(&shared.playing);
            match &playing.rendered {
                Some((at, page)) if shared.clock.now().since(*at) < RENDER_INTERVAL => {
                    return Page::html(page.clone());
                }
                // No sign-in has ended, so there is nothing to report.
                _ if playing.elapsed.is_none() => return Page::html(preparing(shared, &playing)),
                _ => playing.reports.request(),
            }
        };
        match tokio::time::timeout(MAX_WAIT, request).await {
            Ok(Ok(build)) => {
                let bar = bar(shared, &lock(&shared.playing));
                let report = build();
                let page = Bytes::from(html::live_page(&report, &bar));
                let mut playing = lock(&shared.playing);
                // Another scenario may run by now.
                if playing.name == report.scenario.name {
                    playing.rendered = Some((shared.clock.now(), page.clone()));
                }
                return Page::html(page);
            }
            // The run has ended: look again.
            Ok(Err(_)) => {}
            Err(_) => {
                let playing = lock(&shared.playing);
                return Page::html(match &playing.rendered {
                    Some((_, page)) => page.clone(),
                    None => preparing(shared, &playing),
                });
            }
        }
    }
}

/// Returns the page before the first sign-in.
fn preparing(shared: &Shared, playing: &Playing) -> Bytes {
    let message = match playing.provisioned {
        Some((done, users)) => format!("{} of {} users provisioned.", count(done), count(users)),
        None => "The run has not started yet.".to_owned(),
    };
    html::message_page(&playing.name, &message, Some(&bar(shared, playing))).into()
}

/// Returns what the page shows besides the report.
fn bar(shared: &Shared, playing: &Playing) -> LiveBar {
    let whole = |time: Duration| tick(as_us(Duration::from_secs(time.as_secs())));
    let mut progress = match playing.place {
        (_, 0 | 1) => Vec::new(),
        (at, all) => vec![format!("scenario {} of {all}", at + 1)],
    };
    progress.push(match playing.elapsed {
        None => "preparing".to_owned(),
        Some((elapsed, length)) if elapsed >= length => "waiting for the last sign-ins".to_owned(),
        Some((elapsed, length)) => format!("{} of {}", whole(elapsed), tick(as_us(length))),
    });
    let is_canceled = shared.cancel_token.is_cancelled();
    if is_canceled {
        progress.push("canceled".to_owned());
    }
    LiveBar {
        scenario: playing.name.clone(),
        progress: progress.join(" · "),
        cancel_path: (!is_canceled).then(|| shared.cancel_path.clone()),
        folder: playing.folder.clone(),
    }
}
