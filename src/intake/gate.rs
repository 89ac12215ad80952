//! Who may send what: credentials by source, and whether a delivery shows that its sender has them.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use x509_parser::{prelude::FromDer, x509::SubjectPublicKeyInfo};

use super::{Delivery, Refusal, ses::Certificate, signature};
use crate::{domain::export::Columns, limits};

/// What the site decides about its senders.
#[derive(Clone, Default)]
pub struct Settings {
    /// By source: one credential a line, any of them is enough, so that a new one can stand beside the old. What forms there are, `Gate::new` says.
    pub secrets: BTreeMap<String, String>,
    /// How far a sender's clock may be from this machine's, in seconds.
    pub tolerance_s: i64,
    /// The address of the webhook exactly as Mandrill has it; it is part of what is signed.
    pub mandrill_url: String,
    /// SNS topics that may deliver.
    pub ses_topics: Vec<String>,
    /// Certificates of SNS in PEM, each with the name of its file.
    pub ses_certificates: Vec<(String, Vec<u8>)>,
    /// Subscriptions of listed topics are confirmed by `receive::sns`; otherwise a person does it.
    pub confirms_subscriptions: bool,
    pub cloudevents_batches: bool,
    /// How the columns of an export are named, by source.
    pub columns: BTreeMap<String, Columns>,
}

#[derive(Clone)]
pub(super) enum Credential {
    /// A bearer token, a key of an HMAC, or `user:password`.
    Plain(String),
    /// Public key of Standard Webhooks `v1a`.
    Ed25519(Vec<u8>),
    /// Public key of SendGrid's security policy, as an uncompressed point.
    P256(Vec<u8>),
}

/// What vouches for a delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Proof {
    /// Somebody with a credential sent it.
    pub(super) is_signed: bool,
    /// The sender's own id for it, where that is part of what was signed.
    pub(super) id: Option<String>,
    /// Good for one mail only.
    pub(super) token: Option<String>,
}

impl Proof {
    pub(super) fn signed() -> Proof {
        Proof { is_signed: true, ..Proof::default() }
    }
}

/// How a source's deliveries are verified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// Standard Webhooks, a bearer token, or Basic credentials.
    Shared,
    SendGrid,
    Mailgun,
    Mandrill,
    Sns,
    /// Bearer token or Basic credentials: the sender signs nothing.
    Vouched,
}

#[derive(Clone, Default)]
pub struct Gate {
    pub(super) settings: Settings,
    credentials: BTreeMap<String, Vec<Credential>>,
    certificates: Vec<Certificate>,
}

impl Gate {
    /// Tries the form of every credential; the sentence says which is wrong and never repeats it.
    pub fn new(settings: Settings) -> Result<Gate, String> {
        let mut credentials = BTreeMap::new();
        for (source, text) in &settings.secrets {
            let parsed = parse(source, text).map_err(|why| format!("the secret of {source}: {why}"))?;
            credentials.insert(source.clone(), parsed);
        }
        if credentials.contains_key("mandrill") && settings.mandrill_url.is_empty() {
            return Err("intake.mandrill_url: Mandrill signs the address of its webhook; write it here exactly as it is there".to_owned());
        }
        let certificates = settings.ses_certificates.iter().map(|(name, pem)| certificate(name, pem)).collect::<Result<_, _>>()?;
        Ok(Gate { settings, credentials, certificates })
    }

    pub fn has_secret(&self, source: &str) -> bool {
        self.credentials.contains_key(source)
    }

    pub(super) fn verify(&self, scheme: Scheme, delivery: &Delivery, now_ms: i64) -> Result<Proof, Refusal> {
        let settings = &self.settings;
        if scheme == Scheme::Sns {
            let is_open = settings.ses_topics.is_empty() && self.certificates.is_empty();
            return if is_open { Ok(Proof::default()) } else { super::ses::verify(delivery, &self.certificates, settings, now_ms) };
        }
        let Some(credentials) = self.credentials.get(delivery.source.as_str()) else { return Ok(Proof::default()) };
        match scheme {
            Scheme::SendGrid => super::sendgrid::verify(delivery, credentials, settings, now_ms),
            Scheme::Mailgun => super::mailgun::verify(delivery, credentials, settings, now_ms),
            Scheme::Mandrill => super::mandrill::verify(delivery, credentials, settings, now_ms),
            Scheme::Vouched => signature::vouched(delivery, credentials),
            Scheme::Shared | Scheme::Sns => signature::verify(delivery, credentials, settings, now_ms),
        }
    }
}

/// Refuses a signed time in seconds that is too far from now. Only who signed rightly gets here, and learns that a clock is wrong.
pub(super) fn age(timestamp: &str, now_ms: i64, most_s: i64) -> Result<(), Refusal> {
    let Ok(sent_s) = timestamp.trim().parse::<i64>() else {
        return Err(Refusal::Unauthorised("the signed time is no number of seconds".to_owned()));
    };
    let apart_s = now_ms.div_euclid(1000).saturating_sub(sent_s).saturating_abs();
    if apart_s <= most_s {
        return Ok(());
    }
    Err(Refusal::Stale(format!("the signature is {apart_s} seconds away from this machine's clock, over {most_s} allowed; check both clocks")))
}

/// The credentials of a source, one a line.
pub(super) fn parse(source: &str, text: &str) -> Result<Vec<Credential>, String> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() || lines.len() > limits::SIGNATURES_TRIED_MAX {
        return Err(format!("it has {} lines; write one credential a line, at most {}", lines.len(), limits::SIGNATURES_TRIED_MAX));
    }
    lines.into_iter().map(|line| credential(source, line)).collect()
}

fn credential(source: &str, line: &str) -> Result<Credential, String> {
    if line.starts_with("-----BEGIN") {
        return Err("it is in PEM; write the base64 text alone, on one line".to_owned());
    }
    if let Some(encoded) = line.strip_prefix("whpk_") {
        let key = STANDARD.decode(encoded).map_err(|_| "what stands after whpk_ is not base64".to_owned())?;
        return if key.len() == 32 { Ok(Credential::Ed25519(key)) } else { Err(format!("what stands after whpk_ has {} bytes, not 32", key.len())) };
    }
    if line.starts_with("whsk_") {
        return Err("a private key (whsk_) belongs to the sender; write its public key (whpk_)".to_owned());
    }
    if line.starts_with("whsec_") && signature::keys(line).is_empty() {
        return Err("what stands after whsec_ is not base64".to_owned());
    }
    match source {
        "sendgrid" if line.starts_with("MF") => p256(line).map(Credential::P256),
        "postmark" | "cloudmailin" if !line.contains(':') => Err("it is no user:password, as in https://user:password@host/".to_owned()),
        _ => Ok(Credential::Plain(line.to_owned())),
    }
}

/// The point of a P-256 key, from its SubjectPublicKeyInfo in base64 as SendGrid shows it.
fn p256(line: &str) -> Result<Vec<u8>, String> {
    let der = STANDARD.decode(line).map_err(|_| "the public key is not base64".to_owned())?;
    let (_, info) = SubjectPublicKeyInfo::from_der(&der).map_err(|_| "it is no public key (SubjectPublicKeyInfo)".to_owned())?;
    let point = info.subject_public_key.data.to_vec();
    if point.len() == 65 && point[0] == 4 { Ok(point) } else { Err("the public key is not of the curve P-256".to_owned()) }
}

fn certificate(name: &str, pem: &[u8]) -> Result<Certificate, String> {
    let wrong = |why: &str| format!("intake.ses_certificate_files: {name} {why}");
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem).map_err(|_| wrong("is no PEM certificate"))?;
    let certificate = pem.parse_x509().map_err(|_| wrong("holds no X.509 certificate"))?;
    let key = certificate.public_key().subject_public_key.data.to_vec();
    let valid = (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp());
    Ok(Certificate { name: name.to_owned(), key, valid })
}
