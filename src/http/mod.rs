//! Cognito's operations as AWS JSON 1.1 over HTTP (SEMANTICS a.1, d): the pool's door for stock clients, and the way to any
//! other endpoint.

pub mod client;
pub mod codec;
pub mod prometheus;
pub mod server;
