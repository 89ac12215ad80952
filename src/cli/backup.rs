//! `lastbuy backup`: a copy of everything the store keeps, made while it serves.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{CommandResult, Context, Ended, client::Client, output};
use crate::{
    app, clock,
    domain::time::At,
    store::{self, Manifest, Store},
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
            let scratch = match scratch {
                Some(dir) => tempfile::tempdir_in(dir).with_context(|| format!("{} cannot be used", dir.display()))?,
                None => tempfile::tempdir()?,
            };
            let bar = output::Bar::of_bytes();
            let restored = store::restore(path, scratch.path(), &mut |progress| bar.show(progress))?;
            bar.done();
            tell(&restored.manifest, &restored.check.problems, path, "is in order", *json)
        }
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

fn create(path: &Path, json: bool, context: &Context) -> CommandResult {
    anyhow::ensure!(!path.exists(), "{} is there already; a backup never replaces a file", path.display());
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let mut aside = tempfile::NamedTempFile::new_in(dir).with_context(|| format!("{} cannot be written to", dir.display()))?;
    let client = Client::connect(context, false)?;
    let bar = output::Bar::of_bytes();
    let received = receive(&client, &bar, &mut aside);
    client.close()?;
    received?;
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
