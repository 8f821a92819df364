//! The people of a pool at the start of a run.

use std::net::IpAddr;
use std::sync::Arc;

use rand::RngExt as _;
use rand_distr::{Distribution as _, Poisson};

use crate::scenario::{DeviceCount, Scenario};
use poolproof_cognito::ids::Username;
use poolproof_cognito::policy::{Factors, RememberMode};
use poolproof_cognito::seed::Rng;

/// One user of the pool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserSpec {
    /// Number in the population, from 0.
    pub number: u32,
    /// The name that they sign in with: `user-000042`.
    pub username: Username,
    /// The second factors that they have.
    pub factors: Factors,
    /// How many devices they have had before.
    pub devices: u32,
    /// For each of these, whether it is remembered: where the pool asks, whether they said yes; else true.
    pub remembers: Vec<bool>,
    /// What they will say when the pool asks about a new device.
    pub opts_in: bool,
    /// Whether their password is known to others.
    pub compromised: bool,
}

/// The numbers of the users who start with a device, rising; all workloads share them.
pub type DeviceOwners = Arc<[u32]>;

/// The people of this scenario in the order of their numbers, made one by one.
///
/// Each follows from the seed and their number alone: more users change nobody.
pub fn population(scenario: &Scenario) -> impl Iterator<Item = UserSpec> + '_ {
    (0..scenario.population.users).map(|number| user_spec(scenario, number))
}

/// The numbers of those who start with a device, rising.
pub fn device_owners(scenario: &Scenario) -> DeviceOwners {
    population(scenario).filter(|user_spec| user_spec.devices > 0).map(|user_spec| user_spec.number).collect()
}

/// The address that a user is at home at: one of 10.0.0.0/8.
pub fn home_address(number: u32) -> IpAddr {
    let [_, b, c, d] = number.to_be_bytes();
    IpAddr::from([10, b, c, d])
}

fn user_spec(scenario: &Scenario, number: u32) -> UserSpec {
    let plan = &scenario.population;
    let mut rng = scenario.seed.rng("person", u64::from(number));
    // The order is part of the promise: what is drawn last may take any number of draws and disturbs nothing.
    let factors = plan.factors.draw(&mut rng);
    let opts_in = bernoulli(plan.opt_in, &mut rng);
    let answers: [bool; DeviceCount::MAX as usize] =
        std::array::from_fn(|_| bernoulli(plan.opt_in, &mut rng));
    let devices = devices(plan.devices, &mut rng);
    let asked = scenario.pool.remember == RememberMode::OptIn;
    let remembers = answers.into_iter().take(devices as usize).map(|yes| yes || !asked).collect();
    let username = Username::new(format!("user-{number:06}"));
    // A stream of its own: whose password is known to others changes nothing else.
    let compromised = bernoulli(plan.compromised, &mut scenario.seed.rng("compromised", u64::from(number)));
    UserSpec { number, username, factors, devices, remembers, opts_in, compromised }
}

fn bernoulli(share: f64, rng: &mut Rng) -> bool {
    rng.random::<f64>() < share
}

fn devices(count: DeviceCount, rng: &mut Rng) -> u32 {
    match count {
        DeviceCount::Exactly(count) => count.min(DeviceCount::MAX),
        // A mean of zero is no Poisson distribution, and means nobody has any.
        DeviceCount::Poisson(mean) => Poisson::new(mean).map_or(0, |poisson| {
            let drawn: f64 = poisson.sample(rng);
            drawn.min(f64::from(DeviceCount::MAX)) as u32
        }),
    }
}
