//! Parses JSON text into a tree, with limits on the work.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use poolproof_cognito::protocol::{ApiError, ErrorKind};

/// Maximum size of a request in bytes.
pub const MAX_BODY: usize = 128 * 1024;
/// Maximum nesting depth of a request. Valid requests need at most 5.
pub const MAX_DEPTH: usize = 16;
/// Maximum number of values in a request.
pub const MAX_VALUES: usize = 4096;

/// A JSON value, as written.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Node {
    Null,
    Flag(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
}

/// The reason why valid JSON is rejected.
#[derive(Clone, PartialEq, Debug)]
enum Flaw {
    Twice(String),
    TooDeep,
    TooMany,
}

/// Parses the top-level map of a request.
pub(super) fn parse(body: &[u8]) -> Result<BTreeMap<String, Node>, ApiError> {
    if body.len() > MAX_BODY {
        return Err(refusal(format!("The request is longer than {MAX_BODY} bytes.")));
    }
    parse_any(body)
}

/// Parses a top-level map without a limit on its length.
pub(super) fn parse_any(body: &[u8]) -> Result<BTreeMap<String, Node>, ApiError> {
    let limits = Limits { values: Cell::new(0), flaw: Cell::new(None) };
    let mut text = serde_json::Deserializer::from_slice(body);
    let seed = Level { limits: &limits, depth: 0 };
    match seed.deserialize(&mut text).and_then(|node| text.end().map(|()| node)) {
        Ok(Node::Map(map)) => Ok(map),
        Ok(_) => Err(refusal("The request is not a structure.")),
        Err(_) => Err(refusal(match limits.flaw.take() {
            Some(Flaw::Twice(key)) => {
                format!("Field '{}' is given twice.", key.chars().take(64).collect::<String>())
            }
            Some(Flaw::TooDeep) => format!("The request is nested deeper than {MAX_DEPTH} levels."),
            Some(Flaw::TooMany) => format!("The request has more than {MAX_VALUES} values."),
            None => "The request is not JSON text.".to_owned(),
        })),
    }
}

/// Returns the error for a request that cannot be parsed.
pub(super) fn refusal(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorKind::Serialization, message)
}

struct Limits {
    values: Cell<usize>,
    flaw: Cell<Option<Flaw>>,
}

impl Limits {
    fn fault<E: de::Error>(&self, flaw: Flaw) -> E {
        self.flaw.set(Some(flaw));
        E::custom("refused")
    }
}

#[derive(Clone, Copy)]
struct Level<'l> {
    limits: &'l Limits,
    depth: usize,
}

impl Level<'_> {
    fn below<E: de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.limits.fault(Flaw::TooDeep));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<Node, D::Error> {
        let values = self.limits.values.get() + 1;
        self.limits.values.set(values);
        if values > MAX_VALUES {
            return Err(self.limits.fault(Flaw::TooMany));
        }
        text.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Node, E> {
        Ok(Node::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        Ok(serde_json::Number::from_f64(number).map_or(Node::Null, Node::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let below = self.below()?;
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element_seed(below)? {
            nodes.push(node);
        }
        Ok(Node::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let below = self.below()?;
        let mut nodes = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            if nodes.contains_key(&key) {
                return Err(self.limits.fault(Flaw::Twice(key)));
            }
            nodes.insert(key, map.next_value_seed(below)?);
        }
        Ok(Node::Map(nodes))
    }
}
