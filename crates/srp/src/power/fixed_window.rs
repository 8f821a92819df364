//! Powers of any base, by windows of the exponent. How many products there are depends on the length class alone, and which table
//! entry is wanted is hidden by reading all of them.

use super::{ExponentClass, Power, window, yield_periodically};

/// Products of numbers modulo N, in a kernel's own form: of one number at a time, or of several side by side in lanes.
///
/// Numbers are in Montgomery's form: products of R times a and R times b are R times a · b.
pub(super) trait MontgomeryArithmetic {
    /// A number, or one for each lane.
    type Number: Clone;
    /// Numbers, laid out as they are read to [`TableSelect`] one.
    type Table;
    /// A power's rounds from one offer of the core to the next: some 50 to 250 µs.
    const ROUNDS_PER_YIELD: u32;

    /// One.
    fn one(&self) -> Self::Number;
    /// a · b.
    fn mul(&self, a: &Self::Number, b: &Self::Number) -> Self::Number;
    /// a · a.
    fn square(&self, a: &Self::Number) -> Self::Number;
    /// A table of these.
    fn table(&self, entries: Vec<Self::Number>) -> Self::Table;
}

/// Ways to pick a number from a table of this form, in a time that does not depend on which.
pub(super) trait TableSelect<Table>: MontgomeryArithmetic {
    /// The entry that each lane wants. All of the table is read.
    fn select(&self, table: &Table, secret_index: impl Fn(usize) -> u64) -> Self::Number;
}

/// An exponent, cut into windows.
pub(super) struct WindowedExponent {
    pub(super) limbs: Vec<u64>,
    bits: u32,
}

impl WindowedExponent {
    pub(super) fn of(power: &Power<'_>) -> Self {
        let needed = u32::try_from(power.exponent.bits()).unwrap_or(u32::MAX);
        Self { limbs: power.exponent.iter_u64_digits().collect(), bits: power.class.bits().max(needed) }
    }

    /// Whether the exponent has no more than so many bits.
    pub(super) const fn fit(&self, class: ExponentClass) -> bool {
        self.bits <= class.bits()
    }

    /// Bits of a window for bases of all kinds: longer exponents repay a larger table.
    const fn width(&self) -> u32 {
        if self.bits > 256 { 5 } else { 4 }
    }

    const fn count(&self, width: u32) -> u32 {
        self.bits.div_ceil(width)
    }

    fn at(&self, index: u32, width: u32) -> u64 {
        window(&self.limbs, index * width, width)
    }
}

/// base^exponent, with an exponent for each lane; all are cut alike, as the first is.
pub(super) fn raise<P: MontgomeryArithmetic + TableSelect<<P as MontgomeryArithmetic>::Table>>(
    products: &P,
    base: &P::Number,
    exponents: &[WindowedExponent],
) -> P::Number {
    let Some(longest) = exponents.first() else { return products.one() };
    let width = longest.width();
    let table = products.table(powers(products, base, 1 << width));
    let mut power: Option<P::Number> = None;
    for index in (0..longest.count(width)).rev() {
        yield_periodically(index, P::ROUNDS_PER_YIELD);
        let factor = products.select(&table, |lane| exponents[lane].at(index, width));
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

/// The powers 0 to `count` − 1 of a base.
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
