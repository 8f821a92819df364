//! The pool's door for stock clients: Cognito's operations as AWS JSON 1.1 over HTTP (SEMANTICS a.1, d).

pub mod codec;
pub mod server;
