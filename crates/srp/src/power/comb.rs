//! Powers of g by Lim and Lee's comb, with a table that fits in a core's cache.
//!
//! The exponent's bits form rows, called teeth, and each row is divided into blocks. A lookup takes one bit
//! of every tooth, and all blocks share the squarings. Larger tables without squarings are slower, because
//! they must be read whole from memory. A kernel with faster products uses one tooth less, because reading
//! does not become faster.
//!
//! | class | blocks | six teeth: products, squarings, table | five teeth |
//! |---|---|---|---|
//! | 256 bits | 4 | 44, 11, 125 KB | 52, 13, 64 KB |
//! | 513 bits | 4 | 88, 22, 125 KB | 104, 26, 64 KB |
//! | 1025 bits | 8 | 176, 22, 250 KB | 208, 26, 128 KB |
//!
//! Source: C. H. Lim and P. J. Lee, "More flexible exponentiation with precomputation", CRYPTO '94.

use std::sync::OnceLock;

use num_bigint::BigUint;

use super::super::prime;
use super::fixed_window::{self, MontgomeryArithmetic, TableSelect, WindowedExponent, yield_periodically};
use super::{ExponentClass, Modexp, window};

/// Arithmetic that computes one power at a time and builds combs.
pub(super) trait SingleArithmetic<Table>: TableSelect<Table> {
    /// The number of teeth of a comb.
    const TEETH: u32;

    /// Converts a number below N to the kernel's representation.
    fn split(number: &BigUint) -> Self::Number;
    /// Builds a table of the 2^[`Self::TEETH`] entries of a block.
    fn comb_table(entries: Vec<Self::Number>) -> Table;
}

/// The combs of g, one for each exponent class, built at first use.
pub(super) struct Combs<Table>([OnceLock<Comb<Table>>; 3]);

impl<Table> Combs<Table> {
    pub(super) const fn new() -> Self {
        Self([const { OnceLock::new() }; 3])
    }

    pub(super) fn get(&self, products: &impl SingleArithmetic<Table>, class: ExponentClass) -> &Comb<Table> {
        self.0[class as usize].get_or_init(|| Comb::new(products, class))
    }
}

/// Computes one power and converts it from Montgomery form.
pub(super) fn raise_one<Table, P>(products: &P, combs: &Combs<Table>, power: &Modexp) -> P::Number
where
    P: SingleArithmetic<Table> + TableSelect<<P as MontgomeryArithmetic>::Table>,
{
    let exponents = [WindowedExponent::of(power)];
    let number = match &power.base {
        None if exponents[0].fit(power.class) => combs.get(products, power.class).raise(products, &exponents),
        base => {
            let base = P::split(base.as_ref().unwrap_or_else(|| prime::g()));
            fixed_window::raise(products, &products.to_montgomery(&base), &exponents)
        }
    };
    products.montgomery_reduce(&number)
}

/// The comb of g for one exponent class.
pub(super) struct Comb<Table> {
    teeth: u32,
    /// Bits from one tooth to the next.
    tooth_stride: u32,
    /// Bits from one block to the next.
    block_stride: u32,
    /// One table for each block.
    tables: Vec<Table>,
}

impl<Table> Comb<Table> {
    fn new<P: SingleArithmetic<Table>>(products: &P, class: ExponentClass) -> Self {
        let blocks = if matches!(class, ExponentClass::Bits1025) { 8 } else { 4 };
        let teeth = P::TEETH;
        let tooth_stride = class.bits().div_ceil(teeth);
        let block_stride = tooth_stride.div_ceil(blocks);
        // g to the powers 2^0, 2^1, 2^2, …
        let mut squares = vec![products.to_montgomery(&P::split(prime::g()))];
        for index in 1..(teeth * tooth_stride + block_stride * blocks) as usize {
            squares.push(products.square(&squares[index - 1]));
        }
        let tables = (0..blocks).map(|block| {
            // Every entry is the product of the squares of its bits.
            let mut entries = vec![products.one()];
            for entry in 1..1usize << teeth {
                let square =
                    &squares[(entry.trailing_zeros() * tooth_stride + block * block_stride) as usize];
                entries.push(products.mul(&entries[entry & (entry - 1)], square));
            }
            P::comb_table(entries)
        });
        Self { teeth, tooth_stride, block_stride, tables: tables.collect() }
    }

    /// Returns the index into a block's table for one column of the exponent.
    fn secret_index(&self, exponent: &WindowedExponent, block: u32, column: u32) -> u64 {
        let within = block * self.block_stride + column;
        if within >= self.tooth_stride {
            return 0;
        }
        let bit = |tooth: u32| window(&exponent.limbs, tooth * self.tooth_stride + within, 1) << tooth;
        (0..self.teeth).map(bit).sum()
    }

    /// Computes g^exponent, with an exponent for each lane.
    pub(super) fn raise<P: TableSelect<Table>>(
        &self,
        products: &P,
        exponents: &[WindowedExponent],
    ) -> P::Number {
        let mut power = products.one();
        for column in (0..self.block_stride).rev() {
            yield_periodically(column, P::ROUNDS_PER_YIELD);
            power = products.square(&power);
            for (block, table) in (0..).zip(&self.tables) {
                let factor =
                    products.select(table, |lane| self.secret_index(&exponents[lane], block, column));
                power = products.mul(&power, &factor);
            }
        }
        power
    }
}
