//! The factory's files through the public face: what is taken, what is refused and why, and what the dataset answers.
//!
//! A folder of `tests/factory/` is one import. `dirty/expected-report.json` is the report it must give; on a mismatch the report found is written beside it, as
//! `expected-report.json.failed`.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use jiff::civil::date;
use lastbuy::{
    domain::{
        event::Digest,
        factory::{DemandKind, FactoryData, Month},
        maker::MakerAliases,
        money::Currency,
    },
    factory::{Bom, Factory, ImportError, ImportReport, MatchKind, PartMatch, built_in_aliases, import, read_dataset, write_dataset},
};
use rust_decimal::Decimal;

#[path = "factory/exported.rs"]
mod exported;
#[path = "factory/mapped.rs"]
mod mapped;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/factory").join(name)
}

fn read(dir: &Path) -> (FactoryData<Bom>, ImportReport) {
    import(&[dir.to_owned()], &mut |_, _| {}).expect("import")
}

fn decimal(text: &str) -> Decimal {
    text.parse().expect("decimal")
}

#[test]
fn a_clean_folder_is_taken_whole_and_exactly() {
    let (data, report) = read(&folder("clean"));
    assert_eq!((report.refused, report.doubtful), (0, 0), "{:?}", report.problems);
    let files: Vec<(&str, u64, u64)> = report.files.iter().map(|(name, read, taken)| (name.as_str(), *read, *taken)).collect();
    let expected = [
        ("products.csv", 3, 3),
        ("items.csv", 4, 4),
        ("bom.csv", 9, 9),
        ("aml.csv", 3, 3),
        ("demand.csv", 5, 5),
        ("stock.csv", 3, 3),
        ("rates.csv", 1, 1),
    ];
    assert_eq!(files, expected);

    let drive = &data.products[0];
    assert_eq!((drive.sku.as_str(), drive.name.as_str(), drive.end_of_production), ("DRV-400", "Drive, 400 V", Some(date(2031, 6, 30))));
    assert_eq!(drive.contribution_per_unit(), Some(decimal("547.50")));
    assert_eq!((drive.contribution, data.products[1].price, data.products[1].penalty_per_unit), (None, None, None), "empty is unknown");
    assert_eq!(data.products[2].end_of_production, None, "the end of days is no end");
    let capacitor = &data.items[3];
    assert_eq!(capacitor.unit_cost.map(|cost| cost.to_string()).as_deref(), Some("0.000213"));
    assert_eq!((capacitor.currency, capacitor.at.line), (Currency::USD, 6), "CRLF and a blank line do not shift the lines");
    assert_eq!(data.items[0].description, "Control board; rev C");
    assert!(!data.aml[2].qualified && data.aml[2].preference.is_none());
    assert_eq!(
        (data.demand[4].kind, data.demand[4].period, data.demand[4].quantity),
        (DemandKind::Spares, Month { year: 2027, month: 3 }, decimal("44.5"))
    );
    assert_eq!((data.site.fiscal_year_starts, data.site.holding_rate, data.site.discount_rate), (4, Some(decimal("0.24")), None));
}

#[test]
fn the_dataset_answers_where_a_part_is_used() {
    let (data, _) = read(&folder("clean"));
    let factory = Factory::new(data, built_in_aliases());
    let regulator = factory.item("ic-100").expect("item");
    let used = factory.where_used(regulator, date(2027, 1, 15));
    let pieces: Vec<(&str, String)> = used.products.iter().map(|product| (product.sku.as_str(), format!("{:.6}", product.pieces))).collect();
    // The board's yield is 0.98, its regulators' scrap 2 %: 2 × 1.02 ÷ 0.98, and one on each power stage.
    assert_eq!(
        pieces,
        [("DRV-400", format!("{:.6}", 2.04 / 0.98 + 2.0)), ("DRV-230", format!("{:.6}", 2.04 / 0.98 + 1.0)), ("SNS-7", "1.000000".to_owned())]
    );
    assert_eq!(used.paths_in_all, 5);
    let later: Vec<String> = factory.where_used(regulator, date(2027, 7, 1)).products.into_iter().map(|product| product.sku).collect();
    assert_eq!(later, ["DRV-400", "DRV-230"], "the sensor takes it to the end of June only");

    let PartMatch::Known(hits) = factory.find_part(Some("TI"), "LM317T") else { panic!("unknown") };
    assert_eq!(hits.iter().map(|hit| (hit.item, hit.kind)).collect::<Vec<_>>(), [(regulator, MatchKind::Suffix)]);
    let makers: Vec<&str> = factory.sources(regulator).into_iter().map(|source| factory.data.aml[source].maker.as_str()).collect();
    assert_eq!(makers, ["STMicroelectronics", "Texas Instruments"], "first choice first");
}

#[test]
fn a_dataset_file_gives_back_what_was_imported_and_nothing_else() {
    let (data, _) = read(&folder("clean"));
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("one.dataset");
    let checksum = write_dataset(&data, &path).expect("written");
    assert_eq!(read_dataset(&path, checksum).expect("read"), data);
    assert!(write_dataset(&data, &path).is_err(), "a name that is taken is refused");

    let bytes = fs::read(&path).expect("bytes");
    let damage = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).expect("written");
        read_dataset(&path, checksum).expect_err(name).to_string()
    };
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    assert!(damage("flipped", &flipped).contains("checksum"));
    assert!(damage("cut", &bytes[..bytes.len() - 1]).contains("checksum"));
    assert!(damage("empty", b"").contains("not a dataset file"));
    let mut newer = bytes;
    newer["lastbuy dataset ".len()] = b'9';
    assert!(damage("newer", &newer).contains("version 9"));
}

/// As version 1 wrote it: JSON with rows, behind its own checksum.
#[test]
fn a_dataset_of_the_first_version_opens_as_the_same_data() {
    let (data, _) = read(&folder("clean"));
    let FactoryData { products, items, bom, aml, demand, stock, rates, site } = data.clone();
    let rows: FactoryData = FactoryData { products, items, bom: bom.lines().collect(), aml, demand, stock, rates, site };
    let payload = serde_json::to_vec(&rows).expect("JSON");
    let mut bytes = format!("lastbuy dataset 1\n{}\n", Digest::of(&payload)).into_bytes();
    bytes.extend(payload);
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("old.dataset");
    fs::write(&path, &bytes).expect("written");
    assert_eq!(read_dataset(&path, Digest::of(&bytes)).expect("read"), data);
}

/// Numbers that lead nowhere are refused on opening, so that no question meets one later; the checksum alone does not say who made a file.
#[test]
fn every_broken_byte_is_refused_or_harmless_even_under_its_own_checksum() {
    let (data, _) = read(&folder("clean"));
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("one.dataset");
    write_dataset(&data, &path).expect("written");
    let bytes = fs::read(&path).expect("bytes");
    let mut refused = 0;
    for at in (18..bytes.len()).step_by(3) {
        let mut broken = bytes.clone();
        broken[at] = !broken[at];
        let path = dir.path().join(format!("broken-{at}"));
        fs::write(&path, &broken).expect("written");
        match read_dataset(&path, Digest::of(&broken)) {
            Err(_) => refused += 1,
            Ok(data) => {
                let factory = Factory::new(data, MakerAliases::default());
                for item in 0..factory.data.items.len() {
                    factory.where_used(item, date(2027, 1, 15));
                    factory.where_used_tree(item, date(2027, 1, 15));
                }
                assert!(factory.data.bom.lines().count() > 0 && factory.item("IC-100").is_none_or(|item| item < factory.data.items.len()));
            }
        }
        fs::remove_file(&path).expect("removed");
    }
    assert!(refused > bytes.len() / 6, "{refused} of {}", bytes.len() / 3);
}

#[test]
fn a_dirty_folder_gives_exactly_the_report_beside_it() {
    let (data, report) = read(&folder("dirty"));
    let found = serde_json::to_string_pretty(&report).expect("JSON") + "\n";
    let path = folder("dirty/expected-report.json");
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if found != expected {
        fs::write(folder("dirty/expected-report.json.failed"), &found).expect("written");
        panic!("the report differs from {}; the one found is beside it", path.display());
    }
    // What was refused is not there, and what is there still makes a graph.
    let skus: Vec<&str> = data.products.iter().map(|product| product.sku.as_str()).collect();
    assert_eq!(skus, ["GOOD", "ROUNDED", "NO-MARGIN"]);
    assert!(data.stock.is_empty());
    let factory = Factory::new(data, built_in_aliases());
    assert!(factory.item("SPACED").is_some() && factory.item("#NAME?").is_none());
    let lost: u64 = report.files.iter().map(|(_, read, taken)| read - taken).sum();
    let stopped = report
        .problems
        .iter()
        .filter(|problem| problem.refused && (problem.file == "stock.csv" || problem.what.contains("quotation mark opens")))
        .count();
    assert_eq!(report.refused, lost + stopped as u64, "every line read is taken or refused, and files that were not read to their end are counted");
}

/// A copy of the clean folder with one file changed or removed.
fn changed(file: &str, bytes: Option<&[u8]>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("folder");
    for entry in fs::read_dir(folder("clean")).expect("folder") {
        let path = entry.expect("entry").path();
        fs::copy(&path, dir.path().join(path.file_name().expect("name"))).expect("copied");
    }
    let path = dir.path().join(file);
    match bytes {
        Some(bytes) => fs::write(path, bytes).expect("written"),
        None => fs::remove_file(path).expect("removed"),
    }
    dir
}

#[test]
fn a_file_that_cannot_be_read_is_one_refusal_and_makes_the_dataset_unusable() {
    let utf16: Vec<u8> = "item,maker,mpn,qualified\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (file, bytes, said) in [
        ("aml.csv", &b""[..], "the file is empty"),
        ("aml.csv", b"IC-100,Texas Instruments,LM317T,1,yes\n", "the header lacks item, maker, mpn, qualified"),
        ("bom.csv", b"parent,child,qty\nDRV-400,PCB-12,1\n", "the header lacks quantity"),
        ("bom.csv", b"parent,child,quantity,child\n", "the column child stands twice"),
        ("bom.csv", b"parent,child;quantity\n", "parted in two ways"),
        ("items.csv", b"PK\x03\x04rest of a workbook", "the workbook cannot be read"),
        ("items.csv", b"\xD0\xCF\x11\xE0rest of a workbook", "the old form"),
        ("aml.csv", &utf16[..utf16.len() - 8], "the header lacks qualified"),
    ] {
        let (_, report) = read(changed(file, Some(bytes)).path());
        let whole: Vec<&str> =
            report.problems.iter().filter(|problem| problem.file == file && problem.refused).map(|problem| problem.what.as_str()).collect();
        assert!(matches!(whole.as_slice(), [what] if what.contains(said)), "{file}: {whole:?}");
        assert!(report.unusable.contains(&file.to_owned()), "{said}");
    }
}

#[test]
fn without_a_required_file_there_is_no_import_and_without_another_there_is_a_doubt() {
    for file in ["products.csv", "items.csv", "bom.csv", "aml.csv", "site.toml"] {
        let error = import(&[changed(file, None).path().to_owned()], &mut |_, _| {}).expect_err(file);
        assert!(matches!(&error, ImportError::Missing(missing, _) if missing == &[file]), "{error}");
    }
    for (file, unknown) in
        [("demand.csv", "demand stays unknown"), ("stock.csv", "stock and open orders stay unknown"), ("rates.csv", "cannot be converted")]
    {
        let (_, report) = read(changed(file, None).path());
        assert!(
            report.problems.iter().any(|problem| problem.file == file && !problem.refused && problem.what.contains(unknown)),
            "{file}: {:?}",
            report.problems
        );
        assert_eq!((report.refused, report.unusable.len()), (0, 0));
    }
    let error = import(&[changed("site.toml", Some(b"reporting_currency = 5")).path().to_owned()], &mut |_, _| {}).expect_err("site");
    assert!(matches!(&error, ImportError::Site(what) if what.starts_with("site.toml line 1")), "{error}");
}

/// Enough lines to pass every buffer many times, with one wrong line far down.
#[test]
fn many_lines_are_streamed_and_each_keeps_its_number() {
    const LINES: usize = 20_000;
    let (mut items, mut bom) = (String::from("item\n"), String::from("parent,child,quantity\r\n"));
    for at in 0..LINES {
        writeln!(items, "PART-{at:06}").expect("text");
        let quantity = if at == 12_345 { "1,5".to_owned() } else { format!("{}.{:03}", at % 7 + 1, at % 1000) };
        write!(bom, "DRV-400,PART-{at:06},\"{quantity}\"\r\n").expect("text");
    }
    let dir = changed("items.csv", Some(items.as_bytes()));
    fs::write(dir.path().join("bom.csv"), &bom).expect("written");
    fs::write(dir.path().join("aml.csv"), "item,maker,mpn,qualified\nPART-000007,TI,LM317T,yes\n").expect("written");
    fs::remove_file(dir.path().join("stock.csv")).expect("removed");
    let mut told: Vec<(u64, u64)> = Vec::new();
    let (data, report) = import(&[dir.path().to_owned()], &mut |done, all| told.push((done, all))).expect("import");
    assert_eq!((data.items.len(), data.bom.len(), report.refused), (LINES, LINES - 1, 1));
    let refused: Vec<(&str, u32)> =
        report.problems.iter().filter(|problem| problem.refused).map(|problem| (problem.file.as_str(), problem.line)).collect();
    assert_eq!(refused, [("bom.csv", 12_347)]);
    let lines: Vec<_> = data.bom.lines().collect();
    for at in [0, 4_999, LINES - 2] {
        let line = &lines[at];
        let number: usize = line.child.trim_start_matches("PART-").parse().expect("number");
        assert_eq!((line.at.line as usize, line.quantity.to_string()), (number + 2, format!("{}.{:03}", number % 7 + 1, number % 1000)));
    }
    assert!(told.len() > LINES / 1024 && told.is_sorted() && told.iter().all(|(done, all)| done <= all), "progress only grows");
}
