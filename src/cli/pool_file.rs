//! The settings of a pool, from whatever file says them.

use std::path::PathBuf;

use super::{Exit, check::render_diagnostic, print_stderr};
use crate::settings;
use poolproof_cognito::policy::PoolPolicy;

/// The pool of these files: of a scenario, or of what AWS's tools print. `None` if there are none.
///
/// What had to be assumed is told on standard error; so is what is wrong with the files, before the way out is given.
pub(super) fn read(files: &[PathBuf]) -> Result<Option<PoolPolicy>, Exit> {
    if files.is_empty() {
        return Ok(None);
    }
    let settings = settings::read(files).map_err(|diagnostic| {
        print_stderr(&render_diagnostic(&diagnostic));
        Exit::InvalidScenario
    })?;
    for note in &settings.notes {
        print_stderr(&format!("assumed: {note}"));
    }
    Ok(Some(settings.policy))
}
