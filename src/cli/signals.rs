//! Ctrl-C and SIGTERM: the first ends what is going on in order, the second the program.

use super::{Exit, accuse, complain};
use crate::run::Stop;

/// The stop of a run or a search: the first signal pulls it, and has the report written.
pub(super) fn stop() -> Result<Stop, Exit> {
    let stop = Stop::default();
    let pulled = stop.clone();
    listen(move || pulled.pull())?;
    Ok(stop)
}

/// Has `told` called at each signal; where it says that it was told before, the program ends at once.
///
/// # Errors
///
/// The system does not let us listen; that is said, and this is the program's end.
pub(super) fn listen(told: impl Fn() -> bool + Send + 'static) -> Result<(), Exit> {
    let listening = ctrlc::set_handler(move || {
        if told() {
            complain("Ended at once: no more is written, and what was made at a target is not removed.");
            std::process::exit(Exit::Interrupted.code().into());
        }
    });
    listening.map_err(|error| {
        accuse(format_args!("cannot listen for Ctrl-C: {error}"));
        Exit::Internal
    })
}
