//! Random choices with weights.

use rand::RngExt as _;

use poolproof_cognito::seed::Rng;

/// Values to choose from, each with a weight. Values of weight zero are left out.
#[derive(Clone, PartialEq, Debug)]
pub struct Weights<T> {
    entries: Vec<(T, f64)>,
    /// The sum of the weights up to and including each entry.
    cumulative: Vec<f64>,
}

impl<T: Copy> Weights<T> {
    /// Creates weights in this order. Returns `None` unless all weights are finite and not negative, and
    /// their sum is finite and more than zero.
    pub fn new(entries: impl IntoIterator<Item = (T, f64)>) -> Option<Self> {
        let mut kept = Vec::new();
        let mut cumulative = Vec::new();
        let mut total = 0.0;
        for (value, weight) in entries {
            if !weight.is_finite() || weight < 0.0 {
                return None;
            }
            if weight > 0.0 {
                total += weight;
                kept.push((value, weight));
                cumulative.push(total);
            }
        }
        (total > 0.0 && total.is_finite()).then_some(Self { entries: kept, cumulative })
    }

    /// Returns each value with its share of the total; the shares sum to 1.
    pub fn iter(&self) -> impl Iterator<Item = (T, f64)> + '_ {
        let total = self.total();
        self.entries.iter().map(move |&(value, weight)| (value, weight / total))
    }

    /// Draws one value. Takes one number from `rng`, whatever the values are.
    pub fn draw(&self, rng: &mut Rng) -> T {
        let point = rng.random::<f64>() * self.total();
        let index = self.cumulative.partition_point(|&cumulative| cumulative <= point);
        self.entries[index.min(self.entries.len() - 1)].0
    }

    fn total(&self) -> f64 {
        self.cumulative.last().copied().unwrap_or_default()
    }
}

impl<T: Copy + PartialEq> Weights<T> {
    /// Returns the share of `value`; 0 if it cannot be drawn.
    pub fn share(&self, value: T) -> f64 {
        self.raw_weight(value) / self.total()
    }

    /// Returns the weight of `value` as given; 0 if it cannot be drawn.
    pub(super) fn raw_weight(&self, value: T) -> f64 {
        self.entries.iter().find(|(other, _)| *other == value).map_or(0.0, |(_, weight)| *weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolproof_cognito::seed::Seed;

    #[test]
    fn invalid_weights_are_refused() {
        for bad in
            [vec![], vec![0.0, 0.0], vec![1.0, -1.0], vec![f64::NAN], vec![f64::INFINITY], vec![1e308; 2]]
        {
            assert_eq!(Weights::new(bad.iter().map(|&weight| ((), weight))), None, "{bad:?}");
        }
    }

    #[test]
    fn draws_have_the_given_shares() {
        let weights = Weights::new([('a', 1.0), ('b', 0.0), ('c', 3.0)]).unwrap();
        assert_eq!(weights.iter().collect::<Vec<_>>(), [('a', 0.25), ('c', 0.75)]);
        let mut rng = Seed::new(1).rng("test", 0);
        let a = (0..10_000).filter(|_| weights.draw(&mut rng) == 'a').count();
        assert!((2400..2600).contains(&a), "{a}");
        assert_eq!((weights.share('a'), weights.share('b')), (0.25, 0.0));
    }
}
