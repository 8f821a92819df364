//! The runtime that the actors live on.

use std::cell::RefCell;
use std::io;

use actix::{System, SystemRunner};

use crate::clock::ClockKind;

/// The runtime of the actors: one thread, its time paused when it is virtual.
///
/// # Errors
///
/// The operating system gives none.
pub fn system(clock: ClockKind) -> io::Result<SystemRunner> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(clock == ClockKind::Virtual);
    // Built here, where a failure can be told.
    let runtime = RefCell::new(Some(builder.build()?));
    Ok(System::with_tokio_rt(|| match runtime.borrow_mut().take() {
        Some(runtime) => runtime,
        None => unreachable!("actix creates its runtime once"),
    }))
}
