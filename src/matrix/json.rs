//! The matrix as JSON: one object per cell. Written for machines, and read back as a baseline.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::cell::Cell;
use super::row::{Matrix, Row};
use poolproof_cognito::policy::{Factors, MfaMode, RememberMode, RiskAction, RiskLevel};
use poolproof_oracle::Device;

/// Larger files than this are no matrices: a full one takes two megabytes.
const MAX_BYTES: usize = 1 << 25;

/// A cell and its decision in words. The order of the fields is the order of the keys.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct CellRecord {
    remember: RememberMode,
    suppress_mfa: bool,
    mfa: MfaMode,
    factor: Factors,
    #[serde(with = "device_word")]
    device: Device,
    // Null must be said: a cell without this key is a slip.
    #[serde(deserialize_with = "Option::deserialize")]
    risk: Option<RiskRecord>,
    #[serde(flatten)]
    pub(super) decision: RecordedDecision,
}

/// The risk of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct RiskRecord {
    level: RiskLevel,
    action: RiskAction,
}

/// What a matrix says about a cell, in words.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(super) struct RecordedDecision {
    pub(super) challenges: Vec<String>,
    pub(super) outcome: String,
    pub(super) new_device: bool,
    pub(super) rule: String,
    pub(super) source: String,
    pub(super) confidence: String,
}

/// Why a file cannot be a baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It cannot be read.
    #[error("cannot read the baseline {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is not a matrix.
    #[error("{path} is not a matrix: {why}")]
    InvalidFormat {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// The matrix as a JSON array, one object per line.
pub fn json(matrix: &Matrix) -> String {
    let line = |row| serde_json::to_string(&CellRecord::new(row)).unwrap_or_default();
    let lines: Vec<String> = matrix.rows().iter().map(line).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

/// Reads a matrix that [`json`] has written: what was told about each cell.
pub fn read_baseline(path: &Path) -> Result<Baseline, BaselineError> {
    let failed = |source| BaselineError::Read { path: path.to_owned(), source };
    let bytes = crate::input::bytes(path, MAX_BYTES).map_err(failed)?;
    parse(&bytes).map_err(|why| BaselineError::InvalidFormat { path: path.to_owned(), why })
}

/// What a matrix said about its cells when it was written down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Baseline(pub(super) BTreeMap<Cell, RecordedDecision>);

fn parse(bytes: &[u8]) -> Result<Baseline, String> {
    if bytes.len() > MAX_BYTES {
        return Err("larger than 32 MiB".to_owned());
    }
    let records: Vec<CellRecord> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let mut cells = BTreeMap::new();
    for record in records {
        let cell = record.cell();
        if cells.insert(cell, record.decision).is_some() {
            return Err(format!("it has this cell twice: {cell}"));
        }
    }
    if cells.is_empty() {
        return Err("it has no cells".to_owned());
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

/// The oracle's floor knows no serde: its word for a device is written and read here.
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
