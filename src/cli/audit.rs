//! `lastbuy audit`: who did what to which object and when, and whether the trail is whole.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{
    CommandResult, Context, Ended, cef,
    client::{Client, escape},
    output,
};
use crate::{
    domain::event::Digest,
    limits,
    store::{AuditCheck, SealedEntry},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Newest first.
    List {
        #[command(flatten)]
        filter: Filter,
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[arg(long)]
        json: bool,
    },
    /// Check every record and every link, of the store or of an export; the first broken one is named.
    Verify {
        /// An export in JSON lines, instead of the store; needs nothing else.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// A link that was noted earlier and must still be there: shows that nothing up to it was changed or cut off.
        #[arg(long, value_name = "LINK")]
        head: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// The trail to standard output, oldest first.
    Export {
        #[command(flatten)]
        filter: Filter,
        /// JSON lines that `audit verify --file` checks, or CEF for a SIEM.
        #[arg(long, value_enum, default_value_t = Format::Jsonl)]
        format: Format,
    },
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    Jsonl,
    Cef,
}

#[derive(Debug, clap::Args)]
struct Filter {
    /// Only acts of this actor, or of those whose name begins so: uid:, source:generic, worker-1.
    #[arg(long)]
    by: Option<String>,
    /// Only this act, or those that begin so: case., job.cancelled.
    #[arg(long)]
    act: Option<String>,
    /// Only acts on this object and on what is about it: E-12, C-3.
    #[arg(long, value_name = "ID")]
    object: Option<String>,
    /// From this moment on, RFC 3339 or a date.
    #[arg(long)]
    since: Option<String>,
    /// Before this moment.
    #[arg(long)]
    until: Option<String>,
}

impl Filter {
    fn query(&self) -> String {
        let object = self.object.as_ref().map(|object| object.to_ascii_uppercase());
        [("by", &self.by), ("act", &self.act), ("object", &object), ("since", &self.since), ("until", &self.until)]
            .into_iter()
            .filter_map(|(key, value)| Some(format!("&{key}={}", escape(value.as_deref()?))))
            .collect()
    }
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    if let Command::Verify { file: Some(file), head, json } = &args.command {
        return verify(head.as_deref(), *json, |see| lines(file, see));
    }
    Client::during(context, false, |client| act(&args.command, client))
}

fn act(command: &Command, client: &Client) -> CommandResult {
    match command {
        Command::List { filter, limit, json } => {
            let rows = client.list(&format!("/v1/audit?{}", filter.query().trim_start_matches('&')), *limit)?;
            output::rows(*json, &rows, "No act matches.", |rows| {
                let cells = ["/record", "/at", "/by", "/act", "/object", "/about", "/detail"];
                let rows = rows.iter().map(|row| cells.map(|pointer| output::text(row, pointer)).to_vec());
                output::table(&["record", "at", "by", "act", "object", "about", "detail"], &[0], rows.collect())
            })
        }
        Command::Verify { head, json, .. } => verify(head.as_deref(), *json, |see| each(client, "", see)),
        Command::Export { filter, format } => {
            let mut any = false;
            each(client, &filter.query(), &mut |entry| {
                any = true;
                match format {
                    Format::Jsonl => output::print(&entry.to_string()),
                    Format::Cef => output::print(&cef::line(&serde_json::from_value::<SealedEntry>(entry)?.entry)),
                }
            })?;
            Ok(if any { Ended::Done } else { Ended::Nothing })
        }
    }
}

type See<'a> = &'a mut dyn FnMut(Value) -> anyhow::Result<()>;

/// Every sealed entry, oldest first, page by page.
fn each(client: &Client, query: &str, see: See<'_>) -> anyhow::Result<()> {
    let mut after = "0".to_owned();
    loop {
        let mut page = client.get(&format!("/v1/audit?sealed=true&after={after}&limit={}{query}", limits::LIST_ROWS_MAX))?;
        if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
            items.into_iter().try_for_each(&mut *see)?;
        }
        match page.get("next").and_then(Value::as_str) {
            Some(next) => next.clone_into(&mut after),
            None => return Ok(()),
        }
    }
}

fn lines(file: &Path, see: See<'_>) -> anyhow::Result<()> {
    let opened = File::open(file).with_context(|| format!("{} cannot be opened", file.display()))?;
    for (at, line) in BufReader::new(opened).lines().enumerate() {
        let line = line.with_context(|| format!("{} cannot be read", file.display()))?;
        see(serde_json::from_str(&line).with_context(|| format!("line {} of {} is no entry of an audit trail", at + 1, file.display()))?)?;
    }
    Ok(())
}

fn verify(head: Option<&str>, as_json: bool, entries: impl FnOnce(See<'_>) -> anyhow::Result<()>) -> CommandResult {
    let head: Option<Digest> = match head {
        Some(text) => {
            Some(serde_json::from_value(Value::String(text.to_owned())).with_context(|| format!("'{text}' is no link: 64 hexadecimal digits"))?)
        }
        None => None,
    };
    let (mut check, mut seen) = (AuditCheck::default(), None);
    let checked = entries(&mut |entry| {
        let sealed: SealedEntry = serde_json::from_value(entry).context("this is no entry of an audit trail")?;
        check.entry(&sealed)?;
        if head == Some(sealed.entry.link) {
            seen = Some(sealed.entry.record);
        }
        Ok(())
    });
    if check.entries == 0 && checked.is_ok() {
        output::note("There is nothing to check: the trail is empty.");
        return Ok(Ended::Nothing);
    }
    let wrong = match checked {
        Err(error) => Some(format!("{error:#}")),
        Ok(()) if head.is_some() && seen.is_none() => {
            Some("the link that was noted is not in this trail: it was cut off or changed, or the link is of another trail".to_owned())
        }
        Ok(()) => None,
    };
    if as_json {
        output::json(&json!({ "sound": wrong.is_none(), "problem": wrong, "checked": check, "noted_at": seen }))?;
    } else if let Some(wrong) = &wrong {
        output::print(&format!("BROKEN: {wrong}"))?;
        output::print(&format!("{} records before it are sound.", check.entries))?;
    } else {
        let [first, last, head] = [check.first.map(|n| n.to_string()), check.last.map(|n| n.to_string()), check.head.map(|head| head.to_string())]
            .map(Option::unwrap_or_default);
        let extract = if check.gaps > 0 { format!(", with {} gaps where nothing is proven: an extract", check.gaps) } else { String::new() };
        output::print(&format!("sound: {} records, {first} to {last}{extract}", check.entries))?;
        if let Some(seen) = seen {
            output::print(&format!("the link that was noted is that of record {seen}"))?;
        }
        output::print(&format!(
            "head: {head}\nNote the head elsewhere: with --head, a later check shows that nothing up to here was changed or cut off."
        ))?;
    }
    Ok(if wrong.is_none() { Ended::Done } else { Ended::Failed })
}
