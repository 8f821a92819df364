//! Tracks how far a connection is ahead, so that its requests reach the server one at a time.
//!
//! actix-http would accept thousands of waiting requests, and treats the incomplete body of the next request
//! as an unread rest of the last one. Only the server parses requests; this state only separates heads from
//! what follows. What is forwarded too early waits in the server.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};

use actix_web::dev::RequestHead;
use actix_web::http::header;

/// What requests report to their connection.
#[derive(Debug, Default)]
pub(super) struct ConnectionActivity {
    requests_started: Cell<u64>,
    in_progress: Cell<u64>,
    /// Body bytes of the latest request; `None` if only its end is known.
    body: Cell<Option<u64>>,
    /// The task that waits until more bytes may be read.
    waker: RefCell<Option<Waker>>,
}

impl ConnectionActivity {
    /// Returns how many requests have started.
    pub(super) const fn requests_started(&self) -> u64 {
        self.requests_started.get()
    }

    /// Returns whether a request is being answered.
    pub(super) const fn is_busy(&self) -> bool {
        self.in_progress.get() > 0
    }

    /// Wakes this task after a change.
    pub(super) fn register_waker(&self, cx: &Context<'_>) {
        *self.waker.borrow_mut() = Some(cx.waker().clone());
    }

    /// Wakes the reader after a change.
    pub(super) fn wake_reader(&self) {
        let waker = self.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A request in flight, until it is dropped.
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

/// Returns the length of a request's body, if its head has one.
fn body_length(head: &RequestHead) -> Option<u64> {
    let headers = head.headers();
    if headers.contains_key(header::TRANSFER_ENCODING) || headers.contains_key(header::UPGRADE) {
        return None;
    }
    headers.get(header::CONTENT_LENGTH).map_or(Some(0), |length| length.to_str().ok()?.trim().parse().ok())
}

/// What is expected next on a connection.
#[derive(Debug)]
pub(super) struct PipelineState {
    phase: RequestPhase,
    /// Requests that had started at that time.
    requests_started: u64,
}

#[derive(PartialEq, Eq, Debug)]
enum RequestPhase {
    /// A head; whether any byte of it has arrived, and whether its last line is empty so far.
    Head { any_bytes: bool, line_empty: bool },
    /// A complete head whose request has not started.
    HeadComplete,
    /// This many bytes of a body, then a response, then a head.
    Body(u64),
    /// A body of unknown length, and everything until another request starts.
    Unbounded,
}

impl Default for PipelineState {
    fn default() -> Self {
        Self { phase: RequestPhase::Head { any_bytes: false, line_empty: false }, requests_started: 0 }
    }
}

impl PipelineState {
    /// Updates the state from the requests; `write_pending` says whether a response is still being written.
    pub(super) fn update(&mut self, activity: &ConnectionActivity, write_pending: bool) {
        if self.requests_started != activity.requests_started() {
            self.requests_started = activity.requests_started();
            self.phase = activity.body.get().map_or(RequestPhase::Unbounded, RequestPhase::Body);
        }
        if self.phase == RequestPhase::Body(0) && !activity.is_busy() && !write_pending {
            self.phase = Self::default().phase;
        }
    }

    /// Returns whether bytes may be forwarded.
    pub(super) fn can_read(&self) -> bool {
        !matches!(self.phase, RequestPhase::HeadComplete | RequestPhase::Body(0))
    }

    /// Returns whether a head is complete and its request has not started.
    pub(super) fn head_is_complete(&self) -> bool {
        self.phase == RequestPhase::HeadComplete
    }

    /// Returns whether the end of the forwarded bytes is known.
    pub(super) fn is_bounded(&self) -> bool {
        self.phase != RequestPhase::Unbounded
    }

    /// Returns how many of these bytes may be forwarded now.
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
                        // Skip empty lines before a head.
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
