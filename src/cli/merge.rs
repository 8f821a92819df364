//! `poolproof merge`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::output_args::OutputArgs;
use super::run_results::{open_page, publish, write_results};
use super::{Exit, print_error, usage_error};
use crate::report::{self, ScenarioResult};
use crate::run::{Merge, MergeError, ShardFile};

pub(super) const MERGE_EXAMPLES: &str = "\
The report is judged like that of `run`, with the same exit codes.

Examples:
  for i in 0 1 2 3; do
    poolproof run mine.yaml --shard $i/4 --out out
  done
  poolproof merge out
  poolproof merge out --allow-missing   a partial report, exit code 105";

/// Folders are searched for shards this deep.
const MAX_DEPTH: usize = 3;
/// The largest file of a shard. All parts are bounded, but windows of thresholds keep every second.
const MAX_BYTES: usize = 128 << 20;

#[derive(clap::Args, Debug)]
pub(super) struct MergeArgs {
    /// The shard-INDEX.json of each shard, or folders with them.
    #[arg(required = true, value_name = "FILE")]
    shards: Vec<PathBuf>,
    /// Merge even if shards are missing. The report is partial and names them.
    #[arg(long)]
    allow_missing: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Merges shards and writes the reports of their scenarios. Nothing is written if any shard is invalid.
pub(super) fn merge(args: &MergeArgs) -> Result<Exit, Exit> {
    let files = shard_files(&args.shards).map_err(usage_error)?;
    let mut merges: BTreeMap<String, Merge> = BTreeMap::new();
    for file in &files {
        let name = file.display().to_string();
        let text = crate::input::read_text(file, MAX_BYTES)
            .map_err(|error| usage_error(format_args!("cannot read {name}: {error}")))?;
        let shard = ShardFile::parse(&text)
            .map_err(|why| not_comparable(&MergeError::Invalid { name: name.clone(), why }))?;
        let added = match merges.get_mut(shard.scenario_name()) {
            Some(merge) => merge.add(&name, shard),
            None => {
                let scenario = shard.scenario_name().to_owned();
                Merge::new(&name, shard).map(|merge| drop(merges.insert(scenario, merge)))
            }
        };
        added.map_err(|error| not_comparable(&error))?;
    }
    if !args.allow_missing {
        for (scenario, merge) in &merges {
            check_complete(scenario, merge)?;
        }
    }
    let output = &args.output;
    let folder = |scenario: &str| output.out.join(scenario);
    let folders: Vec<PathBuf> = merges.keys().map(|scenario| folder(scenario)).collect();
    check_writable(output, &folders).map_err(usage_error)?;
    let (mut exit, mut entries) = (Exit::Pass, Vec::new());
    for (scenario, merge) in merges {
        let file = merge.scenario_file().to_owned();
        let (end, status) = publish(output, &folder(&scenario), merge.finish());
        exit = exit.or(end);
        entries.push(ScenarioResult { name: scenario, file, status });
    }
    let exit = exit.or(write_results(output, &entries, Vec::new()));
    open_page(output, &folders);
    Ok(exit)
}

/// Checks that all reports can be written, and deletes those of an earlier run.
fn check_writable(output: &OutputArgs, folders: &[PathBuf]) -> Result<(), report::ReportError> {
    let common = report::common_names(folders.len(), &output.formats());
    if !common.is_empty() {
        report::check_writable_names(&output.out, common)?;
    }
    folders.iter().try_for_each(|folder| report::check_writable(folder))?;
    report::remove_stale(&output.out, folders.iter().map(PathBuf::as_path))
}

/// Refuses to merge if shards are missing.
fn check_complete(scenario: &str, merge: &Merge) -> Result<(), Exit> {
    let missing = merge.missing();
    if missing.is_empty() {
        return Ok(());
    }
    let indices: Vec<String> = missing.iter().take(10).map(u32::to_string).collect();
    let more = if missing.len() > indices.len() { ", …" } else { "" };
    print_error(format_args!(
        "{} of {} shards of {scenario} are missing: {}{more}\nRun them, or merge the others into a partial report \
         with --allow-missing.",
        missing.len(),
        merge.count(),
        indices.join(", ")
    ));
    Err(Exit::Incomparable)
}

fn not_comparable(error: &MergeError) -> Exit {
    print_error(error);
    Exit::Incomparable
}

/// Returns the files that the command line names, and those in its folders, sorted by name.
fn shard_files(named: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        find(path, MAX_DEPTH, &mut files)
            .map_err(|error| format!("cannot read folder {}: {error}", path.display()))?;
        if files.len() == before {
            return Err(format!(
                "no shard in {}: `poolproof run SCENARIO --shard 0/4` writes shard-0.json",
                path.display()
            ));
        }
    }
    Ok(files)
}

fn find(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let entries: Result<Vec<_>, _> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut entries = entries?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if depth > 0 {
                find(&path, depth - 1, files)?;
            }
        } else if path.is_file()
            && path.file_name().and_then(|name| name.to_str()).is_some_and(ShardFile::is_file_name)
        {
            files.push(path);
        }
    }
    Ok(())
}
