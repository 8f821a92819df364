//! Whoever writes changes down while requests are answered: a thread of its own, many answers to a transaction.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use super::{StateWriteError, Store};
use poolproof_pool::provider::ProviderChange;

/// Changes of one request, and who waits for them.
type QueuedChanges = (Vec<ProviderChange>, oneshot::Sender<Result<(), StateWriteError>>);

/// Writes changes down in the order in which they are given to it.
///
/// What waits is bounded by the requests at hand, each of which waits for its own. When the file cannot be written, that is
/// final: the machines have gone on, and what comes later may build on what was lost.
#[derive(Debug)]
pub struct StateWriter {
    sender: Mutex<Option<Sender<QueuedChanges>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Tells when changes are on the disk.
#[derive(Debug)]
pub struct PendingWrite(oneshot::Receiver<Result<(), StateWriteError>>);

impl PendingWrite {
    /// Waits until the changes are on the disk, with all that were given before them.
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
    /// No thread can be had.
    pub fn start(store: Store) -> std::io::Result<Self> {
        let (sender, receiver) = channel();
        let thread =
            thread::Builder::new().name("keeper".to_owned()).spawn(move || work(&store, &receiver))?;
        Ok(Self { sender: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    /// Has these changes written down.
    pub fn enqueue(&self, changes: Vec<ProviderChange>) -> PendingWrite {
        let (reply_sender, committed) = oneshot::channel();
        if let Some(sender) = &*self.sender.lock().unwrap_or_else(PoisonError::into_inner) {
            // Where the thread has ended the ticket says so.
            drop(sender.send((changes, reply_sender)));
        }
        PendingWrite(committed)
    }

    /// Ends the thread when all that was given to it is written down, and lets go of the file.
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

fn work(store: &Store, receiver: &Receiver<QueuedChanges>) {
    let mut failure = None;
    while let Ok((mut changes, reply_sender)) = receiver.recv() {
        let mut reply_senders = vec![reply_sender];
        // Whatever came while the last transaction was written goes into the next.
        while let Ok((more, reply_sender)) = receiver.try_recv() {
            changes.extend(more);
            reply_senders.push(reply_sender);
        }
        let committed = failure.clone().map_or_else(|| store.write(&changes), Err);
        failure = committed.clone().err();
        for reply_sender in reply_senders {
            // Whoever asked may have gone; the change stays.
            drop(reply_sender.send(committed.clone()));
        }
    }
}
