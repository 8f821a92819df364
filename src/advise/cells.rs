//! Counts the cells of a pool's matrix that a setting changes. All decisions come from the oracle.

use poolproof_cognito::policy::{FactorTypes, Factors, PoolPolicy, RiskLevel, RiskMode};
use poolproof_oracle::{Circumstances, Claim, Decision, Device, Facts, LockoutState, RuleId};

/// A cell: the user's factors, the device key that the client sends, and the risk level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct PoolCell {
    factors: Factors,
    device: Device,
    level: Option<RiskLevel>,
}

/// A change whose effect on the decisions is counted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Variation {
    /// A change of the pool's settings.
    Pool(fn(&mut PoolPolicy)),
    /// A change of the facts of each cell.
    Situation(fn(&mut Facts)),
}

/// The effect of a change.
pub(super) struct CellComparison {
    /// The number of cells whose decision changes.
    pub(super) affected: usize,
    /// The number of all cells.
    pub(super) of: usize,
    /// The rules that decide the affected cells without the change, in the order of the cells.
    pub(super) rules: Vec<RuleId>,
}

/// Returns the cells of a pool whose users can have these factors.
fn cells(factors: FactorTypes) -> Vec<PoolCell> {
    let mut cells = Vec::new();
    for factors in factors.sets() {
        for device in Device::ALL {
            for level in [None, Some(RiskLevel::Low), Some(RiskLevel::Medium), Some(RiskLevel::High)] {
                cells.push(PoolCell { factors, device, level });
            }
        }
    }
    cells
}

/// Compares the decisions of a pool with and without a change, cell by cell.
pub(super) fn compare(policy: &PoolPolicy, factors: FactorTypes, against: Variation) -> CellComparison {
    let cells = cells(factors);
    let mut found = CellComparison { affected: 0, of: cells.len(), rules: Vec::new() };
    for cell in cells {
        let (rule, decision) = poolproof_oracle::expect(&facts(policy, cell));
        if decision != varied_decision(policy, cell, against) {
            found.affected += 1;
            if !found.rules.contains(&rule) {
                found.rules.push(rule);
            }
        }
    }
    found
}

fn varied_decision(policy: &PoolPolicy, cell: PoolCell, against: Variation) -> Decision {
    let facts = match against {
        Variation::Pool(change) => {
            let mut other = *policy;
            change(&mut other);
            facts(&other, cell)
        }
        Variation::Situation(change) => {
            let mut other = facts(policy, cell);
            change(&mut other);
            other
        }
    };
    poolproof_oracle::expect(&facts).1
}

/// Returns the facts of a cell in a pool: the right password, and an MFA-bound device.
fn facts(policy: &PoolPolicy, cell: PoolCell) -> Facts {
    let level = cell.level.filter(|_| policy.risk.mode == RiskMode::Enforced);
    Facts {
        remember: policy.remember,
        suppress_mfa: policy.suppress_mfa,
        mfa: policy.mfa,
        risk_note: policy.switches.risk_note,
        strict_mfa_binding: policy.switches.strict_mfa_binding,
        factors: cell.factors,
        claim: Claim::Right,
        device: cell.device,
        mfa_bound: true,
        device_secret_valid: true,
        risk: level.map(|level| (level, policy.risk.action(level))),
        lock: LockoutState::Unlocked,
        circumstances: Circumstances::of_switches(&policy.switches),
    }
}

/// Returns how many challenge answers a sign-in from a remembered device needs, for a user with one active
/// factor and no risk.
pub(super) fn answer_count(policy: &PoolPolicy, factors: FactorTypes) -> u32 {
    let single =
        factors.sets().into_iter().filter(|set| matches!(set, Factors::Sms | Factors::Totp | Factors::Email));
    let decisions = single.map(|factors| {
        let cell = PoolCell { factors, device: Device::Remembered, level: None };
        poolproof_oracle::expect(&facts(policy, cell)).1
    });
    decisions.map(|decision| decision.challenges.len()).max().and_then(|n| n.try_into().ok()).unwrap_or(0)
}
