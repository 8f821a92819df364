//! What is tried at an endpoint: every cell, and in each configuration what a wrong, used or damaged proof leads to.

use std::collections::BTreeMap;
use std::fmt;

use rand::seq::SliceRandom as _;

use crate::matrix::{BASE_POLICY, Cell, Matrix};
use poolproof_cognito::policy::{Factors, PoolPolicy, RememberMode, RiskAction};
use poolproof_cognito::seed::Seed;
use poolproof_oracle::{self, Claim, Decision, Device, Facts, RuleId};

/// A cell, and what of the proofs is not as it should be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Trial {
    /// The situation.
    pub cell: Cell,
    /// Which claim of the password is made.
    pub claim: Claim,
    /// Whether the device still has its secret.
    pub secret_valid: bool,
}

impl Trial {
    /// What is expected of a pool with the switches of `base`.
    pub(super) fn expected(&self, base: &PoolPolicy) -> (RuleId, Decision) {
        let facts = Facts {
            claim: self.claim,
            device_secret_valid: self.secret_valid,
            // Whoever plays it got the device before the factor.
            mfa_bound: false,
            ..self.cell.facts(base)
        };
        poolproof_oracle::expect(&facts)
    }

    /// What a pool must be set to for this trial.
    pub(super) fn configuration(
        &self,
    ) -> (RememberMode, bool, poolproof_cognito::policy::MfaMode, Option<RiskAction>) {
        let Cell { remember, suppress_mfa, mfa, risk, .. } = self.cell;
        (remember, suppress_mfa, mfa, risk.map(|(_, action)| action))
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cell.fmt(f)?;
        f.write_str(match self.claim {
            Claim::Right => "",
            Claim::Wrong => "; wrong password",
            Claim::Replayed => "; claim used before",
        })?;
        f.write_str(if self.secret_valid { "" } else { "; damaged secret of the device" })
    }
}

/// The trials of a matrix: its cells, and for each of its configurations without risk a wrong password, a used claim, and where
/// devices are remembered a damaged secret.
pub fn trials(matrix: &Matrix) -> Vec<Trial> {
    let right = |cell: Cell| Trial { cell, claim: Claim::Right, secret_valid: true };
    let mut trials: Vec<Trial> = matrix.rows().iter().map(|row| right(row.cell)).collect();
    let plain = |cell: &Cell| cell.factor == Factors::None && cell.risk.is_none();
    for cell in matrix.rows().iter().map(|row| row.cell).filter(plain) {
        match cell.device {
            Device::None => {
                trials.extend([Claim::Wrong, Claim::Replayed].map(|claim| Trial { claim, ..right(cell) }));
            }
            Device::Remembered if cell.remember.tracks() => {
                trials.push(Trial { secret_valid: false, ..right(cell) });
            }
            _ => {}
        }
    }
    trials
}

/// So many of the trials, of every rule as many as of every other as long as there are some; and how many rules that leaves out.
pub(super) fn sample(trials: &[Trial], wanted: usize) -> (Vec<Trial>, usize) {
    let mut of_rule: BTreeMap<RuleId, Vec<Trial>> = BTreeMap::new();
    for trial in trials {
        of_rule.entry(trial.expected(&BASE_POLICY).0).or_default().push(*trial);
    }
    for (number, list) in of_rule.values_mut().enumerate() {
        list.shuffle(&mut Seed::new(1).rng("sample of trials", number as u64));
    }
    let mut chosen = Vec::new();
    while chosen.len() < wanted {
        let before = chosen.len();
        for list in of_rule.values_mut().filter(|list| !list.is_empty()).take(wanted - before) {
            chosen.extend(list.pop());
        }
        if chosen.len() == before {
            break;
        }
    }
    chosen.sort();
    (chosen, of_rule.len().saturating_sub(wanted))
}
