//! Why a request failed: the error of hyper, rustls or the operating system as a cause.

use std::error::Error;
use std::io;

use hyper_util::client::legacy;

use crate::failure::FailureCause;
use crate::target::TransportError;

/// Errors of the operating system about limits that have no [`io::ErrorKind`]: too many open files in this
/// process and on this machine, and no buffer space.
#[cfg(unix)]
const LIMITS: [i32; 4] = [24, 23, 105, 55];
#[cfg(not(unix))]
const LIMITS: [i32; 2] = [10_024, 10_055];

/// Describes an error of a request, down to the operating system's message.
pub(super) fn connection_error(error: &legacy::Error) -> TransportError {
    let fallback =
        if error.is_connect() { FailureCause::Unreachable } else { FailureCause::ConnectionClosed };
    // hyper-util's own words only name the phase.
    let first = error.source().unwrap_or(error);
    let mut why = words(first);
    if why.contains("UnknownIssuer") {
        why.push_str("; SSL_CERT_FILE can name a file of trusted certificates");
    }
    if why.contains("CaUsedAsEndEntity") {
        why = "the server's own certificate is that of a certificate authority (CA:TRUE); name it in \
            SSL_CERT_FILE, or make one with `openssl req -x509 -addext basicConstraints=critical,CA:FALSE`"
            .to_owned();
    }
    TransportError::new(cause(first).unwrap_or(fallback), why)
}

/// Describes an error while the body of a response is read.
pub(super) fn body_error(error: &(dyn Error + 'static)) -> TransportError {
    let cause = cause(error).unwrap_or(FailureCause::UnreadableAnswer);
    TransportError::new(cause, format!("the response ended early: {}", words(error)))
}

/// Joins the texts of an error and its sources.
fn words(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let said = inner.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        source = inner.source();
    }
    text
}

/// Returns the cause of an error, or of the first of its sources that has one.
fn cause(error: &(dyn Error + 'static)) -> Option<FailureCause> {
    if error.is::<rustls::Error>() {
        return Some(FailureCause::Tls);
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        // An error inside an io::Error is not its source.
        let inner = error.get_ref().and_then(|inner| cause(inner));
        return inner.or_else(|| io_cause(error));
    }
    let source = error.source().and_then(cause);
    source.or_else(|| error.downcast_ref::<hyper::Error>().and_then(hyper_cause))
}

fn io_cause(error: &io::Error) -> Option<FailureCause> {
    if error.raw_os_error().is_some_and(|code| LIMITS.contains(&code)) {
        return Some(FailureCause::LocalLimit);
    }
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => FailureCause::ConnectionRefused,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            FailureCause::ConnectionReset
        }
        io::ErrorKind::UnexpectedEof => FailureCause::ConnectionClosed,
        io::ErrorKind::TimedOut => FailureCause::Timeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => FailureCause::Unreachable,
        // Without a free port there is no address for the connection.
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse | io::ErrorKind::OutOfMemory => {
            FailureCause::LocalLimit
        }
        _ => return None,
    })
}

fn hyper_cause(error: &hyper::Error) -> Option<FailureCause> {
    Some(match error {
        error if error.is_parse() => FailureCause::UnreadableAnswer,
        error if error.is_timeout() => FailureCause::Timeout,
        error if error.is_incomplete_message() || error.is_canceled() || error.is_closed() => {
            FailureCause::ConnectionClosed
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_have_a_cause() {
        let of = |error: io::Error| cause(&error);
        for (kind, expected) in [
            (io::ErrorKind::ConnectionRefused, FailureCause::ConnectionRefused),
            (io::ErrorKind::BrokenPipe, FailureCause::ConnectionReset),
            (io::ErrorKind::UnexpectedEof, FailureCause::ConnectionClosed),
            (io::ErrorKind::TimedOut, FailureCause::Timeout),
            (io::ErrorKind::NetworkUnreachable, FailureCause::Unreachable),
            (io::ErrorKind::AddrNotAvailable, FailureCause::LocalLimit),
        ] {
            assert_eq!(of(kind.into()), Some(expected), "{kind}");
        }
        for code in LIMITS {
            assert_eq!(of(io::Error::from_raw_os_error(code)), Some(FailureCause::LocalLimit), "{code}");
        }
        assert_eq!(of(io::Error::other("unknown")), None);
        // hyper-rustls wraps errors of TLS twice.
        let tls = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        assert_eq!(of(io::Error::other(tls)), Some(FailureCause::Tls));
    }
}
