//! Reads and writes YAML, and finds the position of a value. No other module uses the YAML library.
//!
//! The library reports positions only in its errors. So [`locate`] walks to a value and refuses it.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde_path_to_error::{Path, Segment as PathSegment, Track};
pub(super) use serde_yaml::Value;
use serde_yaml::with::singleton_map_recursive;

use super::diagnostic::{TextError, TextSpan, did_you_mean, nearest};
use super::key_paths;
use super::seek::{Seek, Segment};
use poolproof_cognito::boolean_word;

/// An error, and the path of the value at which it occurred.
pub(super) type ErrorAt = (Vec<Segment>, TextError);

/// Reads a value from text that [`check_form`] has accepted.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, ErrorAt> {
    let deserializer = serde_yaml::Deserializer::from_str(text);
    serde_path_to_error::deserialize(deserializer)
        .map_err(|error| (segments(error.path()), text_error(text, error.inner())))
}

fn segments(path: &Path) -> Vec<Segment> {
    let segment = |segment: &PathSegment| match segment {
        PathSegment::Map { key } => Some(Segment::Key(key.clone())),
        PathSegment::Enum { variant } => Some(Segment::Key(variant.clone())),
        PathSegment::Seq { index } => Some(Segment::Index(*index)),
        PathSegment::Unknown => None,
    };
    path.iter().map_while(segment).collect()
}

/// Refuses duplicate keys, keys without a value, and lists at paths other than `lists`.
///
/// The library reports duplicate keys at another position, takes an empty value for an empty map, and takes a
/// list for the values of a map.
pub(super) fn check_form(text: &str, lists: &[&str]) -> Result<(), ErrorAt> {
    let form = Form { path: String::new(), lists };
    let mut track = Track::new();
    let deserializer = serde_yaml::Deserializer::from_str(text);
    form.deserialize(serde_path_to_error::Deserializer::new(deserializer, &mut track))
        .map_err(|error| (segments(&track.path()), text_error(text, &error)))
}

/// Returns the position of the key at the end of `path`.
pub(super) fn locate_key(text: &str, path: &[Segment]) -> Option<TextSpan> {
    let error = Seek::key(path).deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
    text_error(text, &error).span
}

/// Returns the position of the value at `path`, or of the nearest enclosing value if it does not exist.
pub(super) fn locate(text: &str, path: &[Segment]) -> Option<TextSpan> {
    (0..=path.len()).rev().find_map(|length| {
        let seek = Seek::value(&path[..length]);
        let error = seek.deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
        text_error(text, &error).span
    })
}

/// Returns the line of the key or item at the end of `path`, from 1, or `None` if the text does not have it.
pub(super) fn line_of(text: &str, path: &[Segment]) -> Option<usize> {
    let root: Value = serde_yaml::from_str(text).ok()?;
    path.iter().try_fold(&root, |value, segment| match segment {
        Segment::Key(key) => value.get(key.as_str()),
        Segment::Index(index) => value.get(*index),
    })?;
    let found = locate(text, path)?.line;
    let Some(Segment::Key(key)) = path.last() else { return Some(found) };
    // A map or list in block style starts below its key.
    let above = text.split('\n').take(found).enumerate().collect::<Vec<_>>();
    let of_key = above.into_iter().rev().find(|(_, line)| line.contains(key.as_str()));
    Some(of_key.map_or(found, |(index, _)| index + 1))
}

/// Returns a value in its YAML form.
pub(super) fn value<T: Serialize>(value: &T) -> Value {
    singleton_map_recursive::serialize(value, serde_yaml::value::Serializer).unwrap_or_default()
}

/// Writes a value as YAML, enum variants with data as maps with one key. Fields that are `None` are left out.
pub(super) fn write<T: Serialize>(value: &T) -> String {
    // Serialization fails only on shapes without a YAML form, such as maps as keys. A scenario has none.
    let mut value =
        singleton_map_recursive::serialize(value, serde_yaml::value::Serializer).unwrap_or_default();
    remove_nulls(&mut value);
    to_text(&value)
}

/// Writes a value as YAML. Words that YAML 1.1 reads as booleans are quoted, because many tools still follow
/// that version.
pub(super) fn to_text(value: &Value) -> String {
    let plain = serde_yaml::to_string(value).unwrap_or_default();
    let quoted: String = plain.lines().map(|line| with_quoted_boolean(line) + "\n").collect();
    // A line of a text of several lines can look like such a word.
    if serde_yaml::from_str::<Value>(&quoted).is_ok_and(|read| read == *value) { quoted } else { plain }
}

/// Quotes the value of a line `key: no` or `- no`.
fn with_quoted_boolean(line: &str) -> String {
    match line.rsplit_once(' ') {
        Some((start, word)) if start.ends_with([':', '-']) && boolean_word::is_boolean(word) => {
            format!("{start} '{word}'")
        }
        _ => line.to_owned(),
    }
}

fn remove_nulls(value: &mut Value) {
    match value {
        Value::Mapping(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(remove_nulls);
        }
        Value::Sequence(list) => list.iter_mut().for_each(remove_nulls),
        _ => {}
    }
}

/// Converts an error of `serde_yaml`.
fn text_error(text: &str, error: &serde_yaml::Error) -> TextError {
    let location = error.location();
    let mut message = error.to_string();
    let mut context = None;
    if let Some(location) = &location {
        // The message ends with " at line 2 column 3", perhaps followed by ", while parsing a block mapping
        // at …".
        let at = format!(" at line {} column {}", location.line(), location.column());
        if let Some(end) = message.rfind(&at).or_else(|| message.rfind(" at position ")) {
            context = message[end..].split_once(", ").map(|(_, context)| context.to_owned());
            message.truncate(end);
        }
    }
    let (path, body) = match message.split_once(": ") {
        Some((path, body)) if !path.starts_with("invalid ") && !path.contains('`') => {
            (format!("{path}: "), body)
        }
        _ => (String::new(), message.as_str()),
    };
    let span = location.map(|location| span(text, location.line(), location.column()));
    TextError { message: path + &reworded(body), help: suggestion(body).or(context), span }
}

/// Most characters of a text that a message quotes.
const MAX_QUOTED: usize = 40;

/// Rewords serde's message about a single value: `` `10` is not a time such as `8s` ``. Long values are
/// shortened.
fn single_value(message: &str) -> Option<String> {
    let rest = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "))?;
    let (kind, rest) = rest.split_once(['`', '"'])?;
    let (value, expected) = rest.rsplit_once(", expected ")?;
    let value = value.strip_suffix(['`', '"'])?;
    if !["string ", "integer ", "floating point ", "number ", "boolean "].contains(&kind) {
        return None;
    }
    let cut: String = value.chars().take(MAX_QUOTED).collect();
    // A text that is already cut has one character more, the ellipsis.
    let value = if value.chars().count() > MAX_QUOTED + 1 { cut + "…" } else { value.to_owned() };
    let expected = match expected {
        "a boolean" => "`true` or `false`",
        "a sequence" => "a list",
        other => other,
    };
    // The quotes of a number in the file make it a text.
    let value = if kind == "string " { format!("the text \"{value}\"") } else { format!("`{value}`") };
    Some(format!("{value} is not {expected}"))
}

/// Replaces serde's terms of Rust by terms of YAML.
fn reworded(message: &str) -> String {
    if let Some(message) = single_value(message) {
        return message;
    }
    let ends = [
        (", expected a boolean", ", expected `true` or `false`"),
        (", expected a sequence", ", expected a list"),
        (", expected a YAML tag starting with '!'", ", expected a word"),
    ];
    for (theirs, ours) in ends {
        if let Some(rest) = message.strip_suffix(theirs) {
            return format!("{rest}{ours}");
        }
    }
    let starts = [
        ("unknown field ", "unknown key "),
        ("missing field ", "missing key "),
        ("unknown variant ", "unknown word "),
        ("invalid type: sequence, ", "invalid type: list, "),
    ];
    for (theirs, ours) in starts {
        if let Some(rest) = message.strip_prefix(theirs) {
            return format!("{ours}{rest}");
        }
    }
    message.to_owned()
}

/// Suggests the place of a key that exists elsewhere, or the expected word that is most similar to the given
/// one.
fn suggestion(message: &str) -> Option<String> {
    let key = message.strip_prefix("unknown field ");
    let (given, expected) =
        key.or_else(|| message.strip_prefix("unknown variant "))?.rsplit_once(", expected ")?;
    let given = given.trim_matches('`');
    let candidates = expected.split('`').skip(1).step_by(2);
    let place = key.and_then(|_| key_paths::hint(given));
    place.or_else(|| nearest(given, candidates).map(did_you_mean))
}

/// Returns the span of the value or key that starts at this line and column.
fn span(text: &str, line: usize, column: usize) -> TextSpan {
    let line_text = text.split('\n').nth(line - 1).unwrap_or_default();
    let rest: Vec<char> = line_text.chars().skip(column - 1).collect();
    let ends = |i: usize| match rest[i] {
        '[' | '{' | ']' | '}' | ',' | '\r' => true,
        ':' | ' ' => matches!(rest.get(i + 1), None | Some(' ' | '#' | '\r')),
        _ => false,
    };
    let length = match rest.first() {
        Some(&quote @ ('"' | '\'')) => {
            let end = (1..rest.len()).find(|&i| rest[i] == quote && rest[i - 1] != '\\');
            end.map_or(rest.len(), |end| end + 1)
        }
        _ => (0..rest.len()).find(|&i| ends(i)).unwrap_or(rest.len()),
    };
    let marked = rest[..length].iter().rposition(|c| *c != ' ').map_or(1, |last| last + 1);
    TextSpan { line, column, length: marked }
}

/// Reads a key and refuses one that is already in the set.
struct NewKey<'s>(&'s mut BTreeSet<String>);

impl<'de> DeserializeSeed<'de> for NewKey<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NewKey<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<String, E> {
        if self.0.insert(key.to_owned()) {
            Ok(key.to_owned())
        } else {
            Err(E::custom(format_args!("duplicate key `{key}`")))
        }
    }
}

/// Accepts any value without duplicate keys, empty values, or lists at other paths than `lists`.
struct Form<'l> {
    path: String,
    lists: &'l [&'l str],
}

impl<'de> DeserializeSeed<'de> for Form<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! accept {
    ($($method:ident: $type:ty),*) => {$(
        fn $method<E>(self, _: $type) -> Result<(), E> {
            Ok(())
        }
    )*};
}

impl<'de> Visitor<'de> for Form<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map or a single value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if self.lists.contains(&self.path.as_str()) {
            return Err(A::Error::invalid_type(Unexpected::Map, &"a list: begin each item with `- `"));
        }
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key_seed(NewKey(&mut seen))? {
            let path = if self.path.is_empty() { key } else { format!("{}.{key}", self.path) };
            map.next_value_seed(Form { path, lists: self.lists })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if !self.lists.contains(&self.path.as_str()) {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self));
        }
        let path = format!("{}[]", self.path);
        while list.next_element_seed(Form { path: path.clone(), lists: self.lists })?.is_some() {}
        Ok(())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Err(E::custom("the value is empty: give a value, or leave the key out"))
    }

    accept!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_i128: i128, visit_u128: u128);
    accept!(visit_f64: f64, visit_str: &str);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key: &str) -> Segment {
        Segment::Key(key.to_owned())
    }

    #[test]
    fn a_path_has_a_line_and_a_column() {
        let text = "# c\na: 1\nb:\n  c: { d: 'x y', e: [7, 8s, 9] }\n  f:\n    - g: 1\n    - g: grün\n";
        let at = |path: &[Segment]| locate(text, path).map(|p| (p.line, p.column, p.length));
        assert_eq!(at(&[key("a")]), Some((2, 4, 1)));
        assert_eq!(at(&[key("b"), key("c")]), Some((4, 6, 1)));
        assert_eq!(at(&[key("b"), key("c"), key("d")]), Some((4, 11, 5)));
        assert_eq!(at(&[key("b"), key("c"), key("e"), Segment::Index(1)]), Some((4, 25, 2)));
        assert_eq!(at(&[key("b"), key("f"), Segment::Index(1), key("g")]), Some((7, 10, 4)));
        // A value that does not exist is located at the enclosing value.
        assert_eq!(at(&[key("b"), key("c"), key("z")]), at(&[key("b"), key("c")]));
        assert_eq!(at(&[key("z"), key("z")]), Some((2, 1, 1)));
    }

    #[test]
    fn a_duplicate_key_is_located_at_its_second_use() {
        for (text, at) in [
            ("a: 1\nb: 2\na: 3\n", (3, 1)),
            ("a:\n  b: 1\n  \"b\": 2\n", (3, 3)),
            ("a: { b: 1, c: 2, b: 3 }", (1, 18)),
            ("l:\n  - a: 1\n    a: 2\n", (3, 5)),
        ] {
            let (path, text_error) = check_form(text, &["l"]).unwrap_err();
            assert!(matches!(path.last(), Some(Segment::Key(key)) if key == "a" || key == "b"), "{path:?}");
            assert!(
                text_error.message.starts_with("duplicate key")
                    || text_error.message.contains(": duplicate key"),
                "{text_error:?}"
            );
            assert_eq!(text_error.span.map(|span| (span.line, span.column)), Some(at), "{text}");
        }
    }

    #[test]
    fn lists_are_refused_at_other_paths() {
        assert_eq!(check_form("a: { b: [1, x, 1.5, -3, true, 99999999999999999999] }", &["a.b"]), Ok(()));
        for text in ["a: { b: [[1]] }", "a: [1]", "[1]", "a:", "a: { b: [~] }"] {
            assert!(check_form(text, &["a.b"]).is_err(), "{text}");
        }
    }
}
