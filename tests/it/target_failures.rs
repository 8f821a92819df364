//! `run --target` at endpoints that fail: what the reports and the exit code say about the cause.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use poolproof::failure::FailureCause;

use crate::cli::output;
use crate::fault_proxy::{FaultProxy, ProxyAction};
use crate::server_process::ServerProcess;
use crate::target_cli::{passed_or_saturated, report, run, scenario};

/// Starts a proxy that applies `action` to every request of an operation after the set-up of the run.
fn proxy_after_set_up(
    served: &ServerProcess,
    mut action: impl FnMut(&str) -> ProxyAction + Send + 'static,
) -> FaultProxy {
    let mut settled = false;
    FaultProxy::to(served, move |operation, _| {
        settled |= operation == "UpdateUserPool";
        if settled && !matches!(operation, "UpdateUserPool" | "SetUserPoolMfaConfig") {
            action(operation)
        } else {
            ProxyAction::Forward
        }
    })
}

#[test]
fn a_run_ends_on_time_at_a_target_that_stops_answering() {
    let served = ServerProcess::start(&[]);
    let mut requests = 0;
    let proxy = proxy_after_set_up(&served, move |_| {
        requests += 1;
        if requests > 20 { ProxyAction::Hang } else { ProxyAction::Forward }
    });
    let file = scenario("hangs", 40, "for: 2s, rate: 15/s");
    let arguments = ["--target", &proxy.url, "--drain", "1s", "--format", "html,junit,markdown"];
    let (code, out, err) = output(&mut run(&file, &arguments));
    assert_eq!(code, 107, "{out}{err}");
    let result = report(&file);
    let [unfinished] = result.failures.as_slice() else { panic!("{:?}", result.failures) };
    assert_eq!(unfinished.cause, FailureCause::Unfinished);
    assert_eq!(unfinished.sign_ins, result.sign_ins.transport_failed);
    assert!(unfinished.sign_ins > 0 && result.sign_ins.completed > 0 && !result.partial, "{out}");
    assert_eq!(result.decisions.mismatched, 0);
    let sentences = result.verdict.sentences.join(" ");
    assert!(sentences.contains("sign-ins got no response from the target: "), "{sentences}");
    assert!(sentences.contains(" no answer by the end of the run."), "{sentences}");
    assert!(sentences.contains("cannot remove the pool us-east-1_"), "{sentences}");
    // Every form shows the cause, the count, the time of the first and its error.
    let folder = file.with_file_name("out");
    let example = "canceled 1s after the end of the load (--drain)";
    for form in ["abroad/report.html", "summary.md", "junit.xml"] {
        let text = fs::read_to_string(folder.join(form)).unwrap();
        assert!(text.contains("no answer by the end of the run"), "{form}: {text}");
        assert!(text.replace('\\', "").contains(example), "{form}: {text}");
    }
    assert!(out.contains(" no answer by the end of the run, first after ") && out.contains(example), "{out}");
}

#[cfg(unix)]
#[test]
fn a_lack_of_open_files_is_a_fault_of_the_generator() {
    let served = ServerProcess::start(&[]);
    let proxy = proxy_after_set_up(&served, |operation| match operation {
        "InitiateAuth" => ProxyAction::ForwardAfter(Duration::from_millis(1200)),
        _ => ProxyAction::Forward,
    });
    let file = scenario("files", 120, "for: 2s, rate: 70/s");
    let command = run(&file, &["--target", &proxy.url]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 60; exec \"$@\"", "sh"]).arg(command.get_program());
    limited.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    let (code, out, err) = output(&mut limited);
    assert_eq!(code, 83, "{out}{err}");
    let result = report(&file);
    let [local] = result.failures.as_slice() else { panic!("{:?}", result.failures) };
    assert_eq!((local.cause, local.sign_ins), (FailureCause::LocalLimit, result.sign_ins.transport_failed));
    assert!(local.requests > 0 && local.example.contains("open files"), "{local:?}");
    let sentence = &result.verdict.sentences[0];
    assert!(
        sentence.contains(" requests failed at a limit of this machine and not at the target: "),
        "{sentence}"
    );
    assert!(!out.contains("got no response from the target"), "{out}");
}

#[test]
fn a_set_up_is_repeated_while_the_target_is_busy_and_its_refusals_are_reported() {
    let served = ServerProcess::start(&[]);
    let mut confirmations = 0;
    let proxy = FaultProxy::to(&served, move |operation, _| {
        if operation != "ConfirmDevice" {
            return ProxyAction::Forward;
        }
        confirmations += 1;
        match confirmations {
            1 | 2 => ProxyAction::throttle(),
            3 => ProxyAction::reply(503, "busy"),
            _ => ProxyAction::Forward,
        }
    });
    let file = scenario("busy-set-up", 4, "for: 1s, rate: 6/s");
    let mut text = fs::read_to_string(&file).unwrap();
    text.push_str("client: { retries: 0 }\n");
    fs::write(&file, text).unwrap();
    let (code, out, err) = output(&mut run(&file, &["--target", &proxy.url]));
    assert!(passed_or_saturated(code), "{out}{err}");
    assert_eq!(report(&file).decisions.mismatched, 0);

    for (action, words) in [
        ((|| ProxyAction::reject("NotAuthorizedException")) as fn() -> _, "NotAuthorizedException: no"),
        (|| ProxyAction::reply(404, "<html>"), "HTTP status 404"),
    ] {
        let proxy = FaultProxy::to(&served, move |operation, _| match operation {
            "ConfirmDevice" => action(),
            _ => ProxyAction::Forward,
        });
        let (code, out, err) = output(&mut run(&file, &["--target", &proxy.url]));
        assert_eq!((code, out.as_str()), (107, ""), "{err}");
        assert!(err.contains(&format!("cannot enroll a device: CONFIRM_DEVICE: {words}")), "{err}");
        assert!(!err.contains("does not track devices"), "{err}");
    }
}

#[test]
fn targets_that_are_not_pools_are_reported() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let file = scenario("nothing-there", 4, "for: 1s, rate: 6/s");
    let failure = |url: &str| {
        let (code, out, err) = output(&mut run(&file, &["--target", url]));
        assert_eq!((code, out.as_str()), (107, ""), "{err}");
        err
    };
    let err = failure(&format!("http://{closed}"));
    assert!(err.contains(&format!("nothing listens on {closed} (")), "{err}");
    assert!(err.contains(&format!("start a server with `poolproof serve FILE --listen {closed}`")), "{err}");
    let served = ServerProcess::start(&[]);
    let web_server = FaultProxy::to(&served, |_, _| ProxyAction::reply(501, "<html>"));
    let err = failure(&web_server.url);
    assert!(err.contains("CreateUserPool: HTTP status 501"), "{err}");
    assert!(err.contains("it is not an answer of Cognito's protocol: is the address right?"), "{err}");
    assert!(!err.contains("InternalErrorException"), "{err}");
}

/// Starts a run that ignores this signal from the start, sends it during the run, and returns the exit code.
#[cfg(unix)]
fn exit_after(signal: &str, file: &Path) -> Option<i32> {
    use std::io::{BufRead as _, BufReader};

    let command = run(file, &["--prometheus", "127.0.0.1:0"]);
    let mut ignoring = Command::new("sh");
    ignoring.args(["-c", &format!("trap '' {signal}; exec \"$@\""), "sh"]).arg(command.get_program());
    let mut child =
        ignoring.args(command.get_args()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    // The program has its signal handlers when it prints this line.
    assert!(lines.next().unwrap().unwrap().starts_with("Metrics are at "));
    let id = child.id().to_string();
    assert!(Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap().success());
    lines.for_each(drop);
    child.wait().unwrap().code()
}

#[cfg(unix)]
#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    for signal in ["HUP", "INT", "TERM"] {
        let file = scenario(&format!("ignores-{signal}"), 4, "for: 1s, rate: 6/s");
        let code = exit_after(signal, &file);
        assert!(code.is_some_and(passed_or_saturated), "{signal}: {code:?}");
    }
}
