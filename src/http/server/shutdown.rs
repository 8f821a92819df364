//! Shutdown: the first signal finishes the requests in flight, the second ends at once.

use std::io::Result;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::signals::{EndSignal, Signals};

/// Signals within this time count as one: ending a process group sends two.
const SIGNAL_DEBOUNCE: Duration = Duration::from_millis(250);

/// How a server ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShutdownKind {
    /// Requests in flight were finished.
    Graceful,
    /// A second signal ended them.
    Immediate,
}

/// Runs a server until SIGINT or SIGTERM, or the console's equivalent; then the requests in flight are
/// finished. A second signal ends it at once. The server stops when `stop` is dropped.
pub(super) async fn run(server: impl Future<Output = ()>, stop: oneshot::Sender<()>) -> Result<ShutdownKind> {
    let mut signals = Signals::listen(&[EndSignal::Interrupt, EndSignal::Terminate])?;
    let mut server = pin!(server);
    tokio::select! {
        () = &mut server => return Ok(ShutdownKind::Graceful),
        () = signals.next() => drop(stop),
    }
    let mut debounce = pin!(tokio::time::sleep(SIGNAL_DEBOUNCE));
    let mut is_debounced = false;
    loop {
        tokio::select! {
            () = &mut server => return Ok(ShutdownKind::Graceful),
            () = &mut debounce, if !is_debounced => is_debounced = true,
            () = signals.next() => {
                if is_debounced {
                    return Ok(ShutdownKind::Immediate);
                }
            }
        }
    }
}
