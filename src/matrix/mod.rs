//! The policy as a table: every situation of a sign-in with the right password, and the decision that the
//! rules require.
//!
//! [`Matrix::all`] has 7,020 cells, [`Matrix::of_pool`] the cells of one pool. All decisions come from the
//! [oracle](poolproof_oracle). [`play`] runs one cell in an embedded pool with a real sign-in,
//! [`play_at_endpoint`] runs trials at any endpoint, [`compare`] compares a matrix with a baseline.
//!
//! | module | subject |
//! |---|---|
//! | `cell`, `row` | the cells and their decisions |
//! | `play` | cells in the embedded pool |
//! | `endpoint` | trials at an endpoint, and its conformance |
//! | `export` | JSON and CSV |
//! | `baseline` | changes since a baseline |
//! | `condense`, `summary` | many cells in few lines |
//! | `text`, `markdown`, `html` | the condensed matrix |

mod baseline;
mod cell;
mod condense;
mod endpoint;
mod export;
mod html;
mod markdown;
mod play;
mod row;
mod sign_in;
mod summary;
mod text;

pub use baseline::{Change, Changes, compare};
pub use cell::{BASE_POLICY, Cell, Risk, all_cells, pool_cells};
pub use endpoint::{
    Conformance, EndpointError, Example, RuleResult, Trial, conformance_json, conformance_markdown,
    conformance_text, play_at_endpoint, trials,
};
pub use export::{BaselineError, csv, json, read_baseline};
pub use html::page;
pub use markdown::markdown;
pub use play::{Difference, MatrixResult, play, play_all};
pub use row::{Matrix, Row};
pub use text::table;
