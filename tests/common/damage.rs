//! Input damaged at random, by a seed that makes the same damage again, and the inputs that are worth damaging further.
#![allow(dead_code, reason = "each test file uses its own part of this module")]

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

/// Inputs of one corpus; more answers than this are not told apart.
const INPUTS_MAX: usize = 2000;

/// xorshift64*: any generator does that gives the same damage for the same seed.
pub struct Chance(u64);

impl Chance {
    /// The damage of one round of one input.
    pub fn of(input: usize, round: u64) -> Chance {
        Chance(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(1 + (input as u64).wrapping_mul(1_000_003).wrapping_add(round)))
    }

    pub fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from((self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % below.max(1) as u64).expect("small")
    }
}

pub fn damaged(whole: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..=chance.below(6) {
        let at = chance.below(bytes.len());
        match chance.below(6) {
            0 if !bytes.is_empty() => bytes.truncate(at),
            1 => {
                let end = (at + chance.below(64)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = chance.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            2 => {
                let end = (at + chance.below(64)).min(bytes.len());
                bytes.drain(at..end);
            }
            3 => bytes.iter_mut().skip(at).take(4).for_each(|byte| *byte = 0xFF),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = u8::try_from(chance.below(256)).expect("byte");
                }
            }
        }
    }
    bytes
}

/// How many times the fixed number of rounds: once in the gate, far more in a soak.
pub fn rounds(in_the_gate: u64, in_a_soak: u64) -> u64 {
    let asked = std::env::var("LASTBUY_DAMAGED").ok().and_then(|rounds| rounds.parse().ok());
    asked.unwrap_or(if std::env::var_os("LASTBUY_SOAK").is_some() { in_a_soak } else { in_the_gate })
}

/// What is damaged: the seeds, and every input that got an answer which none before it got. `LASTBUY_CORPUS=DIR` keeps them from one run to the next.
pub struct Corpus {
    folder: Option<PathBuf>,
    answers: HashSet<String>,
    inputs: Vec<Vec<u8>>,
}

impl Corpus {
    pub fn new(name: &str, seeds: Vec<Vec<u8>>) -> Corpus {
        let folder = std::env::var_os("LASTBUY_CORPUS").map(|dir| Path::new(&dir).join(name));
        let mut inputs = seeds;
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder).expect("the corpus' folder");
            let mut kept: Vec<PathBuf> = std::fs::read_dir(folder).expect("corpus").map(|entry| entry.expect("entry").path()).collect();
            kept.sort();
            inputs.extend(kept.iter().take(INPUTS_MAX).map(|path| std::fs::read(path).expect("input")));
        }
        Corpus { folder, answers: HashSet::new(), inputs }
    }

    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// The input of one round, damaged.
    pub fn next(&self, chance: &mut Chance) -> Vec<u8> {
        damaged(&self.inputs[chance.below(self.inputs.len())], chance)
    }

    /// Notes what an input was answered; numbers and what is quoted of the input do not make another answer.
    pub fn note(&mut self, input: &[u8], answer: &str) {
        let shape: String = answer.split('\'').step_by(2).flat_map(str::chars).filter(|c| !c.is_ascii_digit()).take(200).collect();
        if self.inputs.len() >= INPUTS_MAX || !self.answers.insert(shape) {
            return;
        }
        if let Some(folder) = &self.folder {
            std::fs::write(folder.join(blake3::hash(input).to_hex().as_str()), input).expect("the corpus takes it");
        }
        self.inputs.push(input.to_vec());
    }
}

/// Runs one input; where that panics, the input is written to a file that the failure names.
pub fn guarded<T>(name: &str, input: &[u8], run: impl FnOnce() -> T) -> T {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or_else(|_| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", blake3::hash(input).to_hex()));
        std::fs::write(&path, input).expect("the input is written");
        panic!("{name} panics for the input in {}", path.display());
    })
}
