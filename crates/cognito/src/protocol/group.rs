//! Operations on groups of users.

use serde::{Deserialize, Serialize};

use super::user::{UserDescription, all_as_listed};
use crate::time::Timestamp;

/// A request about groups.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GroupRequest {
    /// Creates a group.
    CreateGroup(GroupSpec),
    /// Describes a group.
    GetGroup(GroupCall),
    /// Changes a group; absent settings do not change.
    UpdateGroup(GroupSpec),
    /// Deletes a group; its users stay.
    DeleteGroup(GroupCall),
    /// Lists the groups of a pool.
    ListGroups(ListGroups),
    /// Adds a user to a group.
    AdminAddUserToGroup(GroupUserCall),
    /// Removes a user from a group.
    AdminRemoveUserFromGroup(GroupUserCall),
    /// Lists the groups of a user.
    AdminListGroupsForUser(ListGroupsForUser),
    /// Lists the users of a group.
    ListUsersInGroup(ListUsersInGroup),
}

/// `CreateGroup` and `UpdateGroup`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupSpec {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `GroupName`.
    pub group_name: String,
    /// `Description`.
    pub description: Option<String>,
    /// `RoleArn`: the role of the group's users in an identity pool.
    pub role_arn: Option<String>,
    /// `Precedence`; the role of the group with the lowest number is preferred.
    pub precedence: Option<u32>,
}

/// `GetGroup` and `DeleteGroup`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupCall {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `GroupName`.
    pub group_name: String,
}

/// `ListGroups`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListGroups {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Limit`, 0 to 60; absent or 0 means the default page size.
    pub limit: Option<u32>,
    /// `NextToken` of the previous page.
    pub next_token: Option<String>,
}

/// `AdminAddUserToGroup` and `AdminRemoveUserFromGroup`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupUserCall {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
    /// `GroupName`.
    pub group_name: String,
}

/// `AdminListGroupsForUser`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListGroupsForUser {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `Username`.
    pub username: String,
    /// `Limit`, 0 to 60; absent or 0 means the default page size.
    pub limit: Option<u32>,
    /// `NextToken` of the previous page.
    pub next_token: Option<String>,
}

/// `ListUsersInGroup`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListUsersInGroup {
    /// `UserPoolId`.
    pub user_pool_id: String,
    /// `GroupName`.
    pub group_name: String,
    /// `Limit`, 0 to 60; absent or 0 means the default page size.
    pub limit: Option<u32>,
    /// `NextToken` of the previous page.
    pub next_token: Option<String>,
}

/// A successful response to a request about groups.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all_fields = "PascalCase")]
pub enum GroupResponse {
    /// The response of `CreateGroup`, `GetGroup` and `UpdateGroup`.
    Group(GroupDescription),
    /// The response of `ListGroups` and `AdminListGroupsForUser`.
    #[serde(untagged)]
    Groups {
        /// The groups of one page.
        groups: Vec<GroupDescription>,
        /// `NextToken` for the next page, if there is one.
        next_token: Option<String>,
    },
    /// The response of `ListUsersInGroup`.
    #[serde(untagged)]
    Users {
        /// The users of one page.
        #[serde(serialize_with = "all_as_listed")]
        users: Vec<UserDescription>,
        /// `NextToken` for the next page, if there is one.
        next_token: Option<String>,
    },
}

/// `GroupType`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupDescription {
    /// `GroupName`.
    pub group_name: String,
    /// `UserPoolId`.
    #[serde(default)]
    pub user_pool_id: String,
    /// `Description`.
    pub description: Option<String>,
    /// `RoleArn`.
    pub role_arn: Option<String>,
    /// `Precedence`.
    pub precedence: Option<u32>,
    /// `LastModifiedDate`.
    #[serde(rename = "LastModifiedDate", default, with = "crate::time::seconds")]
    pub modified: Timestamp,
    /// `CreationDate`.
    #[serde(rename = "CreationDate", default, with = "crate::time::seconds")]
    pub created: Timestamp,
}
