//! Keys whose value is a word, a number or a map.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::delay::Delay;
use super::validated::{ArrivalProcess, DeviceCount, Service, ServiceModel};
use super::values::{TextValue as _, Time};

/// A value that a scenario writes as a word, a number or a map.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct WordOrMap<T>(pub(super) T);

/// A type that has a text form beside a map form.
pub(super) trait WordOrMapValue: Clone + PartialEq + 'static {
    /// Name in the schema.
    const NAME: &str;
    /// Description of the accepted values, with an example of each form.
    const EXPECTED: &str;
    /// The accepted words, if there is a fixed list of them.
    const WORDS: &[(&str, Self)] = &[];
    /// The type with the schema of the map form.
    type Map: JsonSchema;

    /// Parses the text form.
    fn from_word(word: &str) -> Result<Self, String> {
        match Self::WORDS.iter().find(|(known, _)| *known == word) {
            Some((_, value)) => Ok(value.clone()),
            // The format of serde's error, from which [`super::yaml`] derives suggestions.
            None => Err(format!("unknown variant `{word}`, expected {}", Self::EXPECTED)),
        }
    }

    /// Converts a number. `None` if the type has no number form.
    fn from_number(_number: u64) -> Option<Result<Self, String>> {
        None
    }

    /// Reads the map form.
    fn from_map<'de, D: Deserializer<'de>>(map: D) -> Result<Self, D::Error>;

    /// Writes a value that is not one of [`Self::WORDS`].
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// The schema of the text or number form.
    fn plain_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = Self::WORDS.iter().map(|(word, _)| *word).collect();
        json_schema!({ "enum": words })
    }
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

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WordOrMap<T>, A::Error> {
        let value = T::from_map(MapAccessDeserializer::new(&mut map))?;
        // A distribution reads one key of the map; a second one would be ignored.
        match map.next_key::<String>()? {
            None => Ok(WordOrMap(value)),
            Some(key) => {
                Err(de::Error::custom(format_args!("only one distribution is allowed, not `{key}` too")))
            }
        }
    }
}

impl<'de, T: WordOrMapValue> Deserialize<'de> for WordOrMap<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrMapVisitor(PhantomData))
    }
}

impl<T: WordOrMapValue> Serialize for WordOrMap<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match T::WORDS.iter().find(|(_, value)| *value == self.0) {
            Some((word, _)) => serializer.serialize_str(word),
            None => self.0.write(serializer),
        }
    }
}

impl<T: WordOrMapValue> JsonSchema for WordOrMap<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let forms = [T::plain_schema(generator), generator.subschema_for::<T::Map>()];
        json_schema!({ "description": T::EXPECTED, "anyOf": forms })
    }
}

impl WordOrMapValue for DeviceCount {
    const NAME: &str = "DeviceCount";
    const EXPECTED: &str = "a number of devices from 0 to 8, or a distribution such as `{ poisson: 1.3 }`";
    type Map = Self;

    fn from_word(word: &str) -> Result<Self, String> {
        Err(format!("`{word}` is not {}", Self::EXPECTED))
    }

    fn from_number(number: u64) -> Option<Result<Self, String>> {
        Some(match u32::try_from(number) {
            Ok(count) if count <= Self::MAX => Ok(Self::Exactly(count)),
            _ => Err(format!("{number} devices are too many: a user starts with at most {}", Self::MAX)),
        })
    }

    fn from_map<'de, D: Deserializer<'de>>(map: D) -> Result<Self, D::Error> {
        Self::deserialize(map)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Exactly(count) => serializer.serialize_u32(count),
            Self::Poisson(_) => Self::serialize(self, serializer),
        }
    }

    fn plain_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": Self::MAX })
    }
}

impl WordOrMapValue for ArrivalProcess {
    const NAME: &str = "Arrivals";
    const EXPECTED: &str =
        "`poisson`, `constant`, or bursts such as `{ bursty: { bursts: 5x, for: 2s, every: 10s } }`";
    const WORDS: &[(&str, Self)] = &[("poisson", Self::Poisson), ("constant", Self::Constant)];
    type Map = Self;

    fn from_map<'de, D: Deserializer<'de>>(map: D) -> Result<Self, D::Error> {
        Self::deserialize(map)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl WordOrMapValue for Delay {
    const NAME: &str = "Delay";
    const EXPECTED: &str =
        "`none`, a time such as `8s`, or a distribution such as `{ exponential: { mean: 2s } }`";
    type Map = Self;

    fn from_word(word: &str) -> Result<Self, String> {
        match word {
            "none" => Ok(Self::None),
            _ if word.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                Err(format!("`{word}` is not {}", Self::EXPECTED))
            }
            time => Time::parse(time).map(|Time(time)| Self::Constant(time)),
        }
    }

    fn from_map<'de, D: Deserializer<'de>>(map: D) -> Result<Self, D::Error> {
        Self::deserialize(map)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::None => serializer.serialize_str("none"),
            Self::Constant(time) => serializer.collect_str(&Time(time)),
            Self::Uniform { .. } | Self::Exponential { .. } | Self::LogNormal { .. } => {
                Self::serialize(self, serializer)
            }
        }
    }

    fn plain_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": format!("{}|^none$", Time::PATTERN) })
    }
}

impl WordOrMapValue for Service {
    const NAME: &str = "Service";
    const EXPECTED: &str = "`none`, `calibrated`, or costs such as `{ cores: 4, modexp_256: 340us }`";
    const WORDS: &[(&str, Self)] = &[("none", Self::None), ("calibrated", Self::Calibrated)];
    type Map = ServiceModel;

    fn from_map<'de, D: Deserializer<'de>>(map: D) -> Result<Self, D::Error> {
        ServiceModel::deserialize(map).map(Self::Model)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.model().serialize(serializer)
    }
}
