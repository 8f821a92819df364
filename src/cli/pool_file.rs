//! Pool settings from a scenario or AWS documents.

use std::path::PathBuf;

use super::{Exit, invalid_scenario, print_stderr};
use crate::settings::{self, PoolSettings, Unsimulated};
use poolproof_cognito::policy::PoolPolicy;

/// Reads the pool's settings from these files; `None` if there are none.
///
/// Assumptions are printed on standard error, and so is what is wrong with the files.
pub(super) fn read_settings(
    files: &[PathBuf],
    unsimulated: Unsimulated,
) -> Result<Option<PoolSettings>, Exit> {
    if files.is_empty() {
        return Ok(None);
    }
    let settings = settings::read(files, unsimulated).map_err(|diagnostic| invalid_scenario(&diagnostic))?;
    for line in &settings.unknown {
        print_stderr(&format!("unknown: {line}"));
    }
    for note in &settings.notes {
        print_stderr(&format!("assumed: {note}"));
    }
    Ok(Some(settings))
}

/// Reads the policy of the pool from these files, likewise.
pub(super) fn read(files: &[PathBuf], unsimulated: Unsimulated) -> Result<Option<PoolPolicy>, Exit> {
    Ok(read_settings(files, unsimulated)?.map(|settings| settings.policy))
}
