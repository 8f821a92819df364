//! How a run goes, for whoever watches it. Nothing is shown when nobody does: in CI, or without a terminal.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::clock::as_us;
use crate::run::{Event, Observer};

/// A bar on standard error.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// A bar for the run of this name.
    pub(super) fn new(name: &str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(1), target()).with_prefix(name.to_owned());
        if let Ok(style) = ProgressStyle::with_template("  {prefix}  {bar:24}  {wide_msg}") {
            bar.set_style(style.progress_chars("━╸ "));
        }
        Self(bar)
    }

    /// What moves the bar.
    pub(super) fn observer(&self) -> Observer {
        let bar = self.0.clone();
        Arc::new(move |event| match event {
            Event::Provisioned { done, users } => {
                // Several threads provision, and tell in no order.
                let done = done.max(bar.position());
                bar.set_length(users);
                bar.set_position(done);
                bar.set_message(format!("{done} of {users} users provisioned"));
            }
            Event::Running { progress, length } => {
                let live = progress.live;
                bar.set_length(as_us(length));
                bar.set_position(as_us(progress.elapsed.min(length)));
                let left = length.saturating_sub(progress.elapsed).as_secs();
                let p99 = live.p99.map_or_else(String::new, |p99| format!(", p99 {}", milliseconds(p99)));
                bar.set_message(format!(
                    "{left} s left, {} sign-ins{p99}, {} mismatched",
                    live.started, live.mismatched
                ));
            }
        })
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// A bar on standard error for a number of cells, or of other things that are counted.
pub(super) struct Cells(ProgressBar);

impl Cells {
    /// A bar for so many cells.
    pub(super) fn new(cells: usize) -> Self {
        Self::of("matrix", "cells", cells)
    }

    /// A bar of a command for so many things of a name.
    pub(super) fn of(command: &str, things: &str, count: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(count as u64), target());
        let template = format!("  {command}  {{bar:24}}  {{pos}} of {{len}} {things}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.progress_chars("━╸ "));
        }
        Self(bar)
    }

    /// So many are done.
    pub(super) fn at(&self, done: usize) {
        self.0.set_position(done as u64);
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

fn target() -> ProgressDrawTarget {
    let watched = io::stderr().is_terminal() && std::env::var_os("CI").is_none();
    if watched { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
