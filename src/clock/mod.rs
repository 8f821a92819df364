//! Time: when something happened, and the one place that asks.
//!
//! Everything below the actors takes `now` as an argument. A [`Clock`] tells it: the wall clock of a load test, or the
//! virtual clock of a simulation, which stands still while anyone has work to do and jumps to the next thing
//! that somebody waits for.

mod alarm;

use std::time::Duration;

use poolproof_cognito::time::{Timestamp, as_us};

/// The two kinds of time that a run can live in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// Real time: for load and capacity.
    Wall,
    /// Simulated time: for decisions and for queueing models; the same on every machine.
    Virtual,
}

/// Tells the time of a run and wakes whoever waits for a moment of it. Copies tell the same time.
///
/// Under the virtual clock one microsecond of the run is one millisecond of the paused tokio clock, whose timers know
/// nothing finer: so virtual time is exact to the microsecond.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    kind: ClockKind,
    start: Timestamp,
    base: tokio::time::Instant,
}

/// Milliseconds of tokio's clock for one microsecond of virtual time.
const VIRTUAL_SCALE: u32 = 1000;

impl Clock {
    /// A clock of this kind that starts now. A virtual one must be made inside a tokio runtime whose time is paused.
    #[expect(clippy::disallowed_methods, reason = "this module implements the clock")]
    pub fn start(kind: ClockKind) -> Self {
        let start = match kind {
            ClockKind::Virtual => Timestamp::VIRTUAL_START,
            ClockKind::Wall => {
                let since_1970 = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
                Timestamp::from_us(as_us(since_1970))
            }
        };
        Self { kind, start, base: tokio::time::Instant::now() }
    }

    /// The kind of time that this clock tells.
    pub const fn kind(&self) -> ClockKind {
        self.kind
    }

    /// The moment at which this clock was started.
    pub const fn started(&self) -> Timestamp {
        self.start
    }

    /// The time now. Never steps back.
    #[expect(clippy::disallowed_methods, reason = "this module implements the clock")]
    pub fn now(&self) -> Timestamp {
        let passed = tokio::time::Instant::now().saturating_duration_since(self.base);
        self.start.plus(match self.kind {
            ClockKind::Wall => passed,
            ClockKind::Virtual => passed / VIRTUAL_SCALE,
        })
    }

    /// Returns when it is `moment`, at once when that is past.
    pub async fn sleep_until(&self, moment: Timestamp) {
        let wait = moment.since(self.start);
        match self.kind {
            ClockKind::Wall => alarm::sleep_until(self.base.into_std() + wait).await,
            ClockKind::Virtual => {
                tokio::time::sleep_until(self.base + wait.saturating_mul(VIRTUAL_SCALE)).await;
            }
        }
    }

    /// Returns after `time`.
    pub async fn sleep(&self, time: Duration) {
        if !time.is_zero() {
            self.sleep_until(self.now().plus(time)).await;
        }
    }
}

/// Measures the CPU time that the calling thread spends.
#[derive(Debug)]
pub struct ThreadCpu(cpu_time::ThreadTime);

impl ThreadCpu {
    /// Starts measuring.
    pub fn start() -> Self {
        Self(cpu_time::ThreadTime::now())
    }

    /// CPU time of this thread since [`ThreadCpu::start`].
    pub fn spent(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_time_is_exact_to_the_microsecond() {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let clock = Clock::start(ClockKind::Virtual);
            clock.sleep(Duration::from_micros(340)).await;
            clock.sleep(Duration::from_micros(1)).await;
            assert_eq!(clock.now().since(Timestamp::VIRTUAL_START), Duration::from_micros(341));
            clock.sleep(Duration::from_secs(30 * 3600)).await;
            assert_eq!(clock.now().as_secs(), Timestamp::VIRTUAL_START.as_secs() + 30 * 3600);
        });
    }
}
