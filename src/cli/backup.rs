//! `lastbuy backup`: a copy of everything the store keeps, made while it serves.

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{CommandResult, Context, Ended, client::Client, output};
use crate::{
    app, clock,
    domain::time::At,
    store::{self, AuditFilter, AuditFrom, Manifest, SealedEntry, Store},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write a backup into a new file; the server may go on meanwhile. The file gets its name when it is whole and on the disk.
    Create {
        path: PathBuf,
        #[arg(long)]
        json: bool,
    },
    /// Check a backup: every checksum and the order of its records, and that a store can be made from it.
    Verify {
        path: PathBuf,
        /// Where that store is made; it is removed afterwards and needs as much room as the backup.
        #[arg(long, value_name = "DIR")]
        scratch: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
    /// The exercise for the day it is needed: restore aside, check as deep as `doctor --deep`, and compare with the log in force.
    Drill {
        /// The backup; without it the newest of the scheduled ones.
        path: Option<PathBuf>,
        /// Where it is restored; removed afterwards, and needs as much room as the backup.
        #[arg(long, value_name = "DIR")]
        scratch: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
    /// Make a data directory from a backup.
    Restore {
        path: PathBuf,
        /// An empty folder, or one that is made.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        #[arg(long)]
        json: bool,
    },
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    match &args.command {
        Command::Create { path, json } => create(path, *json, context),
        Command::Verify { path, scratch, json } => {
            let scratch = scratch_dir(scratch.as_deref())?;
            let bar = output::Bar::of_bytes();
            let restored = store::restore(path, scratch.path(), &mut |progress| bar.show(progress))?;
            bar.done();
            tell(&restored.manifest, &restored.check.problems, path, "is in order", *json)
        }
        Command::Drill { path, scratch, json } => drill(path.as_deref(), scratch.as_deref(), *json, context),
        Command::Restore { path, to, json } => {
            let bar = output::Bar::of_bytes();
            let restored = store::restore(path, to, &mut |progress| bar.show(progress))?;
            bar.done();
            let detail = format!("{}, of {}", path.display(), restored.manifest.made_at);
            Store::open(to)?.note("store.restored", "store", &detail, &app::this_user(), At(clock::now_ms()))?;
            tell(&restored.manifest, &restored.check.problems, path, &format!("was put into {}", to.display()), *json)
        }
    }
}

fn scratch_dir(within: Option<&Path>) -> anyhow::Result<tempfile::TempDir> {
    match within {
        Some(dir) => tempfile::tempdir_in(dir).with_context(|| format!("{} cannot be used", dir.display())),
        None => Ok(tempfile::tempdir()?),
    }
}

/// Says how old the backup is (what would be lost) and how long the restore took (how long it would take).
fn drill(path: Option<&Path>, scratch: Option<&Path>, json: bool, context: &Context) -> CommandResult {
    let path = match path {
        Some(path) => path.to_path_buf(),
        None => app::newest_backup(&context.config()?).context("there is no scheduled backup: name a file, or a folder in [backup]")?,
    };
    let scratch = scratch_dir(scratch)?;
    let began = Instant::now();
    let bar = output::Bar::of_bytes();
    let restored = store::restore(&path, scratch.path(), &mut |progress| bar.show(progress))?;
    bar.done();
    let seconds = began.elapsed().as_secs_f64();
    let store = Store::open(scratch.path())?;
    let last = store.audit(&AuditFilter::default(), AuditFrom::Before(None), 1)?.entries.into_iter().next();
    store.close()?;
    let mut problems = restored.check.problems;
    let (mut behind, mut live_records) = (None, None);
    if let Some(last) = last {
        // The log in force must hold the same record under the same link, and everything before it is then the same too.
        let (same, newest) = Client::during(context, false, |client| {
            Ok((client.get(&format!("/v1/audit?sealed=true&limit=1&after={}", last.entry.record - 1))?, client.get("/v1/audit?limit=1")?))
        })?;
        let same: Option<SealedEntry> = same.pointer("/items/0").cloned().map(serde_json::from_value).transpose()?;
        if same.as_ref().map(|entry| (entry.entry.record, entry.entry.link)) != Some((last.entry.record, last.entry.link)) {
            problems
                .push(format!("record {} of the backup is not the one of the log in force: this is a backup of another store", last.entry.record));
        }
        live_records = newest.pointer("/items/0/record").and_then(Value::as_u64);
        behind = live_records.map(|live| live.saturating_sub(last.entry.record));
    }
    let whole = restored.manifest.is_whole() && problems.is_empty();
    if json {
        output::json(&json!({
            "path": path, "ok": whole, "manifest": restored.manifest, "problems": problems, "restore_seconds": seconds,
            "records_since": behind, "records_in_force": live_records,
        }))?;
        return Ok(if whole { Ended::Done } else { Ended::Failed });
    }
    let ended = tell(&restored.manifest, &problems, &path, "was restored aside and compared", false)?;
    output::print(&format!("The restore took {seconds:.1} s; the log in force has {} records more.", behind.unwrap_or(0)))?;
    Ok(ended)
}

fn create(path: &Path, json: bool, context: &Context) -> CommandResult {
    anyhow::ensure!(!path.exists(), "{} is there already; a backup never replaces a file", path.display());
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let mut aside = tempfile::NamedTempFile::new_in(dir).with_context(|| format!("{} cannot be written to", dir.display()))?;
    let bar = output::Bar::of_bytes();
    Client::during(context, false, |client| receive(client, &bar, &mut aside))?;
    aside.as_file().sync_all()?;
    // A backup that is not whole never gets its name.
    let manifest = store::inspect(aside.path(), &mut |progress| bar.show(progress))?;
    bar.done();
    aside.persist_noclobber(path).with_context(|| format!("{} cannot be made", path.display()))?;
    std::fs::File::open(dir)?.sync_all()?;
    tell(&manifest, &[], path, "was made", json)
}

fn receive(client: &Client, bar: &output::Bar, out: &mut impl Write) -> anyhow::Result<()> {
    let total = client.get("/v1/backup/size")?.get("bytes_about").and_then(Value::as_u64).unwrap_or(0);
    let mut done = 0;
    client.download("/v1/backup", |piece| {
        done += piece.len() as u64;
        bar.show(store::Progress { what: "bytes", done, total });
        Ok(out.write_all(piece)?)
    })
}

fn tell(manifest: &Manifest, problems: &[String], path: &Path, what: &str, json: bool) -> CommandResult {
    let whole = manifest.is_whole() && problems.is_empty();
    if json {
        output::json(&json!({ "path": path, "ok": whole, "manifest": manifest, "problems": problems }))?;
    } else {
        output::print(&format!(
            "{} {what}: {} records, {} bodies of {} MiB, {} datasets, as of {}",
            path.display(),
            manifest.records,
            manifest.bodies,
            manifest.body_bytes >> 20,
            manifest.datasets,
            manifest.made_at
        ))?;
        for damage in &manifest.damaged {
            output::note(&format!("could not be read when the backup was made: {damage}"));
        }
        if manifest.damaged_more > 0 {
            output::note(&format!("and {} more", manifest.damaged_more));
        }
        for problem in problems {
            output::note(&format!("wrong in the store that was made from it: {problem}"));
        }
    }
    Ok(if whole { Ended::Done } else { Ended::Failed })
}
