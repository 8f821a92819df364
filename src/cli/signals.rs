//! Ctrl-C, SIGTERM and SIGHUP: the first signal ends the work in order, the second ends the program.

use std::io;
use std::sync::mpsc;
use std::thread;

use tokio::runtime;
use tokio_util::sync::CancellationToken;

use super::{Exit, print_error, print_stderr};
use crate::signals::{EndSignal, Signals};

/// Returns a token that the first signal cancels, so that the report is written.
///
/// # Errors
///
/// Signals cannot be received; the error is printed.
pub(super) fn cancel_token() -> Result<CancellationToken, Exit> {
    let cancel_token = CancellationToken::new();
    let (installed, result) = mpsc::channel();
    let canceled = cancel_token.clone();
    let thread = thread::Builder::new().name("signals".to_owned());
    let started = thread.spawn(move || wait_for_signals(&canceled, &installed));
    let listening = started.and_then(|_| result.recv().unwrap_or_else(|error| Err(io::Error::other(error))));
    listening.map(|()| cancel_token).map_err(|error| {
        print_error(format_args!("cannot listen for Ctrl-C: {error}"));
        Exit::Internal
    })
}

/// Waits for signals until the program ends, after it has reported whether that is possible.
fn wait_for_signals(canceled: &CancellationToken, installed: &mpsc::Sender<io::Result<()>>) {
    let waiting = runtime::Builder::new_current_thread().enable_io().build().and_then(|runtime| {
        runtime.block_on(async {
            let all = [EndSignal::Interrupt, EndSignal::Terminate, EndSignal::Hangup];
            let mut signals = Signals::listen(&all)?;
            // The receiver waits for this result.
            installed.send(Ok(())).unwrap_or_default();
            loop {
                signals.next().await;
                if canceled.is_cancelled() {
                    print_stderr(
                        "Ended at once: nothing more is written, and what was created at a target is not \
                        deleted.",
                    );
                    std::process::exit(Exit::Interrupted.code().into());
                }
                canceled.cancel();
            }
        })
    });
    installed.send(waiting).unwrap_or_default();
}
