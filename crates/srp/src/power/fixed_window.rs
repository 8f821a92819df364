//! Montgomery arithmetic as both vector kernels provide it, and powers of any base by fixed windows of the
//! exponent.
//!
//! The number of products depends only on the length class. Every lookup reads the whole table, which hides
//! the index.

use num_bigint::BigUint;

use super::{ExponentClass, Modexp, window};

/// The constants of Montgomery arithmetic for one modulus, in a kernel's representation.
pub(super) struct Constants<T> {
    /// R mod N, the Montgomery form of 1.
    one: T,
    /// R² mod N. A product with it converts a number to Montgomery form.
    to_montgomery: T,
    /// 1. A product with it converts a number from Montgomery form.
    from_montgomery: T,
}

impl Constants<BigUint> {
    pub(super) fn new(r: &BigUint, n: &BigUint) -> Self {
        Self { one: r % n, to_montgomery: r * r % n, from_montgomery: BigUint::from(1u8) }
    }
}

impl<T> Constants<T> {
    /// Converts the constants to another representation.
    pub(super) fn map<U>(&self, convert: impl Fn(&T) -> U) -> Constants<U> {
        Constants {
            one: convert(&self.one),
            to_montgomery: convert(&self.to_montgomery),
            from_montgomery: convert(&self.from_montgomery),
        }
    }
}

/// Returns the number from 0 to N − 1 that is congruent to signed digits of `width` bits, least significant
/// first.
///
/// A negative value must be above −N.
pub(super) fn join(digits: impl Iterator<Item = i64>, width: u32, n: &BigUint) -> BigUint {
    // `num-bigint` takes words of 32 bits.
    let mut words = Vec::with_capacity(102);
    let (mut bits, mut held) = (0i128, 0);
    for digit in digits {
        bits += i128::from(digit) << held;
        held += width;
        while held >= 32 {
            words.push(bits as u32);
            bits >>= 32;
            held -= 32;
        }
    }
    words.push(bits as u32);
    let modulus_bits = 32 * words.len();
    let number = BigUint::new(words);
    // A negative value appears here as its two's complement.
    if bits < 0 { number + n - (BigUint::from(1u8) << modulus_bits) } else { number % n }
}

/// Products modulo N of numbers in a kernel's representation: one number, or one in each lane.
///
/// Numbers are in Montgomery form: the product of R·a and R·b is R·a·b.
pub(super) trait MontgomeryArithmetic {
    /// A number, or one for each lane.
    type Number: Clone;
    /// A table of numbers that [`TableSelect`] reads.
    type Table;
    /// The rounds of a power between two calls of `yield_now`, some 50 to 250 µs.
    const ROUNDS_PER_YIELD: u32;

    /// Returns the constants of the modulus.
    fn constants(&self) -> &Constants<Self::Number>;
    /// Computes a · b / R.
    fn mul(&self, a: &Self::Number, b: &Self::Number) -> Self::Number;
    /// Computes a · a / R.
    fn square(&self, a: &Self::Number) -> Self::Number;
    /// Builds a table.
    fn table(&self, entries: Vec<Self::Number>) -> Self::Table;

    /// Returns 1 in Montgomery form.
    fn one(&self) -> Self::Number {
        self.constants().one.clone()
    }

    /// Converts a number to Montgomery form.
    fn to_montgomery(&self, number: &Self::Number) -> Self::Number {
        self.mul(number, &self.constants().to_montgomery)
    }

    /// Converts a number from Montgomery form.
    fn montgomery_reduce(&self, number: &Self::Number) -> Self::Number {
        self.mul(number, &self.constants().from_montgomery)
    }
}

/// Lookups in a table in a time that does not depend on the index.
pub(super) trait TableSelect<Table>: MontgomeryArithmetic {
    /// Returns the entry for each lane's index. It reads the whole table.
    fn select(&self, table: &Table, secret_index: impl Fn(usize) -> u64) -> Self::Number;
}

/// An exponent that is divided into windows.
pub(super) struct WindowedExponent {
    pub(super) limbs: Vec<u64>,
    bits: u32,
}

impl WindowedExponent {
    pub(super) fn of(power: &Modexp) -> Self {
        let needed = u32::try_from(power.exponent.bits()).unwrap_or(u32::MAX);
        Self { limbs: power.exponent.iter_u64_digits().collect(), bits: power.class.bits().max(needed) }
    }

    /// Reports whether the exponent is no longer than its class.
    pub(super) const fn fit(&self, class: ExponentClass) -> bool {
        self.bits <= class.bits()
    }

    /// Returns the bits of a window. A larger table is worthwhile only for long exponents.
    const fn width(&self) -> u32 {
        if self.bits > 256 { 5 } else { 4 }
    }
}

/// Computes base^exponent, with an exponent for each lane. The first exponent determines the windows of all.
pub(super) fn raise<P: MontgomeryArithmetic + TableSelect<<P as MontgomeryArithmetic>::Table>>(
    products: &P,
    base: &P::Number,
    exponents: &[WindowedExponent],
) -> P::Number {
    let Some(first) = exponents.first() else { return products.one() };
    let width = first.width();
    let table = products.table(powers(products, base, 1 << width));
    let mut power: Option<P::Number> = None;
    for index in (0..first.bits.div_ceil(width)).rev() {
        yield_periodically(index, P::ROUNDS_PER_YIELD);
        let factor = products.select(&table, |lane| window(&exponents[lane].limbs, index * width, width));
        power = Some(match power {
            None => factor,
            Some(mut power) => {
                for _ in 0..width {
                    power = products.square(&power);
                }
                products.mul(&power, &factor)
            }
        });
    }
    power.unwrap_or_else(|| products.one())
}

/// Computes the powers 0 to `count` − 1 of a base.
fn powers<P: MontgomeryArithmetic>(products: &P, base: &P::Number, count: usize) -> Vec<P::Number> {
    let mut powers = vec![products.one(), base.clone()];
    for index in 2..count {
        powers.push(if index % 2 == 0 {
            products.square(&powers[index / 2])
        } else {
            products.mul(&powers[index - 1], base)
        });
    }
    powers
}

/// Yields the core in every `every`-th round of a power.
///
/// A power can take milliseconds. Without yields, a thread that wakes up may wait that long for the core.
/// Under an open workload, such a thread starts the next sign-in, which would then start late. A yield takes
/// half a microsecond.
pub(super) fn yield_periodically(round: u32, every: u32) {
    if round.is_multiple_of(every) {
        std::thread::yield_now();
    }
}
