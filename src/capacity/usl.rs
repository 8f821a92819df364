//! Fits the Universal Scalability Law: how throughput depends on concurrency.
//!
//! X(N) = λN / (1 + σ(N − 1) + κN(N − 1)), with λ the throughput of one, σ contention and κ coherency (N. J.
//! Gunther, "Guerrilla Capacity Planning", 2007). N/X is linear in 1, N − 1 and N(N − 1), and is fitted by
//! least squares of relative errors with σ, κ ≥ 0. Intervals come from resampled residuals.

use rand::Rng as _;
use serde::Serialize;

use crate::rounding;
use poolproof_cognito::seed::Rng;

/// Fewest points for a fit of three parameters.
pub const MIN_POINTS: usize = 6;
/// Resamples of the residuals.
const RESAMPLES: usize = 2000;
/// Confidence of the intervals.
const CONFIDENCE: f64 = 0.95;

/// A fit with its intervals.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Usl {
    /// The points: concurrency and sign-ins per second.
    pub points: Vec<(u32, f64)>,
    /// Throughput at concurrency 1, per second.
    pub lambda: Interval,
    /// Contention: the serial share of the work.
    pub sigma: Interval,
    /// Coherency: the cost of coordination between concurrent sign-ins.
    pub kappa: Interval,
    /// The share of the throughput's variance that the fit explains.
    pub r2: f64,
    /// The concurrency with the highest throughput; null if it is beyond twice the largest measured N.
    pub peak_n: Option<f64>,
}

/// An estimate with the interval that contains 95 % of the resamples.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Interval {
    /// The estimate.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Fits the law to points of concurrency and throughput. `None` below [`MIN_POINTS`], or if a throughput is
/// not positive.
pub fn fit(points: &[(u32, f64)], rng: &mut Rng) -> Option<Usl> {
    if points.len() < MIN_POINTS || points.iter().any(|(n, x)| *n == 0 || !x.is_finite() || *x <= 0.0) {
        return None;
    }
    let best = Curve::fit_points(points)?;
    let residuals: Vec<f64> = points.iter().map(|(n, x)| x / best.at(f64::from(*n))).collect();
    let mut draw = || residuals[((u128::from(rng.next_u64()) * residuals.len() as u128) >> 64) as usize];
    let mut drawn: Vec<Curve> = Vec::new();
    for _ in 0..RESAMPLES {
        let again: Vec<(u32, f64)> =
            points.iter().map(|(n, _)| (*n, best.at(f64::from(*n)) * draw())).collect();
        drawn.extend(Curve::fit_points(&again));
    }
    let interval = |of: fn(&Curve) -> f64| {
        let mut values: Vec<f64> = drawn.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        let end = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
        let tail = (1.0 - CONFIDENCE) / 2.0;
        Interval { value: rounded(of(&best)), low: rounded(end(tail)), high: rounded(end(1.0 - tail)) }
    };
    if drawn.is_empty() {
        return None;
    }
    let largest = points.iter().map(|(n, _)| f64::from(*n)).fold(0.0, f64::max);
    let peak = best.peak().filter(|peak| *peak <= 2.0 * largest);
    Some(Usl {
        points: points.iter().map(|(n, x)| (*n, rounded(*x))).collect(),
        lambda: interval(|curve| curve.lambda),
        sigma: interval(|curve| curve.sigma),
        kappa: interval(|curve| curve.kappa),
        r2: rounded(best.r2(points)),
        peak_n: peak.map(rounded),
    })
}

fn rounded(number: f64) -> f64 {
    rounding::rounded(number, 6)
}

#[derive(Clone, Copy, Debug)]
struct Curve {
    lambda: f64,
    sigma: f64,
    kappa: f64,
}

impl Curve {
    fn at(&self, n: f64) -> f64 {
        self.lambda * n / (1.0 + self.sigma * (n - 1.0) + self.kappa * n * (n - 1.0))
    }

    fn peak(&self) -> Option<f64> {
        (self.kappa > 0.0).then(|| ((1.0 - self.sigma).max(0.0) / self.kappa).sqrt())
    }

    fn r2(&self, points: &[(u32, f64)]) -> f64 {
        let mean = points.iter().map(|(_, x)| x).sum::<f64>() / points.len() as f64;
        let (left, all) = points.iter().fold((0.0, 0.0), |(left, all), (n, x)| {
            (left + (x - self.at(f64::from(*n))).powi(2), all + (x - mean).powi(2))
        });
        if all > 0.0 { 1.0 - left / all } else { 0.0 }
    }

    /// Returns the fit with the least squares of relative errors. Parameters that would be negative are set
    /// to zero.
    fn fit_points(points: &[(u32, f64)]) -> Option<Self> {
        let tries = [[true, true], [true, false], [false, true], [false, false]];
        let fits = tries.iter().filter_map(|used| Self::with(points, *used));
        fits.min_by(|one, other| one.1.total_cmp(&other.1)).map(|(curve, _)| curve)
    }

    /// Returns a fit with contention, coherency, both or neither, and its sum of squares; `None` if it is no
    /// valid curve.
    fn with(points: &[(u32, f64)], [sigma, kappa]: [bool; 2]) -> Option<(Self, f64)> {
        let terms = |n: f64| {
            let mut terms = vec![1.0];
            terms.extend(sigma.then_some(n - 1.0));
            terms.extend(kappa.then_some(n * (n - 1.0)));
            terms
        };
        // Each row is divided by its target value, so that errors are relative.
        let rows: Vec<Vec<f64>> = points
            .iter()
            .map(|(n, x)| terms(f64::from(*n)).into_iter().map(|term| term * x / f64::from(*n)).collect())
            .collect();
        let solved = least_squares(&rows)?;
        let squares = rows
            .iter()
            .map(|row| {
                (row.iter().zip(&solved).map(|(term, factor)| term * factor).sum::<f64>() - 1.0).powi(2)
            })
            .sum();
        let mut rest = solved[1..].iter().map(|factor| factor / solved[0]);
        let mut next = |used: bool| if used { rest.next() } else { Some(0.0) };
        let curve = Self { lambda: 1.0 / solved[0], sigma: next(sigma)?, kappa: next(kappa)? };
        let is_valid =
            curve.lambda.is_finite() && curve.lambda > 0.0 && curve.sigma >= 0.0 && curve.kappa >= 0.0;
        is_valid.then_some((curve, squares))
    }
}

/// Returns the factors by which the columns of `rows` best approximate 1, from the normal equations.
fn least_squares(rows: &[Vec<f64>]) -> Option<Vec<f64>> {
    let size = rows.first()?.len();
    let mut system: Vec<Vec<f64>> = (0..size)
        .map(|i| {
            let mut line: Vec<f64> =
                (0..size).map(|j| rows.iter().map(|row| row[i] * row[j]).sum()).collect();
            line.push(rows.iter().map(|row| row[i]).sum());
            line
        })
        .collect();
    for column in 0..size {
        let pivot =
            (column..size).max_by(|a, b| system[*a][column].abs().total_cmp(&system[*b][column].abs()))?;
        system.swap(column, pivot);
        let head = system[column].clone();
        if head[column].abs() < 1e-300 {
            return None;
        }
        for (at, line) in system.iter_mut().enumerate() {
            if at != column {
                let factor = line[column] / head[column];
                line.iter_mut().zip(&head).for_each(|(one, other)| *one -= factor * other);
            }
        }
    }
    Some((0..size).map(|i| system[i][size] / system[i][i]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolproof_cognito::seed::Seed;

    fn points(lambda: f64, sigma: f64, kappa: f64, noise: f64) -> Vec<(u32, f64)> {
        let curve = Curve { lambda, sigma, kappa };
        let wobble = [1.0, -1.0, 0.5, -0.5, 1.0, -1.0];
        [1_u32, 2, 4, 8, 16, 32]
            .iter()
            .zip(wobble)
            .map(|(n, sign)| (*n, curve.at(f64::from(*n)) * (1.0 + sign * noise)))
            .collect()
    }

    #[test]
    fn the_fit_recovers_the_law_of_exact_points() {
        for (sigma, kappa) in [(0.0, 0.0), (0.1, 0.0), (0.05, 0.002), (0.0, 0.01), (0.9, 0.0)] {
            let usl = fit(&points(250.0, sigma, kappa, 0.0), &mut Seed::new(1).rng("usl", 0)).unwrap();
            assert!((usl.lambda.value - 250.0).abs() < 0.01, "{usl:?}");
            assert!(
                (usl.sigma.value - sigma).abs() < 1e-5 && (usl.kappa.value - kappa).abs() < 1e-5,
                "{usl:?}"
            );
            assert!(usl.r2 > 0.999, "{usl:?}");
        }
        let usl = fit(&points(250.0, 0.05, 0.002, 0.0), &mut Seed::new(1).rng("usl", 0)).unwrap();
        assert!((usl.peak_n.unwrap() - (0.95_f64 / 0.002).sqrt()).abs() < 0.01, "{usl:?}");
        // √(1 / 0.0001) is beyond twice 32.
        let far = fit(&points(250.0, 0.0, 0.0001, 0.0), &mut Seed::new(1).rng("usl", 0)).unwrap();
        assert_eq!(far.peak_n, None);
    }

    #[test]
    fn noise_widens_the_intervals_and_too_few_points_give_no_fit() {
        let noisy = fit(&points(250.0, 0.05, 0.002, 0.05), &mut Seed::new(1).rng("usl", 0)).unwrap();
        assert!(noisy.sigma.low < 0.05 && 0.05 < noisy.sigma.high, "{noisy:?}");
        assert!(noisy.lambda.low < 250.0 && 250.0 < noisy.lambda.high, "{noisy:?}");
        let mut rng = Seed::new(1).rng("usl", 0);
        assert!(fit(&points(250.0, 0.05, 0.0, 0.0)[..5], &mut rng).is_none());
        assert!(fit(&[(0, 1.0); 6], &mut rng).is_none() && fit(&[(1, 0.0); 6], &mut rng).is_none());
    }
}
