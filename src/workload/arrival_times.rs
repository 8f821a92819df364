//! A rate that changes over time, undone by its integral.
//!
//! Λ(t) is how many sign-ins have been asked for by t. Evenly spaced arrivals are Λ⁻¹(0), Λ⁻¹(1), …; Poisson arrivals are
//! Λ⁻¹ of a Poisson process of rate 1. Both are exact on ramps too, and need no memory but the place on the way. Bursts
//! are pieces of the stages with another rate each, so that Λ stays a sum of the same parts.

use std::time::Duration;

use rand::RngExt as _;
use rand_distr::{Distribution, Exp1};

use crate::scenario::{Bursts, OpenStage};
use poolproof_cognito::seed::Rng;

/// A part of a sign-in that is lost in the sums: what is asked for from 0 to 10 s at 20/s are 200, and not 200 and a
/// rounding error.
const SLACK: f64 = 1e-6;

/// How far into the stage, in µs, `count` sign-ins have been asked for.
///
/// Solves `from·s + slope·s²/2 = count` in the form that loses no digits when the rate hardly changes.
fn offset_us(stage: &OpenStage, count: f64) -> u64 {
    let count = count.max(0.0);
    let slope = (stage.to - stage.from) / stage.length.as_secs_f64();
    let root = (stage.from * stage.from + 2.0 * slope * count).max(0.0).sqrt();
    let seconds = 2.0 * count / (stage.from + root);
    (seconds * 1e6).round() as u64
}

/// The part of a stage that begins at `start` and is `length` long, with `multiplier` its rate.
fn slice_stage(stage: &OpenStage, start: Duration, length: Duration, multiplier: f64) -> OpenStage {
    let rate = |at: Duration| match at {
        // Exact at both ends.
        Duration::ZERO => stage.from,
        at if at == stage.length => stage.to,
        at => stage.from + (stage.to - stage.from) * (at.as_secs_f64() / stage.length.as_secs_f64()),
    };
    OpenStage { length, from: rate(start) * multiplier, to: rate(start + length) * multiplier, ..*stage }
}

/// What of the stages lies before `end`.
pub(super) fn until(stages: &[OpenStage], end: Duration) -> impl Iterator<Item = OpenStage> + '_ {
    let mut left = end;
    stages.iter().map_while(move |stage| {
        let length = stage.length.min(left);
        left -= length;
        (!length.is_zero()).then(|| slice_stage(stage, Duration::ZERO, length, 1.0))
    })
}

/// Calm and burst by turns, each for an exponential time.
#[derive(Clone, Debug)]
pub(super) struct BurstProcess {
    bursts: Bursts,
    rng: Rng,
    burst: bool,
    left: Duration,
}

impl BurstProcess {
    /// The states from the start of a workload on: a burst with the share that bursts have of all time.
    pub(super) fn new(bursts: Bursts, mut rng: Rng) -> Self {
        let burst = rng.random::<f64>() < bursts.share();
        let mut burst_process = Self { bursts, rng, burst, left: Duration::ZERO };
        burst_process.left = burst_process.draw_state_length();
        burst_process
    }

    /// How long the present state lasts: to the microsecond, and never no time.
    fn draw_state_length(&mut self) -> Duration {
        let Bursts { length, every, .. } = self.bursts;
        let mean = if self.burst { length } else { every - length };
        let multiplier: f64 = Exp1.sample(&mut self.rng);
        Duration::from_micros(((mean.as_secs_f64() * multiplier * 1e6).round() as u64).max(1))
    }

    /// The present state's time and what it multiplies rates by, of `most` at most. Goes on by that time.
    fn advance(&mut self, most: Duration) -> (Duration, f64) {
        let calm = self.bursts.calm();
        let multiplier = if self.burst { calm * self.bursts.multiplier } else { calm };
        let length = self.left.min(most);
        self.left -= length;
        if self.left.is_zero() {
            self.burst = !self.burst;
            self.left = self.draw_state_length();
        }
        (length, multiplier)
    }
}

/// The moments at which sign-ins have been asked for.
#[derive(Clone, Debug)]
pub(super) struct ArrivalTimes {
    stages: Vec<OpenStage>,
    burst_process: Option<BurstProcess>,
    /// The stage that comes next, or that the piece is of.
    stage: usize,
    /// How much of it has been cut into pieces.
    consumed: Duration,
    /// The piece in which the last moment was.
    piece: Option<OpenStage>,
    /// How many sign-ins were asked for before it.
    before: f64,
    /// When it began.
    started: Duration,
}

impl ArrivalTimes {
    pub(super) const fn new(stages: Vec<OpenStage>, burst_process: Option<BurstProcess>) -> Self {
        let (consumed, started) = (Duration::ZERO, Duration::ZERO);
        Self { stages, burst_process, stage: 0, consumed, piece: None, before: 0.0, started }
    }

    /// The moment by which `point` sign-ins have been asked for, since the start, and the stage that it is in; `None` when the
    /// stages ask for fewer. `point` never falls.
    pub(super) fn time_at(&mut self, point: f64) -> Option<(Duration, OpenStage)> {
        loop {
            let piece = match self.piece {
                Some(piece) => piece,
                None => self.next_piece()?,
            };
            self.piece = Some(piece);
            let asked = piece.expected_sign_ins();
            if point + SLACK < self.before + asked {
                let at = self.started + Duration::from_micros(offset_us(&piece, point - self.before));
                return Some((at, piece));
            }
            self.before += asked;
            self.started += piece.length;
            self.piece = None;
        }
    }

    fn next_piece(&mut self) -> Option<OpenStage> {
        let stage = *self.stages.get(self.stage)?;
        let rest = stage.length - self.consumed;
        let (length, multiplier) =
            self.burst_process.as_mut().map_or((rest, 1.0), |burst_process| burst_process.advance(rest));
        let piece = slice_stage(&stage, self.consumed, length, multiplier);
        self.consumed += length;
        if self.consumed == stage.length {
            self.stage += 1;
            self.consumed = Duration::ZERO;
        }
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolproof_cognito::seed::Seed;

    fn stage(length: Duration, from: f64, to: f64) -> OpenStage {
        OpenStage { length, from, to, warm_up: false, cool_down: false }
    }

    #[test]
    fn the_way_into_a_ramp_undoes_its_integral() {
        let s = Duration::from_secs;
        for (from, to) in [(20.0, 200.0), (200.0, 20.0), (5.0, 5.0), (1.0, 1.0 + 1e-12), (1e-3, 1e6)] {
            let stage = stage(s(30), from, to);
            let middle = from * 15.0 + (to - from) / 30.0 * 15.0 * 15.0 / 2.0;
            assert_eq!(offset_us(&stage, 0.0), 0);
            assert_eq!(offset_us(&stage, middle), 15_000_000, "{from} to {to}");
            assert_eq!(offset_us(&stage, stage.expected_sign_ins()), 30_000_000, "{from} to {to}");
        }
    }

    #[test]
    fn parts_ask_for_what_the_whole_asks_for() {
        let whole = stage(Duration::from_secs(30), 20.0, 200.0);
        let cuts = [0, 1, 7_000_001, 29_999_999, 30_000_000].map(Duration::from_micros);
        let parts = cuts
            .windows(2)
            .map(|pair| slice_stage(&whole, pair[0], pair[1] - pair[0], 1.0).expected_sign_ins());
        assert!((parts.sum::<f64>() - whole.expected_sign_ins()).abs() < 1e-6);
        let half: f64 =
            until(&[whole, whole], Duration::from_secs(45)).map(|stage| stage.expected_sign_ins()).sum();
        assert!((half - (3300.0 + 975.0)).abs() < 1e-9, "{half}");
    }

    /// The Kolmogorov–Smirnov distance of `sample` from an exponential distribution with this mean, times √n.
    fn distance(mut sample: Vec<f64>, mean: f64) -> f64 {
        sample.sort_by(f64::total_cmp);
        let n = sample.len() as f64;
        let furthest = sample.iter().enumerate().fold(0.0, |furthest: f64, (i, x)| {
            let p = 1.0 - (-x / mean).exp();
            furthest.max((p - i as f64 / n).abs()).max(((i as f64 + 1.0) / n - p).abs())
        });
        furthest * n.sqrt()
    }

    #[test]
    fn calm_and_burst_last_for_exponential_times() {
        let bursts =
            Bursts { multiplier: 5.0, length: Duration::from_secs(2), every: Duration::from_secs(10) };
        for seed in [1, 2, 3] {
            let mut burst_process = BurstProcess::new(bursts, Seed::new(seed).rng("bursts", 0));
            let (mut calm, mut burst) = (Vec::new(), Vec::new());
            while burst.len() < 100_000 {
                let of_this = if burst_process.burst { &mut burst } else { &mut calm };
                of_this.push(burst_process.advance(Duration::MAX).0.as_secs_f64());
            }
            // 1.63 is passed by chance once in a hundred; the seeds are fixed.
            for (sample, mean) in [(calm, 8.0), (burst, 2.0)] {
                let distance = distance(sample, mean);
                assert!(distance < 1.63, "seed {seed}, mean {mean} s: {distance}");
            }
        }
    }

    #[test]
    fn a_burst_has_so_many_times_the_rate_of_the_calm_and_the_mean_is_kept() {
        let bursts =
            Bursts { multiplier: 5.0, length: Duration::from_secs(2), every: Duration::from_secs(10) };
        assert!((bursts.calm() - 1.0 / 1.8).abs() < 1e-12);
        let mean =
            bursts.share() * bursts.calm() * bursts.multiplier + (1.0 - bursts.share()) * bursts.calm();
        assert!((mean - 1.0).abs() < 1e-12);
    }
}
