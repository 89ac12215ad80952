//! The child's side: loads the model when first asked, already confined, and answers one request after another.

use std::{
    cell::{OnceCell, RefCell},
    ffi::OsStr,
    io::{self, Write},
    path::Path,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use llama_cpp_2::{
    LogOptions,
    llama_backend::LlamaBackend,
    model::{LlamaLoraAdapter, LlamaModel, params::LlamaModelParams},
    send_logs_to_tracing,
};

use super::{
    Answer, Request,
    score::{ScoreError, Scorer},
};
use crate::{child, limits};

/// The child's main. Arguments behind the role: the model file, the number of threads, and the adapter's file where there is one.
pub fn child_main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(2);
    let (Some(path), Some(threads)) = (arguments.next(), arguments.next().as_ref().and_then(|threads| threads.to_str()?.parse().ok())) else {
        return ExitCode::from(2);
    };
    let adapter = arguments.next();
    // llama.cpp's tokenisers use the standard library's recursive regular expressions on texts of any length.
    let thread = std::thread::Builder::new().stack_size(limits::LLM_STACK_BYTES).spawn(move || answer_requests(&path, adapter.as_deref(), threads));
    thread.ok().and_then(|thread| thread.join().ok()).unwrap_or(ExitCode::FAILURE)
}

fn answer_requests(path: &OsStr, adapter: Option<&OsStr>, threads: i32) -> ExitCode {
    let (path, adapter) = (Path::new(path), adapter.map(Path::new));
    let complaints = Complaints::listen();
    let Ok(backend) = LlamaBackend::init() else { return ExitCode::FAILURE };
    let loaded = OnceCell::new();
    let mut scorer: Option<Scorer<'_>> = None;
    child::serve(|request| {
        let request: Request<'_> = serde_json::from_slice(request).map_err(|error| format!("the request cannot be read: {error}"))?;
        let scorer = match &mut scorer {
            Some(scorer) => scorer,
            none => {
                let scorer = load(&backend, &loaded, path, adapter, threads);
                none.insert(scorer.map_err(|error| format!("the model file {} cannot be used: {error}{}", path.display(), complaints.take()))?)
            }
        };
        let answer = match request {
            Request::Describe => Answer::Described { context_tokens: u32::try_from(scorer.context_tokens()).unwrap_or(u32::MAX) },
            Request::Tokenise { prefix, questions } => match scorer.tokenised(&prefix, &questions) {
                Ok(tokens) => Answer::Tokenised(tokens),
                Err(ScoreError::Unanswerable(why)) => Answer::Unanswerable(why),
                Err(ScoreError::Failed(why)) => return Err(why),
            },
            Request::Score { prefix, questions } => match scorer.score(&prefix, &questions) {
                Ok(scored) => Answer::Scored(scored),
                Err(ScoreError::Unanswerable(why)) => Answer::Unanswerable(why),
                Err(ScoreError::Failed(why)) => return Err(format!("{why}{}", complaints.take())),
            },
        };
        serde_json::to_vec(&answer).map_err(|error| format!("the answer cannot be written: {error}"))
    })
}

/// What the files hold. llama.cpp frees an adapter with its model.
struct Loaded {
    model: LlamaModel,
    adapter: Option<RefCell<LlamaLoraAdapter>>,
}

fn load<'m>(backend: &LlamaBackend, loaded: &'m OnceCell<Loaded>, path: &Path, adapter: Option<&Path>, threads: i32) -> Result<Scorer<'m>, String> {
    let loaded = match loaded.get() {
        Some(loaded) => loaded,
        None => {
            // llama.cpp would only say that it got nothing.
            std::fs::File::open(path).map_err(|error| error.to_string())?;
            let mut model = LlamaModel::load_from_file(backend, path, &LlamaModelParams::default().with_n_gpu_layers(0))
                .map_err(|_| "llama.cpp does not load it".to_owned())?;
            let adapter = adapter.map(|adapter| {
                std::fs::File::open(adapter).map_err(|error| format!("its adapter {}: {error}", adapter.display()))?;
                let opened = model.lora_adapter_init(adapter).map_err(|_| format!("llama.cpp does not load its adapter {}", adapter.display()))?;
                Ok::<_, String>(RefCell::new(opened))
            });
            let adapter = adapter.transpose()?;
            loaded.get_or_init(|| Loaded { model, adapter })
        }
    };
    Scorer::new(backend, &loaded.model, loaded.adapter.as_ref(), threads)
}

/// The last errors that llama.cpp logged: they say why, where its own answer is only that it failed. Everything milder it logs is dropped.
#[derive(Clone, Default)]
struct Complaints(Arc<Mutex<Vec<u8>>>);

impl Complaints {
    fn listen() -> Complaints {
        let complaints = Complaints::default();
        let writer = complaints.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::ERROR)
            .with_ansi(false)
            .with_level(false)
            .with_target(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        // Only one subscriber can be set, and this process has no other.
        let _ = tracing::subscriber::set_global_default(subscriber);
        send_logs_to_tracing(LogOptions::default());
        complaints
    }

    /// As the end of a sentence; empty where there are none.
    fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let said = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if lines.is_empty() { String::new() } else { format!(" ({})", lines.join("; ")) }
    }
}

impl Write for Complaints {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(bytes);
        let over = kept.len().saturating_sub(limits::ERROR_BYTES_MAX);
        kept.drain(..over);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
