//! Several pools of one account: each request reaches its own pool, and values of one pool are invalid in
//! another.

use std::sync::{Arc, OnceLock};

use poolproof::http::codec::{decode, encode_response};
use poolproof_cognito::jwt::{Keys, TokenUse};
use poolproof_cognito::policy::{Quotas, Switches};
use poolproof_cognito::protocol::Origin;
use poolproof_cognito::seed::Seed;
use poolproof_cognito::time::Timestamp;
use poolproof_pool::provider::{
    AccountLimits, Issuer, Provider, ProviderChange, ProviderConfig, Step, Tokens, to_operation_response,
};
use poolproof_srp::{Group, Verifier};
use serde_json::{Value, json};

/// Generating keys takes long, so all tests share two.
pub(crate) fn keys() -> Arc<Keys> {
    static KEYS: OnceLock<Arc<Keys>> = OnceLock::new();
    Arc::clone(KEYS.get_or_init(|| Arc::new(Keys::generate().unwrap())))
}

/// Returns a device verifier that the pools of these tests accept.
pub(crate) fn a_verifier() -> String {
    Verifier::draw(Group::toy(), &mut Seed::new(3).rng("verifier", 0)).to_base64()
}

pub(crate) struct ProviderFixture {
    pub(crate) provider: Provider,
    pub(crate) now: Timestamp,
    /// The origin of the requests.
    pub(crate) origin: Origin,
    /// All changes of the requests, if the provider records them.
    pub(crate) changes: Vec<ProviderChange>,
}

impl ProviderFixture {
    pub(crate) fn new(tokens: Tokens) -> Self {
        Self::bounded(tokens, AccountLimits::DEFAULT)
    }

    /// Creates an account with these limits.
    pub(crate) fn bounded(tokens: Tokens, limits: AccountLimits) -> Self {
        Self::configured(tokens, limits, Quotas::NONE)
    }

    /// An account with these quotas.
    pub(crate) fn with_quotas(quotas: Quotas) -> Self {
        Self::configured(Tokens::Opaque, AccountLimits::DEFAULT, quotas)
    }

    fn configured(tokens: Tokens, limits: AccountLimits, quotas: Quotas) -> Self {
        let settings = ProviderConfig {
            region: "eu-west-1".to_owned(),
            issuer: Issuer::Url("http://host".to_owned()),
            tokens,
            group: Group::toy(),
            limits,
            switches: Switches::DEFAULT,
            quotas,
        };
        let provider = Provider::new(settings, Seed::new(5).rng("provider", 0));
        Self { provider, now: Timestamp::VIRTUAL_START, origin: Origin::default(), changes: Vec::new() }
    }

    /// Sends a request as JSON. Returns the body of the answer, or the refusal as text.
    pub(crate) fn ask(&mut self, operation: &str, body: &Value) -> Result<Value, String> {
        let asked = decode(operation, body.to_string().as_bytes()).map_err(|error| error.to_string())?;
        let mut handled = self.provider.handle(self.now, self.origin, asked);
        let answer = loop {
            self.changes.extend(self.provider.take_changes(handled.pool_id.as_ref()));
            handled = match handled.step {
                Step::Reply(answer) => break answer,
                Step::Sign(signing) => break to_operation_response(signing.run()),
                Step::Compute(job, pending) => self.provider.resume(self.now, pending, job.run()),
                Step::Trigger(call, _) => panic!("{call:?}"),
            };
        };
        let wire = encode_response(&answer);
        answer.map(|_| serde_json::from_str(&wire.body).unwrap()).map_err(|error| error.to_string())
    }

    pub(crate) fn call_ok(&mut self, operation: &str, body: &Value) -> Value {
        self.ask(operation, body).unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    /// Creates a pool with a client that allows passwords without SRP, and the user `ann`. Returns both ids.
    pub(crate) fn pool(&mut self, name: &str) -> (String, String) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let devices = json!({ "ChallengeRequiredOnNewDevice": true });
        let made =
            self.call_ok("CreateUserPool", &json!({ "PoolName": name, "DeviceConfiguration": devices }));
        let pool = text(&made["UserPool"]["Id"]);
        let flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH"];
        let client = json!({ "UserPoolId": pool, "ClientName": "c", "ExplicitAuthFlows": flows });
        let client = text(&self.call_ok("CreateUserPoolClient", &client)["UserPoolClient"]["ClientId"]);
        let user = json!({ "UserPoolId": pool, "Username": "ann", "MessageAction": "SUPPRESS" });
        self.call_ok("AdminCreateUser", &user);
        let password =
            json!({ "UserPoolId": pool, "Username": "ann", "Password": "Permanent-1", "Permanent": true });
        self.call_ok("AdminSetUserPassword", &password);
        (pool, client)
    }

    pub(crate) fn sign_in(&mut self, client: &str) -> Result<Value, String> {
        let parameters = json!({ "USERNAME": "ann", "PASSWORD": "Permanent-1" });
        let body =
            json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
        self.ask("InitiateAuth", &body).map(|answer| answer["AuthenticationResult"].clone())
    }
}

#[test]
fn a_request_is_routed_by_pool_client_or_token() {
    for tokens in [Tokens::Opaque, Tokens::Rs256(keys())] {
        let mut fixture = ProviderFixture::new(tokens);
        let (one, one_client) = fixture.pool("one");
        let (two, two_client) = fixture.pool("two");
        assert!(one.starts_with("eu-west-1_") && one != two && one_client != two_client);
        let (first, second) = (fixture.sign_in(&one_client).unwrap(), fixture.sign_in(&two_client).unwrap());
        let mut sub = |tokens: &Value| {
            let user = fixture.call_ok("GetUser", &json!({ "AccessToken": tokens["AccessToken"] }));
            user["UserAttributes"][0]["Value"].clone()
        };
        assert_ne!(sub(&first), sub(&second), "two people of one name");
        // A device of one pool is unknown in the other.
        let key = &first["NewDeviceMetadata"]["DeviceKey"];
        let update = |tokens: &Value| json!({ "AccessToken": tokens["AccessToken"], "DeviceKey": key, "DeviceRememberedStatus": "remembered" });
        assert_eq!(
            fixture.ask("UpdateDeviceStatus", &update(&second)).unwrap_err(),
            "ResourceNotFoundException: Device does not exist."
        );
        let refresh = |client: &str| json!({ "ClientId": client, "RefreshToken": first["RefreshToken"], "DeviceKey": key });
        assert_eq!(
            fixture.ask("GetTokensFromRefreshToken", &refresh(&two_client)).unwrap_err(),
            "NotAuthorizedException: Invalid Refresh Token."
        );
        fixture.call_ok("DeleteUserPool", &json!({ "UserPoolId": one }));
        let gone = |error: Result<Value, String>, wanted: &str| assert_eq!(error.unwrap_err(), wanted);
        gone(
            fixture.sign_in(&one_client),
            &format!("ResourceNotFoundException: User pool client {one_client} does not exist."),
        );
        gone(
            fixture.ask("GetUser", &json!({ "AccessToken": first["AccessToken"] })),
            "NotAuthorizedException: Invalid Access Token",
        );
        gone(
            fixture.ask("AdminGetUser", &json!({ "UserPoolId": one, "Username": "ann" })),
            &format!("ResourceNotFoundException: User pool {one} does not exist."),
        );
        gone(
            fixture.ask(
                "VerifySoftwareToken",
                &json!({ "Session": "no-session-of-the-pool", "UserCode": "000000" }),
            ),
            "NotAuthorizedException: Invalid session for the user.",
        );
        fixture.sign_in(&two_client).unwrap();
    }
}

#[test]
fn tokens_have_cognito_claims_and_keep_them_on_refresh() {
    let mut fixture = ProviderFixture::new(Tokens::Rs256(keys()));
    let (pool, client) = fixture.pool("one");
    let tokens = fixture.sign_in(&client).unwrap();
    let read = |usage, token: &Value| keys().read(usage, token.as_str().unwrap()).unwrap();
    let (access, id) =
        (read(TokenUse::Access, &tokens["AccessToken"]), read(TokenUse::Id, &tokens["IdToken"]));
    let issuer = format!("http://host/{pool}");
    for (claims, key, value) in [
        (&access, "iss", json!(issuer)),
        (&access, "token_use", json!("access")),
        (&access, "client_id", json!(client)),
        (&access, "username", json!("ann")),
        (&access, "scope", json!("aws.cognito.signin.user.admin")),
        (&access, "device_key", tokens["NewDeviceMetadata"]["DeviceKey"].clone()),
        (&access, "auth_time", json!(1_767_225_600)),
        (&access, "iat", json!(1_767_225_600)),
        (&access, "exp", json!(1_767_229_200)),
        (&id, "token_use", json!("id")),
        (&id, "aud", json!(client)),
        (&id, "cognito:username", json!("ann")),
        (&id, "iss", json!(issuer)),
        (&id, "sub", access["sub"].clone()),
    ] {
        assert_eq!(claims[key], value, "{key}");
    }
    // An id token is no access token, and an access token expires after an hour.
    let ask = |fixture: &mut ProviderFixture, token: &Value| {
        fixture.ask("GetUser", &json!({ "AccessToken": token }))
    };
    assert_eq!(
        ask(&mut fixture, &tokens["IdToken"]).unwrap_err(),
        "NotAuthorizedException: Invalid Access Token"
    );
    assert!(ask(&mut fixture, &tokens["AccessToken"]).is_ok());
    fixture.now = fixture.now.plus(std::time::Duration::from_secs(3600));
    assert_eq!(
        ask(&mut fixture, &tokens["AccessToken"]).unwrap_err(),
        "NotAuthorizedException: Access Token has expired"
    );
    assert_eq!(fixture.provider.issuer(&pool).map(|(issuer, _)| issuer), Some(issuer));
    assert_eq!(fixture.provider.issuer("eu-west-1_None"), None);
}

#[test]
fn settings_are_returned_as_they_were_set() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let made = fixture.call_ok(
        "CreateUserPool",
        &json!({ "PoolName": "p", "MfaConfiguration": "ON",
            "SmsConfiguration": { "SnsCallerArn": "arn:aws:iam::000000000000:role/sms" },
            "UserPoolTier": "PLUS", "UserPoolAddOns": { "AdvancedSecurityMode": "ENFORCED" },
            "DeviceConfiguration": { "DeviceOnlyRememberedOnUserPrompt": true } }),
    );
    let pool = &made["UserPool"];
    let id = &pool["Id"];
    assert_eq!(
        pool["DeviceConfiguration"],
        json!({ "ChallengeRequiredOnNewDevice": false, "DeviceOnlyRememberedOnUserPrompt": true })
    );
    assert_eq!(
        (&pool["MfaConfiguration"], &pool["UserPoolAddOns"]["AdvancedSecurityMode"]),
        (&json!("ON"), &json!("ENFORCED"))
    );
    assert_eq!(fixture.call_ok("DescribeUserPool", &json!({ "UserPoolId": id })), made);
    let risk = |fixture: &mut ProviderFixture| {
        let reply = fixture.call_ok("DescribeRiskConfiguration", &json!({ "UserPoolId": id }));
        let actions = &reply["RiskConfiguration"]["AccountTakeoverRiskConfiguration"]["Actions"];
        ["LowAction", "MediumAction", "HighAction"]
            .map(|level| actions[level]["EventAction"].as_str().unwrap().to_owned())
    };
    assert_eq!(risk(&mut fixture), ["BLOCK", "BLOCK", "BLOCK"], "Cognito's defaults");
    let set = |low: &str, high: &str| {
        let action = |word: &str| json!({ "EventAction": word, "Notify": true });
        let actions =
            json!({ "LowAction": action(low), "MediumAction": action(low), "HighAction": action(high) });
        json!({ "UserPoolId": id, "AccountTakeoverRiskConfiguration": { "Actions": actions } })
    };
    fixture.call_ok("SetRiskConfiguration", &set("MFA_REQUIRED", "BLOCK"));
    assert_eq!(
        fixture.ask("SetRiskConfiguration", &set("BLOCK", "MFA_REQUIRED")).unwrap_err(),
        "InvalidParameterException: A higher level of risk can not have a less restrictive action than a lower one."
    );
    assert!(
        fixture
            .ask("SetRiskConfiguration", &set("PANIC", "BLOCK"))
            .unwrap_err()
            .contains("MFA_IF_CONFIGURED, MFA_REQUIRED")
    );
    assert_eq!(risk(&mut fixture), ["MFA_REQUIRED", "MFA_REQUIRED", "BLOCK"], "a refusal changes nothing");
    // An update resets settings that it does not contain.
    fixture.call_ok("UpdateUserPool", &json!({ "UserPoolId": id, "PoolName": "q" }));
    let after = fixture.call_ok("DescribeUserPool", &json!({ "UserPoolId": id }));
    assert_eq!(
        (&after["UserPool"]["Name"], &after["UserPool"]["MfaConfiguration"]),
        (&json!("q"), &json!("OFF"))
    );
    assert_eq!(
        (&after["UserPool"]["DeviceConfiguration"], &after["UserPool"]["UserPoolAddOns"]),
        (&Value::Null, &Value::Null)
    );
    assert!(
        fixture
            .ask("SetRiskConfiguration", &set("BLOCK", "BLOCK"))
            .unwrap_err()
            .starts_with("UserPoolAddOnNotEnabledException")
    );
    let mfa = json!({ "UserPoolId": id, "MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": { "Enabled": true } });
    let reply =
        json!({ "MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": { "Enabled": true } });
    assert_eq!(fixture.call_ok("SetUserPoolMfaConfig", &mfa), reply);
    assert_eq!(fixture.call_ok("GetUserPoolMfaConfig", &json!({ "UserPoolId": id })), reply);
}

#[test]
fn pools_and_clients_are_paged_and_clients_can_be_updated() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let (pool, client) = fixture.pool("one");
    fixture.pool("two");
    fixture.pool("three");
    let first = fixture.call_ok("ListUserPools", &json!({ "MaxResults": 2 }));
    let rest = fixture.call_ok("ListUserPools", &json!({ "MaxResults": 2, "NextToken": first["NextToken"] }));
    assert_eq!(
        (first["UserPools"].as_array().unwrap().len(), rest["UserPools"].as_array().unwrap().len()),
        (2, 1)
    );
    assert_eq!(rest["NextToken"], Value::Null);
    let junk = json!({ "MaxResults": 2, "NextToken": "zz" });
    let refused = fixture.ask("ListUserPools", &junk).unwrap_err();
    assert_eq!(refused.to_string(), "InvalidParameterException: Invalid pagination token.");
    for most in [json!({}), json!({ "MaxResults": 0 }), json!({ "MaxResults": 61 })] {
        assert!(fixture.ask("ListUserPools", &most).unwrap_err().contains("at 'maxResults'"));
    }
    let secret = json!({ "UserPoolId": pool, "ClientName": "s", "GenerateSecret": true });
    let made = fixture.call_ok("CreateUserPoolClient", &secret)["UserPoolClient"].clone();
    assert_eq!(made["ClientSecret"].as_str().unwrap().len(), 52);
    assert_eq!(
        made["ExplicitAuthFlows"],
        json!(["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"])
    );
    let clients = fixture.call_ok("ListUserPoolClients", &json!({ "UserPoolId": pool, "MaxResults": 1 }));
    assert!(clients["NextToken"].is_string());
    // One client may no longer use passwords without SRP, and one is deleted.
    let update =
        json!({ "UserPoolId": pool, "ClientId": client, "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"] });
    fixture.call_ok("UpdateUserPoolClient", &update);
    assert_eq!(
        fixture.sign_in(&client).unwrap_err(),
        "InvalidParameterException: USER_PASSWORD_AUTH flow not enabled for this client"
    );
    let twice = ["ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH", "ALLOW_USER_SRP_AUTH"];
    let twice = json!({ "UserPoolId": pool, "ClientId": client, "ExplicitAuthFlows": twice });
    let reply = fixture.call_ok("UpdateUserPoolClient", &twice);
    let once = json!(["ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"]);
    assert_eq!(reply["UserPoolClient"]["ExplicitAuthFlows"], once);
    let unknown = json!({ "UserPoolId": pool, "ClientId": client, "ExplicitAuthFlows": ["ALLOW_ALL"] });
    assert!(fixture.ask("UpdateUserPoolClient", &unknown).unwrap_err().contains("ALLOW_USER_SRP_AUTH"));
    fixture.call_ok("DeleteUserPoolClient", &json!({ "UserPoolId": pool, "ClientId": client }));
    let gone = format!("ResourceNotFoundException: User pool client {client} does not exist.");
    assert_eq!(fixture.sign_in(&client).unwrap_err(), gone);
    assert_eq!(
        fixture
            .ask("DescribeUserPoolClient", &json!({ "UserPoolId": pool, "ClientId": client }))
            .unwrap_err(),
        gone
    );
}

/// Regression: an administrator's request was refused with "User pool client does not exist." if the first
/// client was created during its computation.
#[test]
fn an_admin_request_completes_when_a_client_is_added() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let (pool, client) = fixture.pool("p");
    let body = json!({ "UserPoolId": pool, "Username": "ann", "Password": "Permanent-2", "Permanent": true });
    let asked = decode("AdminSetUserPassword", body.to_string().as_bytes()).unwrap();
    let Step::Compute(job, pending) = fixture.provider.handle(fixture.now, Origin::default(), asked).step
    else {
        panic!("a verifier is computed")
    };
    assert!(fixture.sign_in(&client).is_ok());
    let Step::Reply(answer) = fixture.provider.resume(fixture.now, pending, job.run()).step else {
        panic!("an answer")
    };
    assert_eq!(answer.map(drop), Ok(()));
    assert!(fixture.sign_in(&client).is_err(), "the password is another now");
}

/// Regression: an administrator's request failed with "User pool client  does not exist." after its
/// computation if another request had named a client in the meantime.
#[test]
fn an_admin_password_is_kept_when_a_client_is_added() {
    let mut fixture = ProviderFixture::new(Tokens::Opaque);
    let (pool, client) = fixture.pool("one");
    let set = json!({ "UserPoolId": pool, "Username": "ann", "Password": "Permanent-2", "Permanent": true });
    let asked = decode("AdminSetUserPassword", set.to_string().as_bytes()).unwrap();
    let Step::Compute(job, pending) = fixture.provider.handle(fixture.now, Origin::default(), asked).step
    else {
        panic!("no arithmetic");
    };
    fixture.sign_in(&client).unwrap();
    fixture.call_ok("DeleteUserPoolClient", &json!({ "UserPoolId": pool, "ClientId": client }));
    let kept = fixture.provider.resume(fixture.now, pending, job.run()).step;
    assert!(matches!(&kept, Step::Reply(Ok(_))), "{kept:?}");
}
