//! The end of a server: the first signal lets it finish what is at hand, the second does not.

use std::io::Result;
use std::pin::pin;
use std::time::Duration;

use actix_server::ServerBuilder;
use tokio::sync::oneshot;

/// Signals that come within this time are one: who ends a program and all of its group sends two.
const SIGNAL_DEBOUNCE: Duration = Duration::from_millis(250);

/// How a server ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShutdownKind {
    /// Requests at hand were finished, as far as their clients let them.
    Graceful,
    /// They were cut off: it was told twice.
    Immediate,
}

/// Runs a server until the program is told to end (SIGINT or SIGTERM, or what a console has in their place); then requests at hand
/// are finished. When it is told again, it ends at once.
pub(super) async fn run(server: ServerBuilder) -> Result<ShutdownKind> {
    let mut signals = Signals::listen()?;
    let (stop_sender, stop_receiver) = oneshot::channel();
    let server = server.shutdown_signal(async move {
        // Where nobody tells any more the server has ended.
        drop(stop_receiver.await);
    });
    let mut server = pin!(server.run());
    tokio::select! {
        ended = &mut server => return ended.map(|()| ShutdownKind::Graceful),
        () = signals.next() => drop(stop_sender.send(())),
    }
    let mut debounce = pin!(tokio::time::sleep(SIGNAL_DEBOUNCE));
    let mut is_debounced = false;
    loop {
        tokio::select! {
            ended = &mut server => return ended.map(|()| ShutdownKind::Graceful),
            () = &mut debounce, if !is_debounced => is_debounced = true,
            () = signals.next() => {
                if is_debounced {
                    return Ok(ShutdownKind::Immediate);
                }
            }
        }
    }
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 2]);

#[cfg(unix)]
impl Signals {
    fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // Nobody can tell: it runs until it is killed.
            std::future::pending::<()>().await;
        }
    }
}
