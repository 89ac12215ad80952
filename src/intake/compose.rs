//! Puts a mail that a sender took apart together again (RFC 5322, RFC 2046), so that it is kept and read as every other mail. The same parts give the same bytes,
//! a retry is known by them: builders from elsewhere draw boundaries and dates by chance, which is why this is ours.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Fields that say how the parts were packed before.
const OF_PACKING: [&str; 5] = ["content-type", "content-transfer-encoding", "content-disposition", "content-id", "mime-version"];

#[derive(Default)]
pub(super) struct Unpacked {
    /// Lines of the head, each with its CR LF.
    head: String,
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
    pub(super) attachments: Vec<Attachment>,
    /// Attachments that were not sent along: name and where they are.
    pub(super) elsewhere: Vec<String>,
}

pub(super) struct Attachment {
    pub(super) name: String,
    pub(super) media_type: String,
    pub(super) bytes: Bytes,
}

impl Unpacked {
    /// A head as it stood in the mail, folded lines and all.
    pub(super) fn head(&mut self, block: &str) {
        let mut keeps = false;
        for line in block.lines() {
            let is_fold = line.starts_with([' ', '\t']);
            if !is_fold {
                let name = line.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
                keeps = line.contains(':') && is_name(&name) && !OF_PACKING.contains(&name.as_str());
            }
            if keeps && !line.trim().is_empty() {
                self.head.push_str(&one_line(line, is_fold));
                self.head.push_str("\r\n");
            }
        }
    }

    /// One more field, unless it says nothing or is there already under `once`.
    pub(super) fn field(&mut self, name: &str, value: &str, once: bool) {
        let lower = name.to_ascii_lowercase();
        let is_there = || self.head.lines().any(|line| line.split(':').next().is_some_and(|of| of.eq_ignore_ascii_case(name)));
        if value.trim().is_empty() || !is_name(name) || OF_PACKING.contains(&lower.as_str()) || (once && is_there()) {
            return;
        }
        let _ = write!(self.head, "{name}: {}\r\n", one_line(value, false));
    }

    pub(super) fn says_something(&self) -> bool {
        let is_filled = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
        is_filled(&self.text) || is_filled(&self.html) || !self.attachments.is_empty()
    }

    /// The mail's bytes.
    pub(super) fn mail(&self) -> Bytes {
        let mut hasher = blake3::Hasher::new();
        for bytes in [self.text.as_deref(), self.html.as_deref()].into_iter().flatten().map(str::as_bytes) {
            hasher.update(bytes);
        }
        for attachment in &self.attachments {
            hasher.update(&attachment.bytes);
        }
        // 128 bits of the content's digest: it cannot stand in the content, which goes as base64 anyway.
        let mark = &hasher.finalize().to_hex()[..32];
        let (outer, inner) = (format!("lastbuy-outer-{mark}"), format!("lastbuy-inner-{mark}"));
        let mut mail = format!("{}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"{outer}\"\r\n\r\n", self.head);
        let _ = write!(mail, "--{outer}\r\nContent-Type: multipart/alternative; boundary=\"{inner}\"\r\n\r\n");
        for (kind, text) in [("plain", &self.text), ("html", &self.html)] {
            let Some(text) = text else { continue };
            let _ = write!(mail, "--{inner}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
            base64_lines(&mut mail, text.as_bytes());
        }
        let _ = write!(mail, "--{inner}--\r\n");
        for attachment in &self.attachments {
            let name = utf8_percent_encode(&attachment.name, NON_ALPHANUMERIC);
            let media_type = if is_media_type(&attachment.media_type) { &attachment.media_type } else { "application/octet-stream" };
            let _ = write!(
                mail,
                "--{outer}\r\nContent-Type: {media_type}\r\nContent-Disposition: attachment; filename*=UTF-8''{name}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            );
            base64_lines(&mut mail, &attachment.bytes);
        }
        if !self.elsewhere.is_empty() {
            let said = format!("These attachments were not sent along: {}\r\n", self.elsewhere.join("; "));
            let _ = write!(
                mail,
                "--{outer}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: attachment; filename=\"not-sent-along.txt\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            );
            base64_lines(&mut mail, said.as_bytes());
        }
        let _ = write!(mail, "--{outer}--\r\n");
        Bytes::from(mail)
    }
}

fn is_name(name: &str) -> bool {
    (1..=76).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
}

fn is_media_type(text: &str) -> bool {
    text.split_once('/').is_some_and(|(kind, of)| {
        [kind, of].iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-+._".contains(&b)))
    })
}

/// Nothing in a value begins another field.
fn one_line(value: &str, is_fold: bool) -> String {
    let clean: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if is_fold { format!(" {}", clean.trim()) } else { clean.trim().to_owned() }
}

fn base64_lines(mail: &mut String, bytes: &[u8]) {
    for line in bytes.chunks(57) {
        STANDARD.encode_string(line, mail);
        mail.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_part_becomes_a_field_of_the_head() {
        let mut mail = Unpacked::default();
        mail.head("Subject: PDN\r\nContent-Type: multipart/mixed;\r\n boundary=x\r\nReceived: by a\r\n\tid 7\r\nno field\r\n");
        mail.field("From", "a@b.example\r\nBcc: evil@example", true);
        mail.field("From", "c@d.example", true);
        mail.field("X Bad", "value", false);
        mail.text = Some("text".to_owned());
        mail.attachments.push(Attachment {
            name: "a\"\r\nX-Evil: 1.txt".to_owned(),
            media_type: "text/plain\r\nX-Evil: 2".to_owned(),
            bytes: Bytes::from_static(b"bytes"),
        });
        let bytes = mail.mail();
        let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        assert!(
            head.starts_with("Subject: PDN\r\nReceived: by a\r\n id 7\r\nFrom: a@b.example  Bcc: evil@example\r\nMIME-Version: 1.0\r\n"),
            "{head}"
        );
        assert!(!text.lines().any(|line| line.starts_with("X-Evil") || line.starts_with("Bcc")), "{text}");
        assert!(
            body.contains("filename*=UTF-8''a%22%0D%0AX%2DEvil%3A%201%2Etxt\r\n") && body.contains("Content-Type: application/octet-stream"),
            "{body}"
        );
        assert_eq!(mail.mail(), bytes, "the same parts give the same bytes");
    }
}
