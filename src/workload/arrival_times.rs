//! Arrival times for a rate that changes over time, computed by inverting its integral.
//!
//! Λ(t) is the expected number of sign-ins until t. Evenly spaced arrivals are at Λ⁻¹(0), Λ⁻¹(1), …; Poisson
//! arrivals are at Λ⁻¹ of the points of a Poisson process of rate 1. Both are exact on ramps and need
//! constant memory. Bursts split the stages into pieces with a rate each, so Λ stays piecewise quadratic.

use std::time::Duration;

use rand::RngExt as _;
use rand_distr::{Distribution, Exp1};

use crate::scenario::{Bursts, OpenStage};
use poolproof_cognito::seed::Rng;

/// Tolerance for rounding errors in sums of expected sign-ins: 10 s at 20/s have exactly 200.
const SLACK: f64 = 1e-6;

/// Returns the offset into the stage, in µs, at which the expected number of sign-ins reaches `count`.
///
/// Solves `from·s + slope·s²/2 = count` in a form that stays exact for a small slope.
fn offset_us(stage: &OpenStage, count: f64) -> u64 {
    let count = count.max(0.0);
    let slope = (stage.to - stage.from) / stage.length.as_secs_f64();
    let root = (stage.from * stage.from + 2.0 * slope * count).max(0.0).sqrt();
    // A ramp from zero starts at zero.
    let seconds = if count > 0.0 { 2.0 * count / (stage.from + root) } else { 0.0 };
    (seconds * 1e6).round() as u64
}

/// Returns the part of a stage from `start` on with this length, its rate multiplied by `multiplier`.
fn slice_stage(stage: &OpenStage, start: Duration, length: Duration, multiplier: f64) -> OpenStage {
    let rate = |at: Duration| match at {
        // Exact at both ends.
        Duration::ZERO => stage.from,
        at if at == stage.length => stage.to,
        at => stage.from + (stage.to - stage.from) * (at.as_secs_f64() / stage.length.as_secs_f64()),
    };
    OpenStage { length, from: rate(start) * multiplier, to: rate(start + length) * multiplier, ..*stage }
}

/// Returns the stages up to `end`; the last one may be cut.
pub(super) fn truncate_stages(stages: &[OpenStage], end: Duration) -> impl Iterator<Item = OpenStage> + '_ {
    let mut left = end;
    stages.iter().map_while(move |stage| {
        let length = stage.length.min(left);
        left -= length;
        (!length.is_zero()).then(|| slice_stage(stage, Duration::ZERO, length, 1.0))
    })
}

/// Alternates between calm and burst; both have exponentially distributed lengths.
#[derive(Clone, Debug)]
pub(super) struct BurstProcess {
    bursts: Bursts,
    rng: Rng,
    burst: bool,
    left: Duration,
}

impl BurstProcess {
    /// Starts with a burst with the probability that equals the share of time in bursts.
    pub(super) fn new(bursts: Bursts, mut rng: Rng) -> Self {
        let burst = rng.random::<f64>() < bursts.share();
        let mut burst_process = Self { bursts, rng, burst, left: Duration::ZERO };
        burst_process.left = burst_process.draw_state_length();
        burst_process
    }

    /// Draws the length of the current state, in whole microseconds, at least one.
    fn draw_state_length(&mut self) -> Duration {
        let Bursts { length, every, .. } = self.bursts;
        let mean = if self.burst { length } else { every - length };
        let multiplier: f64 = Exp1.sample(&mut self.rng);
        Duration::from_micros(((mean.as_secs_f64() * multiplier * 1e6).round() as u64).max(1))
    }

    /// Advances by the rest of the current state, at most by `most`. Returns that time and the factor of the
    /// rate.
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

/// The inverse of Λ for a list of stages.
#[derive(Clone, Debug)]
pub(super) struct ArrivalTimes {
    stages: Vec<OpenStage>,
    burst_process: Option<BurstProcess>,
    /// Index of the current stage.
    stage: usize,
    /// Time of the stage that pieces have used.
    consumed: Duration,
    /// The piece of the last result.
    piece: Option<OpenStage>,
    /// Expected number of sign-ins before the piece.
    before: f64,
    /// Start of the piece.
    started: Duration,
}

impl ArrivalTimes {
    pub(super) const fn new(stages: Vec<OpenStage>, burst_process: Option<BurstProcess>) -> Self {
        let (consumed, started) = (Duration::ZERO, Duration::ZERO);
        Self { stages, burst_process, stage: 0, consumed, piece: None, before: 0.0, started }
    }

    /// Returns the time since the start at which the expected number of sign-ins reaches `point`, and the
    /// stage of that time; `None` if the stages have fewer. `point` must not decrease between calls.
    pub(super) fn time_at(&mut self, point: f64) -> Option<(Duration, OpenStage)> {
        loop {
            let piece = match self.piece {
                Some(piece) => piece,
                None => self.next_piece()?,
            };
            self.piece = Some(piece);
            let expected = piece.expected_sign_ins();
            if point + SLACK < self.before + expected {
                let at = self.started + Duration::from_micros(offset_us(&piece, point - self.before));
                return Some((at, piece));
            }
            self.before += expected;
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
    fn offset_inverts_the_integral_of_a_ramp() {
        let s = Duration::from_secs;
        for (from, to) in [
            (20.0, 200.0),
            (200.0, 20.0),
            (5.0, 5.0),
            (1.0, 1.0 + 1e-12),
            (1e-3, 1e6),
            (0.0, 50.0),
            (50.0, 0.0),
        ] {
            let stage = stage(s(30), from, to);
            let middle = from * 15.0 + (to - from) / 30.0 * 15.0 * 15.0 / 2.0;
            assert_eq!(offset_us(&stage, 0.0), 0);
            assert_eq!(offset_us(&stage, middle), 15_000_000, "{from} to {to}");
            assert_eq!(offset_us(&stage, stage.expected_sign_ins()), 30_000_000, "{from} to {to}");
        }
    }

    #[test]
    fn slices_have_the_expected_sign_ins_of_the_whole() {
        let whole = stage(Duration::from_secs(30), 20.0, 200.0);
        let cuts = [0, 1, 7_000_001, 29_999_999, 30_000_000].map(Duration::from_micros);
        let parts = cuts
            .windows(2)
            .map(|pair| slice_stage(&whole, pair[0], pair[1] - pair[0], 1.0).expected_sign_ins());
        assert!((parts.sum::<f64>() - whole.expected_sign_ins()).abs() < 1e-6);
        let half: f64 = truncate_stages(&[whole, whole], Duration::from_secs(45))
            .map(|stage| stage.expected_sign_ins())
            .sum();
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
    fn calm_and_burst_have_exponential_lengths() {
        let bursts =
            Bursts { multiplier: 5.0, length: Duration::from_secs(2), every: Duration::from_secs(10) };
        for seed in [1, 2, 3] {
            let mut burst_process = BurstProcess::new(bursts, Seed::new(seed).rng("bursts", 0));
            let (mut calm, mut burst) = (Vec::new(), Vec::new());
            while burst.len() < 100_000 {
                let lengths = if burst_process.burst { &mut burst } else { &mut calm };
                lengths.push(burst_process.advance(Duration::MAX).0.as_secs_f64());
            }
            // A correct sample exceeds 1.63 with probability 1 %; the seeds are fixed.
            for (sample, mean) in [(calm, 8.0), (burst, 2.0)] {
                let distance = distance(sample, mean);
                assert!(distance < 1.63, "seed {seed}, mean {mean} s: {distance}");
            }
        }
    }

    #[test]
    fn bursts_keep_the_mean_rate() {
        let bursts =
            Bursts { multiplier: 5.0, length: Duration::from_secs(2), every: Duration::from_secs(10) };
        assert!((bursts.calm() - 1.0 / 1.8).abs() < 1e-12);
        let mean =
            bursts.share() * bursts.calm() * bursts.multiplier + (1.0 - bursts.share()) * bursts.calm();
        assert!((mean - 1.0).abs() < 1e-12);
    }
}
