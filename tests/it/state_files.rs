//! The state file is created completely, only its owner can read it, and `serve` writes to no other file.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::server_process::{ServerProcess, serve_command};
use crate::state::{refusal, serve_with_size_limit, served_with, state, used_state_file};

/// Returns the other files in the state's folder.
fn others(file: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(file.parent().unwrap()).unwrap();
    entries.map(|entry| entry.unwrap().path()).filter(|path| path != file).collect()
}

#[test]
fn a_kill_during_creation_leaves_no_invalid_file() {
    let (mut incomplete, mut complete) = (0, 0);
    for delay in 0..24 {
        let file = state("killed-young");
        let mut command = serve_command("127.0.0.1:0");
        command.args(["--tokens", "opaque", "--state"]);
        let mut child = command.arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while !file.exists() && others(&file).is_empty() && child.try_wait().unwrap().is_none() {}
        thread::sleep(Duration::from_micros(300 * delay));
        // On a slow machine the delays end before the rename. The last kill follows it.
        while delay == 23 && !file.exists() {}
        child.kill().unwrap();
        child.wait().unwrap();
        incomplete += usize::from(!file.exists());
        complete += usize::from(file.exists());
        let served = ServerProcess::start(&["--tokens", "opaque", "--state", file.to_str().unwrap()]);
        assert!(served.is_healthy(), "after {delay}");
        assert_eq!(others(&file), Vec::<PathBuf>::new(), "other files remain");
    }
    assert!(incomplete > 0 && complete > 0, "kills before and after the rename: {incomplete}, {complete}");
}

#[cfg(unix)]
#[test]
fn a_state_file_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |file: &Path| fs::metadata(file).unwrap().permissions().mode() & 0o777;
    let open = |file: &Path| fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    let file = used_state_file("modes", false);
    assert_eq!(mode(&file), 0o600, "the mode of a new file");
    open(&file);
    let (code, out, err) = served_with(&file);
    assert!(code.is_none() && out.contains("State in "), "the server did not start: {out} {err}");
    assert_eq!(
        err.lines().next().map(|line| line.replace(file.to_str().unwrap(), "FILE")).as_deref(),
        Some("note: FILE was readable by other users; now only its owner can read it")
    );
    assert_eq!(mode(&file), 0o600);
    let empty = state("modes-empty");
    fs::write(&empty, "").unwrap();
    open(&empty);
    let (code, out, err) = served_with(&empty);
    assert!(code.is_none() && out.contains("State in "), "the server did not start: {out} {err}");
    assert_eq!((mode(&empty), others(&empty)), (0o600, Vec::new()));
    // A refused file is not changed.
    let foreign = state("modes-foreign");
    fs::write(&foreign, "mine").unwrap();
    open(&foreign);
    refusal(&foreign);
    assert_eq!(mode(&foreign), 0o644);
}

#[cfg(unix)]
#[test]
fn symlinks_are_followed_only_to_a_state_file() {
    use std::os::unix::fs::symlink;
    // A link to an empty file remains and still refers to it.
    let link = state("links");
    let folder = link.with_file_name("data");
    fs::create_dir(&folder).unwrap();
    let kept = folder.join("kept.redb");
    fs::write(&kept, "").unwrap();
    symlink("data/kept.redb", &link).unwrap();
    let (code, out, err) = served_with(&link);
    assert!(code.is_none() && out.contains("State in "), "{out} {err}");
    assert!(link.is_symlink() && fs::metadata(&kept).unwrap().len() > 0);
    assert_eq!(others(&kept), Vec::<PathBuf>::new());
    // A link in place of the temporary file is not followed.
    for hard in [false, true] {
        let file = state("precious");
        let precious = file.with_file_name("precious");
        fs::write(&precious, "mine").unwrap();
        let making = file.with_file_name(".pool.redb.making");
        if hard { fs::hard_link(&precious, &making) } else { symlink("precious", &making) }.unwrap();
        let (code, out, err) = served_with(&file);
        assert!(code.is_none() && out.contains("State in "), "{out} {err}");
        assert_eq!(fs::read_to_string(&precious).unwrap(), "mine");
        assert!(!file.is_symlink());
        assert_eq!(others(&file), [precious]);
    }
}

/// A refused change is not visible, also the first one, and `/health` shows the failure.
#[cfg(unix)]
#[test]
fn a_full_disk_undoes_refused_changes_and_degrades_health() {
    let file = used_state_file("full-undone", false);
    let most = fs::metadata(&file).unwrap().len().div_ceil(512) + 2048;
    let served = ServerProcess::start_command(&mut serve_with_size_limit(&file, most));
    let health = || served.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let user = |name: &str| json!({ "UserPoolId": "us-east-1_Poolproof", "Username": name });
    let get = |name: &str| served.call("AdminGetUser", &user(name)).status;
    assert_eq!((health().status, health().json()["status"].as_str()), (200, Some("ok")));
    let invited = |number: &usize| {
        let attributes = ["name", "profile"].map(|name| json!({ "Name": name, "Value": "x".repeat(2000) }));
        let mut user = user(&format!("bob-{number}"));
        user["UserAttributes"] = json!(attributes);
        served.call("AdminCreateUser", &user).status == 200
    };
    let kept = (0..5000).take_while(invited).count();
    assert_eq!(get(&format!("bob-{kept}")), 400, "the first refused change is visible");
    assert_eq!(get("bob-0"), 200, "an answered change is gone");
    let messages = |name: &str| {
        let request = format!("GET /outbox?username={name} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        served.send(request).unwrap().json()["messages"].as_array().unwrap().len()
    };
    assert_eq!(messages(&format!("bob-{}", kept - 1)), 1);
    assert_eq!(messages(&format!("bob-{kept}")), 0, "a refused change sends no message");
    let refused = served.call("AdminDeleteUser", &user("ann-0")).refusal();
    assert!(refused.starts_with("500 InternalErrorException: cannot write the state: "), "{refused}");
    assert_eq!(get("ann-0"), 200, "a refused deletion is visible");
    let sign_up = json!({ "ClientId": "poolproof", "Username": "eve", "Password": "Correct-Horse-1" });
    assert_eq!(
        (served.call("SignUp", &sign_up).status, get("eve")),
        (500, 400),
        "a refused sign-up is visible"
    );
    let health = health();
    assert_eq!(health.status, 503);
    assert!(health.body.starts_with(r#"{"reason":"cannot write the state: "#), "{}", health.body);
    assert!(health.body.ends_with(r#""status":"degraded"}"#), "{}", health.body);
    let users = json!({ "UserPoolId": "us-east-1_Poolproof", "Limit": 1 });
    assert_eq!(served.call("ListUsers", &users).status, 200, "reads must succeed");
}

/// A state file whose records fill the budget is refused, because no user could sign in.
#[test]
fn a_state_file_that_is_larger_than_the_budget_is_refused() {
    let file = state("large");
    let shown = file.display().to_string();
    let served = ServerProcess::start(&["--state", &shown, "--memory", "1GB"]);
    let attributes: Vec<_> = (0..55)
        .map(|number| json!({ "Name": format!("custom:{number}"), "Value": "x".repeat(2048) }))
        .collect();
    for number in 0..145 {
        let user = json!({ "UserPoolId": "us-east-1_Poolproof", "Username": format!("ann-{number}"),
            "MessageAction": "SUPPRESS", "UserAttributes": attributes });
        served.call("AdminCreateUser", &user).json();
    }
    drop(served);
    let mut command = serve_command("127.0.0.1:0");
    command.args(["--memory", "16MB", "--state"]);
    let output = command.arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let err = String::from_utf8(output.stderr).unwrap();
    let start = format!("error: --state {shown}: users, pools and app clients use 1");
    let end = " bytes of a memory budget of 16000000, so no user could sign in; use --memory ";
    assert!(err.starts_with(&start) && err.contains(end), "{err}");
    let sufficient = err.trim().rsplit_once(end).unwrap().1.strip_suffix(" or more").unwrap();
    // With little more the program warns, and with the size in the message it does not.
    for (size, is_warned) in [("20MB", true), (sufficient, false)] {
        let mut command = serve_command("127.0.0.1:0");
        command.args(["--memory", size, "--state"]);
        let mut child = command.arg(&file).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        child.kill().unwrap();
        let err = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
        let warning = format!("warning: --state {shown}: users, pools and app clients use 1");
        assert_eq!(
            err.starts_with(&warning) && err.contains(", so users cannot sign up; use "),
            is_warned,
            "{err}"
        );
        assert!(line.starts_with("Serving pool "), "{line} {err}");
    }
}

/// A disk that is full when the file is created ends the program, and no temporary file remains.
#[cfg(unix)]
#[test]
fn a_full_disk_at_creation_is_reported_with_the_file_name() {
    let mut refused = 0;
    for most in [0, 1, 8, 512, 1024, 2048, 3000, 3072, 4096] {
        let file = state("full-creation");
        let mut command = serve_with_size_limit(&file, most);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while child.try_wait().unwrap().is_none() && !file.exists() {
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_millis(300));
        drop(child.kill());
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        if output.status.code().is_some() {
            refused += 1;
            assert_eq!(output.status.code(), Some(2), "{most}: {err}");
            assert!(err.contains(&format!("error: --state {}: ", file.display())), "{most}: {err}");
            assert!(!err.contains("panicked"), "{err}");
        }
        assert!(others(&file).is_empty(), "{most}: {:?}", others(&file));
    }
    assert!((4..9).contains(&refused), "{refused} of 9 sizes are too small");
}
