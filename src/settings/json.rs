//! AWS documents as text: parsing, and the place of a value in the text.
//!
//! serde_json reports places only in errors. So the place of a value is found by walking to it and refusing
//! it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::scenario::{Diagnostic, Seek, Segment};

/// A document as text and as a value, with its file name.
pub(super) struct AwsDocument {
    pub(super) file: String,
    pub(super) text: String,
    pub(super) root: Map<String, Value>,
}

impl AwsDocument {
    /// Parses a document. Anything but a JSON object, and a duplicate key, is refused.
    pub(super) fn read(file: &str, text: &str) -> Result<Self, Diagnostic> {
        let mut parser = serde_json::Deserializer::from_str(text);
        let value = UniqueKeyValue
            .deserialize(&mut parser)
            .and_then(|value| parser.end().map(|()| value))
            .map_err(|error| syntax(file, text, &error))?;
        let kind = kind(&value);
        let Value::Object(root) = value else {
            let message = format!("{kind}, expected an object as AWS tools print");
            return Err(Diagnostic::from_parts(file, text, span(text, &[]), message, None));
        };
        Ok(Self { file: file.to_owned(), text: text.to_owned(), root })
    }

    /// Returns the value at `path`; `None` if it or a parent is absent or `null`.
    pub(super) fn value(&self, path: &[&str]) -> Result<Option<&Value>, Diagnostic> {
        let mut here = &self.root;
        for (depth, key) in path.iter().enumerate() {
            match here.get(*key) {
                None | Some(Value::Null) => return Ok(None),
                Some(value) if depth + 1 == path.len() => return Ok(Some(value)),
                Some(Value::Object(inner)) => here = inner,
                Some(other) => return Err(self.type_error(&path[..=depth], other, "an object")),
            }
        }
        Ok(None)
    }

    /// Returns the object at `path`.
    pub(super) fn object(&self, path: &[&str]) -> Result<Option<&Map<String, Value>>, Diagnostic> {
        match self.value(path)? {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(other) => Err(self.type_error(path, other, "an object")),
        }
    }

    /// Returns the string at `path`.
    pub(super) fn text(&self, path: &[&str]) -> Result<Option<&str>, Diagnostic> {
        match self.value(path)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.type_error(path, other, "a quoted string")),
        }
    }

    /// Returns the Boolean at `path`.
    pub(super) fn flag(&self, path: &[&str]) -> Result<Option<bool>, Diagnostic> {
        match self.value(path)? {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(self.type_error(path, other, "`true` or `false`")),
        }
    }

    /// Returns the value that the word at `path` stands for.
    pub(super) fn word<T: Copy>(&self, path: &[&str], words: &[(&str, T)]) -> Result<Option<T>, Diagnostic> {
        let Some(given) = self.text(path)? else { return Ok(None) };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == given) {
            return Ok(Some(*value));
        }
        let all: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let message = format!("unknown value `{given}`, expected one of {}", all.join(", "));
        let near = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(given.trim()));
        Err(self.error_at(path, &message, near.map(|(word, _)| format!("AWS writes `{word}`"))))
    }

    /// Returns the list of strings at `path`.
    pub(super) fn texts(&self, path: &[&str]) -> Result<Vec<&str>, Diagnostic> {
        let list = match self.value(path)? {
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(self.type_error(path, other, "a list")),
        };
        let text = list.iter().enumerate().map(|(at, item)| match item {
            Value::String(text) => Ok(text.as_str()),
            other => {
                let message = format!("{}, expected a quoted string", kind(other));
                Err(self.error_at_index(path, at, &message))
            }
        });
        text.collect()
    }

    /// Creates an error about the value at `path`.
    pub(super) fn error_at(&self, path: &[&str], message: &str, help: Option<String>) -> Diagnostic {
        let message =
            if path.is_empty() { message.to_owned() } else { format!("{}: {message}", path.join(".")) };
        Diagnostic::from_parts(&self.file, &self.text, span(&self.text, &key_path(path)), message, help)
    }

    /// Creates an error about an item, from 0, of the list at `path`.
    pub(super) fn error_at_index(&self, path: &[&str], at: usize, message: &str) -> Diagnostic {
        let message = format!("{}[{at}]: {message}", path.join("."));
        let mut item = key_path(path);
        item.push(Segment::Index(at));
        Diagnostic::from_parts(&self.file, &self.text, span(&self.text, &item), message, None)
    }

    fn type_error(&self, path: &[&str], value: &Value, wanted: &str) -> Diagnostic {
        self.error_at(path, &format!("{}, expected {wanted}", kind(value)), None)
    }
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Rewords an error of the parser.
fn syntax(file: &str, text: &str, error: &serde_json::Error) -> Diagnostic {
    let error_text = error.to_string();
    let at = format!(" at line {} column {}", error.line(), error.column());
    let message = error_text.strip_suffix(&at).unwrap_or(&error_text);
    if error.is_data() {
        let span = token_before(text, offset(text, error));
        return Diagnostic::from_parts(file, text, Some(span), message, None);
    }
    let (line, column) = position(text, offset(text, error).saturating_sub(1));
    let help = (message == "trailing characters").then(|| {
        "several documents in one file are not JSON: use one file for each, or merge them with `jq -s add`"
            .to_owned()
    });
    Diagnostic::from_parts(file, text, Some((line, column, 1)), format!("not JSON: {message}"), help)
}

/// Returns a path of keys.
fn key_path(path: &[&str]) -> Vec<Segment> {
    path.iter().map(|key| Segment::Key((*key).to_owned())).collect()
}

/// Returns the place of the value at `path`, or of its nearest parent.
fn span(text: &str, path: &[Segment]) -> Option<(usize, usize, usize)> {
    (0..=path.len()).rev().find_map(|length| {
        let mut parser = serde_json::Deserializer::from_str(text);
        let error = Seek(&path[..length]).deserialize(&mut parser).err()?;
        Some(token_before(text, offset(text, &error)))
    })
}

/// Returns how many bytes the parser had read at an error.
fn offset(text: &str, error: &serde_json::Error) -> usize {
    let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    (before + error.column()).min(text.len())
}

/// Returns line, column and length of the token that ends at `end`, or before it with spaces between.
fn token_before(text: &str, end: usize) -> (usize, usize, usize) {
    let bytes = text.as_bytes();
    let end = (0..end).rev().find(|&i| !bytes[i].is_ascii_whitespace()).map_or(0, |last| last + 1);
    let Some(last) = end.checked_sub(1) else { return (1, 1, 1) };
    if matches!(bytes[last], b']' | b'}') {
        // The parser refused an empty list or object and read to its end.
        let open = (0..last).rev().find(|&i| !bytes[i].is_ascii_whitespace()).unwrap_or(last);
        let (line, column) = position(text, open);
        return (line, column, 1);
    }
    let escaped = |i: usize| (0..i).rev().take_while(|&j| bytes[j] == b'\\').count() % 2 == 1;
    let start = match bytes[last] {
        b'"' => (0..last).rev().find(|&i| bytes[i] == b'"' && !escaped(i)).unwrap_or(last),
        byte if byte.is_ascii_alphanumeric() => {
            let part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
            (0..last).rev().take_while(|&i| part(bytes[i])).last().unwrap_or(last)
        }
        _ => last,
    };
    let (line, column) = position(text, start);
    let length = text.get(start..end).map_or(1, |token| token.chars().count());
    (line, column, length)
}

/// Returns line and column of a byte, from 1 and in characters.
fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = String::from_utf8_lossy(&text.as_bytes()[..byte.min(text.len())]);
    let line = before.split('\n').count();
    (line, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1)
}

/// A value whose objects have no duplicate keys.
struct UniqueKeyValue;

impl<'de> DeserializeSeed<'de> for UniqueKeyValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueKeyValue {
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

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key `{key}` is given twice")));
            }
            let value = entries.next_value_seed(Self)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}
