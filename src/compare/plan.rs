//! Plans the order in which the arms run.

use std::ops::Range;

use rand::Rng as _;

use poolproof_cognito::seed::Seed;

/// One side of a comparison.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Arm {
    /// The existing version.
    Base,
    /// The new version.
    Head,
}

/// Two consecutive runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot {
    /// The number of the pair within its kind, from 1.
    pub number: u32,
    /// The arms in running order; the base twice to measure noise.
    pub arms: [Arm; 2],
    /// The scenario seed of both runs.
    pub seed: u64,
}

impl Slot {
    /// Returns whether both runs are of the base.
    pub fn is_aa(&self) -> bool {
        self.arms[0] == self.arms[1]
    }
}

/// Returns the pairs of these numbers (from 0) in blocks of two, in the order base, head, head, base or the
/// reverse, drawn from `seed`. The `same` pairs of base against base are spread evenly among them.
///
/// A steady drift of the machine thus affects both arms equally. Order and seeds of a pair depend only on its
/// number, so more pairs do not change the earlier ones.
pub fn plan(seed: Seed, pairs: Range<u32>, same: u32) -> Vec<Slot> {
    let count = pairs.len() as u64;
    let mut slots = Vec::new();
    let mut placed = 0;
    for (done, pair) in (1..).zip(pairs) {
        let turned = u64::from(pair) % 2 == 1;
        let head_first = (seed.rng("compare.order", u64::from(pair / 2)).next_u64() & 1 == 1) != turned;
        let arms = if head_first { [Arm::Head, Arm::Base] } else { [Arm::Base, Arm::Head] };
        slots.push(Slot { number: pair + 1, arms, seed: derived_seed(seed, "compare.pair", pair) });
        let due = u64::from(same) * done / count;
        while placed < due {
            let seed = derived_seed(seed, "compare.same", placed as u32);
            placed += 1;
            slots.push(Slot { number: placed as u32, arms: [Arm::Base; 2], seed });
        }
    }
    slots
}

/// Short enough to type.
fn derived_seed(seed: Seed, name: &str, pair: u32) -> u64 {
    u64::from(seed.rng(name, u64::from(pair)).next_u32())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_of_two_pairs_has_both_orders() {
        let slots = plan(Seed::new(1), 0..40, 0);
        let first: Vec<Arm> = slots.iter().map(|slot| slot.arms[0]).collect();
        let mut begun = [0, 0];
        for block in first.chunks(2) {
            assert_ne!(block[0], block[1]);
            begun[block[0] as usize] += 1;
        }
        assert!(begun[0] > 3 && begun[1] > 3, "{begun:?}");
        assert!(slots.iter().all(|slot| !slot.is_aa()));
    }

    #[test]
    fn more_pairs_do_not_change_the_first_ones() {
        let all = plan(Seed::new(3), 0..20, 0);
        let parts = [plan(Seed::new(3), 0..7, 0), plan(Seed::new(3), 7..20, 0)].concat();
        assert_eq!(all, parts);
        assert_ne!(all, plan(Seed::new(4), 0..20, 0));
    }

    #[test]
    fn base_against_base_pairs_are_spread_evenly() {
        let slots = plan(Seed::new(1), 0..10, 5);
        let places: Vec<usize> = (0..slots.len()).filter(|at| slots[*at].is_aa()).collect();
        assert_eq!(places, [2, 5, 8, 11, 14]);
        let more = plan(Seed::new(1), 0..5, 12);
        assert_eq!(more.iter().filter(|slot| slot.is_aa()).count(), 12);
    }
}
