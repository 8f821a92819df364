//! The modules of each crate have no import cycles, neither direct nor indirect ones.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::tidy::{crate_roots, rust_files};

/// Source texts by module path, such as `pool::session_store`. The path of the crate's root is empty.
type Modules = BTreeMap<String, String>;

/// Reads the modules of the crate with this source folder.
fn modules(root: &Path) -> Modules {
    let module = |path: &Path| {
        let path = path.strip_prefix(root).unwrap().display().to_string();
        let path = path.strip_suffix(".rs").unwrap().replace('/', "::");
        let path = path.strip_suffix("::mod").unwrap_or(&path).to_owned();
        if path == "lib" { String::new() } else { path }
    };
    rust_files(root).into_iter().map(|(path, text)| (module(&path), text)).collect()
}

/// Returns the path of an item in a module.
fn child(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") }
}

/// Returns the paths of all `use` statements outside of tests. A flag marks re-exports.
fn uses(text: &str) -> Vec<(bool, String)> {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let mut found = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in text.lines().map(str::trim) {
        let begins = line
            .split_once("use ")
            .filter(|(before, _)| matches!(*before, "" | "pub " | "pub(crate) " | "pub(super) "));
        match (&mut open, begins) {
            (None, Some((before, rest))) => open = Some((!before.is_empty(), rest.to_owned())),
            (None, None) => {}
            (Some((_, statement)), _) => {
                statement.push(' ');
                statement.push_str(line);
            }
        }
        if let Some((is_reexport, statement)) = open.take_if(|(_, statement)| statement.ends_with(';')) {
            let paths = expand_use_path(statement.trim_end_matches(';'));
            found.extend(paths.into_iter().map(|path| (is_reexport, path)));
        }
    }
    found
}

/// Expands `a::{b, c::{d, e}}` to `a::b`, `a::c::d`, `a::c::e`.
fn expand_use_path(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else { return vec![path.trim().to_owned()] };
    let inside = rest.trim_end().strip_suffix('}').unwrap_or_else(|| panic!("{path}"));
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for c in inside.chars() {
        match c {
            ',' if depth == 0 => parts.push(String::new()),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                parts.last_mut().unwrap().push(c);
            }
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts.iter().flat_map(|part| expand_use_path(&format!("{}{}", before.trim(), part.trim()))).collect()
}

/// Returns a path from the crate's root and its name in `module`, or `None` for a path of another crate.
fn absolute(modules: &Modules, module: &str, path: &str) -> Option<(String, String)> {
    let (path, name) = path.split_once(" as ").map_or((path, None), |(path, name)| (path, Some(name)));
    let path = path.strip_suffix("::self").unwrap_or(path);
    let module_parts: Vec<&str> = module.split("::").filter(|part| !part.is_empty()).collect();
    let parts: Vec<&str> = path.split("::").collect();
    let ups = parts.iter().take_while(|part| matches!(**part, "super" | "self")).count();
    let supers = parts[..ups].iter().filter(|part| **part == "super").count();
    let full = match parts[0] {
        "crate" => parts[1..].to_vec(),
        "super" | "self" => [&module_parts[..module_parts.len() - supers], &parts[ups..]].concat(),
        first if modules.contains_key(&child(module, first)) => [&module_parts[..], &parts[..]].concat(),
        _ => return None,
    };
    Some((full.join("::"), name.unwrap_or(parts[parts.len() - 1]).to_owned()))
}

/// Returns the module whose file defines `path`, following re-exports.
fn file_of(modules: &Modules, reexports: &BTreeMap<String, String>, path: &str) -> Option<String> {
    let mut path = path.to_owned();
    for _ in 0..8 {
        let parts: Vec<&str> = path.split("::").collect();
        let heads = (1..=parts.len()).rev().map(|n| (parts[..n].join("::"), parts[n..].join("::")));
        let next = heads.into_iter().find_map(|(head, rest)| {
            let to = reexports.get(&head).filter(|to| **to != head)?;
            Some(if rest.is_empty() { to.clone() } else { format!("{to}::{rest}") })
        });
        match next {
            Some(next) => path = next,
            None => break,
        }
    }
    let parts: Vec<&str> = path.split("::").collect();
    (1..=parts.len()).rev().map(|n| parts[..n].join("::")).find(|head| modules.contains_key(head))
}

/// Returns the modules that are part of a cycle, each with its imports. Imports between a module and its
/// submodules do not count.
fn find_cycles(modules: &Modules) -> BTreeMap<String, BTreeSet<String>> {
    let paths = |module: &str, text: &str| -> Vec<(bool, (String, String))> {
        let used = uses(text).into_iter();
        used.filter_map(|(is_reexport, path)| Some((is_reexport, absolute(modules, module, &path)?)))
            .collect()
    };
    let all: Vec<(&String, bool, (String, String))> = modules
        .iter()
        .flat_map(|(module, text)| {
            paths(module, text).into_iter().map(move |(is_reexport, to)| (module, is_reexport, to))
        })
        .collect();
    let reexporting = all.iter().filter(|(_, is_reexport, _)| *is_reexport);
    let reexports: BTreeMap<String, String> =
        reexporting.map(|(module, _, (path, name))| (child(module, name), path.clone())).collect();
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (module, is_reexport, (path, _)) in &all {
        let Some(to) = file_of(modules, &reexports, path) else { continue };
        let within = |one: &str, other: &str| other.is_empty() || one.starts_with(&format!("{other}::"));
        // A parent module re-exports its submodules.
        let exports_children = *is_reexport && modules.keys().any(|other| within(other, module));
        if to != **module && !within(&to, module) && !within(module, &to) && !exports_children {
            imports.entry((*module).clone()).or_default().insert(to);
        }
    }
    // Remove modules without remaining imports or importers until only cycles are left.
    loop {
        let before = imports.clone();
        imports.retain(|_, to| to.iter().any(|one| before.contains_key(one)));
        let imported: BTreeSet<String> = imports.values().flatten().cloned().collect();
        imports.retain(|module, _| imported.contains(module));
        if imports == before {
            return imports;
        }
    }
}

/// Returns the cycles between the top-level modules of a crate.
fn top_level_cycles(modules: &Modules) -> BTreeMap<String, BTreeSet<String>> {
    let top = |module: &str| module.split("::").next().unwrap_or_default().to_owned();
    let mut merged = Modules::new();
    for (module, text) in modules.iter().filter(|(module, _)| !module.is_empty() && *module != "main") {
        // Relative paths stay inside a top-level module.
        let absolute = uses(text).into_iter().filter(|(_, path)| path.starts_with("crate::"));
        let lines: String = absolute.map(|(_, path)| format!("use {path};\n")).collect();
        merged.entry(top(module)).or_default().push_str(&lines);
    }
    if let Some(root) = modules.get("") {
        merged.insert(String::new(), root.clone());
    }
    find_cycles(&merged)
}

#[test]
fn modules_have_no_import_cycles() {
    for root in crate_roots() {
        let modules = modules(&root);
        assert!(!modules.is_empty(), "{} has no sources", root.display());
        assert_eq!(find_cycles(&modules), BTreeMap::new(), "{}", root.display());
        assert_eq!(top_level_cycles(&modules), BTreeMap::new(), "{}", root.display());
    }
}

#[test]
fn an_import_cycle_is_detected() {
    let modules = |texts: &[(&str, &str)]| -> Modules {
        texts.iter().map(|(module, text)| ((*module).to_owned(), (*text).to_owned())).collect()
    };
    let folder = ("a", "pub use one::One;\npub(crate) use two::{Two, three::{Three as Third}};");
    let one = ("a::one", "use super::Two;");
    let acyclic =
        modules(&[folder, one, ("a::two", "use crate::a::Third;"), ("a::two::three", "use std::fmt;")]);
    assert_eq!(find_cycles(&acyclic), BTreeMap::new());
    // The cycle is direct, runs through a re-export, or runs through a third module.
    for (two, three) in [
        ("use super::one::One;", ""),
        ("use crate::a::{Third, One};", ""),
        ("use super::One;\n", "use super::super::Two;"),
    ] {
        let cyclic = modules(&[folder, one, ("a::two", two), ("a::two::three", three)]);
        let found: Vec<String> = find_cycles(&cyclic).into_keys().collect();
        assert_eq!(found, ["a::one", "a::two"], "{two} {three}");
    }
    // Tests may import anything.
    let tested = modules(&[folder, one, ("a::two", "#[cfg(test)]\nmod tests {\n    use crate::a::One;\n}")]);
    assert_eq!(find_cycles(&tested), BTreeMap::new());
    // Folders can form a cycle even if their files do not.
    let across = modules(&[
        ("a::one", "use crate::b::two::Two;"),
        ("a::three", ""),
        ("b::two", ""),
        ("b::four", "use crate::a::three::Three;"),
    ]);
    assert_eq!(find_cycles(&across), BTreeMap::new());
    assert_eq!(top_level_cycles(&across).into_keys().collect::<Vec<_>>(), ["a", "b"]);
}
