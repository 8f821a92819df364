//! A scenario file as a tree of keys, which overrides change and from which mistakes are removed.
//!
//! Items of lists keep their index in the file, so that a path leads to the same place after a removal.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::Segment;
use super::diagnostic::TextError;
use super::validation::display_path;
use super::yaml::{self, Value};
use poolproof_cognito::boolean_word;

/// A value of a scenario file.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Tree {
    /// A word, a number, a text, or nothing.
    Leaf(Value),
    /// The keys in their order; of duplicate keys the first.
    Map(Vec<(String, Self)>),
    /// The items, each with its index in the file.
    List(Vec<(usize, Self)>),
}

impl Tree {
    /// Parses the text of a file.
    pub(super) fn parse(text: &str) -> Result<Self, TextError> {
        yaml::read(text).map_err(|(_, error)| error)
    }

    /// Returns the tree as YAML.
    pub(super) fn to_text(&self) -> String {
        yaml::to_text(&self.to_value())
    }

    /// Returns the value on one line.
    pub(super) fn to_line(&self) -> String {
        match self {
            Self::Leaf(Value::String(word)) if boolean_word::is_boolean(word) => format!("'{word}'"),
            Self::Leaf(_) => self.to_text().trim().to_owned(),
            Self::Map(keys) => {
                let keys: Vec<String> =
                    keys.iter().map(|(key, tree)| format!("{key}: {}", tree.to_line())).collect();
                format!("{{ {} }}", keys.join(", "))
            }
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(|(_, tree)| tree.to_line()).collect();
                format!("[ {} ]", items.join(", "))
            }
        }
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Leaf(value) => value.clone(),
            Self::Map(keys) => {
                let keys = keys.iter().map(|(key, tree)| (Value::String(key.clone()), tree.to_value()));
                Value::Mapping(keys.collect())
            }
            Self::List(items) => Value::Sequence(items.iter().map(|(_, tree)| tree.to_value()).collect()),
        }
    }

    /// Converts a path in [`Self::to_text`] to one in the file.
    pub(super) fn path_in_file(&self, path: &[Segment]) -> Vec<Segment> {
        let mut tree = Some(self);
        let mut converted = Vec::with_capacity(path.len());
        for segment in path {
            let (segment, next) = match (segment, tree) {
                (Segment::Index(index), Some(Self::List(items))) => match items.get(*index) {
                    Some((in_file, item)) => (Segment::Index(*in_file), Some(item)),
                    None => (segment.clone(), None),
                },
                (Segment::Key(_), Some(tree)) => (segment.clone(), tree.child(segment)),
                _ => (segment.clone(), None),
            };
            converted.push(segment);
            tree = next;
        }
        converted
    }

    fn child(&self, segment: &Segment) -> Option<&Self> {
        match (self, segment) {
            (Self::Map(keys), Segment::Key(key)) => {
                keys.iter().find(|(known, _)| known == key).map(|(_, tree)| tree)
            }
            (Self::List(items), Segment::Index(index)) => {
                items.iter().find(|(known, _)| known == index).map(|(_, tree)| tree)
            }
            _ => None,
        }
    }

    fn child_mut(&mut self, segment: &Segment) -> Option<&mut Self> {
        match (self, segment) {
            (Self::Map(keys), Segment::Key(key)) => {
                keys.iter_mut().find(|(known, _)| known == key).map(|(_, tree)| tree)
            }
            (Self::List(items), Segment::Index(index)) => {
                items.iter_mut().find(|(known, _)| known == index).map(|(_, tree)| tree)
            }
            _ => None,
        }
    }

    /// Returns the value at a path of the file.
    pub(super) fn get(&self, path: &[Segment]) -> Option<&Self> {
        path.iter().try_fold(self, |tree, segment| tree.child(segment))
    }

    /// Removes the value at a path of the file. Returns whether it existed.
    pub(super) fn remove(&mut self, path: &[Segment]) -> bool {
        let Some((last, parents)) = path.split_last() else { return false };
        let parent = parents.iter().try_fold(self, |tree, segment| tree.child_mut(segment));
        let (before, after) = match (parent, last) {
            (Some(Self::Map(keys)), Segment::Key(key)) => {
                let before = keys.len();
                keys.retain(|(known, _)| known != key);
                (before, keys.len())
            }
            (Some(Self::List(items)), Segment::Index(index)) => {
                let before = items.len();
                items.retain(|(known, _)| known != index);
                (before, items.len())
            }
            _ => return false,
        };
        after < before
    }

    /// Sets the value at a path. Maps on the way are created, and an item can be added at the end of a list.
    ///
    /// # Errors
    ///
    /// Returns a message if the path leads through a value that is not a map, or beyond the end of a list.
    pub(super) fn set(&mut self, path: &[Segment], value: Self) -> Result<(), String> {
        let mut tree = self;
        for (depth, segment) in path.iter().enumerate() {
            if tree.child(segment).is_none() {
                match (&mut *tree, segment) {
                    (Self::Map(keys), Segment::Key(key)) => keys.push((key.clone(), Self::Map(Vec::new()))),
                    (Self::List(items), Segment::Index(index)) if *index == items.len() => {
                        items.push((*index, Self::Map(Vec::new())));
                    }
                    (found, _) => return Err(found.misplaced(&path[..depth])),
                }
            }
            match tree.child_mut(segment) {
                Some(next) => tree = next,
                None => return Ok(()),
            }
        }
        *tree = value;
        Ok(())
    }

    /// Says why a path cannot go on at this value.
    fn misplaced(&self, path: &[Segment]) -> String {
        let place =
            if path.is_empty() { "the scenario".to_owned() } else { format!("`{}`", display_path(path)) };
        match self {
            Self::Map(_) => format!("{place} is a map: name one of its keys"),
            Self::List(items) => {
                let (has, choice) = match items.len() {
                    0 => ("no items".to_owned(), "use".to_owned()),
                    1 => ("one item".to_owned(), "choose [0], or".to_owned()),
                    n => (format!("{n} items"), format!("choose [0] to [{}], or", n - 1)),
                };
                format!("{place} is a list with {has}: {choice} [{}] to add one", items.len())
            }
            Self::Leaf(_) => {
                let (written, path) = (self.to_line(), display_path(path));
                format!("{place} is `{written}`, not a map: set all of it, as in {path}={{ … }}")
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

macro_rules! leaf {
    ($($method:ident: $type:ty),*) => {$(
        fn $method<E>(self, value: $type) -> Result<Tree, E> {
            Ok(Tree::Leaf(value.into()))
        }
    )*};
}

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    leaf!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_u128<E>(self, value: u128) -> Result<Tree, E> {
        Ok(Tree::Leaf((value as f64).into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Tree, E> {
        Ok(Tree::Leaf((value as f64).into()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf(Value::Null))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut keys: Vec<(String, Tree)> = Vec::new();
        let mut known = BTreeSet::new();
        while let Some((key, tree)) = map.next_entry::<String, Tree>()? {
            if known.insert(key.clone()) {
                keys.push((key, tree));
            }
        }
        Ok(Tree::Map(keys))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push((items.len(), item));
        }
        Ok(Tree::List(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<Segment> {
        text.split('.').map(|part| part.parse().map_or_else(|_| part.into(), Segment::Index)).collect()
    }

    #[test]
    fn a_removed_item_does_not_move_the_others() {
        let mut tree = Tree::parse("l: [ a, b, c ]\nm: { n: 1 }\n").unwrap();
        assert!(tree.remove(&path("l.0")) && !tree.remove(&path("l.0")));
        assert_eq!(tree.path_in_file(&path("l.0")), path("l.1"));
        assert_eq!(tree.get(&path("l.2")), Some(&Tree::Leaf("c".into())));
        assert!(tree.remove(&path("m.n")) && !tree.remove(&path("m.n.o")) && !tree.remove(&[]));
        assert_eq!(tree.to_text(), "l:\n- b\n- c\nm: {}\n");
    }

    #[test]
    fn values_are_set_where_a_map_can_hold_them() {
        let mut tree = Tree::parse("a: { b: 1 }\nl: [ x ]\n").unwrap();
        let leaf = |text: &str| Tree::Leaf(text.into());
        tree.set(&path("a.c.d"), leaf("new")).unwrap();
        tree.set(&path("l.1"), leaf("y")).unwrap();
        tree.set(&path("a.b"), leaf("no")).unwrap();
        assert_eq!(tree.to_text(), "a:\n  b: 'no'\n  c:\n    d: new\nl:\n- x\n- 'y'\n");
        let refused = |at: &str| tree.clone().set(&path(at), leaf("z")).unwrap_err();
        assert_eq!(refused("a.b.c"), "`a.b` is `'no'`, not a map: set all of it, as in a.b={ … }");
        assert_eq!(refused("l.3"), "`l` is a list with 2 items: choose [0] to [1], or [2] to add one");
        assert_eq!(refused("l.x"), refused("l.3"));
        assert_eq!(refused("a.0"), "`a` is a map: name one of its keys");
    }
}
