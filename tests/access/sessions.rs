//! Signing in, and what attacks it: fixation, forged forms, guessing, redirects; sessions end with every change of their user.

use crate::{
    browser::{PASSWORD, add_user, call, csrf, form, pair, sign_in},
    common::{Server, json as run_json, lastbuy, ok},
};

fn served() -> (tempfile::TempDir, Server) {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::start(dir.path());
    (dir, server)
}

#[test]
fn the_first_start_shows_a_code_that_makes_one_admin_and_until_then_everybody_reads_and_nobody_acts() {
    let (_dir, server) = served();
    assert_eq!(server.get("/v1/cases").0, 200);
    assert_eq!(server.get("/v1/me").1["role"], "viewer");
    assert_eq!(server.post("/v1/cases", "application/json", br#"{"mpns": ["AX1"]}"#).0, 401);
    assert_eq!(server.get("/v1/audit").0, 401);
    let code = server.said.split("setup?code=").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a code").to_owned();
    let made = |code: &str, name: &str, password: &str| {
        form(&server, "/setup", None, &[("code", code), ("name", name), ("password", password), ("again", password)])
    };
    assert_eq!(made("AAAA", "anna", PASSWORD).status, 403);
    assert_eq!(made(&code, "anna", "short").status, 422);
    assert_eq!(made(&code, "anna", "annaannaanna1").status, 422);
    assert_eq!(made(&code, "no name", PASSWORD).status, 422);
    let reply = made(&code, "anna", PASSWORD);
    assert_eq!((reply.status, reply.location.as_str()), (303, "/"), "{}", reply.text);
    let cookie = pair(&reply);
    assert_eq!(call(&server, "GET", "/v1/me", &[("cookie", &cookie)], b"").json()["role"], "admin");
    let again = made(&code, "bert", PASSWORD);
    assert_eq!((again.status, again.location.as_str(), again.cookie.is_none()), (303, "/sign-in", true));
    assert_eq!(server.get("/v1/cases").0, 401, "with a user, everybody signs in");
    let page = call(&server, "GET", "/cases/C-1?a=b", &[("accept", "text/html")], b"");
    assert_eq!((page.status, page.location.as_str()), (303, "/sign-in?next=%2Fcases%2FC%2D1%3Fa%3Db"));
}

#[test]
fn where_the_site_says_so_everybody_signs_in_from_the_start() {
    let dir = tempfile::tempdir().expect("folder");
    std::fs::write(dir.path().join("lastbuy.toml"), "[access]\nsign_in = \"always\"\n").expect("config");
    let server = Server::start(dir.path());
    assert_eq!(server.get("/v1/cases").0, 401);
    assert_eq!(server.get("/healthz").0, 200);
    let page = call(&server, "GET", "/", &[("accept", "text/html")], b"");
    assert_eq!((page.status, page.location.as_str()), (303, "/setup"));
}

#[test]
fn a_session_is_new_at_every_sign_in_and_ends_with_every_change_of_its_user() {
    let (dir, server) = served();
    add_user(dir.path(), "root", "admin");
    add_user(dir.path(), "anna", "engineer");
    // A cookie that somebody else put there does not become the session's.
    let reply = form(&server, "/sign-in", Some("lastbuy=fixed"), &[("name", "anna"), ("password", PASSWORD)]);
    let cookie = reply.cookie.clone().expect("cookie");
    assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Strict") && cookie.contains("; Path=/"), "{cookie}");
    assert_ne!(pair(&reply), "lastbuy=fixed");
    assert_eq!(call(&server, "GET", "/v1/me", &[("cookie", "lastbuy=fixed")], b"").status, 401);
    // Signing in again in the same browser ends the session before.
    let first = pair(&reply);
    let second = pair(&form(&server, "/sign-in", Some(&first), &[("name", "anna"), ("password", PASSWORD)]));
    let me = |cookie: &str| call(&server, "GET", "/v1/me", &[("cookie", cookie)], b"").status;
    assert_eq!((me(&first), me(&second)), (401, 200));

    let elsewhere = sign_in(&server, "anna").cookie;
    let token = csrf(&server, &second);
    let new = "another four word sentence";
    let change = |cookie: &str, csrf: &str, old: &str| {
        form(&server, "/account", Some(cookie), &[("csrf", csrf), ("old", old), ("password", new), ("again", new)])
    };
    assert_eq!(change(&second, &token, "not the password").status, 403);
    let changed = change(&second, &token, PASSWORD);
    assert_eq!(changed.status, 303, "{}", changed.text);
    let third = pair(&changed);
    assert_eq!((me(&second), me(&elsewhere), me(&third)), (401, 401, 200), "the own session goes on under a new cookie, the others are over");

    ok(lastbuy(dir.path()).args(["user", "role", "anna", "viewer"]));
    assert_eq!(me(&third), 401, "another role");
    let fourth = pair(&form(&server, "/sign-in", None, &[("name", "anna"), ("password", new)]));
    assert_eq!(me(&fourth), 200);
    ok(lastbuy(dir.path()).args(["user", "disable", "anna"]));
    assert_eq!(me(&fourth), 401, "disabled");
    assert_eq!(form(&server, "/sign-in", None, &[("name", "anna"), ("password", new)]).status, 401);
    ok(lastbuy(dir.path()).args(["user", "disable", "anna", "--undo"]));
    let fifth = pair(&form(&server, "/sign-in", None, &[("name", "anna"), ("password", new)]));
    let out = form(&server, "/sign-out", Some(&fifth), &[("csrf", &csrf(&server, &fifth))]);
    assert_eq!((out.status, me(&fifth)), (303, 401));

    let last = lastbuy(dir.path()).args(["user", "disable", "root"]).output().expect("run");
    assert_eq!(last.status.code(), Some(1), "the last admin stays");
    crate::browser::with_input(
        lastbuy(dir.path()).args(["user", "add", "past", "--role", "viewer", "--expires", "2020-01-01", "--password-stdin"]),
        PASSWORD,
    );
    assert_eq!(form(&server, "/sign-in", None, &[("name", "past"), ("password", PASSWORD)]).status, 401, "expired");
}

#[test]
fn a_forged_form_is_refused() {
    let (dir, server) = served();
    add_user(dir.path(), "anna", "engineer");
    let (one, other) = (sign_in(&server, "anna"), sign_in(&server, "anna"));
    let add = |headers: &[(&str, &str)]| {
        let all = [headers, &[("cookie", one.cookie.as_str()), ("content-type", "application/json")]].concat();
        call(&server, "POST", "/v1/cases", &all, br#"{"mpns": [" "]}"#).status
    };
    let own = ("x-csrf-token", one.csrf.as_str());
    assert_eq!(add(&[own]), 400, "it comes as far as its handler");
    assert_eq!(add(&[]), 403);
    assert_eq!(add(&[("x-csrf-token", "")]), 403);
    assert_eq!(add(&[("x-csrf-token", other.csrf.as_str())]), 403, "of another session");
    assert_eq!(add(&[own, ("sec-fetch-site", "cross-site")]), 403);
    assert_eq!(add(&[own, ("sec-fetch-site", "same-site")]), 403);
    assert_eq!(add(&[own, ("origin", "https://evil.example")]), 403);
    assert_eq!(add(&[own, ("origin", "null")]), 403);
    assert_eq!(add(&[own, ("origin", server.url.as_str())]), 400);
    // Nobody is signed in by another site's page either.
    let fields = format!("name=anna&password={}", PASSWORD.replace(' ', "+"));
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", "https://evil.example")];
    assert_eq!(call(&server, "POST", "/sign-in", &headers, fields.as_bytes()).status, 403);
    // A form's field does as well as a header.
    let wrong = form(&server, "/account", Some(&one.cookie), &[("csrf", &other.csrf), ("old", PASSWORD), ("password", "x"), ("again", "x")]);
    assert_eq!(wrong.status, 403);
    let right = form(&server, "/account", Some(&one.cookie), &[("csrf", &one.csrf), ("old", PASSWORD), ("password", "x"), ("again", "x")]);
    assert_eq!(right.status, 422, "{}", right.text);
}

#[test]
fn guessing_is_slowed_down_and_on_record_and_tells_nothing_of_names() {
    let (dir, server) = served();
    add_user(dir.path(), "anna", "engineer");
    let tries = |name: &str, password: &str| form(&server, "/sign-in", None, &[("name", name), ("password", password)]);
    let unknown = tries("my secret password typed here", "x");
    let known = tries("anna", "wrong password one");
    assert_eq!((unknown.status, known.status), (401, 401));
    let plain = |text: &str, name: &str| text.replace(name, "");
    assert_eq!(plain(&unknown.text, "my secret password typed here"), plain(&known.text, "anna"), "the two answers differ");
    // Each pause is twice the one before; what comes within one is not looked at.
    let mut wrong = 2;
    let paused = |text: &str| text.split("looked at in ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
    for tried in 0.. {
        let reply = tries("anna", "wrong password");
        wrong += usize::from(reply.status == 401);
        if reply.status == 429 && paused(&reply.text).is_some_and(|seconds| seconds >= 4) {
            break;
        }
        assert!(tried < 100_000 && wrong < 20, "it is not slowed down: {wrong} of {tried} were looked at");
    }
    assert!((7..=9).contains(&wrong), "{wrong} were looked at");
    assert_eq!(tries("anna", PASSWORD).status, 429, "the right one has to wait as well");
    let audit = run_json(lastbuy(dir.path()).args(["audit", "list", "--json"]));
    let rows: Vec<String> = audit.as_array().expect("rows").iter().filter(|row| row["act"] == "access.refused").map(ToString::to_string).collect();
    assert_eq!(rows.len(), wrong, "{rows:?}");
    assert!(rows.iter().all(|row| !row.contains("typed here")), "what was typed into the wrong field is on record: {rows:?}");
}

#[test]
fn nobody_is_sent_to_another_site() {
    let (dir, server) = served();
    add_user(dir.path(), "anna", "engineer");
    for (next, to) in
        [("//evil.example/", "/"), ("https://evil.example", "/"), ("/\\evil.example", "/"), ("/cases/C-1", "/cases/C-1"), ("/a\r\nx: y", "/")]
    {
        let reply = form(&server, "/sign-in", None, &[("name", "anna"), ("password", PASSWORD), ("next", next)]);
        assert_eq!((reply.status, reply.location.as_str()), (303, to), "{next}");
        let cookie = pair(&reply);
        let page = call(&server, "GET", "/sign-in?next=%2F%2Fevil.example", &[("cookie", &cookie), ("accept", "text/html")], b"");
        assert_eq!((page.status, page.location.as_str()), (303, "/"));
    }
    // What is typed comes back as text.
    let reply = form(&server, "/sign-in", None, &[("name", "\"><script>alert(1)</script>"), ("password", "x")]);
    assert!(!reply.text.contains("<script>"), "{}", reply.text);
}
