//! The model engine with the real model, in the real child: what it computes, and what it survives.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

mod common;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use lastbuy::{
    child::Program,
    limits,
    llm::{self, Engine, LlmError, Question},
};

fn start(model: &Path) -> Result<Engine, LlmError> {
    Engine::start(Program::at(env!("CARGO_BIN_EXE_lastbuy")), model, 1)
}

fn engine() -> Engine {
    start(&common::model()).expect("the default model")
}

fn ask(text: &str, choices: &[&str]) -> Question {
    Question { text: text.to_owned(), choices: choices.iter().map(|choice| (*choice).to_owned()).collect() }
}

const NOTICE: &str = "PRODUCT DISCONTINUANCE NOTICE PDN-2026-0417\nAcme Semiconductor will discontinue the voltage regulator AX7805-TR.\nLast time buy: 31 March 2027. Last \
                      time ship: 30 September 2027.\nThe replacement is AX7805B-TR.\n";

/// Questions of different lengths, with short and long choices, enough for many rounds.
fn many() -> Vec<Question> {
    let roles = [" yes", " no", " last time buy", " last time ship", " issue date of this notice"];
    (1..=10)
        .map(|number| {
            let words = "is it so that ".repeat(number % 7 + 1);
            ask(&format!("\nQuestion {number}: {words}31 March 2027 is the ->"), &roles[..2 + number % 4])
        })
        .collect()
}

#[test]
fn probabilities_are_probabilities() {
    let engine = engine();
    let digits: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
    let scored = engine
        .score(
            "",
            &[
                ask("The capital of France is", &[" Paris", " London", " bananas"]),
                Question { text: "1, 2, 3, 4, 5, 6, ".trim_end().to_owned() + " ", choices: digits },
                ask("The capital of France is Paris", &[".", ", which"]),
                ask("The capital of France is", &[" Paris.", " Paris, which"]),
            ],
        )
        .expect("scored");
    let [capital, digits, after, joined] = &scored.logprobs[..] else { panic!("{scored:?}") };
    assert!(capital[0] > capital[1] && capital[1] > capital[2] && capital[0] > 0.3_f32.ln(), "{capital:?}");
    let sum: f32 = digits.iter().map(|logprob| logprob.exp()).sum();
    assert!(sum > 0.3 && sum <= 1.0 + 1e-4, "the digits sum to {sum}");
    assert_eq!(digits.iter().copied().fold(f32::MIN, f32::max), digits[7], "{digits:?}");
    // The chain rule: a choice of several tokens is the product of its parts.
    for (part, whole) in after.iter().zip(joined) {
        assert!((capital[0] + part - whole).abs() < 1e-4, "{} + {part} is not {whole}", capital[0]);
    }
}

#[test]
fn questions_beside_each_other_are_answered_as_one_by_one() {
    let (engine, mut questions) = (engine(), many());
    questions.insert(7, ask(" Yes", &[" yes", "."]));
    questions.push(ask(" A", &[" B"]));
    let together = engine.score(NOTICE, &questions).expect("scored").logprobs;
    let alone: Vec<Vec<f32>> =
        questions.iter().map(|question| engine.score(NOTICE, std::slice::from_ref(question)).expect("scored").logprobs.remove(0)).collect();
    assert_eq!(together, alone);
    assert!(together.iter().flatten().all(|logprob| logprob.is_finite() && *logprob < 0.0));
}

#[test]
fn a_prefix_is_evaluated_once_and_changes_nothing() {
    let (engine, questions) = (engine(), many());
    let first = engine.score(NOTICE, &questions).expect("scored");
    let second = engine.score(NOTICE, &questions).expect("scored");
    assert_eq!(first.logprobs, second.logprobs);
    assert!(second.tokens < first.tokens, "{} tokens after {}", second.tokens, first.tokens);
    let elsewhere = engine.score("A recipe for soup.\n", &questions).expect("scored");
    assert_ne!(first.logprobs, elsewhere.logprobs, "the prefix is not read");
    // Read anew, by the same child and by another one: still the same.
    assert_eq!(engine.score(NOTICE, &questions).expect("scored"), first);
    assert_eq!(self::engine().score(NOTICE, &questions).expect("scored"), first);
}

#[test]
fn the_child_is_confined_and_control_tokens_in_a_text_are_text() {
    let engine = engine();
    let status = std::fs::read_to_string(format!("/proc/{}/status", engine.pid().expect("a child"))).expect("status");
    assert!(status.contains("Seccomp:\t2") && status.contains("NoNewPrivs:\t1"), "{status}");
    let question = [ask(" ->", &[" A"])];
    let word = engine.score("x", &question).expect("scored").tokens;
    let marker = engine.score("<|im_end|>", &question).expect("scored").tokens;
    assert!(marker > word + 2, "a control token was read out of the text: {marker} tokens");
    // An empty prefix, bytes that are no words, and a boundary inside what would be one token.
    for (prefix, text, choice) in [("", "A", " B"), ("\u{0}\u{feff}\n", "日本語", "が"), ("inter", "nation", "al"), ("a", " ", " ")] {
        let scored = engine.score(prefix, &[ask(text, &[choice, "zz"])]).expect("scored");
        assert!(scored.logprobs[0].iter().all(|logprob| logprob.is_finite()), "{scored:?}");
    }
}

#[test]
fn a_killed_child_costs_one_request() {
    let (engine, questions) = (engine(), many());
    let before = engine.score(NOTICE, &questions).expect("scored");
    let pid = engine.pid().expect("a child");
    kill(pid);
    let error = engine.score(NOTICE, &questions).expect_err("the child is dead");
    assert!(matches!(&error, LlmError::Child(why) if why.contains("SIGKILL") || why.contains("signal: 9")), "{error}");
    assert_eq!(engine.score(NOTICE, &questions).expect("scored"), before);
    assert_ne!(engine.pid().expect("a child"), pid);
    // In the middle of its work as well.
    let long = "A word and another. ".repeat(600);
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| engine.score(&long, &questions));
        std::thread::sleep(Duration::from_millis(300));
        kill(engine.pid().expect("a child at work"));
        let error = asked.join().expect("thread").expect_err("the child is dead");
        assert!(matches!(error, LlmError::Child(_)), "{error}");
    });
    assert_eq!(engine.score(NOTICE, &questions).expect("scored"), before);
}

fn kill(pid: u32) {
    let pid = libc::pid_t::try_from(pid).expect("pid");
    // SAFETY: sends a signal to a child of this process that has not been waited for.
    #[allow(unsafe_code, reason = "kill(2) has no safe form in std")]
    let sent = unsafe { libc::kill(pid, libc::SIGKILL) };
    assert_eq!(sent, 0);
}

#[test]
fn what_does_not_fit_is_told_and_the_child_lives() {
    let engine = engine();
    let pid = engine.pid();
    let tokens = engine.context_tokens() as usize;
    assert!(tokens <= limits::LLM_CONTEXT_TOKENS_MAX as usize && tokens > 1000, "{tokens}");
    let words = |count| " word".repeat(count);
    let over = limits::LLM_TEXT_BYTES_MAX + 1;
    for (prefix, question, part) in [
        (words(tokens), ask(" is", &[" A"]), "the text before the questions has"),
        (words(tokens - 20), ask(&words(30), &[" A"]), "question 1 does not fit"),
        (words(tokens - 20), ask(" is", &[" A", &words(30)]), "of its longest choice"),
        ("x".repeat(over), ask(" is", &[" A"]), "bytes, over the limit"),
        (words(1), ask(&"x".repeat(over), &[" A"]), "over the limit"),
        (words(1), ask("", &[" A"]), "question 1 is empty"),
        (words(1), ask(" is", &[" A", ""]), "one of its choices is"),
        (words(1), ask(" is", &vec![" A"; limits::LLM_CHOICES_MAX + 1]), "choices, over the limit"),
    ] {
        let error = engine.score(&prefix, &[question]).expect_err("does not fit");
        assert!(matches!(&error, LlmError::Question(why) if why.contains(part)), "{error} instead of {part}");
    }
    let error = engine.score("x", &vec![ask(" is", &[" A"]); limits::LLM_QUESTIONS_MAX + 1]).expect_err("too many");
    assert!(matches!(error, LlmError::Question(_)), "{error}");
    // The edge itself: the last token of the context is used.
    let edge = engine.score(&words(tokens - 20), &[ask(&words(10), &[" A", &words(10)])]).expect("fits");
    assert!(edge.logprobs[0].iter().all(|logprob| logprob.is_finite()));
    // Texts at the limit of bytes without a blank overflow no stack in the tokeniser.
    for unit in ["x", "7", " ", "\n", "é", "-"] {
        let text = words(tokens) + &unit.repeat((limits::LLM_TEXT_BYTES_MAX - 5 * tokens) / unit.len());
        let error = engine.score(&text, &[ask(" is", &[" A"])]).expect_err("does not fit");
        assert!(matches!(&error, LlmError::Question(why) if why.contains("tokens")), "{unit:?}: {error}");
    }
    // More long choices than there are sequences, and no choices at all.
    let choices: Vec<String> = (0..200).map(|number| format!(" choice number {number}")).collect();
    let scored = engine.score(NOTICE, &[Question { text: "It is".to_owned(), choices }, ask(" so", &[])]).expect("scored");
    assert_eq!(scored.logprobs.iter().map(Vec::len).collect::<Vec<_>>(), [200, 0]);
    assert_eq!(engine.score(NOTICE, &[]).expect("nothing asked").tokens, 0);
    assert_eq!(engine.pid(), pid, "the child was started again");
}

#[test]
fn a_model_file_that_is_none_gives_a_sentence() {
    let dir = tempfile::tempdir().expect("folder");
    let file = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).expect("file");
        path
    };
    let whole = std::fs::read(common::model()).expect("the default model");
    for (path, part) in [
        (dir.path().join("gone.gguf"), "No such file"),
        (dir.path().to_path_buf(), "cannot be used"),
        (file("empty.gguf", b""), "not a GGUF file"),
        (file("text.gguf", b"I am no model, only a text about one."), "not a GGUF file"),
        (file("head.gguf", &whole[..1000]), "not copied whole"),
        (file("half.gguf", &whole[..whole.len() / 2]), "llama.cpp does not load it"),
        (file(llm::DEFAULT_MODEL_FILE, &whole[..whole.len() / 2]), "instead of b179c952"),
    ] {
        let error = start(&path).err().map(|error| error.to_string()).unwrap_or_default();
        println!("{error}");
        assert!(error.contains(part) && error.contains(&path.display().to_string()), "{error:?} instead of {part:?}");
    }
    let error = llm::verify_model(&dir.path().join("gone.gguf")).expect_err("gone").to_string();
    assert!(error.contains("No such file"), "{error}");
}

#[test]
fn the_default_model_knows_its_name_and_licence() {
    let info = llm::verify_model(&common::model()).expect("the default model");
    assert!(info.is_default);
    assert_eq!((info.sha256.as_str(), info.bytes), (llm::DEFAULT_MODEL_SHA256, 98_362_432));
    assert_eq!(info.licence.as_deref(), Some("apache-2.0"));
    assert_eq!(info.context_tokens, Some(8192));
    assert!(info.name.to_lowercase().contains("smollm2"), "{}", info.name);
}

#[test]
fn the_adapter_in_the_program_answers_with_the_default_model_only() {
    let dir = tempfile::tempdir().expect("folder");
    // No adapter lies beside either; the same weights in a file that is another by one byte are not the default model.
    let (default, plain) = (dir.path().join(llm::DEFAULT_MODEL_FILE), dir.path().join("plain.gguf"));
    let mut bytes = std::fs::read(common::model()).expect("the default model");
    std::fs::write(&default, &bytes).expect("file");
    bytes.push(0);
    std::fs::write(&plain, bytes).expect("file");
    let (adapted, plain) = (start(&default).expect("the default model"), start(&plain).expect("the same model"));
    let adapter = adapted.info().adapter.clone().expect("an adapter");
    assert_eq!((adapter.path, adapter.sha256.as_str()), (None, llm::DEFAULT_ADAPTER_SHA256));
    assert!(plain.info().adapter.is_none());
    let (with, without) = (adapted.score(NOTICE, &many()).expect("scored").logprobs, plain.score(NOTICE, &many()).expect("scored").logprobs);
    let moved = with.iter().flatten().zip(without.iter().flatten()).map(|(with, without)| (with - without).abs()).fold(0.0_f32, f32::max);
    assert!(moved > 0.5, "the adapter moves no answer by more than {moved}");
}
