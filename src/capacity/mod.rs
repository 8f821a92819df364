//! Finds the number of sign-ins per second at which a pool still meets its objectives.
//!
//! | file | what it does |
//! |---|---|
//! | `search` | which rate to try next: climbs, halves, confirms |
//! | `runner` | runs a level: the scenario at a rate |
//! | `level` | evaluates a run: objectives, decisions, whether it keeps up |
//! | `usl` | how throughput follows concurrency |
//! | `find` | runs the search |
//! | `verdict` | sentences and exit code |
//! | `model`, `text` | the result as data and for a terminal |

mod find;
mod level;
mod model;
mod runner;
mod search;
mod text;
mod usl;
mod verdict;

pub use find::{CapacityError, CapacityOptions, find};
pub use model::{
    Capacity, CapacityEstimate, CoreEstimate, Cores, Figures, Level, Limit, Range, Reason, SearchPhase,
    Verdict,
};
pub use runner::{LevelDurations, UnsuitableScenario};
pub use search::{LevelRequest, Search, SearchBounds};
pub use text::{cores_text, text};
pub use usl::{Interval, MIN_POINTS, Usl, fit};
