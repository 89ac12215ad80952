//! The sample factory of the demo: every part in its approved manufacturer list comes to a statement.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

use std::path::Path;

use jiff::civil::date;
use lastbuy::{
    cli::impact_text::text,
    domain::{
        case::{Case, CasePart, CaseState, NamedReplacement},
        id::{CaseId, DatasetId},
        notice::NoticeKind,
        time::At,
    },
    factory::{Factory, built_in_aliases, import},
    impact::{Assessment, Input, LAST_TIME_BUY, WhatIf, assess, assess_what_if},
};

fn ending(maker: &str, mpn: &str) -> Case {
    Case {
        id: CaseId(1),
        keys: Vec::new(),
        kind: NoticeKind::Pdn,
        maker: Some(maker.to_owned()),
        notice_id: None,
        issue_date: None,
        last_time_buy: Some(date(2027, 5, 31)),
        last_time_ship: Some(date(2027, 11, 30)),
        parts: vec![CasePart { mpn: mpn.to_owned(), replacement: NamedReplacement::Unsaid, last_time_buy: None, last_time_ship: None }],
        events: Vec::new(),
        made_by: None,
        state: CaseState::Open,
        opened_at: At(0),
        changed_at: At(0),
        latest: None,
        headline: None,
    }
}

fn assessed(factory: &Factory, maker: &str, mpn: &str) -> Assessment {
    let case = ending(maker, mpn);
    let matches = [factory.find_part(Some(maker), mpn)];
    let input = Input { factory, dataset: DatasetId(1), case: &case, matches: &matches, as_of: date(2026, 11, 23), other_open_parts: &[] };
    assess(&input).unwrap_or_else(|error| panic!("{maker} {mpn}: {error}"))
}

#[test]
fn every_part_of_the_sample_comes_to_a_statement() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/factory");
    let (mut data, report) = import(&[folder], &mut |_, _| {}).expect("the sample factory");
    assert_eq!(report.refused, 0, "{:?}", report.problems);
    let (trials, sensitivities) = (data.site.risk.trials, data.site.risk.sensitivities);
    // Two hundred parts: in full only the one that is shown.
    (data.site.risk.trials, data.site.risk.sensitivities) = (64, false);
    let mut factory = Factory::new(data, built_in_aliases());
    let (mut at_risk, mut carried) = (0, 0);
    let mut dearest: Option<(Assessment, String, String)> = None;
    for entry in &factory.data.aml {
        let assessment = assessed(&factory, &entry.maker, &entry.mpn);
        let margin = assessment
            .headline
            .margin_at_risk
            .unwrap_or_else(|| panic!("{}: every margin of the sample is known: {:?}", entry.mpn, assessment.needs));
        assert_eq!(assessment.headline.known_parts, 1, "{}", entry.mpn);
        let statement = text(&assessment);
        let widest = statement.lines().max_by_key(|line| line.chars().count()).unwrap_or_default();
        assert!(widest.chars().count() <= 140, "{}: {} columns: {widest}", entry.mpn, widest.chars().count());
        at_risk += usize::from(!margin.is_zero());
        carried += usize::from(assessment.items[0].alternate.is_some() && margin.is_zero());
        if dearest.as_ref().and_then(|dearest| dearest.0.headline.margin_at_risk).is_none_or(|most| most.minor() < margin.minor()) {
            dearest = Some((assessment, entry.maker.clone(), entry.mpn.clone()));
        }
    }
    assert!(at_risk > 0 && carried > 0, "{at_risk} at risk, {carried} carried by alternates: the sample shows nothing");
    let (_, maker, mpn) = dearest.expect("a part");
    (factory.data.site.risk.trials, factory.data.site.risk.sensitivities) = (trials, sensitivities);
    let dearest = assessed(&factory, &maker, &mpn);
    // With every input in the files, the order is computed and some answer is better than doing nothing.
    assert!(dearest.items[0].last_time_buy.quantity.is_some_and(|quantity| quantity > 0.0), "{:?}", dearest.items[0].last_time_buy);
    assert!(dearest.headline.best_answer.as_deref().is_some_and(|best| best != "Do nothing"));
    // Shown with --nocapture.
    println!("{}", text(&dearest));
}

#[test]
fn what_is_moved_moves_what_it_should_and_nothing_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/factory");
    let (mut data, _) = import(&[folder], &mut |_, _| {}).expect("the sample factory");
    (data.site.risk.trials, data.site.risk.sensitivities) = (0, false);
    let factory = Factory::new(data, built_in_aliases());
    let (maker, mpn) = ("Sundgau Composants", "SGE-331-400-R");
    let case = ending(maker, mpn);
    let matches = [factory.find_part(Some(maker), mpn)];
    let input = Input { factory: &factory, dataset: DatasetId(1), case: &case, matches: &matches, as_of: date(2026, 11, 23), other_open_parts: &[] };
    let asked = |what_if: WhatIf| assess_what_if(&input, &what_if).expect("a statement");
    let plain = assess(&input).expect("a statement");
    assert_eq!(plain, asked(WhatIf::default()));
    let cost = |statement: &Assessment| {
        let answer = statement.answers.iter().find(|answer| answer.name == LAST_TIME_BUY);
        answer.and_then(|answer| answer.total_cost).expect("the cost of a last-time buy").minor()
    };
    let pieces = |statement: &Assessment| statement.items[0].last_time_buy.quantity.expect("a quantity");

    let shorter = asked(WhatIf { horizon_months: Some(12), ..WhatIf::default() });
    assert_eq!(shorter.items[0].months.len(), 12);
    assert!(shorter.items[0].requirement < plain.items[0].requirement && pieces(&shorter) < pieces(&plain));
    assert_eq!(shorter.items[0].runs_out, plain.items[0].runs_out);
    assert!(shorter.headline.margin_at_risk.map(|margin| margin.minor()) < plain.headline.margin_at_risk.map(|margin| margin.minor()));

    let dearer = asked(WhatIf { holding_rate: "0.48".parse().ok(), ..WhatIf::default() });
    assert!(cost(&dearer) > cost(&plain));
    assert_eq!(dearer.headline.margin_at_risk, plain.headline.margin_at_risk);

    let [half, nearly_all] = [0.5, 0.99].map(|level| asked(WhatIf { service_level: Some(level), ..WhatIf::default() }));
    assert!(pieces(&half) < pieces(&plain) && pieces(&plain) < pieces(&nearly_all));
    let ratio = plain.items[0].last_time_buy.critical_ratio;
    assert_eq!(pieces(&asked(WhatIf { service_level: ratio, ..WhatIf::default() })), pieces(&plain), "the critical ratio is a service level");

    let redesign = |statement: &Assessment| {
        let answer = statement.answers.iter().find(|answer| answer.name == lastbuy::impact::REDESIGN);
        answer.and_then(|answer| answer.total_cost).expect("the cost of a redesign").minor()
    };
    let cheaper = asked(WhatIf { redesign_cost: "100000".parse().ok(), ..WhatIf::default() });
    assert_eq!(redesign(&plain) - redesign(&cheaper), 85_000 * 100, "the sample's own redesign costs 185,000 EUR");
    assert_eq!(cost(&cheaper), cost(&plain));
}
