//! The protocol's algebra, tried in full: every case of two small groups (ASSURANCE 3, instrument 1).

use super::error::{BadPublicValue, SrpError};
use super::group::{Element, Exponent, Group};
use super::{Ephemeral, Job, JobResult, PublicA, PublicB, client, server};

/// Safe primes, each with a generator of the whole group, so that every residue is met.
fn groups() -> [(Group, u64); 2] {
    [(23, 5), (47, 5)].map(|(n, g)| (Group::from_safe_prime(n, g).unwrap(), n))
}

fn exponent(number: u64) -> Exponent {
    Exponent::from_bytes(&number.to_be_bytes())
}

fn element(group: Group, number: u64) -> Element {
    group.element(&number.to_be_bytes()).unwrap()
}

fn public_b(group: Group, b: &Exponent, v: &Element) -> Element {
    server::public_value(group, &group.pow_g(b), v)
}

/// The client's S.
fn client_shared(group: Group, a: &Exponent, public_b: &Element, x: &Exponent, u: &Exponent) -> Element {
    group.pow(&client::base(group, public_b, &group.pow_g(x)), &client::exponent(a, u, x))
}

/// The server's S.
fn server_shared(group: Group, b: &Exponent, v: &Element, public_a: &Element, u: &Exponent) -> Element {
    group.pow(&server::base(group, public_a, &group.pow(v, u)), b)
}

#[test]
fn both_sides_agree_in_every_case() {
    let mut cases = 0u64;
    for (group, n) in groups() {
        let numbers: Vec<Exponent> = (0..n).map(exponent).collect();
        for x in &numbers[1..] {
            let v = group.pow_g(x);
            for b in &numbers[1..] {
                let public_b = public_b(group, b, &v);
                if public_b.is_zero() {
                    continue; // The pool draws another b.
                }
                for a in &numbers[1..] {
                    let public_a = group.pow_g(a);
                    for u in &numbers[1..] {
                        let client = client_shared(group, a, &public_b, x, u);
                        let server = server_shared(group, b, &v, &public_a, u);
                        assert!(
                            client == server && !server.is_zero(),
                            "an honest exchange differs in {group:?}"
                        );
                        cases += 1;
                    }
                }
            }
        }
    }
    // 22^4 + 46^4 less those with B = 0.
    println!("{cases} exchanges agreed");
    assert!(cases > 4_000_000, "{cases}");
}

#[test]
fn the_secret_is_zero_exactly_when_n_divides_a() {
    for (group, n) in groups() {
        for a in 0..4 * n {
            let public_a = element(group, a % n);
            for v in 1..n {
                for u in 1..n {
                    for b in [1, 2, 7, n - 2, n - 1, n] {
                        let s =
                            server_shared(group, &exponent(b), &element(group, v), &public_a, &exponent(u));
                        assert_eq!(
                            s.is_zero(),
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
fn parsing_takes_exactly_1_to_n_less_1() {
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
    let mut unlucky = 0;
    for v in 2..n - 1 {
        let verifier = super::Verifier::new(group, element(group, v));
        for b in 1..n {
            let b = Ephemeral::from_hex(&format!("{b:x}")).unwrap();
            let job = Job::ServerPublic { group, b: b.clone(), verifier: verifier.clone() };
            match job.run() {
                JobResult::Failed(error) => {
                    assert_eq!(error, SrpError::PublicBIsZero);
                    assert!(public_b(group, b.exponent(), verifier.value()).is_zero());
                    unlucky += 1;
                }
                done => assert!(matches!(done, JobResult::PublicB { .. }), "{done:?}"),
            }
        }
    }
    // g generates the whole group: for every v there is exactly one such b.
    assert_eq!(unlucky, n - 3);
}

#[test]
fn a_stolen_verifier_proves_nothing() {
    // K11: without u, A = g^a · v^−1 would cancel the verifier out of the server's S.
    for (group, n) in groups() {
        let (a, b, x) = (exponent(5), exponent(9), exponent(7));
        let v = group.pow_g(&x);
        let inverse = group.pow(&v, &exponent(n - 2));
        let public_a = group.mul(&group.pow_g(&a), &inverse);
        let attacker_shared = group.pow(&group.pow_g(&b), &a);
        let fooled = |u| server_shared(group, &b, &v, &public_a, &exponent(u)) == attacker_shared;
        // S = g^(ab) · v^(b(u − 1)): the thief needs a u that makes the second factor 1.
        for u in 1..n {
            let cancels = group.pow(&v, &exponent(9 * (u - 1))).to_hex() == "1";
            assert_eq!(fooled(u), cancels, "u = {u} in {group:?}");
        }
        assert!(!fooled(2));
    }
}
