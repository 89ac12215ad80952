//! Whether the sender knows the shared secret: Standard Webhooks 1.0.0 (`v1`, HMAC-SHA256) or a bearer token. Every comparison takes the same time whatever
//! was sent.

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use super::{Delivery, Refusal};
use crate::limits;

/// Some senders leave the padding away.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// The delivery's signed id, `None` where a bearer token vouches for it; refused where neither does.
pub(super) fn verify(delivery: &Delivery, secret: &str, now_ms: i64) -> Result<Option<String>, Refusal> {
    let unauthorised = |why: &str| Err(Refusal::Unauthorised(format!("{} has a secret here, and {why}", delivery.source)));
    if secret.trim().is_empty() {
        return unauthorised("it is empty; write one into its file");
    }
    if let Some(sent) = delivery.header("authorization").and_then(bearer)
        && same(sent.as_bytes(), secret.trim().as_bytes())
    {
        return Ok(None);
    }
    let headers = (delivery.header("webhook-id"), delivery.header("webhook-timestamp"), delivery.header("webhook-signature"));
    let (Some(id), Some(timestamp), Some(signatures)) = headers else {
        return unauthorised(if delivery.header("authorization").is_some() {
            "the Authorization header does not carry it"
        } else {
            "the delivery carries neither webhook-id, webhook-timestamp and webhook-signature nor Authorization: Bearer"
        });
    };
    // The signed text is id.timestamp.body: a full stop in the id would let one signature stand for two texts.
    if id.is_empty() || id.contains('.') {
        return unauthorised("the webhook-id is empty or holds a full stop");
    }
    let Ok(sent_s) = timestamp.parse::<i64>() else {
        return unauthorised("the webhook-timestamp is no number of seconds");
    };
    let apart_s = (now_ms.div_euclid(1000)).saturating_sub(sent_s).saturating_abs();
    if !signed_by(secret.trim(), &[id.as_bytes(), timestamp.as_bytes(), &delivery.body], signatures) {
        return unauthorised("no signature of the delivery was made with it");
    }
    // Only who knows the secret learns that a clock is wrong.
    if apart_s > limits::SIGNATURE_AGE_SECONDS_MAX {
        return unauthorised(&format!(
            "the signature is {apart_s} seconds away from this machine's clock, over {} allowed; check both clocks",
            limits::SIGNATURE_AGE_SECONDS_MAX
        ));
    }
    Ok(Some(id.to_owned()))
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares digests, so that neither content nor length shows in the time taken.
fn same(left: &[u8], right: &[u8]) -> bool {
    Sha256::digest(left).as_slice().ct_eq(Sha256::digest(right).as_slice()).into()
}

/// Whether one of the `v1` signatures is right. The header lists several while a secret is being changed; versions that are not known are passed over.
fn signed_by(secret: &str, fields: &[&[u8]; 3], signatures: &str) -> bool {
    let mut any = false;
    for signature in signatures.split(' ').filter_map(|entry| entry.strip_prefix("v1,")).take(limits::SIGNATURES_TRIED_MAX) {
        let Ok(signature) = STANDARD.decode(signature.trim()) else { continue };
        for key in keys(secret) {
            // HMAC takes a key of any length.
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { continue };
            mac.update(fields[0]);
            mac.update(b".");
            mac.update(fields[1]);
            mac.update(b".");
            mac.update(fields[2]);
            any |= mac.verify_slice(&signature).is_ok();
        }
    }
    any
}

/// The key a secret stands for: base64 after `whsec_`. Without that prefix libraries disagree whether it is base64 or the text itself, so both are tried.
fn keys(secret: &str) -> Vec<Vec<u8>> {
    match secret.strip_prefix("whsec_") {
        Some(encoded) => LENIENT.decode(encoded).into_iter().filter(|key| !key.is_empty()).collect(),
        None => LENIENT.decode(secret).into_iter().chain([secret.as_bytes().to_vec()]).filter(|key| !key.is_empty()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
