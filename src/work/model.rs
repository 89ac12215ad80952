//! The models that read: the one in use, which may change while the server runs, and beside it one that a replay names, loaded for it and ended when nobody has
//! needed it for a while.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    domain::time::At,
    limits,
    llm::{Choice, Shelf},
    reading::Reader,
};

/// One model at a time beside the usual one: two do not fit a small machine.
pub struct Models {
    shelf: Arc<Shelf>,
    usual: Mutex<Usual>,
    pinned: Mutex<Option<Pinned>>,
}

struct Usual {
    reader: Arc<Reader>,
    /// The choice that was looked at last, taken up or not: one that cannot be is not tried with every notice.
    seen: Option<Choice>,
}

struct Pinned {
    sha256: String,
    reader: Arc<Reader>,
    used_at: At,
}

impl Models {
    /// `usual` has the model in use behind it.
    pub fn new(shelf: Arc<Shelf>, usual: Reader) -> Models {
        let seen = shelf.chosen().ok().flatten();
        Models { shelf, usual: Mutex::new(Usual { reader: Arc::new(usual), seen }), pinned: Mutex::new(None) }
    }

    /// The reader with the model in use; where another was chosen since, that is loaded first. One that cannot be is told in the log, and the one before goes on.
    pub(super) fn usual(&self) -> Arc<Reader> {
        let mut usual = self.usual.lock().unwrap_or_else(PoisonError::into_inner);
        match self.shelf.chosen() {
            Ok(chosen) if chosen != usual.seen => {
                match self.shelf.start() {
                    Ok(Some(engine)) => {
                        tracing::info!(model = engine.info().weights(), sha256 = engine.info().sha256, "another model is in use from here on");
                        usual.reader = Arc::new(usual.reader.behind(Some(Arc::new(engine))));
                    }
                    Ok(None) => tracing::error!("no model is there any more; the one before goes on"),
                    Err(error) => tracing::error!(%error, "the model that was chosen cannot be used; the one before goes on"),
                }
                usual.seen = chosen;
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "which model is in use cannot be seen; the one before goes on"),
        }
        Arc::clone(&usual.reader)
    }

    /// A reader with this model behind it; `None` while another one is at work.
    pub(super) fn pinned(&self, usual: &Reader, sha256: &str, now: At) -> Result<Option<Arc<Reader>>, String> {
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = pinned.as_mut() {
            if there.sha256 == sha256 {
                there.used_at = now;
                return Ok(Some(Arc::clone(&there.reader)));
            }
            if Arc::strong_count(&there.reader) > 1 {
                return Ok(None);
            }
        }
        *pinned = None;
        let found = self.shelf.list().into_iter().find(|model| model.sha256 == sha256);
        let model =
            found.ok_or_else(|| format!("the model with SHA-256 {sha256} is no longer among those found: `lastbuy model list` shows which are"))?;
        let engine = self.shelf.load(model).map_err(|error| error.to_string())?;
        let reader = Arc::new(usual.behind(Some(Arc::new(engine))));
        *pinned = Some(Pinned { sha256: sha256.to_owned(), reader: Arc::clone(&reader), used_at: now });
        Ok(Some(reader))
    }

    /// Ends the pinned model's child once it was idle for long enough. Does not wait for one that is being loaded.
    pub(super) fn rest(&self, now: At) {
        if let Ok(mut pinned) = self.pinned.try_lock()
            && pinned
                .as_ref()
                .is_some_and(|there| Arc::strong_count(&there.reader) == 1 && now.0.saturating_sub(there.used_at.0) >= limits::PINNED_MODEL_IDLE_MS)
        {
            *pinned = None;
        }
    }
}
