//! The end of a server: the first signal lets it finish what is at hand, the second does not.

use std::io::Result;
use std::pin::pin;
use std::time::Duration;

use actix_server::ServerBuilder;
use tokio::sync::oneshot;

/// Signals that come within this time are one: who ends a program and all of its group sends two.
const ONE_PRESS: Duration = Duration::from_millis(250);

/// How a server ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// Requests at hand were finished, as far as their clients let them.
    InOrder,
    /// They were cut off: it was told twice.
    AtOnce,
}

/// Runs a server until the program is told to end (SIGINT or SIGTERM, or what a console has in their place); then requests at hand
/// are finished. When it is told again, it ends at once.
pub(super) async fn run(server: ServerBuilder) -> Result<Ended> {
    let mut signals = Signals::listen()?;
    let (tell, told) = oneshot::channel();
    let server = server.shutdown_signal(async move {
        // Where nobody tells any more the server has ended.
        drop(told.await);
    });
    let mut server = pin!(server.run());
    tokio::select! {
        ended = &mut server => return ended.map(|()| Ended::InOrder),
        () = signals.next() => drop(tell.send(())),
    }
    let mut one_press = pin!(tokio::time::sleep(ONE_PRESS));
    let mut over = false;
    loop {
        tokio::select! {
            ended = &mut server => return ended.map(|()| Ended::InOrder),
            () = &mut one_press, if !over => over = true,
            () = signals.next() => {
                if over {
                    return Ok(Ended::AtOnce);
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
