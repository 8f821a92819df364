//! The users of a pool at the start of a run.

use std::net::IpAddr;
use std::sync::Arc;

use rand::RngExt as _;
use rand_distr::{Distribution as _, Poisson};

use crate::scenario::{DeviceCount, Scenario, SignInName};
use poolproof_cognito::ids::Username;
use poolproof_cognito::policy::{Factors, RememberMode};
use poolproof_cognito::seed::Rng;

/// One user of the pool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserSpec {
    /// Index in the population.
    pub number: u32,
    /// The canonical user name: `user-000042`, or the `sub` if the pool names users so.
    pub username: Username,
    /// The name that the user types to sign in.
    pub sign_in_by: SignInName,
    /// The user's second factors.
    pub factors: Factors,
    /// Number of devices at the start.
    pub devices: u32,
    /// Whether each of these devices is remembered: the user's choice if the pool asks, else true.
    pub remembers: Vec<bool>,
    /// Whether the user lets the pool remember a new device when it asks.
    pub opts_in: bool,
    /// Whether the password is compromised.
    pub compromised: bool,
}

impl UserSpec {
    /// Returns the user's e-mail address, if there is one.
    pub fn email(&self) -> Option<String> {
        match self.sign_in_by {
            SignInName::Username => {
                self.factors.has_email().then(|| format!("{}@example.com", self.username))
            }
            SignInName::Email | SignInName::Alias => Some(format!("user-{:06}@example.com", self.number)),
        }
    }

    /// Returns the name that the user types to sign in.
    pub fn typed_name(&self) -> Username {
        match (self.sign_in_by, self.email()) {
            (SignInName::Username, _) | (_, None) => self.username.clone(),
            (_, Some(email)) => Username::new(email),
        }
    }
}

/// Indices of the users who start with a device, ascending; all workloads share them.
pub type DeviceOwners = Arc<[u32]>;

/// Returns the users of a scenario in order of their indices.
///
/// A user depends only on the seed and the index, not on the number of users.
pub fn population(scenario: &Scenario) -> impl Iterator<Item = UserSpec> + '_ {
    (0..scenario.population.users).map(|number| user_spec(scenario, number))
}

/// Returns the indices of the users who start with a device, ascending.
pub fn device_owners(scenario: &Scenario) -> DeviceOwners {
    population(scenario).filter(|user_spec| user_spec.devices > 0).map(|user_spec| user_spec.number).collect()
}

/// Returns the home address of a user: one of 10.0.0.0/8.
pub fn home_address(number: u32) -> IpAddr {
    let [_, b, c, d] = number.to_be_bytes();
    IpAddr::from([10, b, c, d])
}

fn user_spec(scenario: &Scenario, number: u32) -> UserSpec {
    let plan = &scenario.population;
    let mut rng = scenario.seed.rng("person", u64::from(number));
    // The order of draws must not change. The last one may take any number of draws.
    let factors = plan.factors.draw(&mut rng);
    let opts_in = bernoulli(plan.opt_in, &mut rng);
    let answers: [bool; DeviceCount::MAX as usize] =
        std::array::from_fn(|_| bernoulli(plan.opt_in, &mut rng));
    let devices = devices(plan.devices, &mut rng);
    let asked = scenario.pool.remember == RememberMode::OptIn;
    let remembers = answers.into_iter().take(devices as usize).map(|yes| yes || !asked).collect();
    let username = Username::new(format!("user-{number:06}"));
    // A generator of its own, so that `compromised` changes no other draw.
    let compromised = bernoulli(plan.compromised, &mut scenario.seed.rng("compromised", u64::from(number)));
    let sign_in_by = plan.sign_in_by;
    UserSpec { number, username, sign_in_by, factors, devices, remembers, opts_in, compromised }
}

fn bernoulli(share: f64, rng: &mut Rng) -> bool {
    rng.random::<f64>() < share
}

fn devices(count: DeviceCount, rng: &mut Rng) -> u32 {
    match count {
        DeviceCount::Exactly(count) => count.min(DeviceCount::MAX),
        // A mean of zero is not a valid Poisson distribution and stands for no devices.
        DeviceCount::Poisson(mean) => Poisson::new(mean).map_or(0, |poisson| {
            let drawn: f64 = poisson.sample(rng);
            drawn.min(f64::from(DeviceCount::MAX)) as u32
        }),
    }
}
