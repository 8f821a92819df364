//! Cancellation of a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// A cancellation token; clones share its state.
#[derive(Clone, Debug, Default)]
pub struct CancellationToken(Arc<CancelState>);

#[derive(Debug, Default)]
struct CancelState {
    cancelled: AtomicBool,
    notify: Notify,
}

impl CancellationToken {
    /// Cancels the run. Returns whether it was canceled before.
    pub fn cancel(&self) -> bool {
        let before = self.0.cancelled.swap(true, Ordering::SeqCst);
        self.0.notify.notify_one();
        before
    }

    /// Returns whether the run is canceled.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// Returns when the run is canceled.
    pub(super) async fn cancelled(&self) {
        while !self.is_cancelled() {
            self.0.notify.notified().await;
        }
    }
}
