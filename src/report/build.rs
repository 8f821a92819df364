//! Builds the report of a run from its description and its measurements.

use std::collections::BTreeMap;
use std::time::Duration;

use super::failures::failures;
use super::{
    ConfusionCell, Cpu, CurvePoint, Decisions, Generator, IntervalLoad, Latency, Mismatch, PolicyCase,
    Quantiles, Report, Rule, RunInfo, Scenario, SideWorkers, SignInLatency, SignIns, StageSummary,
    StepInterval, StepTimeline, ThresholdResult, Throughput, Timeline, TimelineInterval, UnexpectedDecision,
    Verdict, Workload,
};
use crate::clock::ClockKind;
use crate::metrics::{self, Latencies, Summary};
use crate::rounding;
use poolproof_cognito::protocol::SignInStep;
use poolproof_cognito::time::as_us;

/// Decimals of fractions.
const DECIMALS: i32 = 3;

impl Report {
    /// Creates the report of `run_info` with the measurements `summary`. Equal arguments give equal JSON
    /// bytes.
    pub fn new(run_info: RunInfo, summary: &Summary<'_>) -> Self {
        let decisions = decisions(summary.decisions(), &run_info.workloads);
        let verdict = Verdict::evaluate(&run_info, summary);
        let on_a_machine = run_info.clock == ClockKind::Wall;
        Self {
            schema_version: Self::SCHEMA_VERSION,
            seed: run_info.seed,
            seed_text: run_info.seed.to_string(),
            clock: run_info.clock,
            group: run_info.group,
            target: run_info.target,
            options: run_info.options,
            target_options: run_info.target_options,
            partial: run_info.partial,
            verdict,
            sign_ins: sign_ins(
                summary.sign_ins(),
                summary.measured(),
                summary.cool_down(),
                summary.unfinished(),
            ),
            failures: failures(summary.failures()),
            decisions,
            devices: None,
            latency: Latency {
                sign_in: SignInLatency {
                    intended: quantiles(summary.intended()),
                    service: quantiles(summary.service()),
                    curve: curve(summary),
                },
                undecided: Some(quantiles(summary.undecided())).filter(|undecided| undecided.count > 0),
                steps: SignInStep::ALL
                    .iter()
                    .filter_map(|step| Some((step.to_string(), quantiles(summary.step(*step)?))))
                    .collect(),
            },
            throughput: Throughput {
                asked_per_s: run_info.asked_per_s.map(rounded),
                offered_per_s: summary.offered_per_s().map(rounded),
                achieved_per_s: summary.achieved_per_s().map(rounded),
                throttled: summary.throttled(),
                throttled_steps: summary.throttled_steps().map(|(step, n)| (step.to_string(), n)).collect(),
            },
            shards: run_info.shards,
            workloads: workloads(&run_info.workloads, summary),
            stages: run_info.stages.into_iter().map(StageSummary::rounded).collect(),
            cpu: cpu(run_info.cpu.filter(|_| on_a_machine), run_info.modexps, summary),
            thresholds: run_info.thresholds.into_iter().map(ThresholdResult::rounded).collect(),
            generator: Generator {
                lag_p50_us: summary.lag().quantile_us(0.5),
                lag_p99_us: summary.lag().quantile_us(0.99),
                lag_max_us: summary.lag().max_us(),
                dropped: summary.dropped(),
                saturated: run_info.saturated,
                short_of: run_info.short_of,
                workers: run_info.workers.filter(|_| on_a_machine),
                machine: run_info.machine.filter(|_| on_a_machine),
            },
            timeline: timeline(summary.timeline()),
            environment: run_info.environment.filter(|_| on_a_machine),
            scenario: Scenario {
                name: run_info.name,
                about: run_info.about,
                file: run_info.file,
                yaml: run_info.yaml,
                files: run_info.files,
            },
        }
    }

    /// Returns the steps that occurred, in protocol order.
    pub fn steps(&self) -> impl Iterator<Item = (&str, &Quantiles)> {
        let in_order = |step: &SignInStep| self.latency.steps.get_key_value(step.as_str());
        SignInStep::ALL.iter().filter_map(in_order).map(|(name, quantiles)| (name.as_str(), quantiles))
    }

    /// Returns the command that replays the run, quoted for a shell.
    pub fn replay(&self) -> String {
        let file = &self.scenario.file;
        let file = if file.starts_with('-') { single_quoted(file) } else { shell_quoted(file) };
        let clock = match self.clock {
            ClockKind::Wall => "wall",
            ClockKind::Virtual => "virtual",
        };
        let quoted = |words: &[String]| -> String {
            words.iter().map(|word| format!(" {}", shell_quoted(word))).collect()
        };
        let target = match self.target.as_str() {
            "embedded" => String::new(),
            url => format!(" --target {url}{}", quoted(&self.target_options)),
        };
        let options = quoted(&self.options);
        format!("poolproof run {file} --seed {} --clock {clock}{options}{target}", self.seed)
    }
}

/// Quotes a word for a shell.
fn shell_quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { single_quoted(word) }
}

fn single_quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

impl SideWorkers {
    /// Returns the mean batch size.
    pub fn mean_batch_size(&self) -> f64 {
        self.jobs.saturating_sub(self.prepared) as f64 / self.batches.max(1) as f64
    }
}

impl ThresholdResult {
    fn rounded(self) -> Self {
        // Shares get three more decimals, because 0.1 % already needs the third.
        let decimals = if self.unit == super::Unit::Share { 2 * DECIMALS } else { DECIMALS };
        let round = |number| rounding::rounded(number, decimals);
        Self { value: self.value.map(round), limit: round(self.limit), ..self }
    }
}

impl StageSummary {
    fn rounded(self) -> Self {
        Self { from_per_s: self.from_per_s.map(rounded), to_per_s: self.to_per_s.map(rounded), ..self }
    }
}

fn rounded(number: f64) -> f64 {
    rounding::rounded(number, DECIMALS)
}

fn workloads(asked: &[(String, Option<f64>)], summary: &Summary<'_>) -> Vec<Workload> {
    let workload = |((name, asked), totals): (&(String, Option<f64>), &metrics::WorkloadTotals)| Workload {
        name: name.clone(),
        sign_ins: sign_ins(totals.sign_ins(), totals.measured(), totals.cool_down(), totals.unfinished()),
        asked_per_s: asked.map(rounded),
        offered_per_s: totals.offered_per_s().map(rounded),
        achieved_per_s: totals.achieved_per_s().map(rounded),
        dropped: totals.dropped(),
        intended: quantiles(totals.intended()),
        service: quantiles(totals.service()),
    };
    asked.iter().zip(summary.workload_totals()).map(workload).collect()
}

fn sign_ins(
    all: metrics::SignInCounts,
    measured: metrics::SignInCounts,
    cool_down: u64,
    unfinished: u64,
) -> SignIns {
    SignIns {
        started: all.started,
        completed: all.completed,
        refused: all.refused,
        abandoned: all.abandoned,
        transport_failed: all.transport_failed,
        warm_up: all.started - measured.started - cool_down,
        cool_down,
        unfinished,
    }
}

fn decisions(seen: &metrics::Decisions, workloads: &[(String, Option<f64>)]) -> Decisions {
    let workload = |index: u16| workloads.get(usize::from(index)).map(|(name, _)| name.clone());
    Decisions {
        checked: seen.checked(),
        mismatched: seen.mismatched(),
        rules: seen
            .rules()
            .map(|(rule, count)| Rule {
                id: rule.id.to_owned(),
                source: rule.source.to_owned(),
                confidence: rule.confidence.as_str().to_owned(),
                seen: count.seen,
                mismatched: count.mismatched,
            })
            .collect(),
        confusion: seen
            .confusion()
            .map(|(expected, seen, cell)| ConfusionCell {
                expected: expected.to_string(),
                seen: seen.to_string(),
                count: cell.count,
                mismatched: cell.mismatched,
            })
            .collect(),
        cases: cases(seen.cases()),
        mismatches: seen
            .mismatches()
            .iter()
            .map(|mismatch| Mismatch {
                number: mismatch.number,
                user: mismatch.user,
                workload: workload(mismatch.workload).unwrap_or_default(),
                intent: mismatch.intent.clone(),
                at_us: as_us(mismatch.ended_at),
                rule: mismatch.rule.clone(),
                situation: mismatch.situation.clone(),
                expected: mismatch.expected.clone(),
                seen: mismatch.seen.clone(),
            })
            .collect(),
    }
}

/// One line for each situation and rule.
fn cases(cases: &metrics::Cases) -> Vec<PolicyCase> {
    let mut policy_cases: Vec<PolicyCase> = Vec::new();
    for (case, seen) in cases.iter() {
        let from = policy_cases.len();
        for one in seen {
            let expected = one.expected.to_string();
            let same = |row: &&mut PolicyCase| row.rule == one.rule.id && row.expected == expected;
            let row = match policy_cases[from..].iter_mut().find(same) {
                Some(row) => row,
                None => {
                    policy_cases.push(PolicyCase {
                        device: case.device.as_str().to_owned(),
                        factors: case.factors.to_string(),
                        risk: case.risk.map(|(level, action)| format!("{level}: {action}")),
                        attempt: case.attempt.to_owned(),
                        rule: one.rule.id.to_owned(),
                        expected,
                        count: 0,
                        mismatched: 0,
                        unexpected: Vec::new(),
                    });
                    let last = policy_cases.len() - 1;
                    &mut policy_cases[last]
                }
            };
            row.count += one.count;
            if !one.matches() {
                row.mismatched += one.count;
                row.unexpected.push(UnexpectedDecision { decision: one.seen.to_string(), count: one.count });
            }
        }
    }
    policy_cases
}

fn quantiles(latencies: &Latencies) -> Quantiles {
    Quantiles {
        count: latencies.count(),
        p50_us: latencies.quantile_us(0.5),
        p90_us: latencies.quantile_us(0.9),
        p99_us: latencies.quantile_us(0.99),
        p999_us: latencies.quantile_us(0.999),
        max_us: latencies.max_us(),
    }
}

/// Eight points per nine of the percentile, as far as one sign-in is beyond the point.
fn curve(summary: &Summary<'_>) -> Vec<CurvePoint> {
    const DECADES: [u32; 5] = [1_000_000, 100_000, 10_000, 1000, 100];
    const TENTHS: [u32; 8] = [100, 75, 55, 40, 30, 23, 17, 13];
    DECADES
        .iter()
        .flat_map(|decade| TENTHS.map(|part| decade / 100 * part))
        .filter_map(|beyond_ppm| {
            let quantile = f64::from(1_000_000 - beyond_ppm) / 1e6;
            Some(CurvePoint {
                beyond_ppm,
                intended_us: summary.intended().quantile_us(quantile)?,
                service_us: summary.service().quantile_us(quantile)?,
            })
        })
        .collect()
}

fn cpu(spent: Option<super::CpuSpent>, modexps: u64, summary: &Summary<'_>) -> Cpu {
    let started = summary.sign_ins().started;
    let each = |time: Duration| as_us(time).checked_div(started);
    Cpu {
        client_us_per_sign_in: spent.and_then(|spent| each(spent.client)),
        server_us_per_sign_in: spent.and_then(|spent| each(spent.server?)),
        modexps_per_sign_in: (started > 0).then(|| rounded(modexps as f64 / started as f64)),
    }
}

fn load(load: metrics::WorkerLoad) -> IntervalLoad {
    let ([client_queue, server_queue], [client, server]) = (load.max_queue_depth, load.cpu);
    IntervalLoad { client_queue, server_queue, client_cpu_us: as_us(client), server_cpu_us: as_us(server) }
}

fn timeline(timeline: &metrics::Timeline) -> Timeline {
    let timeline_interval = |interval: &metrics::Interval| {
        let quantile = |quantile| interval.latency.as_ref().and_then(|latency| latency.quantile_us(quantile));
        TimelineInterval {
            offered: interval.offered,
            warm_up: interval.warm_up,
            cool_down: interval.cool_down,
            dropped: interval.dropped,
            unfinished: interval.unfinished,
            completed: interval.completed,
            refused: interval.refused,
            failed: interval.failed,
            p50_us: quantile(0.5),
            p99_us: quantile(0.99),
            max_us: quantile(1.0),
            throttled: interval.throttled,
            spread: interval.latency.as_ref().map(Latencies::spread).unwrap_or_default(),
            load: interval.load.map(load),
        }
    };
    Timeline {
        interval_us: timeline.width_us(),
        intervals: timeline.intervals().iter().map(timeline_interval).collect(),
        steps: steps(timeline),
    }
}

/// Merges intervals of the timeline in powers of two until there are few, for each step.
fn steps(timeline: &metrics::Timeline) -> Option<StepTimeline> {
    const MOST: usize = 24;
    let intervals = timeline.intervals();
    let joined = intervals.len().div_ceil(MOST).next_power_of_two();
    let step_interval = |step: &SignInStep, some: &[metrics::Interval]| {
        let mut all = metrics::SparseHistogram::default();
        some.iter().filter_map(|interval| interval.steps.get(step)).for_each(|counts| all.merge(counts));
        let latencies = all.latencies();
        StepInterval {
            count: latencies.count(),
            p50_us: latencies.quantile_us(0.5),
            p99_us: latencies.quantile_us(0.99),
        }
    };
    let happened = |step: &&SignInStep| intervals.iter().any(|interval| interval.steps.contains_key(*step));
    let by_step: BTreeMap<String, Vec<StepInterval>> = SignInStep::ALL
        .iter()
        .filter(happened)
        .map(|step| {
            (step.to_string(), intervals.chunks(joined).map(|some| step_interval(step, some)).collect())
        })
        .collect();
    let interval_us = timeline.width_us() * joined as u64;
    (!by_step.is_empty()).then_some(StepTimeline { interval_us, by_step })
}
