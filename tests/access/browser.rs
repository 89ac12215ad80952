//! A browser as far as access goes: it keeps a cookie, follows nothing by itself, and sends what it is told.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::common::{Server, lastbuy};

pub const PASSWORD: &str = "correct horse battery";

pub struct Reply {
    pub status: u16,
    pub text: String,
    pub location: String,
    pub cookie: Option<String>,
    pub etag: String,
    pub content_type: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

/// One request, with these headers.
pub fn call(server: &Server, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .allow_non_standard_methods(true)
        .timeout_global(Some(std::time::Duration::from_secs(60)))
        .build()
        .into();
    let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", server.url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body.to_vec()).expect("request");
    let mut response = agent.run(request).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (location, etag, content_type) = (header("location"), header("etag"), header("content-type"));
    let cookie = Some(header("set-cookie")).filter(|cookie| !cookie.is_empty());
    let status = response.status().as_u16();
    // A stream of events has no end to wait for.
    let text = if content_type.starts_with("text/event-stream") { String::new() } else { response.body_mut().read_to_string().unwrap_or_default() };
    Reply { status, text, location, cookie, etag, content_type }
}

/// Somebody who signed in.
pub struct Signed {
    pub cookie: String,
    pub csrf: String,
}

pub fn form(server: &Server, path: &str, cookie: Option<&str>, fields: &[(&str, &str)]) -> Reply {
    let body: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", value.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>())).collect();
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded"), ("accept", "text/html")];
    headers.extend(cookie.map(|cookie| ("cookie", cookie)));
    call(server, "POST", path, &headers, body.join("&").as_bytes())
}

/// `name=value` of a cookie that was set.
pub fn pair(reply: &Reply) -> String {
    let cookie = reply.cookie.as_deref().unwrap_or_else(|| panic!("no cookie: {} {}", reply.status, reply.text));
    cookie.split(';').next().expect("pair").to_owned()
}

/// The token in a page's form.
pub fn csrf(server: &Server, cookie: &str) -> String {
    let page = call(server, "GET", "/account", &[("cookie", cookie), ("accept", "text/html")], b"");
    let (_, rest) = page.text.split_once("name=\"csrf\" value=\"").unwrap_or_else(|| panic!("{}", page.text));
    rest.split('"').next().expect("token").to_owned()
}

pub fn sign_in(server: &Server, name: &str) -> Signed {
    let reply = form(server, "/sign-in", None, &[("name", name), ("password", PASSWORD)]);
    assert_eq!((reply.status, reply.location.as_str()), (303, "/"), "{name}: {}", reply.text);
    let cookie = pair(&reply);
    let csrf = csrf(server, &cookie);
    Signed { cookie, csrf }
}

impl Signed {
    pub fn get(&self, server: &Server, path: &str) -> Reply {
        call(server, "GET", path, &[("cookie", &self.cookie)], b"")
    }

    pub fn post(&self, server: &Server, path: &str, body: &Value) -> Reply {
        let headers = [("cookie", self.cookie.as_str()), ("x-csrf-token", self.csrf.as_str()), ("content-type", "application/json")];
        call(server, "POST", path, &headers, body.to_string().as_bytes())
    }
}

/// Runs the command line with a line on its standard input.
pub fn with_input(command: &mut Command, line: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    writeln!(child.stdin.take().expect("stdin"), "{line}").expect("write");
    let output = child.wait_with_output().expect("output");
    assert!(output.status.success(), "{command:?}: {}", crate::common::said(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A user with the password of all.
pub fn add_user(dir: &Path, name: &str, role: &str) {
    with_input(lastbuy(dir).args(["user", "add", name, "--role", role, "--password-stdin"]), PASSWORD);
}

/// A token's text.
pub fn add_token(dir: &Path, user: &str, scopes: &[&str]) -> String {
    let mut command = lastbuy(dir);
    command.args(["token", "add", "a test", "--user", user]);
    command.args(scopes.iter().flat_map(|scope| ["--scope", scope]));
    crate::common::ok(&mut command).trim().to_owned()
}
