//! The table of constraints, as it is read from its file.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::pattern::Pattern;

/// The facts, one line for each type, structure and operation.
const TEXT: &str = include_str!("constraints.txt");

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(TEXT));

/// Types by index, and the names of operations and documents.
#[derive(Debug)]
pub(super) struct Table {
    types: Vec<Type>,
    operations: HashMap<&'static str, Option<usize>>,
    documents: HashMap<&'static str, usize>,
    /// The type of user names.
    pub(super) username: usize,
}

/// The least and the greatest length or value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bounds {
    pub(super) least: Option<i64>,
    pub(super) most: Option<i64>,
}

#[derive(Debug)]
pub(super) enum Type {
    /// Any value.
    Any,
    /// `AuthParameters` and `ChallengeResponses`.
    Parameters,
    Text {
        secret: bool,
        length: Bounds,
        pattern: Option<Pattern>,
    },
    Enum(Vec<&'static str>),
    Number(Bounds),
    List {
        item: usize,
        length: Bounds,
    },
    Structure(Vec<Member>),
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) type_index: usize,
    pub(super) required: bool,
    pub(super) effect: Effect,
}

/// The server's treatment of a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Effect {
    /// It reads the member.
    Read,
    /// It reads the member and does not simulate these values of it, separated by `|`.
    ReadExcept(&'static str),
    /// It accepts the member, which changes no decision, token or quota.
    None,
    /// It does not simulate the member; a value other than an empty one and this default is refused.
    NotSimulated(Option<&'static str>),
}

impl Table {
    pub(super) fn get() -> &'static Self {
        &TABLE
    }

    /// Returns the structure of an operation's input: `None` if the model does not have the operation,
    /// `Some(None)` if the table has no structure for it.
    pub(super) fn operation(&self, name: &str) -> Option<Option<usize>> {
        self.operations.get(name).copied()
    }

    pub(super) fn document(&self, name: &str) -> Option<usize> {
        self.documents.get(name).copied()
    }

    pub(super) fn of(&self, index: usize) -> &Type {
        self.types.get(index).unwrap_or(&Type::Any)
    }

    pub(super) fn members(&self, index: usize) -> &[Member] {
        match self.of(index) {
            Type::Structure(members) => members,
            _ => &[],
        }
    }

    fn parse(text: &'static str) -> Self {
        let lines = logical_lines(text);
        let mut names: HashMap<&str, usize> = HashMap::from([("any", 0), ("Parameters", 1)]);
        for line in &lines {
            if let ["text" | "secret" | "enum" | "number" | "list" | "struct", name, ..] = line[..] {
                let index = names.len();
                names.insert(name, index);
            }
        }
        let mut table = Self {
            types: vec![Type::Any, Type::Parameters],
            operations: HashMap::new(),
            documents: HashMap::new(),
            username: names.get("Username").copied().unwrap_or(0),
        };
        let mut structures = Vec::new();
        for line in &lines {
            let members =
                |rest: &[&'static str]| Type::Structure(rest.iter().map(|one| member(one, &names)).collect());
            match line[..] {
                [kind @ ("text" | "secret"), _, ref rest @ ..] => {
                    let length = rest.first().and_then(|first| bounds(first));
                    let pattern = rest.get(usize::from(length.is_some()));
                    table.types.push(Type::Text {
                        secret: kind == "secret",
                        length: length.unwrap_or_default(),
                        pattern: pattern.map(|pattern| Pattern::parse(pattern)),
                    });
                }
                ["enum", _, ref values @ ..] => table.types.push(Type::Enum(values.to_vec())),
                ["number", _, range] => table.types.push(Type::Number(bounds(range).unwrap_or_default())),
                ["list", _, item, ref rest @ ..] => {
                    let length = rest.first().and_then(|first| bounds(first)).unwrap_or_default();
                    table.types.push(Type::List { item: names.get(item).copied().unwrap_or(0), length });
                }
                ["struct", _, ref rest @ ..] => table.types.push(members(rest)),
                [kind @ ("operation" | "document"), name, ref rest @ ..] => {
                    structures.push((kind, name, members(rest)));
                }
                ["other", ref rest @ ..] => table.operations.extend(rest.iter().map(|name| (*name, None))),
                _ => {}
            }
        }
        for (kind, name, structure) in structures {
            let index = table.types.len();
            table.types.push(structure);
            if kind == "operation" {
                table.operations.insert(name, Some(index));
            } else {
                table.documents.insert(name, index);
            }
        }
        table
    }
}

/// Splits the text into lines of words. A line that begins with a space continues the one before. A pattern
/// is one word, because only the last word of such a line can contain spaces.
fn logical_lines(text: &'static str) -> Vec<Vec<&'static str>> {
    let mut lines: Vec<Vec<&str>> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if line.starts_with("text ") || line.starts_with("secret ") {
            let mut words: Vec<&str> = line.splitn(3, ' ').collect();
            if let Some((length, pattern)) = words.get(2).and_then(|rest| rest.split_once(' '))
                && bounds(length).is_some()
            {
                words.truncate(2);
                words.extend([length, pattern]);
            }
            lines.push(words);
        } else if let (true, Some(last)) = (line.starts_with(' '), lines.last_mut()) {
            last.extend(line.split_whitespace());
        } else {
            lines.push(line.split_whitespace().collect());
        }
    }
    lines
}

/// Parses `1..128`, `1..` or `..128`.
fn bounds(text: &str) -> Option<Bounds> {
    let (least, most) = text.split_once("..")?;
    let read = |text: &str| if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) };
    Some(Bounds { least: read(least)?, most: read(most)? })
}

/// Parses a member such as `-Name!:TYPE`, `~Name=DEFAULT` or `Name:TYPE~VALUE|VALUE`.
fn member(word: &'static str, names: &HashMap<&str, usize>) -> Member {
    let (word, default) = word.split_once('=').map_or((word, None), |(word, default)| (word, Some(default)));
    let (word, effect) = if let Some(word) = word.strip_prefix('-') {
        (word, Effect::None)
    } else if let Some(word) = word.strip_prefix('~') {
        (word, Effect::NotSimulated(default))
    } else if let Some((word, values)) = word.split_once('~') {
        (word, Effect::ReadExcept(values))
    } else {
        (word, Effect::Read)
    };
    let (name, type_name) = word.split_once(':').unwrap_or_else(|| (word, word.trim_end_matches('!')));
    let required = name.ends_with('!');
    let type_index = names.get(type_name).copied().unwrap_or(0);
    Member { name: name.trim_end_matches('!'), type_index, required, effect }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_parsed() {
        let known = ["text", "secret", "enum", "number", "list", "struct", "operation", "document", "other"];
        let lines = logical_lines(TEXT);
        assert!(lines.len() > 200, "{}", lines.len());
        let mut names = vec!["any", "Parameters"];
        for line in &lines {
            assert!(known.contains(&line[0]) && line.len() > 1, "{line:?}");
            if !["operation", "document", "other"].contains(&line[0]) {
                assert!(!names.contains(&line[1]), "{} twice", line[1]);
                names.push(line[1]);
            }
            if line[0] == "number" {
                assert!(bounds(line[2]).is_some(), "{line:?}");
            }
        }
        for line in lines.iter().filter(|line| ["struct", "operation", "document"].contains(&line[0])) {
            for (_, explicit) in line[2..].iter().filter_map(|word| word.split_once(':')) {
                let explicit = explicit.split(['=', '~']).next().unwrap();
                assert!(names.contains(&explicit), "{}: {explicit}", line[1]);
            }
        }
        for line in lines.iter().filter(|line| line[0] == "list") {
            assert!(names.contains(&line[2]), "{line:?}");
        }
        let table = Table::get();
        assert_eq!(
            table.types.len(),
            names.len() + lines.iter().filter(|line| line[0] == "operation" || line[0] == "document").count()
        );
        assert_eq!(table.operations.len(), 153, "the operations of the model");
    }
}
