//! Threads that sign tokens: RSA takes half a millisecond a signature, which the thread that serves does not have.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use tokio::sync::oneshot;

use super::lock;
use poolproof_cognito::protocol::{ApiError, Reply};
use poolproof_pool::Signing;

/// Answers that may wait for their signatures. As many requests can be at hand as there are connections.
const QUEUE: usize = 65_536;

type Waiting = (Box<Signing>, oneshot::Sender<Reply>);

/// The threads. They end when nobody can ask them any more.
pub(super) struct Signers(SyncSender<Waiting>);

impl Signers {
    pub(super) fn start(threads: usize) -> std::io::Result<Self> {
        let (ask, asked) = sync_channel(QUEUE);
        let asked = Arc::new(Mutex::new(asked));
        for number in 0..threads.max(1) {
            let asked = Arc::clone(&asked);
            thread::Builder::new().name(format!("signer-{number}")).spawn(move || work(&asked))?;
        }
        Ok(Self(ask))
    }

    /// Has the tokens of an answer signed.
    pub(super) async fn sign(&self, signing: Box<Signing>) -> Reply {
        let (back, signed) = oneshot::channel();
        if self.0.try_send((signing, back)).is_err() {
            return Err(ApiError::too_many_requests());
        }
        signed.await.unwrap_or_else(|_| Err(ApiError::internal("a signer has died")))
    }
}

fn work(asked: &Mutex<Receiver<Waiting>>) {
    loop {
        let next = lock(asked).recv();
        let Ok((signing, back)) = next else { return };
        // Whoever asked may have gone; then nobody needs the tokens.
        drop(back.send(signing.run()));
    }
}
