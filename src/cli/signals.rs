//! Ctrl-C and SIGTERM: the first signal ends the work in order, the second ends the program.

use tokio_util::sync::CancellationToken;

use super::{Exit, print_error, print_stderr};

/// Returns a token that the first signal cancels, so that the report is written.
///
/// # Errors
///
/// The signal handler cannot be installed; the error is printed.
pub(super) fn cancel_token() -> Result<CancellationToken, Exit> {
    let cancel_token = CancellationToken::new();
    let canceled = cancel_token.clone();
    let installed = ctrlc::set_handler(move || {
        if canceled.is_cancelled() {
            print_stderr(
                "Ended at once: nothing more is written, and what was created at a target is not \
                deleted.",
            );
            std::process::exit(Exit::Interrupted.code().into());
        }
        canceled.cancel();
    });
    installed.map(|()| cancel_token).map_err(|error| {
        print_error(format_args!("cannot listen for Ctrl-C: {error}"));
        Exit::Internal
    })
}
