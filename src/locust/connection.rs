//! The connection to a Locust master: a ZeroMQ DEALER whose identity is the worker's id.
//!
//! The crate does not connect again by itself, so a task builds a new socket whenever one fails, and reports
//! both. The session asks for a new one when the master does not answer.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use zeromq::util::PeerIdentity;
use zeromq::{
    DealerSocket, Socket as _, SocketEvent, SocketOptions, SocketRecv as _, SocketSend as _, ZmqError,
};

/// Time for a connection, and for a frame to leave.
const PATIENCE: Duration = Duration::from_secs(2);
/// Time between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(500);
/// Time that the last frames get before the socket is closed. A sent frame is only queued.
const FLUSH: Duration = Duration::from_millis(100);
/// Frames that can wait for the session before the connection stops reading.
const INCOMING: usize = 256;

/// An event of the connection.
#[derive(Debug)]
pub(super) enum Incoming {
    /// There is a new connection.
    Connected,
    /// A frame of the master.
    Frame(Vec<u8>),
    /// The connection was lost, or an attempt to connect failed.
    Lost(String),
}

enum Outgoing {
    Frame(Vec<u8>),
    Reconnect,
}

/// A connection that is built again whenever it fails.
pub(super) struct Connection {
    outgoing: mpsc::UnboundedSender<Outgoing>,
    incoming: mpsc::Receiver<Incoming>,
    task: tokio::task::JoinHandle<()>,
}

impl Connection {
    /// Starts to connect to this address, `HOST:PORT`.
    pub(super) fn start(address: String, node: String) -> Self {
        let (outgoing, from_session) = mpsc::unbounded_channel();
        let (to_session, incoming) = mpsc::channel(INCOMING);
        let task = tokio::spawn(keep_connected(address, node, from_session, to_session));
        Self { outgoing, incoming, task }
    }

    /// Returns the next event.
    pub(super) async fn next(&mut self) -> Incoming {
        match self.incoming.recv().await {
            Some(incoming) => incoming,
            // The task ends only after this value is dropped.
            None => std::future::pending().await,
        }
    }

    /// Sends a frame. It is lost if there is no connection.
    pub(super) fn send(&self, frame: Vec<u8>) {
        self.outgoing.send(Outgoing::Frame(frame)).unwrap_or_default();
    }

    /// Replaces the connection.
    pub(super) fn reconnect(&self) {
        self.outgoing.send(Outgoing::Reconnect).unwrap_or_default();
    }

    /// Closes the connection after the frames that wait.
    pub(super) async fn close(self) {
        let Self { outgoing, incoming, task } = self;
        drop((outgoing, incoming));
        drop(timeout(PATIENCE, task).await);
    }
}

/// Why a connection ended.
enum End {
    Lost(String),
    Asked,
    Closed,
}

async fn keep_connected(
    address: String,
    node: String,
    mut outgoing: mpsc::UnboundedReceiver<Outgoing>,
    incoming: mpsc::Sender<Incoming>,
) {
    loop {
        let end = match connect(&address, &node).await {
            Ok(socket) => {
                // Frames for an earlier connection.
                while outgoing.try_recv().is_ok() {}
                if incoming.send(Incoming::Connected).await.is_err() {
                    return;
                }
                transfer(socket, &mut outgoing, &incoming).await
            }
            Err(error) => End::Lost(error),
        };
        match end {
            End::Lost(error) => {
                if incoming.send(Incoming::Lost(error)).await.is_err() {
                    return;
                }
                sleep(PAUSE).await;
            }
            End::Asked => sleep(PAUSE).await,
            End::Closed => return,
        }
    }
}

async fn connect(address: &str, node: &str) -> Result<DealerSocket, String> {
    let identity = PeerIdentity::try_from(node.as_bytes()).map_err(|error| error.to_string())?;
    let mut options = SocketOptions::default();
    options.peer_identity(identity).connect_timeout(PATIENCE);
    let mut socket = DealerSocket::with_options(options);
    match socket.connect(&format!("tcp://{address}")).await {
        Ok(()) => Ok(socket),
        // The crate hides refused connections behind its own attempts.
        Err(ZmqError::ConnectTimeout(_)) => Err(match timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Err(error)) => error.to_string(),
            Ok(Ok(_)) => "it does not speak ZeroMQ".to_owned(),
            Err(_) => "it does not answer".to_owned(),
        }),
        Err(error) => Err(error.to_string()),
    }
}

/// Moves frames in both directions until the connection ends.
async fn transfer(
    mut socket: DealerSocket,
    outgoing: &mut mpsc::UnboundedReceiver<Outgoing>,
    incoming: &mpsc::Sender<Incoming>,
) -> End {
    let mut events = socket.monitor();
    let (mut sender, mut receiver) = socket.split();
    loop {
        tokio::select! {
            message = receiver.recv() => {
                let frame = match message {
                    // A message of several frames is no message of Locust; the session says so.
                    Ok(message) if message.len() == 1 => message.get(0).map(|frame| frame.to_vec()),
                    Ok(_) => None,
                    Err(error) => return End::Lost(error.to_string()),
                };
                if incoming.send(Incoming::Frame(frame.unwrap_or_default())).await.is_err() {
                    return End::Closed;
                }
            }
            event = events.next() => {
                if matches!(event, None | Some(SocketEvent::Disconnected(_))) {
                    return End::Lost("the connection was closed".to_owned());
                }
            }
            next = outgoing.recv() => match next {
                Some(Outgoing::Frame(frame)) => match timeout(PATIENCE, sender.send(frame.into())).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return End::Lost(error.to_string()),
                    Err(_) => return End::Lost("it does not read".to_owned()),
                },
                Some(Outgoing::Reconnect) => return End::Asked,
                None => {
                    sleep(FLUSH).await;
                    return End::Closed;
                }
            },
        }
    }
}
