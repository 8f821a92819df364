//! Pools as AWS tools describe them: settings that are kept, refused or ignored, and files of other tools.

use std::path::PathBuf;

use poolproof::settings::{self, Unsimulated};
use poolproof_pool::provider::Tokens;
use serde_json::{Value, json};

use crate::cli::poolproof;
use crate::provider::ProviderFixture;
use crate::server_process::ServerProcess;

/// Writes a document into the tests' folder.
fn document(name: &str, content: &Value) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("described_pools");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, content.to_string()).unwrap();
    path
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

#[test]
fn a_setting_that_is_not_simulated_is_refused_or_listed() {
    let arn = "arn:aws:lambda:us-east-1:1:function:f";
    let pool = json!({ "UserPool": { "Id": "us-east-1_A", "MfaConfiguration": "OFF",
        "LambdaConfig": { "PreTokenGeneration": arn, "CustomMessage": arn } } });
    let file = document("lambda.json", &pool);
    let refused = settings::read(std::slice::from_ref(&file), Unsimulated::Refuse).unwrap_err().to_string();
    assert!(refused.contains("poolproof does not simulate LambdaConfig.PreTokenGeneration"), "{refused}");
    assert!(refused.contains("--ignore-unsimulated"), "{refused}");
    let settings = settings::read(std::slice::from_ref(&file), Unsimulated::Ignore).unwrap();
    assert_eq!(settings.ignored, ["LambdaConfig.PreTokenGeneration"]);
    for command in [&["advise"][..], &["explain", "--pool"], &["matrix", "--pool"], &["serve"]] {
        let output = poolproof().args(command).arg(&file).output().unwrap();
        assert_eq!(output.status.code(), Some(104), "{command:?}");
    }
    let explained =
        poolproof().args(["explain", "--pool"]).arg(&file).arg("--ignore-unsimulated").output().unwrap();
    assert_eq!(explained.status.code(), Some(0));
    let notes = String::from_utf8(explained.stderr).unwrap();
    assert!(notes.contains("Not simulated and ignored: LambdaConfig.PreTokenGeneration."), "{notes}");
    let client = json!({ "UserPoolClient": { "UserPoolId": "us-east-1_B", "ClientId": "c" } });
    let client = document("other-client.json", &client);
    let other = settings::read(&[file, client], Unsimulated::Ignore).unwrap_err().to_string();
    assert!(
        other.contains("UserPoolClient.UserPoolId: `us-east-1_B`, but the pool is `us-east-1_A`"),
        "{other}"
    );
}

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

#[test]
fn a_description_has_all_members_that_were_set() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let set = json!({
        "PoolName": "p", "DeletionProtection": "ACTIVE", "UserPoolTier": "PLUS", "UserPoolTags": { "a": "b" },
        "EmailVerificationSubject": "Hello", "EmailConfiguration": { "EmailSendingAccount": "COGNITO_DEFAULT" },
        "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": true },
        "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] }, "PasswordPolicy": { "MinimumLength": 20 } },
        "Schema": [{ "Name": "plan", "AttributeDataType": "String", "unknown": 1 }], "Unknown": "x",
    });
    let id = fixture.call_ok("CreateUserPool", &set)["UserPool"]["Id"].clone();
    let describe = |fixture: &mut ProviderFixture| {
        fixture.call_ok("DescribeUserPool", &json!({ "UserPoolId": id }))["UserPool"].clone()
    };
    let described = describe(&mut fixture);
    for key in [
        "DeletionProtection",
        "UserPoolTier",
        "UserPoolTags",
        "EmailVerificationSubject",
        "EmailConfiguration",
        "AdminCreateUserConfig",
    ] {
        assert_eq!(described[key], set[key], "{key}");
    }
    assert_eq!(described["SchemaAttributes"], json!([{ "Name": "plan", "AttributeDataType": "String" }]));
    assert_eq!(described["Policies"]["SignInPolicy"], set["Policies"]["SignInPolicy"]);
    assert_eq!(described["Policies"]["PasswordPolicy"]["MinimumLength"], 20);
    assert_eq!((&described["PoolName"], &described["Unknown"]), (&Value::Null, &Value::Null));

    let client = json!({ "UserPoolId": id, "ClientName": "c", "ClientSecret": "a".repeat(24), "LogoutURLs": ["https://x"] });
    let client = fixture.call_ok("CreateUserPoolClient", &client)["UserPoolClient"].clone();
    assert_eq!(
        (&client["ClientSecret"], &client["LogoutURLs"]),
        (&json!("a".repeat(24)), &json!(["https://x"]))
    );
    let sign_up =
        json!({ "ClientId": client["ClientId"], "Username": "ann", "Password": "Aa-1aaaaaaaaaaaaaaaaaaaa" });
    let refused = fixture.ask("SignUp", &sign_up).unwrap_err();
    assert_eq!(refused, "NotAuthorizedException: SignUp is not permitted for this user pool");
    let refused = fixture.ask("DeleteUserPool", &json!({ "UserPoolId": id })).unwrap_err();
    assert!(refused.contains("deletion protection is activated"), "{refused}");

    // What an update leaves out has its default again. A schema cannot be changed, and tags stay: TagResource
    // and UntagResource change them.
    fixture.call_ok("UpdateUserPool", &json!({ "UserPoolId": id, "UserPoolTier": "LITE" }));
    let described = describe(&mut fixture);
    assert_eq!(
        (&described["UserPoolTier"], &described["UserPoolTags"]),
        (&json!("LITE"), &json!({ "a": "b" }))
    );
    assert!(described["SchemaAttributes"].is_array());
    fixture.call_ok("DeleteUserPool", &json!({ "UserPoolId": id }));
}

/// Settings that have no effect are stored as well, up to a limit for the account.
#[test]
fn stored_settings_are_bounded() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let text = |letter: &str| format!("{{####}}{}", letter.repeat(19_000));
    let template = json!({ "EmailMessage": text("a"), "EmailMessageByLink": format!("{{##x##}}{}", "b".repeat(19_000)) });
    let body = json!({ "PoolName": "p", "VerificationMessageTemplate": template, "EmailVerificationMessage": text("c") });
    let mut pools = Vec::new();
    let refused = loop {
        match fixture.ask("CreateUserPool", &body) {
            Ok(made) => pools.push(made["UserPool"]["Id"].clone()),
            Err(refused) => break refused,
        }
    };
    assert!(refused.starts_with("LimitExceededException: "), "{refused}");
    // 57 KB a pool: the number of pools is the lower limit, so clients fill the rest.
    assert_eq!(pools.len(), 1000);
    let urls: Vec<String> =
        (0..100).map(|at| format!("https://{at}.example.org/{}", "u".repeat(900))).collect();
    let client = |pool: &Value| json!({ "UserPoolId": pool, "ClientName": "c", "CallbackURLs": urls });
    let count =
        (0..1000).take_while(|_| fixture.ask("CreateUserPoolClient", &client(&pools[0])).is_ok()).count();
    assert!((50..200).contains(&count), "{count}");
    fixture.call_ok("DeleteUserPool", &json!({ "UserPoolId": pools[1] }));
    assert!(fixture.ask("CreateUserPool", &json!({ "PoolName": "small" })).is_ok());
}
