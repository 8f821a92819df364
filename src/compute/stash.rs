//! Pairs of an exponent and its power of g that workers make while they have nothing else to do. Never more than a few dozen of
//! each shape, and of the first few shapes only that anybody asks for.

use poolproof_srp::{Prepared, Shape};

/// Pairs of one shape, at most: what a burst of sign-ins takes before anybody is idle again.
const PAIRS: usize = 64;
/// Shapes, at most. A run has one a side.
const SHAPES: usize = 4;

/// What is ready.
#[derive(Debug, Default)]
pub(super) struct Stash {
    shelves: Vec<Shelf>,
}

#[derive(Debug)]
struct Shelf {
    shape: Shape,
    ready: Vec<Prepared>,
    /// Pairs that somebody is making.
    coming: usize,
}

impl Stash {
    /// A pair that nobody else gets. Who asks for a shape makes it known.
    pub(super) fn take(&mut self, shape: Shape) -> Option<Prepared> {
        match self.shelf(shape) {
            Some(shelf) => shelf.ready.pop(),
            None => {
                if self.shelves.len() < SHAPES {
                    self.shelves.push(Shelf { shape, ready: Vec::new(), coming: 0 });
                }
                None
            }
        }
    }

    /// The shape that lacks most, if there is room for so many more; whoever is told makes and brings them.
    pub(super) fn order(&mut self, pairs: usize) -> Option<Shape> {
        let emptiest = self.shelves.iter_mut().min_by_key(|shelf| shelf.ready.len() + shelf.coming)?;
        let fits = emptiest.ready.len() + emptiest.coming + pairs <= PAIRS;
        fits.then(|| {
            emptiest.coming += pairs;
            emptiest.shape
        })
    }

    /// Takes what was ordered.
    pub(super) fn bring(&mut self, shape: Shape, pairs: Vec<Prepared>) {
        if let Some(shelf) = self.shelf(shape) {
            shelf.coming = shelf.coming.saturating_sub(pairs.len());
            shelf.ready.extend(pairs);
        }
    }

    fn shelf(&mut self, shape: Shape) -> Option<&mut Shelf> {
        self.shelves.iter_mut().find(|shelf| shelf.shape == shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolproof_cognito::seed::{Seed, Stream};
    use poolproof_srp::{Done, Ephemeral, Group, Job};

    fn job(bits: u32, stream: &mut Stream) -> Job {
        Job::ClientPublic { group: Group::toy(), a: Ephemeral::draw(bits, stream) }
    }

    fn shape(bits: u32, stream: &mut Stream) -> Shape {
        Shape::of(&job(bits, stream)).expect("it begins an exchange")
    }

    #[test]
    fn it_is_filled_with_what_was_asked_for_and_no_further() {
        let stream = &mut Seed::new(1).stream("stash", 0);
        let mut stash = Stash::default();
        assert_eq!(stash.order(4), None, "nobody has asked");
        let (short, long) = (shape(100, stream), shape(200, stream));
        assert!(stash.take(short).is_none() && stash.take(long).is_none());
        let mut made = 0;
        while let Some(shape) = stash.order(4) {
            stash.bring(shape, Prepared::several(shape, 4, stream));
            made += 4;
        }
        assert_eq!(made, 2 * PAIRS);
        assert!(stash.take(short).is_some());
        assert_eq!(stash.order(4), None, "no room for four");
        assert_eq!(stash.order(1), Some(short));
        assert_eq!(stash.order(1), None, "the one is on its way");
    }

    #[test]
    fn a_shape_too_many_is_not_kept() {
        let stream = &mut Seed::new(1).stream("stash", 1);
        let mut stash = Stash::default();
        for bits in 1..=10 {
            assert!(stash.take(shape(bits, stream)).is_none());
        }
        let mut made = 0;
        while stash.order(PAIRS).is_some() {
            made += 1;
        }
        assert_eq!(made, SHAPES);
    }

    #[test]
    fn each_pair_is_taken_once() {
        let stream = &mut Seed::new(1).stream("stash", 2);
        let mut stash = Stash::default();
        let shape = shape(256, stream);
        assert!(stash.take(shape).is_none());
        while let Some(shape) = stash.order(4) {
            stash.bring(shape, Prepared::several(shape, 4, stream));
        }
        let mut seen = Vec::new();
        while let Some(pair) = stash.take(shape) {
            let Done::PublicA { a, .. } = pair.serve(job(256, stream)) else { panic!("no A") };
            assert!(!seen.contains(&a));
            seen.push(a);
        }
        assert_eq!(seen.len(), PAIRS);
    }
}
