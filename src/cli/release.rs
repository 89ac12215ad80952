//! `lastbuy release`, hidden: what `packaging/release.sh` makes a release with.

use std::{
    fs::File,
    io::{BufWriter, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::CommandFactory as _;

use super::{Cli, CommandResult, Ended, output};
use crate::llm;

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
