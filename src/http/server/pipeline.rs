//! How far a connection is ahead: its requests go to the server one at a time, however many a client sends before it reads.
//!
//! The server would take in some thousand that wait, of some kilobytes each, and takes the unfinished body of the next request for
//! one that the last has left unread: then it closes. It alone says what a request is; here heads are only told from what
//! follows. What is let through too early waits in the server as it would without this.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};

use actix_web::dev::RequestHead;
use actix_web::http::header;

/// What a connection's requests tell it.
#[derive(Debug, Default)]
pub(super) struct ConnectionActivity {
    requests_started: Cell<u64>,
    in_progress: Cell<u64>,
    /// Bytes of the body of the request that began last; `None` if only their end will tell.
    body: Cell<Option<u64>>,
    /// Who waits for more bytes than may be read.
    waker: RefCell<Option<Waker>>,
}

impl ConnectionActivity {
    /// How many requests have begun.
    pub(super) const fn requests_started(&self) -> u64 {
        self.requests_started.get()
    }

    /// Whether a request is being answered.
    pub(super) const fn is_busy(&self) -> bool {
        self.in_progress.get() > 0
    }

    /// Has this task woken when something has changed.
    pub(super) fn register_waker(&self, cx: &Context<'_>) {
        *self.waker.borrow_mut() = Some(cx.waker().clone());
    }

    /// Wakes who waits: something has changed.
    pub(super) fn wake_reader(&self) {
        let waker = self.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A request at hand, until it is dropped.
pub(super) struct ActiveRequest(Rc<ConnectionActivity>);

impl ActiveRequest {
    pub(super) fn begin(activity: Rc<ConnectionActivity>, head: &RequestHead) -> Self {
        activity.body.set(body_length(head));
        activity.requests_started.set(activity.requests_started.get() + 1);
        activity.in_progress.set(activity.in_progress.get() + 1);
        activity.wake_reader();
        Self(activity)
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.0.in_progress.set(self.0.in_progress.get().saturating_sub(1));
        self.0.wake_reader();
    }
}

/// Bytes of a request's body, if its head says.
fn body_length(head: &RequestHead) -> Option<u64> {
    let headers = head.headers();
    if headers.contains_key(header::TRANSFER_ENCODING) || headers.contains_key(header::UPGRADE) {
        return None;
    }
    headers.get(header::CONTENT_LENGTH).map_or(Some(0), |length| length.to_str().ok()?.trim().parse().ok())
}

/// What comes next on a connection.
#[derive(Debug)]
pub(super) struct PipelineState {
    phase: RequestPhase,
    /// Requests that had begun when this was found out.
    requests_started: u64,
}

#[derive(PartialEq, Eq, Debug)]
enum RequestPhase {
    /// A head; whether something of it has come, and whether its last line is empty so far.
    Head { any_bytes: bool, line_empty: bool },
    /// A head has come whole, and its request has not begun yet.
    HeadComplete,
    /// So much of a body; then an answer, and only then a head.
    Body(u64),
    /// A body whose end is not known here, and whatever follows it until another request begins.
    Unbounded,
}

impl Default for PipelineState {
    fn default() -> Self {
        Self { phase: RequestPhase::Head { any_bytes: false, line_empty: false }, requests_started: 0 }
    }
}

impl PipelineState {
    /// Follows what has become of requests; `write_pending` is whether an answer is yet to be written.
    pub(super) fn update(&mut self, activity: &ConnectionActivity, write_pending: bool) {
        if self.requests_started != activity.requests_started() {
            self.requests_started = activity.requests_started();
            self.phase = activity.body.get().map_or(RequestPhase::Unbounded, RequestPhase::Body);
        }
        if self.phase == RequestPhase::Body(0) && !activity.is_busy() && !write_pending {
            self.phase = Self::default().phase;
        }
    }

    /// Whether bytes may be let through.
    pub(super) fn can_read(&self) -> bool {
        !matches!(self.phase, RequestPhase::HeadComplete | RequestPhase::Body(0))
    }

    /// Whether a head has come whole, and its request is yet to begin.
    pub(super) fn head_is_complete(&self) -> bool {
        self.phase == RequestPhase::HeadComplete
    }

    /// Whether the end of what is let through is known.
    pub(super) fn is_bounded(&self) -> bool {
        self.phase != RequestPhase::Unbounded
    }

    /// How many of these bytes are let through now.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> usize {
        match &mut self.phase {
            RequestPhase::HeadComplete => 0,
            RequestPhase::Unbounded => bytes.len(),
            RequestPhase::Body(left) => {
                let count = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left = left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
                count
            }
            RequestPhase::Head { any_bytes, line_empty } => {
                for (at, byte) in bytes.iter().enumerate() {
                    match byte {
                        // Empty lines before a head are skipped.
                        b'\n' if *any_bytes && *line_empty => {
                            self.phase = RequestPhase::HeadComplete;
                            return at + 1;
                        }
                        b'\n' => *line_empty = true,
                        b'\r' => {}
                        _ => (*any_bytes, *line_empty) = (true, false),
                    }
                }
                bytes.len()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_let_through_to_its_end_however_it_comes() {
        for (text, head) in [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\nbody", 27),
            ("\r\n\r\nGET / HTTP/1.1\r\n\r\nmore", 22),
            ("GET / HTTP/1.1\nHost: x\n\nbody", 24),
            ("GET / HTTP/1.1\r\nHost: x\r\n", 25),
        ] {
            for cut in 0..text.len() {
                let mut pipeline = PipelineState::default();
                let (first, rest) = text.as_bytes().split_at(cut);
                let passed = pipeline.advance(first) + pipeline.advance(rest);
                assert_eq!(passed, head, "{text:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_request_waits_until_the_one_before_is_answered() {
        let (mut pipeline, activity) = (PipelineState::default(), Rc::new(ConnectionActivity::default()));
        let begin = |body: Option<u64>| {
            activity.body.set(body);
            activity.requests_started.set(activity.requests_started() + 1);
            activity.in_progress.set(1);
        };
        assert_eq!(pipeline.advance(b"A\r\n\r\nabcB"), 5);
        pipeline.update(&activity, false);
        assert!(!pipeline.can_read(), "until it has begun");
        begin(Some(3));
        pipeline.update(&activity, false);
        assert_eq!(
            (pipeline.advance(b"ab"), pipeline.advance(b"cB\r\n"), pipeline.can_read()),
            (2, 1, false)
        );
        activity.in_progress.set(0);
        pipeline.update(&activity, true);
        assert!(!pipeline.can_read(), "until the answer is written");
        pipeline.update(&activity, false);
        assert_eq!(pipeline.advance(b"B\r\n\r\nC"), 5);
        begin(None);
        pipeline.update(&activity, false);
        assert_eq!((pipeline.advance(b"0\r\n\r\nC\r\n\r\n"), pipeline.is_bounded()), (10, false));
    }
}
