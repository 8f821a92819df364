//! Load that is set while a run goes on. The scenario's stages are not used.

use std::time::Duration;

use rand::RngExt as _;
use rand_distr::{Distribution as _, Exp1};

use super::arrivals::{Arrival, indexed_workloads};
use super::length::target_per_s;
use super::population::DeviceOwners;
use super::sampler::SignInSampler;
use super::shard::Shard;
use crate::scenario::{Model, Scenario};
use poolproof_cognito::seed::Rng;

/// Most sign-ins of other shards in a row, as in closed workloads.
const MAX_SKIPPED: u32 = 1_000_000;

/// Poisson arrivals of a scenario's open workloads at a rate that changes. The workloads share the rate as
/// their mean rates in the scenario do.
#[derive(Clone, Debug)]
pub struct LiveArrivals {
    workloads: Vec<LiveWorkload>,
    shard: Option<Shard>,
    rng: Rng,
    /// Arrivals per second.
    rate: f64,
    /// Expected number of arrivals from `at` to the next one.
    ahead: f64,
    at: Duration,
}

#[derive(Clone, Debug)]
struct LiveWorkload {
    workload: u16,
    weight: f64,
    sampler: SignInSampler,
    /// Number of the next sign-in in the workload.
    nth: u64,
}

impl LiveArrivals {
    /// Creates the arrivals of a shard, at rate zero.
    pub fn new(scenario: &Scenario, device_owners: &DeviceOwners, shard: Option<Shard>) -> Self {
        let open = indexed_workloads(scenario).filter(|(_, plan)| matches!(plan.model, Model::Open { .. }));
        let workloads = open.map(|(workload, plan)| LiveWorkload {
            workload,
            weight: target_per_s(plan).filter(|rate| *rate > 0.0).unwrap_or(1.0),
            sampler: SignInSampler::new(scenario, plan, device_owners),
            nth: 0,
        });
        let mut rng = scenario.seed.rng("live arrivals", shard.map_or(0, |shard| shard.index().into()));
        let ahead = Exp1.sample(&mut rng);
        Self { workloads: workloads.collect(), shard, rng, rate: 0.0, ahead, at: Duration::ZERO }
    }

    /// Sets the rate from this time of the run on, in arrivals per second.
    pub fn set_rate(&mut self, elapsed: Duration, rate: f64) {
        let passed = elapsed.saturating_sub(self.at).as_secs_f64();
        self.ahead = (self.ahead - passed * self.rate).max(0.0);
        self.at = self.at.max(elapsed);
        self.rate = if rate.is_finite() { rate.max(0.0) } else { 0.0 };
    }

    /// Returns the time of the next arrival; `None` at rate zero.
    pub fn next_at(&self) -> Option<Duration> {
        let wait = Duration::try_from_secs_f64(self.ahead / self.rate).ok()?;
        (!self.workloads.is_empty()).then(|| self.at.checked_add(wait)).flatten()
    }

    /// Returns the next arrival, if it is due at this time of the run.
    pub fn next_due(&mut self, elapsed: Duration) -> Option<Arrival> {
        let at = self.next_at().filter(|at| *at <= elapsed)?;
        (self.at, self.ahead) = (at, Exp1.sample(&mut self.rng));
        let all: f64 = self.workloads.iter().map(|one| one.weight).sum();
        let mut point = self.rng.random::<f64>() * all;
        let chosen = self.workloads.iter().position(|one| {
            point -= one.weight;
            point < 0.0
        });
        let chosen = self.workloads.get_mut(chosen.unwrap_or(0))?;
        for _ in 0..MAX_SKIPPED {
            let (nth, draw) = (chosen.nth, chosen.sampler.draw(chosen.nth));
            chosen.nth += 1;
            if self.shard.is_none_or(|shard| shard.owns(draw.user)) {
                return Some(Arrival::new(chosen.workload, nth, draw, at, false, false));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::device_owners;
    use std::collections::BTreeSet;

    fn scenario() -> Scenario {
        let text = "version: 1\nname: x\npool: { remember: always }\npopulation: { users: 100 }\nworkloads:\n  \
                    - { name: many, stages: [ { for: 10s, rate: 30/s } ] }\n  \
                    - { name: few, stages: [ { for: 10s, rate: 10/s } ] }\n";
        crate::scenario::parse("x.yaml", text.as_bytes()).unwrap()
    }

    fn arrivals(shard: Option<Shard>) -> LiveArrivals {
        let scenario = scenario();
        LiveArrivals::new(&scenario, &device_owners(&scenario), shard)
    }

    fn until(arrivals: &mut LiveArrivals, seconds: u64) -> Vec<Arrival> {
        std::iter::from_fn(|| arrivals.next_due(Duration::from_secs(seconds))).collect()
    }

    #[test]
    fn the_rate_changes_from_its_time_on() {
        let mut arrivals = arrivals(None);
        assert_eq!((arrivals.next_at(), until(&mut arrivals, 100).len()), (None, 0));
        arrivals.set_rate(Duration::from_secs(100), 200.0);
        let first = until(&mut arrivals, 110);
        arrivals.set_rate(Duration::from_secs(110), 50.0);
        let second = until(&mut arrivals, 130);
        arrivals.set_rate(Duration::from_secs(130), 0.0);
        assert_eq!((arrivals.next_at(), until(&mut arrivals, 200).len()), (None, 0));
        // Four standard deviations of 2000 and of 1000; the seed is fixed.
        assert!(first.len().abs_diff(2000) < 180 && second.len().abs_diff(1000) < 127, "{}", first.len());
        let all: Vec<Arrival> = first.into_iter().chain(second).collect();
        assert!(all.is_sorted_by_key(|arrival| arrival.at));
        assert!(all.iter().all(|arrival| arrival.at >= Duration::from_secs(100)));
        let many = all.iter().filter(|arrival| arrival.workload == 0).count();
        assert!(many.abs_diff(all.len() * 3 / 4) < 100, "{many} of {}", all.len());
    }

    #[test]
    fn a_rate_that_often_changes_loses_no_arrivals() {
        let (mut steady, mut changing) = (arrivals(None), arrivals(None));
        steady.set_rate(Duration::ZERO, 100.0);
        changing.set_rate(Duration::ZERO, 100.0);
        let mut changed = Vec::new();
        for millisecond in 1..=5000 {
            let at = Duration::from_millis(millisecond);
            changed.extend(std::iter::from_fn(|| changing.next_due(at)));
            changing.set_rate(at, 100.0);
        }
        let same = |arrival: &Arrival| (arrival.number, arrival.user, arrival.at.as_millis());
        let steady: Vec<_> = until(&mut steady, 5).iter().map(same).collect();
        assert_eq!(changed.iter().map(same).collect::<Vec<_>>(), steady);
    }

    #[test]
    fn no_two_shards_have_the_same_sign_in() {
        let mut numbers = BTreeSet::new();
        for index in 0..3 {
            let shard = Shard::new(index, 3).unwrap();
            let mut arrivals = arrivals(Some(shard));
            arrivals.set_rate(Duration::ZERO, 100.0);
            for arrival in until(&mut arrivals, 10) {
                assert!(shard.owns(arrival.user));
                assert!(numbers.insert(arrival.number), "{}", arrival.number);
            }
        }
    }

    #[test]
    fn a_rate_that_is_no_number_is_zero() {
        let mut arrivals = arrivals(None);
        for rate in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
            arrivals.set_rate(Duration::from_secs(1), rate);
            assert_eq!(arrivals.next_at(), None, "{rate}");
        }
    }
}
