//! Why requests get no usable answer: one list of causes for the client, the recorder, the reports and
//! `/metrics`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest example in characters. Examples contain text of the endpoint.
const MAX_EXAMPLE: usize = 200;

/// Why a request got no usable answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCause {
    /// Nothing listens at the address.
    ConnectionRefused,
    /// The endpoint or the network ended the connection with an error.
    ConnectionReset,
    /// The endpoint closed the connection before the answer was complete.
    ConnectionClosed,
    /// There was no connection or no answer in time.
    Timeout,
    /// The name is unknown, or there is no route to the address.
    Unreachable,
    /// TLS failed: the certificate is not trusted, or the versions differ.
    Tls,
    /// An HTTP status outside the protocol, such as 503 or a redirect.
    HttpStatus,
    /// The answer does not follow the protocol.
    UnreadableAnswer,
    /// This machine has no file, port or memory left for the request.
    LocalLimit,
    /// The run ended before the answer.
    Unfinished,
}

impl FailureCause {
    /// All causes, in declaration order.
    pub const ALL: [Self; 10] = [
        Self::ConnectionRefused,
        Self::ConnectionReset,
        Self::ConnectionClosed,
        Self::Timeout,
        Self::Unreachable,
        Self::Tls,
        Self::HttpStatus,
        Self::UnreadableAnswer,
        Self::LocalLimit,
        Self::Unfinished,
    ];

    /// Returns the name of the cause in reports and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionRefused => "connection_refused",
            Self::ConnectionReset => "connection_reset",
            Self::ConnectionClosed => "connection_closed",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::HttpStatus => "http_status",
            Self::UnreadableAnswer => "unreadable_answer",
            Self::LocalLimit => "local_limit",
            Self::Unfinished => "unfinished",
        }
    }

    /// Returns the cause in words.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::ConnectionRefused => "connection refused",
            Self::ConnectionReset => "connection reset",
            Self::ConnectionClosed => "connection closed before the answer",
            Self::Timeout => "timeout",
            Self::Unreachable => "address unreachable",
            Self::Tls => "TLS failed",
            Self::HttpStatus => "HTTP status",
            Self::UnreadableAnswer => "unreadable answer",
            Self::LocalLimit => "limit of this machine",
            Self::Unfinished => "no answer by the end of the run",
        }
    }

    /// Returns whether this machine is the cause, and not the target.
    pub const fn is_local(self) -> bool {
        matches!(self, Self::LocalLimit)
    }
}

/// One request that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Why.
    pub cause: FailureCause,
    /// When, since the start of the run.
    pub at: Duration,
    /// The request and the error.
    pub example: String,
}

/// The failures with one cause.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FailureCount {
    /// Requests.
    pub requests: u64,
    /// Sign-ins that ended with this failure.
    pub sign_ins: u64,
    /// Those between warm-up and cool-down.
    pub measured_sign_ins: u64,
    /// Time of the first failure since the start of the run.
    pub first: Duration,
    /// The request and the error of that failure.
    pub example: String,
}

/// Failed requests by cause. The size does not depend on their number.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Failures(BTreeMap<FailureCause, FailureCount>);

impl Failures {
    /// Returns the causes that occurred, in the order of [`FailureCause::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (FailureCause, &FailureCount)> {
        self.0.iter().map(|(cause, count)| (*cause, count))
    }

    /// Returns the failures with this cause, if there are any.
    pub fn get(&self, cause: FailureCause) -> Option<&FailureCount> {
        self.0.get(&cause)
    }

    /// Records the failed requests of a sign-in. If it got no response, the last of them ended it.
    pub fn record(&mut self, failures: &[Failure], ended: bool, measured: bool) {
        for (number, failure) in failures.iter().enumerate() {
            let ended = u64::from(ended && number + 1 == failures.len());
            self.add(
                failure.cause,
                &FailureCount {
                    requests: 1,
                    sign_ins: ended,
                    measured_sign_ins: if measured { ended } else { 0 },
                    first: failure.at,
                    example: failure.example.chars().take(MAX_EXAMPLE).collect(),
                },
            );
        }
    }

    /// Adds everything in `other`.
    pub fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(cause, count)| self.add(*cause, count));
    }

    fn add(&mut self, cause: FailureCause, more: &FailureCount) {
        let Some(count) = self.0.get_mut(&cause) else {
            self.0.insert(cause, more.clone());
            return;
        };
        count.requests += more.requests;
        count.sign_ins += more.sign_ins;
        count.measured_sign_ins += more.measured_sign_ins;
        if more.first < count.first {
            count.first = more.first;
            count.example.clone_from(&more.example);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_of_a_cause_is_the_example() {
        let failure = |cause, at, example: &str| Failure {
            cause,
            at: Duration::from_millis(at),
            example: example.to_owned(),
        };
        let (reset, timeout) = (FailureCause::ConnectionReset, FailureCause::Timeout);
        let mut failures = Failures::default();
        failures.record(&[failure(reset, 9, "b"), failure(timeout, 10, &"é".repeat(999))], true, true);
        let mut other = Failures::default();
        other.record(&[failure(reset, 7, "a")], true, false);
        other.record(&[failure(reset, 8, "c")], false, true);
        failures.merge(&other);
        let [(one, reset), (two, timeout)] = failures.iter().collect::<Vec<_>>().try_into().unwrap();
        assert_eq!([one, two].map(FailureCause::as_str), ["connection_reset", "timeout"]);
        assert_eq!((reset.requests, reset.sign_ins, reset.measured_sign_ins), (3, 1, 0));
        assert_eq!((reset.first, reset.example.as_str()), (Duration::from_millis(7), "a"));
        assert_eq!((timeout.requests, timeout.sign_ins, timeout.measured_sign_ins), (1, 1, 1));
        assert_eq!(timeout.example.chars().count(), MAX_EXAMPLE);
    }

    #[test]
    fn causes_have_one_name_everywhere() {
        for cause in FailureCause::ALL {
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.as_str());
        }
    }
}
