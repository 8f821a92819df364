//! Users in requests and responses.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ChallengeName, Word, attributes, known_word};
use crate::ids::Username;
use crate::time::Timestamp;

/// A user's attributes: names and values, in their original order.
pub type Attributes = Vec<(String, String)>;

/// The attributes of a user in a response. A pool shares the values instead of copying them, since a list of
/// users can have megabytes.
pub type SharedAttributes = Vec<(String, Arc<str>)>;

/// Input of the operations that take only a user.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AdminUserCall {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
}

/// Input of the operations that take only an access token.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BearerCall {
    /// `AccessToken`.
    pub access_token: String,
}

/// `UserType`, and the response of `GetUser`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UserDescription {
    /// `Username`.
    pub username: Username,
    /// `UserAttributes`.
    #[serde(rename = "UserAttributes", alias = "Attributes", default, with = "attributes")]
    pub attributes: SharedAttributes,
    /// `UserCreateDate`.
    #[serde(rename = "UserCreateDate", default, with = "crate::time::seconds")]
    pub created: Timestamp,
    /// `UserLastModifiedDate`.
    #[serde(rename = "UserLastModifiedDate", default, with = "crate::time::seconds")]
    pub modified: Timestamp,
    /// `Enabled`.
    #[serde(default)]
    pub enabled: bool,
    /// `UserStatus`.
    #[serde(rename = "UserStatus", default = "no_status", deserialize_with = "user_status")]
    pub status: Word,
    /// `UserMFASettingList`.
    #[serde(rename = "UserMFASettingList", skip_serializing_if = "Vec::is_empty")]
    #[serde(default, deserialize_with = "known_factors")]
    pub factors: Vec<ChallengeName>,
    /// `PreferredMfaSetting`.
    #[serde(rename = "PreferredMfaSetting", default, deserialize_with = "known_factor")]
    pub preferred: Option<ChallengeName>,
}

/// The user statuses of the API model. Another status is read as the last one.
const USER_STATUSES: [&str; 7] = [
    "CONFIRMED",
    "UNCONFIRMED",
    "FORCE_CHANGE_PASSWORD",
    "RESET_REQUIRED",
    "ARCHIVED",
    "EXTERNAL_PROVIDER",
    "UNKNOWN",
];

fn user_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Word, D::Error> {
    known_word(deserializer, &USER_STATUSES)
}

/// `GetUser` returns no status.
const fn no_status() -> Word {
    ""
}

/// Reads factors and ignores unknown ones.
fn known_factors<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ChallengeName>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

fn known_factor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ChallengeName>, D::Error> {
    Ok(String::deserialize(deserializer)?.parse().ok())
}

/// The fields of a user in the responses of `AdminCreateUser` and `ListUsers`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListedUser<'u> {
    username: &'u Username,
    #[serde(with = "attributes")]
    attributes: &'u SharedAttributes,
    #[serde(with = "crate::time::seconds")]
    user_create_date: Timestamp,
    #[serde(with = "crate::time::seconds")]
    user_last_modified_date: Timestamp,
    enabled: bool,
    user_status: &'static str,
}

impl<'u> From<&'u UserDescription> for ListedUser<'u> {
    fn from(user: &'u UserDescription) -> Self {
        Self {
            username: &user.username,
            attributes: &user.attributes,
            user_create_date: user.created,
            user_last_modified_date: user.modified,
            enabled: user.enabled,
            user_status: user.status,
        }
    }
}

pub(super) fn as_listed<S: Serializer>(user: &UserDescription, serializer: S) -> Result<S::Ok, S::Error> {
    ListedUser::from(user).serialize(serializer)
}

pub(super) fn all_as_listed<S: Serializer>(
    users: &[UserDescription],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(users.iter().map(ListedUser::from))
}

/// The fields of a user in the response of `GetUser`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UserProfile<'u> {
    username: &'u Username,
    #[serde(with = "attributes")]
    user_attributes: &'u SharedAttributes,
    #[serde(rename = "UserMFASettingList", skip_serializing_if = "<[_]>::is_empty")]
    factors: &'u [ChallengeName],
    preferred_mfa_setting: Option<ChallengeName>,
}

pub(super) fn as_profile<S: Serializer>(user: &UserDescription, serializer: S) -> Result<S::Ok, S::Error> {
    let UserDescription { username, attributes, factors, preferred, .. } = user;
    UserProfile { username, user_attributes: attributes, factors, preferred_mfa_setting: *preferred }
        .serialize(serializer)
}
