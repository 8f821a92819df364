//! Pool settings from a scenario or AWS documents.

use std::path::PathBuf;

use super::{Exit, invalid_scenario, print_stderr};
use crate::settings::{self, PoolSettings, Unsimulated};
use poolproof_cognito::policy::PoolPolicy;

/// Reads the pool's settings from these files; `None` if there are none.
///
/// `note` gets texts about assumptions. What is wrong with the files is printed on standard error.
pub(super) fn read_settings(
    files: &[PathBuf],
    unsimulated: Unsimulated,
    note: fn(&str),
) -> Result<Option<PoolSettings>, Exit> {
    if files.is_empty() {
        return Ok(None);
    }
    let settings = settings::read(files, unsimulated).map_err(|diagnostic| invalid_scenario(&diagnostic))?;
    for line in &settings.unknown {
        note(&format!("unknown: {line}"));
    }
    for line in &settings.notes {
        note(&format!("assumed: {line}"));
    }
    Ok(Some(settings))
}

/// Reads the policy of the pool from these files, and prints texts about assumptions on standard error.
pub(super) fn read(files: &[PathBuf], unsimulated: Unsimulated) -> Result<Option<PoolPolicy>, Exit> {
    Ok(read_settings(files, unsimulated, print_stderr)?.map(|settings| settings.policy))
}
