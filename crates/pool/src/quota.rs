//! Request quotas of a pool, in Cognito's categories (docs/semantics.md, quotas).

use poolproof_cognito::policy::Quotas;
use poolproof_cognito::protocol::{AccountRequest, GroupRequest, ProfileRequest, Request};
use poolproof_cognito::time::Timestamp;

/// Answers to challenges have a separate quota, three times that of sign-ins; only the excess counts as
/// sign-ins.
const ANSWERS_PER_SIGN_IN: u32 = 3;

/// A token bucket that holds one second of requests and fills steadily. `None` is no limit.
#[derive(Debug)]
struct Bucket(Option<BucketState>);

#[derive(Debug)]
struct BucketState {
    per_second: u64,
    /// Available requests, in millionths.
    tokens: u64,
    refilled_at: Timestamp,
}

const REQUEST: u64 = 1_000_000;

impl Bucket {
    fn new(per_second: Option<u32>) -> Self {
        Self(per_second.map(|per_second| BucketState {
            per_second: per_second.into(),
            tokens: u64::from(per_second) * REQUEST,
            refilled_at: Timestamp::default(),
        }))
    }

    fn take(&mut self, now: Timestamp) -> bool {
        let Some(level) = &mut self.0 else { return true };
        let passed_us = u64::try_from(now.since(level.refilled_at).as_micros()).unwrap_or(u64::MAX);
        let full = level.per_second * REQUEST;
        level.tokens = level.tokens.saturating_add(passed_us.saturating_mul(level.per_second)).min(full);
        level.refilled_at = level.refilled_at.max(now);
        let taken = level.tokens >= REQUEST;
        if taken {
            level.tokens -= REQUEST;
        }
        taken
    }
}

/// The pool's buckets.
#[derive(Debug)]
pub(super) struct Buckets {
    sign_in: Bucket,
    answers: Bucket,
    read: Bucket,
    update: Bucket,
    users: UserBuckets,
}

/// Operations on users. Scenarios cannot set these categories: a pool with quotas uses Cognito's defaults.
#[derive(Debug)]
struct UserBuckets {
    creation: Bucket,
    read: Bucket,
    list: Bucket,
    update: Bucket,
    recovery: Bucket,
}

impl UserBuckets {
    fn new(on: bool) -> Self {
        let bucket = |per_second| Bucket::new(Some(per_second).filter(|_| on));
        Self {
            creation: bucket(50),
            read: bucket(120),
            list: bucket(30),
            update: bucket(25),
            recovery: bucket(30),
        }
    }
}

impl Buckets {
    pub(super) fn new(quotas: Quotas) -> Self {
        let answers = quotas.user_authentication.map(|rate| rate.saturating_mul(ANSWERS_PER_SIGN_IN));
        Self {
            sign_in: Bucket::new(quotas.user_authentication),
            answers: Bucket::new(answers),
            read: Bucket::new(quotas.user_resource_read),
            update: Bucket::new(quotas.user_resource_update),
            users: UserBuckets::new(quotas != Quotas::NONE),
        }
    }

    /// Returns whether the quota admits this request about a user, and consumes it.
    pub(super) fn admit_account(&mut self, now: Timestamp, request: &AccountRequest) -> bool {
        let users = &mut self.users;
        match request {
            // These are sign-ins and count as such.
            AccountRequest::AdminInitiateAuth(_) | AccountRequest::AdminRespondToAuthChallenge(_) => true,
            AccountRequest::AdminCreateUser(_)
            | AccountRequest::SignUp(_)
            | AccountRequest::ConfirmSignUp(_)
            | AccountRequest::AdminConfirmSignUp(_) => users.creation.take(now),
            AccountRequest::AdminGetUser(_) | AccountRequest::GetUser(_) => users.read.take(now),
            AccountRequest::ListUsers(_) => users.list.take(now),
            AccountRequest::AdminSetUserPassword(_)
            | AccountRequest::AdminDeleteUser(_)
            | AccountRequest::AdminEnableUser(_)
            | AccountRequest::AdminDisableUser(_)
            | AccountRequest::AdminUserGlobalSignOut(_)
            | AccountRequest::AdminSetUserMfaPreference(_)
            | AccountRequest::SetUserMfaPreference(_)
            | AccountRequest::ChangePassword(_)
            | AccountRequest::AssociateSoftwareToken(_)
            | AccountRequest::VerifySoftwareToken(_) => users.update.take(now),
            AccountRequest::Group(request) => match request {
                GroupRequest::AdminAddUserToGroup(_) | GroupRequest::AdminRemoveUserFromGroup(_) => {
                    users.update.take(now)
                }
                GroupRequest::ListUsersInGroup(_) => users.list.take(now),
                GroupRequest::AdminListGroupsForUser(_) => self.read.take(now),
                GroupRequest::CreateGroup(_)
                | GroupRequest::GetGroup(_)
                | GroupRequest::UpdateGroup(_)
                | GroupRequest::DeleteGroup(_)
                | GroupRequest::ListGroups(_) => true,
            },
            AccountRequest::Profile(request) => match request {
                ProfileRequest::ForgotPassword(_)
                | ProfileRequest::ConfirmForgotPassword(_)
                | ProfileRequest::AdminResetUserPassword(_) => users.recovery.take(now),
                ProfileRequest::ResendConfirmationCode(_)
                | ProfileRequest::GetUserAttributeVerificationCode(_)
                | ProfileRequest::AdminListUserAuthEvents(_) => self.read.take(now),
                ProfileRequest::AdminUpdateAuthEventFeedback(_) => self.update.take(now),
                ProfileRequest::UpdateUserAttributes(_)
                | ProfileRequest::AdminUpdateUserAttributes(_)
                | ProfileRequest::DeleteUserAttributes(_)
                | ProfileRequest::AdminDeleteUserAttributes(_)
                | ProfileRequest::VerifyUserAttribute(_)
                | ProfileRequest::DeleteUser(_) => users.update.take(now),
            },
        }
    }

    /// Returns whether the quota admits this request, and consumes it.
    pub(super) fn admit(&mut self, now: Timestamp, request: &Request) -> bool {
        match request {
            Request::InitiateAuth(_) => self.sign_in.take(now),
            Request::RespondToAuthChallenge(_) => self.answers.take(now) || self.sign_in.take(now),
            Request::AssociateSoftwareToken(_)
            | Request::VerifySoftwareToken(_)
            | Request::GetTokensFromRefreshToken(_)
            | Request::RevokeToken(_)
            | Request::GlobalSignOut(_) => true,
            Request::GetDevice(_)
            | Request::ListDevices(_)
            | Request::AdminGetDevice(_)
            | Request::AdminListDevices(_) => self.read.take(now),
            Request::ConfirmDevice(_)
            | Request::UpdateDeviceStatus(_)
            | Request::ForgetDevice(_)
            | Request::AdminForgetDevice(_)
            | Request::AdminUpdateDeviceStatus(_) => self.update.take(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use poolproof_cognito::protocol::{ConfirmDevice, InitiateAuth, RespondToAuthChallenge};

    /// Returns how many of `offered` requests per second are admitted in the long run, after the first full
    /// bucket.
    fn taken(quota: Quotas, offered: u64, requests: &[Request]) -> u64 {
        let mut buckets = Buckets::new(quota);
        let mut whole = 0;
        for n in 0..offered * 60 {
            let now = Timestamp::VIRTUAL_START.plus(Duration::from_micros(n * 1_000_000 / offered));
            let all = requests.iter().all(|request| buckets.admit(now, request));
            whole += u64::from(all && n >= offered * 10);
        }
        whole / 50
    }

    #[test]
    fn the_worked_examples_of_the_documentation_come_out() {
        let start = Request::InitiateAuth(InitiateAuth::default());
        let answer = Request::RespondToAuthChallenge(RespondToAuthChallenge::default());
        let confirm = Request::ConfirmDevice(ConfirmDevice::default());
        let device = [start.clone(), answer.clone(), answer.clone(), answer.clone()];
        assert_eq!(taken(Quotas::COGNITO, 120, &device), 120, "device sign-ins at their quota");
        assert_eq!(taken(Quotas::COGNITO, 200, &[confirm]), 25, "a cold fleet");
        let mfa_then_device = [start, answer.clone(), answer.clone(), answer.clone(), answer];
        assert_eq!(taken(Quotas::COGNITO, 96, &mfa_then_device), 96);
        assert!(taken(Quotas::COGNITO, 100, &mfa_then_device) < 100);
        assert_eq!(taken(Quotas::NONE, 1000, &mfa_then_device), 1000);
    }
}
