//! The settings of a pool, from whatever file says them.

use std::path::Path;

use super::{Exit, check::rendered, complain};
use crate::policy::PoolPolicy;
use crate::settings;

/// The pool of this file: a scenario, or what AWS's tools print. What is wrong with the file is told before the way out is given.
pub(super) fn read(file: &Path) -> Result<PoolPolicy, Exit> {
    settings::read(&[file.to_owned()]).map(|settings| settings.policy).map_err(|diagnostic| {
        complain(&rendered(&diagnostic));
        Exit::InvalidScenario
    })
}
