//! Finds the scenario files that the command line names.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::input::STDIN;
use crate::report::markup::plain;

/// Returns the files in the order of the command line. A folder is replaced by its `*.yaml` and `*.yml`
/// files, sorted by name. Its subfolders are not searched; `note` gets a text about those with such files.
///
/// # Errors
///
/// A folder cannot be read or has no such file, or standard input is named twice.
pub(super) fn scenario_files(named: &[PathBuf], note: fn(&str)) -> Result<Vec<PathBuf>, String> {
    if named.iter().filter(|path| **path == Path::new(STDIN)).count() > 1 {
        return Err("`-`, standard input, can be given only once".to_owned());
    }
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            files.extend(in_folder(path, note)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn in_folder(folder: &Path, note: fn(&str)) -> Result<Vec<PathBuf>, String> {
    let entries = sorted_entries(folder)
        .map_err(|error| format!("cannot read folder {}: {error}", folder.display()))?;
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.into_iter().partition(|path| path.is_dir());
    let files: Vec<PathBuf> = files.into_iter().filter(|path| is_yaml(path)).collect();
    for inner in folders {
        // A folder that cannot be read is not searched either.
        let count = sorted_entries(&inner)
            .unwrap_or_default()
            .iter()
            .filter(|path| is_yaml(path) && !path.is_dir())
            .count();
        if count > 0 {
            let plural = if count == 1 { "" } else { "s" };
            let inner = plain(&inner.display().to_string());
            note(&format!(
                "note: {inner} is not searched: it has {count} scenario file{plural}; name it, too"
            ));
        }
    }
    if files.is_empty() {
        let folder = folder.display();
        return Err(format!(
            "no *.yaml in {folder}, and no *.yml: name a file or another folder, or write a scenario with \
             `poolproof init`"
        ));
    }
    Ok(files)
}

/// Returns what is in a folder, sorted by name, without hidden entries.
fn sorted_entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}
