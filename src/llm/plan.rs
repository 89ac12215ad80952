//! Which tokens are evaluated together. Pure: questions in tokens in, rounds out.
//!
//! A question's text is one run of tokens behind the prefix. A choice of one token needs nothing more: its probability stands at the text's last token. A
//! longer one is a branch, evaluated behind the text except for its last token. A round is one call of llama.cpp: texts of several questions side by side,
//! every text and every branch in a sequence of its own.

/// A question in tokens. Neither text nor any choice is empty.
pub(super) struct Tokens<T> {
    pub(super) text: Vec<T>,
    pub(super) choices: Vec<Vec<T>>,
}

/// Some choices of one question.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) question: usize,
    /// Numbers of the choices.
    pub(super) choices: Vec<usize>,
    /// Tokens it evaluates.
    pub(super) tokens: usize,
    /// Sequences it takes: one for the text, one for each branch.
    pub(super) sequences: usize,
}

/// What a round may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Tokens that fit behind the prefix: no item is larger.
    pub(super) tokens: usize,
    /// Tokens at which a round is full, unless its only item is larger.
    pub(super) full: usize,
    pub(super) sequences: usize,
}

/// The rounds in which every choice of every question is evaluated once; as few as simple filling in order gives. `Err` is the number of a question of which
/// one choice alone has no room.
pub(super) fn rounds<T>(questions: &[Tokens<T>], room: Room) -> Result<Vec<Vec<Item>>, usize> {
    let mut rounds: Vec<Vec<Item>> = Vec::new();
    let (mut tokens, mut sequences) = (0, 0);
    for (number, question) in questions.iter().enumerate() {
        for item in items(number, question, room)? {
            if rounds.is_empty() || tokens + item.tokens > room.full.min(room.tokens) || sequences + item.sequences > room.sequences {
                rounds.push(Vec::new());
                (tokens, sequences) = (0, 0);
            }
            tokens += item.tokens;
            sequences += item.sequences;
            if let Some(round) = rounds.last_mut() {
                round.push(item);
            }
        }
    }
    Ok(rounds)
}

/// A question is one item, unless its branches do not fit beside each other.
fn items<T>(number: usize, question: &Tokens<T>, room: Room) -> Result<Vec<Item>, usize> {
    let empty = || Item { question: number, choices: Vec::new(), tokens: question.text.len(), sequences: 1 };
    let mut items = vec![];
    let mut item = empty();
    for (choice, tokens) in question.choices.iter().enumerate() {
        let branch = tokens.len() - 1;
        if question.text.len() + branch > room.tokens {
            return Err(number);
        }
        let sequences = usize::from(branch > 0);
        if item.tokens + branch > room.tokens || item.sequences + sequences > room.sequences {
            items.push(std::mem::replace(&mut item, empty()));
        }
        item.choices.push(choice);
        item.tokens += branch;
        item.sequences += sequences;
    }
    items.push(item);
    Ok(items)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn question(text: usize, choices: &[usize]) -> Tokens<()> {
        Tokens { text: vec![(); text], choices: choices.iter().map(|length| vec![(); *length]).collect() }
    }

    #[test]
    fn short_questions_share_a_round_and_a_long_one_has_its_own() {
        let room = Room { tokens: 100, full: 30, sequences: 8 };
        let questions = [question(10, &[1, 1]), question(10, &[1, 3]), question(60, &[1]), question(5, &[1])];
        let rounds = rounds(&questions, room).expect("fits");
        let sizes: Vec<Vec<(usize, usize)>> = rounds.iter().map(|round| round.iter().map(|item| (item.tokens, item.sequences)).collect()).collect();
        assert_eq!(sizes, [vec![(10, 1), (12, 2)], vec![(60, 1)], vec![(5, 1)]]);
        assert_eq!(super::rounds(&[question(10, &[1]), question(99, &[2, 3])], room), Err(1));
    }

    proptest! {
        #[test]
        fn every_choice_once_and_never_too_much(
            shapes in prop::collection::vec((1_usize..60, prop::collection::vec(1_usize..30, 0..20)), 0..30),
            full in 1_usize..120,
            sequences in 2_usize..10,
        ) {
            let questions: Vec<_> = shapes.iter().map(|(text, choices)| question(*text, choices)).collect();
            let room = Room { tokens: 100, full, sequences };
            let rounds = rounds(&questions, room).expect("text and choice fit");
            let mut asked: Vec<(usize, usize)> = Vec::new();
            for round in &rounds {
                let tokens: usize = round.iter().map(|item| item.tokens).sum();
                prop_assert!(tokens <= room.tokens && (tokens <= full || round.len() == 1));
                prop_assert!(round.iter().map(|item| item.sequences).sum::<usize>() <= sequences);
                for item in round {
                    let branches: Vec<usize> = item.choices.iter().map(|choice| questions[item.question].choices[*choice].len() - 1).collect();
                    prop_assert_eq!(item.tokens, questions[item.question].text.len() + branches.iter().sum::<usize>());
                    prop_assert_eq!(item.sequences, 1 + branches.iter().filter(|branch| **branch > 0).count());
                    asked.extend(item.choices.iter().map(|choice| (item.question, *choice)));
                }
            }
            let every = questions.iter().enumerate().flat_map(|(number, question)| (0..question.choices.len()).map(move |choice| (number, choice)));
            prop_assert_eq!(asked, every.collect::<Vec<_>>());
        }
    }
}
