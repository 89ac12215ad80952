//! `ses`: mails that Amazon SES hands to SNS, which posts them here. The signature is verified with certificate files that somebody fetched and named, because this
//! machine may have no way out; which one a delivery needs, its SigningCertURL says by the file's name.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use ring::signature::{RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

use super::{
    Delivery, Refusal, Settings, Taken, few,
    gate::Proof,
    json::{self, Node},
    mails,
    media_type::MediaType,
    shown,
};
use crate::{domain::event::Event, limits};

/// The signed members, in this order, where they are there.
const SIGNED: [&str; 8] = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];

/// A certificate of SNS: the name of its file, and its public key as PKCS #1.
#[derive(Clone)]
pub(super) struct Certificate {
    pub(super) name: String,
    pub(super) key: Vec<u8>,
    /// Seconds since 1970 between which it is valid.
    pub(super) valid: (i64, i64),
}

/// Longest name of a bucket or an object that is told, in characters: long enough to find the mail by.
const S3_NAME_CHARS_MAX: usize = 200;

pub(super) fn verify(delivery: &Delivery, certificates: &[Certificate], settings: &Settings, now_ms: i64) -> Result<Proof, Refusal> {
    let unauthorised = |why: String| Err(Refusal::Unauthorised(format!("the delivery is not shown to come from SNS: {why}")));
    let Ok(value) = json::parse(&delivery.body) else { return unauthorised("it is no JSON".to_owned()) };
    let of = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    if !settings.ses_topics.iter().any(|topic| topic == of("TopicArn")) {
        return unauthorised(format!("its topic '{}' is not in intake.ses_topics", few(of("TopicArn"))));
    }
    let Some(file) = certificate_file(of("SigningCertURL")) else {
        return unauthorised("its SigningCertURL is no address of a certificate of SNS".to_owned());
    };
    let now_s = now_ms.div_euclid(1000);
    let Some(certificate) = certificates.iter().find(|certificate| certificate.name == file) else {
        return Err(Refusal::NotYet(format!(
            "the certificate {file} is not known here: fetch it from its SigningCertURL and name it in intake.ses_certificate_files"
        )));
    };
    if !(certificate.valid.0..=certificate.valid.1).contains(&now_s) {
        return unauthorised(format!("the certificate {file} is not valid now; check the clock"));
    }
    let mut signed = String::new();
    for key in SIGNED {
        if let Some(text) = value.get(key).and_then(Value::as_str) {
            signed.push_str(&format!("{key}\n{text}\n"));
        }
    }
    let algorithm = match of("SignatureVersion") {
        "1" => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        "2" => &RSA_PKCS1_2048_8192_SHA256,
        other => return unauthorised(format!("SignatureVersion '{}' is not known", few(other))),
    };
    let signature = STANDARD.decode(of("Signature")).unwrap_or_default();
    if UnparsedPublicKey::new(algorithm, &certificate.key).verify(signed.as_bytes(), &signature).is_err() {
        return unauthorised("its signature is wrong".to_owned());
    }
    let sent_s = of("Timestamp").parse::<jiff::Timestamp>().map(jiff::Timestamp::as_second).unwrap_or(i64::MIN);
    if now_s.saturating_sub(sent_s).saturating_abs() > settings.tolerance_s + limits::SNS_AGE_SECONDS_MAX {
        return Err(Refusal::Stale("the delivery's Timestamp is more than a day from this machine's clock; check the clock".to_owned()));
    }
    Ok(Proof::signed())
}

/// The file's name in an address that may hold certificates of SNS.
fn certificate_file(url: &str) -> Option<&str> {
    let (host, path) = url.strip_prefix("https://")?.split_once('/')?;
    let file = path.rsplit('/').next()?;
    let is_name = file.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    (is_host(host) && is_name && file.ends_with(".pem") && !path.contains(['?', '#', '\\'])).then_some(file)
}

/// Whether this is a host of SNS in one of Amazon's regions.
fn is_host(host: &str) -> bool {
    let region = host.strip_prefix("sns.").and_then(|of| of.strip_suffix(".amazonaws.com").or_else(|| of.strip_suffix(".amazonaws.com.cn")));
    region.is_some_and(|region| region.len() >= 3 && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
}

/// Beginning of the reason why a subscription that is about to be confirmed is not worked on; its address follows.
const SUBSCRIPTION: &str = "SNS asks whether it may deliver here, and is answered by opening ";

/// The address that confirms the subscription an event is about.
pub fn subscription(event: &Event) -> Option<&str> {
    event.ignored.as_deref().filter(|_| event.source.as_str() == "ses")?.strip_prefix(SUBSCRIPTION)
}

/// Host and path of an address of SNS that confirms a subscription.
pub fn subscription_address(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("https://")?;
    let at = rest.find('/')?;
    let (host, path) = rest.split_at(at);
    let is_clean = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    (is_host(host) && is_clean && path.starts_with("/?") && path.contains("Action=ConfirmSubscription")).then_some((host, path))
}

pub(super) fn check(delivery: &Delivery, settings: &Settings) -> Result<Vec<Taken>, Refusal> {
    // SNS posts JSON as text/plain.
    let value = json::parse(&delivery.body)?;
    let root = Node::root(&value).object()?;
    let id = root.need("MessageId")?.filled_text()?;
    let record = |ignored: String| Taken {
        media_type: MediaType::plain_json(),
        sender_id: Some(vec![id.as_bytes().to_vec()]),
        ignored: Some(ignored),
        body: None,
        about: Vec::new(),
    };
    match root.need("Type")?.text()? {
        "Notification" => {}
        "SubscriptionConfirmation" => {
            let url = root.need("SubscribeURL")?.filled_text()?;
            let topic = value.get("TopicArn").and_then(Value::as_str).filter(|of| settings.ses_topics.iter().any(|topic| topic == of));
            // The address must be of the topic's own region.
            let region = topic.and_then(|topic| topic.split(':').nth(3));
            let is_own = |(host, _): (&str, &str)| {
                region.is_some_and(|region| host.strip_prefix("sns.").is_some_and(|of| of.starts_with(&format!("{region}."))))
            };
            if settings.confirms_subscriptions && subscription_address(url).is_some_and(is_own) {
                return Ok(vec![record(format!("{SUBSCRIPTION}{url}"))]);
            }
            // Following it needs a way out; a person opens it, once.
            return Err(Refusal::Malformed(format!("SNS asks whether it may deliver here: confirm by opening its SubscribeURL, {url}")));
        }
        "UnsubscribeConfirmation" => return Ok(vec![record("SNS was told to deliver here no more".to_owned())]),
        other => return Err(Refusal::Malformed(format!("a delivery of the type '{}' is not known", few(other)))),
    }
    let message = json::parse(root.need("Message")?.filled_text()?.as_bytes())?;
    let message = Node::root(&message).object()?;
    let kind = message.need("notificationType")?.text()?;
    if kind != "Received" {
        return Ok(vec![record(format!("a notification of the type '{}' is no inbound mail", few(kind)))]);
    }
    let action = message.need("receipt")?.get("action");
    let of_action = |key: &str| action.as_ref().and_then(|action| action.get(key)).and_then(|of| of.value().as_str()).unwrap_or_default().to_owned();
    let Some(content) = message.get("content") else {
        let (bucket, key) = (of_action("bucketName"), of_action("objectKey"));
        return Err(Refusal::Malformed(format!(
            "the mail itself is not in it, it lies in S3 ({}/{}): forward it by mail, or let the rule use the SNS action",
            shown(&bucket, S3_NAME_CHARS_MAX),
            shown(&key, S3_NAME_CHARS_MAX)
        )));
    };
    let bytes =
        if of_action("encoding").eq_ignore_ascii_case("base64") { content.decoded()? } else { Bytes::copy_from_slice(content.text()?.as_bytes()) };
    let mail = message.need("mail")?.object()?;
    let of_mail = |key: &str| mail.get(key).and_then(|of| of.value().as_str()).unwrap_or_default().to_owned();
    let about = [("envelope-from", of_mail("source")), ("ses-id", of_mail("messageId")), ("sns-id", id.to_owned())];
    Ok(vec![mails::taken(bytes, &about)?])
}

#[cfg(test)]
mod tests {
    use super::{certificate_file, subscription_address};

    #[test]
    fn only_an_address_of_sns_confirms() {
        let good = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=1&TopicArn=a";
        assert_eq!(subscription_address(good), Some(("sns.eu-central-1.amazonaws.com", &good["https://sns.eu-central-1.amazonaws.com".len()..])));
        for other in [
            "http://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription",
            "https://sns.eu-central-1.amazonaws.com:8443/?Action=ConfirmSubscription",
            "https://sns.eu-central-1.amazonaws.com@evil.example/?Action=ConfirmSubscription",
            "https://169.254.169.254/?Action=ConfirmSubscription",
            "https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe",
            "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription HTTP/1.1",
        ] {
            assert_eq!(subscription_address(other), None, "{other}");
        }
    }

    #[test]
    fn only_sns_has_certificates() {
        assert_eq!(
            certificate_file("https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem"),
            Some("SimpleNotificationService-1.pem")
        );
        assert_eq!(certificate_file("https://sns.cn-north-1.amazonaws.com.cn/a.pem"), Some("a.pem"));
        for other in [
            "http://sns.eu-central-1.amazonaws.com/a.pem",
            "https://sns.evil.example/a.pem",
            "https://sns.eu-central-1.amazonaws.com.evil.example/a.pem",
            "https://evil.example/sns.eu-central-1.amazonaws.com/a.pem",
            "https://sns.eu-central-1.amazonaws.com/a.crt",
            "https://sns.eu-central-1.amazonaws.com@evil.example/a.pem",
            "https://sns.a.b.amazonaws.com/a.pem",
            "",
        ] {
            assert_eq!(certificate_file(other), None, "{other}");
        }
    }
}
