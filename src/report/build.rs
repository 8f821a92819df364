//! Makes the report of what was run and what was measured.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{
    Case, Confused, Cpu, CurvePoint, Decisions, Generator, Instead, IntervalLoad, Latency, Mismatch,
    Quantiles, Report, Rule, Scenario, SideWorkers, SignInLatency, SignIns, Stage, StepCourse, StepInterval,
    Subject, ThresholdResult, Throughput, Timeline, TimelineInterval, Verdict, Workload,
};
use crate::clock::ClockKind;
use crate::digits;
use crate::metrics::{self, Latencies, Summary};
use poolproof_cognito::protocol::Step;
use poolproof_cognito::time::as_us;

/// Decimals of what is no whole number.
const DECIMALS: i32 = 3;

impl Report {
    /// The report on `subject`, of which `summary` was measured. Equal arguments give equal bytes of JSON.
    pub fn new(subject: Subject, summary: &Summary<'_>) -> Self {
        let decisions = decisions(summary.decisions());
        let verdict = Verdict::on(&subject, summary);
        let on_a_machine = subject.clock == ClockKind::Wall;
        Self {
            schema_version: Self::SCHEMA_VERSION,
            seed: subject.seed,
            clock: subject.clock,
            group: subject.group,
            target: subject.target,
            target_options: subject.target_options,
            partial: subject.partial,
            verdict,
            sign_ins: sign_ins(
                summary.sign_ins(),
                summary.measured(),
                summary.cool_down(),
                summary.cut_off(),
            ),
            decisions,
            latency: Latency {
                sign_in: SignInLatency {
                    intended: quantiles(summary.intended()),
                    service: quantiles(summary.service()),
                    curve: curve(summary),
                },
                steps: Step::ALL
                    .iter()
                    .filter_map(|step| Some((step.to_string(), quantiles(summary.step(*step)?))))
                    .collect(),
            },
            throughput: Throughput {
                asked_per_s: subject.offered_per_s_asked.map(rounded),
                offered_per_s: summary.offered_per_s().map(rounded),
                achieved_per_s: summary.achieved_per_s().map(rounded),
                throttled: summary.throttled(),
                throttled_steps: summary.throttled_steps().map(|(step, n)| (step.to_string(), n)).collect(),
            },
            workloads: workloads(&subject.workloads, summary),
            stages: subject.stages.into_iter().map(Stage::rounded).collect(),
            cpu: cpu(subject.cpu.filter(|_| on_a_machine), subject.modexps, summary),
            thresholds: subject.thresholds.into_iter().map(ThresholdResult::rounded).collect(),
            generator: Generator {
                lag_p50_us: summary.lag().quantile_us(0.5),
                lag_p99_us: summary.lag().quantile_us(0.99),
                lag_max_us: summary.lag().max_us(),
                missed: summary.missed(),
                saturated: subject.saturated,
                short_of: subject.short_of,
                workers: subject.workers.filter(|_| on_a_machine),
                machine: subject.machine.filter(|_| on_a_machine),
            },
            timeline: timeline(summary.timeline()),
            environment: subject.environment.filter(|_| on_a_machine),
            scenario: Scenario {
                name: subject.name,
                about: subject.about,
                file: subject.file,
                yaml: subject.yaml,
                files: subject.files,
            },
        }
    }

    /// The steps that happened, in the order of the protocol.
    pub fn steps(&self) -> impl Iterator<Item = (&str, &Quantiles)> {
        let in_order = |step: &Step| self.latency.steps.get_key_value(step.as_str());
        Step::ALL.iter().filter_map(in_order).map(|(name, quantiles)| (name.as_str(), quantiles))
    }

    /// The command that plays the run again, quoted for a shell.
    pub fn replay(&self) -> String {
        let file = &self.scenario.file;
        let file = if file.starts_with('-') { in_quotes(file) } else { for_a_shell(file) };
        let clock = match self.clock {
            ClockKind::Wall => "wall",
            ClockKind::Virtual => "virtual",
        };
        let target = match self.target.as_str() {
            "embedded" => String::new(),
            url => {
                let options = self.target_options.iter().map(|word| format!(" {}", for_a_shell(word)));
                format!(" --target {url}{}", options.collect::<String>())
            }
        };
        format!("poolproof run {file} --seed {} --clock {clock}{target}", self.seed)
    }
}

/// A word as a shell reads it.
fn for_a_shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { in_quotes(word) }
}

fn in_quotes(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

impl SideWorkers {
    /// How full batches were, on average.
    pub fn jobs_a_batch(&self) -> f64 {
        self.jobs.saturating_sub(self.prepared) as f64 / self.batches.max(1) as f64
    }
}

impl ThresholdResult {
    fn rounded(self) -> Self {
        // A share of 0.1 % has its third decimal already; it gets three more.
        let decimals = if self.unit == super::Unit::Share { 2 * DECIMALS } else { DECIMALS };
        let round = |number| digits::rounded(number, decimals);
        Self { value: self.value.map(round), limit: round(self.limit), ..self }
    }
}

impl Stage {
    fn rounded(self) -> Self {
        Self { from_per_s: self.from_per_s.map(rounded), to_per_s: self.to_per_s.map(rounded), ..self }
    }
}

fn rounded(number: f64) -> f64 {
    digits::rounded(number, DECIMALS)
}

fn workloads(asked: &[(String, Option<f64>)], summary: &Summary<'_>) -> Vec<Workload> {
    let told = |((name, asked), tally): (&(String, Option<f64>), &metrics::Tally)| Workload {
        name: name.clone(),
        sign_ins: sign_ins(tally.sign_ins(), tally.measured(), tally.cool_down(), tally.cut_off()),
        asked_per_s: asked.map(rounded),
        offered_per_s: tally.offered_per_s().map(rounded),
        achieved_per_s: tally.achieved_per_s().map(rounded),
        missed: tally.missed(),
        intended: quantiles(tally.intended()),
        service: quantiles(tally.service()),
    };
    asked.iter().zip(summary.tallies()).map(told).collect()
}

fn sign_ins(all: metrics::SignIns, measured: metrics::SignIns, cool_down: u64, cut_off: u64) -> SignIns {
    SignIns {
        started: all.started,
        completed: all.completed,
        refused: all.refused,
        abandoned: all.abandoned,
        transport_failed: all.transport_failed,
        warm_up: all.started - measured.started - cool_down,
        cool_down,
        cut_off,
    }
}

fn decisions(seen: &metrics::Decisions) -> Decisions {
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
            .map(|(expected, seen, cell)| Confused {
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
                at_us: as_us(mismatch.moment),
                rule: mismatch.verdict.rule.id.to_owned(),
                situation: mismatch.verdict.situation.to_string(),
                expected: mismatch.verdict.expected.to_string(),
                seen: mismatch.verdict.seen.to_string(),
            })
            .collect(),
    }
}

/// One line for each situation and rule.
fn cases(cases: &metrics::Cases) -> Vec<Case> {
    let mut told: Vec<Case> = Vec::new();
    for (case, seen) in cases.iter() {
        let from = told.len();
        for one in seen {
            let expected = one.expected.to_string();
            let same = |row: &&mut Case| row.rule == one.rule.id && row.expected == expected;
            let row = match told[from..].iter_mut().find(same) {
                Some(row) => row,
                None => {
                    told.push(Case {
                        device: case.device.as_str().to_owned(),
                        factors: case.factors.to_string(),
                        risk: case.risk.map(|(level, action)| format!("{level}: {action}")),
                        attempt: case.attempt.to_owned(),
                        rule: one.rule.id.to_owned(),
                        expected,
                        count: 0,
                        mismatched: 0,
                        instead: Vec::new(),
                    });
                    let last = told.len() - 1;
                    &mut told[last]
                }
            };
            row.count += one.count;
            if !one.matches() {
                row.mismatched += one.count;
                row.instead.push(Instead { decision: one.seen.to_string(), count: one.count });
            }
        }
    }
    told
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

/// Eight points for each nine, as far as one sign-in lies beyond the point.
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

fn load(load: metrics::Load) -> IntervalLoad {
    let ([client_queue, server_queue], [client, server]) = (load.deepest, load.cpu);
    IntervalLoad { client_queue, server_queue, client_cpu_us: as_us(client), server_cpu_us: as_us(server) }
}

fn timeline(timeline: &metrics::Timeline) -> Timeline {
    let told = |interval: &metrics::Interval| {
        let quantile = |quantile| interval.latency.as_ref().and_then(|latency| latency.quantile_us(quantile));
        TimelineInterval {
            offered: interval.offered,
            warm_up: interval.warm_up,
            cool_down: interval.cool_down,
            missed: interval.missed,
            cut_off: interval.cut_off,
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
        intervals: timeline.intervals().iter().map(told).collect(),
        steps: steps(timeline),
    }
}

/// The timeline's intervals joined by twos, fours and so on until there are few, step by step.
fn steps(timeline: &metrics::Timeline) -> Option<StepCourse> {
    const MOST: usize = 24;
    let intervals = timeline.intervals();
    let joined = intervals.len().div_ceil(MOST).next_power_of_two();
    let told = |step: &Step, some: &[metrics::Interval]| {
        let mut all = metrics::Counts::default();
        some.iter().filter_map(|interval| interval.steps.get(step)).for_each(|counts| all.merge(counts));
        let latencies = all.latencies();
        StepInterval {
            count: latencies.count(),
            p50_us: latencies.quantile_us(0.5),
            p99_us: latencies.quantile_us(0.99),
        }
    };
    let happened = |step: &&Step| intervals.iter().any(|interval| interval.steps.contains_key(*step));
    let by_step: BTreeMap<String, Vec<StepInterval>> = Step::ALL
        .iter()
        .filter(happened)
        .map(|step| (step.to_string(), intervals.chunks(joined).map(|some| told(step, some)).collect()))
        .collect();
    let interval_us = timeline.width_us() * joined as u64;
    (!by_step.is_empty()).then_some(StepCourse { interval_us, by_step })
}
