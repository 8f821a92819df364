//! Parallel requests have the outcome of some serial order. The tests run copies and mixtures of every
//! request that changes something, in all orders of their steps.

use std::collections::{BTreeMap, BTreeSet};

use poolproof_cognito::ids::PoolId;
use poolproof_cognito::protocol::{AuthOutcome, Reply, Response, keys};
use poolproof_cognito::seed::Seed;
use poolproof_pool::{AccountChange, AccountRecord, Step, TriggerCall};
use poolproof_srp::{Group, Identity, Job, JobResult, Salt};
use rand::RngExt as _;
use serde_json::{Value, json};

use crate::fixture::{PASSWORD, POOL, PoolFixture};
use crate::parallel_requests::{AnyRequest, NEW_PASSWORDS, Scene, Variant};

/// Words that are not random values, and so stay in the description of an outcome.
const WORDS: [&str; 16] = [
    "confirmed",
    "unconfirmed",
    "force_change_password",
    "reset_required",
    "true",
    "false",
    "remembered",
    "not_remembered",
    "nina",
    "otto",
    "new@example.org",
    "ben@example.org",
    "users",
    "more",
    "email_verified",
    "SOFTWARE_TOKEN_MFA",
];

/// Returns the first step of a request.
fn begin(fixture: &mut PoolFixture, request: AnyRequest) -> Step {
    let harness = &mut fixture.harness;
    match request {
        AnyRequest::Pool(request) => harness.pool.handle(harness.now, harness.origin, request),
        AnyRequest::Account(request) => harness.pool.handle_account(harness.now, harness.origin, request),
    }
}

/// Returns the step after this one; a reply stays.
fn advance(fixture: &mut PoolFixture, step: Step) -> Step {
    let (now, pool) = (fixture.harness.now, &mut fixture.harness.pool);
    match step {
        Step::Compute(job, pending) => pool.resume(now, pending, job.run()),
        Step::Trigger(call, pending) => pool.resume_trigger(now, pending, Ok(answer_of_trigger(*call))),
        Step::Sign(signing) => Step::Reply(signing.run()),
        Step::Reply(_) => step,
    }
}

/// Answers a trigger: one custom challenge, whose answer is `right`.
fn answer_of_trigger(call: TriggerCall) -> Vec<u8> {
    let mut event = call.event;
    let last = event["request"]["session"].as_array().and_then(|session| session.last().cloned());
    event["response"] = match (call.trigger, last) {
        ("DefineAuthChallenge", None) => json!({ "challengeName": "CUSTOM_CHALLENGE" }),
        ("DefineAuthChallenge", Some(last)) => {
            let right = last["challengeResult"] == true;
            json!({ "issueTokens": right, "failAuthentication": !right })
        }
        ("CreateAuthChallenge", _) => json!({}),
        _ => json!({ "answerCorrect": event["request"]["challengeAnswer"] == "right" }),
    };
    event.to_string().into_bytes()
}

/// Sends a request and completes it.
pub(crate) fn ask_any(fixture: &mut PoolFixture, request: AnyRequest) -> Reply {
    let mut step = begin(fixture, request);
    loop {
        match step {
            Step::Reply(reply) => return reply,
            step_before => step = advance(fixture, step_before),
        }
    }
}

/// The values at the start of a round; others are random.
struct Start {
    strings: BTreeSet<String>,
    accounts: BTreeMap<String, AccountRecord>,
}

impl Start {
    fn new(fixture: &mut PoolFixture) -> Self {
        let mut accounts = BTreeMap::new();
        apply_changes(fixture, &mut accounts);
        let mut strings = WORDS.map(str::to_owned).into_iter().collect();
        accounts.values().for_each(|record| collect(&json!(record), &mut strings));
        Self { strings, accounts }
    }

    /// Replaces random values. Maps become sorted lists, since keys can be random.
    fn normalize(&self, value: &Value) -> Value {
        let known = |text: &str| if self.strings.contains(text) { text.to_owned() } else { "*".to_owned() };
        match value {
            Value::String(text) => known(text).into(),
            Value::Array(values) => values.iter().map(|value| self.normalize(value)).collect(),
            Value::Object(map) => {
                let mut entries: Vec<_> = map
                    .iter()
                    .filter(|(key, _)| *key != "serial")
                    .map(|(key, value)| format!("{}: {}", known(key), self.normalize(value)))
                    .collect();
                entries.sort();
                entries.into_iter().map(Value::from).collect()
            }
            other => other.clone(),
        }
    }

    /// Describes a reply without its random values.
    fn describe_reply(&self, reply: &Reply) -> String {
        match reply {
            Ok(Response::Auth(AuthOutcome::Challenge(challenge))) => {
                let values = [keys::USERNAME, keys::USER_ID_FOR_SRP, keys::DEVICE_KEY, "MFAS_CAN_SETUP"];
                let values = values.map(|key| challenge.parameters.value(key));
                // A salt shows whether the challenge is about the password of the start.
                let salt = challenge.parameters.value(keys::SALT).map(|salt| {
                    let digits = salt.trim_start_matches('0');
                    self.strings.iter().any(|known| known.trim_start_matches('0') == digits)
                });
                format!("{} {values:?} {salt:?}", challenge.name)
            }
            Ok(Response::Auth(AuthOutcome::Tokens(tokens))) => {
                format!("tokens {} {}", tokens.new_device.is_some(), tokens.refresh_token.is_some())
            }
            Ok(response) => self.normalize(&json!(response)).to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Describes the users, the groups and the numbers of other entries.
    fn describe_state(&self, fixture: &mut PoolFixture) -> String {
        let mut accounts = self.accounts.clone();
        let groups = apply_changes(fixture, &mut accounts);
        let mut described = vec![format!("{groups:?} {:?}", fixture.harness.pool.entry_counts())];
        for (name, record) in accounts {
            let password =
                [PASSWORD].into_iter().chain(NEW_PASSWORDS).find(|password| has(&record, password));
            described.push(format!("{name}: {password:?} {}", self.normalize(&json!(record))));
        }
        let mut sent: Vec<_> = fixture.harness.pool.take_deliveries();
        sent.sort_by_key(|sent| (sent.username.clone(), sent.destination.clone()));
        let sent = sent.into_iter().map(|sent| (sent.username, sent.medium, sent.destination));
        described.push(format!("{:?}", sent.collect::<Vec<_>>()));
        described.join("\n")
    }
}

/// Returns whether a user has this password.
fn has(record: &AccountRecord, password: &str) -> bool {
    let salt = Salt::from_bytes(hex::decode(&record.salt).unwrap()).unwrap();
    let identity = Identity::user(PoolId::new(POOL).name(), record.username.as_str());
    let job = Job::Verifier { group: Group::toy(), salt, identity, password: password.to_owned() };
    matches!(job.run(), JobResult::Verifier(verifier) if verifier.to_base64() == record.verifier)
}

/// Applies the changes since the last call, and returns those of groups.
fn apply_changes(fixture: &mut PoolFixture, accounts: &mut BTreeMap<String, AccountRecord>) -> Vec<String> {
    let mut groups = Vec::new();
    for change in fixture.harness.pool.take_changes() {
        match change {
            AccountChange::Put(record) => {
                accounts.insert(record.username.as_str().to_owned(), *record);
            }
            AccountChange::Removed(sub) => accounts.retain(|_, record| record.sub != sub),
            AccountChange::Group(group) => groups.push(group.name),
            AccountChange::GroupRemoved(name) => groups.push(format!("without {name}")),
        }
    }
    groups
}

fn collect(value: &Value, strings: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(strings.insert(text.clone())),
        Value::Array(values) => values.iter().for_each(|value| collect(value, strings)),
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            strings.insert(key.clone());
            collect(value, strings);
        }),
        _ => {}
    }
}

/// The outcome of requests: their replies, the state, and the replies to the same requests afterwards.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Outcome {
    replies: Vec<String>,
    state: String,
    afterwards: Vec<String>,
}

/// Advances the chosen requests in this order, then completes them. Returns the outcome and the number of
/// steps of each request.
fn run(variant: Variant, chosen: &[usize], order: &[usize]) -> (Outcome, Vec<usize>) {
    let Scene { mut fixture, requests } = Scene::new(variant);
    let start = Start::new(&mut fixture);
    let request = |index: usize| requests[chosen[index]].1.clone();
    let mut steps: Vec<Option<Step>> = chosen.iter().map(|_| None).collect();
    let mut counts = vec![0; chosen.len()];
    let rest = (0..chosen.len()).flat_map(|index| std::iter::repeat_n(index, 8));
    for index in order.iter().copied().chain(rest) {
        if matches!(steps[index], Some(Step::Reply(_))) {
            continue;
        }
        counts[index] += 1;
        steps[index] = Some(match steps[index].take() {
            None => begin(&mut fixture, request(index)),
            Some(step) => advance(&mut fixture, step),
        });
    }
    let replies = steps.into_iter().map(|step| match step {
        Some(Step::Reply(reply)) => start.describe_reply(&reply),
        other => panic!("{other:?}"),
    });
    let replies = replies.collect();
    let state = start.describe_state(&mut fixture);
    let afterwards = (0..chosen.len()).map(|index| ask_any(&mut fixture, request(index)));
    let afterwards = afterwards.map(|reply| start.describe_reply(&reply)).collect();
    (Outcome { replies, state, afterwards }, counts)
}

/// Returns all orders of these numbers of steps.
fn interleavings(counts: &mut [usize]) -> Vec<Vec<usize>> {
    if counts.iter().all(|count| *count == 0) {
        return vec![Vec::new()];
    }
    let mut orders = Vec::new();
    for index in 0..counts.len() {
        if counts[index] > 0 {
            counts[index] -= 1;
            for mut order in interleavings(counts) {
                order.insert(0, index);
                orders.push(order);
            }
            counts[index] += 1;
        }
    }
    orders
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    interleavings(&mut vec![1; count])
}

/// Most orders of steps that a round tries.
const MAX_ORDERS: usize = 8;

/// Draws two or three requests: copies of one, or a mixture of requests about one user.
fn draw(rng: &mut poolproof_cognito::seed::Rng, requests: &[(&'static str, AnyRequest)]) -> Vec<usize> {
    let first = rng.random_range(0..requests.len());
    let mut chosen = vec![first];
    let near: Vec<usize> =
        (0..requests.len()).filter(|index| requests[*index].0 == requests[first].0).collect();
    while chosen.len() < 2 || chosen.len() < 3 && rng.random_range(0..3) == 0 {
        chosen.push(match rng.random_range(0..4) {
            0 => first,
            1 => rng.random_range(0..requests.len()),
            _ => near[rng.random_range(0..near.len())],
        });
    }
    chosen
}

/// Runs one round; returns the number of orders that it tried.
fn check_round(variant: Variant, chosen: &[usize], rng: &mut poolproof_cognito::seed::Rng) -> usize {
    let mut counts = vec![0; chosen.len()];
    let serial: Vec<Outcome> = permutations(chosen.len())
        .into_iter()
        .map(|order| {
            let order: Vec<usize> =
                order.into_iter().flat_map(|index| std::iter::repeat_n(index, 8)).collect();
            let (outcome, steps) = run(variant, chosen, &order);
            counts.iter_mut().zip(steps).for_each(|(count, steps)| *count = steps.max(*count));
            outcome
        })
        .collect();
    let mut orders = interleavings(&mut counts);
    while orders.len() > MAX_ORDERS {
        orders.swap_remove(rng.random_range(0..orders.len()));
    }
    for order in &orders {
        let (outcome, _) = run(variant, chosen, order);
        if !serial.contains(&outcome) {
            let requests = &Scene::new(variant).requests;
            let chosen: Vec<_> = chosen.iter().map(|index| &requests[*index].1).collect();
            panic!("{variant:?}, order {order:?}: {chosen:#?}\nparallel: {outcome:#?}\nserial: {serial:#?}");
        }
    }
    orders.len()
}

#[test]
fn parallel_requests_have_the_outcome_of_a_serial_order() {
    let rounds: u32 = std::env::var("POOLPROOF_ROUNDS").map_or(1000, |rounds| rounds.parse().unwrap());
    let mut rng = Seed::new(18).rng("rounds", 0);
    let mut orders = 0;
    for _ in 0..rounds {
        let variant = Variant(rng.random_range(0..Variant::COUNT));
        let chosen = draw(&mut rng, &Scene::new(variant).requests);
        orders += check_round(variant, &chosen, &mut rng);
    }
    assert!(orders >= 3 * usize::try_from(rounds).unwrap(), "{orders} orders");
}
