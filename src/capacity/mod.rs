//! How many sign-ins a second a pool takes while its objectives hold.
//!
//! | file | what it does |
//! |---|---|
//! | `search` | which rate to try next: climbs, halves, confirms |
//! | `play` | plays a level: runs of the scenario at a rate |
//! | `level` | judges a run: objectives, decisions, whether it keeps up |
//! | `usl` | how throughput follows concurrency |
//! | `find` | puts these together |
//! | `verdict` | what is said of it, and the exit code |
//! | `model`, `text` | what was found, as data and for a terminal |

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
