//! Encodes responses and errors as text, and decodes responses.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::form::{emptied, read};
use super::json::{Node, parse_any, refusal as unreadable};
use super::shapes::{
    Auth, Clients, Confirmed, Devices, Listed, ListedClient, ListedPool, Mfa, OneClient, OneDevice, OnePool,
    OneUser, Pool, Pools, Profile, Risk, SecretCode, SignedUp, User, Users, Verified,
};
use poolproof_cognito::policy::{MfaMode, PasswordPolicy, PoolPolicy, RememberMode, RiskMode};
use poolproof_cognito::protocol::{
    AccountResponse, AddOns, Answer, ApiError, AuthOutcome, Challenge, DeviceConfiguration, ErrorKind,
    ManagementResponse, PasswordPolicySpec, Policies, PoolDescription, Response, mfa_mode_name,
};

/// An HTTP response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wire {
    /// The HTTP status: 200, 400, or 500 if the pool failed.
    pub status: u16,
    /// `x-amzn-ErrorType` (with its colon) and `x-amzn-ErrorMessage` of an error.
    pub error: Option<(String, String)>,
    /// The body.
    pub body: String,
}

/// The reason why a response does not follow the protocol. It says nothing about the outcome of the request.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidResponse(pub String);

/// Encodes a response or an error for the wire (docs/semantics.md, errors).
pub fn encode_answer(answer: &Result<Answer, ApiError>) -> Wire {
    let body = match answer {
        Ok(Answer::Pool(response)) => pool(response),
        Ok(Answer::ManagementResponse(managed)) => management(managed),
        Err(error) => return refusal(error),
    };
    Wire { status: 200, error: None, body: Value::Object(body).to_string() }
}

fn refusal(error: &ApiError) -> Wire {
    let kind = error.kind.as_str();
    let status = if error.kind == ErrorKind::InternalError { 500 } else { 400 };
    // A header is one line of printable ASCII; the body has the whole message.
    let line = error.message.chars().take(512);
    let line = line.map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect();
    let body = json!({ "__type": kind, "message": error.message });
    Wire { status, error: Some((format!("{kind}:"), line)), body: body.to_string() }
}

/// Decodes the response to the operation `name` from its status, `x-amzn-ErrorType` and body.
///
/// A response that follows the protocol but has content that no pool may send becomes an error of kind
/// [`Other`](ErrorKind::Other). The run can then check it against the rules.
///
/// # Errors
///
/// The response is a server failure (5xx), a redirect, a web page, or otherwise not a response of the
/// protocol.
pub fn decode_answer(
    name: &str,
    status: u16,
    error_type: Option<&str>,
    body: &[u8],
) -> Result<Result<Answer, ApiError>, InvalidResponse> {
    if status == 429 {
        return Ok(Err(ApiError::too_many_requests()));
    }
    if !(200..500).contains(&status) || (300..400).contains(&status) {
        return Err(InvalidResponse(format!("HTTP status {status}")));
    }
    // Some servers send an empty body if the operation has no output.
    let body = if body.is_empty() && status < 300 { b"{}" } else { body };
    let Ok(map) = parse_any(body) else {
        return Err(InvalidResponse(format!("HTTP status {status} with a body that is no JSON object")));
    };
    if status >= 400 {
        return decode_refusal(status, error_type, map).map(Err);
    }
    Ok(decode_body(name, map).map_err(|wrong| {
        let ApiError { message, .. } = wrong;
        ApiError::new(ErrorKind::Other, format!("an answer to {name} that cannot be read: {message}"))
    }))
}

/// Exception names equivalent to `TooManyRequestsException`.
const BUSY: [&str; 4] =
    ["ThrottlingException", "Throttling", "RequestLimitExceeded", "TooManyRequestsException"];

fn decode_refusal(
    status: u16,
    error_type: Option<&str>,
    mut map: BTreeMap<String, Node>,
) -> Result<ApiError, InvalidResponse> {
    let mut text = |keys: &[&str]| {
        keys.iter().find_map(|key| match map.remove(*key) {
            Some(Node::Text(text)) => Some(text),
            _ => None,
        })
    };
    let told = text(&["__type", "code"]).or_else(|| error_type.map(str::to_owned));
    let Some(told) = told else {
        return Err(InvalidResponse(format!("HTTP status {status} without __type")));
    };
    // `com.amazonaws.cognitoidentityprovider#Name` and `Name:http://…` are forms of the same name.
    let name = told.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default();
    let message = text(&["message", "Message"]).unwrap_or_default();
    Ok(match ErrorKind::from_name(name) {
        _ if BUSY.contains(&name) => ApiError::new(ErrorKind::TooManyRequests, message),
        Some(kind) => ApiError::new(kind, message),
        None => ApiError::new(ErrorKind::Other, format!("{name}: {message}")),
    })
}

/// Decodes the response of the operation `name`.
fn decode_body(name: &str, map: BTreeMap<String, Node>) -> Result<Answer, ApiError> {
    let response = match name {
        "InitiateAuth"
        | "RespondToAuthChallenge"
        | "GetTokensFromRefreshToken"
        | "AdminInitiateAuth"
        | "AdminRespondToAuthChallenge" => Response::Auth(read_auth(read(map)?)?),
        "AssociateSoftwareToken" => match read(map)? {
            SecretCode { secret_code, session: Some(session) } => {
                Response::SecretCode { secret_code, session }
            }
            SecretCode { secret_code, session: None } => {
                Response::Account(AccountResponse::SecretCode(secret_code))
            }
        },
        "VerifySoftwareToken" => match read(map)? {
            Verified { status, .. } if status != "SUCCESS" => {
                return Err(unreadable(format!("Status is {status}")));
            }
            Verified { session: Some(session), .. } => Response::SoftwareTokenVerified { session },
            Verified { session: None, .. } => Response::Account(AccountResponse::SoftwareTokenVerified),
        },
        "ConfirmDevice" => {
            let Confirmed(user_confirmation_necessary) = read(map)?;
            Response::DeviceConfirmed { user_confirmation_necessary }
        }
        "GetDevice" | "AdminGetDevice" => Response::Device(there("Device", read::<OneDevice>(map)?.0)?),
        "ListDevices" | "AdminListDevices" => {
            let Devices { list: devices, token: pagination_token } = read(map)?;
            Response::Devices { devices, pagination_token }
        }
        "AdminCreateUser" => {
            let Listed(user) = there("User", read::<OneUser>(map)?.0)?;
            Response::Account(AccountResponse::Created(user))
        }
        "AdminGetUser" => Response::Account(AccountResponse::User(read::<User>(map)?.0)),
        "GetUser" => Response::Account(AccountResponse::Profile(read::<Profile>(map)?.0)),
        "ListUsers" => {
            let Users { list, token: pagination_token } = read(map)?;
            let users = list.into_iter().map(|Listed(user)| user).collect();
            Response::Account(AccountResponse::Users { users, pagination_token })
        }
        "SignUp" => {
            let SignedUp { sub, delivery, .. } = read(map)?;
            Response::Account(AccountResponse::SignedUp { sub, delivery })
        }
        _ => return decode_managed(name, map),
    };
    Ok(Answer::Pool(response))
}

/// Decodes the response of an operation on pools or of an operation without output.
fn decode_managed(name: &str, map: BTreeMap<String, Node>) -> Result<Answer, ApiError> {
    Ok(Answer::ManagementResponse(match name {
        "CreateUserPool" | "DescribeUserPool" => {
            ManagementResponse::Pool(read_pool(there("UserPool", read::<OnePool>(map)?.0)?)?)
        }
        "ListUserPools" => {
            let Pools { list, token: next_token } = read(map)?;
            ManagementResponse::Pools { pools: list.into_iter().map(read_listed).collect(), next_token }
        }
        "SetUserPoolMfaConfig" | "GetUserPoolMfaConfig" => ManagementResponse::Mfa(read::<Mfa>(map)?.0),
        "SetRiskConfiguration" | "DescribeRiskConfiguration" => {
            ManagementResponse::Risk(there("RiskConfiguration", read::<Risk>(map)?.0)?)
        }
        "CreateUserPoolClient" | "DescribeUserPoolClient" | "UpdateUserPoolClient" => {
            ManagementResponse::Client(there("UserPoolClient", read::<OneClient>(map)?.0)?)
        }
        "ListUserPoolClients" => {
            let Clients { list, token: next_token } = read(map)?;
            ManagementResponse::Clients {
                clients: list.into_iter().map(|ListedClient(one)| one).collect(),
                next_token,
            }
        }
        "UpdateUserPool" | "DeleteUserPool" | "DeleteUserPoolClient" => ManagementResponse::Empty,
        _ => return Ok(Answer::Pool(Response::Empty)),
    }))
}

fn there<T>(key: &str, inner: Option<T>) -> Result<T, ApiError> {
    inner.ok_or_else(|| unreadable(format!("{key} is missing")))
}

fn pool(response: &Response) -> Map<String, Value> {
    match response.clone() {
        Response::Auth(outcome) => emptied(&mut auth(outcome)),
        Response::SecretCode { secret_code, session } => {
            emptied(&mut SecretCode { secret_code, session: Some(session) })
        }
        Response::SoftwareTokenVerified { session } => {
            emptied(&mut Verified { status: "SUCCESS".to_owned(), session: Some(session) })
        }
        Response::DeviceConfirmed { user_confirmation_necessary } => {
            emptied(&mut Confirmed(user_confirmation_necessary))
        }
        Response::Device(device) => emptied(&mut OneDevice(Some(device))),
        Response::Devices { devices, pagination_token } => {
            emptied(&mut Devices { list: devices, token: pagination_token })
        }
        Response::Account(response) => account(response),
        Response::Empty => Map::new(),
    }
}

fn account(response: AccountResponse) -> Map<String, Value> {
    match response {
        AccountResponse::Created(user) => emptied(&mut OneUser(Some(Listed(user)))),
        AccountResponse::User(user) => emptied(&mut User(user)),
        AccountResponse::Profile(user) => emptied(&mut Profile(user)),
        AccountResponse::Users { users, pagination_token } => {
            emptied(&mut Users { list: users.into_iter().map(Listed).collect(), token: pagination_token })
        }
        AccountResponse::SignedUp { sub, delivery } => {
            emptied(&mut SignedUp { confirmed: false, sub, delivery })
        }
        AccountResponse::SecretCode(secret_code) => emptied(&mut SecretCode { secret_code, session: None }),
        AccountResponse::SoftwareTokenVerified => {
            emptied(&mut Verified { status: "SUCCESS".to_owned(), session: None })
        }
    }
}

fn management(managed: &ManagementResponse) -> Map<String, Value> {
    match managed.clone() {
        ManagementResponse::Pool(one) => emptied(&mut OnePool(Some(pool_shape(one)))),
        ManagementResponse::Pools { pools, next_token } => {
            emptied(&mut Pools { list: pools.into_iter().map(listed_shape).collect(), token: next_token })
        }
        ManagementResponse::Mfa(config) => emptied(&mut Mfa(config)),
        ManagementResponse::Risk(config) => emptied(&mut Risk(Some(config))),
        ManagementResponse::Client(one) => emptied(&mut OneClient(Some(one))),
        ManagementResponse::Clients { clients, next_token } => {
            emptied(&mut Clients { list: clients.into_iter().map(ListedClient).collect(), token: next_token })
        }
        ManagementResponse::Empty => Map::new(),
    }
}

fn auth(outcome: AuthOutcome) -> Auth {
    match outcome {
        AuthOutcome::Challenge(Challenge { name, session, parameters }) => {
            Auth { challenge: Some(name.to_string()), session, parameters, result: None }
        }
        AuthOutcome::Tokens(tokens) => Auth { result: Some(tokens), ..Auth::default() },
    }
}

fn read_auth(auth: Auth) -> Result<AuthOutcome, ApiError> {
    let Auth { challenge, session, parameters, result } = auth;
    if let Some(tokens) = result {
        return Ok(AuthOutcome::Tokens(tokens));
    }
    let name = there("ChallengeName", challenge)?;
    let name = name.parse().map_err(|()| unreadable(format!("ChallengeName is {name}")))?;
    Ok(AuthOutcome::Challenge(Challenge { name, session, parameters }))
}

fn pool_shape(pool: PoolDescription) -> Pool {
    let PoolPolicy { remember, suppress_mfa, mfa, risk, .. } = pool.policy;
    let mode = match risk.mode {
        RiskMode::Off => None,
        RiskMode::Audit => Some("AUDIT"),
        RiskMode::Enforced => Some("ENFORCED"),
    };
    Pool {
        id: pool.id,
        name: pool.name,
        arn: pool.arn,
        created: pool.created,
        modified: pool.modified,
        users: u32::try_from(pool.users).unwrap_or(u32::MAX),
        mfa: Some(mfa_mode_name(mfa).to_owned()),
        devices: remember.tracks().then_some(DeviceConfiguration {
            challenge_required_on_new_device: Some(suppress_mfa),
            device_only_remembered_on_user_prompt: Some(remember == RememberMode::OptIn),
        }),
        add_ons: mode.map(|mode| AddOns { advanced_security_mode: mode.to_owned() }),
        policies: Some(Policies { password: Some(password_policy(pool.passwords)) }),
    }
}

fn password_policy(policy: PasswordPolicy) -> PasswordPolicySpec {
    PasswordPolicySpec {
        minimum_length: Some(policy.minimum_length),
        uppercase: Some(policy.uppercase),
        lowercase: Some(policy.lowercase),
        numbers: Some(policy.numbers),
        symbols: Some(policy.symbols),
        temporary_days: Some(policy.temporary_days),
    }
}

/// Converts a password policy; absent requirements are off.
fn read_password_policy(policy: PasswordPolicySpec) -> PasswordPolicy {
    let default = PasswordPolicy::LENGTH_ONLY;
    PasswordPolicy {
        minimum_length: policy.minimum_length.unwrap_or(default.minimum_length),
        uppercase: policy.uppercase == Some(true),
        lowercase: policy.lowercase == Some(true),
        numbers: policy.numbers == Some(true),
        symbols: policy.symbols == Some(true),
        temporary_days: policy.temporary_days.unwrap_or(default.temporary_days),
    }
}

fn read_pool(pool: Pool) -> Result<PoolDescription, ApiError> {
    let remember = match pool.devices.unwrap_or_default() {
        DeviceConfiguration { device_only_remembered_on_user_prompt: Some(true), .. } => RememberMode::OptIn,
        devices if devices == DeviceConfiguration::default() => RememberMode::No,
        _ => RememberMode::Always,
    };
    let suppresses = |devices: DeviceConfiguration| devices.challenge_required_on_new_device;
    let mfa = pool.mfa.as_deref().unwrap_or("OFF");
    let mfa = MfaMode::ALL.into_iter().find(|mode| mfa_mode_name(*mode) == mfa);
    let mut policy = PoolPolicy {
        remember,
        suppress_mfa: pool.devices.and_then(suppresses) == Some(true),
        mfa: mfa.ok_or_else(|| unreadable("MfaConfiguration is none of OFF, OPTIONAL and ON"))?,
        ..PoolPolicy::DEFAULT
    };
    policy.risk.mode = match pool.add_ons.as_ref().map(|add_ons| add_ons.advanced_security_mode.as_str()) {
        None | Some("OFF") => RiskMode::Off,
        Some("AUDIT") => RiskMode::Audit,
        Some(_) => RiskMode::Enforced,
    };
    Ok(PoolDescription {
        id: pool.id,
        name: pool.name,
        arn: pool.arn,
        created: pool.created,
        modified: pool.modified,
        users: usize::try_from(pool.users).unwrap_or(usize::MAX),
        policy,
        passwords: pool
            .policies
            .and_then(|policies| policies.password)
            .map_or(PasswordPolicy::LENGTH_ONLY, read_password_policy),
    })
}

fn listed_shape(pool: PoolDescription) -> ListedPool {
    ListedPool { id: pool.id, name: pool.name, created: pool.created, modified: pool.modified }
}

/// Converts a pool from a list, which has no settings, into a description with default settings.
fn read_listed(pool: ListedPool) -> PoolDescription {
    let ListedPool { id, name, created, modified } = pool;
    PoolDescription {
        id,
        name,
        arn: String::new(),
        created,
        modified,
        users: 0,
        policy: PoolPolicy::DEFAULT,
        passwords: PasswordPolicy::LENGTH_ONLY,
    }
}
