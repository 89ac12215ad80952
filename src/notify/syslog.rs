//! Syslog: RFC 5424 over TCP with octet counting (RFC 6587), or over UDP (RFC 5426). Written here because it is one line of text.
//!
//! ```text
//! <PRI>1 TIMESTAMP HOSTNAME lastbuy - MSGID [lastbuy@32473 id="…" object="…" …] BOM title; name: value; …
//! ```
//! No receiver of syslog answers: what was handed to the kernel counts as taken. Over TCP a receiver that is gone is seen; over UDP nothing is.

use std::{
    io::Write,
    net::{TcpStream, ToSocketAddrs, UdpSocket},
    time::Duration,
};

use super::text::Text;
use crate::{
    domain::{
        message::{Message, Severity},
        time::At,
    },
    limits,
    store::Delivery,
};

/// Local use 0.
const FACILITY: u8 = 16;

pub(super) fn deliver(host: &str, port: u16, udp: bool, message: &Message, text: &Text, now: At) -> Delivery {
    let line = line(message, text, now);
    match if udp { by_udp(host, port, &line) } else { by_tcp(host, port, &line) } {
        Ok(()) => Delivery::Taken,
        Err(error) => Delivery::Failed { error: format!("{host}:{port} does not take it: {error}"), wait_ms: None },
    }
}

fn by_tcp(host: &str, port: u16, line: &str) -> std::io::Result<()> {
    let limit = Duration::from_secs(limits::DELIVERY_SECONDS_MAX);
    let mut last = std::io::Error::from(std::io::ErrorKind::NotFound);
    for address in (host, port).to_socket_addrs()?.take(limits::ADDRESSES_TRIED_MAX) {
        match TcpStream::connect_timeout(&address, limit / 4) {
            Ok(mut stream) => {
                stream.set_write_timeout(Some(limit))?;
                stream.write_all(format!("{} {line}", line.len()).as_bytes())?;
                return stream.shutdown(std::net::Shutdown::Write);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn by_udp(host: &str, port: u16, line: &str) -> std::io::Result<()> {
    let to = (host, port).to_socket_addrs()?.next().ok_or(std::io::ErrorKind::NotFound)?;
    let from = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    UdpSocket::bind(from)?.send_to(line.as_bytes(), to).map(drop)
}

fn line(message: &Message, text: &Text, now: At) -> String {
    let severity = match message.severity {
        Severity::Info => 6,
        Severity::Warning => 4,
        Severity::Critical => 2,
    };
    let priority = FACILITY * 8 + severity;
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String = host.trim().chars().filter(char::is_ascii_graphic).take(255).collect();
    let host = if host.is_empty() { "-" } else { host.as_str() };
    let facts: Vec<String> = text.facts.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let said: String = format!("{}; {}", text.title, facts.join("; ")).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!(
        // 32473 is the number kept for examples (RFC 5612): we have none of our own.
        "<{priority}>1 {now} {host} lastbuy - {} [lastbuy@32473 id=\"{}\" object=\"{}\" rule=\"{}\"] \u{feff}{said}",
        message.happened.on().as_str(),
        parameter(&message.stable_id),
        parameter(&message.happened.object()),
        parameter(&message.rule),
    )
}

/// The value of a parameter: three characters are escaped (RFC 5424, 6.3.3).
fn parameter(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace(']', "\\]")
}
