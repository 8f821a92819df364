//! Public reports about constraints, quotas and the settings of pools, each as a test. The comment of each
//! test has the number of the report and its source.

use poolproof::http::codec::decode;
use poolproof::settings::{self, Unsimulated};
use poolproof_cognito::policy::RiskLevel;
use poolproof_pool::provider::Tokens;
use serde_json::{Value, json};
use std::time::Duration;

use crate::cli::poolproof;
use crate::constraints::refusal;
use crate::described_pools::document;
use crate::provider::{ProviderFixture, a_verifier};
use crate::quotas::{CATEGORIES, admitted, rested_pool};
use crate::server_process::ServerProcess;

/// amazon-cognito-identity-js#103.
#[test]
fn a_device_name_of_1025_characters_is_refused_with_its_text() {
    let body = |length: usize| json!({ "AccessToken": "a", "DeviceKey": "us-east-1_0", "DeviceName": "n".repeat(length) });
    let message = refusal("ConfirmDevice", &body(1025));
    assert_eq!(
        message,
        format!(
            "1 validation error detected: Value '{}' at 'deviceName' failed to satisfy constraint: Member must have \
             length less than or equal to 1024",
            "n".repeat(1025)
        )
    );
    assert!(decode("ConfirmDevice", body(1024).to_string().as_bytes()).is_ok());
    assert!(refusal("ConfirmDevice", &body(0)).contains("Value '' at 'deviceName'"));
    let longer = refusal("ConfirmDevice", &body(100_000));
    assert!(longer.len() < 1300 && longer.contains("n…' at 'deviceName'"), "{}", longer.len());
}

/// The API model and the developer guide, threat protection: app clients with a risk
/// configuration of their own, and events.
#[test]
fn an_app_client_has_a_risk_configuration_and_a_user_has_events() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let (pool, client) = fixture.pool("p");
    let add_ons = json!({ "UserPoolId": pool, "UserPoolTier": "PLUS", "UserPoolAddOns": { "AdvancedSecurityMode": "ENFORCED" } });
    fixture.call_ok("UpdateUserPool", &add_ons);
    let block = json!({ "EventAction": "BLOCK", "Notify": false });
    let actions = json!({ "LowAction": block, "MediumAction": block, "HighAction": block });
    let own = json!({ "UserPoolId": pool, "ClientId": client, "AccountTakeoverRiskConfiguration": { "Actions": actions } });
    assert_eq!(fixture.call_ok("SetRiskConfiguration", &own)["RiskConfiguration"], own);
    let described = json!({ "UserPoolId": pool, "ClientId": client });
    assert_eq!(fixture.call_ok("DescribeRiskConfiguration", &described)["RiskConfiguration"], own);
    fixture.sign_in(&client).unwrap();
    fixture.origin.risk = Some(RiskLevel::Low);
    assert!(fixture.sign_in(&client).unwrap_err().starts_with("NotAuthorizedException"));
    let events = json!({ "UserPoolId": pool, "Username": "ann" });
    let events = fixture.call_ok("AdminListUserAuthEvents", &events)["AuthEvents"].clone();
    let decisions: Vec<_> =
        events.as_array().unwrap().iter().map(|event| &event["EventRisk"]["RiskDecision"]).collect();
    assert_eq!(decisions, ["Block", "NoRisk"]);
}

/// Developer guide, quotas: AssociateSoftwareToken, VerifySoftwareToken and ConfirmDevice share
/// UserResourceUpdate, 25 a second.
#[test]
fn totp_set_up_and_confirm_device_share_a_quota() {
    let mut fixture = ProviderFixture::with_quotas(CATEGORIES);
    let (_, client) = rested_pool(&mut fixture, "p");
    let tokens = fixture.sign_in(&client).unwrap();
    let token = &tokens["AccessToken"];
    let config = json!({ "PasswordVerifier": a_verifier(), "Salt": "AAEC" });
    let key = &tokens["NewDeviceMetadata"]["DeviceKey"];
    let cycle = [
        ("AssociateSoftwareToken", json!({ "AccessToken": token })),
        ("VerifySoftwareToken", json!({ "AccessToken": token, "UserCode": "000000" })),
        (
            "ConfirmDevice",
            json!({ "AccessToken": token, "DeviceKey": key, "DeviceSecretVerifierConfig": config }),
        ),
    ];
    assert_eq!(admitted(&mut fixture, &cycle), 25);
    // In a set-up session the operations count as well.
    let in_session = ("AssociateSoftwareToken", json!({ "Session": "s".repeat(20) }));
    assert_eq!(admitted(&mut fixture, std::slice::from_ref(&in_session)), 0);
    fixture.now = fixture.now.plus(Duration::from_millis(200));
    assert_eq!(admitted(&mut fixture, &[in_session]), 5);
}

const CLIENT_ID: &str = "1example23456789";

fn client() -> Value {
    json!({ "UserPoolClient": {
        "UserPoolId": "eu-central-1_EXAMPLE01", "ClientId": CLIENT_ID, "ClientName": "app",
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"], "CallbackURLs": ["https://example.org/"],
        "PreventUserExistenceErrors": "ENABLED", "EnableTokenRevocation": true, "RefreshTokenValidity": 5,
    } })
}

/// A server of describe-user-pool had another id, and its password policy required nothing.
#[test]
fn a_served_pool_has_the_settings_of_its_documents() {
    let client = document("client.json", &client());
    let documents = ["describe-user-pool", "get-user-pool-mfa-config", "describe-risk-configuration"];
    let documents = documents.map(|name| format!("scenarios/aws/{name}.json"));
    let mut command = poolproof();
    command.arg("serve").args(&documents).arg(client).args(["--listen", "127.0.0.1:0"]);
    let served = ServerProcess::start_command(&mut command);
    let call = |operation: &str, body: Value| {
        let response = served.call(operation, &body);
        (response.status, serde_json::from_str::<Value>(&response.body).unwrap())
    };
    let id = "eu-central-1_EXAMPLE01";
    let described = call("DescribeUserPool", json!({ "UserPoolId": id })).1["UserPool"].clone();
    let file: Value = serde_json::from_str(&std::fs::read_to_string(&documents[0]).unwrap()).unwrap();
    for (key, value) in file["UserPool"].as_object().unwrap() {
        let changes = ["CreationDate", "LastModifiedDate", "EstimatedNumberOfUsers", "Arn"];
        assert!(changes.contains(&key.as_str()) || described[key] == *value, "{key}: {}", described[key]);
    }
    let clients = call("DescribeUserPoolClient", json!({ "UserPoolId": id, "ClientId": CLIENT_ID })).1;
    assert_eq!(clients["UserPoolClient"]["CallbackURLs"], json!(["https://example.org/"]));
    assert_eq!(clients["UserPoolClient"]["RefreshTokenValidity"], 5);
    let mfa = call("GetUserPoolMfaConfig", json!({ "UserPoolId": id })).1;
    assert_eq!(mfa["SmsMfaConfiguration"]["SmsAuthenticationMessage"], "Your code is {####}.");
    // Users are named by their addresses, and a password has twelve characters.
    let user = |name: &str| json!({ "UserPoolId": id, "Username": name, "MessageAction": "SUPPRESS" });
    assert_eq!(call("AdminCreateUser", user("ann")).1["message"], "Username should be an email.");
    assert_eq!(call("AdminCreateUser", user("ann@example.org")).0, 200);
    let set = |password: &str| json!({ "UserPoolId": id, "Username": "ann@example.org", "Password": password, "Permanent": true });
    assert_eq!(call("AdminSetUserPassword", set("Abcdefgh-1")).1["__type"], "InvalidPasswordException");
    assert_eq!(call("AdminSetUserPassword", set("Abcdefghijk-1")).0, 200);
    let start = |client: &str, flow: &str| {
        let parameters = json!({ "USERNAME": "ann@example.org", "PASSWORD": "Abcdefghijk-1" });
        json!({ "ClientId": client, "AuthFlow": flow, "AuthParameters": parameters })
    };
    assert!(
        call("InitiateAuth", start(CLIENT_ID, "USER_PASSWORD_AUTH")).1["AuthenticationResult"].is_object()
    );
    assert_eq!(
        call("InitiateAuth", start("poolproof", "USER_PASSWORD_AUTH")).1["__type"],
        "ResourceNotFoundException"
    );
}

/// Templates of CDK and SAM, and what Terraform prints as JSON, are no documents of AWS.
#[test]
fn files_of_other_tools_are_recognized() {
    let template =
        "AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  P:\n    Type: AWS::Cognito::UserPool\n";
    let resource = |metadata: Value| json!({ "Resources": { "P": { "Type": "AWS::Cognito::UserPool", "Metadata": metadata } } });
    let show = json!({ "format_version": "1.0", "terraform_version": "1.9", "values": { "root_module": { "resources": [
        { "type": "aws_cognito_user_pool", "name": "p", "values": { "id": "eu-west-1_Abc" } } ] } } });
    let outputs =
        json!({ "version": "1", "auth": { "user_pool_id": "eu-west-1_Abc", "aws_region": "eu-west-1" } });
    let describe = "aws cognito-idp describe-user-pool --user-pool-id";
    let stack = "aws cloudformation list-stack-resources --stack-name STACK";
    for (file, content, format, command) in [
        ("template.yaml", template.to_owned(), "a template of CloudFormation", stack),
        (
            "template.yaml",
            format!("Transform: AWS::Serverless-2016-10-31\n{template}"),
            "a template of SAM",
            stack,
        ),
        ("template.json", resource(json!({})).to_string(), "a template of CloudFormation", stack),
        (
            "stack.template.json",
            resource(json!({ "aws:cdk:path": "S/P" })).to_string(),
            "a template that CDK synthesized",
            stack,
        ),
        (
            "show.json",
            show.to_string(),
            "Terraform as JSON",
            "describe-user-pool --user-pool-id eu-west-1_Abc",
        ),
        (
            "main.tf",
            "resource \"aws_cognito_user_pool\" \"p\" {\n}\n".to_owned(),
            "a configuration of Terraform",
            "terraform state show aws_cognito_user_pool.p",
        ),
        ("amplify_outputs.json", outputs.to_string(), "amplify_outputs.json of Amplify", "eu-west-1_Abc"),
        ("/dev/stdin", outputs.to_string(), "amplify_outputs.json of Amplify", "eu-west-1_Abc"),
    ] {
        let files = [(file.to_owned(), content.into_bytes())];
        let hint = settings::parse(&files, Unsimulated::Refuse).unwrap_err().to_string();
        assert!(hint.contains(format) && hint.contains(describe) && hint.contains(command), "{file}: {hint}");
    }
}
