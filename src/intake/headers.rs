//! What of a delivery's headers and file name is kept with the event: enough to tell who sent it, never a secret.

use crate::limits;

/// Names kept; `ce-` headers beside them. An allow-list, so that no header that carries a secret is kept because nobody thought of it.
const KEPT: [&str; 9] =
    ["content-type", "date", "message-id", "traceparent", "user-agent", "webhook-id", "webhook-timestamp", "x-correlation-id", "x-request-id"];

/// The headers worth keeping, bounded in number and length; a value that was cut ends with `…`.
pub(super) fn kept(headers: &[(String, String)]) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| KEPT.contains(&name.as_str()) || name.starts_with("ce-"))
        .map(|(name, value)| (cut(&name), cut(&clean(value))))
        .take(limits::HEADERS_KEPT_MAX)
        .collect()
}

/// What a receiver knows of a delivery beside its bytes, kept as headers are; what is not known is left away.
pub(super) fn told(about: &[(&str, String)]) -> Vec<(String, String)> {
    let known = about.iter().filter(|(_, value)| !value.trim().is_empty());
    known.map(|(name, value)| ((*name).to_owned(), cut(&clean(value)))).take(limits::HEADERS_KEPT_MAX).collect()
}

fn clean(value: &str) -> String {
    value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn cut(value: &str) -> String {
    if value.len() <= limits::HEADER_VALUE_BYTES_MAX {
        return value.to_owned();
    }
    format!("{}…", &value[..value.floor_char_boundary(limits::HEADER_VALUE_BYTES_MAX - '…'.len_utf8())])
}

/// The last part of a file name, without control characters; its end is kept where it is too long, because the extension says most.
pub(super) fn file_name(sent: &str) -> Option<String> {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).collect();
    let from = clean.ceil_char_boundary(clean.len().saturating_sub(limits::FILE_NAME_BYTES_MAX));
    let name = clean[from..].trim();
    (!name.is_empty() && name != "." && name != "..").then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_who_sent_it_and_no_secret() {
        let sent = [
            ("authorization", "Bearer hush"),
            ("cookie", "session=hush"),
            ("webhook-signature", "v1,hush"),
            ("x-api-key", "hush"),
            ("user-agent", "feed/2.0"),
            ("CE-Source", "/plm"),
            ("webhook-id", "msg_1"),
        ];
        let kept = kept(&sent.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(kept, [("user-agent", "feed/2.0"), ("ce-source", "/plm"), ("webhook-id", "msg_1")].map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn is_bounded_in_number_and_length() {
        let many: Vec<_> = (0..1000).map(|number| (format!("ce-x{number}"), "é".repeat(10_000))).collect();
        let kept = kept(&many);
        assert_eq!(kept.len(), limits::HEADERS_KEPT_MAX);
        assert!(kept.iter().all(|(_, value)| value.len() <= limits::HEADER_VALUE_BYTES_MAX && value.ends_with('…')));
    }

    #[test]
    fn a_file_name_is_one_name() {
        assert_eq!(file_name("../../etc/PCN\u{7}-1.pdf").as_deref(), Some("PCN-1.pdf"));
        assert_eq!(file_name(r"C:\notices\PCN 2.eml").as_deref(), Some("PCN 2.eml"));
        assert_eq!(file_name("notices/"), None);
        let long = file_name(&format!("{}.pdf", "ü".repeat(400))).expect("a name");
        assert!(long.len() <= limits::FILE_NAME_BYTES_MAX && long.ends_with("ü.pdf"));
    }
}
