//! One context of llama.cpp, and how answers are scored in it. The prefix lies in sequence 0 and stays there for the next request; a round's questions are
//! evaluated beside each other in sequences that share its cells, in rounds small enough that they do not touch each other's answers
//! (`limits::LLM_ROUND_TOKENS`). Everything that llama.cpp asserts is checked here first.

use std::{cell::RefCell, num::NonZeroU32};

use llama_cpp_2::{
    context::{LlamaContext, params::LlamaContextParams},
    llama_backend::LlamaBackend,
    llama_batch::LlamaBatch,
    model::{LlamaLoraAdapter, LlamaModel},
    token::LlamaToken,
    vocab::LlamaVocab,
};

use super::{
    Question, Scored, Tokenised, TokenisedQuestion,
    plan::{self, Item, Room, Tokens},
};
use crate::limits;

pub(super) enum ScoreError {
    /// Over a limit: the same request can never be answered.
    Unanswerable(String),
    /// llama.cpp failed at it.
    Failed(String),
}

fn failed(what: &str, error: impl std::fmt::Display) -> ScoreError {
    ScoreError::Failed(format!("the model failed while it {what}: {error}"))
}

pub(super) struct Scorer<'m> {
    vocab: LlamaVocab<'m>,
    context: LlamaContext<'m>,
    batch: LlamaBatch<'static>,
    context_tokens: usize,
    /// What is evaluated in sequence 0.
    prefix: Vec<LlamaToken>,
    /// Tokens evaluated for the request in hand.
    evaluated: usize,
}

impl<'m> Scorer<'m> {
    /// `threads` is what llama.cpp uses. The error is a sentence.
    pub(super) fn new(
        backend: &LlamaBackend,
        model: &'m LlamaModel,
        adapter: Option<&RefCell<LlamaLoraAdapter>>,
        threads: i32,
    ) -> Result<Scorer<'m>, String> {
        if model.is_recurrent() || model.is_hybrid() {
            return Err("it is a recurrent model, which cannot share the evaluation of a text between questions: use a plain transformer".to_owned());
        }
        let context_tokens = model.n_ctx_train().min(limits::LLM_CONTEXT_TOKENS_MAX);
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(context_tokens))
            // A round's only item may be larger than a full round, up to the whole context.
            .with_n_batch(context_tokens)
            .with_n_ubatch(limits::LLM_RUN_TOKENS.min(context_tokens))
            .with_n_seq_max(limits::LLM_SEQUENCES)
            // One set of cells for all sequences; otherwise copying a part of one asserts.
            .with_kv_unified(true)
            .with_n_threads(threads)
            .with_n_threads_batch(threads)
            .with_offload_kqv(false)
            .with_no_perf(true);
        let mut context = model.new_context(backend, params).map_err(|error| format!("it gives no context of {context_tokens} tokens: {error}"))?;
        if let Some(adapter) = adapter {
            context.lora_adapter_set(&mut adapter.borrow_mut(), 1.0).map_err(|error| format!("its adapter is for another model: {error}"))?;
        }
        // llama.cpp rounds these; what it says counts.
        let context_tokens = (context.n_ctx().min(context.n_batch())).min(context_tokens) as usize;
        let sequences = i32::try_from(limits::LLM_SEQUENCES).map_err(|error| error.to_string())?;
        let batch = LlamaBatch::new(context_tokens, sequences);
        Ok(Scorer { vocab: model.vocab(), context, batch, context_tokens, prefix: Vec::new(), evaluated: 0 })
    }

    pub(super) fn context_tokens(&self) -> usize {
        self.context_tokens
    }

    pub(super) fn score(&mut self, prefix: &str, questions: &[Question]) -> Result<Scored, ScoreError> {
        self.evaluated = 0;
        check(prefix, questions)?;
        let head = self.prefix_tokens(prefix);
        if head.len() >= self.context_tokens {
            return Err(ScoreError::Unanswerable(format!(
                "the text before the questions has {} tokens, and the model takes {} with question and answer: cut it",
                head.len(),
                self.context_tokens
            )));
        }
        let tokens = self.questions_tokens(prefix, questions)?;
        // Sequence 0 is the prefix's.
        let room = Room { tokens: self.context_tokens - head.len(), full: limits::LLM_ROUND_TOKENS, sequences: limits::LLM_SEQUENCES as usize - 1 };
        let rounds = plan::rounds(&tokens, room).map_err(|number| {
            let longest = tokens[number].choices.iter().map(Vec::len).max().unwrap_or(0);
            ScoreError::Unanswerable(format!(
                "question {} does not fit: {} tokens before it, {} of its own, {longest} of its longest choice, and the model takes {}: ask with a shorter text",
                number + 1,
                head.len(),
                tokens[number].text.len(),
                self.context_tokens
            ))
        })?;
        let result = self.hold(head).and_then(|()| self.run(&rounds, &tokens, questions));
        if result.is_err() {
            // Whatever the cells hold now, it is not a prefix to build on.
            self.prefix.clear();
            self.context.clear_kv_cache();
        }
        Ok(Scored { logprobs: result?, tokens: u32::try_from(self.evaluated).unwrap_or(u32::MAX) })
    }

    pub(super) fn tokenised(&self, prefix: &str, questions: &[Question]) -> Result<Tokenised, ScoreError> {
        check(prefix, questions)?;
        let numbers = |tokens: &[LlamaToken]| tokens.iter().map(|token| token.0).collect::<Vec<i32>>();
        let questions = self.questions_tokens(prefix, questions)?;
        let questions = questions.iter().map(|question| TokenisedQuestion {
            text: numbers(&question.text),
            choices: question.choices.iter().map(|choice| numbers(choice)).collect(),
        });
        Ok(Tokenised { prefix: numbers(&self.prefix_tokens(prefix)), questions: questions.collect() })
    }

    fn run(&mut self, rounds: &[Vec<Item>], tokens: &[Tokens<LlamaToken>], questions: &[Question]) -> Result<Vec<Vec<f32>>, ScoreError> {
        let mut logprobs: Vec<Vec<f32>> = questions.iter().map(|question| vec![0.0; question.choices.len()]).collect();
        for round in rounds {
            self.round(round, tokens, &mut logprobs)?;
        }
        Ok(logprobs)
    }

    /// Has exactly these tokens evaluated in sequence 0.
    fn hold(&mut self, tokens: Vec<LlamaToken>) -> Result<(), ScoreError> {
        if self.prefix == tokens {
            return Ok(());
        }
        self.prefix.clear();
        self.context.clear_kv_cache();
        let mut position = 0;
        for run in tokens.chunks(limits::LLM_RUN_TOKENS as usize) {
            self.batch.clear();
            for token in run {
                self.batch.add(*token, position, &[0], false).map_err(|error| failed("took in the text", error))?;
                position += 1;
            }
            self.decode("read the text")?;
        }
        self.prefix = tokens;
        Ok(())
    }

    fn decode(&mut self, what: &str) -> Result<(), ScoreError> {
        self.context.decode(&mut self.batch).map_err(|error| failed(what, error))?;
        self.evaluated += usize::try_from(self.batch.n_tokens()).unwrap_or(0);
        Ok(())
    }

    /// Evaluates the items beside each other, reads their probabilities and takes them out of the cells again.
    fn round(&mut self, items: &[Item], questions: &[Tokens<LlamaToken>], logprobs: &mut [Vec<f32>]) -> Result<(), ScoreError> {
        let what = "read the questions";
        let first = i32::try_from(self.prefix.len()).map_err(|error| failed(what, error))?;
        self.batch.clear();
        let mut wanted = Vec::new();
        let mut next_sequence = 1;
        for item in items {
            let question = &questions[item.question];
            let branches: Vec<usize> = item.choices.iter().copied().filter(|choice| question.choices[*choice].len() > 1).collect();
            let sequences: Vec<i32> = (next_sequence..).take(1 + branches.len()).collect();
            next_sequence += 1 + branches.len() as i32;
            for sequence in &sequences {
                self.context.copy_kv_cache_seq(0, *sequence, None, None).map_err(|error| failed(what, error))?;
            }
            let mut position = first;
            let (last, before) = question.text.split_last().ok_or_else(|| failed(what, "a question is empty"))?;
            for token in before {
                self.batch.add(*token, position, &sequences, false).map_err(|error| failed(what, error))?;
                position += 1;
            }
            let row = self.batch.n_tokens();
            self.batch.add(*last, position, &sequences, true).map_err(|error| failed(what, error))?;
            position += 1;
            wanted.extend(item.choices.iter().map(|choice| Wanted {
                row,
                question: item.question,
                choice: *choice,
                token: question.choices[*choice][0],
            }));
            for (choice, sequence) in branches.into_iter().zip(&sequences[1..]) {
                let tokens = &question.choices[choice];
                for (position, pair) in (position..).zip(tokens.windows(2)) {
                    let row = self.batch.n_tokens();
                    self.batch.add(pair[0], position, &[*sequence], true).map_err(|error| failed(what, error))?;
                    wanted.push(Wanted { row, question: item.question, choice, token: pair[1] });
                }
            }
        }
        // llama.cpp evaluates a lone token in another way; company that nobody asks about keeps its answer the same as among others.
        if self.batch.n_tokens() == 1 && self.prefix.len() + 2 <= self.context_tokens {
            let company = questions[items[0].question].text[0];
            self.context.copy_kv_cache_seq(0, 2, None, None).map_err(|error| failed(what, error))?;
            self.batch.add(company, first, &[2], false).map_err(|error| failed(what, error))?;
        }
        self.decode(what)?;
        let mut sums: Vec<f64> = Vec::with_capacity(wanted.len());
        let mut normaliser = (-1, 0.0);
        for one in &wanted {
            let logits = self.context.get_logits_ith(one.row);
            if normaliser.0 != one.row {
                normaliser = (one.row, log_sum_exp(logits));
            }
            let logit = usize::try_from(one.token.0).ok().and_then(|token| logits.get(token)).copied().map_or(f64::NAN, f64::from);
            sums.push(logit - normaliser.1);
        }
        if sums.iter().any(|sum| sum.is_nan()) {
            return Err(ScoreError::Failed("the model's output is not a number: its file is damaged, or no language model".to_owned()));
        }
        for (one, sum) in wanted.iter().zip(sums) {
            let so_far = &mut logprobs[one.question][one.choice];
            // A token that the model excludes altogether would be minus infinity, which JSON does not hold.
            *so_far = (f64::from(*so_far) + sum).max(f64::from(f32::MIN)) as f32;
        }
        self.context.llama_kv_cache_seq_keep(0);
        Ok(())
    }

    fn prefix_tokens(&self, prefix: &str) -> Vec<LlamaToken> {
        let mut tokens = if self.vocab.should_add_bos() { vec![self.vocab.bos()] } else { Vec::new() };
        tokens.extend(self.tokenise(prefix));
        tokens
    }

    fn questions_tokens(&self, prefix: &str, questions: &[Question]) -> Result<Vec<Tokens<LlamaToken>>, ScoreError> {
        let anchor = prefix.char_indices().next_back().map_or("", |(at, _)| &prefix[at..]);
        questions.iter().enumerate().map(|(number, question)| self.question_tokens(anchor, number, question)).collect()
    }

    /// See the top of `llm` for the rule.
    fn question_tokens(&self, anchor: &str, number: usize, question: &Question) -> Result<Tokens<LlamaToken>, ScoreError> {
        let before = format!("{anchor}{}", question.text);
        let text = self.continuation(&self.tokenise(anchor), &before, &question.text);
        let whole = self.tokenise(&before);
        let choices: Vec<Vec<LlamaToken>> =
            question.choices.iter().map(|choice| self.continuation(&whole, &format!("{before}{choice}"), choice)).collect();
        if text.is_empty() || choices.iter().any(Vec::is_empty) {
            return Err(ScoreError::Unanswerable(format!("question {} is empty, or one of its choices is", number + 1)));
        }
        Ok(Tokens { text, choices })
    }

    /// The tokens of `joined` behind those of its beginning, where it begins with them; otherwise those of the `rest` alone.
    fn continuation(&self, beginning: &[LlamaToken], joined: &str, rest: &str) -> Vec<LlamaToken> {
        match self.tokenise(joined).strip_prefix(beginning) {
            Some(tokens) if !beginning.is_empty() => tokens.to_vec(),
            _ => self.tokenise(rest),
        }
    }

    /// Without start token, and without reading control tokens out of the text.
    fn tokenise(&self, text: &str) -> Vec<LlamaToken> {
        self.vocab.tokenize(text.as_bytes(), false, false)
    }
}

/// A probability to read after a round: of this token, at this row of the batch, for this choice.
struct Wanted {
    row: i32,
    question: usize,
    choice: usize,
    token: LlamaToken,
}

/// Bounds on bytes and counts, before anything is tokenised.
fn check(prefix: &str, questions: &[Question]) -> Result<(), ScoreError> {
    let most = limits::LLM_TEXT_BYTES_MAX;
    if prefix.len() > most {
        return Err(ScoreError::Unanswerable(format!("the text before the questions has {} bytes, over the limit of {most}: cut it", prefix.len())));
    }
    if questions.len() > limits::LLM_QUESTIONS_MAX {
        let (count, most) = (questions.len(), limits::LLM_QUESTIONS_MAX);
        return Err(ScoreError::Unanswerable(format!("{count} questions are over the limit of {most} for one call: ask in several")));
    }
    for (number, question) in (1..).zip(questions) {
        if question.choices.len() > limits::LLM_CHOICES_MAX {
            let (count, most) = (question.choices.len(), limits::LLM_CHOICES_MAX);
            return Err(ScoreError::Unanswerable(format!("question {number} has {count} choices, over the limit of {most}")));
        }
        let bytes = question.text.len() + question.choices.iter().map(String::len).max().unwrap_or(0);
        if bytes > most {
            return Err(ScoreError::Unanswerable(format!("question {number} has {bytes} bytes with its longest choice, over the limit of {most}")));
        }
    }
    Ok(())
}

/// ln Σ eˣ, summed in f64 in a fixed order.
fn log_sum_exp(logits: &[f32]) -> f64 {
    let most = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    most + logits.iter().map(|logit| (f64::from(*logit) - most).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::log_sum_exp;

    #[test]
    fn the_normaliser_holds_large_numbers_and_shows_what_is_none() {
        assert!((log_sum_exp(&[1000.0, 1000.0]) - (1000.0 + 2.0_f64.ln())).abs() < 1e-12);
        assert!((log_sum_exp(&[0.0, f32::NEG_INFINITY]) - 0.0).abs() < 1e-12);
        assert!(log_sum_exp(&[0.0, f32::NAN]).is_nan());
        assert!(log_sum_exp(&[f32::NEG_INFINITY; 3]).is_nan());
    }
}
