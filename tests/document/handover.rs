//! What is handed over as smartPCN is read back as the same notice, by the real child and the real reader; and the submodel IDTA 02036 is what the published template says.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use lastbuy::{
    document::{Extractor, Input},
    domain::{
        case::{Case, CasePart, CaseState, NamedReplacement},
        id::CaseId,
        maker::MakerAliases,
        notice::{AffectedPart, Notice, NoticeKind, Replacement},
        time::At,
    },
    handover::{Format, export},
    reading::{Reader, SiteKnowledge},
};
use proptest::prelude::*;
use serde_json::Value;

use super::{extractor, file};

fn part(mpn: &str, replacement: NamedReplacement, last_time_buy: Option<Date>, last_time_ship: Option<Date>) -> CasePart {
    CasePart { mpn: mpn.to_owned(), replacement, last_time_buy, last_time_ship }
}

fn case(kind: NoticeKind, parts: Vec<CasePart>) -> Case {
    Case {
        id: CaseId(7),
        keys: Vec::new(),
        kind,
        maker: Some("Müller & Söhne <GmbH>".to_owned()),
        notice_id: Some("PDN-26/14 \"B\"".to_owned()),
        issue_date: Some(date(2026, 11, 3)),
        last_time_buy: Some(date(2027, 3, 31)),
        last_time_ship: Some(date(2027, 9, 30)),
        parts,
        events: Vec::new(),
        made_by: None,
        state: CaseState::Open,
        opened_at: At(1_763_988_213_365),
        changed_at: At(1_763_988_213_365),
        latest: None,
        headline: None,
    }
}

fn pdn() -> Case {
    let named = |names: &[&str]| NamedReplacement::Named(names.iter().map(|name| (*name).to_owned()).collect());
    case(
        NoticeKind::Pdn,
        vec![
            part("AX100-3", named(&["BX110-3", "CX1/9"]), None, None),
            part("AX100-5'<&>", NamedReplacement::None, Some(date(2027, 2, 28)), Some(date(2027, 8, 31))),
            part("AX1??", NamedReplacement::Unsaid, None, None),
        ],
    )
}

fn read_back(extractor: &Extractor, container: &[u8]) -> Notice {
    let input = Input { source: "file", content_type: "application/octet-stream", file_name: Some("C-7.smartpcn.zip"), bytes: container };
    let document = extractor.extract(&input).expect("readable");
    assert!(document.warnings.is_empty(), "{:?}", document.warnings);
    let aliases = MakerAliases::default();
    let mut reading = Reader::new(None, aliases).read("file", &document, &SiteKnowledge::default()).expect("without a model");
    assert!(reading.passes(), "{:?}", reading.all_doubts().collect::<Vec<_>>());
    assert_eq!(reading.notices.len(), 1);
    reading.notices.remove(0)
}

/// What a case holds of a notice, as the notice would have it.
fn same(case: &Case, notice: &Notice) {
    let ends = case.kind == NoticeKind::Pdn;
    let text = |text: &Option<String>| text.as_deref().map(|text| text.trim().to_owned());
    assert_eq!(notice.kind, case.kind);
    assert_eq!(notice.maker.as_ref().map(|maker| maker.value.clone()), text(&case.maker));
    assert_eq!(notice.notice_id.as_ref().map(|id| id.value.clone()), text(&case.notice_id));
    assert_eq!(notice.issue_date.as_ref().map(|date| date.value), case.issue_date);
    // A notice's last-time buy is the earliest of its parts.
    assert_eq!(notice.last_time_buy.as_ref().map(|date| date.value), case.last_time_buy().filter(|_| ends));
    assert_eq!(notice.last_time_ship.as_ref().map(|date| date.value), case.last_time_ship.filter(|_| ends));
    let told = |part: &AffectedPart| {
        let replacement = match &part.replacement {
            Replacement::Unsaid => NamedReplacement::Unsaid,
            Replacement::None(_) => NamedReplacement::None,
            Replacement::Named(names) => NamedReplacement::Named(names.iter().map(|name| name.value.clone()).collect()),
        };
        let day = |found: &Option<lastbuy::domain::notice::Found<Date>>| found.as_ref().map(|found| found.value);
        CasePart { mpn: part.mpn.value.clone(), replacement, last_time_buy: day(&part.last_time_buy), last_time_ship: day(&part.last_time_ship) }
    };
    let expected = case.parts.iter().cloned().map(|part| if ends { part } else { CasePart { last_time_buy: None, last_time_ship: None, ..part } });
    assert_eq!(notice.parts.iter().map(told).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn a_case_comes_back_from_its_smartpcn_as_the_same_notice() {
    let extractor = extractor();
    let changed = case(NoticeKind::Pcn, vec![part("AX100-3", NamedReplacement::Unsaid, None, None)]);
    let undated = Case { issue_date: None, last_time_buy: None, last_time_ship: None, ..pdn() };
    for case in [pdn(), undated, changed] {
        same(&case, &read_back(&extractor, &export(&case, Format::SmartPcn).expect("smartPCN")));
    }
}

#[test]
fn what_a_form_cannot_tell_is_refused_with_a_sentence() {
    for format in Format::ALL {
        for (case, why) in [
            (case(NoticeKind::Nrnd, pdn().parts), "NRND"),
            (case(NoticeKind::Pdn, Vec::new()), "no part"),
            (Case { maker: None, ..pdn() }, "no maker"),
            (Case { notice_id: Some("  ".to_owned()), ..pdn() }, "no notice number"),
        ] {
            let error = export(&case, format).expect_err(why).to_string();
            assert!(error.contains(why) && error.contains("C-7"), "{error}");
        }
    }
}

fn name() -> impl Strategy<Value = String> {
    // As it may stand in a notice: any letters and marks, no line ends; a form trims its ends.
    "[A-Za-z0-9äß<>&'\"%;\\[\\]({})/+.,#*?_ \u{3042}\u{1F600}-]{1,24}"
        .prop_map(|name| name.trim().to_owned())
        .prop_filter("something", |name| !name.is_empty())
}

fn day() -> impl Strategy<Value = Option<Date>> {
    proptest::option::of((2026_i16..2035, 1_i8..=12, 1_i8..=28).prop_map(|(year, month, day)| date(year, month, day)))
}

fn any_case() -> impl Strategy<Value = Case> {
    let replacement = prop_oneof![
        Just(NamedReplacement::Unsaid),
        Just(NamedReplacement::None),
        proptest::collection::vec(name(), 1..4).prop_map(NamedReplacement::Named)
    ];
    let parts = proptest::collection::vec((name(), replacement, day()).prop_map(|(mpn, replacement, buy)| part(&mpn, replacement, buy, None)), 1..12);
    (name(), name(), day(), day(), parts, any::<bool>()).prop_map(|(maker, number, issued, buy, mut parts, ends)| {
        let mut seen = BTreeSet::new();
        parts.retain(|part| seen.insert(part.mpn.clone()));
        let kind = if ends { NoticeKind::Pdn } else { NoticeKind::Pcn };
        Case { maker: Some(maker), notice_id: Some(number), issue_date: issued, last_time_buy: buy, last_time_ship: None, ..case(kind, parts) }
    })
}

#[test]
fn whatever_a_notice_may_name_comes_back() {
    let extractor = extractor();
    let mut runner = proptest::test_runner::TestRunner::new_with_rng(
        ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() },
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    runner
        .run(&any_case(), |case| {
            same(&case, &read_back(&extractor, &export(&case, Format::SmartPcn).expect("smartPCN")));
            let submodel: Value = serde_json::from_slice(&export(&case, Format::Idta02036).expect("submodel")).expect("JSON");
            conforms(&submodel["submodels"][0]);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

/// Checks a submodel against the template's elements: what is there is of the template, and what the template demands is there.
fn conforms(submodel: &Value) {
    let template: Value = serde_json::from_slice(&file("handover/idta02036.template.json")).expect("template");
    let mut wrong = Vec::new();
    element(submodel, &template, "Submodel", &mut wrong);
    assert!(wrong.is_empty(), "{}\n{submodel:#}", wrong.join("\n"));
}

fn semantic_id(element: &Value) -> &str {
    element["semanticId"]["keys"][0]["value"].as_str().unwrap_or_default()
}

fn element(found: &Value, template: &Value, path: &str, wrong: &mut Vec<String>) {
    if found["modelType"] != template["modelType"] || semantic_id(found) != template["semanticId"] {
        wrong.push(format!("{path} is {} {}", found["modelType"], semantic_id(found)));
    }
    if found.get("valueType") != template.get("valueType") {
        wrong.push(format!("{path} has values of {}", found["valueType"]));
    }
    let allowed = template["values"].as_object();
    if let (Some(allowed), Some(value)) = (allowed, found["value"].as_str()) {
        let expected = allowed.get(value);
        if expected != Some(&found["valueId"]["keys"][0]["value"]) {
            wrong.push(format!("{path} is {value}, {}", found["valueId"]));
        }
    }
    let within = found.get("submodelElements").or_else(|| found.get("value")).filter(|value| value.is_array());
    let within: Vec<&Value> = within.into_iter().flat_map(|value| value.as_array().into_iter().flatten()).collect();
    match found["modelType"].as_str() {
        Some("Submodel" | "SubmodelElementCollection") => {
            let of = |name: &str| within.iter().filter(|inner| inner["idShort"] == name).collect::<Vec<_>>();
            for inner in template["elements"].as_array().into_iter().flatten() {
                let (name, least, most) =
                    (inner["idShort"].as_str().expect("name"), inner["min"].as_u64().expect("min"), inner["max"].as_u64().expect("max"));
                let found = of(name);
                if !(least..=most).contains(&(found.len() as u64)) {
                    wrong.push(format!("{path}.{name} is there {} times", found.len()));
                }
                found.iter().for_each(|found| element(found, inner, &format!("{path}.{name}"), wrong));
            }
            let known = |name: &Value| template["elements"].as_array().is_some_and(|all| all.iter().any(|inner| &inner["idShort"] == name));
            wrong.extend(within.iter().filter(|inner| !known(&inner["idShort"])).map(|inner| format!("{path} has {}", inner["idShort"])));
        }
        Some("SubmodelElementList") => {
            let of = &template["of"];
            if found["semanticIdListElement"]["keys"][0]["value"] != of["semanticId"]
                || found["typeValueListElement"] != of["modelType"]
                || within.is_empty()
            {
                wrong.push(format!("{path} is a list of something else, or empty"));
            }
            for inner in within {
                if inner.get("idShort").is_some() {
                    wrong.push(format!("{path}: an element of a list has no name (AASd-120)"));
                }
                element(inner, of, &format!("{path}[]"), wrong);
            }
        }
        Some("MultiLanguageProperty") => {
            let fits =
                |text: &Value| text["language"] == "en" && text["text"].as_str().is_some_and(|text| (1..=1023).contains(&text.chars().count()));
            if found.get("value").is_some() && (within.is_empty() || !within.iter().all(|text| fits(text))) {
                wrong.push(format!("{path} is {}", found["value"]));
            }
        }
        _ => {}
    }
}

#[test]
fn the_submodel_is_what_the_template_says_and_what_stands_beside_it() {
    let bytes = export(&pdn(), Format::Idta02036).expect("submodel");
    let environment: Value = serde_json::from_slice(&bytes).expect("JSON");
    conforms(&environment["submodels"][0]);
    let text = String::from_utf8(bytes).expect("UTF-8") + "\n";
    let expected = String::from_utf8(file("handover/pdn.aas.json")).expect("UTF-8");
    if text != expected {
        let beside = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("pdn.aas.json");
        std::fs::write(&beside, text).expect("what was found");
        panic!("not as expected: see {}", beside.display());
    }
    let many: Vec<CasePart> =
        (0..300).map(|number| part(&format!("AX{number}"), NamedReplacement::Named(vec!["BX110-3".to_owned()]), None, None)).collect();
    let environment: Value = serde_json::from_slice(&export(&case(NoticeKind::Pdn, many), Format::Idta02036).expect("submodel")).expect("JSON");
    conforms(&environment["submodels"][0]);
    assert_eq!(environment["submodels"][0]["submodelElements"][0]["value"].as_array().map(Vec::len), Some(300));
}
