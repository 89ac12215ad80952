//! Requests as the senders make them.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::Value;

use super::Server;

#[derive(Debug, Clone)]
pub struct Request {
    pub source: &'static str,
    pub content_type: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// Without everything that vouches for it; a signature within the body is made wrong.
    pub fn unsigned(mut self) -> Request {
        self.headers.retain(|(name, _)| name.starts_with("ce-"));
        for marked in ["name=\"signature\"\r\n\r\n", "\"Signature\":\""] {
            if let Some(at) = self.body.windows(marked.len()).position(|window| window == marked.as_bytes()) {
                let digit = &mut self.body[at + marked.len()];
                *digit = if *digit == b'0' { b'1' } else { b'0' };
            }
        }
        self
    }
}

pub fn post(server: &Server, request: &Request) -> (u16, Value) {
    let (status, _, said) = answers(server, request);
    (status, said)
}

pub fn answers(server: &Server, request: &Request) -> (u16, ureq::http::HeaderMap, Value) {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(std::time::Duration::from_secs(60))).build().into();
    let mut builder = agent.post(format!("{}/v1/hooks/{}", server.url, request.source)).header("content-type", &request.content_type);
    for (name, value) in &request.headers {
        builder = builder.header(*name, value);
    }
    let mut response = builder.send(&request.body[..]).expect("an answer");
    let text = response.body_mut().read_to_string().unwrap_or_default();
    (response.status().as_u16(), response.headers().clone(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// What a body that announces 50 MB is answered.
pub fn too_large(server: &Server, source: &str) -> u16 {
    let head = format!("POST /v1/hooks/{source} HTTP/1.1\r\nhost: lastbuy\r\ncontent-type: application/json\r\ncontent-length: 50000000\r\n\r\n");
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connect");
    stream.write_all(head.as_bytes()).expect("head");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer[9..]).parse().expect("a status")
}

/// Name, file name with media type where it is a file, bytes.
pub type Field<'a> = (&'a str, Option<(&'a str, &'a str)>, &'a [u8]);

/// A multipart form as SendGrid's.
pub fn multipart(fields: &[Field<'_>]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, file, bytes) in fields {
        body.extend_from_slice(format!("--xYzZY\r\nContent-Disposition: form-data; name=\"{name}\"").as_bytes());
        if let Some((file_name, media_type)) = file {
            body.extend_from_slice(format!("; filename=\"{file_name}\"\r\nContent-Type: {media_type}").as_bytes());
        }
        body.extend_from_slice(b"\r\n\r\n");
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--xYzZY--\r\n");
    ("multipart/form-data; boundary=xYzZY".to_owned(), body)
}
