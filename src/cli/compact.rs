//! `lastbuy compact`: gives back the room of what is no longer needed.

use serde_json::json;

use super::{CommandResult, Context, Ended, output};
use crate::{
    app, clock,
    domain::time::At,
    store::{CompactError, OpenError, Store},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    anyhow::ensure!(context.data_dir.join("format").exists(), "there is no store in {}", context.data_dir.display());
    let bar = output::Bar::of_rows();
    let compacted = match Store::compact(&context.data_dir, &app::this_user(), At(clock::now_ms()), &mut |progress| bar.show(progress)) {
        Err(CompactError::Open(OpenError::InUse { path })) => {
            anyhow::bail!("{} is in use: stop the server first; `lastbuy events expire` collects garbage while it runs", path.display())
        }
        result => result?,
    };
    bar.done();
    if args.json {
        output::json(&json!(compacted))?;
    } else {
        output::print(&format!(
            "{} records and {} bodies were taken over, {} bodies were no longer needed: {:.1} MiB before, {:.1} MiB after",
            compacted.records,
            compacted.bodies,
            compacted.dropped,
            mib(compacted.before),
            mib(compacted.after)
        ))?;
    }
    Ok(Ended::Done)
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
