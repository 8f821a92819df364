//! The trials at an endpoint: every cell, and in each configuration a wrong password and a damaged device
//! secret.

use std::collections::BTreeMap;
use std::fmt;

use rand::seq::SliceRandom as _;

use crate::matrix::{BASE_POLICY, Cell, Matrix};
use poolproof_cognito::policy::{Factors, MfaMode, PoolPolicy, RememberMode, RiskAction};
use poolproof_cognito::seed::Seed;
use poolproof_oracle::{self, Claim, Decision, Device, Facts, RuleId};

/// A cell, and the proofs of password and device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Trial {
    /// The cell.
    pub cell: Cell,
    /// How the client proves the password.
    pub claim: Claim,
    /// Whether the device still has its secret.
    pub secret_valid: bool,
}

impl Trial {
    /// Returns the rule that applies in a pool with the switches of `base`, and its decision.
    pub(super) fn expected(&self, base: &PoolPolicy) -> (RuleId, Decision) {
        let facts = Facts {
            claim: self.claim,
            device_secret_valid: self.secret_valid,
            // The trial confirms the device before it sets the factor.
            mfa_bound: false,
            ..self.cell.facts(base)
        };
        poolproof_oracle::expect(&facts)
    }

    /// Returns the pool settings that this trial needs.
    pub(super) fn configuration(&self) -> (RememberMode, bool, MfaMode, Option<RiskAction>) {
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
        f.write_str(if self.secret_valid { "" } else { "; device secret damaged" })
    }
}

/// Returns the trials of a matrix: its cells, and further ones in each configuration without risk.
///
/// The further ones are a wrong password, and a damaged device secret if the pool tracks devices. Both
/// answers to a replayed claim are acceptable, so it is not tried.
pub fn trials(matrix: &Matrix) -> Vec<Trial> {
    let right = |cell: Cell| Trial { cell, claim: Claim::Right, secret_valid: true };
    let mut trials: Vec<Trial> = matrix.rows().iter().map(|row| right(row.cell)).collect();
    let plain = |cell: &Cell| cell.factor == Factors::None && cell.risk.is_none();
    for cell in matrix.rows().iter().map(|row| row.cell).filter(plain) {
        match cell.device {
            Device::None => {
                trials.push(Trial { claim: Claim::Wrong, ..right(cell) });
            }
            Device::Remembered if cell.remember.tracks() => {
                trials.push(Trial { secret_valid: false, ..right(cell) });
            }
            _ => {}
        }
    }
    trials
}

/// Samples `wanted` trials, spread evenly over the rules, and returns them with the number of rules left out.
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
