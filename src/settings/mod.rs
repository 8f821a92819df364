//! Pool settings as input: a scenario, or the JSON that AWS tools print about a pool.
//!
//! The JSON is the output of `aws cognito-idp describe-user-pool`, which is required, and of
//! `get-user-pool-mfa-config`, `describe-risk-configuration` and `describe-user-pool-client`, which are
//! optional. Top keys identify the documents, so they can come in any order, in several files or merged into
//! one object (`jq -s add`). Keys without effect are ignored, and keys that the API model does not have are
//! listed. Settings that could change a decision, a token or a quota and are not simulated are refused, or
//! listed if the caller ignores them.
//!
//! A file `*.json` is an AWS document, `*.yaml` or `*.yml` a scenario. Any other file is an AWS document if
//! it starts with `{` or `[`, so a pipe works too.

mod aws;
mod document;
mod foreign;
mod unknown;

use std::path::{Path, PathBuf};

use crate::scenario::{self, Diagnostic, ScheduleFiles};
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::policy::{CompromisedAction, FactorTypes, PoolPolicy};
use poolproof_pool::CustomChallenge;
use poolproof_pool::provider::Description;

/// Largest file.
const MAX_BYTES: usize = 1 << 20;

/// A pool's settings, and how much of them is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PoolSettings {
    /// The pool's name; untrusted text.
    pub name: String,
    /// The pool's id on AWS, if known; untrusted text.
    pub pool_id: Option<String>,
    /// The source of the settings.
    pub source: SourceKind,
    /// The settings. Values that the source does not contain have Cognito's defaults.
    pub policy: PoolPolicy,
    /// The second factors that users can have.
    pub factors: FactorTypes,
    /// Whether the risk actions come from the source and not from a default.
    pub risk_known: bool,
    /// Whether sign-ins with compromised passwords are blocked.
    pub blocks_compromised: bool,
    /// Addresses that are always blocked or skipped.
    pub exceptions: RiskExceptions,
    /// The documents themselves, for a server of the pool.
    pub description: Option<Description>,
    /// Settings that are not simulated and are ignored, such as `LambdaConfig.PreTokenGeneration`.
    pub ignored: Vec<String>,
    /// Keys that are ignored because the API model does not have them, each as a line.
    pub unknown: Vec<String>,
    /// The challenges of `CUSTOM_AUTH`.
    pub custom_auth: Vec<CustomChallenge>,
    /// Assumptions about what the source does not contain, as sentences.
    pub notes: Vec<String>,
    /// The same about quotas, which do not affect a single sign-in.
    pub quota_note: Option<String>,
}

/// The source of settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SourceKind {
    /// A scenario file.
    Scenario,
    /// AWS documents.
    Aws,
}

impl SourceKind {
    /// Returns the word for reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scenario => "scenario",
            Self::Aws => "aws",
        }
    }
}

/// Whether settings that are not simulated are refused or ignored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unsimulated {
    /// They are refused.
    Refuse,
    /// They are ignored and listed.
    Ignore,
}

/// Reads the settings of one pool: one scenario file, or AWS documents.
///
/// # Errors
///
/// The first problem of the files, with its place.
pub fn read(paths: &[PathBuf], unsimulated: Unsimulated) -> Result<PoolSettings, Diagnostic> {
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        files.push((path.display().to_string(), bytes(path)?));
    }
    parse(&files, unsimulated)
}

/// Reads the settings of one pool from files given as name and content.
///
/// # Errors
///
/// The first problem of the files, with its place.
pub fn parse(files: &[(String, Vec<u8>)], unsimulated: Unsimulated) -> Result<PoolSettings, Diagnostic> {
    if let Some(hint) = files.iter().find_map(|(file, bytes)| foreign::detect(file, bytes)) {
        return Err(hint);
    }
    if let Some((file, bytes)) = files.iter().find(|(file, bytes)| !is_aws(file, bytes)) {
        if files.len() > 1 {
            let message = "give one scenario, or the documents of one pool on AWS";
            return Err(Diagnostic::from_parts(file, "", None, message, None));
        }
        if let Some(refusal) = aws::detect_other_output(file, bytes) {
            return Err(refusal);
        }
        return scenario::parse_with(file, bytes, ScheduleFiles::beside(Path::new(file)))
            .map(|scenario| from_scenario(&scenario));
    }
    let mut documents = Vec::with_capacity(files.len());
    for (file, bytes) in files {
        documents.push(aws::parse_document(file, bytes)?);
    }
    aws::settings(&documents, unsimulated)
}

fn bytes(path: &Path) -> Result<Vec<u8>, Diagnostic> {
    crate::input::read_bytes(path, MAX_BYTES).map_err(|error| {
        let file = path.display();
        let (message, help) = if path.is_dir() {
            let help = format!(
                "give a scenario in it, or the documents of one pool on AWS, as in `{}`",
                path.join("*.json").display()
            );
            ("a folder, not a file".to_owned(), Some(help))
        } else {
            (format!("cannot be read: {error}"), None)
        };
        Diagnostic::from_parts(&file.to_string(), "", None, message, help)
    })
}

/// Returns whether a file is an AWS document.
fn is_aws(file: &str, bytes: &[u8]) -> bool {
    let ending = Path::new(file).extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    match ending.as_deref() {
        Some("json") => true,
        Some("yaml" | "yml") => false,
        _ => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['))
        }
    }
}

fn from_scenario(scenario: &scenario::Scenario) -> PoolSettings {
    let quota_note = scenario.pool.quotas.user_resource_update.is_none().then(|| {
        "The scenario has no quotas, so there is no advice about them; `quotas: cognito` sets those of an \
            AWS account."
            .to_owned()
    });
    PoolSettings {
        name: scenario.name.clone(),
        pool_id: None,
        source: SourceKind::Scenario,
        policy: scenario.pool,
        // A scenario's population is not a setting of the pool, so all factors are possible.
        factors: FactorTypes::ALL,
        risk_known: true,
        blocks_compromised: scenario.pool.risk.compromised == CompromisedAction::Block,
        exceptions: scenario.exceptions.clone(),
        description: None,
        ignored: Vec::new(),
        unknown: Vec::new(),
        custom_auth: scenario.custom_auth.clone(),
        notes: Vec::new(),
        quota_note,
    }
}
