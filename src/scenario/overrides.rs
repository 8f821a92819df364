//! Keys of a scenario that the command line sets: `--set pool.remember=opt_in`, `--pool pool.json`.

use super::diagnostic::{Diagnostic, TextError, TextSpan};
use super::raw::RawPool;
use super::tree::Tree;
use super::values::{Cidr, Time};
use super::word_or_map::WordOrMap;
use super::{Scenario, Segment, flows, scan, yaml};
use poolproof_cognito::addresses::{AddressRange, RiskExceptions};
use poolproof_cognito::policy::{PoolPolicy, RiskMode};
use serde::Serialize;

/// A key of a scenario, and its value in place of the file's.
#[derive(Clone, PartialEq, Debug)]
pub struct Override {
    /// The option and its file, for errors.
    origin: String,
    /// `KEY=VALUE`.
    text: String,
    pub(super) path: Vec<Segment>,
    pub(super) value: Tree,
}

impl Override {
    /// Parses `pool.remember=opt_in` or `thresholds[0]=sign_in.p99 < 1s`. The value is YAML.
    ///
    /// # Errors
    ///
    /// Returns a message if the text is not a key and a value.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, such as pool.remember=opt_in")?;
        let path = path(key.trim()).ok_or_else(|| {
            format!("`{key}` is not a key such as pool.remember or workload.stages[0].rate")
        })?;
        let checked = match value.trim() {
            "" => Ok(Tree::Leaf(yaml::Value::Null)),
            _ => scan::scan(value).and_then(|()| Tree::parse(value)),
        };
        let value = checked.map_err(|error| format!("the value is not YAML: {}", error.message))?;
        Ok(Self { origin: "--set".to_owned(), text: text.to_owned(), path, value })
    }

    /// Returns `KEY=VALUE` as given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the settings of a pool as overrides: those that AWS keeps in the pool. `origin` names the
    /// option.
    pub fn from_policy(policy: &PoolPolicy, exceptions: &RiskExceptions, origin: &str) -> Vec<Self> {
        let ranges = |list: &[AddressRange]| list.iter().copied().map(Cidr).collect::<Vec<_>>();
        let risk = &policy.risk;
        let keys = [
            ("remember", tree(&policy.remember)),
            ("suppress_mfa", tree(&policy.suppress_mfa)),
            ("mfa", tree(&policy.mfa)),
            ("risk.mode", tree(&risk.mode)),
            ("risk.low", tree(&risk.low)),
            ("risk.medium", tree(&risk.medium)),
            ("risk.high", tree(&risk.high)),
            ("risk.compromised", tree(&risk.compromised)),
            ("risk.always_block", tree(&ranges(&exceptions.blocked))),
            ("risk.always_allow", tree(&ranges(&exceptions.skipped))),
            ("first_factors", tree(&flows::raw_first_factors(policy.first_factors))),
            ("session_validity", tree(&Time(policy.session_validity))),
        ];
        keys.into_iter().map(|(key, value)| Self::created(origin, &format!("pool.{key}"), value)).collect()
    }

    /// Returns the whole pool of another scenario as an override. `origin` names the option.
    pub fn from_pool_of(scenario: &Scenario, origin: &str) -> Self {
        let pool: RawPool = scenario.raw_pool();
        Self::created(origin, "pool", tree(&pool))
    }

    fn created(origin: &str, key: &str, value: Tree) -> Self {
        let text = match &value {
            Tree::Leaf(_) => format!("{key}={}", value.to_line()),
            _ => format!("{key}=…"),
        };
        Self { origin: origin.to_owned(), text, path: path(key).unwrap_or_default(), value }
    }

    /// Returns key and value of a key of the pool that is not nested and not empty, as a line of a file has
    /// them.
    pub fn pool_line(&self) -> Option<(&str, String)> {
        let [_, Segment::Key(key)] = &self.path[..] else { return None };
        let is_empty = matches!(&self.value, Tree::List(items) if items.is_empty());
        (!is_empty).then(|| (key.as_str(), self.value.to_line()))
    }

    /// Returns the value of `quotas` on one line.
    pub fn quotas_line(policy: &PoolPolicy) -> String {
        tree(&WordOrMap(policy.quotas)).to_line()
    }

    /// Returns the value of `risk` on one line, unless the pool ignores risk.
    pub fn risk_line(policy: &PoolPolicy, exceptions: &RiskExceptions) -> Option<String> {
        if policy.risk.mode == RiskMode::Off {
            return None;
        }
        let mut keys = Vec::new();
        for one in Self::from_policy(policy, exceptions, "") {
            let [_, Segment::Key(risk), Segment::Key(key)] = &one.path[..] else { continue };
            if matches!(&one.value, Tree::List(items) if items.is_empty()) {
                continue;
            }
            if risk == "risk" {
                keys.push(format!("{key}: {}", one.value.to_line()));
            }
        }
        Some(format!("{{ {} }}", keys.join(", ")))
    }

    /// Whether the value at `path` comes from this override.
    pub(super) fn covers(&self, path: &[Segment]) -> bool {
        path.starts_with(&self.path)
    }

    /// Returns an error that shows the option.
    pub(super) fn diagnostic(&self, message: String, help: Option<String>) -> Diagnostic {
        // The error shows the key if it is unknown, otherwise the value.
        let value = self.text.find('=').map_or(0, |at| at + 1);
        let key = value.saturating_sub(1);
        let shown = if message.contains("unknown key `") { 0..key } else { value..self.text.len() };
        let column = self.text[..shown.start].chars().count() + 1;
        let span = TextSpan { line: 1, column, length: self.text[shown].chars().count() };
        Diagnostic::new(&self.origin, &self.text, TextError { message, help, span: Some(span) })
    }
}

/// Converts a value as scenarios write it.
fn tree(value: &impl Serialize) -> Tree {
    Tree::parse(&yaml::write(value)).unwrap_or(Tree::Map(Vec::new()))
}

/// Parses the path of a key: `workload.stages[0].rate`.
fn path(key: &str) -> Option<Vec<Segment>> {
    let mut path = Vec::new();
    for part in key.split('.') {
        let (name, mut indexes) = part.split_at(part.find('[').unwrap_or(part.len()));
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.is_empty() || !name.bytes().all(is_name) {
            return None;
        }
        path.push(name.into());
        while !indexes.is_empty() {
            let (index, rest) = indexes.strip_prefix('[')?.split_once(']')?;
            path.push(index.parse::<usize>().ok()?.into());
            indexes = rest;
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_names_and_indexes() {
        assert_eq!(path("pool.remember"), Some(vec!["pool".into(), "remember".into()]));
        assert_eq!(path("a[0][12].b"), Some(vec!["a".into(), 0.into(), 12.into(), "b".into()]));
        for text in ["", ".", "a.", "a[", "a[]", "a[x]", "[0]", "a[0]b", "a b", "a[-1]"] {
            assert_eq!(path(text), None, "{text}");
        }
        for text in ["", "pool", "=x", "pool.remember", "a=&b c", "a={", "a=[1"] {
            assert!(Override::parse(text).is_err(), "{text}");
        }
    }
}
