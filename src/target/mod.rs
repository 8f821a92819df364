//! What a run signs in to: the embedded pool or an endpoint.

use futures_util::future::LocalBoxFuture;

use poolproof_cognito::ids::Username;
use poolproof_cognito::protocol::{ApiError, Operation, OperationResponse, Origin, Reply, Request};

/// The pool under test as devices see it.
pub trait Target {
    /// Sends a request and waits for its reply.
    fn call(&self, origin: Origin, request: Request) -> LocalBoxFuture<'_, Result<Reply, TransportError>>;

    /// Returns the code that was last sent to this user, if messages can be read.
    fn delivered_code(&self, username: &Username) -> LocalBoxFuture<'_, Option<String>>;
}

/// A target with administrators' operations: creating and deleting pools, clients and users.
pub trait AdminTarget: Target {
    /// Executes an operation and returns its response. A server failure (HTTP 5xx) is a refusal of kind
    /// [`InternalError`](poolproof_cognito::protocol::ErrorKind::InternalError); it is not judged and can be
    /// retried.
    fn execute(
        &self,
        operation: Operation,
    ) -> LocalBoxFuture<'_, Result<Result<OperationResponse, ApiError>, TransportError>>;

    /// Returns whether the risk level of a sign-in can be set.
    fn accepts_risk_level(&self) -> bool;
}

/// There was no response.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the pool gave no answer: {0}")]
pub struct TransportError(pub String);
