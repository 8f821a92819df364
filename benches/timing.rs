//! Whether the time of a power tells of its exponent: two kinds of exponents of one length, measured in random order, and
//! Welch's t between their times (as dudect does: O. Reparaz, J. Balasch, I. Verbauwhede, "Dude, is my code constant
//! time?", DATE 2017).
//!
//! One kind has hardly a bit set, the other is random. |t| above 4.5 is taken as a leak. Plain squaring and multiplying,
//! which multiplies for every bit that is set, is measured as well: a test that does not see it there sees nothing.
//!
//! What is measured goes through `Backend::raise`, conversions included. Finding no leak proves nothing about other
//! machines, other inputs, or an attacker who sees caches.
//!
//! `cargo bench --bench timing` ends with lines `timing <name> <t>`.

#![allow(clippy::print_stdout, clippy::panic, reason = "a bench prints, and stops where its premises fail")]

use std::hint::black_box;

use cpu_time::ThreadTime;
use num_bigint::BigUint;
use poolproof_cognito::seed::{Rng, Seed};
use poolproof_srp::{Backend, ExponentClass, Group};
use rand::{Rng as _, RngExt as _};

/// A base, or g in its place, and an exponent.
type Power = (Option<BigUint>, BigUint);

/// |t| from here on is a leak.
const LEAK: f64 = 4.5;
/// The slowest of all times are interruptions, and left out.
const KEPT: f64 = 0.9;

fn main() {
    let best = Backend::best();
    println!("Welch's t between the times of sparse and of random exponents, {best} kernel");
    println!("{:<34} {:>9} {:>12} {:>12} {:>8}", "", "measured", "sparse µs", "random µs", "t");
    let mut told = Vec::new();
    for (name, backend, lanes, fixed, samples) in [
        ("pow_256 four lanes", best, 4, false, 3000),
        ("pow_256 alone", best, 1, false, 6000),
        ("pow_g_256 four lanes", best, 4, true, 6000),
        ("pow_g_256 alone", best, 1, true, 6000),
        ("pow_256 num_bigint", Backend::Reference, 1, false, 1000),
    ] {
        let class = ExponentClass::Bits256;
        let raise = |powers: &[Power]| drop(black_box(backend.raise(powers, class)));
        told.push(print_t_value(name, times(&raise, lanes, fixed, samples)));
    }
    let n = BigUint::parse_bytes(Group::cognito().modulus_hex().as_bytes(), 16).expect("N is a number");
    let plain = |powers: &[Power]| drop(black_box(square_and_multiply(&powers[0], &n)));
    let control = print_t_value("square and multiply (control)", times(&plain, 1, false, 200));
    for (name, t) in &told {
        let leak = if t.abs() > LEAK { "leak" } else { "none found" };
        println!("timing {} {t:.2} {leak}", name.replace(' ', "_"));
    }
    println!(
        "timing control {:.2} {}",
        control.1,
        if control.1.abs() > LEAK { "seen" } else { "NOT SEEN: distrust all" }
    );
}

/// Prints a line, and returns the name with t.
fn print_t_value(name: &'static str, [sparse, random]: [Vec<f64>; 2]) -> (&'static str, f64) {
    let (sparse, random) = cropped(sparse, random);
    let t = welch(&sparse, &random);
    let (left, right) = (mean(&sparse), mean(&random));
    println!("{name:<34} {:>9} {left:>12.2} {right:>12.2} {t:>8.2}", sparse.len() + random.len());
    (name, t)
}

/// The textbook's way, whose time grows with every bit that is set.
fn square_and_multiply((base, exponent): &Power, n: &BigUint) -> BigUint {
    let base = base.as_ref().expect("powers of g are not asked for here");
    (0..exponent.bits()).rev().fold(BigUint::from(1u8), |power, bit| {
        let square = &power * &power % n;
        if exponent.bit(bit) { square * base % n } else { square }
    })
}

/// Exponents of 256 bits: the top bit set, and either one more or any.
fn exponent(rng: &mut Rng, sparse: bool) -> BigUint {
    let top = BigUint::from(1u8) << 255u32;
    if sparse {
        return top + (BigUint::from(1u8) << rng.random_range(0..8u32));
    }
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    (BigUint::from_bytes_be(&bytes) % &top) + top
}

/// CPU times in µs, of sparse and of random exponents.
fn times(raise: &dyn Fn(&[Power]), lanes: usize, fixed: bool, samples: usize) -> [Vec<f64>; 2] {
    let rng = &mut Seed::new(1).rng("timing", 0);
    let base = || (!fixed).then(|| BigUint::from(3u8).pow(1900));
    let mut times = [Vec::new(), Vec::new()];
    for sample in 0..samples {
        let random = rng.random_range(0..2usize);
        let powers: Vec<_> = (0..lanes).map(|_| (base(), exponent(rng, random == 0))).collect();
        let start = ThreadTime::now();
        raise(black_box(&powers));
        let spent = start.elapsed().as_secs_f64() * 1e6;
        // The first build tables.
        if sample >= samples / 20 {
            times[random].push(spent);
        }
    }
    times
}

fn cropped(sparse: Vec<f64>, random: Vec<f64>) -> (Vec<f64>, Vec<f64>) {
    let mut all = [sparse.as_slice(), random.as_slice()].concat();
    all.sort_by(f64::total_cmp);
    let bound = all[(all.len() as f64 * KEPT) as usize];
    let kept = |times: Vec<f64>| times.into_iter().filter(|time| *time < bound).collect();
    (kept(sparse), kept(random))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn welch(left: &[f64], right: &[f64]) -> f64 {
    let spread = |values: &[f64]| {
        let mean = mean(values);
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64
    };
    let error = spread(left) / left.len() as f64 + spread(right) / right.len() as f64;
    (mean(left) - mean(right)) / error.sqrt()
}
