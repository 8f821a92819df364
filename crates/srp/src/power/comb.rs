//! Powers of one base that is known beforehand, by Lim and Lee's comb: from a table that a core's own cache holds.
//!
//! The exponent's bits are laid out in rows, the comb's teeth, and each row is cut into blocks. One look into the table takes
//! a bit of every tooth; squarings are shared by all blocks. Larger tables without squarings are slower: they must be read
//! whole, and come from memory. A kernel whose products are quick gains by a tooth less, since reading takes as long as ever.
//!
//! | class | blocks | six teeth: products, squarings, table | five teeth |
//! |---|---|---|---|
//! | 256 bits | 4 | 44, 11, 125 KB | 52, 13, 64 KB |
//! | 513 bits | 4 | 88, 22, 125 KB | 104, 26, 64 KB |
//! | 1025 bits | 8 | 176, 22, 250 KB | 208, 26, 128 KB |
//!
//! C. H. Lim and P. J. Lee, "More flexible exponentiation with precomputation", CRYPTO '94.

use std::sync::OnceLock;

use super::fixed_window::{MontgomeryArithmetic, TableSelect, WindowedExponent};
use super::{ExponentClass, window, yield_periodically};

/// The combs of one base, by class; each built when it is first needed.
pub(super) type Combs<Table> = [OnceLock<Comb<Table>>; 3];

/// The comb of one base and one class.
pub(super) struct Comb<Table> {
    /// Rows of the exponent.
    teeth: u32,
    /// Bits from tooth to tooth.
    tooth: u32,
    /// Bits from block to block.
    block: u32,
    /// The choices of each block.
    tables: Vec<Table>,
}

impl<Table> Comb<Table> {
    /// The comb of this base for exponents of this class. `build_table` makes a table of the 2^teeth choices of a block.
    pub(super) fn new<P: MontgomeryArithmetic>(
        products: &P,
        base: P::Number,
        class: ExponentClass,
        teeth: u32,
        build_table: impl Fn(Vec<P::Number>) -> Table,
    ) -> Self {
        let blocks = if matches!(class, ExponentClass::Bits1025) { 8 } else { 4 };
        let tooth = class.bits().div_ceil(teeth);
        let block = tooth.div_ceil(blocks);
        // The base to the powers 2^0, 2^1, 2^2 …
        let mut squares = vec![base];
        for index in 1..(teeth * tooth + block * blocks) as usize {
            squares.push(products.square(&squares[index - 1]));
        }
        let tables = (0..blocks).map(|number| {
            // Every choice is the product of the units of its bits.
            let mut choices = vec![products.one()];
            for choice in 1..1usize << teeth {
                let unit = &squares[(choice.trailing_zeros() * tooth + number * block) as usize];
                choices.push(products.mul(&choices[choice & (choice - 1)], unit));
            }
            build_table(choices)
        });
        Self { teeth, tooth, block, tables: tables.collect() }
    }

    /// Which choice this exponent makes in this block's column.
    fn secret_index(&self, exponent: &WindowedExponent, block: u32, column: u32) -> u64 {
        let within = block * self.block + column;
        if within >= self.tooth {
            return 0;
        }
        let bit = |tooth: u32| window(&exponent.limbs, tooth * self.tooth + within, 1) << tooth;
        (0..self.teeth).map(bit).sum()
    }

    /// The base to these powers, one for each lane.
    pub(super) fn raise<P: TableSelect<Table>>(
        &self,
        products: &P,
        exponents: &[WindowedExponent],
    ) -> P::Number {
        let mut power = products.one();
        for column in (0..self.block).rev() {
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
