//! Exports of other systems: each folder holds one system's files and, in `expected/`, the plain files that say the same.

use lastbuy::factory::{Bom, ImportOptions, ImportReport, Mapping, import_with};
use serde_json::Value;

use super::*;

fn mapped(dir: &Path, mapping: &str) -> (FactoryData<Bom>, ImportReport) {
    let options = ImportOptions { mapping: Some(Mapping::named(mapping).expect(mapping)), ..ImportOptions::default() };
    import_with(&[dir.to_owned()], &options, &mut |_, _| {}).expect("import")
}

/// Everything but where it stood, numbers by value; lines of the bills in order.
fn meaning(data: FactoryData<Bom>) -> Value {
    let FactoryData { products, items, bom, aml, demand, stock, rates, site } = data;
    let mut value =
        serde_json::to_value(FactoryData { products, items, bom: bom.lines().collect::<Vec<_>>(), aml, demand, stock, rates, site }).expect("JSON");
    fn plain(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.retain(|name, _| name != "at");
                members.values_mut().for_each(plain);
            }
            Value::Array(values) => values.iter_mut().for_each(plain),
            Value::String(text) if text.contains('.') => {
                if let Ok(number) = text.parse::<Decimal>() {
                    *text = number.normalize().to_string();
                }
            }
            _ => {}
        }
    }
    plain(&mut value);
    let mut sorted = |table: &str| value[table].as_array_mut().expect("table").sort_by_key(Value::to_string);
    ["bom", "stock", "demand"].iter().for_each(|table| sorted(table));
    value
}

#[test]
fn exports_become_the_plain_files_beside_them() {
    let mut systems = 0;
    for system in ["sap", "odoo", "oracle"] {
        let (found, report) = mapped(&folder(system), system);
        assert_eq!((report.refused, report.unusable.len()), (0, 0), "{system}: {:#?}", report.problems);
        let (expected, _) = read(&folder(&format!("{system}/expected")));
        assert_eq!(meaning(found), meaning(expected), "{system}: {:#?}", report.problems);
        systems += 1;
    }
    assert_eq!(systems, 3);
}

#[test]
fn what_an_import_did_to_an_export_is_told() {
    let (_, report) = mapped(&folder("sap"), "sap");
    let told: Vec<String> = report.problems.iter().map(|problem| format!("{} {:?}: {}", problem.file, problem.column, problem.what)).collect();
    for what in ["mm60.csv None: the file is not UTF-8; it was read as windows-1252", "quantities of this column, this one first, were converted"] {
        assert!(told.iter().any(|told| told.contains(what)), "{what}: {told:#?}");
    }
    for what in ["5 lines were passed over because Material type or Mat. type", "2 lines show an assembly's bill again"] {
        assert!(report.notes.iter().any(|note| note.contains(what)), "{what}: {:#?}", report.notes);
    }
}

/// The clean folder, each table as a workbook, as a spreadsheet keeps it: numbers as numbers, days as days.
#[test]
fn a_workbook_and_a_file_of_another_form_hold_the_same() {
    let (expected, _) = read(&folder("clean"));
    let write = |name: &str, bytes: &[u8]| {
        let dir = changed("rates.csv", None);
        fs::copy(folder("clean/rates.csv"), dir.path().join("rates.csv")).expect("copied");
        fs::write(dir.path().join(name), bytes).expect("written");
        dir
    };
    let text = fs::read_to_string(folder("clean/demand.csv")).expect("text");
    let unmarked = text.trim_start_matches('\u{FEFF}');
    let wide: Vec<u8> = unmarked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let tabs = if unmarked.contains(';') { unmarked.replace(';', "\t") } else { unmarked.replace(',', "\t") };
    for (form, bytes) in [("UTF-16", wide), ("tabs", tabs.into_bytes())] {
        let dir = write("demand.csv", &bytes);
        let (found, report) = read(dir.path());
        assert_eq!(report.refused, 0, "{form}: {:?}", report.problems);
        assert_eq!(found.demand, expected.demand, "{form}");
    }
}

#[test]
fn what_a_workbook_does_to_part_numbers_is_told_or_refused() {
    use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
    let dir = changed("bom.csv", None);
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, heading) in ["parent", "child", "quantity", "valid_from"].into_iter().enumerate() {
        sheet.write_string(0, u16::try_from(column).expect("small"), heading).expect("cell");
    }
    let day = ExcelDateTime::from_ymd(2027, 3, 2).expect("day");
    let as_day = Format::new().set_num_format("yyyy-mm-dd");
    for (row, parent) in [(1, "DRV-400"), (2, "DRV-400"), (3, "DRV-400"), (4, "DRV-230")] {
        sheet.write_string(row, 0, parent).expect("cell");
        sheet.write_number(row, 2, 0.1 + 0.2).expect("cell");
        sheet.write_datetime_with_format(row, 3, &day, &as_day).expect("cell");
    }
    sheet.write_string(1, 1, "IC-100").expect("cell");
    sheet.write_number(2, 1, 4711.0).expect("cell");
    sheet.write_datetime_with_format(3, 1, &day, &as_day).expect("cell");
    sheet.write_number(4, 1, 1.234e20).expect("cell");
    book.save(dir.path().join("bom.xlsx")).expect("saved");
    let (data, report) = read(dir.path());
    let line = data.bom.lines().next().expect("a line");
    assert_eq!((line.quantity.to_string().as_str(), line.valid_from, line.at.line), ("0.3", Some(date(2027, 3, 2)), 2));
    let of_bom: Vec<(u32, bool, &str)> = report
        .problems
        .iter()
        .filter(|problem| problem.file == "bom.xlsx")
        .map(|problem| (problem.line, problem.refused, problem.what.as_str()))
        .collect();
    for (line, refused, what) in [
        (3, true, "neither items.csv nor products.csv has '4711'"),
        (3, false, "kept as numbers in the workbook"),
        (4, true, "into a date"),
        (5, true, "into a number"),
    ] {
        assert!(of_bom.iter().any(|(at, is_refused, said)| (*at, *is_refused) == (line, refused) && said.contains(what)), "{what}: {of_bom:#?}");
    }
}
