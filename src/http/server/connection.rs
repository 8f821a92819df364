//! A connection with limits on clients that do not follow the protocol.
//!
//! The HTTP server accepts any amount of input, also from a client that never reads, and has a deadline for a
//! connection's first head only. This layer below it adds:
//!
//! - One request at a time reaches the server ([`PipelineState`]); the others wait in the system's bounded
//!   buffer.
//! - A response that the client does not read ends the connection, at once if there are too many of them.
//! - A head that is started and not finished ends the connection.

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

use super::ServerLimits;
use super::pipeline::{ConnectionActivity, PipelineState};

/// Bytes per read.
const READ_CHUNK: usize = 8 * 1024;
/// A client that reads this many bytes of a response gets more time.
const PROGRESS_BYTES: usize = 64 * 1024;
/// Most unread response bytes of all connections together.
const MAX_UNSENT_BYTES: usize = 128 * 1024 * 1024;

/// Unread response bytes of all connections.
pub(super) type UnsentBytes = Rc<Cell<usize>>;

/// A connection.
pub(super) struct Connection {
    stream: TcpStream,
    activity: Rc<ConnectionActivity>,
    pipeline: PipelineState,
    /// Bytes that were read and not yet forwarded.
    read_buffer: Vec<u8>,
    consumed: usize,
    /// Bytes of a body of unknown length that were forwarded without a pause.
    unbounded_bytes: usize,
    /// Time for a head, and for an unread response.
    head_timeout: Duration,
    write_timeout: Duration,
    /// The deadline of a head, and how many requests had started at its first byte.
    head_request_number: Option<u64>,
    head_timer: Option<Pin<Box<Sleep>>>,
    /// The deadline for reading a response, and the bytes read since it was set.
    write_timer: Option<Pin<Box<Sleep>>>,
    written_since_progress: usize,
    /// This connection's part of all unsent bytes.
    unsent: usize,
    all_unsent: UnsentBytes,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, limits: &ServerLimits, all_unsent: UnsentBytes) -> Self {
        // Without it the second of two responses waits for an acknowledgment. Failing to set it is no error.
        drop(stream.set_nodelay(true));
        Self {
            stream,
            activity: Rc::default(),
            pipeline: PipelineState::default(),
            read_buffer: Vec::new(),
            consumed: 0,
            unbounded_bytes: 0,
            head_timeout: limits.request,
            write_timeout: limits.idle,
            head_request_number: None,
            head_timer: None,
            write_timer: None,
            written_since_progress: 0,
            unsent: 0,
            all_unsent,
        }
    }

    pub(super) fn activity(&self) -> Rc<ConnectionActivity> {
        Rc::clone(&self.activity)
    }

    /// Records how many response bytes wait here.
    fn set_unsent(&mut self, count: usize) {
        self.all_unsent.set((self.all_unsent.get() + count).saturating_sub(self.unsent));
        self.unsent = count;
    }

    /// Returns whether a started head is late. The server itself handles the first head, with status 408.
    fn head_timed_out(&mut self, cx: &mut Context<'_>) -> bool {
        let requests_started = self.activity.requests_started();
        let is_reading_head = self.head_request_number == Some(requests_started)
            && requests_started > 0
            && !self.pipeline.head_is_complete();
        if self.activity.is_busy() || !is_reading_head {
            return false;
        }
        // Most heads arrive complete and need no timer.
        let head_timeout = self.head_timeout;
        self.head_timer.get_or_insert_with(|| Box::pin(sleep(head_timeout))).as_mut().poll(cx).is_ready()
    }

    /// Records received bytes. Between two requests they start a head.
    fn note_bytes_received(&mut self) {
        let requests_started = self.activity.requests_started();
        if requests_started == 0
            || self.activity.is_busy()
            || self.head_request_number == Some(requests_started)
        {
            return;
        }
        (self.head_request_number, self.head_timer) = (Some(requests_started), None);
    }

    /// Reads ahead; 0 at the end of the stream.
    fn read_ahead(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize>> {
        let mut buffer = [MaybeUninit::uninit(); READ_CHUNK];
        let mut buffer = ReadBuf::uninit(&mut buffer);
        let read = Pin::new(&mut self.stream).poll_read(cx, &mut buffer);
        // Idle clients take no memory.
        (self.read_buffer, self.consumed) = (buffer.filled().to_vec(), 0);
        read.map_ok(|()| self.read_buffer.len())
    }

    /// Forwards what may be forwarded; `None` if nothing may be yet.
    fn forward(&mut self, buf: &mut ReadBuf<'_>) -> Option<()> {
        let limit = buf.remaining().min(self.read_buffer.len() - self.consumed);
        let count = self.pipeline.advance(&self.read_buffer[self.consumed..self.consumed + limit]);
        if count == 0 {
            return None;
        }
        buf.put_slice(&self.read_buffer[self.consumed..self.consumed + count]);
        self.consumed += count;
        self.unbounded_bytes += count;
        self.note_bytes_received();
        Some(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let connection = self.get_mut();
        connection.pipeline.update(&connection.activity, connection.write_timer.is_some());
        if connection.pipeline.is_bounded() {
            connection.unbounded_bytes = 0;
        } else if connection.unbounded_bytes >= READ_CHUNK {
            // The server looks at the bytes before it gets more.
            connection.unbounded_bytes = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if connection.pipeline.can_read() {
            if connection.consumed == connection.read_buffer.len() {
                let read = connection.read_ahead(cx);
                if read.is_pending() && connection.head_timed_out(cx) {
                    // Reported as the end of the stream, so that the connection closes in order.
                    return Poll::Ready(Ok(()));
                }
                if ready!(read)? == 0 {
                    return Poll::Ready(Ok(()));
                }
            }
            if connection.forward(buf).is_some() {
                return Poll::Ready(Ok(()));
            }
        }
        connection.activity.register_waker(cx);
        if connection.head_timed_out(cx) { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        let connection = self.get_mut();
        let written = Pin::new(&mut connection.stream).poll_write(cx, buf);
        match &written {
            Poll::Ready(Ok(count)) => {
                connection.written_since_progress += count;
                if connection.written_since_progress >= PROGRESS_BYTES {
                    (connection.write_timer, connection.written_since_progress) = (None, 0);
                }
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                let write_timeout = connection.write_timeout;
                connection.set_unsent(buf.len());
                let write_timer =
                    connection.write_timer.get_or_insert_with(|| Box::pin(sleep(write_timeout)));
                if write_timer.as_mut().poll(cx).is_ready() || connection.all_unsent.get() > MAX_UNSENT_BYTES
                {
                    // Discard what is in the system's buffer too.
                    drop(connection.stream.set_zero_linger());
                    return Poll::Ready(Err(Error::new(
                        ErrorKind::TimedOut,
                        "the client does not read its \
                        response",
                    )));
                }
            }
        }
        written
    }

    /// Called when everything is written.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let connection = self.get_mut();
        connection.written_since_progress = 0;
        connection.set_unsent(0);
        if connection.write_timer.take().is_some() {
            connection.activity.wake_reader();
        }
        Pin::new(&mut connection.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.set_unsent(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a connection and its other side, which does not read.
    async fn connected() -> (TcpStream, TcpStream) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (stream, listener.accept().await.unwrap().0)
    }

    /// Writes until the socket buffer is full.
    async fn fill(connection: &mut Connection) -> Poll<Result<usize>> {
        let answer = vec![0; 1 << 20];
        std::future::poll_fn(|cx| {
            loop {
                match Pin::new(&mut *connection).poll_write(cx, &answer) {
                    Poll::Ready(Ok(_)) => {}
                    end => return Poll::Ready(end),
                }
            }
        })
        .await
    }

    #[tokio::test]
    async fn who_does_not_take_an_answer_goes_where_too_many_lie_there() {
        let all = UnsentBytes::default();
        let ((first, _one), (second, _other)) = (connected().await, connected().await);
        let limits = ServerLimits::DEFAULT;
        let mut first = Connection::new(first, &limits, Rc::clone(&all));
        assert!(fill(&mut first).await.is_pending());
        assert_eq!(all.get(), 1 << 20, "what is at hand");
        all.set(all.get() + MAX_UNSENT_BYTES);
        let mut second = Connection::new(second, &limits, Rc::clone(&all));
        assert!(matches!(fill(&mut second).await, Poll::Ready(Err(_))), "no room for another");
        drop((first, second));
        assert_eq!(all.get(), MAX_UNSENT_BYTES, "what went takes no room");
    }

    #[tokio::test]
    async fn answers_do_not_wait_for_acknowledgements() {
        let (stream, _other) = connected().await;
        assert!(!stream.nodelay().unwrap(), "as the system has it");
        assert!(
            Connection::new(stream, &ServerLimits::DEFAULT, UnsentBytes::default()).stream.nodelay().unwrap()
        );
    }
}
