//! The cells of the matrix: every situation that a right password can meet.

use std::fmt;

use poolproof_cognito::policy::{
    Factors, Lockout, MfaMode, PoolPolicy, Quotas, RememberMode, RiskAction, RiskLevel, RiskMode, RiskPolicy,
};
use poolproof_oracle::{Circumstances, Claim, Device, Facts, LockoutState};

/// A risk as a cell has it: how high, and what the pool does then.
pub type Risk = (RiskLevel, RiskAction);

/// One situation: a pool's settings, a user, a device, a risk.
///
/// Cells are ordered as they stand in the matrix: the risk changes first, whether devices are remembered last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Cell {
    /// Whether the pool remembers devices.
    pub remember: RememberMode,
    /// Whether a remembered device replaces the second factor.
    pub suppress_mfa: bool,
    /// When the pool asks for a second factor.
    pub mfa: MfaMode,
    /// The user's enabled factors.
    pub factor: Factors,
    /// The device whose key is named.
    pub device: Device,
    /// The risk that is seen, and the pool's action for it.
    pub risk: Option<Risk>,
}

impl Cell {
    /// The facts of this cell in a pool with the mode and the switches of `base`.
    pub fn facts(&self, base: &PoolPolicy) -> Facts {
        Facts {
            remember: self.remember,
            suppress_mfa: self.suppress_mfa,
            mfa: self.mfa,
            risk_note: base.switches.risk_note,
            strict_mfa_binding: base.switches.strict_mfa_binding,
            factors: self.factor,
            claim: Claim::Right,
            device: self.device,
            mfa_bound: self.factor.any(),
            device_secret_valid: true,
            risk: self.risk.filter(|_| base.risk.mode == RiskMode::Enforced),
            lock: LockoutState::Unlocked,
            circumstances: Circumstances::default(),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { remember, suppress_mfa, mfa, factor, device, risk } = self;
        write!(f, "remember {remember}, suppress_mfa {suppress_mfa}, mfa {mfa}; ")?;
        write!(f, "factor {factor}, device {}, ", device.as_str())?;
        match risk {
            None => f.write_str("no risk"),
            Some((level, action)) => write!(f, "{level} risk: {action}"),
        }
    }
}

/// The pools that the full matrix is about, but for what its cells say: risk is enforced, the switches are as they
/// come, and nothing else gets in the way.
pub const BASE_POLICY: PoolPolicy = PoolPolicy {
    risk: RiskPolicy {
        mode: RiskMode::Enforced,
        low: RiskAction::Block,
        medium: RiskAction::Block,
        high: RiskAction::Block,
        ..RiskPolicy::OFF
    },
    lockout: Lockout::Off,
    quotas: Quotas::NONE,
    ..PoolPolicy::DEFAULT
};

/// All 4,680 cells: remember × suppress_mfa × mfa × factor × device × risk, in this nesting.
pub fn all_cells() -> Vec<Cell> {
    let every = RiskLevel::ALL.iter().flat_map(|level| RiskAction::ALL.map(|action| Some((*level, action))));
    let risks: Vec<Option<Risk>> = std::iter::once(None).chain(every).collect();
    let mut cells = Vec::with_capacity(4680);
    for remember in RememberMode::ALL {
        for suppress_mfa in [false, true] {
            for mfa in MfaMode::ALL {
                cells.extend(user_cells(remember, suppress_mfa, mfa, &risks));
            }
        }
    }
    cells
}

/// The 80 cells of one pool: its own settings, and for each level of risk the action that it has.
pub fn pool_cells(pool: &PoolPolicy) -> Vec<Cell> {
    let own = RiskLevel::ALL.map(|level| Some((level, pool.risk.action(level))));
    let risks: Vec<Option<Risk>> = std::iter::once(None).chain(own).collect();
    user_cells(pool.remember, pool.suppress_mfa, pool.mfa, &risks).collect()
}

fn user_cells(
    remember: RememberMode,
    suppress_mfa: bool,
    mfa: MfaMode,
    risks: &[Option<Risk>],
) -> impl Iterator<Item = Cell> {
    Factors::ALL.into_iter().flat_map(move |factor| {
        Device::ALL.into_iter().flat_map(move |device| {
            risks.iter().map(move |&risk| Cell { remember, suppress_mfa, mfa, factor, device, risk })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cells_stand_in_their_own_order() {
        let cells = all_cells();
        assert_eq!(cells.len(), 3 * 2 * 3 * 4 * 5 * 13);
        assert!(cells.is_sorted_by(|one, next| one < next), "rising, so none twice");
        assert!(pool_cells(&PoolPolicy::DEFAULT).is_sorted_by(|one, next| one < next));
    }
}
