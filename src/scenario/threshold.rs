//! What must hold at the end of a run: `sign_in.p99 < 400ms`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use super::suggest;
use super::words::{Rate, Share, Text as _, Time};
use crate::clock::as_us;
use crate::protocol::Step;

/// One thing that must hold.
#[derive(Clone, PartialEq, Debug)]
pub struct Threshold {
    /// As it was written.
    pub text: String,
    /// What is looked at.
    pub metric: Metric,
    /// How it compares.
    pub op: Comparison,
    /// With what: µs for latencies, a share from 0 to 1 for rates, times a second for throughput, else a count.
    pub limit: f64,
}

/// How a value compares with its limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
}

impl Comparison {
    /// All of them, two signs before one: so they are found in a text.
    const ALL: [(&str, Self); 5] = [
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("==", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    /// Whether `value` compares so with `limit`. A value that is no number never does.
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Less => value < limit,
            Self::LessOrEqual => value <= limit,
            Self::Greater => value > limit,
            Self::GreaterOrEqual => value >= limit,
            Self::Equal => value == limit,
        }
    }
}

/// What a threshold looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Metric {
    /// `decisions.…`: how many decisions.
    Decisions(DecisionStat),
    /// `sign_ins.…`: how many sign-ins.
    SignIns(SignInStat),
    /// `sign_in.…`: latency of a whole sign-in, from its intended start.
    SignIn(LatencyStat),
    /// `PASSWORD_VERIFIER.…` and the like: latency of a step.
    Step(Step, LatencyStat),
    /// `failed.rate`: share of sign-ins that got no decision: abandoned or failed in transport.
    FailedRate,
    /// `refused.rate`: share of sign-ins that the pool refused.
    RefusedRate,
    /// `throttled.rate`: share of requests that the pool throttled.
    ThrottledRate,
    /// `throughput.…`: sign-ins a second.
    Throughput(ThroughputStat),
}

macro_rules! stats {
    ($($(#[$doc:meta])* $name:ident { $($(#[$stat_doc:meta])* $stat:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name { $($(#[$stat_doc])* $stat,)* }

        impl $name {
            /// All of them, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$stat,)*];

            /// The word in a threshold.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$stat => $text,)* }
            }
        }
    )*};
}

stats! {
    /// Counts of decisions.
    DecisionStat {
        /// Decisions that the oracle checked.
        Checked = "checked",
        /// Decisions in which pool and oracle differ.
        Mismatched = "mismatched",
    }

    /// Counts of sign-ins.
    SignInStat {
        /// All.
        Started = "started",
        /// Those that led to tokens.
        Completed = "completed",
        /// Those that the pool refused.
        Refused = "refused",
        /// Those that the user gave up.
        Abandoned = "abandoned",
        /// Those that got no answer.
        TransportFailed = "transport_failed",
    }

    /// Figures of a latency distribution.
    LatencyStat {
        /// The median.
        P50 = "p50",
        /// Nine of ten are not slower.
        P90 = "p90",
        /// 95 of 100.
        P95 = "p95",
        /// 99 of 100.
        P99 = "p99",
        /// 999 of 1000.
        P999 = "p999",
        /// The slowest.
        Max = "max",
        /// The mean.
        Mean = "mean",
    }

    /// Rates of sign-ins.
    ThroughputStat {
        /// Sign-ins a second that were started.
        Offered = "offered",
        /// Sign-ins a second that were completed or refused.
        Achieved = "achieved",
    }
}

/// What kind of number a metric is, and so how its limit is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// A time in µs; written `400ms`.
    Time,
    /// A share from 0 to 1; written `0.1%`.
    Share,
    /// Times a second; written `100/s`.
    PerSecond,
    /// How many; written `0`.
    Count,
}

impl Metric {
    /// Every metric.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        all.extend(DecisionStat::ALL.iter().copied().map(Self::Decisions));
        all.extend(SignInStat::ALL.iter().copied().map(Self::SignIns));
        all.extend(LatencyStat::ALL.iter().copied().map(Self::SignIn));
        for &step in Step::ALL {
            all.extend(LatencyStat::ALL.iter().map(|&stat| Self::Step(step, stat)));
        }
        all.extend([Self::FailedRate, Self::RefusedRate, Self::ThrottledRate]);
        all.extend(ThroughputStat::ALL.iter().copied().map(Self::Throughput));
        all
    }

    /// What kind of number it is.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Decisions(_) | Self::SignIns(_) => Unit::Count,
            Self::SignIn(_) | Self::Step(..) => Unit::Time,
            Self::FailedRate | Self::RefusedRate | Self::ThrottledRate => Unit::Share,
            Self::Throughput(_) => Unit::PerSecond,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decisions(stat) => write!(f, "decisions.{}", stat.as_str()),
            Self::SignIns(stat) => write!(f, "sign_ins.{}", stat.as_str()),
            Self::SignIn(stat) => write!(f, "sign_in.{}", stat.as_str()),
            Self::Step(step, stat) => write!(f, "{step}.{}", stat.as_str()),
            Self::FailedRate => f.write_str("failed.rate"),
            Self::RefusedRate => f.write_str("refused.rate"),
            Self::ThrottledRate => f.write_str("throttled.rate"),
            Self::Throughput(stat) => write!(f, "throughput.{}", stat.as_str()),
        }
    }
}

impl Unit {
    const ALL: [Self; 4] = [Self::Time, Self::Share, Self::PerSecond, Self::Count];

    /// What it is, and a limit as an example.
    const fn example(self) -> (&'static str, &'static str) {
        match self {
            Self::Time => ("a time", "400ms"),
            Self::Share => ("a share", "0.1%"),
            Self::PerSecond => ("a rate", "100/s"),
            Self::Count => ("a count", "0"),
        }
    }

    /// What the limit looks like, as a regular expression.
    fn pattern(self) -> &'static str {
        let anchored = match self {
            Self::Time => Time::PATTERN,
            Self::Share => Share::PATTERN,
            Self::PerSecond => Rate::PATTERN,
            Self::Count => "^[0-9]+$",
        };
        anchored.trim_start_matches('^').trim_end_matches('$')
    }

    /// The limit as a number.
    fn read(self, limit: &str) -> Result<f64, String> {
        match self {
            Self::Time => Time::read(limit).map(|time| as_us(time.0) as f64),
            Self::Share => Share::read(limit).map(|share| share.0),
            Self::PerSecond => Rate::read(limit).map(|rate| rate.0),
            Self::Count => match limit.parse::<u32>() {
                Ok(count) if !limit.starts_with('+') => Ok(f64::from(count)),
                _ => Err(format!("`{limit}` is not a count such as `0`")),
            },
        }
    }
}

/// Why a text is no threshold.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Flaw<'t> {
    /// What is wrong.
    pub(super) message: String,
    /// What was probably meant.
    pub(super) help: Option<String>,
    /// The part of the text that is wrong.
    pub(super) part: &'t str,
}

impl Threshold {
    /// As it is typed in a file.
    pub(super) fn typed(&self) -> ThresholdText {
        ThresholdText(self.text.clone())
    }

    /// The threshold that `text` says.
    pub(super) fn read(text: &str) -> Result<Self, Flaw<'_>> {
        let flaw = |message: String, part| Err(Flaw { message, help: None, part });
        let Some(place) = text.find(['<', '>', '=', '!']) else {
            let example = "write a metric, one of < <= > >= ==, and a limit, as in `sign_in.p99 < 400ms`";
            return flaw(format!("`{text}` compares nothing: {example}"), text);
        };
        let (name, rest) = (text[..place].trim(), &text[place..]);
        let signs = rest.find(|c: char| !matches!(c, '<' | '>' | '=' | '!')).unwrap_or(rest.len());
        let (signs, limit) = (&rest[..signs], rest[signs..].trim());
        let Some(&(_, op)) = Comparison::ALL.iter().find(|(known, _)| *known == signs) else {
            return flaw(format!("`{signs}` is no comparison; use one of < <= > >= =="), signs);
        };
        let Some(metric) = Metric::all().into_iter().find(|metric| metric.to_string() == name) else {
            let names: Vec<String> = Metric::all().iter().map(ToString::to_string).collect();
            let help = suggest::nearest(name, names.iter().map(String::as_str)).map(suggest::did_you_mean);
            let message = format!("unknown metric `{name}`");
            return Err(Flaw { message, help, part: if name.is_empty() { text } else { name } });
        };
        match metric.unit().read(limit) {
            Ok(limit) => Ok(Self { text: text.trim().to_owned(), metric, op, limit }),
            Err(why) => {
                let (what, example) = metric.unit().example();
                let help = Some(format!("`{metric}` is {what}: write `{metric} {signs} {example}`"));
                Err(Flaw { message: why, help, part: if limit.is_empty() { text } else { limit } })
            }
        }
    }
}

/// A threshold as typed; it is read when the whole file is there, so that a flaw can be shown inside of it.
#[derive(Clone)]
pub(super) struct ThresholdText(pub(super) String);

struct ThresholdVisitor;

impl Visitor<'_> for ThresholdVisitor {
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
        deserializer.deserialize_any(ThresholdVisitor)
    }
}

impl Serialize for ThresholdText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl JsonSchema for ThresholdText {
    fn schema_name() -> Cow<'static, str> {
        "Threshold".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let of_unit = |unit: Unit| {
            let metrics = Metric::all().into_iter().filter(|metric| metric.unit() == unit);
            let names: Vec<String> = metrics.map(|metric| metric.to_string().replace('.', r"\.")).collect();
            format!(r"(?:{})\s*(?:[<>]=?|==)\s*(?:{})", names.join("|"), unit.pattern())
        };
        let pattern = format!(r"^\s*(?:{})\s*$", Unit::ALL.map(of_unit).join("|"));
        json_schema!({
            "description": "A metric, one of < <= > >= ==, and a limit: `sign_in.p99 < 400ms`.",
            "type": "string",
            "pattern": pattern,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_read_back_from_its_name() {
        for metric in Metric::all() {
            let (_, example) = metric.unit().example();
            for (signs, op) in Comparison::ALL {
                for text in [format!("{metric} {signs} {example}"), format!(" {metric}{signs}{example} ")] {
                    let threshold = Threshold::read(&text).unwrap();
                    assert_eq!((threshold.metric, threshold.op), (metric, op), "{text}");
                }
            }
        }
    }

    #[test]
    fn limits_are_in_the_metrics_unit() {
        let limit = |text: &str| Threshold::read(text).unwrap().limit;
        assert_eq!(limit("sign_in.p99 < 400ms"), 400_000.0);
        assert_eq!(limit("failed.rate < 0.1%"), 0.001);
        assert_eq!(limit("throughput.achieved >= 100/s"), 100.0);
        assert_eq!(limit("decisions.checked > 5"), 5.0);
    }

    #[test]
    fn what_compares_nothing_is_refused_at_the_part_that_is_wrong() {
        for (text, part) in [
            ("", ""),
            ("sign_in.p99", "sign_in.p99"),
            ("sign_in.p98 < 5ms", "sign_in.p98"),
            ("sign_in.p99 => 5ms", "=>"),
            ("sign_in.p99 != 5ms", "!="),
            ("sign_in.p99 < 5", "5"),
            ("sign_in.p99 < 0.1%", "0.1%"),
            ("sign_in.p99 < -5ms", "-5ms"),
            ("sign_in.p99 < NaN", "NaN"),
            ("failed.rate < 5ms", "5ms"),
            ("decisions.mismatched == 0%", "0%"),
            ("decisions.mismatched == -1", "-1"),
            ("sign_in.p99 < ", "sign_in.p99 < "),
            ("< 5ms", "< 5ms"),
        ] {
            assert_eq!(Threshold::read(text).unwrap_err().part, part, "{text}");
        }
    }

    #[test]
    fn no_number_satisfies_nothing() {
        assert!(Comparison::ALL.iter().all(|(_, op)| !op.holds(f64::NAN, 1.0)));
        assert!(Comparison::LessOrEqual.holds(1.0, 1.0) && !Comparison::Less.holds(1.0, 1.0));
    }
}
