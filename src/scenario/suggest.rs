//! "Did you mean …?"

/// Nearer than this, a word is taken for a slip of the pen (Jaro–Winkler, 1 is the same word).
const MIN_SIMILARITY: f64 = 0.8;

/// The candidate that `word` was probably meant to be.
pub(super) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // Comparing takes the product of both lengths: no long text is a slip of a short word.
    let similarity = |candidate: &str| strsim::jaro_winkler(&word.to_lowercase(), &candidate.to_lowercase());
    if word.len() > 64 {
        return None;
    }
    let ranked = candidates.into_iter().map(|candidate| (similarity(candidate), candidate));
    ranked
        .filter(|(near, _)| *near >= MIN_SIMILARITY)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// The question, for a diagnostic.
pub(super) fn did_you_mean(word: &str) -> String {
    format!("did you mean `{word}`?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_find_their_word_and_strangers_do_not() {
        let words = ["remember", "suppress_mfa", "mfa", "session_validity"];
        assert_eq!(nearest("remeber", words), Some("remember"));
        assert_eq!(nearest("MFA", words), Some("mfa"));
        assert_eq!(nearest("supress-mfa", words), Some("suppress_mfa"));
        assert_eq!(nearest("colour", words), None);
        assert_eq!(nearest(&"r".repeat(100_000), words), None);
    }
}
