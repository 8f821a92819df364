//! The last answer on a connection whose client is still sending.
//!
//! Whoever closes while bytes are on their way takes back what was answered: the other side's system drops it (RFC 9112, 9.6). So
//! what comes is read and thrown away for a while. What reads until a moment and not until an amount reads as much as a fast
//! client can send, some hundred megabytes a second; here both are bounded.

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

/// So many bytes are read and thrown away after the answer.
const MAX_DISCARDED_BYTES: usize = 1 << 20;
/// So long somebody may send them.
const MAX_LINGER: Duration = Duration::from_secs(1);

/// The last answer on a connection: of what else is sent little is read, and nothing kept. A body of chunks that nobody holds would be
/// read to its end, and there are those that have none; one that is held is let go of with the connection.
pub(super) fn close_lingering(response: HttpResponse, unread: Payload) -> HttpResponse {
    let mut response = response.map_body(|_, body| {
        let text = body.try_into_bytes().unwrap_or_default();
        let deadline = Box::pin(tokio::time::sleep(MAX_LINGER));
        LingeringBody { length: text.len(), text: Some(text), unread, ended: false, discarded: 0, deadline }
    });
    response.head_mut().set_connection_type(ConnectionType::Close);
    response.map_into_boxed_body()
}

/// An answer that holds on to the unread rest of its request, and is over when enough of that is thrown away.
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
