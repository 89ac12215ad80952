//! The models of an installation: which there are, which is in use, and how one comes and goes. The site's own lie in one folder of the data directory; the
//! program's may lie in others, where nothing is ever written.
//!
//! Which one is in use: the one that the configuration names; without that the one chosen (`in-use.json` in the site's folder); without that the first found.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use super::{
    Engine, LlmError, ModelInfo, Question, card,
    files::{self, find_models, first_model},
    gguf,
};
use crate::child::Program;

pub struct Shelf {
    program: Program,
    /// Of llama.cpp, for one request.
    threads: usize,
    own: PathBuf,
    others: Vec<PathBuf>,
    configured: Option<PathBuf>,
}

/// The model that was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Within the site's folder, or absolute.
    pub file: PathBuf,
    /// A file that was changed since is not what was chosen.
    pub sha256: String,
}

/// A name that is none, or not one model's alone.
#[derive(Debug, thiserror::Error)]
pub enum Unnamed {
    #[error("{0}")]
    Nothing(String),
    #[error("{0}")]
    Several(String),
}

/// A copy that is being made.
#[derive(Debug, Clone, Copy)]
pub struct Copied {
    pub bytes: u64,
    pub of: u64,
}

impl Shelf {
    /// `own` is the site's folder, `others` are read only; `configured` is the model that the configuration names. Models are loaded in children of `program`, with
    /// so many threads.
    pub fn new(program: Program, threads: usize, own: PathBuf, others: Vec<PathBuf>, configured: Option<PathBuf>) -> Shelf {
        Shelf { program, threads, own, others, configured }
    }

    fn dirs(&self) -> Vec<PathBuf> {
        std::iter::once(&self.own).chain(&self.others).cloned().collect()
    }

    /// Every model that is found, each read whole for its checksum; the configured one first where it lies elsewhere.
    pub fn list(&self) -> Vec<ModelInfo> {
        let mut models = find_models(&self.dirs());
        if let Some(configured) = &self.configured
            && let Ok(info) = files::inspect(configured)
            && models.iter().all(|model| model.sha256 != info.sha256)
        {
            models.insert(0, info);
        }
        models
    }

    /// The one model that is meant by its name, its file's name or the beginning of its SHA-256.
    pub fn named(&self, wanted: &str) -> Result<ModelInfo, Unnamed> {
        named(self.list(), wanted)
    }

    /// The model that the configuration names, which comes before every choice.
    pub fn configured(&self) -> Option<&Path> {
        self.configured.as_deref()
    }

    /// What was chosen; `None`: nothing was, or the configuration says.
    pub fn chosen(&self) -> Result<Option<Choice>, LlmError> {
        if self.configured.is_some() {
            return Ok(None);
        }
        let path = self.choice_path();
        card::read(&path).map_err(|error| {
            LlmError::Model(format!("{} cannot be read ({error}): choose again with `lastbuy model use NAME --untried`", path.display()))
        })
    }

    fn choice_path(&self) -> PathBuf {
        self.own.join("in-use.json")
    }

    /// The file of the model in use; `None`: there is no model.
    pub fn in_use(&self) -> Result<Option<PathBuf>, LlmError> {
        if let Some(configured) = &self.configured {
            return Ok(Some(configured.clone()));
        }
        Ok(self.chosen()?.map(|choice| self.own.join(choice.file)).or_else(|| first_model(&self.dirs())))
    }

    /// The model in use, loaded; `None`: there is no model. One that was changed since it was chosen is refused.
    pub fn start(&self) -> Result<Option<Engine>, LlmError> {
        let Some(path) = self.in_use()? else { return Ok(None) };
        let info = files::inspect(&path).map_err(|error| LlmError::Model(format!("{error}; `lastbuy model use NAME` chooses another")))?;
        if let Some(choice) = self.chosen()?
            && choice.sha256 != info.sha256
            // A new release may bring a new default model, which it knows by its sum.
            && !info.is_default
        {
            return Err(LlmError::Model(format!(
                "{} was changed since it was chosen: its SHA-256 was {} and is {}; `lastbuy model use NAME` chooses again",
                path.display(),
                choice.sha256,
                info.sha256
            )));
        }
        self.load(info).map(Some)
    }

    /// A model in a child of its own.
    pub fn load(&self, model: ModelInfo) -> Result<Engine, LlmError> {
        Engine::start_with(self.program.clone(), model, self.threads)
    }

    /// Loads a model and has it answer once.
    pub fn try_out(&self, model: ModelInfo) -> Result<(), LlmError> {
        let question = Question { text: "The last order date is".to_owned(), choices: vec![" known".to_owned(), " unknown".to_owned()] };
        self.load(model)?.score("A component will be discontinued.\n", &[question]).map(|_| ())
    }

    /// From now on this one is used. A server that runs takes it up with its next notice.
    pub fn choose(&self, model: &ModelInfo) -> Result<(), LlmError> {
        if let Some(configured) = &self.configured {
            return Err(LlmError::Model(format!(
                "the configuration (model.file), --model or LASTBUY_MODEL names {}, which comes before every choice: take that out first",
                configured.display()
            )));
        }
        let file = match (self.is_own(model), model.path.file_name()) {
            (true, Some(name)) => PathBuf::from(name),
            _ => std::path::absolute(&model.path).map_err(|error| LlmError::Model(format!("{}: {error}", model.path.display())))?,
        };
        card::write(&self.choice_path(), &Choice { file, sha256: model.sha256.clone() })
            .map_err(|error| LlmError::Model(format!("the choice could not be kept in {}: {error}", self.own.display())))
    }

    /// Whether it lies in the site's folder.
    pub fn is_own(&self, model: &ModelInfo) -> bool {
        let folder = |path: &Path| path.canonicalize().ok();
        model.path.parent().and_then(folder).is_some_and(|dir| Some(dir) == folder(&self.own))
    }

    /// Copies a model into the site's folder: checked, on the disk, loaded once in the confined child, and only then under its name. The same file twice is
    /// one. `licence` is for a file that names none.
    pub fn add(&self, from: &Path, licence: Option<&str>, told: &mut dyn FnMut(Copied)) -> Result<ModelInfo, LlmError> {
        let unusable = |why: String| LlmError::Model(format!("{} was not added: {why}", from.display()));
        let header = gguf::read(from).map_err(unusable)?;
        if let Some(kind) = header.kind.filter(|kind| kind != "model") {
            return Err(unusable(format!("it holds no model but a part of one (general.type is '{kind}')")));
        }
        let licence = match (&header.licence, licence.map(str::trim).filter(|licence| !licence.is_empty())) {
            (None, None) => return Err(unusable("it names no licence: say with --licence under which one you may use it".to_owned())),
            (Some(_), _) => None,
            (None, said) => said,
        };
        let name = from.file_name().filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "gguf"));
        let name = name.ok_or_else(|| unusable("its name does not end in .gguf".to_owned()))?;
        let bytes = from.metadata().map_err(|error| unusable(error.to_string()))?.len();
        self.room_for(bytes).map_err(unusable)?;
        let target = self.own.join(name);
        // Without a choice the first found is used, and that may be the new one: what is in use now stays so.
        if self.configured.is_none()
            && self.chosen()?.is_none()
            && let Some(path) = self.in_use()?.filter(|path| !files::is_called_default(path))
        {
            self.choose(&files::inspect(&path)?)?;
        }
        let (aside, sum, _held) = self.copy(from, &target, bytes, told).map_err(|error| unusable(error.to_string()))?;
        let placed = self.place(&aside, &target, &sum, licence);
        if placed.is_err() {
            // What is left of it helps nobody, and the next attempt would begin with it.
            let _ = std::fs::remove_file(&aside);
        }
        placed.map_err(|why| unusable(why.replace(&aside.display().to_string(), &target.display().to_string())))
    }

    fn place(&self, aside: &Path, target: &Path, sum: &str, licence: Option<&str>) -> Result<ModelInfo, String> {
        if target.exists() {
            let there = files::inspect(target).map_err(|error| error.to_string())?;
            if there.sha256 != sum {
                return Err("another model lies there under the same name: remove it first, or give this file another name".to_owned());
            }
            std::fs::remove_file(aside).map_err(|error| error.to_string())?;
            return Ok(there);
        }
        let info = files::inspect(aside).map_err(|error| error.to_string())?;
        if files::is_called_default(target) && !info.is_default {
            return Err(format!("it has the default model's name, but its SHA-256 is {sum}: give it a name of its own"));
        }
        self.try_out(info).map_err(|error| error.to_string())?;
        let kept = || {
            if let Some(licence) = licence {
                card::say_licence(target, sum, licence)?;
            }
            std::fs::rename(aside, target)?;
            File::open(&self.own)?.sync_all()
        };
        kept().map_err(|error: io::Error| error.to_string())?;
        files::inspect(target).map_err(|error| error.to_string())
    }

    /// Whether the machine can hold it, on the disk and in memory.
    fn room_for(&self, bytes: u64) -> Result<(), String> {
        let mib = |bytes: u64| bytes >> 20;
        let memory = memory_bytes();
        if memory.is_some_and(|memory| bytes > memory) {
            return Err(format!(
                "it has {} MiB and this machine {} MiB of memory: take a smaller model, or one that is stored in fewer bits",
                mib(bytes),
                mib(memory.unwrap_or(0))
            ));
        }
        std::fs::create_dir_all(&self.own).map_err(|error| format!("{}: {error}", self.own.display()))?;
        let room = rustix::fs::statvfs(&self.own).map_err(|error| error.to_string())?;
        let free = room.f_bavail.saturating_mul(room.f_frsize);
        if bytes.saturating_add(crate::limits::DISK_RESERVE_BYTES) > free {
            return Err(format!("it has {} MiB, and {} MiB are free where {} lies: make room first", mib(bytes), mib(free), self.own.display()));
        }
        Ok(())
    }

    /// A copy beside its place, on the disk, with its SHA-256, held so that nobody else adds the same meanwhile. What an attempt left that was ended is
    /// written over.
    fn copy(&self, from: &Path, target: &Path, bytes: u64, told: &mut dyn FnMut(Copied)) -> io::Result<(PathBuf, String, File)> {
        let aside = target.with_extension("gguf.incoming");
        let mut out = File::options().create(true).truncate(false).write(true).open(&aside)?;
        out.try_lock().map_err(|_| io::Error::other("it is being added by another process"))?;
        out.set_len(0)?;
        let (mut file, mut sum, mut buffer) = (File::open(from)?, Sha256::new(), vec![0; 1 << 20]);
        let mut done = 0;
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            sum.update(&buffer[..read]);
            out.write_all(&buffer[..read])?;
            done += read as u64;
            told(Copied { bytes: done, of: bytes });
        }
        out.sync_all()?;
        Ok((aside, hex::encode(sum.finalize()), out))
    }

    /// Takes a model of the site's folder away, with what lies beside it; never the one in use.
    pub fn remove(&self, model: &ModelInfo) -> Result<(), LlmError> {
        let refused = |why: String| Err(LlmError::Model(format!("{} was not removed: {why}", model.path.display())));
        if !self.is_own(model) {
            return refused(format!("it is none of the site's own, which lie in {}", self.own.display()));
        }
        let same = |path: PathBuf| path.canonicalize().ok() == model.path.canonicalize().ok();
        if self.in_use()?.is_some_and(same) {
            return refused("it is in use: `lastbuy model use NAME` chooses another first".to_owned());
        }
        let gone = |path: PathBuf| match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        let beside = [model.path.with_extension("adapter.gguf"), card::path(&model.path), self.trial_path(&model.sha256)];
        let removed = gone(model.path.clone()).and_then(|()| beside.into_iter().try_for_each(gone)).and_then(|()| File::open(&self.own)?.sync_all());
        removed.or_else(|error| refused(error.to_string()))
    }

    fn trial_path(&self, sha256: &str) -> PathBuf {
        self.own.join(format!("{sha256}.trial.json"))
    }

    /// Keeps the report of a model's trial; the one before is replaced.
    pub fn keep_trial(&self, sha256: &str, report: &impl Serialize) -> Result<(), LlmError> {
        card::write(&self.trial_path(sha256), report).map_err(|error| LlmError::Model(format!("the trial's report could not be kept: {error}")))
    }

    /// The report of a model's last trial; `None`: it was never tried, or the report is of a form that is no longer known.
    pub fn trial<T: DeserializeOwned>(&self, sha256: &str) -> Option<T> {
        card::read(&self.trial_path(sha256)).ok().flatten()
    }
}

fn named(models: Vec<ModelInfo>, wanted: &str) -> Result<ModelInfo, Unnamed> {
    /// Fewer digits than these are more likely a name.
    const PREFIX_MIN: usize = 6;
    let wanted = wanted.trim();
    let is_meant = |model: &ModelInfo| {
        let file = [model.path.file_name(), model.path.file_stem()].into_iter().flatten().any(|name| name.eq_ignore_ascii_case(wanted));
        let sum = wanted.len() >= PREFIX_MIN && model.sha256.starts_with(&wanted.to_ascii_lowercase());
        file || sum || model.name.eq_ignore_ascii_case(wanted)
    };
    let (mut meant, others): (Vec<ModelInfo>, Vec<ModelInfo>) = models.into_iter().partition(is_meant);
    // The same file in two folders is one model: the first of them is the one that is used.
    let mut seen = HashSet::new();
    meant.retain(|model| seen.insert(model.sha256.clone()));
    if meant.len() > 1 {
        let sums: Vec<String> = meant.into_iter().map(|model| model.sha256).collect();
        return Err(Unnamed::Several(format!("'{wanted}' is several models: name one by its SHA-256, {}", sums.join(", "))));
    }
    meant.pop().ok_or_else(|| {
        let there: Vec<String> =
            others.iter().map(|model| format!("{} ({})", model.weights(), &model.sha256[..12.min(model.sha256.len())])).collect();
        let there = if there.is_empty() { "there is none at all".to_owned() } else { format!("there are {}", there.join(", ")) };
        Unnamed::Nothing(format!("no model is called '{wanted}': {there}"))
    })
}

/// Of the machine; `None` where it cannot be seen.
fn memory_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(dir: &Path, file: &str, name: &str) {
        std::fs::write(dir.join(file), gguf::tests::file(&[("general.type", "model"), ("general.name", name)])).expect("file");
    }

    /// Nothing is loaded here.
    fn of(own: PathBuf, others: Vec<PathBuf>, configured: Option<PathBuf>) -> Shelf {
        Shelf::new(Program::this(), 1, own, others, configured)
    }

    fn shelf(dir: &tempfile::TempDir) -> Shelf {
        let (own, other) = (dir.path().join("own"), dir.path().join("other"));
        std::fs::create_dir_all(&own).expect("folder");
        std::fs::create_dir_all(&other).expect("folder");
        of(own, vec![other], None)
    }

    #[test]
    fn a_choice_comes_before_what_is_found_and_what_is_configured_before_both() {
        let dir = tempfile::tempdir().expect("folder");
        let shelf = shelf(&dir);
        put(&shelf.own, "alpha.gguf", "Alpha");
        put(&shelf.own, "beta.gguf", "Beta");
        put(&dir.path().join("other"), "gamma.gguf", "Gamma");
        assert_eq!(shelf.in_use().expect("found").and_then(|path| path.file_name().map(ToOwned::to_owned)), Some("alpha.gguf".into()));
        for (name, file) in [("Beta", PathBuf::from("beta.gguf")), ("gamma", dir.path().join("other/gamma.gguf"))] {
            shelf.choose(&shelf.named(name).expect("named")).expect("chosen");
            let choice = shelf.chosen().expect("read").expect("chosen");
            assert_eq!(choice.file.file_name(), file.file_name());
            assert_eq!(choice.file.is_absolute(), file.is_absolute(), "{choice:?}");
            assert_eq!(
                shelf.in_use().expect("found").and_then(|path| path.file_name().map(ToOwned::to_owned)),
                file.file_name().map(ToOwned::to_owned)
            );
        }
        let configured = of(shelf.own.clone(), Vec::new(), Some(dir.path().join("x.gguf")));
        assert_eq!((configured.in_use().expect("found"), configured.chosen().expect("none")), (Some(dir.path().join("x.gguf")), None));
        let error = configured.choose(&shelf.named("beta").expect("named")).expect_err("configured").to_string();
        assert!(error.contains("x.gguf") && error.contains("take that out"), "{error}");
    }

    #[test]
    fn a_model_is_named_by_name_file_or_sum_and_by_nothing_else() {
        let dir = tempfile::tempdir().expect("folder");
        let shelf = shelf(&dir);
        put(&shelf.own, "alpha.gguf", "Twin");
        put(&shelf.own, "beta.gguf", "Twin ");
        // The same bytes in another folder are the same model.
        std::fs::copy(shelf.own.join("alpha.gguf"), dir.path().join("other/alpha.gguf")).expect("copy");
        let alpha = shelf.named("alpha").expect("by file");
        for wanted in ["ALPHA.gguf", &alpha.sha256, &alpha.sha256[..8], "twin"] {
            assert_eq!(shelf.named(wanted).map(|model| model.sha256).ok().as_ref(), Some(&alpha.sha256), "{wanted}");
        }
        assert!(matches!(shelf.named("delta"), Err(Unnamed::Nothing(why)) if why.contains("alpha")));
        put(&shelf.own, "gamma.gguf", "alpha");
        assert!(matches!(shelf.named("alpha"), Err(Unnamed::Several(why)) if why.contains(&alpha.sha256)));
    }

    #[test]
    fn only_the_sites_own_models_go_and_never_the_one_in_use() {
        let dir = tempfile::tempdir().expect("folder");
        let shelf = shelf(&dir);
        put(&shelf.own, "alpha.gguf", "Alpha");
        put(&shelf.own, "beta.gguf", "Beta");
        put(&dir.path().join("other"), "gamma.gguf", "Gamma");
        let named = |name: &str| shelf.named(name).expect("named");
        assert!(shelf.remove(&named("alpha")).expect_err("in use").to_string().contains("in use"));
        assert!(shelf.remove(&named("gamma")).expect_err("not ours").to_string().contains("none of the site's own"));
        let beta = named("beta");
        card::say_licence(&beta.path, &beta.sha256, "MIT").expect("card");
        assert_eq!(named("beta").licence.as_deref(), Some("MIT"));
        shelf.keep_trial(&beta.sha256, &"report").expect("kept");
        assert_eq!(shelf.trial::<String>(&beta.sha256).as_deref(), Some("report"));
        shelf.remove(&beta).expect("removed");
        assert_eq!(std::fs::read_dir(&shelf.own).expect("folder").count(), 1, "something was left behind");
    }
}
