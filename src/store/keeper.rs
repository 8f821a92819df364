//! Whoever writes changes down while requests are answered: a thread of its own, many answers to a transaction.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use super::{NotKept, Store};
use poolproof_pool::provider::Change;

/// Changes of one request, and who waits for them.
type Waiting = (Vec<Change>, oneshot::Sender<Result<(), NotKept>>);

/// Writes changes down in the order in which they are given to it.
///
/// What waits is bounded by the requests at hand, each of which waits for its own. When the file cannot be written, that is
/// final: the machines have gone on, and what comes later may build on what was lost.
#[derive(Debug)]
pub struct Keeper {
    ask: Mutex<Option<Sender<Waiting>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Tells when changes are on the disk.
#[derive(Debug)]
pub struct Ticket(oneshot::Receiver<Result<(), NotKept>>);

impl Ticket {
    /// Waits until the changes are on the disk, with all that were given before them.
    ///
    /// # Errors
    ///
    /// They could not be written.
    pub async fn kept(self) -> Result<(), NotKept> {
        self.0.await.unwrap_or_else(|_| Err(NotKept("nobody keeps it any more".to_owned())))
    }
}

impl Keeper {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// No thread can be had.
    pub fn start(store: Store) -> std::io::Result<Self> {
        let (ask, asked) = channel();
        let thread = thread::Builder::new().name("keeper".to_owned()).spawn(move || work(&store, &asked))?;
        Ok(Self { ask: Mutex::new(Some(ask)), thread: Mutex::new(Some(thread)) })
    }

    /// Has these changes written down.
    pub fn keep(&self, changes: Vec<Change>) -> Ticket {
        let (back, kept) = oneshot::channel();
        if let Some(ask) = &*self.ask.lock().unwrap_or_else(PoisonError::into_inner) {
            // Where the thread has ended the ticket says so.
            drop(ask.send((changes, back)));
        }
        Ticket(kept)
    }

    /// Ends the thread when all that was given to it is written down, and lets go of the file.
    pub fn close(&self) {
        drop(self.ask.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            drop(thread.join());
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.close();
    }
}

fn work(store: &Store, asked: &Receiver<Waiting>) {
    let mut lost = None;
    while let Ok((mut changes, back)) = asked.recv() {
        let mut waiting = vec![back];
        // Whatever came while the last transaction was written goes into the next.
        while let Ok((more, back)) = asked.try_recv() {
            changes.extend(more);
            waiting.push(back);
        }
        let kept = lost.clone().map_or_else(|| store.write(&changes), Err);
        lost = kept.clone().err();
        for back in waiting {
            // Whoever asked may have gone; the change stays.
            drop(back.send(kept.clone()));
        }
    }
}
