//! `lastbuy export` and `lastbuy import`: signed bundles for sites where files cross a border one way only (a diode, a guard, a disc). Notices go in, reports out.

use std::{
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    CommandResult, Context, Ended,
    client::{Client, Problem, escape},
    output,
    release::Key,
};
use crate::{
    bundle::{self, Keys, Kind, Manifest, Source},
    clock,
    domain::id::EventId,
    limits,
};

#[derive(Debug, clap::Args)]
pub struct Export {
    what: What,
    #[command(flatten)]
    key: Key,
    /// Only events after this one; the last export said which.
    #[arg(long, value_name = "EVENT")]
    after: Option<EventId>,
    /// The bundle to make.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum What {
    /// What arrived, byte for byte, to be imported by the appliance on the other side.
    Notices,
    /// Cases, the assessments in force and the audit trail.
    Reports,
}

#[derive(Debug, clap::Args)]
pub struct Import {
    bundle: PathBuf,
    /// Public key of minisign to trust instead of those in [import] keys.
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// For a bundle of reports: the folder to put them into, which is made.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    #[arg(long)]
    json: bool,
}

/// Files of a bundle while it is gathered: on the disk, because notices may be many and large.
struct Gathered {
    dir: tempfile::TempDir,
    files: Vec<Source>,
}

impl Gathered {
    fn put(&mut self, path: String, bytes: &[u8]) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.files.len() < limits::BUNDLE_FILES_MAX,
            "one bundle holds {} files: export in parts, with --after",
            limits::BUNDLE_FILES_MAX
        );
        let from = self.dir.path().join(self.files.len().to_string());
        std::fs::write(&from, bytes)?;
        self.files.push(Source::File { path, from });
        Ok(())
    }
}

pub fn export(args: &Export, context: &Context) -> CommandResult {
    anyhow::ensure!(!args.to.exists(), "{} is there already; a bundle never replaces a file", args.to.display());
    let key = args.key.read()?;
    let folder = args.to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let dir = tempfile::tempdir_in(folder).with_context(|| format!("{} cannot be written to", folder.display()))?;
    let mut gathered = Gathered { dir, files: Vec::new() };
    let last = Client::during(context, false, |client| match args.what {
        What::Notices => notices(client, args.after, &mut gathered),
        What::Reports => reports(client, &mut gathered).map(|()| None),
    })?;
    if gathered.files.is_empty() {
        output::note("There is nothing to export.");
        return Ok(Ended::Nothing);
    }
    let kind = match args.what {
        What::Notices => Kind::Notices,
        What::Reports => Kind::Reports,
    };
    let made_at = Timestamp::from_millisecond(clock::now_ms())?;
    // Under its name only when it is whole.
    let aside = tempfile::NamedTempFile::new_in(folder)?;
    bundle::make(kind, env!("CARGO_PKG_VERSION"), "", made_at, &gathered.files, &key, BufWriter::new(File::create(aside.path())?))?;
    aside.as_file().sync_all()?;
    aside.persist_noclobber(&args.to).with_context(|| format!("{} cannot be made", args.to.display()))?;
    let next = last.map(|last| format!("; next time with --after {last}")).unwrap_or_default();
    output::print(&format!("{}: {} files{next}", args.to.display(), gathered.files.len()))?;
    Ok(Ended::Done)
}

/// Every event after one, oldest first: what is said of it and its bytes. Returns the last one.
fn notices(client: &Client, after: Option<EventId>, gathered: &mut Gathered) -> anyhow::Result<Option<EventId>> {
    let mut events = client.list("/v1/events?", limits::BUNDLE_FILES_MAX)?;
    events.reverse();
    let mut last = None;
    for event in &events {
        let id: EventId = event.get("id").and_then(Value::as_str).unwrap_or_default().parse()?;
        if after.is_some_and(|after| id.0 <= after.0) {
            continue;
        }
        last = Some(id);
        // Refused for what it holds, or ignored: nothing that the other side would work on.
        if event.get("ignored").is_some_and(|ignored| !ignored.is_null()) {
            continue;
        }
        let bytes = match client.get_bytes(&format!("/v1/events/{id}/raw")) {
            Ok(bytes) => bytes,
            Err(error) if error.downcast_ref::<Problem>().is_some_and(|problem| problem.status == 410) => {
                output::note(&format!("{id} is left out: {error}"));
                continue;
            }
            Err(error) => return Err(error),
        };
        let said = json!({ "source": event["source"], "file_name": event["file_name"], "content_type": event["content_type"], "received_at": event["received_at"] });
        gathered.put(format!("events/{id}.json"), said.to_string().as_bytes())?;
        gathered.put(format!("events/{id}.body"), &bytes)?;
    }
    Ok(last)
}

fn reports(client: &Client, gathered: &mut Gathered) -> anyhow::Result<()> {
    for case in client.list("/v1/cases?", limits::BUNDLE_FILES_MAX)? {
        let id = output::text(&case, "/id");
        gathered.put(format!("cases/{id}.json"), serde_json::to_string_pretty(&case)?.as_bytes())?;
        if let Some(assessment) = case.get("latest").and_then(Value::as_str) {
            gathered.put(format!("assessments/{assessment}.json"), &client.get_bytes(&format!("/v1/assessments/{assessment}"))?)?;
        }
    }
    let mut trail = String::new();
    let mut after = 0_u64;
    loop {
        let page = client.get(&format!("/v1/audit?sealed=true&after={after}&limit={}", limits::LIST_ROWS_MAX))?;
        for entry in page.get("items").and_then(Value::as_array).into_iter().flatten() {
            trail.push_str(&entry.to_string());
            trail.push('\n');
        }
        match page.get("next").and_then(Value::as_str).and_then(|next| next.parse().ok()) {
            Some(next) => after = next,
            None => break,
        }
    }
    gathered.put("audit.jsonl".to_owned(), trail.as_bytes())
}

pub fn import(args: &Import, context: &Context) -> CommandResult {
    let keys: Vec<PathBuf> = match args.key.as_slice() {
        [] => context.config()?.written.import.keys.iter().map(PathBuf::from).collect(),
        named => named.to_vec(),
    };
    anyhow::ensure!(!keys.is_empty(), "no key is trusted for what is imported: name the sender's public key in [import] keys, or with --key");
    let keys = Keys::read(&keys)?;
    if let Some(to) = &args.to {
        return take_reports(&args.bundle, &keys, to);
    }
    let dir = tempfile::tempdir()?;
    let (manifest, signed_by) = bundle::unpack(&args.bundle, &keys, Kind::Notices, Some(dir.path()))?;
    let answers = Client::during(context, false, |client| hand_in_all(client, &manifest, dir.path()))?;
    if args.json {
        output::json(&Value::Array(answers))?;
        return Ok(Ended::Done);
    }
    let known = answers.iter().filter(|answer| answer["duplicate"] == true).count();
    output::print(&format!("{} notices signed with the key {signed_by}: {} new, {known} known already", answers.len(), answers.len() - known))?;
    Ok(Ended::Done)
}

/// Every notice of an unpacked bundle, in its order.
fn hand_in_all(client: &Client, manifest: &Manifest, dir: &Path) -> anyhow::Result<Vec<Value>> {
    let mut answers = Vec::new();
    for listed in manifest.files.iter().filter(|file| file.path.ends_with(".json")) {
        let said: Value = serde_json::from_slice(&std::fs::read(dir.join(&listed.path))?)?;
        let body = std::fs::read(dir.join(listed.path.replace(".json", ".body"))).with_context(|| format!("{} has no body", listed.path))?;
        let mut answer = hand_in(client, &said, body, &listed.path)?;
        answer["from"] = json!(listed.path);
        answers.push(answer);
    }
    Ok(answers)
}

/// As its source would have sent it. What that source wraps (a form around a mail) was unwrapped where it arrived: such a body goes in as a file, which is told.
fn hand_in(client: &Client, said: &Value, body: Vec<u8>, path: &str) -> anyhow::Result<Value> {
    let text = |key: &str| said.get(key).and_then(Value::as_str).unwrap_or_default();
    let to = |source: &str| format!("/v1/ingest?source={}&file_name={}", escape(source), escape(text("file_name")));
    match client.post_bytes(&to(text("source")), text("content_type"), body.clone()) {
        Err(error) if error.downcast_ref::<Problem>().is_some_and(|problem| matches!(problem.status, 400 | 404 | 406 | 415)) => {
            output::note(&format!("{path} from {} goes in as a file: {error}", text("source")));
            client.post_bytes(&to("file"), text("content_type"), body)
        }
        answer => answer,
    }
}

fn take_reports(bundle: &Path, keys: &Keys, to: &Path) -> CommandResult {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    anyhow::ensure!(!to.exists(), "{} is there already", to.display());
    let dir = tempfile::tempdir_in(folder).with_context(|| format!("{} cannot be written to", folder.display()))?;
    let (manifest, signed_by) = bundle::unpack(bundle, keys, Kind::Reports, Some(dir.path()))?;
    std::fs::rename(dir.keep(), to)?;
    output::print(&format!("{}: {} files of {}, signed with the key {signed_by}", to.display(), manifest.files.len(), manifest.made_at))?;
    Ok(Ended::Done)
}
