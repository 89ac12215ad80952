//! A headless Chromium behind chromedriver, with what the browser complains of and whom it asks.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use fantoccini::{
    Client, ClientBuilder,
    wd::{Capabilities, WebDriverCompatibleCommand},
};
use hyper::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::Url;

/// chromedriver while it runs; killed when dropped, and its browser with it.
pub struct Driver {
    child: Child,
    address: String,
}

impl Driver {
    /// `None` where chromedriver or Chromium is not installed.
    pub fn start() -> Option<Driver> {
        let mut child =
            Command::new("chromedriver").arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let stdout = child.stdout.take();
        let mut driver = Driver { child, address: String::new() };
        let mut lines = BufReader::new(stdout?).lines();
        // "ChromeDriver was started successfully on port 40321."
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let port = line.split_once("started successfully on port ")?.1;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        driver.address = format!("http://127.0.0.1:{}", port?);
        Some(driver)
    }

    pub async fn browser(&self) -> Browser {
        let wanted = json!({
            "goog:chromeOptions": { "args": [
                "--headless=new", "--force-prefers-reduced-motion", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1440,1000", "--lang=en-GB",
                // Whoever asks for another machine gets no answer.
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ] },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let wanted: Capabilities = serde_json::from_value(wanted).expect("capabilities");
        let client = ClientBuilder::new(HttpConnector::new()).capabilities(wanted).connect(&self.address).await.expect("a browser");
        Browser { client }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command of chromedriver's own, beside the standard.
#[derive(Debug)]
struct Own {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

pub struct Browser {
    pub client: Client,
}

impl Browser {
    async fn own(&self, path: &'static str, body: Value) -> Value {
        self.client.issue_cmd(Own { path, body }).await.expect("a command of chromedriver")
    }

    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.own("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    /// What the page's console says that is a warning or worse since it was last asked: script errors, refused content, what could not be loaded.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.own("se/log", json!({ "type": "browser" })).await;
        let bad = log.as_array().into_iter().flatten().filter(|entry| matches!(entry["level"].as_str(), Some("SEVERE" | "WARNING")));
        bad.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Every address that was asked for since it was last asked.
    pub async fn requests(&self) -> Vec<String> {
        let log = self.own("se/log", json!({ "type": "performance" })).await;
        let messages = log.as_array().into_iter().flatten().filter_map(|entry| serde_json::from_str::<Value>(entry["message"].as_str()?).ok());
        let sent = messages.filter(|message| message["message"]["method"] == "Network.requestWillBeSent");
        sent.filter_map(|message| message["message"]["params"]["request"]["url"].as_str().map(str::to_owned)).collect()
    }

    pub async fn goto(&self, address: &str) {
        self.client.goto(address).await.expect("the page loads");
    }

    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.expect("the script runs")
    }

    /// Asks until it is so. A page that is left while it is asked takes the question with it, so it is put again.
    pub async fn until(&self, condition: &str) {
        const TIMES: usize = 20;
        let script = format!(
            "const done = arguments[arguments.length - 1], begin = performance.now(); const look = () => {{ if ({condition}) done(true); else if (performance.now() - begin > 5000) done(false); else setTimeout(look, 20); }}; look();"
        );
        let mut last = String::new();
        for _ in 0..TIMES {
            match self.client.execute_async(&script, Vec::new()).await {
                Ok(Value::Bool(true)) => return,
                Ok(_) => last = "not within five seconds".to_owned(),
                Err(error) => last = error.to_string(),
            }
        }
        panic!("never so: {condition}: {last}");
    }

    /// A picture of the whole page.
    pub async fn picture(&self, path: &Path) {
        let size = self.devtools("Page.getLayoutMetrics", json!({})).await;
        let size = &size["cssContentSize"];
        let clip = json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"].as_f64().unwrap_or(1000.0).min(9000.0), "scale": 1 });
        let shot = self.devtools("Page.captureScreenshot", json!({ "format": "png", "captureBeyondViewport": true, "clip": clip })).await;
        let bytes = BASE64_STANDARD.decode(shot["data"].as_str().expect("a picture")).expect("base64");
        std::fs::write(path, bytes).expect("the picture is written");
    }

    /// Light or dark, as the system would ask for.
    pub async fn prefer(&self, scheme: &str) {
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] })).await;
    }

    pub async fn width(&self, width: u32, height: u32) {
        self.devtools("Emulation.setDeviceMetricsOverride", json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false }))
            .await;
    }
}
