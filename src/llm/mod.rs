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

/// One question to the model: what follows the shared prefix, and the answers that are compared. Each choice is text that would follow directly.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Question {
    pub text: String,
    pub choices: Vec<String>,
}

/// What the model makes of the questions.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Scored {
    /// By question, by choice: natural logarithm of the probability (over the whole vocabulary) that the choice follows prefix and text.
    pub logprobs: Vec<Vec<f32>>,
    /// Tokens that were evaluated.
    pub tokens: u32,
}

/// The model in a child process of its own; restarted when it dies.
pub struct Engine;

impl Engine {
    pub fn start(_program: Program, _model: &Path, _threads: usize) -> Result<Engine, LlmError> {
        todo!()
    }

    /// The model in use.
    pub fn info(&self) -> &ModelInfo {
        todo!()
    }

    /// Scores every question after the same prefix; the prefix is evaluated once and kept for the next call with the same one.
    pub fn score(&self, _prefix: &str, _questions: &[Question]) -> Result<Scored, LlmError> {
        todo!()
    }
}
