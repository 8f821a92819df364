//! Keys of AWS documents that the API model does not have, such as misspelled ones.

use serde_json::Value;

use super::document::{AwsDocument, place, segments};
use crate::scenario::{Segment, nearest};
use poolproof_cognito::model::{self, UnknownKey};

/// The documents by their top key; get-user-pool-mfa-config has none.
const DOCUMENTS: [&str; 3] = ["UserPool", "RiskConfiguration", "UserPoolClient"];
/// The model's name of get-user-pool-mfa-config.
const MFA_CONFIG: &str = "UserPoolMfaConfig";
/// The key that AWS's SDK for Python adds to every response.
const OF_SDK: &str = "ResponseMetadata";
/// Most keys that are listed.
const MAX_LISTED: usize = 20;
/// Most characters of a path that are listed.
const MAX_PATH: usize = 120;

/// Returns a line for each key that is ignored because the model does not have it, in the order of the
/// documents.
pub(super) fn unknown_keys(documents: &[AwsDocument]) -> Vec<String> {
    let found: Vec<_> = documents.iter().enumerate().flat_map(|(at, one)| unknown(at, one)).collect();
    let more = found.len().saturating_sub(MAX_LISTED);
    let listed = found.into_iter().take(MAX_LISTED).map(|key| {
        let document = &documents[key.document];
        // Finding a line reads the document again.
        ((key.document, document.line(&key.path)), key)
    });
    let mut listed: Vec<_> = listed.collect();
    listed.sort_by_key(|(place, _)| *place);
    let mut lines: Vec<_> = listed
        .into_iter()
        .map(|((_, line), key)| key.describe(&documents[key.document].file, line))
        .collect();
    lines.extend((more > 0).then(|| format!("{more} more keys are ignored")));
    lines
}

/// A key that the model does not have, and those that it could be.
struct Unknown {
    document: usize,
    path: Vec<Segment>,
    absent: Vec<&'static str>,
}

fn unknown(at: usize, document: &AwsDocument) -> Vec<Unknown> {
    let Some(root) = document.object(None) else { return Vec::new() };
    let mut own = root.clone();
    own.remove(OF_SDK);
    let mut found = Vec::new();
    for name in DOCUMENTS {
        let Some(object) = own.remove(name) else { continue };
        for UnknownKey { path, absent } in model::unknown_in_document(name, &object) {
            let path = [vec![Segment::Key(name.to_owned())], segments(path)].concat();
            found.push(Unknown { document: at, path, absent });
        }
    }
    for UnknownKey { path, mut absent } in model::unknown_in_document(MFA_CONFIG, &Value::Object(own)) {
        absent.extend(DOCUMENTS);
        found.push(Unknown { document: at, path: segments(path), absent });
    }
    found
}

impl Unknown {
    fn describe(&self, file: &str, line: usize) -> String {
        let key = self.path.last().and_then(|segment| match segment {
            Segment::Key(key) => Some(key.as_str()),
            Segment::Index(_) => None,
        });
        let near = key.and_then(|key| nearest(key, self.absent.iter().copied()));
        let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        let (file, place) = (printable(file), printable(&place(&self.path)));
        format!("{place} ({file}, line {line}) is ignored{near}")
    }
}

/// Replaces characters that could change how a terminal or Markdown shows a line.
fn printable(text: &str) -> String {
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() || "._-:/[]".contains(letter) { letter } else { '?' }
    };
    text.chars().take(MAX_PATH).map(plain).collect()
}
