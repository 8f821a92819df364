//! Draws user, intent, risk and address of a sign-in.

use std::net::IpAddr;
use std::sync::Arc;

use rand::Rng as _;

use super::population::{DeviceOwners, home_address};
use crate::scenario::{Scenario, SourceAddress, Weights, WorkloadPlan};
use poolproof_client::Intent;
use poolproof_cognito::policy::RiskLevel;
use poolproof_cognito::seed::Seed;

/// The random properties of one sign-in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DrawnSignIn {
    /// Index of the user.
    pub user: u32,
    /// The user's intent.
    pub intent: Intent,
    /// Risk level; `None` is no risk.
    pub risk: Option<RiskLevel>,
    /// Source address.
    pub address: IpAddr,
}

/// Draws the properties of a workload's sign-ins. Each depends only on its number.
#[derive(Clone, Debug)]
pub struct SignInSampler {
    seed: Seed,
    /// The name of the workload's random numbers.
    stream_name: String,
    users: u32,
    device_owners: DeviceOwners,
    mix: Weights<Intent>,
    risk: Weights<Option<RiskLevel>>,
    from: Weights<SourceAddress>,
}

impl SignInSampler {
    /// Creates the sampler of a workload.
    pub fn new(scenario: &Scenario, plan: &WorkloadPlan, device_owners: &DeviceOwners) -> Self {
        Self {
            seed: scenario.seed,
            stream_name: super::stream_name(plan, "arrival"),
            users: scenario.population.users,
            device_owners: Arc::clone(device_owners),
            mix: plan.mix.clone(),
            risk: plan.risk.clone(),
            from: plan.from.clone(),
        }
    }

    /// Draws sign-in `number` of the workload. The result does not depend on earlier draws.
    ///
    /// An intent that needs a device selects among the users who start with one. Without such users it
    /// becomes [`Intent::NewDevice`].
    pub fn draw(&self, number: u64) -> DrawnSignIn {
        let mut rng = self.seed.rng(&self.stream_name, number);
        // Always three draws in this order. So a change of the mix changes neither user nor risk, unless the
        // intent needs a device.
        let random = rng.next_u64();
        let risk = self.risk.draw(&mut rng);
        let intent = self.mix.draw(&mut rng);
        let (user, intent) = match (intent.needs_device(), self.device_owners.len()) {
            (true, 0) => (uniform_below(self.users, random), Intent::NewDevice),
            (true, device_owners) => {
                (self.device_owners[uniform_below(device_owners as u32, random) as usize], intent)
            }
            (false, _) => (uniform_below(self.users, random), intent),
        };
        // After the three draws, so that it does not change them.
        let address = match self.from.draw(&mut rng) {
            SourceAddress::Home => home_address(user),
            SourceAddress::Elsewhere => {
                IpAddr::from([198, 18 | rng.next_u32() as u8 & 1, rng.next_u32() as u8, 7])
            }
            SourceAddress::ElsewhereV6 => {
                let site = u128::from(rng.next_u32() as u16);
                IpAddr::from((0x2001_0db8_u128 << 96 | site << 80 | 7).to_be_bytes())
            }
        };
        DrawnSignIn { user, intent, risk, address }
    }
}

/// Returns a uniformly distributed number from 0 to `count` − 1. The bias from 2^64 mod `count` is
/// negligible.
fn uniform_below(count: u32, random: u64) -> u32 {
    ((u128::from(random) * u128::from(count)) >> 64) as u32
}
