//! AWS documents as text: parsing, and the place of a value in the text.
//!
//! serde_json reports places only in errors. So the place of a value is found by walking to it and refusing
//! it.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeSeed as _;
use serde_json::{Map, Value};

use crate::scenario::{Diagnostic, Seek, Segment};
use poolproof_cognito::protocol::{DeviceConfiguration, RiskExceptionLists};
use poolproof_cognito::wire::{self, Kind, Limits, Mismatch, Step, WireError};

/// The values in a document that decide something here. Each is optional.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Content {
    pub(super) user_pool: Option<PoolContent>,
    pub(super) risk_configuration: Option<RiskContent>,
    pub(super) mfa_configuration: Option<String>,
    pub(super) sms_mfa_configuration: Option<SmsContent>,
    pub(super) software_token_mfa_configuration: Option<SoftwareTokenContent>,
    pub(super) email_mfa_configuration: Option<AnyObject>,
}

/// An object whose contents decide nothing.
#[derive(Deserialize)]
pub(super) struct AnyObject {}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PoolContent {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) mfa_configuration: Option<String>,
    pub(super) device_configuration: Option<DeviceConfiguration>,
    #[serde(rename = "UserPoolAddOns")]
    pub(super) add_ons: Option<AddOnsContent>,
    pub(super) policies: Option<PoliciesContent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PoliciesContent {
    pub(super) sign_in_policy: Option<SignInPolicyContent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SignInPolicyContent {
    #[serde(default)]
    pub(super) allowed_first_auth_factors: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AddOnsContent {
    pub(super) advanced_security_mode: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SmsContent {
    pub(super) sms_configuration: Option<AnyObject>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SoftwareTokenContent {
    pub(super) enabled: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RiskContent {
    pub(super) user_pool_id: Option<String>,
    pub(super) client_id: Option<String>,
    #[serde(rename = "CompromisedCredentialsRiskConfiguration")]
    pub(super) compromised: Option<CompromisedContent>,
    #[serde(rename = "AccountTakeoverRiskConfiguration")]
    pub(super) takeover: Option<TakeoverContent>,
    #[serde(rename = "RiskExceptionConfiguration")]
    pub(super) exceptions: Option<RiskExceptionLists>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CompromisedContent {
    #[serde(default)]
    pub(super) event_filter: Vec<String>,
    pub(super) actions: Option<CompromisedActions>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CompromisedActions {
    pub(super) event_action: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TakeoverContent {
    pub(super) actions: Option<TakeoverActions>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TakeoverActions {
    pub(super) low_action: Option<LevelAction>,
    pub(super) medium_action: Option<LevelAction>,
    pub(super) high_action: Option<LevelAction>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LevelAction {
    pub(super) event_action: String,
}

/// A document with its file name and text.
pub(super) struct AwsDocument {
    pub(super) file: String,
    text: String,
    root: Value,
}

impl AwsDocument {
    /// Parses a document. Anything but a JSON object, and a duplicate key, is refused.
    pub(super) fn read(file: &str, text: &str) -> Result<Self, Diagnostic> {
        // The file's size and serde_json's limit of nesting bound the work.
        let limits = Limits { depth: usize::MAX, values: usize::MAX };
        let root = wire::parse(text.as_bytes(), limits).map_err(|error| syntax(file, text, &error.source))?;
        if !root.is_object() {
            let message =
                format!("{}, expected a JSON object such as the AWS CLI prints", kind(Kind::of(&root)));
            return Err(Diagnostic::from_parts(file, text, span(text, &[]), message, None));
        }
        Ok(Self { file: file.to_owned(), text: text.to_owned(), root })
    }

    /// Returns the value of a top key.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.root.get(key)
    }

    /// Returns the object at a top key, or the document itself.
    pub(super) fn object(&self, key: Option<&str>) -> Option<&Map<String, Value>> {
        key.map_or(Some(&self.root), |key| self.root.get(key))?.as_object()
    }

    /// Returns the values that have an effect. A value of another type is refused.
    pub(super) fn content(&self) -> Result<Content, Diagnostic> {
        wire::from_value(&self.root, usize::MAX).map_err(|WireError { path, mismatch }| {
            let message = match mismatch {
                Mismatch::Missing(key) => format!("`{key}` is missing"),
                Mismatch::Type { found, wanted } => {
                    let wanted = match wanted {
                        "a String" => "a quoted string",
                        "a Boolean" => "`true` or `false`",
                        "a List" => "a list",
                        _ => "an object",
                    };
                    format!("{}, expected {wanted}", kind(found))
                }
                Mismatch::Range(number) => format!("`{number}` is out of range"),
                Mismatch::TooManyEntries(most) => format!("more than {most} entries"),
                Mismatch::Other(message) => message,
            };
            self.error(&segments(path), &message, None)
        })
    }

    /// Returns the value that the word at `path` stands for.
    pub(super) fn word<T: Copy>(
        &self,
        path: &[&str],
        given: Option<&String>,
        words: &[(&str, T)],
    ) -> Result<Option<T>, Diagnostic> {
        let Some(given) = given else { return Ok(None) };
        if let Some((_, value)) = words.iter().find(|(word, _)| word == given) {
            return Ok(Some(*value));
        }
        let all: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let message = format!("unknown value `{given}`, expected one of {}", all.join(", "));
        let near = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(given.trim()));
        Err(self.error_at(path, &message, near.map(|(word, _)| format!("AWS writes `{word}`"))))
    }

    /// Returns the line of the value at `path`, from 1.
    pub(super) fn line(&self, path: &[Segment]) -> usize {
        span(&self.text, path).map_or(1, |(line, _, _)| line)
    }

    /// Creates an error about the value at `path`.
    pub(super) fn error_at(&self, path: &[&str], message: &str, help: Option<String>) -> Diagnostic {
        let path: Vec<Segment> = path.iter().map(|key| Segment::Key((*key).to_owned())).collect();
        self.error(&path, message, help)
    }

    /// Creates an error about an item, from 0, of the list at `path`.
    pub(super) fn error_at_index(&self, path: &[&str], at: usize, message: &str) -> Diagnostic {
        let path = path.iter().map(|key| Segment::Key((*key).to_owned()));
        self.error(&path.chain([Segment::Index(at)]).collect::<Vec<_>>(), message, None)
    }

    fn error(&self, path: &[Segment], message: &str, help: Option<String>) -> Diagnostic {
        let place = place(path);
        let message = if place.is_empty() { message.to_owned() } else { format!("{place}: {message}") };
        Diagnostic::from_parts(&self.file, &self.text, span(&self.text, path), message, help)
    }
}

/// Converts a path to a value.
pub(super) fn segments(path: Vec<Step>) -> Vec<Segment> {
    let segment = |step| match step {
        Step::Key(key) => Segment::Key(key),
        Step::Index(index) => Segment::Index(index),
    };
    path.into_iter().map(segment).collect()
}

/// Returns a path as text, such as `UserPool.SchemaAttributes[0].Name`.
pub(super) fn place(path: &[Segment]) -> String {
    let mut place = String::new();
    for segment in path {
        match segment {
            Segment::Key(key) if place.is_empty() => place.push_str(key),
            Segment::Key(key) => place.extend([".", key]),
            Segment::Index(index) => place.push_str(&format!("[{index}]")),
        }
    }
    place
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::False | Kind::True => "true or false",
        Kind::Number => "a number",
        Kind::Text => "text",
        Kind::List => "a list",
        Kind::Object => "an object",
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
    // Only JSON files are meant to be JSON. Other ones were taken for it because of their first character.
    let is_json = Path::new(file).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    let (message, help) = if is_json || help.is_some() {
        (format!("not JSON: {message}"), help)
    } else {
        let help =
            "give a scenario as *.yaml, or the output of `aws cognito-idp describe-user-pool` as *.json";
        (format!("neither a scenario nor JSON: {message}"), Some(help.to_owned()))
    };
    Diagnostic::from_parts(file, text, Some((line, column, 1)), message, help)
}

/// Returns the place of the value at `path`, or of its nearest parent.
fn span(text: &str, path: &[Segment]) -> Option<(usize, usize, usize)> {
    (0..=path.len()).rev().find_map(|length| {
        let mut parser = serde_json::Deserializer::from_str(text);
        let error = Seek::value(&path[..length]).deserialize(&mut parser).err()?;
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
