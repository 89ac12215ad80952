use super::*;

/// The one arrival of a delivery from a sender.
fn receive(delivery: Delivery, gate: &Gate, now_ms: i64) -> Result<Arrival, Refusal> {
    let mut received = super::receive(delivery, By::Network(gate), now_ms)?;
    match received.refusal {
        Some(refusal) => Err(refusal),
        None => Ok(received.arrivals.remove(0)),
    }
}

fn delivery(source: &str, content_type: &str, body: &[u8]) -> Delivery {
    Delivery {
        source: source.parse().expect("source"),
        content_type: (!content_type.is_empty()).then(|| content_type.to_owned()),
        file_name: None,
        headers: Vec::new(),
        body: Bytes::copy_from_slice(body),
    }
}

fn json(source: &str, body: &str) -> Result<Arrival, Refusal> {
    receive(delivery(source, "application/json; charset=UTF-8", body.as_bytes()), &Gate::default(), 0)
}

#[track_caller]
fn refused(result: Result<Arrival, Refusal>, code: &str, says: &str) {
    let refusal = result.expect_err("must be refused");
    assert_eq!(refusal.code(), code, "{refusal}");
    assert!(refusal.to_string().contains(says), "'{refusal}' does not say '{says}'");
}

/// One good body of each JSON source.
const GOOD: [(&str, &str); 8] = [
    (
        "siliconexpert",
        r#"{"Status":{"Code":"0","Success":"true"},"Result":{"PCNData":{"ReqPartNumber":"AX100-3","PCNDto":[{"PCNNumber":"N1","Manufacturer":"Acme","LastTimeBuyDate":""}]}}}"#,
    ),
    ("email", r#"{"subject":"PDN","text":"Acme ends AX100-3.","from":"pcn@acme.example"}"#),
    ("cloudevents", r#"{"specversion":"1.0","id":"1","source":"/plm","type":"pdn","data":{"notice_type":"PDN","affected_parts":["AX100-3"]}}"#),
    ("generic", r#"{"notice_type":"PDN","affected_parts":["AX100-3"],"last_time_buy":"2027-03-31","replacements":{"AX100-3":null},"extra":[1]}"#),
    ("commercial-radar", r#"{"alert_type":"pdn","mpn":"AX100-3","manufacturer":"Acme"}"#),
    ("inbound-email", r#"{"subject":"PDN","text":"Acme ends AX100-3."}"#),
    ("component-alert", r#"{"source_platform":"accuris","manufacturer_code":"ACME","part_number":"AX100-3","lifecycle_status":"EOL"}"#),
    ("email-forward", r#"{"sender_domain":"acme.example","subject_line":"PDN","body_content":"Acme ends AX100-3.","attachment_metadata":{"n":0}}"#),
];

/// Tested by themselves.
const SENDERS: [&str; 9] = ["standard-webhooks", "accuris", "z2data", "sendgrid", "mailgun", "postmark", "ses", "mandrill", "cloudmailin"];

#[test]
fn takes_one_good_body_of_each_source() {
    for (source, body) in GOOD {
        let arrival = json(source, body).unwrap_or_else(|refusal| panic!("{source}: {refusal}"));
        assert_eq!((arrival.content_type.as_str(), arrival.ignored), ("application/json", None));
        assert_eq!(arrival.body, body.as_bytes());
    }
    let names: Vec<&str> = GOOD.iter().map(|(source, _)| *source).chain(["file", "inbox"]).chain(SENDERS).collect();
    assert_eq!(sources().iter().collect::<std::collections::BTreeSet<_>>(), names.iter().collect());
}

#[test]
fn every_required_key_is_missed_by_name() {
    for (source, body) in GOOD.into_iter().filter(|(source, _)| *source != "siliconexpert") {
        let whole: serde_json::Value = serde_json::from_str(body).expect("JSON");
        let mut missed = 0;
        for key in whole.as_object().expect("object").keys() {
            for replaced in [None, Some(serde_json::Value::Null)] {
                let mut part = whole.clone();
                match replaced {
                    None => _ = part.as_object_mut().expect("object").shift_remove(key),
                    Some(null) => part[key] = null,
                }
                if let Err(refusal) = json(source, &part.to_string()) {
                    assert_eq!(refusal.status(), 400);
                    assert!(refusal.to_string().contains(&format!("'{key}'")), "{source} without {key}: {refusal}");
                    missed += 1;
                }
            }
        }
        assert!(missed >= 4, "{source} needs fewer than two keys");
    }
}

#[test]
fn types_are_checked_with_their_path() {
    refused(
        json("generic", r#"{"notice_type":"PDN","affected_parts":["A",7]}"#),
        "malformed_body",
        "$.affected_parts[1] must be a string, not a number",
    );
    refused(json("generic", r#"{"notice_type":"EOL","affected_parts":[]}"#), "malformed_body", "$.notice_type must be one of PDN");
    refused(json("generic", r#"{"notice_type":"PDN","affected_parts":[],"last_time_buy":"2027-02-30"}"#), "malformed_body", "$.last_time_buy");
    refused(json("generic", r#"{"notice_type":"PDN","affected_parts":[],"replacements":{"A":[]}}"#), "malformed_body", "$.replacements.A");
    refused(
        json("email", r#"{"subject":"s","text":"t","attachments":[{"filename":"n.pdf","content":"%%%"}]}"#),
        "malformed_body",
        "$.attachments[0].content",
    );
    refused(
        json("component-alert", r#"{"source_platform":"fax","manufacturer_code":"A","part_number":"B","lifecycle_status":"C"}"#),
        "malformed_body",
        "accuris",
    );
    refused(json("generic", "[]"), "malformed_body", "$ must be an object, not an array");
}

#[test]
fn siliconexpert_collapses_and_fails() {
    for body in [
        r#"{"Result":{"PCNData":{"PCNDto":{"PCNNumber":"N1"}}}}"#,
        r#"{"Results":{"ResultDto":[{"RequestedComID":"12","SummaryData":{"PartNumber":"AX100-3"},"PCNDetails":{"PCNDto":[]}}]}}"#,
        r#"{"Results":{"ResultDto":{"SummaryData":{"PartNumber":"AX100-3","Key":{"Not":"Known"}}}}}"#,
        r#"{"PCNNumber":"N1","PCNId":9003655970}"#,
        r#"[{"PCNNumber":"N1"},{"PCNNumber":"N2"}]"#,
    ] {
        json("siliconexpert", body).unwrap_or_else(|refusal| panic!("{body}: {refusal}"));
    }
    let xml = "<ServiceResult><Status><Code>0</Code><Success>true</Success></Status><Result><PCNData><ReqPartNumber>AX100-3</ReqPartNumber><PCNDto><PCNNumber>N1</PCNNumber><LastTimeBuyDate/></PCNDto></PCNData></Result></ServiceResult>";
    for content_type in ["application/xml", "text/xml; charset=utf-8", "application/octet-stream"] {
        let arrival = receive(delivery("siliconexpert", content_type, xml.as_bytes()), &Gate::default(), 0).expect("XML");
        assert_eq!(arrival.content_type, "application/json");
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&arrival.body).expect("JSON")["Result"],
            serde_json::json!({"PCNData": {"ReqPartNumber": "AX100-3", "PCNDto": {"PCNNumber": "N1", "LastTimeBuyDate": ""}}})
        );
    }
    refused(
        receive(
            delivery("siliconexpert", "text/xml", b"<ServiceResult><Status><Success>false</Success></Status></ServiceResult>"),
            &Gate::default(),
            0,
        ),
        "malformed_body",
        "failed",
    );
    refused(json("siliconexpert", r#"{"Status":{"Code":"39","Success":"false"}}"#), "malformed_body", "code 39");
    refused(json("siliconexpert", "{}"), "malformed_body", "no record");
    refused(json("siliconexpert", r#"{"Result":{"PCNData":{"PCNDto":[]}}}"#), "malformed_body", "no record");
    refused(json("siliconexpert", r#"{"PCNNumber":"N1","LastTimeBuyDate":20270331}"#), "malformed_body", "$.LastTimeBuyDate must be a string");
    refused(json("siliconexpert", r#"{"Result":{"PCNData":"none"}}"#), "malformed_body", "$.Result.PCNData must be an array or an object");
}

#[test]
fn an_alert_that_ends_nothing_is_kept_but_not_worked_on() {
    let arrival = json("commercial-radar", r#"{"alert_type":"PCN","mpn":"A","manufacturer":"B"}"#).expect("taken");
    assert_eq!(arrival.ignored.as_deref(), Some("an alert of type 'PCN' is no discontinuance"));
}

#[test]
fn types_sizes_and_names_have_their_own_codes() {
    let none = Gate::default();
    refused(receive(delivery("generic", "image/png", b"{}"), &none, 0), "wrong_content_type", "image/png");
    refused(receive(delivery("generic", "", b"{}"), &none, 0), "wrong_content_type", "no Content-Type");
    refused(receive(delivery("generic", "application/json; charset=utf-16", b"{}"), &none, 0), "wrong_content_type", "utf-16");
    refused(receive(delivery("generic", "json", b"{}"), &none, 0), "wrong_content_type", "not a media type");
    refused(receive(delivery("email", "text/html", b"<p>"), &none, 0), "wrong_content_type", "message/rfc822");
    refused(receive(delivery("telex", "application/json", b"{}"), &none, 0), "unknown_source", "siliconexpert");
    refused(receive(delivery("file", "", b""), &none, 0), "malformed_body", "empty");
    let large = vec![b' '; limits::JSON_BODY_BYTES_MAX + 1];
    refused(receive(delivery("generic", "application/json", &large), &none, 0), "body_too_large", "at most");
    let mut packed = delivery("generic", "application/json", b"{}");
    packed.headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
    refused(receive(packed, &none, 0), "wrong_content_type", "compressed");
    assert!(receive(delivery("file", "", &large), &none, 0).is_ok());
}

#[test]
fn a_refusal_repeats_only_a_little_of_the_body() {
    let secret = "S3CRET".repeat(200);
    for body in [
        format!(r#"{{"notice_type":"{secret}","affected_parts":[]}}"#),
        format!(r#"{{"notice_type":"PDN","affected_parts":[],"issue_date":"{secret}"}}"#),
        format!(r#"{{"notice_type":"PDN","affected_parts":[],"replacements":{{"{secret}":5}}}}"#),
        format!(r#"{{"a": "{secret}" "b"}}"#),
        format!(r#"{{"a": {secret}}}"#),
    ] {
        let sentence = json("generic", &body).expect_err("refused").to_string();
        assert!(sentence.len() < 200 && !sentence.contains(&secret[..40]), "{sentence}");
    }
}

#[test]
fn one_cloudevent_has_one_key_in_either_mode() {
    let structured = json("cloudevents", GOOD[2].1).expect("structured");
    let mut binary = delivery("cloudevents", "text/plain", b"Acme ends AX100-3.");
    for (name, value) in [("ce-id", "1"), ("ce-source", "%2Fplm"), ("ce-type", "pdn"), ("ce-specversion", "1.0")] {
        binary.headers.push((name.to_owned(), value.to_owned()));
    }
    let arrival = receive(binary.clone(), &Gate::default(), 0).expect("binary");
    assert_eq!(arrival.dedupe_key, structured.dedupe_key);
    assert_eq!((arrival.content_type.as_str(), arrival.headers.len()), ("text/plain", 4));
    for (header, value, says) in [("ce-id", "", "ce-id is empty"), ("ce-source", "%C0%A0", "UTF-8"), ("ce-specversion", "0.3", "1.0")] {
        let mut changed = binary.clone();
        changed.headers.iter_mut().filter(|(name, _)| name == header).for_each(|field| field.1 = value.to_owned());
        refused(receive(changed, &Gate::default(), 0), "malformed_body", says);
    }
    let mut doubled = binary.clone();
    doubled.headers.push(("ce-datacontenttype".to_owned(), "text/plain".to_owned()));
    refused(receive(doubled, &Gate::default(), 0), "malformed_body", "ce-datacontenttype");
    binary.headers.clear();
    refused(receive(binary, &Gate::default(), 0), "wrong_content_type", "ce-id");
    let batch = delivery("cloudevents", "application/CloudEvents-batch+json", b"[]");
    refused(receive(batch, &Gate::default(), 0), "wrong_content_type", "batches");
    refused(
        json("cloudevents", r#"{"specversion":"1.0","id":"1","source":"/","type":"t","data":1,"data_base64":"AA=="}"#),
        "malformed_body",
        "beside",
    );
}

#[test]
fn the_same_mail_by_another_relay_has_the_same_key() {
    let none = Gate::default();
    let mail =
        |head: &str, body: &str| receive(delivery("email", "message/rfc822", format!("{head}\r\n\r\n{body}").as_bytes()), &none, 0).expect("mail");
    let one = mail("From: a@b.example\r\nMessage-ID:\r\n <1@b.example>\r\nSubject: PDN", "text");
    let other = mail("Received: by c.example\r\nmessage-id: <1@b.example>\r\nFrom: a@b.example", "text");
    assert_eq!(one.dedupe_key, other.dedupe_key);
    assert_ne!(one.dedupe_key, mail("From: a@b.example\r\nMessage-ID: <1@b.example>", "other text").dedupe_key);
    // Without an id only the bytes tell.
    assert_ne!(mail("From: a@b.example", "text").dedupe_key, mail("From: c@b.example", "text").dedupe_key);
    refused(receive(delivery("email", "message/rfc822", b"Dear customer,\r\n"), &none, 0), "malformed_body", "no mail");
    refused(receive(delivery("email", "message/rfc822", b"Part: AX100-3\r\n\r\n"), &none, 0), "malformed_body", "no mail");
    let relayed =
        |more: &str| json("email", &format!(r#"{{"message_id":"<1@b>","subject":"PDN","text":"Acme ends AX100-3."{more}}}"#)).expect("mail");
    assert_eq!(relayed("").dedupe_key, relayed(r#","received_at":5"#).dedupe_key);
}

#[test]
fn a_source_with_a_secret_wants_it() {
    let secrets = [("generic".to_owned(), "open sesame".to_owned())].into();
    let secrets = Gate::new(Settings { secrets, tolerance_s: 300, ..Settings::default() }).expect("secret");
    refused(receive(delivery("generic", "application/json", GOOD[3].1.as_bytes()), &secrets, 0), "unauthorised", "webhook-id");
    let mut vouched = delivery("generic", "application/json", GOOD[3].1.as_bytes());
    vouched.headers.push(("authorization".to_owned(), "Bearer open sesame".to_owned()));
    let arrival = receive(vouched, &secrets, 0).expect("taken");
    assert!(arrival.headers.is_empty(), "the token was kept");
    assert!(receive(delivery("email", "application/json", GOOD[1].1.as_bytes()), &secrets, 0).is_ok(), "another source has no secret");
}

proptest::proptest! {
    /// Whatever comes, there is an answer; what is taken is kept as it came.
    #[test]
    fn any_bytes_get_an_answer(
        source in proptest::sample::select(sources()),
        content_type in proptest::sample::select(&["application/json", "message/rfc822", "multipart/form-data; boundary=b", "application/x-www-form-urlencoded", "application/octet-stream", "text/plain", "x", ""][..]),
        body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
    ) {
        if let Ok(received) = super::receive(delivery(source, content_type, &body), By::Network(&Gate::default()), 0) {
            let is_sender = SENDERS.contains(&source);
            proptest::prop_assert!(is_sender || received.arrivals.iter().all(|arrival| arrival.body == body[..]));
            proptest::prop_assert!(received.refusal.is_none() || received.arrivals.len() == 1 && received.arrivals[0].body == body[..]);
        }
    }

    /// Forms of pieces that forms are made of: always an answer, and what is refused is kept as it came.
    #[test]
    fn any_form_gets_an_answer(
        source in proptest::sample::select(&["sendgrid", "mailgun", "mandrill", "cloudmailin"][..]),
        pieces in proptest::collection::vec(proptest::sample::select(&["--b\r\n", "--b--\r\n", "\r\n", "\r\n\r\n", "Content-Disposition: form-data; name=\"", "headers", "text", "email", "body-mime", "plain", "message",
            "attachment1", "\"", "; filename=\"x\"", "Content-Type: text/plain", "Subject: a", "mandrill_events", "[{\"event\":\"inbound\"}]", "\0"][..]), 0..40),
    ) {
        let body = pieces.concat();
        if let Ok(received) = super::receive(delivery(source, "multipart/form-data; boundary=b", body.as_bytes()), By::Network(&Gate::default()), 0) {
            proptest::prop_assert!(received.refusal.is_none() || received.arrivals[0].body == body.as_bytes());
        }
    }

    /// Good bodies with one byte changed: never a panic, never a word of the body beyond a few characters.
    #[test]
    fn a_changed_byte_gets_an_answer(which in 0..GOOD.len(), at in 0_usize..400, byte: u8) {
        let (source, body) = GOOD[which];
        let mut bytes = body.as_bytes().to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Err(refusal) = receive(delivery(source, "application/json", &bytes), &Gate::default(), 0) {
            proptest::prop_assert!(refusal.to_string().len() < 300);
        }
    }
}
