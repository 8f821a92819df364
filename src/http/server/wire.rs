//! A connection as bytes, and what it costs those who do not keep to the rules.
//!
//! The HTTP server takes in whatever comes, also from somebody who never reads an answer, and looks at the time for a
//! connection's first head alone. So here, below it:
//!
//! - one request goes to it at a time ([`Pace`]); the others wait in the system's bounded room,
//! - an answer that nobody takes ends the connection, at once where too many of them lie there,
//! - and so does a head that is begun and not finished.

use std::cell::Cell;
use std::io::{Error, ErrorKind, Result};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::Limits;
use super::pace::{Pace, Pulse};

/// So many bytes are read at once.
const READ: usize = 8 * 1024;
/// Whoever takes so many bytes of an answer is given time for more.
const PROGRESS: usize = 64 * 1024;
/// So many bytes of answers may lie there for the clients of all connections.
const MOST_UNSENT: usize = 128 * 1024 * 1024;

/// Bytes of answers that the clients of all connections have not taken yet.
pub(super) type Unsent = Rc<Cell<usize>>;

/// A connection.
pub(super) struct Wire {
    stream: TcpStream,
    pulse: Rc<Pulse>,
    pace: Pace,
    /// What was read and is not let through yet.
    ahead: Vec<u8>,
    passed: usize,
    /// Bytes of unknown end that were let through without a pause.
    run: usize,
    /// How long a head may take, and how long an answer may lie untaken.
    head: Duration,
    patience: Duration,
    /// The end of a head's time, and how many requests had begun when its first byte came.
    begun_head: Option<u64>,
    head_ends: Option<Pin<Box<Sleep>>>,
    /// The end of patience, and what was taken since that was said.
    stuck: Option<Pin<Box<Sleep>>>,
    moved: usize,
    /// Of all bytes that are unsent, this connection's.
    unsent: usize,
    all_unsent: Unsent,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, limits: &Limits, all_unsent: Unsent) -> Self {
        // The second of two answers would wait until the first is acknowledged. Where it cannot be had, that is all.
        drop(stream.set_nodelay(true));
        Self {
            stream,
            pulse: Rc::default(),
            pace: Pace::default(),
            ahead: Vec::new(),
            passed: 0,
            run: 0,
            head: limits.request,
            patience: limits.idle,
            begun_head: None,
            head_ends: None,
            stuck: None,
            moved: 0,
            unsent: 0,
            all_unsent,
        }
    }

    pub(super) fn pulse(&self) -> Rc<Pulse> {
        Rc::clone(&self.pulse)
    }

    /// Notes how many bytes of an answer wait here.
    fn set_unsent(&mut self, count: usize) {
        self.all_unsent.set((self.all_unsent.get() + count).saturating_sub(self.unsent));
        self.unsent = count;
    }

    /// Whether the time is over for a head that was begun. The first of a connection is the server's, which answers 408.
    fn head_is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let begun = self.pulse.begun();
        let in_a_head = self.begun_head == Some(begun) && begun > 0 && !self.pace.has_whole_head();
        if self.pulse.is_busy() || !in_a_head {
            return false;
        }
        // Most heads come at once, and need no timer.
        let head = self.head;
        self.head_ends.get_or_insert_with(|| Box::pin(sleep(head))).as_mut().poll(cx).is_ready()
    }

    /// Notes that bytes came. Between two requests they begin a head.
    fn came(&mut self) {
        let begun = self.pulse.begun();
        if begun == 0 || self.pulse.is_busy() || self.begun_head == Some(begun) {
            return;
        }
        (self.begun_head, self.head_ends) = (Some(begun), None);
    }

    /// Reads ahead; 0 at the end of what is sent.
    fn read_ahead(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize>> {
        let mut space = [MaybeUninit::uninit(); READ];
        let mut space = ReadBuf::uninit(&mut space);
        let read = Pin::new(&mut self.stream).poll_read(cx, &mut space);
        // Those who say nothing take no room.
        (self.ahead, self.passed) = (space.filled().to_vec(), 0);
        read.map_ok(|()| self.ahead.len())
    }

    /// Lets through what may be of what was read ahead; `None` when nothing may be yet.
    fn let_through(&mut self, buf: &mut ReadBuf<'_>) -> Option<()> {
        let most = buf.remaining().min(self.ahead.len() - self.passed);
        let count = self.pace.pass(&self.ahead[self.passed..self.passed + most]);
        if count == 0 {
            return None;
        }
        buf.put_slice(&self.ahead[self.passed..self.passed + count]);
        self.passed += count;
        self.run += count;
        self.came();
        Some(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let wire = self.get_mut();
        wire.pace.follow(&wire.pulse, wire.stuck.is_some());
        if wire.pace.is_bounded() {
            wire.run = 0;
        } else if wire.run >= READ {
            // The server has a look at what it got before there is more.
            wire.run = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if wire.pace.is_open() {
            if wire.passed == wire.ahead.len() {
                let read = wire.read_ahead(cx);
                if read.is_pending() && wire.head_is_late(cx) {
                    // As if nothing more came: the connection is closed in order.
                    return Poll::Ready(Ok(()));
                }
                if ready!(read)? == 0 {
                    return Poll::Ready(Ok(()));
                }
            }
            if wire.let_through(buf).is_some() {
                return Poll::Ready(Ok(()));
            }
        }
        wire.pulse.wait(cx);
        if wire.head_is_late(cx) { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        let wire = self.get_mut();
        let written = Pin::new(&mut wire.stream).poll_write(cx, buf);
        match &written {
            Poll::Ready(Ok(count)) => {
                wire.moved += count;
                if wire.moved >= PROGRESS {
                    (wire.stuck, wire.moved) = (None, 0);
                }
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                let patience = wire.patience;
                wire.set_unsent(buf.len());
                let stuck = wire.stuck.get_or_insert_with(|| Box::pin(sleep(patience)));
                if stuck.as_mut().poll(cx).is_ready() || wire.all_unsent.get() > MOST_UNSENT {
                    // What lies in the system's buffers goes as well.
                    drop(wire.stream.set_zero_linger());
                    return Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "nobody takes the answer")));
                }
            }
        }
        written
    }

    /// Is called when everything is written.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let wire = self.get_mut();
        wire.moved = 0;
        wire.set_unsent(0);
        if wire.stuck.take().is_some() {
            wire.pulse.changed();
        }
        Pin::new(&mut wire.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.set_unsent(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection, and the other side of it, which does not read.
    async fn connected() -> (TcpStream, TcpStream) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (stream, listener.accept().await.unwrap().0)
    }

    /// Writes until it is not taken any more.
    async fn fill(wire: &mut Wire) -> Poll<Result<usize>> {
        let answer = vec![0; 1 << 20];
        std::future::poll_fn(|cx| {
            loop {
                match Pin::new(&mut *wire).poll_write(cx, &answer) {
                    Poll::Ready(Ok(_)) => {}
                    end => return Poll::Ready(end),
                }
            }
        })
        .await
    }

    #[tokio::test]
    async fn who_does_not_take_an_answer_goes_where_too_many_lie_there() {
        let all = Unsent::default();
        let ((first, _one), (second, _other)) = (connected().await, connected().await);
        let limits = Limits::DEFAULT;
        let mut first = Wire::new(first, &limits, Rc::clone(&all));
        assert!(fill(&mut first).await.is_pending());
        assert_eq!(all.get(), 1 << 20, "what is at hand");
        all.set(all.get() + MOST_UNSENT);
        let mut second = Wire::new(second, &limits, Rc::clone(&all));
        assert!(matches!(fill(&mut second).await, Poll::Ready(Err(_))), "no room for another");
        drop((first, second));
        assert_eq!(all.get(), MOST_UNSENT, "what went takes no room");
    }

    #[tokio::test]
    async fn answers_do_not_wait_for_acknowledgements() {
        let (stream, _other) = connected().await;
        assert!(!stream.nodelay().unwrap(), "as the system has it");
        assert!(Wire::new(stream, &Limits::DEFAULT, Unsent::default()).stream.nodelay().unwrap());
    }
}
