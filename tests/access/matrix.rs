//! Every route of the network face × nobody, a token that is none, and every role by session and by token. What is expected comes from the table of acts alone.

use lastbuy::{
    domain::access::{Act, Role},
    http::routes::{API, Needs, Route, pages},
};

use crate::{
    browser::{Reply, Signed, add_token, add_user, call, sign_in},
    common::Server,
};

fn filled(path: &str) -> String {
    let values = [
        ("{id}", "999"),
        ("{job}", "J-999"),
        ("{step}", "reading"),
        ("{name}", "nobody"),
        ("{number}", "1"),
        ("{source}", "telex"),
        ("{case}", "C-999"),
    ];
    let path = values.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
    assert!(!path.contains('{'), "{path} has a part this test does not know");
    path
}

fn send(server: &Server, route: &Route, headers: &[(&str, &str)]) -> Reply {
    let json = [headers, &[("content-type", "application/json")]].concat();
    call(server, route.method, &filled(route.path), &json, if route.method == "POST" { b"{}" } else { b"" })
}

/// Neither asked to sign in nor kept out.
fn passed(reply: &Reply) -> bool {
    !matches!(reply.status, 401 | 403) && !reply.location.starts_with("/sign-in")
}

#[test]
fn every_route_lets_in_whom_the_table_says_and_nobody_else() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::start(dir.path());
    let mut callers: Vec<(Role, Signed, String, Vec<Act>)> = Vec::new();
    for role in Role::ALL {
        add_user(dir.path(), role.as_str(), role.as_str());
        let scopes: Vec<Act> = Act::ALL.into_iter().filter(|act| act.is_scope() && role.may(*act)).collect();
        let token = add_token(dir.path(), role.as_str(), &scopes.iter().map(|act| act.as_str()).collect::<Vec<_>>());
        callers.push((role, sign_in(&server, role.as_str()), format!("Bearer {token}"), scopes));
    }
    let mut wrong = Vec::new();
    let mut tried = 0;
    for route in API.iter().chain(pages()).filter(|route| route.path != "/sign-out") {
        let Needs::Act(act) = route.needs else { continue };
        let mut expect = |who: String, reply: Reply, may: bool| {
            tried += 1;
            if passed(&reply) != may || reply.status >= 500 {
                wrong.push(format!("{} {} as {who}: {} {}", route.method, route.path, reply.status, reply.text));
            }
        };
        expect("nobody".to_owned(), send(&server, route, &[]), false);
        expect(
            "a token that is none".to_owned(),
            send(&server, route, &[("authorization", "Bearer lbt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]),
            false,
        );
        expect("a cookie that is none".to_owned(), send(&server, route, &[("cookie", "lastbuy=AAAA")]), false);
        for (role, signed, token, scopes) in &callers {
            let session = [("cookie", signed.cookie.as_str()), ("x-csrf-token", signed.csrf.as_str())];
            expect(role.as_str().to_owned(), send(&server, route, &session), role.may(act));
            if route.method == "POST" {
                expect(format!("{} without its CSRF token", role.as_str()), send(&server, route, &session[..1]), false);
            }
            expect(format!("a token of {}", role.as_str()), send(&server, route, &[("authorization", token)]), scopes.contains(&act));
        }
    }
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried > 500, "only {tried} were tried");
}

#[test]
fn a_route_that_is_in_no_table_is_refused_and_a_path_written_otherwise_is_the_same_route() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::start(dir.path());
    add_user(dir.path(), "anna", "viewer");
    let signed = sign_in(&server, "anna");
    for path in ["/v1/audit", "/v1/%61udit", "/%76%31/audit", "/v1/audit?x=1", "//v1/audit", "/v1//audit", "/v1/audit/", "/v1/./audit", "/V1/audit"] {
        for headers in [vec![], vec![("cookie", signed.cookie.as_str())]] {
            let reply = call(&server, "GET", path, &headers, b"");
            assert!(matches!(reply.status, 401 | 403 | 404), "{path}: {} {}", reply.status, reply.text);
        }
    }
    for method in ["DELETE", "PUT", "PATCH", "HEAD", "TRACE"] {
        let reply = call(&server, method, "/v1/users", &[("cookie", &signed.cookie)], b"");
        assert!(matches!(reply.status, 403..=405), "{method}: {}", reply.status);
    }
    // What needs nobody.
    for path in ["/healthz", "/readyz", "/favicon.ico", "/sign-in"] {
        assert_eq!(call(&server, "GET", path, &[], b"").status, 200, "{path}");
    }
    let delivered = server.post(
        "/v1/hooks/generic",
        "application/json",
        br#"{"manufacturer": "Acme", "notice_id": "N-1", "notice_type": "PDN", "affected_parts": ["AX1"]}"#,
    );
    assert_eq!(delivered.0, 202, "{}", delivered.1);
}

#[test]
fn the_readme_tells_the_table() {
    let readme = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("README.md");
    let head = "| act | viewer | engineer | controller | approver | admin |";
    let rows = readme.lines().skip_while(|line| *line != head).skip(2).take_while(|line| line.starts_with('|'));
    let mut told = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        for act in cells[1].split(", ") {
            let act = Act::ALL.into_iter().find(|known| known.as_str() == act).unwrap_or_else(|| panic!("{act} is no act"));
            for (role, cell) in Role::ALL.into_iter().zip(&cells[2..7]) {
                assert_eq!(*cell == "yes", role.may(act), "{} {}", act.as_str(), role.as_str());
            }
            told.push(act);
        }
    }
    told.sort();
    assert_eq!(told, Act::ALL.iter().copied().collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>());
}
