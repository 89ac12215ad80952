//! The workbook: seven sheets, amounts as numbers with the currency's places, and totals as formulas that a controller can follow. A formula stands only where it comes to
//! the statement's own figure; everything else is the figure. Text never becomes a formula. The same statement gives the same bytes.

use rust_decimal::Decimal;
use rust_xlsxwriter::{ColNum, DocProperties, ExcelDateTime, RowNum, Workbook, XlsxError};

use super::{
    Order, Report, UNKNOWN,
    sheet::{Cell, Done, Looks, Sheet, sum},
};
use crate::{
    domain::money::Money,
    impact::{AccountingLine, ItemStatement},
};

/// What fills a sheet.
type Fill = fn(&mut Sheet<'_>, &Report<'_>) -> Done;

/// The bytes of an XLSX file.
pub fn workbook(report: &Report<'_>) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let day = report.assessment.as_of;
    // The day of the statement, not of the export: the same statement gives the same file.
    let made = ExcelDateTime::from_ymd(u16::try_from(day.year()).unwrap_or(1970), day.month().unsigned_abs(), day.day().unsigned_abs())?;
    book.set_properties(&DocProperties::new().set_title(&report.matter).set_creation_datetime(&made));
    let looks = Looks::of(report.assessment);
    let sheets: [(&str, Fill); 7] = [
        ("Summary", summary),
        ("By period", by_period),
        ("Parts and where used", parts),
        ("Answers", answers),
        ("Books", books),
        ("Purchase request", purchase),
        ("Why", why),
    ];
    for (name, fill) in sheets {
        let mut sheet = Sheet { of: book.add_worksheet(), looks: &looks, row: 0 };
        sheet.of.set_name(name)?.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
        fill(&mut sheet, report)?;
    }
    book.save_to_buffer()
}

fn summary(sheet: &mut Sheet<'_>, report: &Report<'_>) -> Done {
    let assessment = report.assessment;
    let head = &assessment.headline;
    sheet.widths(&[30, 26, 60])?;
    sheet.title(&report.matter)?;
    let (case, dataset, currency) = (assessment.case.to_string(), assessment.dataset.to_string(), assessment.currency.to_string());
    sheet.line(&[Cell::Text("Case"), Cell::Text(&case)])?;
    sheet.line(&[Cell::Text("Dataset"), Cell::Text(&dataset)])?;
    sheet.line(&[Cell::Text("As of"), Cell::Date(Some(assessment.as_of))])?;
    sheet.line(&[Cell::Text("Amounts in"), Cell::Text(&currency)])?;
    sheet.line(&[Cell::Text("In short"), Cell::Empty, Cell::Text(&assessment.summary)])?;
    sheet.title("What it comes to")?;
    sheet.line(&[Cell::Text("Margin at risk when nothing is done"), Cell::Money(head.margin_at_risk)])?;
    let runs_out = head
        .runs_out
        .map_or_else(|| if head.margin_at_risk.is_some() { "not before the horizon" } else { UNKNOWN }.to_owned(), |day| day.to_string());
    sheet.line(&[Cell::Text("First day that cannot be served"), Cell::Text(&runs_out)])?;
    sheet.line(&[
        Cell::Text("Best answer"),
        Cell::Chosen(head.best_answer.as_deref().unwrap_or(if assessment.ends { UNKNOWN } else { "nothing has to be answered" })),
    ])?;
    if head.best_answer.is_some() {
        sheet.line(&[Cell::Text("Its cost against the plan"), Cell::Money(head.best_cost)])?;
    }
    if let Some(choice) = &assessment.choice {
        sheet.line(&[Cell::Text("Why it is the best"), Cell::Empty, Cell::Text(choice)])?;
    }
    if let Some(simulation) = &assessment.simulation {
        let trials = format!("of {} trials, contribution and penalties", simulation.trials);
        for (name, money) in [("Loss of doing nothing, P10", simulation.loss.p10), ("P50", simulation.loss.p50), ("P90", simulation.loss.p90)] {
            sheet.line(&[Cell::Text(name), Cell::Money(Some(money)), Cell::Text(&trials)])?;
        }
    }
    sheet.line(&[
        Cell::Text("Parts known, unknown"),
        Cell::Number(Some(f64::from(head.known_parts))),
        Cell::Number(Some(f64::from(head.unknown_parts))),
    ])?;
    sheet.line(&[
        Cell::Text("Financial risk"),
        Cell::Money(assessment.financial_risk.amount),
        Cell::Text("probability × (mitigation + downtime)"),
    ])?;
    for (title, sentences) in [("What needs a person", &assessment.needs), ("Taken for granted", &assessment.assumptions)] {
        if !sentences.is_empty() {
            sheet.title(title)?;
            for sentence in sentences {
                sheet.line(&[Cell::Empty, Cell::Empty, Cell::Text(sentence)])?;
            }
        }
    }
    Ok(())
}

fn by_period(sheet: &mut Sheet<'_>, report: &Report<'_>) -> Done {
    let assessment = report.assessment;
    sheet.widths(&[34, 16, 16, 18, 40, 18, 18, 18])?;
    sheet.title("Lost by fiscal quarter when nothing is done: contribution and penalties")?;
    sheet.heads(&["Quarter", "First month", "Last month", "Lost", "Because"])?;
    let first = sheet.row;
    for quarter in &report.quarters {
        let (from, to, why) = (quarter.first.to_string(), quarter.last.to_string(), quarter.why());
        sheet.line(&[Cell::Text(&quarter.name), Cell::Text(&from), Cell::Text(&to), Cell::Money(Some(quarter.lost)), Cell::Text(&why)])?;
    }
    let lost: Vec<Option<Money>> = report.quarters.iter().map(|quarter| Some(quarter.lost)).collect();
    let total = sum(&lost).unwrap_or_else(|| Money::zero(assessment.currency));
    sheet.totals("All quarters", first, &[(3, lost, Some(total))])?;
    sheet.title("Margin lost by fiscal year when nothing is done")?;
    sheet.heads(&["Year", "Lost"])?;
    let first = sheet.row;
    for year in &assessment.margin_lost_by_year {
        sheet.line(&[Cell::Text(&year.year), Cell::Money(Some(year.margin_lost))])?;
    }
    let lost: Vec<Option<Money>> = assessment.margin_lost_by_year.iter().map(|year| Some(year.margin_lost)).collect();
    let total = sum(&lost).unwrap_or_else(|| Money::zero(assessment.currency));
    sheet.totals("All years", first, &[(1, lost, Some(total))])?;
    sheet.title("Profit of each answer by fiscal year, against the plan before the notice")?;
    let heads: Vec<&str> = std::iter::once("Answer").chain(report.years.iter().copied()).chain(["All years"]).collect();
    sheet.heads(&heads)?;
    for answer in &assessment.answers {
        let Some(profits) = &answer.profit_by_year else {
            sheet.line(&[Cell::Text(&answer.name), Cell::Money(None)])?;
            continue;
        };
        let profits: Vec<Option<Money>> = report
            .years
            .iter()
            .map(|year| Some(profits.iter().find(|of| of.year == *year).map_or_else(|| Money::zero(assessment.currency), |of| of.profit)))
            .collect();
        let mut cells = vec![if report.is_best(answer) { Cell::Chosen(&answer.name) } else { Cell::Text(&answer.name) }];
        cells.extend(profits.iter().map(|profit| Cell::Money(*profit)));
        if let Some(total) = sum(&profits) {
            let last = rust_xlsxwriter::utility::column_number_to_name(ColNum::try_from(profits.len()).unwrap_or(1));
            cells.push(Cell::Sum(format!("=SUM(B{0}:{last}{0})", sheet.row + 1), total));
        }
        sheet.line(&cells)?;
    }
    Ok(())
}

fn parts(sheet: &mut Sheet<'_>, report: &Report<'_>) -> Done {
    let assessment = report.assessment;
    sheet.widths(&[24, 30, 24, 16, 16, 16, 16, 16, 24, 30])?;
    sheet.title("Parts of the notice")?;
    sheet.heads(&["Part number", "Items", "Found by", "Last-time buy", "Last-time ship", "Suggestions"])?;
    for part in &assessment.parts {
        let (items, suggestions) = (part.items.join(", "), part.suggestions.join("; "));
        let found = part.found_by.as_deref().unwrap_or("unknown here");
        sheet.line(&[
            Cell::Text(&part.mpn),
            Cell::Text(&items),
            Cell::Text(found),
            Cell::Date(part.last_time_buy),
            Cell::Date(part.last_time_ship),
            Cell::Text(&suggestions),
        ])?;
    }
    sheet.title("Items")?;
    sheet.heads(&[
        "Item",
        "Description",
        "Sources that end",
        "Needed",
        "In stock",
        "On order",
        "Runs out",
        "Share of use",
        "Assemblies",
        "Products",
    ])?;
    for item in &assessment.items {
        of_item(sheet, item)?;
    }
    sheet.title("Products, when nothing is done")?;
    sheet.heads(&["SKU", "Name", "Contribution of one", "Units", "Units lost", "Margin lost", "Penalties"])?;
    let first = sheet.row;
    for product in &assessment.products {
        let contribution = product.contribution.as_deref().unwrap_or(UNKNOWN);
        sheet.line(&[
            Cell::Text(&product.sku),
            Cell::Text(&product.name),
            Cell::Text(contribution),
            Cell::Number(product.units),
            Cell::Number(product.units_lost),
            Cell::Money(product.margin_lost),
            Cell::Money(product.penalties),
        ])?;
    }
    if !assessment.products.is_empty() {
        let margins: Vec<Option<Money>> = assessment.products.iter().map(|product| product.margin_lost).collect();
        let penalties: Vec<Option<Money>> = assessment.products.iter().map(|product| product.penalties).collect();
        let (margin, penalty) = (sum(&margins), sum(&penalties));
        sheet.totals("All products", first, &[(5, margins, margin), (6, penalties, penalty)])?;
    }
    sheet.title("Stock by month")?;
    sheet.heads(&["Item", "Month", "Forecast", "Committed", "Spares", "Arriving", "Left at the end"])?;
    for item in &assessment.items {
        for month in &item.months {
            let name = month.month.to_string();
            let numbers = [month.forecast, month.committed, month.spares, month.arriving, month.left].map(|number| Cell::Number(Some(number)));
            let cells: Vec<Cell<'_>> = [Cell::Text(&item.item), Cell::Text(&name)].into_iter().chain(numbers).collect();
            sheet.line(&cells)?;
        }
    }
    Ok(())
}

fn of_item(sheet: &mut Sheet<'_>, item: &ItemStatement) -> Done {
    let (sources, assemblies, products, runs_out) =
        (item.sources.join(", "), item.assemblies.join(", "), item.products.join(", "), Report::runs_out(item));
    sheet.line(&[
        Cell::Text(&item.item),
        Cell::Text(&item.description),
        Cell::Text(&sources),
        Cell::Number(item.requirement),
        Cell::Number(Some(item.stock)),
        Cell::Number(Some(item.orders)),
        Cell::Text(&runs_out),
        Cell::Share(Some(item.share)),
        Cell::Text(&assemblies),
        Cell::Text(&products),
    ])
}

fn answers(sheet: &mut Sheet<'_>, report: &Report<'_>) -> Done {
    let assessment = report.assessment;
    sheet.widths(&[30, 12, 20, 20, 18, 18, 12, 16, 60])?;
    sheet.title("The answers side by side")?;
    sheet.heads(&[
        "Answer",
        "Possible",
        "Cost with what is still lost",
        "Margin still lost",
        "Present value",
        "Peak cash",
        "Weeks",
        "Last day",
        "Why",
    ])?;
    for answer in &assessment.answers {
        let last_day = Report::last_day(answer);
        sheet.line(&[
            if report.is_best(answer) { Cell::Chosen(&answer.name) } else { Cell::Text(&answer.name) },
            Cell::Text(if answer.feasible { "yes" } else { "no" }),
            Cell::Money(answer.total_cost),
            Cell::Money(answer.margin_lost),
            Cell::Money(answer.npv),
            Cell::Money(answer.peak_cash),
            Cell::Number(answer.weeks),
            Cell::Text(&last_day),
            Cell::Text(&answer.why),
        ])?;
    }
    for answer in &assessment.answers {
        sheet.title(&answer.name)?;
        sheet.heads(&["Line", "", "Cost", "From"])?;
        let first = sheet.row;
        for line in &answer.lines {
            sheet.line(&[Cell::Text(&line.name), Cell::Empty, Cell::Money(line.amount), Cell::Text(&line.from)])?;
        }
        let lines: Vec<Option<Money>> = answer.lines.iter().map(|line| line.amount).collect();
        sheet.totals("Cost with what is still lost", first, &[(2, lines, answer.total_cost)])?;
    }
    Ok(())
}

/// Each answer in the site's books: profit by line and fiscal quarter, and beside it cash and what stands in the balance sheet at the end of each.
fn books(sheet: &mut Sheet<'_>, report: &Report<'_>) -> Done {
    sheet.widths(&[38, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16])?;
    if report.assessment.accounting.is_empty() {
        return sheet.line(&[Cell::Text("There is nothing to book: no answer with a known cost.")]);
    }
    for accounting in &report.assessment.accounting {
        sheet.title(&format!("{}, by {}", accounting.answer, accounting.standard))?;
        let heads: Vec<&str> = std::iter::once("Line").chain(accounting.quarters.iter().map(String::as_str)).chain(["Total"]).collect();
        sheet.heads(&heads)?;
        let first = sheet.row;
        for line in &accounting.lines {
            book_line(sheet, line, true)?;
        }
        let amounts = accounting.profit.amounts.iter().chain([&accounting.profit.total]).enumerate();
        let columns: Vec<(ColNum, Vec<Option<Money>>, Option<Money>)> = amounts
            .map(|(at, total)| {
                let of = |line: &AccountingLine| line.amounts.iter().chain([&line.total]).nth(at).copied();
                (ColNum::try_from(at + 1).unwrap_or(ColNum::MAX), accounting.lines.iter().map(of).collect(), Some(*total))
            })
            .collect();
        sheet.totals(&accounting.profit.name, first, &columns)?;
        book_line(sheet, &accounting.capital, true)?;
        if let Some(cash) = &accounting.cash {
            book_line(sheet, cash, true)?;
        }
        // What stands at the end of a quarter is not added up.
        book_line(sheet, &accounting.inventory, false)?;
        book_line(sheet, &accounting.accrued, false)?;
    }
    Ok(())
}

/// The amounts of one line by quarter, and their sum where they come to the total.
fn book_line(sheet: &mut Sheet<'_>, line: &AccountingLine, adds_up: bool) -> Done {
    let amounts: Vec<Option<Money>> = line.amounts.iter().copied().map(Some).collect();
    let mut cells: Vec<Cell<'_>> = vec![Cell::Text(&line.name)];
    cells.extend(amounts.iter().map(|amount| Cell::Money(*amount)));
    let last = rust_xlsxwriter::utility::column_number_to_name(ColNum::try_from(amounts.len()).unwrap_or(1));
    cells.push(if adds_up && sum(&amounts) == Some(line.total) {
        Cell::Sum(format!("=SUM(B{0}:{last}{0})", sheet.row + 1), line.total)
    } else {
        Cell::Money(Some(line.total))
    });
    sheet.line(&cells)
}

fn purchase(sheet: &mut Sheet<'_>, report: &Report<'_>) -> Done {
    sheet.widths(&[18, 36, 30, 14, 16, 18, 14, 30])?;
    sheet.title("Last-time buy: what to order by when")?;
    if report.orders.is_empty() {
        return sheet.line(&[Cell::Text("Nothing to order: the last-time buy is not possible, or no piece of it is worth buying.")]);
    }
    sheet.heads(&["Item", "Description", "Maker and part number", "Quantity", "Price of one", "Amount", "Order by", "Quantity from"])?;
    let first = sheet.row;
    for order in &report.orders {
        sheet.line(&[
            Cell::Text(&order.item),
            Cell::Text(&order.description),
            Cell::Text(&order.maker_part),
            Cell::Number(Some(order.quantity)),
            Cell::Price(order.unit_price),
            amount(order, sheet.row),
            Cell::Date(order.order_by),
            Cell::Text(order.basis),
        ])?;
    }
    let amounts: Vec<Option<Money>> = report.orders.iter().map(|order| order.amount).collect();
    let total = sum(&amounts);
    sheet.totals("All orders", first, &[(5, amounts, total)])
}

/// Quantity times price where that is the statement's amount to the last place; a price that was rounded for showing would come to another.
fn amount(order: &Order, row: RowNum) -> Cell<'static> {
    let quantity = Decimal::from_f64_retain(order.quantity).map(|quantity| quantity.round_dp(9));
    let product = quantity.zip(order.unit_price).and_then(|(quantity, price)| quantity.checked_mul(price));
    match (product, order.amount) {
        (Some(product), Some(amount)) if Money::round(product, amount.currency()) == Ok(amount) => {
            Cell::Sum(format!("=ROUND(D{0}*E{0},{1})", row + 1, amount.currency().places()), amount)
        }
        (_, amount) => Cell::Money(amount),
    }
}

fn why(sheet: &mut Sheet<'_>, report: &Report<'_>) -> Done {
    sheet.widths(&[34, 24, 60, 40, 24, 50])?;
    sheet.title("How each figure came about")?;
    sheet.heads(&["Figure", "Value", "Formula", "Input", "Its value", "From"])?;
    sheet.of.set_freeze_panes(sheet.row, 0)?;
    for figure in &report.assessment.figures {
        sheet.line(&[Cell::Chosen(&figure.name), Cell::Text(&figure.value), Cell::Text(&figure.formula)])?;
        for input in &figure.inputs {
            sheet.line(&[Cell::Empty, Cell::Empty, Cell::Empty, Cell::Text(&input.what), Cell::Text(&input.value), Cell::Text(&input.from)])?;
        }
        if figure.inputs_left_out > 0 {
            let more = format!("and {} more inputs", figure.inputs_left_out);
            sheet.line(&[Cell::Empty, Cell::Empty, Cell::Empty, Cell::Text(&more)])?;
        }
    }
    Ok(())
}
