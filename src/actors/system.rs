//! The runtime of the actors.

use std::cell::RefCell;
use std::io;

use actix::{System, SystemRunner};

use crate::clock::ClockKind;

/// Creates the runtime: one thread, with paused time for the virtual clock.
///
/// # Errors
///
/// The operating system cannot provide it.
pub fn system(clock: ClockKind) -> io::Result<SystemRunner> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(clock == ClockKind::Virtual);
    // Built here, where a failure can be returned.
    let runtime = RefCell::new(Some(builder.build()?));
    Ok(System::with_tokio_rt(|| match runtime.borrow_mut().take() {
        Some(runtime) => runtime,
        None => unreachable!("actix creates its runtime once"),
    }))
}
