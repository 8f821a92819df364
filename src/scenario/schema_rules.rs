//! Rules of the JSON Schema that schemars cannot derive from the types.

use schemars::{Schema, json_schema};
use serde_json::{Value, json};

/// Adds to a scenario: it has one workload or a list of named workloads.
pub(super) fn scenario(schema: &mut Schema) {
    schema.insert("oneOf".to_owned(), json!([{ "required": ["workload"] }, { "required": ["workloads"] }]));
    set(schema, "/properties/workloads/items", "required", json!(["name"]));
    set(schema, "/properties/workload", "properties", json!({ "name": false, "starts_at": false }));
}

/// Adds to a workload: a closed one has users and a think time, an open one has rates and arrivals.
pub(super) fn workload(schema: &mut Schema) {
    let rules = json_schema!({
        "if": { "properties": { "model": { "const": "closed" } }, "required": ["model"] },
        "then": {
            "properties": {
                "arrivals": false,
                "schedule": false,
                "stages": { "items": { "required": ["users"], "properties": { "rate": false, "to": false } } },
            },
        },
        "else": {
            "properties": {
                "think_time": false,
                "stages": {
                    "items": {
                        "anyOf": [{ "required": ["rate"] }, { "required": ["to"] }],
                        "properties": { "users": false },
                    },
                },
            },
            // The first ramp needs a rate to start from.
            "allOf": [{ "properties": { "stages": { "prefixItems": [{ "required": ["rate"] }] } } }],
        },
        "oneOf": [
            { "required": ["stages"], "properties": { "warm_up": false } },
            { "required": ["schedule"] },
        ],
    });
    for (key, rule) in rules.as_object().into_iter().flatten() {
        schema.insert(key.clone(), rule.clone());
    }
    let excluded = |key: &str| json!({ "required": [key], "properties": { key: { "const": true } } });
    let measured = json!({ "not": { "anyOf": [excluded("warm_up"), excluded("cool_down")] } });
    set(schema, "/properties/stages", "minItems", 1.into());
    set(schema, "/properties/stages", "contains", measured);
}

/// Copies the description of each variant of an enum to the key that selects the variant.
pub(super) fn describe_variants(schema: &mut Schema) {
    for variant in schema.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
        let description = variant.get("description").cloned();
        let properties = variant.get_mut("properties").and_then(Value::as_object_mut);
        for property in properties.into_iter().flat_map(|properties| properties.values_mut()) {
            if let (Some(property), Some(description)) = (property.as_object_mut(), &description) {
                property.entry("description").or_insert_with(|| description.clone());
            }
        }
    }
}

/// Removes `null` from the schemas of optional keys: a key that is present has a value.
pub(super) fn without_null(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    if let Some(types) = object.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|name| name != "null");
        if let [name] = &types[..] {
            let name = name.clone();
            object.insert("type".to_owned(), name);
        }
    }
    if let Some(forms) = object.get_mut("anyOf").and_then(Value::as_array_mut) {
        forms.retain(|form| *form != json!({ "type": "null" }));
        if let [Value::Object(form)] = &forms[..] {
            let form = form.clone();
            object.remove("anyOf");
            object.extend(form);
        }
    }
}

fn set(schema: &mut Schema, pointer: &str, key: &str, value: Value) {
    if let Some(object) = schema.pointer_mut(pointer).and_then(Value::as_object_mut) {
        object.insert(key.to_owned(), value);
    }
}
