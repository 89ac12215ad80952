//! A plant's first day in a real browser: from an empty installation over the factory's files, a PDF that is dropped, a doubt that is cleared, answers compared and a
//! decision of two people to the messages at real receivers and the evidence pack that anybody can check.

use std::{
    io::{BufRead, BufReader, Write as _},
    net::SocketAddr,
    path::Path,
    process::Stdio,
    sync::mpsc::{self, Receiver},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use fantoccini::Locator;
use serde_json::{Value, json};

use crate::{
    Seen,
    common::{lastbuy, ok, said, sample},
    receiver::{Inbox, OK, listen},
};

const PASSWORD: &str = "correct horse battery";
/// How long a machine with other work may take for what a person would wait seconds for.
const PATIENCE: Duration = Duration::from_secs(120);

/// A receiver of webhooks, and a bell that rings for each.
pub fn hook() -> (SocketAddr, Inbox, Receiver<()>) {
    let (inbox, (ring, rings)) = (Inbox::default(), mpsc::channel());
    let takes = inbox.clone();
    let address = listen(move |stream| {
        takes.take(stream, OK);
        let _ = ring.send(());
    });
    (address, inbox, rings)
}

/// A relay without TLS; every mail it took.
pub fn relay() -> (SocketAddr, Receiver<String>) {
    let (take, taken) = mpsc::channel();
    let address = listen(move |stream| {
        let mut lines = BufReader::new(stream.try_clone().expect("stream"));
        let mut stream = stream;
        let mut say = |text: &str| stream.write_all(format!("{text}\r\n").as_bytes()).is_ok();
        if !say("220 test") {
            return;
        }
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let goes_on = match line.split([' ', '\r']).next().unwrap_or_default() {
                "DATA" if say("354 go on") => {
                    let mut mail = String::new();
                    while !mail.ends_with("\r\n.\r\n") && lines.read_line(&mut mail).is_ok_and(|read| read > 0) {}
                    let _ = take.send(mail);
                    say("250 taken")
                }
                "QUIT" => return,
                _ => say("250 ok"),
            };
            if !goes_on {
                return;
            }
        }
    });
    (address, taken)
}

/// Four eyes, everybody signs in, and two receivers that are told of cases and decisions.
pub fn configure(dir: &Path, hook: SocketAddr, relay: SocketAddr) {
    std::fs::write(dir.join("hook.secret"), "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n").expect("secret");
    let text = format!(
        "[site]\nas_of = \"2026-11-23\"\n[access]\nsign_in = \"always\"\n[decisions]\nfour_eyes = true\n\
         [notify.destinations.erp]\nkind = \"webhook\"\nurl = \"http://{hook}/hook\"\nallow_private = true\nsecrets = [\"file:{}\"]\n\
         [notify.destinations.buyers]\nkind = \"mail\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"lastbuy@plant.example\"\nto = [\"buyers@plant.example\"]\n\
         [[notify.rules]]\nname = \"all\"\non = [\"case_opened\", \"decision_changed\"]\nto = [\"erp\", \"buyers\"]\n",
        dir.join("hook.secret").display(),
        relay.port()
    );
    std::fs::write(dir.join("lastbuy.toml"), text).expect("config");
}

fn add_user(dir: &Path, name: &str, role: &str) {
    let mut command = lastbuy(dir);
    command.args(["user", "add", name, "--role", role, "--password-stdin"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    writeln!(child.stdin.take().expect("stdin"), "{PASSWORD}").expect("write");
    let output = child.wait_with_output().expect("output");
    assert!(output.status.success(), "{}", said(&output));
}

impl Seen<'_> {
    async fn fill(&self, css: &str, text: &str) {
        let element = self.browser.client.find(Locator::Css(css)).await.unwrap_or_else(|error| panic!("{css}: {error}"));
        element.send_keys(text).await.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Until a page that was asked for is there.
    async fn arrives(&self, css: &str) {
        let wait = self.browser.client.wait().at_most(PATIENCE);
        wait.for_element(Locator::Css(css)).await.unwrap_or_else(|error| panic!("{css} never came: {error}"));
    }

    /// Until what the server works on shows by itself.
    async fn shows(&self, condition: &str) {
        let script =
            format!("const done = arguments[0]; const look = () => {{ if ({condition}) done(true); else requestAnimationFrame(look); }}; look();");
        for _ in 0..4 {
            if self.browser.client.execute_async(&script, Vec::new()).await.is_ok() {
                return;
            }
        }
        panic!("never so: {condition}: {}", self.text("main").await);
    }

    async fn json(&self, path: &str) -> Value {
        let script = "const [path, done] = arguments; fetch(path).then((answer) => answer.json()).then(done)";
        self.browser.client.execute_async(script, vec![json!(path)]).await.expect("JSON")
    }

    /// The page as it is, light and dark, wide and narrow: clean, accessible, no wider than the window, and a picture of each.
    async fn look(&mut self, name: &str) {
        for (look, scheme, width) in [("light", "light", 1440), ("dark", "dark", 1440), ("narrow", "light", 400)] {
            self.browser.prefer(scheme).await;
            self.browser.width(width, 1000).await;
            self.is_accessible(&format!("{name} {look}")).await;
            let wide = self.browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth").await;
            assert_eq!(wide, 0, "{name} {look} is wider than the window");
            self.browser.picture(&self.folder.join(format!("journey-{name}-{look}.png"))).await;
            self.pages += 1;
        }
        self.browser.width(1440, 1000).await;
        self.is_clean(name).await;
    }

    /// A file from elsewhere is let go over the page.
    async fn drop_file(&self, path: &Path) {
        let bytes = BASE64_STANDARD.encode(std::fs::read(path).expect("the file"));
        let name = path.file_name().expect("name").to_string_lossy().into_owned();
        let script = "const [name, data] = arguments; const moved = new DataTransfer();
            moved.items.add(new File([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], name));
            for (const kind of ['dragover', 'drop']) document.body.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: moved }));";
        self.browser.client.execute(script, vec![json!(name), json!(bytes)]).await.expect("dropped");
    }
}

/// The first admin by the code of the console.
pub async fn first_user(seen: &mut Seen<'_>) {
    seen.browser.goto(&seen.at("/")).await;
    assert_eq!(seen.browser.run("return location.pathname").await, "/setup", "nobody is in yet");
    let code = seen.server.said.split("setup?code=").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a code").to_owned();
    seen.browser.goto(&seen.at(&format!("/setup?code={code}"))).await;
    seen.look("setup").await;
    seen.fill("#name", "root").await;
    seen.fill("#password", PASSWORD).await;
    seen.fill("#again", "correct horse batter").await;
    seen.click("form.entrance button").await;
    assert!(seen.text("[role=alert]").await.contains("differ"));
    drop(seen.browser.complaints().await);
    seen.fill("#password", PASSWORD).await;
    seen.fill("#again", PASSWORD).await;
    seen.click("form.entrance button").await;
    seen.arrives("[data-live=overview]").await;
    seen.look("empty").await;
}

/// Files with a mistake are checked, mended, read in, looked at and put in force.
pub async fn take_in_the_factory(seen: &mut Seen<'_>) {
    let damaged = tempfile::tempdir().expect("folder");
    let bom = std::fs::read_to_string(sample("factory/bom.csv")).expect("bom.csv");
    let mut lines: Vec<String> = bom.lines().map(str::to_owned).collect();
    let quantity = lines[0].split(',').position(|name| name == "quantity").expect("a column quantity");
    let mut cells: Vec<&str> = lines[2].split(',').collect();
    cells[quantity] = "<b>six</b>";
    lines[2] = cells.join(",");
    std::fs::write(damaged.path().join("bom.csv"), lines.join("\n")).expect("written");
    let files = |replaced: bool| {
        let entries = std::fs::read_dir(sample("factory")).expect("folder").map(|entry| entry.expect("entry").path());
        let path = |path: std::path::PathBuf| if replaced && path.ends_with("bom.csv") { damaged.path().join("bom.csv") } else { path };
        entries.map(|entry| path(entry).display().to_string()).collect::<Vec<_>>().join("\n")
    };
    seen.browser.goto(&seen.at("/datasets")).await;
    seen.look("datasets-empty").await;
    seen.fill("#files", &files(true)).await;
    seen.click("button[name=check]").await;
    seen.arrives("#findings").await;
    let report = seen.text("main").await;
    assert!(report.contains("bom.csv") && report.contains("quantity") && report.contains("refused"), "{report}");
    assert!(
        seen.browser.run("return [...document.querySelectorAll('main td.number')].some((cell) => cell.textContent === '3')").await == true,
        "{report}"
    );
    seen.look("checked").await;
    assert_eq!(seen.json("/v1/datasets").await["items"], json!([]), "it was only checked");

    seen.browser.goto(&seen.at("/datasets")).await;
    seen.fill("#files", &files(false)).await;
    seen.click("form.upload button.main").await;
    seen.arrives("#findings").await;
    let stored = seen.json("/v1/datasets").await;
    assert_eq!((stored["items"][0]["id"].as_str(), stored["items"][0]["active"].as_bool()), (Some("D-1"), Some(false)), "{stored}");
    seen.look("imported").await;
    seen.click("main form button.main").await;
    seen.arrives("main table.list .pill.good").await;
    assert_eq!(seen.json("/v1/datasets").await["items"][0]["active"], true);
    seen.look("datasets").await;
}

/// A notice is dropped on a page, and its own page tells how far it is without being loaded again. `state` is a selector of where it comes to rest.
async fn hand_in(seen: &Seen<'_>, notice: &str, state: &str) {
    seen.browser.goto(&seen.at("/")).await;
    seen.drop_file(&sample(notice)).await;
    seen.arrives("[data-live=state]").await;
    seen.browser.run("window.stayed = true").await;
    seen.shows(&format!("document.querySelector('[data-live=state] .pill:is({state})') !== null && window.stayed")).await;
}

pub async fn a_notice_is_dropped_and_read(seen: &mut Seen<'_>) -> String {
    hand_in(seen, "notices/sundgau-capacitors.pdf", ".done, .review").await;
    // How surely it is read is measured elsewhere: a person who finds it right as it was read says so.
    if seen.browser.run("return document.querySelector('[data-live=state] .pill.review') !== null").await == true {
        seen.arrives("[data-live=work] a[href^='/review/']").await;
        seen.click("[data-live=work] a[href^='/review/']").await;
        seen.arrives("form.questions").await;
        seen.click("form.questions button.main").await;
        seen.arrives("[data-live=reviews]").await;
        seen.browser.goto(&seen.at("/events/E-1")).await;
        seen.shows("document.querySelector('[data-live=state] .pill.done') !== null").await;
    }
    seen.shows("document.querySelector('[data-live=facts] a[href^=\"/cases/\"]') !== null").await;
    seen.look("event").await;
    let case = seen.browser.run("return document.querySelector('[data-live=facts] a[href^=\"/cases/\"]').textContent").await;
    // The same once more is known.
    seen.browser.goto(&seen.at("/events")).await;
    seen.drop_file(&sample("notices/sundgau-capacitors.pdf")).await;
    seen.arrives("main > .note[role=status]").await;
    assert_eq!(seen.json("/v1/events").await["items"].as_array().map(Vec::len), Some(1));
    case.as_str().expect("a case").to_owned()
}

/// A date that could be two is chosen by selecting it in the text.
pub async fn a_doubt_is_cleared(seen: &mut Seen<'_>) {
    hand_in(seen, "notices/meridian-laser-driver.eml", ".review").await;
    seen.click("[data-live=work] a[href^='/review/']").await;
    seen.arrives("form.questions").await;
    seen.look("review").await;
    let select = "const text = document.createTreeWalker(document.querySelector('.text'), NodeFilter.SHOW_TEXT);
        for (let node = text.nextNode(); node; node = text.nextNode()) {
            const at = node.data.indexOf('Feb 26, 2027');
            if (at >= 0) { getSelection().setBaseAndExtent(node, at, node, at + 12); return true; }
        }
        return false;";
    assert_eq!(seen.browser.run(select).await, true);
    seen.arrives("[data-take] button").await;
    seen.click("[data-take] button").await;
    assert_eq!(seen.text("label[data-selected] strong").await, "Feb 26, 2027");
    seen.look("review-selected").await;
    seen.click("form.questions button.main").await;
    seen.arrives("[data-live=reviews]").await;
    seen.browser.goto(&seen.at("/events/E-2")).await;
    seen.shows("document.querySelector('[data-live=state] .pill.done') !== null && document.querySelector('[data-live=facts] a') !== null").await;
    let cases = seen.json("/v1/cases").await;
    assert_eq!(cases["items"][0]["last_time_buy"], "2027-02-26", "{cases}");
}

/// Answers side by side; a slider moved and kept.
pub async fn answers_are_compared(seen: &mut Seen<'_>, case: &str) {
    seen.browser.goto(&seen.at(&format!("/cases/{case}"))).await;
    let answers = seen.browser.run("return document.querySelectorAll('table.answers tbody tr').length").await;
    assert!(answers.as_u64() > Some(5), "{answers}");
    let slide =
        "const slider = document.getElementById('what-holding'); slider.value = '48'; slider.dispatchEvent(new Event('input', { bubbles: true }));";
    seen.browser.run(slide).await;
    seen.arrives("#what-if-result form input[name=name]").await;
    seen.fill("#what-if-result form input[name=name]", "Dear <i>storage</i>").await;
    seen.click("#what-if-result form button").await;
    seen.arrives("#scenarios").await;
    let kept = seen.text("#scenarios").await;
    assert!(kept.contains("Dear <i>storage</i>") && kept.contains("48") && kept.contains("user:root"), "{kept}");
    let api = seen.json(&format!("/v1/cases/{case}/scenarios")).await;
    assert_eq!(api["items"][0]["moved"], json!({ "holding": "48" }), "{api}");
    let statement = seen.json(&format!("/v1/cases/{case}/scenarios/1")).await;
    assert_eq!(statement["headline"], api["items"][0]["headline"]);
    assert!(seen.json(&format!("/v1/cases/{case}")).await["latest"] == api["items"][0]["compared_with"], "a scenario is no new headline");
}

/// One proposes, with another answer for one product; another approves; it is carried out.
pub async fn two_people_decide(seen: &mut Seen<'_>, dir: &Path, case: &str) {
    add_user(dir, "petra", "approver");
    assert!(seen.text(".progress .next").await.contains("Proposed"));
    seen.fill("#decision input[name=reason]", "cheapest and in time").await;
    seen.fill("#decision input[name=owner]", "emil").await;
    let choose = "document.querySelector('#decision input[name=due]').value = '2027-01-15'; document.querySelector('#decision details').open = true;
        const other = document.querySelector('select[name=p0_answer]'); other.value = other.options[other.options.length - 1].value;";
    seen.browser.run(choose).await;
    seen.fill("input[name=p0_reason]", "it ends anyway").await;
    seen.look("case").await;
    seen.click("#decision button.main").await;
    seen.arrives("#decision .pill.proposed").await;
    let proposed = seen.text("#decision").await;
    assert!(["emil", "15 Jan 2027", "it ends anyway"].iter().all(|told| proposed.replace('\u{a0}', " ").contains(told)), "{proposed}");
    assert!(seen.browser.client.find(Locator::Css("button[value=approve]")).await.is_err(), "nobody approves alone");

    // The side stands at the top, and the page is far down.
    seen.browser.run("scrollTo({ top: 0, behavior: 'instant' })").await;
    seen.click(".who button").await;
    seen.arrives("form.entrance").await;
    seen.click("button[value='de']").await;
    seen.until_german().await;
    seen.fill("#name", "petra").await;
    seen.fill("#password", "not the password").await;
    seen.click("form.entrance button").await;
    seen.arrives("[role=alert]").await;
    assert!(seen.text("[role=alert]").await.contains("gehören nicht zusammen"));
    drop(seen.browser.complaints().await);
    seen.look("sign-in").await;
    seen.fill("#password", PASSWORD).await;
    seen.click("form.entrance button").await;
    seen.arrives("[data-live=overview]").await;
    seen.browser.goto(&seen.at("/account")).await;
    assert!(seen.text("main").await.contains("genehmigen, was ein anderer vorschlug"));
    seen.look("account").await;
    seen.browser.goto(&seen.at(&format!("/cases/{case}"))).await;
    seen.click("button[value='en']").await;
    seen.arrives("html[lang=en] button[value=approve]").await;
    seen.click("button[value=approve]").await;
    seen.arrives("#decision .pill.approved").await;
    assert!(seen.text(".progress .next").await.contains("Closed"));
    seen.click("button[value=done]").await;
    seen.arrives("#decision .pill.done").await;
    assert!(seen.text(".progress").await.contains("user:petra"));
    seen.look("closed").await;
}

impl Seen<'_> {
    async fn until_german(&self) {
        self.arrives("html[lang=de] form.entrance").await;
        assert!(self.text("h1").await.contains("Anmelden"));
    }
}

/// Both receivers are told of the decision.
pub fn people_are_told(inbox: &Inbox, rings: &Receiver<()>, mails: &Receiver<String>) {
    let decided = |inbox: &Inbox| {
        let told = inbox.all().into_iter().map(|posted| (posted.header("webhook-signature").to_owned(), posted.json()));
        told.filter(|(_, body)| body["type"] == "lastbuy.decision_changed").collect::<Vec<_>>()
    };
    while decided(inbox).len() < 3 {
        rings.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{error}: {:?}", inbox.all()));
    }
    let told = decided(inbox);
    assert!(told.iter().all(|(signature, _)| signature.starts_with("v1,")), "{told:?}");
    let mut all = String::new();
    while !(all.contains("Sundgau") || all.contains("2610-CAP")) || !all.contains("Answer: ") {
        all.push_str(&mails.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{error}: {all}")));
    }
}

/// The pack as a person downloads it is sound, and one that was changed is not.
pub async fn evidence_is_checked(seen: &Seen<'_>, case: &str) {
    let link = seen.browser.run("return document.querySelector('#decision a[download]').getAttribute('href')").await;
    assert_eq!(link, format!("/v1/cases/{case}/evidence"));
    let script = "const [path, done] = arguments; fetch(path).then((answer) => answer.blob()).then((blob) => {
        const reader = new FileReader(); reader.onload = () => done(reader.result.split(',')[1]); reader.readAsDataURL(blob); })";
    let pack = seen.browser.client.execute_async(script, vec![link]).await.expect("the pack");
    let pack = BASE64_STANDARD.decode(pack.as_str().expect("base64")).expect("base64");
    let key = seen.json("/v1/evidence-key").await["public_key"].as_str().expect("a key").to_owned();
    let elsewhere = tempfile::tempdir().expect("folder");
    let file = elsewhere.path().join("pack.tar");
    std::fs::write(&file, &pack).expect("written");
    let verify = || {
        let mut command = lastbuy(&elsewhere.path().join("data"));
        command.args(["cases", "evidence", "--verify"]).arg(&file).args(["--key", &key]);
        command
    };
    ok(&mut verify());
    let reason = b"cheapest and in time";
    let at = pack.windows(reason.len()).position(|window| window == reason).expect("the reason is in the pack");
    let mut forged = pack.clone();
    forged[at] = b'C';
    std::fs::write(&file, forged).expect("written");
    let found = verify().output().expect("run");
    assert_eq!(found.status.code(), Some(1), "{}", said(&found));
}
