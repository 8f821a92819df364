//! AWS JSON 1.1 over HTTP: the server for stock clients, and the client for any endpoint.

pub mod client;
pub mod codec;
pub mod prometheus;
pub mod server;
