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
pub(super) struct Pulse {
    begun: Cell<u64>,
    at_hand: Cell<u64>,
    /// Bytes of the body of the request that began last; `None` if only their end will tell.
    body: Cell<Option<u64>>,
    /// Who waits for more bytes than may be read.
    waiting: RefCell<Option<Waker>>,
}

impl Pulse {
    /// How many requests have begun.
    pub(super) const fn begun(&self) -> u64 {
        self.begun.get()
    }

    /// Whether a request is being answered.
    pub(super) const fn is_busy(&self) -> bool {
        self.at_hand.get() > 0
    }

    /// Has this task woken when something has changed.
    pub(super) fn wait(&self, cx: &Context<'_>) {
        *self.waiting.borrow_mut() = Some(cx.waker().clone());
    }

    /// Wakes who waits: something has changed.
    pub(super) fn changed(&self) {
        let waiting = self.waiting.borrow_mut().take();
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

/// A request at hand, until it is dropped.
pub(super) struct Turn(Rc<Pulse>);

impl Turn {
    pub(super) fn begin(pulse: Rc<Pulse>, head: &RequestHead) -> Self {
        pulse.body.set(body_of(head));
        pulse.begun.set(pulse.begun.get() + 1);
        pulse.at_hand.set(pulse.at_hand.get() + 1);
        pulse.changed();
        Self(pulse)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.at_hand.set(self.0.at_hand.get().saturating_sub(1));
        self.0.changed();
    }
}

/// Bytes of a request's body, if its head says.
fn body_of(head: &RequestHead) -> Option<u64> {
    let headers = head.headers();
    if headers.contains_key(header::TRANSFER_ENCODING) || headers.contains_key(header::UPGRADE) {
        return None;
    }
    headers.get(header::CONTENT_LENGTH).map_or(Some(0), |length| length.to_str().ok()?.trim().parse().ok())
}

/// What comes next on a connection.
#[derive(Debug)]
pub(super) struct Pace {
    phase: Phase,
    /// Requests that had begun when this was found out.
    begun: u64,
}

#[derive(PartialEq, Eq, Debug)]
enum Phase {
    /// A head; whether something of it has come, and whether its last line is empty so far.
    Head { some: bool, empty: bool },
    /// A head has come whole, and its request has not begun yet.
    Begins,
    /// So much of a body; then an answer, and only then a head.
    Body(u64),
    /// A body whose end is not known here, and whatever follows it until another request begins.
    Open,
}

impl Default for Pace {
    fn default() -> Self {
        Self { phase: Phase::Head { some: false, empty: false }, begun: 0 }
    }
}

impl Pace {
    /// Follows what has become of requests; `stuck` is whether an answer is yet to be written.
    pub(super) fn follow(&mut self, pulse: &Pulse, stuck: bool) {
        if self.begun != pulse.begun() {
            self.begun = pulse.begun();
            self.phase = pulse.body.get().map_or(Phase::Open, Phase::Body);
        }
        if self.phase == Phase::Body(0) && !pulse.is_busy() && !stuck {
            self.phase = Self::default().phase;
        }
    }

    /// Whether bytes may be let through.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.phase, Phase::Begins | Phase::Body(0))
    }

    /// Whether a head has come whole, and its request is yet to begin.
    pub(super) fn has_whole_head(&self) -> bool {
        self.phase == Phase::Begins
    }

    /// Whether the end of what is let through is known.
    pub(super) fn is_bounded(&self) -> bool {
        self.phase != Phase::Open
    }

    /// How many of these bytes are let through now.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> usize {
        match &mut self.phase {
            Phase::Begins => 0,
            Phase::Open => bytes.len(),
            Phase::Body(left) => {
                let count = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left = left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
                count
            }
            Phase::Head { some, empty } => {
                for (at, byte) in bytes.iter().enumerate() {
                    match byte {
                        // Empty lines before a head are skipped.
                        b'\n' if *some && *empty => {
                            self.phase = Phase::Begins;
                            return at + 1;
                        }
                        b'\n' => *empty = true,
                        b'\r' => {}
                        _ => (*some, *empty) = (true, false),
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
                let mut pace = Pace::default();
                let (first, rest) = text.as_bytes().split_at(cut);
                let passed = pace.pass(first) + pace.pass(rest);
                assert_eq!(passed, head, "{text:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_request_waits_until_the_one_before_is_answered() {
        let (mut pace, pulse) = (Pace::default(), Rc::new(Pulse::default()));
        let begin = |body: Option<u64>| {
            pulse.body.set(body);
            pulse.begun.set(pulse.begun() + 1);
            pulse.at_hand.set(1);
        };
        assert_eq!(pace.pass(b"A\r\n\r\nabcB"), 5);
        pace.follow(&pulse, false);
        assert!(!pace.is_open(), "until it has begun");
        begin(Some(3));
        pace.follow(&pulse, false);
        assert_eq!((pace.pass(b"ab"), pace.pass(b"cB\r\n"), pace.is_open()), (2, 1, false));
        pulse.at_hand.set(0);
        pace.follow(&pulse, true);
        assert!(!pace.is_open(), "until the answer is written");
        pace.follow(&pulse, false);
        assert_eq!(pace.pass(b"B\r\n\r\nC"), 5);
        begin(None);
        pace.follow(&pulse, false);
        assert_eq!((pace.pass(b"0\r\n\r\nC\r\n\r\n"), pace.is_bounded()), (10, false));
    }
}
