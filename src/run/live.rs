//! Requests for the report of a run in progress.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::report::Report;

/// Builds the report of a moment of a run, as if the run had ended then. Sign-ins in flight are not in it.
pub type BuildReport = Box<dyn FnOnce() -> Report + Send>;

/// Requests for the report of a run in progress. Clones share them.
///
/// The run answers at its next progress report or tick. It only copies what it has recorded: the reader
/// builds the report, on another thread.
#[derive(Clone, Default)]
pub struct LiveReports(Arc<Mutex<Option<oneshot::Sender<BuildReport>>>>);

impl LiveReports {
    /// Asks for the report. The request replaces an earlier one, which gets an error.
    pub fn request(&self) -> oneshot::Receiver<BuildReport> {
        let (sender, receiver) = oneshot::channel();
        *self.lock() = Some(sender);
        receiver
    }

    /// Drops a request that has no answer yet; its reader gets an error.
    pub fn close(&self) {
        drop(self.take());
    }

    /// Takes the request that waits for an answer.
    pub(super) fn take(&self) -> Option<oneshot::Sender<BuildReport>> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<oneshot::Sender<BuildReport>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
