//! Checks whether the time of a power depends on its exponent. Welch's t compares the times of two kinds of
//! exponents of one length, measured in random order, as dudect does (O. Reparaz, J. Balasch, I. Verbauwhede,
//! "Dude, is my code constant time?", DATE 2017).
//!
//! One kind has two bits set; the other is random. A |t| above 4.5 counts as a leak. The bench also measures
//! plain square-and-multiply, which multiplies for every set bit. If it finds no leak there, it cannot detect
//! one.
//!
//! The measurement covers `Backend::raise` including conversions. A result without a leak proves nothing
//! about other machines, other inputs, or an attacker who observes caches.
//!
//! `cargo bench --bench timing` ends with lines `timing <name> <t>`.

#![allow(clippy::print_stdout, clippy::panic, reason = "a bench prints results and panics on errors")]

use std::hint::black_box;

use cpu_time::ThreadTime;
use num_bigint::BigUint;
use poolproof_cognito::seed::{Rng, Seed};
use poolproof_srp::{Backend, ExponentClass, Group, Modexp};
use rand::{Rng as _, RngExt as _};

/// The minimum |t| of a leak.
const MIN_LEAK: f64 = 4.5;
/// The share of times that is kept. The slowest times are interruptions.
const KEPT_SHARE: f64 = 0.9;

fn main() {
    let best = Backend::best();
    println!("Welch's t between the times of sparse and of random exponents, {best} kernel");
    println!("{:<34} {:>9} {:>12} {:>12} {:>8}", "", "measured", "sparse µs", "random µs", "t");
    let mut results = Vec::new();
    for (name, backend, lanes, fixed, samples) in [
        ("pow_256 four lanes", best, 4, false, 3000),
        ("pow_256 alone", best, 1, false, 6000),
        ("pow_g_256 four lanes", best, 4, true, 6000),
        ("pow_g_256 alone", best, 1, true, 6000),
        ("pow_256 num_bigint", Backend::Reference, 1, false, 1000),
    ] {
        let raise = |powers: &[Modexp]| drop(black_box(backend.raise(powers)));
        results.push(print_t_value(name, times(&raise, lanes, fixed, samples)));
    }
    let n = BigUint::parse_bytes(Group::cognito().modulus_hex().as_bytes(), 16).expect("N is a number");
    let plain = |powers: &[Modexp]| drop(black_box(square_and_multiply(&powers[0], &n)));
    let control = print_t_value("square and multiply (control)", times(&plain, 1, false, 200));
    for (name, t) in &results {
        let leak = if t.abs() > MIN_LEAK { "leak" } else { "none found" };
        println!("timing {} {t:.2} {leak}", name.replace(' ', "_"));
    }
    println!(
        "timing control {:.2} {}",
        control.1,
        if control.1.abs() > MIN_LEAK {
            "leak found, as expected"
        } else {
            "NO LEAK FOUND: all results are invalid"
        }
    );
}

/// Prints a line of the table. Returns the name and t.
fn print_t_value(name: &'static str, [sparse, random]: [Vec<f64>; 2]) -> (&'static str, f64) {
    let (sparse, random) = cropped(sparse, random);
    let t = welch(&sparse, &random);
    let (left, right) = (mean(&sparse), mean(&random));
    println!("{name:<34} {:>9} {left:>12.2} {right:>12.2} {t:>8.2}", sparse.len() + random.len());
    (name, t)
}

/// Computes a power with a time that grows with every set bit.
fn square_and_multiply(Modexp { base, exponent, .. }: &Modexp, n: &BigUint) -> BigUint {
    let base = base.as_ref().expect("the control has a base");
    (0..exponent.bits()).rev().fold(BigUint::from(1u8), |power, bit| {
        let square = &power * &power % n;
        if exponent.bit(bit) { square * base % n } else { square }
    })
}

/// Draws an exponent of 256 bits with the top bit set, and with one more bit or random bits.
fn exponent(rng: &mut Rng, sparse: bool) -> BigUint {
    let top = BigUint::from(1u8) << 255u32;
    if sparse {
        return top + (BigUint::from(1u8) << rng.random_range(0..8u32));
    }
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    (BigUint::from_bytes_be(&bytes) % &top) + top
}

/// Measures CPU times in µs of sparse and of random exponents.
fn times(raise: &dyn Fn(&[Modexp]), lanes: usize, fixed: bool, samples: usize) -> [Vec<f64>; 2] {
    let rng = &mut Seed::new(1).rng("timing", 0);
    let base = || (!fixed).then(|| BigUint::from(3u8).pow(1900));
    let mut times = [Vec::new(), Vec::new()];
    for sample in 0..samples {
        let kind = rng.random_range(0..2usize);
        let class = ExponentClass::Bits256;
        let power = |_| Modexp { base: base(), exponent: exponent(rng, kind == 0), class };
        let powers: Vec<_> = (0..lanes).map(power).collect();
        let start = ThreadTime::now();
        raise(black_box(&powers));
        let spent = start.elapsed().as_secs_f64() * 1e6;
        // The first samples also build tables.
        if sample >= samples / 20 {
            times[kind].push(spent);
        }
    }
    times
}

/// Removes the slowest times of both kinds.
fn cropped(sparse: Vec<f64>, random: Vec<f64>) -> (Vec<f64>, Vec<f64>) {
    let mut all = [sparse.as_slice(), random.as_slice()].concat();
    all.sort_by(f64::total_cmp);
    let bound = all[(all.len() as f64 * KEPT_SHARE) as usize];
    let kept = |times: Vec<f64>| times.into_iter().filter(|time| *time < bound).collect();
    (kept(sparse), kept(random))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Returns Welch's t.
fn welch(left: &[f64], right: &[f64]) -> f64 {
    let variance = |values: &[f64]| {
        let mean = mean(values);
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64
    };
    let error = variance(left) / left.len() as f64 + variance(right) / right.len() as f64;
    (mean(left) - mean(right)) / error.sqrt()
}
