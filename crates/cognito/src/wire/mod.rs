//! The JSON text of the API: a bounded reader, and serde values in AWS's terms.
//!
//! Requests are untrusted text. [`parse`] reads text in bounded work and refuses duplicate keys, because two
//! readers could use different values. [`from_value`] makes a type of the result: null is the same as absent,
//! unknown keys are ignored, and errors have a path. [`to_value`] is the reverse.

mod node;
mod parse;

use std::fmt;

use serde::Serialize;
use serde::de::{self, Unexpected};
use serde_json::Value;

pub use node::from_value;
pub use parse::{Limits, ParseError, ParseErrorKind, parse};

/// The serde name that marks a flattened field: its keys are in the JSON object that contains the field.
///
/// serde's `flatten` is not used. It loses the path to a value, which AWS's error texts contain, and it
/// accepts a list for a structure.
pub const FLATTEN: &str = "$flatten";

/// The key of a field that has all keys of the structure that contains it.
pub const ALL_KEYS: &str = "$all";

/// The keys of fields that have no key of their own in the text.
const KEYLESS: [&str; 2] = [FLATTEN, ALL_KEYS];

/// Returns a value as JSON. A field without a value is left out.
pub fn to_value(value: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(value).unwrap_or_default();
    normalize(&mut value);
    value
}

/// Removes nulls and flattens structures.
fn normalize(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for key in KEYLESS {
                if map.get(key).is_some_and(Value::is_object)
                    && let Some(Value::Object(flattened)) = map.remove(key)
                {
                    map.extend(flattened);
                }
            }
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(normalize);
        }
        Value::Array(list) => list.iter_mut().for_each(normalize),
        _ => {}
    }
}

/// Returns a key as AWS's messages about constraints write it: with a lower-case first letter.
pub(crate) fn lower_first(key: &str) -> String {
    let mut letters = key.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

/// A step of a path to a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// The value of this key.
    Key(String),
    /// This item of a list, from 0.
    Index(usize),
}

/// A value that does not fit its type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WireError {
    /// The path to the value.
    pub path: Vec<Step>,
    /// The reason.
    pub mismatch: Mismatch,
}

/// The reason of a [`WireError`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mismatch {
    /// The object has no value for this required key.
    Missing(&'static str),
    /// The value has another JSON type than the wanted one.
    Type {
        /// The type of the value.
        found: Kind,
        /// The wanted type, in AWS's words with an article: `a String`.
        wanted: &'static str,
    },
    /// This number is not between 0 and 4294967295.
    Range(String),
    /// The list or map has more than this many entries.
    TooManyEntries(usize),
    /// Another error, as a sentence.
    Other(String),
}

/// The type of a JSON value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the variants are JSON's types")]
pub enum Kind {
    Null,
    False,
    True,
    Number,
    Text,
    List,
    Object,
}

impl Kind {
    /// Returns the type of a value.
    pub const fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(false) => Self::False,
            Value::Bool(true) => Self::True,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::Text,
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Object,
        }
    }

    /// Returns the name in AWS's messages.
    const fn name(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::False => "FALSE",
            Self::True => "TRUE",
            Self::Number => "NUMBER",
            Self::Text => "STRING",
            Self::List => "LIST",
            Self::Object => "OBJECT",
        }
    }
}

impl WireError {
    fn new(mismatch: Mismatch) -> Self {
        Self { path: Vec::new(), mismatch }
    }
}

/// The error in AWS's words.
impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.path.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        });
        let (value, key, constraint) = match &self.mismatch {
            Mismatch::Missing(field) => ("null ".to_owned(), Some(*field), "not be null".to_owned()),
            Mismatch::Range(number) => {
                (format!("'{number}' "), key, "have value between 0 and 4294967295".to_owned())
            }
            Mismatch::TooManyEntries(most) => {
                (String::new(), key, format!("have length less than or equal to {most}"))
            }
            Mismatch::Type { found: Kind::List, .. } => {
                return f.write_str("Start of list found where not expected.");
            }
            Mismatch::Type { found: Kind::Object, .. } => {
                return f.write_str("Start of structure or map found where not expected.");
            }
            Mismatch::Type { found, wanted } => {
                return write!(f, "{}_VALUE can not be converted to {wanted}", found.name());
            }
            Mismatch::Other(message) => return f.write_str(message),
        };
        let key = lower_first(key.unwrap_or_default());
        write!(
            f,
            "1 validation error detected: Value {value}at '{key}' failed to satisfy constraint: Member must {constraint}"
        )
    }
}

impl std::error::Error for WireError {}

impl de::Error for WireError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Mismatch::Other(message.to_string()))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match unexpected {
            Unexpected::Bool(false) => Kind::False,
            Unexpected::Bool(true) => Kind::True,
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => Kind::Number,
            Unexpected::Seq => Kind::List,
            Unexpected::Map => Kind::Object,
            Unexpected::Unit | Unexpected::Option => Kind::Null,
            _ => Kind::Text,
        };
        let wanted = match expected.to_string().as_str() {
            "a string" => "a String",
            "a boolean" => "a Boolean",
            "u32" => "an Integer",
            "f64" => "a Timestamp",
            "a sequence" => "a List",
            "a map" => "a Map",
            _ => "a Structure",
        };
        Self::new(Mismatch::Type { found, wanted })
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(match unexpected {
            Unexpected::Unsigned(number) => Mismatch::Range(number.to_string()),
            Unexpected::Signed(number) => Mismatch::Range(number.to_string()),
            _ => Mismatch::Other(format!("{unexpected} is not {expected}")),
        })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Mismatch::Missing(field))
    }
}
