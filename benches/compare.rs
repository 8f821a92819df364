//! Error rates of `poolproof compare`, in 200 simulated experiments of each design. `support/noise.rs`
//! simulates the noise of a real machine.
//!
//! A false alarm is an experiment with equal arms whose result is regressed or improved. `cargo bench --bench
//! compare` ends with lines `compare <design> <slower> <regressed> <improved> <equivalent> <inconclusive>`,
//! as shares.

#![allow(clippy::print_stdout, reason = "a bench prints")]

#[path = "support/noise.rs"]
mod noise;

use noise::{Design, counts};

const EXPERIMENTS: u64 = 200;

fn main() {
    println!(
        "{EXPERIMENTS} experiments of each design, four metrics each, 10 000 resamples, minimum effect 5 %"
    );
    println!(
        "{:<26} {:>8} {:>10} {:>9} {:>11} {:>13}",
        "", "slower", "regressed", "improved", "equivalent", "inconclusive"
    );
    let mut lines = Vec::new();
    for (name, pairs, max_pairs, aa_pairs) in
        [("10_pairs", 10, 10, 0), ("10_pairs_aa_5", 10, 10, 5), ("10_to_20_pairs_aa_5", 10, 20, 5)]
    {
        for slowdown in [0.0, 0.05, 0.1, 0.2, -0.1] {
            let design = Design { pairs, max_pairs, aa_pairs, slowdown, resamples: 10_000 };
            let shares = counts(&design, EXPERIMENTS).map(|count| count as f64 / EXPERIMENTS as f64);
            let [regressed, improved, equivalent, inconclusive] = shares;
            println!(
                "{name:<26} {:>6.0} % {:>8.1} % {:>7.1} % {:>9.1} % {:>11.1} %",
                slowdown * 100.0,
                regressed * 100.0,
                improved * 100.0,
                equivalent * 100.0,
                inconclusive * 100.0
            );
            lines.push(format!(
                "compare {name} {slowdown} {regressed} {improved} {equivalent} {inconclusive}"
            ));
        }
    }
    for line in lines {
        println!("{line}");
    }
}
