//! Pools as AWS tools describe them: settings that are kept, refused or ignored, and files of other tools.

use std::path::PathBuf;

use poolproof::settings::{self, Unsimulated};
use poolproof_pool::provider::Tokens;
use serde_json::{Value, json};

use crate::cli::poolproof;
use crate::provider::ProviderFixture;

/// Writes a document into the tests' folder.
pub(crate) fn document(name: &str, content: &Value) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("described_pools");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, content.to_string()).unwrap();
    path
}

#[test]
fn unsimulated_settings_are_refused_or_listed() {
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
    // As on AWS, the standard attributes come first, and a custom one has its prefix.
    let schema = described["SchemaAttributes"].as_array().unwrap();
    assert_eq!((schema.len(), &schema[0]["Name"]), (21, &json!("sub")));
    assert_eq!(
        schema[20],
        json!({ "Name": "custom:plan", "AttributeDataType": "String", "DeveloperOnlyAttribute": false,
            "Mutable": true, "Required": false, "StringAttributeConstraints": {} })
    );
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

    // An update resets the members that it leaves out. A schema cannot be changed, and tags stay: TagResource
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
