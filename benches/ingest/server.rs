//! The two servers that are compared, and what the kernel says about one.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
};

use actix_web::{App, HttpResponse, HttpServer, web};
use lastbuy::{
    app,
    config::Config,
    intake::{self, By, Delivery, Gate},
};

/// Serves a data directory as `lastbuy serve` does, without workers: what arrives is only stored.
pub fn serve(dir: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runtime");
    runtime.block_on(async {
        let mut config = Config::load(None, dir.to_path_buf(), intake::sources()).expect("configuration");
        // What the store can take is measured, not what one sender may send.
        config.written.intake.per_minute = 0;
        let listener = TcpListener::bind("127.0.0.1:0").expect("port");
        let address = listener.local_addr().expect("address");
        let running = app::start(&config, Some(listener), false).expect("start");
        tell(address);
        panic!("{}", running.trouble().await);
    });
}

/// The same framework and the same checks of a delivery, answered 202 without storing it.
pub fn answer() {
    actix_web::rt::System::new().block_on(async {
        let server = HttpServer::new(|| App::new().app_data(web::PayloadConfig::new(4 << 20)).route("/v1/hooks/{source}", web::post().to(checked)));
        let server = server.workers(2).bind("127.0.0.1:0").expect("port");
        tell(server.addrs()[0]);
        server.run().await.expect("serve");
    });
}

async fn checked(source: web::Path<String>, body: web::Bytes) -> HttpResponse {
    let content_type = Some("application/json".to_owned());
    let delivery = Delivery { source: source.parse().expect("source"), content_type, file_name: None, headers: Vec::new(), body };
    let received = intake::receive(delivery, By::Network(&Gate::default()), lastbuy::clock::now_ms()).expect("arrival");
    HttpResponse::Accepted()
        .json(serde_json::json!({ "event_id": "E1", "job_id": "J1", "duplicate": false, "status_url": received.arrivals[0].dedupe_key.to_string() }))
}

fn tell(address: SocketAddr) {
    println!("{address}");
    std::io::stdout().flush().expect("stdout");
}

/// This program again, in another part.
pub struct Process {
    child: Child,
    pub said: BufReader<std::process::ChildStdout>,
}

impl Process {
    pub fn start(words: &[&str]) -> Process {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        let mut child = command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("process");
        let said = BufReader::new(child.stdout.take().expect("stdout"));
        Process { child, said }
    }

    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("stdout");
        assert!(!line.is_empty(), "the process ended before it said anything");
        line.trim().to_owned()
    }

    /// Bytes it caused to be written to the disk.
    pub fn written(&self) -> u64 {
        self.field("io", "write_bytes:")
    }

    /// Resident now, in bytes.
    pub fn resident(&self) -> u64 {
        self.field("status", "VmRSS:") << 10
    }

    fn field(&self, file: &str, name: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).expect("/proc");
        let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("field");
        line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("number")
    }
}

impl Drop for Process {
    /// SIGKILL, so that what follows it starts as after a crash.
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
