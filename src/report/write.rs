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
/// Each file is there in whole or not at all: who reads while it is written sees the one before. When there is no room for both,
/// neither is replaced.
pub fn write(dir: &Path, report: &Report, with_html: bool) -> Result<Written, ReportError> {
    fs::create_dir_all(dir).map_err(|source| ReportError::Folder { path: dir.to_owned(), source })?;
    let page = with_html.then(|| beside(dir, HTML, &html::page(report))).transpose()?;
    let json = beside(dir, JSON, &report.to_json())?.take_its_place()?;
    let html = page.map(Beside::take_its_place).transpose()?;
    if html.is_none() {
        // A page of an earlier run would tell of another one than the report beside it. Most often there is none.
        let _ = fs::remove_file(dir.join(HTML));
    }
    Ok(Written { json, html })
}

/// Makes `dir` if need be, and finds out whether reports can be written into it, before there is one to lose.
pub fn writable(dir: &Path) -> Result<(), ReportError> {
    fs::create_dir_all(dir).map_err(|source| ReportError::Folder { path: dir.to_owned(), source })?;
    for path in [dir.join(JSON), dir.join(HTML)] {
        if path.is_dir() {
            return Err(ReportError::Write { path, source: std::io::ErrorKind::IsADirectory.into() });
        }
    }
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

/// A file that is written and has not its name yet. Dropped before it has, it is gone.
struct Beside {
    written: PathBuf,
    path: PathBuf,
}

/// Writes beside the file that is to be replaced.
fn beside(dir: &Path, name: &str, text: &str) -> Result<Beside, ReportError> {
    let written = dir.join(format!(".{name}.{}.tmp", std::process::id()));
    let beside = Beside { written, path: dir.join(name) };
    match fs::write(&beside.written, text) {
        Ok(()) => Ok(beside),
        Err(source) => Err(ReportError::Write { path: beside.path.clone(), source }),
    }
}

impl Beside {
    /// A rename inside one folder is atomic.
    fn take_its_place(self) -> Result<PathBuf, ReportError> {
        let path = self.path.clone();
        fs::rename(&self.written, &path)
            .map_err(|source| ReportError::Write { path: path.clone(), source })?;
        Ok(path)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // After the rename there is nothing of this name; before it, what is there is of no use.
        let _ = fs::remove_file(&self.written);
    }
}
