//! Makes types of parsed JSON.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserialize, Deserializer, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use super::{KEYLESS, Mismatch, Step, WireError};

/// Makes a type of a JSON object. Lists and maps in it may have at most `max_entries` entries.
///
/// # Errors
///
/// Fails if a required key is missing, or a value does not have the type or range that its key requires.
pub fn from_value<'v, T: Deserialize<'v>>(root: &'v Value, max_entries: usize) -> Result<T, WireError> {
    T::deserialize(Node { value: root, step: None, max_entries })
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
        let keyless = KEYLESS.into_iter().filter(|key| fields.contains(key));
        let flattened = keyless.map(|key| (key, Node { step: None, ..self }));
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
                    .filter(|(key, value)| !value.is_null() && !KEYLESS.contains(&key.as_str()))
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
