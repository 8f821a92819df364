//! The options of `poolproof compare`.

use std::path::PathBuf;

use clap::ValueEnum;

use super::values::{share, whole};

pub(super) const COMPARE_EXAMPLES: &str = "\
With two folders, decisions are compared exactly, and times are shown without a
verdict, because one run against one run proves nothing about speed. A folder
contains a report.json, or folders with one each. Scenarios that only one folder
has, or whose settings differ, are listed and not compared.

With two command lines, both run in pairs, in random and balanced order, and
each metric is judged: regressed, improved, equivalent or inconclusive. A
command line is split at blanks, with '…', \"…\" and \\ as in a shell; other shell
syntax is not supported. It runs with `--out DIR --seed K --format json`
appended, both commands of a pair with the same K, and must write
DIR/report.json or DIR/NAME/report.json. Exit codes 0, 80, 83 and 99 are
accepted; any other code ends the comparison.

A difference matters if it is at least --min-effect and at least twice the noise
floor. The noise floor is measured with --aa pairs of base against base, or set
with --noise. With --max-pairs an inconclusive experiment continues up to that
many pairs. Each of the two evaluations then uses half of the error of 5 %.

If steal was above --max-steal of the CPU time during a run, the times of its
pair do not count, and the pair is run again, at most twice. If that does not
help, the pair is excluded, but its decisions count.

Exit codes:
    0  decisions are identical, and speed is equivalent or improved
    2  a report or a command is not usable
   80  decisions differ
   81  the head is slower
   82  inconclusive
   83  the generator could not keep up, so its figures are not valid
   84  the reports cannot be compared
  105  a run was interrupted

Examples:
  poolproof compare reports/main reports/branch
                                   two folders that `run --out` wrote
  poolproof compare --base 'old/poolproof run scenarios/compare.yaml' \\
    --head 'new/poolproof run scenarios/compare.yaml' --pairs 10 --aa 5
  poolproof compare --base \"$BASE\" --head \"$HEAD\" --max-pairs 20 \\
    --format markdown > comparison.md";

#[derive(clap::Args, Debug)]
pub(super) struct CompareArgs {
    /// Two folders with reports.
    #[arg(num_args = 2, value_names = ["BASE", "HEAD"], required_unless_present = "base", conflicts_with = "base")]
    pub(super) folders: Vec<PathBuf>,
    /// Command line of the base.
    #[arg(long, value_name = "CMD", requires = "head")]
    pub(super) base: Option<String>,
    /// Command line of the head.
    #[arg(long, value_name = "CMD", requires = "base")]
    pub(super) head: Option<String>,
    /// Number of pairs to run, from 5 to 1000.
    #[arg(long, value_name = "N", default_value_t = 10, requires = "base", value_parser = whole::<u32>(5, 1000))]
    pub(super) pairs: u32,
    /// Continue to this number of pairs if the first ones are inconclusive, up to 1000.
    #[arg(long, value_name = "N", requires = "base", value_parser = whole::<u32>(6, 1000))]
    pub(super) max_pairs: Option<u32>,
    /// Pairs of base against base, to measure the noise, up to 1000.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "base", value_parser = whole::<u32>(0, 1000))]
    pub(super) aa: u32,
    /// Known noise floor, up to 100%: the standard error of the mean difference between base and base over
    /// that many pairs.
    #[arg(long, value_name = "PERCENT", requires = "base", conflicts_with = "aa", value_parser = share)]
    pub(super) noise: Option<f64>,
    /// Smallest difference that matters: more than 0%, up to 100%.
    #[arg(long, value_name = "PERCENT", default_value = "5%", requires = "base", value_parser = effect)]
    pub(super) min_effect: f64,
    /// Largest share of steal in a run for a pair's times to count, up to 100%.
    #[arg(long, value_name = "PERCENT", default_value = "5%", requires = "base", value_parser = share)]
    pub(super) max_steal: f64,
    /// Seed of order, scenario seeds and resamples.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "base", value_parser = whole::<u64>(0, u64::MAX))]
    pub(super) seed: u64,
    /// Folder for the reports of all runs. It is emptied first.
    #[arg(long, value_name = "DIR", default_value = "reports/compare", requires = "base")]
    pub(super) out: PathBuf,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: CompareFormat,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CompareFormat {
    /// For a terminal.
    Text,
    /// For a program.
    Json,
    /// For a pull request.
    Markdown,
}

fn effect(text: &str) -> Result<f64, String> {
    // Without a smallest effect nothing could ever be equivalent.
    share(text)
        .and_then(|share| if share > 0.0 { Ok(share) } else { Err("expected more than 0 %".to_owned()) })
}

/// Splits a command line into words at blanks. `'…'` is literal, `"…"` allows `\"` and `\\`, and `\` escapes
/// any character elsewhere.
pub(super) fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut left = line.chars();
    while let Some(c) = left.next() {
        match c {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(left.next().ok_or("the last \\ escapes nothing")?),
            '\'' | '"' => quoted(c, &mut left, word.get_or_insert_default())?,
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if words.is_empty() { Err("expected a command".to_owned()) } else { Ok(words) }
}

fn quoted(quote: char, left: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), String> {
    while let Some(c) = left.next() {
        match c {
            _ if c == quote => return Ok(()),
            '\\' if quote == '"' => match left.next() {
                Some(escaped @ ('"' | '\\')) => word.push(escaped),
                Some(other) => word.extend(['\\', other]),
                None => break,
            },
            _ => word.push(c),
        }
    }
    Err(format!("a {quote} is not closed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_split_like_a_shell() {
        for (line, wanted) in [
            ("a b  c", vec!["a", "b", "c"]),
            ("  run 'my file.yaml'\t--x ", vec!["run", "my file.yaml", "--x"]),
            (r#"a "b \"c\" \n" ''"#, vec!["a", r#"b "c" \n"#, ""]),
            (r"a\ b c\\d", vec!["a b", r"c\d"]),
            ("pre'mid dle'post", vec!["premid dlepost"]),
            ("$HOME; | > *", vec!["$HOME;", "|", ">", "*"]),
        ] {
            assert_eq!(words(line).unwrap(), wanted, "{line}");
        }
        for line in ["", "  ", "a 'b", "a \"b", "a \"b\\", "a \\"] {
            assert!(words(line).is_err(), "{line}");
        }
    }

    #[test]
    fn min_effect_must_be_positive() {
        assert!(effect("0%").is_err() && effect("5%") == Ok(0.05));
    }
}
