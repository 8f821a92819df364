//! Groups of users, and their claims in tokens (docs/semantics.md, around sign-in).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Pool;
use super::account::Account;
use super::memory::{HeapBytes, map_entry};
use super::profile::has_invisible;
use poolproof_cognito::protocol::{
    AccountResponse, ApiError, ErrorKind, GroupCall, GroupDescription, GroupRequest, GroupResponse,
    GroupSpec, GroupUserCall, ListGroups, ListGroupsForUser, ListUsersInGroup, Reply, Response,
};
use poolproof_cognito::time::Timestamp;

/// Most groups of a pool: Cognito's quota.
const MAX_GROUPS: usize = 10_000;
/// Most groups of a user: Cognito's quota.
const MAX_GROUPS_OF_USER: usize = 100;
/// Default page size and maximum of `Limit`.
const MAX_PAGE_SIZE: u32 = 60;

/// A group, as it is stored.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRecord {
    /// `GroupName`.
    pub name: String,
    /// `Description`.
    pub description: Option<String>,
    /// `RoleArn`.
    pub role_arn: Option<String>,
    /// `Precedence`.
    pub precedence: Option<u32>,
    /// `CreationDate`.
    pub created: Timestamp,
    /// `LastModifiedDate`.
    pub modified: Timestamp,
}

impl HeapBytes for GroupRecord {
    fn heap_bytes(&self) -> usize {
        map_entry::<String, Self>()
            + 2 * self.name.heap_bytes()
            + self.description.heap_bytes()
            + self.role_arn.heap_bytes()
    }
}

/// The groups of a pool. The users' accounts contain the memberships.
#[derive(Debug, Default)]
pub(super) struct Groups {
    by_name: BTreeMap<String, GroupRecord>,
    /// The estimated bytes of all groups.
    bytes: usize,
    /// Names of the groups that have changed since the last query, if changes are recorded.
    changed: Option<BTreeSet<String>>,
}

impl Groups {
    /// Starts to record changes.
    pub(super) fn start_change_log(&mut self) {
        self.changed = Some(BTreeSet::new());
    }

    /// Returns the groups that have changed since the last call; `Err` is the name of a deleted one.
    pub(super) fn take_changes(&mut self) -> Vec<Result<GroupRecord, String>> {
        let names = self.changed.as_mut().map(std::mem::take).unwrap_or_default();
        names.into_iter().map(|name| self.by_name.get(&name).cloned().ok_or(name)).collect()
    }

    /// Restores a group.
    pub(super) fn restore(&mut self, group: GroupRecord) {
        self.bytes += group.heap_bytes();
        let before = self.by_name.insert(group.name.clone(), group);
        self.bytes -= before.heap_bytes();
    }

    /// Returns the estimated bytes of all groups.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the same, counted anew.
    pub(super) fn recounted_bytes(&self) -> usize {
        self.by_name.values().map(HeapBytes::heap_bytes).sum()
    }

    /// Returns the number of groups.
    pub(super) fn count(&self) -> usize {
        self.by_name.len()
    }

    fn find(&self, name: &str) -> Result<&GroupRecord, ApiError> {
        self.by_name.get(name).ok_or_else(|| ApiError::new(ErrorKind::ResourceNotFound, "Group not found."))
    }

    fn put(&mut self, group: GroupRecord) {
        self.mark_changed(&group.name);
        self.restore(group);
    }

    fn remove(&mut self, name: &str) {
        self.mark_changed(name);
        self.bytes -= self.by_name.remove(name).heap_bytes();
    }

    fn mark_changed(&mut self, name: &str) {
        if let Some(changed) = &mut self.changed {
            changed.insert(name.to_owned());
        }
    }

    /// Returns the groups of a user, the lowest precedence first and those without one last.
    fn of_account(&self, account: &Account) -> Vec<&GroupRecord> {
        let mut groups: Vec<_> = account.groups.iter().filter_map(|name| self.by_name.get(name)).collect();
        groups.sort_by_key(|group| (group.precedence.unwrap_or(u32::MAX), &group.name));
        groups
    }

    /// Adds the claims of a user's groups: their names to both tokens, their roles to the id token.
    pub(super) fn add_claims(
        &self,
        account: &Account,
        both: &mut Map<String, Value>,
        id: &mut Map<String, Value>,
    ) {
        let groups = self.of_account(account);
        let names: Vec<Value> = groups.iter().map(|group| group.name.as_str().into()).collect();
        if !names.is_empty() {
            both.insert("cognito:groups".to_owned(), names.into());
        }
        let roles: Vec<&str> = groups.iter().filter_map(|group| group.role_arn.as_deref()).collect();
        if roles.is_empty() {
            return;
        }
        id.insert("cognito:roles".to_owned(), roles.into());
        // Of several groups with the lowest precedence all must have the same role.
        let lowest = groups.first().and_then(|group| group.precedence);
        let preferred: BTreeSet<_> =
            groups.iter().filter(|group| group.precedence == lowest).map(|group| &group.role_arn).collect();
        if let (Some(_), Some(Some(role)), 1) = (lowest, preferred.first(), preferred.len()) {
            id.insert("cognito:preferred_role".to_owned(), role.as_str().into());
        }
    }
}

/// Returns one page and the token of the next one. `key` is what a token says of an entry.
fn page<T>(rest: impl Iterator<Item = (String, T)>, limit: Option<u32>) -> (Vec<T>, Option<String>) {
    let limit = limit.filter(|limit| *limit > 0).unwrap_or(MAX_PAGE_SIZE).min(MAX_PAGE_SIZE);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut entries: Vec<_> = rest.take(limit + 1).collect();
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().map(|(key, _)| key.clone()).filter(|_| more);
    (entries.into_iter().map(|(_, entry)| entry).collect(), next)
}

impl Pool {
    /// Answers a request about groups.
    pub(super) fn answer_group(&mut self, now: Timestamp, request: GroupRequest) -> Reply {
        match request {
            GroupRequest::CreateGroup(request) => self.create_group(now, request),
            GroupRequest::GetGroup(request) => self.get_group(&request),
            GroupRequest::UpdateGroup(request) => self.update_group(now, request),
            GroupRequest::DeleteGroup(request) => self.delete_group(&request),
            GroupRequest::ListGroups(request) => self.list_groups(&request),
            GroupRequest::AdminAddUserToGroup(request) => self.change_membership(now, &request, true),
            GroupRequest::AdminRemoveUserFromGroup(request) => self.change_membership(now, &request, false),
            GroupRequest::AdminListGroupsForUser(request) => self.list_groups_of_user(&request),
            GroupRequest::ListUsersInGroup(request) => self.list_users_in_group(&request),
        }
    }

    fn create_group(&mut self, now: Timestamp, request: GroupSpec) -> Reply {
        self.check_pool(&request.user_pool_id)?;
        let GroupSpec { group_name: name, description, role_arn, precedence, .. } = request;
        if has_invisible(&name) {
            return Err(ApiError::invalid_parameter(
                "Invalid GroupName: it contains a character that is not displayed.",
            ));
        }
        if self.groups.find(&name).is_ok() {
            return Err(ApiError::new(ErrorKind::GroupExists, "A group with the name already exists."));
        }
        if self.groups.count() >= MAX_GROUPS {
            return Err(ApiError::new(ErrorKind::LimitExceeded, "You have exceeded your group limit"));
        }
        let group = GroupRecord { name, description, role_arn, precedence, created: now, modified: now };
        self.groups.put(group.clone());
        Ok(self.group(&group))
    }

    fn get_group(&self, request: &GroupCall) -> Reply {
        self.check_pool(&request.user_pool_id)?;
        Ok(self.group(self.groups.find(&request.group_name)?))
    }

    fn update_group(&mut self, now: Timestamp, request: GroupSpec) -> Reply {
        self.check_pool(&request.user_pool_id)?;
        let before = self.groups.find(&request.group_name)?.clone();
        let group = GroupRecord {
            description: request.description.or(before.description),
            role_arn: request.role_arn.or(before.role_arn),
            precedence: request.precedence.or(before.precedence),
            modified: now,
            ..before
        };
        self.groups.put(group.clone());
        Ok(self.group(&group))
    }

    fn delete_group(&mut self, request: &GroupCall) -> Reply {
        self.check_pool(&request.user_pool_id)?;
        let name = &request.group_name;
        self.groups.find(name)?;
        let members: Vec<_> = self.directory.members(name).map(|(id, _)| id).collect();
        for id in members {
            self.directory.account_mut(id).groups.remove(name);
        }
        self.groups.remove(name);
        Ok(Response::Empty)
    }

    fn list_groups(&self, request: &ListGroups) -> Reply {
        self.check_pool(&request.user_pool_id)?;
        let after = request.next_token.as_deref();
        let rest =
            self.groups.by_name.iter().filter(|(name, _)| after.is_none_or(|after| name.as_str() > after));
        let described = rest.map(|(name, group)| (name.clone(), self.describe_group(group)));
        let (groups, next_token) = page(described, request.limit);
        Ok(Response::Account(AccountResponse::Group(GroupResponse::Groups { groups, next_token })))
    }

    /// `AdminAddUserToGroup` and `AdminRemoveUserFromGroup`. Both succeed if there is nothing to change.
    fn change_membership(&mut self, now: Timestamp, request: &GroupUserCall, member: bool) -> Reply {
        let id = self.find_administered_user(&request.user_pool_id, &request.username)?;
        let name = &request.group_name;
        self.groups.find(name)?;
        let account = self.directory.account(id);
        if account.groups.contains(name) == member {
            return Ok(Response::Empty);
        }
        if member && account.groups.len() >= MAX_GROUPS_OF_USER {
            let message = format!("A user can belong to at most {MAX_GROUPS_OF_USER} groups.");
            return Err(ApiError::invalid_parameter(message));
        }
        let account = self.directory.account_mut(id);
        account.modified = now;
        if member {
            account.groups.insert(name.clone());
        } else {
            account.groups.remove(name);
        }
        Ok(Response::Empty)
    }

    fn list_groups_of_user(&self, request: &ListGroupsForUser) -> Reply {
        let id = self.find_administered_user(&request.user_pool_id, &request.username)?;
        let after = request.next_token.as_deref();
        let names = self.directory.account(id).groups.iter();
        let rest = names.filter(|name| after.is_none_or(|after| name.as_str() > after));
        let described = rest.filter_map(|name| {
            let group = self.groups.by_name.get(name)?;
            Some((name.clone(), self.describe_group(group)))
        });
        let (groups, next_token) = page(described, request.limit);
        Ok(Response::Account(AccountResponse::Group(GroupResponse::Groups { groups, next_token })))
    }

    fn list_users_in_group(&self, request: &ListUsersInGroup) -> Reply {
        self.check_pool(&request.user_pool_id)?;
        self.groups.find(&request.group_name)?;
        let after = match request.next_token.as_deref().map(str::parse::<u64>) {
            None => None,
            Some(Ok(after)) => Some(after),
            Some(Err(_)) => return Err(ApiError::invalid_parameter("Invalid pagination token.")),
        };
        let members = self.directory.members(&request.group_name);
        let rest = members.filter(|(id, _)| after.is_none_or(|after| id.0 > after));
        let described = rest.map(|(id, account)| (id.0.to_string(), account.description()));
        let (users, next_token) = page(described, request.limit);
        Ok(Response::Account(AccountResponse::Group(GroupResponse::Users { users, next_token })))
    }

    fn group(&self, group: &GroupRecord) -> Response {
        Response::Account(AccountResponse::Group(GroupResponse::Group(self.describe_group(group))))
    }

    fn describe_group(&self, group: &GroupRecord) -> GroupDescription {
        let GroupRecord { name, description, role_arn, precedence, created, modified } = group.clone();
        let user_pool_id = self.identity.pool_id.as_str().to_owned();
        GroupDescription {
            group_name: name,
            user_pool_id,
            description,
            role_arn,
            precedence,
            created,
            modified,
        }
    }

    /// Restores the groups of these records into an empty pool. They do not count as changes.
    pub fn restore_groups(&mut self, records: Vec<GroupRecord>) {
        records.into_iter().for_each(|group| self.groups.restore(group));
    }
}
