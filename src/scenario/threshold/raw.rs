//! A threshold as it stands in a file: a text, or a map with one.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::parse::ThresholdError;
use super::{Comparison, Metric, Threshold, Unit};
use crate::scenario::values::{Text as _, Time};
use crate::scenario::word_or_map::given;

/// A threshold as typed; it is read when the whole file is there, so that a flaw can be shown inside of it.
#[derive(Clone)]
pub(in crate::scenario) enum RawThreshold {
    /// `sign_in.p99 < 400ms`
    Text(ThresholdText),
    /// `{ threshold: sign_in.p99 < 400ms, abort: true }`
    Map(ThresholdMap),
}

/// The text of a threshold.
#[derive(Clone)]
pub(in crate::scenario) struct ThresholdText(String);

/// A threshold, and what it does.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the key `threshold`")]
pub(in crate::scenario) struct ThresholdMap {
    /// What must hold, as in the list itself.
    threshold: ThresholdText,
    /// Whether the run is cut short when it does not hold.
    #[serde(default)]
    abort: bool,
    /// The run is not cut short before so much of its measured part is over.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Time")]
    after: Option<Time>,
}

/// What is wrong with a threshold, and under which key of its map.
pub(in crate::scenario) struct ThresholdFieldError {
    pub(in crate::scenario) key: Option<&'static str>,
    pub(in crate::scenario) part: Option<String>,
    pub(in crate::scenario) message: String,
    pub(in crate::scenario) help: Option<String>,
}

impl RawThreshold {
    /// A threshold that is given where a file gives none.
    pub(in crate::scenario) fn from_text(text: &str) -> Self {
        Self::Text(ThresholdText(text.to_owned()))
    }

    /// What is meant, in a scenario with these workloads.
    pub(in crate::scenario) fn validate(&self, workloads: &[&str]) -> Result<Threshold, ThresholdFieldError> {
        match self {
            Self::Text(text) => text.validate(None, workloads),
            Self::Map(map) => {
                let threshold = map.threshold.validate(Some("threshold"), workloads)?;
                let field_error = |key, message: &str| ThresholdFieldError {
                    key: Some(key),
                    part: None,
                    message: message.to_owned(),
                    help: None,
                };
                if map.after.is_some() && !map.abort {
                    return Err(field_error(
                        "after",
                        "`after` is for thresholds that abort: say `abort: true` too",
                    ));
                }
                if map.abort && threshold.is_decided_at_end() {
                    let message = "a count only grows: that it is large enough is told at the end, and nothing is cut \
                                   short for it; give it a window, or leave `abort` out";
                    return Err(field_error("abort", message));
                }
                let after = map.after.map_or(Duration::ZERO, |Time(time)| time);
                Ok(Threshold { abort: map.abort, after, ..threshold })
            }
        }
    }
}

impl ThresholdText {
    fn validate(
        &self,
        key: Option<&'static str>,
        workloads: &[&str],
    ) -> Result<Threshold, ThresholdFieldError> {
        Threshold::read(&self.0, workloads).map_err(|ThresholdError { message, help, part }| {
            ThresholdFieldError { key, part: Some(part.to_owned()), message, help }
        })
    }
}

impl Threshold {
    /// As it is typed in a file.
    pub(in crate::scenario) fn typed(&self) -> RawThreshold {
        let threshold = ThresholdText(self.text.clone());
        if !self.abort {
            return RawThreshold::Text(threshold);
        }
        let after = (!self.after.is_zero()).then_some(Time(self.after));
        RawThreshold::Map(ThresholdMap { threshold, abort: true, after })
    }

    /// Whether it asks of the whole run's count that it be large.
    fn is_decided_at_end(&self) -> bool {
        let least = matches!(self.op, Comparison::Greater | Comparison::GreaterOrEqual);
        self.window.is_none() && self.metric.unit() == Unit::Count && least
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

impl Serialize for ThresholdText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

struct FileVisitor;

impl<'de> Visitor<'de> for FileVisitor {
    type Value = RawThreshold;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a threshold such as `sign_in.p99 < 400ms`, or a map with one")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RawThreshold, E> {
        Ok(RawThreshold::from_text(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawThreshold, A::Error> {
        ThresholdMap::deserialize(MapAccessDeserializer::new(map)).map(RawThreshold::Map)
    }
}

impl<'de> Deserialize<'de> for RawThreshold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FileVisitor)
    }
}

impl Serialize for RawThreshold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => text.serialize(serializer),
            Self::Map(map) => map.serialize(serializer),
        }
    }
}

impl JsonSchema for RawThreshold {
    fn schema_name() -> Cow<'static, str> {
        "Threshold".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let text = generator.subschema_for::<ThresholdText>();
        let map = generator.subschema_for::<ThresholdMap>();
        json_schema!({
            "description": "A threshold, or a map with one and what it does.",
            "anyOf": [text, map],
        })
    }
}

impl JsonSchema for ThresholdText {
    fn schema_name() -> Cow<'static, str> {
        "ThresholdText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let pattern = format!(r"^\s*(?:{})\s*$", Unit::ALL.map(pattern).join("|"));
        json_schema!({
            "description": "A metric, one of < <= > >= ==, and a limit: `sign_in.p99 < 400ms`; of some sign-ins and in \
                            every ten seconds: `sign_in{workload:storm}.p99[10s] < 1s`.",
            "type": "string",
            "pattern": pattern,
        })
    }
}

/// What thresholds on metrics of this unit look like, as a regular expression.
fn pattern(unit: Unit) -> String {
    let one = r"\s*(?:rule|workload)\s*:\s*[A-Za-z0-9_-]+\s*";
    let selector = format!(r"(?:\{{{one}(?:,{one})?\}})?");
    let window = format!(r"(?:\[\s*{}\s*\])?", Time::PATTERN.trim_start_matches('^').trim_end_matches('$'));
    // Metrics with the same figures stand together, so that the expression stays short.
    let mut families: Vec<(String, Vec<String>)> = Vec::new();
    for metric in Metric::all().into_iter().filter(|metric| metric.unit() == unit) {
        let name = metric.to_string();
        let (family, stat) = name.split_once('.').unwrap_or((&name, ""));
        match families.iter_mut().find(|(known, _)| known == family) {
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
    let names: Vec<String> = grouped
        .into_iter()
        .map(|(members, stats)| format!(r"(?:{}){selector}\.(?:{})", members.join("|"), stats.join("|")))
        .collect();
    format!(r"(?:{})\s*{window}\s*(?:[<>]=?|==)\s*(?:{})", names.join("|"), unit.pattern())
}
