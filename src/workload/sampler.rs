//! Who comes, and what for.

use std::net::IpAddr;
use std::sync::Arc;

use rand::Rng as _;

use super::population::{DeviceOwners, home_address};
use crate::scenario::{Scenario, SourceAddress, Weights, WorkloadPlan};
use poolproof_client::Intent;
use poolproof_cognito::policy::RiskLevel;
use poolproof_cognito::seed::Seed;

/// What chance says about one sign-in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DrawnSignIn {
    /// The user's number.
    pub user: u32,
    /// What they set out to do.
    pub intent: Intent,
    /// How risky it looks.
    pub risk: Option<RiskLevel>,
    /// Where it comes from.
    pub address: IpAddr,
}

/// Draws user, intent and risk of a workload's sign-in from its number alone, for open and closed workloads alike.
#[derive(Clone, Debug)]
pub struct SignInSampler {
    seed: Seed,
    /// The name of the workload's streams.
    stream_name: String,
    users: u32,
    device_owners: DeviceOwners,
    mix: Weights<Intent>,
    risk: Weights<Option<RiskLevel>>,
    from: Weights<SourceAddress>,
}

impl SignInSampler {
    /// Draws for this workload of a scenario.
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

    /// Sign-in number `number` of the workload: the same, whatever was drawn before.
    ///
    /// An intent that needs a device picks among those who start with one; where nobody does, it becomes
    /// [`Intent::NewDevice`].
    pub fn draw(&self, number: u64) -> DrawnSignIn {
        let mut rng = self.seed.rng(&self.stream_name, number);
        // Always three draws, in this order: so a change of the mix changes neither who comes nor their risk, unless
        // the intent needs a device.
        let who = rng.next_u64();
        let risk = self.risk.draw(&mut rng);
        let intent = self.mix.draw(&mut rng);
        let (user, intent) = match (intent.needs_device(), self.device_owners.len()) {
            (true, 0) => (uniform_below(self.users, who), Intent::NewDevice),
            (true, device_owners) => {
                (self.device_owners[uniform_below(device_owners as u32, who) as usize], intent)
            }
            (false, _) => (uniform_below(self.users, who), intent),
        };
        // After the three, so that it disturbs none of them.
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

/// A number from 0 to `count` − 1, evenly; `count` is far too small for the unevenness of 2^64 mod `count` to show.
fn uniform_below(count: u32, random: u64) -> u32 {
    ((u128::from(random) * u128::from(count)) >> 64) as u32
}
