//! Puts reports into files and reads them back.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Report, html};

/// The name of the report for machines.
const JSON: &str = "report.json";
/// The name of the report for people.
const HTML: &str = "report.html";

/// The files that were written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// `report.json`.
    pub json: PathBuf,
    /// `report.html`, if it was asked for.
    pub html: Option<PathBuf>,
}

/// Why a report could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder could not be made.
    #[error("cannot make the folder {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is no report.
    #[error("{path} is not a report that this version can read: {source}")]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl Report {
    /// The report as it stands in `report.json`: indented, with a line end at the end.
    pub fn to_json(&self) -> String {
        // Maps have text keys and numbers are finite: nothing here can fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// Writes `report.json`, and with `with_html` also `report.html`, into `dir`, which is made if need be.
///
/// Each file is there in whole or not at all: who reads while it is written sees the one before.
pub fn write(dir: &Path, report: &Report, with_html: bool) -> Result<Written, ReportError> {
    fs::create_dir_all(dir).map_err(|source| ReportError::Folder { path: dir.to_owned(), source })?;
    let json = replace(dir, JSON, &report.to_json())?;
    let html = with_html.then(|| replace(dir, HTML, &html::page(report))).transpose()?;
    if html.is_none() {
        // A page of an earlier run would tell of another one than the report beside it. Most often there is none.
        let _ = fs::remove_file(dir.join(HTML));
    }
    Ok(Written { json, html })
}

/// Makes `dir` if need be, and finds out whether reports can be written into it, before there is one to lose.
pub fn writable(dir: &Path) -> Result<(), ReportError> {
    fs::create_dir_all(dir).map_err(|source| ReportError::Folder { path: dir.to_owned(), source })?;
    let probe = dir.join(format!(".probe.{}.tmp", std::process::id()));
    let tried = fs::write(&probe, []).and_then(|()| fs::remove_file(&probe));
    tried.map_err(|source| ReportError::Write { path: dir.to_owned(), source })
}

/// Reads a `report.json` back.
pub fn read(file: &Path) -> Result<Report, ReportError> {
    let text =
        fs::read_to_string(file).map_err(|source| ReportError::Read { path: file.to_owned(), source })?;
    serde_json::from_str(&text).map_err(|source| ReportError::Form { path: file.to_owned(), source })
}

/// Writes beside the file, then takes its name: a rename inside one folder is atomic.
fn replace(dir: &Path, name: &str, text: &str) -> Result<PathBuf, ReportError> {
    let path = dir.join(name);
    let beside = dir.join(format!(".{name}.{}.tmp", std::process::id()));
    let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, &path));
    written.map_err(|source| {
        // What is left of the attempt is of no use; the first error is the one to tell.
        let _ = fs::remove_file(&beside);
        ReportError::Write { path: path.clone(), source }
    })?;
    Ok(path)
}
