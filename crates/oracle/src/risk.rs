//! The oracle's own estimate of risk, for pools with `risk.levels: estimated`.
//!
//! Three signs raise the level. The client sends no key of a confirmed device of the user, in a pool that
//! tracks devices. The address is none of the last eight that the user signed in from. The user had at least
//! three failures since the last sign-in. One sign is low risk, two are medium, three are high. AWS does not
//! publish its own rule; this one is the project's.

use std::collections::VecDeque;
use std::net::IpAddr;

use poolproof_cognito::policy::RiskLevel;

/// How many addresses of past sign-ins count as known.
const KNOWN_ADDRESSES: usize = 8;
/// From this number of failures on, failures are a sign of risk.
const MANY_FAILURES: u32 = 3;

/// The past sign-ins of one user, as far as they matter for risk.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RiskEstimator {
    addresses: VecDeque<IpAddr>,
    failures: u32,
}

impl RiskEstimator {
    /// Creates the estimator of a user who has signed in from `home`.
    pub fn new(home: IpAddr) -> Self {
        Self { addresses: VecDeque::from([home.to_canonical()]), failures: 0 }
    }

    /// Returns the risk level of an attempt from `address`.
    ///
    /// `known_device`: the client sends the key of a confirmed device of the user, or the pool does not track
    /// devices.
    pub fn level(&self, known_device: bool, address: IpAddr) -> Option<RiskLevel> {
        let signs = [
            !known_device,
            !self.addresses.contains(&address.to_canonical()),
            self.failures >= MANY_FAILURES,
        ];
        match signs.into_iter().filter(|sign| *sign).count() {
            0 => None,
            1 => Some(RiskLevel::Low),
            2 => Some(RiskLevel::Medium),
            _ => Some(RiskLevel::High),
        }
    }

    /// Records a wrong password.
    pub const fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Records a completed sign-in.
    pub fn record_success(&mut self, address: IpAddr) {
        self.failures = 0;
        let address = address.to_canonical();
        self.addresses.retain(|known| *known != address);
        self.addresses.push_back(address);
        if self.addresses.len() > KNOWN_ADDRESSES {
            self.addresses.pop_front();
        }
    }
}
