//! The target of a run: the embedded pool or an endpoint.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use crate::failure::FailureCause;
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
    /// Executes an operation and returns its response.
    fn execute(
        &self,
        operation: Operation,
    ) -> LocalBoxFuture<'_, Result<Result<OperationResponse, ApiError>, TransportError>>;

    /// Returns whether the risk level of a sign-in can be set.
    fn accepts_risk_level(&self) -> bool;
}

/// There was no response, or none of the protocol.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{why}")]
pub struct TransportError {
    /// The kind of failure.
    pub cause: FailureCause,
    /// The error in words.
    pub why: String,
    /// The HTTP status of the response, if there was one.
    pub status: Option<u16>,
    /// How long the endpoint asks to wait before a repetition.
    pub retry_after: Option<Duration>,
}

impl TransportError {
    /// Creates an error without a response.
    pub fn new(cause: FailureCause, why: impl Into<String>) -> Self {
        Self { cause, why: why.into(), status: None, retry_after: None }
    }

    /// Returns whether the endpoint reports a failure of its own (HTTP 5xx), which may pass.
    pub fn is_server_failure(&self) -> bool {
        self.status.is_some_and(|status| status >= 500)
    }
}
