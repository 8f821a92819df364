//! `serve --issuer`: the tokens name another issuer, and the server still accepts them.

use poolproof_cognito::jwt::unverified_claims;
use serde_json::{Value, json};

use crate::cli::{output, poolproof};
use crate::server_process::{HttpResponse, ServerProcess};
use crate::state::state;

const POOL: &str = "us-east-1_Poolproof";
const AWS: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Poolproof";

fn ok(server: &ServerProcess, operation: &str, body: &Value) -> Value {
    let response = server.call(operation, body);
    assert_eq!(response.status, 200, "{operation}: {response:?}");
    response.json()
}

fn add_ann(server: &ServerProcess) {
    let user = json!({ "UserPoolId": POOL, "Username": "ann" });
    ok(server, "AdminCreateUser", &user);
    let password =
        json!({ "UserPoolId": POOL, "Username": "ann", "Password": "Correct-Horse-1", "Permanent": true });
    ok(server, "AdminSetUserPassword", &password);
}

/// Signs Ann in and returns her tokens.
fn sign_in(server: &ServerProcess) -> Value {
    let parameters = json!({ "USERNAME": "ann", "PASSWORD": "Correct-Horse-1" });
    let body =
        json!({ "ClientId": "poolproof", "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    ok(server, "InitiateAuth", &body)["AuthenticationResult"].clone()
}

fn get_user(server: &ServerProcess, tokens: &Value) -> HttpResponse {
    server.call("GetUser", &json!({ "AccessToken": tokens["AccessToken"] }))
}

fn issuers(tokens: &Value) -> [String; 2] {
    ["AccessToken", "IdToken"].map(|token| {
        let claims = unverified_claims(tokens[token].as_str().unwrap()).unwrap();
        claims["iss"].as_str().unwrap().to_owned()
    })
}

#[test]
fn tokens_name_the_issuer_and_are_accepted() {
    for (argument, expected) in [
        ("aws", AWS),
        ("https://auth.example.com", "https://auth.example.com/us-east-1_Poolproof"),
        ("http://localhost:8080/idp/", "http://localhost:8080/idp/us-east-1_Poolproof"),
    ] {
        let server = ServerProcess::start(&["--issuer", argument]);
        add_ann(&server);
        let tokens = sign_in(&server);
        assert_eq!(issuers(&tokens), [expected, expected]);
        assert_eq!(get_user(&server, &tokens).json()["Username"], "ann");
        let path = format!("/{POOL}/.well-known/openid-configuration");
        let get = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let document = server.send(get).unwrap().json();
        assert_eq!(document["issuer"], expected);
        let keys = format!("http://{}/{POOL}/.well-known/jwks.json", server.address);
        assert_eq!(document["jwks_uri"], keys.as_str(), "the keys are here, whatever the issuer");
    }
}

/// With `aws`, the issuer has the region of each pool's id, as verifiers expect.
#[test]
fn every_pool_has_its_own_issuer() {
    let server = ServerProcess::start(&["--issuer", "aws", "--pool-id", "eu-west-1_Abc"]);
    let pool = ok(&server, "CreateUserPool", &json!({ "PoolName": "other" }))["UserPool"]["Id"].clone();
    let pool = pool.as_str().unwrap();
    for id in ["eu-west-1_Abc", pool] {
        let get = format!(
            "GET /{id}/.well-known/openid-configuration HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        );
        let issuer = server.send(get).unwrap().json()["issuer"].clone();
        assert_eq!(issuer, format!("https://cognito-idp.eu-west-1.amazonaws.com/{id}").as_str());
    }
}

/// Starts a server of a pool that remembers no devices, so that a refresh token needs none.
fn start_without_devices(state: &str, flags: &[&str]) -> ServerProcess {
    let mut command = poolproof();
    command.args(["serve", "scenarios/remember-no.yaml", "--listen", "127.0.0.1:0", "--state", state]);
    ServerProcess::start_command(command.args(flags))
}

#[test]
fn a_restart_with_another_issuer_ends_access_tokens_but_not_refresh_tokens() {
    let file = state("issuer");
    let file = file.to_str().unwrap();
    let server = start_without_devices(file, &["--issuer", "aws"]);
    add_ann(&server);
    let tokens = sign_in(&server);
    assert_eq!(issuers(&tokens), [AWS, AWS]);
    assert_eq!(server.signal("-TERM"), Some(0));

    let server = start_without_devices(file, &["--issuer", "aws"]);
    assert_eq!(get_user(&server, &tokens).json()["Username"], "ann", "the issuer is the same");
    assert_eq!(server.signal("-TERM"), Some(0));

    let server = start_without_devices(file, &[]);
    assert_eq!(get_user(&server, &tokens).refusal(), "400 NotAuthorizedException: Invalid Access Token");
    let parameters = json!({ "REFRESH_TOKEN": tokens["RefreshToken"] });
    let body =
        json!({ "ClientId": "poolproof", "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": parameters });
    let again = ok(&server, "InitiateAuth", &body)["AuthenticationResult"].clone();
    let own = format!("http://{}/{POOL}", server.address);
    assert_eq!(issuers(&again), [own.as_str(), own.as_str()]);
    assert_eq!(get_user(&server, &again).json()["Username"], "ann");
}

#[test]
fn invalid_issuers_are_refused() {
    for wrong in [
        "cognito",
        "ftp://a.example",
        "https://",
        "https://a.example/?x=1",
        "https://a.example/#x",
        "https://u@a.example",
        "",
    ] {
        let command = ["serve", "scenarios/serve.yaml", "--listen", "127.0.0.1:0", "--issuer", wrong];
        let (code, out, err) = output(poolproof().args(command));
        assert_eq!((code, out.as_str()), (2, ""), "{wrong}");
        assert!(err.contains("expected `aws`, or a URL such as https://auth.example.com"), "{wrong}: {err}");
    }
    let opaque = ["serve", "scenarios/serve.yaml", "--tokens", "opaque", "--issuer", "aws"];
    let (code, _, err) = output(poolproof().args(opaque));
    assert_eq!(code, 2);
    assert!(err.contains("error: --issuer needs --tokens rs256: opaque tokens name no issuer"), "{err}");
}
