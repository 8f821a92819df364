//! Checks of the repository itself: words, line lengths, file sizes, references and where unsafe code and
//! clocks are used.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run_fixture::root;

/// Longest comment line of Rust and YAML, in characters. rustfmt wraps code at the same width, except string
/// literals.
const MAX_COLUMNS: usize = 110;
/// Most lines of a Rust file.
const MAX_LINES: usize = 500;

/// Words that earlier versions used in private meanings. They are refused in identifiers, comments and
/// messages.
const RETIRED_WORDS: &[&str] = &[
    "told",
    "whoever",
    "whosoever",
    "nobody",
    "somebody",
    "whence",
    "lodging",
    "lodgings",
    "guests",
    "premises",
    "rope",
    "misfortune",
    "robbed",
    "errand",
    "errands",
    "newcomer",
    "newcomers",
    "unwelcome",
    "accuse",
];

/// Words that are refused as a part of an identifier only: in prose they have ordinary uses.
const RETIRED_IN_IDENTIFIERS: &[&str] =
    &["chance", "tell", "tells", "teller", "stands", "house", "weave", "misfit", "unfit", "meant"];

/// Names of documents that are not in the repository.
const FOREIGN_DOCUMENTS: &[&str] =
    &["DESIGN ", "DESIGN.md", "ASSURANCE.md", "STYLE.md", "FIELD.md", "PEERS.md", "SEMANTICS.md"];

/// Returns the source folders of all crates.
pub(crate) fn crate_roots() -> Vec<PathBuf> {
    let mut roots = vec![root().join("src")];
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        roots.push(entry.unwrap().path().join("src"));
    }
    roots.sort();
    roots
}

/// Returns all Rust files under `folder` with their texts, sorted by path.
pub(crate) fn rust_files(folder: &Path) -> Vec<(PathBuf, String)> {
    files(folder, &["rs"])
}

fn files(folder: &Path, extensions: &[&str]) -> Vec<(PathBuf, String)> {
    let mut folders = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_string_lossy();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') && name != "data" && name != "snapshots" {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|one| extensions.iter().any(|wanted| one == *wanted)) {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}

/// Returns every Rust file of the workspace: sources, tests and benches, but not this one, which contains the
/// words.
fn all_rust() -> Vec<(PathBuf, String)> {
    let folders = ["src", "crates", "tests", "benches"].map(|folder| root().join(folder));
    let all = folders.iter().flat_map(|folder| rust_files(folder));
    all.filter(|(path, _)| !path.ends_with("tests/it/tidy.rs")).collect()
}

fn place(path: &Path, line: usize) -> String {
    format!("{}:{}", path.strip_prefix(root()).unwrap_or(path).display(), line + 1)
}

/// Splits text into its words: at every character that is not a letter, and before capitals.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous_is_lower = false;
    for c in text.chars() {
        if !c.is_alphabetic() || (c.is_uppercase() && previous_is_lower) {
            words.push(String::new());
        }
        if c.is_alphabetic() {
            words.last_mut().unwrap().extend(c.to_lowercase());
        }
        previous_is_lower = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Returns the identifiers of a line of code: what is outside of comments and string literals.
fn identifiers(line: &str) -> Vec<String> {
    let code = line.split("//").next().unwrap_or_default();
    let code: String = code.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let tokens = code.split(|c: char| !c.is_alphanumeric() && c != '_');
    tokens.filter(|token| !token.is_empty()).map(str::to_owned).collect()
}

fn retired(line: &str) -> Vec<String> {
    let anywhere = words(line).into_iter().filter(|word| RETIRED_WORDS.contains(&word.as_str()));
    let in_names = identifiers(line).into_iter().flat_map(|token| words(&token));
    anywhere.chain(in_names.filter(|word| RETIRED_IN_IDENTIFIERS.contains(&word.as_str()))).collect()
}

#[test]
fn retired_words_are_not_used() {
    let mut found = Vec::new();
    let prose =
        files(&root().join("docs"), &["md"]).into_iter().chain(files(&root().join("scenarios"), &["yaml"]));
    let top = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
        .map(|name| (root().join(name), fs::read_to_string(root().join(name)).unwrap()));
    for (path, text) in all_rust() {
        for (number, line) in text.lines().enumerate() {
            found.extend(retired(line).into_iter().map(|word| format!("{}: {word}", place(&path, number))));
        }
    }
    for (path, text) in prose.chain(top) {
        for (number, line) in text.lines().enumerate() {
            let bad = words(line).into_iter().filter(|word| RETIRED_WORDS.contains(&word.as_str()));
            found.extend(bad.map(|word| format!("{}: {word}", place(&path, number))));
        }
    }
    assert!(found.is_empty(), "{} uses of retired words:\n{}", found.len(), found.join("\n"));
}

#[test]
fn retired_words_are_detected() {
    assert_eq!(retired("let told = 1;"), ["told"]);
    assert_eq!(retired("// Whoever comes"), ["whoever"]);
    assert_eq!(retired("fn rope_end(Misfortune)"), ["rope", "misfortune"]);
    assert_eq!(retired("let by_chance = 1; // by chance"), ["chance"]);
    assert_eq!(retired("let x = \"by chance\";"), Vec::<String>::new());
    assert_eq!(retired("let europe = stoldo;"), Vec::<String>::new());
}

#[test]
fn lines_and_files_are_short() {
    let mut found = Vec::new();
    let yaml = files(&root().join("scenarios"), &["yaml"]);
    for (path, text) in all_rust().into_iter().chain(yaml) {
        let is_prose = |line: &str| {
            let line = line.trim_start();
            (line.starts_with("//") || line.starts_with("# ")) && !line.contains(" | ")
        };
        let too_long = |line: &str| is_prose(line) && line.chars().count() > MAX_COLUMNS;
        let long = text.lines().enumerate().filter(|(_, line)| too_long(line));
        found.extend(long.map(|(number, _)| format!("{}: over {MAX_COLUMNS} columns", place(&path, number))));
        if text.lines().count() > MAX_LINES {
            found.push(format!("{}: over {MAX_LINES} lines", place(&path, MAX_LINES)));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn references_are_to_documents_in_the_repository() {
    let mut found = Vec::new();
    for (path, text) in all_rust() {
        for (number, line) in text.lines().enumerate() {
            let bad = FOREIGN_DOCUMENTS.iter().filter(|name| line.contains(**name));
            found.extend(bad.map(|name| format!("{}: {name}", place(&path, number))));
        }
    }
    for (path, text) in markdown() {
        let folder = path.parent().unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            let local = !link.contains("://") && !file.is_empty();
            if local && !folder.join(file).exists() {
                found.push(format!("{}: {link} does not exist", path.display()));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn markdown() -> Vec<(PathBuf, String)> {
    let mut all = files(&root().join("docs"), &["md"]);
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"] {
        all.push((root().join(name), fs::read_to_string(root().join(name)).unwrap()));
    }
    all
}

#[test]
fn yaml_clock_and_unsafe_code_are_each_used_in_one_place() {
    let users = |word: &str| -> Vec<String> {
        let naming = crate_roots().into_iter().flat_map(|folder| rust_files(&folder)).filter(|(_, text)| {
            text.lines().any(|line| line.split("//").next().is_some_and(|code| code.contains(word)))
        });
        naming.map(|(path, _)| path.strip_prefix(root()).unwrap().display().to_string()).collect()
    };
    assert_eq!(users("Instant::now"), ["src/clock/alarm.rs", "src/clock/mod.rs"]);
    assert_eq!(users("SystemTime::UNIX_EPOCH"), ["crates/cognito/src/time.rs", "src/clock/mod.rs"]);
    assert_eq!(users("serde_yaml::"), ["src/scenario/yaml.rs"]);
    for word in ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "unsafe_code"] {
        let found = users(word);
        let kernels = ["crates/srp/src/power/avx2/mod.rs", "crates/srp/src/power/ifma/mod.rs"];
        assert!(found.iter().all(|path| kernels.contains(&path.as_str())), "{word}: {found:?}");
    }
    assert!(!users("unsafe {").is_empty());
}

#[test]
fn the_readme_is_one_page() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.lines().count() <= 160, "the README has {} lines", readme.lines().count());
}
