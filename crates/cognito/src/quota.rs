//! Request quotas: Cognito's categories of operations, and the limits of an account (SEMANTICS f).

use serde::{Deserialize, Serialize};

/// Whether a request reads or changes the data of its user: the two limits of a user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UserAccess {
    /// The request counts in the user's reads.
    Read,
    /// The request counts in the user's writes.
    Write,
    /// The request is not about a user, or its user does not exist yet.
    None,
}

/// Declares the categories. Each has a key in scenarios, Cognito's default in requests a second, whether AWS
/// raises it, and the user's limit in which its requests count.
macro_rules! categories {
    ($($(#[$doc:meta])* $category:ident $key:ident = $default:literal $adjustable:literal $access:ident,)*) => {
        /// A category of operations that share a quota.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum QuotaCategory { $($(#[$doc])* $category,)* }

        impl QuotaCategory {
            /// Returns the key in scenarios.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$category => stringify!($key),)* }
            }

            /// All categories, in the order of AWS's page.
            pub const ALL: &[Self] = &[$(Self::$category,)*];

            /// Returns Cognito's default in requests a second, per account and region.
            pub const fn default_limit(self) -> u32 {
                match self { $(Self::$category => $default,)* }
            }

            /// Returns whether AWS raises the quota on request.
            pub const fn is_adjustable(self) -> bool {
                match self { $(Self::$category => $adjustable,)* }
            }

            /// Returns the user's limit in which requests of this category count.
            pub const fn user_access(self) -> UserAccess {
                match self { $(Self::$category => UserAccess::$access,)* }
            }
        }

        /// The request limits of an account, in requests a second; `None` is no limit.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Quotas {
            $($(#[$doc])* pub $key: Option<u32>,)*
            /// Reads of one user.
            pub reads_per_user: Option<u32>,
            /// Writes of one user.
            pub writes_per_user: Option<u32>,
            /// Each operation on one pool's resources or app clients.
            pub operation_per_pool: Option<u32>,
        }

        impl Quotas {
            /// No limits.
            pub const NONE: Self =
                Self { $($key: None,)* reads_per_user: None, writes_per_user: None, operation_per_pool: None };

            /// Cognito's defaults per account and region.
            pub const COGNITO: Self = Self {
                $($key: Some($default),)*
                reads_per_user: Some(10),
                writes_per_user: Some(10),
                operation_per_pool: Some(5),
            };

            /// Returns the same with other limits of the categories that have one.
            pub fn map_limits(self, limit: impl Fn(QuotaCategory, u32) -> u32) -> Self {
                Self { $($key: self.$key.map(|old| limit(QuotaCategory::$category, old)),)* ..self }
            }

            /// Returns the limit of a category.
            pub const fn limit(&self, category: QuotaCategory) -> Option<u32> {
                match category { $(QuotaCategory::$category => self.$key,)* }
            }
        }
    };
}

categories! {
    /// Sign-ins and refreshes. Answers to challenges have a limit of their own, three times this one, and
    /// only the excess counts.
    UserAuthentication user_authentication = 120 true Read,
    /// Sign-ups, their confirmation, and users created by an administrator.
    UserCreation user_creation = 50 true None,
    /// Changes and resets of passwords.
    UserAccountRecovery user_account_recovery = 30 false Write,
    /// Reads of users.
    UserRead user_read = 120 true Read,
    /// Changes of users and of their groups, and global sign-outs.
    UserUpdate user_update = 25 false Write,
    /// Revocations of refresh tokens.
    UserToken user_token = 120 true Write,
    /// Reads of devices, groups and events of users, and codes sent again.
    UserResourceRead user_resource_read = 50 true Read,
    /// Changes of devices and of second factors.
    UserResourceUpdate user_resource_update = 25 false Write,
    /// Lists of users, also of a group.
    UserList user_list = 30 false None,
    /// Reads of pools.
    UserPoolRead user_pool_read = 15 false None,
    /// Changes of pools.
    UserPoolUpdate user_pool_update = 15 false None,
    /// Reads of the configurations, groups and tags of pools.
    UserPoolResourceRead user_pool_resource_read = 20 false None,
    /// Changes of the configurations, groups and tags of pools.
    UserPoolResourceUpdate user_pool_resource_update = 15 false None,
    /// Reads of app clients.
    UserPoolClientRead user_pool_client_read = 15 false None,
    /// Changes of app clients.
    UserPoolClientUpdate user_pool_client_update = 15 false None,
}

impl std::fmt::Display for QuotaCategory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl QuotaCategory {
    /// Returns whether each operation of the category has a limit for each pool.
    pub const fn limits_each_pool(self) -> bool {
        matches!(
            self,
            Self::UserPoolResourceRead
                | Self::UserPoolResourceUpdate
                | Self::UserPoolClientRead
                | Self::UserPoolClientUpdate
        )
    }
}

impl Quotas {
    /// Returns the limit of one user for this access.
    pub const fn user_limit(&self, access: UserAccess) -> Option<u32> {
        match access {
            UserAccess::Read => self.reads_per_user,
            UserAccess::Write => self.writes_per_user,
            UserAccess::None => None,
        }
    }
}
