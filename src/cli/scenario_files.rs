//! Finds the scenario files that the command line names.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the files in the order of the command line. A folder is replaced by its `*.yaml` files, sorted by
/// name.
///
/// # Errors
///
/// A folder cannot be read or has no such file.
pub(super) fn scenario_files(named: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            files.extend(in_folder(path)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |error| format!("cannot read folder {}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.extension().is_some_and(|extension| extension == "yaml") && !hidden && !path.is_dir() {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(format!("no *.yaml in {}", folder.display()));
    }
    files.sort();
    Ok(files)
}
