//! Request quotas: the categories of an account and the limits of each user (docs/semantics.md, quotas).
//!
//! [`counted`] maps every request to its category and its user. A stand-alone pool counts all its requests.
//! In an account with several pools the [`crate::provider::Provider`] counts the categories, because all
//! pools share them, and each pool counts its users.

mod counted;

use std::collections::HashMap;

use poolproof_cognito::policy::{QuotaCategory, Quotas, UserAccess};
use poolproof_cognito::protocol::Operation;
use poolproof_cognito::time::Timestamp;

use crate::Pool;
use crate::account::AccountId;
use crate::session_store::LookupKey;
use crate::token::TokenUse;

pub(crate) use counted::{
    Bucket, Counted, PoolOperation, RequestUser, of_account_request, of_operation, of_request,
};

/// Returns the category in which the account counts an operation. Answers to challenges count in it only
/// above three times its quota.
pub fn quota_category(operation: &Operation) -> QuotaCategory {
    of_operation(operation).0.category()
}

/// Answers to challenges have a separate quota, three times that of sign-ins; only the excess counts as
/// sign-ins.
const ANSWERS_PER_SIGN_IN: u32 = 3;

/// One request. Levels count in millionths of it.
const REQUEST: u64 = 1_000_000;

/// The level of a token bucket that holds one second of requests and drains steadily.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Level {
    used: u64,
    drained_at: Timestamp,
}

impl Level {
    /// Returns whether the bucket admits one more request, and counts it. Without a limit it counts nothing.
    pub(crate) fn take(&mut self, now: Timestamp, limit: Option<u32>) -> bool {
        let Some(limit) = limit.map(u64::from) else { return true };
        let passed_us = u64::try_from(now.since(self.drained_at).as_micros()).unwrap_or(u64::MAX);
        self.used = self.used.saturating_sub(passed_us.saturating_mul(limit));
        self.drained_at = self.drained_at.max(now);
        let admitted = self.used.saturating_add(REQUEST) <= limit * REQUEST;
        if admitted {
            self.used += REQUEST;
        }
        admitted
    }
}

/// The buckets of an account's categories.
#[derive(Debug, Default)]
pub(crate) struct CategoryBuckets {
    categories: [Level; QuotaCategory::ALL.len()],
    answers: Level,
}

impl CategoryBuckets {
    /// Returns whether the quotas admit one more request, and counts it.
    pub(crate) fn admit(&mut self, now: Timestamp, quotas: &Quotas, bucket: Bucket) -> bool {
        let category = bucket.category();
        let limit = quotas.limit(category);
        if bucket == Bucket::Answer {
            let answers = limit.map(|limit| limit.saturating_mul(ANSWERS_PER_SIGN_IN));
            if self.answers.take(now, answers) {
                return true;
            }
        }
        self.categories[category as usize].take(now, limit)
    }
}

/// A user whose requests are counted. Names of users that do not exist count as well, so that a refusal does
/// not reveal that a user exists.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum UserKey {
    Account(AccountId),
    Unknown(LookupKey),
}

/// The buckets of users, for reads and for writes.
#[derive(Debug, Default)]
pub(crate) struct UserBuckets {
    levels: HashMap<UserKey, [Level; 2]>,
    /// The number of entries above which unused ones are removed.
    most: usize,
}

impl UserBuckets {
    /// Returns the estimated bytes of the buckets.
    pub(crate) fn bytes(&self) -> usize {
        self.levels.capacity() * size_of::<(UserKey, [Level; 2])>()
    }

    fn admit(&mut self, now: Timestamp, limit: u32, user: UserKey, access: UserAccess) -> bool {
        if self.levels.len() > self.most {
            // A bucket that was not used for a second is empty, whatever its limit.
            let last_used = |levels: &[Level; 2]| levels[0].drained_at.max(levels[1].drained_at);
            self.levels.retain(|_, levels| now.since(last_used(levels)).as_secs() < 1);
            self.most = (self.levels.len() * 2).max(1024);
        }
        let levels = self.levels.entry(user).or_default();
        levels[usize::from(access == UserAccess::Write)].take(now, Some(limit))
    }
}

impl Pool {
    /// Returns whether the quotas admit a request, and counts it: first in its category, then for its user.
    /// A request that its user's limit refuses has counted in its category.
    pub(super) fn admit(&mut self, now: Timestamp, counted: &Counted<'_>) -> bool {
        let quotas = self.policy.quotas;
        let in_category = match &mut self.category_buckets {
            Some(buckets) => buckets.admit(now, &quotas, counted.bucket),
            None => true,
        };
        in_category && self.admit_user(now, &quotas, counted)
    }

    fn admit_user(&mut self, now: Timestamp, quotas: &Quotas, counted: &Counted<'_>) -> bool {
        let access = counted.bucket.category().user_access();
        let Some(limit) = quotas.user_limit(access) else { return true };
        let Some(user) = self.user_key(now, &counted.user) else { return true };
        self.user_buckets.admit(now, limit, user, access)
    }

    /// Returns the user of a request. A token or session that the pool did not issue has none.
    fn user_key(&self, now: Timestamp, user: &RequestUser<'_>) -> Option<UserKey> {
        let by_name = |name: &str| {
            let unknown = || UserKey::Unknown(LookupKey::from_text(&self.directory.fold(name)));
            self.directory.find(name).map_or_else(unknown, UserKey::Account)
        };
        match *user {
            RequestUser::NoUser => None,
            RequestUser::Name(name) => Some(by_name(name)),
            RequestUser::RefreshToken(token) => {
                let (token_use, claims) = self.signer.read(token)?;
                (token_use == TokenUse::Refresh).then(|| by_name(claims.username.as_str()))
            }
            RequestUser::AccessToken(token) => {
                Some(by_name(self.read_access(token, now).ok()?.username.as_str()))
            }
            RequestUser::Session(session) => self.session_store.account_of(session).map(UserKey::Account),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Returns how many of `offered` requests per second are admitted in the long run, after the first full
    /// bucket.
    fn admitted(quotas: &Quotas, offered: u64, requests: &[Bucket]) -> u64 {
        let mut buckets = CategoryBuckets::default();
        let mut whole = 0;
        for n in 0..offered * 60 {
            let now = Timestamp::VIRTUAL_START.plus(Duration::from_micros(n * 1_000_000 / offered));
            let all = requests.iter().all(|request| buckets.admit(now, quotas, *request));
            whole += u64::from(all && n >= offered * 10);
        }
        whole / 50
    }

    /// The worked examples of AWS's page on quotas (SEMANTICS f).
    #[test]
    fn admitted_rates_match_the_examples_of_the_documentation() {
        let start = Bucket::Category(QuotaCategory::UserAuthentication);
        let answer = Bucket::Answer;
        let change = Bucket::Category(QuotaCategory::UserResourceUpdate);
        let device = [start, answer, answer, answer];
        assert_eq!(admitted(&Quotas::COGNITO, 120, &device), 120, "device sign-ins at their quota");
        assert_eq!(admitted(&Quotas::COGNITO, 200, &[change]), 25, "a cold fleet");
        let mfa_then_device = [start, answer, answer, answer, answer];
        assert_eq!(admitted(&Quotas::COGNITO, 96, &mfa_then_device), 96);
        assert!(admitted(&Quotas::COGNITO, 100, &mfa_then_device) < 100);
        assert_eq!(admitted(&Quotas::NONE, 1000, &mfa_then_device), 1000);
        let eighty = Quotas { user_authentication: Some(80), ..Quotas::NONE };
        assert!(admitted(&eighty, 70, &mfa_then_device) < 70, "70 sign-ins of 4 answers exceed 80");
        assert_eq!(admitted(&eighty, 64, &mfa_then_device), 64);
    }

    #[test]
    fn every_category_has_its_default() {
        for category in QuotaCategory::ALL {
            let limit = category.default_limit();
            assert_eq!(Quotas::COGNITO.limit(*category), Some(limit));
            let admitted = admitted(&Quotas::COGNITO, 200, &[Bucket::Category(*category)]);
            assert_eq!(admitted, u64::from(limit), "{category}");
        }
    }

    #[test]
    fn user_buckets_do_not_grow_with_the_number_of_users() {
        let mut buckets = UserBuckets::default();
        for n in 0..100_000_u64 {
            let now = Timestamp::VIRTUAL_START.plus(Duration::from_millis(n));
            assert!(buckets.admit(now, 10, UserKey::Account(AccountId(n)), UserAccess::Read));
        }
        assert!(buckets.levels.len() <= 2048, "{}", buckets.levels.len());
    }
}
