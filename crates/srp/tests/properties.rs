//! Property tests: honest exchanges agree, altered ones do not, and no text makes a parser panic.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic, in shared functions too")]

use poolproof_srp::{
    ClaimTimestamp, DeviceSecret, Ephemeral, Group, Identity, Job, JobResult, PublicA, PublicB, Salt,
    SessionKey, Signature, SrpError, Verifier, run_all,
};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

/// An exchange. A test may alter any field before it computes the keys.
struct Exchange {
    group: Group,
    a: Ephemeral,
    b: Ephemeral,
    verifier: Verifier,
    /// The identity that the client uses.
    identity: Identity,
    salt: Salt,
    password: String,
}

impl Exchange {
    fn draw(group: Group, bits: u32, rng: &mut ChaCha8Rng) -> Self {
        let identity = Identity::device("-AbCdEf12", "us-east-1_9b1d");
        let (salt, password) = (Salt::draw(rng), DeviceSecret::draw(rng).as_str().to_owned());
        let job = Job::Verifier {
            group,
            salt: salt.clone(),
            identity: identity.clone(),
            password: password.clone(),
        };
        let JobResult::Verifier(verifier) = job.run() else { panic!("no verifier") };
        let (a, b) = (Ephemeral::draw(bits, rng), Ephemeral::draw(256, rng));
        Self { group, a, b, verifier, identity, salt, password }
    }

    /// Computes the keys of client and server.
    fn keys(&self) -> [SessionKey; 2] {
        let group = self.group;
        let public = run_all(vec![
            Job::ClientPublic { group, a: self.a.clone() },
            Job::ServerPublic { group, b: self.b.clone(), verifier: self.verifier.clone() },
        ]);
        let Ok([JobResult::PublicA { public_a, .. }, JobResult::PublicB { public_b, .. }]) =
            <[JobResult; 2]>::try_from(public)
        else {
            panic!("no public values")
        };
        // Each side parses the text that the other side sends.
        let received_a = PublicA::parse_hex(group, &public_a.to_hex()).unwrap();
        let received_b = PublicB::parse_hex(group, &public_b.to_hex()).unwrap();
        let keys = run_all(vec![
            Job::ClientKey {
                group,
                a: self.a.clone(),
                public_a,
                public_b: received_b,
                salt: self.salt.clone(),
                identity: self.identity.clone(),
                password: self.password.clone(),
            },
            Job::ServerKey {
                group,
                b: self.b.clone(),
                verifier: self.verifier.clone(),
                public_a: received_a,
                public_b,
            },
        ]);
        let Ok([JobResult::SessionKey(client), JobResult::SessionKey(server)]) =
            <[JobResult; 2]>::try_from(keys)
        else {
            panic!("no keys")
        };
        [client, server]
    }

    /// Reports whether the server accepts the client's claim.
    fn is_accepted(&self, server_identity: &Identity) -> bool {
        let [client, server] = self.keys();
        let when = ClaimTimestamp::format(1_767_225_600);
        let claim = client.sign(&self.identity, b"block", &when).to_base64();
        server.sign(server_identity, b"block", &when).verify(&Signature::from_base64(&claim).unwrap())
    }
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

#[test]
fn cognito_exchanges_agree_and_altered_ones_do_not() {
    for (number, bits) in [(0, 256), (1, 1024)] {
        let honest = Exchange::draw(Group::cognito(), bits, &mut rng(number));
        assert!(honest.is_accepted(&honest.identity), "a of {bits} bits");
        let wrong = Exchange { password: "wrong".into(), ..honest };
        assert!(!wrong.is_accepted(&wrong.identity), "a of {bits} bits");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn toy_exchanges_agree(seed: u64, bits in 1u32..=1024) {
        let exchange = Exchange::draw(Group::toy(), bits, &mut rng(seed));
        prop_assert!(exchange.is_accepted(&exchange.identity));
    }

    #[test]
    fn any_wrong_input_is_rejected(seed: u64, wrong_password in ".{0,40}", bit in 0usize..128) {
        let honest = || Exchange::draw(Group::toy(), 256, &mut rng(seed));

        let wrong = Exchange { password: wrong_password, ..honest() };
        prop_assert!(!wrong.is_accepted(&wrong.identity), "wrong password");

        let mut salt = hex::decode(honest().salt.to_verbatim_hex()).unwrap();
        salt[bit / 8] ^= 1 << (bit % 8);
        let wrong = Exchange { salt: Salt::from_bytes(salt).unwrap(), ..honest() };
        prop_assert!(!wrong.is_accepted(&wrong.identity), "wrong salt");

        let mut password = honest().password.into_bytes();
        let place = bit % password.len();
        password[place] ^= 1;
        let wrong = Exchange { password: String::from_utf8(password).unwrap(), ..honest() };
        prop_assert!(!wrong.is_accepted(&wrong.identity), "one bit of the password flipped");

        let other = Identity::device("-AbCdEf12", "us-east-1_other");
        let server_identity = honest().identity;
        let wrong = Exchange { identity: other, ..honest() };
        prop_assert!(!wrong.is_accepted(&server_identity), "another device");

        let stranger = Exchange::draw(Group::toy(), 256, &mut rng(seed.wrapping_add(1)));
        let wrong = Exchange { verifier: stranger.verifier, ..honest() };
        prop_assert!(!wrong.is_accepted(&wrong.identity), "another verifier");
    }

    #[test]
    fn arbitrary_text_does_not_panic(text in prop_oneof![
        any::<String>(),
        "[0-9a-fA-F]{0,800}",
        "[A-Za-z0-9+/]{0,600}={0,2}",
        "(Tue|mon|SUN|\\PC{3}) (Jun|feb|\\PC{3}) [0-9]{0,3} [0-9]{0,3}:[0-9]{0,3}:[0-9]{0,3} (UTC|GMT|\\PC*) [0-9]{0,6}",
    ]) {
        for group in [Group::cognito(), Group::toy()] {
            if let Ok(a) = PublicA::parse_hex(group, &text) {
                prop_assert_eq!(PublicA::parse_hex(group, &a.to_hex()), Ok(a));
            }
            if let Ok(b) = PublicB::parse_hex(group, &text) {
                prop_assert_eq!(PublicB::parse_hex(group, &b.to_hex()), Ok(b));
            }
            if let Ok(v) = Verifier::from_base64(group, &text) {
                prop_assert_eq!(Verifier::from_base64(group, &v.to_base64()), Ok(v));
            }
        }
        for salt in [Salt::from_hex(&text), Salt::from_base64(&text)].into_iter().flatten() {
            let canonical = Salt::from_hex(&salt.to_hex()).unwrap();
            prop_assert_eq!(canonical.to_base64(), salt.to_base64());
        }
        if let Ok(signature) = Signature::from_base64(&text) {
            prop_assert_eq!(signature.to_base64(), text.clone());
        }
        if let Some(when) = ClaimTimestamp::parse(&text) {
            let again = ClaimTimestamp::parse(when.canonical());
            prop_assert_eq!(again, Some(when));
        }
        let _ = Ephemeral::from_hex(&text);
    }

    #[test]
    fn every_timestamp_can_be_formatted(us: u64) {
        let text = ClaimTimestamp::format(us / 1_000_000);
        let read = ClaimTimestamp::parse(&text).unwrap();
        prop_assert_eq!(read.canonical(), text);
        prop_assert!(read.unix_seconds() <= us / 1_000_000);
    }
}

#[test]
fn values_of_different_groups_cannot_be_combined() {
    let toy = Exchange::draw(Group::toy(), 256, &mut rng(3));
    let group = Group::cognito();
    let job = Job::ServerPublic { group, b: toy.b.clone(), verifier: toy.verifier.clone() };
    assert_eq!(job.run(), JobResult::Failed(SrpError::GroupMismatch));
    let two = |group| (PublicA::parse_hex(group, "2").unwrap(), PublicB::parse_hex(group, "2").unwrap());
    for (a_group, b_group) in [(Group::cognito(), Group::toy()), (Group::toy(), Group::cognito())] {
        let (public_a, public_b) = (two(a_group).0, two(b_group).1);
        let job = Job::ServerKey {
            group: Group::toy(),
            b: toy.b.clone(),
            verifier: toy.verifier.clone(),
            public_a: public_a.clone(),
            public_b: public_b.clone(),
        };
        assert_eq!(
            (job.intermediate_values(), job.run()),
            (None, JobResult::Failed(SrpError::GroupMismatch))
        );
        let job = Job::ClientKey {
            group: Group::toy(),
            a: toy.a.clone(),
            public_a,
            public_b,
            salt: toy.salt.clone(),
            identity: toy.identity.clone(),
            password: toy.password.clone(),
        };
        assert_eq!(
            (job.intermediate_values(), job.run()),
            (None, JobResult::Failed(SrpError::GroupMismatch))
        );
    }
}

#[test]
fn a_server_that_sends_k_v_is_detected() {
    // B = k·v makes S zero for every a, without b.
    let honest = Exchange::draw(Group::toy(), 256, &mut rng(4));
    let group = Group::toy();
    let JobResult::PublicA { public_a, .. } = (Job::ClientPublic { group, a: honest.a.clone() }).run() else {
        panic!("no A")
    };
    // k·v is the public value for b = 1, which is k·v + g, minus g = 2.
    let one = Ephemeral::from_hex("1").unwrap();
    let job = Job::ServerPublic { group, b: one, verifier: honest.verifier.clone() };
    let JobResult::PublicB { public_b: b, .. } = job.run() else { panic!("no B") };
    let k_v = u64::from_str_radix(&b.to_hex(), 16).unwrap() - 2;
    let job = Job::ClientKey {
        group,
        a: honest.a,
        public_a,
        public_b: PublicB::parse_hex(group, &format!("{k_v:x}")).unwrap(),
        salt: honest.salt,
        identity: honest.identity,
        password: honest.password,
    };
    assert_eq!(job.run(), JobResult::Failed(SrpError::SharedIsZero));
}
