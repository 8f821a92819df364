//! A pool's settings as input: from a scenario, or from the JSON that AWS's own tools print about a pool.
//!
//! The JSON is the output of `aws cognito-idp describe-user-pool`, which is needed, and of `get-user-pool-mfa-config`
//! and `describe-risk-configuration`, which may stand beside it. The documents are told apart by their topmost keys, so
//! they may come in any order, each in a file of its own, or merged into one object (`jq -s add`) where one file is
//! asked for. Keys that decide nothing here are ignored: the format is AWS's.
//!
//! A file called `*.json` is AWS's, one called `*.yaml` or `*.yml` a scenario; any other is AWS's when it begins with
//! `{` or `[`, so that a pipe can be read too.

mod aws;
mod json;

use std::path::{Path, PathBuf};

use crate::scenario::{self, Diagnostic, ScheduleFiles};
use poolproof_cognito::addresses::RiskExceptions;
use poolproof_cognito::policy::{CompromisedAction, Factors, PoolPolicy};

/// Larger files than this are neither a scenario nor a pool's description.
const MAX_BYTES: usize = 1 << 20;

/// A pool's settings, and how much of them is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PoolSettings {
    /// What the pool is called: untrusted text.
    pub name: String,
    /// The pool's id on AWS, where it is known: untrusted text.
    pub pool_id: Option<String>,
    /// Where the settings come from.
    pub source: SourceKind,
    /// The settings. What the source does not say has Cognito's default.
    pub policy: PoolPolicy,
    /// Which second factors users can have at all.
    pub factors: PossibleFactors,
    /// Whether the actions at each level of risk are the source's, and not a default.
    pub risk_known: bool,
    /// Whether sign-ins with passwords known to be compromised are to be blocked.
    pub blocks_compromised: bool,
    /// Addresses that are always blocked, or never looked at for risk.
    pub exceptions: RiskExceptions,
    /// What the source does not say and what was assumed, as sentences of this program's own.
    pub notes: Vec<String>,
    /// The same about quotas, which decide nothing about a sign-in by itself.
    pub quota_note: Option<String>,
}

/// Where settings come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SourceKind {
    /// A scenario file.
    Scenario,
    /// The JSON of AWS's tools.
    Aws,
}

impl SourceKind {
    /// The word for reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scenario => "scenario",
            Self::Aws => "aws",
        }
    }
}

/// The second factors that users of a pool can have at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PossibleFactors {
    /// Codes sent to a phone.
    pub sms: bool,
    /// Codes of an authenticator app.
    pub totp: bool,
    /// Codes sent by e-mail. The rules do not tell them from those sent to a phone.
    pub email: bool,
}

impl PossibleFactors {
    /// All of them: what is assumed when nobody says.
    pub const ALL: Self = Self { sms: true, totp: true, email: true };

    /// Whether there is any.
    pub const fn any(self) -> bool {
        self.sms || self.totp || self.email
    }

    /// The sets of factors that a user can have, the empty one first.
    pub fn sets(self) -> Vec<Factors> {
        let delivered = self.sms || self.email;
        let possible = |set: &Factors| (delivered || !set.has_sms()) && (self.totp || !set.has_totp());
        Factors::ALL.into_iter().filter(possible).collect()
    }
}

/// Reads the settings of one pool: from one scenario file, or from one to three documents of AWS's.
///
/// # Errors
///
/// The first thing that is wrong with the files, with its place.
pub fn read(paths: &[PathBuf]) -> Result<PoolSettings, Diagnostic> {
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        files.push((path.display().to_string(), bytes(path)?));
    }
    parse(&files)
}

/// Reads the settings of one pool from files given as name and content.
///
/// # Errors
///
/// The first thing that is wrong with the files, with its place.
pub fn parse(files: &[(String, Vec<u8>)]) -> Result<PoolSettings, Diagnostic> {
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
    aws::settings(&documents)
}

fn bytes(path: &Path) -> Result<Vec<u8>, Diagnostic> {
    crate::input::bytes(path, MAX_BYTES).map_err(|error| {
        let message = format!("cannot read the file: {error}");
        Diagnostic::from_parts(&path.display().to_string(), "", None, message, None)
    })
}

/// Whether a file is meant to be AWS's JSON.
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
        // The people of a scenario are those who play; who may come to a pool is not among its settings.
        factors: PossibleFactors { email: false, ..PossibleFactors::ALL },
        risk_known: true,
        blocks_compromised: scenario.pool.risk.compromised == CompromisedAction::Block,
        exceptions: scenario.exceptions.clone(),
        notes: Vec::new(),
        quota_note,
    }
}
