//! What an adapter is trained on: the very questions that a document puts, in the model's tokens, with the answers that its label makes right. The trainer has no
//! second idea of what a candidate is or how a question is written.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    SiteKnowledge,
    cues::{DateRole, PartRole},
    ids::fold,
    kind::KINDS,
    layout::Layout,
    prose::{self, Open},
    questions::Asked,
};
use crate::{
    domain::{document::Document, maker::MakerAliases, notice::NoticeKind, part::normal_mpn},
    llm::{Engine, LlmError},
};

/// One question with the number of its right choice.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Lesson {
    /// As a person reads it.
    pub question: String,
    /// Tokens of the prefix and of the question.
    pub tokens: Vec<i32>,
    /// Tokens of each answer that is allowed.
    pub choices: Vec<Vec<i32>>,
    pub right: usize,
    /// Log odds of each answer by the words' evidence alone.
    pub evidence: Vec<f64>,
    /// Log probability of each answer by the model, where it has an adapter: what the weights of both are fitted on.
    pub scores: Vec<f32>,
}

/// What a label says about one question.
struct Answered {
    /// `None` where it has two answers.
    right: Option<usize>,
    evidence: Vec<f64>,
}

/// A question that the label answers in two ways (a date that is two things at once) teaches nothing and is left out.
pub(super) fn of(engine: &Engine, aliases: &MakerAliases, document: &Document, label: &Value) -> Result<Vec<Lesson>, LlmError> {
    let open = prose::open(&Layout::new(document), aliases, &SiteKnowledge::default());
    let (prefix, questions) = open.questions.trained();
    let right = right_answers(&open, aliases, label);
    if questions.is_empty() {
        return Ok(Vec::new());
    }
    let tokenised = engine.tokenise(prefix, &questions)?;
    let scores = if engine.info().adapter.is_some() { engine.score(prefix, &questions)?.logprobs } else { vec![Vec::new(); questions.len()] };
    let asked = questions.into_iter().zip(tokenised.questions).zip(scores).enumerate();
    Ok(asked
        .filter_map(|(number, ((question, tokens), scores))| {
            let Answered { right, evidence } = right.get(&number)?;
            let tokens_before = tokenised.prefix.iter().copied().chain(tokens.text).collect();
            Some(Lesson {
                question: question.text,
                tokens: tokens_before,
                choices: tokens.choices,
                right: (*right)?,
                evidence: evidence.clone(),
                scores,
            })
        })
        .collect())
}

/// By number of the question.
fn right_answers(open: &Open, aliases: &MakerAliases, label: &Value) -> HashMap<usize, Answered> {
    let mut right: HashMap<usize, Answered> = HashMap::new();
    let mut learn = |asked: Option<Asked>, answer: Option<usize>, evidence: &[f64]| {
        if let (Some(asked), Some(answer)) = (asked, answer) {
            let known = right.entry(asked.0).or_insert_with(|| Answered { right: Some(answer), evidence: evidence.to_vec() });
            known.right = known.right.filter(|known| *known == answer);
        }
    };
    // The flat form calls a retraction OTHER; a label to learn from says it as `kind`.
    let kind = label["kind"].as_str().or_else(|| label["notice_type"].as_str()).unwrap_or("");
    learn(open.kind_asked, KINDS.iter().position(|known| known.as_str() == kind), &open.kind_evidence);
    for date in &open.dates {
        let role = date_role(label, &date.candidate.date.to_string());
        learn(date.asked, DateRole::ALL.iter().position(|known| *known == role), &date.evidence);
    }
    let maker = label["manufacturer"].as_str().map(|maker| aliases.key(maker));
    for candidate in &open.makers {
        learn(candidate.asked, Some(usize::from(maker.as_ref() != Some(&candidate.key))), &[candidate.evidence, 0.0]);
    }
    let number = label["notice_id"].as_str().map(fold);
    for candidate in &open.ids {
        learn(candidate.asked, Some(usize::from(number != Some(fold(&candidate.printed)))), &[candidate.evidence, 0.0]);
    }
    let affected: Vec<String> = strings(&label["affected_parts"]);
    let replacements: Vec<String> =
        label["replacements"].as_object().into_iter().flatten().filter_map(|(_, number)| number.as_str()).map(normal_mpn).collect();
    // What a retraction once ended is named in it like what ends.
    let tells_parts = kind != NoticeKind::Retraction.as_str();
    for group in open.parts.iter().filter(|_| tells_parts) {
        for number in group.numbers().map(normal_mpn) {
            let role = if affected.contains(&number) {
                PartRole::Affected
            } else if replacements.contains(&number) {
                PartRole::Replacement
            } else {
                PartRole::Neither
            };
            learn(group.asked, PartRole::ALL.iter().position(|known| *known == role), &group.evidence);
        }
    }
    right
}

fn date_role(label: &Value, day: &str) -> DateRole {
    let of_parts = || label["per_part_ltb"].as_object().into_iter().flatten().any(|(_, own)| own == day);
    let other = |list: &str, role: &str| label[list].as_array().into_iter().flatten().any(|other| other["date"] == day && other["role"] == role);
    let inferred = |role: DateRole| other("inferred_dates", role.name());
    if label["last_time_buy"] == day || of_parts() || inferred(DateRole::Buy) {
        DateRole::Buy
    } else if label["last_time_ship"] == day || inferred(DateRole::Ship) {
        DateRole::Ship
    } else if label["issue_date"] == day || inferred(DateRole::Issue) {
        DateRole::Issue
    } else if other("other_dates", DateRole::Effective.name()) {
        DateRole::Effective
    } else {
        DateRole::None
    }
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(normal_mpn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_says_which_answers_are_right() {
        let text = "Product Discontinuance Notice PDN-2026-17\nIssue date: 2026-10-01\n\nAffected part number: AX100-3\nReplacement: AX110-3\n\nLast time buy date: 2027-04-30\nForm revision: 2019-01-15\n";
        let document = Document::plain(text);
        let label = serde_json::json!({ "notice_type": "PDN", "issue_date": "2026-10-01", "last_time_buy": "2027-04-30", "affected_parts": ["AX100-3"],
            "replacements": { "AX100-3": "AX110-3" } });
        let aliases = MakerAliases::default();
        let open = prose::open(&Layout::new(&document), &aliases, &SiteKnowledge::default());
        let right = right_answers(&open, &aliases, &label);
        let (_, questions) = open.questions.trained();
        let answered: Vec<(&str, &str)> = questions
            .iter()
            .enumerate()
            .map(|(number, question)| (question.text.as_str(), question.choices[right[&number].right.expect("one answer")].as_str()))
            .collect();
        for (words, answer) in [
            ("Notice: ", " ending"),
            ("Issue date", " issue"),
            ("Last time buy", " buy"),
            ("Form revision", " other"),
            ("Affected part", " ending"),
            ("Replacement", " replacement"),
        ] {
            assert!(answered.iter().any(|(question, right)| question.contains(words) && *right == answer), "{words}: {answered:?}");
        }
    }
}
