//! The messages between a Locust master and its worker.
//!
//! A message is one ZeroMQ frame with a msgpack array `[type, data, node id]`. The types whose names begin
//! with `poolproof_` are ours: the locustfile of `poolproof locustfile` sends and answers them. The others
//! are Locust's own, as of version 2.47.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::stats::StatsReport;

/// The largest frame that is decoded. The scenario of a run, at most 1 MiB, is the largest part of one.
const MAX_FRAME: usize = 8 << 20;
/// The version of our own messages. Master and worker must have the same one.
pub const PROTOCOL: u32 = 1;

/// A frame is not a message.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// The frame is too large.
    #[error("a frame of {0} bytes; Locust's messages have at most {MAX_FRAME}")]
    TooLarge(usize),
    /// The frame is not a msgpack array of type, data and node id, or the data does not fit its type.
    #[error("a frame that is no message of Locust: {0}")]
    NotAMessage(#[from] rmp_serde::decode::Error),
}

/// A message from the master.
#[derive(Clone, PartialEq, Debug)]
pub enum MasterMessage {
    /// The master has registered the worker.
    Ack,
    /// The master echoes a heartbeat.
    Heartbeat,
    /// The number of users has changed.
    Spawn(Spawn),
    /// The test ends; the worker stays.
    Stop,
    /// The master ends.
    Quit,
    /// The master could not read a message: the worker connects again.
    Reconnect,
    /// What the worker has to run.
    Assignment(Box<Assignment>),
    /// The test ends: the worker finishes its sign-ins and sends its last report.
    Finish,
    /// The master has counted the report with this number.
    ReportAck(u64),
    /// A message that workers of other kinds need.
    Other,
}

/// Locust's message `spawn`: the users that this worker must have from now on.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Spawn {
    /// When the master sent it, in seconds since 1970. Messages can overtake each other.
    pub timestamp: f64,
    /// The number of users by class of the locustfile.
    pub user_classes_count: BTreeMap<String, u32>,
    /// The options of the locustfile.
    pub parsed_options: ParsedOptions,
}

/// The options of our locustfile that change with a test.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct ParsedOptions {
    /// The number of the test in the life of the master.
    #[serde(default)]
    pub poolproof_test: u64,
    /// Arrivals per second of one user in an open scenario.
    #[serde(default)]
    pub rate_per_user: Option<f64>,
}

impl Spawn {
    /// Returns the number of users of all classes.
    pub fn users(&self) -> u32 {
        self.user_classes_count.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// What the master answers to [`WorkerMessage::Hello`].
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
pub struct Assignment {
    /// The version of our own messages.
    pub protocol: u32,
    /// The life of the master: another one has other tests.
    pub session: String,
    /// Why the worker gets nothing to run.
    #[serde(default)]
    pub error: Option<String>,
    /// Why the worker must ask again later.
    #[serde(default)]
    pub wait: Option<String>,
    /// The number of the test that runs, if one does.
    #[serde(default)]
    pub test: Option<u64>,
    /// The shard of this worker, from 0.
    #[serde(default)]
    pub shard: u32,
    /// The number of shards.
    #[serde(default)]
    pub shards: u32,
    /// The scenario's file as the master's command line gives it.
    #[serde(default)]
    pub file: String,
    /// The scenario's text.
    #[serde(default)]
    pub scenario: String,
    /// Keys of the scenario that the master's command line sets: `KEY=VALUE`.
    #[serde(default)]
    pub set: Vec<String>,
    /// The endpoint to sign in to; none is the embedded pool.
    #[serde(default)]
    pub target: Option<String>,
}

/// A message to the master.
#[derive(Clone, PartialEq, Debug)]
pub enum WorkerMessage {
    /// The worker asks what to run. `session` is the master's session that it knows.
    Hello {
        /// The session that the worker knows.
        session: Option<String>,
    },
    /// The worker can start a test.
    ClientReady,
    /// The worker lives.
    Heartbeat(Heartbeat),
    /// The worker has received [`Spawn`].
    Spawning,
    /// The worker has the users of [`Spawn`].
    SpawningComplete(BTreeMap<String, u32>),
    /// Counts since the report before, and everything since the start of the test.
    Report(Box<Report>),
    /// The worker has ended its test.
    ClientStopped,
    /// The worker ends because of this error.
    Exception(String),
    /// The worker ends.
    Quit,
}

/// The state of a living worker.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Heartbeat {
    /// `ready`, `spawning` or `running`.
    pub state: &'static str,
    /// CPU time of the process since the last heartbeat, in percent of the usable cores.
    pub current_cpu_usage: f64,
    /// Memory of the process in bytes.
    pub current_memory_usage: u64,
}

/// The counts that the master has not received yet, and the lossless state at the same moment. The master
/// counts a report once, however often it arrives.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Report {
    /// Number of the report in the life of the worker, from 1.
    pub sequence: u64,
    /// The test, from [`ParsedOptions::poolproof_test`].
    pub test: u64,
    /// The worker's shard.
    pub shard: u32,
    /// Whether the test is over for this worker.
    pub last: bool,
    /// Whether a threshold ended the test.
    pub aborted: bool,
    /// Locust's `stats` data.
    pub stats: StatsReport,
    /// Everything since the start of the test.
    pub state: Bytes,
}

/// Bytes that msgpack writes as such, not as an array of numbers.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

#[derive(Serialize)]
struct HelloData<'a> {
    protocol: u32,
    version: &'static str,
    session: Option<&'a str>,
}

#[derive(Serialize)]
struct SpawnedData<'a> {
    user_classes_count: &'a BTreeMap<String, u32>,
    user_count: u32,
}

#[derive(Serialize)]
struct ExceptionData<'a> {
    msg: &'a str,
    traceback: &'static str,
}

impl WorkerMessage {
    /// Returns the frame of this message.
    ///
    /// # Errors
    ///
    /// The data cannot be written as msgpack.
    pub fn encode(&self, node: &str) -> Result<Vec<u8>, rmp_serde::encode::Error> {
        let frame = |kind: &str| rmp_serde::to_vec_named(&(kind, (), node));
        match self {
            Self::Hello { session } => {
                let version = env!("CARGO_PKG_VERSION");
                let data = HelloData { protocol: PROTOCOL, version, session: session.as_deref() };
                rmp_serde::to_vec_named(&("poolproof_hello", data, node))
            }
            // Locust compares versions unless it is -1.
            Self::ClientReady => rmp_serde::to_vec_named(&("client_ready", -1, node)),
            Self::Heartbeat(heartbeat) => rmp_serde::to_vec_named(&("heartbeat", heartbeat, node)),
            Self::Spawning => frame("spawning"),
            Self::SpawningComplete(user_classes_count) => {
                let user_count = user_classes_count.values().sum();
                let data = SpawnedData { user_classes_count, user_count };
                rmp_serde::to_vec_named(&("spawning_complete", data, node))
            }
            Self::Report(report) => rmp_serde::to_vec_named(&("poolproof_report", report, node)),
            Self::ClientStopped => frame("client_stopped"),
            Self::Exception(msg) => {
                let data = ExceptionData { msg, traceback: "" };
                rmp_serde::to_vec_named(&("exception", data, node))
            }
            Self::Quit => frame("quit"),
        }
    }
}

impl MasterMessage {
    /// Reads a frame. Types that this worker does not need are [`MasterMessage::Other`].
    ///
    /// # Errors
    ///
    /// The frame is too large, or not a message.
    pub fn decode(frame: &[u8]) -> Result<Self, ProtocolError> {
        if frame.len() > MAX_FRAME {
            return Err(ProtocolError::TooLarge(frame.len()));
        }
        Ok(rmp_serde::from_slice(frame)?)
    }
}

impl<'de> Deserialize<'de> for MasterMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(3, MessageVisitor)
    }
}

#[derive(Deserialize)]
struct ReportAckData {
    sequence: u64,
}

/// Reads the data of a message as its type requires.
struct MessageVisitor;

impl<'de> Visitor<'de> for MessageVisitor {
    type Value = MasterMessage;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of type, data and node id")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut message: A) -> Result<Self::Value, A::Error> {
        let missing = || A::Error::custom("the array must have three elements");
        let kind: String = message.next_element()?.ok_or_else(missing)?;
        let ignored = |message: &mut A| message.next_element::<IgnoredAny>()?.ok_or_else(missing);
        let read = match kind.as_str() {
            "spawn" => MasterMessage::Spawn(message.next_element()?.ok_or_else(missing)?),
            "poolproof_assignment" => MasterMessage::Assignment(message.next_element()?.ok_or_else(missing)?),
            "poolproof_ack" => {
                let ReportAckData { sequence } = message.next_element()?.ok_or_else(missing)?;
                MasterMessage::ReportAck(sequence)
            }
            kind => {
                ignored(&mut message)?;
                match kind {
                    "ack" => MasterMessage::Ack,
                    "heartbeat" => MasterMessage::Heartbeat,
                    "stop" => MasterMessage::Stop,
                    "quit" => MasterMessage::Quit,
                    "reconnect" => MasterMessage::Reconnect,
                    "poolproof_finish" => MasterMessage::Finish,
                    _ => MasterMessage::Other,
                }
            }
        };
        ignored(&mut message)?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn frame(message: &Value) -> Vec<u8> {
        rmp_serde::to_vec_named(message).unwrap()
    }

    fn decoded(message: &Value) -> MasterMessage {
        MasterMessage::decode(&frame(message)).unwrap()
    }

    #[test]
    fn messages_of_a_master_are_read() {
        // As Locust 2.47 sends them; `parsed_options` has 57 keys of many types.
        let spawn = json!(["spawn", {
            "timestamp": 1_796_000_000.25, "user_classes_count": { "Poolproof": 3, "Other": 4 },
            "host": null, "stop_timeout": 0.0,
            "parsed_options": { "tags": [], "users": null, "rate_per_user": 2, "poolproof_test": 7, "headless": true },
        }, "node"]);
        let MasterMessage::Spawn(spawn) = decoded(&spawn) else { panic!("no spawn") };
        assert_eq!((spawn.users(), spawn.timestamp), (7, 1_796_000_000.25));
        assert_eq!(spawn.parsed_options, ParsedOptions { poolproof_test: 7, rate_per_user: Some(2.0) });
        for (name, message) in [
            ("ack", MasterMessage::Ack),
            ("heartbeat", MasterMessage::Heartbeat),
            ("stop", MasterMessage::Stop),
            ("quit", MasterMessage::Quit),
            ("reconnect", MasterMessage::Reconnect),
            ("poolproof_finish", MasterMessage::Finish),
            ("update_user_class", MasterMessage::Other),
        ] {
            for data in [json!(null), json!({ "index": 0, "more": [1, { "a": 2.5 }] })] {
                assert_eq!(decoded(&json!([name, data, "node"])), message);
            }
        }
        assert_eq!(
            decoded(&json!(["poolproof_ack", { "sequence": 9 }, "node"])),
            MasterMessage::ReportAck(9)
        );
    }

    #[test]
    fn an_assignment_may_lack_everything_but_its_session() {
        let message = decoded(&json!(["poolproof_assignment", { "protocol": 1, "session": "s" }, "node"]));
        let expected = Assignment { protocol: 1, session: "s".to_owned(), ..Assignment::default() };
        assert_eq!(message, MasterMessage::Assignment(Box::new(expected)));
    }

    #[test]
    fn a_frame_that_is_no_message_is_an_error() {
        let mut nested = vec![0x93, 0xa3, b'a', b'c', b'k'];
        nested.extend([0x91; 100_000]);
        let bad: [Vec<u8>; 8] = [
            Vec::new(),
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            vec![0xc1; 64],
            frame(&json!(["ack"])),
            frame(&json!({ "type": "ack" })),
            frame(&json!([1, 2, 3])),
            frame(&json!(["spawn", { "timestamp": "now" }, "node"])),
            nested,
        ];
        for frame in bad {
            let error = MasterMessage::decode(&frame).unwrap_err().to_string();
            assert!(error.starts_with("a frame that is no message of Locust"), "{error}");
        }
        let error = MasterMessage::decode(&vec![0; MAX_FRAME + 1]).unwrap_err().to_string();
        assert!(error.starts_with("a frame of 8388609 bytes"), "{error}");
    }

    #[test]
    fn messages_to_the_master_have_the_form_of_locust() {
        let read = |message: &WorkerMessage| -> Value {
            rmp_serde::from_slice(&message.encode("node").unwrap()).unwrap()
        };
        let counts = BTreeMap::from([("Poolproof".to_owned(), 3)]);
        assert_eq!(read(&WorkerMessage::ClientReady), json!(["client_ready", -1, "node"]));
        assert_eq!(read(&WorkerMessage::Spawning), json!(["spawning", null, "node"]));
        assert_eq!(
            read(&WorkerMessage::SpawningComplete(counts)),
            json!(["spawning_complete", { "user_classes_count": { "Poolproof": 3 }, "user_count": 3 }, "node"])
        );
        let heartbeat = Heartbeat { state: "ready", current_cpu_usage: 12.5, current_memory_usage: 7 };
        assert_eq!(
            read(&WorkerMessage::Heartbeat(heartbeat)),
            json!(["heartbeat", { "state": "ready", "current_cpu_usage": 12.5, "current_memory_usage": 7 }, "node"])
        );
        let hello = read(&WorkerMessage::Hello { session: None });
        assert_eq!((&hello[0], &hello[1]["protocol"]), (&json!("poolproof_hello"), &json!(PROTOCOL)));
        assert_eq!(
            read(&WorkerMessage::Exception("why".to_owned())),
            json!(["exception", { "msg": "why", "traceback": "" }, "node"])
        );
    }
}
