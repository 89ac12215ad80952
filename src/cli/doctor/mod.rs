//! `lastbuy doctor`: is the installation in order?

mod checks;
mod support;

use std::path::PathBuf;

use serde_json::{Value, json};

use self::checks::{Found, Level};
use super::{CommandResult, Context, Ended, output};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Verify every record and body, and rebuild what is derived from the log to compare; the server must not run.
    #[arg(long)]
    deep: bool,
    /// Only list every address outside this machine that the configuration allows a connection to.
    #[arg(long, conflicts_with_all = ["deep", "bundle"])]
    egress: bool,
    /// Also write what support needs into this file, as JSON to look through before it is sent: no secrets, no contents of notices or of the factory's data.
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    if args.egress {
        return egress(context, args.json);
    }
    let findings = checks::all(context, args.deep);
    let failed = findings.iter().any(|found| found.level == Level::Wrong);
    if let Some(path) = &args.bundle {
        support::write(path, context, &findings)?;
        output::note(&format!("What support needs is in {}: look through it before it leaves the plant.", path.display()));
    }
    if args.json {
        output::json(&json!({ "ok": !failed, "findings": rows(&findings) }))?;
    } else {
        for Found { what, level, detail } in &findings {
            let word = match level {
                Level::Ok => "ok   ",
                Level::Warning => "note ",
                Level::Wrong => "WRONG",
            };
            output::print(&format!("{word} {what}: {detail}"))?;
        }
    }
    Ok(if failed { Ended::Failed } else { Ended::Done })
}

fn rows(findings: &[Found]) -> Vec<Value> {
    let row = |found: &Found| json!({ "what": found.what, "ok": found.level != Level::Wrong, "warning": found.level == Level::Warning, "detail": found.detail });
    findings.iter().map(row).collect()
}

fn egress(context: &Context, as_json: bool) -> CommandResult {
    let all = context.config()?.egress().into_iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    let ended = output::rows(as_json, &all, "No connection leaves this machine: the configuration names no destination and no poller.", |rows| {
        let rows = rows.iter().map(|row| ["/for", "/address", "/encrypted"].map(|pointer| output::text(row, pointer)).to_vec());
        output::table(&["for", "address", "encrypted"], &[], rows.collect())
    })?;
    // That nothing leaves is an answer, not a failure to find one.
    Ok(if ended == Ended::Nothing { Ended::Done } else { ended })
}
