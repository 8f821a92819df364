//! Lines for whoever watches, who may have stopped reading: they are written by a thread of their own, and nobody else waits for it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// So many lines wait to be read; of more it is told how many there were.
const MOST: usize = 256;
/// So long the last lines may take at the end.
const LAST: Duration = Duration::from_secs(1);

/// What writes lines one after the other. It ends, with what was told, when it is dropped, unless nobody reads.
pub(super) struct Teller(Arc<Lines>);

/// Lines that wait.
#[derive(Default)]
pub(super) struct Lines {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<String>,
    /// Lines that did not fit after the last of them.
    missed: u64,
    /// Whether one is being written.
    writing: bool,
    ended: bool,
}

impl Waiting {
    /// Puts in what has become of lines that did not fit.
    fn own_up(&mut self) {
        match std::mem::take(&mut self.missed) {
            0 => {}
            1 => self.lines.push_back("… 1 line was not shown".to_owned()),
            missed => self.lines.push_back(format!("… {missed} lines were not shown")),
        }
    }

    fn put(&mut self, line: &str) {
        if self.lines.len() >= MOST {
            self.missed += 1;
        } else {
            self.own_up();
            self.lines.push_back(line.to_owned());
        }
    }

    fn take(&mut self) -> Option<String> {
        if self.lines.is_empty() {
            self.own_up();
        }
        self.lines.pop_front()
    }
}

impl Teller {
    /// Starts the thread, which hands each line to `write`.
    ///
    /// # Errors
    ///
    /// No thread can be had.
    pub(super) fn start(write: impl Fn(&str) + Send + 'static) -> std::io::Result<Self> {
        let lines = Arc::new(Lines::default());
        let taken = Arc::clone(&lines);
        thread::Builder::new().name("teller".to_owned()).spawn(move || {
            while let Some(line) = taken.next() {
                write(&line);
            }
        })?;
        Ok(Self(lines))
    }

    pub(super) fn lines(&self) -> Arc<Lines> {
        Arc::clone(&self.0)
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.ended = true;
        self.0.changed.notify_all();
        let unread = |waiting: &mut Waiting| waiting.writing || !waiting.lines.is_empty();
        drop(self.0.changed.wait_timeout_while(waiting, LAST, unread));
    }
}

impl Lines {
    /// Has a line written, if not too many wait already. Never waits.
    pub(super) fn tell(&self, line: &str) {
        self.lock().put(line);
        self.changed.notify_all();
    }

    /// The next line; `None` when all are written and no more will come. What was taken before is written now.
    fn next(&self) -> Option<String> {
        let mut waiting = self.lock();
        loop {
            let line = waiting.take();
            waiting.writing = line.is_some();
            self.changed.notify_all();
            if line.is_some() || waiting.ended {
                return line;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted_where_it_is_missing() {
        let mut waiting = Waiting::default();
        let put = |waiting: &mut Waiting, from: usize, to: usize| {
            (from..to).for_each(|line| waiting.put(&line.to_string()));
        };
        let all = |waiting: &mut Waiting| std::iter::from_fn(|| waiting.take()).collect::<Vec<_>>();
        put(&mut waiting, 0, MOST + 120);
        assert_eq!(waiting.take().as_deref(), Some("0"));
        put(&mut waiting, 1000, 1001);
        let told = all(&mut waiting);
        assert_eq!(
            told[MOST - 2..],
            [(MOST - 1).to_string(), "… 120 lines were not shown".to_owned(), "1000".to_owned()]
        );
        put(&mut waiting, 0, MOST + 1);
        assert_eq!(all(&mut waiting).pop().as_deref(), Some("… 1 line was not shown"));
    }
}
