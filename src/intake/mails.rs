//! What every sender of mails has in common: a mail, and what tells it from another.

use bytes::Bytes;

use super::{Refusal, Taken, email, media_type::MediaType};

/// A mail on its way in. Two copies of one mail have one id: Message-ID and what stands below the head.
pub(super) fn taken(mail: Bytes, about: &[(&'static str, String)]) -> Result<Taken, Refusal> {
    if mail.trim_ascii().is_empty() {
        return Err(Refusal::Malformed("the mail is empty: there is nothing to read".to_owned()));
    }
    let sender_id = Some(id(&mail));
    Ok(Taken { media_type: MediaType::mail(), sender_id, ignored: None, body: Some(mail), about: about.to_vec() })
}

/// Message-ID and body; without a Message-ID the whole mail.
pub(super) fn id(mail: &[u8]) -> Vec<Vec<u8>> {
    let (fields, body) = email::head(mail).unwrap_or_default();
    match fields.into_iter().find(|(name, value)| name == "message-id" && !value.is_empty()) {
        Some((_, id)) => vec![id.into_bytes(), body.to_vec()],
        None => vec![mail.to_vec()],
    }
}
