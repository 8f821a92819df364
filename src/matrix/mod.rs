//! The whole policy as a table: every situation that a right password can meet, and the decision that is asked for.
//!
//! [`Matrix::all`] has 4,680 cells, [`Matrix::of_pool`] the 80 of one pool. The cells and their order are in `cell`;
//! what is expected comes from the [oracle](poolproof_oracle) and from nowhere else. [`play`] brings a real pool, a real
//! user and a real device into a cell's situation and lets them sign in, [`compare`] holds two matrices against each other.
//!
//! | file | what it does |
//! |---|---|
//! | `cell`, `row` | the situations, and what is expected in each |
//! | `play` | a cell played through a pool and a client |
//! | `endpoint` | the cells and more, played at an endpoint, and how that stands to the rules |
//! | `record` | the matrix as JSON, out and in; `csv` |
//! | `baseline` | what changed since a matrix was written down |
//! | `condense`, `summary` | many cells in few lines |
//! | `text`, `markdown`, `html` | the condensed matrix for people |

mod baseline;
mod cell;
mod condense;
mod csv;
mod endpoint;
mod html;
mod json;
mod markdown;
mod play;
mod row;
mod summary;
mod text;
mod wrap;

pub use baseline::{Change, Changes, compare};
pub use cell::{BASE_POLICY, Cell, Risk, all_cells, pool_cells};
pub use csv::csv;
pub use endpoint::{
    Conformance, EndpointError, EndpointOptions, Example, RuleResult, Trial, conformance_json,
    conformance_markdown, conformance_text, play_at_endpoint, trials,
};
pub use html::page;
pub use json::{BaselineError, json, read_baseline};
pub use markdown::markdown;
pub use play::{Difference, MatrixResult, play, play_all};
pub use row::{Matrix, Row};
pub use text::table;
pub use wrap::wrapped;
