//! Describes each shape once for both directions: the same keys are read and written.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::MAX_ENTRIES;
use super::json::{Node, refusal};
use poolproof_cognito::ids::{AccessToken, DeviceGroupKey, DeviceKey, Session, Sub, Username};
use poolproof_cognito::protocol::{ApiError, Attributes, Parameters};
use poolproof_cognito::time::Timestamp;

pub(super) type Outcome = Result<(), ApiError>;

/// A structure of the API, with its fields in the order in which they are read and written.
pub(super) trait Shape: Default {
    /// Passes every field to `form`, which reads or writes it.
    fn fields(&mut self, form: &mut impl Form) -> Outcome;
}

/// A type for an identifier that is text on the wire.
pub(super) trait Name: Default {
    fn of(text: String) -> Self;
    fn text(&self) -> &str;
}

macro_rules! names {
    ($($name:ident),*) => {$(
        impl Name for $name {
            fn of(text: String) -> Self {
                Self::new(text)
            }

            fn text(&self) -> &str {
                self.as_str()
            }
        }
    )*};
}

names!(AccessToken, DeviceGroupKey, DeviceKey, Session, Sub, Username);

impl<S: Shape> Shape for Box<S> {
    fn fields(&mut self, form: &mut impl Form) -> Outcome {
        (**self).fields(form)
    }
}

/// Reads or writes fields. Requests leave out empty lists and maps; responses always include them.
pub(super) trait Form {
    /// Handles required text.
    fn text(&mut self, key: &'static str, field: &mut String) -> Outcome;
    /// Handles text that defaults to empty. The pool decides whether it may be empty.
    fn text_or_empty(&mut self, key: &'static str, field: &mut String) -> Outcome;
    /// Handles optional text.
    fn maybe_text(&mut self, key: &'static str, field: &mut Option<String>) -> Outcome;
    /// Handles an optional boolean.
    fn maybe_flag(&mut self, key: &'static str, field: &mut Option<bool>) -> Outcome;
    /// Handles an optional non-negative integer.
    fn maybe_whole(&mut self, key: &'static str, field: &mut Option<u32>) -> Outcome;
    /// Handles a map from keys to text.
    fn parameters(&mut self, key: &'static str, field: &mut Parameters) -> Outcome;
    /// Handles a list of names and values.
    fn attributes(&mut self, key: &'static str, field: &mut Attributes) -> Outcome;
    /// Handles a list of strings.
    fn texts(&mut self, key: &'static str, field: &mut Vec<String>) -> Outcome;
    /// Handles an optional structure.
    fn maybe<S: Shape>(&mut self, key: &'static str, field: &mut Option<S>) -> Outcome;
    /// Handles a boolean that is always written; false if absent.
    fn flag(&mut self, key: &'static str, field: &mut bool) -> Outcome;
    /// Handles an integer that is always written; 0 if absent.
    fn whole(&mut self, key: &'static str, field: &mut u32) -> Outcome;
    /// Handles seconds since 1970 with three decimal places; 1970 if absent.
    fn date(&mut self, key: &'static str, field: &mut Timestamp) -> Outcome;
    /// Handles a required identifier.
    fn name<N: Name>(&mut self, key: &'static str, field: &mut N) -> Outcome;
    /// Handles an optional identifier.
    fn maybe_name<N: Name>(&mut self, key: &'static str, field: &mut Option<N>) -> Outcome;
    /// Handles one of `words`. Any other text is read as the last of them.
    fn word(&mut self, key: &'static str, words: &[&'static str], field: &mut &'static str) -> Outcome;
    /// Handles a map from keys to text, written even if empty.
    fn all_parameters(&mut self, key: &'static str, field: &mut Parameters) -> Outcome;
    /// Handles a list of names and values, written even if empty.
    fn all_attributes(&mut self, key: &'static str, field: &mut Attributes) -> Outcome;
    /// Handles a list of strings, written even if empty.
    fn all_texts(&mut self, key: &'static str, field: &mut Vec<String>) -> Outcome;
    /// Handles a list of structures, written even if empty.
    fn list<S: Shape>(&mut self, key: &'static str, field: &mut Vec<S>) -> Outcome;
}

/// Reads a shape from a tree.
pub(super) fn read<S: Shape>(map: BTreeMap<String, Node>) -> Result<S, ApiError> {
    let mut shape = S::default();
    shape.fields(&mut Reader(map))?;
    Ok(shape)
}

/// Returns a shape as JSON.
pub(super) fn written<S: Shape + Clone>(shape: &S) -> Map<String, Value> {
    emptied(&mut shape.clone())
}

/// Returns a shape as JSON and leaves the shape empty.
pub(super) fn emptied(shape: &mut impl Shape) -> Map<String, Value> {
    let mut writer = Writer(Map::new());
    // A writer never fails.
    drop(shape.fields(&mut writer));
    writer.0
}

struct Reader(BTreeMap<String, Node>);

impl Reader {
    /// Removes and returns the value of a key; null counts as absent.
    fn take(&mut self, key: &str) -> Option<Node> {
        self.0.remove(key).filter(|node| *node != Node::Null)
    }
}

/// Returns the error for a value of the wrong type, in AWS's words.
fn unexpected(node: &Node, wanted: &str) -> ApiError {
    let found = match node {
        Node::Null => "NULL_VALUE",
        Node::Flag(true) => "TRUE_VALUE",
        Node::Flag(false) => "FALSE_VALUE",
        Node::Number(_) => "NUMBER_VALUE",
        Node::Text(_) => "STRING_VALUE",
        Node::List(_) => return refusal("Start of list found where not expected."),
        Node::Map(_) => return refusal("Start of structure or map found where not expected."),
    };
    refusal(format!("{found} can not be converted to {wanted}"))
}

/// Returns a field's name as in AWS's messages, with a lower-case first letter.
fn called(key: &str) -> String {
    let mut letters = key.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn as_text(node: Node) -> Result<String, ApiError> {
    match node {
        Node::Text(text) => Ok(text),
        other => Err(unexpected(&other, "a String")),
    }
}

fn as_list(key: &str, node: Node) -> Result<Vec<Node>, ApiError> {
    match node {
        Node::List(list) => few(key, list.len()).map(|()| list),
        Node::Map(_) => Err(unexpected(&node, "")),
        other => Err(unexpected(&other, "a List")),
    }
}

fn as_map(key: &str, node: Node) -> Result<BTreeMap<String, Node>, ApiError> {
    match node {
        Node::Map(map) => few(key, map.len()).map(|()| map),
        Node::List(_) => Err(unexpected(&node, "")),
        other => Err(unexpected(&other, "a Map")),
    }
}

fn few(key: &str, entries: usize) -> Outcome {
    if entries <= MAX_ENTRIES {
        return Ok(());
    }
    Err(ApiError::invalid_parameter(format!(
        "1 validation error detected: Value at '{}' failed to satisfy constraint: Member must have length less than or \
         equal to {MAX_ENTRIES}",
        called(key)
    )))
}

fn absent(key: &str) -> ApiError {
    ApiError::invalid_parameter(format!(
        "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
        called(key)
    ))
}

impl Form for Reader {
    fn text(&mut self, key: &'static str, field: &mut String) -> Outcome {
        *field = as_text(self.take(key).ok_or_else(|| absent(key))?)?;
        Ok(())
    }

    fn text_or_empty(&mut self, key: &'static str, field: &mut String) -> Outcome {
        *field = self.take(key).map_or(Ok(String::new()), as_text)?;
        Ok(())
    }

    fn maybe_text(&mut self, key: &'static str, field: &mut Option<String>) -> Outcome {
        *field = self.take(key).map(as_text).transpose()?;
        Ok(())
    }

    fn maybe_flag(&mut self, key: &'static str, field: &mut Option<bool>) -> Outcome {
        *field = match self.take(key) {
            None => None,
            Some(Node::Flag(flag)) => Some(flag),
            Some(other) => return Err(unexpected(&other, "a Boolean")),
        };
        Ok(())
    }

    fn maybe_whole(&mut self, key: &'static str, field: &mut Option<u32>) -> Outcome {
        let node = self.take(key);
        let Some(Node::Number(number)) = &node else {
            *field = None;
            return node.map_or(Ok(()), |other| Err(unexpected(&other, "an Integer")));
        };
        *field = number.as_u64().and_then(|whole| u32::try_from(whole).ok());
        match *field {
            Some(_) => Ok(()),
            None if number.is_f64() => Err(refusal("NUMBER_VALUE can not be converted to an Integer")),
            None => Err(ApiError::invalid_parameter(format!(
                "1 validation error detected: Value '{number}' at '{}' failed to satisfy constraint: Member must have \
                 value between 0 and 4294967295",
                called(key)
            ))),
        }
    }

    fn parameters(&mut self, key: &'static str, field: &mut Parameters) -> Outcome {
        let Some(node) = self.take(key) else { return Ok(()) };
        for (name, value) in as_map(key, node)? {
            if value != Node::Null {
                *field = std::mem::take(field).with(&name, as_text(value)?);
            }
        }
        Ok(())
    }

    fn attributes(&mut self, key: &'static str, field: &mut Attributes) -> Outcome {
        let Some(node) = self.take(key) else { return Ok(()) };
        for node in as_list(key, node)? {
            let Node::Map(map) = node else { return Err(unexpected(&node, "a Structure")) };
            let mut one = Self(map);
            let (mut name, mut value) = (String::new(), String::new());
            one.text("Name", &mut name)?;
            one.text_or_empty("Value", &mut value)?;
            field.push((name, value));
        }
        Ok(())
    }

    fn texts(&mut self, key: &'static str, field: &mut Vec<String>) -> Outcome {
        let Some(node) = self.take(key) else { return Ok(()) };
        *field = as_list(key, node)?.into_iter().map(as_text).collect::<Result<_, _>>()?;
        Ok(())
    }

    fn maybe<S: Shape>(&mut self, key: &'static str, field: &mut Option<S>) -> Outcome {
        *field = match self.take(key) {
            None => None,
            Some(Node::Map(map)) => Some(read(map)?),
            Some(Node::List(list)) => return Err(unexpected(&Node::List(list), "")),
            Some(other) => return Err(unexpected(&other, "a Structure")),
        };
        Ok(())
    }

    fn flag(&mut self, key: &'static str, field: &mut bool) -> Outcome {
        let mut maybe = None;
        self.maybe_flag(key, &mut maybe)?;
        *field = maybe.unwrap_or_default();
        Ok(())
    }

    fn whole(&mut self, key: &'static str, field: &mut u32) -> Outcome {
        let mut maybe = None;
        self.maybe_whole(key, &mut maybe)?;
        *field = maybe.unwrap_or_default();
        Ok(())
    }

    fn date(&mut self, key: &'static str, field: &mut Timestamp) -> Outcome {
        *field = match self.take(key) {
            None => Timestamp::default(),
            Some(Node::Number(number)) => moment(&number),
            Some(other) => return Err(unexpected(&other, "a Timestamp")),
        };
        Ok(())
    }

    fn name<N: Name>(&mut self, key: &'static str, field: &mut N) -> Outcome {
        let mut text = String::new();
        self.text(key, &mut text)?;
        *field = N::of(text);
        Ok(())
    }

    fn maybe_name<N: Name>(&mut self, key: &'static str, field: &mut Option<N>) -> Outcome {
        *field = self.take(key).map(as_text).transpose()?.map(N::of);
        Ok(())
    }

    fn word(&mut self, key: &'static str, words: &[&'static str], field: &mut &'static str) -> Outcome {
        let mut text = String::new();
        self.text_or_empty(key, &mut text)?;
        let known = words.iter().find(|word| **word == text).or_else(|| words.last());
        *field = known.copied().unwrap_or_default();
        Ok(())
    }

    fn all_parameters(&mut self, key: &'static str, field: &mut Parameters) -> Outcome {
        self.parameters(key, field)
    }

    fn all_attributes(&mut self, key: &'static str, field: &mut Attributes) -> Outcome {
        self.attributes(key, field)
    }

    fn all_texts(&mut self, key: &'static str, field: &mut Vec<String>) -> Outcome {
        self.texts(key, field)
    }

    fn list<S: Shape>(&mut self, key: &'static str, field: &mut Vec<S>) -> Outcome {
        let Some(node) = self.take(key) else { return Ok(()) };
        for node in as_list(key, node)? {
            let Node::Map(map) = node else { return Err(unexpected(&node, "a Structure")) };
            field.push(read(map)?);
        }
        Ok(())
    }
}

/// Returns the timestamp `number` seconds after 1970, in milliseconds.
fn moment(number: &serde_json::Number) -> Timestamp {
    let seconds = number.as_f64().unwrap_or_default();
    // Values out of range are clamped, and times before 1970 become 1970.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
    let ms = (seconds * 1000.0).round() as u64;
    Timestamp::from_us(ms.saturating_mul(1000))
}

/// Returns the seconds since 1970 with three decimal places.
fn seconds(moment: Timestamp) -> f64 {
    // Exact: milliseconds until the year 287,000 fit into the 53 bits of a float.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let seconds = (moment.as_us() / 1000) as f64 / 1000.0;
    seconds
}

fn map_of(parameters: &Parameters) -> Map<String, Value> {
    parameters.iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
}

fn list_of(attributes: &Attributes) -> Vec<Value> {
    let list = attributes.iter().map(|(name, value)| serde_json::json!({ "Name": name, "Value": value }));
    list.collect()
}

struct Writer(Map<String, Value>);

impl Writer {
    fn put(&mut self, key: &str, value: impl Into<Value>) -> Outcome {
        self.0.insert(key.to_owned(), value.into());
        Ok(())
    }
}

impl Form for Writer {
    fn text(&mut self, key: &'static str, field: &mut String) -> Outcome {
        self.put(key, std::mem::take(field))
    }

    fn text_or_empty(&mut self, key: &'static str, field: &mut String) -> Outcome {
        self.text(key, field)
    }

    fn maybe_text(&mut self, key: &'static str, field: &mut Option<String>) -> Outcome {
        field.take().map_or(Ok(()), |text| self.put(key, text))
    }

    fn maybe_flag(&mut self, key: &'static str, field: &mut Option<bool>) -> Outcome {
        field.map_or(Ok(()), |flag| self.put(key, flag))
    }

    fn maybe_whole(&mut self, key: &'static str, field: &mut Option<u32>) -> Outcome {
        field.map_or(Ok(()), |whole| self.put(key, whole))
    }

    fn parameters(&mut self, key: &'static str, field: &mut Parameters) -> Outcome {
        if field.is_empty() { Ok(()) } else { self.all_parameters(key, field) }
    }

    fn attributes(&mut self, key: &'static str, field: &mut Attributes) -> Outcome {
        if field.is_empty() { Ok(()) } else { self.all_attributes(key, field) }
    }

    fn texts(&mut self, key: &'static str, field: &mut Vec<String>) -> Outcome {
        if field.is_empty() { Ok(()) } else { self.all_texts(key, field) }
    }

    fn maybe<S: Shape>(&mut self, key: &'static str, field: &mut Option<S>) -> Outcome {
        let Some(mut shape) = field.take() else { return Ok(()) };
        let mut inner = Self(Map::new());
        shape.fields(&mut inner)?;
        self.put(key, inner.0)
    }

    fn flag(&mut self, key: &'static str, field: &mut bool) -> Outcome {
        self.put(key, *field)
    }

    fn whole(&mut self, key: &'static str, field: &mut u32) -> Outcome {
        self.put(key, *field)
    }

    fn date(&mut self, key: &'static str, field: &mut Timestamp) -> Outcome {
        self.put(key, seconds(*field))
    }

    fn name<N: Name>(&mut self, key: &'static str, field: &mut N) -> Outcome {
        self.put(key, field.text())
    }

    fn maybe_name<N: Name>(&mut self, key: &'static str, field: &mut Option<N>) -> Outcome {
        field.take().map_or(Ok(()), |name| self.put(key, name.text()))
    }

    fn word(&mut self, key: &'static str, _: &[&'static str], field: &mut &'static str) -> Outcome {
        self.put(key, *field)
    }

    fn all_parameters(&mut self, key: &'static str, field: &mut Parameters) -> Outcome {
        self.put(key, map_of(field))
    }

    fn all_attributes(&mut self, key: &'static str, field: &mut Attributes) -> Outcome {
        self.put(key, list_of(field))
    }

    fn all_texts(&mut self, key: &'static str, field: &mut Vec<String>) -> Outcome {
        self.put(key, std::mem::take(field))
    }

    fn list<S: Shape>(&mut self, key: &'static str, field: &mut Vec<S>) -> Outcome {
        let mut list = Vec::with_capacity(field.len());
        for shape in field {
            let mut inner = Self(Map::new());
            shape.fields(&mut inner)?;
            list.push(Value::Object(inner.0));
        }
        self.put(key, list)
    }
}
