//! The usual way: a prompt, the text, and a grammar that only lets JSON of the flat form through; greedy.

use std::{num::NonZeroU32, path::Path, time::Instant};

use llama_cpp_2::{
    context::params::LlamaContextParams,
    llama_backend::LlamaBackend,
    llama_batch::LlamaBatch,
    model::{LlamaModel, params::LlamaModelParams},
    sampling::LlamaSampler,
};
use serde_json::Value;

use super::Case;

const CONTEXT_TOKENS: u32 = 4096;
const RUN_TOKENS: usize = 512;
const WRITTEN_TOKENS_MAX: usize = 400;

const GRAMMAR: &str = r#"
root ::= "{\"notice_type\":" kind ",\"manufacturer\":" text ",\"notice_id\":" text ",\"issue_date\":" date ",\"last_time_buy\":" date ",\"last_time_ship\":" date ",\"affected_parts\":" list ",\"replacements\":" pairs "}"
kind ::= "\"PDN\"" | "\"PCN\"" | "\"NRND\"" | "\"OTHER\""
text ::= "null" | string
string ::= "\"" [^"\\\n]{1,60} "\""
date ::= "null" | "\"20" [0-9] [0-9] "-" [0-1] [0-9] "-" [0-3] [0-9] "\""
list ::= "[]" | "[" string ("," string){0,24} "]"
pairs ::= "{}" | "{" string ":" text ("," string ":" text){0,24} "}"
"#;

const INSTRUCTION: &str = "Extract the discontinuance notice as JSON with the fields notice_type (PDN, PCN, NRND or OTHER), manufacturer, notice_id, issue_date, last_time_buy, \
last_time_ship (dates as YYYY-MM-DD), affected_parts (list of part numbers) and replacements (part number to its replacement or null). Use null for what is not stated.";

/// `told` gets each case with seconds, tokens evaluated, and what was written; text that is no JSON is nothing.
pub(super) fn all(path: &Path, threads: usize, cases: &[Case], mut told: impl FnMut(&Case, f64, usize, &Value)) {
    let mut backend = LlamaBackend::init().expect("llama.cpp");
    backend.void_logs();
    let model = LlamaModel::load_from_file(&backend, path, &LlamaModelParams::default().with_n_gpu_layers(0)).expect("the model");
    let threads = i32::try_from(threads).expect("threads");
    let params = LlamaContextParams::default().with_n_ctx(NonZeroU32::new(CONTEXT_TOKENS)).with_n_threads(threads).with_n_threads_batch(threads);
    let mut context = model.new_context(&backend, params).expect("a context");
    let vocab = model.vocab();
    for case in cases {
        let begin = Instant::now();
        let prompt = format!("<|im_start|>user\n{INSTRUCTION}\n\n{}<|im_end|>\n<|im_start|>assistant\n", case.document.text);
        let mut tokens = vocab.tokenize(prompt.as_bytes(), false, true);
        tokens.truncate(CONTEXT_TOKENS as usize - WRITTEN_TOKENS_MAX);
        context.clear_kv_cache();
        let mut batch = LlamaBatch::new(RUN_TOKENS, 1);
        let mut position = 0;
        for run in tokens.chunks(RUN_TOKENS) {
            batch.clear();
            for token in run {
                batch.add(*token, position, &[0], position as usize + 1 == tokens.len()).expect("room");
                position += 1;
            }
            context.decode(&mut batch).expect("decoded");
        }
        let grammar = LlamaSampler::grammar(&model, GRAMMAR, "root").expect("the grammar");
        let mut sampler = LlamaSampler::chain_simple([grammar, LlamaSampler::greedy()]);
        let mut written = Vec::new();
        let mut count = 0;
        while count < WRITTEN_TOKENS_MAX {
            // It tells the grammar what it took.
            let token = sampler.sample(&context, batch.n_tokens() - 1);
            if vocab.is_eog(token) {
                break;
            }
            written.extend(vocab.token_to_piece(token, false, None));
            count += 1;
            batch.clear();
            batch.add(token, position, &[0], true).expect("room");
            position += 1;
            context.decode(&mut batch).expect("decoded");
        }
        let json = serde_json::from_slice(&written).unwrap_or(Value::Null);
        told(case, begin.elapsed().as_secs_f64(), tokens.len() + count, &json);
    }
}
