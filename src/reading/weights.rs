//! How much the words' evidence and the model's answers count for each kind of question. `models/train/fit.py` fits the numbers on `tests/data/reading/dev`; its figures
//! by cross-validation stand in the model card.

use super::questions::About;

/// Log odds of an answer: `words` × evidence + `model` × the model's log odds + `lean` of the answer.
pub(super) struct Weights {
    words: f64,
    model: f64,
    lean: &'static [f64],
}

/// With the shipped adapter's answers: the words keep their full weight, and the model counts for a third beside them. A fit by cross-validation gives the model more
/// (model card) and is right a little more often, but its confidences are too low for most plain notices to pass; until those are calibrated, this is what is used.
fn trained(about: About) -> Weights {
    let model = match about {
        About::Date | About::Part => 0.3,
        About::Kind => 0.15,
        About::Maker | About::Number => 0.35,
    };
    Weights { model, ..words_alone(about) }
}

/// By the words alone: where nothing was asked, or no answer counts.
fn words_alone(about: About) -> Weights {
    let (words, lean): (f64, &[f64]) = match about {
        About::Date => (1.0, &[0.0; 5]),
        About::Part => (1.0, &[0.0; 3]),
        About::Kind => (1.0, &[0.0; 5]),
        About::Maker => (1.0, &[0.0; 2]),
        About::Number => (1.0, &[0.0; 2]),
    };
    Weights { words, model: 0.0, lean }
}

/// With the answers of a model that was not trained for these questions: it decides where the words leave a question open, and makes a value doubtful where it
/// contradicts them.
fn untrained(about: About) -> Weights {
    let model = match about {
        About::Date => 0.3,
        About::Part => 0.25,
        About::Kind | About::Maker | About::Number => 0.1,
    };
    Weights { model, ..words_alone(about) }
}

/// The model's log odds of each answer, and whether it has an adapter.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ModelOdds {
    pub odds: Vec<f64>,
    pub is_trained: bool,
}

/// Log odds of each answer by both.
pub(super) fn joined(about: About, evidence: &[f64], model: Option<&ModelOdds>) -> Vec<f64> {
    let weights = match model {
        Some(model) if model.is_trained => trained(about),
        Some(_) => untrained(about),
        None => words_alone(about),
    };
    let mean = model.map_or(0.0, |model| model.odds.iter().sum::<f64>() / model.odds.len().max(1) as f64);
    let of_model = |at: usize| model.and_then(|model| model.odds.get(at)).map_or(0.0, |odds| odds - mean);
    let lean = |at: usize| weights.lean.get(at).copied().unwrap_or(0.0);
    evidence.iter().enumerate().map(|(at, words)| weights.words * words + weights.model * of_model(at) + lean(at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{cues, kind};

    #[test]
    fn every_answer_has_its_lean() {
        for weights in [trained, words_alone] {
            assert_eq!(weights(About::Date).lean.len(), cues::DateRole::ALL.len());
            assert_eq!(weights(About::Part).lean.len(), cues::PartRole::ALL.len());
            assert_eq!(weights(About::Kind).lean.len(), kind::KINDS.len());
            assert_eq!((weights(About::Maker).lean.len(), weights(About::Number).lean.len()), (2, 2));
        }
    }

    #[test]
    fn only_differences_between_the_models_answers_count() {
        let of = |odds: &[f64]| joined(About::Part, &[1.0, 0.0, 0.0], Some(&ModelOdds { odds: odds.to_vec(), is_trained: true }));
        let (one, other) = (of(&[-1.0, -2.0, -3.0]), of(&[-11.0, -12.0, -13.0]));
        assert!(one.iter().zip(&other).all(|(one, other)| (one - other).abs() < 1e-9));
    }
}
