//! The cells of the matrix: every situation of a sign-in with the right password.

use std::fmt;

use poolproof_cognito::policy::{
    Factors, Lockout, MfaMode, PoolPolicy, Quotas, RememberMode, RiskAction, RiskLevel, RiskMode, RiskPolicy,
};
use poolproof_oracle::{Circumstances, Claim, Device, Facts, LockoutState};

/// A risk level and the pool's action for it.
pub type Risk = (RiskLevel, RiskAction);

/// A situation: the pool's settings, the user's factors, the device and the risk.
///
/// Cells have the order of the matrix: sorted by the fields, from first to last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Cell {
    /// Whether the pool remembers devices.
    pub remember: RememberMode,
    /// Whether a remembered device replaces the second factor.
    pub suppress_mfa: bool,
    /// When the pool requires a second factor.
    pub mfa: MfaMode,
    /// The user's second factors.
    pub factor: Factors,
    /// The device whose key the client sends.
    pub device: Device,
    /// The risk level, and the pool's action for it.
    pub risk: Option<Risk>,
}

impl Cell {
    /// Returns the facts of this cell in a pool with the risk mode and the switches of `base`.
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
            mfa_bound: true,
            device_secret_valid: true,
            risk: self.risk.filter(|_| base.risk.mode == RiskMode::Enforced),
            lock: LockoutState::Unlocked,
            circumstances: Circumstances::of_switches(&base.switches),
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

/// The settings that all cells of the full matrix share: risk is enforced, switches have their defaults, and
/// lockout and quotas are off.
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

/// Returns all 7,020 cells: remember × suppress_mfa × mfa × factor × device × risk, in this nesting.
pub fn all_cells() -> Vec<Cell> {
    let every = RiskLevel::ALL.iter().flat_map(|level| RiskAction::ALL.map(|action| Some((*level, action))));
    let risks: Vec<Option<Risk>> = std::iter::once(None).chain(every).collect();
    let mut cells = Vec::with_capacity(7020);
    for remember in RememberMode::ALL {
        for suppress_mfa in [false, true] {
            for mfa in MfaMode::ALL {
                cells.extend(user_cells(remember, suppress_mfa, mfa, &risks));
            }
        }
    }
    cells
}

/// Returns the 120 cells of one pool, with the pool's own action for each risk level.
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
    fn cells_are_sorted_and_unique() {
        let cells = all_cells();
        assert_eq!(cells.len(), 3 * 2 * 3 * 6 * 5 * 13);
        assert!(cells.is_sorted_by(|one, next| one < next), "strictly increasing");
        assert!(pool_cells(&PoolPolicy::DEFAULT).is_sorted_by(|one, next| one < next));
    }
}
