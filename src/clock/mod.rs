//! The clock of a run: the wall clock, or a virtual clock.
//!
//! Actors, worker threads and the HTTP server read a [`Clock`]; the pool, the client and the oracle take the
//! time as an argument. A load test uses the wall clock. A simulation uses the virtual clock, which stops
//! while any task has work and otherwise jumps to the next timer.

mod alarm;

use std::time::Duration;

use poolproof_cognito::time::{Timestamp, as_us};

/// The kind of time of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// Real time: for load and capacity.
    Wall,
    /// Simulated time: for decisions and for queueing models; the same on every machine.
    Virtual,
}

/// The clock of a run. Copies show the same time.
///
/// One microsecond of virtual time is one millisecond of the paused tokio clock, because tokio's timers have
/// whole milliseconds. Virtual time is therefore exact to the microsecond.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    kind: ClockKind,
    start: Timestamp,
    base: tokio::time::Instant,
}

/// Milliseconds of tokio's clock for one microsecond of virtual time.
const VIRTUAL_SCALE: u32 = 1000;

impl Clock {
    /// Starts a clock. A virtual clock must start inside a tokio runtime whose time is paused.
    #[expect(clippy::disallowed_methods, reason = "the clock module reads the time")]
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

    /// Returns the kind of time.
    pub const fn kind(&self) -> ClockKind {
        self.kind
    }

    /// Returns the start time of this clock.
    pub const fn started(&self) -> Timestamp {
        self.start
    }

    /// Returns the current time, which never decreases.
    #[expect(clippy::disallowed_methods, reason = "the clock module reads the time")]
    pub fn now(&self) -> Timestamp {
        let passed = tokio::time::Instant::now().saturating_duration_since(self.base);
        self.start.plus(match self.kind {
            ClockKind::Wall => passed,
            ClockKind::Virtual => passed / VIRTUAL_SCALE,
        })
    }

    /// Returns at `time`, and immediately if `time` is past.
    pub async fn sleep_until(&self, time: Timestamp) {
        let wait = time.since(self.start);
        match self.kind {
            ClockKind::Wall => alarm::sleep_until(self.base.into_std() + wait).await,
            ClockKind::Virtual => {
                tokio::time::sleep_until(self.base + wait.saturating_mul(VIRTUAL_SCALE)).await;
            }
        }
    }

    /// Returns after `duration`.
    pub async fn sleep(&self, duration: Duration) {
        if !duration.is_zero() {
            self.sleep_until(self.now().plus(duration)).await;
        }
    }
}

/// Measures real time for people who wait, also while the time of a run is virtual.
#[derive(Clone, Copy, Debug)]
pub struct RealTime(std::time::Instant);

impl RealTime {
    /// Starts the measurement.
    #[expect(clippy::disallowed_methods, reason = "the clock module reads the time")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Returns the time since [`RealTime::start`].
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Measures the CPU time of the calling thread.
#[derive(Debug)]
pub struct ThreadCpu(cpu_time::ThreadTime);

impl ThreadCpu {
    /// Starts the measurement.
    pub fn start() -> Self {
        Self(cpu_time::ThreadTime::now())
    }

    /// Returns the CPU time of this thread since [`ThreadCpu::start`].
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
