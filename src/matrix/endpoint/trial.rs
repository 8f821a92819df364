//! The trials at an endpoint: every cell, and in each configuration a wrong password, a damaged device secret
//! and a device that has not completed an MFA.

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
    /// Whether the device is enrolled in a sign-in with an MFA.
    pub mfa_bound: bool,
}

impl Trial {
    /// Returns the rule that applies in a pool with the switches of `base`, and its decision.
    pub(super) fn expected(&self, base: &PoolPolicy) -> (RuleId, Decision) {
        let facts = Facts {
            claim: self.claim,
            device_secret_valid: self.secret_valid,
            mfa_bound: self.mfa_bound,
            ..self.cell.facts(base)
        };
        poolproof_oracle::expect(&facts)
    }

    /// Returns this trial without the MFA if only a delivered code can complete it.
    pub(super) fn without_delivered_codes(self) -> Self {
        Self { mfa_bound: self.mfa_bound && self.cell.factor.has_totp(), ..self }
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
        f.write_str(if self.secret_valid { "" } else { "; device secret damaged" })?;
        f.write_str(if self.mfa_bound { "; device enrolled with an MFA" } else { "" })
    }
}

/// Returns the trials of a matrix: its cells, and further ones in each configuration without risk.
///
/// A device is enrolled with an MFA where that changes the decision, as in the matrix. The further trials are
/// a wrong password, a damaged device secret if the pool tracks devices, and a device that was enrolled
/// before the user's TOTP. Both answers to a replayed claim are acceptable, so it is not tried.
pub fn trials(matrix: &Matrix) -> Vec<Trial> {
    let binding_matters = |cell: &Cell| {
        let decide = |mfa_bound| poolproof_oracle::expect(&Facts { mfa_bound, ..matrix.facts(cell) });
        cell.factor.is_active() && decide(true) != decide(false)
    };
    let right = |cell: Cell| Trial {
        cell,
        claim: Claim::Right,
        secret_valid: true,
        mfa_bound: binding_matters(&cell),
    };
    let mut trials: Vec<Trial> = matrix.rows().iter().map(|row| right(row.cell)).collect();
    for cell in matrix.rows().iter().map(|row| row.cell).filter(|cell| cell.risk.is_none()) {
        let trial = right(cell);
        match (cell.factor, cell.device) {
            (Factors::None, Device::None) => trials.push(Trial { claim: Claim::Wrong, ..trial }),
            (Factors::None, Device::Remembered) if cell.remember.tracks() => {
                trials.push(Trial { secret_valid: false, ..trial });
            }
            (Factors::Totp, _) if trial.mfa_bound => trials.push(Trial { mfa_bound: false, ..trial }),
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
