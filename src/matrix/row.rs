//! What is expected in each cell.

use super::cell::{BASE_POLICY, Cell, all_cells, pool_cells};
use poolproof_cognito::policy::{PoolPolicy, RiskAction, RiskLevel, RiskPolicy};
use poolproof_oracle::{self, Decision, Facts, RuleId};

/// A cell, and the decision that is expected in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// The situation.
    pub cell: Cell,
    /// The rule that decides.
    pub rule: RuleId,
    /// What it asks for.
    pub decision: Decision,
}

/// The decisions of all pools there are, or of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Matrix {
    base: PoolPolicy,
    of_one_pool: bool,
    rows: Vec<Row>,
}

impl Matrix {
    /// All 4,680 cells, with risk enforced and the switches as they come.
    pub fn all() -> Self {
        Self::all_in(BASE_POLICY)
    }

    /// All 4,680 cells, with the mode and the switches of `base`.
    pub fn all_in(base: PoolPolicy) -> Self {
        Self::new(base, false, &all_cells())
    }

    /// The 80 cells of this pool.
    pub fn of_pool(pool: PoolPolicy) -> Self {
        Self::new(pool, true, &pool_cells(&pool))
    }

    fn new(base: PoolPolicy, of_one_pool: bool, cells: &[Cell]) -> Self {
        let rows = cells.iter().map(|&cell| {
            let (rule, decision) = poolproof_oracle::expect(&cell.facts(&base));
            Row { cell, rule, decision }
        });
        Self { base, of_one_pool, rows: rows.collect() }
    }

    /// The cells in their order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The pool that the matrix is about, if it is about one.
    pub const fn pool(&self) -> Option<&PoolPolicy> {
        if self.of_one_pool { Some(&self.base) } else { None }
    }

    /// What no cell says of its pool: the mode of risk and the switches.
    pub const fn base(&self) -> &PoolPolicy {
        &self.base
    }

    /// What is known of this cell's situation.
    pub fn facts(&self, cell: &Cell) -> Facts {
        cell.facts(&self.base)
    }

    /// The settings of a pool in which this cell can be met.
    ///
    /// Where the cell brings its own risk, levels below have no action and levels above the same: a pool may not be
    /// laxer at higher risk.
    pub fn policy(&self, cell: &Cell) -> PoolPolicy {
        let risk = match cell.risk {
            Some((level, action)) if !self.of_one_pool => {
                let at = |other| if other < level { RiskAction::NoAction } else { action };
                let [low, medium, high] = RiskLevel::ALL.map(at);
                RiskPolicy { low, medium, high, ..self.base.risk }
            }
            // Without risk even the strictest actions must be without consequence.
            _ => self.base.risk,
        };
        PoolPolicy {
            remember: cell.remember,
            suppress_mfa: cell.suppress_mfa,
            mfa: cell.mfa,
            risk,
            ..self.base
        }
    }

    /// The rules that apply somewhere, in the order of the oracle's table, each with the number of its cells.
    pub fn rules(&self) -> Vec<(RuleId, usize)> {
        let count = |rule: RuleId| self.rows.iter().filter(|row| row.rule == rule).count();
        poolproof_oracle::rules().map(|rule| (rule, count(rule))).filter(|(_, cells)| *cells > 0).collect()
    }
}
