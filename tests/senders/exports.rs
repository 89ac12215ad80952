//! Exports of BOM tools: CSV, JSON and workbooks, read by the columns that the site named.

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use serde_json::{Value, json};

use super::{Site, common, request::post, signing::now_s};

/// The bytes of an event.
fn raw(site: &Site, said: &Value) -> String {
    let id = said["event_id"].as_str().unwrap_or_else(|| panic!("no event in {said}"));
    common::ok(common::lastbuy(site.dir.path()).args(["events", "raw", id]))
}

#[test]
fn exports_of_bom_tools_become_notices() {
    let site = Site::start();
    let csv = "Matched Part Number;Imported Manufacturer Name;Part status;Smart Alert ID;Risk\nAX100-3;Acme;Discontinued;N-1;3\nAX100-4;Acme;Discontinued;N-1;3\nBX7;Bolt;Active;;1\n";
    let request =
        |source: &'static str, content_type: &str, body: &str| site.keys.signed(source, content_type, body.as_bytes().to_vec(), "export", now_s());
    let (status, said) = post(&site.server, &request("accuris", "text/csv", csv));
    assert_eq!((status, said["events"].as_array().map(Vec::len)), (202, Some(2)), "{said}");
    // Rows of active parts are kept and announce nothing.
    assert_eq!(said["events"][1]["job_id"], Value::Null, "{said}");
    let first: Value = serde_json::from_str(&raw(&site, &said["events"][0])).expect("JSON");
    assert_eq!(
        (&first["notice_type"], &first["affected_parts"], &first["export_rows"][0]["Risk"]),
        (&json!("PDN"), &json!(["AX100-3", "AX100-4"]), &json!("3"))
    );
    let rows = json!({ "rows": [{ "MPN": "AX100-3", "Manufacturer": "Acme", "PCN Number": "N-2", "Lifecycle Status": "NRND", "Last Time Buy Date": "03/31/2027", "Replacement": "AX200" }] });
    let (status, said) = post(&site.server, &request("z2data", "application/json", &rows.to_string()));
    assert_eq!(status, 202, "{said}");
    let notice: Value = serde_json::from_str(&raw(&site, &said)).expect("JSON");
    assert_eq!(
        (&notice["notice_type"], &notice["last_time_buy"], &notice["replacements"]),
        (&json!("NRND"), &json!("2027-03-31"), &json!({ "AX100-3": "AX200" }))
    );
    let (status, said) = post(&site.server, &request("z2data", "text/csv", "MPN,Last Time Buy Date\nAX1,31/03/2027\n"));
    assert!(status == 400 && said["detail"].as_str().is_some_and(|why| why.contains("row 1") && why.contains("31/03/2027")), "{said}");
}

/// A workbook as Z2Data's export: a title above the headings, dates as dates, a sheet of contacts beside it.
fn workbook(mpn: &str) -> Vec<u8> {
    let mut book = Workbook::new();
    let day = Format::new().set_num_format("mm/dd/yyyy");
    let sheet = book.add_worksheet().set_name("Lifecycle").expect("name");
    sheet.write(0, 0, "BOM health of plant 7").expect("cell");
    for (column, heading) in [mpn, "Manufacturer", "Lifecycle Status", "PCN Number", "Last Time Buy Date", "Replacement", "Risk"].iter().enumerate() {
        sheet.write(2, u16::try_from(column).expect("column"), *heading).expect("cell");
    }
    let rows = [
        ("AX100-3", "Acme", "Obsolete", "N-1", Some((2027, 3, 31)), "AX200-3"),
        ("AX100-4", "Acme", "Obsolete", "N-1", Some((2027, 2, 28)), ""),
        ("BX7", "Bolt", "Active", "", None, ""),
        ("CX1", "Cap", "NRND", "N-2", None, ""),
    ];
    for (row, (mpn, maker, status, id, date, instead)) in (3..).zip(rows) {
        for (column, text) in [(0, mpn), (1, maker), (2, status), (3, id), (5, instead)] {
            sheet.write(row, column, text).expect("cell");
        }
        if let Some((year, month, of_month)) = date {
            sheet.write_with_format(row, 4, ExcelDateTime::from_ymd(year, month, of_month).expect("date"), &day).expect("cell");
        }
        sheet.write(row, 6, 3.5).expect("cell");
    }
    let contacts = book.add_worksheet().set_name("Contacts").expect("name");
    contacts.write(0, 0, "Desk").expect("cell");
    contacts.write(0, 1, "pcn@z2data.example").expect("cell");
    book.save_to_buffer().expect("workbook")
}

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

#[test]
fn a_workbook_becomes_the_notices_of_its_rows() {
    let site = Site::start();
    let send = |bytes: Vec<u8>, id: &str| post(&site.server, &site.keys.signed("z2data", XLSX, bytes, id, now_s()));
    let (status, said) = send(workbook("MPN"), "1");
    assert_eq!(status, 202, "{said}");
    let job = site.settled(&said);
    assert_eq!(job["state"], "done", "{job}");
    let reading = site.server.get(&format!("/v1/jobs/{}/results/reading", job["id"].as_str().expect("id"))).1;
    let shown: Vec<Value> = reading["notices"]
        .as_array()
        .expect("notices")
        .iter()
        .map(|notice| {
            let parts: Vec<&Value> = notice["parts"].as_array().expect("parts").iter().map(|part| &part["mpn"]["value"]).collect();
            json!([notice["kind"], notice["maker"]["value"], notice["notice_id"]["value"], notice["last_time_buy"]["value"], parts])
        })
        .collect();
    assert_eq!(shown, [json!(["PDN", "Acme", "N-1", "2027-02-28", ["AX100-3", "AX100-4"]]), json!(["NRND", "Cap", "N-2", null, ["CX1"]])]);
    let first = &reading["notices"][0]["parts"][0];
    assert_eq!((&first["last_time_buy"]["value"], &first["replacement"]["named"][0]["value"]), (&json!("2027-03-31"), &json!("AX200-3")), "{first}");
    assert_eq!(first["mpn"]["place"]["page"], "sheet Lifecycle", "{first}");
    assert_eq!(reading["provenance"]["reader"], "structured");
    // The same bytes are the same delivery; the same notice by another export joins its case.
    let csv = "Matched Part Number,Imported Manufacturer Name,Part status,Smart Alert ID\nAX100-3,Acme,Discontinued,N-1\n";
    let (_, by_csv) = post(&site.server, &site.keys.signed("accuris", "text/csv", csv.as_bytes().to_vec(), "2", now_s()));
    assert_eq!(site.settled(&by_csv)["state"], "done");
    assert_eq!(site.server.get("/v1/cases/C-1").1["events"], json!([said["event_id"], by_csv["event_id"]]));
    assert_eq!(site.server.get("/v1/cases").1["items"].as_array().map(Vec::len), Some(2));

    // By a person, as a file.
    let file = site.dir.path().join("export.xlsx");
    std::fs::write(&file, workbook("mpn ")).expect("file");
    let ingested = common::ok(common::lastbuy(site.dir.path()).args(["ingest", "--source", "z2data", "--wait"]).arg(&file));
    assert!(ingested.contains("E-3"), "{ingested}");

    // Columns that nobody named, and bytes that only begin as a workbook.
    let job = site.settled(&send(workbook("Part"), "3").1);
    let why = job["state"]["dead"]["reason"].as_str().unwrap_or_else(|| panic!("{job}"));
    assert!(why.contains("'MPN'") && why.contains("Lifecycle Status") && why.contains("intake.columns.z2data"), "{why}");
    let job = site.settled(&send(workbook("MPN")[..3000].to_vec(), "4").1);
    assert!(job["state"]["dead"]["reason"].as_str().is_some_and(|why| why.contains("damaged")), "{job}");
}
