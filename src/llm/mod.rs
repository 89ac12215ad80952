//! STUB of the llm layer's public face. See the brief.
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::child::Program;

/// First argument of the child that holds the model.
pub const CHILD_ROLE: &str = "child-llm";

/// The child's main.
pub fn child_main() -> ExitCode {
    todo!()
}

pub const DEFAULT_MODEL_FILE: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
pub const DEFAULT_MODEL_SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

#[derive(Debug, Clone, serde::Serialize)]
pub struct ModelInfo {
    pub name: String,
    pub path: PathBuf,
    pub sha256: String,
    pub bytes: u64,
    pub licence: Option<String>,
    pub context_tokens: Option<u32>,
    pub is_default: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    #[error("{0}")]
    Model(String),
    #[error("{0}")]
    Child(String),
}

/// Where models are looked for, first found wins: the configured path, `<data-dir>/models`, `models/` beside the binary or its ancestors.
pub fn find_models(_dirs: &[PathBuf]) -> Vec<ModelInfo> {
    todo!()
}

/// Reads the whole file and compares.
pub fn verify_model(_path: &Path) -> Result<ModelInfo, LlmError> {
    todo!()
}

/// The model in a child process of its own; restarted when it dies.
pub struct Engine;

impl Engine {
    pub fn start(_program: Program, _model: &Path, _threads: usize) -> Result<Engine, LlmError> {
        todo!()
    }
}
