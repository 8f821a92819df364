//! Who comes, and what for.

use std::net::IpAddr;
use std::sync::Arc;

use rand::Rng as _;

use super::population::{Owners, home};
use crate::scenario::{Scenario, Weights, Whence, WorkloadPlan};
use poolproof_client::Intent;
use poolproof_cognito::policy::RiskLevel;
use poolproof_cognito::seed::Seed;

/// What chance says about one sign-in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Draw {
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
pub struct Draws {
    seed: Seed,
    /// The name of the workload's streams.
    stream: String,
    users: u32,
    owners: Owners,
    mix: Weights<Intent>,
    risk: Weights<Option<RiskLevel>>,
    from: Weights<Whence>,
}

impl Draws {
    /// Draws for this workload of a scenario.
    pub fn new(scenario: &Scenario, plan: &WorkloadPlan, owners: &Owners) -> Self {
        Self {
            seed: scenario.seed,
            stream: super::stream_name(plan, "arrival"),
            users: scenario.population.users,
            owners: Arc::clone(owners),
            mix: plan.mix.clone(),
            risk: plan.risk.clone(),
            from: plan.from.clone(),
        }
    }

    /// Sign-in number `number` of the workload: the same, whatever was drawn before.
    ///
    /// An intent that needs a device picks among those who start with one; where nobody does, it becomes
    /// [`Intent::NewDevice`].
    pub fn draw(&self, number: u64) -> Draw {
        let mut stream = self.seed.stream(&self.stream, number);
        // Always three draws, in this order: so a change of the mix changes neither who comes nor their risk, unless
        // the intent needs a device.
        let who = stream.next_u64();
        let risk = self.risk.draw(&mut stream);
        let intent = self.mix.draw(&mut stream);
        let (user, intent) = match (intent.needs_device(), self.owners.len()) {
            (true, 0) => (below(self.users, who), Intent::NewDevice),
            (true, owners) => (self.owners[below(owners as u32, who) as usize], intent),
            (false, _) => (below(self.users, who), intent),
        };
        // After the three, so that it disturbs none of them.
        let address = match self.from.draw(&mut stream) {
            Whence::Home => home(user),
            Whence::Elsewhere => {
                IpAddr::from([198, 18 | stream.next_u32() as u8 & 1, stream.next_u32() as u8, 7])
            }
            Whence::ElsewhereV6 => {
                let site = u128::from(stream.next_u32() as u16);
                IpAddr::from((0x2001_0db8_u128 << 96 | site << 80 | 7).to_be_bytes())
            }
        };
        Draw { user, intent, risk, address }
    }
}

/// A number from 0 to `count` − 1, evenly; `count` is far too small for the unevenness of 2^64 mod `count` to show.
fn below(count: u32, random: u64) -> u32 {
    ((u128::from(random) * u128::from(count)) >> 64) as u32
}
