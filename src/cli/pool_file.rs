//! The settings of a pool, from whatever file says them.

use std::path::Path;

use super::{Exit, check::rendered, complain};
use crate::policy::PoolPolicy;
use crate::scenario;

/// The pool of this scenario file. What is wrong with the file is told before the way out is given.
pub(super) fn read(file: &Path) -> Result<PoolPolicy, Exit> {
    scenario::read(file).map(|scenario| scenario.pool).map_err(|diagnostic| {
        complain(&rendered(&diagnostic));
        Exit::InvalidScenario
    })
}
