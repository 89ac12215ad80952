//! The poller against an API of our own making that behaves as SiliconExpert's: sessions that end, one record that comes as itself, fifty parts a call; over TLS with a
//! named authority.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde_json::{Value, json};

use super::{Server, tls};

/// What was asked: operation and form.
type Asked = Arc<Mutex<Vec<(String, String)>>>;

fn record(id: usize) -> Value {
    // Every tenth part ends; the others are active.
    let life = if id.is_multiple_of(10) {
        json!({ "PartStatus": "Obsolete", "LTBDate": "Mar 31, 2027" })
    } else {
        json!({ "PartStatus": "Active", "LTBDate": "" })
    };
    json!({ "RequestedComID": id.to_string(), "SummaryData": { "PartNumber": format!("AX100-{id}"), "Manufacturer": "Acme", "LastCheckDate": "Nov 24, 2026" }, "LifeCycleData": life })
}

/// Serves until the test ends; a session is good for one question.
fn serve(listener: TcpListener, asked: Asked) {
    let chain = CertificateDer::pem_file_iter(tls("certificate.pem")).expect("file").collect::<Result<Vec<_>, _>>().expect("certificate");
    let key = PrivateKeyDer::from_pem_file(tls("key.pem")).expect("key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .expect("TLS");
    let (config, left) = (Arc::new(config), AtomicUsize::new(0));
    for stream in listener.incoming() {
        let connection = ServerConnection::new(Arc::clone(&config)).expect("connection");
        let mut stream = BufReader::new(StreamOwned::new(connection, stream.expect("stream")));
        let (mut head, mut line) = (String::new(), String::new());
        while stream.read_line(&mut line).is_ok_and(|read| read > 2) {
            head.push_str(&line.to_lowercase());
            line.clear();
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok()).unwrap_or(0);
        let mut form = vec![0; length];
        if stream.read_exact(&mut form).is_err() || head.is_empty() {
            continue;
        }
        let form = String::from_utf8(form).expect("UTF-8");
        let operation = head.split_whitespace().nth(1).expect("a path").rsplit('/').next().expect("an operation").to_owned();
        asked.lock().expect("asked").push((operation.clone(), form.clone()));
        let status = |code: &str, success: &str| json!({ "Status": { "Code": code, "Success": success, "Message": "" } });
        let answer = if operation == "authenticateuser" {
            let is_known = form.contains("login=plant") && form.contains("apiKey=key%2Bof%2Bthe%2Bplant");
            left.store(usize::from(is_known), Ordering::SeqCst);
            if is_known { status("2", "true") } else { status("3", "false") }
        } else if !head.contains("cookie: jsessionid=s1") || left.load(Ordering::SeqCst) == 0 {
            status("39", "false")
        } else {
            left.fetch_sub(1, Ordering::SeqCst);
            let ids = form.split('&').find_map(|field| field.strip_prefix("comIds=")).expect("comIds").replace("%2C", ",");
            let records: Vec<Value> = ids.split(',').map(|id| record(id.parse().expect("a number"))).collect();
            let mut answer = status("0", "true");
            answer["Results"]["ResultDto"] = if records.len() == 1 { records[0].clone() } else { Value::Array(records) };
            answer
        };
        let body = answer.to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\nSet-Cookie: JSESSIONID=s1; Path=/; Secure\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let _ = stream.get_mut().write_all(format!("{head}{body}").as_bytes());
        let _ = stream.get_mut().flush();
    }
}

fn configure(dir: &Path, port: u16) {
    std::fs::write(dir.join("login"), "plant\nkey+of+the+plant\n").expect("credentials");
    // 51 parts: fifty in one call, one alone in the next.
    let ids: String = (10..61).map(|id| format!("{id}\n")).collect();
    std::fs::write(dir.join("ids"), ids).expect("ids");
    let of = |name: &str| dir.join(name).display().to_string();
    let text = format!(
        "[siliconexpert]\nurl = \"https://localhost:{port}/ProductAPI/search\"\ncredentials_file = \"{}\"\ncom_ids_file = \"{}\"\nauthorities_file = \"{}\"\n",
        of("login"),
        of("ids"),
        tls("ca.pem")
    );
    std::fs::write(dir.join("lastbuy.toml"), text).expect("configuration");
}

#[test]
fn what_ends_is_taken_once_over_sessions_that_end() {
    let dir = tempfile::tempdir().expect("folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    configure(dir.path(), listener.local_addr().expect("address").port());
    let asked = Asked::default();
    let asks = Arc::clone(&asked);
    std::thread::spawn(move || serve(listener, asks));
    let server = Server::start(dir.path());
    let events = |server: &Server| server.get("/v1/events").1["items"].as_array().expect("items").clone();
    let wait_for = |what: &dyn Fn() -> bool| {
        let until = Instant::now() + Duration::from_secs(60);
        while !what() {
            assert!(Instant::now() < until, "not within a minute: {:?}", asked.lock().expect("asked"));
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    // 10, 20, 30, 40, 50 and 60 end.
    wait_for(&|| events(&server).len() == 6);
    assert!(events(&server).iter().all(|event| event["source"] == "siliconexpert"));
    let operations: Vec<String> = asked.lock().expect("asked").iter().map(|(operation, _)| operation.clone()).collect();
    assert_eq!(
        operations,
        ["authenticateuser", "partdetail", "partdetail", "authenticateuser", "partdetail"],
        "the second question comes too late for its session"
    );
    // A second start asks again, and knows what it was told.
    drop(server);
    let server = Server::start(dir.path());
    wait_for(&|| asked.lock().expect("asked").len() >= 10);
    assert_eq!(events(&server).len(), 6);
}
