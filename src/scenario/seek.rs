//! Finds the position of a value in a text with any serde parser: YAML for scenarios, JSON for pool settings.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One segment of the path to a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Segment {
    /// The value of this key.
    Key(String),
    /// This item of a list, from 0.
    Index(usize),
}

impl From<&str> for Segment {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Segment {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// Refuses the value or the key at the end of a path, so that the parser reports its position as an error.
#[derive(Clone, Copy)]
pub(crate) struct Seek<'p> {
    path: &'p [Segment],
    /// Whether the key itself is sought, not its value.
    key: bool,
}

impl<'p> Seek<'p> {
    /// Refuses the value at the end of `path`.
    pub(crate) const fn value(path: &'p [Segment]) -> Self {
        Self { path, key: false }
    }

    /// Refuses the key at the end of `path`.
    pub(super) const fn key(path: &'p [Segment]) -> Self {
        Self { path, key: true }
    }
}

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

// serde refuses what a visitor does not implement: any value at the end of the path, and every scalar before
// it.
impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value at a path")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((first, rest)) = self.path.split_first() else {
            return Err(A::Error::custom("found"));
        };
        let sought = Some(first).filter(|_| self.key && rest.is_empty());
        while let Some(key) = map.next_key_seed(KeyText { sought })? {
            if *first == Segment::Key(key) {
                map.next_value_seed(Seek { path: rest, ..self })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some((first, rest)) = self.path.split_first() else {
            return Err(A::Error::custom("found"));
        };
        for index in 0.. {
            let found = if *first == Segment::Index(index) {
                list.next_element_seed(Seek { path: rest, ..self })?.is_some()
            } else {
                list.next_element::<IgnoredAny>()?.is_some()
            };
            if !found {
                break;
            }
        }
        Ok(())
    }
}

/// A key, read as text even if it looks like a number. The sought one is refused.
struct KeyText<'p> {
    sought: Option<&'p Segment>,
}

impl<'de> DeserializeSeed<'de> for KeyText<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyText<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<String, E> {
        match self.sought {
            Some(Segment::Key(sought)) if sought == key => Err(E::custom("found")),
            _ => Ok(key.to_owned()),
        }
    }
}
