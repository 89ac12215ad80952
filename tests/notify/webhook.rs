//! Webhooks and chats at real receivers.

use std::net::SocketAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::civil::date;
use lastbuy::{
    domain::{
        destination::{Destination, Endpoint, Language, Secret, Way},
        event::Digest,
        id::{AssessmentId, CaseId, MessageId},
        message::{About, Figures, Happened, Message, MessageState},
        money::{Currency, Money},
        time::At,
    },
    limits, notify,
    store::Delivery,
};

use crate::receiver::{self, Inbox, OK, Posted, authority};

pub const NOW: At = At(1_795_608_000_000);

/// What an assessment changed to, with a text from a notice that would like to be more.
pub fn message() -> Message {
    let money = |text: &str| Some(Money::round(text.parse().expect("decimal"), Currency::EUR).expect("money"));
    let about = About {
        case: CaseId(7),
        title: "PDN 2610-CAP <!channel>\r\nBcc: all@plant.example".to_owned(),
        maker: Some("Nichicon".to_owned()),
        mpns: vec!["UHE1V471".to_owned(), "UHE1V102".to_owned()],
        parts: 9,
        last_time_buy: Some(date(2027, 4, 30)),
    };
    let figures = |margin: &str| Figures {
        margin_at_risk: money(margin),
        runs_out: Some(date(2027, 9, 1)),
        best_answer: Some("last-time buy".to_owned()),
        best_cost: None,
        unknown_parts: 0,
    };
    let happened = Happened::AssessmentChanged { about, assessment: AssessmentId(12), before: Some(figures("1234567.5")), now: figures("2000.25") };
    Message {
        id: MessageId(3),
        stable_id: "msg_00112233445566778899aabbccddeeff".to_owned(),
        key: Digest::of(b"cause"),
        rule: "purchasing".to_owned(),
        destination: "erp".to_owned(),
        severity: happened.severity(),
        happened,
        state: MessageState::Sending { epoch: 1, until: NOW.plus_ms(1000) },
        epoch: 1,
        attempts: 0,
        made_at: NOW.plus_ms(-60_000),
        changed_at: NOW,
        errors: Vec::new(),
    }
}

fn endpoint(url: &str, allow_private: bool, ca: Option<Vec<u8>>) -> Endpoint {
    Endpoint { url: Secret(url.parse().expect("url")), allow_private, ca }
}

fn webhook(endpoint: Endpoint, keys: &[&[u8]]) -> Way {
    Way::Webhook { endpoint, keys: Secret(keys.iter().map(|key| key.to_vec()).collect()) }
}

pub fn send(way: Way, language: Language, now: At) -> Delivery {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    let destination = Destination { name: "erp".to_owned(), language, way };
    notify::send(&destination, &message(), now, runtime.handle())
}

fn to(address: SocketAddr) -> Delivery {
    send(webhook(endpoint(&format!("http://{address}/in?x=1"), true, None), &[OLD]), Language::En, NOW)
}

const OLD: &[u8] = &[1; 32];
const NEW: &[u8] = &[2; 32];

/// Verified from the specification, not with the sender's own code.
fn is_signed(posted: &Posted, key: &[u8]) -> bool {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).expect("key");
    mac.update(format!("{}.{}.", posted.header("webhook-id"), posted.header("webhook-timestamp")).as_bytes());
    mac.update(&posted.body);
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    posted.header("webhook-signature").split(' ').any(|signature| signature == expected)
}

#[test]
fn an_attempt_is_signed_with_both_keys_and_a_repeat_differs_only_in_its_time() {
    let (address, inbox) = receiver::https("server.pem", OK);
    let way = || webhook(endpoint(&format!("https://localhost:{}/in", address.port()), true, Some(authority("ca.pem"))), &[OLD, NEW]);
    assert_eq!(send(way(), Language::En, NOW), Delivery::Taken);
    assert_eq!(send(way(), Language::En, NOW.plus_ms(5000)), Delivery::Taken);
    let [first, second] = inbox.all().try_into().expect("two");
    for posted in [&first, &second] {
        assert!(is_signed(posted, OLD) && is_signed(posted, NEW) && !is_signed(posted, &[3; 32]));
        assert_eq!(
            (posted.path.as_str(), posted.header("content-type"), posted.header("webhook-id")),
            ("/in", "application/json", "msg_00112233445566778899aabbccddeeff")
        );
    }
    assert_eq!(first.header("webhook-timestamp"), "1795608000");
    assert_eq!(second.header("webhook-timestamp"), "1795608005");
    assert_eq!(first.body, second.body);
    let json = first.json();
    assert_eq!(
        (json["type"].as_str(), json["timestamp"].as_str()),
        (Some("lastbuy.assessment_changed"), Some(message().made_at.to_string().as_str()))
    );
    assert_eq!(json["data"]["object"], "C-7");
    assert_eq!(json["data"]["happened"]["assessment_changed"]["now"]["margin_at_risk"]["amount"], "2000.25");
    assert_eq!(json["data"]["facts"]["Margin at risk"], "2,000.25 EUR (before: 1,234,567.50 EUR)");
    assert_eq!(json["data"]["facts"]["Parts"], "UHE1V471, UHE1V102 and further 7");
    assert_eq!(json["data"]["facts"]["Its cost"], "not known");
    assert!(first.body.len() < 20_000);
}

#[test]
fn what_a_receiver_answers_decides_what_follows() {
    let answer = |head: &'static str| to(receiver::http(head).0);
    assert_eq!(answer("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), Delivery::Taken);
    let Delivery::Failed { error, wait_ms: None } = answer("HTTP/1.1 500 Oops\r\ncontent-length: 9\r\n\r\nno\r\nspace") else { panic!("500") };
    assert!(error.contains("500") && error.ends_with(": no space"), "{error}");
    assert!(matches!(answer("HTTP/1.1 429 Slow\r\nretry-after: 7200\r\n\r\n"), Delivery::Failed { wait_ms: Some(7_200_000), .. }));
    assert!(matches!(answer("HTTP/1.1 503 Busy\r\nretry-after: 1\r\n\r\n"), Delivery::Failed { wait_ms: Some(limits::SLOW_DOWN_MS), .. }));
    assert!(matches!(answer("HTTP/1.1 410 Gone\r\n\r\n"), Delivery::Gone { .. }));
    assert!(matches!(answer("not HTTP at all\r\n\r\n"), Delivery::Failed { .. }));
    // A port that nobody listens on.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("listen").local_addr().expect("address");
    assert!(matches!(to(closed), Delivery::Failed { .. }));
}

#[test]
fn a_redirect_is_not_followed() {
    let (secret, inbox) = receiver::http(OK);
    let elsewhere: &'static str = Box::leak(format!("HTTP/1.1 307 Elsewhere\r\nlocation: http://{secret}/\r\n\r\n").into_boxed_str());
    let (address, _) = receiver::http(elsewhere);
    assert!(matches!(to(address), Delivery::Failed { error, .. } if error.contains("not followed")));
    assert!(inbox.all().is_empty());
}

#[test]
fn a_receiver_that_hangs_is_given_up() {
    // It takes everything and never answers; and it holds the connection until the sender ends it.
    let address = receiver::listen(|mut stream| drop(std::io::copy(&mut stream, &mut std::io::sink())));
    let Delivery::Failed { error, .. } = to(address) else { panic!("it hangs") };
    assert!(error.contains("within 15 seconds"), "{error}");
}

#[test]
fn the_own_network_is_only_reached_where_the_site_says_so() {
    let (address, inbox) = receiver::https("server.pem", OK);
    for host in ["localhost", "127.0.0.1", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"] {
        let url = format!("https://{host}:{}/", address.port());
        let Delivery::Failed { error, .. } = send(webhook(endpoint(&url, false, Some(authority("ca.pem"))), &[OLD]), Language::En, NOW) else {
            panic!("{host} was reached")
        };
        assert!(error.contains("not public"), "{host}: {error}");
    }
    let metadata = webhook(endpoint("http://169.254.169.254/latest/", true, None), &[OLD]);
    assert!(matches!(send(metadata, Language::En, NOW), Delivery::Failed { error, .. } if error.contains("nothing is sent")));
    assert!(inbox.all().is_empty());
}

#[test]
fn a_certificate_must_be_in_order() {
    let wrong =
        [("expired.pem", "ca.pem", "expired"), ("elsewhere.pem", "ca.pem", "elsewhere.example"), ("server.pem", "other-ca.pem", "UnknownIssuer")];
    for (certificate, ca, why) in wrong {
        let (address, inbox) = receiver::https(certificate, OK);
        let url = format!("https://localhost:{}/", address.port());
        let Delivery::Failed { error, .. } = send(webhook(endpoint(&url, true, Some(authority(ca))), &[OLD]), Language::En, NOW) else {
            panic!("{certificate} was taken")
        };
        assert!(error.contains("TLS with localhost fails") && error.contains(why), "{error}");
        assert!(inbox.all().is_empty());
    }
}

fn posted(inbox: &Inbox) -> serde_json::Value {
    let [posted] = inbox.all().try_into().expect("one");
    posted.json()
}

#[test]
fn chats_get_their_own_form_and_language() {
    let (address, inbox) = receiver::http(OK);
    let url = format!("http://{address}/");
    assert_eq!(send(Way::Teams(endpoint(&url, true, None)), Language::De, NOW), Delivery::Taken);
    let card = posted(&inbox)["attachments"][0].clone();
    assert_eq!(card["contentType"], "application/vnd.microsoft.card.adaptive");
    let body = &card["content"]["body"];
    assert!(body[0]["text"].as_str().is_some_and(|title| title.starts_with("Bewertung geändert: C-7 PDN 2610-CAP")));
    let facts = body[1]["facts"].as_array().expect("facts");
    let value = |name: &str| facts.iter().find(|fact| fact["title"] == name).map(|fact| fact["value"].as_str().expect("text").to_owned());
    assert_eq!(value("Gefährdete Marge").as_deref(), Some("2.000,25 EUR (vorher: 1.234.567,50 EUR)"));
    assert_eq!(value("Letzte Bestellmöglichkeit").as_deref(), Some("30.04.2027"));

    let (address, inbox) = receiver::http(OK);
    assert_eq!(send(Way::Slack(endpoint(&format!("http://{address}/"), true, None)), Language::En, NOW), Delivery::Taken);
    let text = posted(&inbox)["text"].as_str().expect("text").to_owned();
    assert!(text.contains("&lt;!channel&gt;") && !text.contains("<!channel>"), "{text}");
}
