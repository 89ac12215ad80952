//! The local model: files, and an engine that scores answers. The only folder that names llama.cpp, which runs in a child process (`child`): a failed
//! assertion in it ends that child and not the log.
//!
//! The model never writes. It is asked how likely each of a few given answers is to follow a text (`Engine::score`), so a value that nobody put among the
//! answers cannot come out.
//!
//! How text becomes tokens: a text that looks like a control token (`<|im_end|>`) is ordinary text, because it may come from a notice. The prefix is
//! tokenised alone, after the model's own start token where it wants one. A question's text is tokenised as it stands behind the last character of the
//! prefix, and a choice as it stands behind the text: the boundary is that of the joined text wherever it is one, and otherwise each side is tokenised by
//! itself. It always is one where the prefix ends with a line, the text with a visible character, and the choice begins with the blank between them.

mod bench;
mod card;
mod carried;
mod engine;
mod files;
mod gguf;
mod plan;
mod score;
mod serve;
mod shelf;

pub use bench::{Speed, measure};
pub use carried::{Carried, carry, unpack};
pub use engine::{Engine, processor};
pub use files::{AdapterInfo, DEFAULT_ADAPTER_SHA256, DEFAULT_MODEL_FILE, DEFAULT_MODEL_SHA256, ModelInfo, find_models, verify_model};
pub use serve::child_main;
pub use shelf::{Choice, Copied, Shelf, Unnamed};

/// First argument of the child that holds the model.
pub const CHILD_ROLE: &str = "child-llm";

#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    /// The model file cannot be used; asking again changes nothing until somebody acts.
    #[error("{0}")]
    Model(String),
    /// The child died, was late or could not be started; the next request starts another.
    #[error("{0}")]
    Child(String),
    /// This request can never be answered: it is over a limit, which the sentence names.
    #[error("{0}")]
    Question(String),
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
    /// By question, by choice: natural logarithm of the probability (over the whole vocabulary) that the choice follows prefix and text; the sum over its
    /// tokens where it has several. Always finite.
    pub logprobs: Vec<Vec<f32>>,
    /// Tokens that were evaluated; a prefix that was kept from the call before counts nothing.
    pub tokens: u32,
}

/// A question as the model sees it: what the trainer of an adapter learns from is exactly what is asked later.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TokenisedQuestion {
    pub text: Vec<i32>,
    pub choices: Vec<Vec<i32>>,
}

/// Questions in the model's tokens, behind the prefix they share.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tokenised {
    pub prefix: Vec<i32>,
    pub questions: Vec<TokenisedQuestion>,
}

/// Parent to child, as JSON in one frame.
#[derive(serde::Serialize, serde::Deserialize)]
enum Request<'a> {
    Describe,
    Score { prefix: std::borrow::Cow<'a, str>, questions: std::borrow::Cow<'a, [Question]> },
    Tokenise { prefix: std::borrow::Cow<'a, str>, questions: std::borrow::Cow<'a, [Question]> },
}

/// Child to parent. That the model cannot be loaded or fails at work is a refusal of the frame protocol instead.
#[derive(serde::Serialize, serde::Deserialize)]
enum Answer {
    Described {
        context_tokens: u32,
    },
    Scored(Scored),
    Tokenised(Tokenised),
    /// See `LlmError::Question`.
    Unanswerable(String),
}
