//! The load of the machine during a run, from Linux's /proc and from control groups.

use crate::clock::ClockKind;
use crate::control_groups::{CpuThrottling, cpu_quota};
use crate::report::MachineLoad;
use crate::rounding::rounded;

/// A reading of the machine's counters.
#[derive(Clone, Debug)]
pub(super) struct MachineSample {
    ticks: Option<Ticks>,
    load: f64,
    cpu_throttling: CpuThrottling,
}

/// Time of all cores since boot, in kernel ticks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Ticks {
    all: u64,
    /// Steal: time that other machines on the host used while this one wanted it.
    stolen: u64,
}

impl MachineSample {
    /// Reads the counters; `None` under the virtual clock and where the system does not provide them.
    pub(super) fn now(clock: ClockKind) -> Option<Self> {
        if clock == ClockKind::Virtual {
            return None;
        }
        let read = |file: &str| std::fs::read_to_string(file).ok();
        let load = read("/proc/loadavg").and_then(|text| load(&text))?;
        let ticks = read("/proc/stat").and_then(|text| ticks(&text));
        Some(Self { ticks, load, cpu_throttling: CpuThrottling::now() })
    }

    /// Returns the load between two readings.
    pub(super) fn load_until(&self, next: &Self) -> MachineLoad {
        let spent = self.ticks.zip(next.ticks).map(|(before, after)| Ticks {
            all: after.all.saturating_sub(before.all),
            stolen: after.stolen.saturating_sub(before.stolen),
        });
        let steal_share = spent
            .filter(|spent| spent.all > 0)
            .map(|spent| rounded(spent.stolen as f64 / spent.all as f64, 6));
        let throttled = self.cpu_throttling.share_until(&next.cpu_throttling);
        MachineLoad {
            steal_share,
            cpu_quota: cpu_quota().map(|cores| rounded(cores, 3)),
            throttled_share: throttled.map(|share| rounded(share, 6)),
            load_before: self.load,
            load_after: next.load,
        }
    }
}

/// Parses the line `cpu  user nice system idle iowait irq softirq steal guest guest_nice` of `/proc/stat`.
/// The first two include guest time.
fn ticks(stat: &str) -> Option<Ticks> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line.split_whitespace().take(8).map_while(|text| text.parse().ok()).collect();
    Some(Ticks { all: ticks.iter().sum(), stolen: *ticks.get(7)? })
}

/// Parses the load average of the last minute from `/proc/loadavg`.
fn load(loadavg: &str) -> Option<f64> {
    loadavg.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_summed_as_the_kernel_counts_them() {
        let stat = "cpu  100 1 20 800 5 0 4 70 50 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(ticks(stat), Some(Ticks { all: 1000, stolen: 70 }));
        assert_eq!(ticks("cpu  100 1 20 800 5 0 4\n"), None, "a kernel that does not know what is stolen");
        assert_eq!((load("0.52 0.58 0.59 1/597 1\n"), load("")), (Some(0.52), None));
    }

    #[test]
    fn steal_is_a_share_of_the_time_between_two_readings() {
        let sample = |ticks| MachineSample { ticks, load: 1.0, cpu_throttling: CpuThrottling::default() };
        let at = |all, stolen| sample(Some(Ticks { all, stolen }));
        assert_eq!(at(1000, 70).load_until(&at(2000, 130)).steal_share, Some(0.06));
        assert_eq!(at(1000, 70).load_until(&at(1000, 70)).steal_share, None, "no time has passed");
        assert_eq!(at(1000, 70).load_until(&sample(None)).steal_share, None);
    }
}
