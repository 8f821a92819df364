//! The pages of `run`: `--live` shows the report while it grows, `--prometheus` the metrics. Both show the
//! last state after the end.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use poolproof::report::{Report, html, read};
use poolproof::run::{CancellationToken, LiveReports, RunOptions, run};
use serde_json::json;

use crate::browser::Browser;
use crate::cli::{TOY, poolproof};
use crate::run_fixture::{empty_folder, run_options, scenario};
use crate::target_cli::{self, Running, get, sample, wait_until};

/// A run with pages, and what it has printed to standard error so far.
struct PagedRun {
    running: Running,
    /// The addresses of the pages, in the order in which they are printed: metrics, live page.
    addresses: Vec<String>,
}

impl PagedRun {
    /// Starts a run with this number of pages.
    fn start(command: &mut Command, pages: usize) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let running = Running(child);
        let address = |line: String| {
            let rest = line.split_once("http://").unwrap_or_else(|| panic!("{line}")).1;
            rest.split('/').next().unwrap().to_owned()
        };
        let addresses = lines.by_ref().take(pages).map(|line| address(line.unwrap())).collect();
        // Reads the rest, because a full pipe would stop the run.
        std::thread::spawn(move || lines.for_each(drop));
        Self { running, addresses }
    }

    /// Waits for the end of the program and returns its exit code.
    fn end(mut self) -> Option<i32> {
        self.running.0.wait().unwrap().code()
    }
}

/// Sends a request without a body and returns the response, or nothing if the connection is closed.
fn send(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "{request}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn body(response: &str) -> &str {
    response.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{response}")).1
}

fn is_ended(address: &str) -> bool {
    body(&get(address, "/state")) == "ended"
}

/// Returns the path that the button of a live page posts to.
fn cancel_path(page: &str) -> &str {
    page.split("action=\"").nth(1).unwrap().split('"').next().unwrap()
}

/// Returns the number of sign-ins on a page; 0 before the first.
fn started(page: &str) -> u64 {
    let cell = page.split("data-field=\"sign_ins.started\">").nth(1);
    let number = |rest: &str| rest.split('<').next().unwrap().replace(|c: char| !c.is_ascii_digit(), "");
    cell.map_or(0, |rest| number(rest).parse().unwrap())
}

/// Creates a folder with scenarios of these names and texts.
fn folder(test: &str, scenarios: &[(&str, String)]) -> PathBuf {
    let folder = empty_folder("pages", test);
    for (name, text) in scenarios {
        fs::write(folder.join(name).with_extension("yaml"), text).unwrap();
    }
    folder
}

#[test]
fn the_live_page_shows_the_report_so_far_and_cancels_the_run() {
    let file = target_cli::scenario("live", 8, "for: 1h, rate: 20/s");
    let live = PagedRun::start(&mut target_cli::run(&file, &["--live", "127.0.0.1:0"]), 1);
    let address = &live.addresses[0];
    wait_until("forty sign-ins", || started(&get(address, "/")) >= 40);
    let response = get(address, "/");
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    for header in [
        "x-frame-options: DENY",
        "content-security-policy: frame-ancestors 'none'",
        "cache-control: no-store",
    ] {
        assert!(response.contains(&format!("{header}\r\n")), "no {header} in {response}");
    }
    let page = body(&response);
    for wanted in [
        "<title>abroad · running",
        "<h2>Running</h2>",
        " of 1 h</p>",
        "decisions match the rules",
        "PASSWORD_VERIFIER",
    ] {
        assert!(page.contains(wanted), "no {wanted} in {page}");
    }
    let path = cancel_path(page);
    assert!(path.len() > 25, "{path}");
    for (request, status) in [
        (format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://attacker.test"), "403"),
        (format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://localhost:3000"), "403"),
        (format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: null"), "403"),
        (format!("POST {path} HTTP/1.1\r\nHost: attacker.test\r\nOrigin: http://attacker.test"), "403"),
        (format!("POST /cancel/x HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}"), "403"),
        ("GET / HTTP/1.1\r\nHost: attacker.test".to_owned(), "403"),
        (format!("GET {path} HTTP/1.1\r\nHost: {address}"), "404"),
        (format!("DELETE / HTTP/1.1\r\nHost: {address}"), "405"),
    ] {
        let refused = send(address, &request);
        assert!(refused.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {refused}");
        assert!(!refused.contains(path), "{request}: the answer contains the token");
    }
    let before = started(page);
    wait_until("the run goes on", || started(&get(address, "/")) > before);
    assert!(!is_ended(address));
    let own = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}");
    let canceled = send(address, &own);
    assert!(canceled.starts_with("HTTP/1.1 303 ") && canceled.contains("location: /\r\n"), "{canceled}");
    wait_until("the report is written", || is_ended(address));
    let last = get(address, "/");
    assert!(
        body(&last) == fs::read_to_string(file.with_file_name("out").join("abroad/report.html")).unwrap()
    );
    assert!(body(&last).contains("partial run"));
    let address = address.clone();
    assert_eq!(live.end(), Some(105));
    assert!(TcpStream::connect(address).is_err(), "the page is served after the end of the run");
}

#[test]
fn both_pages_show_the_last_state_after_the_end() {
    let names = ["toy-a", "toy-b"];
    let folder = folder(
        "both",
        &names.map(|name| {
            (name, format!("clock: virtual\n{}", TOY.replace("name: toy", &format!("name: {name}"))))
        }),
    );
    let mut command = poolproof();
    command.arg("run").arg(&folder).arg("--out").arg(folder.join("out"));
    command.args(["--live", "127.0.0.1:0", "--prometheus", "127.0.0.1:0"]);
    let paged = PagedRun::start(&mut command, 2);
    let [metrics, live] = <[String; 2]>::try_from(paged.addresses.clone()).unwrap();
    wait_until("both runs", || is_ended(&live));
    let scraped = get(&metrics, "/metrics");
    for name in names {
        let report: Report = read(&folder.join("out").join(name).join("report.json")).unwrap();
        let completed = format!("poolproof_sign_ins_total{{scenario=\"{name}\",end=\"completed\"}}");
        assert!(report.sign_ins.completed > 10);
        assert_eq!(sample(&scraped, &completed), Some(report.sign_ins.completed as f64), "{scraped}");
    }
    assert_eq!(scraped.matches("# TYPE poolproof_sign_ins_total counter\n").count(), 1, "{scraped}");
    let page = get(&live, "/");
    assert!(body(&page) == fs::read_to_string(folder.join("out/toy-b/report.html")).unwrap());
    assert_eq!(paged.end(), Some(0));
}

#[test]
fn a_run_that_cannot_start_shows_why() {
    let file = target_cli::scenario("live-down", 1, "for: 1s, rate: 1/s");
    // Nothing listens on port 9 of this machine.
    let arguments = ["--target", "http://127.0.0.1:9", "--live", "127.0.0.1:0"];
    let paged = PagedRun::start(&mut target_cli::run(&file, &arguments), 1);
    let address = &paged.addresses[0];
    wait_until("the run fails", || is_ended(address));
    let page = get(address, "/");
    assert!(page.contains("The scenario was not played: the target cannot be used"), "{page}");
    assert_eq!(paged.end(), Some(107));
}

/// A reader under the virtual clock, whose reports are byte-equal.
#[test]
fn a_reader_does_not_change_the_run() {
    let scenario =
        scenario(&format!("clock: virtual\n{}", TOY.replace("for: 2s, rate: 10/s", "for: 60s, rate: 20/s")));
    let play = |live| {
        let options = RunOptions { live, ..run_options(None) };
        run(&scenario, &options, &CancellationToken::default()).unwrap().report
    };
    let alone = play(None);
    let reports = LiveReports::default();
    let (mut first, end) = (reports.request(), CancellationToken::new());
    let reader = std::thread::spawn({
        let (reports, end) = (reports.clone(), end.clone());
        move || {
            // Keeps asking, so that the run copies as often as it can.
            let mut partial = Vec::new();
            loop {
                let is_last = end.is_cancelled();
                match first.try_recv() {
                    Ok(build) => {
                        partial.push(build());
                        first = reports.request();
                    }
                    Err(_) if is_last => break,
                    Err(_) => std::thread::yield_now(),
                }
            }
            partial
        }
    });
    let watched = play(Some(reports));
    end.cancel();
    let partial = reader.join().unwrap();
    assert_eq!(watched.to_json(), alone.to_json());
    assert!(!partial.is_empty());
    assert!(partial.is_sorted_by_key(|report| report.sign_ins.started));
    for report in &partial {
        let sign_ins = &report.sign_ins;
        assert!(sign_ins.started >= 1 && sign_ins.started <= alone.sign_ins.started, "{sign_ins:?}");
        assert_eq!((sign_ins.started, report.partial), (sign_ins.completed, false));
        let bar = html::LiveBar {
            scenario: "<toy>".to_owned(),
            progress: "1 s of 60 s".to_owned(),
            cancel_path: Some("/cancel/x".to_owned()),
            folder: "out".to_owned(),
        };
        let page = html::live_page(report, &bar);
        assert!(page.contains("&lt;toy&gt;") && !page.contains("<toy>"));
        assert_eq!(started(&page), sign_ins.started);
    }
}

#[test]
#[ignore = "needs Chromium: --ignored run_pages::"]
fn the_live_page_refreshes_itself_and_ends_as_the_report() {
    let file = target_cli::scenario("live-browser", 8, "for: 1h, rate: 20/s");
    let live = PagedRun::start(&mut target_cli::run(&file, &["--live", "127.0.0.1:0"]), 1);
    let address = &live.addresses[0];
    wait_until("forty sign-ins", || started(&get(address, "/")) >= 40);
    let mut browser = Browser::start("live");
    browser.set(1280, "light", true);
    browser.navigate(&format!("http://{address}/"));
    let number = "+document.querySelector('[data-field=\"sign_ins.started\"]')?.textContent";
    let first = browser.evaluate(number).as_f64().unwrap();
    browser.evaluate("document.querySelector('details').open = true; document.querySelector('.sort').click(); scrollTo(0, 700)");
    let order = "document.querySelector('thead th:has(.sort)')?.ariaSort";
    let sorted = browser.evaluate(order);
    assert!(sorted.is_string());
    wait_until("the page is loaded again", || browser.evaluate(number).as_f64().unwrap_or_default() > first);
    let kept =
        "document.readyState === 'complete' && scrollY > 300 && document.querySelector('details')?.open";
    wait_until("the position is kept", || browser.evaluate(kept) == json!(true));
    assert_eq!(browser.evaluate(order), sorted);
    assert_eq!(browser.console_errors(), Vec::<String>::new());
    // The question of the browser would stop the page.
    wait_until("the button works", || {
        let click = "(confirm = () => true, document.querySelector('.live button')?.click(), document.querySelector('.live button') === null)";
        browser.evaluate(click) == json!(true)
    });
    wait_until("the report is shown", || {
        browser.evaluate("document.querySelector('h2')?.textContent") == json!("Failed, partial run")
    });
    assert_eq!(browser.evaluate("document.querySelector('.live') === null"), json!(true));
    assert_eq!(live.end(), Some(105));
}
