//! The one file that knows the YAML parser: reading, form, and where in the text a key stands.
//!
//! The parser tells places only in its errors. So a place is found by walking to it and refusing what stands there.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::diagnostic::{TextError, TextSpan};
use super::seek::{Seek, Segment};
use super::suggest;

/// Reads a value from text that has been scanned.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, TextError> {
    serde_yaml::from_str(text).map_err(|error| text_error(text, &error))
}

/// Refuses a key that is given twice in one map, a key without a value, and a list where `lists` does not name one.
///
/// The parser finds the first of these itself and points elsewhere; the second it takes for an empty map, and the third
/// for a map's values in order.
pub(super) fn check_form(text: &str, lists: &[&str]) -> Result<(), TextError> {
    let form = Form { path: String::new(), lists };
    form.deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|error| text_error(text, &error))
}

/// The place of the value at `path`; of the nearest value around it when there is none.
pub(super) fn locate(text: &str, path: &[Segment]) -> Option<TextSpan> {
    (0..=path.len()).rev().find_map(|length| {
        let seek = Seek(&path[..length]);
        let error = seek.deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
        text_error(text, &error).span
    })
}

/// The text of a value.
pub(super) fn write<T: Serialize>(value: &T) -> String {
    // Fails only on shapes that YAML has no form for, such as maps as keys; a scenario has none.
    serde_yaml::to_string(value).unwrap_or_default()
}

/// What the parser says, in this program's words.
fn text_error(text: &str, error: &serde_yaml::Error) -> TextError {
    let location = error.location();
    let mut message = error.to_string();
    let mut context = None;
    if let Some(location) = &location {
        // " at line 2 column 3", perhaps followed by what the parser was at: ", while parsing a block mapping at …".
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
    TextError { message: path + &plain_words(body), help: suggestion(body).or(context), span }
}

/// serde's words, for people who do not write Rust.
fn plain_words(message: &str) -> String {
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
    let words = [
        ("unknown field ", "unknown key "),
        ("missing field ", "missing key "),
        ("unknown variant ", "unknown word "),
        ("invalid type: sequence, ", "invalid type: list, "),
        ("invalid type: floating point ", "invalid type: number "),
    ];
    for (theirs, ours) in words {
        if let Some(rest) = message.strip_prefix(theirs) {
            return format!("{ours}{rest}");
        }
    }
    message.to_owned()
}

/// The expected word that is near to the one given.
fn suggestion(message: &str) -> Option<String> {
    let body = message.strip_prefix("unknown field ").or_else(|| message.strip_prefix("unknown variant "))?;
    let (given, expected) = body.rsplit_once(", expected ")?;
    let candidates = expected.split('`').skip(1).step_by(2);
    suggest::nearest(given.trim_matches('`'), candidates).map(suggest::did_you_mean)
}

/// The value or key that begins at this line and column.
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

/// A key that is not among those seen.
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
            Err(E::custom(format_args!("the key `{key}` is given twice")))
        }
    }
}

/// A value of any shape whose maps have no key twice, with lists where they belong.
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

impl<'de> Visitor<'de> for Form<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map or a single value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key_seed(NewKey(&mut seen))? {
            let path = if self.path.is_empty() { key } else { format!("{}.{key}", self.path) };
            map.next_value_seed(Form { path, lists: self.lists })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if !self.lists.contains(&self.path.as_str()) {
            return Err(A::Error::invalid_type(serde::de::Unexpected::Seq, &self));
        }
        while list.next_element_seed(Form { path: format!("{}[]", self.path), lists: self.lists })?.is_some()
        {
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i128<E>(self, _: i128) -> Result<(), E> {
        Ok(())
    }

    fn visit_u128<E>(self, _: u128) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        // The parser would take it for an empty map.
        Err(E::custom("nothing stands here; give a value, or leave the key out"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key: &str) -> Segment {
        Segment::Key(key.to_owned())
    }

    #[test]
    fn a_path_leads_to_its_line_and_column() {
        let text = "# c\na: 1\nb:\n  c: { d: 'x y', e: [7, 8s, 9] }\n  f:\n    - g: 1\n    - g: grün\n";
        let at = |path: &[Segment]| locate(text, path).map(|p| (p.line, p.column, p.length));
        assert_eq!(at(&[key("a")]), Some((2, 4, 1)));
        assert_eq!(at(&[key("b"), key("c")]), Some((4, 6, 1)));
        assert_eq!(at(&[key("b"), key("c"), key("d")]), Some((4, 11, 5)));
        assert_eq!(at(&[key("b"), key("c"), key("e"), Segment::Index(1)]), Some((4, 25, 2)));
        assert_eq!(at(&[key("b"), key("f"), Segment::Index(1), key("g")]), Some((7, 10, 4)));
        // What is not there is shown where it would be.
        assert_eq!(at(&[key("b"), key("c"), key("z")]), at(&[key("b"), key("c")]));
        assert_eq!(at(&[key("z"), key("z")]), Some((2, 1, 1)));
    }

    #[test]
    fn a_key_given_twice_is_shown_where_it_is_given_again() {
        for (text, at) in [
            ("a: 1\nb: 2\na: 3\n", (3, 1)),
            ("a:\n  b: 1\n  \"b\": 2\n", (3, 3)),
            ("a: { b: 1, c: 2, b: 3 }", (1, 18)),
            ("l:\n  - a: 1\n    a: 2\n", (3, 5)),
        ] {
            let text_error = check_form(text, &["l"]).unwrap_err();
            assert!(text_error.message.ends_with("is given twice"), "{text_error:?}");
            assert_eq!(text_error.span.map(|span| (span.line, span.column)), Some(at), "{text}");
        }
    }

    #[test]
    fn lists_stand_only_where_they_are_named() {
        assert_eq!(check_form("a: { b: [1, x, 1.5, -3, true, 99999999999999999999] }", &["a.b"]), Ok(()));
        for text in ["a: { b: [[1]] }", "a: [1]", "[1]", "a:", "a: { b: [~] }"] {
            assert!(check_form(text, &["a.b"]).is_err(), "{text}");
        }
    }
}
