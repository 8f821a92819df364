//! How many devices the users of a run have collected.

use serde::{Deserialize, Serialize};

/// The devices that users have collected: those at the start, and those whose key the pool issued since. A
/// forgotten device counts too, so a client that gets a new device at every sign-in shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Devices {
    /// Keys for new devices that the pool issued in the run.
    pub issued: u64,
    /// Devices of the median user.
    pub per_user_p50: u32,
    /// Devices of the user at the 99th percentile.
    pub per_user_p99: u32,
    /// The most devices of a user.
    pub per_user_max: u32,
}

impl Devices {
    /// Returns the distribution of the users' devices; `None` if no user has one.
    pub fn new(mut per_user: Vec<u32>, issued: u64) -> Option<Self> {
        per_user.sort_unstable();
        let per_user_max = *per_user.last().filter(|most| **most > 0)?;
        let percentile = |percent: usize| {
            let rank = (per_user.len() * percent).div_ceil(100).max(1);
            per_user.get(rank - 1).copied().unwrap_or(per_user_max)
        };
        Some(Self { issued, per_user_p50: percentile(50), per_user_p99: percentile(99), per_user_max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_percentiles_count_users() {
        let devices = Devices::new((1..=200).collect(), 7).unwrap();
        let Devices { issued, per_user_p50, per_user_p99, per_user_max } = devices;
        assert_eq!((issued, per_user_p50, per_user_p99, per_user_max), (7, 100, 198, 200));
        assert_eq!(Devices::new(vec![0, 3], 3).map(|devices| devices.per_user_p50), Some(0));
        assert_eq!(Devices::new(vec![0, 0], 0), None);
        assert_eq!(Devices::new(Vec::new(), 0), None);
    }
}
