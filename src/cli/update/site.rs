//! What an update changes on a site, each step with the way back.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, chown},
        net::UnixStream,
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use bytes::Bytes;
use hyper::Method;
use semver::Version;

use super::super::{Context, client, output};
use crate::{app::ADMIN_SOCKET, config::Config, limits};

/// Folder in the data directory that holds the backups of updates, and stores that releases which were taken back left behind.
const UPDATES: &str = "updates";
/// What a store is made of, besides what a backup puts back.
const STORE_PARTS: [&str; 4] = ["db", "swap", "rebuilt", "replaced"];

pub struct Site {
    /// This program's own file.
    program: PathBuf,
    data_dir: PathBuf,
    /// The store's user, where we are root and it is another.
    owner: Option<(u32, u32)>,
    config_files: Vec<PathBuf>,
    unit: Option<String>,
}

impl Site {
    pub fn here(context: &Context, config: &Config, unit: Option<&str>) -> anyhow::Result<Site> {
        let program = std::env::current_exe().context("this program's own file is not known")?;
        anyhow::ensure!(program.exists(), "{} was replaced while this runs: start the update again", program.display());
        let me = rustix::process::geteuid();
        let owner = context.data_dir.metadata().ok().filter(|metadata| metadata.uid() != me.as_raw());
        if let Some(metadata) = &owner {
            anyhow::ensure!(me.is_root(), "{} belongs to user {}: run this as root or as that user", context.data_dir.display(), metadata.uid());
        }
        let site = Site {
            program: fs::canonicalize(program)?,
            data_dir: std::path::absolute(&context.data_dir)?,
            owner: owner.map(|metadata| (metadata.uid(), metadata.gid())),
            config_files: config.files.clone(),
            unit: unit.map(str::to_owned),
        };
        if site.unit.is_none() {
            anyhow::ensure!(!site.serves(), "a server runs on {}: stop it, or name its service with --unit", site.data_dir.display());
        }
        Ok(site)
    }

    pub fn folder(&self) -> &Path {
        self.program.parent().unwrap_or(Path::new("/"))
    }

    /// The program in force.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Where the site's models lie.
    pub fn models(&self) -> PathBuf {
        self.data_dir.join("models")
    }

    /// Gives a file to the store's user.
    pub fn hand_over(&self, path: &Path) -> anyhow::Result<()> {
        let Some((uid, gid)) = self.owner else { return Ok(()) };
        chown(path, Some(uid), Some(gid)).with_context(|| format!("{} cannot be given to user {uid}", path.display()))
    }

    pub fn previous(&self) -> PathBuf {
        self.program.with_extension("previous")
    }

    fn socket(&self) -> PathBuf {
        self.data_dir.join(ADMIN_SOCKET)
    }

    fn serves(&self) -> bool {
        UnixStream::connect(self.socket()).is_ok()
    }

    /// Runs a program on this site as the store's user, and returns what it printed; otherwise its last words.
    pub fn run(&self, program: &Path, args: &[&str]) -> Result<String, String> {
        let mut command = Command::new(program);
        command.arg("--data-dir").arg(&self.data_dir);
        for file in &self.config_files {
            command.arg("--config").arg(file);
        }
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some((uid, gid)) = self.owner {
            command.uid(uid).gid(gid);
        }
        let child = command.spawn().map_err(|error| error.to_string())?;
        let output = ended_in_time(child)?;
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            return Ok(said(&output.stdout));
        }
        let words = said(&output.stderr);
        let last = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        Err(format!("{}; {}", output.status, last.trim()))
    }

    /// Which format the store has; empty where there is none.
    pub fn format(&self) -> Vec<u8> {
        fs::read(self.data_dir.join("format")).unwrap_or_default()
    }

    /// A backup by the program in force, while its server may still run; `None` where there is no store yet.
    pub fn backup(&self, version: &Version) -> anyhow::Result<Option<PathBuf>> {
        if self.format().is_empty() {
            return Ok(None);
        }
        let folder = self.data_dir.join(UPDATES);
        if !folder.exists() {
            fs::DirBuilder::new().mode(0o700).create(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
            self.hand_over(&folder)?;
        }
        let path = folder.join(format!("before-{version}.backup"));
        // Of an attempt that was taken back.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        output::note(&format!("making the backup {}", path.display()));
        let name = path.to_string_lossy();
        self.run(&self.program, &["backup", "create", &name])
            .map_err(|why| anyhow::anyhow!("the backup was not made, nothing was changed: {why}"))?;
        Ok(Some(path))
    }

    pub fn stop(&self) -> anyhow::Result<()> {
        self.systemctl("stop")
    }

    pub fn start(&self) -> anyhow::Result<()> {
        self.systemctl("start")
    }

    fn systemctl(&self, what: &str) -> anyhow::Result<()> {
        let Some(unit) = &self.unit else { return Ok(()) };
        let status = Command::new("systemctl").args([what, unit]).stdin(Stdio::null()).status().context("systemctl cannot be run")?;
        anyhow::ensure!(status.success(), "systemctl {what} {unit} ended with {status}");
        Ok(())
    }

    /// Starts the service, where there is one, and asks it until it is ready.
    pub fn start_and_ask(&self) -> Result<(), String> {
        if self.unit.is_none() {
            return Ok(());
        }
        self.start().map_err(|error| error.to_string())?;
        let runtime = client::runtime().map_err(|error| error.to_string())?;
        let until = Instant::now() + Duration::from_secs(limits::UPDATE_READY_SECONDS_MAX);
        loop {
            let answer = runtime.block_on(client::exchange(&self.socket(), Method::GET, "/readyz", "application/json", Bytes::new()));
            let why = match answer {
                Ok((status, _)) if status.is_success() => return Ok(()),
                Ok((_, body)) => String::from_utf8_lossy(&body).into_owned(),
                Err(error) => format!("{error:#}"),
            };
            if Instant::now() > until {
                return Err(why);
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Puts a program in this one's place, and keeps this one beside it.
    pub fn take(&self, new: &Path) -> anyhow::Result<()> {
        let previous = self.previous();
        match fs::remove_file(&previous) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        fs::hard_link(&self.program, &previous).with_context(|| format!("{} cannot be made", previous.display()))?;
        fs::File::open(new)?.sync_all()?;
        fs::rename(new, &self.program).with_context(|| format!("{} cannot be replaced", self.program.display()))?;
        Ok(fs::File::open(self.folder())?.sync_all()?)
    }

    /// Puts the program before back into its place.
    pub fn give_back(&self) -> anyhow::Result<()> {
        fs::rename(self.previous(), &self.program).with_context(|| format!("{} cannot be put back", self.program.display()))?;
        Ok(fs::File::open(self.folder())?.sync_all()?)
    }

    /// After a release was not taken: the store as it was, where the release changed its format; otherwise the store stays, because the program in force reads what
    /// was added meanwhile. Says which.
    pub fn put_back_store(&self, format: &[u8], backup: Option<&Path>, version: &Version) -> anyhow::Result<String> {
        let (false, Some(backup)) = (self.format() == format, backup) else {
            return Ok("The store is as it was, with everything that arrived.".to_owned());
        };
        let restored = self.data_dir.join(UPDATES).join("restored");
        if restored.exists() {
            fs::remove_dir_all(&restored)?;
        }
        let (from, to) = (backup.to_string_lossy(), restored.to_string_lossy());
        self.run(&self.program, &["backup", "restore", &from, "--to", &to])
            .map_err(|why| anyhow::anyhow!("the store of release {version} cannot be read by this one, and {from} could not be put back: {why}"))?;
        let left = self.data_dir.join(UPDATES).join(format!("store-of-{version}"));
        if left.exists() {
            fs::remove_dir_all(&left)?;
        }
        fs::create_dir(&left)?;
        let mut parts: BTreeSet<std::ffi::OsString> = STORE_PARTS.iter().map(Into::into).collect();
        for entry in fs::read_dir(&restored)? {
            parts.insert(entry?.file_name());
        }
        for part in &parts {
            let (now, new) = (self.data_dir.join(part), restored.join(part));
            if now.exists() {
                fs::rename(&now, left.join(part))?;
            }
            if new.exists() {
                fs::rename(&new, &now)?;
            }
        }
        fs::remove_dir_all(&restored)?;
        fs::File::open(&self.data_dir)?.sync_all()?;
        Ok(format!("The store was put back from {from}; what release {version} made of it is kept as {}.", left.display()))
    }
}

/// Waits for a program of the update, which may have a large store to bring up to date, and kills one that hangs.
fn ended_in_time(mut child: std::process::Child) -> Result<std::process::Output, String> {
    // Its pipes are emptied while it runs, or a talkative one would wait for us.
    let read = |pipe: Option<Box<dyn std::io::Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut pipe) = pipe {
                // What was read until a failure is still told.
                let _ = pipe.read_to_end(&mut bytes);
            }
            bytes
        })
    };
    let stdout = read(child.stdout.take().map(|pipe| Box::new(pipe) as _));
    let stderr = read(child.stderr.take().map(|pipe| Box::new(pipe) as _));
    let until = Instant::now() + Duration::from_secs(limits::UPDATE_TRIAL_SECONDS_MAX);
    let status = loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break status,
            None if Instant::now() > until => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it did not end within {} s and was killed", limits::UPDATE_TRIAL_SECONDS_MAX));
            }
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    Ok(std::process::Output { status, stdout: stdout.join().unwrap_or_default(), stderr: stderr.join().unwrap_or_default() })
}
