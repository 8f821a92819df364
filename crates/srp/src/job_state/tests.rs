//! Checks the protocol's algebra exhaustively in two small groups.

use num_bigint::BigUint;

use super::{client_base, server_base, server_public_value};
use crate::{BadPublicValue, Ephemeral, Group, Job, JobResult, PublicA, PublicB, SrpError, Verifier};

/// Groups whose generator generates all residues.
fn groups() -> [(Group, u64); 2] {
    [(23, 5), (47, 5)].map(|(n, g)| (Group::from_safe_prime(n, g).unwrap(), n))
}

fn big(number: u64) -> BigUint {
    number.into()
}

fn public_b(group: Group, b: &BigUint, v: &BigUint) -> BigUint {
    server_public_value(group, &group.pow_g(b), v)
}

/// Computes the client's S.
fn client_shared(group: Group, a: &BigUint, public_b: &BigUint, x: &BigUint, u: &BigUint) -> BigUint {
    group.pow(&client_base(group, public_b, &group.pow_g(x)), &(a + u * x))
}

/// Computes the server's S.
fn server_shared(group: Group, b: &BigUint, v: &BigUint, public_a: &BigUint, u: &BigUint) -> BigUint {
    group.pow(&server_base(group, public_a, &group.pow(v, u)), b)
}

#[test]
fn both_sides_agree_in_every_case() {
    let mut cases = 0u64;
    for (group, n) in groups() {
        let numbers: Vec<BigUint> = (0..n).map(big).collect();
        for x in &numbers[1..] {
            let v = group.pow_g(x);
            for b in &numbers[1..] {
                let public_b = public_b(group, b, &v);
                if public_b == BigUint::ZERO {
                    continue; // The server draws another b.
                }
                for a in &numbers[1..] {
                    let public_a = group.pow_g(a);
                    for u in &numbers[1..] {
                        let client = client_shared(group, a, &public_b, x, u);
                        let server = server_shared(group, b, &v, &public_a, u);
                        assert!(
                            client == server && server != BigUint::ZERO,
                            "an honest exchange differs in {group:?}"
                        );
                        cases += 1;
                    }
                }
            }
        }
    }
    // 22^4 + 46^4, minus those with B = 0.
    println!("{cases} exchanges agreed");
    assert!(cases > 4_000_000, "{cases}");
}

#[test]
fn the_secret_is_zero_exactly_when_n_divides_a() {
    for (group, n) in groups() {
        for a in 0..4 * n {
            let public_a = big(a % n);
            for v in 1..n {
                for u in 1..n {
                    for b in [1, 2, 7, n - 2, n - 1, n] {
                        let s = server_shared(group, &big(b), &big(v), &public_a, &big(u));
                        assert_eq!(
                            s == BigUint::ZERO,
                            a % n == 0,
                            "A = {a}, v = {v}, u = {u}, b = {b} in {group:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn values_from_1_to_n_minus_1_are_parsed() {
    for (group, n) in groups() {
        for number in 0..=20 * n {
            let expected = match number {
                0 => Some(BadPublicValue::Zero),
                _ if number < n => None,
                _ => Some(BadPublicValue::NotBelowModulus),
            };
            for text in [format!("{number:x}"), format!("{number:X}"), format!("{number:0>770x}")] {
                assert_eq!(PublicA::parse_hex(group, &text).err(), expected, "A = {text} in {group:?}");
                assert_eq!(PublicB::parse_hex(group, &text).err(), expected, "B = {text} in {group:?}");
            }
        }
    }
}

#[test]
fn a_server_that_draws_a_bad_b_gets_an_error() {
    let (group, n) = groups()[1];
    let mut zeros = 0;
    for v in 2..n - 1 {
        let verifier = Verifier { group, value: big(v) };
        for b in 1..n {
            let b = Ephemeral::from_hex(&format!("{b:x}")).unwrap();
            let job = Job::ServerPublic { group, b: b.clone(), verifier: verifier.clone() };
            match job.run() {
                JobResult::Failed(error) => {
                    assert_eq!(error, SrpError::PublicBIsZero);
                    assert!(public_b(group, &b.exponent, &verifier.value) == BigUint::ZERO);
                    zeros += 1;
                }
                done => assert!(matches!(done, JobResult::PublicB { .. }), "{done:?}"),
            }
        }
    }
    // g generates all residues, so every v has exactly one such b.
    assert_eq!(zeros, n - 3);
}

#[test]
fn a_verifier_alone_does_not_prove_the_password() {
    // Without u, A = g^a · v^−1 would cancel the verifier in the server's S.
    for (group, n) in groups() {
        let (a, b, x) = (big(5), big(9), big(7));
        let v = group.pow_g(&x);
        let inverse = group.pow(&v, &big(n - 2));
        let public_a = group.reduce(&(group.pow_g(&a) * inverse));
        let attacker_shared = group.pow(&group.pow_g(&b), &a);
        let fooled = |u| server_shared(group, &b, &v, &public_a, &big(u)) == attacker_shared;
        // S = g^(ab) · v^(b(u − 1)). The attacker needs a u that makes the second factor 1.
        for u in 1..n {
            let cancels = group.pow(&v, &big(9 * (u - 1))) == big(1);
            assert_eq!(fooled(u), cancels, "u = {u} in {group:?}");
        }
        assert!(!fooled(2));
    }
}
