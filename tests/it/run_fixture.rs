//! Helper functions for tests of whole runs.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use poolproof::actors::{Finished, RunContext, system};
use poolproof::clock::{Clock, ClockKind};
use poolproof::compute::Compute;
use poolproof::report::Report;
use poolproof::run::{self, CancellationToken, PlannedTarget, RunOptions, run};
use poolproof::scenario::{self, Scenario};
use poolproof::target::Target;
use poolproof_pool::{Defect, Pool};

/// Returns the root folder of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns an empty folder for the test `name` of a group of tests.
pub(crate) fn empty_folder(group: &str, name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(group).join(name);
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Returns the paths of the bundled scenario files, sorted by name.
pub(crate) fn bundled() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("scenarios")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

/// Parses a scenario from its text.
pub(crate) fn scenario(text: &str) -> Scenario {
    scenario::parse("test.yaml", text.as_bytes()).unwrap_or_else(|diagnostic| panic!("{diagnostic}"))
}

/// Runs a scenario to its end.
pub(crate) fn play(scenario: &Scenario) -> Report {
    play_with(scenario, None)
}

/// Runs a scenario against a pool with a planted defect.
pub(crate) fn play_with(scenario: &Scenario, defect: Option<Defect>) -> Report {
    // In real time, longer than users wait for their next TOTP codes.
    let drain = (scenario.clock == ClockKind::Wall).then_some(Duration::from_secs(60));
    let options = RunOptions { drain, ..run_options(defect) };
    run(scenario, &options, &CancellationToken::default()).unwrap().report
}

/// Returns the options of a run without an observer.
pub(crate) fn run_options(defect: Option<Defect>) -> RunOptions {
    RunOptions { file: "test.yaml".to_owned(), defect, ..RunOptions::default() }
}

/// Runs a scenario against the target that `target` creates for the embedded pool, and records with
/// `run_context`.
pub(crate) fn play_with_target(
    scenario: &Scenario,
    target: impl FnOnce(Pool, Clock, &Compute) -> Rc<dyn Target>,
    run_context: RunContext,
) -> Finished {
    let (run_options, cancel_token) = (run_options(None), CancellationToken::new());
    let mut plan = run::plan(scenario, &run_options, &cancel_token).unwrap();
    plan.target = PlannedTarget::Embedded(Box::new(target));
    system(scenario.clock).unwrap().block_on(async {
        let mut prepared = run::prepare(plan).await.unwrap();
        prepared.run_context = run_context;
        run::play(prepared).await.finished
    })
}
