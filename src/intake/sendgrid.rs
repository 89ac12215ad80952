//! `sendgrid`: Twilio SendGrid Inbound Parse, parsed and raw ("POST the raw, full MIME message"). Signed deliveries carry an ECDSA signature over timestamp and
//! body; OAuth ones a bearer token; older ones Basic credentials in the address.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    Delivery, Refusal, Settings, Taken,
    compose::{Attachment, Unpacked},
    form::{Field, Form},
    gate::{Credential, Proof, age},
    mails, signature,
};
use crate::limits;

const SIGNATURE: &str = "x-twilio-email-event-webhook-signature";
const TIMESTAMP: &str = "x-twilio-email-event-webhook-timestamp";

pub(super) fn verify(delivery: &Delivery, credentials: &[Credential], settings: &Settings, now_ms: i64) -> Result<Proof, Refusal> {
    let keys = credentials.iter().filter_map(|credential| if let Credential::P256(key) = credential { Some(key) } else { None });
    if let (Some(signature), Some(timestamp)) = (delivery.header(SIGNATURE), delivery.header(TIMESTAMP)) {
        let signed = [timestamp.as_bytes(), &delivery.body].concat();
        let signature = STANDARD.decode(signature.trim()).unwrap_or_default();
        let verifies = |key: &Vec<u8>| {
            ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_ASN1, key).verify(&signed, &signature).is_ok()
        };
        if keys.into_iter().any(verifies) {
            // Whether a retry is signed anew is not documented, and it is retried for three days. A repeat within them is known by what it says.
            age(timestamp, now_ms, settings.tolerance_s + limits::SENDGRID_AGE_SECONDS_MAX)?;
            return Ok(Proof::signed());
        }
        return Err(Refusal::Unauthorised("the signature was not made with the key of this source".to_owned()));
    }
    signature::vouched(delivery, credentials)
}

pub(super) fn check(delivery: &Delivery, _: &Settings) -> Result<Vec<Taken>, Refusal> {
    let form = Form::of(delivery)?;
    let envelope = form.text("envelope").and_then(|text| serde_json::from_str::<Value>(&text).ok()).unwrap_or_default();
    let recipients: Vec<&str> = envelope["to"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let about = [
        ("envelope-from", envelope["from"].as_str().unwrap_or_default().to_owned()),
        ("envelope-to", recipients.join(", ")),
        ("sender-ip", text(&form, "sender_ip")),
        ("spf", text(&form, "SPF")),
        ("dkim", text(&form, "dkim")),
        ("spam-score", text(&form, "spam_score")),
    ];
    let mail = match (form.get("headers"), form.get("email")) {
        (Some(headers), _) => parsed(&form, headers)?,
        (None, Some(email)) => email.bytes.clone(),
        (None, None) => return Err(Refusal::Malformed("the form has neither 'headers' nor 'email': this is no mail of Inbound Parse".to_owned())),
    };
    Ok(vec![mails::taken(mail, &about)?])
}

fn text(form: &Form, name: &str) -> String {
    form.text(name).map(|text| text.into_owned()).unwrap_or_default()
}

fn parsed(form: &Form, headers: &Field) -> Result<bytes::Bytes, Refusal> {
    let charsets: BTreeMap<String, String> = form.text("charsets").and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let decoded = |name: &str| form.get(name).map(|field| decode(&field.bytes, charsets.get(name).map(String::as_str)));
    let mut mail = Unpacked::default();
    mail.head(&decode(&headers.bytes, charsets.get("headers").map(String::as_str)));
    for (name, field) in [("From", "from"), ("To", "to"), ("Subject", "subject")] {
        mail.field(name, &decoded(field).unwrap_or_default(), true);
    }
    (mail.text, mail.html) = (decoded("text"), decoded("html"));
    let told: Value = form.text("attachment-info").and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    for field in form.0.iter().filter(|field| field.name.strip_prefix("attachment").is_some_and(|number| number.parse::<u32>().is_ok())) {
        let told = &told[&field.name];
        let of = |key: &str| told[key].as_str().map(str::to_owned);
        mail.attachments.push(Attachment {
            name: of("name").or_else(|| field.file_name.clone()).or_else(|| of("filename")).unwrap_or_else(|| field.name.clone()),
            media_type: field.content_type.clone().or_else(|| of("type")).unwrap_or_default(),
            bytes: field.bytes.clone(),
        });
    }
    let announced = form.text("attachments").and_then(|count| count.trim().parse::<usize>().ok()).unwrap_or(0);
    if announced > mail.attachments.len() {
        return Err(Refusal::Malformed(format!("the form announces {announced} attachments and holds {}", mail.attachments.len())));
    }
    if !mail.says_something() {
        return Err(Refusal::Malformed("the mail has neither 'text' nor 'html' nor an attachment: there is nothing to read".to_owned()));
    }
    Ok(mail.mail())
}

/// A text in the charset that the sender names for its field; bytes that belong to no character are shown as such.
fn decode(bytes: &[u8], charset: Option<&str>) -> String {
    let named = charset.unwrap_or("utf-8").trim();
    if matches!(named.to_ascii_lowercase().as_str(), "cp850" | "ibm850" | "850") {
        return bytes.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { CP850[usize::from(*byte) - 128] }).collect();
    }
    encoding_rs::Encoding::for_label(named.as_bytes()).unwrap_or(encoding_rs::UTF_8).decode(bytes).0.into_owned()
}

/// The upper half of code page 850, which the WHATWG's encodings leave out and SendGrid was seen to name.
const CP850: [char; 128] = [
    'Ç', 'ü', 'é', 'â', 'ä', 'à', 'å', 'ç', 'ê', 'ë', 'è', 'ï', 'î', 'ì', 'Ä', 'Å', 'É', 'æ', 'Æ', 'ô', 'ö', 'ò', 'û', 'ù', 'ÿ', 'Ö', 'Ü', 'ø', '£',
    'Ø', '×', 'ƒ', 'á', 'í', 'ó', 'ú', 'ñ', 'Ñ', 'ª', 'º', '¿', '®', '¬', '½', '¼', '¡', '«', '»', '░', '▒', '▓', '│', '┤', 'Á', 'Â', 'À', '©', '╣',
    '║', '╗', '╝', '¢', '¥', '┐', '└', '┴', '┬', '├', '─', '┼', 'ã', 'Ã', '╚', '╔', '╩', '╦', '╠', '═', '╬', '¤', 'ð', 'Ð', 'Ê', 'Ë', 'È', 'ı', 'Í',
    'Î', 'Ï', '┘', '┌', '█', '▄', '¦', 'Ì', '▀', 'Ó', 'ß', 'Ô', 'Ò', 'õ', 'Õ', 'µ', 'þ', 'Þ', 'Ú', 'Û', 'Ù', 'ý', 'Ý', '¯', '´', '\u{AD}', '±', '‗',
    '¾', '¶', '§', '÷', '¸', '°', '¨', '·', '¹', '³', '²', '■', '\u{A0}',
];

#[cfg(test)]
mod tests {
    use super::{super::gate::parse, *};

    /// The published vector of SendGrid's signed webhooks (its Python library); Inbound Parse signs in the same way.
    const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==";
    const SIGNED: &str = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=";
    const BODY: &str = "[{\"email\":\"hello@world.com\",\"event\":\"dropped\",\"reason\":\"Bounced Address\",\"sg_event_id\":\"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA\",\"sg_message_id\":\"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0\",\"smtp-id\":\"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>\",\"timestamp\":1600112492}]\r\n";
    const AT_S: i64 = 1_600_112_502;

    fn delivery(timestamp: &str, body: &str) -> Delivery {
        Delivery {
            source: "sendgrid".parse().expect("source"),
            content_type: None,
            file_name: None,
            headers: vec![(SIGNATURE.to_owned(), SIGNED.to_owned()), (TIMESTAMP.to_owned(), timestamp.to_owned())],
            body: bytes::Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    #[test]
    fn the_published_vector_verifies() {
        let settings = Settings { tolerance_s: 300, ..Settings::default() };
        let keys = parse("sendgrid", &format!("a bearer token\n{KEY}")).expect("key");
        let verified = |delivery: &Delivery, now_s: i64| verify(delivery, &keys, &settings, now_s * 1000);
        let good = delivery(&AT_S.to_string(), BODY);
        assert_eq!(verified(&good, AT_S), Ok(Proof::signed()));
        let three_days = limits::SENDGRID_AGE_SECONDS_MAX + 300;
        assert_eq!(verified(&good, AT_S + three_days), Ok(Proof::signed()));
        assert!(matches!(verified(&good, AT_S + three_days + 1), Err(Refusal::Stale(_))));
        for changed in
            [delivery(&AT_S.to_string(), &BODY.replace("hello", "hallo")), delivery("1600112503", BODY), delivery(&AT_S.to_string(), BODY.trim_end())]
        {
            assert!(matches!(verified(&changed, AT_S), Err(Refusal::Unauthorised(_))));
        }
        let other = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqTxd43gyp8IOEto2LdIfjRQrIbsd4SXZkLW6jDutdhXSJCWHw8REntlo7aNDthvj+y7GjUuFDb/R1NGe1OPzpA==";
        assert!(verify(&good, &parse("sendgrid", other).expect("key"), &settings, AT_S * 1000).is_err());
    }

    #[test]
    fn texts_are_decoded_in_the_charset_of_their_field() {
        assert_eq!(decode(b"Abk\x81ndigung \xe1", Some("cp850")), "Abkündigung ß");
        assert_eq!(decode(b"Gr\xf6\xdfe \x80", Some("windows-1252")), "Größe €");
        assert_eq!(decode("Größe".as_bytes(), None), "Größe");
        assert_eq!(decode(b"a\xff", Some("no charset")), "a\u{FFFD}");
        assert_eq!(CP850.len(), 128);
    }
}
