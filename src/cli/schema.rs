//! `poolproof schema`.

use super::{Exit, say};
use crate::scenario;

/// Prints the JSON Schema of scenario files.
pub(super) fn schema() -> Exit {
    say(&format!("{:#}\n", scenario::schema()))
}
