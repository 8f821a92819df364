//! Compares all values of an exchange with those of four real clients, in 42 cases that include edge cases.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic, in shared functions too")]

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poolproof_srp::{
    Ephemeral, Group, Identity, IntermediateValues, Job, JobResult, PublicA, PublicB, Salt, SessionKey,
    Signature, Verifier,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    group: VectorGroup,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[expect(non_snake_case, reason = "the symbols of the protocol")]
struct VectorGroup {
    N: String,
    k: String,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    note: String,
    inputs: Inputs,
    reference: Reference,
    clients_agree: Vec<String>,
    #[serde(default)]
    clients_disagree: BTreeMap<String, Disagreement>,
}

#[derive(Deserialize)]
#[expect(non_snake_case, reason = "field names of the API")]
struct Inputs {
    #[serde(default)]
    pool_id: String,
    #[serde(default)]
    user_id_for_srp: String,
    password: Option<String>,
    #[serde(default)]
    device_group_key: String,
    #[serde(default)]
    device_key: String,
    device_password: Option<String>,
    a_hex: String,
    b_hex: String,
    salt_bytes_hex: String,
    SALT_wire: String,
    SRP_B_wire: String,
    SECRET_BLOCK: String,
    TIMESTAMP: String,
}

#[derive(Deserialize)]
#[expect(non_snake_case, reason = "the symbols of the protocol")]
struct Reference {
    A: String,
    B: String,
    u: String,
    x: String,
    v: String,
    S: String,
    hkdf16: String,
    signature: String,
    ConfirmDevice: Option<ConfirmDevice>,
}

#[derive(Deserialize)]
#[expect(non_snake_case, reason = "field names of the API")]
struct ConfirmDevice {
    PasswordVerifier: String,
    Salt: String,
}

#[derive(Deserialize)]
struct Disagreement {
    signature: String,
    x: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("data/srp.json")).unwrap()
}

/// All values of the exchange with a case's inputs.
struct Exchange {
    salt_kept: Salt,
    public_a: PublicA,
    public_b: PublicB,
    verifier: Verifier,
    client: IntermediateValues,
    server: IntermediateValues,
    client_signature: Signature,
    server_signature: Signature,
}

impl Case {
    fn title(&self) -> String {
        format!("case {} ({})", self.id, self.note)
    }

    fn identity(&self) -> Identity {
        let inputs = &self.inputs;
        if inputs.password.is_some() {
            Identity::user(inputs.pool_id.split_once('_').unwrap().1, &inputs.user_id_for_srp)
        } else {
            Identity::device(&inputs.device_group_key, &inputs.device_key)
        }
    }

    fn password(&self) -> String {
        self.inputs.password.clone().or_else(|| self.inputs.device_password.clone()).unwrap()
    }

    fn play(&self) -> Exchange {
        let (group, title) = (Group::cognito(), self.title());
        let (identity, password) = (self.identity(), self.password());
        let a = Ephemeral::from_hex(&self.inputs.a_hex).unwrap();
        let b = Ephemeral::from_hex(&self.inputs.b_hex).unwrap();
        let salt_kept = Salt::from_bytes(hex::decode(&self.inputs.salt_bytes_hex).unwrap()).unwrap();
        let salt = salt_kept.clone();
        let job = Job::Verifier { group, salt, identity: identity.clone(), password: password.clone() };
        let JobResult::Verifier(verifier) = job.run() else { panic!("{title}: no verifier") };
        let job = Job::ClientPublic { group, a: a.clone() };
        let JobResult::PublicA { public_a, .. } = job.run() else { panic!("{title}: no A") };
        let job = Job::ServerPublic { group, b: b.clone(), verifier: verifier.clone() };
        let JobResult::PublicB { public_b, .. } = job.run() else { panic!("{title}: no B") };

        let client = Job::ClientKey {
            group,
            a,
            public_a: public_a.clone(),
            public_b: PublicB::parse_hex(group, &self.inputs.SRP_B_wire).unwrap(),
            salt: Salt::from_hex(&self.inputs.SALT_wire).unwrap(),
            identity: identity.clone(),
            password,
        };
        let server = Job::ServerKey {
            group,
            b,
            verifier: verifier.clone(),
            public_a: PublicA::parse_hex(group, &public_a.to_hex().to_uppercase()).unwrap(),
            public_b: public_b.clone(),
        };
        let block = STANDARD.decode(&self.inputs.SECRET_BLOCK).unwrap();
        let sign = |key: SessionKey| key.sign(&identity, &block, &self.inputs.TIMESTAMP);
        let intermediate_values = [&client, &server].map(|job| job.intermediate_values().unwrap());
        let [client, server] = [client, server].map(|job| match job.run() {
            JobResult::SessionKey(key) => sign(key),
            done => panic!("{title}: {done:?} instead of a key"),
        });
        let (client_signature, server_signature) = (client, server);
        let [client, server] = intermediate_values;
        Exchange {
            salt_kept,
            public_a,
            public_b,
            verifier,
            client,
            server,
            client_signature,
            server_signature,
        }
    }
}

#[test]
fn the_group_matches_the_vectors() {
    let vectors = vectors();
    assert_eq!(Group::cognito().modulus_hex(), vectors.group.N);
    let typical = vectors.cases.first().unwrap();
    assert_eq!(typical.play().client.k, vectors.group.k);
}

#[test]
fn all_42_cases_match_the_vectors() {
    let mut ran = 0;
    for case in vectors().cases {
        let (title, expected, exchange) = (case.title(), &case.reference, case.play());
        assert_eq!(exchange.public_a.to_hex(), expected.A, "A of {title}");
        assert_eq!(exchange.public_b.to_hex(), expected.B, "B of {title}");
        let verifier = STANDARD.decode(exchange.verifier.to_base64()).unwrap();
        assert_eq!(hex::encode(verifier).trim_start_matches('0'), expected.v, "v of {title}");
        for (side, intermediate_values) in [("client's", &exchange.client), ("server's", &exchange.server)] {
            assert_eq!(intermediate_values.u, expected.u, "{side} u of {title}");
            assert_eq!(intermediate_values.shared, expected.S, "{side} S of {title}");
            assert_eq!(intermediate_values.session_key, expected.hkdf16, "{side} K of {title}");
        }
        assert_eq!(exchange.client.x.as_ref(), Some(&expected.x), "x of {title}");
        assert_eq!(exchange.server.x, None, "the server knows x of {title}");
        assert_eq!(exchange.client_signature.to_base64(), expected.signature, "signature of {title}");
        let claimed = Signature::from_base64(&expected.signature).unwrap();
        assert!(exchange.server_signature.verify(&claimed), "the server rejects {title}");
        ran += 1;
    }
    assert_eq!(ran, 42);
}

#[test]
fn device_confirmation_matches_the_vectors() {
    let mut ran = 0;
    for case in vectors().cases {
        let Some(expected) = &case.reference.ConfirmDevice else { continue };
        let (title, exchange) = (case.title(), case.play());
        assert_eq!(exchange.verifier.to_base64(), expected.PasswordVerifier, "verifier of {title}");
        assert_eq!(exchange.salt_kept.to_base64(), expected.Salt, "salt of {title}");
        let parsed = Verifier::from_base64(Group::cognito(), &expected.PasswordVerifier);
        assert_eq!(parsed.as_ref(), Ok(&exchange.verifier), "{title}");
        let parsed = Salt::from_base64(&expected.Salt).unwrap();
        assert_eq!(parsed.to_hex(), case.inputs.SALT_wire, "salt of {title}");
        ran += 1;
    }
    assert_eq!(ran, 12);
}

#[test]
fn salts_are_sent_as_canonical_digits() {
    for case in vectors().cases {
        let (title, sent) = (case.title(), &case.inputs.SALT_wire);
        let kept = Salt::from_bytes(hex::decode(&case.inputs.salt_bytes_hex).unwrap()).unwrap();
        let verbatim = case.note.contains("verbatim") || case.note.contains("leading 00 kept");
        assert_eq!(
            kept.to_hex() == *sent,
            !verbatim,
            "{title}: this crate sends {}, the case {sent}",
            kept.to_hex()
        );
        assert!(verbatim || Salt::from_hex(sent).unwrap().to_hex() == *sent, "{title}");
    }
}

#[test]
fn ambiguous_salts_follow_identity_js() {
    let case = vectors().cases.into_iter().find(|case| case.id.starts_with("u21")).unwrap();
    // Three clients parse the digits as a number. pycognito also hashes the zero byte, and the server rejects
    // it.
    assert_eq!(case.clients_agree, ["amazon-cognito-identity-js", "cognito-srp-helper", "aws-amplify-v6"]);
    let pycognito = &case.clients_disagree["pycognito"];
    let ours = case.play();
    assert_eq!(ours.client_signature.to_base64(), case.reference.signature);
    assert_ne!(ours.client.x.as_ref(), Some(&pycognito.x));
    assert!(!ours.server_signature.verify(&Signature::from_base64(&pycognito.signature).unwrap()));
}
