//! What a run signs in to: the embedded pool, or whatever else speaks the protocol.

use futures_util::future::LocalBoxFuture;

use poolproof_cognito::ids::Username;
use poolproof_cognito::protocol::{Answer, ApiError, Operation, Origin, Reply, Request};

/// The pool under test, as the users' devices see it.
pub trait Target {
    /// Sends a request and waits for its reply.
    fn call(&self, origin: Origin, request: Request) -> LocalBoxFuture<'_, Result<Reply, TransportError>>;

    /// The code that was last sent to this user's phone, if the phone can be looked at.
    fn delivered_code(&self, username: &Username) -> LocalBoxFuture<'_, Option<String>>;
}

/// A target that administrators can speak to as well: pools, clients and users are made and removed there.
pub trait AdminTarget: Target {
    /// Asks for an operation and waits for its answer. A failure of the server's own (HTTP 5xx) is a refusal of kind
    /// [`InternalError`](poolproof_cognito::protocol::ErrorKind::InternalError): nobody judges it, and whoever asked may ask again.
    fn execute(
        &self,
        operation: Operation,
    ) -> LocalBoxFuture<'_, Result<Result<Answer, ApiError>, TransportError>>;

    /// Whether it can be told how risky a sign-in is to look.
    fn accepts_risk_level(&self) -> bool;
}

/// No reply came.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the pool gave no answer: {0}")]
pub struct TransportError(pub String);
