//! The options of the log of requests, and the writer behind it.

use std::io;

use clap::ValueEnum;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use super::print_stderr;
use crate::request_log::TARGET;

/// The log of requests.
#[derive(clap::Args, Debug)]
pub(super) struct LogArgs {
    /// Log each request to standard error: its operation, outcome, duration and id. A run then shows no
    /// progress.
    #[arg(long, short)]
    verbose: bool,
    /// Form of the log of requests; the option also turns the log on [default: text].
    #[arg(long, value_enum, value_name = "FORM")]
    log_format: Option<LogFormat>,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum LogFormat {
    /// `operation=AdminCreateUser outcome=ok duration_ms=1.2 request_id=…`
    Text,
    /// One object a line.
    Json,
}

impl LogArgs {
    /// Returns whether requests are logged.
    pub(super) const fn is_on(&self) -> bool {
        self.verbose || self.log_format.is_some()
    }

    /// Starts the log, if it is on. It ends when the value is dropped.
    pub(super) fn start(&self) -> Option<RequestLog> {
        if !self.is_on() {
            return None;
        }
        // A thread writes. If the reader is slow, lines are lost instead of requests delayed.
        let (writer, guard) = NonBlockingBuilder::default().lossy(true).finish(io::stderr());
        let lost = writer.error_counter();
        let lines = fmt::layer().with_writer(writer).with_target(false).with_level(false).with_ansi(false);
        let layer = match self.log_format.unwrap_or(LogFormat::Text) {
            LogFormat::Text => lines.boxed(),
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
        };
        let only_requests = Targets::new().with_target(TARGET, tracing::Level::INFO);
        // It fails only if there is a log already.
        let _ = tracing_subscriber::registry().with(layer.with_filter(only_requests)).try_init();
        Some(RequestLog { guard: Some(guard), lost })
    }
}

/// The log while it is on.
pub(super) struct RequestLog {
    guard: Option<WorkerGuard>,
    lost: ErrorCounter,
}

impl Drop for RequestLog {
    fn drop(&mut self) {
        // Waits for the last lines.
        drop(self.guard.take());
        let lost = self.lost.dropped_lines();
        if lost > 0 {
            print_stderr(&format!("note: the log lacks {lost} requests; its reader was too slow"));
        }
    }
}
