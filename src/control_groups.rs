//! The Linux control groups of this process, which limit its CPU time and its memory.

use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

/// Returns the directories of this process's control groups for this controller, such as `cpu` or `memory`:
/// its own group and every parent, of version 1 and version 2. A directory need not contain files of the
/// controller. Empty where the system has no control groups.
pub fn control_groups(controller: &str) -> Vec<PathBuf> {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    directories(controller, &read("/proc/self/cgroup"), &read("/proc/self/mountinfo"))
}

/// Returns the directories, given the content of `/proc/self/cgroup` and `/proc/self/mountinfo`.
fn directories(controller: &str, groups: &str, mounts: &str) -> Vec<PathBuf> {
    let mut directories = Vec::new();
    for Mount { root, point, options } in mounts.lines().filter_map(Mount::parse) {
        let group = groups.lines().find_map(|line| {
            let (_, line) = line.split_once(':')?;
            let (controllers, path) = line.split_once(':')?;
            let listed = controllers.split(',').any(|one| one == controller);
            match options {
                // Version 2 has one hierarchy for all controllers.
                None => controllers.is_empty().then_some(path),
                Some(options) => (listed && options.split(',').any(|one| one == controller)).then_some(path),
            }
        });
        let Some(group) = group else { continue };
        // In a container, the root of the mount is often the group itself, or the path is outside of it.
        let below = Path::new(group).strip_prefix(root).unwrap_or_else(|_| Path::new(""));
        let below = if group.contains("..") { Path::new("") } else { below };
        directories.extend(below.ancestors().map(|part| Path::new(point).join(part)));
    }
    directories
}

/// A mounted hierarchy of control groups.
struct Mount<'t> {
    /// The group at the mount point.
    root: &'t str,
    point: &'t str,
    /// The options of a hierarchy of version 1, which name its controllers.
    options: Option<&'t str>,
}

impl<'t> Mount<'t> {
    /// Parses a line of `/proc/self/mountinfo`.
    fn parse(line: &'t str) -> Option<Self> {
        let (place, kind) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let (root, point) = (place.next()?, place.next()?);
        let mut kind = kind.split(' ');
        let options = match kind.next()? {
            "cgroup2" => None,
            "cgroup" => Some(kind.nth(1)?),
            _ => return None,
        };
        Some(Self { root, point, options })
    }
}

/// Returns the CPU quota of this process in cores: the least of its control groups. `None` is no quota.
pub fn cpu_quota() -> Option<f64> {
    control_groups("cpu").iter().filter_map(|directory| quota(directory)).min_by(f64::total_cmp)
}

/// Returns the cores that this process can keep busy: those that the system grants, and no more than the CPU
/// quota allows. At least one.
pub fn usable_cores() -> usize {
    let granted = available_parallelism().map_or(1, NonZero::get);
    whole_cores(granted, cpu_quota())
}

fn whole_cores(granted: usize, quota: Option<f64>) -> usize {
    // A share of a core is not worth a thread of its own.
    quota.map_or(granted, |quota| granted.min(quota.floor() as usize)).max(1)
}

/// Returns the quota of a control group in cores.
fn quota(directory: &Path) -> Option<f64> {
    let read = |file: &str| fs::read_to_string(directory.join(file)).ok();
    let (quota, period) = match read("cpu.max") {
        Some(text) => {
            let (quota, period) = text.trim().split_once(' ')?;
            (quota.parse::<f64>().ok()?, period.parse::<f64>().ok()?)
        }
        None => {
            let number = |file| read(file)?.trim().parse::<f64>().ok();
            (number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?)
        }
    };
    // Version 1 writes -1 for no quota.
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

/// Returns the memory limit of this process in bytes: the least of its control groups. `None` is no limit.
pub fn memory_limit() -> Option<u64> {
    control_groups("memory").iter().filter_map(|directory| limit(directory)).min()
}

/// Returns the memory limit of a control group in bytes.
fn limit(directory: &Path) -> Option<u64> {
    let read = |file: &str| fs::read_to_string(directory.join(file)).ok();
    // Version 2 writes `max` for no limit.
    read("memory.max").or_else(|| read("memory.limit_in_bytes"))?.trim().parse().ok()
}

/// How often control groups have used up their CPU quota, by group.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CpuThrottling(Vec<Periods>);

/// Periods of the scheduler in which a control group was active.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Periods {
    all: u64,
    throttled: u64,
}

impl CpuThrottling {
    /// Reads the counters of this process's control groups.
    pub fn now() -> Self {
        let stat = |directory: &PathBuf| fs::read_to_string(directory.join("cpu.stat")).ok();
        let groups = control_groups("cpu");
        Self(groups.iter().filter_map(stat).filter_map(|text| Periods::parse(&text)).collect())
    }

    /// Returns the share of the periods between two readings in which a group was throttled, of the group
    /// with the largest share. `None` if no group has a quota.
    pub fn share_until(&self, next: &Self) -> Option<f64> {
        let share = |(before, after): (&Periods, &Periods)| {
            let all = after.all.checked_sub(before.all).filter(|all| *all > 0)?;
            Some(after.throttled.saturating_sub(before.throttled) as f64 / all as f64)
        };
        self.0.iter().zip(&next.0).filter_map(share).max_by(f64::total_cmp)
    }
}

impl Periods {
    /// Parses a `cpu.stat`. The names of these counters are the same in both versions.
    fn parse(stat: &str) -> Option<Self> {
        let number = |name: &str| {
            stat.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
        };
        Some(Self { all: number("nr_periods")?, throttled: number("nr_throttled")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a new directory with these files.
    fn directory(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("poolproof-groups-{}-{name}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        files.iter().for_each(|(file, text)| fs::write(directory.join(file), text).unwrap());
        directory
    }

    fn found(controller: &str, groups: &str, mounts: &str) -> Vec<String> {
        let directories = directories(controller, groups, mounts);
        directories.iter().map(|one| one.display().to_string().trim_end_matches('/').to_owned()).collect()
    }

    #[test]
    fn own_and_parent_groups_of_both_versions_are_found() {
        let two = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
        let expected = ["/sys/fs/cgroup/user.slice/a.scope", "/sys/fs/cgroup/user.slice", "/sys/fs/cgroup"];
        assert_eq!(found("cpu", "0::/user.slice/a.scope\n", two), expected);
        let one = "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
            35 31 0:32 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n";
        let groups = "4:memory:/m/n\n1:cpu,cpuacct:/c\n0::/\n";
        assert_eq!(found("cpu", groups, one), ["/sys/fs/cgroup/cpu/c", "/sys/fs/cgroup/cpu"]);
        let memory = ["/sys/fs/cgroup/memory/m/n", "/sys/fs/cgroup/memory/m", "/sys/fs/cgroup/memory"];
        assert_eq!(found("memory", groups, one), memory);
        assert_eq!(found("pids", groups, one), [""; 0]);
        let pod = [
            "/sys/fs/cgroup/pods.slice/pod-1/a",
            "/sys/fs/cgroup/pods.slice/pod-1",
            "/sys/fs/cgroup/pods.slice",
            "/sys/fs/cgroup",
        ];
        assert_eq!(found("memory", "0::/pods.slice/pod-1/a\n", two), pod);
        let docker = ["docker/b", "docker", ""].map(|group| format!("/sys/fs/cgroup/memory/{group}"));
        let docker = docker.map(|group| group.trim_end_matches('/').to_owned());
        assert_eq!(found("memory", "5:cpu,cpuacct:/x\n4:hugetlb,memory:/docker/b\n0::/\n", one), docker);
        let both = format!("{one}41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
        assert_eq!(found("cpu", groups, &both).len(), 3);
    }

    #[test]
    fn a_container_uses_the_groups_that_it_can_see() {
        let mounts = "35 31 0:32 /docker/x /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        let own = |path: &str| found("memory", &format!("4:memory:{path}\n"), mounts);
        assert_eq!(own("/docker/x/y"), ["/sys/fs/cgroup/memory/y", "/sys/fs/cgroup/memory"]);
        assert_eq!(own("/docker/x"), ["/sys/fs/cgroup/memory"]);
        assert_eq!(own("/elsewhere"), ["/sys/fs/cgroup/memory"]);
        let two = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
        assert_eq!(found("cpu", "0::/../../x\n", two), ["/sys/fs/cgroup"]);
        assert_eq!(found("cpu", "", ""), [""; 0]);
    }

    #[test]
    fn cpu_quotas_limit_the_number_of_cores() {
        let two = directory("two", &[("cpu.max", "150000 100000\n")]);
        let none = directory("none", &[("cpu.max", "max 100000\n")]);
        let one = directory("one", &[("cpu.cfs_quota_us", "20000\n"), ("cpu.cfs_period_us", "100000\n")]);
        let off = directory("off", &[("cpu.cfs_quota_us", "-1\n"), ("cpu.cfs_period_us", "100000\n")]);
        let empty = directory("empty", &[]);
        let quotas = [&two, &none, &one, &off, &empty].map(|directory| quota(directory));
        assert_eq!(quotas, [Some(1.5), None, Some(0.2), None, None]);
        let used = [None, Some(0.2), Some(3.9), Some(64.0)].map(|quota| whole_cores(8, quota));
        assert_eq!(used, [8, 1, 3, 8]);
    }

    #[test]
    fn memory_limits_are_read_from_both_versions_of_control_groups() {
        let two = directory("memory-two", &[("memory.max", "4096000\n")]);
        let none = directory("memory-none", &[("memory.max", "max\n")]);
        let one = directory("memory-one", &[("memory.limit_in_bytes", "9223372036854771712\n")]);
        let empty = directory("memory-empty", &[]);
        let limits = [&two, &none, &one, &empty].map(|directory| limit(directory));
        assert_eq!(limits, [Some(4_096_000), None, Some(9_223_372_036_854_771_712), None]);
    }

    #[test]
    fn the_most_throttled_group_counts() {
        let stat = |all, throttled| {
            let text = format!("usage_usec 5\nnr_periods {all}\nnr_throttled {throttled}\n");
            Periods::parse(&text).unwrap()
        };
        let before = CpuThrottling(vec![stat(100, 10), stat(50, 0), stat(7, 7)]);
        let after = CpuThrottling(vec![stat(200, 30), stat(150, 60), stat(7, 7)]);
        assert_eq!(before.share_until(&after), Some(0.6));
        assert_eq!(after.share_until(&after), None, "no period has passed");
        assert_eq!(CpuThrottling::default().share_until(&after), None);
        assert_eq!(Periods::parse("usage_usec 5\nuser_usec 1\n"), None, "a group without the controller");
    }
}
