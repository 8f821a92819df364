//! A pool's settings are read from a scenario or from AWS's JSON, or refused with their position.

use std::path::PathBuf;

use poolproof::advise;
use poolproof::scenario::Diagnostic;
use poolproof::settings::{self, PoolSettings, SourceKind, Unsimulated};
use poolproof_cognito::addresses::AddressRange;
use poolproof_cognito::policy::{
    CompromisedAction, FactorTypes, Factors, MfaMode, PoolPolicy, Quotas, RememberMode, RiskAction, RiskMode,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::scenario_files::{assert_same_as_file, path};

const SAMPLE: [&str; 3] = ["describe-user-pool", "get-user-pool-mfa-config", "describe-risk-configuration"];

fn sample(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(|name| path("scenarios/aws").join(format!("{name}.json"))).collect()
}

fn parse(files: &[(&str, &str)]) -> Result<PoolSettings, Diagnostic> {
    let files: Vec<_> =
        files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
    settings::parse(&files, Unsimulated::Refuse)
}

/// Returns the settings of a `describe-user-pool` document with these values in `UserPool`.
fn pool(inside: &Value) -> PoolSettings {
    parse(&[("pool.json", &json!({ "UserPool": inside }).to_string())])
        .unwrap_or_else(|diagnostic| panic!("{inside}\n{diagnostic}"))
}

/// Returns the settings of a pool with enforced threat protection and this document beside it.
fn with_document(document: &Value) -> PoolSettings {
    let pool =
        json!({ "UserPool": { "Id": "a_1", "UserPoolAddOns": { "AdvancedSecurityMode": "ENFORCED" } } });
    parse(&[("pool.json", &pool.to_string()), ("more.json", &document.to_string())])
        .unwrap_or_else(|diagnostic| panic!("{document}\n{diagnostic}"))
}

#[test]
fn the_sample_parses_in_any_order_and_merged() {
    let settings = settings::read(&sample(&SAMPLE), Unsimulated::Refuse).unwrap();
    assert_eq!((settings.name.as_str(), settings.source), ("example-customers", SourceKind::Aws));
    assert_eq!(settings.pool_id.as_deref(), Some("eu-central-1_EXAMPLE01"));
    let policy = &settings.policy;
    assert_eq!((policy.remember, policy.suppress_mfa), (RememberMode::Always, true));
    assert_eq!((policy.mfa, policy.quotas), (MfaMode::Optional, Quotas::COGNITO));
    assert_eq!(policy.risk.mode, RiskMode::Enforced);
    let actions = [policy.risk.low, policy.risk.medium, policy.risk.high];
    assert_eq!(actions, [RiskAction::NoAction, RiskAction::MfaRequired, RiskAction::Block]);
    assert_eq!(settings.factors, FactorTypes { sms: true, totp: true, email: false });
    assert!(settings.risk_known && settings.blocks_compromised);

    let mut names = SAMPLE;
    names.reverse();
    assert_eq!(settings::read(&sample(&names), Unsimulated::Refuse).unwrap(), settings);
    assert_eq!(settings::read(&[path("tests/data/aws/merged.json")], Unsimulated::Refuse).unwrap(), settings);
    let merged = std::fs::read_to_string(path("tests/data/aws/merged.json")).unwrap();
    // From a pipe, which has no file name extension, and with a byte order mark as editors on Windows write
    // it.
    assert_eq!(parse(&[("/dev/fd/63", &format!("\n {merged}"))]).unwrap(), settings);
    let windows = format!("\u{feff}{}", merged.replace('\n', "\r\n"));
    assert_eq!(parse(&[("-", &windows)]).unwrap(), settings);
}

#[test]
fn a_pool_document_alone_is_enough_and_assumptions_are_reported() {
    let settings = settings::read(&sample(&SAMPLE[..1]), Unsimulated::Refuse).unwrap();
    let risk = &settings.policy.risk;
    assert_eq!([risk.low, risk.medium, risk.high], [RiskAction::Block; 3], "Cognito's default");
    assert!(!settings.risk_known);
    assert_eq!(settings.factors, FactorTypes::ALL);
    let notes = settings.notes.join("\n");
    for wanted in ["get-user-pool-mfa-config", "describe-risk-configuration"] {
        assert!(notes.contains(wanted), "{notes}");
    }
    assert!(settings.quota_note.is_some_and(|note| note.contains("Quotas")));
}

#[test]
fn any_property_of_the_device_configuration_turns_tracking_on() {
    use RememberMode::{Always, No, OptIn};
    let read = |inside: Value| {
        let settings = pool(&inside);
        (settings.policy.remember, settings.policy.suppress_mfa)
    };
    assert_eq!(read(json!({})), (No, false));
    for nothing in [json!(null), json!({}), json!({ "Other": 1 })] {
        assert_eq!(read(json!({ "DeviceConfiguration": nothing })), (No, false), "{nothing}");
    }
    let values = [None, Some(Value::Null), Some(json!(false)), Some(json!(true))];
    for challenge in &values {
        for prompt in &values {
            let mut map = Map::new();
            for (key, value) in
                [("ChallengeRequiredOnNewDevice", challenge), ("DeviceOnlyRememberedOnUserPrompt", prompt)]
            {
                if let Some(value) = value {
                    map.insert(key.to_owned(), value.clone());
                }
            }
            let (challenge, prompt) = (challenge.as_ref(), prompt.as_ref());
            let flag = |value: Option<&Value>| value.and_then(Value::as_bool);
            let expected = match (flag(challenge), flag(prompt)) {
                (None, None) => (No, false),
                (suppress, Some(true)) => (OptIn, suppress == Some(true)),
                (suppress, _) => (Always, suppress == Some(true)),
            };
            assert_eq!(read(json!({ "DeviceConfiguration": map })), expected, "{map:?}");
        }
    }
}

#[test]
fn every_aws_value_is_recognized() {
    for (word, mode) in [("OFF", MfaMode::Off), ("ON", MfaMode::On), ("OPTIONAL", MfaMode::Optional)] {
        assert_eq!(pool(&json!({ "MfaConfiguration": word })).policy.mfa, mode);
    }
    for (word, mode) in [("OFF", RiskMode::Off), ("AUDIT", RiskMode::Audit), ("ENFORCED", RiskMode::Enforced)]
    {
        let inside = json!({ "UserPoolAddOns": { "AdvancedSecurityMode": word } });
        assert_eq!(pool(&inside).policy.risk.mode, mode);
    }
    assert_eq!(pool(&json!({ "UserPoolAddOns": null })).policy.risk.mode, RiskMode::Off);
    for (word, action) in [
        ("NO_ACTION", RiskAction::NoAction),
        ("MFA_IF_CONFIGURED", RiskAction::MfaIfConfigured),
        ("MFA_REQUIRED", RiskAction::MfaRequired),
        ("BLOCK", RiskAction::Block),
    ] {
        let actions = json!({ "HighAction": { "EventAction": word, "Notify": true } });
        let settings = with_document(
            &json!({ "RiskConfiguration": { "AccountTakeoverRiskConfiguration": { "Actions": actions } } }),
        );
        let risk = settings.policy.risk;
        assert_eq!([risk.low, risk.medium, risk.high], [RiskAction::NoAction, RiskAction::NoAction, action]);
        assert!(settings.risk_known && settings.notes.iter().any(|note| note.contains("Risk levels")));
    }
}

#[test]
fn the_factors_are_those_that_can_be_enrolled() {
    let sms = json!({ "SmsConfiguration": { "SnsCallerArn": "arn" } });
    let cases = [
        (json!({ "MfaConfiguration": null }), vec![Factors::None]),
        (json!({ "SoftwareTokenMfaConfiguration": { "Enabled": false } }), vec![Factors::None]),
        (json!({ "SoftwareTokenMfaConfiguration": { "Enabled": true } }), vec![Factors::None, Factors::Totp]),
        (json!({ "SmsMfaConfiguration": sms }), vec![Factors::None, Factors::Phone, Factors::Sms]),
        (json!({ "SmsMfaConfiguration": { "SmsAuthenticationMessage": "m" } }), vec![Factors::None]),
        (json!({ "EmailMfaConfiguration": { "Subject": "s" } }), vec![Factors::None, Factors::Email]),
        (
            json!({ "SmsMfaConfiguration": sms, "SoftwareTokenMfaConfiguration": { "Enabled": true } }),
            vec![Factors::None, Factors::Phone, Factors::Sms, Factors::Totp, Factors::SmsAndTotp],
        ),
    ];
    for (document, sets) in cases {
        assert_eq!(with_document(&document).factors.sets(), sets, "{document}");
    }
}

#[test]
fn assumptions_are_reported() {
    let notes = |document: Value| with_document(&document).notes.join("\n");
    let risk = |inside: Value| notes(json!({ "RiskConfiguration": inside }));
    assert!(risk(json!({ "UserPoolId": "a_1" })).contains("The risk configuration is empty"));
    assert!(risk(json!({ "ClientId": "c" })).contains("one app client"));
    let lists = json!({ "RiskExceptionConfiguration": { "BlockedIPRangeList": ["192.0.2.0/24"] } });
    assert!(risk(lists).contains("always blocked"));
    assert!(pool(&json!({ "DeviceConfiguration": {} })).notes.join("\n").contains("DeviceConfiguration"));
    assert!(pool(&json!({})).notes.join("\n").contains("MfaConfiguration is missing"));
}

/// SetRiskConfiguration treats the same content in the same way.
#[test]
fn a_risk_configuration_without_takeover_actions_has_no_action() {
    let compromised = json!({ "Actions": { "EventAction": "BLOCK" } });
    for (content, action) in [
        (json!({ "CompromisedCredentialsRiskConfiguration": compromised }), RiskAction::NoAction),
        (json!({ "RiskExceptionConfiguration": {} }), RiskAction::NoAction),
        (json!({ "UserPoolId": "a_1" }), RiskAction::Block),
    ] {
        let settings = with_document(&json!({ "RiskConfiguration": content }));
        let risk = settings.policy.risk;
        assert_eq!([risk.low, risk.medium, risk.high], [action; 3], "{content}");
        // The document is there, so no advice asks for it.
        assert!(settings.risk_known, "{content}");
    }
}

#[test]
fn passkeys_are_refused_or_listed_and_the_password_is_required() {
    let text = |factors: &[&str]| {
        let policies = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": factors } });
        json!({ "UserPool": { "Policies": policies } }).to_string()
    };
    let refused = parse(&[("pool.json", &text(&["PASSWORD", "WEB_AUTHN"]))]).unwrap_err().to_string();
    assert!(
        refused.contains("does not simulate Policies.SignInPolicy.AllowedFirstAuthFactors=WEB_AUTHN")
            && refused.contains("--ignore-uns"),
        "{refused}"
    );
    let files = [("pool.json".to_owned(), text(&["PASSWORD", "WEB_AUTHN", "EMAIL_OTP"]).into_bytes())];
    let settings = settings::parse(&files, Unsimulated::Ignore).unwrap();
    assert!(settings.policy.first_factors.email_otp && !settings.policy.first_factors.sms_otp);
    assert!(
        settings
            .notes
            .iter()
            .any(|note| note.contains("ignored: Policies.SignInPolicy.AllowedFirstAuthFactors=WEB_AUTHN")),
        "{:?}",
        settings.notes
    );
    let refused = parse(&[("pool.json", &text(&["EMAIL_OTP"]))]).unwrap_err().to_string();
    assert!(refused.contains("the list lacks `PASSWORD`"), "{refused}");
}

#[test]
fn ip_lists_and_compromised_passwords_are_parsed() {
    let lists = json!({ "RiskConfiguration": {
        "RiskExceptionConfiguration": {
            "BlockedIPRangeList": ["192.0.2.0/24", "2001:db8::/32"], "SkippedIPRangeList": ["10.0.0.0/8"],
        },
        "CompromisedCredentialsRiskConfiguration": { "Actions": { "EventAction": "BLOCK" } },
    } });
    let read = with_document(&lists);
    let texts = |ranges: &[AddressRange]| ranges.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(texts(&read.exceptions.blocked), ["192.0.2.0/24", "2001:db8::/32"]);
    assert_eq!(texts(&read.exceptions.skipped), ["10.0.0.0/8"]);
    assert_eq!(read.policy.risk.compromised, CompromisedAction::Block);
    // A configuration that does not apply to sign-ins blocks none.
    let filtered = json!({ "RiskConfiguration": { "CompromisedCredentialsRiskConfiguration": {
        "EventFilter": ["SIGN_UP"], "Actions": { "EventAction": "BLOCK" } } } });
    let read = with_document(&filtered);
    assert_eq!((read.policy.risk.compromised, read.blocks_compromised), (CompromisedAction::NoAction, false));
    let many: Vec<String> = (0..=200).map(|n| format!("10.0.{n}.0/24")).collect();
    let many =
        json!({ "RiskConfiguration": { "RiskExceptionConfiguration": { "BlockedIPRangeList": many } } });
    let refused = parse(&[("pool.json", POOL), ("risk.json", &many.to_string())]).unwrap_err().to_string();
    assert!(refused.contains("201 ranges; AWS accepts at most 200"), "{refused}");
}

#[test]
fn a_scenario_file_is_accepted_as_a_pool() {
    let settings = settings::read(&[path("scenarios/opt-in.yaml")], Unsimulated::Refuse).unwrap();
    let scenario = poolproof::scenario::read(&path("scenarios/opt-in.yaml")).unwrap();
    assert_eq!((settings.policy, settings.name.as_str()), (scenario.pool, "opt-in"));
    assert_eq!((settings.source, settings.factors.sets()), (SourceKind::Scenario, Factors::ALL.to_vec()));
    let text = std::fs::read_to_string(path("scenarios/opt-in.yaml")).unwrap();
    assert!(text.starts_with('#') && parse(&[("/dev/stdin", &text)]).is_ok());
    let about = format!("# What to do when An error occurred (really)\n{text}");
    assert!(parse(&[("a.yaml", &about)]).is_ok(), "a comment is no answer of AWS's");
    let created = settings::read(&[path("tests/data/aws/as-created.json")], Unsimulated::Refuse).unwrap();
    assert_eq!(created.policy, PoolPolicy { quotas: Quotas::COGNITO, ..PoolPolicy::DEFAULT });
}

const POOL: &str = "{\n  \"UserPool\": { \"Id\": \"eu-west-1_Right\", \"MfaConfiguration\": \"OFF\" }\n}\n";

/// Invalid input: the name of the fault, and the files.
#[rustfmt::skip]
const BAD: [(&str, &[(&str, &str)]); 37] = [
    ("empty", &[("pool.json", " \n")]),
    ("cut-off", &[("pool.json", "{\n  \"UserPool\": {\n    \"Id\": \"a_1\",\n")]),
    ("missing-comma", &[("pool.json", "{\n  \"UserPool\": {\n    \"Id\": \"a_1\"\n    \"Name\": \"n\"\n  }\n}\n")]),
    ("one-after-another", &[("pool.json", "{ \"UserPool\": {} }\n{ \"RiskConfiguration\": {} }\n")]),
    ("nested-too-deeply", &[("pool.json", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[")]),
    ("a-list", &[("pool.json", "[\n  { \"UserPool\": {} }\n]\n")]),
    ("a-word", &[("pool.json", "\"UserPool\"")]),
    ("key-twice", &[("pool.json", "{ \"UserPool\": { \"Id\": \"a_1\",\n  \"Id\" : \"a_2\" } }")]),
    ("none-of-the-three", &[("pool.json", "{ \"IdentityPoolId\": \"x\" }")]),
    ("list-user-pools", &[("pool.json", "{ \"UserPools\": [] }")]),
    ("inside-alone", &[("pool.json", "{ \"Id\": \"a_1\", \"MfaConfiguration\": \"ON\" }")]),
    ("scenario-as-json", &[("toy.json", "{ \"version\": 1, \"pool\": {} }")]),
    ("pool-missing", &[("mfa.json", "{ \"MfaConfiguration\": \"ON\" }")]),
    ("pool-null", &[("pool.json", "{ \"UserPool\": null }")]),
    ("pool-text", &[("pool.json", "{ \"UserPool\": \"eu-west-1_Right\" }")]),
    ("pool-twice", &[("one.json", POOL), ("two.json", POOL)]),
    ("mfa-unknown", &[("pool.json", "{ \"UserPool\": {\n    \"MfaConfiguration\": \"SOMETIMES\" } }")]),
    ("mfa-in-lower-case", &[("pool.json", "{ \"UserPool\": { \"MfaConfiguration\": \"optional\" } }")]),
    ("mfa-number", &[("pool.json", "{ \"UserPool\": { \"Name\": \"ü\", \"MfaConfiguration\": -1.5 } }")]),
    ("mfa-disagrees", &[("pool.json", POOL), ("mfa.json", "{ \"MfaConfiguration\": \"ON\" }")]),
    ("flag-as-text", &[("pool.json", "{ \"UserPool\": { \"DeviceConfiguration\":\n  { \"ChallengeRequiredOnNewDevice\": \"true\" } } }")]),
    ("devices-list", &[("pool.json", "{ \"UserPool\": { \"DeviceConfiguration\": [\n  ] } }")]),
    ("mode-unknown", &[("pool.json", "{ \"UserPool\": { \"UserPoolAddOns\": { \"AdvancedSecurityMode\": \"ON\" } } }")]),
    ("action-unknown", &[("pool.json", POOL), ("risk.json", "{ \"RiskConfiguration\": { \"AccountTakeoverRiskConfiguration\":\n  { \"Actions\": { \"LowAction\": { \"EventAction\": \"MFA\" } } } } }")]),
    ("range-without-prefix", &[("pool.json", POOL), ("risk.json", "{ \"RiskConfiguration\": { \"RiskExceptionConfiguration\": {\n  \"BlockedIPRangeList\": [ \"192.0.2.0/24\", \"192.0.2.7\" ] } } }")]),
    ("ranges-text", &[("pool.json", POOL), ("risk.json", "{ \"RiskConfiguration\": { \"RiskExceptionConfiguration\": {\n  \"SkippedIPRangeList\": \"192.0.2.0/24\" } } }")]),
    ("range-number", &[("pool.json", POOL), ("risk.json", "{ \"RiskConfiguration\": { \"RiskExceptionConfiguration\": {\n  \"SkippedIPRangeList\": [ 10 ] } } }")]),
    ("event-unknown", &[("pool.json", POOL), ("risk.json", "{ \"RiskConfiguration\": { \"CompromisedCredentialsRiskConfiguration\": {\n  \"EventFilter\": [ \"SIGN_UP\", \"SIGNIN\" ], \"Actions\": { \"EventAction\": \"BLOCK\" } } } }")]),
    ("range-list-in-list", &[("pool.json", POOL), ("risk.json", "{ \"RiskConfiguration\": { \"RiskExceptionConfiguration\": {\n  \"SkippedIPRangeList\": [ \"10.0.0.0/8\", [ ] ] } } }")]),
    ("action-missing", &[("pool.json", POOL), ("risk.json", "{ \"RiskConfiguration\": { \"AccountTakeoverRiskConfiguration\":\n  { \"Actions\": { \"LowAction\": { \"Notify\": true } } } } }")]),
    ("ids-disagree", &[("pool.json", POOL), ("risk.json", "{ \"RiskConfiguration\": {\n  \"UserPoolId\": \"eu-west-1_Wrong\" } }")]),
    ("error-of-the-tool", &[("pool.json", "\nAn error occurred (ResourceNotFoundException) when calling the DescribeUserPool operation: User pool a_1 does not exist.\n")]),
    ("error-on-the-wire", &[("pool.json", "{\"__type\":\"NotAuthorizedException\",\"message\":\"Not yours.\"}")]),
    ("error-in-json", &[("pool.json", "{\n \"Error\": { \"Code\": \"AccessDeniedException\", \"Message\": \"Not yours.\" } }")]),
    ("output-yaml", &[("pool", "UserPool:\n  Id: a_1\n")]),
    ("output-table", &[("pool.json", "-----------\n|  DescribeUserPool  |\n")]),
    ("two-scenarios", &[("one.yaml", "version: 1\n"), ("two.json", POOL)]),
];

#[test]
fn every_invalid_input_is_rejected_with_its_location() {
    let taken: Vec<&str> =
        BAD.iter().filter(|(_, files)| parse(files).is_ok()).map(|(name, _)| *name).collect();
    assert!(taken.is_empty(), "taken: {taken:?}");
    for (name, files) in BAD {
        let Err(diagnostic) = parse(files) else { continue };
        let golden = path("tests/data/aws/bad").join(format!("{name}.txt"));
        assert_same_as_file(&golden, &format!("{diagnostic}\n"));
    }
}

#[test]
fn unreadable_files_are_reported() {
    let missing =
        settings::read(&[PathBuf::from("no/such/pool.json")], Unsimulated::Refuse).unwrap_err().to_string();
    assert!(missing.contains("no/such/pool.json:"), "{missing}");
    let read = |bytes: Vec<u8>| {
        settings::parse(&[("p.json".to_owned(), bytes)], Unsimulated::Refuse).unwrap_err().to_string()
    };
    assert!(read(vec![b' '; (1 << 20) + 1]).contains("1 MiB"));
    assert!(read(b"\xff\xfe{\0}\0".to_vec()).contains("UTF-16"));
    assert!(read(b"{\"\xc3\x28\": 1}".to_vec()).contains("not UTF-8"));
    assert!(settings::parse(&[], Unsimulated::Refuse).is_err());
}

/// Checks any bytes: no panic, and a usable result.
fn check_no_panic(files: &[(String, Vec<u8>)]) {
    match settings::parse(files, Unsimulated::Refuse) {
        Ok(settings) => {
            let advised = advise::advise(&settings);
            assert!(advise::text(&advised).lines().all(|line| line.chars().count() <= 100));
        }
        Err(diagnostic) => {
            let text = diagnostic.to_string();
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        }
    }
}

/// JSON of any shape, mostly with relevant keys and words.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("OFF"),
        Just("ON"),
        Just("OPTIONAL"),
        Just("ENFORCED"),
        Just("AUDIT"),
        Just("BLOCK"),
        Just("MFA_REQUIRED"),
        Just("NO_ACTION"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let key = prop_oneof![
        Just("UserPool".to_owned()),
        Just("Id".to_owned()),
        Just("MfaConfiguration".to_owned()),
        Just("DeviceConfiguration".to_owned()),
        Just("ChallengeRequiredOnNewDevice".to_owned()),
        Just("DeviceOnlyRememberedOnUserPrompt".to_owned()),
        Just("UserPoolAddOns".to_owned()),
        Just("AdvancedSecurityMode".to_owned()),
        Just("RiskConfiguration".to_owned()),
        Just("AccountTakeoverRiskConfiguration".to_owned()),
        Just("Actions".to_owned()),
        Just("HighAction".to_owned()),
        Just("EventAction".to_owned()),
        Just("SoftwareTokenMfaConfiguration".to_owned()),
        Just("Error".to_owned()),
        any::<String>(),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), ending in "(\\.json|)") {
        check_no_panic(&[(format!("any{ending}"), bytes)]);
    }

    #[test]
    fn arbitrary_json_does_not_panic(top in any_json(), inside in any_json(), risk in any_json()) {
        for value in [top, json!({ "UserPool": inside, "RiskConfiguration": risk })] {
            check_no_panic(&[("any.json".to_owned(), value.to_string().into_bytes())]);
        }
    }

    #[test]
    fn mutated_samples_do_not_panic(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..12_usize, any::<Option<u8>>()), 1..4),
    ) {
        let mut bytes = std::fs::read(path("tests/data/aws/merged.json")).unwrap();
        for (place, length, new) in edits {
            let start = place.index(bytes.len());
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, new);
        }
        check_no_panic(&[("bent.json".to_owned(), bytes)]);
    }
}

#[test]
fn keys_that_the_api_does_not_have_are_listed_with_a_suggestion() {
    let pool = "{\n  \"UserPool\": {\n    \"Id\": \"a_1\",\n    \"MfaConfig\": \"ON\",\n    \"Quantum\\u001b\": 1,\n    \
                \"DeviceConfiguration\": { \"ChallengeRequiredOnNewDevic\": true },\n    \
                \"SchemaAttributes\": [ { \"Name\": \"email\", \"Requird\": true } ]\n  },\n  \"ResponseMetadata\": {}\n}";
    let mfa = r#"{ "MfaConfiguration": "OFF", "SoftwareTokenMfaConfig": { "Enabled": true } }"#;
    let settings = parse(&[("pool.json", pool), ("mfa.json", mfa)]).unwrap();
    assert_eq!(
        settings.unknown,
        [
            "UserPool.MfaConfig (pool.json, line 4) is ignored; did you mean MfaConfiguration?",
            "UserPool.Quantum? (pool.json, line 5) is ignored",
            "UserPool.DeviceConfiguration.ChallengeRequiredOnNewDevic (pool.json, line 6) is ignored; did you mean \
             ChallengeRequiredOnNewDevice?",
            "UserPool.SchemaAttributes[0].Requird (pool.json, line 7) is ignored; did you mean Required?",
            "SoftwareTokenMfaConfig (mfa.json, line 1) is ignored; did you mean SoftwareTokenMfaConfiguration?",
        ]
    );
    let notes = settings.notes.join("\n");
    assert!(
        notes.contains("has no setting that AWS documents") && !notes.contains("is present but empty"),
        "{notes}"
    );
    let empty = parse(&[("pool.json", r#"{ "UserPool": { "DeviceConfiguration": {} } }"#)]).unwrap();
    assert!(empty.notes.join("\n").contains("is present but empty"), "{:?}", empty.notes);
    let files: Vec<_> =
        std::fs::read_dir("scenarios/aws").unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(settings::read(&files, Unsimulated::Refuse).unwrap().unknown, Vec::<String>::new());
}
