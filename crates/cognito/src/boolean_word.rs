//! Words that YAML 1.1 reads as booleans. A file that passed through such a tool has `false` in place of `no`
//! and `off`, and `true` in place of `on`.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};
use serde::de::{self, Deserializer, IntoDeserializer as _, Visitor};

/// The words of YAML 1.1, and whether they are true.
const WORDS: [(&str, bool); 6] =
    [("no", false), ("off", false), ("n", false), ("yes", true), ("on", true), ("y", true)];

/// Returns whether YAML 1.1 reads this word as a boolean.
pub fn is_boolean(word: &str) -> bool {
    WORDS.iter().any(|(known, _)| known.eq_ignore_ascii_case(word))
}

/// Reads a word of `T`, or a boolean that stands for one.
///
/// # Errors
///
/// The value is no word, or an unknown one.
pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(WordVisitor(PhantomData))
}

struct WordVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for WordVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<T, E> {
        T::deserialize(word.into_deserializer())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<T, E> {
        let read = |word: &'static str| {
            let deserializer: StrDeserializer<'_, Error> = word.into_deserializer();
            T::deserialize(deserializer).ok()
        };
        let words = WORDS.iter().filter(|(_, is_true)| *is_true == value);
        let found = words.map(|(word, _)| *word).find_map(read);
        found.map_or_else(|| self.visit_str(if value { "true" } else { "false" }), Ok)
    }
}
