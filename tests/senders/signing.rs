//! Signs as each sender does. The keys of one `Keys` are its own, but for SNS, whose certificate is a file.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    hmac,
    rand::{SecureRandom as _, SystemRandom},
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair},
};
use serde_json::{Value, json};

use super::request::{Field, Request, multipart};

pub const MANDRILL_URL: &str = "https://lastbuy.plant.example/v1/hooks/mandrill";
pub const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:pcn";
const CERTIFICATE: &str = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-test.pem";
/// Senders that sign by Standard Webhooks `v1`.
const DIRECT: [&str; 9] =
    ["cloudevents", "siliconexpert", "email", "accuris", "z2data", "commercial-radar", "inbound-email", "component-alert", "email-forward"];
/// SubjectPublicKeyInfo of a P-256 key up to its point (RFC 5480).
const P256_BEFORE_POINT: &[u8] = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";

pub struct Keys {
    random: SystemRandom,
    sendgrid: EcdsaKeyPair,
    sns: RsaKeyPair,
    /// Of Standard Webhooks `v1a`.
    ed25519: Ed25519KeyPair,
    /// Secret of everybody else, in hexadecimal.
    shared: String,
}

pub fn now_s() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("clock").as_secs()).expect("seconds")
}

/// The notice as a mail.
pub fn mail(id: &str) -> String {
    format!(
        "Message-ID: <{id}@acme.example>\r\nFrom: Acme PCN <pcn@acme.example>\r\nTo: pcn@plant.example\r\nSubject: Product discontinuance {id}\r\nDate: Mon, 5 Oct 2026 10:00:00 +0200\r\n\r\nAcme ends AX100-3. Last time buy date: 2027-03-31.\r\n"
    )
}

impl Keys {
    pub fn new() -> Keys {
        let random = SystemRandom::new();
        let algorithm = &signature::ECDSA_P256_SHA256_ASN1_SIGNING;
        let made = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("key");
        let sendgrid = EcdsaKeyPair::from_pkcs8(algorithm, made.as_ref(), &random).expect("key");
        let sns = RsaKeyPair::from_pkcs8(include_bytes!("sns/key.pk8")).expect("key");
        let made = Ed25519KeyPair::generate_pkcs8(&random).expect("key");
        let ed25519 = Ed25519KeyPair::from_pkcs8(made.as_ref()).expect("key");
        let mut bytes = [0; 32];
        random.fill(&mut bytes).expect("random");
        Keys { random, sendgrid, sns, ed25519, shared: hex::encode(bytes) }
    }

    /// What stands in the secret files.
    pub fn secrets(&self) -> Vec<(&'static str, String)> {
        let point = self.sendgrid.public_key().as_ref();
        let basic = format!("lastbuy:{}\n", self.shared);
        let mut secrets = vec![
            ("sendgrid", STANDARD.encode([P256_BEFORE_POINT, point].concat())),
            ("mailgun", self.shared.clone()),
            // Two at once, as while a password is being changed.
            ("postmark", format!("lastbuy:old password\n{basic}")),
            ("mandrill", self.shared.clone()),
            ("cloudmailin", basic),
            ("standard-webhooks", format!("{}\nwhpk_{}\n", self.whsec(), STANDARD.encode(self.ed25519.public_key()))),
            ("generic", self.shared.clone()),
        ];
        secrets.extend(DIRECT.iter().map(|source| (*source, self.whsec())));
        secrets
    }

    fn whsec(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.shared))
    }

    /// A delivery of the notice `id`, rightly signed at that second.
    pub fn good(&self, source: &'static str, id: &str, at_s: i64) -> Request {
        let mail_bytes = mail(id).into_bytes();
        let fields: [Field<'_>; 3] = [
            ("email", None, &mail_bytes),
            ("envelope", None, br#"{"to":["pcn@plant.example"],"from":"bounce@acme.example"}"#),
            ("SPF", None, b"pass"),
        ];
        match source {
            "sendgrid" => self.sendgrid(multipart(&fields), at_s),
            "mailgun" => self.mailgun(&[("recipient", None, b"pcn@plant.example"), ("body-mime", None, mail(id).as_bytes())], &format!("token-{id}-{at_s}"), at_s),
            "postmark" => self.vouched("postmark", &json!({ "MessageID": format!("uuid-{id}"), "From": "pcn@acme.example", "RawEmail": mail(id) })),
            "ses" => self.sns(&json!({ "notificationType": "Received", "content": mail(id), "mail": { "source": "pcn@acme.example", "messageId": id }, "receipt": { "action": { "type": "SNS", "encoding": "UTF8" } } }).to_string(), id, at_s),
            "mandrill" => self.mandrill(&json!([{ "event": "inbound", "ts": at_s, "msg": { "raw_msg": mail(id), "email": "pcn@plant.example" } }])),
            "cloudmailin" => self.vouched("cloudmailin", &cloudmailin(id)),
            "standard-webhooks" => self.webhook(source, "application/json", &json!({ "type": "part.discontinued", "timestamp": "2026-10-05T08:00:00Z", "data": notice(id) }), id, at_s),
            "cloudevents" => self.webhook(source, "application/cloudevents+json", &event(id), id, at_s),
            "siliconexpert" => {
                let pcn = json!({ "Result": { "PCNData": { "ReqPartNumber": "AX100-3", "PCNDto": { "PCNNumber": id, "Manufacturer": "Acme", "LastTimeBuyDate": "Mar 31, 2027" } } } });
                self.webhook(source, "application/json", &pcn, id, at_s)
            }
            "generic" => self.webhook(source, "application/json", &notice(id), id, at_s),
            "email" => self.signed(source, "message/rfc822", mail_bytes, id, at_s),
            "accuris" => {
                let rows = format!("Matched Part Number,Imported Manufacturer Name,Part status,Smart Alert ID\nAX100-3,Acme,Discontinued,{id}\n");
                self.signed(source, "text/csv", rows.into_bytes(), id, at_s)
            }
            "z2data" => {
                let rows = json!([{ "MPN": "AX100-3", "Manufacturer": "Acme", "PCN Number": id, "Lifecycle Status": "EOL" }]);
                self.webhook(source, "application/json", &rows, id, at_s)
            }
            "commercial-radar" => self.webhook(source, "application/json", &json!({ "alert_type": "PDN", "mpn": "AX100-3", "manufacturer": "Acme" }), id, at_s),
            "inbound-email" => self.webhook(source, "application/json", &json!({ "subject": id, "text": "Acme ends AX100-3." }), id, at_s),
            "component-alert" => {
                let alert = json!({ "source_platform": "accuris", "manufacturer_code": "Acme", "part_number": "AX100-3", "lifecycle_status": "EOL" });
                self.webhook(source, "application/json", &alert, id, at_s)
            }
            "email-forward" => {
                let forwarded = json!({ "sender_domain": "acme.example", "subject_line": id, "body_content": "Acme ends AX100-3." });
                self.webhook(source, "application/json", &forwarded, id, at_s)
            }
            other => panic!("{other} is no sender of this test"),
        }
    }

    /// Rightly signed, and without what makes it a notice.
    pub fn incomplete(&self, source: &'static str, at_s: i64) -> Request {
        match source {
            "sendgrid" => self.sendgrid(multipart(&[("to", None, b"pcn@plant.example")]), at_s),
            "mailgun" => self.mailgun(&[("recipient", None, b"pcn@plant.example")], "token-incomplete", at_s),
            "postmark" => self.vouched("postmark", &json!({ "MessageID": "uuid-2", "From": "pcn@acme.example" })),
            "ses" => self.sns(&json!({ "notificationType": "Received", "mail": {}, "receipt": { "action": { "type": "S3", "bucketName": "mails", "objectKey": "1" } } }).to_string(), "incomplete", at_s),
            "mandrill" => self.mandrill(&json!([{ "event": "inbound", "msg": { "email": "pcn@plant.example" } }])),
            "cloudmailin" => self.vouched("cloudmailin", &json!({ "headers": { "subject": "PDN" }, "envelope": {} })),
            "standard-webhooks" => self.webhook(source, "application/json", &json!({ "type": "part.discontinued" }), "incomplete", at_s),
            "cloudevents" => self.webhook(source, "application/cloudevents+json", &json!({ "specversion": "1.0", "id": "1", "source": "/plm" }), "incomplete", at_s),
            "siliconexpert" => self.webhook(source, "application/json", &json!({ "Status": { "Code": "7" } }), "incomplete", at_s),
            "generic" => self.webhook(source, "application/json", &json!({ "manufacturer": "Acme" }), "incomplete", at_s),
            "email" => self.signed(source, "message/rfc822", b"Dear customer,\r\n".to_vec(), "incomplete", at_s),
            "accuris" => self.signed(source, "text/csv", b"Matched Part Number,Imported Manufacturer Name\n,Acme\n".to_vec(), "incomplete", at_s),
            "z2data" => self.webhook(source, "application/json", &json!([{ "Manufacturer": "Acme" }]), "incomplete", at_s),
            "commercial-radar" => self.webhook(source, "application/json", &json!({ "alert_type": "PDN", "manufacturer": "Acme" }), "incomplete", at_s),
            "inbound-email" => self.webhook(source, "application/json", &json!({ "subject": "PDN" }), "incomplete", at_s),
            "component-alert" => self.webhook(source, "application/json", &json!({ "source_platform": "accuris", "part_number": "AX100-3" }), "incomplete", at_s),
            "email-forward" => self.webhook(source, "application/json", &json!({ "sender_domain": "acme.example", "subject_line": "PDN" }), "incomplete", at_s),
            other => panic!("{other} is no sender of this test"),
        }
    }

    pub fn sendgrid(&self, form: (String, Vec<u8>), at_s: i64) -> Request {
        let signed = [at_s.to_string().as_bytes(), &form.1].concat();
        let signature = STANDARD.encode(self.sendgrid.sign(&self.random, &signed).expect("signature"));
        let headers = vec![("x-twilio-email-event-webhook-signature", signature), ("x-twilio-email-event-webhook-timestamp", at_s.to_string())];
        Request { source: "sendgrid", content_type: form.0, headers, body: form.1 }
    }

    pub fn mailgun(&self, fields: &[Field<'_>], token: &str, at_s: i64) -> Request {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.shared.as_bytes());
        let timestamp = at_s.to_string();
        let signature = hex::encode(hmac::sign(&key, format!("{timestamp}{token}").as_bytes()));
        // The signature comes after the files.
        let mut fields = fields.to_vec();
        fields.extend([("timestamp", None, timestamp.as_bytes()), ("token", None, token.as_bytes()), ("signature", None, signature.as_bytes())]);
        let (content_type, body) = multipart(&fields);
        Request { source: "mailgun", content_type, headers: Vec::new(), body }
    }

    pub fn vouched(&self, source: &'static str, value: &Value) -> Request {
        let credentials = STANDARD.encode(format!("lastbuy:{}", self.shared));
        let headers = vec![("authorization", format!("Basic {credentials}"))];
        Request { source, content_type: "application/json".to_owned(), headers, body: value.to_string().into_bytes() }
    }

    pub fn sns(&self, message: &str, id: &str, at_s: i64) -> Request {
        let stamp = jiff::Timestamp::from_second(at_s).expect("time").to_string();
        let id = format!("sns-{id}");
        let fields = [("Message", message), ("MessageId", id.as_str()), ("Timestamp", stamp.as_str()), ("TopicArn", TOPIC), ("Type", "Notification")];
        self.sns_of(&fields, "2")
    }

    /// The members in the order in which they are signed.
    pub fn sns_of(&self, fields: &[(&str, &str)], version: &str) -> Request {
        let signed: String = fields.iter().map(|(name, value)| format!("{name}\n{value}\n")).collect();
        let mut signature = vec![0; self.sns.public().modulus_len()];
        self.sns.sign(&signature::RSA_PKCS1_SHA256, &self.random, signed.as_bytes(), &mut signature).expect("signature");
        let mut body = json!({ "SignatureVersion": version, "Signature": STANDARD.encode(signature), "SigningCertURL": CERTIFICATE });
        for (name, value) in fields {
            body[*name] = Value::String((*value).to_owned());
        }
        // SNS posts JSON as plain text.
        Request { source: "ses", content_type: "text/plain; charset=UTF-8".to_owned(), headers: Vec::new(), body: body.to_string().into_bytes() }
    }

    pub fn mandrill(&self, events: &Value) -> Request {
        let events = events.to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.shared.as_bytes());
        let signature = STANDARD.encode(hmac::sign(&key, format!("{MANDRILL_URL}mandrill_events{events}").as_bytes()));
        let body = form_urlencoded::Serializer::new(String::new()).append_pair("mandrill_events", &events).finish().into_bytes();
        let headers = vec![("x-mandrill-signature", signature)];
        Request { source: "mandrill", content_type: "application/x-www-form-urlencoded".to_owned(), headers, body }
    }

    pub fn webhook(&self, source: &'static str, content_type: &str, value: &Value, id: &str, at_s: i64) -> Request {
        self.signed(source, content_type, value.to_string().into_bytes(), id, at_s)
    }

    /// Standard Webhooks `v1`.
    pub fn signed(&self, source: &'static str, content_type: &str, body: Vec<u8>, id: &str, at_s: i64) -> Request {
        let id = format!("msg_{}", id.replace('.', "_"));
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.shared.as_bytes());
        let signature = STANDARD.encode(hmac::sign(&key, &[format!("{id}.{at_s}.").as_bytes(), &body].concat()));
        let headers = vec![("webhook-id", id), ("webhook-timestamp", at_s.to_string()), ("webhook-signature", format!("v1a,AAAA v1,{signature}"))];
        Request { source, content_type: content_type.to_owned(), headers, body }
    }

    /// Standard Webhooks `v1a`: Ed25519 over the same text.
    pub fn signed_by_private_key(&self, value: &Value, id: &str, at_s: i64) -> Request {
        let mut request = self.webhook("standard-webhooks", "application/json", value, id, at_s);
        let signed = [format!("msg_{id}.{at_s}.").as_bytes(), &request.body].concat();
        let signature = STANDARD.encode(self.ed25519.sign(&signed));
        request.headers.iter_mut().filter(|(name, _)| *name == "webhook-signature").for_each(|header| header.1 = format!("v1a,{signature}"));
        request
    }
}

pub fn notice(id: &str) -> Value {
    json!({ "manufacturer": "Acme", "notice_id": id, "notice_type": "PDN", "last_time_buy": "2027-03-31", "affected_parts": ["AX100-3"] })
}

pub fn event(id: &str) -> Value {
    json!({ "specversion": "1.0", "id": id, "source": "/plm", "type": "pdn", "data": notice(id) })
}

pub fn cloudmailin(id: &str) -> Value {
    json!({
        "envelope": { "to": "pcn@plant.example", "from": "bounce@acme.example" },
        "headers": { "message_id": format!("<{id}@acme.example>"), "subject": "Product discontinuance", "from": "pcn@acme.example", "received": ["by a", "by b"] },
        "plain": "Acme ends AX100-3.", "attachments": [],
    })
}
