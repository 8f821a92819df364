//! The judge's own book on how risky a user's attempts look, where the pool estimates that (`risk.levels: estimated`).
//!
//! Three signs, all known from outside: no device of the user's is named (where devices are tracked), the address is
//! none of the last eight from which the user signed in, and there were three failures or more since the user last did.
//! One sign is low risk, two are medium, three are high. The rule is this project's; AWS does not publish its own.

use std::collections::VecDeque;
use std::net::IpAddr;

use poolproof_cognito::policy::RiskLevel;

/// Addresses that are not new.
const KNOWN_ADDRESSES: usize = 8;
/// So many failures are a sign.
const MANY_FAILURES: u32 = 3;

/// What an outsider knows of a user's last sign-ins.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RiskEstimator {
    addresses: VecDeque<IpAddr>,
    failures: u32,
}

impl RiskEstimator {
    /// The book of a user who has signed in from `home`.
    pub fn new(home: IpAddr) -> Self {
        Self { addresses: VecDeque::from([home.to_canonical()]), failures: 0 }
    }

    /// How risky an attempt from `address` looks. `known_device` is whether one of the user's confirmed devices is named,
    /// or devices are not tracked.
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

    /// Notes a wrong password.
    pub const fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Notes a completed sign-in.
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
