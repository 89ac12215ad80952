//! What is looked at, each with a sentence that says what to do where it is wrong.

use std::{os::unix::fs::MetadataExt, path::Path};

use super::super::{Context, client::Client};
use crate::{
    app,
    child::Program,
    clock,
    config::Config,
    document::{Extractor, Input},
    domain::time::At,
    limits, llm,
    store::{self, Store},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Ok,
    /// It works, and somebody should know.
    Warning,
    Wrong,
}

#[derive(Debug)]
pub struct Found {
    pub what: String,
    pub level: Level,
    pub detail: String,
}

fn found(what: &str, result: Result<String, String>) -> Found {
    let level = if result.is_ok() { Level::Ok } else { Level::Wrong };
    Found { what: what.to_owned(), level, detail: result.unwrap_or_else(|why| why) }
}

fn warning(what: &str, detail: impl Into<String>) -> Found {
    Found { what: what.to_owned(), level: Level::Warning, detail: detail.into() }
}

pub fn all(context: &Context, deep: bool) -> Vec<Found> {
    let config = context.config();
    let mut findings =
        vec![found("configuration", config.as_ref().map(|config| format!("in order, {}", config.listen)).map_err(|error| format!("{error:#}")))];
    findings.push(data_dir(&context.data_dir));
    findings.push(space(&context.data_dir));
    findings.push(memory());
    findings.push(found("processor", llm::processor().map_err(|error| error.to_string())));
    findings.push(found("sandbox", sandbox()));
    if let Ok(config) = &config {
        findings.extend(of_config(config));
    }
    for aside in kept_aside(context) {
        let detail = "an opening found the database damaged, kept it here and made it anew from the log; delete it once `doctor --deep` is content";
        findings.push(warning(&format!("{aside} is kept"), detail));
    }
    findings.extend(if deep { vec![found("store", deep_check(context))] } else { shallow(context) });
    findings
}

fn of_config(config: &Config) -> Vec<Found> {
    let mut findings = Vec::new();
    let secrets = app::gate(config).map_err(|error| error.to_string());
    let (with, all) = (config.secrets.len(), config.written.intake.sources.len());
    findings.push(found("secrets", secrets.map(|_| format!("each that is given has its form; {with} of {all} sources have one"))));
    let exposed = !config.listen.ip().is_loopback();
    if exposed && config.tls.is_none() {
        findings
            .push(warning("encryption", format!("{} can be reached from other machines without TLS: name a certificate in [tls]", config.listen)));
    }
    if let Some(tls) = &config.tls {
        findings.push(found("encryption", tls.described()));
    }
    let out = config.egress();
    let list: Vec<&str> = out.iter().map(|egress| egress.address.as_str()).collect();
    let detail = if list.is_empty() { "none: nothing leaves this machine".to_owned() } else { list.join(", ") };
    findings.push(found("connections out", Ok(detail)));
    if config.written.backup.every_hours == 0 {
        findings.push(warning("backups", "none are scheduled: name a folder on another disk in [backup]"));
    }
    let model = app::model_file(config).map_err(|error| error.to_string());
    let model = model.and_then(|path| llm::verify_model(&path).map_err(|error| error.to_string()));
    findings.push(found(
        "model",
        model.map(|model| {
            let which = if model.is_default { "the default one, unchanged" } else { "not the default one" };
            let adapter = if model.adapter.is_some() { ", with an adapter" } else { "" };
            format!("{}, {which}{adapter}", model.name)
        }),
    ));
    findings
}

fn data_dir(dir: &Path) -> Found {
    let Ok(metadata) = dir.metadata() else {
        return found("data directory", Ok(format!("{} is not there yet; it is made at the first start", dir.display())));
    };
    let (me, mode) = (rustix::process::geteuid().as_raw(), metadata.mode());
    if metadata.uid() != me && me != 0 {
        return found("data directory", Err(format!("{} belongs to user {}, this is user {me}", dir.display(), metadata.uid())));
    }
    if mode & 0o007 != 0 {
        return warning("data directory", format!("{} can be entered by every user of this machine: chmod o= {0}", dir.display()));
    }
    found("data directory", Ok(dir.display().to_string()))
}

/// Of the nearest folder that is there.
fn space(dir: &Path) -> Found {
    let there = dir.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    match rustix::fs::statvfs(there) {
        Err(error) => found("space", Err(format!("free space of {} is not known: {error}", there.display()))),
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let text = format!("{} MiB are free in {}, {} are kept in reserve", free >> 20, there.display(), limits::DISK_RESERVE_BYTES >> 20);
            if free < limits::DISK_RESERVE_BYTES {
                found("space", Err(format!("{text}: nothing new is taken until there is more")))
            } else if free < 4 * limits::DISK_RESERVE_BYTES {
                warning("space", text)
            } else {
                found("space", Ok(text))
            }
        }
    }
}

/// What the kernel says of the machine's memory, in kB.
fn memory() -> Found {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let of = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.trim().split(' ').next()?.parse::<u64>().ok());
    let Some(total) = of("MemTotal:") else { return warning("memory", "how much there is cannot be seen from here") };
    let text = format!("{} MiB, {} free", total >> 10, of("MemAvailable:").unwrap_or(0) >> 10);
    if total << 10 < limits::MEMORY_BYTES_MIN {
        warning("memory", format!("{text}: the model and one large document need more"))
    } else {
        found("memory", Ok(text))
    }
}

/// Tries it: a document is read by a child that may touch nothing.
fn sandbox() -> Result<String, String> {
    let input = Input { source: "file", content_type: "text/plain", file_name: None, bytes: b"a line of text" };
    Extractor::new(Program::this()).extract(&input).map_err(|error| format!("no document can be read: {error}"))?;
    let modules = std::fs::read_to_string("/sys/kernel/security/lsm").unwrap_or_default();
    Ok(match modules.split(',').any(|module| module.trim() == "landlock") {
        true => "a document was read in a sealed child, with Landlock and a filter of system calls".to_owned(),
        false => "a document was read in a sealed child, with a filter of system calls; whether the kernel has Landlock cannot be seen from here"
            .to_owned(),
    })
}

/// Copies of damaged databases that openings kept.
fn kept_aside(context: &Context) -> Vec<String> {
    let names = std::fs::read_dir(&context.data_dir).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let mut found: Vec<String> = names.filter_map(|name| name.into_string().ok()).filter(|name| name.starts_with("db.damaged-")).collect();
    found.sort();
    found
}

/// The store answers, and what it holds agrees with the clock.
fn shallow(context: &Context) -> Vec<Found> {
    let asked = Client::during(context, false, |client| {
        let counts = client.get("/v1/jobs/counts")?;
        let growth = client.get("/v1/space")?;
        let newest = client.get("/v1/events?limit=1")?;
        Ok((counts, growth, newest))
    });
    match asked {
        Err(error) => vec![found("clock", clock_alone()), found("store", Err(format!("{error:#}")))],
        Ok((counts, growth, newest)) => {
            let newest = newest.pointer("/items/0/received_at").cloned().and_then(|at| serde_json::from_value::<At>(at).ok());
            let mut findings = vec![found("clock", against(newest))];
            if let Some(days) = growth.get("full_in_days").and_then(serde_json::Value::as_f64) {
                let text = format!("at the growth of the last {} days the disk is full in {days:.0} days", limits::GROWTH_DAYS);
                findings.push(if days < limits::DISK_FULL_WARNING_DAYS { warning("growth", text) } else { found("growth", Ok(text)) });
            }
            findings.push(found("store", Ok(format!("answers; jobs by state {counts}"))));
            findings
        }
    }
}

/// A clock that was never set begins in the seventies, or where the image was made.
fn clock_alone() -> Result<String, String> {
    let now = At(clock::now_ms());
    if now.date().year() < limits::YEAR_MIN { Err(format!("it says {now}: set it, dates and signatures depend on it")) } else { Ok(now.to_string()) }
}

fn against(newest: Option<At>) -> Result<String, String> {
    let text = clock_alone()?;
    let ahead_ms = newest.map_or(0, |newest| newest.0 - clock::now_ms());
    if ahead_ms > limits::SIGNATURE_AGE_SECONDS_MAX * 1000 {
        let newest = newest.map(|at| at.to_string()).unwrap_or_default();
        return Err(format!("it says {text}, but something arrived at {newest}: it was set back, or was ahead then; deadlines are counted from it"));
    }
    Ok(text)
}

fn deep_check(context: &Context) -> Result<String, String> {
    let store = Store::open(&context.data_dir).map_err(|error: store::OpenError| error.to_string())?;
    let check = store.check(true);
    store.close().map_err(|error| error.to_string())?;
    let check = check.map_err(|error| error.to_string())?;
    if check.problems.is_empty() {
        Ok(format!("{} records and {} bodies verified, projections rebuilt and equal", check.records, check.blobs))
    } else {
        Err(check.problems.join("; "))
    }
}
