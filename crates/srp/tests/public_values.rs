//! Checks that parsing rejects hostile public values.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic, in shared functions too")]

use num_bigint::BigUint;
use poolproof_srp::{BadPublicValue, Group, PublicA, PublicB};

/// Returns N as a number.
fn modulus(group: Group) -> BigUint {
    BigUint::parse_bytes(group.modulus_hex().as_bytes(), 16).unwrap()
}

/// Checks that A and B are rejected for the same reason.
#[track_caller]
fn assert_rejected(group: Group, attack: &str, text: &str, reason: BadPublicValue) {
    let shown: String = text.chars().take(20).collect();
    assert_eq!(PublicA::parse_hex(group, text).err(), Some(reason), "{attack}: A = {shown:?} in {group:?}");
    assert_eq!(PublicB::parse_hex(group, text).err(), Some(reason), "{attack}: B = {shown:?} in {group:?}");
}

#[track_caller]
fn assert_accepted(group: Group, attack: &str, text: &str, canonical: &str) -> PublicA {
    assert_eq!(PublicB::parse_hex(group, text).map(|b| b.to_hex()), Ok(canonical.to_owned()), "{attack}");
    let a = PublicA::parse_hex(group, text).unwrap_or_else(|reason| panic!("{attack}: {reason}"));
    assert_eq!(a.to_hex(), canonical, "{attack}");
    a
}

fn groups() -> [Group; 3] {
    [Group::cognito(), Group::toy(), Group::from_safe_prime(47, 5).unwrap()]
}

#[test]
fn zero_and_empty_values_are_rejected() {
    for group in groups() {
        assert_rejected(group, "zero", "", BadPublicValue::Empty);
        for zeros in [1, 2, 767, 768, 770] {
            assert_rejected(group, "zero", &"0".repeat(zeros), BadPublicValue::Zero);
        }
        assert_rejected(group, "zero", &"0".repeat(771), BadPublicValue::TooLong { length: 771 });
    }
}

#[test]
fn values_from_n_on_are_rejected() {
    for group in groups() {
        let n = modulus(group);
        let g = if group.name() == "small" { 5u8 } else { 2 };
        for (attack, number) in [
            ("N", n.clone()),
            ("2N", &n * 2u8),
            ("3N", &n * 3u8),
            ("256 N", &n << 8usize),
            ("N + 1", &n + 1u8),
            ("N + g", &n + g),
            ("2N + 2", &n * 2u8 + 2u8),
        ] {
            assert_rejected(group, attack, &number.to_str_radix(16), BadPublicValue::NotBelowModulus);
        }
        let shifted = (&n << 1024usize).to_str_radix(16);
        let reason = match shifted.len() {
            length if length > 770 => BadPublicValue::TooLong { length },
            _ => BadPublicValue::NotBelowModulus,
        };
        assert_rejected(group, "N · 2^1024", &shifted, reason);
    }
}

#[test]
fn small_order_values_are_accepted_and_reported() {
    for group in groups() {
        let last = (modulus(group) - 1u8).to_str_radix(16);
        assert!(assert_accepted(group, "1", "1", "1").is_small_order());
        assert!(assert_accepted(group, "N − 1", &last, &last).is_small_order());
        let before = (modulus(group) - 2u8).to_str_radix(16);
        assert!(!assert_accepted(group, "N − 2", &before, &before).is_small_order());
        assert!(!assert_accepted(group, "g", "2", "2").is_small_order());
    }
}

#[test]
fn length_is_checked_first() {
    for group in groups() {
        for length in [771, 4_096, 1_000_000] {
            for digit in ["f", "0", "z"] {
                assert_rejected(group, "long", &digit.repeat(length), BadPublicValue::TooLong { length });
            }
        }
        assert_rejected(group, "long", &"f".repeat(769), BadPublicValue::NotBelowModulus);
    }
}

#[test]
fn only_hexadecimal_digits_are_accepted() {
    for group in groups() {
        assert_accepted(group, "leading zeros", "0000000a", "a");
        assert_accepted(group, "770 digits", &format!("{:0>770}", "a"), "a");
        assert_accepted(group, "upper case", "1A", "1a");
        for text in [
            "0xa",
            "0Xa",
            "xa",
            "-a",
            "+a",
            " a",
            "a ",
            "a\n",
            "\ta",
            "a\0",
            "\0a",
            "a_a",
            "a.a",
            "ag",
            "ah",
            "#a",
            // Full-width digits, Arabic digits, the Cyrillic letter a, and a combining mark.
            "\u{ff11}",
            "\u{ff41}",
            "\u{661}\u{660}",
            "\u{430}",
            "a\u{301}",
            "\u{feff}a",
            "%61",
        ] {
            assert_rejected(group, "K9", text, BadPublicValue::NotHex);
        }
    }
}
