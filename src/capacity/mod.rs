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
mod play;
mod search;
mod text;
mod usl;
mod verdict;

pub use find::{Asked, Broken, find};
pub use model::{Answer, Capacity, Cores, Figures, Level, Limit, Range, Reason, Stage, Verdict, Wanted};
pub use play::{Lengths, Unfit};
pub use search::{Ask, Bounds, Search};
pub use text::{stand, text};
pub use usl::{FEWEST_POINTS, Interval, Usl, fit};
