//! Threads that sign tokens, because an RSA signature takes half a millisecond.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use tokio::sync::oneshot;

use super::lock;
use poolproof_cognito::protocol::{ApiError, Reply};
use poolproof_pool::SigningJob;

/// Responses that can wait for a signature: one for each possible connection.
const QUEUE_CAPACITY: usize = 65_536;

type QueuedSigning = (Box<SigningJob>, oneshot::Sender<Reply>);

/// The threads. They end with the last sender.
pub(super) struct Signers(SyncSender<QueuedSigning>);

impl Signers {
    pub(super) fn start(threads: usize) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(QUEUE_CAPACITY);
        let receiver = Arc::new(Mutex::new(receiver));
        for number in 0..threads.max(1) {
            let receiver = Arc::clone(&receiver);
            thread::Builder::new().name(format!("signer-{number}")).spawn(move || work(&receiver))?;
        }
        Ok(Self(sender))
    }

    /// Signs the tokens of a response.
    pub(super) async fn sign(&self, signing: Box<SigningJob>) -> Reply {
        let (reply_sender, signed) = oneshot::channel();
        if self.0.try_send((signing, reply_sender)).is_err() {
            return Err(ApiError::too_many_requests());
        }
        signed.await.unwrap_or_else(|_| Err(ApiError::internal("a signer thread has stopped")))
    }
}

fn work(receiver: &Mutex<Receiver<QueuedSigning>>) {
    loop {
        let next = lock(receiver).recv();
        let Ok((signing, reply_sender)) = next else { return };
        // The client may be gone; then the tokens are not needed.
        drop(reply_sender.send(signing.run()));
    }
}
