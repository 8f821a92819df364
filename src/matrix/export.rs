//! The matrix as CSV (RFC 4180) and as JSON, which is also the form of a baseline.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::cell::Cell;
use super::row::{Matrix, Row};
use poolproof_cognito::policy::{Factors, MfaMode, RememberMode, RiskAction, RiskLevel};
use poolproof_oracle::Device;

/// The largest baseline that is read. A full matrix has about 2 MB.
const MAX_BYTES: usize = 1 << 25;

const CSV_HEADER: [&str; 13] = [
    "remember",
    "suppress_mfa",
    "mfa",
    "factor",
    "device",
    "risk_level",
    "risk_action",
    "challenges",
    "outcome",
    "new_device",
    "rule",
    "source",
    "confidence",
];

/// A cell and its decision in JSON. The keys have the order of the fields.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct CellRecord {
    remember: RememberMode,
    suppress_mfa: bool,
    mfa: MfaMode,
    factor: Factors,
    #[serde(with = "device_word")]
    device: Device,
    // Requires the key: without this attribute serde would read a missing key as null.
    #[serde(deserialize_with = "Option::deserialize")]
    risk: Option<RiskRecord>,
    #[serde(flatten)]
    pub(super) decision: RecordedDecision,
}

/// The risk of a cell in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct RiskRecord {
    level: RiskLevel,
    action: RiskAction,
}

/// The decision and the rule of a cell in JSON.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(super) struct RecordedDecision {
    pub(super) challenges: Vec<String>,
    pub(super) outcome: String,
    pub(super) new_device: bool,
    pub(super) rule: String,
    pub(super) source: String,
    pub(super) confidence: String,
}

/// The reason why a file is not a baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// The file cannot be read.
    #[error("cannot read the baseline {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file does not contain a matrix.
    #[error("{path} is not a matrix: {why}")]
    InvalidFormat {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: String,
    },
}

/// Renders the matrix as CSV, one record per cell. Without risk its two fields are empty; challenges are
/// separated by spaces.
pub fn csv(matrix: &Matrix) -> String {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing to a Vec cannot fail.
    let _ = writer.write_record(CSV_HEADER);
    for Row { cell, rule, decision } in matrix.rows() {
        let (level, action) = cell.risk.map_or(("", ""), |(level, action)| (level.as_str(), action.as_str()));
        let challenges: Vec<&str> = decision.challenges.iter().map(|name| name.as_str()).collect();
        let _ = writer.write_record([
            cell.remember.as_str(),
            if cell.suppress_mfa { "true" } else { "false" },
            cell.mfa.as_str(),
            cell.factor.as_str(),
            cell.device.as_str(),
            level,
            action,
            &challenges.join(" "),
            decision.outcome.as_str(),
            if decision.new_device { "true" } else { "false" },
            rule.id,
            rule.source,
            rule.confidence.as_str(),
        ]);
    }
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// Renders the matrix as a JSON array with one object per line.
pub fn json(matrix: &Matrix) -> String {
    let line = |row| serde_json::to_string(&CellRecord::new(row)).unwrap_or_default();
    let lines: Vec<String> = matrix.rows().iter().map(line).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

/// Reads a matrix that [`json`] has written.
pub fn read_baseline(path: &Path) -> Result<Baseline, BaselineError> {
    let failed = |source| BaselineError::Read { path: path.to_owned(), source };
    let bytes = crate::input::read_bytes(path, MAX_BYTES).map_err(failed)?;
    parse(&bytes).map_err(|why| BaselineError::InvalidFormat { path: path.to_owned(), why })
}

/// The cells of a baseline with their decisions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Baseline(pub(super) BTreeMap<Cell, RecordedDecision>);

fn parse(bytes: &[u8]) -> Result<Baseline, String> {
    if bytes.len() > MAX_BYTES {
        return Err("the file is larger than 32 MiB".to_owned());
    }
    let records: Vec<CellRecord> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let mut cells = BTreeMap::new();
    for record in records {
        let cell = record.cell();
        if cells.insert(cell, record.decision).is_some() {
            return Err(format!("it contains this cell twice: {cell}"));
        }
    }
    if cells.is_empty() {
        return Err("it contains no cells".to_owned());
    }
    Ok(Baseline(cells))
}

impl CellRecord {
    fn new(row: &Row) -> Self {
        let Cell { remember, suppress_mfa, mfa, factor, device, risk } = row.cell;
        let risk = risk.map(|(level, action)| RiskRecord { level, action });
        Self { remember, suppress_mfa, mfa, factor, device, risk, decision: RecordedDecision::new(row) }
    }

    fn cell(&self) -> Cell {
        let Self { remember, suppress_mfa, mfa, factor, device, risk, .. } = *self;
        Cell {
            remember,
            suppress_mfa,
            mfa,
            factor,
            device,
            risk: risk.map(|RiskRecord { level, action }| (level, action)),
        }
    }
}

impl RecordedDecision {
    pub(super) fn new(row: &Row) -> Self {
        let Row { rule, decision, .. } = row;
        Self {
            challenges: decision.challenges.iter().map(|name| name.as_str().to_owned()).collect(),
            outcome: decision.outcome.as_str().to_owned(),
            new_device: decision.new_device,
            rule: rule.id.to_owned(),
            source: rule.source.to_owned(),
            confidence: rule.confidence.as_str().to_owned(),
        }
    }
}

/// The serde form of [`Device`]: the oracle itself does not depend on serde.
mod device_word {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use poolproof_oracle::Device;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this signature")]
    pub(super) fn serialize<S: Serializer>(device: &Device, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(device.as_str())
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Device, D::Error> {
        let word = String::deserialize(deserializer)?;
        let known = Device::ALL.into_iter().find(|device| device.as_str() == word);
        known.ok_or_else(|| D::Error::custom(format!("unknown device `{word}`")))
    }
}
