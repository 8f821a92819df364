//! Compares the backends with `num-bigint`, on edge cases and random numbers.

use num_bigint::{BigInt, BigUint};
use rand::{Rng as _, RngExt as _};

use super::super::prime;
use super::{Backend, ExponentClass, Modexp, portable};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

/// Numbers below N that test carries, signs and lengths.
fn edges() -> Vec<BigUint> {
    let (n, one) = (prime::n(), BigUint::from(1u8));
    let mut all =
        vec![BigUint::ZERO, one.clone(), prime::g().clone(), n - &one, n - 2u8, n / 2u8, n / 2u8 + &one];
    for bit in [
        49u32, 50, 51, 63, 64, 203, 204, 255, 256, 399, 400, 1530, 2799, 2800, 2856, 3007, 3008, 3049, 3050,
        3059, 3060, 3071,
    ] {
        all.extend([&one << bit, (&one << bit) - &one]);
    }
    all
}

fn below_n(rng: &mut ChaCha8Rng) -> BigUint {
    let mut bytes = [0; 384];
    rng.fill_bytes(&mut bytes);
    BigUint::from_bytes_be(&bytes) % prime::n()
}

fn exponent(rng: &mut ChaCha8Rng, bits: u32) -> BigUint {
    let mut bytes = [0; 136];
    rng.fill_bytes(&mut bytes);
    BigUint::from_bytes_be(&bytes) % (BigUint::from(1u8) << bits)
}

/// Checks all powers with every backend, one by one and together.
fn agree(powers: &[Modexp]) {
    let expected: Vec<BigUint> = powers.iter().map(portable::reference).collect();
    for backend in Backend::ALL.into_iter().filter(|backend| backend.is_available()) {
        assert!(backend.raise(powers) == expected, "{backend}, together");
        for (power, expected) in powers.iter().zip(&expected) {
            let alone = backend.raise(std::slice::from_ref(power));
            assert!(alone.as_slice() == std::slice::from_ref(expected), "{backend}: {:x}", power.exponent);
        }
    }
}

#[test]
fn powers_with_exponents_of_every_shape_are_correct() {
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
    // A class is public and not a guarantee: longer exponents must work too.
    exponents.push(((prime::n() - &one) >> 1u32, ExponentClass::Bits256));
    exponents.push(((&one << 1026u32) - &one, ExponentClass::Bits1025));
    let base = below_n(&mut ChaCha8Rng::seed_from_u64(1));
    let powers: Vec<Modexp> = exponents
        .into_iter()
        .flat_map(|(exponent, class)| {
            [None, Some(base.clone())].map(|base| Modexp { base, exponent: exponent.clone(), class })
        })
        .collect();
    agree(&powers);
}

#[test]
fn powers_with_bases_of_every_shape_are_correct_in_four_lanes() {
    let (edges, rng) = (edges(), &mut ChaCha8Rng::seed_from_u64(2));
    let powers: Vec<Modexp> = edges
        .into_iter()
        .map(|base| Modexp { base: Some(base), exponent: exponent(rng, 256), class: ExponentClass::Bits256 })
        .collect();
    for count in 1..=5 {
        agree(&powers[..count]);
    }
    agree(&powers);
}

#[test]
fn random_powers_are_correct() {
    let rng = &mut ChaCha8Rng::seed_from_u64(3);
    for class in [ExponentClass::Bits256, ExponentClass::Bits513, ExponentClass::Bits1025] {
        let numbers: Vec<_> = (0..6).map(|_| (below_n(rng), exponent(rng, class.bits()))).collect();
        let with = |base: bool| {
            numbers.iter().map(move |(number, exponent)| Modexp {
                base: base.then(|| number.clone()),
                exponent: exponent.clone(),
                class,
            })
        };
        agree(&with(true).chain(with(false)).collect::<Vec<_>>());
    }
}

#[test]
fn products_of_powers_of_two_add_their_exponents() {
    let rng = &mut ChaCha8Rng::seed_from_u64(4);
    for backend in Backend::ALL.into_iter().filter(|backend| backend.is_available()) {
        let (a, b) = (exponent(rng, 1000), exponent(rng, 1000));
        let sum = &a + &b;
        let powers = [&a, &b, &sum].map(|exponent| Modexp {
            base: None,
            exponent: exponent.clone(),
            class: ExponentClass::Bits1025,
        });
        let powers = backend.raise(&powers);
        assert!(&powers[0] * &powers[1] % prime::n() == powers[2], "{backend}");
    }
}

/// Checks each product of the kernels.
#[cfg(target_arch = "x86_64")]
mod products {
    use std::fmt::Debug;

    use super::super::{avx2, ifma};
    use super::*;

    /// A kernel's products, and numbers to test them with.
    trait TestKernel: Sized + 'static {
        /// The name of the instruction set.
        const NAME: &'static str;
        type Digits: Clone + Debug;
        /// Returns the kernel, if this machine can run it.
        fn get() -> Option<&'static Self>;
        /// Montgomery's R.
        fn r() -> BigUint;
        fn split(number: &BigUint) -> Self::Digits;
        /// Returns the value of the digits.
        fn value(digits: &Self::Digits) -> BigInt;
        /// Returns runs of digits at the ends of their range, so that columns reach their bounds.
        fn random_extreme(rng: &mut ChaCha8Rng) -> Self::Digits;
        /// Returns numbers whose digits are all at an end of their range.
        fn extreme_digits() -> Vec<Self::Digits>;
        /// Returns a number that is not between 0 and N.
        fn out_of_range(rng: &mut ChaCha8Rng) -> Self::Digits;
        /// Reports whether the digits are a valid result and operand of a product.
        fn is_normalized(digits: &Self::Digits) -> bool;
        /// Computes a · b / R, or a · a / R without a b, by each method of the kernel.
        fn products(&self, a: &[Self::Digits; 4], b: Option<&[Self::Digits; 4]>) -> Vec<[Self::Digits; 4]>;
    }

    /// Returns a function that chooses a digit for each place, in runs of equal digits.
    fn runs<D: Copy>(rng: &mut ChaCha8Rng, kinds: &[D]) -> impl FnMut(usize) -> D {
        let mut kind = kinds[rng.random_range(0..kinds.len())];
        let changes: Vec<_> = (0..64)
            .map(|_| {
                if rng.random_range(0..20) == 0 {
                    kind = kinds[rng.random_range(0..kinds.len())];
                }
                kind
            })
            .collect();
        move |place| changes[place]
    }

    impl TestKernel for avx2::Kernel {
        const NAME: &'static str = "AVX2";
        type Digits = avx2::digits::Digits;

        fn get() -> Option<&'static Self> {
            Self::get()
        }

        fn r() -> BigUint {
            BigUint::from(1u8) << (avx2::digits::DIGITS * avx2::digits::WIDTH as usize)
        }

        fn split(number: &BigUint) -> Self::Digits {
            avx2::digits::split(number)
        }

        fn value(digits: &Self::Digits) -> BigInt {
            #[expect(clippy::cast_possible_truncation, reason = "digits are whole numbers below 2^52")]
            digits.iter().rev().fold(BigInt::ZERO, |sum, digit| (sum << avx2::digits::WIDTH) + *digit as i64)
        }

        fn random_extreme(rng: &mut ChaCha8Rng) -> Self::Digits {
            let kinds = [MAX_DIGIT_AVX2, -MAX_DIGIT_AVX2, 0.0, 1.0, -1.0, (1u64 << 50) as f64];
            let mut digits: Self::Digits = std::array::from_fn(runs(rng, &kinds));
            // The number must stay below N.
            digits[avx2::digits::DIGITS - 1] = digits[avx2::digits::DIGITS - 1].clamp(-2000.0, 2000.0);
            digits
        }

        fn extreme_digits() -> Vec<Self::Digits> {
            let last = avx2::digits::DIGITS - 1;
            let all = |sign: f64| {
                std::array::from_fn(|place| if place == last { 9.0 } else { sign * MAX_DIGIT_AVX2 })
            };
            vec![all(1.0), all(-1.0)]
        }

        fn out_of_range(rng: &mut ChaCha8Rng) -> Self::Digits {
            Self::split(&below_n(rng)).map(|digit| -digit)
        }

        fn is_normalized(digits: &Self::Digits) -> bool {
            let value = Self::value(digits);
            BigInt::from(value.magnitude().clone()) < prime::n().clone().into()
                && digits.iter().all(|digit| digit.abs() <= MAX_DIGIT_AVX2)
        }

        fn products(&self, a: &[Self::Digits; 4], b: Option<&[Self::Digits; 4]>) -> Vec<[Self::Digits; 4]> {
            let alone = |lane: usize| self.product(&a[lane], b.map(|b| &b[lane]));
            vec![self.product_by_lanes(a, b), [0, 1, 2, 3].map(alone)]
        }
    }

    /// The largest digit of a result, and therefore of an operand, of the AVX2 kernel.
    const MAX_DIGIT_AVX2: f64 = ((1u64 << 50) + (1 << 13)) as f64;
    /// The same for the IFMA kernel.
    const MAX_DIGIT_IFMA: u64 = (1 << 50) + (1 << 10);

    impl TestKernel for ifma::Kernel {
        const NAME: &'static str = "AVX-512 IFMA";
        type Digits = ifma::digits::Digits;

        fn get() -> Option<&'static Self> {
            Self::get()
        }

        fn r() -> BigUint {
            BigUint::from(1u8) << 2800u32
        }

        fn split(number: &BigUint) -> Self::Digits {
            ifma::digits::Digits::split(number)
        }

        fn value(digits: &Self::Digits) -> BigInt {
            let digits = digits.0.as_flattened().iter().rev();
            digits.fold(BigInt::ZERO, |sum, digit| (sum << ifma::digits::WIDTH) + *digit)
        }

        fn random_extreme(rng: &mut ChaCha8Rng) -> Self::Digits {
            let kind = runs(rng, &[MAX_DIGIT_IFMA, 0, 1, 1 << 50, (1 << 50) - 1, 1 << 49]);
            ifma::digits::Digits::of(kind)
        }

        fn extreme_digits() -> Vec<Self::Digits> {
            [MAX_DIGIT_IFMA, 1 << 50, (1 << 50) - 1].map(|digit| ifma::digits::Digits::of(|_| digit)).to_vec()
        }

        fn out_of_range(rng: &mut ChaCha8Rng) -> Self::Digits {
            let mut multiple = [0; 16];
            rng.fill_bytes(&mut multiple);
            Self::split(&(below_n(rng) + prime::n() * (BigUint::from_bytes_be(&multiple) >> 1u32)))
        }

        fn is_normalized(digits: &Self::Digits) -> bool {
            digits.0.as_flattened().iter().all(|digit| *digit <= MAX_DIGIT_IFMA)
        }

        fn products(&self, a: &[Self::Digits; 4], b: Option<&[Self::Digits; 4]>) -> Vec<[Self::Digits; 4]> {
            vec![[0, 1, 2, 3].map(|lane| self.product(&a[lane], b.map(|b| &b[lane])))]
        }
    }

    struct Check<F: TestKernel> {
        kernel: &'static F,
        n: BigInt,
        /// 1 / R.
        from_montgomery: BigInt,
        edges: Vec<BigUint>,
    }

    impl<F: TestKernel> Check<F> {
        /// Prints a line and returns `None` if this machine cannot run the kernel.
        fn new() -> Option<Self> {
            let Some(kernel) = F::get() else {
                eprintln!("skipped: this machine has no {}", F::NAME);
                return None;
            };
            let from_montgomery = F::r().modinv(prime::n()).unwrap().into();
            Some(Self { kernel, n: prime::n().clone().into(), from_montgomery, edges: edges() })
        }

        fn check(&self, a: &F::Digits, b: &F::Digits, product: &F::Digits) {
            let difference = F::value(a) * F::value(b) * &self.from_montgomery - F::value(product);
            assert!(difference % &self.n == BigInt::ZERO, "{a:?} · {b:?}");
            assert!(F::is_normalized(product), "not normalized: {a:?} · {b:?} = {product:?}");
        }

        /// Checks the products of four pairs by each method, and returns their number.
        fn check_four(&self, a: &[F::Digits; 4], b: Option<&[F::Digits; 4]>) -> u32 {
            let ways = self.kernel.products(a, b);
            for products in &ways {
                for lane in 0..4 {
                    self.check(&a[lane], &b.unwrap_or(a)[lane], &products[lane]);
                }
            }
            4 * u32::try_from(ways.len()).unwrap()
        }

        fn operand(&self, rng: &mut ChaCha8Rng) -> F::Digits {
            match rng.random_range(0..4) {
                0 => F::split(&self.edges[rng.random_range(0..self.edges.len())]),
                1 => F::random_extreme(rng),
                2 => F::out_of_range(rng),
                _ => F::split(&below_n(rng)),
            }
        }
    }

    /// Checks at least `results` products and squares.
    fn random_products<F: TestKernel>(seed: u64, results: u32) {
        let Some(check) = Check::<F>::new() else { return };
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let mut checked = 0;
        while checked < results {
            let a = std::array::from_fn(|_| check.operand(rng));
            let b = std::array::from_fn(|_| check.operand(rng));
            checked += check.check_four(&a, Some(&b)) + check.check_four(&a, None);
        }
    }

    fn edge_by_edge<F: TestKernel>() {
        let Some(check) = Check::<F>::new() else { return };
        let all: Vec<F::Digits> = check.edges.iter().map(F::split).chain(F::extreme_digits()).collect();
        for a in &all {
            for b in &all {
                let [a, b] = [a, b].map(F::Digits::clone);
                check.check_four(
                    &[&a, &b, &a, &b].map(F::Digits::clone),
                    Some(&[&b, &a, &a, &b].map(F::Digits::clone)),
                );
            }
            check.check_four(&[a, a, a, a].map(F::Digits::clone), None);
        }
    }

    #[test]
    fn products_are_correct_and_normalized() {
        random_products::<avx2::Kernel>(5, 8_000);
        random_products::<ifma::Kernel>(5, 8_000);
    }

    /// Checks a million results of each kernel: `cargo test --release -- --ignored a_million_products`.
    #[test]
    #[ignore = "takes minutes in a release build"]
    fn a_million_products_are_correct_and_normalized() {
        random_products::<avx2::Kernel>(6, 1_000_000);
        random_products::<ifma::Kernel>(6, 1_000_000);
    }

    #[test]
    fn products_of_all_pairs_of_edge_values_are_correct() {
        edge_by_edge::<avx2::Kernel>();
        edge_by_edge::<ifma::Kernel>();
    }
}
