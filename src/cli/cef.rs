//! ArcSight's Common Event Format, version 0, which SIEMs take: a head of fields between bars, then `key=value` pairs.

use crate::store::AuditEntry;

/// One act as one line. Times are milliseconds since 1970; the link is `cs3`, so that the line can be found again in the trail.
pub fn line(entry: &AuditEntry) -> String {
    let mut pairs = vec![
        ("rt", entry.at.0.to_string()),
        ("externalId", entry.record.to_string()),
        ("suser", entry.by.clone()),
        ("act", entry.act.clone()),
        ("cs1Label", "object".to_owned()),
        ("cs1", entry.object.clone()),
    ];
    if let Some(about) = &entry.about {
        pairs.extend([("cs2Label", "about".to_owned()), ("cs2", about.clone())]);
    }
    pairs.extend([("cs3Label", "link".to_owned()), ("cs3", entry.link.to_string())]);
    if let Some(detail) = &entry.detail {
        pairs.push(("msg", detail.clone()));
    }
    let pairs: Vec<String> = pairs.into_iter().map(|(key, value)| format!("{key}={}", value_text(&value))).collect();
    let act = head_text(&entry.act);
    format!("CEF:0|Lastbuy|lastbuy|{}|{act}|{}|{}|{}", env!("CARGO_PKG_VERSION"), act.replace(['.', '_'], " "), severity(entry), pairs.join(" "))
}

/// 0 to 10: acts of people stand out, and what was given up stands out more.
fn severity(entry: &AuditEntry) -> u8 {
    match entry.act.as_str() {
        "job.given_up" => 7,
        "job.cancelled" | "job.sent_to_review" | "job.lapsed" | "job.rescued" => 5,
        _ if entry.by.starts_with("uid:") => 4,
        "job.failed" => 3,
        _ => 1,
    }
}

fn head_text(text: &str) -> String {
    one_line(text).replace('\\', "\\\\").replace('|', "\\|")
}

fn value_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace('=', "\\=").replace("\r\n", "\\n").replace(['\n', '\r'], "\\n")
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{event::Digest, time::At};

    #[test]
    fn what_would_end_a_field_is_escaped() {
        let entry = AuditEntry {
            record: 7,
            at: At(1_700_000_000_123),
            by: "uid:0".to_owned(),
            act: "odd|act".to_owned(),
            object: "J-1".to_owned(),
            about: None,
            detail: Some("a=b\\c|d\nCEF:0|forged".to_owned()),
            link: Digest([0; 32]),
        };
        let line = line(&entry);
        assert_eq!(line.lines().count(), 1);
        assert!(
            line.starts_with(&format!(
                "CEF:0|Lastbuy|lastbuy|{}|odd\\|act|odd\\|act|4|rt=1700000000123 externalId=7 suser=uid:0 ",
                env!("CARGO_PKG_VERSION")
            )),
            "{line}"
        );
        assert!(line.ends_with(r"msg=a\=b\\c|d\nCEF:0|forged"), "{line}");
    }
}
