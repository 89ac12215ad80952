//! `lastbuy release`, hidden: what `packaging/release.sh` makes a release with.

use std::{
    fs::File,
    io::{BufWriter, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::CommandFactory as _;

use jiff::Timestamp;

use super::{Cli, CommandResult, Ended, output};
use crate::{
    bundle::{self, Kind, SigningKey, Source},
    clock, llm,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write the man pages into a folder, one for each command.
    Man { dir: PathBuf },
    /// Print the completions for a shell.
    Completions { shell: clap_complete::Shell },
    /// Write a program that carries these models behind itself.
    Carry {
        /// The program to begin with.
        #[arg(long, value_name = "FILE")]
        program: PathBuf,
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        #[arg(required = true)]
        models: Vec<PathBuf>,
    },
    /// Print the public key that belongs to a secret one.
    PublicKey {
        #[command(flatten)]
        key: Key,
    },
    /// Write the signed bundle of a release: every file of a folder, the program as `lastbuy` among them.
    Bundle {
        dir: PathBuf,
        /// A pack of models instead: every file of the folder, with a version of its own.
        #[arg(long, requires = "of")]
        models: bool,
        #[command(flatten)]
        key: Key,
        /// Version of the program or of the pack in it, where it is not this program's.
        #[arg(long, value_name = "VERSION")]
        of: Option<semver::Version>,
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
}

/// The key that signs; of whoever answers for what is signed.
#[derive(Debug, clap::Args)]
pub struct Key {
    /// Secret key file of minisign.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// File with the password of an encrypted key.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Key {
    pub fn read(&self) -> anyhow::Result<SigningKey> {
        Ok(SigningKey::read(&self.key, self.password_file.as_deref())?)
    }
}

pub fn run(args: &Args) -> CommandResult {
    match &args.command {
        Command::Man { dir } => {
            std::fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
            let command = Cli::command().disable_help_subcommand(true);
            clap_mangen::generate_to(command, dir).with_context(|| format!("the man pages cannot be written into {}", dir.display()))?;
        }
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "lastbuy", &mut text);
            output::bytes(&text)?;
        }
        Command::Carry { program, to, models } => carry(program, models, to)?,
        Command::PublicKey { key } => output::print(&key.read()?.public()?)?,
        Command::Bundle { dir, models, key, of, to } => {
            bundle(dir, if *models { Kind::Models } else { Kind::Release }, &key.read()?, of.as_ref(), to)?;
        }
    }
    Ok(Ended::Done)
}

fn carry(program: &Path, models: &[PathBuf], to: &Path) -> anyhow::Result<()> {
    let mut out = BufWriter::new(File::create(to).with_context(|| format!("{} cannot be made", to.display()))?);
    let carried = llm::carry(program, models, &mut out).with_context(|| format!("{} cannot be written", to.display()))?;
    out.flush()?;
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o755))?;
    for model in carried {
        output::print(&format!("{} {} bytes, SHA-256 {}", model.name, model.bytes, model.sha256))?;
    }
    Ok(())
}

fn bundle(dir: &Path, kind: Kind, key: &SigningKey, of: Option<&semver::Version>, to: &Path) -> anyhow::Result<()> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(dir.join(&folder)).with_context(|| format!("{} cannot be read", dir.join(&folder).display()))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    let has_program = files.iter().any(|path| path == Path::new(PROGRAM));
    anyhow::ensure!(kind != Kind::Release || has_program, "{} holds no program named {PROGRAM}", dir.display());
    let files: Vec<Source> = files.iter().map(|path| Source::File { path: path.to_string_lossy().into_owned(), from: dir.join(path) }).collect();
    let version = of.map_or_else(|| env!("CARGO_PKG_VERSION").to_owned(), ToString::to_string);
    let out = BufWriter::new(File::create(to).with_context(|| format!("{} cannot be made", to.display()))?);
    let arch = if kind == Kind::Release { std::env::consts::ARCH } else { "" };
    let manifest = bundle::make(kind, &version, arch, made_at()?, &files, key, out)?;
    output::print(&format!("{}: {} {version}, {} files", to.display(), kind.as_str(), manifest.files.len()))
}

/// The program's name in a bundle.
pub const PROGRAM: &str = "lastbuy";

/// What SOURCE_DATE_EPOCH says, so that a release can be made twice, and otherwise now.
fn made_at() -> anyhow::Result<Timestamp> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(seconds) => Ok(Timestamp::from_second(seconds.parse().context("SOURCE_DATE_EPOCH is no number of seconds")?)?),
        Err(_) => Ok(Timestamp::from_millisecond(clock::now_ms())?),
    }
}
