//! Runs the real program: the binary cargo built, the real model, real folders.
#![allow(dead_code, reason = "each test file uses its own part of this module")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

/// The program with a data directory, and the default model of the checkout.
pub fn lastbuy(data_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lastbuy"));
    command.env("LASTBUY_MODEL", model()).arg("--data-dir").arg(data_dir);
    command
}

pub fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/SmolLM2-135M-Instruct.Q4_1.gguf")
}

pub fn sample(part: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(part)
}

/// A structured notice of its own number.
pub fn notice(number: usize, parts: &[&str]) -> Value {
    serde_json::json!({
        "manufacturer": "Acme", "notice_id": format!("N-{number:06}"), "notice_type": "PDN", "issue_date": "2026-10-01",
        "last_time_buy": "2027-04-30", "last_time_ship": "2027-10-29", "affected_parts": parts,
    })
}

/// Runs to the end; panics with what it said unless it succeeded.
pub fn ok(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{command:?} ended with {}:\n{}", output.status, said(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

pub fn json(command: &mut Command) -> Value {
    serde_json::from_str(&ok(command)).expect("JSON")
}

pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A running `lastbuy serve` on a port of its own; killed when dropped.
pub struct Server {
    pub child: Child,
    pub url: String,
    /// What it said before it served.
    pub said: String,
}

impl Server {
    pub fn start(data_dir: &Path) -> Server {
        Server::start_under(&[], data_dir)
    }

    /// Run by another program, such as strace; its words come before the server's own.
    #[allow(
        clippy::zombie_processes,
        reason = "a server that does not come up ends the test, and its process with it; every other one is waited for when dropped"
    )]
    pub fn start_under(words: &[String], data_dir: &Path) -> Server {
        let own = lastbuy(data_dir);
        let mut command = match words.split_first() {
            None => own,
            Some((program, words)) => {
                let mut command = Command::new(program);
                command.args(words).arg(own.get_program()).args(own.get_args());
                command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
                command
            }
        };
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let stderr = child.stderr.take();
        // From here on it is killed and waited for, whatever follows.
        let mut server = Server { child, url: String::new(), said: String::new() };
        let mut stderr = BufReader::new(stderr.expect("stderr"));
        let mut said = String::new();
        loop {
            let before = said.len();
            if stderr.read_line(&mut said).expect("stderr") == 0 {
                panic!("the server ended before it served:\n{said}");
            }
            if let Some((_, rest)) = said[before..].split_once("serving on ") {
                let url = rest.split_whitespace().next().expect("an address").trim_end_matches('/').to_owned();
                // Whatever else it says must not fill the pipe.
                std::thread::spawn(move || stderr.read_to_end(&mut Vec::new()));
                server.url = url;
                server.said = said;
                return server;
            }
        }
    }

    pub fn kill(&mut self) {
        self.child.kill().expect("SIGKILL");
        self.child.wait().expect("wait");
    }

    pub fn signal(&self, signal: libc::c_int) {
        let pid = libc::pid_t::try_from(self.child.id()).expect("pid");
        // SAFETY: sends a signal to a child of this process that has not been waited for.
        #[allow(unsafe_code, reason = "kill(2) has no safe form in std")]
        let sent = unsafe { libc::kill(pid, signal) };
        assert_eq!(sent, 0);
    }

    pub fn get(&self, path: &str) -> (u16, Value) {
        answer(agent().get(format!("{}{path}", self.url)).call())
    }

    pub fn post(&self, path: &str, content_type: &str, body: &[u8]) -> (u16, Value) {
        answer(agent().post(format!("{}{path}", self.url)).header("content-type", content_type).send(body))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(std::time::Duration::from_secs(60))).build().into()
}

/// Status and JSON body; status 0 where the server cut the connection.
fn answer(result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> (u16, Value) {
    match result {
        Ok(mut response) => {
            let text = response.body_mut().read_to_string().unwrap_or_default();
            (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
        }
        Err(_) => (0, Value::Null),
    }
}
