//! The promises of the house, one module each.
