//! Request quotas: the categories of an account, and the limits of each user and of each pool.

use std::time::Duration;

use poolproof::http::codec::{OPERATIONS, decode};
use poolproof_cognito::model;
use poolproof_cognito::policy::{QuotaCategory, Quotas, UserAccess};
use poolproof_cognito::protocol::Operation;
use poolproof_pool::quota_category;
use serde_json::{Value, json};

use crate::provider::{ProviderFixture, a_verifier};

/// Cognito's quotas without the limits of users, for tests of categories with few users.
pub(crate) const CATEGORIES: Quotas =
    Quotas { reads_per_user: None, writes_per_user: None, ..Quotas::COGNITO };

fn is_throttled(reply: &Result<Value, String>) -> bool {
    reply.as_ref().is_err_and(|error| error.starts_with("TooManyRequestsException"))
}

/// Returns how many of these requests in turn are admitted before one is throttled, at one instant.
pub(crate) fn admitted(fixture: &mut ProviderFixture, requests: &[(&str, Value)]) -> usize {
    let turns = requests.iter().cycle().take(1000);
    turns.take_while(|(operation, body)| !is_throttled(&fixture.ask(operation, body))).count()
}

/// Creates a pool, and waits until its creation no longer counts.
pub(crate) fn rested_pool(fixture: &mut ProviderFixture, name: &str) -> (String, String) {
    let pool = fixture.pool(name);
    fixture.now = fixture.now.plus(Duration::from_secs(1));
    pool
}

/// Developer guide, quotas: the categories of operations, per account over all pools.
#[test]
fn pools_of_an_account_share_the_categories() {
    let mut fixture = ProviderFixture::with_quotas(CATEGORIES);
    let pools = [rested_pool(&mut fixture, "one"), rested_pool(&mut fixture, "two")];
    let tokens = pools.each_ref().map(|(_, client)| fixture.sign_in(client).unwrap());
    let by_user = |operation, add: fn(&mut Value)| {
        pools.each_ref().map(|(pool, _)| {
            let mut body = json!({ "UserPoolId": pool, "Username": "ann" });
            add(&mut body);
            (operation, body)
        })
    };
    let by_token = |operation| {
        tokens.each_ref().map(|tokens| (operation, json!({ "AccessToken": tokens["AccessToken"] })))
    };
    let by_client = |operation, body: fn(&str, &Value) -> Value| {
        [0, 1].map(|at| (operation, body(&pools[at].1, &tokens[at]["RefreshToken"])))
    };
    let refresh = |client: &str, token: &Value| json!({ "ClientId": client, "RefreshToken": token });
    let revoke = |client: &str, token: &Value| json!({ "ClientId": client, "Token": token });
    let sign_up =
        |client: &str, _: &Value| json!({ "ClientId": client, "Username": "ann", "Password": "Permanent-1" });
    let new_password = |client: &str, _: &Value| {
        json!({
            "ClientId": client, "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "s".repeat(20),
            "ChallengeResponses": { "USERNAME": "ann", "NEW_PASSWORD": "Permanent-2" },
        })
    };
    let lists = pools.each_ref().map(|(pool, _)| ("ListUsers", json!({ "UserPoolId": pool })));
    for (requests, limit) in [
        (by_user("AdminGetUser", |_| {}), 120),
        (by_user("AdminListDevices", |_| {}), 50),
        (by_user("AdminConfirmSignUp", |_| {}), 50),
        (by_client("SignUp", sign_up), 50),
        (by_user("AdminSetUserPassword", |body| body["Password"] = json!("short")), 30),
        (by_client("RespondToAuthChallenge", new_password), 30),
        (by_user("AdminEnableUser", |_| {}), 25),
        (by_user("AdminSetUserMFAPreference", |_| {}), 25),
        (by_token("GetUser"), 120),
        (by_token("ListDevices"), 50),
        (by_client("GetTokensFromRefreshToken", refresh), 120),
        (lists, 30),
        (by_client("RevokeToken", revoke), 120),
        (by_token("GlobalSignOut"), 25),
    ] {
        fixture.now = fixture.now.plus(Duration::from_secs(1));
        assert_eq!(admitted(&mut fixture, &requests), limit, "{}", requests[0].0);
    }
    let mut unlimited = ProviderFixture::with_quotas(Quotas::NONE);
    let (pool, _) = unlimited.pool("p");
    let read = ("AdminGetUser", json!({ "UserPoolId": pool, "Username": "ann" }));
    assert_eq!(admitted(&mut unlimited, &[read]), 1000);
}

/// Developer guide, quotas: sign-ins by users and administrators and both forms of refresh share
/// UserAuthentication.
#[test]
fn sign_ins_and_refreshes_share_a_category() {
    let mut fixture = ProviderFixture::with_quotas(CATEGORIES);
    let (pool, client) = rested_pool(&mut fixture, "p");
    let start = |flow: &str, parameters: Value| json!({ "UserPoolId": pool, "ClientId": client, "AuthFlow": flow, "AuthParameters": parameters });
    let names = json!({ "USERNAME": "ann", "PASSWORD": "wrong" });
    let requests = [
        ("InitiateAuth", start("USER_PASSWORD_AUTH", names.clone())),
        ("AdminInitiateAuth", start("ADMIN_USER_PASSWORD_AUTH", names)),
        ("InitiateAuth", start("REFRESH_TOKEN_AUTH", json!({ "REFRESH_TOKEN": "none" }))),
        ("GetTokensFromRefreshToken", json!({ "ClientId": client, "RefreshToken": "none" })),
    ];
    assert_eq!(admitted(&mut fixture, &requests), 120);
}

/// Developer guide, quotas: 10 reads and 10 writes a second for each user.
#[test]
fn each_user_has_limits() {
    let mut fixture = ProviderFixture::with_quotas(Quotas::COGNITO);
    let (pool, client) = rested_pool(&mut fixture, "p");
    let tokens = fixture.sign_in(&client).unwrap();
    fixture.now = fixture.now.plus(Duration::from_secs(1));
    let of_user = |operation, user: &str| (operation, json!({ "UserPoolId": pool, "Username": user }));
    let wrong = |user: &str| json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": { "USERNAME": user, "PASSWORD": "x" } });
    let reads = [
        of_user("AdminGetUser", "ann"),
        ("GetUser", json!({ "AccessToken": tokens["AccessToken"] })),
        ("ListDevices", json!({ "AccessToken": tokens["AccessToken"] })),
        ("InitiateAuth", wrong("ann")),
        ("GetTokensFromRefreshToken", json!({ "ClientId": client, "RefreshToken": tokens["RefreshToken"] })),
    ];
    assert_eq!(admitted(&mut fixture, &reads), 10);
    let writes = [of_user("AdminEnableUser", "ann"), of_user("AdminSetUserMFAPreference", "ann")];
    assert_eq!(admitted(&mut fixture, &writes), 10, "writes have a limit of their own");
    // A name that does not exist is throttled as well: it does not show by its limit that it does not exist.
    assert_eq!(admitted(&mut fixture, &[("InitiateAuth", wrong("unknown"))]), 10);
    assert_eq!(admitted(&mut fixture, &[("InitiateAuth", wrong("also-unknown"))]), 10);
    fixture.now = fixture.now.plus(Duration::from_millis(300));
    assert_eq!(admitted(&mut fixture, &reads), 3);
}

/// Developer guide, quotas: operations on pools, their resources and clients; each operation on resources,
/// such as groups, and clients at most 5 a second for each pool. That tags are resources is our reading.
#[test]
fn pool_management_has_quotas() {
    let mut fixture = ProviderFixture::with_quotas(Quotas::COGNITO);
    let pools = [(); 4].map(|()| rested_pool(&mut fixture, "p"));
    let on = |operation, pools: &[(String, String)]| -> Vec<(&'static str, Value)> {
        let body = |(pool, client): &(String, String)| json!({ "UserPoolId": pool, "ClientId": client, "ClientName": "c", "MaxResults": 1, "PoolName": "p" });
        pools.iter().map(|pool| (operation, body(pool))).collect()
    };
    for (operation, of_one_pool, of_all) in [
        ("DescribeUserPool", 15, 15),
        ("ListUserPools", 15, 15),
        ("UpdateUserPool", 15, 15),
        ("GetUserPoolMfaConfig", 5, 20),
        ("DescribeRiskConfiguration", 5, 20),
        ("SetUserPoolMfaConfig", 5, 15),
        ("SetRiskConfiguration", 5, 15),
        ("DescribeUserPoolClient", 5, 15),
        ("ListUserPoolClients", 5, 15),
        ("UpdateUserPoolClient", 5, 15),
        ("CreateUserPoolClient", 5, 15),
    ] {
        for (pools, limit) in [(&pools[..1], of_one_pool), (&pools[..], of_all)] {
            fixture.now = fixture.now.plus(Duration::from_secs(1));
            assert_eq!(admitted(&mut fixture, &on(operation, pools)), limit, "{operation}");
        }
    }
    fixture.now = fixture.now.plus(Duration::from_secs(1));
    let arn =
        |(pool, _): &(String, String)| format!("arn:aws:cognito-idp:eu-west-1:000000000000:userpool/{pool}");
    let of_groups = |operation: &'static str, pools: &[(String, String)]| -> Vec<(&'static str, Value)> {
        let body = |pool: &(String, String)| json!({ "UserPoolId": pool.0, "GroupName": "g", "ResourceArn": arn(pool), "Tags": {}, "TagKeys": [] });
        pools.iter().map(|pool| (operation, body(pool))).collect()
    };
    for (operation, of_all) in [
        ("CreateGroup", 15),
        ("UpdateGroup", 15),
        ("DeleteGroup", 15),
        ("GetGroup", 20),
        ("ListGroups", 20),
        ("TagResource", 15),
        ("UntagResource", 15),
        ("ListTagsForResource", 20),
    ] {
        for (pools, limit) in [(&pools[..1], 5), (&pools[..], of_all)] {
            fixture.now = fixture.now.plus(Duration::from_secs(1));
            assert_eq!(admitted(&mut fixture, &of_groups(operation, pools)), limit, "{operation}");
        }
    }
    fixture.now = fixture.now.plus(Duration::from_secs(1));
    let both =
        [on("GetUserPoolMfaConfig", &pools[..1]), on("DescribeRiskConfiguration", &pools[..1])].concat();
    assert_eq!(admitted(&mut fixture, &both), 10, "each operation has a limit of its own");
}

/// Returns a request that has what every operation requires.
fn any_request(operation: &str) -> Operation {
    let verifier = json!({ "PasswordVerifier": a_verifier(), "Salt": "AAEC" });
    let body = json!({
        "UserPoolId": "r_A", "ClientId": "c", "ClientName": "c", "PoolName": "p", "Username": "ann",
        "AccessToken": "a", "RefreshToken": "r", "Token": "r", "DeviceKey": "r_00000000-0000-4000-8000-000000000000",
        "DeviceSecretVerifierConfig": verifier, "DeviceRememberedStatus": "remembered", "AuthFlow": "USER_SRP_AUTH",
        "ChallengeName": "SMS_MFA", "Password": "Permanent-1", "PreviousPassword": "Permanent-1",
        "ProposedPassword": "Permanent-2", "ConfirmationCode": "123456", "UserCode": "123456", "Code": "123456",
        "AttributeName": "email", "UserAttributes": [], "UserAttributeNames": [], "EventId": "e",
        "FeedbackValue": "Valid", "GroupName": "g", "MaxResults": 1, "Tags": {}, "TagKeys": [],
        "ResourceArn": "arn:aws:cognito-idp:us-east-1:000000000000:userpool/r_A",
    });
    let members = model::known_members(operation, body.as_object().unwrap());
    decode(operation, Value::Object(members).to_string().as_bytes())
        .unwrap_or_else(|error| panic!("{operation}: {error}"))
}

/// Returns the row of a category in docs/scenarios.md.
fn row(category: QuotaCategory) -> String {
    let raised = if category.is_adjustable() { "yes" } else { "no" };
    let user = match category.user_access() {
        UserAccess::Read => "reads",
        UserAccess::Write => "writes",
        UserAccess::None => "–",
    };
    let counted = OPERATIONS.iter().filter(|operation| quota_category(&any_request(operation)) == category);
    let mut operations: Vec<&str> = counted.copied().collect();
    operations.sort_unstable();
    let more = match category {
        QuotaCategory::UserAuthentication => "; answers to challenges only above 360/s",
        QuotaCategory::UserAccountRecovery => ", answers to NEW_PASSWORD_REQUIRED",
        _ => "",
    };
    let limit = category.default_limit();
    format!("| `{category}` | {limit}/s | {raised} | {}{more} | {user} |", operations.join(", "))
}

/// With `POOLPROOF_BLESS=1` the page is written again.
#[test]
fn the_page_lists_every_category_with_its_operations() {
    let path = crate::run_fixture::root().join("docs/scenarios.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let row_of = |line: &str| {
        let category = QuotaCategory::ALL.iter().find(|one| line.starts_with(&format!("| `{one}` |")));
        category.map_or_else(|| line.to_owned(), |category| row(*category))
    };
    let expected: String = page.lines().map(|line| row_of(line) + "\n").collect();
    for category in QuotaCategory::ALL {
        assert!(expected.contains(&row(*category)), "docs/scenarios.md has no row for {category}");
    }
    if std::env::var_os("POOLPROOF_BLESS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        expected,
        "write the page again with POOLPROOF_BLESS=1"
    );
}
