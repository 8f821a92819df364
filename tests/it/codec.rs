//! AWS JSON 1.1: every operation round-trips, and an invalid request is refused with an exact message.

use std::collections::BTreeMap;

use poolproof::http::codec::{
    CONTENT_TYPE, MAX_BODY, MAX_DEPTH, MAX_ENTRIES, MAX_VALUES, OPERATIONS, decode, decode_with_unsimulated,
    encode, encode_response,
};
use poolproof_cognito::ids::{AccessToken, DeviceGroupKey, DeviceKey, Session};
use poolproof_cognito::protocol::{
    AccountRequest, ApiError, AuthOutcome, AuthenticationResult, Challenge, ChallengeName, DeviceDescription,
    NewDeviceMetadata, Operation, OperationResponse, Parameters, Request, Response, keys,
};
use poolproof_cognito::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A valid value of each text.
const SAMPLE_TEXTS: &[(&str, &str)] = &[
    ("ClientId", "client"),
    ("AuthFlow", "USER_SRP_AUTH"),
    ("ChallengeName", "SMS_MFA"),
    ("Session", "a-session-of-20-bytes"),
    ("UserCode", "123456"),
    ("AccessToken", "a.b.c"),
    ("DeviceKey", "us-east-1_0"),
    ("DeviceRememberedStatus", "remembered"),
    ("PaginationToken", "token"),
    ("UserPoolId", "us-east-1_A"),
    ("Username", "ann"),
    ("RefreshToken", "d.e.f"),
    ("ClientSecret", "123456789012345678901234"),
    ("Token", "g.h"),
    ("TemporaryPassword", "Temporary-1"),
    ("MessageAction", "SUPPRESS"),
    ("Password", "Password-1"),
    ("SecretHash", "aGFzaA=="),
    ("ConfirmationCode", "1"),
    ("PreviousPassword", "Previous-1"),
    ("ProposedPassword", "Proposed-1"),
    ("Filter", "name = \"ann\""),
    ("PoolName", "pool 1"),
    ("MfaConfiguration", "OPTIONAL"),
    ("NextToken", "next"),
    ("ClientName", "client 1"),
    ("PreventUserExistenceErrors", "ENABLED"),
    ("AttributeName", "email"),
    ("GroupName", "group"),
    ("EventId", "event-1"),
    ("FeedbackValue", "Valid"),
    ("ResourceArn", "arn:aws:cognito-idp:us-east-1:1:userpool/us-east-1_A"),
    ("Description", "text"),
    ("RoleArn", "arn:aws:iam::1:role/group"),
    ("Code", "123456"),
];

/// Returns an object with every key of every request. Where the API model allows any text, it is one of
/// these.
fn sample_values(words: &[String], flag: bool, number: u32) -> Value {
    let word = |index: usize| words[index % words.len()].clone();
    let mut all: serde_json::Map<String, Value> =
        SAMPLE_TEXTS.iter().map(|(key, text)| ((*key).to_owned(), (*text).into())).collect();
    let parameters = json!({ word(0): word(1), "USERNAME": "ann" });
    let attributes = json!([{ "Name": "given_name", "Value": word(4) }, { "Name": "email", "Value": "" }]);
    let setting = json!({ "Enabled": flag, "PreferredMfa": !flag });
    let arn = "arn:aws:iam::1:role/sms";
    let more = json!({
        "AuthParameters": parameters, "ChallengeResponses": parameters,
        "DeviceSecretVerifierConfig": { "PasswordVerifier": word(5), "Salt": word(6) },
        "Tags": { "tag": word(1) }, "UserPoolTags": { "tag": word(3) }, "TagKeys": ["tag"],
        "Limit": number, "Precedence": number, "MaxResults": number, "Permanent": flag, "GenerateSecret": flag,
        "UserAttributes": attributes, "AttributesToGet": ["email", "name"],
        "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"], "UsernameAttributes": ["email"],
        "AliasAttributes": ["email"],
        "UsernameConfiguration": { "CaseSensitive": flag }, "EnableTokenRevocation": flag,
        "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": number },
        "DeviceName": format!("a {}", word(7)), "FriendlyDeviceName": word(8),
        "UserAttributeNames": ["email", "name"],
        "AccountRecoverySetting": { "RecoveryMechanisms": [{ "Name": "verified_email", "Priority": 1 }] },
        "UserAttributeUpdateSettings": { "AttributesRequireVerificationBeforeUpdate": ["email"] },
        "SMSMfaSettings": setting, "SoftwareTokenMfaSettings": setting, "EmailMfaSettings": setting,
        "DeviceConfiguration": {
            "ChallengeRequiredOnNewDevice": flag, "DeviceOnlyRememberedOnUserPrompt": !flag
        },
        "UserPoolAddOns": { "AdvancedSecurityMode": "AUDIT" },
        "SoftwareTokenMfaConfiguration": { "Enabled": flag },
        "SmsMfaConfiguration": {
            "SmsAuthenticationMessage": "{####}", "SmsConfiguration": { "SnsCallerArn": arn }
        },
        "EmailMfaConfiguration": { "Message": "Code {####}", "Subject": "Code" },
    });
    all.extend(more.as_object().unwrap().clone());
    all.extend(settings(flag, number).as_object().unwrap().clone());
    Value::Object(all)
}

/// Returns the keys for passwords, validities and risk in the settings of pools and clients.
fn settings(flag: bool, number: u32) -> Value {
    let action = json!({ "EventAction": "BLOCK", "Notify": flag });
    let email = json!({ "Subject": "A sign-in" });
    json!({
        "Policies": { "PasswordPolicy": {
            "MinimumLength": number, "RequireUppercase": flag, "RequireLowercase": !flag, "RequireNumbers": flag,
            "RequireSymbols": !flag, "TemporaryPasswordValidityDays": number
        } },
        "AuthSessionValidity": 3 + number % 13, "AccessTokenValidity": number, "IdTokenValidity": number,
        "RefreshTokenValidity": number,
        "TokenValidityUnits": { "AccessToken": "hours", "IdToken": "minutes", "RefreshToken": "days" },
        "CompromisedCredentialsRiskConfiguration": {
            "EventFilter": ["SIGN_IN"], "Actions": { "EventAction": "BLOCK" }
        },
        "RiskExceptionConfiguration": {
            "BlockedIPRangeList": ["192.0.2.0/24"], "SkippedIPRangeList": ["198.51.100.0/24"]
        },
        "AccountTakeoverRiskConfiguration": {
            "NotifyConfiguration": {
                "From": "a@example.org", "ReplyTo": "b@example.org", "SourceArn": "arn:aws:ses:us-east-1:1:identity/a",
                "BlockEmail": { "Subject": "Blocked", "HtmlBody": "<b>blocked</b>", "TextBody": "blocked" },
                "NoActionEmail": email, "MfaEmail": email
            },
            "Actions": { "LowAction": action, "MediumAction": action, "HighAction": action }
        },
    })
}

/// Decodes an object with all keys as the operation `name` and encodes the operation again.
fn round_trip(name: &str, all: &Value) -> Value {
    let (operation, _) = decode_with_unsimulated(name, all.to_string().as_bytes()).unwrap();
    let (encoded_name, text) = encode(&operation);
    assert_eq!(encoded_name, name);
    assert_eq!(decode(name, text.as_bytes()).as_ref(), Ok(&operation));
    serde_json::from_str(&text).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_operation_round_trips(
        words in prop::collection::vec(any::<String>(), 10),
        flag in any::<bool>(),
        number in 6_u32..=60,
    ) {
        let all = sample_values(&words, flag, number);
        for name in OPERATIONS {
            let encoded = round_trip(name, &all);
            for (key, value) in encoded.as_object().unwrap() {
                prop_assert_eq!(value, &all[key], "{} {}", name, key);
            }
        }
    }

    #[test]
    fn arbitrary_request_bytes_do_not_panic(body in prop::collection::vec(any::<u8>(), 0..200), index in 0..OPERATIONS.len()) {
        drop(decode(OPERATIONS[index], &body));
    }

    #[test]
    fn corrupted_requests_do_not_panic(index in 0..OPERATIONS.len(), position in 0..900_usize, byte in any::<u8>()) {
        let mut body = sample_values(&["w".to_owned()], true, 7).to_string().into_bytes();
        let position = position % body.len();
        body[position] = byte;
        drop(decode(OPERATIONS[index], &body));
        drop(decode(OPERATIONS[index], &body[..position]));
    }
}

/// `tests/interop/model.py` compares the list of decoded keys in the file with the API model of botocore.
#[test]
fn key_list_matches_the_committed_file() {
    let all = sample_values(&["w".to_owned()], true, 7);
    let keys: BTreeMap<&str, Vec<String>> = OPERATIONS
        .iter()
        .map(|name| (*name, round_trip(name, &all).as_object().unwrap().keys().cloned().collect()))
        .collect();
    let text = serde_json::to_string_pretty(&keys).unwrap() + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/keys.json");
    if std::env::var_os("POOLPROOF_BLESS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert!(
        text == std::fs::read_to_string(path).unwrap(),
        "set POOLPROOF_BLESS=1 to write tests/interop/keys.json"
    );
}

#[test]
fn recorded_client_traffic_is_parsed() {
    let traces =
        [include_str!("../data/trace_identityjs.json"), include_str!("../data/trace_pycognito.json")];
    let count: usize =
        traces.map(|trace| decoded_requests(&serde_json::from_str(trace).unwrap())).iter().sum();
    assert!(count > 40, "{count}");
}

/// Decodes every request in a recording and returns their number.
fn decoded_requests(recording: &Value) -> usize {
    let Some(name) = recording["op"].as_str() else {
        return match recording {
            Value::Array(steps) => steps.iter().map(decoded_requests).sum(),
            Value::Object(scenes) => scenes.values().map(decoded_requests).sum(),
            _ => 0,
        };
    };
    assert_eq!(recording["headers"]["Content-Type"], CONTENT_TYPE);
    let request = &filled_in(recording["req"].clone());
    let operation = decode(name, request.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let encoded: Value = serde_json::from_str(&encode(&operation).1).unwrap();
    assert_eq!(encoded, known_fields(request.clone()), "{name}");
    1
}

/// Replaces texts that the recording hides, such as `<str 46>`, by valid ones.
fn filled_in(mut request: Value) -> Value {
    let sample = sample_values(&["w".to_owned()], true, 7);
    for (key, value) in request.as_object_mut().unwrap() {
        if value.as_str().is_some_and(|text| text.starts_with('<')) {
            value.clone_from(&sample[key]);
        }
    }
    request
}

/// Removes null values, empty objects and keys that the decoder ignores from a request.
fn known_fields(request: Value) -> Value {
    let Value::Object(fields) = request else { return request };
    let ignored = ["ClientMetadata", "UserContextData"];
    let kept = fields.into_iter().filter(|(key, value)| !value.is_null() && !ignored.contains(&key.as_str()));
    let kept = kept.map(|(key, value)| (key, known_fields(value)));
    Value::Object(kept.filter(|(_, value)| *value != json!({})).collect())
}

/// Decodes an invalid body of `InitiateAuth` and returns the error message.
fn refusal(body: impl AsRef<[u8]>) -> String {
    decode("InitiateAuth", body.as_ref()).unwrap_err().to_string()
}

#[test]
fn duplicate_keys_are_rejected() {
    let twice = |key| format!("SerializationException: Field '{key}' is given twice.");
    let top_level = r#"{"ClientId":"a","AuthFlow":"USER_SRP_AUTH","ClientId":"c"}"#;
    assert_eq!(refusal(top_level), twice("ClientId"));
    let nested =
        r#"{"ClientId":"a","AuthFlow":"USER_SRP_AUTH","AuthParameters":{"USERNAME":"x","USERNAME":"y"}}"#;
    assert_eq!(refusal(nested), twice("USERNAME"));
    // An escape sequence does not make it another key, and a null value counts.
    let escaped = r#"{"ClientId":"a","AuthFlow":"USER_SRP_AUTH","Client\u0049d":null}"#;
    assert_eq!(refusal(escaped), twice("ClientId"));
    let unknown = r#"{"ClientId":"a","AuthFlow":"USER_SRP_AUTH","Unknown":{"x":1,"x":1}}"#;
    assert_eq!(refusal(unknown), twice("x"), "duplicates in unknown keys are rejected too");
}

#[test]
fn a_body_that_is_not_one_json_object_is_rejected() {
    let not_json = "SerializationException: The request is not JSON text.";
    let valid = r#"{"ClientId":"a","AuthFlow":"USER_SRP_AUTH"}"#;
    for body in [
        "",
        " ",
        "{",
        "nul",
        "{}{}",
        "{} x",
        "{'a':1}",
        r#"{"a":1e999}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":01}"#,
        r#"{"a":NaN}"#,
        r#"{"a":1,}"#,
        "{\"a\":\"\n\"}",
        "\u{feff}{}",
    ] {
        assert_eq!(refusal(body), not_json, "{body}");
    }
    assert_eq!(refusal(format!("{valid}{valid}")), not_json);
    assert_eq!(refusal(b"{\"ClientId\":\"\xff\"}"), not_json);
    for body in ["null", "[]", "\"x\"", "1", "-0"] {
        assert_eq!(refusal(body), "SerializationException: The request is not a structure.", "{body}");
    }
}

#[test]
fn length_depth_and_number_of_values_are_bounded() {
    let long = format!("{{{}}}", " ".repeat(MAX_BODY - 1));
    assert_eq!(
        refusal(&long),
        format!("SerializationException: The request is longer than {MAX_BODY} bytes.")
    );
    assert!(
        refusal(long.replace("  }", "}")).starts_with("InvalidParameterException: "),
        "a body of the maximum length is too long"
    );

    let deep = format!("SerializationException: The request is nested deeper than {MAX_DEPTH} levels.");
    assert_eq!(refusal("[".repeat(1000)), deep);
    assert_eq!(refusal("{\"a\":".repeat(100_000 / 5)), deep);
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(refusal(nested(MAX_DEPTH)), "SerializationException: The request is not a structure.");
    assert_eq!(refusal(nested(MAX_DEPTH + 1)), deep);

    let many = format!("SerializationException: The request has more than {MAX_VALUES} values.");
    let list = |values: usize| format!("{{\"a\":[{}0]}}", "0,".repeat(values - 1));
    assert_eq!(refusal(list(20_000)), many);
    assert_eq!(refusal(list(MAX_VALUES - 1)), many, "the list and the object count as values");
    assert!(refusal(list(MAX_VALUES - 2)).starts_with("InvalidParameterException: 2 validation errors"));
    let keys: Vec<String> = (0..10_000).map(|key| format!("\"{key}\":1")).collect();
    assert_eq!(refusal(format!("{{{}}}", keys.join(","))), many);

    let parameters = |count| {
        let map: serde_json::Map<String, Value> =
            (0..count).map(|index| (format!("k{index}"), "v".into())).collect();
        decode(
            "InitiateAuth",
            json!({ "ClientId": "a", "AuthFlow": "USER_SRP_AUTH", "AuthParameters": map })
                .to_string()
                .as_bytes(),
        )
    };
    assert!(parameters(MAX_ENTRIES).is_ok());
    assert_eq!(
        parameters(MAX_ENTRIES + 1).unwrap_err().to_string(),
        "InvalidParameterException: 1 validation error detected: Value at 'authParameters' failed to satisfy constraint: \
         Member must have length less than or equal to 200"
    );
}

/// Returns the error message for a missing key.
fn absent(key: &str) -> String {
    format!(
        "InvalidParameterException: 1 validation error detected: Value null at '{key}' failed to satisfy constraint: \
         Member must not be null"
    )
}

#[test]
fn values_of_another_type_are_refused_and_null_is_absent() {
    let with = |value: Value| refusal(json!({ "ClientId": value, "AuthFlow": "USER_SRP_AUTH" }).to_string());
    assert_eq!(with(json!(1)), "SerializationException: NUMBER_VALUE can not be converted to a String");
    assert_eq!(with(json!(-0.0)), "SerializationException: NUMBER_VALUE can not be converted to a String");
    assert_eq!(with(json!(true)), "SerializationException: TRUE_VALUE can not be converted to a String");
    assert_eq!(with(json!([])), "SerializationException: Start of list found where not expected.");
    assert_eq!(
        with(json!({})),
        "SerializationException: Start of structure or map found where not expected."
    );
    assert_eq!(with(Value::Null), absent("clientId"));
    let parameters = |value: Value| {
        let body = json!({ "ClientId": "a", "AuthFlow": "USER_SRP_AUTH", "AuthParameters": value });
        decode("InitiateAuth", body.to_string().as_bytes())
    };
    let error = |value| parameters(value).unwrap_err().to_string();
    assert_eq!(error(json!("x")), "SerializationException: STRING_VALUE can not be converted to a Map");
    assert_eq!(error(json!([])), "SerializationException: Start of list found where not expected.");
    assert_eq!(
        error(json!({ "USERNAME": false })),
        "SerializationException: FALSE_VALUE can not be converted to a String"
    );
    let Ok(Operation::Pool(Request::InitiateAuth(request))) = parameters(json!({ "A": "", "B": null }))
    else {
        panic!("the request was refused")
    };
    assert_eq!(request.auth_parameters, Parameters::new().with("A", ""));
    let list = |limit: &str| {
        let body = format!("{{\"AccessToken\":\"t\",\"Limit\":{limit}}}");
        decode("ListDevices", body.as_bytes()).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(list("60"), Ok(()));
    assert_eq!(list("null"), Ok(()));
    let integer = "SerializationException: NUMBER_VALUE can not be converted to an Integer";
    assert_eq!(list("1.5"), Err(integer.to_owned()));
    assert_eq!(
        list("\"1\"").unwrap_err(),
        "SerializationException: STRING_VALUE can not be converted to an Integer"
    );
    for (limit, bound) in [("-1", "greater than or equal to 0"), ("4294967296", "less than or equal to 60")] {
        assert_eq!(
            list(limit).unwrap_err(),
            format!(
                "InvalidParameterException: 1 validation error detected: Value '{limit}' at 'limit' failed to satisfy \
                 constraint: Member must have value {bound}"
            )
        );
    }
}

#[test]
fn software_token_requests_accept_an_access_token() {
    let decoded = |body: &str| decode("AssociateSoftwareToken", body.as_bytes()).unwrap();
    assert!(matches!(
        decoded(r#"{"AccessToken":"t"}"#),
        Operation::Account(AccountRequest::AssociateSoftwareToken(_))
    ));
    for body in [
        r#"{"Session":"12345678901234567890"}"#,
        r#"{"AccessToken":null,"Session":"12345678901234567890"}"#,
        "{}",
    ] {
        assert!(matches!(decoded(body), Operation::Pool(Request::AssociateSoftwareToken(_))), "{body}");
    }
}

#[test]
fn unknown_operations_are_rejected() {
    let unknown = decode("InitiateAuht", b"[[[[").unwrap_err();
    assert_eq!(unknown.to_string(), "UnknownOperationException: Unknown operation: InitiateAuht");
    assert!(decode(&"x".repeat(10_000), b"{}").unwrap_err().message.len() < 100);
    assert!(decode("initiateauth", b"{}").is_err(), "operation names are case-sensitive");
}

/// Encodes a response and returns its body.
fn body(response: Response) -> Value {
    let wire = encode_response(&Ok(OperationResponse::Pool(response)));
    assert_eq!((wire.status, wire.error), (200, None));
    serde_json::from_str(&wire.body).unwrap()
}

#[test]
fn responses_have_the_keys_that_clients_read() {
    let challenge = |session: Option<&str>| {
        body(Response::Auth(AuthOutcome::Challenge(Challenge {
            name: ChallengeName::PasswordVerifier,
            session: session.map(Session::new),
            parameters: Parameters::new().with(keys::SALT, "ab"),
            available: Vec::new(),
        })))
    };
    assert_eq!(
        challenge(None),
        json!({ "ChallengeName": "PASSWORD_VERIFIER", "ChallengeParameters": { "SALT": "ab" } })
    );
    assert_eq!(challenge(Some("s"))["Session"], "s");
    let tokens = AuthenticationResult {
        access_token: AccessToken::new("a"),
        id_token: "i".to_owned(),
        refresh_token: None,
        expires_in_s: 3600,
        new_device: Some(NewDeviceMetadata {
            device_key: DeviceKey::new("r_1"),
            device_group_key: DeviceGroupKey::new("-g"),
        }),
    };
    assert_eq!(
        body(Response::Auth(AuthOutcome::Tokens(tokens))),
        json!({
            "AuthenticationResult": {
                "AccessToken": "a", "IdToken": "i", "ExpiresIn": 3600, "TokenType": "Bearer",
                "NewDeviceMetadata": { "DeviceKey": "r_1", "DeviceGroupKey": "-g" },
            },
            "ChallengeParameters": {},
        })
    );
    let device = DeviceDescription {
        device_key: DeviceKey::new("r_1"),
        attributes: vec![("device_status", "valid".to_owned())],
        created: Timestamp::from_us(1_767_225_600_123_999),
        modified: Timestamp::from_us(1_767_225_600_000_000),
        authenticated: Timestamp::from_us(0),
    };
    let wire = encode_response(&Ok(OperationResponse::Pool(Response::Device(device))));
    assert_eq!(
        wire.body,
        r#"{"Device":{"DeviceAttributes":[{"Name":"device_status","Value":"valid"}],"DeviceCreateDate":1767225600.123,"DeviceKey":"r_1","DeviceLastAuthenticatedDate":0.0,"DeviceLastModifiedDate":1767225600.0}}"#
    );
    assert_eq!(body(Response::Empty), json!({}));
}

#[test]
fn errors_have_the_format_that_clients_parse() {
    let wire = encode_response(&Err(ApiError::device_not_found()));
    assert_eq!(wire.status, 400);
    assert_eq!(
        wire.error,
        Some(("ResourceNotFoundException:".to_owned(), "Device does not exist.".to_owned()))
    );
    assert_eq!(wire.body, r#"{"__type":"ResourceNotFoundException","message":"Device does not exist."}"#);
    let unsafe_text = encode_response(&Err(ApiError::invalid_parameter("né\r\nX-Evil: 1")));
    assert_eq!(unsafe_text.error.unwrap().1, "n???X-Evil: 1", "the header is one line of ASCII");
    assert_eq!(encode_response(&Err(ApiError::internal("x"))).status, 500);
}
