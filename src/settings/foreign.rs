//! Recognizes files of other tools that contain a pool. The error names the command that prints a document
//! that poolproof can read.

use std::path::Path;

use serde_json::Value;

use crate::scenario::Diagnostic;

/// The Terraform type of a pool.
const TERRAFORM_POOL: &str = "aws_cognito_user_pool";
/// The command that prints a readable document.
const DESCRIBE: &str = "aws cognito-idp describe-user-pool --user-pool-id";

/// Recognizes templates, configurations and outputs of other tools.
pub(super) fn detect(file: &str, bytes: &[u8]) -> Option<Diagnostic> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (message, help) = match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(root) => in_json(&root)?,
        Err(_) => in_text(file, text)?,
    };
    let message = format!("cannot read a pool's settings from {message}");
    Some(Diagnostic::from_parts(file, "", None, &message, Some(help)))
}

fn in_json(root: &Value) -> Option<(String, String)> {
    let has = |key: &str| root.get(key).is_some();
    if has("AWSTemplateFormatVersion") || resource_types(root).any(|name| name.starts_with("AWS::")) {
        let resources = root.get("Resources").and_then(Value::as_object);
        let from_cdk = resources.is_some_and(|resources| {
            resources.values().any(|resource| resource.pointer("/Metadata/aws:cdk:path").is_some())
        });
        let transform = root.get("Transform").map(Value::to_string).unwrap_or_default();
        let format = template_format(&transform, from_cdk);
        return Some((format.to_owned(), template_help()));
    }
    let terraform = has("terraform_version") && (has("values") || has("planned_values") || has("resources"));
    if terraform || (has("format_version") && (has("values") || has("planned_values"))) {
        let help = match terraform_pool(root) {
            Some(id) => format!("run `{DESCRIBE} {id}`"),
            None => format!("take the pool's id from it and run `{DESCRIBE} ID`"),
        };
        return Some(("the state or the plan of Terraform as JSON".to_owned(), help));
    }
    let amplify = [
        ("amplify_outputs.json of Amplify", "/auth/user_pool_id"),
        ("a configuration of Amplify", "/aws_user_pools_id"),
        ("a configuration of Amplify", "/auth/plugins/awsCognitoAuthPlugin/CognitoUserPool/Default/PoolId"),
    ];
    amplify.into_iter().find_map(|(format, pointer)| {
        let id = root.pointer(pointer)?.as_str()?;
        Some((
            format!("{format}: it names a pool, without its settings"),
            format!("run `{DESCRIBE} {}`", shown(id)),
        ))
    })
}

fn in_text(file: &str, text: &str) -> Option<(String, String)> {
    let resource = format!("resource \"{TERRAFORM_POOL}\"");
    let is_terraform = Path::new(file).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("tf"));
    if is_terraform || text.contains(&resource) {
        let name = text.split(&resource).nth(1).and_then(|rest| rest.split('"').nth(1));
        let help = format!(
            "apply it, take the pool's id from `terraform state show {TERRAFORM_POOL}.{}` and run `{DESCRIBE} ID`",
            name.map_or_else(|| "NAME".to_owned(), shown)
        );
        return Some(("a configuration of Terraform".to_owned(), help));
    }
    let begins = |key: &str| text.lines().any(|line| line.trim_start_matches('\u{feff}').starts_with(key));
    if begins("AWSTemplateFormatVersion:") || (begins("Resources:") && text.contains("AWS::")) {
        let from_cdk = text.contains("aws:cdk:path");
        return Some((template_format(text, from_cdk).to_owned(), template_help()));
    }
    // aws-exports.js.
    text.contains("aws_user_pools_id").then(|| {
        let format = "a configuration of Amplify: it names a pool, without its settings";
        (format.to_owned(), format!("take `aws_user_pools_id` from it and run `{DESCRIBE} ID`"))
    })
}

fn template_format(transform: &str, from_cdk: bool) -> &'static str {
    if from_cdk {
        "a template that CDK synthesized"
    } else if transform.contains("AWS::Serverless") {
        "a template of SAM"
    } else {
        "a template of CloudFormation"
    }
}

fn template_help() -> String {
    format!(
        "deploy it, take the pool's id from `aws cloudformation list-stack-resources --stack-name STACK` and run \
         `{DESCRIBE} ID`"
    )
}

/// Returns the types of a template's resources.
fn resource_types(root: &Value) -> impl Iterator<Item = &str> {
    let resources = root.get("Resources").and_then(Value::as_object);
    resources.into_iter().flat_map(|all| all.values()).filter_map(|one| one.get("Type")?.as_str())
}

/// Returns the id of the first pool anywhere in Terraform's JSON. Its depth is bounded by the parser.
fn terraform_pool(value: &Value) -> Option<String> {
    if value.get("type").and_then(Value::as_str) == Some(TERRAFORM_POOL) {
        let id = ["/values/id", "/instances/0/attributes/id"]
            .iter()
            .find_map(|path| value.pointer(path)?.as_str());
        if let Some(id) = id {
            return Some(shown(id));
        }
    }
    match value {
        Value::Array(items) => items.iter().find_map(terraform_pool),
        Value::Object(members) => members.values().find_map(terraform_pool),
        _ => None,
    }
}

/// Returns the characters of an id or a name that are harmless in a command line.
fn shown(id: &str) -> String {
    id.chars().filter(|letter| letter.is_ascii_alphanumeric() || "_-".contains(*letter)).take(64).collect()
}
