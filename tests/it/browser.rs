//! A headless Chromium that tests control over its debugging pipe. Tests that use it are ignored by default.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The program's names. Ubuntu's `chromium-browser` is often a stub that asks for a snap and does not print a
/// version.
const NAMES: [&str; 4] = ["google-chrome", "google-chrome-stable", "chromium", "chromium-browser"];
/// The longest wait for a message of the browser.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A running Chromium with one tab. Dropping it kills the process.
pub(crate) struct Browser {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    session: Option<String>,
    calls: u64,
    /// Errors and console messages since the last call of [`Browser::console_errors`].
    console_errors: Vec<String>,
    /// Whether the page has loaded since the last navigation.
    loaded: bool,
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A picture with three bytes for each pixel: red, green and blue.
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) rows: Vec<Vec<u8>>,
}

impl Picture {
    /// Returns a pixel.
    pub(crate) fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let row = &self.rows[y];
        [row[3 * x], row[3 * x + 1], row[3 * x + 2]]
    }
}

/// Returns the first name under which a browser prints its version.
fn installed() -> &'static str {
    let prints_version =
        |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success());
    NAMES.into_iter().find(prints_version).expect("Chromium is installed")
}

impl Browser {
    /// Starts the browser with an empty profile.
    pub(crate) fn start(profile: &str) -> Self {
        Self::start_with(profile, &[])
    }

    /// Starts the browser with an empty profile and more options.
    pub(crate) fn start_with(profile: &str, options: &[&str]) -> Self {
        let name = installed();
        let profile = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser").join(profile);
        drop(std::fs::remove_dir_all(&profile));
        let mut command = Command::new("sh");
        // Chromium reads commands from descriptor 3 and writes messages to descriptor 4.
        command.args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null"]).arg(name);
        command.args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-first-run",
        ]);
        command.args(options);
        command.arg("--remote-debugging-pipe").arg(format!("--user-data-dir={}", profile.display()));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (commands, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(out).split(0) {
                let Ok(message) = message else { return };
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    return;
                }
            }
        });
        let mut browser = Self {
            child,
            commands,
            messages,
            session: None,
            calls: 0,
            console_errors: Vec::new(),
            loaded: false,
        };
        let tab = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": tab["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Log", "Runtime"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Calls a method of the debugging protocol and returns its result.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let mut request = json!({ "id": self.calls, "method": method });
        request["params"] = params;
        if let Some(session) = &self.session {
            request["sessionId"] = json!(session);
        }
        self.commands.write_all(request.to_string().as_bytes()).unwrap();
        self.commands.write_all(&[0]).unwrap();
        loop {
            let message = self.receive();
            if message["id"] == self.calls {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
        }
    }

    fn receive(&mut self) -> Value {
        let message = self.messages.recv_timeout(TIMEOUT).expect("the browser sends a message in time");
        let params = &message["params"];
        match message["method"].as_str().unwrap_or_default() {
            "Page.loadEventFired" => self.loaded = true,
            "Runtime.exceptionThrown" => self.console_errors.push(params["exceptionDetails"].to_string()),
            "Log.entryAdded" => self.console_errors.push(params["entry"]["text"].to_string()),
            "Runtime.consoleAPICalled" => self.console_errors.push(params["args"].to_string()),
            _ => {}
        }
        message
    }

    /// Returns the messages since the last call: script errors, violations of the content security policy and
    /// console output.
    pub(crate) fn console_errors(&mut self) -> Vec<String> {
        std::mem::take(&mut self.console_errors)
    }

    /// Sets the width in pixels, the color scheme (`dark` or `light`) and whether scripts run.
    pub(crate) fn set(&mut self, width: u32, scheme: &str, scripts: bool) {
        let screen = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", screen);
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "media": "", "features": features }));
        self.call("Emulation.setScriptExecutionDisabled", json!({ "value": !scripts }));
    }

    /// Opens a file and waits until it has loaded.
    pub(crate) fn open(&mut self, file: &Path) {
        self.navigate(&format!("file://{}", file.display()));
    }

    /// Opens an address and waits until the page has loaded.
    pub(crate) fn navigate(&mut self, url: &str) {
        self.loaded = false;
        let response = self.call("Page.navigate", json!({ "url": url }));
        assert!(response["errorText"].is_null(), "{response}");
        while !self.loaded {
            self.receive();
        }
    }

    /// Evaluates an expression in the page and returns its value as JSON.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let response = self.call("Runtime.evaluate", params);
        assert!(response["exceptionDetails"].is_null(), "{}", response["exceptionDetails"]);
        response["result"]["value"].clone()
    }

    /// Returns a PNG file of the whole page.
    pub(crate) fn screenshot(&mut self) -> Vec<u8> {
        let size = self.call("Page.getLayoutMetrics", json!({}))["cssContentSize"].clone();
        let clip = json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        let params = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let screenshot = self.call("Page.captureScreenshot", params);
        STANDARD.decode(screenshot["data"].as_str().unwrap()).unwrap()
    }

    /// Moves the mouse to a position in the window.
    pub(crate) fn move_mouse(&mut self, x: f64, y: f64) {
        self.call("Input.dispatchMouseEvent", json!({ "type": "mouseMoved", "x": x, "y": y }));
    }

    /// Presses and releases a key.
    pub(crate) fn press(&mut self, key: &str, text: Option<&str>) {
        let code = match key {
            "Enter" => 13,
            "ArrowRight" => 39,
            "ArrowLeft" => 37,
            _ => 27,
        };
        let mut event = json!({ "type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code });
        if let Some(text) = text {
            event["text"] = json!(text);
        }
        self.call("Input.dispatchKeyEvent", event.clone());
        event["type"] = json!("keyUp");
        self.call("Input.dispatchKeyEvent", event);
    }
}

/// Decodes a PNG file, with 8 bits per channel.
pub(crate) fn picture(file: &[u8]) -> Picture {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let channels = info.color_type.samples();
    assert!(channels >= 3, "the picture has no colors");
    let row = |row: &[u8]| row.chunks(channels).flat_map(|pixel| pixel[..3].to_vec()).collect();
    let rows = bytes[..info.buffer_size()].chunks(info.line_size).map(row).collect();
    Picture { width: info.width as usize, rows }
}
