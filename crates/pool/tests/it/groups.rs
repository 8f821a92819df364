//! Groups: their life, their users and their limits.

use poolproof_cognito::policy::PoolPolicy;
use poolproof_cognito::protocol::{
    AccountRequest, AccountResponse, AdminUserCall, GroupCall, GroupDescription, GroupRequest, GroupResponse,
    GroupSpec, GroupUserCall, ListGroups, ListGroupsForUser, ListUsersInGroup, Reply, Response,
};

use crate::accounts::ask;
use crate::fixture::{POOL, PoolFixture, refusal};

const NOT_FOUND: &str = "ResourceNotFoundException: Group not found.";

fn request(fixture: &mut PoolFixture, request: GroupRequest) -> Reply {
    ask(fixture, AccountRequest::Group(request))
}

fn spec(name: &str) -> GroupSpec {
    GroupSpec { user_pool_id: POOL.to_owned(), group_name: name.to_owned(), ..GroupSpec::default() }
}

fn call(name: &str) -> GroupCall {
    GroupCall { user_pool_id: POOL.to_owned(), group_name: name.to_owned() }
}

fn membership(user: &str, group: &str) -> GroupUserCall {
    GroupUserCall { user_pool_id: POOL.to_owned(), username: user.to_owned(), group_name: group.to_owned() }
}

fn described(reply: Reply) -> GroupDescription {
    match reply {
        Ok(Response::Account(AccountResponse::Group(GroupResponse::Group(group)))) => group,
        other => panic!("{other:?}"),
    }
}

/// The names on a page, and the token of the next one.
fn listed(reply: Reply) -> (String, Option<String>) {
    match reply {
        Ok(Response::Account(AccountResponse::Group(GroupResponse::Groups { groups, next_token }))) => {
            (groups.iter().map(|group| group.group_name.as_str()).collect::<Vec<_>>().join(" "), next_token)
        }
        Ok(Response::Account(AccountResponse::Group(GroupResponse::Users { users, next_token }))) => {
            (users.iter().map(|user| user.username.as_str()).collect::<Vec<_>>().join(" "), next_token)
        }
        other => panic!("{other:?}"),
    }
}

fn groups(fixture: &mut PoolFixture, limit: u32, token: Option<&str>) -> (String, Option<String>) {
    let (limit, next_token) = (Some(limit), token.map(str::to_owned));
    let list = ListGroups { user_pool_id: POOL.to_owned(), limit, next_token };
    listed(request(fixture, GroupRequest::ListGroups(list)))
}

fn groups_of(fixture: &mut PoolFixture, user: &str) -> (String, Option<String>) {
    let (user_pool_id, username) = (POOL.to_owned(), user.to_owned());
    let list = ListGroupsForUser { user_pool_id, username, ..ListGroupsForUser::default() };
    listed(request(fixture, GroupRequest::AdminListGroupsForUser(list)))
}

fn users_in(fixture: &mut PoolFixture, group: &str, limit: u32, token: Option<&str>) -> Reply {
    let (limit, next_token) = (Some(limit), token.map(str::to_owned));
    let list =
        ListUsersInGroup { user_pool_id: POOL.to_owned(), group_name: group.to_owned(), limit, next_token };
    request(fixture, GroupRequest::ListUsersInGroup(list))
}

fn of_users() -> PoolFixture {
    let mut fixture = PoolFixture::new(PoolPolicy::DEFAULT);
    for name in ["ann", "bob", "cyd"] {
        fixture.add(name, |_| {});
    }
    fixture
}

#[test]
fn a_group_is_created_changed_and_deleted() {
    let mut fixture = of_users();
    let spec = || GroupSpec { description: Some("d".to_owned()), precedence: Some(3), ..spec("staff") };
    let made = described(request(&mut fixture, GroupRequest::CreateGroup(spec())));
    assert_eq!((made.user_pool_id.as_str(), made.precedence), (POOL, Some(3)));
    assert_eq!(
        refusal(request(&mut fixture, GroupRequest::CreateGroup(spec()))),
        "GroupExistsException: A group with the name already exists."
    );
    fixture.advance_clock(5);
    let change = GroupSpec { description: Some("new".to_owned()), precedence: None, ..spec() };
    let changed = described(request(&mut fixture, GroupRequest::UpdateGroup(change)));
    assert_eq!((changed.description.as_deref(), changed.precedence), (Some("new"), Some(3)));
    assert!(changed.modified > changed.created && changed.created == made.created);
    assert_eq!(described(request(&mut fixture, GroupRequest::GetGroup(call("staff")))), changed);
    request(&mut fixture, GroupRequest::AdminAddUserToGroup(membership("ann", "staff"))).unwrap();
    assert_eq!(request(&mut fixture, GroupRequest::DeleteGroup(call("staff"))), Ok(Response::Empty));
    assert_eq!(groups_of(&mut fixture, "ann"), (String::new(), None));
    // A later group of this name has no users.
    described(request(&mut fixture, GroupRequest::CreateGroup(spec())));
    assert_eq!(listed(users_in(&mut fixture, "staff", 0, None)), (String::new(), None));
    for refused in [
        GroupRequest::GetGroup(call("none")),
        GroupRequest::UpdateGroup(self::spec("none")),
        GroupRequest::DeleteGroup(call("none")),
        GroupRequest::AdminAddUserToGroup(membership("ann", "none")),
        GroupRequest::AdminRemoveUserFromGroup(membership("ann", "none")),
    ] {
        assert_eq!(refusal(request(&mut fixture, refused)), NOT_FOUND);
    }
    assert_eq!(refusal(users_in(&mut fixture, "none", 0, None)), NOT_FOUND);
    let unknown = GroupRequest::AdminAddUserToGroup(membership("unknown", "staff"));
    assert_eq!(refusal(request(&mut fixture, unknown)), "UserNotFoundException: User does not exist.");
}

#[test]
fn groups_and_their_users_are_paged() {
    let mut fixture = of_users();
    for name in ["c", "a", "b"] {
        described(request(&mut fixture, GroupRequest::CreateGroup(spec(name))));
    }
    let (first, token) = groups(&mut fixture, 2, None);
    assert_eq!(first, "a b");
    assert_eq!(groups(&mut fixture, 2, token.as_deref()), ("c".to_owned(), None));
    assert_eq!(groups(&mut fixture, 3, None), ("a b c".to_owned(), None), "a full page may be the last");
    for user in ["cyd", "ann", "bob"] {
        request(&mut fixture, GroupRequest::AdminAddUserToGroup(membership(user, "a"))).unwrap();
    }
    let (first, token) = listed(users_in(&mut fixture, "a", 2, None));
    assert_eq!(first, "ann bob");
    assert_eq!(listed(users_in(&mut fixture, "a", 0, token.as_deref())), ("cyd".to_owned(), None));
    let refused = refusal(users_in(&mut fixture, "a", 0, Some("x")));
    assert_eq!(refused, "InvalidParameterException: Invalid pagination token.");
    request(&mut fixture, GroupRequest::AdminAddUserToGroup(membership("bob", "c"))).unwrap();
    assert_eq!(groups_of(&mut fixture, "bob"), ("a c".to_owned(), None));
    let remove = || GroupRequest::AdminRemoveUserFromGroup(membership("bob", "a"));
    assert_eq!(request(&mut fixture, remove()), Ok(Response::Empty));
    assert_eq!(request(&mut fixture, remove()), Ok(Response::Empty), "nothing to remove");
    assert_eq!(groups_of(&mut fixture, "bob"), ("c".to_owned(), None));
    // A user who is deleted belongs to no group, and neither does the next one of this name.
    let user = AdminUserCall { user_pool_id: POOL.to_owned(), username: "ann".to_owned() };
    ask(&mut fixture, AccountRequest::AdminDeleteUser(user)).unwrap();
    assert_eq!(listed(users_in(&mut fixture, "a", 0, None)), ("cyd".to_owned(), None));
}

#[test]
fn a_user_belongs_to_at_most_100_groups_and_a_pool_has_at_most_10000() {
    // Quotas page.
    let mut fixture = of_users();
    for n in 0..10_000 {
        described(request(&mut fixture, GroupRequest::CreateGroup(spec(&format!("g{n}")))));
    }
    let limit = "LimitExceededException: You have exceeded your group limit";
    assert_eq!(refusal(request(&mut fixture, GroupRequest::CreateGroup(spec("more")))), limit);
    let join = |n: u32| GroupRequest::AdminAddUserToGroup(membership("ann", &format!("g{n}")));
    for n in 0..100 {
        request(&mut fixture, join(n)).unwrap();
    }
    assert_eq!(request(&mut fixture, join(99)), Ok(Response::Empty), "a member already");
    assert!(refusal(request(&mut fixture, join(100))).starts_with("InvalidParameterException"));
    let counts = fixture.harness.pool.entry_counts();
    assert_eq!((counts.groups, counts.memberships), (10_000, 100));
}
