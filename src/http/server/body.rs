//! The body of a request. While it arrives, the connection can be closed to make room for other clients.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use super::connection::ConnectionState;
use crate::http::codec::MAX_BODY;

/// A body was not read completely.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// It exceeds the limit.
    #[error("The request is longer than {MAX_BODY} bytes.")]
    TooLong,
    /// The connection has ended, or the chunks are malformed.
    #[error("The body could not be read.")]
    Incomplete,
    /// The deadline has passed.
    #[error("The body did not arrive in time.")]
    Late,
    /// The connection makes room for other clients.
    #[error(
        "The connection was closed before the body was complete, because the server has too many connections."
    )]
    Evicted,
}

/// The body of a request, which records in the state of its connection when it is complete.
#[derive(Debug)]
pub(super) struct RequestBody {
    incoming: Incoming,
    connection: Rc<ConnectionState>,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, connection: Rc<ConnectionState>) -> Self {
        if incoming.is_end_stream() {
            connection.end_body();
        }
        Self { incoming, connection }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Self { incoming, connection } = self.get_mut();
        match Pin::new(&mut *incoming).poll_frame(cx) {
            Poll::Ready(frame) => {
                if frame.is_none() || incoming.is_end_stream() {
                    connection.end_body();
                }
                Poll::Ready(frame.map(|frame| frame.map_err(|_| BodyError::Incomplete)))
            }
            Poll::Pending if connection.poll_closing(cx) => Poll::Ready(Some(Err(BodyError::Evicted))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// Reads a body, with a size limit and within this time.
pub(super) async fn read_body(body: RequestBody, limit: Duration) -> Result<Bytes, BodyError> {
    let read = Limited::new(body, MAX_BODY).collect();
    match tokio::time::timeout(limit, read).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyError::TooLong),
        Ok(Err(error)) => Err(error.downcast().map_or(BodyError::Incomplete, |error| *error)),
        Err(_) => Err(BodyError::Late),
    }
}
