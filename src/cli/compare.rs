//! `poolproof compare`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::compare_args::{CompareArgs, CompareFormat, words};
use super::progress::CountBar;
use super::{Exit, print_error, print_stdout, usage_error};
use crate::compare::{
    self, Arm, Comparison, ComparisonOptions, Experiment, Incomparable, PairStatus, Reports, Slot,
};
use crate::report;
use poolproof_cognito::seed::Seed;

/// Resamples of the bootstrap.
const RESAMPLES: usize = 10_000;
/// Probability of a false verdict.
const SIGNIFICANCE_LEVEL: f64 = 0.05;
/// Most runs of a pair with too much steal.
const MAX_ATTEMPTS: u32 = 3;
/// Last lines of a failed command's output that are printed.
const STDERR_TAIL_LINES: usize = 8;

/// Compares reports, or runs commands in pairs.
pub(super) fn compare(args: &CompareArgs) -> Result<Exit, Exit> {
    let comparison = match (&args.folders[..], &args.base, &args.head) {
        ([base, head], _, _) => folders(base, head)?,
        (_, Some(base), Some(head)) => experiment(args, base, head)?,
        // The command line requires one or the other.
        _ => return Err(Exit::Usage),
    };
    let text = match args.format {
        CompareFormat::Text => compare::text(&comparison),
        CompareFormat::Json => comparison.to_json(),
        CompareFormat::Markdown => compare::markdown(&comparison),
    };
    Ok(print_stdout(&text).or(Exit::from_code(comparison.verdict.exit_code)))
}

fn folders(base: &Path, head: &Path) -> Result<Comparison, Exit> {
    let (one, other) = (reports(base).map_err(usage_error)?, reports(head).map_err(usage_error)?);
    let (base, head) = (base.display().to_string(), head.display().to_string());
    compare::reports((&base, &one), (&head, &other)).map_err(|error| incomparable(&error))
}

fn incomparable(error: &Incomparable) -> Exit {
    print_error(error);
    Exit::Incomparable
}

/// Reads the reports in a folder: its own, or those of its subfolders.
fn reports(folder: &Path) -> Result<Reports, String> {
    let mut files = vec![folder.join("report.json")];
    if !files[0].is_file() {
        let entries =
            fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
        let inner = entries.filter_map(Result::ok).map(|entry| entry.path().join("report.json"));
        files = inner.filter(|file| file.is_file()).collect();
        files.sort();
    }
    let mut reports: BTreeMap<String, report::Report> = BTreeMap::new();
    for file in files {
        let report = report::read(&file).map_err(|error| error.to_string())?;
        let name = report.scenario.name.clone();
        if reports.insert(name.clone(), report).is_some() {
            return Err(format!("{} contains two reports of `{name}`", folder.display()));
        }
    }
    if reports.is_empty() {
        return Err(format!("no report.json in {} or in a folder inside it", folder.display()));
    }
    Ok(reports)
}

/// A command line that is run repeatedly.
struct Side {
    name: &'static str,
    words: Vec<String>,
}

impl Side {
    fn new(name: &'static str, line: &str) -> Result<Self, Exit> {
        let words = words(line).map_err(|why| usage_error(format_args!("--{name}: {why}")))?;
        Ok(Self { name, words })
    }

    /// Runs the command with this seed and reads the reports that it writes into `dir`, which is emptied
    /// first.
    fn run(&self, seed: u64, dir: &Path) -> Result<Reports, Exit> {
        let cleared = match fs::remove_dir_all(dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => fs::create_dir_all(dir),
        };
        cleared
            .map_err(|error| usage_error(format_args!("cannot create folder {}: {error}", dir.display())))?;
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).arg("--out").arg(dir);
        command.args(["--seed", &seed.to_string(), "--format", "json"]);
        let process_output =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output();
        let process_output = process_output.map_err(|error| {
            usage_error(format_args!("--{}: cannot run {}: {error}", self.name, self.words[0]))
        })?;
        let line = || format!("{} --out {} --seed {seed} --format json", self.words.join(" "), dir.display());
        let failed = |how: &str, exit| {
            let last = stderr_tail(&String::from_utf8_lossy(&process_output.stderr));
            print_error(format_args!("the {}'s command {how}\n  {}{last}", self.name, line()));
            exit
        };
        match process_output.status.code() {
            // A mismatch, a saturated generator or a threshold: the report contains it too.
            Some(0 | 80 | 83 | 99) => {}
            Some(105) => return Err(failed("was interrupted (exit code 105)", Exit::Interrupted)),
            Some(code) => return Err(failed(&format!("exited with code {code}"), Exit::Usage)),
            None => return Err(failed("was ended by a signal", Exit::Usage)),
        }
        let reports = reports(dir)
            .map_err(|error| failed(&format!("left no readable report: {error}"), Exit::Usage))?;
        // Different seeds would compare random choices.
        if let Some(other) = reports.values().find(|report| report.seed != seed) {
            let (name, has) = (&other.scenario.name, other.seed);
            return Err(failed(&format!("ignored --seed: `{name}` was run with {has}"), Exit::Usage));
        }
        Ok(reports)
    }
}

fn stderr_tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(STDERR_TAIL_LINES)..];
    if last.is_empty() {
        return "\n  It printed nothing to standard error.".to_owned();
    }
    last.iter().map(|line| format!("\n    {}", line.replace(|c: char| c.is_control(), "\u{fffd}"))).collect()
}

fn experiment(args: &CompareArgs, base: &str, head: &str) -> Result<Comparison, Exit> {
    let most = args.max_pairs.unwrap_or(args.pairs);
    if most < args.pairs {
        return Err(usage_error(format_args!("--max-pairs {most} is lower than --pairs {}", args.pairs)));
    }
    let (one, other) = (Side::new("base", base)?, Side::new("head", head)?);
    let seed = Seed::new(args.seed);
    let options = ComparisonOptions {
        min_effect: args.min_effect,
        noise: args.noise,
        error: SIGNIFICANCE_LEVEL,
        looks: if most > args.pairs { 2 } else { 1 },
        resamples: RESAMPLES,
        seed,
    };
    let mut experiment = Experiment::new(options).max_steal(args.max_steal);
    let first = compare::plan(seed, 0..args.pairs, args.aa);
    let more = compare::plan(seed, args.pairs..most, 0);
    run(&mut experiment, &first, (&one, &other), &args.out)?;
    if !more.is_empty() && experiment.is_open() {
        run(&mut experiment, &more, (&one, &other), &args.out)?;
    }
    Ok(experiment.comparison(base, head))
}

/// Runs these pairs.
fn run(
    experiment: &mut Experiment,
    slots: &[Slot],
    (base, head): (&Side, &Side),
    out: &Path,
) -> Result<(), Exit> {
    let bar = CountBar::with_label("compare", "runs", 2 * slots.len());
    let ran = slots.iter().enumerate().try_for_each(|(before, slot)| {
        for _ in 0..MAX_ATTEMPTS {
            let on_progress = |runs| bar.at(2 * before + runs);
            if pair(experiment, slot, (base, head), out, &on_progress)? == PairStatus::Accepted {
                break;
            }
        }
        Ok(())
    });
    bar.finish();
    ran
}

/// Runs a pair and adds it to the experiment; the callback receives the number of finished runs.
fn pair(
    experiment: &mut Experiment,
    slot: &Slot,
    (base, head): (&Side, &Side),
    out: &Path,
    on_progress: &dyn Fn(usize),
) -> Result<PairStatus, Exit> {
    let play = |place: usize| {
        let side = if slot.arms[place] == Arm::Base { base } else { head };
        on_progress(place);
        side.run(slot.seed, &folder(out, slot, side, place))
    };
    let (first, second) = (play(0)?, play(1)?);
    let (one, other) = if slot.arms[0] == Arm::Head { (&second, &first) } else { (&first, &second) };
    experiment.add(slot, one, other).map_err(|error| incomparable(&error))
}

/// Returns the folder of a run, such as `pair-01/head`. The runs of a pair of base against base have the
/// folders `same-01/first` and `same-01/second`.
fn folder(out: &Path, slot: &Slot, side: &Side, place: usize) -> PathBuf {
    let number = slot.number;
    if slot.is_aa() {
        out.join(format!("same-{number:02}")).join(if place == 0 { "first" } else { "second" })
    } else {
        out.join(format!("pair-{number:02}")).join(side.name)
    }
}
