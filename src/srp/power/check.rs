//! The backends, held against `num-bigint`: what is easy to get wrong, and a great deal of chance.

use num_bigint::{BigInt, BigUint};
use rand::{Rng as _, RngExt as _};

use super::super::prime;
use super::{Backend, ExponentClass, Power, raise_all};
use crate::seed::{Seed, Stream};

/// Numbers below N in which a carry, a sign or a length could go wrong.
fn edges() -> Vec<BigUint> {
    let (n, one) = (prime::n(), BigUint::from(1u8));
    let mut all =
        vec![BigUint::ZERO, one.clone(), prime::g().clone(), n - &one, n - 2u8, n / 2u8, n / 2u8 + &one];
    for bit in [50u32, 51, 63, 64, 203, 204, 255, 256, 1530, 2856, 3007, 3008, 3059, 3060, 3071] {
        all.extend([&one << bit, (&one << bit) - &one]);
    }
    all
}

fn below_n(stream: &mut Stream) -> BigUint {
    let mut bytes = [0; 384];
    stream.fill_bytes(&mut bytes);
    BigUint::from_bytes_be(&bytes) % prime::n()
}

fn exponent(stream: &mut Stream, bits: u32) -> BigUint {
    let mut bytes = [0; 136];
    stream.fill_bytes(&mut bytes);
    BigUint::from_bytes_be(&bytes) % (BigUint::from(1u8) << bits)
}

fn expected(power: &Power<'_>) -> BigUint {
    power.base.unwrap_or_else(|| prime::g()).modpow(power.exponent, prime::n())
}

/// Raises all by every backend, one by one and together.
fn agree(powers: &[Power<'_>]) {
    let right: Vec<BigUint> = powers.iter().map(expected).collect();
    for backend in Backend::ALL.into_iter().filter(|backend| backend.is_available()) {
        assert!(raise_all(backend, powers) == right, "{backend}, together");
        for (power, right) in powers.iter().zip(&right) {
            let alone = raise_all(backend, std::slice::from_ref(power));
            assert!(alone.as_slice() == std::slice::from_ref(right), "{backend}: {:x}", power.exponent);
        }
    }
}

#[test]
fn exponents_of_every_shape() {
    let one = BigUint::from(1u8);
    let mut exponents = vec![(BigUint::ZERO, ExponentClass::Bits256), (one.clone(), ExponentClass::Bits1025)];
    for class in [ExponentClass::Bits256, ExponentClass::Bits513, ExponentClass::Bits1025] {
        let bits = class.bits();
        exponents.extend([
            ((&one << bits) - &one, class),
            (&one << (bits - 1), class),
            (&one << (bits / 2), class),
        ]);
    }
    // Longer than any class: the class is what may be known, not what may be relied on.
    exponents.push(((prime::n() - &one) >> 1u32, ExponentClass::Bits256));
    exponents.push(((&one << 1026u32) - &one, ExponentClass::Bits1025));
    let base = below_n(&mut Seed::new(1).stream("base", 0));
    let powers: Vec<Power<'_>> = exponents
        .iter()
        .flat_map(|(exponent, class)| [None, Some(&base)].map(|base| Power { base, exponent, class: *class }))
        .collect();
    agree(&powers);
}

#[test]
fn bases_of_every_shape_in_four_distinct_lanes() {
    let (edges, stream) = (edges(), &mut Seed::new(2).stream("lanes", 0));
    let exponents: Vec<BigUint> = edges.iter().map(|_| exponent(stream, 256)).collect();
    let powers: Vec<Power<'_>> = edges
        .iter()
        .zip(&exponents)
        .map(|(base, exponent)| Power { base: Some(base), exponent, class: ExponentClass::Bits256 })
        .collect();
    for count in 1..=5 {
        agree(&powers[..count]);
    }
    agree(&powers);
}

#[test]
fn powers_of_chance() {
    let stream = &mut Seed::new(3).stream("chance", 0);
    for class in [ExponentClass::Bits256, ExponentClass::Bits513, ExponentClass::Bits1025] {
        let numbers: Vec<_> = (0..6).map(|_| (below_n(stream), exponent(stream, class.bits()))).collect();
        let with = |base: bool| {
            numbers.iter().map(move |(number, exponent)| Power {
                base: base.then_some(number),
                exponent,
                class,
            })
        };
        agree(&with(true).chain(with(false)).collect::<Vec<_>>());
    }
}

#[test]
fn two_to_a_and_two_to_b_is_two_to_their_sum() {
    let stream = &mut Seed::new(4).stream("sums", 0);
    for backend in Backend::ALL.into_iter().filter(|backend| backend.is_available()) {
        let (a, b) = (exponent(stream, 1000), exponent(stream, 1000));
        let sum = &a + &b;
        let g_to = |exponent| Power { base: None, exponent, class: ExponentClass::Bits1025 };
        let powers = raise_all(backend, &[g_to(&a), g_to(&b), g_to(&sum)]);
        assert!(&powers[0] * &powers[1] % prime::n() == powers[2], "{backend}");
    }
}

#[cfg(target_arch = "x86_64")]
mod products {
    use super::super::avx2::Kernel;
    use super::super::digits::{DIGITS, Digits, WIDTH, split};
    use super::*;

    /// The largest digit that a product leaves, and so the largest that one is given.
    const LARGEST: f64 = ((1u64 << 50) + (1 << 13)) as f64;

    fn value(digits: &Digits) -> BigInt {
        #[expect(clippy::cast_possible_truncation, reason = "digits are whole numbers below 2^52")]
        digits.iter().rev().fold(BigInt::ZERO, |sum, digit| (sum << WIDTH) + *digit as i64)
    }

    /// Digits at the ends of their range, in runs, so that columns reach their bounds.
    fn extreme(stream: &mut Stream) -> Digits {
        let kinds = [LARGEST, -LARGEST, 0.0, 1.0, -1.0, (1u64 << 50) as f64];
        let mut kind = kinds[stream.random_range(0..kinds.len())];
        let mut digits: Digits = std::array::from_fn(|_| {
            if stream.random_range(0..20) == 0 {
                kind = kinds[stream.random_range(0..kinds.len())];
            }
            kind
        });
        // The number must stay below N.
        digits[DIGITS - 1] = digits[DIGITS - 1].clamp(-2000.0, 2000.0);
        digits
    }

    fn operand(stream: &mut Stream, edges: &[BigUint]) -> Digits {
        match stream.random_range(0..4) {
            0 => split(&edges[stream.random_range(0..edges.len())]),
            1 => extreme(stream),
            2 => split(&below_n(stream)).map(|digit| -digit),
            _ => split(&below_n(stream)),
        }
    }

    struct Check {
        kernel: &'static Kernel,
        n: BigInt,
        /// 1 / R.
        leave: BigInt,
    }

    impl Check {
        fn new() -> Option<Self> {
            let r = BigUint::from(1u8) << (DIGITS * WIDTH as usize);
            let leave = r.modinv(prime::n()).unwrap().into();
            Kernel::get().map(|kernel| Self { kernel, n: prime::n().clone().into(), leave })
        }

        fn check(&self, a: &Digits, b: &Digits, product: &Digits) {
            let (got, left, right) = (value(product), value(a), value(b));
            let difference = left * right * &self.leave - &got;
            assert!(difference % &self.n == BigInt::ZERO, "{a:?} · {b:?}");
            assert!(BigInt::from(got.magnitude().clone()) < self.n, "too large: {a:?} · {b:?}");
            assert!(product.iter().all(|digit| digit.abs() <= LARGEST), "untidy: {a:?} · {b:?}");
        }

        /// Both kernels, products and squares: 16 results.
        fn round(&self, stream: &mut Stream, edges: &[BigUint]) {
            let a: [Digits; 4] = std::array::from_fn(|_| operand(stream, edges));
            let b: [Digits; 4] = std::array::from_fn(|_| operand(stream, edges));
            let products = self.kernel.product_by_lanes(&a, Some(&b));
            let squares = self.kernel.product_by_lanes(&a, None);
            for lane in 0..4 {
                let (a, b) = (&a[lane], &b[lane]);
                self.check(a, b, &products[lane]);
                self.check(a, a, &squares[lane]);
                self.check(a, b, &self.kernel.product(a, Some(b)));
                self.check(a, a, &self.kernel.product(a, None));
            }
        }
    }

    fn rounds(seed: u64, rounds: u32) {
        let Some(check) = Check::new() else { return eprintln!("skipped: this machine has no AVX2") };
        let (edges, stream) = (edges(), &mut Seed::new(seed).stream("products", 0));
        for _ in 0..rounds {
            check.round(stream, &edges);
        }
    }

    #[test]
    fn products_are_right_and_tidy() {
        rounds(5, 500);
    }

    /// More than a million results: `cargo test --release -- --ignored a_million_products`.
    #[test]
    #[ignore = "takes a minute in a release build"]
    fn a_million_products_are_right_and_tidy() {
        rounds(6, 65_536);
    }

    #[test]
    fn every_edge_meets_every_edge() {
        let Some(check) = Check::new() else { return eprintln!("skipped: this machine has no AVX2") };
        let mut all: Vec<Digits> = edges().iter().map(split).collect();
        let signs = [1.0, -1.0]
            .map(|sign| std::array::from_fn(|place| if place + 1 == DIGITS { 9.0 } else { sign * LARGEST }));
        all.extend(signs);
        for a in &all {
            for b in &all {
                check.check(a, b, &check.kernel.product(a, Some(b)));
                let lanes = check.kernel.product_by_lanes(&[*a, *b, *a, *b], Some(&[*b, *a, *a, *b]));
                for (lane, (left, right)) in [(a, b), (b, a), (a, a), (b, b)].into_iter().enumerate() {
                    check.check(left, right, &lanes[lane]);
                }
            }
        }
    }
}
