//! How a run is cut short: by somebody outside, at any moment of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// A rope to pull. Copies are ends of the same rope.
#[derive(Clone, Debug, Default)]
pub struct CancellationToken(Arc<CancelState>);

#[derive(Debug, Default)]
struct CancelState {
    cancelled: AtomicBool,
    notify: Notify,
}

impl CancellationToken {
    /// Cuts the run short. Returns whether that was asked for before.
    pub fn cancel(&self) -> bool {
        let before = self.0.cancelled.swap(true, Ordering::SeqCst);
        self.0.notify.notify_one();
        before
    }

    /// Whether the run is to be cut short.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// Returns when the run is to be cut short.
    pub(super) async fn cancelled(&self) {
        while !self.is_cancelled() {
            self.0.notify.notified().await;
        }
    }
}
