//! A part of a run: the sign-ins of some of its users.

use std::fmt;
use std::str::FromStr;

/// The part `index` of `count`, from 0: `0/4` to `3/4`.
///
/// Every user belongs to one part, with all their devices and sign-ins. Which one depends only on the number
/// of the user and on `count`, so parts need not know each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Shard {
    index: u32,
    count: u32,
}

impl Shard {
    /// Most parts of a run.
    pub const MAX_COUNT: u32 = 10_000;

    /// Creates the part `index` of `count`.
    ///
    /// # Errors
    ///
    /// `count` is 0 or more than [`Self::MAX_COUNT`], or `index` is not less than `count`.
    pub fn new(index: u32, count: u32) -> Result<Self, String> {
        if !(1..=Self::MAX_COUNT).contains(&count) {
            return Err(format!("the number of shards must be from 1 to {}", Self::MAX_COUNT));
        }
        if index >= count {
            return Err(format!(
                "the index must be from 0 to {}, because there are {count} shards",
                count - 1
            ));
        }
        Ok(Self { index, count })
    }

    /// Returns the index, from 0.
    pub const fn index(self) -> u32 {
        self.index
    }

    /// Returns the number of parts.
    pub const fn count(self) -> u32 {
        self.count
    }

    /// Returns whether this user of the population belongs to the part.
    pub const fn owns(self, user: u32) -> bool {
        mixed(user) % self.count as u64 == self.index as u64
    }

    /// Returns this part's share of `all`, such as users of a closed workload. The shares of all parts sum to
    /// `all`.
    pub fn share(self, all: u32) -> u32 {
        let before = |index: u32| u64::from(all) * u64::from(index) / u64::from(self.count);
        (before(self.index + 1) - before(self.index)) as u32
    }
}

/// Returns a number that depends on every bit of the user's number (the finalizer of splitmix64), so that
/// parts are of about equal size even if users with some property have regular numbers.
const fn mixed(user: u32) -> u64 {
    let z = (user as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| part.parse::<u32>().ok();
        match text.split_once('/').map(|(index, count)| (number(index), number(count))) {
            Some((Some(index), Some(count))) => Self::new(index, count),
            _ => Err("expected INDEX/COUNT, for example 0/4 for the first of four shards".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_user_belongs_to_one_shard() {
        for count in [1, 2, 3, 16, 1000] {
            let shards: Vec<Shard> = (0..count).map(|index| Shard::new(index, count).unwrap()).collect();
            let sizes: Vec<usize> =
                shards.iter().map(|shard| (0..10_000).filter(|user| shard.owns(*user)).count()).collect();
            assert_eq!(sizes.iter().sum::<usize>(), 10_000);
            let even = 10_000 / count as usize;
            assert!(sizes.iter().all(|size| size.abs_diff(even) < 40 + even / 8), "{count}: {sizes:?}");
        }
    }

    #[test]
    fn shares_sum_to_the_whole() {
        for (all, count) in [(0, 3), (1, 3), (10, 3), (7, 7), (u32::MAX, 16)] {
            let shares = (0..count).map(|index| u64::from(Shard::new(index, count).unwrap().share(all)));
            let shares: Vec<u64> = shares.collect();
            assert_eq!(shares.iter().sum::<u64>(), u64::from(all));
            assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1, "{shares:?}");
        }
    }

    #[test]
    fn wrong_texts_are_refused() {
        assert_eq!("3/4".parse(), Ok(Shard { index: 3, count: 4 }));
        for (text, why) in [
            ("4/4", "from 0 to 3"),
            ("0/0", "from 1 to 10000"),
            ("0/10001", "from 1 to 10000"),
            ("1", "INDEX/COUNT"),
            ("-1/4", "INDEX/COUNT"),
            ("1/4/2", "INDEX/COUNT"),
            ("", "INDEX/COUNT"),
        ] {
            let error = text.parse::<Shard>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
