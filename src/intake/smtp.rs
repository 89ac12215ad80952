//! `smtp`: a mail as our own receiver takes it. Anything with a byte in it is taken: a mail server that was told 5xx would bounce a notice for its form, and
//! what cannot be read is told to a person by the step that reads it.

use std::net::IpAddr;

use bytes::Bytes;

use super::{Refusal, digest, email, headers};
use crate::domain::event::{Arrival, Source};

/// Name of the source.
pub const SMTP: &str = "smtp";

/// What a session knows of a mail beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    pub peer: IpAddr,
    /// The name the client gave itself.
    pub helo: String,
    /// Return path; empty for a bounce.
    pub from: String,
    pub to: Vec<String>,
    pub tls: bool,
}

/// The same mail, sent again because an answer was lost or by another relay, has the same key: Message-ID and what stands below the head. Without a
/// Message-ID only the bytes tell.
pub fn mail(envelope: &Envelope, bytes: Bytes) -> Result<Arrival, Refusal> {
    if bytes.trim_ascii().is_empty() {
        return Err(Refusal::Malformed("the mail is empty: there is nothing to read".to_owned()));
    }
    let (fields, body) = email::head(&bytes).unwrap_or_default();
    let id = fields.iter().find(|(name, value)| name == "message-id" && !value.is_empty()).map(|(_, id)| id);
    let dedupe_key = match id {
        Some(id) => digest(SMTP, "sender", &[id.as_bytes(), body]),
        None => digest(SMTP, "body", &[&bytes]),
    };
    let about = [
        ("smtp-peer", envelope.peer.to_string()),
        ("smtp-helo", envelope.helo.clone()),
        ("smtp-from", envelope.from.clone()),
        ("smtp-to", envelope.to.join(", ")),
        ("smtp-tls", if envelope.tls { "yes" } else { "no" }.to_owned()),
        ("message-id", id.cloned().unwrap_or_default()),
    ];
    Ok(Arrival {
        source: SMTP.parse::<Source>().map_err(|error| Refusal::UnknownSource(error.to_string()))?,
        content_type: "message/rfc822".to_owned(),
        file_name: None,
        dedupe_key,
        headers: headers::told(&about),
        body: bytes,
        ignored: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(to: &[&str]) -> Envelope {
        let to = to.iter().map(|to| (*to).to_owned()).collect();
        Envelope { peer: IpAddr::from([127, 0, 0, 1]), helo: "mail.plant.example".to_owned(), from: String::new(), to, tls: true }
    }

    fn taken(bytes: &[u8]) -> Arrival {
        mail(&envelope(&["pcn@plant.example"]), Bytes::copy_from_slice(bytes)).expect("taken")
    }

    #[test]
    fn the_same_mail_has_the_same_key_whoever_relayed_it() {
        let one = taken(b"Message-ID: <1@acme.example>\r\nSubject: PDN\r\n\r\nAcme ends AX100-3.\r\n");
        let other = taken(b"Received: from x\r\n\tby y\r\nMessage-ID:\r\n <1@acme.example>\r\nSubject: PDN\r\n\r\nAcme ends AX100-3.\r\n");
        assert_eq!(one.dedupe_key, other.dedupe_key);
        assert_ne!(one.dedupe_key, taken(b"Message-ID: <1@acme.example>\r\n\r\nAcme ends AX100-4.\r\n").dedupe_key);
        assert_ne!(taken(b"Subject: a\r\n\r\nx").dedupe_key, taken(b"Subject: b\r\n\r\nx").dedupe_key, "without an id the bytes tell");
    }

    #[test]
    fn is_kept_as_it_came_with_what_the_session_knew() {
        let arrival = taken(b"no head at all, \xFF");
        assert_eq!((&arrival.body[..], arrival.source.as_str()), (&b"no head at all, \xFF"[..], "smtp"));
        let of = |name: &str| arrival.headers.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str());
        assert_eq!((of("smtp-to"), of("smtp-tls"), of("smtp-from")), (Some("pcn@plant.example"), Some("yes"), None));
        assert!(mail(&envelope(&[]), Bytes::from_static(b"\r\n \r\n")).is_err());
    }
}
