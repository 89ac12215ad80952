//! Datasets by the command line and by upload: what differs, what is exported, what a new one turns, and the way back.

use std::{
    fmt::Write as _,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
};

use super::*;
use crate::common::Server;

/// The sample factory with one file changed.
fn changed(file: &str, change: impl Fn(&str) -> String) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("folder");
    for entry in std::fs::read_dir(sample("factory")).expect("folder") {
        let path = entry.expect("entry").path();
        std::fs::copy(&path, dir.path().join(path.file_name().expect("name"))).expect("copied");
    }
    let path = dir.path().join(file);
    let text = std::fs::read_to_string(&path).expect("text");
    std::fs::write(path, change(&text)).expect("written");
    dir
}

#[test]
fn a_new_dataset_tells_what_it_turns_and_can_be_rolled_back() {
    let dir = imported();
    json(lastbuy(dir.path()).args(["cases", "add", "--json", "--maker", "Newcomer", "NEW-4711"]));
    let more = changed("aml.csv", |text| format!("{}\nRES-0101,Newcomer,NEW-4711,3,yes,active,,,\n", text.trim_end()));
    let report = json(lastbuy(dir.path()).args(["data", "import", "--json"]).arg(more.path()));
    assert_eq!(report["turned"]["known"][0]["mpn"], "NEW-4711", "{report}");
    assert_eq!((&report["turned"]["known_in_all"], &report["turned"]["unknown_in_all"]), (&1.into(), &0.into()));
    let id = report["dataset"].as_str().expect("id").to_owned();
    let before = json(lastbuy(dir.path()).args(["data", "list", "--json"]))
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row["id"].as_str())
        .find(|other| *other != id)
        .expect("the first")
        .to_owned();

    let diff = json(lastbuy(dir.path()).args(["data", "diff", "--json", &before, &id]));
    assert_eq!((&diff["tables"]["aml"]["added"], &diff["tables"]["bom"]["changed"]), (&1.into(), &0.into()), "{diff}");
    let same = lastbuy(dir.path()).args(["data", "diff", &id, &id]).output().expect("run");
    assert_eq!(same.status.code(), Some(3), "{}", said(&same));

    let known = |known: bool| {
        let found = lastbuy(dir.path()).args(["where-used", "--maker", "Newcomer", "NEW-4711"]).status().expect("run").success();
        assert_eq!(found, known);
    };
    known(true);
    ok(lastbuy(dir.path()).args(["data", "use", &before]));
    known(false);
    let out = dir.path().join("out");
    ok(lastbuy(dir.path()).args(["data", "export", "--dataset", &id]).arg(&out));
    assert!(std::fs::read_to_string(out.join("aml.csv")).expect("aml.csv").contains("NEW-4711"));
    assert!(json(lastbuy(dir.path()).args(["data", "check", "--json"]).arg(&out))["report"]["refused"] == 0);
}

#[test]
fn where_used_shows_a_tree_with_margins() {
    let dir = imported();
    let (maker, mpn) = used_part(&dir);
    let found = json(lastbuy(dir.path()).args(["where-used", "--tree", "--json", "--maker", &maker, &mpn]));
    let item = &found["items"][0];
    let lines = item["tree"]["lines"].as_array().expect("lines");
    assert_eq!((&lines[0]["number"], lines.len() as u64), (&item["item"], item["tree"]["lines_in_all"].as_u64().expect("count")), "{item}");
    for product in item["products"].as_array().expect("products") {
        let line = lines.iter().find(|line| line["number"] == product["sku"] && line["is_product"] == true).expect("its line");
        assert_eq!(line["pieces"], product["pieces"]);
        assert!(product["currency"].is_string());
    }
    let text = ok(lastbuy(dir.path()).args(["where-used", "--tree", "--maker", &maker, &mpn]));
    assert!(text.contains("margin of a unit") && text.contains(", product"), "{text}");
}

#[test]
fn other_systems_exports_are_checked_line_by_line() {
    let dir = tempfile::tempdir().expect("folder");
    let sap = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/factory/sap");
    let text = ok(lastbuy(dir.path()).args(["data", "check", "--mapping", "sap"]).arg(&sap));
    assert!(text.contains("mm60.csv: it was") || text.contains("mm60.csv: the file is not UTF-8"), "{text}");
    let unknown = lastbuy(dir.path()).args(["data", "check", "--mapping", "baan"]).arg(&sap).output().expect("run");
    assert!(!unknown.status.success() && said(&unknown).contains("sap, odoo, oracle"), "{}", said(&unknown));
    let plain = lastbuy(dir.path()).args(["data", "check", "--decimal", "semicolon"]).arg(&sap).output().expect("run");
    assert_eq!(plain.status.code(), Some(2), "{}", said(&plain));
}

/// Posts to the admin socket; status and JSON.
fn post(socket: &Path, path: &str, content_type: &str, body: &[u8]) -> (u16, Value) {
    let mut stream = UnixStream::connect(socket).expect("socket");
    let mut request = String::new();
    write!(
        request,
        "POST {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .expect("text");
    stream.write_all(request.as_bytes()).expect("written");
    stream.write_all(body).expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("status");
    (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}")))
}

fn form(files: &[(&str, &str)], fields: &[(&str, &str)]) -> Vec<u8> {
    let mut body = String::new();
    for (name, value) in fields {
        write!(body, "--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").expect("text");
    }
    for (name, text) in files {
        write!(body, "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{text}\r\n").expect("text");
    }
    body.push_str("--cut--\r\n");
    body.into_bytes()
}

#[test]
fn an_upload_is_checked_imported_and_reported_as_by_the_command_line() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::start(dir.path());
    let socket = dir.path().join("admin.sock");
    let texts: Vec<(String, String)> = std::fs::read_dir(sample("factory"))
        .expect("folder")
        .map(|entry| entry.expect("entry").path())
        .map(|path| (path.file_name().expect("name").to_string_lossy().into_owned(), std::fs::read_to_string(&path).expect("text")))
        .collect();
    let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let upload =
        |files: &[(&str, &str)], fields: &[(&str, &str)]| post(&socket, "/v1/datasets", "multipart/form-data; boundary=cut", &form(files, fields));
    let (status, checked) = upload(&files, &[("check", "1")]);
    assert_eq!((status, &checked["id"], &checked["report"]["refused"]), (200, &Value::Null, &0.into()), "{checked}");
    assert_eq!(server.get("/v1/datasets").1["items"], serde_json::json!([]));
    let (status, made) = upload(&files, &[]);
    assert_eq!((status, &made["report"]), (201, &checked["report"]), "{made}");
    let rows = server.get("/v1/datasets").1;
    assert_eq!((&rows["items"][0]["id"], &rows["items"][0]["active"]), (&made["id"], &true.into()));

    // Stored and not in force, as the page does it; and the same files as one ZIP.
    let (status, stored) = upload(&files, &[("use", "no")]);
    assert_eq!((status, &stored["id"]), (201, &"D-2".into()), "{stored}");
    let zipped = |names: &[&str]| {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for name in names {
            archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("entry");
            let text = texts.iter().find(|(known, _)| name.ends_with(known.as_str())).map_or("rubbish", |(_, text)| text);
            archive.write_all(text.as_bytes()).expect("written");
        }
        archive.finish().expect("a ZIP").into_inner()
    };
    let packed = |bytes: &[u8]| {
        let head = b"--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"factory.zip\"\r\n\r\n";
        post(&socket, "/v1/datasets", "multipart/form-data; boundary=cut", &[&head[..], bytes, b"\r\n--cut--\r\n"].concat())
    };
    let names: Vec<String> =
        texts.iter().map(|(name, _)| format!("plant/{name}")).chain(["__MACOSX/bom.csv".to_owned(), ".DS_Store".to_owned()]).collect();
    let (status, unpacked) = packed(&zipped(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    assert_eq!((status, &unpacked["report"]), (201, &checked["report"]), "{unpacked}");
    for (bytes, said) in [
        (b"PK\x03\x04 and no more".to_vec(), "pack it again"),
        (zipped(&["a/bom.csv", "b/BOM.csv"]), "there already"),
        (zipped(&["more.zip"]), "not the name of a file"),
        (zipped(&(0..70).map(|at| format!("{at}.csv")).collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>()), "more than 64 files"),
        (zipped(&["../../bom.csv"]), "products.csv"),
    ] {
        let (status, problem) = packed(&bytes);
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(status == 400 && detail.contains(said) && !detail.contains(".upload-"), "{said}: {status} {problem}");
    }
    let rows = server.get("/v1/datasets").1;
    let in_force: Vec<bool> = rows["items"].as_array().expect("rows").iter().filter_map(|row| row["active"].as_bool()).collect();
    assert_eq!(in_force, [true, false, false], "{rows}");

    for (files, fields, said) in [
        (vec![], vec![], "no file"),
        (vec![("../../evil", "x")], vec![], "products.csv, items.csv"),
        (vec![(".hidden", "x")], vec![], "not the name of a file"),
        (vec![("bom.csv", "x"), ("BOM.csv", "x")], vec![], "uploaded twice"),
        (vec![("bom.csv", "x")], vec![("mapping", "/etc/passwd")], "not a mapping of ours"),
        (vec![("bom.csv", "x")], vec![("colour", "red")], "not known"),
        (vec![("bom.csv", "x")], vec![], "products.csv"),
    ] {
        let (status, problem) = upload(&files, &fields);
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(status == 400 && detail.contains(said) && !detail.contains(".upload-"), "{said}: {status} {problem}");
    }
    let folder = std::fs::read_dir(dir.path().join("datasets")).expect("folder");
    assert_eq!(folder.count(), 3, "uploads are cleared away");
    let over_network = server.post("/v1/datasets", "multipart/form-data; boundary=cut", &form(&files, &[]));
    assert!([401, 403].contains(&over_network.0), "nobody has signed in: {} {}", over_network.0, over_network.1);
}
