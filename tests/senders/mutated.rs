//! Every sender's parser against deliveries that were damaged at random, head and body, signed or not. A seed makes each damage. `LASTBUY_SOAK` runs far more;
//! `LASTBUY_DAMAGED=N` runs N for each source; `LASTBUY_CORPUS=DIR` keeps what got a new answer.

use std::collections::BTreeMap;

use lastbuy::{
    domain::{
        event::{Arrival, QUARANTINED},
        export::Columns,
    },
    intake::{By, Delivery, Gate, Refusal, Settings, receive, sources},
    limits,
};

use super::{
    MANNERS,
    damage::{Chance, Corpus, guarded, rounds},
    request::Request,
    signing::{self, Keys},
};

const NOW_S: i64 = 1_791_000_000;

/// A delivery as one input: a line a header, an empty line, the body.
fn input(request: &Request) -> Vec<u8> {
    let mut head = format!("content-type: {}\n", request.content_type);
    for (name, value) in &request.headers {
        head.push_str(&format!("{name}: {value}\n"));
    }
    [head.as_bytes(), b"\n", &request.body].concat()
}

fn delivery(source: &str, input: &[u8]) -> Delivery {
    let cut = input.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = cut.map_or((&b""[..], input), |at| (&input[..at], &input[at + 2..]));
    let head = String::from_utf8_lossy(head);
    let headers: Vec<(String, String)> =
        head.lines().filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let content_type = headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.clone());
    let body = bytes::Bytes::copy_from_slice(body);
    Delivery { source: source.parse().expect("source"), content_type, file_name: None, headers, body }
}

/// The site's settings, with or without its secrets.
fn gate(keys: &Keys, with_secrets: bool) -> Gate {
    let named =
        |columns: &[(&str, &str)]| columns.iter().map(|(field, column)| ((*field).to_owned(), (*column).to_owned())).collect::<BTreeMap<_, _>>();
    let accuris = named(&[
        ("mpn", "Matched Part Number"),
        ("manufacturer", "Imported Manufacturer Name"),
        ("status", "Part status"),
        ("notice_id", "Smart Alert ID"),
    ]);
    let z2data = named(&[("mpn", "MPN"), ("status", "Lifecycle Status"), ("notice_id", "PCN Number"), ("last_time_buy", "Last Time Buy Date")]);
    let certificate = include_bytes!("sns/SimpleNotificationService-test.pem").to_vec();
    let secrets = keys.secrets().into_iter().filter(|_| with_secrets).map(|(source, secret)| (source.to_owned(), secret)).collect();
    Gate::new(Settings {
        secrets,
        tolerance_s: 300,
        mandrill_url: signing::MANDRILL_URL.to_owned(),
        ses_topics: if with_secrets { vec![signing::TOPIC.to_owned()] } else { Vec::new() },
        ses_certificates: if with_secrets { vec![("SimpleNotificationService-test.pem".to_owned(), certificate)] } else { Vec::new() },
        confirms_subscriptions: true,
        cloudevents_batches: true,
        columns: [("accuris", accuris), ("z2data", z2data)]
            .into_iter()
            .map(|(source, named)| (source.to_owned(), Columns::of(source, &named).expect("columns")))
            .collect(),
    })
    .expect("gate")
}

fn is_sound(arrival: &Arrival) -> bool {
    let is_clean = |text: &str| !text.contains(|c: char| c.is_control());
    arrival.headers.len() <= limits::HEADERS_KEPT_MAX
        && arrival.headers.iter().all(|(name, value)| is_clean(name) && is_clean(value) && value.len() <= limits::HEADER_VALUE_BYTES_MAX)
        && is_clean(&arrival.content_type)
        && !arrival.body.is_empty()
}

/// What a sentence about a delivery may be: short, one line, of what it repeats only a little.
fn is_a_sentence(refusal: &Refusal) -> bool {
    let said = refusal.to_string();
    said.len() > 8 && said.len() < 600 && !said.contains(|c: char| c.is_control()) && (400..=503).contains(&refusal.status())
}

#[test]
fn every_sender_answers_to_damaged_deliveries() {
    let keys = Keys::new();
    let (open, locked) = (gate(&keys, false), gate(&keys, true));
    let (mut taken, mut refused, mut damaged_sources) = (0, 0, 0);
    for (at, manners) in MANNERS.iter().enumerate() {
        let source = manners.source;
        assert!(sources().contains(&source));
        let seeds = [keys.good(source, "PDN-1", NOW_S), keys.incomplete(source, NOW_S)].iter().map(input).collect();
        let mut corpus = Corpus::new(&format!("senders/{source}"), seeds);
        for round in 0..rounds(400, 20_000) {
            let damaged = corpus.next(&mut Chance::of(at, round));
            for gate in [&open, &locked] {
                let answer = guarded(source, &damaged, || receive(delivery(source, &damaged), By::Network(gate), NOW_S * 1000));
                let said = match &answer {
                    Ok(received) => {
                        taken += 1;
                        assert!(
                            received.arrivals.len() <= limits::EVENTS_A_DELIVERY_MAX + 1 && received.arrivals.iter().all(is_sound),
                            "{source}, round {round}"
                        );
                        assert!(received.refusal.iter().all(is_a_sentence), "{source}, round {round}: {:?}", received.refusal);
                        let quarantined = |arrival: &Arrival| arrival.ignored.as_deref().is_some_and(|why| why.starts_with(QUARANTINED));
                        assert!(received.refusal.is_none() || received.arrivals.iter().all(quarantined), "{source}, round {round}");
                        received.refusal.as_ref().map_or_else(|| format!("taken {}", received.arrivals.len()), ToString::to_string)
                    }
                    Err(refusal) => {
                        refused += 1;
                        assert!(is_a_sentence(refusal), "{source}, round {round}: {refusal}");
                        refusal.to_string()
                    }
                };
                // The same bytes are answered the same, with the same keys.
                let again = receive(delivery(source, &damaged), By::Network(gate), NOW_S * 1000);
                let keys = |answer: &Result<lastbuy::intake::Received, Refusal>| {
                    answer
                        .as_ref()
                        .map(|received| received.arrivals.iter().map(|arrival| arrival.dedupe_key).collect::<Vec<_>>())
                        .map_err(ToString::to_string)
                };
                assert_eq!(keys(&answer), keys(&again), "{source}, round {round}");
                corpus.note(&damaged, &said);
            }
        }
        damaged_sources += 1;
        println!("{source}: {} inputs in the corpus", corpus.len());
    }
    assert_eq!(damaged_sources, MANNERS.len());
    assert!(taken > 1000 && refused > 1000, "{taken} taken, {refused} refused");
}

/// Where the signature covers the body, no changed byte of it passes.
#[test]
fn no_changed_byte_of_a_signed_body_passes() {
    let keys = Keys::new();
    let locked = gate(&keys, true);
    let mut tried = 0;
    for (at, source) in
        ["sendgrid", "standard-webhooks", "cloudevents", "siliconexpert", "generic", "email", "accuris", "z2data"].into_iter().enumerate()
    {
        let good = keys.good(source, "PDN-1", NOW_S);
        for round in 0..rounds(100, 5000) {
            let mut chance = Chance::of(at, round);
            let mut body = good.body.clone();
            let place = chance.below(body.len());
            body[place] ^= 1 << chance.below(8);
            let changed = input(&Request { body, ..good.clone() });
            let answer = receive(delivery(source, &changed), By::Network(&locked), NOW_S * 1000);
            assert_eq!(answer.map(|received| received.arrivals.len()).map_err(|refusal| refusal.status()), Err(401), "{source}, byte {place}");
            tried += 1;
        }
    }
    assert!(tried >= 800);
}
