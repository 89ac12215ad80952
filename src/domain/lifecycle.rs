//! What feeds and exports write about a part's life, and what kind of notice that means.

use super::notice::NoticeKind;

/// The kind of notice that a status or the name of a change means, where it means one.
pub fn kind_of(words: &str) -> Option<NoticeKind> {
    let lower = words.to_lowercase();
    let has = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    if has(&["nrnd", "not recommended"]) {
        Some(NoticeKind::Nrnd)
    } else if has(&["discontinu", "obsolet", "end of life", "end-of-life", "eol", "pdn", "last time buy", "ltb"]) {
        Some(NoticeKind::Pdn)
    } else if has(&["pcn", "change"]) {
        Some(NoticeKind::Pcn)
    } else {
        None
    }
}

/// Whether a status says that the part goes on as it is. "Inactive" and "not active" do not.
pub fn is_active(status: &str) -> bool {
    const ACTIVE: [&str; 8] = ["active", "production", "mature", "new", "reactivated", "introduction", "growth", "maturity"];
    const DENIED: [&str; 5] = ["not", "no", "non", "out", "stopped"];
    let lower = status.to_lowercase();
    let words = || lower.split(|c: char| !c.is_alphanumeric());
    words().any(|word| ACTIVE.contains(&word)) && !words().any(|word| DENIED.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_means_one_kind_or_none() {
        for (words, kind) in [
            ("Not Recommended for New Designs", Some(NoticeKind::Nrnd)),
            ("Discontinued - LTB 2027", Some(NoticeKind::Pdn)),
            ("OBSOLETE", Some(NoticeKind::Pdn)),
            ("Process Change", Some(NoticeKind::Pcn)),
            ("Active", None),
            ("", None),
        ] {
            assert_eq!(kind_of(words), kind, "{words}");
        }
        for (status, active) in [
            ("Active", true),
            ("In Production", true),
            ("active-unconfirmed", true),
            ("Inactive", false),
            ("Not active", false),
            ("Out of production", false),
        ] {
            assert_eq!(is_active(status), active, "{status}");
        }
    }
}
