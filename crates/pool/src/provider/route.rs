//! Routes a request to its pool.

use super::{Provider, Tokens, pool_not_found};
use poolproof_cognito::ids::{ClientId, PoolId};
use poolproof_cognito::protocol::{
    AccountRequest, ApiError, ErrorKind, GroupRequest, ProfileRequest, Request,
};

/// The part of a request that identifies its pool.
pub(super) enum Route<'r> {
    Pool(&'r str),
    Client(&'r str),
    AccessToken(&'r str),
    Session(Option<&'r str>),
}

pub(super) fn of_request(request: &Request) -> Route<'_> {
    match request {
        Request::InitiateAuth(request) => Route::Client(&request.client_id),
        Request::RespondToAuthChallenge(request) => Route::Client(&request.client_id),
        Request::GetTokensFromRefreshToken(request) => Route::Client(&request.client_id),
        Request::RevokeToken(request) => Route::Client(&request.client_id),
        Request::AssociateSoftwareToken(request) => Route::Session(request.session.as_deref()),
        Request::VerifySoftwareToken(request) => Route::Session(request.session.as_deref()),
        Request::ConfirmDevice(request) => Route::AccessToken(&request.access_token),
        Request::UpdateDeviceStatus(request) => Route::AccessToken(&request.access_token),
        Request::GetDevice(request) | Request::ForgetDevice(request) => {
            Route::AccessToken(&request.access_token)
        }
        Request::ListDevices(request) => Route::AccessToken(&request.access_token),
        Request::GlobalSignOut(request) => Route::AccessToken(&request.access_token),
        Request::AdminForgetDevice(request) | Request::AdminGetDevice(request) => {
            Route::Pool(&request.user_pool_id)
        }
        Request::AdminListDevices(request) => Route::Pool(&request.user_pool_id),
        Request::AdminUpdateDeviceStatus(request) => Route::Pool(&request.user_pool_id),
    }
}

pub(super) fn of_account_request(request: &AccountRequest) -> Route<'_> {
    match request {
        AccountRequest::AdminCreateUser(request) => Route::Pool(&request.user_pool_id),
        AccountRequest::AdminSetUserPassword(request) => Route::Pool(&request.user_pool_id),
        AccountRequest::AdminGetUser(request)
        | AccountRequest::AdminDeleteUser(request)
        | AccountRequest::AdminEnableUser(request)
        | AccountRequest::AdminDisableUser(request)
        | AccountRequest::AdminConfirmSignUp(request)
        | AccountRequest::AdminDeleteSoftwareToken(request)
        | AccountRequest::AdminUserGlobalSignOut(request) => Route::Pool(&request.user_pool_id),
        AccountRequest::AdminSetUserMfaPreference(request) => Route::Pool(&request.user_pool_id),
        AccountRequest::ListUsers(request) => Route::Pool(&request.user_pool_id),
        AccountRequest::AdminInitiateAuth(request) => Route::Pool(&request.user_pool_id),
        AccountRequest::AdminRespondToAuthChallenge(request) => Route::Pool(&request.user_pool_id),
        AccountRequest::SignUp(request) => Route::Client(&request.client_id),
        AccountRequest::ConfirmSignUp(request) => Route::Client(&request.client_id),
        AccountRequest::SetUserMfaPreference(request) => Route::AccessToken(&request.access_token),
        AccountRequest::ChangePassword(request) => Route::AccessToken(&request.access_token),
        AccountRequest::VerifySoftwareToken(request) => Route::AccessToken(&request.access_token),
        AccountRequest::GetUser(request) | AccountRequest::AssociateSoftwareToken(request) => {
            Route::AccessToken(&request.access_token)
        }
        AccountRequest::Profile(request) => of_profile_request(request),
        AccountRequest::Group(request) => of_group_request(request),
    }
}

fn of_group_request(request: &GroupRequest) -> Route<'_> {
    match request {
        GroupRequest::CreateGroup(request) | GroupRequest::UpdateGroup(request) => {
            Route::Pool(&request.user_pool_id)
        }
        GroupRequest::GetGroup(request) | GroupRequest::DeleteGroup(request) => {
            Route::Pool(&request.user_pool_id)
        }
        GroupRequest::ListGroups(request) => Route::Pool(&request.user_pool_id),
        GroupRequest::AdminAddUserToGroup(request) | GroupRequest::AdminRemoveUserFromGroup(request) => {
            Route::Pool(&request.user_pool_id)
        }
        GroupRequest::AdminListGroupsForUser(request) => Route::Pool(&request.user_pool_id),
        GroupRequest::ListUsersInGroup(request) => Route::Pool(&request.user_pool_id),
    }
}

fn of_profile_request(request: &ProfileRequest) -> Route<'_> {
    match request {
        ProfileRequest::ForgotPassword(request) | ProfileRequest::ResendConfirmationCode(request) => {
            Route::Client(&request.client_id)
        }
        ProfileRequest::ConfirmForgotPassword(request) => Route::Client(&request.client_id),
        ProfileRequest::AdminResetUserPassword(request) => Route::Pool(&request.user_pool_id),
        ProfileRequest::AdminUpdateUserAttributes(request) => Route::Pool(&request.user_pool_id),
        ProfileRequest::AdminDeleteUserAttributes(request) => Route::Pool(&request.user_pool_id),
        ProfileRequest::UpdateUserAttributes(request) => Route::AccessToken(&request.access_token),
        ProfileRequest::DeleteUserAttributes(request) => Route::AccessToken(&request.access_token),
        ProfileRequest::VerifyUserAttribute(request) => Route::AccessToken(&request.access_token),
        ProfileRequest::GetUserAttributeVerificationCode(request) => {
            Route::AccessToken(&request.access_token)
        }
        ProfileRequest::DeleteUser(request) => Route::AccessToken(&request.access_token),
        ProfileRequest::AdminListUserAuthEvents(request) => Route::Pool(&request.user_pool_id),
        ProfileRequest::AdminUpdateAuthEventFeedback(request) => Route::Pool(&request.user_pool_id),
    }
}

pub(super) fn client_not_found(client_id: &str) -> ApiError {
    let shown: String = client_id.chars().take(128).collect();
    ApiError::new(ErrorKind::ResourceNotFound, format!("User pool client {shown} does not exist."))
}

pub(super) fn invalid_token() -> ApiError {
    ApiError::not_authorized("Invalid Access Token")
}

impl Provider {
    /// Returns the pool of a route.
    pub(super) fn find(&self, route: &Route<'_>) -> Result<PoolId, ApiError> {
        match route {
            Route::Pool(pool_id) => {
                self.hosted(pool_id)?;
                Ok(PoolId::new(*pool_id))
            }
            Route::Client(client_id) => {
                let pool_id = self.client_pools.get(&ClientId::new(*client_id)).cloned();
                pool_id.ok_or_else(|| client_not_found(client_id))
            }
            Route::AccessToken(token) => self.issuing_pool(token).ok_or_else(invalid_token),
            Route::Session(session) => {
                let session = session.ok_or_else(ApiError::invalid_session)?;
                let known = self.pools.iter().find(|(_, hosted)| hosted.pool.has_session(session));
                known.map(|(pool_id, _)| pool_id.clone()).ok_or_else(ApiError::invalid_session)
            }
        }
    }

    /// Returns the pool that issued this access token according to its text. The result is enough for routing
    /// but does not authenticate the token.
    fn issuing_pool(&self, access_token: &str) -> Option<PoolId> {
        if let Tokens::Opaque = self.config.tokens {
            let made = self.pools.iter().find(|(_, hosted)| hosted.pool.issued_opaque_token(access_token));
            return made.map(|(pool_id, _)| pool_id.clone());
        }
        let claims = poolproof_cognito::jwt::unverified_claims(access_token)?;
        let issuer = claims.get("iss")?.as_str()?;
        let pool_id = PoolId::new(issuer.rsplit_once('/')?.1);
        let is_ours = self.pools.contains_key(&pool_id) && self.config.issuer.of(&pool_id) == issuer;
        is_ours.then_some(pool_id)
    }

    /// Refuses a request without a pool id where one is required.
    pub(super) fn named(pool_id: Option<&str>) -> Result<&str, ApiError> {
        pool_id.ok_or_else(|| pool_not_found(""))
    }
}
