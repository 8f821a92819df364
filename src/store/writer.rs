//! The writer of the state file: a thread of its own, with many responses per transaction.

use std::fs::File;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use super::open::read_again;
use super::{StateFileError, StateWriteError, Store, StoredState};
use poolproof_cognito::ids::PoolId;
use poolproof_pool::provider::ProviderChange;

/// The data that one request writes, and the channel to the waiting request.
type QueuedWrite = (Write, oneshot::Sender<Result<(), StateWriteError>>);

/// The data that a request writes.
#[derive(Debug)]
enum Write {
    Changes(Vec<ProviderChange>),
    /// One user of this pool, unchanged.
    Rewrite(PoolId),
}

/// Writes changes in the order in which they are queued.
///
/// The queue is bounded by the requests in flight. A failure to write is final, because later changes may
/// build on the lost ones.
#[derive(Debug)]
pub struct StateWriter {
    sender: Mutex<Option<Sender<QueuedWrite>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    failure: Arc<OnceLock<StateWriteError>>,
    file: File,
}

/// Completes when changes are on disk.
#[derive(Debug)]
pub struct PendingWrite(oneshot::Receiver<Result<(), StateWriteError>>);

impl PendingWrite {
    /// Waits until these changes and all earlier ones are on disk.
    ///
    /// # Errors
    ///
    /// They could not be written.
    pub async fn committed(self) -> Result<(), StateWriteError> {
        self.0.await.unwrap_or_else(|_| Err(StateWriteError("the state writer has stopped".to_owned())))
    }
}

impl StateWriter {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// The thread cannot be started.
    pub fn start(store: Store) -> std::io::Result<Self> {
        let (sender, receiver) = channel();
        let (file, failure) = (store.file.try_clone()?, Arc::new(OnceLock::new()));
        let reported = Arc::clone(&failure);
        let work = move || work(&store, &receiver, &reported);
        let thread = thread::Builder::new().name("keeper".to_owned()).spawn(work)?;
        Ok(Self { sender: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)), failure, file })
    }

    /// Returns the error after which nothing is written, if there was one. It is set before a request waits
    /// for a write that will not happen.
    pub fn failure(&self) -> Option<&StateWriteError> {
        self.failure.get()
    }

    /// Reads what the file contains, after a failure.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn read_again(&self) -> Result<StoredState, StateFileError> {
        read_again(&self.file)
    }

    /// Queues these changes.
    pub fn enqueue(&self, changes: Vec<ProviderChange>) -> PendingWrite {
        self.enqueue_write(Write::Changes(changes))
    }

    /// Queues a write that changes nothing and takes as long as a change of a user of this pool.
    pub fn enqueue_rewrite(&self, pool_id: PoolId) -> PendingWrite {
        self.enqueue_write(Write::Rewrite(pool_id))
    }

    fn enqueue_write(&self, write: Write) -> PendingWrite {
        let (reply_sender, committed) = oneshot::channel();
        if let Some(sender) = &*self.sender.lock().unwrap_or_else(PoisonError::into_inner) {
            // If the thread has ended, waiting returns an error.
            drop(sender.send((write, reply_sender)));
        }
        PendingWrite(committed)
    }

    /// Ends the thread after everything queued is written, and closes the file.
    pub fn close(&self) {
        drop(self.sender.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            drop(thread.join());
        }
    }
}

impl Drop for StateWriter {
    fn drop(&mut self) {
        self.close();
    }
}

fn work(store: &Store, receiver: &Receiver<QueuedWrite>, failure: &OnceLock<StateWriteError>) {
    while let Ok(first) = receiver.recv() {
        let (mut changes, mut rewritten, mut reply_senders) = (Vec::new(), Vec::new(), Vec::new());
        // Changes that arrived during the last transaction go into the next one.
        for (write, reply_sender) in std::iter::once(first).chain(receiver.try_iter()) {
            match write {
                Write::Changes(more) => changes.extend(more),
                Write::Rewrite(pool_id) => rewritten.push(pool_id),
            }
            reply_senders.push(reply_sender);
        }
        let write = || store.write_with_rewrites(&changes, &rewritten);
        let committed = failure.get().cloned().map_or_else(write, Err);
        if let Err(error) = &committed {
            // Only the first failure counts.
            let _ = failure.set(error.clone());
        }
        for reply_sender in reply_senders {
            // The client may be gone; the change stays.
            drop(reply_sender.send(committed.clone()));
        }
    }
}
