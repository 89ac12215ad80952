//! How fast a model is on this machine, at the two things it is asked to do: take in a text, and answer questions behind one that it knows.

use std::time::Instant;

use serde::Serialize;

use super::{Engine, LlmError, ModelInfo, Question};
use crate::child::Program;

#[derive(Debug, Clone, Serialize)]
pub struct Speed {
    /// From the file's checksum to the first answer.
    pub load_seconds: f64,
    pub prompt_tokens_per_second: f64,
    pub questions_per_second: f64,
    /// The most that the child had in memory; `None` where the system does not tell.
    pub memory_bytes: Option<u64>,
}

/// Texts that are taken in, and rounds of questions; the median of each is told.
const TIMES: usize = 3;
/// Lines of a text: about a thousand tokens.
const LINES: usize = 32;
const QUESTIONS: usize = 48;

/// Loads the model in a child of its own and measures it.
pub fn measure(program: Program, model: &ModelInfo, threads: usize) -> Result<Speed, LlmError> {
    let begin = Instant::now();
    let engine = Engine::start(program, &model.path, threads)?;
    let one = [question(0)];
    engine.score("", &one)?;
    let load_seconds = begin.elapsed().as_secs_f64();
    let (mut prompt, mut asked) = (Vec::new(), Vec::new());
    for time in 0..TIMES {
        // Texts that begin differently: what was taken in before is of no use.
        let text = text(time);
        let begin = Instant::now();
        let scored = engine.score(&text, &one)?;
        prompt.push(f64::from(scored.tokens) / begin.elapsed().as_secs_f64());
        let questions: Vec<Question> = (0..QUESTIONS).map(question).collect();
        let short = "Product discontinuance notice. Dates and parts are asked for.\n";
        // Known from here on.
        engine.score(short, &one)?;
        let begin = Instant::now();
        engine.score(short, &questions)?;
        asked.push(QUESTIONS as f64 / begin.elapsed().as_secs_f64());
    }
    let memory_bytes = engine.pid().and_then(peak_bytes);
    Ok(Speed { load_seconds, prompt_tokens_per_second: median(prompt), questions_per_second: median(asked), memory_bytes })
}

fn text(time: usize) -> String {
    let line = |number: usize| {
        format!("{}. Part AX{}-TR ends; order it by 31 March {} at the latest, for shipment by autumn.\n", number + time, 7800 + number, 2027 + time)
    };
    (0..LINES).map(line).collect()
}

fn question(number: usize) -> Question {
    let choices = ["last order", "last shipment", "issue of this notice", "none of these"].map(|role| format!(" {role}"));
    Question { text: format!("The date {} March 2027 behind \"ends on\" is the day of the ->", number % 28 + 1), choices: choices.to_vec() }
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or(0.0)
}

fn peak_bytes(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
}
