//! The API model as far as the server validates it: lengths, ranges, patterns, enumerations and required
//! fields of every operation, and what the server does with each field.
//!
//! The facts are one table, `constraints.txt` beside this file. [`check`] returns the errors in AWS's words.
//! [`unsimulated`] finds the fields that could change a decision, a token or a quota and are not simulated.

mod pattern;
mod table;

use serde_json::{Map, Value};

use crate::protocol::{ApiError, keys};
use crate::wire::{Step, lower_first};
use table::{Bounds, Effect, Table, Type};

/// Maximum number of characters of a value in a message. The longest device name in a message of AWS has
/// 1,025.
const MAX_SHOWN: usize = 1100;
/// Length in bytes at which a message stops listing errors. The number of errors at its start includes all.
const MAX_MESSAGE: usize = 4096;

/// Returns whether the API model has an operation of this name, simulated or not.
pub fn has_operation(name: &str) -> bool {
    Table::get().operation(name).is_some()
}

/// Checks the input of an operation.
///
/// # Errors
///
/// `InvalidParameterException` with all errors in AWS's words.
pub fn check(operation: &str, input: &Value) -> Result<(), ApiError> {
    let table = Table::get();
    let Some(Some(index)) = table.operation(operation) else { return Ok(()) };
    let mut check = Check { table, path: String::new(), count: 0, errors: String::new() };
    check.value(index, input);
    let plural = match check.count {
        0 => return Ok(()),
        1 => "",
        _ => "s",
    };
    let message = format!("{} validation error{plural} detected: {}", check.count, check.errors);
    Err(ApiError::invalid_parameter(message))
}

/// Returns the fields of an operation's input that are not simulated, such as
/// `LambdaConfig.PreTokenGeneration`, and values of fields, such as `ExplicitAuthFlows=ALLOW_X`.
pub fn unsimulated(operation: &str, input: &Value) -> Vec<String> {
    let table = Table::get();
    let index = table.operation(operation).flatten();
    index.map_or_else(Vec::new, |index| unsimulated_in(table, index, input))
}

/// Returns the fields of a document that are not simulated, as [`unsimulated`].
pub fn unsimulated_in_document(document: &str, object: &Value) -> Vec<String> {
    let table = Table::get();
    table.document(document).map_or_else(Vec::new, |index| unsimulated_in(table, index, object))
}

/// A key of a document that the model does not have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownKey {
    /// The path to its value.
    pub path: Vec<Step>,
    /// The keys of the model that the object does not have.
    pub absent: Vec<&'static str>,
}

/// Returns the keys of a document that the model does not have.
pub fn unknown_in_document(document: &str, object: &Value) -> Vec<UnknownKey> {
    let table = Table::get();
    let mut found = Vec::new();
    if let Some(index) = table.document(document) {
        unknown_in(table, index, object, &[], &mut found);
    }
    found
}

fn unknown_in(table: &Table, index: usize, value: &Value, path: &[Step], found: &mut Vec<UnknownKey>) {
    let below = |step: Step| [path, &[step]].concat();
    match (table.of(index), value) {
        (Type::List { item, .. }, Value::Array(items)) => {
            for (at, one) in items.iter().enumerate() {
                unknown_in(table, *item, one, &below(Step::Index(at)), found);
            }
        }
        (Type::Structure(members), Value::Object(object)) => {
            for (key, value) in object {
                let path = below(Step::Key(key.clone()));
                match members.iter().find(|member| member.name == key) {
                    Some(member) => unknown_in(table, member.type_index, value, &path, found),
                    None => {
                        let names = members.iter().map(|member| member.name);
                        let absent = names.filter(|name| !object.contains_key(*name)).collect();
                        found.push(UnknownKey { path, absent });
                    }
                }
            }
        }
        _ => {}
    }
}

/// Returns the error for fields that are not simulated.
pub fn not_simulated(fields: &[String]) -> ApiError {
    let names = fields.join(", ");
    ApiError::not_simulated(format_args!("{names}: leave it out, or start with --ignore-unsimulated"))
}

/// Returns the members of an operation's input or of a document that the model has, without nulls and without
/// keys that are unknown.
pub fn known_members(operation: &str, input: &Map<String, Value>) -> Map<String, Value> {
    let table = Table::get();
    let index = table.operation(operation).flatten().or_else(|| table.document(operation));
    index.map_or_else(Map::new, |index| known(table, index, input))
}

fn known(table: &Table, index: usize, object: &Map<String, Value>) -> Map<String, Value> {
    let prune = |type_index: usize, value: &Value| match (table.of(type_index), value) {
        (Type::Structure(_), Value::Object(object)) => Value::Object(known(table, type_index, object)),
        (Type::List { item, .. }, Value::Array(items)) if !table.members(*item).is_empty() => items
            .iter()
            .map(|one| one.as_object().map_or(Value::Null, |one| Value::Object(known(table, *item, one))))
            .collect(),
        _ => value.clone(),
    };
    let members = table.members(index).iter();
    let given = members.filter_map(|member| Some((member, object.get(member.name)?)));
    given
        .filter(|(_, value)| !value.is_null())
        .map(|(member, value)| (member.name.to_owned(), prune(member.type_index, value)))
        .collect()
}

fn unsimulated_in(table: &Table, index: usize, object: &Value) -> Vec<String> {
    if let (Type::List { item, .. }, Value::Array(items)) = (table.of(index), object) {
        return items.iter().flat_map(|one| unsimulated_in(table, *item, one)).collect();
    }
    let mut found = Vec::new();
    for member in table.members(index) {
        let Some(value) = object.get(member.name) else { continue };
        match member.effect {
            Effect::None => {}
            Effect::ReadExcept(values) => {
                let values = values.split('|').filter(|one| has_value(value, one));
                found.extend(values.map(|one| format!("{}={one}", member.name)));
            }
            Effect::NotSimulated(default) => {
                if !is_default(value, default) {
                    found.push(member.name.to_owned());
                }
            }
            Effect::Read => {
                let inner = unsimulated_in(table, member.type_index, value);
                found.extend(inner.into_iter().map(|name| format!("{}.{name}", member.name)));
            }
        }
    }
    found
}

/// Returns whether a value is this word or a list that contains it.
fn has_value(value: &Value, word: &str) -> bool {
    value == word || value.as_array().is_some_and(|items| items.iter().any(|item| item == word))
}

/// Returns whether a value says nothing: it is null, false, 0, empty or the default, or has only such
/// members.
fn is_default(value: &Value, default: Option<&str>) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || default == Some(text),
        Value::Array(items) => items.iter().all(|item| is_default(item, default)),
        Value::Object(members) => members.values().all(|member| is_default(member, default)),
    }
}

/// The errors of a request so far, and the path to the value that is being checked.
struct Check {
    table: &'static Table,
    path: String,
    count: usize,
    errors: String,
}

impl Check {
    fn value(&mut self, index: usize, value: &Value) {
        match (self.table.of(index), value) {
            (Type::Parameters, Value::Object(parameters)) => self.parameters(parameters),
            (Type::Text { .. }, Value::String(text)) => self.text(index, text),
            (Type::Enum(values), Value::String(text)) if !values.contains(&text.as_str()) => {
                self.error(Some(text), &format!("satisfy enum value set: [{}]", values.join(", ")));
            }
            (Type::Number(range), Value::Number(number)) => {
                let Some(value) = number.as_i64() else { return };
                if let Some(bound) = violated(*range, value) {
                    self.error(Some(&number.to_string()), &format!("have value {bound}"));
                }
            }
            (Type::List { item, length }, Value::Array(items)) => {
                self.length(*length, items.len(), None);
                for (at, one) in items.iter().enumerate() {
                    self.at(&format!("{}.member", at + 1), |check| check.value(*item, one));
                }
            }
            (Type::Structure(members), Value::Object(object)) => {
                for member in members {
                    let value = object.get(member.name).filter(|value| !value.is_null());
                    if value.is_some() || member.required {
                        self.at(&lower_first(member.name), |check| match value {
                            Some(value) => check.value(member.type_index, value),
                            None => check.missing(member.type_index),
                        });
                    }
                }
            }
            // The types of values are checked where they are read.
            _ => {}
        }
    }

    fn text(&mut self, index: usize, text: &str) {
        let Type::Text { secret, length, pattern } = self.table.of(index) else { return };
        let shown = (!secret).then_some(text);
        self.length(*length, text.chars().count(), shown);
        if let Some(pattern) = pattern.as_ref().filter(|pattern| !pattern.matches(text)) {
            self.error(shown, &format!("satisfy regular expression pattern: {}", pattern.text));
        }
    }

    /// Checks `USERNAME` of a map, for which the model has no constraint. An empty name counts as missing.
    fn parameters(&mut self, parameters: &Map<String, Value>) {
        let username = parameters.get(keys::USERNAME).and_then(Value::as_str).unwrap_or_default();
        if !username.is_empty() {
            // The name of the map is no part of the path in AWS's messages.
            let path = std::mem::replace(&mut self.path, "username".to_owned());
            self.text(self.table.username, username);
            self.path = path;
        }
    }

    fn at(&mut self, step: &str, check: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(step);
        check(self);
        self.path.truncate(length);
    }

    fn length(&mut self, bounds: Bounds, length: usize, shown: Option<&str>) {
        if let Some(bound) = violated(bounds, i64::try_from(length).unwrap_or(i64::MAX)) {
            self.error(shown, &format!("have length {bound}"));
        }
    }

    fn missing(&mut self, type_index: usize) {
        let null =
            if matches!(self.table.of(type_index), Type::Text { secret: true, .. }) { "" } else { "null " };
        self.add(null, "not be null");
    }

    fn error(&mut self, shown: Option<&str>, constraint: &str) {
        let shown = shown.map_or_else(String::new, |text| match text.char_indices().nth(MAX_SHOWN) {
            Some((end, _)) => format!("'{}…' ", &text[..end]),
            None => format!("'{text}' "),
        });
        self.add(&shown, constraint);
    }

    fn add(&mut self, shown: &str, constraint: &str) {
        self.count += 1;
        if self.errors.len() >= MAX_MESSAGE {
            return;
        }
        let separator = if self.count > 1 { "; " } else { "" };
        let path = &self.path;
        self.errors += &format!(
            "{separator}Value {shown}at '{path}' failed to satisfy constraint: Member must {constraint}"
        );
    }
}

/// Returns the bound that a length or a value violates.
fn violated(bounds: Bounds, value: i64) -> Option<String> {
    match bounds {
        Bounds { least: Some(least), .. } if value < least => {
            Some(format!("greater than or equal to {least}"))
        }
        Bounds { most: Some(most), .. } if value > most => Some(format!("less than or equal to {most}")),
        _ => None,
    }
}
