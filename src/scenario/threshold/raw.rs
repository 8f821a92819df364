//! The raw form of a threshold: a text, or a map with one.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::parse::ThresholdError;
use super::{Comparison, Metric, Threshold, Unit};
use crate::scenario::values::{TextValue as _, Time};
use crate::scenario::word_or_map::WordOrMapValue;

/// A threshold as a file gives it. It is parsed in validation, so that errors have a position inside the
/// text.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the key `threshold`")]
#[schemars(rename = "ThresholdMap")]
pub(in crate::scenario) struct RawThreshold {
    /// The condition, written as in the list itself.
    threshold: ThresholdText,
    /// Whether the run stops at once when the condition does not hold.
    #[serde(default)]
    abort: bool,
    /// Time of the measured part during which the threshold does not stop the run.
    after: Option<Time>,
}

/// The text of a threshold.
#[derive(Clone, PartialEq, Serialize)]
struct ThresholdText(String);

/// An error in a threshold, and the key of its map.
pub(in crate::scenario) type ThresholdKeyError<'t> = (&'static str, ThresholdError<'t>);

impl RawThreshold {
    /// Creates a threshold that does not stop the run.
    pub(in crate::scenario) fn from_text(text: &str) -> Self {
        Self { threshold: ThresholdText(text.to_owned()), abort: false, after: None }
    }

    /// Validates the threshold in a scenario with these workloads. If nothing can wait for anything, a
    /// threshold on latency cannot fail, and is an error.
    pub(in crate::scenario) fn validate(
        &self,
        workloads: &[&str],
        latency_depends_on_load: bool,
    ) -> Result<Threshold, ThresholdKeyError<'_>> {
        let threshold =
            Threshold::parse_in(&self.threshold.0, workloads).map_err(|error| ("threshold", error))?;
        let error = |key, message: &str, involves| {
            Err((key, ThresholdError { involves, ..ThresholdError::new(message, "") }))
        };
        if threshold.is_latency() && !latency_depends_on_load {
            let message =
                "without a queue this latency is the same at any load, so the threshold shows nothing";
            let help = "give the pool cores under `service`, for example `service: { cores: 2 }`, or measure real time \
                        with `clock: wall`";
            let error = ThresholdError::new(message, "").with_help(help.to_owned());
            let involves = &["clock", "service", "pool.quotas", "client.retries"];
            return Err(("threshold", ThresholdError { involves, ..error }));
        }
        if self.after.is_some() && !self.abort {
            return error("after", "`after` needs `abort: true`", &["thresholds.abort"]);
        }
        if self.abort && threshold.is_decided_at_end() {
            let message = "a count only grows, so this lower bound is decided at the end of the run: give it a window, \
                           or remove `abort`";
            return error("abort", message, &["thresholds.threshold"]);
        }
        let after = self.after.map_or(Duration::ZERO, |Time(time)| time);
        Ok(Threshold { abort: self.abort, after, ..threshold })
    }
}

impl Threshold {
    /// Converts to the raw form.
    pub(in crate::scenario) fn to_raw(&self) -> RawThreshold {
        let after = (!self.after.is_zero()).then_some(Time(self.after));
        RawThreshold { abort: self.abort, after, ..RawThreshold::from_text(&self.text) }
    }

    /// Whether it is about the time that the pool takes.
    const fn is_latency(&self) -> bool {
        matches!(self.metric, Metric::SignIn(_) | Metric::Service(_) | Metric::SignInStep(..))
    }

    /// Whether it is a lower bound for a count of the whole run.
    fn is_decided_at_end(&self) -> bool {
        let lower_bound = matches!(self.op, Comparison::Greater | Comparison::GreaterOrEqual);
        self.window.is_none() && self.metric.unit() == Unit::Count && lower_bound
    }
}

impl WordOrMapValue for RawThreshold {
    const NAME: &str = "Threshold";
    const EXPECTED: &str = "a threshold such as `sign_in.p99 < 400ms`, or a map with the key `threshold`";
    type Map = Self;

    fn from_word(word: &str) -> Result<Self, String> {
        Ok(Self::from_text(word))
    }

    fn from_map<'de, D: Deserializer<'de>>(map: D) -> Result<Self, D::Error> {
        Self::deserialize(map)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.abort { self.serialize(serializer) } else { self.threshold.serialize(serializer) }
    }

    fn plain_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<ThresholdText>()
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = ThresholdText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a threshold such as `sign_in.p99 < 400ms`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ThresholdText, E> {
        Ok(ThresholdText(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for ThresholdText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

impl JsonSchema for ThresholdText {
    fn schema_name() -> Cow<'static, str> {
        "ThresholdText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let pattern = format!(r"^\s*(?:{})\s*$", Unit::ALL.map(pattern).join("|"));
        json_schema!({
            "description": "A metric, one of < <= > >= ==, and a limit: `sign_in.p99 < 400ms`. A selector and a window \
                            apply it to some sign-ins in every ten seconds: `sign_in{workload:storm}.p99[10s] < 1s`.",
            "type": "string",
            "pattern": pattern,
        })
    }
}

/// A regular expression of percentiles: `p99`, `p99.9`, `p999`.
const PERCENTILE: &str = r"p(?:999|[0-9]{1,2}(?:\.[0-9]{1,3})?)";

/// Returns a regular expression of the thresholds on metrics of this unit.
fn pattern(unit: Unit) -> String {
    let one = r"\s*(?:rule|workload)\s*:\s*[A-Za-z0-9_-]+\s*";
    let selector = format!(r"(?:\{{{one}(?:,{one})?\}})?");
    let window = format!(r"(?:\[\s*{}\s*\])?", Time::PATTERN.trim_start_matches('^').trim_end_matches('$'));
    // Groups metrics with the same statistics, which keeps the expression short.
    let mut families: Vec<(String, Vec<String>)> = Vec::new();
    for metric in Metric::all().into_iter().filter(|metric| metric.unit() == unit) {
        let name = metric.to_string();
        let (family, stat) = name.split_once('.').unwrap_or((&name, ""));
        // One pattern stands for all percentiles.
        let stat = if unit == Unit::Time && stat.starts_with('p') { PERCENTILE } else { stat };
        match families.iter_mut().find(|(known, _)| known == family) {
            Some((_, stats)) if stats.iter().any(|known| known == stat) => {}
            Some((_, stats)) => stats.push(stat.to_owned()),
            None => families.push((family.to_owned(), vec![stat.to_owned()])),
        }
    }
    let mut grouped: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    for (family, stats) in families {
        match grouped.iter_mut().find(|(_, known)| *known == stats) {
            Some((members, _)) => members.push(family),
            None => grouped.push((vec![family], stats)),
        }
    }
    let named = grouped
        .into_iter()
        .map(|(members, stats)| format!(r"(?:{}){selector}\.(?:{})", members.join("|"), stats.join("|")));
    // A statistic alone is that of whole sign-ins.
    let short = (unit == Unit::Time).then(|| format!("(?:{PERCENTILE}|max|mean){selector}"));
    let names: Vec<String> = named.chain(short).collect();
    format!(r"(?:{})\s*{window}\s*(?:[<>]=?|==)\s*(?:{})", names.join("|"), unit.pattern())
}
