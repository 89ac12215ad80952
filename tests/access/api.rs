//! The API is what its description says: every route is in it and is there, real answers fit their schemas; pages, tags, keys and the stream of events.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::Path,
};

use lastbuy::http::routes::API;
use serde_json::{Value, json};

use crate::{
    browser::{add_user, call, sign_in},
    common::{Server, json as run_json, lastbuy, ok, sample},
};

/// Method and path of every `.route("…", web::…())` of the sources, and whether it is on the admin socket only.
fn registered() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = std::fs::read_to_string(&path).expect("source");
            let socket = source.find("fn socket_routes").map(|start| start..start + source[start..].find("\n}").expect("end"));
            let mut at = 0;
            while let Some(next) = source[at..].find(".route(") {
                let start = at + next;
                at = start + 1;
                let rest = &source[start + ".route(".len()..];
                let Some(rest) = rest.trim_start().strip_prefix('"') else { continue };
                let (route, rest) = rest.split_once('"').expect("path");
                let method = rest.trim_start_matches(',').trim_start().strip_prefix("web::").expect("a method").split('(').next().expect("name");
                let method = if method == "method" { "OPTIONS".to_owned() } else { method.to_ascii_uppercase() };
                if !socket.as_ref().is_some_and(|socket| socket.contains(&start)) {
                    found.insert((method, route.to_owned()));
                }
            }
        }
    }
    assert!(found.len() > 50, "only {} routes were found", found.len());
    found
}

#[test]
fn every_route_of_the_server_is_in_the_table_and_the_description_and_the_contrary() {
    let registered = registered();
    let api: BTreeSet<(String, String)> = API.iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    let pages: BTreeSet<(String, String)> =
        lastbuy::http::routes::pages().iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    let all: BTreeSet<_> = api.union(&pages).cloned().collect();
    let registered: BTreeSet<_> = registered.into_iter().filter(|(_, path)| !path.starts_with("/assets/")).collect();
    assert_eq!(registered.difference(&all).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "not in the table");
    assert_eq!(api.difference(&registered).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "in the table, and not there");

    let dir = tempfile::tempdir().expect("folder");
    let server = Server::start(dir.path());
    let (status, description) = server.get("/openapi.json");
    assert_eq!((status, description["openapi"].as_str()), (200, Some("3.1.0")));
    let described: BTreeSet<(String, String)> = description["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, operations)| {
            operations.as_object().expect("operations").keys().map(move |method| (method.to_ascii_uppercase(), path.clone()))
        })
        .collect();
    assert_eq!(described, api);
    let mut ids = BTreeSet::new();
    for operations in description["paths"].as_object().expect("paths").values() {
        for (method, operation) in operations.as_object().expect("operations") {
            assert!(ids.insert(operation["operationId"].as_str().expect("id").to_owned()), "{operation}");
            assert!(operation["summary"].as_str().is_some_and(|summary| summary.len() > 5), "{method}: {operation}");
        }
    }
    // Every schema that is named is there, and is one.
    let text = description.to_string();
    for name in text.split("#/components/schemas/").skip(1).map(|rest| rest.split('"').next().expect("name")) {
        assert!(description["components"]["schemas"].get(name).is_some(), "no schema {name}");
    }
    for (name, schema) in description["components"]["schemas"].as_object().expect("schemas") {
        jsonschema::meta::validate(schema).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// Checks an answer against the schema that the description names for it.
fn fits(description: &Value, schema: &str, answer: &Value) {
    let whole = json!({ "$ref": format!("#/components/schemas/{schema}"), "components": description["components"] });
    let validator = jsonschema::validator_for(&whole).expect("schema");
    let errors: Vec<String> = validator.iter_errors(answer).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{schema}: {errors:?}\n{answer:#}");
}

#[test]
fn real_answers_fit_their_schemas() {
    let dir = tempfile::tempdir().expect("folder");
    std::fs::write(dir.path().join("lastbuy.toml"), "[site]\nas_of = \"2026-11-23\"\n").expect("config");
    ok(lastbuy(dir.path()).args(["data", "import"]).arg(sample("factory")));
    let server = Server::start(dir.path());
    add_user(dir.path(), "root", "admin");
    add_user(dir.path(), "clara", "controller");
    ok(lastbuy(dir.path()).args(["ingest", "--wait"]).arg(sample("notices/meridian-laser-driver.eml")));
    ok(lastbuy(dir.path()).args(["ingest", "--wait"]).arg(sample("notices/brightmoor-optocouplers.eml")));
    let job = run_json(lastbuy(dir.path()).args(["review", "list", "--json"]))[0]["job"].as_str().expect("job").to_owned();
    let root = sign_in(&server, "root");
    let description = server.get("/openapi.json").1;
    let review = root.get(&server, &format!("/v1/reviews/{job}")).json();
    fits(&description, "Review", &review);
    ok(lastbuy(dir.path()).args(["review", "resolve", &job, "--confirm-rest"]));
    let propose = root.post(&server, "/v1/cases/C-1/decision", &json!({ "answer": "Last-time buy", "owner": "root" }));
    assert_eq!(propose.status, 201, "{}", propose.text);
    let kept = root.post(&server, "/v1/cases/C-1/scenarios", &json!({ "name": "dear storage", "holding": "48" }));
    assert_eq!(kept.status, 201, "{}", kept.text);
    let token = root.post(&server, "/v1/tokens", &json!({ "name": "x", "scopes": ["read"] }));
    fits(&description, "Token", &token.json());
    let ids = [("{id}", "1"), ("{job}", job.as_str()), ("{step}", "reading"), ("{name}", "root"), ("{number}", "1"), ("{source}", "generic")];
    let mut checked = BTreeSet::new();
    for route in API.iter().filter(|route| route.method == "GET" && route.path != "/v1/messages/{id}") {
        // What is no JSON has no schema.
        let answer = &description["paths"][route.path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
        let Some(schema) = answer.as_str().and_then(|path| path.strip_prefix("#/components/schemas/")) else { continue };
        let path = ids.iter().fold(route.path.to_owned(), |path, (name, value)| path.replace(name, value));
        let path = if path == "/v1/where-used" { "/v1/where-used?mpn=MHM-1205-L".to_owned() } else { path };
        let reply = root.get(&server, &path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        fits(&description, schema, &reply.json());
        checked.insert(schema.to_owned());
    }
    for schema in [
        "EventList",
        "JobList",
        "CaseList",
        "AssessmentList",
        "DatasetList",
        "CorrectionList",
        "Decisions",
        "AuditList",
        "UserList",
        "TokenList",
        "Me",
    ] {
        assert!(checked.contains(schema), "{schema} was not checked");
    }
    // What is handed over to other systems, over HTTP and by the command.
    for (format, media, start) in [("smartpcn", "application/zip", "PK"), ("idta02036", "application/json", "{")] {
        let reply = root.get(&server, &format!("/v1/cases/C-1/export?format={format}"));
        assert_eq!((reply.status, reply.content_type.as_str()), (200, media), "{format}: {}", reply.text);
        // A container is no text.
        assert!(reply.text.is_empty() || reply.text.starts_with(start), "{format}");
        let file = dir.path().join(format);
        ok(lastbuy(dir.path()).args(["cases", "export", "C-1", "--format", format, "--out"]).arg(&file));
        assert!(std::fs::read(&file).expect("file").starts_with(start.as_bytes()));
        assert!(root.get(&server, "/cases/C-1").text.contains(&format!("/v1/cases/C-1/export?format={format}\"")), "no link");
    }
    // Refusals are problems whatever refuses.
    for (path, status) in [
        ("/v1/cases/C-99", 404),
        ("/v1/cases/nonsense", 400),
        ("/v1/jobs?state=x", 400),
        ("/v1/jobs?limit=x", 400),
        ("/v1/nothing", 404),
        ("/v1/cases/C-1/export?format=pdf", 400),
        ("/v1/cases/C-1/export", 400),
    ] {
        let reply = root.get(&server, path);
        assert_eq!((reply.status, reply.content_type.as_str()), (status, "application/problem+json"), "{path}");
        fits(&description, "Problem", &reply.json());
    }
}

#[test]
fn lists_are_paged_filtered_and_tagged() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::start(dir.path());
    add_user(dir.path(), "emil", "engineer");
    let emil = sign_in(&server, "emil");
    for number in 0..7 {
        let maker = if number % 2 == 0 { "Acme" } else { "Borg" };
        assert_eq!(emil.post(&server, "/v1/cases", &json!({ "mpns": [format!("AX{number}")], "maker": maker })).status, 201);
    }
    emil.post(&server, "/v1/cases/C-3/decide", &json!({ "answer": "buy" }));
    let mut all = Vec::new();
    let mut path = "/v1/cases?limit=3".to_owned();
    loop {
        let page = emil.get(&server, &path).json();
        all.extend(page["items"].as_array().expect("items").iter().map(|case| case["id"].as_str().expect("id").to_owned()));
        match page["next"].as_str() {
            Some(next) => path = format!("/v1/cases?limit=3&before={next}"),
            None => break,
        }
    }
    assert_eq!(all, ["C-7", "C-6", "C-5", "C-4", "C-3", "C-2", "C-1"]);
    let count = |query: &str| emil.get(&server, &format!("/v1/cases?{query}")).json()["items"].as_array().expect("items").len();
    assert_eq!(
        (count("state=decided"), count("state=open"), count("maker=ACME"), count("maker=acme&state=decided"), count("maker=none")),
        (1, 6, 4, 1, 0)
    );

    let first = emil.get(&server, "/v1/cases");
    assert!(first.etag.len() > 10, "no tag");
    let with = |tag: &str| call(&server, "GET", "/v1/cases", &[("cookie", &emil.cookie), ("if-none-match", tag)], b"");
    let same = with(&first.etag);
    assert_eq!((same.status, same.text.as_str(), same.etag.as_str()), (304, "", first.etag.as_str()));
    assert_eq!(with("\"other\"").status, 200);
    assert_eq!(call(&server, "GET", "/v1/cases", &[("if-none-match", &first.etag)], b"").status, 401, "a tag lets nobody in");
    emil.post(&server, "/v1/cases/C-4/decide", &json!({ "answer": "buy" }));
    assert_eq!(with(&first.etag).status, 200, "it changed");
}

#[test]
fn an_act_under_a_key_is_done_once() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::start(dir.path());
    add_user(dir.path(), "emil", "engineer");
    add_user(dir.path(), "root", "admin");
    let (emil, root) = (sign_in(&server, "emil"), sign_in(&server, "root"));
    let send = |who: &crate::browser::Signed, path: &str, key: &str, body: &str| {
        let headers =
            [("cookie", who.cookie.as_str()), ("x-csrf-token", who.csrf.as_str()), ("content-type", "application/json"), ("idempotency-key", key)];
        call(&server, "POST", path, &headers, body.as_bytes())
    };
    let body = r#"{"mpns": ["AX100-3"], "maker": "Acme"}"#;
    let first = send(&emil, "/v1/cases", "k1", body);
    assert_eq!(first.status, 201, "{}", first.text);
    let again = send(&emil, "/v1/cases", "k1", body);
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!(send(&emil, "/v1/cases", "k2", body).status, 409, "without the key it is told that the case is there");
    assert_eq!(send(&emil, "/v1/cases", "k1", r#"{"mpns": ["AX100-4"]}"#).status, 422, "the key is that of another request");
    assert_eq!(send(&root, "/v1/cases", "k1", r#"{"mpns": ["AX100-5"]}"#).status, 201, "somebody else's key is another");
    let refused = send(&emil, "/v1/cases", "k3", r#"{"mpns": []}"#);
    assert_eq!((refused.status, send(&emil, "/v1/cases", "k3", r#"{"mpns": []}"#).text), (400, refused.text));
    assert_eq!(send(&root, "/v1/users", "k4", r#"{"name": "x", "role": "viewer"}"#).status, 400, "a secret is not kept");
    assert_eq!(emil.get(&server, "/v1/cases").json()["items"].as_array().map(Vec::len), Some(2));
    // Also after a restart, and by another session of the same person.
    drop(server);
    let server = Server::start(dir.path());
    let emil = sign_in(&server, "emil");
    let headers =
        [("cookie", emil.cookie.as_str()), ("x-csrf-token", emil.csrf.as_str()), ("content-type", "application/json"), ("idempotency-key", "k1")];
    assert_eq!(call(&server, "POST", "/v1/cases", &headers, body.as_bytes()).text, first.text);
}

/// Reads a stream until `events` of them came: id and name.
fn listen(server: &Server, cookie: &str, after: Option<u64>, events: usize) -> Vec<(u64, String)> {
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connect");
    stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).expect("timeout");
    let last = after.map_or_else(String::new, |after| format!("last-event-id: {after}\r\n"));
    write!(stream, "GET /v1/stream HTTP/1.1\r\nhost: lastbuy\r\ncookie: {cookie}\r\n{last}\r\n").expect("request");
    let mut lines = BufReader::new(stream).lines().map(|line| line.expect("line"));
    assert!(lines.next().expect("status").contains("200"));
    let (mut found, mut id) = (Vec::new(), 0);
    while found.len() < events {
        let line = lines.next().expect("the stream ended");
        if let Some(number) = line.strip_prefix("id: ") {
            id = number.parse().expect("number");
        } else if let Some(name) = line.strip_prefix("event: ") {
            found.push((id, name.to_owned()));
        }
    }
    found
}

#[test]
fn the_stream_tells_what_happens_and_goes_on_where_a_client_was() {
    let dir = tempfile::tempdir().expect("folder");
    let mut server = Server::start(dir.path());
    add_user(dir.path(), "emil", "engineer");
    let emil = sign_in(&server, "emil");
    for number in 0..3 {
        emil.post(&server, "/v1/cases", &json!({ "mpns": [format!("AX{number}")] }));
    }
    let first = listen(&server, &emil.cookie, Some(0), 5);
    assert!(first.windows(2).all(|pair| pair[0].0 < pair[1].0), "{first:?}");
    assert!(first.iter().any(|(_, act)| act == "case.opened"));
    assert!(first.iter().all(|(_, act)| !act.starts_with("access.") && !act.starts_with("user.")), "{first:?}");
    let next = listen(&server, &emil.cookie, Some(first[1].0), 3);
    assert_eq!(next, first[2..5], "nothing is missed and nothing told twice");
    // What happens while it listens.
    let url = (server.url.clone(), emil.cookie.clone());
    std::thread::scope(|scope| {
        let live = scope.spawn(|| {
            let at = Server { child: std::process::Command::new("true").spawn().expect("true"), url: url.0.clone(), said: String::new() };
            listen(&at, &url.1, Some(first[4].0), 40)
        });
        for number in 3..20 {
            emil.post(&server, "/v1/cases", &json!({ "mpns": [format!("AX{number}")] }));
        }
        let told = live.join().expect("listener");
        assert!(told.iter().filter(|(_, act)| act == "case.opened").count() >= 5, "{told:?}");
    });
    // An open stream does not hold up the end of the server.
    let mut open = {
        let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connect");
        write!(stream, "GET /v1/stream HTTP/1.1\r\nhost: lastbuy\r\ncookie: {}\r\n\r\n", emil.cookie).expect("request");
        let mut line = String::new();
        let mut reader = BufReader::new(stream);
        reader.read_line(&mut line).expect("status");
        reader
    };
    server.signal(libc::SIGTERM);
    assert_eq!(server.child.wait().expect("wait").code(), Some(0));
    let mut rest = String::new();
    assert!(std::io::Read::read_to_string(&mut open, &mut rest).is_ok_and(|_| rest.contains("retry:")), "the stream was not ended in order: {rest}");
}
