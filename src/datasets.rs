//! The datasets the store lists, opened when first asked for and shared; the only place that joins `store` and `factory`.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    domain::{case::DatasetRow, id::DatasetId, maker::MakerAliases},
    factory::{self, Factory},
    limits,
    store::Store,
};

/// An opened dataset.
#[derive(Clone)]
pub struct Opened {
    pub row: DatasetRow,
    pub factory: Arc<Factory>,
}

/// A dataset cannot be opened. A sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct OpenError(String);

pub struct Datasets {
    store: Arc<Store>,
    aliases: MakerAliases,
    /// Newest last; at most `limits::DATASETS_OPEN_MAX`.
    open: Mutex<Vec<Opened>>,
}

impl Datasets {
    pub fn new(store: Arc<Store>, aliases: MakerAliases) -> Datasets {
        Datasets { store, aliases, open: Mutex::new(Vec::new()) }
    }

    pub fn aliases(&self) -> &MakerAliases {
        &self.aliases
    }

    /// The dataset in force, or `None` before the first import.
    pub fn active(&self) -> Result<Option<Opened>, OpenError> {
        let row = self.store.active_dataset().map_err(|error| OpenError(error.to_string()))?;
        row.map(|row| self.open(row)).transpose()
    }

    /// One dataset, in force or not.
    pub fn get(&self, id: DatasetId) -> Result<Option<Opened>, OpenError> {
        let rows = self.store.datasets().map_err(|error| OpenError(error.to_string()))?;
        rows.into_iter().find(|row| row.id == id).map(|row| self.open(row)).transpose()
    }

    fn open(&self, row: DatasetRow) -> Result<Opened, OpenError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = open.iter().find(|opened| opened.row.id == row.id) {
            return Ok(Opened { row, factory: Arc::clone(&found.factory) });
        }
        let path = self.store.datasets_dir().join(&row.file);
        let data = factory::read_dataset(&path, row.checksum).map_err(|error| OpenError(format!("dataset {}: {error}", row.id)))?;
        let opened = Opened { row, factory: Arc::new(Factory::new(data, self.aliases.clone())) };
        if open.len() >= limits::DATASETS_OPEN_MAX {
            open.remove(0);
        }
        open.push(opened.clone());
        Ok(opened)
    }
}
