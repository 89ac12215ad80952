//! Every parser against fixtures that were damaged at random. A seed makes each damage, so that a failure can be had again.
//! `LASTBUY_SOAK` runs far more; `LASTBUY_DAMAGED=N` runs N for each fixture.

use lastbuy::document::ExtractError;

use super::{LETTER, extractor, file, folder, read};

/// xorshift64*: any generator does that gives the same damage for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from((self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % below.max(1) as u64).expect("small")
    }
}

fn damaged(whole: &[u8], chance: &mut Chance) -> Vec<u8> {
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

#[test]
fn every_parser_answers_to_damaged_input() {
    let soak = std::env::var_os("LASTBUY_SOAK").is_some();
    let rounds = std::env::var("LASTBUY_DAMAGED").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(if soak { 200 } else { 4 });
    let extractor = extractor();
    let mut names: Vec<String> =
        std::fs::read_dir(folder()).expect("folder").map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| !name.contains(".expected.") && folder().join(name).is_file());
    names.sort();
    let (mut well, mut refused, mut spent) = (0, 0, Vec::new());
    for (at, name) in names.iter().enumerate() {
        let whole = file(name);
        for round in 0..rounds {
            let seed = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(1 + (at as u64) * 1_000_003 + round);
            match read(&extractor, name, &damaged(&whole, &mut Chance(seed))) {
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
