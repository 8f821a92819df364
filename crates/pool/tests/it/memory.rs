//! The memory budget: the longest values of every kept field, and what is dropped or refused.

use std::time::Duration;

use poolproof_cognito::ids::PoolId;
use poolproof_cognito::policy::{Quotas, Switches};
use poolproof_cognito::protocol::{
    AccountRequest, AccountResponse, ApiError, AuthOutcome, ErrorKind, GroupRequest, ManagementRequest,
    ManagementResponse, Operation, OperationResponse, Origin, ProfileRequest, Request, Response,
};
use poolproof_cognito::seed::Seed;
use poolproof_cognito::time::Timestamp;
use poolproof_cognito::totp::{TotpSecret, step_at};
use poolproof_cognito::wire::from_value;
use poolproof_pool::provider::{
    AccountLimits, Issuer, MemoryStatus, Provider, ProviderConfig, Step, Tokens, to_operation_response,
};
use poolproof_srp::Group;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::fixture::a_verifier;

/// The constraints of the API model.
const CONSTRAINTS: &str = include_str!("../../../cognito/src/model/constraints.txt");
/// The longest value of a text without a limit: the limit of a request, less the other fields.
const UNLIMITED: usize = 120_000;
const BUDGET: usize = 2_000_000;
const PASSWORD: &str = "Permanent-1";

/// Returns the longest value of a type of the API model, of characters of four bytes.
fn longest(type_name: &str) -> String {
    let definition = CONSTRAINTS.lines().find_map(|line| {
        let (kind, rest) = line.split_once(' ')?;
        let (name, definition) = rest.split_once(' ')?;
        (matches!(kind, "text" | "secret") && name == type_name).then_some(definition)
    });
    let definition = definition.unwrap_or_else(|| panic!("the API model has no {type_name}"));
    let most = definition.split(' ').find_map(|word| word.split_once("..")?.1.parse().ok());
    "𝔘".repeat(most.unwrap_or(UNLIMITED / 4))
}

/// Returns the longest value of this type that ends with a number.
fn numbered(type_name: &str, number: usize) -> String {
    let number = number.to_string();
    let kept = longest(type_name).chars().count() - number.len();
    longest(type_name).chars().take(kept).collect::<String>() + &number
}

/// Returns as many of the longest attributes as fit into a request.
fn attributes() -> Vec<Value> {
    let attribute = |number: usize| {
        // The pool limits names and values in bytes.
        let value = longest("AttributeValue").len() / 4;
        json!({ "Name": format!("custom:{number:025}"), "Value": "v".repeat(value) })
    };
    (0..UNLIMITED / 2200).map(attribute).collect()
}

fn ann() -> Value {
    json!({ "USERNAME": "ann", "PASSWORD": PASSWORD })
}

struct ProviderFixture {
    provider: Provider,
    now: Timestamp,
    pool: String,
    client: String,
}

fn read<T: DeserializeOwned>(body: &Value) -> T {
    from_value(body, 400).unwrap()
}

impl ProviderFixture {
    /// Returns an account with this budget, a pool that tracks devices, and the user `ann`.
    fn new(memory: usize) -> Self {
        let config = ProviderConfig {
            region: "eu-west-1".to_owned(),
            issuer: Issuer::Aws,
            tokens: Tokens::Opaque,
            group: Group::toy(),
            limits: AccountLimits { memory, ..AccountLimits::DEFAULT },
            switches: Switches::DEFAULT,
            quotas: Quotas::NONE,
        };
        let provider = Provider::new(config, Seed::new(5).rng("provider", 0));
        let (pool, client) = (String::new(), String::new());
        let mut fixture = Self { provider, now: Timestamp::VIRTUAL_START, pool, client };
        let devices = json!({ "ChallengeRequiredOnNewDevice": true });
        let created = fixture
            .manage(ManagementRequest::CreateUserPool(read(
                &json!({ "PoolName": "p", "DeviceConfiguration": devices,
                    "UserPoolTier": "PLUS", "UserPoolAddOns": { "AdvancedSecurityMode": "AUDIT" } }),
            )))
            .unwrap();
        let ManagementResponse::Pool(pool) = created else { panic!("{created:?}") };
        // The longest names are in no schema that the API accepts.
        let id = PoolId::new(&pool.id);
        fixture.provider.pool_mut(&id).unwrap().set_schema(None);
        fixture.pool = pool.id;
        let flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_USER_AUTH"];
        let client = json!({ "UserPoolId": fixture.pool, "ClientName": "c", "ExplicitAuthFlows": flows,
            "PreventUserExistenceErrors": "ENABLED" });
        let created = fixture.manage(ManagementRequest::CreateUserPoolClient(read(&client))).unwrap();
        let ManagementResponse::Client(client) = created else { panic!("{created:?}") };
        fixture.client = client.client_id;
        fixture.create_user("ann").unwrap();
        let password = json!({ "UserPoolId": fixture.pool, "Username": "ann", "Password": PASSWORD,
            "Permanent": true });
        fixture.account(AccountRequest::AdminSetUserPassword(read(&password))).unwrap();
        fixture
    }

    fn ask(&mut self, operation: Operation) -> Result<OperationResponse, ApiError> {
        let mut handled = self.provider.handle(self.now, Origin::default(), operation);
        let answer = loop {
            handled = match handled.step {
                Step::Reply(answer) => break answer,
                Step::Sign(signing) => break to_operation_response(signing.run()),
                Step::Compute(job, pending) => self.provider.resume(self.now, pending, job.run()),
                Step::Trigger(call, _) => panic!("{call:?}"),
            };
        };
        let status = self.status();
        assert!(status.used.total() <= status.budget, "{status:?}");
        assert_eq!(status.used, self.provider.recounted_memory_use());
        answer
    }

    fn reply(&mut self, operation: Operation) -> Result<Response, ApiError> {
        self.ask(operation).map(|answer| match answer {
            OperationResponse::Pool(response) => response,
            other => panic!("{other:?}"),
        })
    }

    fn account(&mut self, request: AccountRequest) -> Result<Response, ApiError> {
        self.reply(Operation::Account(request))
    }

    fn manage(&mut self, request: ManagementRequest) -> Result<ManagementResponse, ApiError> {
        self.ask(Operation::Management(request)).map(|answer| match answer {
            OperationResponse::Management(response) => response,
            other => panic!("{other:?}"),
        })
    }

    fn status(&mut self) -> MemoryStatus {
        self.provider.memory_status()
    }

    fn create_user(&mut self, name: &str) -> Result<Response, ApiError> {
        let user = json!({ "UserPoolId": self.pool, "Username": name, "MessageAction": "SUPPRESS" });
        self.account(AccountRequest::AdminCreateUser(read(&user)))
    }

    fn create_pool(&mut self, name: &str) -> String {
        let pool = ManagementRequest::CreateUserPool(read(&json!({ "PoolName": name })));
        match self.manage(pool).unwrap() {
            ManagementResponse::Pool(pool) => pool.id,
            other => panic!("{other:?}"),
        }
    }

    /// Returns another pool and its client.
    fn create_other_pool(&mut self) -> (String, String) {
        let pool = self.create_pool("other");
        let client = json!({ "UserPoolId": pool, "ClientName": "c",
            "ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_USER_SRP_AUTH"],
            "PreventUserExistenceErrors": "ENABLED" });
        match self.manage(ManagementRequest::CreateUserPoolClient(read(&client))).unwrap() {
            ManagementResponse::Client(client) => (pool, client.client_id),
            other => panic!("{other:?}"),
        }
    }

    /// Gives a pool as many of the longest tags as it can have.
    fn tag(&mut self, pool: &str) -> Result<(), ApiError> {
        let tags: serde_json::Map<_, _> =
            (0..50).map(|n| (numbered("TagKeys", n), longest("TagValue").into())).collect();
        let arn = format!("arn:aws:cognito-idp:eu-west-1:000000000000:userpool/{pool}");
        let tag = ManagementRequest::TagResource(read(&json!({ "ResourceArn": arn, "Tags": tags })));
        self.manage(tag).map(drop)
    }

    fn initiate(&mut self, flow: &str, parameters: &Value) -> Result<AuthOutcome, ApiError> {
        let body = json!({ "ClientId": self.client, "AuthFlow": flow, "AuthParameters": parameters });
        match self.reply(Operation::Pool(Request::InitiateAuth(read(&body))))? {
            Response::Auth(outcome) => Ok(outcome),
            other => panic!("{other:?}"),
        }
    }

    /// Starts a sign-in of an unknown user and returns the session.
    fn begin_choice(&mut self, name: &str, device_key: &str) -> String {
        let parameters = json!({ "USERNAME": name, "DEVICE_KEY": device_key });
        match self.initiate("USER_AUTH", &parameters).unwrap() {
            AuthOutcome::Challenge(challenge) => challenge.session.unwrap().as_str().to_owned(),
            other @ AuthOutcome::Tokens(_) => panic!("{other:?}"),
        }
    }

    fn choose(&mut self, session: &str, name: &str) -> Result<Response, ApiError> {
        let answers = json!({ "USERNAME": name, "ANSWER": "PASSWORD_SRP" });
        let body = json!({ "ClientId": self.client, "ChallengeName": "SELECT_CHALLENGE", "Session": session,
            "ChallengeResponses": answers });
        self.reply(Operation::Pool(Request::RespondToAuthChallenge(read(&body))))
    }

    /// Sends the longest values that clients without an account can send.
    fn send_as_stranger(&mut self, number: usize) {
        let device_key = "k".repeat(UNLIMITED);
        // The pool keeps less of a key than clients can send.
        let name = numbered("Username", number);
        let srp = json!({ "USERNAME": name, "DEVICE_KEY": device_key, "SRP_A": "abcdef" });
        self.initiate("USER_SRP_AUTH", &srp).unwrap();
        let session = self.begin_choice(&name, &device_key);
        self.choose(&session, &name).unwrap();
        let named = json!({ "ClientId": self.client, "Username": name });
        let forgot = ProfileRequest::ForgotPassword(read(&named));
        self.account(AccountRequest::Profile(forgot)).unwrap();
        let resend = ProfileRequest::ResendConfirmationCode(read(&named));
        self.account(AccountRequest::Profile(resend)).unwrap();
    }

    fn sign_up(&mut self, number: usize) -> Result<Response, ApiError> {
        let body = json!({ "ClientId": self.client, "Username": numbered("Username", number),
            "Password": format!("Aa1!{}", "p".repeat(252)), "UserAttributes": attributes() });
        self.account(AccountRequest::SignUp(read(&body)))
    }

    /// Sends the longest values that a user can send.
    fn send_as_user(&mut self) -> Vec<Result<Response, ApiError>> {
        let tokens = match self.initiate("USER_PASSWORD_AUTH", &ann()).unwrap() {
            AuthOutcome::Tokens(tokens) => tokens,
            other @ AuthOutcome::Challenge(_) => panic!("{other:?}"),
        };
        let token = tokens.access_token.as_str();
        let mut replies = Vec::new();
        let config = json!({ "PasswordVerifier": a_verifier(), "Salt": "A".repeat(84) });
        let key = tokens.new_device.unwrap().device_key;
        let device = json!({ "AccessToken": token, "DeviceKey": key.as_str(),
            "DeviceName": longest("DeviceName"), "DeviceSecretVerifierConfig": config });
        replies.push(self.reply(Operation::Pool(Request::ConfirmDevice(read(&device)))));
        let app = AccountRequest::AssociateSoftwareToken(read(&json!({ "AccessToken": token })));
        let Response::Account(AccountResponse::SecretCode(secret)) = self.account(app).unwrap() else {
            panic!("no secret")
        };
        let code = TotpSecret::from_base32(&secret).unwrap().code(step_at(self.now));
        let body = json!({ "AccessToken": token, "UserCode": code,
            "FriendlyDeviceName": "f".repeat(UNLIMITED) });
        replies.push(self.account(AccountRequest::VerifySoftwareToken(read(&body))));
        let body = json!({ "AccessToken": token, "UserAttributes": attributes() });
        let update = ProfileRequest::UpdateUserAttributes(read(&body));
        replies.push(self.account(AccountRequest::Profile(update)));
        replies
    }

    /// Sends the longest values that an administrator can send.
    fn send_as_administrator(&mut self, number: usize) -> Vec<Result<(), ApiError>> {
        let group = numbered("GroupName", number);
        let body = json!({ "UserPoolId": self.pool, "GroupName": group, "Description": longest("Description"),
            "RoleArn": longest("Arn") });
        let create = AccountRequest::Group(GroupRequest::CreateGroup(read(&body)));
        let mut replies = vec![self.account(create).map(drop)];
        let body = json!({ "UserPoolId": self.pool, "Username": "ann", "GroupName": group });
        let add = AccountRequest::Group(GroupRequest::AdminAddUserToGroup(read(&body)));
        replies.push(self.account(add).map(drop));
        let pool = json!({ "PoolName": longest("UserPoolName") });
        replies.push(self.manage(ManagementRequest::CreateUserPool(read(&pool))).map(drop));
        let client = json!({ "UserPoolId": self.pool, "ClientName": longest("ClientName") });
        replies.push(self.manage(ManagementRequest::CreateUserPoolClient(read(&client))).map(drop));
        let ranges: Vec<String> =
            (0..200).map(|n| format!("2001:db8:1111:2222:3333:4444:{n:x}:0/112")).collect();
        let list = json!({ "BlockedIPRangeList": ranges, "SkippedIPRangeList": ranges });
        let risk = json!({ "UserPoolId": self.pool, "RiskExceptionConfiguration": list });
        replies.push(self.manage(ManagementRequest::SetRiskConfiguration(read(&risk))).map(drop));
        let pool = self.pool.clone();
        replies.push(self.tag(&pool));
        replies
    }
}

#[test]
fn the_longest_values_of_kept_fields_stay_within_the_budget() {
    let mut fixture = ProviderFixture::new(BUDGET);
    let (mut accepted, mut refused) = (0, Vec::new());
    for number in 0..60 {
        (0..10).for_each(|more| fixture.send_as_stranger(10 * number + more));
        let mut replies = vec![fixture.sign_up(number).map(drop)];
        // Each sign-in replaces the values of the one before.
        replies.extend(fixture.send_as_user().into_iter().map(|reply| reply.map(drop)));
        replies.extend(fixture.send_as_administrator(number));
        accepted += replies.iter().filter(|reply| reply.is_ok()).count();
        refused.extend(replies.into_iter().filter_map(Result::err));
        fixture.now = fixture.now.plus(Duration::from_secs(1));
    }
    let status = fixture.status();
    println!("{accepted} accepted, {} refused, {status:?}", refused.len());
    assert!(accepted > 30 && status.dropped > 100, "{accepted} accepted, {status:?}");
    let message = |limit| {
        format!(
            "You have exceeded the memory budget: users, pools and app clients can use {limit} of 2000000 bytes \
             (--memory)."
        )
    };
    let messages = [message(1_250_000), message(1_500_000)];
    let budget =
        |error: &&ApiError| error.kind == ErrorKind::LimitExceeded && messages.contains(&error.message);
    let by_budget = refused.iter().filter(budget).count();
    assert!(by_budget > 100 && status.refused == by_budget as u64, "{by_budget}, {status:?}");
    let other = refused.iter().find(|error| !budget(error));
    assert!(other.is_none_or(|error| error.kind == ErrorKind::ResourceNotFound), "{other:?}");
    // A refused user does not exist, and deleting another one makes room.
    let pool = fixture.pool.clone();
    let user = |number: usize| json!({ "UserPoolId": pool, "Username": numbered("Username", number) });
    let last = fixture.account(AccountRequest::AdminGetUser(read(&user(59)))).unwrap_err();
    assert_eq!(last.kind, ErrorKind::UserNotFound);
    assert!(fixture.sign_up(59).is_err());
    for number in 0..5 {
        fixture.account(AccountRequest::AdminDeleteUser(read(&user(number)))).ok();
    }
    fixture.sign_up(59).unwrap();
}

#[test]
fn the_oldest_sign_ins_are_dropped_first() {
    let mut fixture = ProviderFixture::new(BUDGET);
    let device_key = "k".repeat(UNLIMITED);
    let mut sessions = Vec::new();
    for number in 0..5000 {
        let name = format!("unknown-{number}");
        sessions.push((fixture.begin_choice(&name, &device_key), name));
        // A sign-in that has just begun goes on, whatever was sent before.
        if number % 1000 == 999 {
            let (session, name) = sessions.last().unwrap().clone();
            fixture.choose(&session, &name).unwrap();
        }
    }
    let open = |fixture: &mut ProviderFixture, at: usize| {
        let (session, name): &(String, String) = &sessions[at];
        fixture.choose(session, name).is_ok()
    };
    let status = fixture.status();
    assert!(status.dropped > 100, "{status:?}");
    assert!(!open(&mut fixture, 0) && !open(&mut fixture, 1000));
    assert!(open(&mut fixture, 4998) && open(&mut fixture, 4900));
    // Entries that have expired are not dropped but removed.
    let dropped = fixture.status().dropped;
    fixture.now = fixture.now.plus(Duration::from_secs(3600));
    fixture.begin_choice("late", &device_key);
    assert_eq!(fixture.status().dropped, dropped);
    assert!(fixture.status().used.sign_ins < BUDGET / 16, "{:?}", fixture.status());
}

/// Users that were admitted before their passwords were computed are checked again afterwards.
#[test]
fn parallel_sign_ups_do_not_exceed_the_budget() {
    let mut fixture = ProviderFixture::new(BUDGET);
    let jobs: Vec<_> = (0..100)
        .map(|number| {
            let body = json!({ "ClientId": fixture.client, "Username": numbered("Username", number),
                "Password": "Permanent-1", "UserAttributes": attributes() });
            let sign_up = Operation::Account(AccountRequest::SignUp(read(&body)));
            match fixture.provider.handle(fixture.now, Origin::default(), sign_up).step {
                Step::Compute(job, pending) => (job, pending),
                step => panic!("{step:?}"),
            }
        })
        .collect();
    let (mut created, mut refused) = (0, 0);
    for (job, pending) in jobs {
        match fixture.provider.resume(fixture.now, pending, job.run()).step {
            Step::Reply(Ok(_)) => created += 1,
            Step::Reply(Err(error)) if error.kind == ErrorKind::LimitExceeded => refused += 1,
            step => panic!("{step:?}"),
        }
        let status = fixture.status();
        assert!(status.used.accounts <= BUDGET / 8 * 5, "{status:?}");
    }
    assert!(created > 5 && refused > 20, "{created} created, {refused} refused");
}

/// Strangers who sign up leave room for the administrator, who closes the pool to them. What administrators
/// add leaves room for settings.
#[test]
fn an_administrator_can_close_a_pool_that_strangers_have_filled() {
    let mut fixture = ProviderFixture::new(BUDGET);
    let pools: Vec<_> = (0..8).map(|number| fixture.create_pool(&format!("pool-{number}"))).collect();
    let refused = (0..100).find_map(|number| fixture.sign_up(number).err()).unwrap();
    assert!(refused.message.ends_with("can use 1250000 of 2000000 bytes (--memory)."), "{refused}");
    let token = match fixture.initiate("USER_PASSWORD_AUTH", &ann()).unwrap() {
        AuthOutcome::Tokens(tokens) => tokens.access_token,
        other @ AuthOutcome::Challenge(_) => panic!("{other:?}"),
    };
    let body = json!({ "AccessToken": token.as_str(), "UserAttributes": [] });
    let update = ProfileRequest::UpdateUserAttributes(read(&body));
    assert_eq!(fixture.account(AccountRequest::Profile(update)).unwrap_err(), refused);
    let (pool, client) = (fixture.pool.clone(), fixture.client.clone());
    let body = json!({ "UserPoolId": pool, "Username": numbered("Username", 0),
        "UserAttributes": [{ "Name": "custom:0000000000000000000000000", "Value": "y" }] });
    let update = ProfileRequest::AdminUpdateUserAttributes(read(&body));
    fixture.account(AccountRequest::Profile(update)).unwrap();
    let created = (0..2000).map_while(|number| fixture.create_user(&format!("bob-{number}")).ok()).count();
    let refused = fixture.create_user("last").unwrap_err();
    assert!(refused.message.ends_with("can use 1500000 of 2000000 bytes (--memory)."), "{refused}");
    assert!((10..2000).contains(&created), "{created}");
    let body = json!({ "UserPoolId": pool, "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": true } });
    fixture.manage(ManagementRequest::UpdateUserPool(read(&body))).unwrap();
    let body = json!({ "UserPoolId": pool, "ClientId": client, "ClientName": "closed",
        "ExplicitAuthFlows": ["ALLOW_USER_AUTH"] });
    fixture.manage(ManagementRequest::UpdateUserPoolClient(read(&body))).unwrap();
    // The account is full, but the setting is the reason that counts.
    assert_eq!(fixture.sign_up(0).unwrap_err().message, "SignUp is not permitted for this user pool");
    for number in 0..10 {
        let name = json!({ "UserPoolId": pool, "Username": numbered("Username", number) });
        fixture.account(AccountRequest::AdminDeleteUser(read(&name))).ok();
    }
    assert_eq!(fixture.sign_up(0).unwrap_err().message, "SignUp is not permitted for this user pool");
    // Settings and sign-ins are refused at the whole budget, and the message has what is used.
    let is_created = |number: &usize| fixture.create_user(&format!("carl-{number}")).is_ok();
    assert!((0..5000).take_while(is_created).count() > 100);
    let refused = pools.iter().find_map(|pool| fixture.tag(pool).err()).unwrap();
    let used = fixture.status().used.accounts;
    assert!(refused.message.ends_with(&format!(" use {used} of 2000000 bytes (--memory).")), "{refused}");
    assert_eq!(fixture.initiate("USER_AUTH", &ann()).unwrap_err(), refused);
    // A deleted pool makes room.
    for pool in &pools {
        let body = json!({ "UserPoolId": pool });
        fixture.manage(ManagementRequest::DeleteUserPool(read(&body))).unwrap();
    }
    fixture.initiate("USER_AUTH", &ann()).unwrap();
}

/// The running total equals the sum of all pools, also after changes outside of requests.
#[test]
fn the_total_of_several_pools_is_their_sum() {
    let mut fixture = ProviderFixture::new(BUDGET);
    let (first_pool, first_client) = (fixture.pool.clone(), fixture.client.clone());
    let others = [0; 3].map(|_| fixture.create_other_pool());
    for round in 0..100 {
        for (pool, client) in &others {
            (fixture.pool, fixture.client) = (pool.clone(), client.clone());
            fixture.send_as_stranger(round);
            fixture.create_user(&format!("user-{round}")).ok();
            let pool_id = PoolId::new(pool);
            fixture.provider.take_deliveries(&pool_id);
            fixture.provider.take_changes(Some(&pool_id));
            assert_eq!(fixture.status().used, fixture.provider.recounted_memory_use());
        }
    }
    assert!(fixture.status().dropped > 0);
    let name = poolproof_cognito::ids::Username::new("user-0");
    let pool = fixture.provider.pool_mut(&PoolId::new(&others[0].0)).unwrap();
    assert!(pool.set_disabled(&name, true));
    assert_eq!(fixture.status().used, fixture.provider.recounted_memory_use());
    fixture.manage(ManagementRequest::DeleteUserPool(read(&json!({ "UserPoolId": others[1].0 })))).unwrap();
    (fixture.pool, fixture.client) = (first_pool, first_client);
    fixture.now = fixture.now.plus(Duration::from_secs(3600));
    fixture.send_as_stranger(0);
}

/// Expired entries of all pools make room, so that none in progress is dropped.
#[test]
fn expired_entries_of_other_pools_make_room() {
    let mut fixture = ProviderFixture::new(BUDGET);
    let device_key = "k".repeat(UNLIMITED / 10);
    let clients = [0; 3].map(|_| fixture.create_other_pool().1);
    let mut number = 0;
    while fixture.status().dropped == 0 {
        fixture.client.clone_from(&clients[number % 2]);
        fixture.begin_choice(&format!("unknown-{number}"), &device_key);
        number += 1;
    }
    let dropped = fixture.status().dropped;
    fixture.client.clone_from(&clients[2]);
    fixture.now = fixture.now.plus(Duration::from_secs(3600));
    let session = fixture.begin_choice("late", &device_key);
    (0..3).for_each(|number| drop(fixture.begin_choice(&format!("late-{number}"), &device_key)));
    assert_eq!(fixture.status().dropped, dropped);
    fixture.choose(&session, "late").unwrap();
}

/// An account without a budget counts the same, and drops and refuses nothing.
#[test]
fn without_a_budget_nothing_is_dropped() {
    let mut fixture = ProviderFixture::new(usize::MAX);
    let before = fixture.status().used;
    for number in 0..20 {
        fixture.send_as_stranger(number);
        fixture.sign_up(number).unwrap();
        assert!(fixture.send_as_administrator(number).into_iter().all(|reply| reply.is_ok()));
    }
    let status = fixture.status();
    assert_eq!((status.dropped, status.refused), (0, 0));
    assert!(status.used.sign_ins > before.sign_ins + 20 * 2000, "{status:?}");
    assert!(status.used.accounts > before.accounts + 20 * UNLIMITED, "{status:?}");
}
