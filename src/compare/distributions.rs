//! The normal distribution and Student's t distribution, for the bias correction of bootstrap intervals.

use std::f64::consts::{FRAC_PI_2, PI};

/// Limit in standard deviations; the tails beyond it are negligible.
const MAX_DEVIATIONS: f64 = 8.0;

/// Returns the cumulative distribution function of the standard normal distribution at `x`.
///
/// Source: G. Marsaglia, "Evaluating the Normal Distribution", Journal of Statistical Software 11 (2004). All
/// terms of the series have the same sign, so nothing cancels.
pub(super) fn normal_cdf(x: f64) -> f64 {
    if x.abs() > MAX_DEVIATIONS {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let (mut sum, mut term, mut odd) = (x, x, 1.0);
    loop {
        odd += 2.0;
        term *= x * x / odd;
        if sum + term == sum {
            break;
        }
        sum += term;
    }
    0.5 + sum * (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// Returns the quantile `p` of the standard normal distribution, clamped to ±8.
pub(super) fn normal_quantile(p: f64) -> f64 {
    inverse_cdf(p, MAX_DEVIATIONS, normal_cdf)
}

/// Returns the cumulative distribution function of Student's t with `degrees_of_freedom` at `t`.
///
/// Source: M. Abramowitz, I. Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4. For integer
/// degrees it is a finite sum.
pub(super) fn student_t_cdf(t: f64, degrees_of_freedom: usize) -> f64 {
    let nu = degrees_of_freedom.max(1) as f64;
    let theta = (t / nu.sqrt()).atan();
    let (sin, cos) = theta.sin_cos();
    // The probability within ±t, with the sign of t.
    let within = if degrees_of_freedom % 2 == 1 {
        let mut sum = 0.0;
        let mut term = cos;
        for odd in (3..=degrees_of_freedom).step_by(2) {
            sum += term;
            term *= cos * cos * (odd - 1) as f64 / odd as f64;
        }
        (theta + sin * sum) / FRAC_PI_2
    } else {
        let mut sum = 0.0;
        let mut term = 1.0;
        for even in (2..=degrees_of_freedom).step_by(2) {
            sum += term;
            term *= cos * cos * (even - 1) as f64 / even as f64;
        }
        sin * sum
    };
    0.5 + within / 2.0
}

/// Returns the quantile `p` of Student's t with `degrees_of_freedom`, clamped to ±10,000.
pub(super) fn student_t_quantile(p: f64, degrees_of_freedom: usize) -> f64 {
    inverse_cdf(p, 1e4, |t| student_t_cdf(t, degrees_of_freedom))
}

/// Inverts an increasing function between −`far` and `far` by bisection.
fn inverse_cdf(p: f64, far: f64, below: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (-far, far);
    // 10,000 halved 80 times is below the resolution of a double.
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if below(middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(seen: f64, wanted: f64) {
        assert!((seen - wanted).abs() < 5e-5 * wanted.abs().max(1.0), "{seen} is not {wanted}");
    }

    #[test]
    fn the_normal_distribution_matches_the_tables() {
        near(normal_cdf(0.0), 0.5);
        near(normal_cdf(1.0), 0.841_344_746);
        near(normal_cdf(-1.959_963_985), 0.025);
        near(normal_cdf(3.0), 0.998_650_102);
        near(normal_quantile(0.975), 1.959_963_985);
        near(normal_quantile(0.05), -1.644_853_627);
        assert_eq!((normal_cdf(9.0), normal_cdf(-9.0)), (1.0, 0.0));
    }

    #[test]
    fn students_t_matches_the_tables() {
        for (degrees_of_freedom, two_sided_95) in
            [(1, 12.706_2), (2, 4.302_65), (3, 3.182_45), (4, 2.776_45), (9, 2.262_16), (19, 2.093_02)]
        {
            near(student_t_quantile(0.975, degrees_of_freedom), two_sided_95);
            near(student_t_cdf(-two_sided_95, degrees_of_freedom), 0.025);
        }
        near(student_t_cdf(0.0, 7), 0.5);
        near(student_t_quantile(0.995, 10), 3.169_27);
    }
}
