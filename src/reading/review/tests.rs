use jiff::civil::date;

use super::*;
use crate::{
    domain::{
        document::{Document, Format, Page, Span},
        maker::MakerAliases,
        notice::{AffectedPart, Doubt, Found, NoticeKind, Provenance, Reading, Replacement},
        review::How,
    },
    reading::SiteKnowledge,
};

const TEXT: &str = "Acme Semiconductor GmbH\nPDN-2026-7, 1 October 2026\nWe end AX100-3 and AX100-4.\nOrders until 03/04/2027, deliveries to 30 September 2027.\nAX100-3: use BX200-1.\n";

fn document() -> Document {
    let pages = vec![Page { name: "body".to_owned(), span: Span::new(0, TEXT.len()) }];
    Document { format: Format::Text, text: TEXT.to_owned(), pages, tables: Vec::new(), title: None, warnings: Vec::new(), hidden: Vec::new() }
}

fn at(words: &str) -> Span {
    let start = TEXT.find(words).expect("words");
    Span::new(start, start + words.len())
}

fn doubtful() -> Reading {
    let document = document();
    let found = |words: &str| Found {
        value: words.to_owned(),
        printed: words.to_owned(),
        place: document.place(at(words)),
        confidence: 0.6,
        inferred: false,
    };
    let mut notice = Notice::of_kind(NoticeKind::Pcn, 0.5);
    notice.parts = vec![AffectedPart { mpn: found("AX100-3"), replacement: Replacement::Unsaid, last_time_buy: None, last_time_ship: None }];
    for field in ["notice_type", "last_time_buy", "affected_parts"] {
        notice.doubts.push(Doubt { field: field.to_owned(), reason: format!("why {field}") });
    }
    let provenance =
        Provenance { reader: "test".to_owned(), model_sha256: None, adapter_sha256: None, prompt_version: 1, program: String::new(), tokens: 0 };
    Reading { notices: vec![notice], provenance, doubts: vec![Doubt { field: "document".to_owned(), reason: "cut".to_owned() }] }
}

fn says(answers: &str, confirm_rest: bool) -> Result<Corrected, String> {
    let answers: Vec<Answer> = serde_json::from_str(answers).expect("JSON");
    correct(&doubtful(), &document(), &answers, confirm_rest)
}

#[test]
fn every_doubt_needs_an_answer_and_every_value_a_place() {
    let pick = at("03/04/2027");
    let all = format!(
        r#"[{{"field":"notice_type","value":"PDN"}},{{"field":"last_time_buy","pick":{{"start":{},"end":{}}},"value":"2027-04-03"}},
            {{"field":"affected_parts","value":"ax100-4"}},{{"field":"document","confirm":true}},{{"field":"replacements","part":"AX100-3","value":"BX200-1"}},
            {{"field":"issue_date","value":"2026-10-01"}},{{"field":"manufacturer","value":"acme  semiconductor gmbh"}}]"#,
        pick.start, pick.end
    );
    let corrected = says(&all, false).expect("corrected");
    let notice = &corrected.reading.notices[0];
    assert!(corrected.reading.passes());
    assert_eq!(notice.kind, NoticeKind::Pdn);
    assert_eq!(notice.last_time_buy.as_ref().map(|found| (found.value, found.place.span)), Some((date(2027, 4, 3), pick)));
    assert_eq!(notice.parts.iter().map(|part| part.mpn.value.as_str()).collect::<Vec<_>>(), ["AX100-3", "AX100-4"]);
    assert_eq!(notice.maker.as_ref().map(|maker| maker.value.as_str()), Some("Acme Semiconductor GmbH"));
    assert_eq!(corrected.changes.len(), 7);
    assert_eq!((corrected.changes[0].before.as_deref(), corrected.changes[0].after.as_deref()), (Some("PCN"), Some("PDN")));

    assert!(says("[]", false).expect_err("nothing was answered").contains("notice_type"));
    let confirmed = says("[]", true).expect("confirmed");
    assert!(confirmed.reading.passes() && confirmed.changes.iter().all(|change| change.how == How::Confirmed));
    assert_eq!(confirmed.changes.len(), 4);
}

#[test]
fn what_is_not_in_the_document_is_refused() {
    for (answer, why) in [
        (r#"[{"field":"last_time_buy","value":"2027-05-01"}]"#, "does not stand in the document"),
        (r#"[{"field":"last_time_buy","value":"soon"}]"#, "not a date"),
        (r#"[{"field":"affected_parts","value":"AX100"}]"#, "does not stand"),
        (r#"[{"field":"affected_parts","value":"AX100-3"}]"#, "already"),
        (r#"[{"field":"manufacturer","value":""}]"#, "does not stand"),
        (r#"[{"field":"manufacturer","pick":{"start":5,"end":100000}}]"#, "not a place"),
        (r#"[{"field":"manufacturer","pick":{"start":0,"end":4},"value":"Other"}]"#, "says 'Acme'"),
        (r#"[{"field":"manufacturer"}]"#, "say one of"),
        (r#"[{"field":"manufacturer","confirm":true,"unsaid":true}]"#, "say one of"),
        (r#"[{"field":"notice_type","value":"LETTER"}]"#, "not a kind"),
        (r#"[{"field":"notice_type","unsaid":true}]"#, "has a kind"),
        (r#"[{"notice":4,"field":"notice_type","confirm":true}]"#, "no notice 5"),
        (r#"[{"field":"affected_parts","part":"ZZ9","remove":true}]"#, "names no part ZZ9"),
        (r#"[{"field":"weather","value":"fine"}]"#, "only confirmed"),
    ] {
        let error = says(answer, true).expect_err(answer);
        assert!(error.contains(why), "{answer}: {error}");
    }
    let swappable = at("03/04/2027");
    let error = says(&format!(r#"[{{"field":"last_time_buy","pick":{{"start":{},"end":{}}}}}]"#, swappable.start, swappable.end), true);
    // English dates are either way round.
    assert!(error.as_ref().is_ok() || error.as_ref().is_err_and(|error| error.contains("say which")), "{error:?}");
}

#[test]
fn a_reviewer_sees_each_doubt_with_what_else_could_be_meant() {
    let fields = fields(&doubtful(), &document(), &MakerAliases::default(), &SiteKnowledge::default());
    assert_eq!(fields.iter().filter(|field| !field.doubts.is_empty()).count(), 4);
    assert!(fields[..4].iter().all(|field| !field.doubts.is_empty()), "the doubtful first");
    let buy = fields.iter().find(|field| field.field == "last_time_buy").expect("field");
    assert!(buy.choices.iter().any(|choice| choice.value == "2027-09-30" && choice.spot.before.ends_with("deliveries to ")), "{buy:?}");
    let parts = fields.iter().find(|field| field.field == "affected_parts" && field.part.is_none()).expect("field");
    assert!(parts.choices.iter().any(|choice| choice.value == "BX200-1"), "{parts:?}");
}

#[test]
fn a_doubt_about_one_part_is_not_answered_by_what_is_said_of_another() {
    let mut reading = doubtful();
    let mut other = reading.notices[0].parts[0].clone();
    other.mpn.value = "AX100-4".to_owned();
    reading.notices[0].parts.push(other);
    reading.doubts.clear();
    let doubt = |mpn: &str| Doubt { field: "affected_parts".to_owned(), reason: format!("{mpn} is probably affected, but not surely (60 %)") };
    reading.notices[0].doubts = vec![doubt("AX100-3"), doubt("AX100-4")];
    let says = |answers: &str| correct(&reading, &document(), &serde_json::from_str::<Vec<Answer>>(answers).expect("JSON"), false).map(drop);
    let one = r#"{"field":"affected_parts","part":"AX100-3","confirm":true}"#;
    assert!(says(&format!("[{one}]")).is_err_and(|why| why.contains("AX100-4")));
    assert_eq!(says(&format!(r#"[{one},{{"field":"affected_parts","part":"AX100-4","remove":true}}]"#)), Ok(()));
    assert_eq!(says(r#"[{"field":"affected_parts","confirm":true}]"#), Ok(()));
}
