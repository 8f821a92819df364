//! Random records of a run, drawn from a seed: an overload, refusals, failures and optional mismatches.

use std::time::Duration;

use poolproof::clock::ClockKind;
use poolproof::metrics::{Recorder, SignInRecord, SignInStatus, Snapshot};
use poolproof::report::{
    CpuSpent, Environment, Report, RunInfo, StagePart, StageSummary, ThresholdResult, Unit,
};
use poolproof_client::Intent;
use poolproof_cognito::policy::{Factors, MfaMode, RememberMode, RiskAction, RiskLevel, RiskNote};
use poolproof_cognito::protocol::{ChallengeName, SignInStep};
use poolproof_cognito::seed::{Rng, Seed};
use poolproof_oracle::{
    Circumstances, Claim, Confidence, Decision, Device, Facts, Judgement, LockoutState, Outcome, RuleId,
    Situation,
};
use rand::RngExt as _;
use rand_distr::{Distribution as _, LogNormal};

const SUPPRESSED: RuleId = RuleId {
    id: "device-suppresses-mfa",
    source: "SEMANTICS c.2; Developer Guide, “Working with user devices”",
    confidence: Confidence::Documented,
};
const DUE: RuleId =
    RuleId { id: "mfa-by-pool", source: "SEMANTICS c.5, rule 3", confidence: Confidence::Documented };
const BLOCKED: RuleId =
    RuleId { id: "risk-block", source: "SEMANTICS c.4, rule 1", confidence: Confidence::Observed };
const NOTE: RuleId =
    RuleId { id: "risk-note-always", source: "the seed’s Note, rule 5", confidence: Confidence::Inferred };
const WRONG: RuleId = RuleId {
    id: "wrong-password",
    source: "SEMANTICS d, not telling which",
    confidence: Confidence::Documented,
};

/// Returns the first `count` sign-ins of the run with this seed. If `faulty`, about one in 400 is decided
/// wrongly.
pub(crate) fn sign_ins(seed: u64, count: u64, faulty: bool) -> Vec<SignInRecord> {
    (0..count).map(|number| sign_in(&mut Seed::new(seed).rng("sample", number), number, faulty)).collect()
}

/// Records the sign-ins with one recorder and returns its snapshot.
pub(crate) fn recorded<'a>(sign_ins: impl IntoIterator<Item = &'a SignInRecord>) -> Snapshot {
    let mut recorder = Recorder::new();
    sign_ins.into_iter().for_each(|sign_in| recorder.sign_in(sign_in));
    recorder.snapshot()
}

/// Returns the report on such a run.
pub(crate) fn report(clock: ClockKind, count: u64, faulty: bool) -> Report {
    let snapshot = recorded(&sign_ins(7, count, faulty));
    let summary = snapshot.summary();
    let p99 = summary.latency_us(None, 0.99);
    let device = summary.latency_us(Some(SignInStep::DevicePasswordVerifier), 0.99);
    let at_most = |text: &str, value: Option<f64>, limit: f64, unit| ThresholdResult {
        text: text.to_owned(),
        value,
        limit,
        unit,
        passed: value.is_some_and(|value| value <= limit),
        window: None,
        canceled_at_us: None,
    };
    let mismatched = summary.decisions().mismatched() as f64;
    let run_info = RunInfo {
        thresholds: vec![
            at_most("decisions.mismatched == 0", Some(mismatched), 0.0, Unit::Count),
            at_most("sign_in.p99 < 400ms", p99.map(|us| us as f64), 400_000.0, Unit::Us),
            at_most("DEVICE_PASSWORD_VERIFIER.p99 < 50ms", device.map(|us| us as f64), 50_000.0, Unit::Us),
            at_most("failed.rate < 2%", summary.failed_share(), 0.02, Unit::Share),
        ],
        clock,
        ..run_info()
    };
    Report::new(run_info, &summary)
}

/// Returns the facts about a run on a real machine, without thresholds.
pub(crate) fn run_info() -> RunInfo {
    let yaml = "# Opt-in devices replace MFA only after the user said yes.\nversion: 1\nname: opt-in-mfa\nseed: 7\n\
        clock: virtual              # virtual | wall\npool:\n  remember: opt_in          # no | always | opt_in\n  \
        suppress_mfa: true        # ChallengeRequiredOnNewDevice\n  mfa: optional             # off | optional | on\n  \
        risk: { mode: enforced, low: no_action, medium: mfa_required, high: block }\npopulation:\n  users: 2000\n  \
        factors: { none: 40, totp: 40, sms: 15, sms_and_totp: 5 }\nworkload:\n  stages:\n    \
        - { for: 5s, rate: 40/s, warm_up: true }\n    - { for: 30s, to: 200/s }\n  \
        mix: { known_device: 85, new_device: 8, wrong_password: 3, forgotten_device: 2, replayed_claim: 1 }\n\
        thresholds:\n  - decisions.mismatched == 0\n  - sign_in.p99 < 400ms\n";
    RunInfo {
        name: "opt-in-mfa".to_owned(),
        about: "Opt-in devices replace MFA only after the user said yes.".to_owned(),
        file: "scenarios/opt-in-mfa.yaml".to_owned(),
        yaml: yaml.to_owned(),
        files: Vec::new(),
        workloads: vec![("workload".to_owned(), Some(120.0))],
        stages: vec![
            stage(0, 5, StagePart::WarmUp, [40.0, 40.0]),
            stage(5, 35, StagePart::Measured, [40.0, 200.0]),
        ],
        seed: 7,
        clock: ClockKind::Wall,
        group: "cognito".to_owned(),
        target: "embedded".to_owned(),
        options: Vec::new(),
        target_options: Vec::new(),
        partial: false,
        left_behind: None,
        asked_per_s: Some(120.0),
        cpu: Some(CpuSpent { client: Duration::from_secs(11), server: Some(Duration::from_secs(9)) }),
        workers: None,
        modexps: 6000,
        thresholds: Vec::new(),
        saturated: None,
        unmeasured: None,
        short_of: None,
        machine: None,
        shards: None,
        environment: Some(Environment {
            os: "linux".to_owned(),
            arch: "x86_64".to_owned(),
            cpu: Some("AMD EPYC 7R13 Processor".to_owned()),
            cores: 8,
            version: "0.1.0".to_owned(),
            started_at: Some("2026-01-01T00:00:00Z".to_owned()),
            git_commit: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
            ci_job: None,
            command: "poolproof run scenarios/opt-in-mfa.yaml --clock wall".to_owned(),
        }),
    }
}

fn stage(from_s: u64, to_s: u64, part: StagePart, [from, to]: [f64; 2]) -> StageSummary {
    StageSummary {
        workload: "workload".to_owned(),
        from_us: from_s * 1_000_000,
        to_us: to_s * 1_000_000,
        part,
        from_per_s: Some(from),
        to_per_s: Some(to),
        users: None,
        schedule: None,
    }
}

fn sign_in(random: &mut Rng, number: u64, faulty: bool) -> SignInRecord {
    // The rate rises from 40 per second. This is the n-th arrival of the integral of 40 + 4 t.
    let at_s = (-40.0 + (1600.0 + 8.0 * number as f64).sqrt()) / 4.0 + random.random_range(0.0..0.01);
    let intended = Duration::from_secs_f64(at_s);
    let (judgement, end) = decision(random, faulty);
    let steps: Vec<_> =
        steps(&judgement.seen).into_iter().map(|(step, ms)| (step, draw_duration(random, ms))).collect();
    let service: Duration = steps.iter().map(|(_, time)| *time).sum();
    // For two seconds the pool is overloaded, and sign-ins start late.
    let queue_ms = if (21.0..23.0).contains(&at_s) { (23.0 - at_s) * 60.0 } else { 0.0 };
    let lag = draw_duration(random, 0.12) + Duration::from_secs_f64(queue_ms / 1e3);
    SignInRecord {
        number,
        user: random.random_range(0..2000),
        workload: 0,
        intent: Intent::KnownDevice,
        warm_up: at_s < 5.0,
        cool_down: false,
        end,
        intended,
        finished: intended + lag + service,
        latency: lag + service,
        service,
        lag,
        steps,
        judgements: if end == SignInStatus::TransportFailed { Vec::new() } else { vec![judgement] },
        throttled: if random.random_bool(0.002) { vec![SignInStep::InitiateAuth] } else { Vec::new() },
        requests: 5,
        failures: Vec::new(),
    }
}

fn draw_duration(random: &mut Rng, median_ms: f64) -> Duration {
    let spread = LogNormal::new(median_ms.ln(), 0.35).unwrap();
    Duration::from_secs_f64(spread.sample(random) / 1e3)
}

fn steps(seen: &Decision) -> Vec<(SignInStep, f64)> {
    let mut steps = vec![(SignInStep::InitiateAuth, 0.9), (SignInStep::PasswordVerifier, 4.4)];
    for challenge in &seen.challenges {
        match challenge {
            ChallengeName::DeviceSrpAuth => steps.push((SignInStep::DeviceSrpAuth, 1.1)),
            ChallengeName::DevicePasswordVerifier => steps.push((SignInStep::DevicePasswordVerifier, 4.2)),
            ChallengeName::SoftwareTokenMfa => steps.push((SignInStep::Mfa, 0.35)),
            _ => {}
        }
    }
    if seen.new_device {
        steps.push((SignInStep::ConfirmDevice, 0.6));
    }
    steps
}

fn decision(random: &mut Rng, faulty: bool) -> (Judgement, SignInStatus) {
    use ChallengeName::{DevicePasswordVerifier, DeviceSrpAuth, PasswordVerifier, SoftwareTokenMfa};
    let facts = Facts {
        remember: RememberMode::OptIn,
        suppress_mfa: true,
        mfa: MfaMode::Optional,
        risk_note: RiskNote::Pool,
        strict_mfa_binding: false,
        factors: Factors::Totp,
        claim: Claim::Right,
        device: Device::Remembered,
        mfa_bound: true,
        device_secret_valid: true,
        risk: None,
        lock: LockoutState::Unlocked,
        circumstances: Circumstances::default(),
    };
    let decided = |challenges: &[ChallengeName], outcome, new_device| Decision {
        challenges: challenges.to_vec(),
        outcome,
        new_device,
    };
    let device = decided(&[PasswordVerifier, DeviceSrpAuth, DevicePasswordVerifier], Outcome::Tokens, false);
    let mfa = decided(&[PasswordVerifier, SoftwareTokenMfa], Outcome::Tokens, true);
    let refused = |outcome| decided(&[PasswordVerifier], outcome, false);
    let risky = Facts { risk: Some((RiskLevel::High, RiskAction::Block)), ..facts };
    let (rule, facts, expected, end) = match random.random_range(0..100) {
        0..70 => (SUPPRESSED, facts, device.clone(), SignInStatus::Completed),
        70..88 => (DUE, Facts { device: Device::None, ..facts }, mfa.clone(), SignInStatus::Completed),
        88..93 => (
            WRONG,
            Facts { claim: Claim::Wrong, ..facts },
            refused(Outcome::Incorrect),
            SignInStatus::Refused,
        ),
        93..96 => (BLOCKED, risky, refused(Outcome::Blocked), SignInStatus::Refused),
        96..99 => (NOTE, facts, device.clone(), SignInStatus::Completed),
        // More than one in a hundred without a decision would fail the run.
        _ if random.random_bool(0.5) => (NOTE, facts, device.clone(), SignInStatus::Completed),
        _ if random.random_bool(0.5) => (SUPPRESSED, facts, device.clone(), SignInStatus::Abandoned),
        _ => (SUPPRESSED, facts, device.clone(), SignInStatus::TransportFailed),
    };
    let seen = match rule {
        SUPPRESSED if faulty && random.random_bool(0.002) => mfa,
        BLOCKED if faulty && random.random_bool(0.03) => device,
        _ => expected.clone(),
    };
    (Judgement { rule, situation: Situation::SignIn(facts), expected, seen }, end)
}
