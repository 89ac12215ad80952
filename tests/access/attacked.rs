//! The API under attack, from its own description: every route with parameters and bodies that are right and that are damaged, in an order that a seed decides. No answer
//! may be one that the description does not name, nothing may fail, every refusal is a problem, and what the description does not allow in an address is refused.

use std::collections::BTreeMap;

use lastbuy::{
    domain::access::Role,
    http::routes::{API, Needs, Route},
};
use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};
use serde_json::{Map, Value, json};

use crate::{
    browser::{Reply, Signed, add_token, add_user, call, sign_in},
    common::{Server, lastbuy, notice, ok, sample},
};

/// Requests to each route; a soak sends more.
fn rounds() -> usize {
    if std::env::var_os("LASTBUY_SOAK").is_some() { 400 } else { 25 }
}

/// Texts that are wrong somewhere, or look as if they were.
const HOSTILE: [&str; 29] = [
    " ",
    "0",
    "-1",
    "+1",
    "1.5",
    "1e3",
    "C-999999",
    "c-1",
    "E-18446744073709551616",
    "99999999999999999999",
    // Numbers of 64 bits that no place in a file can be computed from.
    "9999999999999999999",
    "703257222029304338",
    "18446744073709551615",
    "1001",
    "true",
    "null",
    "a/b",
    "../../../etc/passwd",
    "..",
    "%00",
    "\0",
    "\r\nx-more: 1",
    "é\u{202E}\u{1F600}",
    "' or 1=1; --",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "2026-13-45",
    "9999-12-31",
    "=cmd|' /C calc'!A0",
];

struct Dice(TestRng);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.0.next_u64() % end as u64).expect("small")
    }

    fn chance(&mut self, in_hundred: usize) -> bool {
        self.below(100) < in_hundred
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn hostile(&mut self) -> String {
        if self.chance(5) { "x".repeat(3000) } else { self.one(&HOSTILE).to_owned() }
    }
}

/// What a parameter may be where it is right.
fn sound(path: &str, name: &str, schema: &Value, dice: &mut Dice) -> String {
    if let Some(values) = schema["enum"].as_array() {
        return dice.one(values).as_str().expect("a word").to_owned();
    }
    match name {
        "source" => dice.one(&["generic", "email", "cloudevents", "file"]),
        "name" => dice.one(&["victim", "nobody"]),
        "limit" => dice.one(&["1", "7", "1000"]),
        "sealed" | "text" => dice.one(&["true", "false"]),
        "since" | "until" => dice.one(&["2026-11-01", "2026-11-23T08:00:00Z"]),
        "state" => "review,dead",
        "mpn" => dice.one(&["MHM-1205-L", "AX1"]),
        "item" => "PCB-100",
        "horizon" => "12",
        _ => match schema["type"].as_str() {
            Some("integer") => dice.one(&["0", "3"]),
            // Numbers of things that are there, for the most part.
            _ if schema["pattern"].is_string() => dice.one(&["1", "1", "2", "999"]),
            _ => {
                assert!(!path.is_empty());
                "x"
            }
        },
    }
    .to_owned()
}

/// Whether a parameter's schema allows this text. Formats of dates are not looked at.
fn allows(schema: &Value, text: &str) -> bool {
    let instance = match schema["type"].as_str() {
        // A plus sign is taken.
        Some("integer") => text.parse::<u64>().ok().map(Value::from),
        Some("boolean") => text.parse::<bool>().ok().map(Value::from),
        _ => Some(json!(text)),
    };
    instance.is_some_and(|instance| jsonschema::is_valid(schema, &instance))
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() || byte == b'-' { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// A value that a schema allows.
fn value(schemas: &Value, schema: &Value, dice: &mut Dice) -> Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return value(schemas, &schemas[name], dice);
    }
    if let Some(values) = schema["enum"].as_array() {
        return dice.one(values);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let one = dice.one(any);
        return value(schemas, &one, dice);
    }
    let of = match &schema["type"] {
        Value::Array(types) => dice.one(types),
        one => one.clone(),
    };
    match of.as_str() {
        Some("object") => {
            let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let mut object = Map::new();
            for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
                if required.contains(&name.as_str()) || dice.chance(50) {
                    object.insert(name.clone(), value(schemas, inner, dice));
                }
            }
            object.into()
        }
        Some("array") => (0..=dice.below(3)).map(|_| value(schemas, &schema["items"], dice)).collect(),
        Some("integer" | "number") => json!(dice.below(5)),
        Some("boolean") => json!(dice.chance(50)),
        Some("null") => Value::Null,
        _ if schema["format"] == "date" => json!("2027-03-31"),
        _ => match schema["pattern"].as_str() {
            Some(pattern) if pattern.starts_with('^') => json!(format!("{}-1", &pattern[1..2])),
            _ => json!(dice.one(&["Last-time buy", "viewer", "read", "victim", "AX1", "it is so", "2027-03-31", "impact"])),
        },
    }
}

/// Something in it is no longer what it was.
fn damaged(mut body: Value, dice: &mut Dice) -> Value {
    let wrong = match dice.below(9) {
        0 => Value::Null,
        1 => json!(-1),
        2 => json!(u64::MAX),
        3 => json!(1.5e300),
        4 => json!([[[[]]]]),
        5 => json!({ "a": { "b": {} } }),
        6 => json!("y".repeat(70_000)),
        _ => json!(dice.hostile()),
    };
    let Value::Object(fields) = &mut body else { return wrong };
    let names: Vec<String> = fields.keys().cloned().collect();
    match dice.below(3) {
        0 if !names.is_empty() => _ = fields.remove(&dice.one(&names)),
        1 if !names.is_empty() => _ = fields.insert(dice.one(&names), wrong),
        _ => _ = fields.insert(dice.hostile(), wrong),
    }
    body
}

/// Media type and bytes of a body.
fn body(schemas: &Value, operation: &Value, dice: &mut Dice) -> (Option<&'static str>, Vec<u8>) {
    let Some(content) = operation["requestBody"]["content"].as_object() else { return (None, Vec::new()) };
    let Some(json) = content.get("application/json") else {
        let form = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"items.csv\"\r\n\r\nitem,type\r\nA,part\r\n--b--\r\n";
        return match dice.below(4) {
            0 => (Some("multipart/form-data; boundary=b"), form.as_bytes()[..dice.below(form.len())].to_vec()),
            1 => (Some("multipart/form-data"), form.into()),
            2 => (Some("application/json"), notice(dice.below(50), &["AX1"]).to_string().into_bytes()),
            _ => (Some("application/json"), damaged(notice(dice.below(50), &["AX1"]), dice).to_string().into_bytes()),
        };
    };
    let sound = value(schemas, &json["schema"], dice);
    let media = if dice.chance(90) { "application/json" } else { dice.one(&["text/plain", "application/x-www-form-urlencoded", "no media type"]) };
    let text = match dice.below(10) {
        0..=3 => sound.to_string(),
        4..=7 => damaged(sound, dice).to_string(),
        8 => "[".repeat(1 + dice.below(5000)),
        _ => {
            let mut bytes = sound.to_string().into_bytes();
            let at = dice.below(bytes.len());
            bytes[at] ^= 1 << dice.below(8);
            bytes.truncate(1 + dice.below(bytes.len()));
            return (Some(media), bytes);
        }
    };
    (Some(media), text.into_bytes())
}

/// A request, and whether its address holds what the description does not allow.
struct Request {
    address: String,
    is_wrong: bool,
    media: Option<&'static str>,
    body: Vec<u8>,
    headers: Vec<(&'static str, String)>,
}

fn request(route: &Route, description: &Value, dice: &mut Dice) -> Request {
    let operation = &description["paths"][route.path][route.method.to_ascii_lowercase()];
    let (mut address, mut query, mut is_wrong) = (route.path.to_owned(), Vec::new(), false);
    let mut headers = Vec::new();
    for parameter in operation["parameters"].as_array().expect("parameters") {
        let (name, place, schema) = (parameter["name"].as_str().expect("name"), parameter["in"].as_str().expect("place"), &parameter["schema"]);
        if place == "header" {
            if dice.chance(20) {
                let key = if dice.chance(50) { format!("key-{}", dice.below(9)) } else { "x".repeat(dice.below(300)) };
                headers.push(("idempotency-key", key));
            }
            continue;
        }
        let text = if dice.chance(30) { dice.hostile() } else { sound(route.path, name, schema, dice) };
        match place {
            "path" => address = address.replace(&format!("{{{name}}}"), &encoded(&text)),
            _ if parameter["required"] == json!(true) && dice.chance(95) || dice.chance(40) => query.push(format!("{name}={}", encoded(&text))),
            _ => continue,
        }
        is_wrong |= !allows(schema, &text);
    }
    if dice.chance(5) {
        headers.push(("if-none-match", dice.one(&["*", "\"x\"", "W/\"\"", "\u{7f}"]).replace('\u{7f}', "\"")));
    }
    if !query.is_empty() {
        address = format!("{address}?{}", query.join("&"));
    }
    let (media, body) = body(&description["components"]["schemas"], operation, dice);
    Request { address, is_wrong, media, body, headers }
}

/// Why an answer is not one of the description.
fn wrong(description: &Value, route: &Route, sent: &Request, reply: &Reply) -> Option<String> {
    let responses = &description["paths"][route.path][route.method.to_ascii_lowercase()]["responses"];
    let told = &responses[reply.status.to_string()];
    if reply.status >= 500 {
        return Some("it failed".to_owned());
    }
    if told.is_null() {
        return Some("the description does not name this status".to_owned());
    }
    if sent.is_wrong && reply.status < 400 {
        return Some("the description does not allow this address, and it was taken".to_owned());
    }
    let content = told["content"].as_object();
    let media = reply.content_type.split(';').next().unwrap_or_default();
    match content {
        None if reply.text.is_empty() => return None,
        None => return Some("the description names no body".to_owned()),
        Some(content) if !content.contains_key(media) => return Some(format!("the description does not name the media type {media:?}")),
        Some(_) => {}
    }
    let schema = &told["content"][media]["schema"];
    if schema.is_null() {
        return None;
    }
    let Ok(answer) = serde_json::from_str::<Value>(&reply.text) else { return Some("it is not JSON".to_owned()) };
    let whole = json!({ "$ref": schema["$ref"], "components": description["components"] });
    if let Err(error) = jsonschema::validate(&whole, &answer) {
        return Some(format!("it is not what the description says: {} {error}", error.instance_path()));
    }
    (reply.status >= 400 && answer["status"] != json!(reply.status)).then(|| "the problem names another status".to_owned())
}

#[test]
fn every_answer_to_any_request_is_one_of_the_description() {
    let dir = tempfile::tempdir().expect("folder");
    ok(lastbuy(dir.path()).args(["data", "import"]).arg(sample("factory")));
    add_user(dir.path(), "root", "admin");
    add_user(dir.path(), "second", "approver");
    add_user(dir.path(), "victim", "viewer");
    add_token(dir.path(), "victim", &["read"]);
    let first = dir.path().join("first.json");
    std::fs::write(&first, notice(1, &["MHM-1205-L", "AX1"]).to_string()).expect("notice");
    ok(lastbuy(dir.path()).args(["ingest", "--wait", "--source", "generic"]).arg(&first));
    let server = Server::start(dir.path());
    let (admin, second) = (sign_in(&server, "root"), sign_in(&server, "second"));
    let description = server.get("/openapi.json").1;
    let mut dice = Dice(TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let (mut found, mut answered) = (Vec::new(), BTreeMap::<u16, usize>::new());
    for round in 0..rounds() {
        for route in API {
            let sent = request(route, &description, &mut dice);
            let by: Option<&Signed> = match route.needs {
                // Once in a while nobody.
                _ if round == 0 => None,
                Needs::Act(act) if !Role::Admin.may(act) => Some(&second),
                _ => Some(&admin),
            };
            let mut headers: Vec<(&str, &str)> = sent.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            headers.extend(sent.media.map(|media| ("content-type", media)));
            if let Some(by) = by {
                headers.extend([("cookie", by.cookie.as_str()), ("x-csrf-token", by.csrf.as_str())]);
            }
            let reply = call(&server, route.method, &sent.address, &headers, &sent.body);
            *answered.entry(reply.status).or_default() += 1;
            if let Some(why) = wrong(&description, route, &sent, &reply) {
                let body: String = String::from_utf8_lossy(&sent.body).chars().take(200).collect();
                let answer: String = reply.text.chars().take(300).collect();
                found.push(format!("{} {} {:?} {body}\n  {}: {why}: {answer}", route.method, sent.address, sent.headers, reply.status));
            }
        }
    }
    assert!(found.is_empty(), "{} of {answered:?}:\n{}", found.len(), found[..found.len().min(40)].join("\n"));
    // It was not only refused at the door.
    let took: usize = answered.iter().filter(|(status, _)| **status < 300).map(|(_, count)| count).sum();
    assert!(took > 400 && answered[&400] > 400 && answered[&401] > 40 && answered.contains_key(&404), "{answered:?}");
    assert_eq!(server.get("/readyz").0, 200);
}
