use super::*;
use crate::locust::engine::EngineError;
use crate::locust::protocol::ParsedOptions;

const START: u64 = 1_000_000_000;

/// Milliseconds after the start of a test.
fn at(ms: u64) -> Timestamp {
    Timestamp::from_us(START + ms * 1000)
}

fn session() -> Session {
    let config = SessionConfig {
        master: "127.0.0.1:5557".to_owned(),
        node: "node".to_owned(),
        connect_timeout: Duration::from_secs(60),
        drain: Duration::from_secs(10),
    };
    Session::new(config, at(0))
}

fn assignment(session: &str) -> MasterMessage {
    assignment_in(session, None)
}

/// The answer of a master whose test has this number.
fn assignment_in(session: &str, test: Option<u64>) -> MasterMessage {
    let session = session.to_owned();
    let assignment =
        Assignment { protocol: PROTOCOL, session, test, shard: 1, shards: 2, ..Assignment::default() };
    MasterMessage::Assignment(Box::new(assignment))
}

fn spawn(test: u64, timestamp: f64, users: u32) -> MasterMessage {
    MasterMessage::Spawn(Spawn {
        timestamp,
        user_classes_count: BTreeMap::from([("Poolproof".to_owned(), users)]),
        parsed_options: ParsedOptions { poolproof_test: test, rate_per_user: Some(2.0) },
    })
}

/// A sample with this many sign-ins.
fn sample(sign_ins: u64) -> Sample {
    let mut counts = Counts::default();
    counts.total.requests = sign_ins;
    Sample { counts, state: sign_ins.to_string().into_bytes() }
}

/// Actions in short.
fn short(actions: &[Action]) -> Vec<String> {
    let one = |action: &Action| match action {
        Action::Send(WorkerMessage::Report(report)) => {
            let end = if report.last { ", last" } else { "" };
            format!("report {} of {}{end}", report.sequence, report.stats.sign_ins())
        }
        Action::Send(WorkerMessage::Hello { session }) => format!("hello {session:?}"),
        Action::Send(message) => format!("send {message:?}"),
        Action::Prepare(run, _) => format!("prepare {run}"),
        Action::Log(_) => "log".to_owned(),
        Action::Exit(Ok(())) => "exit".to_owned(),
        Action::Exit(Err(error)) => format!("exit: {error}"),
        other => format!("{other:?}"),
    };
    actions.iter().map(one).filter(|action| action != "log").collect()
}

/// A session whose test 1 runs since second 1 with 3 users.
fn running() -> Session {
    let mut session = session();
    assert_eq!(short(&session.on_connected(at(0))), ["hello None"]);
    assert_eq!(short(&session.on_message(at(0), assignment("a"))), ["prepare 1"]);
    assert_eq!(short(&session.on_event(at(500), (1, EngineEvent::Prepared))), ["send ClientReady"]);
    assert!(short(&session.on_message(at(500), MasterMessage::Ack)).is_empty());
    let spawned = short(&session.on_message(at(1000), spawn(1, 1.0, 3)));
    let complete = "send SpawningComplete({\"Poolproof\": 3})";
    assert_eq!(spawned, ["send Spawning", "SetUsers(3, 2.0)", complete]);
    session
}

/// Calls the timer every 50 ms from one time to another, with an echo of each heartbeat if `echoes`. Returns
/// the actions besides heartbeats.
fn pass(session: &mut Session, from_ms: u64, to_ms: u64, echoes: bool) -> Vec<Action> {
    let mut all = Vec::new();
    for ms in (from_ms..=to_ms).step_by(50) {
        for action in session.on_timer(at(ms)) {
            match action {
                Action::Heartbeat(_) if echoes => {
                    assert!(session.on_message(at(ms), MasterMessage::Heartbeat).is_empty());
                }
                Action::Heartbeat(_) => {}
                other => all.push(other),
            }
        }
    }
    all
}

#[test]
fn heartbeats_follow_every_second_and_reports_every_three() {
    let mut session = running();
    let mut heartbeats = 0;
    for ms in (1000..6000).step_by(50) {
        for action in session.on_timer(at(ms)) {
            match action {
                Action::Heartbeat("running") => {
                    heartbeats += 1;
                    assert!(session.on_message(at(ms), MasterMessage::Heartbeat).is_empty());
                }
                Action::Sample => assert_eq!(ms, 4000),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(heartbeats, 5);
    assert_eq!(short(&session.on_event(at(4100), (1, EngineEvent::Sample(sample(7))))), ["report 1 of 7"]);
    assert!(pass(&mut session, 6000, 12_000, true).is_empty(), "the report waits for its acknowledgement");
    session.on_message(at(12_000), MasterMessage::ReportAck(1));
    assert_eq!(short(&pass(&mut session, 12_050, 12_100, true)), ["Sample"]);
    assert_eq!(short(&session.on_event(at(12_200), (1, EngineEvent::Sample(sample(9))))), ["report 2 of 2"]);
}

#[test]
fn an_older_spawn_is_ignored() {
    let mut session = running();
    assert!(session.on_message(at(1100), spawn(1, 0.9, 9)).is_empty());
    assert!(session.on_message(at(1100), spawn(1, 1.0, 9)).is_empty());
    assert_eq!(short(&session.on_message(at(1200), spawn(1, 1.1, 9)))[1], "SetUsers(9, 2.0)");
}

#[test]
fn the_last_report_precedes_the_end_of_a_test() {
    let mut session = running();
    assert_eq!(short(&session.on_message(at(2000), MasterMessage::Finish)), ["Finish(10s)"]);
    assert!(session.on_message(at(2050), spawn(1, 2.0, 9)).is_empty(), "the load is over");
    assert_eq!(
        short(&session.on_event(at(2500), (1, EngineEvent::Finished(sample(5))))),
        ["report 1 of 5, last"]
    );
    // The master may stop before it acknowledges.
    let stopped = short(&session.on_message(at(2600), MasterMessage::Stop));
    assert_eq!(stopped, ["send ClientStopped", "hello Some(\"a\")"]);
    assert_eq!(short(&session.on_message(at(2700), assignment("a"))), ["prepare 2"]);
    // Events of the run before mean nothing.
    assert!(session.on_event(at(2800), (1, EngineEvent::Prepared)).is_empty());
    assert_eq!(short(&session.on_event(at(2900), (2, EngineEvent::Prepared))), ["send ClientReady"]);
    assert_eq!(short(&session.on_message(at(3000), MasterMessage::Ack)), ["report 1 of 5, last"]);
    session.on_message(at(3100), MasterMessage::ReportAck(1));
    assert_eq!(short(&session.on_message(at(3200), spawn(2, 1.0, 1)))[1], "SetUsers(1, 2.0)");
}

#[test]
fn stop_without_finish_ends_the_test_too() {
    let mut session = running();
    assert_eq!(short(&session.on_message(at(2000), MasterMessage::Stop)), ["Finish(10s)"]);
    assert_eq!(
        short(&session.on_event(at(2500), (1, EngineEvent::Finished(sample(5))))),
        ["report 1 of 5, last", "send ClientStopped", "hello Some(\"a\")"]
    );
}

#[test]
fn quit_sends_the_last_report_within_half_a_second() {
    let mut session = running();
    assert_eq!(short(&session.on_message(at(2000), MasterMessage::Quit)), ["Finish(200ms)"]);
    assert_eq!(
        short(&session.on_event(at(2300), (1, EngineEvent::Finished(sample(5))))),
        ["report 1 of 5, last"]
    );
    assert_eq!(short(&session.on_message(at(2400), MasterMessage::ReportAck(1))), ["exit"]);
    // Without an acknowledgement the worker ends by itself.
    let mut session = running();
    session.on_message(at(2000), MasterMessage::Quit);
    session.on_event(at(2300), (1, EngineEvent::Finished(sample(5))));
    let end = short(&session.on_disconnected(at(2900), "closed".to_owned()));
    assert_eq!(end, ["exit"]);
    let mut session = running();
    session.on_message(at(2000), MasterMessage::Quit);
    assert_eq!(short(&pass(&mut session, 2050, 4000, true)), ["Discard", "exit"]);
}

#[test]
fn a_signal_sends_the_last_report_and_leaves() {
    let mut session = running();
    assert_eq!(short(&session.on_signal(at(2000))), ["Finish(200ms)"]);
    session.on_event(at(2300), (1, EngineEvent::Finished(sample(5))));
    let end = short(&session.on_message(at(2400), MasterMessage::ReportAck(1)));
    assert_eq!(end, ["send Quit", "exit: interrupted; the master has the last report"]);
}

#[test]
fn after_a_lost_connection_no_sign_in_is_lost_or_counted_twice() {
    let mut session = running();
    pass(&mut session, 1050, 4000, true);
    assert_eq!(short(&session.on_event(at(4100), (1, EngineEvent::Sample(sample(7))))), ["report 1 of 7"]);
    // No echo for fifteen seconds.
    assert!(pass(&mut session, 4100, 18_000, false).is_empty(), "TCP may recover");
    assert_eq!(short(&pass(&mut session, 18_050, 20_000, false)), ["Reconnect"]);
    assert!(pass(&mut session, 20_050, 22_000, false).is_empty(), "the load goes on, unreported");
    assert_eq!(short(&session.on_connected(at(22_000))), ["hello Some(\"a\")"]);
    assert_eq!(short(&session.on_message(at(22_000), assignment_in("a", Some(1)))), ["send ClientReady"]);
    assert_eq!(short(&session.on_message(at(22_000), MasterMessage::Ack)), ["report 1 of 7"]);
    session.on_message(at(22_100), spawn(1, 9.0, 3));
    session.on_message(at(22_100), MasterMessage::ReportAck(1));
    assert_eq!(short(&pass(&mut session, 22_150, 22_150, true)), ["Sample"]);
    assert_eq!(
        short(&session.on_event(at(22_200), (1, EngineEvent::Sample(sample(20))))),
        ["report 2 of 13"]
    );
}

#[test]
fn another_master_gets_another_run() {
    let mut session = running();
    session.on_event(at(4100), (1, EngineEvent::Sample(sample(7))));
    assert!(session.on_disconnected(at(5000), "closed".to_owned()).is_empty());
    session.on_connected(at(6000));
    assert_eq!(short(&session.on_message(at(6000), assignment("b"))), ["Discard", "prepare 2"]);
    session.on_event(at(6500), (2, EngineEvent::Prepared));
    assert!(
        short(&session.on_message(at(6500), MasterMessage::Ack)).is_empty(),
        "the old report is of no test"
    );
    session.on_message(at(7000), spawn(1, 1.0, 3));
    assert_eq!(short(&session.on_event(at(9000), (2, EngineEvent::Sample(sample(4))))), ["report 2 of 4"]);
}

#[test]
fn a_run_whose_test_has_ended_is_discarded() {
    for test in [None, Some(2)] {
        let mut session = running();
        session.on_disconnected(at(2000), "closed".to_owned());
        session.on_connected(at(3000));
        assert_eq!(short(&session.on_message(at(3000), assignment_in("a", test))), ["Discard", "prepare 2"]);
    }
}

#[test]
fn a_threshold_that_aborts_is_reported() {
    let mut session = running();
    let actions = session.on_event(at(2000), (1, EngineEvent::Finished(sample(5))));
    let [Action::Send(WorkerMessage::Report(report))] = actions.as_slice() else { panic!("{actions:?}") };
    assert!(report.last && report.aborted);
}

#[test]
fn a_worker_without_a_master_gives_up() {
    let mut session = session();
    session.on_disconnected(at(1000), "Connection refused (os error 111)".to_owned());
    assert!(pass(&mut session, 1050, 60_000, false).is_empty());
    let end = short(&session.on_timer(at(60_001)));
    let refused = "exit: no Locust master at 127.0.0.1:5557 within 60s: Connection refused (os error 111)";
    assert_eq!(end, [refused]);
}

#[test]
fn a_master_without_the_locustfile_is_asked_again_and_given_up() {
    let mut session = session();
    session.on_connected(at(0));
    let mut actions = Vec::new();
    for ms in (0..=61_000).step_by(50) {
        let new = session.on_timer(at(ms));
        if new.iter().any(|action| matches!(action, Action::Reconnect)) {
            session.on_connected(at(ms));
        }
        let ends = new.iter().any(|action| matches!(action, Action::Exit(_)));
        actions.extend(new);
        if ends {
            break;
        }
    }
    let actions = short(&actions);
    assert_eq!(actions.iter().filter(|action| *action == "Reconnect").count(), 11);
    let end = actions.last().unwrap();
    assert!(end.contains("without the locustfile that `poolproof locustfile` prints"), "{end}");
}

#[test]
fn refusals_and_waits_of_the_master_are_obeyed() {
    let answer = |assignment: Assignment| MasterMessage::Assignment(Box::new(assignment));
    let valid = Assignment { protocol: PROTOCOL, session: "a".to_owned(), ..Assignment::default() };
    let mut refused = session();
    refused.on_connected(at(0));
    let error = Assignment { error: Some("all 2 shards have workers".to_owned()), ..valid.clone() };
    assert_eq!(short(&refused.on_message(at(0), answer(error))), ["exit: all 2 shards have workers"]);
    let mut old = session();
    old.on_connected(at(0));
    let end = short(&old.on_message(at(0), answer(Assignment { protocol: 2, ..valid.clone() })));
    assert!(end[0].contains("has version 2 of the messages and this worker version 1"), "{end:?}");
    let mut waits = session();
    waits.on_connected(at(0));
    let wait = Assignment { wait: Some("it has run".to_owned()), ..valid };
    assert!(short(&waits.on_message(at(0), answer(wait))).is_empty());
    assert_eq!(short(&pass(&mut waits, 50, 5050, false)), ["hello None"]);
}

#[test]
fn frames_that_are_no_messages_end_the_worker() {
    let mut session = session();
    session.on_connected(at(0));
    for _ in 0..3 {
        for nth in 1..MAX_BAD_FRAMES {
            let actions = session.on_bad_frame(&ProtocolError::TooLarge(9));
            assert_eq!(actions.len(), usize::from(nth == 1), "only the first is logged");
        }
        assert!(session.on_message(at(0), MasterMessage::Other).is_empty(), "a message between them");
    }
    for _ in 1..MAX_BAD_FRAMES {
        session.on_bad_frame(&ProtocolError::TooLarge(9));
    }
    let end = short(&session.on_bad_frame(&ProtocolError::TooLarge(9)));
    assert!(end[0].starts_with("exit: 127.0.0.1:5557 is no Locust master: 16 frames in a row"), "{end:?}");
}

#[test]
fn a_run_that_cannot_start_ends_the_worker() {
    let mut session = session();
    session.on_connected(at(0));
    session.on_message(at(0), assignment("a"));
    let error = EngineError::Unsupported("no".to_owned());
    let actions = short(&session.on_event(at(100), (1, EngineEvent::Failed(error))));
    assert_eq!(actions, ["send Exception(\"node: no\")", "send Quit", "exit: no"]);
}

/// Whatever a master sends, in whatever order, the session goes on or ends; it neither panics nor grows.
#[test]
fn messages_in_any_order_are_harmless() {
    use rand::RngExt as _;
    for seed in 0..300 {
        let mut rng = poolproof_cognito::seed::Seed::new(seed).rng("messages", 0);
        let mut session = session();
        let mut ms = 0;
        for _ in 0..300 {
            ms += rng.random_range(0..1500);
            let run = rng.random_range(0..4);
            let actions = match rng.random_range(0..18) {
                0 => session.on_connected(at(ms)),
                1 => session.on_disconnected(at(ms), "closed".to_owned()),
                2 => session.on_message(at(ms), assignment(if rng.random() { "a" } else { "b" })),
                3 | 4 => session.on_message(at(ms), MasterMessage::Ack),
                5 => session.on_message(at(ms), MasterMessage::Stop),
                6 => session.on_message(at(ms), MasterMessage::Finish),
                7 => session.on_message(at(ms), MasterMessage::Reconnect),
                8 => session.on_message(at(ms), MasterMessage::ReportAck(rng.random_range(0..20))),
                9 | 10 => session.on_event(at(ms), (run, EngineEvent::Prepared)),
                11 | 12 => session.on_event(at(ms), (run, EngineEvent::Sample(sample(ms)))),
                13 => session.on_event(at(ms), (run, EngineEvent::Finished(sample(ms)))),
                14 | 15 => session.on_message(at(ms), spawn(rng.random_range(1..3), ms as f64, 3)),
                16 => session.on_message(at(ms), MasterMessage::Heartbeat),
                _ => session.on_timer(at(ms)),
            };
            assert!(session.pending.len() < 64, "seed {seed}: {} reports wait", session.pending.len());
            if actions.iter().any(|action| matches!(action, Action::Exit(_))) {
                break;
            }
        }
    }
}
