//! Ctrl-C and SIGTERM: the first signal ends the work in order, the second ends the program.

use super::{Exit, print_error, print_stderr};
use crate::run::CancellationToken;

/// Returns a token that the first signal cancels, so that the report is written.
pub(super) fn cancel_token() -> Result<CancellationToken, Exit> {
    let cancel_token = CancellationToken::default();
    let cancelled = cancel_token.clone();
    on_signal(move || cancelled.cancel())?;
    Ok(cancel_token)
}

/// Calls `was_signaled` at each signal; if it returns true, the program ends at once.
///
/// # Errors
///
/// The signal handler cannot be installed; the error is printed.
pub(super) fn on_signal(was_signaled: impl Fn() -> bool + Send + 'static) -> Result<(), Exit> {
    let installed = ctrlc::set_handler(move || {
        if was_signaled() {
            print_stderr(
                "Ended at once: nothing more is written, and what was created at a target is not \
                deleted.",
            );
            std::process::exit(Exit::Interrupted.code().into());
        }
    });
    installed.map_err(|error| {
        print_error(format_args!("cannot listen for Ctrl-C: {error}"));
        Exit::Internal
    })
}
