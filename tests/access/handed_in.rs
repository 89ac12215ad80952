//! Files that people hand in on pages: who may, with which token of the session, and what is told of each file.

use crate::{
    browser::{Reply, Signed, add_user, call, sign_in},
    common::Server,
};

fn send(server: &Server, who: &Signed, address: &str, files: &[(&str, &str)]) -> Reply {
    let mut body = String::new();
    for (name, text) in files {
        body += &format!("--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{text}\r\n");
    }
    body += "--cut--\r\n";
    let headers = [("cookie", who.cookie.as_str()), ("content-type", "multipart/form-data; boundary=cut"), ("accept", "text/html")];
    call(server, "POST", address, &headers, body.as_bytes())
}

#[test]
fn notices_are_handed_in_by_those_who_may_and_each_that_is_refused_is_named() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::start(dir.path());
    add_user(dir.path(), "emil", "engineer");
    add_user(dir.path(), "vera", "viewer");
    let (emil, vera) = (sign_in(&server, "emil"), sign_in(&server, "vera"));
    let own = |who: &Signed, page: &str| format!("{page}?csrf={}", who.csrf);
    let notice = [("notice.txt", "PRODUCT DISCONTINUANCE NOTICE PDN-1. Last time buy 30 June 2027.")];

    for page in ["/events", "/datasets"] {
        assert_eq!(send(&server, &vera, &own(&vera, page), &notice).status, 403, "{page}");
        assert_eq!(send(&server, &emil, page, &notice).status, 403, "{page} without a token");
        assert_eq!(send(&server, &emil, &own(&vera, page), &notice).status, 403, "{page} with another's token");
    }
    let events = || emil.get(&server, "/v1/events").json()["items"].as_array().map(Vec::len);
    assert_eq!(events(), Some(0));

    let taken = send(&server, &emil, &own(&emil, "/events"), &notice);
    assert_eq!((taken.status, taken.location.as_str()), (303, "/events/E-1"), "{}", taken.text);
    let event = emil.get(&server, "/v1/events/E-1").json();
    assert!(event.to_string().contains("user:emil") && event.to_string().contains("notice.txt"), "{event}");
    let again = send(&server, &emil, &own(&emil, "/events"), &notice);
    assert_eq!((again.status, again.location.as_str()), (303, "/events/E-1?known=true"));
    let both = send(&server, &emil, &own(&emil, "/events"), &[notice[0], ("other.txt", "Another notice, PDN-2.")]);
    assert_eq!((both.status, both.location.as_str()), (303, "/events?taken=2&known=1"));
    let one = send(&server, &emil, &own(&emil, "/events"), &[("empty<b>.txt", ""), ("third.txt", "A third notice, PDN-3.")]);
    assert!(one.status == 400 && one.text.contains("E-3") && one.text.contains("the body is empty"), "{} {}", one.status, one.text);
    assert!(!one.text.contains("<b>"), "a name is told as text");
    assert_eq!(send(&server, &emil, &own(&emil, "/events"), &[("", "")]).status, 400, "nothing was chosen");
    assert_eq!(send(&server, &emil, &own(&emil, "/events"), &[("a.txt", "x"), ("A.TXT", "y")]).status, 400, "one name twice");
    assert_eq!(events(), Some(3));
}

#[test]
fn a_dataset_that_cannot_be_read_is_told_on_a_page_and_stores_nothing() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::start(dir.path());
    add_user(dir.path(), "emil", "engineer");
    let emil = sign_in(&server, "emil");
    let reply = send(&server, &emil, &format!("/datasets?csrf={}", emil.csrf), &[("bom.csv", "parent,child,quantity\r\n<i>,B,1")]);
    assert!(reply.status == 400 && reply.content_type.starts_with("text/html") && reply.text.contains("products.csv"), "{}", reply.text);
    assert!(!reply.text.contains(".upload-") && !reply.text.contains("<i>"), "{}", reply.text);
    assert_eq!(emil.get(&server, "/v1/datasets").json()["items"].as_array().map(Vec::len), Some(0));
    let missing = call(&server, "POST", "/datasets/D-9/use", &[("cookie", &emil.cookie), ("x-csrf-token", &emil.csrf), ("accept", "text/html")], b"");
    assert_eq!(missing.status, 404, "{}", missing.text);
}
