//! The house: a module may import only from floors below its own, and no file has two subjects.

use std::fs;
use std::path::{Path, PathBuf};

/// The floors, from the ground up (ARCHITECTURE.md).
const LAYERS: [&[&str]; 9] = [
    &["addresses", "clock", "seed", "digits", "ids", "input", "policy"],
    &["srp", "protocol", "totp", "jwt"],
    &["pool", "client", "oracle"],
    &["scenario", "settings", "workload", "target", "compute", "metrics", "provider"],
    &["actors", "pair", "store"],
    &["http", "report"],
    &["run", "matrix", "advise", "compare"],
    &["capacity"],
    &["cli"],
];

/// Looks to the side that the house allows, and why.
const ALLOWED_EXCEPTIONS: [(&str, &str); 2] = [
    // A workload is made from a scenario: it is the one reader of its plan.
    ("workload", "scenario"),
    // A pool's settings are read from a scenario or from the JSON of AWS's tools, and their flaws are told alike.
    ("settings", "scenario"),
];

/// More lines than this are two subjects. Tables are exempt, and so are tests.
const MAX_FILE_LINES: usize = 500;

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Where `text`, a file of `module`, looks to where it may not.
fn violations(module: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for (at, _) in code.match_indices("crate::") {
            let rest = &code[at + "crate::".len()..];
            let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let allowed = name == module
                || ALLOWED_EXCEPTIONS.contains(&(module, &name))
                || matches!((layer(module), layer(&name)), (Some(own), Some(other)) if other < own);
            if !allowed {
                let line = number + 1;
                found.push(format!("line {line}: `{module}` may not look at `{name}`: {}", code.trim()));
            }
        }
    }
    found
}

pub(crate) fn sources() -> Vec<(String, PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![src.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inner = path.strip_prefix(&src).unwrap().to_owned();
                let module =
                    inner.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned();
                let text = fs::read_to_string(&path).unwrap();
                sources.push((module, inner, text));
            }
        }
    }
    sources
}

#[test]
fn modules_import_only_from_lower_layers() {
    let mut found = Vec::new();
    let sources = sources();
    for (module, path, text) in &sources {
        if matches!(module.as_str(), "lib" | "main") {
            continue;
        }
        assert!(layer(module).is_some(), "{} stands on no floor: give it one", path.display());
        found.extend(violations(module, text).into_iter().map(|one| format!("{}: {one}", path.display())));
    }
    assert!(sources.len() > 60, "the sources are not where this test looks");
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_forbidden_import_is_detected() {
    assert_eq!(violations("oracle", "use crate::policy::MfaMode;"), Vec::<String>::new());
    assert_eq!(violations("oracle", "//! See [`crate::pool`]."), Vec::<String>::new());
    assert_eq!(violations("oracle", "use crate::pool::Pool;").len(), 1);
    assert_eq!(violations("pool", "let job = crate::actors::Job;").len(), 1);
    assert_eq!(violations("workload", "use crate::scenario::Scenario;"), Vec::<String>::new());
    assert_eq!(violations("scenario", "use crate::workload::Person;").len(), 1);
    assert_eq!(violations("pool", "use crate::unheard_of::Thing;").len(), 1);
}

#[test]
fn source_files_stay_under_the_line_limit() {
    let long = sources().into_iter().map(|(_, path, text)| (path, text.lines().count()));
    let long: Vec<_> = long.filter(|(_, lines)| *lines > MAX_FILE_LINES).collect();
    assert_eq!(long, Vec::<(PathBuf, usize)>::new());
}

#[test]
fn yaml_clock_and_unsafe_are_each_used_in_one_place() {
    let users = |word: &str| -> Vec<String> {
        let naming = sources().into_iter().filter(|(_, _, text)| {
            text.lines().any(|line| line.split("//").next().is_some_and(|code| code.contains(word)))
        });
        let mut paths: Vec<String> = naming.map(|(_, path, _)| path.display().to_string()).collect();
        paths.sort();
        paths
    };
    assert_eq!(users("serde_yaml::"), ["scenario/yaml.rs"]);
    assert_eq!(users("Instant::now"), ["clock/alarm.rs", "clock/mod.rs"]);
    assert_eq!(users("UNIX_EPOCH"), ["clock/mod.rs"]);
    for word in ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "unsafe_code"] {
        let found = users(word);
        let kernels = ["srp/power/avx2/mod.rs", "srp/power/ifma/mod.rs"];
        assert!(found.iter().all(|path| kernels.contains(&path.as_str())), "{word}: {found:?}");
    }
    assert!(!users("unsafe {").is_empty());
}
