//! Answers and refusals as text.

use serde_json::{Map, Value, json};

use super::form::written;
use crate::clock::Timestamp;
use crate::policy::{PasswordPolicy, PoolPolicy, RememberMode, RiskMode};
use crate::protocol::{
    AccountResponse, Answer, ApiError, AuthOutcome, Authentication, Challenge, ClientDescription,
    CodeDelivery, DeviceDescription, ErrorKind, Managed, MfaConfig, Parameters, PoolDescription, Response,
    UserDescription, mfa_word,
};

/// An answer as it goes over the wire.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wire {
    /// The HTTP status: 200, 400, or 500 where the pool is at fault.
    pub status: u16,
    /// `x-amzn-ErrorType` (with its colon) and `x-amzn-ErrorMessage` of a refusal.
    pub error: Option<(String, String)>,
    /// The body.
    pub body: String,
}

/// An answer or a refusal as it goes over the wire (SEMANTICS d).
pub fn encode_answer(answer: &Result<Answer, ApiError>) -> Wire {
    let body = match answer {
        Ok(Answer::Pool(response)) => pool(response),
        Ok(Answer::Managed(managed)) => management(managed),
        Err(error) => return refusal(error),
    };
    Wire { status: 200, error: None, body: body.to_string() }
}

fn refusal(error: &ApiError) -> Wire {
    let kind = error.kind.as_str();
    let status = if error.kind == ErrorKind::InternalError { 500 } else { 400 };
    // A header holds one line of printable ASCII; the body has the whole message.
    let line = error.message.chars().take(512);
    let line = line.map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect();
    let body = json!({ "__type": kind, "message": error.message });
    Wire { status, error: Some((format!("{kind}:"), line)), body: body.to_string() }
}

/// Seconds since 1970 with three digits behind the point.
fn date(moment: Timestamp) -> Value {
    // Exact: milliseconds until the year 287,000 fit into a float's 53 bits.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let seconds = (moment.as_us() / 1000) as f64 / 1000.0;
    json!(seconds)
}

/// An object of those keys that have a value.
fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let given = fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(given.collect())
}

fn pool(response: &Response) -> Value {
    match response {
        Response::Auth(AuthOutcome::Challenge(challenge)) => challenged(challenge),
        Response::Auth(AuthOutcome::Tokens(tokens)) => {
            json!({ "AuthenticationResult": authentication(tokens), "ChallengeParameters": {} })
        }
        Response::SecretCode { secret_code, session } => {
            json!({ "SecretCode": secret_code, "Session": session.as_str() })
        }
        Response::SoftwareTokenVerified { session } => {
            json!({ "Status": "SUCCESS", "Session": session.as_str() })
        }
        Response::DeviceConfirmed { user_confirmation_necessary } => {
            json!({ "UserConfirmationNecessary": user_confirmation_necessary })
        }
        Response::Device(description) => json!({ "Device": device(description) }),
        Response::Devices { devices, pagination_token } => object([
            ("Devices", Some(devices.iter().map(device).collect())),
            ("PaginationToken", pagination_token.clone().map(Value::from)),
        ]),
        Response::Account(response) => account(response),
        Response::Empty => json!({}),
    }
}

fn challenged(challenge: &Challenge) -> Value {
    object([
        ("ChallengeName", Some(challenge.name.as_str().into())),
        ("Session", challenge.session.as_ref().map(|session| session.as_str().into())),
        ("ChallengeParameters", Some(parameters(&challenge.parameters))),
    ])
}

fn parameters(parameters: &Parameters) -> Value {
    let fields = parameters.iter().map(|(key, value)| (key.to_owned(), Value::from(value)));
    Value::Object(fields.collect::<Map<_, _>>())
}

fn authentication(tokens: &Authentication) -> Value {
    object([
        ("AccessToken", Some(tokens.access_token.as_str().into())),
        ("IdToken", Some(tokens.id_token.as_str().into())),
        ("RefreshToken", tokens.refresh_token.clone().map(Value::from)),
        ("ExpiresIn", Some(tokens.expires_in_s.into())),
        ("TokenType", Some("Bearer".into())),
        (
            "NewDeviceMetadata",
            tokens.new_device.as_ref().map(|new| {
                json!({ "DeviceKey": new.device_key.as_str(), "DeviceGroupKey": new.device_group_key.as_str() })
            }),
        ),
    ])
}

fn device(device: &DeviceDescription) -> Value {
    json!({
        "DeviceKey": device.device_key.as_str(),
        "DeviceAttributes": pairs(device.attributes.iter().map(|(name, value)| (*name, value.as_str()))),
        "DeviceCreateDate": date(device.created),
        "DeviceLastModifiedDate": date(device.modified),
        "DeviceLastAuthenticatedDate": date(device.authenticated),
    })
}

fn pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    pairs.map(|(name, value)| json!({ "Name": name, "Value": value })).collect()
}

fn account(response: &AccountResponse) -> Value {
    match response {
        AccountResponse::Created(one) => json!({ "User": user(one, "Attributes", true) }),
        AccountResponse::User(one) => with_factors(user(one, "UserAttributes", true), one),
        AccountResponse::Profile(one) => with_factors(user(one, "UserAttributes", false), one),
        AccountResponse::Users { users, pagination_token } => object([
            ("Users", Some(users.iter().map(|one| user(one, "Attributes", true)).collect())),
            ("PaginationToken", pagination_token.clone().map(Value::from)),
        ]),
        AccountResponse::SignedUp { sub, delivery } => object([
            ("UserConfirmed", Some(false.into())),
            ("UserSub", Some(sub.as_str().into())),
            ("CodeDeliveryDetails", delivery.as_ref().map(code_delivery)),
        ]),
        AccountResponse::SecretCode(secret_code) => json!({ "SecretCode": secret_code }),
        AccountResponse::SoftwareTokenVerified => json!({ "Status": "SUCCESS" }),
    }
}

fn code_delivery(delivery: &CodeDelivery) -> Value {
    json!({
        "Destination": delivery.destination,
        "DeliveryMedium": delivery.medium,
        "AttributeName": delivery.attribute,
    })
}

/// A user; users themselves are told less than administrators.
fn user(user: &UserDescription, attributes: &str, all: bool) -> Value {
    let told = |value: Value| Some(value).filter(|_| all);
    object([
        ("Username", Some(user.username.as_str().into())),
        (
            attributes,
            Some(pairs(user.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())))),
        ),
        ("UserCreateDate", told(date(user.created))),
        ("UserLastModifiedDate", told(date(user.modified))),
        ("Enabled", told(user.enabled.into())),
        ("UserStatus", told(user.status.into())),
    ])
}

fn with_factors(mut described: Value, user: &UserDescription) -> Value {
    if !user.factors.is_empty() {
        described["UserMFASettingList"] = user.factors.iter().map(|factor| factor.as_str()).collect();
    }
    if let Some(preferred) = user.preferred {
        described["PreferredMfaSetting"] = preferred.as_str().into();
    }
    described
}

fn management(managed: &Managed) -> Value {
    match managed {
        Managed::Pool(one) => json!({ "UserPool": user_pool(one) }),
        Managed::Pools { pools, next_token } => object([
            ("UserPools", Some(pools.iter().map(listed_pool).collect())),
            ("NextToken", next_token.clone().map(Value::from)),
        ]),
        Managed::Mfa(config) => mfa_config(config),
        Managed::Risk(config) => json!({ "RiskConfiguration": written(config) }),
        Managed::Client(one) => json!({ "UserPoolClient": client(one) }),
        Managed::Clients { clients, next_token } => object([
            ("UserPoolClients", Some(clients.iter().map(listed_client).collect())),
            ("NextToken", next_token.clone().map(Value::from)),
        ]),
        Managed::Empty => json!({}),
    }
}

fn user_pool(pool: &PoolDescription) -> Value {
    let PoolPolicy { remember, suppress_mfa, mfa, risk, .. } = pool.policy;
    let devices = remember.tracks().then(|| {
        json!({
            "ChallengeRequiredOnNewDevice": suppress_mfa,
            "DeviceOnlyRememberedOnUserPrompt": remember == RememberMode::OptIn,
        })
    });
    let mode = match risk.mode {
        RiskMode::Off => None,
        RiskMode::Audit => Some("AUDIT"),
        RiskMode::Enforced => Some("ENFORCED"),
    };
    object([
        ("Id", Some(pool.id.as_str().into())),
        ("Name", Some(pool.name.as_str().into())),
        ("Arn", Some(pool.arn.as_str().into())),
        ("CreationDate", Some(date(pool.created))),
        ("LastModifiedDate", Some(date(pool.modified))),
        ("EstimatedNumberOfUsers", Some(pool.users.into())),
        ("MfaConfiguration", Some(mfa_word(mfa).into())),
        ("DeviceConfiguration", devices),
        ("UserPoolAddOns", mode.map(|mode| json!({ "AdvancedSecurityMode": mode }))),
        ("Policies", Some(json!({ "PasswordPolicy": password_policy(pool.passwords) }))),
    ])
}

fn password_policy(policy: PasswordPolicy) -> Value {
    json!({
        "MinimumLength": policy.minimum_length,
        "RequireUppercase": policy.uppercase,
        "RequireLowercase": policy.lowercase,
        "RequireNumbers": policy.numbers,
        "RequireSymbols": policy.symbols,
        "TemporaryPasswordValidityDays": policy.temporary_days,
    })
}

fn listed_pool(pool: &PoolDescription) -> Value {
    json!({
        "Id": pool.id,
        "Name": pool.name,
        "CreationDate": date(pool.created),
        "LastModifiedDate": date(pool.modified),
    })
}

fn mfa_config(config: &MfaConfig) -> Value {
    let mut fields = written(config);
    fields.remove("UserPoolId");
    Value::Object(fields)
}

fn client(client: &ClientDescription) -> Value {
    let prevent = if client.hides_users { "ENABLED" } else { "LEGACY" };
    let mut told = object([
        ("UserPoolId", Some(client.user_pool_id.as_str().into())),
        ("ClientId", Some(client.client_id.as_str().into())),
        ("ClientName", Some(client.name.as_str().into())),
        ("ClientSecret", client.secret.clone().map(Value::from)),
        ("ExplicitAuthFlows", Some(client.auth_flows.clone().into())),
        ("PreventUserExistenceErrors", Some(prevent.into())),
        ("EnableTokenRevocation", Some(true.into())),
        ("CreationDate", Some(date(client.created))),
        ("LastModifiedDate", Some(date(client.modified))),
    ]);
    if let Value::Object(fields) = &mut told {
        fields.extend(written(&client.validity));
    }
    told
}

fn listed_client(client: &ClientDescription) -> Value {
    json!({ "UserPoolId": client.user_pool_id, "ClientId": client.client_id, "ClientName": client.name })
}
