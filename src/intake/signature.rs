//! Whether the sender knows the secret: Standard Webhooks 1.0.0 (`v1`, HMAC-SHA256, and `v1a`, Ed25519), a bearer token, or Basic credentials. Every comparison takes the same time whatever
//! was sent.

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use hmac::{Hmac, KeyInit, Mac};
use ring::signature::{ED25519, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use super::{
    Delivery, Refusal, Settings,
    gate::{Credential, Proof, age},
};
use crate::limits;

/// Some senders leave the padding away.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// Standard Webhooks, or what `vouched` takes; the signed id is the delivery's own.
pub(super) fn verify(delivery: &Delivery, credentials: &[Credential], settings: &Settings, now_ms: i64) -> Result<Proof, Refusal> {
    let unauthorised = |why: &str| Err(Refusal::Unauthorised(format!("{} has a secret here, and {why}", delivery.source)));
    if is_vouched(delivery, credentials) {
        return Ok(Proof::signed());
    }
    let headers = (delivery.header("webhook-id"), delivery.header("webhook-timestamp"), delivery.header("webhook-signature"));
    let (Some(id), Some(timestamp), Some(signatures)) = headers else {
        return unauthorised(if delivery.header("authorization").is_some() {
            "the Authorization header does not carry it"
        } else {
            "the delivery carries neither webhook-id, webhook-timestamp and webhook-signature nor an Authorization header"
        });
    };
    // The signed text is id.timestamp.body: a full stop in the id would let one signature stand for two texts.
    if id.is_empty() || id.contains('.') {
        return unauthorised("the webhook-id is empty or holds a full stop");
    }
    if timestamp.parse::<i64>().is_err() {
        return unauthorised("the webhook-timestamp is no number of seconds");
    }
    if !credentials.iter().any(|credential| signed_by(credential, &[id.as_bytes(), timestamp.as_bytes(), &delivery.body], signatures)) {
        return unauthorised("no signature of the delivery was made with it");
    }
    age(timestamp, now_ms, settings.tolerance_s)?;
    Ok(Proof { id: Some(id.to_owned()), ..Proof::signed() })
}

/// A bearer token or Basic credentials.
pub(super) fn vouched(delivery: &Delivery, credentials: &[Credential]) -> Result<Proof, Refusal> {
    if is_vouched(delivery, credentials) {
        return Ok(Proof::signed());
    }
    let why = if delivery.header("authorization").is_some() {
        "the Authorization header does not carry it"
    } else {
        "the delivery has no Authorization header"
    };
    Err(Refusal::Unauthorised(format!("{} has a secret here, and {why}", delivery.source)))
}

fn is_vouched(delivery: &Delivery, credentials: &[Credential]) -> bool {
    let Some(header) = delivery.header("authorization") else { return false };
    let sent = bearer(header).map(|token| token.as_bytes().to_vec()).or_else(|| basic(header));
    sent.is_some_and(|sent| credentials.iter().any(|credential| matches!(credential, Credential::Plain(secret) if same(&sent, secret.as_bytes()))))
}

/// `user:password` as sent.
fn basic(header: &str) -> Option<Vec<u8>> {
    let (scheme, encoded) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then(|| LENIENT.decode(encoded.trim()).ok()).flatten()
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares digests, so that neither content nor length shows in the time taken.
fn same(left: &[u8], right: &[u8]) -> bool {
    Sha256::digest(left).as_slice().ct_eq(Sha256::digest(right).as_slice()).into()
}

/// Whether one of the signatures is right. The header lists several while a secret is being changed; versions that are not known are passed over.
fn signed_by(credential: &Credential, fields: &[&[u8]; 3], signatures: &str) -> bool {
    let version = if matches!(credential, Credential::Plain(_)) { "v1," } else { "v1a," };
    let signatures = signatures.split(' ').filter_map(|entry| entry.strip_prefix(version)).take(limits::SIGNATURES_TRIED_MAX);
    let mut signatures = signatures.filter_map(|signature| STANDARD.decode(signature.trim()).ok());
    let signed = || [fields[0], b".", fields[1], b".", fields[2]].concat();
    match credential {
        Credential::Plain(secret) => {
            let mut any = false;
            for signature in signatures {
                for key in keys(secret) {
                    // HMAC takes a key of any length.
                    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { continue };
                    for piece in [fields[0], b".", fields[1], b".", fields[2]] {
                        mac.update(piece);
                    }
                    any |= mac.verify_slice(&signature).is_ok();
                }
            }
            any
        }
        Credential::Ed25519(key) => signatures.any(|signature| UnparsedPublicKey::new(&ED25519, key).verify(&signed(), &signature).is_ok()),
        Credential::P256(_) => false,
    }
}

/// The key a secret stands for: base64 after `whsec_`. Without that prefix libraries disagree whether it is base64 or the text itself, so both are tried.
pub(super) fn keys(secret: &str) -> Vec<Vec<u8>> {
    match secret.strip_prefix("whsec_") {
        Some(encoded) => LENIENT.decode(encoded).into_iter().filter(|key| !key.is_empty()).collect(),
        None => LENIENT.decode(secret).into_iter().chain([secret.as_bytes().to_vec()]).filter(|key| !key.is_empty()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::gate, *};

    fn verify(delivery: &Delivery, secret: &str, now_ms: i64) -> Result<Option<String>, Refusal> {
        let settings = Settings { tolerance_s: 300, ..Settings::default() };
        let credentials = gate::parse("generic", secret).map_err(Refusal::Unauthorised)?;
        super::verify(delivery, &credentials, &settings, now_ms).map(|proof| proof.id)
    }

    /// The two published vectors of Standard Webhooks.
    const VECTORS: [(&str, &str, &str, &str, &str); 2] = [
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            "1649367553",
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
    ];

    fn delivery(headers: &[(&str, &str)], body: &str) -> Delivery {
        Delivery {
            source: "generic".parse().expect("source"),
            content_type: None,
            file_name: None,
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: bytes::Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    fn signed(vector: usize) -> (Delivery, &'static str, i64) {
        let (secret, id, timestamp, body, signature) = VECTORS[vector];
        let headers = [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)];
        (delivery(&headers, body), secret, timestamp.parse::<i64>().expect("seconds") * 1000)
    }

    #[test]
    fn takes_the_published_vectors_within_five_minutes() {
        for (number, vector) in VECTORS.iter().enumerate() {
            let (delivery, secret, at) = signed(number);
            assert_eq!(verify(&delivery, secret, at), Ok(Some(vector.1.to_owned())));
            assert!(verify(&delivery, secret, at + 300_000).is_ok() && verify(&delivery, secret, at - 300_000).is_ok());
            for late in [at + 301_000, at - 301_000] {
                assert!(verify(&delivery, secret, late).expect_err("too old").to_string().contains("check both clocks"));
            }
            // The prefix may be missing from the configured secret.
            assert!(verify(&delivery, secret.trim_start_matches("whsec_"), at).is_ok());
        }
    }

    #[test]
    fn any_change_is_refused() {
        let (delivery, secret, at) = signed(0);
        let mut changed = delivery.clone();
        changed.body = bytes::Bytes::from_static(br#"{"test": 2432232315}"#);
        assert!(verify(&changed, secret, at).is_err());
        for (name, value) in [("webhook-id", "msg_other"), ("webhook-timestamp", "1614265331"), ("webhook-signature", "v1,AAAA")] {
            let mut changed = delivery.clone();
            changed.headers.iter_mut().filter(|(of, _)| of == name).for_each(|header| header.1 = value.to_owned());
            assert!(verify(&changed, secret, at).is_err(), "{name}");
            changed.headers.retain(|(of, _)| of != name);
            assert!(verify(&changed, secret, at).is_err(), "without {name}");
        }
        assert!(verify(&delivery, VECTORS[1].0, at).is_err());
        assert!(verify(&delivery, "whsec_", at).is_err(), "an empty key signs nothing");
        assert!(verify(&delivery, " ", at).is_err());
    }

    #[test]
    fn one_right_signature_among_others_is_enough() {
        let (mut delivery, secret, at) = signed(0);
        let right = VECTORS[0].4;
        for (list, taken) in [
            (format!("v1a,AAAA v1,!!! {} {right}", VECTORS[1].4), true),
            (right.replace("v1,", "v2,"), false),
            (format!("{}{right}", "v1,AAAA ".repeat(limits::SIGNATURES_TRIED_MAX)), false),
        ] {
            delivery.headers[2].1 = list.clone();
            assert_eq!(verify(&delivery, secret, at).is_ok(), taken, "{list}");
        }
    }

    #[test]
    fn a_bearer_token_vouches_without_an_id() {
        let with = |value| delivery(&[("authorization", value)], "{}");
        assert_eq!(verify(&with("Bearer open sesame"), "open sesame", 0), Ok(None));
        assert_eq!(verify(&with("bearer  open sesame"), "open sesame\n", 0), Ok(None));
        for wrong in ["Bearer open", "Bearer open sesame!", "Basic open sesame", "open sesame", "Bearer ", ""] {
            let refusal = verify(&with(wrong), "open sesame", 0).expect_err("refused");
            assert_eq!((refusal.status(), refusal.code()), (401, "unauthorised"));
            assert!(!refusal.to_string().contains("sesame"), "a refusal must not tell the secret");
        }
    }
}
