//! Acknowledged events a second, and how long an acknowledgement takes.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::{ms, quantile, server::Process};

const BODY: usize = 2 << 10;
/// Numbers of deliveries, never used twice, because a repeat is not stored again.
static NEXT: AtomicU64 = AtomicU64::new(0);

struct Run {
    a_second: f64,
    p50: Duration,
    p99: Duration,
    /// Bytes on the disk for a byte of body.
    written: f64,
    refused: u64,
}

pub fn measure(seconds: Duration, sync: Duration) {
    println!("\nbody, connections: acknowledged a second, p50, p99, bytes written a byte of body; without storing; ratio");
    for connections in [1, 16, 64] {
        let stored = stored(connections, BODY, seconds);
        let mut answering = Process::start(&["--answer"]);
        let answered = run(&mut answering, connections, BODY, seconds);
        println!("{}; {:.0}; {:.2}", row(BODY, connections, &stored), answered.a_second, stored.a_second / answered.a_second);
        if connections == 64 {
            let limit = 64.0 / sync.as_secs_f64();
            println!("of the disk's own limit, 64 a sync: {:.3}", stored.a_second / limit);
        }
    }
    for body in [64 << 10, 2 << 20] {
        println!("{}", row(body, 16, &stored(16, body, seconds)));
    }
}

fn row(body: usize, connections: usize, run: &Run) -> String {
    let refused = if run.refused == 0 { String::new() } else { format!(", {} refused as busy", run.refused) };
    format!("{:>5} KiB, {connections:>2}: {:.0}, {}, {}, {:.2}{refused}", body >> 10, run.a_second, ms(run.p50), ms(run.p99), run.written)
}

fn stored(connections: usize, body: usize, seconds: Duration) -> Run {
    let dir = tempfile::tempdir().expect("folder");
    let mut serving = Process::start(&["--serve", dir.path().to_str().expect("path")]);
    run(&mut serving, connections, body, seconds)
}

fn run(server: &mut Process, connections: usize, body: usize, seconds: Duration) -> Run {
    let address = server.line();
    let before = server.written();
    let start = Instant::now();
    let (mut times, refused) = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..connections).map(|_| scope.spawn(|| send(&address, body, start + seconds))).collect();
        let sent = senders.into_iter().map(|sender| sender.join().expect("sender"));
        sent.fold((Vec::new(), 0), |(mut all, refused), (times, more)| {
            all.extend(times);
            (all, refused + more)
        })
    });
    let took = start.elapsed();
    let events = times.len();
    assert!(events > 0, "nothing was acknowledged");
    Run {
        a_second: events as f64 / took.as_secs_f64(),
        p50: quantile(&mut times, 0.5),
        p99: quantile(&mut times, 0.99),
        written: (server.written() - before) as f64 / (events * body) as f64,
        refused,
    }
}

/// One connection, kept open: how long each acknowledgement took, and how often it was told to come again.
fn send(address: &str, body: usize, until: Instant) -> (Vec<Duration>, u64) {
    let mut stream = TcpStream::connect(address).expect("connect");
    stream.set_nodelay(true).expect("nodelay");
    let (mut times, mut refused) = (Vec::new(), 0);
    while Instant::now() < until {
        let request = request(NEXT.fetch_add(1, Ordering::Relaxed), body);
        let start = Instant::now();
        stream.write_all(&request).expect("request");
        match status(&mut stream) {
            202 => times.push(start.elapsed()),
            503 => refused += 1,
            other => panic!("answered {other}"),
        }
    }
    (times, refused)
}

/// A structured notice, filled up with bytes that do not compress.
fn request(number: u64, length: usize) -> Vec<u8> {
    let mut body =
        format!(r#"{{"manufacturer":"Acme","notice_id":"N-{number}","notice_type":"PDN","affected_parts":["A-{number}"],"filler":""#).into_bytes();
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    while body.len() < length - 2 {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        body.push(b'0' + (state >> 58) as u8 % 10);
    }
    body.extend(b"\"}");
    let head = format!("POST /v1/hooks/generic HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.into_bytes(), body].concat()
}

/// Reads one answer to its end.
fn status(stream: &mut TcpStream) -> u16 {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).expect("answer");
        assert!(read > 0, "the connection was closed");
        bytes.extend(&chunk[..read]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length: usize =
            head.lines().find_map(|line| line.strip_prefix("content-length:")).map_or(0, |length| length.trim().parse().expect("length"));
        if bytes.len() >= end + 4 + length {
            return head.split_whitespace().nth(1).and_then(|status| status.parse().ok()).expect("status");
        }
    }
}
