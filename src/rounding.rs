//! Rounds numbers for reports, so that their text is the same on every machine and has no meaningless digits.

/// Rounds a number to `decimals` decimals. NaN and infinities become 0, because JSON cannot represent them;
/// −0 becomes 0.
pub fn rounded(number: f64, decimals: i32) -> f64 {
    let places = 10_f64.powi(decimals);
    if number.is_finite() { (number * places).round() / places + 0.0 } else { 0.0 }
}

/// Rounds a number to `figures` significant figures, at least one.
pub fn significant(number: f64, figures: usize) -> f64 {
    // A decimal text is exact. A product with a power of ten could return 0.30000000000000004.
    format!("{number:.*e}", figures.saturating_sub(1)).parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_requested_decimals() {
        assert_eq!(
            (rounded(1.23456, 3), rounded(0.000_001_4, 6), rounded(12.5, 0)),
            (1.235, 0.000_001, 13.0)
        );
        assert_eq!((rounded(f64::NAN, 3), rounded(f64::INFINITY, 3)), (0.0, 0.0));
        assert!(rounded(-0.0001, 3).is_sign_positive());
    }

    #[test]
    fn significant_figures_are_the_leading_ones() {
        for (number, short) in
            [(1023.456, 1023.0), (0.166_666, 0.1667), (12.345, 12.35), (123_456.0, 123_500.0), (0.3, 0.3)]
        {
            assert!((significant(number, 4) - short).abs() < 1e-12, "{number}");
            assert_eq!(significant(short, 4), short);
        }
        assert!(significant(f64::NAN, 4).is_nan() && significant(0.0, 4) == 0.0);
    }
}
