//! Standard Webhooks 1.0.0, the sender's side. The body is the same at every attempt, and so is the id; the timestamp, and with it the signature, is of the attempt.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::text::Text;
use crate::domain::{message::Message, time::At};

pub(super) type Headers = Vec<(&'static str, String)>;

pub(super) fn request(message: &Message, text: &Text, keys: &[Vec<u8>], now: At) -> Result<(Headers, Vec<u8>), String> {
    let facts: serde_json::Map<String, serde_json::Value> = text.facts.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let body = json!({
        "type": format!("lastbuy.{}", message.happened.on().as_str()),
        "timestamp": message.made_at,
        "data": {
            "message": message.id, "rule": message.rule, "severity": message.severity, "object": message.happened.object(),
            "happened": message.happened, "title": text.title, "facts": facts, "advice": text.advice,
        },
    });
    let body = body.to_string().into_bytes();
    let seconds = now.0.div_euclid(1000).to_string();
    let signatures: Result<Vec<String>, String> = keys.iter().map(|key| sign(key, &message.stable_id, &seconds, &body)).collect();
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("webhook-id", message.stable_id.clone()),
        ("webhook-timestamp", seconds),
        ("webhook-signature", signatures?.join(" ")),
    ];
    Ok((headers, body))
}

/// `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`.
fn sign(key: &[u8], id: &str, seconds: &str, body: &[u8]) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|error| format!("the key cannot sign: {error}"))?;
    for part in [id.as_bytes(), b".", seconds.as_bytes(), b".", body] {
        mac.update(part);
    }
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the specification's own documents.
    #[test]
    fn signs_as_the_specification_does() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("key");
        let signature = sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#).expect("signature");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
