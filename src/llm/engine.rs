//! The parent's side: a supervised child that holds the model.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Write as _},
    os::fd::AsRawFd as _,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Answer, CHILD_ROLE, LlmError, ModelInfo, Question, Request, Scored, Tokenised, files};
use crate::{
    child::{ChildError, Program, Spec, Supervised},
    limits,
};

/// The model in a child process of its own; started again when it dies. One request at a time: llama.cpp uses all its threads for it.
pub struct Engine {
    info: ModelInfo,
    context_tokens: u32,
    child: Supervised,
    /// Holds the adapter that is part of the program, for a child to open.
    _adapter: Option<File>,
}

impl Engine {
    /// Reads the model file whole, for its checksum, and has a child load it, with the adapter that lies beside it. `threads` is what llama.cpp uses for one request.
    pub fn start(program: Program, model: &Path, threads: usize) -> Result<Engine, LlmError> {
        Engine::start_with(program, files::inspect(model)?, threads)
    }

    /// As `start`, for a model that was inspected before: `find_models`, `verify_model`.
    pub fn start_with(program: Program, info: ModelInfo, threads: usize) -> Result<Engine, LlmError> {
        processor()?;
        let absolute =
            |path: &Path| std::path::absolute(path).map_err(|error| LlmError::Model(format!("the model file {}: {error}", path.display())));
        let mut args = vec![absolute(&info.path)?.into_os_string(), threads.clamp(1, limits::LLM_THREADS_MAX).to_string().into()];
        let mut held = None;
        if let Some(adapter) = &info.adapter {
            let path = match &adapter.path {
                Some(path) => absolute(path)?,
                None => {
                    let (file, path) = default_adapter().map_err(|error| LlmError::Model(format!("the adapter of the default model: {error}")))?;
                    held = Some(file);
                    path
                }
            };
            args.push(path.into_os_string());
        }
        let child = Supervised::new(Spec {
            program,
            role: CHILD_ROLE,
            args,
            address_space_bytes: Some(info.bytes.saturating_mul(2).saturating_add(limits::LLM_CHILD_SPARE_BYTES)),
            cpu_seconds: None,
            confined: true,
            sealed: false,
        });
        let mut engine = Engine { info, context_tokens: 0, child, _adapter: held };
        match engine.ask(&Request::Describe, limits::LLM_LOAD_SECONDS_MAX)? {
            Answer::Described { context_tokens } => engine.context_tokens = context_tokens,
            _ => return Err(out_of_turn()),
        }
        Ok(engine)
    }

    /// The model in use.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Tokens that prefix, text and choice may have together. No text makes more tokens than it has bytes, and two.
    pub fn context_tokens(&self) -> u32 {
        self.context_tokens
    }

    /// Process id of the child, where one lives.
    pub fn pid(&self) -> Option<u32> {
        self.child.pid()
    }

    /// Scores every question after the same prefix; the prefix is evaluated once and kept for the next call with the same one. An answer
    /// depends on prefix, text and choices alone, bit for bit, on the same build, model and kind of processor: not on what else is asked or was asked before.
    pub fn score(&self, prefix: &str, questions: &[Question]) -> Result<Scored, LlmError> {
        if questions.is_empty() {
            return Ok(Scored { logprobs: Vec::new(), tokens: 0 });
        }
        let request = Request::Score { prefix: Cow::Borrowed(prefix), questions: Cow::Borrowed(questions) };
        match self.ask(&request, limits::READING_SECONDS_MAX)? {
            Answer::Scored(scored) => Ok(scored),
            Answer::Unanswerable(why) => Err(LlmError::Question(why)),
            Answer::Described { .. } | Answer::Tokenised(_) => Err(out_of_turn()),
        }
    }

    /// The questions in the tokens that `score` would evaluate.
    pub fn tokenise(&self, prefix: &str, questions: &[Question]) -> Result<Tokenised, LlmError> {
        let request = Request::Tokenise { prefix: Cow::Borrowed(prefix), questions: Cow::Borrowed(questions) };
        match self.ask(&request, limits::READING_SECONDS_MAX)? {
            Answer::Tokenised(tokens) => Ok(tokens),
            Answer::Unanswerable(why) => Err(LlmError::Question(why)),
            Answer::Described { .. } | Answer::Scored(_) => Err(out_of_turn()),
        }
    }

    fn ask(&self, request: &Request<'_>, seconds: u64) -> Result<Answer, LlmError> {
        let bytes = serde_json::to_vec(request).map_err(|error| LlmError::Question(format!("the request cannot be written: {error}")))?;
        if bytes.len() > limits::FRAME_BYTES_MAX {
            let (bytes, most) = (bytes.len(), limits::FRAME_BYTES_MAX);
            return Err(LlmError::Question(format!("the questions have {bytes} bytes together, over the limit of {most}: ask in several calls")));
        }
        match self.child.ask(&bytes, Duration::from_secs(seconds)) {
            Ok(answer) => serde_json::from_slice(&answer).map_err(|error| LlmError::Child(format!("the model's child answered nonsense: {error}"))),
            Err(ChildError::Refused(why)) => Err(LlmError::Model(why)),
            Err(error @ (ChildError::Start(_) | ChildError::Died(_) | ChildError::Late(_))) => {
                Err(LlmError::Child(format!("the model {}: {error}", self.info.name)))
            }
        }
    }
}

/// llama.cpp opens files by name: a file in memory, under the name it has among this process's open files.
fn default_adapter() -> io::Result<(File, PathBuf)> {
    let mut file = File::from(rustix::fs::memfd_create("lastbuy-adapter", rustix::fs::MemfdFlags::CLOEXEC)?);
    file.write_all(files::DEFAULT_ADAPTER)?;
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into();
    Ok((file, path))
}

fn out_of_turn() -> LlmError {
    LlmError::Child("the model's child answered another question than was asked".to_owned())
}

/// Whether this processor can run the model. llama.cpp is built for these instruction sets (`.cargo/config.toml`) and would die of an illegal instruction without
/// them. Returns those that are used.
pub fn processor() -> Result<String, LlmError> {
    #[cfg(target_arch = "x86_64")]
    for (name, there) in [
        ("AVX2", std::arch::is_x86_feature_detected!("avx2")),
        ("FMA", std::arch::is_x86_feature_detected!("fma")),
        ("F16C", std::arch::is_x86_feature_detected!("f16c")),
        ("BMI2", std::arch::is_x86_feature_detected!("bmi2")),
    ] {
        if !there {
            return Err(LlmError::Model(format!(
                "this processor has no {name}, which the model needs: use one from 2013 or later (Intel Haswell, AMD Excavator), or in a virtual machine pass the host's processor through"
            )));
        }
    }
    Ok(if cfg!(target_arch = "x86_64") { "AVX2, FMA, F16C and BMI2 are there" } else { "64-bit ARM" }.to_owned())
}
