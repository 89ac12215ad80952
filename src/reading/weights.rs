//! How much the model's answers count beside the words' evidence, for each kind of question. The words always count in full.
//!
//! `models/train/fit.py` fits weights for both by cross-validation over layout families; what it finds, and why it is not in use yet, stands in models/README.md.

use super::questions::About;

/// The model's log odds of each answer, and whether it has an adapter.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ModelOdds {
    pub odds: Vec<f64>,
    pub is_trained: bool,
}

/// It decides where the words leave a question open, and makes a value doubtful where it contradicts them.
fn weight(about: About, is_trained: bool) -> f64 {
    match (about, is_trained) {
        (About::Date, _) | (About::Part, true) => 0.3,
        (About::Part, false) => 0.25,
        (About::Kind, true) => 0.15,
        (About::Maker | About::Number, true) => 0.35,
        (About::Kind | About::Maker | About::Number, false) => 0.1,
    }
}

/// Log odds of each answer by both; by the words alone where nothing was asked, or no answer counts.
pub(super) fn joined(about: About, evidence: &[f64], model: Option<&ModelOdds>) -> Vec<f64> {
    let Some(model) = model else { return evidence.to_vec() };
    let weight = weight(about, model.is_trained);
    let mean = model.odds.iter().sum::<f64>() / model.odds.len().max(1) as f64;
    let of_model = |at: usize| model.odds.get(at).map_or(0.0, |odds| odds - mean);
    evidence.iter().enumerate().map(|(at, words)| words + weight * of_model(at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_differences_between_the_models_answers_count() {
        let of = |odds: &[f64]| joined(About::Part, &[1.0, 0.0, 0.0], Some(&ModelOdds { odds: odds.to_vec(), is_trained: true }));
        let (one, other) = (of(&[-1.0, -2.0, -3.0]), of(&[-11.0, -12.0, -13.0]));
        assert!(one.iter().zip(&other).all(|(one, other)| (one - other).abs() < 1e-9));
    }
}
