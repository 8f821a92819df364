//! A connection with limits on clients that do not follow the protocol.
//!
//! hyper reads one request at a time, and the next one only after the response is written. This layer below
//! it adds deadlines: for a request's head, for idle connections and for responses that the client does not
//! read. One timer checks the deadlines of all connections, so no request starts a timer.
//!
//! Closing a connection while bytes arrive makes the client discard the response (RFC 9112, section 9.6). So
//! the last response is followed by a pause in which some bytes are read and discarded.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::ServerLimits;

/// The time between two checks of all deadlines.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// A client that reads this many bytes of a response gets more time.
const PROGRESS_BYTES: usize = 64 * 1024;
/// Most bytes of a response that are written before other connections follow.
const MAX_WRITE: usize = 64 * 1024;
/// Most unread response bytes of all connections together.
const MAX_UNSENT_BYTES: usize = 128 * 1024 * 1024;
/// Most bytes that are read and discarded after the last response.
const MAX_DISCARDED_BYTES: usize = 1 << 20;
/// Longest time for reading and discarding.
const MAX_LINGER: Duration = Duration::from_secs(1);
/// At the limit, the server closes one in this number of connections.
const EVICTION_SHARE: usize = 256;
/// The response to a head that is late.
const LATE_HEAD: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// The state that all connections of a server share.
#[derive(Debug)]
pub(super) struct Connections {
    open: RefCell<Vec<Rc<ConnectionState>>>,
    /// Ticks since the start.
    now: Cell<u64>,
    /// Unread response bytes of all connections.
    unsent: Cell<usize>,
    is_shutting_down: Cell<bool>,
    head_ticks: u64,
    idle_ticks: u64,
}

impl Connections {
    pub(super) fn new(limits: &ServerLimits) -> Self {
        Self {
            open: RefCell::default(),
            now: Cell::new(0),
            unsent: Cell::new(0),
            is_shutting_down: Cell::new(false),
            head_ticks: to_ticks(limits.request),
            idle_ticks: to_ticks(limits.idle),
        }
    }

    /// Advances the time by one tick, wakes late connections and forgets closed ones.
    pub(super) fn tick(&self) {
        let now = self.now.get() + 1;
        self.now.set(now);
        self.open.borrow_mut().retain(|state| {
            if state.deadline.get() <= now {
                state.expire();
            }
            state.phase.get() != Phase::Closed
        });
    }

    /// Closes idle connections now, and the others after their next response.
    pub(super) fn shut_down(&self) {
        self.is_shutting_down.set(true);
        self.open.borrow().iter().filter(|state| state.phase.get() == Phase::Idle).for_each(|s| s.expire());
    }

    /// Makes room for a client: closes connections that wait for a request, of the address that has most
    /// connections, those that wait longest first. Other addresses follow if that address has none that
    /// waits, but never one that has fewer connections than the client's own address.
    pub(super) fn evict(&self, client: Option<IpAddr>) {
        let open = self.open.borrow();
        let mut counts: BTreeMap<Option<IpAddr>, usize> = BTreeMap::new();
        for state in open.iter().filter(|state| state.phase.get() != Phase::Closed) {
            *counts.entry(state.peer).or_default() += 1;
        }
        let mut waiting: Vec<_> = open.iter().filter(|state| state.waits_for_request()).collect();
        let count = |peer: Option<IpAddr>| counts.get(&peer).copied().unwrap_or_default();
        let most = waiting.iter().map(|state| count(state.peer)).max();
        let most = most.filter(|most| *most >= count(canonical(client)));
        waiting.retain(|state| Some(count(state.peer)) == most);
        waiting.sort_by_key(|state| state.since.get());
        waiting.iter().take(open.len() / EVICTION_SHARE + 1).for_each(|state| state.expire());
    }

    pub(super) const fn is_shutting_down(&self) -> bool {
        self.is_shutting_down.get()
    }

    /// Returns the ticks since the start.
    pub(super) const fn now(&self) -> u64 {
        self.now.get()
    }
}

/// Returns the IPv4 address that an IPv6 address contains, or the address itself.
fn canonical(peer: Option<IpAddr>) -> Option<IpAddr> {
    peer.map(|ip| ip.to_canonical())
}

/// Returns the number of ticks after which at least this time has passed. The first tick may come at once.
fn to_ticks(time: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(TICK.as_millis())).unwrap_or(u64::MAX / 2).saturating_add(1)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// No byte of the next head has arrived.
    Idle,
    /// A head has begun.
    Head,
    /// A head is complete, and its body is not.
    Body,
    /// A request is being answered.
    Request,
    /// The response is complete and not yet written.
    Response,
    /// The server discards further bytes of the client.
    Linger,
    Closed,
}

/// The phase of a connection and its deadline.
#[derive(Debug)]
pub(super) struct ConnectionState {
    phase: Cell<Phase>,
    /// The tick at which the connection times out; `u64::MAX` without a deadline.
    deadline: Cell<u64>,
    is_expired: Cell<bool>,
    /// The tick at which the connection began to wait for a request or its body.
    since: Cell<u64>,
    peer: Option<IpAddr>,
    waker: RefCell<Option<Waker>>,
}

impl ConnectionState {
    /// Records that the head of a request is complete.
    pub(super) fn begin_body(&self, now: u64) {
        self.enter(Phase::Body, u64::MAX);
        self.since.set(now);
    }

    /// Records that a request is complete, if its body was still arriving.
    pub(super) fn end_body(&self) {
        if self.phase.get() == Phase::Body {
            self.enter(Phase::Request, u64::MAX);
        }
    }

    /// Returns whether the connection has to close although a body is arriving. Otherwise wakes the task when
    /// that is so.
    pub(super) fn poll_closing(&self, cx: &Context<'_>) -> bool {
        self.register_waker(cx);
        self.is_expired.get()
    }

    /// Records that the response is complete.
    pub(super) fn end_request(&self) {
        self.enter(Phase::Response, u64::MAX);
    }

    fn enter(&self, phase: Phase, deadline: u64) {
        self.phase.set(phase);
        self.deadline.set(deadline);
    }

    /// Returns whether the connection can be closed without losing a complete request or its answer.
    fn waits_for_request(&self) -> bool {
        let phase = self.phase.get();
        matches!(phase, Phase::Idle | Phase::Head | Phase::Body | Phase::Linger) && !self.is_expired.get()
    }

    fn expire(&self) {
        self.deadline.set(u64::MAX);
        self.is_expired.set(true);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Waits for the deadline too.
    fn register_waker(&self, cx: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }
}

/// A connection.
pub(super) struct Connection {
    stream: TcpStream,
    all: Rc<Connections>,
    state: Rc<ConnectionState>,
    /// Bytes written since the client last got more time.
    written_since_progress: usize,
    /// Bytes written since other connections had their turn.
    written_in_turn: usize,
    /// This connection's part of all unsent bytes.
    unsent: usize,
    discarded: usize,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, all: Rc<Connections>) -> Self {
        // Without it the second of two responses waits for an acknowledgment. Failing to set it is no error.
        drop(stream.set_nodelay(true));
        let state = Rc::new(ConnectionState {
            phase: Cell::new(Phase::Idle),
            deadline: Cell::new(all.now.get() + all.head_ticks),
            is_expired: Cell::new(false),
            since: Cell::new(all.now.get()),
            peer: canonical(stream.peer_addr().ok().map(|peer| peer.ip())),
            waker: RefCell::default(),
        });
        all.open.borrow_mut().push(Rc::clone(&state));
        Self { stream, all, state, written_since_progress: 0, written_in_turn: 0, unsent: 0, discarded: 0 }
    }

    pub(super) fn state(&self) -> Rc<ConnectionState> {
        Rc::clone(&self.state)
    }

    /// Records how many response bytes wait here.
    fn set_unsent(&mut self, count: usize) {
        self.all.unsent.set((self.all.unsent.get() + count).saturating_sub(self.unsent));
        self.unsent = count;
    }

    fn deadline_after(&self, ticks: u64) -> u64 {
        self.all.now.get().saturating_add(ticks)
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let connection = self.get_mut();
        let filled = buf.filled().len();
        let read = Pin::new(&mut connection.stream).poll_read(cx, buf);
        let state = &connection.state;
        match (&read, state.phase.get()) {
            (Poll::Pending, phase @ (Phase::Idle | Phase::Head)) if state.is_expired.get() => {
                if phase == Phase::Head {
                    // Nothing else is being written. A client that does not read misses it.
                    drop(connection.stream.try_write(LATE_HEAD));
                }
                // Reported as the end of the stream, so that the connection closes in order.
                return Poll::Ready(Ok(()));
            }
            (Poll::Pending, _) => state.register_waker(cx),
            (Poll::Ready(Ok(())), Phase::Idle) if buf.filled().len() > filled => {
                state.enter(Phase::Head, connection.deadline_after(connection.all.head_ticks));
            }
            _ => {}
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    /// Without vectored writes hyper copies each response to put its head before its body.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let connection = self.get_mut();
        if connection.written_in_turn >= MAX_WRITE {
            // Other connections follow before the rest.
            connection.written_in_turn = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let stream = Pin::new(&mut connection.stream);
        let length: usize = bufs.iter().map(|buf| buf.len()).sum();
        let written = match bufs.iter().find(|buf| !buf.is_empty()) {
            Some(first) if length > MAX_WRITE => stream.poll_write(cx, &first[..first.len().min(MAX_WRITE)]),
            _ => stream.poll_write_vectored(cx, bufs),
        };
        match &written {
            Poll::Ready(Ok(count)) => {
                connection.written_in_turn += count;
                connection.written_since_progress += count;
                if connection.written_since_progress >= PROGRESS_BYTES {
                    connection.state.deadline.set(u64::MAX);
                    connection.written_since_progress = 0;
                }
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                connection.written_in_turn = 0;
                connection.set_unsent(length);
                if connection.state.is_expired.get() || connection.all.unsent.get() > MAX_UNSENT_BYTES {
                    // Discard what is in the system's buffer too.
                    drop(connection.stream.set_zero_linger());
                    let error = Error::new(ErrorKind::TimedOut, "the client does not read its response");
                    return Poll::Ready(Err(error));
                }
                if connection.state.deadline.get() == u64::MAX {
                    connection.state.deadline.set(connection.deadline_after(connection.all.idle_ticks));
                }
                connection.state.register_waker(cx);
            }
        }
        written
    }

    /// Called when everything is written.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        let connection = self.get_mut();
        if connection.state.phase.get() == Phase::Response {
            connection.written_since_progress = 0;
            connection.written_in_turn = 0;
            connection.set_unsent(0);
            connection.state.enter(Phase::Idle, connection.deadline_after(connection.all.idle_ticks));
            connection.state.since.set(connection.all.now.get());
        }
        Poll::Ready(Ok(()))
    }

    /// Ends the response and discards some of what the client still sends, so that it reads the response.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let connection = self.get_mut();
        if connection.state.phase.get() != Phase::Linger {
            ready!(Pin::new(&mut connection.stream).poll_shutdown(cx))?;
            if connection.state.is_expired.get() {
                return Poll::Ready(Ok(()));
            }
            let deadline = connection.deadline_after(to_ticks(MAX_LINGER));
            connection.state.enter(Phase::Linger, deadline);
        }
        let mut buffer = [MaybeUninit::uninit(); 8 * 1024];
        while connection.discarded < MAX_DISCARDED_BYTES && !connection.state.is_expired.get() {
            let mut buffer = ReadBuf::uninit(&mut buffer);
            let read = Pin::new(&mut connection.stream).poll_read(cx, &mut buffer);
            connection.state.register_waker(cx);
            match ready!(read) {
                Ok(()) if !buffer.filled().is_empty() => connection.discarded += buffer.filled().len(),
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.set_unsent(0);
        self.state.enter(Phase::Closed, u64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    /// Returns a connection and its other side, which does not read.
    async fn connected() -> (TcpStream, TcpStream) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (stream, listener.accept().await.unwrap().0)
    }

    /// Two addresses with connections, and one that has none yet.
    const MANY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    const FEW: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));
    const NEW: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 3));

    /// Returns connections, each with its peer, the tick since which it waits, and its phase.
    fn with_states<const N: usize>(
        states: [(IpAddr, u64, Phase); N],
    ) -> (Connections, [Rc<ConnectionState>; N]) {
        let all = Connections::new(&ServerLimits::DEFAULT);
        let states = states.map(|(peer, since, phase)| {
            Rc::new(ConnectionState {
                phase: Cell::new(phase),
                deadline: Cell::new(u64::MAX),
                is_expired: Cell::new(false),
                since: Cell::new(since),
                peer: Some(peer),
                waker: RefCell::default(),
            })
        });
        all.open.borrow_mut().extend(states.iter().map(Rc::clone));
        (all, states)
    }

    /// Writes until the socket buffer is full.
    async fn fill(connection: &mut Connection) -> Poll<Result<usize>> {
        let answer = vec![0; 1 << 20];
        std::future::poll_fn(|cx| {
            loop {
                match Pin::new(&mut *connection).poll_write(cx, &answer) {
                    Poll::Ready(Ok(_)) => {}
                    Poll::Pending if connection.unsent == 0 => {}
                    end => return Poll::Ready(end),
                }
            }
        })
        .await
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_closed_at_the_limit_of_unsent_bytes() {
        let all = Rc::new(Connections::new(&ServerLimits::DEFAULT));
        let ((first, _one), (second, _other)) = (connected().await, connected().await);
        let mut first = Connection::new(first, Rc::clone(&all));
        assert!(fill(&mut first).await.is_pending());
        assert_eq!(all.unsent.get(), 1 << 20, "unread bytes of the first response");
        all.unsent.set(all.unsent.get() + MAX_UNSENT_BYTES);
        let mut second = Connection::new(second, Rc::clone(&all));
        assert!(
            matches!(fill(&mut second).await, Poll::Ready(Err(_))),
            "the second response exceeds the limit"
        );
        drop((first, second));
        assert_eq!(all.unsent.get(), MAX_UNSENT_BYTES, "closed connections do not count");
        all.tick();
        assert!(all.open.borrow().is_empty(), "closed connections are forgotten");
    }

    #[test]
    fn the_longest_waiting_connections_of_the_busiest_address_are_closed() {
        let (all, states) = with_states([
            (FEW, 0, Phase::Idle),
            (MANY, 1, Phase::Request),
            (MANY, 3, Phase::Head),
            (MANY, 2, Phase::Idle),
            (MANY, 4, Phase::Idle),
        ]);
        let expired = || states.each_ref().map(|state| state.is_expired.get());
        all.evict(Some(NEW));
        assert_eq!(expired(), [false, false, false, true, false]);
        all.evict(Some(NEW));
        assert_eq!(expired(), [false, false, true, true, false]);
    }

    #[test]
    fn eviction_includes_incomplete_bodies_but_not_addresses_with_fewer_connections() {
        let (all, states) = with_states([
            (MANY, 5, Phase::Request),
            (FEW, 0, Phase::Idle),
            (MANY, 2, Phase::Body),
            (MANY, 1, Phase::Linger),
            (MANY, 3, Phase::Request),
        ]);
        let expired = || states.each_ref().map(|state| state.is_expired.get());
        all.evict(Some(NEW));
        assert_eq!(expired(), [false, false, false, true, false]);
        all.evict(Some(NEW));
        assert_eq!(expired(), [false, false, true, true, false]);
        // Only the address with fewer connections waits. It makes room for others, but not for the one with
        // more.
        all.evict(Some(MANY));
        assert_eq!(expired(), [false, false, true, true, false]);
        all.evict(Some(NEW));
        assert_eq!(expired(), [false, true, true, true, false]);
    }

    #[tokio::test]
    async fn answers_do_not_wait_for_acknowledgements() {
        let (stream, _other) = connected().await;
        assert!(!stream.nodelay().unwrap(), "as the system has it");
        let all = Rc::new(Connections::new(&ServerLimits::DEFAULT));
        assert!(Connection::new(stream, all).stream.nodelay().unwrap());
    }
}
