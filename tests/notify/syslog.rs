//! Syslog at a real receiver.

use std::{io::Read, net::UdpSocket, sync::mpsc};

use lastbuy::{
    domain::destination::{Language, Way},
    store::Delivery,
};

use crate::{
    receiver::listen,
    webhook::{NOW, send},
};

fn is_ours(line: &str) {
    let (head, said) = line.split_once('\u{feff}').expect("a byte order mark before UTF-8");
    assert!(head.starts_with(&format!("<132>1 {NOW} ")), "{head}");
    assert!(
        head.ends_with(" assessment_changed [lastbuy@32473 id=\"msg_00112233445566778899aabbccddeeff\" object=\"C-7\" rule=\"purchasing\"] "),
        "{head}"
    );
    assert!(said.starts_with("Assessment changed: C-7 PDN 2610-CAP") && said.contains("2,000.25 EUR"), "{said}");
    assert!(!line.contains(['\r', '\n']), "a line break would begin another message");
}

#[test]
fn a_line_goes_out_over_tcp_and_udp() {
    let (sender, lines) = mpsc::channel();
    let address = listen(move |mut stream| {
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("text");
        sender.send(text).expect("test");
    });
    let way = |port, udp| Way::Syslog { host: "127.0.0.1".to_owned(), port, udp };
    assert_eq!(send(way(address.port(), false), Language::En, NOW), Delivery::Taken);
    let framed = lines.recv().expect("line");
    let (length, line) = framed.split_once(' ').expect("octet count");
    assert_eq!(length.parse(), Ok(line.len()));
    is_ours(line);

    let socket = UdpSocket::bind("127.0.0.1:0").expect("bind");
    assert_eq!(send(way(socket.local_addr().expect("address").port(), true), Language::En, NOW), Delivery::Taken);
    let mut bytes = [0; 4096];
    let length = socket.recv(&mut bytes).expect("datagram");
    is_ours(std::str::from_utf8(&bytes[..length]).expect("UTF-8"));

    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("listen").local_addr().expect("address");
    assert!(matches!(send(way(closed.port(), false), Language::En, NOW), Delivery::Failed { .. }));
}
