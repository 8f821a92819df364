//! Sends administrators' requests to an endpoint and retries them when it is busy.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use super::backoff::Backoff;
use crate::clock::Clock;
use crate::failure::FailureCause;
use crate::target::{AdminTarget, TransportError};
use poolproof_cognito::protocol::{
    AccountRequest, ErrorKind, ManagementRequest, Operation, OperationResponse,
};
use poolproof_cognito::seed::{Rng, Seed};

/// Retries of one request: about 13 seconds on average.
pub(crate) const RETRIES: u32 = 8;

/// An operation that the endpoint refused or did not answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetupError {
    /// The operation that failed.
    pub attempted: String,
    /// The reason.
    pub why: String,
    /// The error kind; `None` if there was no valid response.
    pub refusal: Option<ErrorKind>,
    /// Why there was no valid response, if so.
    pub cause: Option<FailureCause>,
    /// What the run created before the failure and could not delete.
    pub cleanup_error: Option<Box<CleanupError>>,
}

impl SetupError {
    /// An error about an invalid response.
    pub(crate) fn unexpected(attempted: &str, why: impl Into<String>) -> Self {
        let (attempted, why) = (attempted.to_owned(), why.into());
        Self { attempted, why, refusal: None, cause: None, cleanup_error: None }
    }

    /// Returns whether the response was not one of the AWS protocol.
    pub fn is_foreign(&self) -> bool {
        // The codec describes such responses by their status, see `InvalidResponse`.
        matches!(self.refusal, None | Some(ErrorKind::InternalError)) && self.why.contains("HTTP status ")
    }

    /// Returns whether the operation certainly had no effect. An unreadable response is [`ErrorKind::Other`]
    /// too.
    pub(super) const fn had_no_effect(&self) -> bool {
        !matches!(self.refusal, None | Some(ErrorKind::InternalError | ErrorKind::Other))
    }

    /// Returns whether the resource does not exist.
    pub(super) const fn is_not_found(&self) -> bool {
        matches!(self.refusal, Some(ErrorKind::UserNotFound | ErrorKind::ResourceNotFound))
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.attempted, self.why)?;
        self.cleanup_error.as_ref().map_or(Ok(()), |cleanup_error| write!(f, "; {cleanup_error}"))
    }
}

impl std::error::Error for SetupError {}

/// A resource that the run created and could not delete.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cannot remove {what}: {why}")]
pub struct CleanupError {
    /// The resource, by the name its owner knows.
    pub what: String,
    /// Why it could not be deleted.
    pub why: SetupError,
}

/// Creates and deletes pools and users at an endpoint.
pub struct AdminClient {
    endpoint: Rc<dyn AdminTarget>,
    clock: Clock,
    rng: RefCell<Rng>,
}

impl fmt::Debug for AdminClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminClient(…)")
    }
}

impl AdminClient {
    /// Creates a client for this endpoint. The backoff times derive from `seed`.
    pub fn new(endpoint: Rc<dyn AdminTarget>, clock: Clock, seed: Seed) -> Self {
        Self { endpoint, clock, rng: RefCell::new(seed.rng("administrator", 0)) }
    }

    /// Executes an operation; an error names what was attempted.
    ///
    /// Throttled requests and server failures are retried. A request without a response is retried once,
    /// unless it may have taken effect and must not be done twice.
    ///
    /// # Errors
    ///
    /// The operation was refused after all retries, or there was no response.
    pub async fn execute(
        &self,
        attempted: &str,
        operation: Operation,
    ) -> Result<OperationResponse, SetupError> {
        let repeatable = is_repeatable(&operation);
        let mut backoff = Backoff::new();
        let mut retries = RETRIES;
        let answer = loop {
            let answer = self.endpoint.execute(operation.clone()).await;
            let again = match &answer {
                Ok(Err(error)) => match error.kind {
                    ErrorKind::TooManyRequests => true,
                    ErrorKind::InternalError => repeatable,
                    _ => false,
                },
                Err(error) if error.is_server_failure() => repeatable,
                // A connection can end at any time, so one retry is enough; a server that never answers is
                // not retried.
                Err(_) => repeatable && retries == RETRIES,
                Ok(Ok(_)) => false,
            };
            if !again || retries == 0 {
                break answer;
            }
            retries -= 1;
            let retry_after = match &answer {
                Ok(answer) => answer.as_ref().err().and_then(|error| error.retry_after),
                Err(error) => error.retry_after,
            };
            let wait = backoff.wait(&mut self.rng.borrow_mut(), retry_after);
            self.clock.sleep(wait).await;
        };
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(SetupError {
                refusal: Some(error.kind),
                ..SetupError::unexpected(attempted, error.to_string())
            }),
            Err(TransportError { cause, why, .. }) => {
                Err(SetupError { cause: Some(cause), ..SetupError::unexpected(attempted, why) })
            }
        }
    }
}

/// Returns whether a repetition of the operation has no further effect. Others would create a second pool,
/// find that the user exists already, or use a code twice.
const fn is_repeatable(operation: &Operation) -> bool {
    !matches!(
        operation,
        Operation::Management(ManagementRequest::CreateUserPool(_))
            | Operation::Account(AccountRequest::AdminCreateUser(_) | AccountRequest::VerifySoftwareToken(_))
    )
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::FutureExt as _;
    use futures_util::future::LocalBoxFuture;

    use super::*;
    use crate::actors::system;
    use crate::clock::ClockKind;
    use crate::target::Target;
    use poolproof_cognito::ids::Username;
    use poolproof_cognito::protocol::{
        AdminCreateUser, AdminUserCall, ApiError, ManagementResponse, Origin, PoolCall, PoolSpec, Reply,
        Request,
    };

    type EndpointResult = Result<Result<OperationResponse, ApiError>, TransportError>;

    /// An endpoint that fails a number of times and then succeeds.
    struct FailingEndpoint {
        result: EndpointResult,
        times: usize,
        asked: Cell<usize>,
    }

    impl Target for FailingEndpoint {
        fn call(&self, _: Origin, _: Request) -> LocalBoxFuture<'_, Result<Reply, TransportError>> {
            async { Err(TransportError::new(FailureCause::Unreachable, "not for users")) }.boxed_local()
        }

        fn delivered_code(&self, _: &Username) -> LocalBoxFuture<'_, Option<String>> {
            async { None }.boxed_local()
        }
    }

    impl AdminTarget for FailingEndpoint {
        fn execute(&self, _: Operation) -> LocalBoxFuture<'_, EndpointResult> {
            self.asked.set(self.asked.get() + 1);
            let well = self.asked.get() > self.times;
            let said = if well {
                Ok(Ok(OperationResponse::Management(ManagementResponse::Empty)))
            } else {
                self.result.clone()
            };
            async move { said }.boxed_local()
        }

        fn accepts_risk_level(&self) -> bool {
            false
        }
    }

    /// Counts the requests and returns the result.
    fn asked(
        operation: &Operation,
        result: &EndpointResult,
        times: usize,
    ) -> (usize, Result<OperationResponse, SetupError>) {
        system(ClockKind::Virtual).unwrap().block_on(async {
            let endpoint = Rc::new(FailingEndpoint { result: result.clone(), times, asked: Cell::new(0) });
            let clock = Clock::start(ClockKind::Virtual);
            let answer = AdminClient::new(Rc::clone(&endpoint) as _, clock, Seed::new(1))
                .execute("it", operation.clone())
                .await;
            (endpoint.asked.get(), answer)
        })
    }

    #[test]
    fn only_repeatable_requests_are_retried_after_an_unknown_outcome() {
        let most = 1 + RETRIES as usize;
        let throttled: EndpointResult = Ok(Err(ApiError::too_many_requests()));
        let failed: EndpointResult = Ok(Err(ApiError::internal("HTTP status 503")));
        let refused: EndpointResult = Ok(Err(ApiError::user_not_found()));
        let silent: EndpointResult =
            Err(TransportError::new(FailureCause::Timeout, "no response within 30s"));
        let status = Some(503);
        let unreadable = TransportError::new(FailureCause::HttpStatus, "HTTP status 503");
        let unavailable: EndpointResult = Err(TransportError { status, ..unreadable });
        let twice = [
            Operation::Management(ManagementRequest::DeleteUserPool(PoolCall::default())),
            Operation::Account(AccountRequest::AdminDeleteUser(AdminUserCall::default())),
        ];
        let once =
            [Operation::Management(ManagementRequest::CreateUserPool(PoolSpec::default())), creation()];
        for (operations, tries_after_failure) in [(twice, most), (once, 1)] {
            for operation in operations {
                let times = |result: &EndpointResult| asked(&operation, result, usize::MAX).0;
                assert_eq!(times(&throttled), most, "{operation:?}");
                let failures = [&failed, &unavailable].map(times);
                assert_eq!(failures, [tries_after_failure; 2], "{operation:?}");
                let tries_after_silence = tries_after_failure.min(2);
                assert_eq!((times(&refused), times(&silent)), (1, tries_after_silence), "{operation:?}");
                let (tries, answer) = asked(&operation, &throttled, 3);
                assert_eq!((tries, answer.is_ok()), (4, true), "{operation:?}");
            }
        }
        let unexpected: EndpointResult = Ok(Err(ApiError::new(ErrorKind::Other, "an answer that")));
        let sure =
            |result: &EndpointResult| asked(&creation(), result, usize::MAX).1.unwrap_err().had_no_effect();
        assert_eq!([&throttled, &refused].map(sure), [true; 2]);
        assert_eq!([&failed, &silent, &unexpected].map(sure), [false; 3]);
    }

    fn creation() -> Operation {
        Operation::Account(AccountRequest::AdminCreateUser(AdminCreateUser::default()))
    }
}
