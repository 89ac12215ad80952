//! Each fixture gives what stands beside it, and the long lists come out whole.

use std::path::Path;

use super::{extractor, file, folder, read, shown};

#[test]
fn each_document_gives_what_stands_beside_it() {
    let extractor = extractor();
    let is_expectation = |name: &str| name.contains(".expected.");
    let files = std::fs::read_dir(folder()).expect("folder").map(|entry| entry.expect("entry").path()).filter(|path| path.is_file());
    let mut names: Vec<String> = files.map(|path| path.file_name().expect("name").to_string_lossy().into_owned()).collect();
    names.sort();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for name in names.iter().filter(|name| !is_expectation(name)) {
        let found = shown(&read(&extractor, name, &file(name)));
        let expected = std::fs::read_to_string(folder().join(format!("{name}.expected.txt"))).unwrap_or_default();
        seen += 1;
        if found != expected {
            let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.expected.txt"));
            std::fs::write(&beside, &found).expect("what was found");
            wrong.push(format!("{name}: see {}", beside.display()));
        }
    }
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
    assert!(seen >= 140 && names.len() == 2 * seen, "{seen} documents, {} files", names.len());
}

/// The 300 part numbers of a list, each once and in order, whatever stands between them.
fn holds_all_parts(name: &str, part: impl Fn(usize) -> String) {
    let document = read(&extractor(), name, &file(name)).expect(name);
    let mut at = 0;
    for number in 1..=300 {
        let part = part(number);
        let found = document.text[at..].find(&part).unwrap_or_else(|| panic!("{name}: {part} is missing, or not in order"));
        at += found + part.len();
        assert_eq!(document.text.matches(&part).count(), 1, "{name}: {part}");
    }
    // Every part is a cell of its own in a row with its date.
    let rows = document.tables.iter().flat_map(|table| &table.rows).map(|row| row.iter().map(|cell| document.slice(*cell)).collect::<Vec<_>>());
    let rows: Vec<Vec<&str>> = rows.filter(|row| row.contains(&"2027-03-31")).collect();
    assert_eq!(rows.len(), 300, "{name}");
    for (row, number) in rows.iter().zip(1..) {
        assert!(row.contains(&part(number).as_str()), "{name}: row {number} is {row:?}");
    }
}

#[test]
fn a_list_of_three_hundred_parts_comes_out_whole_and_in_order() {
    holds_all_parts("three-hundred.pdf", |number| format!("TP{:03}-{number:03}R", number * 37 % 1000));
    holds_all_parts("three-hundred-bare.pdf", |number| format!("UP{:03}-{number:03}R", number * 37 % 1000));
    holds_all_parts("three-hundred.xlsx", |number| format!("SH{:03}-{number:03}", number * 37 % 1000));
}
