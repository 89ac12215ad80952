//! How long an acknowledgement takes while the model reads, beside a server that only stores. Deliveries come one at a time with pauses, as senders send them: what is
//! measured is the wait for one answer and not how many there are a second (`packaging/bench.sh ingest`).

use std::{
    net::TcpListener,
    path::Path,
    time::{Duration, Instant},
};

use lastbuy::{app, config::Config, intake};
use serde_json::json;

const DELIVERIES: u32 = 400;
const PAUSE: Duration = Duration::from_millis(20);

pub(super) fn compare(model: &Path, texts: &[&str]) {
    let idle = run(model, None);
    let reading = run(model, Some(texts));
    let ratio = reading.1.as_secs_f64() / idle.1.as_secs_f64();
    println!("acknowledgement without readings: p50 {:.2?}, p99 {:.2?}", idle.0, idle.1);
    println!("while the model reads:            p50 {:.2?}, p99 {:.2?}, {ratio:.2} times as long", reading.0, reading.1);
}

/// Median and 99th percentile; with `texts` the server works, and has these to read first.
fn run(model: &Path, texts: Option<&[&str]>) -> (Duration, Duration) {
    let dir = tempfile::tempdir().expect("folder");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    let mut config = Config::load(None, dir.path().to_path_buf(), intake::sources()).expect("configuration");
    config.written.intake.per_minute = 0;
    config.written.model.file = model.display().to_string();
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    let running = runtime.block_on(async { app::start(&config, Some(listener), texts.is_some()) }).expect("start");
    let agent = ureq::agent();
    let send = |source: &str, body: &serde_json::Value| {
        let body = body.to_string();
        let begin = Instant::now();
        agent.post(format!("{url}/v1/hooks/{source}")).header("content-type", "application/json").send(body.as_bytes()).expect("acknowledged");
        begin.elapsed()
    };
    for (number, text) in texts.unwrap_or_default().iter().enumerate() {
        send("email", &json!({ "subject": format!("Notice {number}"), "from": "maker@maker.example", "text": text }));
    }
    let mut times: Vec<Duration> = Vec::new();
    for number in 0..DELIVERIES {
        let body =
            json!({ "manufacturer": "Acme", "notice_id": format!("N-{number}"), "notice_type": "PDN", "affected_parts": [format!("A-{number}")] });
        times.push(send("generic", &body));
        std::thread::sleep(PAUSE);
    }
    runtime.block_on(running.stop()).expect("stopped");
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}
