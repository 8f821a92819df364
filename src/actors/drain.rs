//! The end of a run: requests that are still unanswered when its load is over get a limited time.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::failure::FailureCause;
use crate::target::TransportError;

/// How long requests may take after the load of a run is over. Clones share their state.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    time: Option<Duration>,
    over: CancellationToken,
}

impl Drain {
    /// Creates a drain of this length; `None` waits for every answer.
    pub fn new(time: Option<Duration>) -> Self {
        Self { time, over: CancellationToken::new() }
    }

    /// Returns its length.
    pub(super) const fn time(&self) -> Option<Duration> {
        self.time
    }

    /// Sets its length, for this copy only.
    pub(super) const fn set_time(&mut self, time: Duration) {
        self.time = Some(time);
    }

    /// Cancels all requests in flight.
    pub(super) fn end(&self) {
        self.over.cancel();
    }

    /// Returns whether it has ended.
    pub(super) fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    /// Waits for this answer, at most until the drain ends. A person who was typing a code at that time goes
    /// on, so a request that starts later may take as long as the drain.
    pub(super) async fn limit<T>(
        &self,
        clock: Clock,
        answer: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, TransportError> {
        let Some(time) = self.time else { return answer.await };
        let end =
            async { if self.is_over() { clock.sleep(time).await } else { self.over.cancelled().await } };
        tokio::select! {
            biased;
            answer = answer => answer,
            () = end => {
                let why = format!("canceled {time:?} after the end of the load (--drain)");
                Err(TransportError::new(FailureCause::Unfinished, why))
            }
        }
    }
}
