//! The client decodes every response that the server encodes. It does not treat an invalid response as a
//! decision.

use std::collections::BTreeMap;

use poolproof::http::codec::{InvalidResponse, OPERATIONS, decode_response, encode_response};
use poolproof_cognito::ids::{AccessToken, DeviceGroupKey, DeviceKey, Session, Sub, Username};
use poolproof_cognito::protocol::{
    AccountRecoverySetting, AccountResponse, AccountTakeover, AddOns, ApiError, AuthEvent, AuthOutcome,
    AuthenticationResult, Challenge, ChallengeName, ChallengeResponse, ClientDescription, ClientSummary,
    CodeDelivery, CompromisedActions, CompromisedCredentials, DeviceConfiguration, DeviceDescription,
    ErrorKind, EventContextData, EventFeedback, EventRisk, GroupDescription, GroupResponse,
    ManagementResponse, MfaConfig, NewDeviceMetadata, OperationResponse, Parameters, PasswordPolicySpec,
    Policies, PoolDescription, PoolSummary, RecoveryOption, RefreshTokenRotation, Response,
    RiskConfiguration, RiskExceptionLists, SignInPolicy, SoftwareTokenConfig, TakeoverAction,
    TakeoverActions, UserAttributeUpdateSettings, UserDescription, UsernameConfiguration, ValiditySpec,
    ValidityUnits,
};
use poolproof_cognito::time::Timestamp;
use proptest::prelude::*;

/// Random values for the fields of responses.
#[derive(Clone, Debug)]
struct RandomFields {
    words: Vec<String>,
    flag: bool,
    number: u32,
    at: Timestamp,
}

fn random_fields() -> impl Strategy<Value = RandomFields> {
    let words = prop::collection::vec(any::<String>(), 10);
    // Responses contain dates in milliseconds. These are before the year 3000.
    let at = (0..32_503_680_000_000_u64).prop_map(|ms| Timestamp::from_us(ms * 1000));
    (words, any::<bool>(), any::<u32>(), at).prop_map(|(words, flag, number, at)| RandomFields {
        words,
        flag,
        number,
        at,
    })
}

impl RandomFields {
    fn word(&self, at: usize) -> String {
        self.words[at].clone()
    }

    fn optional(&self, at: usize) -> Option<String> {
        (self.number >> at & 1 == 0).then(|| self.word(at))
    }

    fn pick<T: Copy>(&self, all: &[T]) -> T {
        all[self.number as usize % all.len()]
    }

    fn auth(&self) -> Response {
        Response::Auth(if self.flag {
            let parameters = Parameters::new().with(&self.word(0), self.word(1)).with("USERNAME", "");
            AuthOutcome::Challenge(Challenge {
                name: self.pick(ChallengeName::ALL),
                session: self.optional(2).map(Session::new),
                parameters: if self.number.is_multiple_of(3) { Parameters::new() } else { parameters },
                available: if self.number.is_multiple_of(5) {
                    ChallengeName::ALL.to_vec()
                } else {
                    Vec::new()
                },
            })
        } else {
            AuthOutcome::Tokens(AuthenticationResult {
                access_token: AccessToken::new(self.word(3)),
                id_token: self.word(4),
                refresh_token: self.optional(5),
                expires_in_s: self.number,
                new_device: self.optional(6).map(|key| NewDeviceMetadata {
                    device_key: DeviceKey::new(key),
                    device_group_key: DeviceGroupKey::new(self.word(7)),
                }),
            })
        })
    }

    fn device(&self) -> DeviceDescription {
        DeviceDescription {
            device_key: DeviceKey::new(self.word(0)),
            attributes: vec![
                ("device_status", self.word(1)),
                ("last_ip_used", self.word(2)),
                ("dev:device_remembered_status", self.word(3)),
            ],
            created: self.at,
            modified: Timestamp::default(),
            authenticated: self.at,
        }
    }

    /// Returns the description of a user for an administrator, with MFA factors only if `factors` is set.
    fn user(&self, factors: bool) -> UserDescription {
        UserDescription {
            username: Username::new(self.word(0)),
            attributes: vec![("sub".to_owned(), self.word(1).into()), (self.word(2), "".into())],
            created: self.at,
            modified: self.at,
            enabled: self.flag,
            status: self.pick(&["CONFIRMED", "UNCONFIRMED", "FORCE_CHANGE_PASSWORD", "RESET_REQUIRED"]),
            factors: if factors && self.flag { vec![ChallengeName::SmsMfa] } else { Vec::new() },
            preferred: (factors && self.flag).then_some(ChallengeName::SmsMfa),
        }
    }

    fn auth_event(&self) -> AuthEvent {
        AuthEvent {
            event_id: self.word(0),
            event_type: self.word(1),
            created: self.at,
            event_response: self.word(2),
            event_risk: self.optional(3).map(|decision| EventRisk {
                risk_decision: Some(decision),
                risk_level: self.optional(4),
                compromised_credentials_detected: Some(self.flag),
            }),
            challenge_responses: vec![ChallengeResponse {
                challenge_name: self.word(5),
                challenge_response: self.word(6),
            }],
            event_context_data: self.optional(7).map(|ip| EventContextData { ip_address: Some(ip) }),
            event_feedback: self.optional(8).map(|feedback_value| EventFeedback {
                feedback_value,
                provider: self.word(9),
                at: self.at,
            }),
        }
    }

    fn group(&self) -> GroupDescription {
        GroupDescription {
            group_name: self.word(1),
            user_pool_id: self.word(2),
            description: self.optional(3),
            role_arn: self.optional(4),
            precedence: self.flag.then_some(self.number),
            created: self.at,
            modified: self.at,
        }
    }

    fn tags(&self) -> BTreeMap<String, String> {
        self.optional(5).map(|key| (key, self.word(6))).into_iter().collect()
    }

    fn delivery(&self) -> CodeDelivery {
        CodeDelivery { destination: self.word(1), medium: "SMS", attribute: "phone_number" }
    }

    fn pool(&self) -> PoolDescription {
        PoolDescription {
            id: self.word(0),
            name: self.word(1),
            arn: self.word(2),
            created: self.at,
            modified: self.at,
            users: self.number,
            mfa: self.optional(3),
            devices: self.optional(4).map(|_| DeviceConfiguration {
                challenge_required_on_new_device: Some(self.flag),
                device_only_remembered_on_user_prompt: self.optional(5).map(|_| self.flag),
            }),
            add_ons: self.optional(6).map(|mode| AddOns { advanced_security_mode: mode }),
            policies: self.optional(7).map(|_| Policies {
                password: Some(PasswordPolicySpec {
                    minimum_length: Some(self.number % 100),
                    uppercase: Some(self.flag),
                    symbols: Some(!self.flag),
                    ..PasswordPolicySpec::default()
                }),
                sign_in: self.flag.then(|| SignInPolicy { allowed_first_auth_factors: vec![self.word(8)] }),
            }),
            username_attributes: self.words[..self.number as usize % 3].to_vec(),
            alias_attributes: self.words[..self.number as usize % 2].to_vec(),
            username_configuration: self
                .optional(2)
                .map(|_| UsernameConfiguration { case_sensitive: self.flag }),
            tags: self.tags(),
            account_recovery_setting: self.optional(3).map(|name| AccountRecoverySetting {
                recovery_mechanisms: vec![RecoveryOption { priority: self.number, name }],
            }),
            user_attribute_update_settings: self.optional(4).map(|name| UserAttributeUpdateSettings {
                attributes_require_verification_before_update: vec![name],
            }),
            all: serde_json::Map::new(),
        }
    }

    fn pool_summary(&self) -> PoolSummary {
        PoolSummary { id: self.word(0), name: self.word(1), created: self.at, modified: self.at }
    }

    fn client(&self) -> ClientDescription {
        ClientDescription {
            user_pool_id: self.word(0),
            client_id: self.word(1),
            name: self.word(2),
            secret: self.optional(3),
            auth_flows: self.words[..self.number as usize % 3].to_vec(),
            prevent_user_existence_errors: self.pick(&["ENABLED", "LEGACY"]).to_owned(),
            enable_token_revocation: self.flag,
            refresh_token_rotation: self.optional(6).map(|feature| RefreshTokenRotation {
                feature,
                retry_grace_period_seconds: Some(self.number.into()),
            }),
            validity: ValiditySpec {
                access: Some(self.number),
                refresh: self.optional(4).map(|_| self.number),
                units: self
                    .optional(5)
                    .map(|unit| ValidityUnits { id: Some(unit), ..ValidityUnits::default() }),
                ..ValiditySpec::default()
            },
            created: self.at,
            modified: self.at,
            all: serde_json::Map::new(),
        }
    }

    fn mfa(&self) -> MfaConfig {
        MfaConfig {
            user_pool_id: String::new(),
            mfa: self.optional(1),
            software_token: self.optional(2).map(|_| SoftwareTokenConfig { enabled: Some(self.flag) }),
            ..MfaConfig::default()
        }
    }

    fn risk(&self) -> RiskConfiguration {
        let action = |at| TakeoverAction { event_action: self.word(at), notify: Some(self.flag) };
        RiskConfiguration {
            user_pool_id: self.word(0),
            client_id: self.optional(1),
            compromised: self.optional(4).map(|filter| CompromisedCredentials {
                event_filter: vec![filter],
                actions: Some(CompromisedActions { event_action: self.word(5) }),
            }),
            exceptions: self
                .optional(6)
                .map(|range| RiskExceptionLists { blocked: vec![range], ..Default::default() }),
            account_takeover: Some(AccountTakeover {
                notify: None,
                actions: Some(TakeoverActions { low: Some(action(2)), medium: None, high: Some(action(3)) }),
            }),
        }
    }

    /// Returns a response to the operation `name`.
    fn response(&self, name: &str) -> OperationResponse {
        let account = |response| OperationResponse::Pool(Response::Account(response));
        let (session, token) = (Session::new(self.word(8)), self.optional(9));
        OperationResponse::Pool(match name {
            "InitiateAuth"
            | "RespondToAuthChallenge"
            | "GetTokensFromRefreshToken"
            | "AdminInitiateAuth"
            | "AdminRespondToAuthChallenge" => self.auth(),
            "AssociateSoftwareToken" if self.flag => {
                Response::SecretCode { secret_code: self.word(1), session }
            }
            "AssociateSoftwareToken" => return account(AccountResponse::SecretCode(self.word(1))),
            "VerifySoftwareToken" if self.flag => Response::SoftwareTokenVerified { session },
            "VerifySoftwareToken" => return account(AccountResponse::SoftwareTokenVerified),
            "ConfirmDevice" => Response::DeviceConfirmed { user_confirmation_necessary: self.flag },
            "GetDevice" | "AdminGetDevice" => Response::Device(self.device()),
            "ListDevices" | "AdminListDevices" => Response::Devices {
                devices: vec![self.device(); self.number as usize % 3],
                pagination_token: token,
            },
            "AdminCreateUser" => return account(AccountResponse::Created(self.user(false))),
            "AdminGetUser" => return account(AccountResponse::User(self.user(true))),
            "GetUser" => {
                let user = self.user(true);
                let unset = UserDescription::default();
                let (enabled, status) = (unset.enabled, unset.status);
                let UserDescription { created, modified, .. } = unset;
                let profile = UserDescription { created, modified, enabled, status, ..user };
                return account(AccountResponse::Profile(profile));
            }
            "ListUsers" => {
                let users = vec![self.user(false); self.number as usize % 3];
                return account(AccountResponse::Users { users, pagination_token: token });
            }
            "SignUp" => {
                let delivery = self.flag.then(|| self.delivery());
                return account(AccountResponse::SignedUp {
                    user_confirmed: self.flag,
                    sub: Sub::new(self.word(2)),
                    delivery,
                });
            }
            "AdminListUserAuthEvents" => {
                let auth_events = vec![self.auth_event(); self.number as usize % 3];
                return account(AccountResponse::AuthEvents { auth_events, next_token: token });
            }
            "CreateGroup" | "GetGroup" | "UpdateGroup" => {
                return account(AccountResponse::Group(GroupResponse::Group(self.group())));
            }
            "ListGroups" | "AdminListGroupsForUser" => {
                let groups = vec![self.group(); self.number as usize % 3];
                let groups = GroupResponse::Groups { groups, next_token: token };
                return account(AccountResponse::Group(groups));
            }
            "ListUsersInGroup" => {
                let users = vec![self.user(false); self.number as usize % 3];
                return account(AccountResponse::Group(GroupResponse::Users { users, next_token: token }));
            }
            "ForgotPassword" | "ResendConfirmationCode" | "GetUserAttributeVerificationCode" => {
                return account(AccountResponse::CodeSent(self.delivery()));
            }
            "UpdateUserAttributes" => {
                let sent = vec![self.delivery(); self.number as usize % 3];
                return account(AccountResponse::CodesSent(sent));
            }
            _ => return self.management_response(name),
        })
    }

    fn management_response(&self, name: &str) -> OperationResponse {
        let next_token = self.optional(9);
        OperationResponse::Management(match name {
            "CreateUserPool" | "DescribeUserPool" => ManagementResponse::Pool(self.pool()),
            "ListUserPools" => ManagementResponse::Pools {
                pools: vec![self.pool_summary(); self.number as usize % 3],
                next_token,
            },
            "SetUserPoolMfaConfig" | "GetUserPoolMfaConfig" => ManagementResponse::Mfa(self.mfa()),
            "SetRiskConfiguration" | "DescribeRiskConfiguration" => ManagementResponse::Risk(self.risk()),
            "CreateUserPoolClient" | "DescribeUserPoolClient" | "UpdateUserPoolClient" => {
                ManagementResponse::Client(self.client())
            }
            "ListUserPoolClients" => {
                let ClientDescription { user_pool_id, client_id, name, .. } = self.client();
                let summary = ClientSummary { user_pool_id, client_id, name };
                ManagementResponse::Clients { clients: vec![summary; self.number as usize % 3], next_token }
            }
            "ListTagsForResource" => ManagementResponse::Tags(self.tags()),
            "TagResource" | "UntagResource" => ManagementResponse::Empty,
            "UpdateUserPool" | "DeleteUserPool" | "DeleteUserPoolClient" => ManagementResponse::Empty,
            _ => return OperationResponse::Pool(Response::Empty),
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_response_round_trips(random_fields in random_fields()) {
        for name in OPERATIONS {
            let response = Ok(random_fields.response(name));
            let wire = encode_response(&response);
            let decoded = decode_response(name, wire.status, None, wire.body.as_bytes());
            prop_assert_eq!(decoded, Ok(response), "{} {}", name, wire.body);
        }
    }

    #[test]
    fn every_error_response_round_trips(message in any::<String>(), at in 0..OPERATIONS.len()) {
        for kind in ErrorKind::ALL.iter().copied().filter(|kind| *kind != ErrorKind::InternalError) {
            let response = Err(ApiError::new(kind, message.clone()));
            let wire = encode_response(&response);
            let error_type = wire.error.map(|(kind, _)| kind);
            prop_assert_eq!(decode_response(OPERATIONS[at], 400, error_type.as_deref(), wire.body.as_bytes()), Ok(response));
        }
    }

    #[test]
    fn arbitrary_response_bytes_do_not_panic(
        body in prop::collection::vec(any::<u8>(), 0..200),
        at in 0..OPERATIONS.len(),
        status in any::<u16>(),
    ) {
        drop(decode_response(OPERATIONS[at], status, None, &body));
    }

    #[test]
    fn corrupted_responses_do_not_panic(
        random_fields in random_fields(),
        at in 0..OPERATIONS.len(),
        position in 0..900_usize,
        byte in any::<u8>(),
    ) {
        let mut body = encode_response(&Ok(random_fields.response(OPERATIONS[at]))).body.into_bytes();
        let position = position % body.len();
        body[position] = byte;
        drop(decode_response(OPERATIONS[at], 200, None, &body));
        drop(decode_response(OPERATIONS[at], 200, None, &body[..position]));
    }
}

/// Decodes a response to `InitiateAuth` and returns its error.
fn refusal(status: u16, error_type: Option<&str>, body: &str) -> String {
    match decode_response("InitiateAuth", status, error_type, body.as_bytes()) {
        Ok(Err(error)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn error_responses_are_parsed_in_every_server_format() {
    let not_found = "ResourceNotFoundException: Device does not exist.";
    for body in [
        r#"{"__type":"ResourceNotFoundException","message":"Device does not exist."}"#,
        r#"{"__type":"com.amazonaws.cognitoidentityprovider#ResourceNotFoundException","message":"Device does not exist."}"#,
        r#"{"code":"ResourceNotFoundException","Message":"Device does not exist.","more":[1]}"#,
    ] {
        assert_eq!(refusal(400, None, body), not_found, "{body}");
    }
    let error_type = Some("ResourceNotFoundException:http://internal.amazon.com/coral/");
    assert_eq!(refusal(400, error_type, r#"{"message":"Device does not exist."}"#), not_found);
    assert_eq!(refusal(404, error_type, r#"{"message":"Device does not exist."}"#), not_found);
    assert_eq!(
        refusal(400, None, r#"{"__type":"InvalidOAuthFlowException","message":"x"}"#),
        "OtherException: InvalidOAuthFlowException: x"
    );
    let busy = "TooManyRequestsException: Rate exceeded";
    assert_eq!(refusal(429, None, "<html>slow down</html>"), busy);
    for name in ["ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"] {
        assert_eq!(refusal(400, None, &format!(r#"{{"__type":"{name}","message":"Rate exceeded"}}"#)), busy);
    }
}

#[test]
fn an_invalid_response_is_not_a_decision() {
    let reason = |status, body: &[u8]| match decode_response("InitiateAuth", status, None, body) {
        Err(InvalidResponse(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let refusal = br#"{"__type":"InternalErrorException","message":"x"}"#;
    assert_eq!(reason(500, refusal), "HTTP status 500");
    assert_eq!(reason(503, b"{}"), "HTTP status 503");
    assert_eq!(reason(302, b"{}"), "HTTP status 302");
    assert_eq!(reason(199, b"{}"), "HTTP status 199");
    let invalid_body = "HTTP status 200 with a body that is no JSON object";
    assert_eq!(reason(200, b"<html>hello</html>"), invalid_body);
    assert_eq!(reason(200, b"[]"), invalid_body);
    assert_eq!(reason(200, b"{\"a\":1,\"a\":2}"), invalid_body, "duplicate keys are ambiguous");
    assert_eq!(reason(400, b"{}"), "HTTP status 400 without __type");
}

#[test]
fn unknown_and_invalid_values_in_responses_are_decoded() {
    assert_eq!(
        refusal(200, None, r#"{"ChallengeName":"RIDDLE"}"#),
        "OtherException: an answer to InitiateAuth that cannot be read: ChallengeName is RIDDLE"
    );
    assert_eq!(
        refusal(200, None, "{}"),
        "OtherException: an answer to InitiateAuth that cannot be read: ChallengeName is missing"
    );
    // Null counts as absent, and unknown keys are ignored.
    let body = r#"{"ChallengeName":null,"AuthenticationResult":{"AccessToken":"a","New":{}},"AvailableChallenges":[]}"#;
    let Ok(Ok(OperationResponse::Pool(Response::Auth(AuthOutcome::Tokens(tokens))))) =
        decode_response("InitiateAuth", 200, None, body.as_bytes())
    else {
        panic!("the response has no tokens")
    };
    let access_token = AccessToken::new("a");
    assert_eq!(tokens, AuthenticationResult { access_token, ..AuthenticationResult::default() });
    // A date is a number of seconds with a fraction. An invalid date is decoded as 1970.
    let created_and_status = |date: &str| {
        let body = format!(r#"{{"Username":"u","UserCreateDate":{date},"UserStatus":"COMPROMISED"}}"#);
        match decode_response("AdminGetUser", 200, None, body.as_bytes()) {
            Ok(Ok(OperationResponse::Pool(Response::Account(AccountResponse::User(user))))) => {
                (user.created.as_us(), user.status)
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(created_and_status("1767225600.123"), (1_767_225_600_123_000, "UNKNOWN"));
    assert_eq!(created_and_status("1.7672256E9").0, 1_767_225_600_000_000);
    assert_eq!(created_and_status("-5").0, 0);
    assert_eq!(created_and_status("1e300").0, u64::MAX / 1000 * 1000 + 615);
    assert_eq!(created_and_status("null").0, 0);
}
