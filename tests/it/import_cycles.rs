//! No file looks at one that looks back, directly or round about: who reads one reads downward and arrives.

use std::collections::{BTreeMap, BTreeSet};

use crate::layers::sources;

/// Files by their module's path, `pool::session_store`; that of a folder's own file is the folder's.
type Modules = BTreeMap<String, String>;

fn modules() -> Modules {
    let module = |path: &str| {
        let path = path.strip_suffix(".rs").unwrap().replace('/', "::");
        path.strip_suffix("::mod").unwrap_or(&path).to_owned()
    };
    sources().into_iter().map(|(_, path, text)| (module(&path.display().to_string()), text)).collect()
}

/// The paths of all `use` statements but the tests', and whether they are shown to others.
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

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`.
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

/// What a path in a module means, from the root on, and the name that it has there; `None` for other crates'.
fn absolute(modules: &Modules, module: &str, path: &str) -> Option<(String, String)> {
    let (path, name) = path.split_once(" as ").map_or((path, None), |(path, name)| (path, Some(name)));
    let path = path.strip_suffix("::self").unwrap_or(path);
    let own: Vec<&str> = module.split("::").collect();
    let parts: Vec<&str> = path.split("::").collect();
    let ups = parts.iter().take_while(|part| matches!(**part, "super" | "self")).count();
    let supers = parts[..ups].iter().filter(|part| **part == "super").count();
    let full = match parts[0] {
        "crate" => parts[1..].to_vec(),
        "super" | "self" => [&own[..own.len() - supers], &parts[ups..]].concat(),
        first if modules.contains_key(&format!("{module}::{first}")) => [&own[..], &parts[..]].concat(),
        _ => return None,
    };
    Some((full.join("::"), name.unwrap_or(parts[parts.len() - 1]).to_owned()))
}

/// The file that a path leads into, past those that only pass it on.
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

/// The files that are part of a circle, each with those that it looks at. A folder's own file and those in it are of one house.
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
    let is_reexport = all.iter().filter(|(_, is_reexport, _)| *is_reexport);
    let reexports: BTreeMap<String, String> =
        is_reexport.map(|(module, _, (path, name))| (format!("{module}::{name}"), path.clone())).collect();
    let mut looks: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (module, is_reexport, (path, _)) in &all {
        let Some(to) = file_of(modules, &reexports, path) else { continue };
        let within = |one: &str, other: &str| one.starts_with(&format!("{other}::"));
        // A folder's own file shows what is in it.
        let shows = *is_reexport && modules.keys().any(|other| within(other, module));
        if to != **module && !within(&to, module) && !within(module, &to) && !shows {
            looks.entry((*module).clone()).or_default().insert(to);
        }
    }
    // Whoever looks at nobody that is left is in no circle, and neither is whom nobody looks at.
    loop {
        let before = looks.clone();
        looks.retain(|_, to| to.iter().any(|one| before.contains_key(one)));
        let seen: BTreeSet<String> = looks.values().flatten().cloned().collect();
        looks.retain(|module, _| seen.contains(module));
        if looks == before {
            return looks;
        }
    }
}

#[test]
fn modules_have_no_import_cycles() {
    let modules = modules();
    assert!(modules.len() > 200, "the sources are not where this test looks");
    assert_eq!(find_cycles(&modules), BTreeMap::new());
}

#[test]
fn an_import_cycle_is_detected() {
    let modules = |texts: &[(&str, &str)]| -> Modules {
        texts.iter().map(|(module, text)| ((*module).to_owned(), (*text).to_owned())).collect()
    };
    let folder = ("a", "pub use one::One;\npub(crate) use two::{Two, three::{Three as Third}};");
    let one = ("a::one", "use super::Two;");
    let plain =
        modules(&[folder, one, ("a::two", "use crate::a::Third;"), ("a::two::three", "use std::fmt;")]);
    assert_eq!(find_cycles(&plain), BTreeMap::new());
    // Directly, through what the folder passes on, and round about.
    for (two, three) in [
        ("use super::one::One;", ""),
        ("use crate::a::{Third, One};", ""),
        ("use super::One;\n", "use super::super::Two;"),
    ] {
        let wrong = modules(&[folder, one, ("a::two", two), ("a::two::three", three)]);
        let found: Vec<String> = find_cycles(&wrong).into_keys().collect();
        assert_eq!(found, ["a::one", "a::two"], "{two} {three}");
    }
    // A test may look where it likes.
    let tested = modules(&[folder, one, ("a::two", "#[cfg(test)]\nmod tests {\n    use crate::a::One;\n}")]);
    assert_eq!(find_cycles(&tested), BTreeMap::new());
}
