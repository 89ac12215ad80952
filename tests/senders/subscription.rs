//! SNS asks once whether a topic may deliver here. Switched on, a listed topic's signed question is answered by opening its address, through the site's proxy and with
//! verified TLS; nothing else is opened.

use std::{
    io::{BufReader, Write as _},
    net::TcpListener,
    sync::{Arc, mpsc},
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use super::{
    Server, common, configure,
    request::post,
    signing::{Keys, TOPIC, now_s},
};

const HOST: &str = "sns.eu-central-1.amazonaws.com";

/// A proxy that answers for SNS itself, with a certificate of an authority of its own; tells what was asked of it.
fn proxy(listener: TcpListener, asked: mpsc::Sender<String>) -> String {
    let key = KeyPair::generate().expect("key");
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).expect("authority");
    let issuer = Issuer::new(params, key);
    let own = KeyPair::generate().expect("key");
    let certificate = CertificateParams::new(vec![HOST.to_owned()]).expect("parameters").signed_by(&own, &issuer).expect("certificate");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.serialize_der()));
            builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key)
        })
        .expect("TLS");
    let config = Arc::new(config);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.expect("stream");
            let mut reader = BufReader::new(stream.try_clone().expect("stream"));
            let said = head(&mut reader);
            let _ = asked.send(said.lines().next().unwrap_or_default().to_owned());
            let mut stream = stream;
            if stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").is_err() {
                continue;
            }
            let mut inner = BufReader::new(StreamOwned::new(ServerConnection::new(Arc::clone(&config)).expect("connection"), stream));
            let said = head(&mut inner);
            let _ = asked.send(said.lines().next().unwrap_or_default().to_owned());
            let body = "<ConfirmSubscriptionResponse/>";
            let _ = write!(inner.get_mut(), "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            let _ = inner.get_mut().flush();
        }
    });
    authority.pem()
}

fn head(stream: &mut impl std::io::BufRead) -> String {
    let (mut head, mut line) = (String::new(), String::new());
    while stream.read_line(&mut line).is_ok_and(|read| read > 2) {
        head.push_str(&line);
        line.clear();
    }
    head
}

fn question(keys: &Keys, topic: &str, url: &str, id: &str) -> super::Request {
    let stamp = jiff::Timestamp::from_second(now_s()).expect("time").to_string();
    let fields = [
        ("Message", "Confirm?"),
        ("MessageId", id),
        ("SubscribeURL", url),
        ("Timestamp", &stamp),
        ("Token", "t"),
        ("TopicArn", topic),
        ("Type", "SubscriptionConfirmation"),
    ];
    keys.sns_of(&fields, "2")
}

#[test]
fn a_listed_topic_is_confirmed_through_the_proxy_and_nothing_else_is_opened() {
    let dir = tempfile::tempdir().expect("folder");
    let keys = configure(dir.path(), "");
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    let port = listener.local_addr().expect("address").port();
    let (asked, asks) = mpsc::channel();
    let authority = proxy(listener, asked);
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, authority).expect("authority");
    let config = std::fs::read_to_string(dir.path().join("lastbuy.toml")).expect("configuration");
    let sns = format!("\n[sns]\nconfirm = true\nproxy = \"127.0.0.1:{port}\"\nauthorities_file = \"{}\"\n", ca.display());
    std::fs::write(dir.path().join("lastbuy.toml"), format!("{config}{sns}")).expect("configuration");
    let server = Server::start(dir.path());
    let url = format!("https://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=t");
    // Another topic, a wrong signature, and an address that is none of SNS's: none of them is opened.
    assert_eq!(post(&server, &question(&keys, "arn:aws:sns:eu-central-1:999999999999:pcn", &url, "s-0")).0, 403);
    assert_eq!(post(&server, &question(&keys, TOPIC, &url, "s-1").unsigned()).0, 403);
    let (status, said) = post(&server, &question(&keys, TOPIC, "https://evil.example/?Action=ConfirmSubscription", "s-2"));
    assert!(status == 200 && said["quarantined"].as_str().is_some_and(|why| why.contains("evil.example")), "{said}");
    let (status, said) = post(&server, &question(&keys, TOPIC, &url, "s-3"));
    assert_eq!((status, &said["quarantined"], &said["job_id"]), (200, &serde_json::Value::Null, &serde_json::Value::Null), "{said}");
    let wait = Duration::from_secs(60);
    assert_eq!(asks.recv_timeout(wait).expect("asked"), format!("CONNECT {HOST}:443 HTTP/1.1"));
    assert_eq!(asks.recv_timeout(wait).expect("asked"), format!("GET /?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=t HTTP/1.1"));
    // It is on record.
    let until = std::time::Instant::now() + wait;
    loop {
        let audit = common::ok(common::lastbuy(dir.path()).args(["audit", "list"]));
        if audit.contains("sns.confirmed") {
            break;
        }
        assert!(std::time::Instant::now() < until, "{audit}");
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(server);
    assert!(asks.try_recv().is_err(), "something else was opened");
}
