//! What becomes of a delivery's content: the mail that is kept, several in one delivery, what is ignored, and what a person does with the quarantine.

use serde_json::{Value, json};

use super::{
    Site, common,
    request::{Field, Request, multipart, post},
    signing::{Keys, TOPIC, cloudmailin, event, mail, notice, now_s},
};

/// The bytes of an event.
fn raw(site: &Site, said: &Value) -> String {
    let id = said["event_id"].as_str().unwrap_or_else(|| panic!("no event in {said}"));
    common::ok(common::lastbuy(site.dir.path()).args(["events", "raw", id]))
}

/// The text of an event as it is read, after base64 and charsets.
fn read(site: &Site, said: &Value) -> String {
    let extractor = lastbuy::document::Extractor::new(lastbuy::child::Program::at(env!("CARGO_BIN_EXE_lastbuy")));
    let bytes = raw(site, said).into_bytes();
    let input = lastbuy::document::Input { source: "sendgrid", content_type: "message/rfc822", file_name: None, bytes: &bytes };
    extractor.extract(&input).expect("a document").text
}

#[test]
fn a_parsed_mail_of_sendgrid_is_put_together_again_each_field_in_its_charset() {
    let site = Site::start();
    let text = "Größe: AX100-3 läuft aus.".chars().map(|c| c as u32 as u8).collect::<Vec<u8>>();
    // In code page 850, ü is 0x81.
    let subject = b"Abk\x81ndigung PDN-7";
    let head = b"Message-ID: <7@acme.example>\r\nContent-Type: multipart/mixed; boundary=x\r\nReceived: by a\r\n\tid 7\r\n";
    let charsets = br#"{"to":"UTF-8","text":"iso-8859-1","subject":"cp850","filename":"UTF-8"}"#;
    let info = r#"{"attachment1":{"filename":"parts.txt","name":"Stückliste.txt","type":"text/plain"}}"#;
    // The file comes before the fields that describe it.
    let form = multipart(&[
        ("attachment1", Some(("parts.txt", "text/plain")), b"AX100-4 ends, too."),
        ("headers", None, head),
        ("subject", None, subject),
        ("from", None, b"pcn@acme.example"),
        ("text", None, &text),
        ("charsets", None, charsets),
        ("attachments", None, b"1"),
        ("attachment-info", None, info.as_bytes()),
        ("envelope", None, br#"{"to":["pcn@plant.example"],"from":"bounce@acme.example"}"#),
    ]);
    let (status, said) = post(&site.server, &site.keys.sendgrid(form, now_s()));
    assert_eq!(status, 200, "{said}");
    let read = read(&site, &said);
    for words in ["Abkündigung PDN-7", "Größe: AX100-3 läuft aus.", "AX100-4 ends, too."] {
        assert!(read.contains(words), "'{words}' is not in:\n{read}");
    }
    let kept = raw(&site, &said);
    assert!(kept.contains("Received: by a\r\n id 7\r\n") && !kept.contains("boundary=x"), "{kept}");
    assert!(site.events()[0].to_string().contains("bounce@acme.example"));
    // One attachment fewer than announced is no mail to rely on.
    let (status, said) =
        post(&site.server, &site.keys.sendgrid(multipart(&[("headers", None, head), ("text", None, b"x"), ("attachments", None, b"2")]), now_s()));
    assert!(status == 200 && said["quarantined"].as_str().is_some_and(|why| why.contains("announces 2 attachments")), "{status} {said}");
}

#[test]
fn a_token_of_mailgun_is_good_for_one_mail_also_after_a_restart() {
    let mut site = Site::start();
    let (one, other) = (mail("PDN-1"), mail("PDN-2"));
    let signed = |body: &str| site.keys.mailgun(&[("body-mime", None, body.as_bytes())], "token-7", now_s());
    let (first, forged) = (signed(&one), signed(&other));
    assert_eq!(post(&site.server, &first).0, 200);
    let (status, said) = post(&site.server, &forged);
    assert_eq!((status, said["code"].as_str()), (406, Some("replayed")), "{said}");
    site.server.kill();
    site.server = super::Server::start(site.dir.path());
    assert_eq!(post(&site.server, &forged).0, 406);
    let (status, said) = post(&site.server, &first);
    assert_eq!((status, &said["duplicate"]), (200, &Value::Bool(true)));
    // The parsed form: names that differ by case only, and an attachment that was stored and not sent.
    let form: [Field<'_>; 7] = [
        ("from", None, b"pcn@acme.example"),
        ("From", None, b"Acme <pcn@acme.example>"),
        ("subject", None, b"PDN-3"),
        ("body-plain", None, b"Acme ends AX100-3."),
        ("message-headers", None, br#"[["Message-Id","<3@acme.example>"],["Subject","PDN-3"],["Received","by a"],["Received","by b"]]"#),
        ("attachments", None, br#"[{"name":"parts.pdf","url":"https://storage.example/1","size":5,"content-type":"application/pdf"}]"#),
        ("attachment-1", Some(("parts.txt", "text/plain")), b"AX100-4"),
    ];
    let (status, said) = post(&site.server, &site.keys.mailgun(&form, "token-8", now_s()));
    assert_eq!(status, 200, "{said}");
    let read = read(&site, &said);
    for words in ["Subject: PDN-3", "Acme ends AX100-3.", "AX100-4", "parts.pdf at https://storage.example/1"] {
        assert!(read.contains(words), "'{words}' is not in:\n{read}");
    }
    // An event webhook is no inbound mail, and is not signed as one.
    let request =
        Request { source: "mailgun", content_type: "application/json".to_owned(), headers: Vec::new(), body: b"{\"event-data\":{}}".to_vec() };
    assert_eq!(post(&site.server, &request).0, 401);
}

#[test]
fn postmark_and_cloudmailin_are_put_together_too() {
    let site = Site::start();
    let postmark = json!({
        "MessageID": "uuid", "From": "pcn@acme.example", "To": "pcn@plant.example", "Subject": "PDN-4", "Date": "Mon, 5 Oct 2026 10:00:00 +0200",
        "TextBody": "Acme ends AX100-3.", "HtmlBody": "<p>Acme ends <b>AX100-3</b>.</p>", "Headers": [{ "Name": "Message-ID", "Value": "<4@acme.example>" }],
        "Attachments": [{ "Name": "a.txt", "Content": "QVgxMDAtNA==", "ContentType": "text/plain" }, { "Name": "b.txt", "Data": "QVgxMDAtNQ==", "ContentType": "text/plain" }],
    });
    let (status, said) = post(&site.server, &site.keys.vouched("postmark", &postmark));
    assert_eq!(status, 200, "{said}");
    let text = read(&site, &said);
    for words in ["Subject: PDN-4", "Acme ends AX100-3.", "AX100-4", "AX100-5"] {
        assert!(text.contains(words), "'{words}' is not in:\n{text}");
    }
    let mut with_url = cloudmailin("PDN-5");
    with_url["attachments"] = json!([{ "file_name": "parts.pdf", "url": "https://s3.example/1" }, { "file_name": "c.txt", "content": "QVgxMDAtNg==", "content_type": "text/plain" }]);
    let (status, said) = post(&site.server, &site.keys.vouched("cloudmailin", &with_url));
    assert_eq!(status, 200, "{said}");
    let text = read(&site, &said);
    for words in ["Subject: Product discontinuance", "AX100-6", "parts.pdf at https://s3.example/1"] {
        assert!(text.contains(words), "'{words}' is not in:\n{text}");
    }
}

#[test]
fn several_in_one_delivery_are_several_events_and_what_is_no_mail_is_ignored() {
    let site = Site::start();
    let inbound = |id: &str| json!({ "event": "inbound", "msg": { "raw_msg": mail(id) } });
    let request = site.keys.mandrill(&json!([inbound("PDN-1"), { "event": "spam", "msg": {} }, inbound("PDN-2")]));
    let (status, said) = post(&site.server, &request);
    assert_eq!((status, said["events"].as_array().map(Vec::len)), (200, Some(3)), "{said}");
    assert_eq!(said["events"][1]["job_id"], Value::Null);
    let (_, again) = post(&site.server, &request);
    assert!(again["events"].as_array().expect("events").iter().all(|event| event["duplicate"] == Value::Bool(true)), "{again}");
    // Mandrill looks whether an address is there, and tests it with an empty delivery.
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let probe = |source: &str| agent.head(format!("{}/v1/hooks/{source}", site.server.url)).call().expect("an answer").status().as_u16();
    assert_eq!((probe("mandrill"), probe("telex")), (200, 404));
    assert_eq!(post(&site.server, &site.keys.mandrill(&json!([]))), (200, json!({ "events": [] })));

    let batch = |events: &Value, id: &str| site.keys.webhook("cloudevents", "application/cloudevents-batch+json", events, id, now_s());
    let (status, said) = post(&site.server, &batch(&json!([event("1"), event("2")]), "batch"));
    assert_eq!((status, said["events"].as_array().map(Vec::len)), (202, Some(2)), "{said}");
    let (status, again) = post(&site.server, &batch(&json!([event("2")]), "other"));
    assert_eq!((status, &again["event_id"]), (202, &said["events"][1]["event_id"]), "an event of a batch is known by its id: {again}");
    assert_eq!(post(&site.server, &batch(&json!([event("3"), {}]), "bad")).0, 400);
}

#[test]
fn sns_is_believed_with_its_certificate_only_and_its_questions_wait_for_a_person() {
    let site = Site::start();
    let stamp = jiff::Timestamp::from_second(now_s()).expect("time").to_string();
    let fields = [
        ("Message", "Confirm?"),
        ("MessageId", "s-1"),
        ("SubscribeURL", "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription"),
        ("Timestamp", &stamp),
        ("Token", "t"),
        ("TopicArn", TOPIC),
        ("Type", "SubscriptionConfirmation"),
    ];
    let confirmation = site.keys.sns_of(&fields, "2");
    let (status, said) = post(&site.server, &confirmation);
    assert_eq!(status, 200, "{said}");
    assert!(said["quarantined"].as_str().is_some_and(|why| why.contains("ConfirmSubscription")), "{said}");
    let changed = |from: &str, to: &str| Request {
        body: String::from_utf8(confirmation.body.clone()).expect("JSON").replace(from, to).into_bytes(),
        ..confirmation.clone()
    };
    for (from, to, status) in [
        ("Confirm?", "Confirm!", 403),
        (TOPIC, "arn:aws:sns:eu-central-1:999999999999:pcn", 403),
        ("https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-test.pem", "https://evil.example/SimpleNotificationService-test.pem", 403),
        // Signed with a certificate that was not fetched yet: not lost.
        ("SimpleNotificationService-test.pem", "SimpleNotificationService-next.pem", 503),
        ("\"SignatureVersion\":\"2\"", "\"SignatureVersion\":\"1\"", 403),
        ("\"SignatureVersion\":\"2\"", "\"SignatureVersion\":\"3\"", 403),
    ] {
        assert_eq!(post(&site.server, &changed(from, to)).0, status, "{to}");
    }
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, mail("PDN-8"));
    let message = json!({ "notificationType": "Received", "content": encoded, "mail": {}, "receipt": { "action": { "encoding": "BASE64" } } });
    let (_, said) = post(&site.server, &site.keys.sns(&message.to_string(), "8", now_s()));
    assert_eq!(raw(&site, &said), mail("PDN-8"));
    let (status, said) = post(&site.server, &site.keys.sns(r#"{"notificationType":"Bounce"}"#, "9", now_s()));
    assert_eq!((status, &said["job_id"]), (200, &Value::Null));
}

#[test]
fn a_person_releases_or_drops_what_lies_in_quarantine() {
    let site = Site::start();
    for number in 0..2 {
        let message = json!({ "MessageID": format!("uuid-{number}"), "From": "pcn@acme.example" });
        assert_eq!(post(&site.server, &site.keys.vouched("postmark", &message)).0, 403);
    }
    // The same again is the same.
    assert_eq!(post(&site.server, &site.keys.vouched("postmark", &json!({ "MessageID": "uuid-0", "From": "pcn@acme.example" }))).0, 403);
    assert_eq!(site.quarantine().len(), 2);
    let run = |words: &[&str]| common::lastbuy(site.dir.path()).args(["quarantine"]).args(words).output().expect("run");
    let released = run(&["release", "E-1"]);
    assert!(released.status.success(), "{}", common::said(&released));
    assert!(run(&["drop", "E-2", "--reason", "a test of Postmark"]).status.success());
    assert!(site.quarantine().is_empty());
    for words in [&["release", "E-1"][..], &["drop", "E-2", "--reason", "again"], &["release", "E-99"]] {
        assert!(!run(words).status.success(), "{words:?}");
    }
    let jobs = site.server.get("/v1/jobs").1["items"].as_array().expect("items").clone();
    assert_eq!(jobs.len(), 2);
    assert!(jobs.iter().any(|job| job["state"]["cancelled"]["reason"] == json!("a test of Postmark")), "{jobs:?}");
}

#[test]
fn cloudevents_senders_may_ask_first_and_put_their_token_into_the_address() {
    let site = Site::start();
    let ask = |origin: &str| {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let answer =
            agent.options(format!("{}/v1/hooks/cloudevents", site.server.url)).header("webhook-request-origin", origin).call().expect("an answer");
        let of = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        (answer.status().as_u16(), of("webhook-allowed-origin"), of("webhook-allowed-rate"), of("allow"))
    };
    assert_eq!(ask("plm.example"), (200, Some("plm.example".to_owned()), Some("6000".to_owned()), Some("POST".to_owned())));
    assert_eq!(ask("evil.example").0, 405);
    let whsec = site.keys.secrets().into_iter().find(|(source, _)| *source == "cloudevents").expect("secret").1;
    let path = format!("/v1/hooks/cloudevents?access_token={whsec}");
    assert_eq!(site.server.post(&path, "application/cloudevents+json", event("7").to_string().as_bytes()).0, 202);
    assert_eq!(
        site.server.post("/v1/hooks/cloudevents?access_token=wrong", "application/cloudevents+json", event("8").to_string().as_bytes()).0,
        401
    );
    // Nobody who knows another secret is let in.
    let (status, _) = post(&site.server, &Keys::new().webhook("generic", "application/json", &notice("1"), "1", now_s()));
    assert_eq!(status, 401);
}

#[test]
fn standard_webhooks_signed_with_a_private_key() {
    let site = Site::start();
    let now = now_s();
    let message = |id: &str| json!({ "type": "part.discontinued", "timestamp": "2026-10-05T08:00:00Z", "data": notice(id) });
    let good = site.keys.signed_by_private_key(&message("N-1"), "1", now);
    // Another key's signature, one over another body, id or time, and no v1a at all.
    let mut changed = vec![Keys::new().signed_by_private_key(&message("N-1"), "1", now)];
    changed.push(Request { body: message("N-2").to_string().into_bytes(), ..good.clone() });
    for (name, value) in
        [("webhook-id", "msg_2".to_owned()), ("webhook-timestamp", (now + 1).to_string()), ("webhook-signature", "v1a,AAAA".to_owned())]
    {
        let mut request = good.clone();
        request.headers.iter_mut().filter(|(of, _)| *of == name).for_each(|header| header.1.clone_from(&value));
        changed.push(request);
    }
    // What is v1a may not be taken for v1.
    let mut as_v1 = good.clone();
    as_v1.headers.iter_mut().for_each(|header| header.1 = header.1.replace("v1a,", "v1,"));
    changed.push(as_v1);
    for request in &changed {
        let (status, said) = post(&site.server, request);
        assert_eq!((status, &said["code"]), (401, &json!("unauthorised")), "{:?}: {said}", request.headers);
    }
    for at in [now - 400, now + 400] {
        let (status, said) = post(&site.server, &site.keys.signed_by_private_key(&message("N-1"), "1", at));
        assert_eq!((status, &said["code"]), (401, &json!("stale_signature")), "{said}");
    }
    assert!(site.events().is_empty());
    let (status, said) = post(&site.server, &good);
    assert_eq!((status, &said["duplicate"]), (202, &json!(false)), "{said}");
    for again in [&good, &site.keys.signed_by_private_key(&message("N-1"), "1", now + 2)] {
        let (status, repeated) = post(&site.server, again);
        assert_eq!((status, &repeated["duplicate"], &repeated["event_id"]), (202, &json!(true), &said["event_id"]), "{repeated}");
    }
}
