//! Ctrl-C and SIGTERM: the first ends what is going on in order, the second the program.

use super::{Exit, print_error, print_stderr};
use crate::run::CancellationToken;

/// The stop of a run or a search: the first signal pulls it, and has the report written.
pub(super) fn cancel_token() -> Result<CancellationToken, Exit> {
    let cancel_token = CancellationToken::default();
    let cancelled = cancel_token.clone();
    on_signal(move || cancelled.cancel())?;
    Ok(cancel_token)
}

/// Has `was_signaled` called at each signal; where it says that it was told before, the program ends at once.
///
/// # Errors
///
/// The system does not let us listen; that is said, and this is the program's end.
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
