//! The pages in a real browser: headless Chromium over chromedriver, against the real program with the sample factory.
//!
//! Where chromedriver is not installed the test says so and is skipped; with `CI=true` it must run. Pictures of every page lie in `target/screenshots`.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod common;
#[path = "browser/driver.rs"]
mod driver;
#[path = "browser/journey.rs"]
mod journey;
#[path = "common/receiver.rs"]
mod receiver;

use std::path::PathBuf;

use common::{Server, lastbuy, ok};
use driver::{Browser, Driver};
use fantoccini::{Locator, key::Key};
use serde_json::{Value, json};

/// Bytes of the first page with everything it needs.
const FIRST_PAGE_BYTES_MAX: usize = 150_000;

const AXE: &str = include_str!("data/axe/axe.min.js");

fn pictures() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
    let folder = target.join("screenshots");
    std::fs::create_dir_all(&folder).expect("target/screenshots");
    folder
}

/// A notice that tries to be a page, in every field a sender fills.
fn hostile() -> Value {
    let mark = |field: &str| {
        format!(
            "<script>window.pwned='{field}'</script><img src=x onerror=\"window.pwned='{field}'\">\"'><svg onload=window.pwned=1>{field}\u{202e}\u{200b}"
        )
    };
    json!({
        "manufacturer": mark("maker"), "notice_id": mark("number"), "notice_type": "PDN", "issue_date": "2026-10-01", "last_time_buy": "2027-04-30",
        "affected_parts": [mark("part"), "javascript:window.pwned=1", "BM817-C4S"], "replacements": { mark("part"): mark("replacement") },
    })
}

/// `None`, and it is said, where there is no browser.
fn driver() -> Option<Driver> {
    let driver = Driver::start();
    if driver.is_none() {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "chromedriver is missing, and CI must have it: apt-get install chromium chromium-driver"
        );
        eprintln!("browser: SKIPPED, chromedriver is not installed (apt-get install chromium chromium-driver)");
    }
    driver
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime")
}

#[test]
fn from_an_empty_installation_to_evidence_that_anybody_can_check() {
    let Some(driver) = driver() else { return };
    let data = tempfile::tempdir().expect("folder");
    let ((hook, inbox, rings), (relay, mails)) = (journey::hook(), journey::relay());
    journey::configure(data.path(), hook, relay);
    let server = Server::start(data.path());
    runtime().block_on(async {
        let browser = driver.browser().await;
        let mut seen = Seen { server: &server, browser: &browser, folder: pictures(), pages: 0 };
        journey::first_user(&mut seen).await;
        journey::take_in_the_factory(&mut seen).await;
        let case = journey::a_notice_is_dropped_and_read(&mut seen).await;
        journey::a_doubt_is_cleared(&mut seen).await;
        journey::answers_are_compared(&mut seen, &case).await;
        journey::two_people_decide(&mut seen, data.path(), &case).await;
        journey::people_are_told(&inbox, &rings, &mails);
        journey::evidence_is_checked(&seen, &case).await;
        assert!(seen.pages >= 36, "only {} looks were taken", seen.pages);
        browser.client.clone().close().await.expect("the browser ends");
    });
}

#[test]
fn the_pages_in_a_browser() {
    let Some(driver) = driver() else { return };
    let data = tempfile::tempdir().expect("folder");
    ok(lastbuy(data.path()).args(["demo", "--json"]));
    let server = Server::start(data.path());
    let (status, taken) = server.post("/v1/hooks/generic", "application/json", hostile().to_string().as_bytes());
    assert_eq!(status, 202, "{taken}");
    let mail = json!({ "subject": "<script>window.pwned='subject'</script>\u{202e}", "from": "\"<img src=x onerror=window.pwned=1>\" <a@evil.example>", "text": "<b>Last time buy</b> <script>window.pwned='text'</script> LM317\u{202e} ends on 2027-05-31." });
    let (status, taken) = server.post("/v1/hooks/email", "application/json", mail.to_string().as_bytes());
    assert_eq!(status, 202, "{taken}");
    runtime().block_on(async {
        let browser = driver.browser().await;
        settled(&browser, &server).await;
        let mut seen = Seen { server: &server, browser: &browser, folder: pictures(), pages: 0 };
        first_page_is_light(&server);
        three_clicks(&seen).await;
        highlights(&seen).await;
        what_if(&seen).await;
        keyboard(&seen).await;
        switches(&seen).await;
        hostile_notice(&mut seen).await;
        every_page(&mut seen).await;
        assert!(seen.pages >= 24, "only {} pages were looked at", seen.pages);
        browser.client.clone().close().await.expect("the browser ends");
    });
}

/// Until the two hostile deliveries are through.
async fn settled(browser: &Browser, server: &Server) {
    browser.goto(&format!("{}/healthz", server.url)).await;
    let done = "fetch('/v1/jobs/counts').then((answer) => answer.json()).then((counts) => !counts.ready && !counts.leased && !counts.scheduled)";
    let script =
        format!("const done = arguments[0]; const look = () => {done}.then((settled) => settled ? done(true) : setTimeout(look, 200)); look();");
    for _ in 0..20 {
        if browser.client.execute_async(&script, Vec::new()).await.is_ok() {
            return;
        }
    }
    panic!("the notices are not through");
}

struct Seen<'a> {
    server: &'a Server,
    browser: &'a Browser,
    folder: PathBuf,
    pages: usize,
}

impl Seen<'_> {
    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.server.url)
    }

    async fn text(&self, css: &str) -> String {
        self.browser.client.find(Locator::Css(css)).await.unwrap_or_else(|error| panic!("{css}: {error}")).text().await.expect("text")
    }

    async fn click(&self, css: &str) {
        let element = self.browser.client.find(Locator::Css(css)).await.unwrap_or_else(|error| panic!("{css}: {error}"));
        element.click().await.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Nobody but this server was asked, and the browser has nothing to complain of.
    async fn is_clean(&self, page: &str) {
        let complaints = self.browser.complaints().await;
        assert_eq!(complaints, Vec::<String>::new(), "{page}");
        let elsewhere: Vec<String> = self
            .browser
            .requests()
            .await
            .into_iter()
            .filter(|url| !url.starts_with(&self.server.url) && !url.starts_with("data:") && !url.starts_with("chrome"))
            .collect();
        assert_eq!(elsewhere, Vec::<String>::new(), "{page}");
        assert_eq!(self.browser.run("return window.pwned === undefined").await, Value::Bool(true), "{page} ran a script of a notice");
    }

    /// Nothing that axe-core calls serious or critical.
    async fn is_accessible(&self, page: &str) {
        self.browser.run(AXE).await;
        let script = "const done = arguments[0]; axe.run(document, { resultTypes: ['violations'] }).then((found) => done(found.violations.filter((one) => ['serious', 'critical'].includes(one.impact)).map((one) => `${one.id}: ${one.nodes.slice(0, 4).map((node) => node.html.slice(0, 160) + ' ' + node.failureSummary).join(' | ')}`)))";
        let found = self.browser.client.execute_async(script, Vec::new()).await.expect("axe runs");
        assert_eq!(found, json!([]), "{page}");
    }
}

fn first_page_is_light(server: &Server) {
    let size = |path: &str| ureq::get(format!("{}{path}", server.url)).call().expect("the page").body_mut().read_to_string().expect("text");
    let page = size("/");
    let assets = page.split('"').filter(|piece| piece.starts_with("/assets/")).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(assets.len(), 3, "stylesheet, script and icon: {assets:?}");
    let bytes = page.len() + assets.iter().map(|asset| size(asset).len()).sum::<usize>();
    assert!(bytes <= FIRST_PAGE_BYTES_MAX, "the first page has {bytes} bytes");
}

/// From the first page to which part to order, how many and by when.
async fn three_clicks(seen: &Seen<'_>) {
    seen.browser.goto(&seen.at("/")).await;
    let (_, cases) = seen.server.get("/v1/cases");
    let mut worst = cases["items"]
        .as_array()
        .expect("cases")
        .iter()
        .filter(|case| case["notice_id"] == "PDN 2610-CAP")
        .map(|case| case["id"].as_str().unwrap_or_default().to_owned());
    let worst = worst.next_back().expect("the sample's notice of capacitors");
    // One click.
    seen.click(&format!("table.cases a[href='/cases/{worst}']")).await;
    seen.browser.until("document.querySelector('#order') !== null").await;
    let (_, statement) = seen.server.get(&format!("/v1/cases/{worst}"));
    let (_, statement) = seen.server.get(&format!("/v1/assessments/{}", statement["latest"].as_str().expect("an assessment")));
    let order = seen.text("#order").await;
    let items = statement["items"].as_array().expect("items");
    assert!(!items.is_empty());
    for item in items {
        let pieces = item["last_time_buy"]["quantity"].as_f64().expect("a quantity");
        let words = grouped(pieces);
        assert!(order.contains(item["item"].as_str().expect("item")) && order.contains(&words), "{words} in {order}");
    }
    assert!(order.contains("30 Jun 2027") || order.contains("30\u{a0}Jun\u{a0}2027"), "{order}");
    assert!(seen.text(".lead").await.contains("is lost"));
    // "Why" opens over the page, and closes again.
    seen.click("#order a.why").await;
    seen.browser.until("document.querySelector('dialog[open] [data-why]') !== null").await;
    assert!(seen.text("dialog .formula").await.contains('F'));
    seen.browser.run("document.querySelector('dialog').close()").await;
    seen.is_clean("three clicks").await;
}

fn grouped(pieces: f64) -> String {
    let digits = format!("{pieces:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A value leads to its place in the text, with the script and without.
async fn highlights(seen: &Seen<'_>) {
    let address = seen.browser.client.current_url().await.expect("address");
    let marks = seen.browser.run("return [...document.querySelectorAll('a[data-mark]')].map((link) => [link.dataset.mark, document.getElementById(link.dataset.mark)?.textContent ?? null])").await;
    let marks = marks.as_array().expect("marks");
    assert!(marks.len() > 10, "{marks:?}");
    let text = |mark: &Value| mark[1].as_str().map(str::to_owned);
    assert!(marks.iter().any(|mark| text(mark).as_deref() == Some("30 June 2028")), "{marks:?}");
    assert!(marks.iter().any(|mark| text(mark).as_deref() == Some("SGE-331-400-R")), "{marks:?}");
    let first = marks.iter().find(|mark| text(mark).is_some()).expect("a mark")[0].as_str().expect("anchor").to_owned();
    seen.click(&format!("a[data-mark='{first}']")).await;
    seen.browser.until(&format!("document.getElementById('{first}').classList.contains('chosen')")).await;
    seen.browser.goto(&format!("{address}#{first}")).await;
    seen.browser.until(&format!("document.querySelector('mark:target')?.id === '{first}'")).await;
}

/// A slider computes at once, and stores nothing.
async fn what_if(seen: &Seen<'_>) {
    let (_, before) = seen.server.get("/v1/assessments");
    seen.browser.run("const slider = document.getElementById('what-holding'); slider.value = '48'; slider.dispatchEvent(new Event('input', { bubbles: true }));").await;
    seen.browser.until("document.querySelector('#what-if-result tr.changed') !== null").await;
    assert!(seen.text("#what-if-result").await.contains('+'));
    let (_, after) = seen.server.get("/v1/assessments");
    assert_eq!(before, after, "a what-if was stored");
    // The same as a plain form, and what is no number is refused in words.
    let path = seen.browser.run("return location.pathname").await.as_str().expect("path").to_owned();
    seen.browser.goto(&seen.at(&format!("{path}/what-if?holding=48"))).await;
    assert!(seen.text("#what-if-result").await.contains('+'));
    seen.is_clean("what if").await;
    let (status, refused) = seen.server.get(&format!("/v1{path}/what-if?holding=4800"));
    assert_eq!((status, refused["code"].as_str()), (400, Some("bad_request")), "{refused}");
}

/// Without a mouse: the content is one key away, search is one, rows are walked by arrows.
async fn keyboard(seen: &Seen<'_>) {
    seen.browser.goto(&seen.at("/")).await;
    let press = async |key: &str| seen.browser.client.active_element().await.expect("an element").send_keys(key).await.expect("a key");
    press(&String::from(char::from(Key::Tab))).await;
    assert_eq!(seen.browser.run("return document.activeElement.className").await, "skip");
    press(&String::from(char::from(Key::Enter))).await;
    seen.browser.until("document.activeElement.id === 'main'").await;
    press("/").await;
    assert_eq!(seen.browser.run("return document.activeElement.id").await, "find");
    press("SGE-331").await;
    press(&String::from(char::from(Key::Enter))).await;
    seen.browser.until("location.pathname === '/cases' && document.querySelector('a.row') !== null").await;
    assert!(seen.text("table.cases").await.contains("2610-CAP"));
    seen.browser.goto(&seen.at("/cases")).await;
    seen.browser.run("document.querySelector('a.row').focus()").await;
    press(&String::from(char::from(Key::Down))).await;
    assert_eq!(seen.browser.run("return [...document.querySelectorAll('a.row')].indexOf(document.activeElement)").await, 1);
}

/// Language and theme stay chosen, and one is back where one was.
async fn switches(seen: &Seen<'_>) {
    seen.browser.goto(&seen.at("/cases?order=risk")).await;
    seen.click("button[value='de']").await;
    seen.browser.until("document.documentElement.lang === 'de'").await;
    assert_eq!(seen.browser.run("return location.pathname + location.search").await, "/cases?order=risk");
    assert!(seen.text("h1").await.contains("Fälle"));
    seen.click("button[value='dark']").await;
    seen.browser.until("document.documentElement.dataset.theme === 'dark'").await;
    assert_eq!(seen.browser.run("return document.documentElement.lang").await, "de");
    seen.click("button[value='en']").await;
    seen.browser.until("document.documentElement.lang === 'en'").await;
    seen.click("button[value='system']").await;
    seen.browser.until("document.documentElement.dataset.theme === 'system'").await;
    seen.is_clean("switches").await;
}

/// What a sender writes is shown as text, with what is hidden named, on every page that shows it.
async fn hostile_notice(seen: &mut Seen<'_>) {
    let (_, cases) = seen.server.get("/v1/cases");
    let hostile = |case: &&Value| case["maker"].as_str().is_some_and(|maker| maker.contains("<script>"));
    let case = cases["items"].as_array().expect("cases").iter().find(hostile).unwrap_or_else(|| panic!("the hostile notice opened no case: {cases}"));
    let id = case["id"].as_str().expect("id");
    let (_, events) = seen.server.get("/v1/events?limit=2");
    let events: Vec<&str> = events["items"].as_array().expect("events").iter().filter_map(|event| event["id"].as_str()).collect();
    for path in [
        format!("/cases/{id}"),
        format!("/events/{}", events[0]),
        format!("/events/{}", events[1]),
        "/".to_owned(),
        "/events".to_owned(),
        "/cases?q=%3Cscript%3Ewindow.pwned%3D1%3C/script%3E&state=all".to_owned(),
    ] {
        seen.browser.goto(&seen.at(&path)).await;
        assert_eq!(
            seen.browser.run("return document.querySelectorAll('main script, main img, main svg[onload], main [onerror]').length").await,
            0,
            "{path}"
        );
        seen.is_clean(&path).await;
        seen.is_accessible(&path).await;
    }
    seen.browser.goto(&seen.at(&format!("/cases/{id}"))).await;
    let page = seen.text("main").await;
    assert!(page.contains("<script>window.pwned='maker'</script>") && page.contains("⟨U+202E⟩"), "{page}");
    seen.browser.picture(&seen.folder.join("hostile.png")).await;
}

/// Every page, light and dark, wide and narrow, in both languages: no complaint, nothing from elsewhere, no serious finding, a picture.
async fn every_page(seen: &mut Seen<'_>) {
    let (_, cases) = seen.server.get("/v1/cases");
    let of = |number: &str| {
        let found = cases["items"].as_array().expect("cases").iter().find(|case| case["notice_id"] == number);
        found.and_then(|case| case["id"].as_str()).unwrap_or_else(|| panic!("no case {number}")).to_owned()
    };
    let capacitors = of("PDN 2610-CAP");
    let another = cases["items"].as_array().expect("cases").iter().find(|case| case["id"] != *capacitors).and_then(|case| case["id"].as_str());
    let another_case = another.expect("a second case").to_owned();
    let pages = [
        ("overview", "/".to_owned()),
        ("cases", "/cases".to_owned()),
        ("case", format!("/cases/{capacitors}")),
        ("case-change", format!("/cases/{another_case}")),
        ("why", format!("/cases/{capacitors}/why?figure=margin_at_risk")),
        ("what-if", format!("/cases/{capacitors}/what-if?service=95&horizon=24")),
        ("events", "/events".to_owned()),
        ("event", "/events/E-5".to_owned()),
        ("review", "/events?state=review".to_owned()),
        ("parts", "/parts?q=330".to_owned()),
        ("part", "/parts?item=CAP-0310".to_owned()),
        ("datasets", "/datasets".to_owned()),
        ("models", "/models".to_owned()),
        ("settings", "/settings".to_owned()),
        ("not-found", "/cases/C-999".to_owned()),
    ];
    for (look, scheme, width, language, which) in [
        ("light", "light", 1440, "en", usize::MAX),
        ("dark", "dark", 1440, "en", 3),
        ("narrow", "light", 390, "en", 3),
        ("german", "light", 1440, "de", 3),
    ] {
        seen.browser.prefer(scheme).await;
        seen.browser.width(width, 1000).await;
        seen.browser.goto(&seen.at("/healthz")).await;
        // What the server set is closed to scripts.
        seen.browser.client.delete_all_cookies().await.expect("no cookies");
        seen.browser.run(&format!("document.cookie = 'lastbuy_language={language}; path=/'")).await;
        for (name, path) in pages.iter().take(which) {
            seen.browser.goto(&seen.at(path)).await;
            if *name != "not-found" {
                seen.is_clean(&format!("{name} {look}")).await;
            }
            seen.is_accessible(&format!("{name} {look}")).await;
            let wide = seen.browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth").await;
            assert_eq!(wide, 0, "{name} {look} is wider than the window");
            seen.browser.picture(&seen.folder.join(format!("{name}-{look}.png"))).await;
            seen.pages += 1;
        }
        // What the page that is not there said to the console is not the next one's.
        drop(seen.browser.complaints().await);
    }
}
