//! `poolproof schema`.

use super::{Exit, print_stdout};
use crate::scenario;

/// Prints the JSON Schema of scenario files.
pub(super) fn schema() -> Exit {
    print_stdout(&format!("{:#}\n", scenario::schema()))
}
