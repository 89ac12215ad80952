//! Another model than the usual one, for replays that name it: loaded for them, and ended when nobody has needed it for a while.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    child::Program,
    domain::{maker::MakerAliases, time::At},
    limits,
    llm::{self, Engine},
    reading::Reader,
};

/// One model at a time beside the usual one: two do not fit a small machine.
pub struct PinnedModels {
    dirs: Vec<PathBuf>,
    threads: usize,
    aliases: MakerAliases,
    loaded: Mutex<Option<Loaded>>,
}

struct Loaded {
    sha256: String,
    reader: Arc<Reader>,
    used_at: At,
}

impl PinnedModels {
    /// Models are looked for in `dirs`; `threads` is what one takes for a request.
    pub fn new(dirs: Vec<PathBuf>, threads: usize, aliases: MakerAliases) -> PinnedModels {
        PinnedModels { dirs, threads, aliases, loaded: Mutex::new(None) }
    }

    /// A reader with this model behind it; `None` while another one is at work.
    pub(super) fn reader(&self, sha256: &str, now: At) -> Result<Option<Arc<Reader>>, String> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = loaded.as_mut() {
            if there.sha256 == sha256 {
                there.used_at = now;
                return Ok(Some(Arc::clone(&there.reader)));
            }
            if Arc::strong_count(&there.reader) > 1 {
                return Ok(None);
            }
        }
        *loaded = None;
        let found = llm::find_models(&self.dirs).into_iter().find(|model| model.sha256 == sha256);
        let model =
            found.ok_or_else(|| format!("the model with SHA-256 {sha256} is no longer among those found: `lastbuy model list` shows which are"))?;
        let engine = Engine::start(Program::this(), &model.path, self.threads).map_err(|error| error.to_string())?;
        let reader = Arc::new(Reader::new(Some(Arc::new(engine)), self.aliases.clone()));
        *loaded = Some(Loaded { sha256: sha256.to_owned(), reader: Arc::clone(&reader), used_at: now });
        Ok(Some(reader))
    }

    /// Ends the model's child once it was idle for long enough. Does not wait for one that is being loaded.
    pub(super) fn rest(&self, now: At) {
        if let Ok(mut loaded) = self.loaded.try_lock()
            && loaded
                .as_ref()
                .is_some_and(|there| Arc::strong_count(&there.reader) == 1 && now.0.saturating_sub(there.used_at.0) >= limits::PINNED_MODEL_IDLE_MS)
        {
            *loaded = None;
        }
    }
}
