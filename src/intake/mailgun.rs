//! `mailgun`: Routes with `forward(url)`, parsed or, where the address ends in `mime`, raw, and `store(notify=url)`. The signature covers timestamp and token only, not
//! the mail: a token is good for one mail, and whoever keeps deliveries remembers which (`Proof::token`).

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::{
    Delivery, Refusal, Settings, Taken,
    compose::{Attachment, Unpacked},
    form::Form,
    gate::{Credential, Proof, age},
    mails,
};
use crate::limits;

pub(super) fn verify(delivery: &Delivery, credentials: &[Credential], settings: &Settings, now_ms: i64) -> Result<Proof, Refusal> {
    let unauthorised = |why: &str| Err(Refusal::Unauthorised(format!("mailgun has a signing key here, and {why}")));
    // A form that cannot be read is not signed; what is wrong with it is for who may know.
    let Ok(form) = Form::of(delivery) else { return unauthorised("the delivery is no form with a signature") };
    let field = |name: &str| form.text(name).map(std::borrow::Cow::into_owned);
    let (Some(timestamp), Some(token), Some(signature)) = (field("timestamp"), field("token"), field("signature")) else {
        return unauthorised("the form lacks timestamp, token or signature");
    };
    let signature = hex::decode(signature.trim()).unwrap_or_default();
    let mut is_right = false;
    for credential in credentials {
        let Credential::Plain(key) = credential else { continue };
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { continue };
        mac.update(timestamp.as_bytes());
        mac.update(token.as_bytes());
        is_right |= mac.verify_slice(&signature).is_ok();
    }
    if !is_right {
        return unauthorised("the signature was not made with it");
    }
    // Whether a retry is signed anew is not documented, and it is retried for some eight hours.
    age(&timestamp, now_ms, settings.tolerance_s + limits::MAILGUN_AGE_SECONDS_MAX)?;
    Ok(Proof { token: Some(token), ..Proof::signed() })
}

pub(super) fn check(delivery: &Delivery, _: &Settings) -> Result<Vec<Taken>, Refusal> {
    let is_json = delivery.content_type.as_deref().is_some_and(|of| of.trim_start().to_ascii_lowercase().starts_with("application/json"));
    if is_json {
        return Err(Refusal::WrongType("this is an event webhook (delivered, bounced, ...); only inbound mails are taken here".to_owned()));
    }
    let form = Form::of(delivery)?;
    let text = |name: &str| form.text(name).map(std::borrow::Cow::into_owned);
    let about = [
        ("envelope-from", text("sender").unwrap_or_default()),
        ("envelope-to", text("recipient").unwrap_or_default()),
        ("mailgun-token", text("token").unwrap_or_default()),
        ("mailgun-message-url", text("message-url").unwrap_or_default()),
    ];
    if let Some(mime) = form.get("body-mime") {
        return Ok(vec![mails::taken(mime.bytes.clone(), &about)?]);
    }
    let mut mail = Unpacked::default();
    // Pairs, because names may be there twice.
    let pairs: Vec<(String, String)> = text("message-headers").and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    for (name, value) in &pairs {
        mail.field(name, value, false);
    }
    for (name, field) in [("From", "from"), ("Subject", "subject"), ("To", "recipient"), ("Message-Id", "Message-Id"), ("Date", "Date")] {
        mail.field(name, &text(field).unwrap_or_default(), true);
    }
    let every = |name: &str| {
        let all: Vec<String> =
            form.0.iter().filter(|field| field.name == name && field.file_name.is_none()).map(|field| field.text().into_owned()).collect();
        (!all.is_empty()).then(|| all.join("\n"))
    };
    (mail.text, mail.html) = (every("body-plain"), every("body-html"));
    for field in form.0.iter().filter(|field| field.name.starts_with("attachment-") && field.file_name.is_some()) {
        mail.attachments.push(Attachment {
            name: field.file_name.clone().unwrap_or_default(),
            media_type: field.content_type.clone().unwrap_or_default(),
            bytes: field.bytes.clone(),
        });
    }
    // store(notify) names the attachments only; fetching them needs the account's key and the internet.
    let stored: Vec<Value> = text("attachments").and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    mail.elsewhere = stored.iter().map(|of| format!("{} at {}", of["name"].as_str().unwrap_or("?"), of["url"].as_str().unwrap_or("?"))).collect();
    if !mail.says_something() {
        return Err(Refusal::Malformed("the form has neither 'body-plain' nor 'body-html' nor an attachment: there is nothing to read".to_owned()));
    }
    Ok(vec![mails::taken(mail.mail(), &about)?])
}

#[cfg(test)]
mod tests {
    use super::{super::gate::parse, *};

    #[test]
    fn the_published_vector_verifies() {
        let keys = parse("mailgun", "tbsy84uSV1Kt3ZJZELY2TmShPRs91E3yL4tzf96297vBCkDWgL").expect("key");
        let (token, signature) =
            ("7VwW7k6Ak7zcTwoSoNm7aTtbk1g67MKAnsYLfUB7PdszbgR5Xi", "ef24c5225322217bb065b80bb54eb4f9206d764e3e16abab07f0a64d1cf477cc");
        let verified = |token: &str, timestamp: i64, now_s: i64| {
            let body = format!("timestamp={timestamp}&token={token}&signature={signature}");
            let delivery = Delivery {
                source: "mailgun".parse().expect("source"),
                content_type: Some("application/x-www-form-urlencoded".to_owned()),
                file_name: None,
                headers: Vec::new(),
                body: bytes::Bytes::from(body),
            };
            verify(&delivery, &keys, &Settings { tolerance_s: 300, ..Settings::default() }, now_s * 1000)
        };
        let at_s = 1_539_112_500;
        assert_eq!(verified(token, at_s, at_s).map(|proof| proof.token), Ok(Some(token.to_owned())));
        assert!(matches!(verified(token, at_s, at_s + 9 * 3600 + 301), Err(Refusal::Stale(_))));
        assert!(matches!(verified(&token.replace('7', "8"), at_s, at_s), Err(Refusal::Unauthorised(_))));
        assert!(matches!(verified(token, at_s + 1, at_s), Err(Refusal::Unauthorised(_))));
    }
}
