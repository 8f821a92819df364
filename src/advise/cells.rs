//! The cells of one pool's matrix, and how many of them a setting changes. Every number comes from the oracle.

use crate::settings::PossibleFactors;
use poolproof_cognito::policy::{Factors, PoolPolicy, RiskLevel, RiskMode};
use poolproof_oracle::{self, Circumstances, Claim, Decision, Device, Facts, LockoutState, RuleId};

/// One cell: what a user has, which device is named, and how risky the attempt looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct PoolCell {
    factors: Factors,
    device: Device,
    level: Option<RiskLevel>,
}

/// What a pool's decisions are compared with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Variation {
    /// The decisions of the same pool with this changed.
    Pool(fn(&mut PoolPolicy)),
    /// The decisions of the same pool with this changed of each situation.
    Situation(fn(&mut Facts)),
}

/// What a comparison found.
pub(super) struct CellComparison {
    /// How many cells are decided otherwise.
    pub(super) affected: usize,
    /// How many cells there are.
    pub(super) of: usize,
    /// The rules that decide the affected cells as the pool is, in the order of the cells.
    pub(super) rules: Vec<RuleId>,
}

/// Every cell of a pool whose users can have these factors.
pub(super) fn cells(factors: PossibleFactors) -> Vec<PoolCell> {
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

/// Compares the decisions of a pool, cell by cell.
pub(super) fn compare(policy: &PoolPolicy, factors: PossibleFactors, against: Variation) -> CellComparison {
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

/// The situation of a cell in a pool: the right password, and a device that went through whatever MFA there was.
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
        circumstances: Circumstances::default(),
    }
}

/// How many answers to challenges a sign-in from a remembered device takes, of a user with one factor, without risk.
pub(super) fn answer_count(policy: &PoolPolicy, factors: PossibleFactors) -> u32 {
    let single = factors.sets().into_iter().filter(|set| matches!(set, Factors::Sms | Factors::Totp));
    let decisions = single.map(|factors| {
        let cell = PoolCell { factors, device: Device::Remembered, level: None };
        poolproof_oracle::expect(&facts(policy, cell)).1
    });
    decisions.map(|decision| decision.challenges.len()).max().and_then(|n| n.try_into().ok()).unwrap_or(0)
}
