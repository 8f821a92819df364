//! Parses JSON text with limits on the work.

use std::cell::RefCell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

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

/// A level of nesting while a text is parsed. The state is the number of values so far, and the error unless
/// it is a syntax error.
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
