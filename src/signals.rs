//! Signals that end the program in order: SIGINT, SIGTERM and SIGHUP, or the console's equivalent. A signal
//! that was ignored at the start stays ignored, as `nohup` and shells want it for jobs in the background.

use std::io::Result;

/// A signal that ends the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EndSignal {
    /// Ctrl-C.
    Interrupt,
    /// `kill` without an option.
    Terminate,
    /// The terminal is gone.
    Hangup,
}

#[cfg(unix)]
impl EndSignal {
    const fn kind(self) -> tokio::signal::unix::SignalKind {
        use tokio::signal::unix::SignalKind;
        match self {
            Self::Interrupt => SignalKind::interrupt(),
            Self::Terminate => SignalKind::terminate(),
            Self::Hangup => SignalKind::hangup(),
        }
    }
}

/// Receives signals. Must be created inside a runtime with I/O.
#[cfg(unix)]
pub(crate) struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    /// Listens for these signals, except those that the process ignores now.
    pub(crate) fn listen(signals: &[EndSignal]) -> Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let kinds = signals.iter().map(|signal| signal.kind());
        let kinds = kinds.filter(|kind| !is_ignored(&status, kind.as_raw_value()));
        kinds.map(tokio::signal::unix::signal).collect::<Result<_>>().map(Self)
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) {
        std::future::poll_fn(|cx| match self.0.iter_mut().any(|signal| signal.poll_recv(cx).is_ready()) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        })
        .await;
    }
}

/// Returns whether the process ignores this signal. `status` is the content of `/proc/self/status`, which
/// only Linux has.
#[cfg(unix)]
fn is_ignored(status: &str, number: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    (1..=64).contains(&number) && mask >> (number - 1) & 1 == 1
}

/// Receives signals.
#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Listens for Ctrl-C.
    pub(crate) fn listen(_: &[EndSignal]) -> Result<Self> {
        Ok(Self)
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // No signal can arrive: the program runs until it is killed.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_the_mask() {
        let status = "Name:\tpoolproof\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\nSigCgt:\t2\n";
        let of = |signal: EndSignal| is_ignored(status, signal.kind().as_raw_value());
        assert_eq!(
            [EndSignal::Hangup, EndSignal::Interrupt, EndSignal::Terminate].map(of),
            [true, false, false]
        );
        assert!(!is_ignored("", 1) && !is_ignored(status, 0) && !is_ignored(status, 65));
    }
}
