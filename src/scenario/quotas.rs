//! The request quotas of a pool's account.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::values::WholeRate;
use super::word_or_map::WordOrMapValue;
use poolproof_cognito::policy::Quotas;

/// The limits of the categories that the map leaves out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "QuotaBase")]
enum Base {
    /// None.
    #[default]
    None,
    /// Cognito's defaults.
    Cognito,
}

impl Base {
    /// Returns whether this is the default.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_none(&self) -> bool {
        *self == Self::None
    }
}

macro_rules! quotas_map {
    ($($(#[$doc:meta])* $key:ident,)*) => {
        /// Requests per second in each category of the account.
        #[derive(Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, expecting = "a map with the quotas")]
        pub(super) struct QuotasMap {
            /// The limits that the map leaves out: `none` or `cognito`.
            #[serde(default, skip_serializing_if = "Base::is_none")]
            others: Base,
            $($(#[$doc])* $key: Option<WholeRate>,)*
        }

        impl From<QuotasMap> for Quotas {
            fn from(map: QuotasMap) -> Self {
                let others = match map.others {
                    Base::None => Self::NONE,
                    Base::Cognito => Self::COGNITO,
                };
                Self { $($key: map.$key.map(|WholeRate(rate)| rate).or(others.$key),)* }
            }
        }

        impl From<Quotas> for QuotasMap {
            fn from(quotas: Quotas) -> Self {
                Self { others: Base::None, $($key: quotas.$key.map(WholeRate),)* }
            }
        }
    };
}

quotas_map! {
    /// Sign-ins and refreshes. Answers to challenges have a quota of three times this; only the excess counts
    /// here.
    user_authentication,
    /// Sign-ups, their confirmation, and users created by an administrator.
    user_creation,
    /// Changes and resets of passwords.
    user_account_recovery,
    /// Reads of users.
    user_read,
    /// Changes of users and of their groups, and global sign-outs.
    user_update,
    /// Revocations of refresh tokens.
    user_token,
    /// Reads of devices, groups and events of users, and codes sent again.
    user_resource_read,
    /// Changes of devices and of second factors.
    user_resource_update,
    /// Lists of users, also of a group.
    user_list,
    /// Reads of pools.
    user_pool_read,
    /// Changes of pools.
    user_pool_update,
    /// Reads of the configurations, groups and tags of pools.
    user_pool_resource_read,
    /// Changes of the configurations, groups and tags of pools.
    user_pool_resource_update,
    /// Reads of app clients.
    user_pool_client_read,
    /// Changes of app clients.
    user_pool_client_update,
    /// Reads of one user. Sign-ins and answers to challenges count as reads.
    reads_per_user,
    /// Writes of one user, such as ConfirmDevice.
    writes_per_user,
    /// Each operation on one pool's configurations, groups, tags or app clients.
    operation_per_pool,
}

impl WordOrMapValue for Quotas {
    const NAME: &str = "Quotas";
    const EXPECTED: &str = "`none`, `cognito`, or limits such as `{ user_authentication: 120/s }`";
    const WORDS: &[(&str, Self)] = &[("none", Self::NONE), ("cognito", Self::COGNITO)];
    type Map = QuotasMap;

    fn from_map<'de, D: Deserializer<'de>>(map: D) -> Result<Self, D::Error> {
        QuotasMap::deserialize(map).map(Self::from)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        QuotasMap::from(*self).serialize(serializer)
    }
}
