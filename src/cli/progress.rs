//! The progress of a run: a bar on a terminal, a line every 30 seconds without one.

use std::collections::VecDeque;
use std::io::{self, IsTerminal as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::print_stderr;
use crate::clock::RealTime;
use crate::metrics::LiveStats;
use crate::report::figures::{count, number, time};
use crate::run::{Observer, RunEvent};
use poolproof_cognito::time::as_us;

/// The time between two lines of progress.
const LINE_INTERVAL: Duration = Duration::from_secs(30);

/// Whether progress is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ProgressOutput {
    /// On a terminal as a bar, otherwise as lines.
    Shown,
    /// Not at all.
    Hidden,
}

/// Prints a line to standard error from time to time, where no terminal shows a bar.
#[derive(Debug)]
struct ProgressLines {
    started: RealTime,
    next: Mutex<Duration>,
}

impl ProgressLines {
    /// Returns `None` if a bar is shown, or nothing.
    fn start(output: ProgressOutput) -> Option<Self> {
        let has_lines = output == ProgressOutput::Shown && !has_bar();
        has_lines.then(|| Self { started: RealTime::start(), next: Mutex::new(LINE_INTERVAL) })
    }

    /// Returns whether a line is due at `elapsed`, and plans the next one.
    fn is_due(&self, elapsed: Duration) -> bool {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = elapsed >= *next;
        if is_due {
            *next = elapsed + LINE_INTERVAL;
        }
        is_due
    }

    fn print_if_due(&self, text: impl FnOnce() -> String) {
        if self.is_due(self.started.elapsed()) {
            print_stderr(&text());
        }
    }
}

/// The progress of runs on standard error.
pub(super) struct Progress {
    bar: ProgressBar,
    lines: Option<Arc<ProgressLines>>,
}

impl Progress {
    /// Creates the progress of the run of this name.
    pub(super) fn new(name: &str, output: ProgressOutput) -> Self {
        let bar = ProgressBar::with_draw_target(Some(1), draw_target(output)).with_prefix(shortened(name));
        if let Ok(style) = ProgressStyle::with_template("  {prefix}  {bar:8}  {wide_msg}") {
            bar.set_style(style.progress_chars("━╸ "));
        }
        Self { bar, lines: ProgressLines::start(output).map(Arc::new) }
    }

    /// Returns the observer that updates the bar.
    pub(super) fn observer(&self) -> Observer {
        let (bar, lines) = (self.bar.clone(), self.lines.clone());
        let recent = Mutex::new(Recent::default());
        Arc::new(move |event| {
            update(&bar, &recent, event);
            if let Some(lines) = &lines {
                lines.print_if_due(|| format!("{}: {}", bar.prefix(), bar.message()));
            }
        })
    }

    /// Sets the name of the next run.
    pub(super) fn rename(&self, name: &str) {
        self.bar.set_prefix(name.to_owned());
        self.bar.set_position(0);
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn update(bar: &ProgressBar, recent: &Mutex<Recent>, event: RunEvent) {
    match event {
        RunEvent::Provisioned { done, users } => {
            // Several threads report progress, in any order.
            let done = done.max(bar.position());
            bar.set_length(users);
            bar.set_position(done);
            bar.set_message(format!("{} of {} users created", count(done), count(users)));
        }
        RunEvent::Running { progress, length } => {
            bar.set_length(as_us(length));
            bar.set_position(as_us(progress.elapsed.min(length)));
            let answered = progress.live.completed + progress.live.refused;
            let mut recent = recent.lock().unwrap_or_else(PoisonError::into_inner);
            let rate = recent.rate(progress.elapsed, answered);
            bar.set_message(message(&progress.live, length.saturating_sub(progress.elapsed), rate));
        }
    }
}

/// Counts of answered sign-ins at moments of the last seconds.
#[derive(Default)]
struct Recent(VecDeque<(Duration, u64)>);

impl Recent {
    /// Length of the window of a rate.
    const WINDOW: Duration = Duration::from_secs(3);
    /// Shortest time between two kept moments.
    const MIN_GAP: Duration = Duration::from_millis(100);

    /// Adds a count and returns the rate of the last seconds, once there is a second of data.
    fn rate(&mut self, now: Duration, answered: u64) -> Option<f64> {
        if self.0.back().is_none_or(|(last, _)| now.saturating_sub(*last) >= Self::MIN_GAP) {
            self.0.push_back((now, answered));
        }
        while self.0.get(1).is_some_and(|(moment, _)| now.saturating_sub(*moment) >= Self::WINDOW) {
            self.0.pop_front();
        }
        let (then, before) = *self.0.front()?;
        let span = now.saturating_sub(then);
        (span >= Duration::from_secs(1)).then(|| answered.saturating_sub(before) as f64 / span.as_secs_f64())
    }
}

/// `1:05 left, 2340 at 95.2/s, p99 12.3 ms, 0 mismatched`
fn message(live: &LiveStats, left: Duration, rate: Option<f64>) -> String {
    let (minutes, seconds) = (left.as_secs() / 60, left.as_secs() % 60);
    let rate = rate.map_or_else(|| " sign-ins".to_owned(), |rate| format!(" at {}/s", number(rate)));
    let p99 = live.p99.map_or_else(String::new, |p99| format!(", p99 {}", time(as_us(p99))));
    format!("{minutes}:{seconds:02} left, {}{rate}{p99}, {} mismatched", live.started, live.mismatched)
}

/// Shortens a name so that the rest of the line fits.
fn shortened(name: &str) -> String {
    const LONGEST: usize = 12;
    match name.char_indices().nth(LONGEST) {
        None => name.to_owned(),
        Some(_) => name.chars().take(LONGEST - 1).chain(['…']).collect(),
    }
}

/// The progress of a number of cells or other things.
pub(super) struct CountBar {
    bar: ProgressBar,
    lines: Option<ProgressLines>,
    command: String,
    things: String,
}

impl CountBar {
    /// Creates the progress for this number of cells.
    pub(super) fn new(cells: usize) -> Self {
        Self::with_label("matrix", "cells", cells)
    }

    /// Creates the progress of a command for this number of things.
    pub(super) fn with_label(command: &str, things: &str, count: usize) -> Self {
        let output = ProgressOutput::Shown;
        let bar = ProgressBar::with_draw_target(Some(count as u64), draw_target(output));
        let template = format!("  {command}  {{bar:24}}  {{pos}} of {{len}} {things}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.progress_chars("━╸ "));
        }
        let (command, things) = (command.to_owned(), things.to_owned());
        Self { bar, lines: ProgressLines::start(output), command, things }
    }

    /// Sets the number done.
    pub(super) fn at(&self, done: usize) {
        self.bar.set_position(done as u64);
        if let Some(lines) = &self.lines {
            let all = count(self.bar.length().unwrap_or_default());
            lines.print_if_due(|| {
                format!("{}: {} of {all} {}", self.command, count(done as u64), self.things)
            });
        }
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn has_bar() -> bool {
    io::stderr().is_terminal() && std::env::var_os("CI").is_none()
}

fn draw_target(output: ProgressOutput) -> ProgressDrawTarget {
    let is_drawn = output == ProgressOutput::Shown && has_bar();
    if is_drawn { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Recorder;

    fn live(started: u64, p99_us: u64) -> LiveStats {
        let p99 = Some(Duration::from_micros(p99_us));
        LiveStats { started, completed: started, p99, ..Recorder::new().live() }
    }

    #[test]
    fn progress_line_fits_in_80_columns() {
        let (columns, around) = (80, 2 + 2 + 8 + 2);
        let name = shortened("cognito-quotas-devices").chars().count();
        for (live, left, rate) in [
            (live(2340, 12_300), 65, 95.2),
            (live(123_456, 1_230_000), 3599, 998.0),
            (live(999_999, 59_949_999), 599, 9.87),
        ] {
            let message = message(&live, Duration::from_secs(left), Some(rate));
            assert!(around + name + message.chars().count() <= columns, "{message}");
        }
        let early = LiveStats { p99: None, ..live(7, 0) };
        assert_eq!(message(&early, Duration::from_secs(65), None), "1:05 left, 7 sign-ins, 0 mismatched");
    }

    #[test]
    fn without_a_terminal_a_line_is_due_every_thirty_seconds() {
        let lines = ProgressLines { started: RealTime::start(), next: Mutex::new(LINE_INTERVAL) };
        let at = [0, 29, 30, 31, 59, 60, 200, 201, 229, 230];
        let due: Vec<u64> = at.into_iter().filter(|s| lines.is_due(Duration::from_secs(*s))).collect();
        assert_eq!(due, [30, 60, 200, 230]);
        assert!(ProgressLines::start(ProgressOutput::Hidden).is_none());
    }

    #[test]
    fn rate_covers_the_last_seconds() {
        let mut recent = Recent::default();
        let mut rates = Vec::new();
        // A hundred a second for ten seconds, then ten a second.
        for tenth in 0..200_u64 {
            let answered = if tenth < 100 { tenth * 10 } else { 1000 + (tenth - 100) };
            rates.push(recent.rate(Duration::from_millis(100 * tenth), answered));
            assert!(recent.0.len() < 40);
        }
        assert_eq!((rates[5], rates[50], rates[199]), (None, Some(100.0), Some(10.0)));
    }
}
