//! The same scenario and seed give the same users and sign-ins, with the rates of the stages.

use std::time::Duration;

use poolproof::scenario::{self, Scenario};
use poolproof::workload::{self, Arrival, SignInSampler, UserSpec};
use poolproof_client::Intent;
use poolproof_cognito::policy::{Factors, RiskLevel};

const EXAMPLE: &str = include_str!("../data/scenarios/good/opt-in-mfa.yaml");

/// A scenario with this workload; `stages` has the keys of each stage.
fn scenario(arrivals: &str, stages: &[&str]) -> Scenario {
    let stages: String = stages.iter().map(|stage| format!("    - {{ {stage} }}\n")).collect();
    parse(&format!(
        "version: 1\nname: w\npool: {{ remember: always }}\npopulation: {{ users: 1000 }}\n\
         workload:\n  arrivals: {arrivals}\n  stages:\n{stages}"
    ))
}

fn parse(text: &str) -> Scenario {
    scenario::parse("test.yaml", text.as_bytes()).unwrap_or_else(|diagnostic| panic!("{diagnostic}"))
}

fn arrivals(scenario: &Scenario) -> Vec<Arrival> {
    workload::arrivals(scenario, &workload::device_owners(scenario)).collect()
}

/// The sampler of its only workload.
fn sampler(scenario: &Scenario) -> SignInSampler {
    SignInSampler::new(scenario, &scenario.workloads[0], &workload::device_owners(scenario))
}

fn users(scenario: &Scenario) -> Vec<UserSpec> {
    workload::population(scenario).collect()
}

#[test]
fn constant_stages_have_the_exact_number_of_sign_ins() {
    for (stages, count) in [
        (&["for: 10s, rate: 20/s"] as &[_], 200),
        (&["for: 10s, rate: 0.1/s"], 1),
        (&["for: 30s, rate: 0.1/s"], 3),
        (&["for: 3s, rate: 0.3/s"], 1),
        // 100 × 0.07 is slightly more than 7 in binary, which must not give an eighth sign-in.
        (&["for: 100s, rate: 0.07/s"], 7),
        (&["for: 1s, rate: 50000/s"], 50_000),
        (&["for: 100ms, rate: 33.3/s", "for: 900ms, rate: 33.3/s", "for: 1h, rate: 0.7/s"], 34 + 2520),
        (&["for: 10s, rate: 20/s", "for: 30s, to: 200/s"], 200 + 3300),
    ] {
        let scenario = scenario("constant", stages);
        let all = arrivals(&scenario);
        assert_eq!(all.len(), count, "{stages:?}");
        let expected = workload::measured_sign_ins(&scenario.workloads[0]).unwrap();
        assert!((all.len() as f64 - expected).abs() < 1.0, "{expected}");
        assert!(all.windows(2).all(|pair| pair[0].at <= pair[1].at && pair[0].number + 1 == pair[1].number));
        assert!(all.iter().all(|arrival| arrival.at < workload::length(&scenario.workloads[0])));
    }
}

#[test]
fn constant_arrivals_are_evenly_spaced() {
    let all = arrivals(&scenario("constant", &["for: 10s, rate: 20/s"]));
    for (k, arrival) in all.iter().enumerate() {
        assert_eq!(arrival.at, Duration::from_millis(50) * k as u32);
    }
}

#[test]
fn ramps_follow_their_rate_second_by_second() {
    let scenario = scenario("constant", &["for: 30s, rate: 20/s, to: 200/s"]);
    let all = arrivals(&scenario);
    for second in 0..30_u64 {
        let count = all.iter().filter(|arrival| arrival.at.as_secs() == second).count() as f64;
        let expected = 20.0 + 6.0 * (second as f64 + 0.5);
        assert!((count - expected).abs() <= 1.0, "second {second}: {count}, expected {expected}");
    }
    let falling = arrivals(&self::scenario("constant", &["for: 30s, rate: 200/s, to: 20/s"]));
    assert_eq!(falling.len(), all.len());
    // A falling ramp is a rising one in reverse.
    let mirrored = Duration::from_secs(30).saturating_sub(all[all.len() - 100].at);
    assert!(
        falling[100].at.abs_diff(mirrored) < Duration::from_millis(1),
        "{:?} {mirrored:?}",
        falling[100].at
    );
}

#[test]
fn poisson_arrivals_have_the_configured_rate() {
    for seed in 1..=20 {
        let mut scenario = scenario("poisson", &["for: 10s, rate: 100/s", "for: 20s, to: 300/s"]);
        scenario.seed = poolproof_cognito::seed::Seed::new(seed);
        let all = arrivals(&scenario);
        // The mean is 5000, the standard deviation √5000 ≈ 71. The middle of the ramp divides them 1000 :
        // 1500 : 2500.
        let between = |from: u64, to: u64| {
            let within = |at: Duration| (from..to).contains(&at.as_secs());
            all.iter().filter(|arrival| within(arrival.at)).count() as f64
        };
        for (from, to, expected) in [(0, 30, 5000.0), (0, 10, 1000.0), (10, 20, 1500.0), (20, 30, 2500.0_f64)]
        {
            let count = between(from, to);
            assert!((count - expected).abs() < 4.0 * expected.sqrt(), "seed {seed}, {from}..{to} s: {count}");
        }
    }
}

/// The Kolmogorov–Smirnov distance of `sample` from the distribution function, times √n.
fn kolmogorov_smirnov(mut sample: Vec<f64>, distribution: impl Fn(f64) -> f64) -> f64 {
    sample.sort_by(f64::total_cmp);
    let n = sample.len() as f64;
    let distance = |(i, x): (usize, &f64)| {
        let p = distribution(*x);
        (p - i as f64 / n).abs().max((i as f64 + 1.0) / n - p)
    };
    sample.iter().enumerate().map(distance).fold(0.0, f64::max) * n.sqrt()
}

#[test]
fn gaps_between_poisson_arrivals_are_exponential() {
    for seed in [1, 2, 3] {
        let mut scenario = scenario("poisson", &["for: 1h, rate: 40/s"]);
        scenario.seed = poolproof_cognito::seed::Seed::new(seed);
        let first = workload::arrivals(&scenario, &workload::device_owners(&scenario)).take(100_001);
        let all: Vec<Duration> = first.map(|arrival| arrival.at).collect();
        let gaps: Vec<f64> = all.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
        assert_eq!(gaps.len(), 100_000);
        // A correct sample exceeds 1.63 with probability 1 %; the seeds are fixed.
        let distance = kolmogorov_smirnov(gaps, |gap| 1.0 - (-40.0 * gap).exp());
        assert!(distance < 1.63, "seed {seed}: {distance}");
    }
}

#[test]
fn warm_up_is_marked_and_not_counted() {
    let scenario = scenario("constant", &["for: 10s, rate: 20/s, warm_up: true", "for: 30s, to: 200/s"]);
    let plan = &scenario.workloads[0];
    assert_eq!(workload::warm_up(plan), Duration::from_secs(10));
    assert_eq!(workload::measured(plan), Duration::from_secs(30));
    assert_eq!(workload::length(plan), Duration::from_secs(40));
    assert_eq!(
        (workload::measured_sign_ins(plan), workload::target_per_s(plan)),
        (Some(3300.0), Some(110.0))
    );
    let all = arrivals(&scenario);
    let (warm_up, measured): (Vec<Arrival>, Vec<Arrival>) = all.iter().partition(|arrival| arrival.warm_up);
    assert_eq!((warm_up.len(), measured.len()), (200, 3300));
    assert!(warm_up.iter().all(|arrival| arrival.at < Duration::from_secs(10)));
}

#[test]
fn a_closed_workload_has_no_arrivals_but_the_same_draws() {
    let open = parse(EXAMPLE);
    let mut closed = open.clone();
    closed.workloads[0].model = parse(
        "version: 1\nname: c\npool: { remember: always }\npopulation: { users: 5 }\n\
         workload: { model: closed, stages: [{ for: 10s, users: 5, warm_up: true }, { for: 30s, users: 9 }] }\n",
    )
    .workloads[0]
        .model
        .clone();
    assert_eq!(arrivals(&closed), []);
    assert_eq!(workload::measured(&closed.workloads[0]), Duration::from_secs(30));
    assert_eq!(workload::measured_sign_ins(&closed.workloads[0]), None);
    let drawn = |scenario: &Scenario| {
        let sampler = sampler(scenario);
        (0..100).map(|number| sampler.draw(number)).collect::<Vec<_>>()
    };
    assert_eq!(drawn(&open), drawn(&closed));
}

#[test]
fn adding_a_user_changes_no_other_user() {
    let scenario = parse(EXAMPLE);
    let mut larger = scenario.clone();
    larger.population.users += 1;
    let (few, more) = (users(&scenario), users(&larger));
    assert_eq!(few.len() + 1, more.len());
    assert_eq!(few, more[..few.len()]);
}

#[test]
fn a_setting_changes_only_its_own_draws() {
    let scenario = parse(EXAMPLE);
    let mut other = scenario.clone();
    other.pool.remember = poolproof_cognito::policy::RememberMode::Always;
    other.population.devices = scenario::DeviceCount::Exactly(2);
    for (user_spec, other) in users(&scenario).iter().zip(users(&other)) {
        assert_eq!((user_spec.factors, user_spec.opts_in), (other.factors, other.opts_in));
        assert_eq!((other.devices, other.remembers), (2, vec![true, true]));
    }
}

#[test]
fn the_population_has_the_configured_shares() {
    let mut scenario = parse(EXAMPLE);
    scenario.population.users = 20_000;
    let users = users(&scenario);
    let share =
        |of: &dyn Fn(&UserSpec) -> bool| users.iter().filter(|p| of(p)).count() as f64 / users.len() as f64;
    let near =
        |share: f64, expected: f64| assert!((share - expected).abs() < 0.02, "{share}, expected {expected}");
    near(share(&|p| p.factors == Factors::Totp), 0.40);
    near(share(&|p| p.factors == Factors::SmsAndTotp), 0.05);
    near(share(&|p| p.opts_in), 0.60);
    // In a Poisson distribution with mean 1.3, a share of e^-1.3 has none.
    near(share(&|p| p.devices == 0), 0.2725);
    let devices: usize = users.iter().map(|p| p.remembers.len()).sum();
    near(devices as f64 / users.len() as f64 / 1.3, 1.0);
    let yes = users.iter().flat_map(|p| &p.remembers).filter(|yes| **yes).count();
    near(yes as f64 / devices as f64, 0.60);
    assert!(users.iter().all(|p| p.devices as usize == p.remembers.len() && p.devices <= 8));
    assert_eq!(users[42].username.as_str(), "user-000042");
}

#[test]
fn sign_ins_have_the_configured_mix() {
    let scenario = parse(EXAMPLE);
    let sampler = sampler(&scenario);
    let all: Vec<_> = (0..50_000).map(|number| sampler.draw(number)).collect();
    let near = |count: usize, expected: f64| {
        let deviation = (expected * (1.0 - expected) / 50_000.0).sqrt();
        let share = count as f64 / 50_000.0;
        assert!((share - expected).abs() < 4.0 * deviation, "{share}, expected {expected}");
    };
    for (intent, expected) in scenario.workloads[0].mix.iter() {
        near(all.iter().filter(|draw| draw.intent == intent).count(), expected);
    }
    for (risk, expected) in scenario.workloads[0].risk.iter() {
        near(all.iter().filter(|draw| draw.risk == risk).count(), expected);
    }
    // Risk and intent are independent of each other.
    let both =
        |draw: &&workload::DrawnSignIn| draw.intent == Intent::NewDevice && draw.risk == Some(RiskLevel::Low);
    near(all.iter().filter(both).count(), 0.08 * 0.05);
}

#[test]
fn device_intents_go_to_users_with_devices() {
    let scenario = parse(EXAMPLE);
    let users = users(&scenario);
    let all = arrivals(&scenario);
    assert!(
        all.iter().all(|arrival| !arrival.intent.needs_device() || users[arrival.user as usize].devices > 0)
    );
    // All users sign in, and owners of devices are equally frequent.
    let first_half = all.iter().filter(|arrival| arrival.user < 1000).count() as f64 / all.len() as f64;
    assert!((first_half - 0.5).abs() < 0.05, "{first_half}");

    let mut without = scenario;
    without.population.devices = scenario::DeviceCount::Exactly(0);
    let all = arrivals(&without);
    assert!(all.iter().all(|arrival| !arrival.intent.needs_device()));
    let new_device = all.iter().filter(|arrival| arrival.intent == Intent::NewDevice).count();
    assert!(new_device as f64 > 0.9 * all.len() as f64);
}

#[test]
fn sign_in_k_does_not_depend_on_the_stages() {
    let scenario = parse(EXAMPLE);
    let mut longer = scenario.clone();
    longer.workloads[0].model =
        self::scenario("constant", &["for: 100s, rate: 50/s"]).workloads[0].model.clone();
    let what = |arrival: &Arrival| (arrival.number, arrival.user, arrival.intent, arrival.risk);
    let (a, b) = (arrivals(&scenario), arrivals(&longer));
    let pairs = a.iter().zip(&b);
    assert!(pairs.len() > 3000 && pairs.map(|(a, b)| (what(a), what(b))).all(|(a, b)| a == b));
}

#[test]
fn the_same_seed_gives_the_same_run_in_every_version() {
    // A change of this snapshot changes every golden report.
    let scenario = parse(EXAMPLE);
    assert_eq!(arrivals(&scenario), arrivals(&scenario));
    let user_spec = |number: usize| {
        let user_spec = workload::population(&scenario).nth(number).unwrap();
        (user_spec.factors, user_spec.devices, user_spec.remembers, user_spec.opts_in)
    };
    let first: Vec<_> = arrivals(&scenario).into_iter().take(3).collect();
    insta::assert_debug_snapshot!((user_spec(0), user_spec(1), user_spec(42), &first));
    let mut other = scenario;
    other.seed = poolproof_cognito::seed::Seed::new(8);
    assert_ne!(arrivals(&other)[0], first[0]);
}

#[test]
fn a_day_at_the_highest_rate_needs_no_memory() {
    let scenario = scenario("poisson", &["for: 24h, rate: 1000000/s"]);
    let table = workload::arrivals(&scenario, &[7].into());
    let last = table.take(100_000).last().unwrap();
    assert_eq!((last.number, last.user), (99_999, 7));
    assert!(last.at.abs_diff(Duration::from_millis(100)) < Duration::from_millis(2), "{:?}", last.at);
}
