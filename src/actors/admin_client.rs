//! An administrator of an endpoint, who asks again when it is too busy.

use std::cell::RefCell;
use std::fmt;

use super::backoff::Backoff;
use crate::clock::Clock;
use crate::target::{AdminTarget, TransportError};
use poolproof_cognito::protocol::{AccountRequest, Answer, ErrorKind, ManagementRequest, Operation};
use poolproof_cognito::seed::{Rng, Seed};

/// How often one request is tried again: some 13 seconds on average.
const RETRIES: u32 = 8;

/// An endpoint that does not let us do what we came for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetupError {
    /// What was tried.
    pub attempted: String,
    /// What came.
    pub why: String,
    /// The refusal; `None` where no answer came, or one that makes no sense.
    pub refusal: Option<ErrorKind>,
    /// What had been made by then and is still there.
    pub cleanup_error: Option<Box<CleanupError>>,
}

impl SetupError {
    /// What came in answer to this makes no sense.
    pub(super) fn unexpected(attempted: &str, why: impl Into<String>) -> Self {
        Self { attempted: attempted.to_owned(), why: why.into(), refusal: None, cleanup_error: None }
    }

    /// Whether what was asked for has surely not been done. An answer that cannot be read is [`ErrorKind::Other`] too.
    pub(super) const fn had_no_effect(&self) -> bool {
        !matches!(self.refusal, None | Some(ErrorKind::InternalError | ErrorKind::Other))
    }

    /// Whether what was asked for is not there.
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

/// What of ours stays behind at an endpoint, and why.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cannot remove {what}: {why}")]
pub struct CleanupError {
    /// What, by a name that its owner finds it by.
    pub what: String,
    /// What came when it was to be removed.
    pub why: SetupError,
}

/// Somebody who makes and removes pools and users at an endpoint.
pub struct AdminClient<'e> {
    endpoint: &'e dyn AdminTarget,
    clock: Clock,
    rng: RefCell<Rng>,
}

impl fmt::Debug for AdminClient<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Administrator(…)")
    }
}

impl<'e> AdminClient<'e> {
    /// The administrator of this endpoint. How long they wait before they ask again follows from `seed`.
    pub fn new(endpoint: &'e dyn AdminTarget, clock: Clock, seed: Seed) -> Self {
        Self { endpoint, clock, rng: RefCell::new(seed.rng("administrator", 0)) }
    }

    /// Asks for an operation; says what it was about if it is refused.
    ///
    /// Too many requests are tried again after a while, a few times; so is a failure of the server's own, and once what got no
    /// answer, unless the operation may have been done all the same and must not be done twice.
    ///
    /// # Errors
    ///
    /// It is refused in the end, or nobody answers.
    pub async fn execute(&self, attempted: &str, operation: Operation) -> Result<Answer, SetupError> {
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
                // A connection may end at any time; a server that says nothing at all is not asked for ever.
                Err(TransportError(_)) => repeatable && retries == RETRIES,
                Ok(Ok(_)) => false,
            };
            if !again || retries == 0 {
                break answer;
            }
            retries -= 1;
            let wait = backoff.draw(&mut self.rng.borrow_mut());
            self.clock.sleep(wait).await;
        };
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(SetupError {
                refusal: Some(error.kind),
                ..SetupError::unexpected(attempted, error.to_string())
            }),
            Err(TransportError(why)) => Err(SetupError::unexpected(attempted, why)),
        }
    }
}

/// Whether this may be done twice: a pool would be there twice, a user is there already, a code can be used once.
const fn is_repeatable(operation: &Operation) -> bool {
    !matches!(
        operation,
        Operation::Manage(ManagementRequest::CreateUserPool(_))
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

    type EndpointResult = Result<Result<Answer, ApiError>, TransportError>;

    /// Says the same again and again, and from some time on that all is well.
    struct FailingEndpoint {
        result: EndpointResult,
        times: usize,
        asked: Cell<usize>,
    }

    impl Target for FailingEndpoint {
        fn call(&self, _: Origin, _: Request) -> LocalBoxFuture<'_, Result<Reply, TransportError>> {
            async { Err(TransportError("not for users".to_owned())) }.boxed_local()
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
                Ok(Ok(Answer::ManagementResponse(ManagementResponse::Empty)))
            } else {
                self.result.clone()
            };
            async move { said }.boxed_local()
        }

        fn accepts_risk_level(&self) -> bool {
            false
        }
    }

    /// How often it was asked, and what came of it.
    fn asked(
        operation: &Operation,
        result: &EndpointResult,
        times: usize,
    ) -> (usize, Result<Answer, SetupError>) {
        system(ClockKind::Virtual).unwrap().block_on(async {
            let endpoint = FailingEndpoint { result: result.clone(), times, asked: Cell::new(0) };
            let clock = Clock::start(ClockKind::Virtual);
            let answer =
                AdminClient::new(&endpoint, clock, Seed::new(1)).execute("it", operation.clone()).await;
            (endpoint.asked.get(), answer)
        })
    }

    #[test]
    fn what_may_be_done_twice_is_tried_again_and_what_may_not_only_when_it_was_refused() {
        let most = 1 + RETRIES as usize;
        let throttled: EndpointResult = Ok(Err(ApiError::too_many_requests()));
        let failed: EndpointResult = Ok(Err(ApiError::internal("HTTP status 503")));
        let refused: EndpointResult = Ok(Err(ApiError::user_not_found()));
        let silent: EndpointResult = Err(TransportError("no answer within 30s".to_owned()));
        let twice = [
            Operation::Manage(ManagementRequest::DeleteUserPool(PoolCall::default())),
            Operation::Account(AccountRequest::AdminDeleteUser(AdminUserCall::default())),
        ];
        let once = [Operation::Manage(ManagementRequest::CreateUserPool(PoolSpec::default())), creation()];
        for (operations, tries_after_failure) in [(twice, most), (once, 1)] {
            for operation in operations {
                let times = |result: &EndpointResult| asked(&operation, result, usize::MAX).0;
                assert_eq!(times(&throttled), most, "{operation:?}");
                assert_eq!(times(&failed), tries_after_failure, "{operation:?}");
                let tries_after_silence = tries_after_failure.min(2);
                assert_eq!((times(&refused), times(&silent)), (1, tries_after_silence), "{operation:?}");
                let (tries, answer) = asked(&operation, &throttled, 3);
                assert_eq!((tries, answer.is_ok()), (4, true), "{operation:?}");
            }
        }
        let unexpected: EndpointResult =
            Ok(Err(ApiError::new(ErrorKind::Other, "an answer that cannot be read")));
        let sure =
            |result: &EndpointResult| asked(&creation(), result, usize::MAX).1.unwrap_err().had_no_effect();
        assert_eq!([&throttled, &refused].map(sure), [true; 2]);
        assert_eq!([&failed, &silent, &unexpected].map(sure), [false; 3]);
    }

    fn creation() -> Operation {
        Operation::Account(AccountRequest::AdminCreateUser(AdminCreateUser::default()))
    }
}
