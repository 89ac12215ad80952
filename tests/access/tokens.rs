//! Tokens act within their scopes, never beyond their user, and leave nothing behind to try passwords or tokens with.

use serde_json::json;

use crate::{
    browser::{Reply, add_token, add_user, call, sign_in},
    common::{Server, json as run_json, lastbuy, ok},
};

#[test]
fn a_token_does_what_it_is_for_until_it_or_its_user_ends() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::start(dir.path());
    add_user(dir.path(), "root", "admin");
    ok(lastbuy(dir.path()).args(["user", "add", "erp", "--role", "engineer", "--machine"]));
    let reader = add_token(dir.path(), "erp", &["read"]);
    let worker = add_token(dir.path(), "erp", &["read", "decide"]);
    let with = |token: &str, method: &str, path: &str, body: &[u8]| -> Reply {
        call(&server, method, path, &[("authorization", &format!("Bearer {token}")), ("content-type", "application/json")], body)
    };
    let new_case = br#"{"mpns": ["AX100-3"], "maker": "Acme"}"#;
    assert_eq!(with(&reader, "GET", "/v1/cases", b"").status, 200);
    assert_eq!(with(&reader, "POST", "/v1/cases", new_case).status, 403);
    assert_eq!(with(&worker, "POST", "/v1/cases", new_case).status, 201);
    assert_eq!(with(&worker, "GET", "/v1/users", b"").status, 403);
    let mine = with(&worker, "GET", "/v1/me", b"").json();
    assert_eq!((mine["name"].as_str(), mine["may"].clone()), (Some("erp"), json!(["read", "decide"])));
    // Beyond its user, a person's own, or none at all.
    for scopes in [vec!["audit"], vec!["approve"], vec!["users"], vec!["everything"]] {
        let mut command = lastbuy(dir.path());
        command.args(["token", "add", "x", "--user", "erp"]);
        command.args(scopes.iter().flat_map(|scope| ["--scope", scope]));
        assert_eq!(command.output().expect("run").status.code(), Some(1), "{scopes:?}");
    }
    let expired =
        run_json(lastbuy(dir.path()).args(["token", "add", "old", "--user", "erp", "--scope", "read", "--expires", "2020-01-01", "--json"]));
    assert_eq!(with(expired["token"].as_str().expect("token"), "GET", "/v1/cases", b"").status, 401);
    let listed = run_json(lastbuy(dir.path()).args(["token", "list", "--json"]));
    assert!(!listed.to_string().contains(&reader) && listed[2]["used_at"].is_string(), "{listed}");
    ok(lastbuy(dir.path()).args(["token", "revoke", "T-1"]));
    assert_eq!(with(&reader, "GET", "/v1/cases", b"").status, 401);
    // A session's cookie does not make up for a token that is over.
    let signed = sign_in(&server, "root");
    let both = call(&server, "GET", "/v1/cases", &[("cookie", &signed.cookie), ("authorization", &format!("Bearer {reader}"))], b"");
    assert_eq!(both.status, 401);
    ok(lastbuy(dir.path()).args(["user", "role", "erp", "viewer"]));
    assert_eq!(with(&worker, "POST", "/v1/cases", br#"{"mpns": ["AX100-4"]}"#).status, 403, "its user may no more");
    ok(lastbuy(dir.path()).args(["user", "disable", "erp"]));
    assert_eq!(with(&worker, "GET", "/v1/cases", b"").status, 401);

    // The trail names who did what, and holds neither a token nor what is kept of a password.
    let made = run_json(lastbuy(dir.path()).args(["audit", "list", "--json"]));
    assert!(made.as_array().expect("rows").iter().any(|row| row["act"] == "case.opened" && row["by"] == "user:erp token:T-2"), "{made}");
    let trail = ok(lastbuy(dir.path()).args(["audit", "export"]));
    let bytes: Vec<u8> = trail
        .lines()
        .flat_map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            base64::Engine::decode(&base64::prelude::BASE64_STANDARD, line["bytes"].as_str().expect("bytes")).expect("base64")
        })
        .collect();
    let holds = |needle: &str| trail.contains(needle) || bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
    assert!(holds("erp") && !holds("argon2") && !holds(&reader) && !holds(&worker));
    // Restarted, the users and tokens are what the log says.
    drop(server);
    let server = Server::start(dir.path());
    assert_eq!(sign_in(&server, "root").get(&server, "/v1/users").json()["items"].as_array().map(Vec::len), Some(2));
    drop(server);
    let doctor = run_json(lastbuy(dir.path()).args(["doctor", "--deep", "--json"]));
    assert_eq!(doctor["ok"], true, "{doctor}");
}
