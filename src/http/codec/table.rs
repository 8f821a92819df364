//! The operations: names, request types and response types.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::Value;

use super::{MAX_BODY, MAX_ENTRIES, parse_object};
use poolproof_cognito::ids::Session;
use poolproof_cognito::model;
use poolproof_cognito::protocol::{
    AccountRequest, AccountResponse, ApiError, ErrorKind, GroupRequest, GroupResponse, ManagementRequest,
    ManagementResponse, Operation, OperationResponse, ProfileRequest, Request, Response,
};
use poolproof_cognito::wire::{WireError, from_value, to_value};

macro_rules! operations {
    (
        pool { $($pool:literal => $pool_variant:ident -> $pool_response:ident,)* }
        account { $($account:literal => $account_variant:ident -> $account_response:ident,)* }
        profile { $($profile:literal => $profile_variant:ident -> $profile_response:ident,)* }
        group { $($group:literal => $group_variant:ident -> $group_response:ident,)* }
        shared { $($shared:literal => $shared_variant:ident -> $shared_response:ident,)* }
        management { $($manage:literal => $manage_variant:ident -> $manage_response:ident,)* }
    ) => {
        /// The names of all operations.
        pub const OPERATIONS: &[&str] = &[$($pool,)* $($account,)* $($profile,)* $($group,)* $($shared,)* $($manage,)*];

        fn decode_request(name: &str, body: &Value) -> Result<Operation, ApiError> {
            // With an access token these operations are about its user; with a session they are part of a
            // sign-in.
            let has_token = body.get("AccessToken").is_some_and(|token| !token.is_null());
            Ok(match name {
                $($pool => Operation::Pool(Request::$pool_variant(read(body)?)),)*
                $($account => Operation::Account(AccountRequest::$account_variant(read(body)?)),)*
                $($profile => {
                    Operation::Account(AccountRequest::Profile(ProfileRequest::$profile_variant(read(body)?)))
                })*
                $($group => {
                    Operation::Account(AccountRequest::Group(GroupRequest::$group_variant(read(body)?)))
                })*
                $($shared if has_token => Operation::Account(AccountRequest::$shared_variant(read(body)?)),)*
                $($shared => Operation::Pool(Request::$shared_variant(read(body)?)),)*
                $($manage => Operation::Management(ManagementRequest::$manage_variant(read(body)?)),)*
                _ => return Err(unknown_operation(name)),
            })
        }

        /// Returns an operation's name and its request as text.
        pub fn encode(operation: &Operation) -> (&'static str, String) {
            let (name, request) = match operation {
                $(Operation::Pool(Request::$pool_variant(request)) => ($pool, to_value(request)),)*
                $(Operation::Account(AccountRequest::$account_variant(request)) => ($account, to_value(request)),)*
                $(Operation::Account(AccountRequest::Profile(ProfileRequest::$profile_variant(request))) => {
                    ($profile, to_value(request))
                })*
                $(Operation::Account(AccountRequest::Group(GroupRequest::$group_variant(request))) => {
                    ($group, to_value(request))
                })*
                $(Operation::Account(AccountRequest::$shared_variant(request)) => ($shared, to_value(request)),)*
                $(Operation::Pool(Request::$shared_variant(request)) => ($shared, to_value(request)),)*
                $(Operation::Management(ManagementRequest::$manage_variant(request)) => ($manage, to_value(request)),)*
            };
            (name, request.to_string())
        }

        /// Decodes the response to the operation of this name.
        pub(super) fn decode_response(name: &str, body: &Value) -> Result<OperationResponse, WireError> {
            match name {
                $($pool => $pool_response(body).map(OperationResponse::Pool),)*
                $($account => $account_response(body).map(OperationResponse::Pool),)*
                $($profile => $profile_response(body).map(OperationResponse::Pool),)*
                $($group => $group_response(body).map(OperationResponse::Pool),)*
                $($shared => $shared_response(body).map(OperationResponse::Pool),)*
                $($manage => $manage_response(body).map(OperationResponse::Management),)*
                _ => Err(WireError::custom("the operation is unknown")),
            }
        }
    };
}

operations! {
    pool {
        "InitiateAuth" => InitiateAuth -> auth,
        "RespondToAuthChallenge" => RespondToAuthChallenge -> auth,
        "ConfirmDevice" => ConfirmDevice -> device_confirmed,
        "UpdateDeviceStatus" => UpdateDeviceStatus -> empty,
        "GetDevice" => GetDevice -> device,
        "ListDevices" => ListDevices -> devices,
        "ForgetDevice" => ForgetDevice -> empty,
        "AdminForgetDevice" => AdminForgetDevice -> empty,
        "AdminGetDevice" => AdminGetDevice -> device,
        "AdminListDevices" => AdminListDevices -> devices,
        "AdminUpdateDeviceStatus" => AdminUpdateDeviceStatus -> empty,
        "GetTokensFromRefreshToken" => GetTokensFromRefreshToken -> auth,
        "RevokeToken" => RevokeToken -> empty,
        "GlobalSignOut" => GlobalSignOut -> empty,
    }
    account {
        "AdminCreateUser" => AdminCreateUser -> created_user,
        "AdminSetUserPassword" => AdminSetUserPassword -> empty,
        "AdminGetUser" => AdminGetUser -> user,
        "AdminDeleteUser" => AdminDeleteUser -> empty,
        "AdminDeleteSoftwareToken" => AdminDeleteSoftwareToken -> empty,
        "AdminEnableUser" => AdminEnableUser -> empty,
        "AdminDisableUser" => AdminDisableUser -> empty,
        "AdminConfirmSignUp" => AdminConfirmSignUp -> empty,
        "AdminUserGlobalSignOut" => AdminUserGlobalSignOut -> empty,
        "AdminSetUserMFAPreference" => AdminSetUserMfaPreference -> empty,
        "SetUserMFAPreference" => SetUserMfaPreference -> empty,
        "SignUp" => SignUp -> signed_up,
        "ConfirmSignUp" => ConfirmSignUp -> empty,
        "GetUser" => GetUser -> profile,
        "ChangePassword" => ChangePassword -> empty,
        "ListUsers" => ListUsers -> users,
        "AdminInitiateAuth" => AdminInitiateAuth -> auth,
        "AdminRespondToAuthChallenge" => AdminRespondToAuthChallenge -> auth,
    }
    profile {
        "ForgotPassword" => ForgotPassword -> code_sent,
        "ConfirmForgotPassword" => ConfirmForgotPassword -> empty,
        "AdminResetUserPassword" => AdminResetUserPassword -> empty,
        "ResendConfirmationCode" => ResendConfirmationCode -> code_sent,
        "UpdateUserAttributes" => UpdateUserAttributes -> codes_sent,
        "AdminUpdateUserAttributes" => AdminUpdateUserAttributes -> empty,
        "DeleteUserAttributes" => DeleteUserAttributes -> empty,
        "AdminDeleteUserAttributes" => AdminDeleteUserAttributes -> empty,
        "GetUserAttributeVerificationCode" => GetUserAttributeVerificationCode -> code_sent,
        "VerifyUserAttribute" => VerifyUserAttribute -> empty,
        "DeleteUser" => DeleteUser -> empty,
        "AdminListUserAuthEvents" => AdminListUserAuthEvents -> auth_events,
        "AdminUpdateAuthEventFeedback" => AdminUpdateAuthEventFeedback -> empty,
    }
    group {
        "CreateGroup" => CreateGroup -> group,
        "GetGroup" => GetGroup -> group,
        "UpdateGroup" => UpdateGroup -> group,
        "DeleteGroup" => DeleteGroup -> empty,
        "ListGroups" => ListGroups -> groups,
        "AdminAddUserToGroup" => AdminAddUserToGroup -> empty,
        "AdminRemoveUserFromGroup" => AdminRemoveUserFromGroup -> empty,
        "AdminListGroupsForUser" => AdminListGroupsForUser -> groups,
        "ListUsersInGroup" => ListUsersInGroup -> group_users,
    }
    shared {
        "AssociateSoftwareToken" => AssociateSoftwareToken -> secret_code,
        "VerifySoftwareToken" => VerifySoftwareToken -> software_token_status,
    }
    management {
        "CreateUserPool" => CreateUserPool -> pool,
        "DescribeUserPool" => DescribeUserPool -> pool,
        "UpdateUserPool" => UpdateUserPool -> done,
        "ListUserPools" => ListUserPools -> pools,
        "DeleteUserPool" => DeleteUserPool -> done,
        "SetUserPoolMfaConfig" => SetUserPoolMfaConfig -> mfa,
        "GetUserPoolMfaConfig" => GetUserPoolMfaConfig -> mfa,
        "SetRiskConfiguration" => SetRiskConfiguration -> risk,
        "DescribeRiskConfiguration" => DescribeRiskConfiguration -> risk,
        "CreateUserPoolClient" => CreateUserPoolClient -> client,
        "DescribeUserPoolClient" => DescribeUserPoolClient -> client,
        "UpdateUserPoolClient" => UpdateUserPoolClient -> client,
        "ListUserPoolClients" => ListUserPoolClients -> clients,
        "DeleteUserPoolClient" => DeleteUserPoolClient -> done,
        "TagResource" => TagResource -> done,
        "UntagResource" => UntagResource -> done,
        "ListTagsForResource" => ListTagsForResource -> tags,
    }
}

/// The operations whose members are kept to be described again. Keys that the API model does not have are
/// not.
const DESCRIBED: [&str; 4] =
    ["CreateUserPool", "UpdateUserPool", "CreateUserPoolClient", "UpdateUserPoolClient"];

/// Decodes the request to the operation of this name, and refuses fields that are not simulated.
///
/// # Errors
///
/// `UnknownOperationException` for a name that the API model does not have. `SerializationException` for text
/// that is not JSON, exceeds a limit, or has a duplicate key or a value of the wrong type.
/// `InvalidParameterException` for a value that violates a constraint of the API model, and for an operation
/// or a field that is not simulated.
pub fn decode(name: &str, body: &[u8]) -> Result<Operation, ApiError> {
    let (operation, unsimulated) = decode_with_unsimulated(name, body)?;
    if unsimulated.is_empty() { Ok(operation) } else { Err(model::not_simulated(&unsimulated)) }
}

/// As [`decode`], but returns the names of the fields that are not simulated with the operation, which does
/// not have them.
///
/// # Errors
///
/// As [`decode`], except for such fields.
pub fn decode_with_unsimulated(name: &str, body: &[u8]) -> Result<(Operation, Vec<String>), ApiError> {
    if !OPERATIONS.contains(&name) {
        // The text is not read.
        return Err(unknown_operation(name));
    }
    if body.len() > MAX_BODY {
        let message = format!("The request is longer than {MAX_BODY} bytes.");
        return Err(ApiError::new(ErrorKind::Serialization, message));
    }
    let body = parse_object(body)?;
    let decoded = match body.as_object().filter(|_| DESCRIBED.contains(&name)) {
        Some(members) => decode_request(name, &Value::Object(model::known_members(name, members))),
        None => decode_request(name, &body),
    };
    match &decoded {
        // AWS reads the types of values before it checks their constraints.
        Err(error) if error.kind == ErrorKind::Serialization => {}
        _ => model::check(name, &body)?,
    }
    decoded.map(|operation| (operation, model::unsimulated(name, &body)))
}

fn unknown_operation(name: &str) -> ApiError {
    if model::has_operation(name) {
        return ApiError::not_simulated(name);
    }
    let shown: String = name.chars().take(64).collect();
    ApiError::new(ErrorKind::UnknownOperation, format!("Unknown operation: {shown}"))
}

fn read<T: DeserializeOwned>(body: &Value) -> Result<T, WireError> {
    from_value(body, MAX_ENTRIES)
}

fn optional<T: DeserializeOwned>(body: &Value, key: &str) -> Result<Option<T>, WireError> {
    body.get(key).filter(|value| !value.is_null()).map(read).transpose()
}

fn required<T: DeserializeOwned>(body: &Value, key: &str) -> Result<T, WireError> {
    optional(body, key)?.ok_or_else(|| WireError::custom(format_args!("{key} is missing")))
}

/// A page of a list.
#[derive(Deserialize)]
struct Page<T> {
    #[serde(
        alias = "Devices",
        alias = "Users",
        alias = "UserPools",
        alias = "UserPoolClients",
        alias = "Groups",
        alias = "AuthEvents"
    )]
    #[serde(default = "Vec::new")]
    items: Vec<T>,
    #[serde(alias = "PaginationToken", alias = "NextToken")]
    next: Option<String>,
}

fn auth(body: &Value) -> Result<Response, WireError> {
    read(body).map(Response::Auth)
}

fn secret_code(body: &Value) -> Result<Response, WireError> {
    let secret_code = required(body, "SecretCode")?;
    Ok(match optional(body, "Session")? {
        Some(session) => Response::SecretCode { secret_code, session },
        None => Response::Account(AccountResponse::SecretCode(secret_code)),
    })
}

fn software_token_status(body: &Value) -> Result<Response, WireError> {
    let status: String = required(body, "Status")?;
    if status != "SUCCESS" {
        return Err(WireError::custom(format_args!("Status is {status}")));
    }
    Ok(match optional::<Session>(body, "Session")? {
        Some(session) => Response::SoftwareTokenVerified { session },
        None => Response::Account(AccountResponse::SoftwareTokenVerified),
    })
}

fn device_confirmed(body: &Value) -> Result<Response, WireError> {
    let necessary = optional(body, "UserConfirmationNecessary")?.unwrap_or_default();
    Ok(Response::DeviceConfirmed { user_confirmation_necessary: necessary })
}

fn device(body: &Value) -> Result<Response, WireError> {
    required(body, "Device").map(Response::Device)
}

fn devices(body: &Value) -> Result<Response, WireError> {
    let Page { items: devices, next: pagination_token } = read(body)?;
    Ok(Response::Devices { devices, pagination_token })
}

fn created_user(body: &Value) -> Result<Response, WireError> {
    required(body, "User").map(AccountResponse::Created).map(Response::Account)
}

fn user(body: &Value) -> Result<Response, WireError> {
    read(body).map(AccountResponse::User).map(Response::Account)
}

fn profile(body: &Value) -> Result<Response, WireError> {
    read(body).map(AccountResponse::Profile).map(Response::Account)
}

fn users(body: &Value) -> Result<Response, WireError> {
    let Page { items: users, next: pagination_token } = read(body)?;
    Ok(Response::Account(AccountResponse::Users { users, pagination_token }))
}

fn signed_up(body: &Value) -> Result<Response, WireError> {
    Ok(Response::Account(AccountResponse::SignedUp {
        user_confirmed: optional(body, "UserConfirmed")?.unwrap_or_default(),
        sub: required(body, "UserSub")?,
        delivery: optional(body, "CodeDeliveryDetails")?,
    }))
}

fn code_sent(body: &Value) -> Result<Response, WireError> {
    required(body, "CodeDeliveryDetails").map(AccountResponse::CodeSent).map(Response::Account)
}

fn codes_sent(body: &Value) -> Result<Response, WireError> {
    let sent = optional(body, "CodeDeliveryDetailsList")?.unwrap_or_default();
    Ok(Response::Account(AccountResponse::CodesSent(sent)))
}

fn auth_events(body: &Value) -> Result<Response, WireError> {
    let Page { items: auth_events, next: next_token } = read(body)?;
    Ok(Response::Account(AccountResponse::AuthEvents { auth_events, next_token }))
}

fn group(body: &Value) -> Result<Response, WireError> {
    let group = GroupResponse::Group(required(body, "Group")?);
    Ok(Response::Account(AccountResponse::Group(group)))
}

fn groups(body: &Value) -> Result<Response, WireError> {
    let Page { items: groups, next: next_token } = read(body)?;
    Ok(Response::Account(AccountResponse::Group(GroupResponse::Groups { groups, next_token })))
}

fn group_users(body: &Value) -> Result<Response, WireError> {
    let Page { items: users, next: next_token } = read(body)?;
    Ok(Response::Account(AccountResponse::Group(GroupResponse::Users { users, next_token })))
}

const fn empty(_: &Value) -> Result<Response, WireError> {
    Ok(Response::Empty)
}

fn pool(body: &Value) -> Result<ManagementResponse, WireError> {
    required(body, "UserPool").map(ManagementResponse::Pool)
}

fn pools(body: &Value) -> Result<ManagementResponse, WireError> {
    let Page { items: pools, next: next_token } = read(body)?;
    Ok(ManagementResponse::Pools { pools, next_token })
}

fn mfa(body: &Value) -> Result<ManagementResponse, WireError> {
    // The request requires this key, which the response does not have.
    let mut body = body.clone();
    body["UserPoolId"] = "".into();
    read(&body).map(ManagementResponse::Mfa)
}

fn risk(body: &Value) -> Result<ManagementResponse, WireError> {
    required(body, "RiskConfiguration").map(ManagementResponse::Risk)
}

fn tags(body: &Value) -> Result<ManagementResponse, WireError> {
    Ok(ManagementResponse::Tags(optional(body, "Tags")?.unwrap_or_default()))
}

fn client(body: &Value) -> Result<ManagementResponse, WireError> {
    required(body, "UserPoolClient").map(ManagementResponse::Client)
}

fn clients(body: &Value) -> Result<ManagementResponse, WireError> {
    let Page { items: clients, next: next_token } = read(body)?;
    Ok(ManagementResponse::Clients { clients, next_token })
}

const fn done(_: &Value) -> Result<ManagementResponse, WireError> {
    Ok(ManagementResponse::Empty)
}
