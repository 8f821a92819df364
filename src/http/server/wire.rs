//! A connection as bytes, and what it costs those who do not keep to the rules.
//!
//! The HTTP server takes in whatever comes, also from somebody who never reads an answer, and looks at the time for a
//! connection's first head alone. So here, below it:
//!
//! - only some kilobytes are read before what was answered so far has left: requests that wait are bounded,
//! - an answer that nobody takes ends the connection,
//! - and so does a head that is begun and not finished.

use std::cell::Cell;
use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use super::Limits;

/// So many bytes, and what one read brings, are taken in before what was answered is written out: a few dozen requests.
const TAKEN_IN: usize = 8 * 1024;
/// Whoever takes so many bytes of an answer is given time for more.
const PROGRESS: usize = 64 * 1024;

/// What the connection knows of its requests.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    begun: Cell<u64>,
    at_hand: Cell<u64>,
}

/// A request at hand, until it is dropped.
pub(super) struct Turn(Rc<Pulse>);

impl Turn {
    pub(super) fn begin(pulse: Rc<Pulse>) -> Self {
        pulse.begun.set(pulse.begun.get() + 1);
        pulse.at_hand.set(pulse.at_hand.get() + 1);
        Self(pulse)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.at_hand.set(self.0.at_hand.get().saturating_sub(1));
    }
}

/// A connection.
pub(super) struct Wire {
    stream: TcpStream,
    pulse: Rc<Pulse>,
    /// How long a head may take, and how long an answer may lie untaken.
    head: Duration,
    patience: Duration,
    /// Bytes taken in since everything was written out, and whether there was a wish for more.
    taken_in: usize,
    starved: bool,
    /// Whether something was written since then.
    written: bool,
    /// The end of a head's time, and how many requests had begun when its first byte came.
    begun_head: Option<u64>,
    head_ends: Pin<Box<Sleep>>,
    /// The end of patience, and what was taken since that was said.
    stuck: Option<Pin<Box<Sleep>>>,
    moved: usize,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, limits: &Limits) -> Self {
        // The second of two answers would wait until the first is acknowledged. Where it cannot be had, that is all.
        drop(stream.set_nodelay(true));
        Self {
            stream,
            pulse: Rc::default(),
            head: limits.request,
            patience: limits.idle,
            taken_in: 0,
            starved: false,
            written: false,
            begun_head: None,
            head_ends: Box::pin(sleep(Duration::ZERO)),
            stuck: None,
            moved: 0,
        }
    }

    pub(super) fn pulse(&self) -> Rc<Pulse> {
        Rc::clone(&self.pulse)
    }

    /// Whether the time is over for a head that was begun. The first of a connection is the server's, which answers 408.
    fn head_is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let begun = self.pulse.begun.get();
        if self.pulse.at_hand.get() > 0 || self.begun_head != Some(begun) || begun == 0 {
            return false;
        }
        self.head_ends.as_mut().poll(cx).is_ready()
    }

    /// Notes that bytes came. Between two requests they begin a head.
    fn came(&mut self) {
        let begun = self.pulse.begun.get();
        if self.pulse.at_hand.get() == 0 && self.begun_head != Some(begun) {
            self.begun_head = Some(begun);
            self.head_ends.as_mut().reset(Instant::now() + self.head);
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let wire = self.get_mut();
        if wire.taken_in >= TAKEN_IN {
            // Who writes wakes: see `poll_flush`.
            wire.starved = true;
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut wire.stream).poll_read(cx, buf);
        let count = buf.filled().len() - before;
        if count > 0 {
            wire.taken_in += count;
            wire.came();
        } else if read.is_pending() && wire.head_is_late(cx) {
            // As if nothing more came: the connection is closed in order.
            return Poll::Ready(Ok(()));
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        let wire = self.get_mut();
        let written = Pin::new(&mut wire.stream).poll_write(cx, buf);
        match &written {
            Poll::Ready(Ok(count)) => {
                wire.written = true;
                wire.moved += count;
                if wire.moved >= PROGRESS {
                    (wire.stuck, wire.moved) = (None, 0);
                }
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                let patience = wire.patience;
                let stuck = wire.stuck.get_or_insert_with(|| Box::pin(sleep(patience)));
                if stuck.as_mut().poll(cx).is_ready() {
                    // What lies in the system's buffers goes as well.
                    drop(wire.stream.set_zero_linger());
                    return Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "nobody takes the answer")));
                }
            }
        }
        written
    }

    /// Is called when everything is written out.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let wire = self.get_mut();
        (wire.stuck, wire.moved, wire.taken_in) = (None, 0, 0);
        // The server does not look again at what it has read and not yet understood, for whatever reason it stopped.
        if std::mem::take(&mut wire.written) | std::mem::take(&mut wire.starved) {
            cx.waker().wake_by_ref();
        }
        Pin::new(&mut wire.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_do_not_wait_for_acknowledgements() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        assert!(!stream.nodelay().unwrap(), "as the system has it");
        assert!(Wire::new(stream, &Limits::DEFAULT).stream.nodelay().unwrap());
    }
}
