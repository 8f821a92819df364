//! Rules between keys that the schema states beside the types of the keys.

use schemars::{Schema, json_schema};

/// A scenario has one workload or a list of them; those of a list have names.
pub(super) fn scenario(schema: &mut Schema) {
    let one_of = serde_json::json!([{ "required": ["workload"] }, { "required": ["workloads"] }]);
    schema.insert("oneOf".to_owned(), one_of);
    if let Some(items) =
        schema.pointer_mut("/properties/workloads/items").and_then(|items| items.as_object_mut())
    {
        items.insert("required".to_owned(), serde_json::json!(["name"]));
    }
    if let Some(alone) = schema.pointer_mut("/properties/workload").and_then(|alone| alone.as_object_mut()) {
        alone.insert("properties".to_owned(), serde_json::json!({ "name": false, "starts_at": false }));
    }
}

/// A closed workload has users in its stages and a time to think; an open one has rates and arrivals.
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
            // The first ramp has nothing to start from unless it says so.
            "allOf": [{ "properties": { "stages": { "prefixItems": [{ "required": ["rate"] }] } } }],
        },
    });
    let one_of = serde_json::json!([
        { "required": ["stages"], "properties": { "warm_up": false } },
        { "required": ["schedule"] },
    ]);
    schema.insert("oneOf".to_owned(), one_of);
    for (key, rule) in rules.as_object().into_iter().flatten() {
        schema.insert(key.clone(), rule.clone());
    }
    let stages = schema.pointer_mut("/properties/stages").and_then(serde_json::Value::as_object_mut);
    if let Some(stages) = stages {
        stages.insert("minItems".to_owned(), 1.into());
        stages.insert(
            "contains".to_owned(),
            serde_json::json!({ "not": { "anyOf": [
                { "required": ["warm_up"], "properties": { "warm_up": { "const": true } } },
                { "required": ["cool_down"], "properties": { "cool_down": { "const": true } } },
            ] } }),
        );
    }
}
