//! The JSON text of the API: a bounded reader, and serde values in AWS's terms.
//!
//! Requests are untrusted text. [`parse`] reads text in bounded work and refuses duplicate keys, because two
//! readers could use different values. [`from_value`] makes a type of the result: null is the same as absent,
//! unknown keys are ignored, and errors have a path. [`to_value`] is the reverse.

use std::cell::RefCell;
use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use serde::{Serialize, forward_to_deserialize_any};
use serde_json::{Map, Value};

use crate::protocol::{ApiError, ErrorKind};

/// Limits of a text.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most levels of nesting.
    pub depth: usize,
    /// Most values, including lists, objects and the values in them.
    pub values: usize,
}

/// Why a text was refused.
#[derive(Debug)]
pub struct ParseError {
    /// The kind of error.
    pub kind: ParseErrorKind,
    /// The parser's error, with its position.
    pub source: serde_json::Error,
}

/// Kinds of [`ParseError`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ParseErrorKind {
    /// The text is not JSON.
    Syntax,
    /// An object contains this key twice.
    DuplicateKey(String),
    /// The text exceeds [`Limits::depth`].
    TooDeep,
    /// The text exceeds [`Limits::values`].
    TooManyValues,
}

/// Parses JSON text within limits.
///
/// # Errors
///
/// Fails if the text is not JSON, exceeds a limit, or has an object with a duplicate key.
pub fn parse(text: &[u8], limits: Limits) -> Result<Value, ParseError> {
    let state = RefCell::new((0, None));
    let mut parser = serde_json::Deserializer::from_slice(text);
    let level = Level { limits, state: &state, depth: 0 };
    let parsed = level.deserialize(&mut parser).and_then(|value| parser.end().map(|()| value));
    parsed.map_err(|source| ParseError { kind: state.take().1.unwrap_or(ParseErrorKind::Syntax), source })
}

/// A level of nesting while a text is parsed. The state is the number of values so far, and the error if it is
/// not one of syntax.
#[derive(Clone, Copy)]
struct Level<'s> {
    limits: Limits,
    state: &'s RefCell<(usize, Option<ParseErrorKind>)>,
    depth: usize,
}

impl Level<'_> {
    fn refuse<E: de::Error>(self, kind: ParseErrorKind) -> E {
        let error = match &kind {
            ParseErrorKind::DuplicateKey(key) => E::custom(format_args!("the key `{key}` is given twice")),
            _ => E::custom("the text exceeds a limit"),
        };
        self.state.borrow_mut().1 = Some(kind);
        error
    }

    fn nested<E: de::Error>(self) -> Result<Self, E> {
        if self.depth >= self.limits.depth {
            return Err(self.refuse(ParseErrorKind::TooDeep));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<Value, D::Error> {
        self.state.borrow_mut().0 += 1;
        if self.state.borrow().0 > self.limits.values {
            return Err(self.refuse(ParseErrorKind::TooManyValues));
        }
        text.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(flag.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let nested = self.nested()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(nested)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let nested = self.nested()?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(self.refuse(ParseErrorKind::DuplicateKey(key)));
            }
            map.insert(key, entries.next_value_seed(nested)?);
        }
        Ok(Value::Object(map))
    }
}

/// The key of a field whose own fields are keys of the structure that contains it.
///
/// serde's `flatten` reads such fields without their keys and accepts lists for structures, so that AWS's error
/// texts cannot be given.
pub const FLATTEN: &str = "$flatten";

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
            if map.get(FLATTEN).is_some_and(Value::is_object)
                && let Some(Value::Object(flattened)) = map.remove(FLATTEN)
            {
                map.extend(flattened);
            }
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(normalize);
        }
        Value::Array(list) => list.iter_mut().for_each(normalize),
        _ => {}
    }
}

/// Makes a type of a JSON object. Lists and maps in it may have at most `max_entries` entries.
///
/// # Errors
///
/// Fails if a required key is missing, or a value does not have the type or range that its key requires.
pub fn from_value<'v, T: Deserialize<'v>>(root: &'v Value, max_entries: usize) -> Result<T, WireError> {
    T::deserialize(Node { value: root, step: None, max_entries })
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
    /// What does not fit.
    pub mismatch: Mismatch,
}

/// What does not fit in a [`WireError`].
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
}

impl WireError {
    fn new(mismatch: Mismatch) -> Self {
        Self { path: Vec::new(), mismatch }
    }
}

/// The error in AWS's words.
impl From<WireError> for ApiError {
    fn from(error: WireError) -> Self {
        let key = error.path.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        });
        let constraint = |value: &str, key: &str, constraint: &str| {
            // AWS writes keys with a small first letter in these messages.
            let mut letters = key.chars();
            let first = letters.next().map(|first| first.to_ascii_lowercase());
            let key: String = first.into_iter().chain(letters).collect();
            Self::invalid_parameter(format!(
                "1 validation error detected: Value {value}at '{key}' failed to satisfy constraint: Member must {constraint}"
            ))
        };
        let serialization = |message: String| Self::new(ErrorKind::Serialization, message);
        let key = key.unwrap_or_default();
        match error.mismatch {
            Mismatch::Missing(field) => constraint("null ", field, "not be null"),
            Mismatch::Range(number) => {
                constraint(&format!("'{number}' "), key, "have value between 0 and 4294967295")
            }
            Mismatch::TooManyEntries(most) => {
                constraint("", key, &format!("have length less than or equal to {most}"))
            }
            Mismatch::Type { found, wanted } => serialization(match found {
                Kind::List => "Start of list found where not expected.".to_owned(),
                Kind::Object => "Start of structure or map found where not expected.".to_owned(),
                Kind::Null => format!("NULL_VALUE can not be converted to {wanted}"),
                Kind::True => format!("TRUE_VALUE can not be converted to {wanted}"),
                Kind::False => format!("FALSE_VALUE can not be converted to {wanted}"),
                Kind::Number => format!("NUMBER_VALUE can not be converted to {wanted}"),
                Kind::Text => format!("STRING_VALUE can not be converted to {wanted}"),
            }),
            Mismatch::Other(message) => serialization(message),
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&ApiError::from(self.clone()).message)
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

/// A value and the last step of the path to it; the root has none.
#[derive(Clone, Copy)]
struct Node<'v> {
    value: &'v Value,
    step: Option<StepRef<'v>>,
    max_entries: usize,
}

#[derive(Clone, Copy)]
enum StepRef<'v> {
    Key(&'v str),
    Index(usize),
}

impl<'v> Node<'v> {
    /// Adds the step to this node to the path of an error.
    fn locate<T>(self, result: Result<T, WireError>) -> Result<T, WireError> {
        result.map_err(|mut error| {
            let step = self.step.map(|step| match step {
                StepRef::Key(key) => Step::Key(key.to_owned()),
                StepRef::Index(index) => Step::Index(index),
            });
            error.path.splice(0..0, step);
            error
        })
    }

    /// Visits the value. `fields` are those of the wanted structure, if it is one.
    fn visit<V: Visitor<'v>>(self, fields: &[&str], visitor: V) -> Result<V::Value, WireError> {
        let flattened = fields.contains(&FLATTEN).then_some((FLATTEN, Node { step: None, ..self }));
        let child = |value, step| Node { value, step: Some(step), ..self };
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(*flag),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), _, _) => visitor.visit_u64(number),
                (None, Some(number), _) => visitor.visit_i64(number),
                (None, None, number) => visitor.visit_f64(number.unwrap_or_default()),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(list) => visitor.visit_seq(SeqDeserializer::new(
                list.iter().enumerate().map(|(index, value)| child(value, StepRef::Index(index))),
            )),
            Value::Object(map) => visitor.visit_map(MapDeserializer::new(
                map.iter()
                    .filter(|(key, value)| !value.is_null() && *key != FLATTEN)
                    .map(|(key, value)| (key.as_str(), child(value, StepRef::Key(key))))
                    .chain(flattened),
            )),
        }
    }

    /// Visits a list or a map within the limit.
    fn visit_bounded<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, WireError> {
        let entries = match self.value {
            Value::Array(list) => list.len(),
            Value::Object(map) => map.len(),
            _ => 0,
        };
        self.locate(if entries > self.max_entries {
            Err(WireError::new(Mismatch::TooManyEntries(self.max_entries)))
        } else {
            self.visit(&[], visitor)
        })
    }
}

impl<'v> IntoDeserializer<'v, WireError> for Node<'v> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = WireError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        self.locate(self.visit(&[], visitor))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, WireError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, WireError> {
        self.locate(match self.value {
            // serde would accept the fields as a list.
            Value::Array(_) => Err(de::Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.visit(fields, visitor),
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        self.visit_bounded(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        self.visit_bounded(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        tuple tuple_struct enum identifier
    }
}
