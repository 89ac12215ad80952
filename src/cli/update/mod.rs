//! `lastbuy update`: a newer release, or models, without internet, out of a signed bundle.

mod models;
mod site;

use std::{
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use semver::Version;
use serde_json::json;

use self::site::Site;
use super::{CommandResult, Context, Ended, output, release::PROGRAM};
use crate::{
    bundle::{self, BundleError, Keys, Kind, Manifest},
    config::Config,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check a bundle whole: who signed it, whether it was changed, whether it is newer than this program. Nothing is touched.
    Verify {
        bundle: PathBuf,
        /// Public key of minisign to trust instead of the configured ones.
        #[arg(long, value_name = "FILE")]
        key: Vec<PathBuf>,
        #[arg(long)]
        json: bool,
    },
    /// Put the program of a bundle in this one's place: checked, tried on this data directory after a backup, and taken back if it is not well. The models of a
    /// pack are put beside those that are there, once each has read a notice here.
    Apply {
        bundle: PathBuf,
        /// Public key of minisign to trust instead of the configured ones.
        #[arg(long, value_name = "FILE")]
        key: Vec<PathBuf>,
        /// The systemd service to stop meanwhile and to start again; without it no server may run.
        #[arg(long, value_name = "SERVICE")]
        unit: Option<String>,
    },
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    match &args.command {
        Command::Verify { bundle, key, json } => verify(bundle, &keys(context, key)?, *json),
        Command::Apply { bundle, key, unit } => apply(bundle, &keys(context, key)?, unit.as_deref(), context),
    }
}

/// The keys that are trusted here: those named, those of the configuration, or the one that came with this release.
pub fn keys(context: &Context, named: &[PathBuf]) -> anyhow::Result<Keys> {
    if !named.is_empty() {
        return Ok(Keys::read(named)?);
    }
    let configured: Vec<PathBuf> = context.config()?.written.update.keys.iter().map(PathBuf::from).collect();
    if !configured.is_empty() {
        return Ok(Keys::read(&configured)?);
    }
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join("release.pub")));
    let found = [beside, Some(PathBuf::from("/usr/share/lastbuy/release.pub"))].into_iter().flatten().find(|path| path.exists());
    Ok(Keys::read(&found.into_iter().collect::<Vec<_>>())?)
}

fn verify(path: &Path, keys: &Keys, as_json: bool) -> CommandResult {
    let (manifest, key) = match bundle::unpack(path, keys, Kind::Release, None) {
        Err(BundleError::OtherKind { theirs: Kind::Models, .. }) => bundle::unpack(path, keys, Kind::Models, None)?,
        other => other?,
    };
    if manifest.kind == Kind::Models {
        return verified_models(path, &manifest, &key, as_json);
    }
    let fits = fits(&manifest).map_err(|error| error.to_string());
    if as_json {
        output::json(&json!({ "ok": fits.is_ok(), "why": fits.as_ref().err(), "signed_by": key, "manifest": manifest }))?;
    } else {
        output::print(&format!(
            "{} is whole and signed with the key {key}: release {} for {}, made {}, {} files",
            path.display(),
            manifest.version,
            manifest.arch,
            manifest.made_at,
            manifest.files.len()
        ))?;
        match &fits {
            Ok(version) => output::print(&format!("It is newer than this program ({}): `lastbuy update apply` takes {version}", own()?))?,
            Err(why) => output::note(why),
        }
    }
    Ok(Ended::Done)
}

fn verified_models(path: &Path, manifest: &Manifest, key: &str, as_json: bool) -> CommandResult {
    if as_json {
        output::json(&json!({ "ok": true, "why": null, "signed_by": key, "manifest": manifest }))?;
    } else {
        let files: Vec<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
        let text = format!(
            "{} is whole and signed with the key {key}: models {}, made {}: {}",
            path.display(),
            manifest.version,
            manifest.made_at,
            files.join(", ")
        );
        output::print(&text)?;
    }
    Ok(Ended::Done)
}

fn own() -> anyhow::Result<Version> {
    Ok(Version::parse(env!("CARGO_PKG_VERSION"))?)
}

/// Whether the release can take this one's place.
fn fits(manifest: &Manifest) -> anyhow::Result<Version> {
    let theirs = Version::parse(&manifest.version).with_context(|| format!("'{}' is no version", manifest.version))?;
    anyhow::ensure!(manifest.arch == std::env::consts::ARCH, "the release is for {}, this machine is {}", manifest.arch, std::env::consts::ARCH);
    anyhow::ensure!(theirs > own()?, "release {theirs} is not newer than this one ({}): an older program could not read what this one wrote", own()?);
    anyhow::ensure!(manifest.files.iter().any(|file| file.path == PROGRAM), "the bundle holds no program");
    Ok(theirs)
}

fn apply(path: &Path, keys: &Keys, unit: Option<&str>, context: &Context) -> CommandResult {
    let config: Config = context.config()?;
    let site = Site::here(context, &config, unit)?;
    // Beside the program, so that taking its place is one renaming.
    let staged = tempfile::Builder::new()
        .prefix(".lastbuy-update.")
        .tempdir_in(site.folder())
        .with_context(|| format!("{} cannot be written to: run this as the user who installed the program", site.folder().display()))?;
    let (manifest, key) = match bundle::unpack(path, keys, Kind::Release, Some(staged.path())) {
        Err(BundleError::OtherKind { theirs: Kind::Models, .. }) => {
            models::apply(path, keys, &site)?;
            return Ok(Ended::Done);
        }
        other => other?,
    };
    let version = fits(&manifest)?;
    output::note(&format!("{}: release {version}, signed with the key {key}", path.display()));
    let new = staged.path().join(PROGRAM);
    // The service's user tries it too.
    for (path, mode) in [(staged.path(), 0o755), (new.as_path(), 0o755)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    }
    let said = site.run(&new, &["--version"]).map_err(|why| anyhow::anyhow!("the new program does not run on this machine: {why}"))?;
    anyhow::ensure!(said.trim() == format!("lastbuy {version}"), "the new program says '{}' instead of 'lastbuy {version}'", said.trim());
    site.run(&new, &["config", "check"]).map_err(|why| anyhow::anyhow!("the new program does not take this configuration: {why}"))?;

    // From here on something is touched, and put back if it goes wrong.
    let backup = site.backup(&version)?;
    let format = site.format();
    site.stop()?;
    output::note("trying it on this data directory, with nothing taken meanwhile");
    if let Err(why) = site.run(&new, &["serve", "--trial"]) {
        let kept = site.put_back_store(&format, backup.as_deref(), &version)?;
        site.start()?;
        anyhow::bail!("release {version} was not taken, because it is not well here: {why}. Release {} is in force as before. {kept}", own()?);
    }
    site.take(&new)?;
    if let Err(why) = site.start_and_ask() {
        site.stop()?;
        site.give_back()?;
        let kept = site.put_back_store(&format, backup.as_deref(), &version)?;
        site.start()?;
        anyhow::bail!("release {version} was taken back, because its server did not come up: {why}. Release {} is in force again. {kept}", own()?);
    }
    output::print(&format!(
        "Release {version} is in force. The program before it is kept as {}{}.",
        site.previous().display(),
        backup.map(|path| format!(", the backup from before as {}", path.display())).unwrap_or_default()
    ))?;
    std::io::stdout().flush()?;
    Ok(Ended::Done)
}
