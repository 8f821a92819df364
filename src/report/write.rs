//! Writes reports to files and reads them.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::files::{HTML, INDEX, JSON, SHARED, run_names};
use super::{File, Format, MeasuredRun, Report, run_files};

/// Maximum size of a report file that is read. All parts of a report are bounded.
const MAX_BYTES: usize = 64 << 20;

/// The files that were written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrittenFiles {
    /// `report.json`.
    pub json: PathBuf,
    /// `report.html`, if the caller requested it.
    pub html: Option<PathBuf>,
}

/// Why a report could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder could not be created.
    #[error("cannot create folder {path}: {source}")]
    CreateDir {
        /// The folder.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The file could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The file is not a report.
    #[error("{path} is not a report that this version can read: {source}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// The parser's error.
        source: serde_json::Error,
    },
    /// The file ends before the report does.
    #[error(
        "{path} is not a report that this version can read: the file ends at line {line}, before the report \
            does"
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Its last line.
        line: usize,
    },
    /// The file is a report of another version, or of another program.
    #[error("{path} is not a report that this version can read: {what}")]
    Version {
        /// The file.
        path: PathBuf,
        /// Why its version is not accepted.
        what: String,
    },
    /// A file of an earlier run could not be deleted.
    #[error("cannot delete {path} of an earlier run: {source}")]
    Remove {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// A file of another program has this name.
    #[error("{path} exists and was not written by poolproof")]
    NotOwned {
        /// The file.
        path: PathBuf,
    },
}

impl Report {
    /// The version of `report.json` that this program reads and writes.
    pub const SCHEMA_VERSION: u32 = 2;

    /// Renders `report.json`: indented, with a final line end.
    pub fn to_json(&self) -> String {
        // Serialization cannot fail because maps have text keys and numbers are finite.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// Writes `report.json`, and with `with_html` also `report.html`, into `dir`. Creates `dir` if needed.
pub fn write(dir: &Path, report: &Report, with_html: bool) -> Result<WrittenFiles, ReportError> {
    write_run(dir, report, None, if with_html { &[Format::Html] } else { &[] })
}

/// Writes `report.json` and the other files of a run into `dir`, which is created if needed. Files of an
/// earlier run are deleted.
pub fn write_run(
    dir: &Path,
    report: &Report,
    measured: Option<MeasuredRun<'_>>,
    formats: &[Format],
) -> Result<WrittenFiles, ReportError> {
    let formats = [formats, &[Format::Json]].concat();
    let files = run_files(report, None, measured, &formats);
    write_files(dir, &files)?;
    for stale in run_names().filter(|name| files.iter().all(|file| file.name != *name)) {
        // In most cases the file does not exist.
        let _ = fs::remove_file(dir.join(stale));
    }
    let html = formats.contains(&Format::Html).then(|| dir.join(HTML));
    Ok(WrittenFiles { json: dir.join(JSON), html })
}

/// Writes files into `dir`. Creates `dir` if needed.
///
/// Each file is replaced atomically: a concurrent reader sees the previous version. If there is not enough
/// space for all files, no file is replaced.
pub fn write_files(dir: &Path, files: &[File]) -> Result<(), ReportError> {
    fs::create_dir_all(dir).map_err(|source| ReportError::CreateDir { path: dir.to_owned(), source })?;
    let written: Result<Vec<TempFile>, ReportError> =
        files.iter().map(|file| temp_file(dir, &file.name, &file.text)).collect();
    written?.into_iter().try_for_each(TempFile::persist)
}

/// Deletes what an earlier command left: the files about all runs in `dir`, and those of each run in `runs`.
/// Files of other programs stay.
///
/// # Errors
///
/// A file cannot be deleted.
pub fn remove_stale<'d>(dir: &Path, runs: impl IntoIterator<Item = &'d Path>) -> Result<(), ReportError> {
    let shared = SHARED.into_iter().map(|(name, _)| name).filter(|name| is_ours(dir, name));
    let mut files: Vec<PathBuf> = shared.map(|name| dir.join(name)).collect();
    for run in runs {
        files.extend(run_names().map(|name| run.join(name)).filter(|path| !path.is_dir()));
    }
    files.into_iter().try_for_each(|path| match fs::remove_file(&path) {
        Err(source) if !matches!(source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(ReportError::Remove { path, source })
        }
        _ => Ok(()),
    })
}

/// Returns whether this program wrote the file about all runs with this name.
fn is_ours(dir: &Path, name: &str) -> bool {
    let signature = SHARED.into_iter().find_map(|(shared, signature)| (shared == name).then_some(signature));
    let text = crate::input::read_text(&dir.join(name), MAX_BYTES);
    signature.zip(text.ok()).is_some_and(|(signature, text)| text.contains(signature))
}

/// Creates `dir` if needed and checks that reports can be written, before a run starts.
pub fn check_writable(dir: &Path) -> Result<(), ReportError> {
    check_writable_names(dir, run_names())
}

/// Checks that files with these names can be written. Refuses to replace an index that another program wrote.
pub fn check_writable_names(
    dir: &Path,
    names: impl IntoIterator<Item = impl AsRef<str>>,
) -> Result<(), ReportError> {
    fs::create_dir_all(dir).map_err(|source| ReportError::CreateDir { path: dir.to_owned(), source })?;
    for name in names {
        let path = dir.join(name.as_ref());
        if path.is_dir() {
            return Err(ReportError::Write { path, source: ErrorKind::IsADirectory.into() });
        }
        if name.as_ref() == INDEX && path.exists() && !is_ours(dir, INDEX) {
            return Err(ReportError::NotOwned { path });
        }
    }
    let probe = temp_path(dir, "probe");
    let tried = create(&probe, "").and_then(|()| fs::remove_file(&probe));
    tried.map_err(|source| ReportError::Write { path: dir.to_owned(), source })
}

/// Reads a `report.json`.
pub fn read(file: &Path) -> Result<Report, ReportError> {
    /// The field that every version has.
    #[derive(Deserialize)]
    struct VersionHeader {
        schema_version: Option<u64>,
    }
    let path = || file.to_owned();
    let text = crate::input::read_text(file, MAX_BYTES)
        .map_err(|source| ReportError::Read { path: path(), source })?;
    let broken = |source: serde_json::Error| match source.is_eof() {
        true => ReportError::Truncated { path: path(), line: source.line() },
        false => ReportError::Parse { path: path(), source },
    };
    let head: VersionHeader = serde_json::from_str(&text).map_err(broken)?;
    if head.schema_version != Some(Report::SCHEMA_VERSION.into()) {
        let what = match head.schema_version {
            Some(version) => format!(
                "its schema_version is {version}, this version reads {}; run the scenario again",
                Report::SCHEMA_VERSION
            ),
            None => "missing field `schema_version`".to_owned(),
        };
        return Err(ReportError::Version { path: path(), what });
    }
    serde_json::from_str(&text).map_err(broken)
}

/// A temporary file; deleted on drop unless it was renamed.
struct TempFile {
    written: PathBuf,
    path: PathBuf,
}

/// Writes the text to a temporary file in the folder of the file that it replaces.
fn temp_file(dir: &Path, name: &str, text: &str) -> Result<TempFile, ReportError> {
    let temp_file = TempFile { written: temp_path(dir, name), path: dir.join(name) };
    match create(&temp_file.written, text) {
        Ok(()) => Ok(temp_file),
        Err(source) => Err(ReportError::Write { path: temp_file.path.clone(), source }),
    }
}

/// Returns a name that no other process uses. Process ids are not enough: containers that share a folder can
/// have processes with equal ids.
fn temp_path(dir: &Path, name: &str) -> PathBuf {
    // The standard library seeds each hasher with random bytes of the operating system.
    let random = RandomState::new().build_hasher().finish();
    dir.join(format!(".{name}.{random:016x}.tmp"))
}

/// Writes a file that does not exist yet.
fn create(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs::File::create_new(path)?;
    file.write_all(text.as_bytes())
}

impl TempFile {
    /// Renames the file. A rename within one folder is atomic.
    fn persist(self) -> Result<(), ReportError> {
        fs::rename(&self.written, &self.path)
            .map_err(|source| ReportError::Write { path: self.path.clone(), source })
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        // After a successful rename this file does not exist. Otherwise it is incomplete and not needed.
        let _ = fs::remove_file(&self.written);
    }
}
