//! Assigns a shape to each operation.

use super::form;
use super::json::{self, Node};
use poolproof_cognito::protocol::{
    AccountRequest, ApiError, ErrorKind, ManagementRequest, Operation, Request,
};

macro_rules! operations {
    (
        pool { $($pool:literal => $pool_variant:ident,)* }
        account { $($account:literal => $account_variant:ident,)* }
        shared { $($shared:literal => $bearer:ident or $session:ident,)* }
        manage { $($manage:literal => $manage_variant:ident,)* }
    ) => {
        /// The names of all operations.
        pub const OPERATIONS: &[&str] = &[$($pool,)* $($account,)* $($shared,)* $($manage,)*];

        /// Decodes the operation `name` with the input `body`.
        ///
        /// # Errors
        ///
        /// `UnknownOperationException` for an unknown name. `SerializationException` for text that is not
        /// JSON, has a value of the wrong type or a duplicate key, or exceeds a limit.
        /// `InvalidParameterException` for a missing required key.
        pub fn decode(name: &str, body: &[u8]) -> Result<Operation, ApiError> {
            if !OPERATIONS.contains(&name) {
                // The body is not parsed if the operation is unknown.
                let shown: String = name.chars().take(64).collect();
                return Err(ApiError::new(ErrorKind::UnknownOperation, format!("Unknown operation: {shown}")));
            }
            let map = json::parse(body)?;
            Ok(match name {
                $($pool => Operation::Pool(Request::$pool_variant(form::read(map)?)),)*
                $($account => Operation::Account(AccountRequest::$account_variant(form::read(map)?)),)*
                // With an access token the request is about its owner; with a session it is part of a
                // sign-in.
                $($shared if map.get("AccessToken").is_some_and(|token| *token != Node::Null) => {
                    Operation::Account(AccountRequest::$bearer(form::read(map)?))
                })*
                $($shared => Operation::Pool(Request::$session(form::read(map)?)),)*
                $($manage => Operation::Manage(ManagementRequest::$manage_variant(form::read(map)?)),)*
                _ => return Err(ApiError::internal("an operation in the list and not in the table")),
            })
        }

        /// Returns an operation's name and its request as text.
        pub fn encode(operation: &Operation) -> (&'static str, String) {
            let (name, map) = match operation {
                $(Operation::Pool(Request::$pool_variant(request)) => ($pool, form::written(request)),)*
                $(Operation::Account(AccountRequest::$account_variant(request)) => {
                    ($account, form::written(request))
                })*
                $(Operation::Account(AccountRequest::$bearer(request)) => ($shared, form::written(request)),)*
                $(Operation::Pool(Request::$session(request)) => ($shared, form::written(request)),)*
                $(Operation::Manage(ManagementRequest::$manage_variant(request)) => ($manage, form::written(request)),)*
            };
            (name, serde_json::Value::Object(map).to_string())
        }
    };
}

operations! {
    pool {
        "InitiateAuth" => InitiateAuth,
        "RespondToAuthChallenge" => RespondToAuthChallenge,
        "ConfirmDevice" => ConfirmDevice,
        "UpdateDeviceStatus" => UpdateDeviceStatus,
        "GetDevice" => GetDevice,
        "ListDevices" => ListDevices,
        "ForgetDevice" => ForgetDevice,
        "AdminForgetDevice" => AdminForgetDevice,
        "AdminGetDevice" => AdminGetDevice,
        "AdminListDevices" => AdminListDevices,
        "AdminUpdateDeviceStatus" => AdminUpdateDeviceStatus,
        "GetTokensFromRefreshToken" => GetTokensFromRefreshToken,
        "RevokeToken" => RevokeToken,
        "GlobalSignOut" => GlobalSignOut,
    }
    account {
        "AdminCreateUser" => AdminCreateUser,
        "AdminSetUserPassword" => AdminSetUserPassword,
        "AdminGetUser" => AdminGetUser,
        "AdminDeleteUser" => AdminDeleteUser,
        "AdminEnableUser" => AdminEnableUser,
        "AdminDisableUser" => AdminDisableUser,
        "AdminConfirmSignUp" => AdminConfirmSignUp,
        "AdminUserGlobalSignOut" => AdminUserGlobalSignOut,
        "AdminSetUserMFAPreference" => AdminSetUserMfaPreference,
        "SetUserMFAPreference" => SetUserMfaPreference,
        "SignUp" => SignUp,
        "ConfirmSignUp" => ConfirmSignUp,
        "GetUser" => GetUser,
        "ChangePassword" => ChangePassword,
        "ListUsers" => ListUsers,
        "AdminInitiateAuth" => AdminInitiateAuth,
        "AdminRespondToAuthChallenge" => AdminRespondToAuthChallenge,
    }
    shared {
        "AssociateSoftwareToken" => AssociateSoftwareToken or AssociateSoftwareToken,
        "VerifySoftwareToken" => VerifySoftwareToken or VerifySoftwareToken,
    }
    manage {
        "CreateUserPool" => CreateUserPool,
        "DescribeUserPool" => DescribeUserPool,
        "UpdateUserPool" => UpdateUserPool,
        "ListUserPools" => ListUserPools,
        "DeleteUserPool" => DeleteUserPool,
        "SetUserPoolMfaConfig" => SetUserPoolMfaConfig,
        "GetUserPoolMfaConfig" => GetUserPoolMfaConfig,
        "SetRiskConfiguration" => SetRiskConfiguration,
        "DescribeRiskConfiguration" => DescribeRiskConfiguration,
        "CreateUserPoolClient" => CreateUserPoolClient,
        "DescribeUserPoolClient" => DescribeUserPoolClient,
        "UpdateUserPoolClient" => UpdateUserPoolClient,
        "ListUserPoolClients" => ListUserPoolClients,
        "DeleteUserPoolClient" => DeleteUserPoolClient,
    }
}
