//! The workbook read back: every amount is the statement's, and every formula comes to the value that stands beside it. The page: it says the same, and nothing in it
//! comes from anywhere else.

use std::{collections::HashMap, io::Cursor};

use calamine::{Data, Reader as _, Xlsx};
use lastbuy::{
    domain::money::Money,
    impact::Assessment,
    report::{Report, page, workbook},
};
use rust_decimal::{Decimal, prelude::FromPrimitive as _};

use super::{Tiny, rich};

/// Where it stands, by row and column, and what it says.
type Formula = ((u32, u32), String);

struct Book {
    rows: HashMap<String, Vec<Vec<Data>>>,
    formulas: HashMap<String, Vec<Formula>>,
}

fn read(assessment: &Assessment) -> Book {
    let bytes = workbook(&Report::of(assessment, None)).expect("workbook");
    assert_eq!(bytes, workbook(&Report::of(assessment, None)).expect("workbook"), "the same statement gives other bytes");
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).expect("XLSX");
    let (mut rows, mut formulas) = (HashMap::new(), HashMap::new());
    for name in book.sheet_names() {
        let range = book.worksheet_range(&name).expect("sheet");
        assert_eq!(range.start(), Some((0, 0)), "{name}");
        rows.insert(name.clone(), range.rows().map(<[Data]>::to_vec).collect());
        let found = book.worksheet_formula(&name).expect("formulas");
        let (row, column) = found.start().unwrap_or_default();
        let found = found.used_cells().filter(|(.., formula)| !formula.is_empty());
        formulas.insert(name, found.map(|(r, c, formula)| ((row + r as u32, column + c as u32), formula.clone())).collect());
    }
    Book { rows, formulas }
}

impl Book {
    fn cell(&self, sheet: &str, row: usize, column: usize) -> &Data {
        self.rows[sheet].get(row).and_then(|row| row.get(column)).unwrap_or(&Data::Empty)
    }

    /// The first row at or after `from` whose first cell says this.
    fn row(&self, sheet: &str, says: &str, from: usize) -> usize {
        let is = |row: &Vec<Data>| row.first().is_some_and(|cell| *cell == says);
        let at = self.rows[sheet].iter().skip(from).position(is);
        from + at.unwrap_or_else(|| panic!("'{says}' is not in {sheet} from row {from} on"))
    }

    fn is_money(&self, sheet: &str, row: usize, column: usize, money: Option<Money>) {
        match (self.cell(sheet, row, column), money) {
            (Data::String(text), None) => assert_eq!(text, "unknown", "{sheet} {row} {column}"),
            (cell, Some(money)) => assert_eq!(number(cell), money.amount(), "{sheet} {row} {column}"),
            (cell, None) => panic!("{sheet} {row} {column} is {cell}, and is unknown"),
        }
    }
}

fn number(cell: &Data) -> Decimal {
    let (Data::Float(_) | Data::Int(_)) = cell else { panic!("'{cell}' is no number") };
    cell.to_string().parse().unwrap_or_else(|_| panic!("{cell}"))
}

/// Row and column of `B12`, from zero.
fn place(name: &str) -> (usize, usize) {
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let column = letters.bytes().fold(0, |column, letter| column * 26 + usize::from(letter - b'A') + 1);
    (name[letters.len()..].parse::<usize>().expect("row") - 1, column - 1)
}

/// What a formula of ours comes to, by the cells that it names.
fn evaluated(book: &Book, sheet: &str, formula: &str) -> Decimal {
    let inner = |name: &str| formula.strip_prefix(name).and_then(|rest| rest.strip_prefix('(')).and_then(|rest| rest.strip_suffix(')'));
    if let Some((from, to)) = inner("SUM").and_then(|range| range.split_once(':')) {
        let ((top, left), (bottom, right)) = (place(from), place(to));
        return (top..=bottom)
            .flat_map(|row| (left..=right).map(move |column| (row, column)))
            .map(|(row, column)| number(book.cell(sheet, row, column)))
            .sum();
    }
    let (product, places) = inner("ROUND").and_then(|inner| inner.split_once(',')).unwrap_or_else(|| panic!("the formula {formula} is not known"));
    let (quantity, price) = product.split_once('*').expect("a product");
    let of = |name: &str| number(book.cell(sheet, place(name).0, place(name).1));
    (of(quantity) * of(price)).round_dp_with_strategy(places.trim().parse().expect("places"), rust_decimal::RoundingStrategy::MidpointAwayFromZero)
}

fn agrees(assessment: &Assessment) {
    let book = read(assessment);
    assert_eq!(book.rows.len(), 7);
    let mut at = 0;
    for accounting in &assessment.accounting {
        at = book.row("Books", &format!("{}, by {}", accounting.answer, accounting.standard), at) + 2;
        for line in accounting
            .lines
            .iter()
            .chain([&accounting.profit, &accounting.capital])
            .chain(&accounting.cash)
            .chain([&accounting.inventory, &accounting.accrued])
        {
            assert_eq!(book.cell("Books", at, 0).to_string(), line.name);
            for (column, amount) in (1..).zip(line.amounts.iter().chain([&line.total])) {
                book.is_money("Books", at, column, Some(*amount));
            }
            at += 1;
        }
    }
    for (sheet, formulas) in &book.formulas {
        for ((row, column), formula) in formulas {
            let stands = number(book.cell(sheet, *row as usize, *column as usize));
            assert_eq!(evaluated(&book, sheet, formula), stands, "{sheet}: {formula}");
        }
    }
    let head = &assessment.headline;
    book.is_money("Summary", book.row("Summary", "Margin at risk when nothing is done", 0), 1, head.margin_at_risk);
    let mut at = 0;
    for quarter in &assessment.lost_by_quarter {
        at = book.row("By period", &quarter.quarter, at);
        book.is_money("By period", at, 3, Some(quarter.lost));
    }
    at = book.row("By period", "Margin lost by fiscal year when nothing is done", at);
    for year in &assessment.margin_lost_by_year {
        book.is_money("By period", book.row("By period", &year.year, at), 1, Some(year.margin_lost));
    }
    let heads = book.row("By period", "Answer", at);
    for answer in &assessment.answers {
        let row = book.row("By period", &answer.name, heads);
        for year in answer.profit_by_year.iter().flatten() {
            let column = (1..20).find(|column| book.cell("By period", heads, *column).to_string() == year.year).expect("the year's column");
            book.is_money("By period", row, column, Some(year.profit));
        }
        let row = book.row("Answers", &answer.name, 0);
        for (column, money) in [(2, answer.total_cost), (3, answer.margin_lost), (4, answer.npv), (5, answer.peak_cash)] {
            book.is_money("Answers", row, column, money);
        }
        let lines = book.row("Answers", &answer.name, row + 1);
        for (row, line) in (lines + 2..).zip(&answer.lines) {
            assert_eq!(book.cell("Answers", row, 0).to_string(), line.name);
            book.is_money("Answers", row, 2, line.amount);
        }
        let total = lines + 2 + answer.lines.len();
        book.is_money("Answers", total, 2, answer.total_cost);
        let is_formula = book.formulas["Answers"].iter().any(|((row, column), _)| (*row as usize, *column) == (total, 2));
        assert_eq!(is_formula, answer.total_cost.is_some() && !answer.lines.is_empty(), "{}", answer.name);
    }
    let products = book.row("Parts and where used", "SKU", 0);
    for (row, product) in (products + 1..).zip(&assessment.products) {
        assert_eq!(book.cell("Parts and where used", row, 0).to_string(), product.sku);
        book.is_money("Parts and where used", row, 5, product.margin_lost);
        book.is_money("Parts and where used", row, 6, product.penalties);
    }
    for order in &Report::of(assessment, None).orders {
        let row = book.row("Purchase request", &order.item, 0);
        assert_eq!(number(book.cell("Purchase request", row, 3)), Decimal::from_f64(order.quantity).expect("quantity"));
        book.is_money("Purchase request", row, 5, order.amount);
    }
    for figure in &assessment.figures {
        assert_eq!(book.cell("Why", book.row("Why", &figure.name, 0), 1).to_string(), figure.value, "{}", figure.name);
    }
}

#[test]
fn the_workbook_holds_the_statements_amounts_and_its_formulas_come_to_them() {
    agrees(&rich().assess());
    agrees(&Tiny::simple().assess());
    // An unknown contribution, and a part that nobody knows: no cell is empty or zero for it.
    agrees(&Tiny::simple().with(|tiny| tiny.data.products[0].contribution = None).assess());
    agrees(&Tiny::simple().with(|tiny| tiny.case.parts.clear()).ends("ZZ9999").assess());
    let book = read(&rich().assess());
    assert!(book.formulas.values().map(Vec::len).sum::<usize>() > 15 && !book.formulas["Purchase request"].is_empty(), "{:?}", book.formulas);
}

#[test]
fn quarters_add_up_to_what_is_lost() {
    let assessment = rich().assess();
    let quarters: Decimal = assessment.lost_by_quarter.iter().map(|quarter| quarter.lost.amount()).sum();
    let products: Decimal =
        assessment.products.iter().flat_map(|product| [product.margin_lost, product.penalties]).flatten().map(Money::amount).sum();
    assert!(quarters > Decimal::ZERO);
    assert_eq!(quarters, products);
    assert!(assessment.lost_by_quarter.iter().all(|quarter| quarter.first < quarter.last && quarter.quarter.contains(" Q")));
    // Every quarter that loses something says what is missing in it.
    let report = Report::of(&assessment, None);
    assert!(
        report.quarters.iter().all(|quarter| !quarter.short.is_empty()),
        "{:?}",
        report.quarters.iter().map(|quarter| &quarter.short).collect::<Vec<_>>()
    );
}

#[test]
fn nothing_that_came_from_outside_becomes_a_formula_or_a_tag() {
    let renamed = |tiny: &mut Tiny| {
        let rename = |sku: &mut String| {
            if sku == "Q" {
                "=HYPERLINK(\"https://evil.example\")<script>".clone_into(sku);
            }
        };
        tiny.data.products.iter_mut().for_each(|product| rename(&mut product.sku));
        tiny.data.bom.iter_mut().for_each(|line| rename(&mut line.parent));
        tiny.data.demand.iter_mut().for_each(|demand| rename(&mut demand.sku));
    };
    let assessment = rich().with(renamed).assess();
    let book = read(&assessment);
    let formulas: Vec<&String> = book.formulas.values().flatten().map(|(_, formula)| formula).collect();
    assert!(formulas.iter().all(|formula| formula.starts_with("SUM(") || formula.starts_with("ROUND(")), "{formulas:?}");
    let html = page(&Report::of(&assessment, None)).expect("page");
    assert!(!html.contains("<script") && !html.contains("src=") && !html.contains("url(") && !html.contains("<link"), "{html}");
}

#[test]
fn the_page_says_which_quarter_is_hit_and_what_to_order_by_when() {
    let assessment = rich().assess();
    let report = Report::of(&assessment, None);
    let html = page(&report).expect("page");
    let (first, details) = html.split_once("class=\"details\"").expect("two sheets");
    for quarter in &report.quarters {
        assert!(first.contains(&quarter.lost.grouped()) && first.contains(&quarter.name), "{}", quarter.name);
    }
    assert!(!report.orders.is_empty());
    for order in &report.orders {
        let day = order.order_by.expect("a day").to_string();
        assert!(first.contains(&order.maker_part) && first.contains(&day) && first.contains(&order.amount.expect("amount").grouped()), "{order:?}");
    }
    assert!(first.contains(&assessment.headline.margin_at_risk.map_or_else(|| "unknown".to_owned(), Money::grouped)));
    for answer in &assessment.answers {
        assert!(details.contains(&answer.name));
    }
    assert_eq!(html.matches("<svg").count(), 2 + assessment.items.iter().filter(|item| item.months.iter().any(|month| month.left != 0.0)).count());
    // A notice that ends nothing has no such sheets, and still says so.
    let nothing = Tiny::simple().with(|tiny| tiny.case.kind = lastbuy::domain::notice::NoticeKind::Pcn).assess();
    let html = page(&Report::of(&nothing, None)).expect("page");
    assert!(html.contains("nothing has to be answered") && html.contains("Nothing to order"), "{html}");
}
