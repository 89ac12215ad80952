//! Model files: which there are, what they say of themselves, whether they are unchanged.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{LlmError, card, gguf};

/// Its licence, its source and how it gets here: models/README.md.
pub const DEFAULT_MODEL_FILE: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
pub const DEFAULT_MODEL_SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

/// The adapter of the default model, trained for Lastbuy's questions: models/README.md. It is part of the program.
pub const DEFAULT_ADAPTER_SHA256: &str = "5906729860b3063f85588bb687e2cd351517531651d12aafc7a080d0585c59c2";
pub(super) const DEFAULT_ADAPTER: &[u8] = include_bytes!("../../models/SmolLM2-135M-Instruct.Q4_1.adapter.gguf");

#[derive(Debug, Clone, serde::Serialize)]
pub struct ModelInfo {
    /// As the file calls itself, otherwise the file's name.
    pub name: String,
    pub path: PathBuf,
    /// Of the whole file, in lower-case hexadecimal.
    pub sha256: String,
    pub bytes: u64,
    /// As the file says; where it does not, as whoever added it said.
    pub licence: Option<String>,
    /// The longest text it was trained on.
    pub context_tokens: Option<u32>,
    pub architecture: Option<String>,
    /// Numbers that were trained.
    pub parameters: Option<u64>,
    /// How most of them are stored: `Q4_1`, `F16`.
    pub quantisation: Option<String>,
    /// How a conversation is written for it. Lastbuy asks without one.
    pub chat_template: Option<String>,
    pub is_default: bool,
    /// Trained for Lastbuy's questions to this model.
    pub adapter: Option<AdapterInfo>,
}

impl ModelInfo {
    /// The file's name without its ending: it says which weights they are, where the name inside is often that of a checkpoint.
    pub fn weights(&self) -> String {
        self.path.file_stem().map_or_else(|| self.name.clone(), |stem| stem.to_string_lossy().into_owned())
    }
}

/// A LoRA adapter: `NAME.adapter.gguf` beside the model `NAME.gguf`; for the default model, where none lies there, the one that is part of the program.
#[derive(Debug, Clone, serde::Serialize)]
pub struct AdapterInfo {
    /// `None` for the one that is part of the program.
    pub path: Option<PathBuf>,
    /// Of the whole file, in lower-case hexadecimal.
    pub sha256: String,
    pub bytes: u64,
}

/// The models in these folders, in the order in which they would be used; a folder that is named twice or is not there adds nothing. Reads every model
/// whole, for its checksum; what cannot be read is left out and told in the log.
pub fn find_models(dirs: &[PathBuf]) -> Vec<ModelInfo> {
    model_files(dirs)
        .into_iter()
        .filter_map(|path| match inspect(&path) {
            Ok(info) => Some(info),
            Err(error) => {
                tracing::warn!(%error, "a model file was left out");
                None
            }
        })
        .collect()
}

/// The first of the models that `find_models` would look at, without reading it whole.
pub(super) fn first_model(dirs: &[PathBuf]) -> Option<PathBuf> {
    model_files(dirs).into_iter().next()
}

/// Reads the whole file and compares. A file with the default model's name must be the default model.
pub fn verify_model(path: &Path) -> Result<ModelInfo, LlmError> {
    inspect(path)
}

pub(super) fn inspect(path: &Path) -> Result<ModelInfo, LlmError> {
    let unusable = |why: String| LlmError::Model(format!("the model file {} cannot be used: {why}", path.display()));
    let header = gguf::read(path).map_err(unusable)?;
    if let Some(kind) = header.kind.filter(|kind| kind != "model") {
        return Err(unusable(format!("it holds no model but a part of one (general.type is '{kind}')")));
    }
    let (bytes, sha256) = checksum(path).map_err(|error| unusable(error.to_string()))?;
    let file_name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let is_default = sha256 == DEFAULT_MODEL_SHA256;
    let licence = header.licence.or_else(|| card::licence(path, &sha256));
    if is_called_default(path) && !is_default {
        return Err(unusable(format!(
            "it has the default model's name, but its SHA-256 is {sha256} instead of {DEFAULT_MODEL_SHA256}: it is damaged or another model; fetch it again (packaging/setup.sh) or give it a name of its own"
        )));
    }
    Ok(ModelInfo {
        name: header.name.unwrap_or(file_name),
        path: path.to_path_buf(),
        sha256,
        bytes,
        licence,
        context_tokens: header.context_tokens,
        architecture: header.architecture,
        parameters: header.parameters,
        quantisation: header.quantisation,
        chat_template: header.chat_template,
        is_default,
        adapter: adapter_beside(path).map_err(unusable)?.or_else(|| is_default.then(default_adapter)),
    })
}

/// Whether it has the default model's name.
pub(super) fn is_called_default(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == DEFAULT_MODEL_FILE)
}

/// The adapter that lies beside a model.
fn adapter_beside(model: &Path) -> Result<Option<AdapterInfo>, String> {
    let path = model.with_extension("adapter.gguf");
    if !path.is_file() {
        return Ok(None);
    }
    let said = |why: String| format!("its adapter {}: {why}", path.display());
    if gguf::read(&path).map_err(said)?.kind.as_deref() != Some("adapter") {
        return Err(said("it is no adapter".to_owned()));
    }
    let (bytes, sha256) = checksum(&path).map_err(|error| said(error.to_string()))?;
    Ok(Some(AdapterInfo { path: Some(path), sha256, bytes }))
}

fn default_adapter() -> AdapterInfo {
    AdapterInfo { path: None, sha256: DEFAULT_ADAPTER_SHA256.to_owned(), bytes: DEFAULT_ADAPTER.len() as u64 }
}

/// `*.gguf` that hold whole models: the default model first, so that no file which is put beside it takes its place unasked; then by folder and name.
fn model_files(dirs: &[PathBuf]) -> Vec<PathBuf> {
    let mut seen = Vec::new();
    let mut found = Vec::new();
    for dir in dirs {
        let Ok(dir) = dir.canonicalize() else { continue };
        if seen.contains(&dir) {
            continue;
        }
        let mut files: Vec<PathBuf> = std::fs::read_dir(&dir).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "gguf") && path.is_file());
        files.retain(|path| gguf::read(path).map_or(true, |header| header.kind.is_none_or(|kind| kind == "model")));
        files.sort();
        found.extend(files);
        seen.push(dir);
    }
    found.sort_by_key(|path| !is_called_default(path));
    found
}

pub(super) fn checksum(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let (mut sum, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, hex::encode(sum.finalize())));
        }
        sum.update(&buffer[..read]);
        bytes += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_adapter_in_the_program_is_the_one_that_is_named() {
        assert_eq!(hex::encode(Sha256::digest(DEFAULT_ADAPTER)), DEFAULT_ADAPTER_SHA256);
    }

    #[test]
    fn the_default_comes_first_and_adapters_are_no_models() {
        let (one, two) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
        for (dir, name, kind) in [
            (&one, "zeta.gguf", "model"),
            (&two, "alpha.gguf", "model"),
            (&two, "adapter.gguf", "adapter"),
            (&two, DEFAULT_MODEL_FILE, "model"),
            (&two, "readme.txt", "model"),
        ] {
            std::fs::write(dir.path().join(name), gguf::tests::file(&[("general.type", kind)])).expect("file");
        }
        let dirs = [one.path().to_path_buf(), one.path().join("gone"), two.path().to_path_buf(), two.path().join(".")];
        let names: Vec<_> = model_files(&dirs).iter().map(|path| path.file_name().expect("name").to_string_lossy().into_owned()).collect();
        assert_eq!(names, [DEFAULT_MODEL_FILE, "zeta.gguf", "alpha.gguf"]);
        // The file that only claims to be the default model is left out, not used.
        let models = find_models(&dirs);
        assert_eq!(models.iter().map(|model| model.name.as_str()).collect::<Vec<_>>(), ["zeta.gguf", "alpha.gguf"]);
        let error = verify_model(&two.path().join(DEFAULT_MODEL_FILE)).expect_err("another file").to_string();
        assert!(error.contains("default model's name") && error.contains(&models[0].sha256), "{error}");
        let error = verify_model(&two.path().join("adapter.gguf")).expect_err("no model").to_string();
        assert!(error.contains("'adapter'"), "{error}");
    }
}
