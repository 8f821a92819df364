//! How a run is cut short: by somebody outside, at any moment of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// A rope to pull. Copies are ends of the same rope.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Rope>);

#[derive(Debug, Default)]
struct Rope {
    pulled: AtomicBool,
    heard: Notify,
}

impl Stop {
    /// Cuts the run short. Returns whether that was asked for before.
    pub fn pull(&self) -> bool {
        let before = self.0.pulled.swap(true, Ordering::SeqCst);
        self.0.heard.notify_one();
        before
    }

    /// Whether the run is to be cut short.
    pub fn is_pulled(&self) -> bool {
        self.0.pulled.load(Ordering::SeqCst)
    }

    /// Returns when the run is to be cut short.
    pub(super) async fn pulled(&self) {
        while !self.is_pulled() {
            self.0.heard.notified().await;
        }
    }
}
