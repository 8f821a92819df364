//! The sections in which keys of scenario files are allowed, for errors about a key in the wrong place.

use serde_json::Value;

/// Deeper than any path of the schema.
const MAX_DEPTH: usize = 32;
/// Most paths that a hint names.
const MAX_NAMED: usize = 2;

/// Returns a hint such as `` `mfa` belongs under `pool` ``, or `None` if no map has this key.
pub(super) fn hint(key: &str) -> Option<String> {
    let schema = super::schema();
    let mut paths = Vec::new();
    collect(&schema, &schema, "", key, MAX_DEPTH, &mut paths);
    // A key with the same name deep inside is less likely to be meant.
    paths.sort_by_key(|path| (path.matches('.').count(), path.clone()));
    paths.dedup();
    let named: Vec<String> = paths
        .iter()
        .take(MAX_NAMED)
        .map(|path| if path.is_empty() { "at the top level".to_owned() } else { format!("under `{path}`") })
        .collect();
    (!named.is_empty()).then(|| format!("`{key}` belongs {}", named.join(" or ")))
}

/// Adds the path of every map in `node` that has `key`.
fn collect(schema: &Value, node: &Value, path: &str, key: &str, depth: usize, paths: &mut Vec<String>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let mut visit = |node: &Value, path: &str| collect(schema, node, path, key, depth, paths);
    let target = node["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    if let Some(target) = target.and_then(|pointer| schema.pointer(pointer)) {
        visit(target, path);
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        for node in node[choice].as_array().into_iter().flatten() {
            visit(node, path);
        }
    }
    if node["items"].is_object() {
        visit(&node["items"], &format!("{path}[]"));
    }
    for (name, child) in node["properties"].as_object().into_iter().flatten() {
        let child_path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        visit(child, &child_path);
    }
    // `false` marks keys that a place forbids.
    if node["properties"].get(key).is_some_and(|child| *child != Value::Bool(false)) {
        paths.push(path.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::hint;

    #[test]
    fn hints_name_the_section_of_a_key() {
        let places = [
            ("mfa", Some("`mfa` belongs under `pool`")),
            ("sign_in_by", Some("`sign_in_by` belongs under `population`")),
            ("always_block", Some("`always_block` belongs under `pool.risk`")),
            ("mix", Some("`mix` belongs under `workload` or under `workloads[]`")),
            ("mfaa", None),
            ("", None),
        ];
        for (key, expected) in places {
            assert_eq!(hint(key).as_deref(), expected);
        }
    }
}
