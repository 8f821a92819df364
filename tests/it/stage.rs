//! What the tests of whole runs share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use poolproof::pool::Defect;
use poolproof::report::Report;
use poolproof::run::{Settings, Stop, run};
use poolproof::scenario::{self, Scenario};

/// The folder of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The bundled scenario files, by name.
pub(crate) fn bundled() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("scenarios")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

/// A scenario from its text.
pub(crate) fn scenario(text: &str) -> Scenario {
    scenario::parse("test.yaml", text.as_bytes()).unwrap_or_else(|diagnostic| panic!("{diagnostic}"))
}

/// Plays a scenario to its end.
pub(crate) fn play(scenario: &Scenario) -> Report {
    play_with(scenario, None)
}

/// Plays a scenario against a pool with a planted fault.
pub(crate) fn play_with(scenario: &Scenario, defect: Option<Defect>) -> Report {
    run(scenario, &settings(defect), &Stop::default()).unwrap()
}

/// Settings for a run that nobody watches.
pub(crate) fn settings(defect: Option<Defect>) -> Settings {
    Settings {
        file: "test.yaml".to_owned(),
        text: String::new(),
        command: String::new(),
        workers: None,
        backend: None,
        defect,
        endpoint: None,
        observer: Arc::new(|_| {}),
    }
}
