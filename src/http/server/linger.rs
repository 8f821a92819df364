//! The last response on a connection whose client is still sending.
//!
//! Closing a connection while bytes arrive makes the other side discard the response (RFC 9112, section 9.6).
//! So the rest is read and discarded for a while. actix-http limits this by time only, and a fast client
//! sends hundreds of megabytes a second; here bytes and time are limited.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::ConnectionType;
use actix_web::web::{Bytes, Payload};
use futures_util::StreamExt as _;
use tokio::time::Sleep;

/// Most bytes that are read and discarded.
const MAX_DISCARDED_BYTES: usize = 1 << 20;
/// Longest time for that.
const MAX_LINGER: Duration = Duration::from_secs(1);

/// Returns the last response on a connection. Little of the rest is read and nothing is kept. A chunked body
/// without an owner would be read to its end, which may never come; one with an owner is dropped with the
/// connection.
pub(super) fn close_lingering(response: HttpResponse, unread: Payload) -> HttpResponse {
    let mut response = response.map_body(|_, body| {
        let text = body.try_into_bytes().unwrap_or_default();
        let deadline = Box::pin(tokio::time::sleep(MAX_LINGER));
        LingeringBody { length: text.len(), text: Some(text), unread, ended: false, discarded: 0, deadline }
    });
    response.head_mut().set_connection_type(ConnectionType::Close);
    response.map_into_boxed_body()
}

/// A response body that owns the unread rest of its request and ends when enough of it was discarded.
struct LingeringBody {
    length: usize,
    text: Option<Bytes>,
    unread: Payload,
    ended: bool,
    discarded: usize,
    deadline: Pin<Box<Sleep>>,
}

impl MessageBody for LingeringBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(u64::try_from(self.length).unwrap_or(u64::MAX))
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let this = self.get_mut();
        if let Some(text) = this.text.take() {
            return Poll::Ready(Some(Ok(text)));
        }
        while !this.ended
            && this.discarded < MAX_DISCARDED_BYTES
            && this.deadline.as_mut().poll(cx).is_pending()
        {
            match this.unread.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(chunk))) => this.discarded += chunk.len(),
                Poll::Ready(Some(Err(_)) | None) => this.ended = true,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(None)
    }
}
