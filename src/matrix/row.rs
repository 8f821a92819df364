//! The rows of the matrix: each cell with its decision.

use super::cell::{BASE_POLICY, Cell, all_cells, pool_cells};
use poolproof_cognito::policy::{PoolPolicy, RiskAction, RiskLevel, RiskPolicy};
use poolproof_oracle::{self, Decision, Facts, RuleId};

/// A cell with the decision that the rules require.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// The cell.
    pub cell: Cell,
    /// The rule that decides.
    pub rule: RuleId,
    /// The decision that it requires.
    pub decision: Decision,
}

/// The decisions in all pools, or in one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Matrix {
    base: PoolPolicy,
    of_one_pool: bool,
    rows: Vec<Row>,
}

impl Matrix {
    /// Creates the matrix of all 7,020 cells, with risk enforced and default switches.
    pub fn all() -> Self {
        Self::all_in(BASE_POLICY)
    }

    /// Creates the matrix of all 7,020 cells, with the risk mode and the switches of `base`.
    pub fn all_in(base: PoolPolicy) -> Self {
        Self::new(base, false, &all_cells())
    }

    /// Creates the matrix of the cells of this pool.
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

    /// Returns the rows in order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Returns the pool if the matrix is about one pool.
    pub const fn pool(&self) -> Option<&PoolPolicy> {
        if self.of_one_pool { Some(&self.base) } else { None }
    }

    /// Returns the settings that all cells share: the risk mode and the switches.
    pub const fn base(&self) -> &PoolPolicy {
        &self.base
    }

    /// Returns the facts of this cell.
    pub fn facts(&self, cell: &Cell) -> Facts {
        cell.facts(&self.base)
    }

    /// Returns the settings of a pool in which this cell occurs.
    ///
    /// If the cell has a risk, lower levels have no action and higher levels the same action: Cognito refuses
    /// a laxer action at a higher level.
    pub fn policy(&self, cell: &Cell) -> PoolPolicy {
        let risk = match cell.risk {
            Some((level, action)) if !self.of_one_pool => {
                let at = |other| if other < level { RiskAction::NoAction } else { action };
                let [low, medium, high] = RiskLevel::ALL.map(at);
                RiskPolicy { low, medium, high, ..self.base.risk }
            }
            // Without risk the actions must have no effect, even the strictest ones.
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

    /// Returns the rules that apply in any cell, in order of precedence, each with the number of its cells.
    pub fn rules(&self) -> Vec<(RuleId, usize)> {
        let count = |rule: RuleId| self.rows.iter().filter(|row| row.rule == rule).count();
        poolproof_oracle::rules().map(|rule| (rule, count(rule))).filter(|(_, cells)| *cells > 0).collect()
    }
}
