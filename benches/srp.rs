//! The cost of SRP's powers, compared with OpenSSL, `num-bigint` and `crypto-bigint`.
//!
//! One run measures all candidates alternately, by the CPU time of the thread. Ratios are therefore valid on
//! a busy machine or with a changing clock rate; single values are not. The bench compares every result with
//! `num-bigint`'s before it measures. It loads OpenSSL's library at run time. Without the library it reports
//! the ratios with OpenSSL as not measured.
//!
//! `cargo bench --bench srp` ends with lines `ratio <name> <value>`.

#![allow(clippy::print_stdout, clippy::panic, reason = "a bench prints results and panics on errors")]

#[path = "support/exchange.rs"]
mod exchange;
#[path = "support/interleaved.rs"]
mod interleaved;
#[path = "support/openssl.rs"]
mod openssl;

use std::hint::black_box;

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U1024, U3072};
use num_bigint::BigUint;
use poolproof_cognito::seed::{Rng, Seed};
use poolproof_srp::{Backend, ExponentClass, Group, Modexp};
use rand::Rng as _;
use sha2::{Digest as _, Sha256};

use exchange::Exchange;
use interleaved::{Interleaved, cpu_us};
use openssl::OpenSsl;

/// The number of measurements of each candidate.
const ROUNDS: usize = 15;

fn main() {
    let n = BigUint::parse_bytes(Group::cognito().modulus_hex().as_bytes(), 16).expect("N is a number");
    let openssl = OpenSsl::load(&n);
    let mut measurements = Interleaved::default();
    powers(&mut measurements, &n, openssl.as_ref());
    sign_ins(&mut measurements, &n, openssl.as_ref());
    println!("SRP over the 3072-bit group, CPU time of one thread, {ROUNDS} alternating rounds");
    let kernels: Vec<String> = kernels().iter().map(Backend::to_string).collect();
    println!(
        "kernels: {}, of which {} is used   OpenSSL: {}",
        kernels.join(" "),
        Backend::best(),
        openssl.as_ref().map_or("not found", OpenSsl::version)
    );
    measurements.run(ROUNDS);
    measurements.print();
    print_ratios(&measurements);
}

/// Returns this crate's backends that the machine supports, from the slowest to the fastest.
fn kernels() -> Vec<Backend> {
    let is_own = |backend: &Backend| *backend != Backend::Reference && backend.is_available();
    Backend::ALL.into_iter().filter(is_own).collect()
}

/// Returns the available vector backends other than the best one.
fn others() -> impl Iterator<Item = Backend> {
    kernels().into_iter().filter(|backend| ![Backend::Portable, Backend::best()].contains(backend))
}

fn print_ratios(measurements: &Interleaved<'_>) {
    let best = Backend::best();
    let print = |ours: &str, theirs: &str, name: &str| match measurements.ratio(ours, theirs) {
        Some(ratio) => println!("ratio {name} {ratio:.3}"),
        None => println!("ratio {name} not measured: no {theirs} on this machine ({best} kernel)"),
    };
    for (ours, theirs, name) in [
        ("full_sign_in", "full_sign_in openssl_consttime", "full_sign_in/openssl_consttime"),
        ("full_sign_in", "full_sign_in num_bigint", "full_sign_in/num_bigint"),
        ("full_sign_in a256", "full_sign_in a256 openssl_consttime", "full_sign_in_a256/openssl_consttime"),
        ("full_sign_in alone", "full_sign_in openssl_consttime", "full_sign_in_alone/openssl_consttime"),
        ("pow_1025", "pow_1025 openssl_consttime", "pow_1025/openssl_consttime"),
        ("pow_1025 alone", "pow_1025 openssl_consttime", "pow_1025_alone/openssl_consttime"),
        ("pow_1025", "pow_1025 crypto_bigint", "pow_1025/crypto_bigint"),
        ("pow_256", "pow_256 openssl_consttime", "pow_256/openssl_consttime"),
        ("pow_g_1024", "pow_g_1024 openssl_consttime", "pow_g_1024/openssl_consttime"),
        ("pow_g_1024 alone", "pow_g_1024 openssl_consttime", "pow_g_1024_alone/openssl_consttime"),
        ("pow_g_1024 portable", "pow_g_1024 num_bigint", "pow_g_1024_portable/num_bigint"),
        ("pow_1025 portable", "pow_1025 num_bigint", "pow_1025_portable/num_bigint"),
    ] {
        print(ours, theirs, name);
    }
    for other in others() {
        for what in ["full_sign_in", "full_sign_in a256", "pow_1025", "pow_256", "pow_g_1024"] {
            let name = format!("{}_{other}/openssl_consttime", what.replace(' ', "_"));
            print(&format!("{what} {other}"), &format!("{what} openssl_consttime"), &name);
        }
    }
}

fn number(rng: &mut Rng, bits: u32) -> BigUint {
    let mut bytes = vec![0; 384];
    rng.fill_bytes(&mut bytes);
    // The top bit is set, so that no candidate has a shorter exponent.
    (BigUint::from_bytes_be(&bytes) % (BigUint::from(1u8) << (bits - 1))) + (BigUint::from(1u8) << (bits - 1))
}

/// Adds candidates that compute one power, and candidates that compute four at a time.
fn powers<'a>(measurements: &mut Interleaved<'a>, n: &BigUint, openssl: Option<&'a OpenSsl>) {
    let rng = &mut Seed::new(1).rng("bench", 0);
    let bases: Vec<BigUint> = (0..4).map(|_| number(rng, 3070)).collect();
    let two = BigUint::from(2u8);
    for (name, fixed, bits, class) in [
        ("pow_g_256", true, 256, ExponentClass::Bits256),
        ("pow_g_1024", true, 1024, ExponentClass::Bits1025),
        ("pow_256", false, 256, ExponentClass::Bits256),
        ("pow_1025", false, 1025, ExponentClass::Bits1025),
    ] {
        let exponents: Vec<BigUint> = (0..4).map(|_| number(rng, bits)).collect();
        let expected: Vec<BigUint> = bases
            .iter()
            .zip(&exponents)
            .map(|(base, e)| if fixed { &two } else { base }.modpow(e, n))
            .collect();
        let bases = bases.clone();
        let ours = move |backend: Backend, count: usize| {
            let base = |i: usize| (!fixed).then(|| bases[i].clone());
            let powers: Vec<_> =
                (0..count).map(|i| Modexp { base: base(i), exponent: exponents[i].clone(), class }).collect();
            assert_eq!(backend.raise(&powers), expected[..count], "{backend}");
            let base = if fixed { BigUint::from(2u8) } else { bases[0].clone() };
            (powers, base, expected[0].clone())
        };
        let (four, base, expected) = ours(Backend::best(), 4);
        for other in others() {
            let (four, ..) = ours(other, 4);
            measurements.add(&format!("{name} {other}"), move || {
                cpu_us(4, || _ = black_box(other.raise(black_box(&four))))
            });
        }
        let (one, ..) = ours(Backend::Portable, 1);
        let exponent = one[0].exponent.clone();
        let alone = one.clone();
        measurements.add(name, move || cpu_us(4, || _ = black_box(Backend::best().raise(black_box(&four)))));
        measurements.add(&format!("{name} alone"), move || {
            cpu_us(1, || _ = black_box(Backend::best().raise(black_box(&alone))))
        });
        measurements.add(&format!("{name} portable"), move || {
            cpu_us(1, || _ = black_box(Backend::Portable.raise(black_box(&one))))
        });
        if let Some(openssl) = openssl {
            assert_eq!(openssl.power(&base, &exponent), expected, "OpenSSL");
            let power = openssl.prepared(&base, &exponent);
            measurements.add(&format!("{name} openssl_consttime"), move || cpu_us(1, || power.raise()));
        }
        let (params, crypto_base, e) = crypto_bigint(n, &base, &exponent);
        let crypto = move || FixedMontyForm::new(&crypto_base, &params).pow_bounded_exp(&e, bits).retrieve();
        assert_eq!(BigUint::from_bytes_be(crypto().to_be_bytes().as_ref()), expected, "crypto-bigint");
        measurements.add(&format!("{name} crypto_bigint"), move || cpu_us(1, || _ = black_box(crypto())));
        let n = n.clone();
        measurements.add(&format!("{name} num_bigint"), move || {
            cpu_us(1, || _ = black_box(black_box(&base).modpow(&exponent, &n)))
        });
    }
}

type CryptoNumbers = (FixedMontyParams<{ U3072::LIMBS }>, U3072, crypto_bigint::Uint<{ U1024::LIMBS + 1 }>);

fn crypto_bigint(n: &BigUint, base: &BigUint, exponent: &BigUint) -> CryptoNumbers {
    let hex = |number: &BigUint, digits: usize| format!("{:0>digits$}", number.to_str_radix(16));
    let n = Odd::new(U3072::from_be_hex(&hex(n, 768))).expect("N is odd");
    let exponent = crypto_bigint::Uint::from_be_hex(&hex(exponent, 16 * (U1024::LIMBS + 1)));
    (FixedMontyParams::new(n), U3072::from_be_hex(&hex(base, 768)), exponent)
}

/// Adds candidates that compute a device sign-in: the user's exchange and the device's, both sides, with
/// hashes.
fn sign_ins<'a>(measurements: &mut Interleaved<'a>, n: &BigUint, openssl: Option<&'a OpenSsl>) {
    for (suffix, bits) in [("", 1024), (" a256", 256)] {
        let exchange = Exchange::new(bits, 4);
        let (four, alone, reference) = (exchange.clone(), exchange.first(1), exchange.first(1));
        measurements.add(&format!("full_sign_in{suffix}"), move || {
            cpu_us(4, || {
                four.run(Group::cognito());
                four.run(Group::cognito());
            })
        });
        for other in others() {
            let four = exchange.clone();
            measurements.add(&format!("full_sign_in{suffix} {other}"), move || {
                cpu_us(4, || {
                    four.run(Group::cognito_with_backend(other));
                    four.run(Group::cognito_with_backend(other));
                })
            });
        }
        measurements.add(&format!("full_sign_in{suffix} alone"), move || {
            cpu_us(1, || {
                alone.run(Group::cognito());
                alone.run(Group::cognito());
            })
        });
        measurements.add(&format!("full_sign_in{suffix} num_bigint"), move || {
            cpu_us(1, || {
                reference.run(Group::cognito_with_backend(Backend::Reference));
                reference.run(Group::cognito_with_backend(Backend::Reference));
            })
        });
        if let Some(openssl) = openssl {
            let plain = Plain::new(n, bits);
            measurements.add(&format!("full_sign_in{suffix} openssl_consttime"), move || {
                cpu_us(1, || {
                    plain.run(|base, exponent| openssl.power(base, exponent));
                    plain.run(|base, exponent| openssl.power(base, exponent));
                })
            });
        }
    }
}

/// An exchange whose powers another library computes.
struct Plain {
    n: BigUint,
    k: BigUint,
    x: BigUint,
    v: BigUint,
    a: BigUint,
    b: BigUint,
}

impl Plain {
    fn new(n: &BigUint, bits: u32) -> Self {
        let rng = &mut Seed::new(3).rng("bench", 0);
        let g = BigUint::from(2u8);
        let k = BigUint::from_bytes_be(&Sha256::digest([&[0], n.to_bytes_be().as_slice(), &[2]].concat()));
        let x = number(rng, 256);
        let v = g.modpow(&x, n);
        Self { n: n.clone(), k, x, v, a: number(rng, bits), b: number(rng, 256) }
    }

    fn run(&self, power: impl Fn(&BigUint, &BigUint) -> BigUint) {
        let Self { n, k, x, v, a, b } = self;
        let g = &BigUint::from(2u8);
        let public_a = power(g, a);
        let public_b = (k * v + power(g, b)) % n;
        let u = BigUint::from_bytes_be(&Sha256::digest(
            [public_a.to_bytes_be(), public_b.to_bytes_be()].concat(),
        ));
        let base = (&public_b + n - k * power(g, x) % n) % n;
        let client = power(&base, &(a + &u * x));
        let server = power(&(&public_a * power(v, &u) % n), b);
        assert!(client == server, "the two sides differ");
        black_box(Sha256::digest(client.to_bytes_be()));
        black_box(Sha256::digest(server.to_bytes_be()));
    }
}
