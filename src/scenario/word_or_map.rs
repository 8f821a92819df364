//! Keys whose value is a word or a map: each says in one sentence what it expects.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::delay::Delay;
use super::validated::{ArrivalProcess, Bursts, DeviceCount, Service, ServiceModel};
use super::values::{BoundedInt, BoundedNumber, Multiple, Text, Time, WholeRate};
use poolproof_cognito::policy::Quotas;

/// A value as meant, typed as a word, a number or a map.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct WordOrMap<T>(pub(super) T);

/// What can be typed as a word, a number or a map.
pub(super) trait WordOrMapValue: Sized {
    /// Its name in the schema.
    const NAME: &str;
    /// What belongs here, with an example of each form.
    const EXPECTED: &str;
    /// The map's form.
    type Map: for<'de> Deserialize<'de> + Serialize + JsonSchema;

    /// The value that a word stands for.
    fn from_word(word: &str) -> Result<Self, String>;
    /// The value that a number stands for, or its limits.
    fn from_number(_number: u64) -> Option<Result<Self, String>> {
        None
    }
    /// The value that a map stands for.
    fn from_map(map: Self::Map) -> Result<Self, String>;
    /// The value as it is typed.
    fn to_raw(&self) -> RawValue<Self::Map>;
    /// The schema of the forms that are not maps.
    fn plain_schema() -> Schema;
}

/// One of the three forms.
pub(super) enum RawValue<M> {
    Word(String),
    Number(u32),
    Map(M),
}

struct WordOrMapVisitor<T>(PhantomData<T>);

impl<'de, T: WordOrMapValue> Visitor<'de> for WordOrMapVisitor<T> {
    type Value = WordOrMap<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<WordOrMap<T>, E> {
        T::from_word(word).map(WordOrMap).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<WordOrMap<T>, E> {
        match T::from_number(number) {
            Some(value) => value.map(WordOrMap).map_err(E::custom),
            None => Err(E::invalid_type(Unexpected::Unsigned(number), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WordOrMap<T>, A::Error> {
        let map = T::Map::deserialize(MapAccessDeserializer::new(map))?;
        T::from_map(map).map(WordOrMap).map_err(de::Error::custom)
    }
}

impl<'de, T: WordOrMapValue> Deserialize<'de> for WordOrMap<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrMapVisitor(PhantomData))
    }
}

impl<T: WordOrMapValue> Serialize for WordOrMap<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.to_raw() {
            RawValue::Word(word) => serializer.serialize_str(&word),
            RawValue::Number(number) => serializer.serialize_u32(number),
            RawValue::Map(map) => map.serialize(serializer),
        }
    }
}

impl<T: WordOrMapValue> JsonSchema for WordOrMap<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let expected = T::EXPECTED;
        let map = generator.subschema_for::<T::Map>();
        json_schema!({ "description": expected, "anyOf": [T::plain_schema(), map] })
    }
}

/// A key that may be left out but, once written, has a value: an empty one is a slip.
pub(super) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

fn unknown_word<T>(word: &str, expected: &str) -> Result<T, String> {
    // Worded as serde does, so that the nearest word is suggested in the same way.
    Err(format!("unknown variant `{word}`, expected {expected}"))
}

// ── How many devices ──

/// A distribution of device counts.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the key `poisson`")]
pub(super) struct DeviceMap {
    /// Mean of a Poisson distribution; no user starts with more than 8 devices.
    poisson: BoundedNumber<8>,
}

impl WordOrMapValue for DeviceCount {
    const NAME: &str = "DeviceCount";
    const EXPECTED: &str = "a number of devices from 0 to 8, or a distribution such as `{ poisson: 1.3 }`";
    type Map = DeviceMap;

    fn from_word(word: &str) -> Result<Self, String> {
        Err(format!("`{word}` is not {}", Self::EXPECTED))
    }

    fn from_number(number: u64) -> Option<Result<Self, String>> {
        Some(match u32::try_from(number) {
            Ok(count) if count <= Self::MAX => Ok(Self::Exactly(count)),
            _ => Err(format!("{number} devices are too many; at most {} are simulated", Self::MAX)),
        })
    }

    fn from_map(map: DeviceMap) -> Result<Self, String> {
        Ok(Self::Poisson(map.poisson.0))
    }

    fn to_raw(&self) -> RawValue<DeviceMap> {
        match *self {
            Self::Exactly(count) => RawValue::Number(count),
            Self::Poisson(mean) => RawValue::Map(DeviceMap { poisson: BoundedNumber(mean) }),
        }
    }

    fn plain_schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": Self::MAX })
    }
}

// ── How arrivals are spread ──

/// Arrivals that are no word.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the key `bursty`")]
#[schemars(rename = "ArrivalsMap")]
pub(super) struct ArrivalsMap {
    /// A calm with bursts in it; the mean rate is the stage's.
    bursty: BurstsMap,
}

/// A calm with bursts in it, both of exponential length.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the keys `bursts`, `for`, `every`")]
#[schemars(rename = "Bursts")]
struct BurstsMap {
    /// How many times the rate of the calm a burst has.
    bursts: Multiple,
    /// How long a burst lasts on average; more than zero.
    #[serde(rename = "for")]
    length: Time,
    /// Mean time from the start of one burst to that of the next; more than `for`.
    every: Time,
}

impl WordOrMapValue for ArrivalProcess {
    const NAME: &str = "Arrivals";
    const EXPECTED: &str =
        "`poisson`, `constant`, or bursts such as `{ bursty: { bursts: 5x, for: 2s, every: 10s } }`";
    type Map = ArrivalsMap;

    fn from_word(word: &str) -> Result<Self, String> {
        match word {
            "poisson" => Ok(Self::Poisson),
            "constant" => Ok(Self::Constant),
            _ => unknown_word(word, Self::EXPECTED),
        }
    }

    fn from_map(ArrivalsMap { bursty }: ArrivalsMap) -> Result<Self, String> {
        let BurstsMap { bursts, length: Time(length), every: Time(every) } = bursty;
        if length.as_millis() == 0 {
            return Err("`for` is at least 1ms: nobody comes in a burst that is shorter".to_owned());
        }
        if every <= length {
            return Err("`every` is more than `for`: between two bursts there is calm".to_owned());
        }
        Ok(Self::Bursty(Bursts { multiplier: bursts.0, length, every }))
    }

    fn to_raw(&self) -> RawValue<ArrivalsMap> {
        match *self {
            Self::Poisson => RawValue::Word("poisson".to_owned()),
            Self::Constant => RawValue::Word("constant".to_owned()),
            Self::Bursty(Bursts { multiplier, length, every }) => {
                let bursty =
                    BurstsMap { bursts: Multiple(multiplier), length: Time(length), every: Time(every) };
                RawValue::Map(ArrivalsMap { bursty })
            }
        }
    }

    fn plain_schema() -> Schema {
        json_schema!({ "enum": ["poisson", "constant"] })
    }
}

// ── How long people take ──

/// A distribution of times; exactly one key.
#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, expecting = "a map with one of the keys `uniform`, `exponential`, `log_normal`")]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(super) struct DelayMap {
    /// Anything between two times, equally likely.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "UniformMap")]
    uniform: Option<UniformMap>,
    /// Mostly short, sometimes long.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ExponentialMap")]
    exponential: Option<ExponentialMap>,
    /// As people's reactions are.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "LogNormalMap")]
    log_normal: Option<LogNormalMap>,
}

/// Anything between two times, equally likely.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the keys `min` and `max`")]
struct UniformMap {
    /// The shortest.
    min: Time,
    /// The longest; not less than `min`.
    max: Time,
}

/// Mostly short, sometimes long.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the key `mean`")]
struct ExponentialMap {
    /// The mean.
    mean: Time,
}

/// As people's reactions are: the logarithm is normal.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the keys `median` and `sigma`")]
struct LogNormalMap {
    /// Half of all are shorter.
    median: Time,
    /// Standard deviation of the logarithm; 0.6 is usual for people.
    sigma: BoundedNumber<5>,
}

impl WordOrMapValue for Delay {
    const NAME: &str = "Delay";
    const EXPECTED: &str =
        "`none`, a time such as `8s`, or a distribution such as `{ exponential: { mean: 2s } }`";
    type Map = DelayMap;

    fn from_word(word: &str) -> Result<Self, String> {
        match word {
            "none" => Ok(Self::None),
            _ if word.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                Err(format!("`{word}` is not {}", Self::EXPECTED))
            }
            time => Time::read(time).map(|Time(time)| Self::Constant(time)),
        }
    }

    fn from_map(map: DelayMap) -> Result<Self, String> {
        match (map.uniform, map.exponential, map.log_normal) {
            (Some(UniformMap { min, max }), None, None) => Ok(Self::Uniform { min: min.0, max: max.0 }),
            (None, Some(ExponentialMap { mean }), None) => Ok(Self::Exponential { mean: mean.0 }),
            (None, None, Some(LogNormalMap { median, sigma })) => {
                Ok(Self::LogNormal { median: median.0, sigma: sigma.0 })
            }
            _ => Err("exactly one of `uniform`, `exponential`, `log_normal` belongs here".to_owned()),
        }
    }

    fn to_raw(&self) -> RawValue<DelayMap> {
        RawValue::Map(match *self {
            Self::None => return RawValue::Word("none".to_owned()),
            Self::Constant(time) => return RawValue::Word(Time(time).to_string()),
            Self::Uniform { min, max } => {
                let uniform = Some(UniformMap { min: Time(min), max: Time(max) });
                DelayMap { uniform, ..DelayMap::default() }
            }
            Self::Exponential { mean } => {
                DelayMap { exponential: Some(ExponentialMap { mean: Time(mean) }), ..DelayMap::default() }
            }
            Self::LogNormal { median, sigma } => {
                let log_normal = Some(LogNormalMap { median: Time(median), sigma: BoundedNumber(sigma) });
                DelayMap { log_normal, ..DelayMap::default() }
            }
        })
    }

    fn plain_schema() -> Schema {
        let pattern = format!("{}|^none$", Time::PATTERN);
        json_schema!({ "type": "string", "pattern": pattern })
    }
}

// ── What arithmetic costs ──

/// Costs of the pool's arithmetic, as typed.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the costs")]
pub(super) struct ServiceMap {
    /// How many operations run at once; left out: all of them, with no queue.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "BoundedInt<1, 1024>")]
    cores: Option<BoundedInt<1, 1024>>,
    /// One modular exponentiation with an exponent of 256 bits.
    #[serde(default = "nominal_256")]
    modexp_256: Time,
    /// One with 513 bits.
    #[serde(default = "nominal_513")]
    modexp_513: Time,
    /// One with 1025 bits.
    #[serde(default = "nominal_1025")]
    modexp_1025: Time,
}

fn nominal_256() -> Time {
    Time(ServiceModel::NOMINAL.modexp_256)
}

fn nominal_513() -> Time {
    Time(ServiceModel::NOMINAL.modexp_513)
}

fn nominal_1025() -> Time {
    Time(ServiceModel::NOMINAL.modexp_1025)
}

impl WordOrMapValue for Service {
    const NAME: &str = "Service";
    const EXPECTED: &str = "`none`, `calibrated`, or costs such as `{ cores: 4, modexp_256: 340us }`";
    type Map = ServiceMap;

    fn from_word(word: &str) -> Result<Self, String> {
        match word {
            "none" => Ok(Self::None),
            "calibrated" => Ok(Self::Calibrated),
            _ => unknown_word(word, Self::EXPECTED),
        }
    }

    fn from_map(map: ServiceMap) -> Result<Self, String> {
        Ok(Self::Model(ServiceModel {
            cores: map.cores.map(BoundedInt::get),
            modexp_256: map.modexp_256.0,
            modexp_513: map.modexp_513.0,
            modexp_1025: map.modexp_1025.0,
        }))
    }

    fn to_raw(&self) -> RawValue<ServiceMap> {
        match self {
            Self::None => RawValue::Word("none".to_owned()),
            Self::Calibrated => RawValue::Word("calibrated".to_owned()),
            Self::Model(model) => RawValue::Map(ServiceMap {
                cores: model.cores.map(|cores| BoundedInt(u64::from(cores))),
                modexp_256: Time(model.modexp_256),
                modexp_513: Time(model.modexp_513),
                modexp_1025: Time(model.modexp_1025),
            }),
        }
    }

    fn plain_schema() -> Schema {
        json_schema!({ "enum": ["none", "calibrated"] })
    }
}

// ── How much the pool takes ──

/// Requests a second in each category; a category that is left out has no limit.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map with the quotas")]
pub(super) struct QuotasMap {
    /// Sign-in requests. Answers to challenges have three times this on their own; only the excess counts.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WholeRate")]
    user_authentication: Option<WholeRate>,
    /// Reads of devices.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WholeRate")]
    user_resource_read: Option<WholeRate>,
    /// Changes of devices.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WholeRate")]
    user_resource_update: Option<WholeRate>,
}

impl WordOrMapValue for Quotas {
    const NAME: &str = "Quotas";
    const EXPECTED: &str = "`none`, `cognito`, or limits such as `{ user_authentication: 120/s }`";
    type Map = QuotasMap;

    fn from_word(word: &str) -> Result<Self, String> {
        match word {
            "none" => Ok(Self::NONE),
            "cognito" => Ok(Self::COGNITO),
            _ => unknown_word(word, Self::EXPECTED),
        }
    }

    fn from_map(map: QuotasMap) -> Result<Self, String> {
        let limit = |rate: Option<WholeRate>| rate.map(|WholeRate(rate)| rate);
        Ok(Self {
            user_authentication: limit(map.user_authentication),
            user_resource_read: limit(map.user_resource_read),
            user_resource_update: limit(map.user_resource_update),
        })
    }

    fn to_raw(&self) -> RawValue<QuotasMap> {
        match *self {
            Self::NONE => RawValue::Word("none".to_owned()),
            Self::COGNITO => RawValue::Word("cognito".to_owned()),
            Self { user_authentication, user_resource_read, user_resource_update } => {
                RawValue::Map(QuotasMap {
                    user_authentication: user_authentication.map(WholeRate),
                    user_resource_read: user_resource_read.map(WholeRate),
                    user_resource_update: user_resource_update.map(WholeRate),
                })
            }
        }
    }

    fn plain_schema() -> Schema {
        json_schema!({ "enum": ["none", "cognito"] })
    }
}

/// Size of SRP's secret ephemeral value: 256 or 1024 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct EphemeralBits(pub(super) u32);

struct EphemeralVisitor;

impl Visitor<'_> for EphemeralVisitor {
    type Value = EphemeralBits;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("256 or 1024")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<EphemeralBits, E> {
        match number {
            256 => Ok(EphemeralBits(256)),
            1024 => Ok(EphemeralBits(1024)),
            _ => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
        }
    }
}

impl<'de> Deserialize<'de> for EphemeralBits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EphemeralVisitor)
    }
}

impl Serialize for EphemeralBits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl JsonSchema for EphemeralBits {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EphemeralBits".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": [256, 1024] })
    }
}
