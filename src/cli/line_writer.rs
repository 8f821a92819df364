//! Writes lines from a thread of its own, so that a reader who has stopped does not block the program.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Most lines in the queue; further ones are counted.
const MAX_LINES: usize = 256;
/// Time for the last lines at the end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// A queue of lines, and the thread that writes them. Dropping it waits at most one second for the lines that
/// are still queued.
pub(super) struct LineWriter(Arc<LineQueue>);

/// Lines that wait.
#[derive(Default)]
pub(super) struct LineQueue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Default)]
struct QueueState {
    lines: VecDeque<String>,
    /// Lines that did not fit after the last queued one.
    dropped: u64,
    /// Whether a line is being written.
    writing: bool,
    ended: bool,
}

impl QueueState {
    /// Adds a notice about the lines that did not fit.
    fn push_dropped_notice(&mut self) {
        match std::mem::take(&mut self.dropped) {
            0 => {}
            1 => self.lines.push_back("… 1 line was not shown".to_owned()),
            dropped => self.lines.push_back(format!("… {dropped} lines were not shown")),
        }
    }

    fn push(&mut self, line: &str) {
        if self.lines.len() >= MAX_LINES {
            self.dropped += 1;
        } else {
            self.push_dropped_notice();
            self.lines.push_back(line.to_owned());
        }
    }

    fn take(&mut self) -> Option<String> {
        if self.lines.is_empty() {
            self.push_dropped_notice();
        }
        self.lines.pop_front()
    }
}

impl LineWriter {
    /// Starts the thread, which passes each line to `write`.
    ///
    /// # Errors
    ///
    /// The thread cannot be started.
    pub(super) fn start(write: impl Fn(&str) + Send + 'static) -> std::io::Result<Self> {
        let lines = Arc::new(LineQueue::default());
        let queue = Arc::clone(&lines);
        thread::Builder::new().name("line-writer".to_owned()).spawn(move || {
            while let Some(line) = queue.next() {
                write(&line);
            }
        })?;
        Ok(Self(lines))
    }

    pub(super) fn lines(&self) -> Arc<LineQueue> {
        Arc::clone(&self.0)
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.ended = true;
        self.0.changed.notify_all();
        let has_unwritten = |state: &mut QueueState| state.writing || !state.lines.is_empty();
        drop(self.0.changed.wait_timeout_while(state, DRAIN_TIMEOUT, has_unwritten));
    }
}

impl LineQueue {
    /// Queues a line, or counts it if the queue is full. Never blocks.
    pub(super) fn log_line(&self, line: &str) {
        self.lock().push(line);
        self.changed.notify_all();
    }

    /// Returns the next line; `None` at the end. The previous line counts as written.
    fn next(&self) -> Option<String> {
        let mut state = self.lock();
        loop {
            let line = state.take();
            state.writing = line.is_some();
            self.changed.notify_all();
            if line.is_some() || state.ended {
                return line;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_lines_are_counted_in_place() {
        let mut state = QueueState::default();
        let push = |state: &mut QueueState, from: usize, to: usize| {
            (from..to).for_each(|line| state.push(&line.to_string()));
        };
        let all = |state: &mut QueueState| std::iter::from_fn(|| state.take()).collect::<Vec<_>>();
        push(&mut state, 0, MAX_LINES + 120);
        assert_eq!(state.take().as_deref(), Some("0"));
        push(&mut state, 1000, 1001);
        let popped = all(&mut state);
        assert_eq!(
            popped[MAX_LINES - 2..],
            [(MAX_LINES - 1).to_string(), "… 120 lines were not shown".to_owned(), "1000".to_owned()]
        );
        push(&mut state, 0, MAX_LINES + 1);
        assert_eq!(all(&mut state).pop().as_deref(), Some("… 1 line was not shown"));
    }
}
