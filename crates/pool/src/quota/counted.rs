//! The table of operations: in which category each request counts, and for which user.
//!
//! The matches name every operation, so a new one does not compile without a category.

use std::mem::Discriminant;

use poolproof_cognito::ids::PoolId;
use poolproof_cognito::policy::QuotaCategory;
use poolproof_cognito::protocol::{
    AccountRequest, ChallengeName, GroupRequest, ManagementRequest, Operation, Parameters, ProfileRequest,
    Request, keys,
};

use QuotaCategory::{
    UserAccountRecovery, UserAuthentication, UserCreation, UserList, UserPoolClientRead,
    UserPoolClientUpdate, UserPoolRead, UserPoolResourceRead, UserPoolResourceUpdate, UserPoolUpdate,
    UserRead, UserResourceRead, UserResourceUpdate, UserToken, UserUpdate,
};

/// The bucket in which a request counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bucket {
    /// The bucket of a category.
    Category(QuotaCategory),
    /// The bucket of answers to challenges; only its excess counts as sign-ins.
    Answer,
}

impl Bucket {
    /// Returns the category of the bucket.
    pub(crate) const fn category(self) -> QuotaCategory {
        match self {
            Self::Category(category) => category,
            Self::Answer => UserAuthentication,
        }
    }
}

/// The part of a request that identifies its user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RequestUser<'r> {
    /// The request is not about an existing user.
    NoUser,
    /// A user name, alias or sub.
    Name(&'r str),
    /// An access token of the user.
    AccessToken(&'r str),
    /// A refresh token of the user.
    RefreshToken(&'r str),
    /// A session of a sign-in.
    Session(&'r str),
}

/// How a request counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Counted<'r> {
    /// The bucket of the account.
    pub(crate) bucket: Bucket,
    /// The user.
    pub(crate) user: RequestUser<'r>,
}

const fn counted(category: QuotaCategory, user: RequestUser<'_>) -> Counted<'_> {
    Counted { bucket: Bucket::Category(category), user }
}

/// Returns how a request counts.
pub(crate) fn of_request(request: &Request) -> Counted<'_> {
    use RequestUser::{AccessToken, Name, NoUser, RefreshToken, Session};
    match request {
        Request::InitiateAuth(start) => counted(UserAuthentication, starter(&start.auth_parameters)),
        Request::RespondToAuthChallenge(answer) => {
            answered(&answer.challenge_name, &answer.challenge_responses)
        }
        Request::GetTokensFromRefreshToken(call) => {
            counted(UserAuthentication, RefreshToken(&call.refresh_token))
        }
        Request::RevokeToken(call) => counted(UserToken, RefreshToken(&call.token)),
        Request::GlobalSignOut(call) => counted(UserUpdate, AccessToken(&call.access_token)),
        Request::GetDevice(call) => counted(UserResourceRead, AccessToken(&call.access_token)),
        Request::ListDevices(call) => counted(UserResourceRead, AccessToken(&call.access_token)),
        Request::AdminGetDevice(call) => counted(UserResourceRead, Name(&call.username)),
        Request::AdminListDevices(call) => counted(UserResourceRead, Name(&call.username)),
        Request::ConfirmDevice(call) => counted(UserResourceUpdate, AccessToken(&call.access_token)),
        Request::UpdateDeviceStatus(call) => counted(UserResourceUpdate, AccessToken(&call.access_token)),
        Request::ForgetDevice(call) => counted(UserResourceUpdate, AccessToken(&call.access_token)),
        Request::AdminForgetDevice(call) => counted(UserResourceUpdate, Name(&call.username)),
        Request::AdminUpdateDeviceStatus(call) => counted(UserResourceUpdate, Name(&call.username)),
        Request::AssociateSoftwareToken(call) => {
            counted(UserResourceUpdate, call.session.as_deref().map_or(NoUser, Session))
        }
        Request::VerifySoftwareToken(call) => {
            counted(UserResourceUpdate, call.session.as_deref().map_or(NoUser, Session))
        }
    }
}

/// Returns how a request about a user counts.
pub(crate) fn of_account_request(request: &AccountRequest) -> Counted<'_> {
    use RequestUser::{AccessToken, Name, NoUser};
    match request {
        AccountRequest::AdminInitiateAuth(start) => {
            counted(UserAuthentication, starter(&start.auth_parameters))
        }
        AccountRequest::AdminRespondToAuthChallenge(answer) => {
            answered(&answer.challenge_name, &answer.challenge_responses)
        }
        AccountRequest::AdminCreateUser(_) | AccountRequest::SignUp(_) => counted(UserCreation, NoUser),
        AccountRequest::ConfirmSignUp(call) => counted(UserCreation, Name(&call.username)),
        AccountRequest::AdminConfirmSignUp(call) => counted(UserCreation, Name(&call.username)),
        AccountRequest::ChangePassword(call) => counted(UserAccountRecovery, AccessToken(&call.access_token)),
        AccountRequest::AdminSetUserPassword(call) => counted(UserAccountRecovery, Name(&call.username)),
        AccountRequest::GetUser(call) => counted(UserRead, AccessToken(&call.access_token)),
        AccountRequest::AdminGetUser(call) => counted(UserRead, Name(&call.username)),
        AccountRequest::ListUsers(_) => counted(UserList, NoUser),
        AccountRequest::AdminDeleteUser(call)
        | AccountRequest::AdminEnableUser(call)
        | AccountRequest::AdminDisableUser(call)
        | AccountRequest::AdminUserGlobalSignOut(call) => counted(UserUpdate, Name(&call.username)),
        AccountRequest::AdminDeleteSoftwareToken(call) => counted(UserResourceUpdate, Name(&call.username)),
        AccountRequest::AdminSetUserMfaPreference(call) => counted(UserResourceUpdate, Name(&call.username)),
        AccountRequest::SetUserMfaPreference(call) => {
            counted(UserResourceUpdate, AccessToken(&call.access_token))
        }
        AccountRequest::AssociateSoftwareToken(call) => {
            counted(UserResourceUpdate, AccessToken(&call.access_token))
        }
        AccountRequest::VerifySoftwareToken(call) => {
            counted(UserResourceUpdate, AccessToken(&call.access_token))
        }
        AccountRequest::Group(request) => of_group_request(request),
        AccountRequest::Profile(request) => of_profile_request(request),
    }
}

fn of_group_request(request: &GroupRequest) -> Counted<'_> {
    use RequestUser::{Name, NoUser};
    match request {
        GroupRequest::AdminAddUserToGroup(call) | GroupRequest::AdminRemoveUserFromGroup(call) => {
            counted(UserUpdate, Name(&call.username))
        }
        GroupRequest::AdminListGroupsForUser(call) => counted(UserResourceRead, Name(&call.username)),
        GroupRequest::ListUsersInGroup(_) => counted(UserList, NoUser),
        GroupRequest::GetGroup(_) | GroupRequest::ListGroups(_) => counted(UserPoolResourceRead, NoUser),
        GroupRequest::CreateGroup(_) | GroupRequest::UpdateGroup(_) | GroupRequest::DeleteGroup(_) => {
            counted(UserPoolResourceUpdate, NoUser)
        }
    }
}

fn of_profile_request(request: &ProfileRequest) -> Counted<'_> {
    use RequestUser::{AccessToken, Name};
    match request {
        ProfileRequest::ForgotPassword(call) => counted(UserAccountRecovery, Name(&call.username)),
        ProfileRequest::ConfirmForgotPassword(call) => counted(UserAccountRecovery, Name(&call.username)),
        ProfileRequest::AdminResetUserPassword(call) => counted(UserAccountRecovery, Name(&call.username)),
        ProfileRequest::ResendConfirmationCode(call) => counted(UserResourceRead, Name(&call.username)),
        ProfileRequest::GetUserAttributeVerificationCode(call) => {
            counted(UserResourceRead, AccessToken(&call.access_token))
        }
        ProfileRequest::AdminListUserAuthEvents(call) => counted(UserResourceRead, Name(&call.username)),
        ProfileRequest::AdminUpdateAuthEventFeedback(call) => {
            counted(UserResourceUpdate, Name(&call.username))
        }
        ProfileRequest::UpdateUserAttributes(call) => counted(UserUpdate, AccessToken(&call.access_token)),
        ProfileRequest::AdminUpdateUserAttributes(call) => counted(UserUpdate, Name(&call.username)),
        ProfileRequest::DeleteUserAttributes(call) => counted(UserUpdate, AccessToken(&call.access_token)),
        ProfileRequest::AdminDeleteUserAttributes(call) => counted(UserUpdate, Name(&call.username)),
        ProfileRequest::VerifyUserAttribute(call) => counted(UserUpdate, AccessToken(&call.access_token)),
        ProfileRequest::DeleteUser(call) => counted(UserUpdate, AccessToken(&call.access_token)),
    }
}

/// Returns in which category a request about a pool or an app client counts, and its pool, if it has one.
fn of_management(request: &ManagementRequest) -> (QuotaCategory, Option<&str>) {
    match request {
        ManagementRequest::CreateUserPool(_) => (UserPoolUpdate, None),
        ManagementRequest::UpdateUserPool(spec) => (UserPoolUpdate, spec.user_pool_id.as_deref()),
        ManagementRequest::DeleteUserPool(call) => (UserPoolUpdate, Some(&call.user_pool_id)),
        ManagementRequest::DescribeUserPool(call) => (UserPoolRead, Some(&call.user_pool_id)),
        ManagementRequest::ListUserPools(_) => (UserPoolRead, None),
        ManagementRequest::SetUserPoolMfaConfig(config) => {
            (UserPoolResourceUpdate, Some(&config.user_pool_id))
        }
        ManagementRequest::SetRiskConfiguration(config) => {
            (UserPoolResourceUpdate, Some(&config.user_pool_id))
        }
        ManagementRequest::GetUserPoolMfaConfig(call) => (UserPoolResourceRead, Some(&call.user_pool_id)),
        ManagementRequest::DescribeRiskConfiguration(call) => {
            (UserPoolResourceRead, Some(&call.user_pool_id))
        }
        ManagementRequest::DescribeUserPoolClient(call) => (UserPoolClientRead, Some(&call.user_pool_id)),
        ManagementRequest::ListUserPoolClients(call) => (UserPoolClientRead, Some(&call.user_pool_id)),
        ManagementRequest::CreateUserPoolClient(spec) | ManagementRequest::UpdateUserPoolClient(spec) => {
            (UserPoolClientUpdate, Some(&spec.user_pool_id))
        }
        ManagementRequest::DeleteUserPoolClient(call) => (UserPoolClientUpdate, Some(&call.user_pool_id)),
        ManagementRequest::TagResource(call) => (UserPoolResourceUpdate, PoolId::in_arn(&call.resource_arn)),
        ManagementRequest::UntagResource(call) => {
            (UserPoolResourceUpdate, PoolId::in_arn(&call.resource_arn))
        }
        ManagementRequest::ListTagsForResource(call) => {
            (UserPoolResourceRead, PoolId::in_arn(&call.resource_arn))
        }
    }
}

/// An operation that has a limit of its own for each pool.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum PoolOperation {
    /// An operation on pools and app clients.
    Management(Discriminant<ManagementRequest>),
    /// An operation on groups.
    Group(Discriminant<GroupRequest>),
}

/// Returns the bucket of the account in which an operation counts, and the operation and the pool that has a
/// limit for it.
pub(crate) fn of_operation(operation: &Operation) -> (Bucket, Option<(PoolOperation, &str)>) {
    let (bucket, limited) = match operation {
        Operation::Pool(request) => (of_request(request).bucket, None),
        Operation::Account(request) => (of_account_request(request).bucket, group_of(request)),
        Operation::Management(request) => {
            let (category, pool_id) = of_management(request);
            let operation = PoolOperation::Management(std::mem::discriminant(request));
            (Bucket::Category(category), pool_id.map(|pool_id| (operation, pool_id)))
        }
    };
    (bucket, limited.filter(|_| bucket.category().limits_each_pool()))
}

/// Returns the operation on groups, and its pool.
fn group_of(request: &AccountRequest) -> Option<(PoolOperation, &str)> {
    let AccountRequest::Group(request) = request else { return None };
    let pool_id = match request {
        GroupRequest::CreateGroup(spec) | GroupRequest::UpdateGroup(spec) => &spec.user_pool_id,
        GroupRequest::GetGroup(call) | GroupRequest::DeleteGroup(call) => &call.user_pool_id,
        GroupRequest::ListGroups(list) => &list.user_pool_id,
        GroupRequest::AdminAddUserToGroup(call) | GroupRequest::AdminRemoveUserFromGroup(call) => {
            &call.user_pool_id
        }
        GroupRequest::AdminListGroupsForUser(list) => &list.user_pool_id,
        GroupRequest::ListUsersInGroup(list) => &list.user_pool_id,
    };
    Some((PoolOperation::Group(std::mem::discriminant(request)), pool_id))
}

/// Returns the user who starts a sign-in or refreshes.
fn starter(parameters: &Parameters) -> RequestUser<'_> {
    let by_token = || parameters.value(keys::REFRESH_TOKEN).map(RequestUser::RefreshToken);
    let by_name = parameters.value(keys::USERNAME).map(RequestUser::Name);
    by_name.or_else(by_token).unwrap_or(RequestUser::NoUser)
}

/// Returns how an answer to a challenge counts: a new password counts as a recovery.
fn answered<'r>(challenge_name: &str, responses: &'r Parameters) -> Counted<'r> {
    let user = responses.value(keys::USERNAME).map_or(RequestUser::NoUser, RequestUser::Name);
    match challenge_name.parse() {
        Ok(ChallengeName::NewPasswordRequired) => counted(UserAccountRecovery, user),
        _ => Counted { bucket: Bucket::Answer, user },
    }
}
