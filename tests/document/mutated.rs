//! Every parser against fixtures that were damaged at random. A seed makes each damage, so that a failure can be had again.
//! `LASTBUY_SOAK` runs far more; `LASTBUY_DAMAGED=N` runs N for each fixture; `LASTBUY_CORPUS=DIR` keeps what got a new answer.

use lastbuy::document::ExtractError;

use super::{
    LETTER,
    damage::{Chance, Corpus, rounds},
    extractor, file, folder, read,
};

#[test]
fn every_parser_answers_to_damaged_input() {
    let rounds = rounds(4, 200);
    let extractor = extractor();
    let mut names: Vec<String> =
        std::fs::read_dir(folder()).expect("folder").map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| !name.contains(".expected.") && folder().join(name).is_file());
    names.sort();
    let (mut well, mut refused, mut spent) = (0, 0, Vec::new());
    for (at, name) in names.iter().enumerate() {
        let mut corpus = Corpus::new(&format!("document/{name}"), vec![file(name)]);
        for round in 0..rounds {
            let input = corpus.next(&mut Chance::of(at, round));
            let answer = read(&extractor, name, &input);
            corpus.note(&input, &answer.as_ref().map_or_else(ToString::to_string, |document| document.warnings.join(" ")));
            match answer {
                Ok(_) => well += 1,
                Err(ExtractError::Unreadable(why)) => {
                    assert!(why.len() > 8 && !why.contains('\n'), "{name}, round {round}: {why}");
                    refused += 1;
                }
                // A parser that fails costs its child; the reason is kept.
                Err(ExtractError::Spent(why)) => spent.push(format!("{name}, round {round}: {why}")),
                Err(ExtractError::Failed(why)) => panic!("{name}, round {round}: {why}"),
            }
        }
    }
    println!("{} damaged documents: {well} read, {refused} refused, {} cost a child\n{}", names.len() as u64 * rounds, spent.len(), spent.join("\n"));
    assert_eq!(read(&extractor, "letter.txt", LETTER).expect("the next one").text.as_bytes(), LETTER);
    // Our own parsers do not fail; of pdf_oxide, which may, few do.
    assert!(spent.iter().all(|why| why.contains(".pdf") || why.contains("pdf-")), "{}", spent.join("\n"));
    assert!(well > names.len() / 2 && refused > names.len() / 10, "{well} read, {refused} refused");
}
