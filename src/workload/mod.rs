//! What happens in a run: who is in the pool at the start, and who comes when and what for.
//!
//! Everything follows from the scenario and its seed. Person 7 is the same person whoever else there is, and sign-in
//! 1000 is the same sign-in whatever came before it: each has a stream of chance of its own.

mod arrivals;
mod draws;
mod length;
mod population;

pub use arrivals::{Arrival, Timetable, arrivals};
pub use draws::{Draw, Draws};
pub use length::{asked_per_s, expected_count, length, measured, warm_up};
pub use population::{Person, home, owners, population};
