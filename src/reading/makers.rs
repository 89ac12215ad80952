//! Who made the part: names of the alias list and of the site's own AML found in the text, names with a legal form, and what a label says.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    SiteKnowledge,
    layout::Layout,
    maker_words::{BEHIND_NAMES, DOCUMENTS, GENERAL_WORDS, LABELS, is_general},
    questions::{About, Answers, Asked, Questions},
};
use crate::domain::{
    document::Span,
    maker::{MakerAliases, normal_maker},
};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct MakerCandidate {
    pub span: Span,
    pub printed: String,
    /// `MakerAliases::key`: candidates of one maker are one candidate.
    pub key: String,
    /// Natural log odds that it is the maker of the parts.
    pub evidence: f64,
    pub asked: Option<Asked>,
}

/// A name before a legal form, within one line.
static LEGAL_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?P<name>(?:[\p{Lu}][\p{L}\p{N}'’\-]*|&)(?:[ \t]+(?:[\p{Lu}][\p{L}\p{N}'’\-]*|&|de|of|and|und))*?)[ \t]*,?[ \t]+(?:Inc\b\.?|Incorporated|Corp\b\.?|Corporation|Co\.?,?[ \t]*Ltd\b\.?|GmbH(?:[ \t]*&[ \t]*Co\.?[ \t]*KGa?A?)?|AG\b|SE\b|Ltd\b\.?|Limited|LLC|PLC|B\.?V\.?|N\.?V\.?|S\.?A\.?S?\b\.?|S\.?p\.?A\.?|S\.?r\.?l\.?|K\.?K\.?|Pte\b\.?|Oy|AB\b|A/S|AS\b|Co\.)",
    )
    .ok()
});

/// A name that ends with a word of the trade, and Asian names with their legal form.
static TRADE_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?:[\p{Lu}][\p{L}\p{N}&'’\-]*[ \t]|&[ \t]){1,4}(?i:semiconductors?|electronics?|kondensatoren|widerst[äa]nde|relais|sensorik|sensores|capteurs|composants|bobinas|transformadores|displays|cables|assemblies|stecker|steckverbinder|fans|l[üu]fter|batteries|oscillators|filters|inductors|transformers|switches|switchgear|fuses|optics|optik|lasers|antennas|motors|interconnects?|microwave|wireless|networks|ceramics|silicon|bobbins|spulenbau|messtechnik|schaltger[äa]te|discretes|converters|supplies|timing|rf|passives?|passifs|quarz|spulen|connectique|semiconducteurs|rel[ée]s|condensateurs|condensadores|denshi|devices?|analog(?:ue)?|modules?|hybrids?|frequency\s+control|technolog(?:y|ies)|components?|sensors?|micro(?:electronics|systems|devices|circuits)|logic|power|coils?|magnetics?|instruments?|opto(?:electronics?)?|quartz|crystals?|relays?|connectors?|capacitors?|resistors?|circuits?|industries|controls|memor(?:y|ies)|photonics|lighting|acoustics|elektronik|mikroelektronik|halbleiter|bauelemente|composants|[ée]lectronique|semiconductores|componentes)\b|(?i-u:\b)(?i:Transformadores|Sensores|Componentes|Condensadores|Rel[ée]s|Composants|Condensateurs|Capteurs|Relais|Connecteurs|Bobinages|[ÉE]tablissements|Ateliers|Techniques|Soci[ée]t[ée]|Talleres|Industrias)(?:[ \t](?:de|du|des|del|la)\b)?[ \t]\p{Lu}[\p{L}'’\-]+|\p{Lu}[\p{L}'’\-]+[ \t](?:de|du|des|del)[ \t](?:Relais|Composants|Capteurs|Condensateurs|Connecteurs|Rel[ée]s|Sensores|Componentes)|[\p{Han}\p{Katakana}ー]{2,20}(?:株式会社|有限公司|股份有限公司)|[\p{Han}\p{Katakana}ー]{2,8}(?:电子|微电子|半导体|半導体|デバイス|エレクトロニクス|半導體|光电|光電|电气|電氣|电器|科技|接插件|继电器|繼電器|连接器|連接器|电容|電容|电阻|电感|传感器|器件|元件|电源|精密|製作所|電機|電子|電気|工業|化成|電工|精工|セミコンダクタ)(?:(?:股份)?有限公司|株式会社)?|株式会社[\p{Han}\p{Katakana}ー]{2,20}",
    )
    .ok()
});
/// The first words of a line before what the document is: `Northgate Displays end-of-life notice CCA-147`, `Zarlink Moor discontinued products PCN447`.
static HEADED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^[ \t]*(?P<name>\p{Lu}[\p{L}\p{N}&.'’\-]*(?:[ \t](?:\p{Lu}[\p{L}\p{N}&.'’\-]*|&|de|of)){0,3}?)(?:[ \t]+[-–|][ \t]*|,?[ \t]+)(?:(?i:end[\s-]of[\s-]life|discontinu\w*|obsolescence|change|notice|notification|newsletter|collected|update|status|lifecycle|bulletin|\p{L}*mitteilung|\p{L}*k[üu]ndigung|note|avis|aviso)\b|(?:EOL|PCN|PDN|NRND|PTN|LTB)\b|[A-Z]{1,4}[-_/]?\d{2,})").ok()
});
/// How a letter ends: what follows is a person.
static CLOSING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:regards|sincerely|faithfully|yours|truly|thanks?|cheers|gr[üu](?:ß|ss)en?|cordialement|salutations|distingu[ée]s|saludos?|atentamente|敬具|以上|此致)\W*$").ok()
});
/// The name in a sender's line.
static SENDER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?im)^[>\s]*(?:from|von|de|da|差出人|发件人)[ \t]*:[ \t]*"?(?P<name>[^"<>\n@\[]{3,60}?)"?[ \t]*(?:<|\[|$)"#).ok());
/// Who speaks, as the subject of a sentence.
static SPEAKER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?P<name>[\p{Lu}][\p{L}\p{N}&'’\-]*(?:[ \t]+[\p{Lu}][\p{L}\p{N}&'’\-]*){0,3})[ \t]+(?:announces?|hereby|has\s+(?:decided|determined)|(?:therefore\s+|now\s+)?(?:ends|stops|discontinues|retires|withdraws)|will\s+(?:discontinue|cease|stop|end|no\s+longer)|is\s+(?:discontinuing|announcing|ceasing|issuing|withdrawing|retiring)|regrets|closes|advises|is\s+(?:going|about)\s+to|will\s+apply|changes|stellt|kündigt|teilt|nimmt|beendet|gibt|retira|descatalog|deja|annonce|informe|arr[êe]te|cesse|met\s+fin|anuncia|comunica)\b").ok()
});
/// Who holds the copyright of a page or a letter.
static COPYRIGHT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i:©|\(c\)|copyright)[ \t]*(?:\d{4})?(?:[ \t]*[–-][ \t]*\d{4})?[ \t]*(?:by[ \t]+)?(?P<name>[\p{Lu}][\p{L}\p{N}&'’\-]*(?:[ \t]+[\p{Lu}][\p{L}\p{N}&'’\-]*){0,3})").ok()
});
/// A label before the name.
static LABELLED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?im)(?:^|[ \t]{3})[ \t>■●・*\-]*(?:manufacturer|maker|mfr|mfg|vendor|supplier|brand|company|seller|hersteller|lieferant|firma|fabricant|fournisseur|soci[ée]t[ée]|fabricante|proveedor|empresa|メーカー|製造元|会社名|発信元?|発行元|制造商|生产商|厂商|公司名称|供应商|製造商|廠商)(?:\s+name)?[ \t]*(?:\.{2,}[ \t]*)?(?:[:：|]|[ \t]{2,}|[\u{3000} \t]+)[ \t]*(?P<name>[^\n|:：]{2,60}?)[ \t]*(?:$|[ \t]{3}|\|)").ok()
});

/// Who speaks: `X announces`, `X hereby`, `X has decided`.
static SPEAKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^[\s,()A-Z.]{0,20}\b(?:announc|hereby|has\s+(?:decided|determined|made)|(?:therefore\s+|now\s+)?(?:ends|stops|discontinues|retires|withdraws)\b|will\s+(?:discontinue|be\s+discontinu|no\s+longer|cease|stop|end)|is\s+(?:discontinu|announc|issuing|notif|ending|ceas|withdraw|retir)|would\s+like\s+to|wish|inform|regret|notif|intends|stellt|kündigt|teilt|informiert|wird|annonce|informe|anuncia|comunica)").ok()
});

/// What a name is when it is not the maker.
static NOT_MAKER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:(?:^|:)\W*(?:to|an|cc|bcc|à|para)\s*:?\s*$|(?:distribut\w*|subcontract\w*|sub-?supplier|foundry|customer|dear|attn|attention|supplied\s+by|assembl\w+\s+(?:at|by)|compound|moved\s+to|forwarded\s+by|broker|reseller|händler|kunde)\s*:?\s*$)").ok()
});

/// One to four words with capitals, at the start of a line, behind a label or a comma, or alone: the model may know it for the maker by what stands around it.
static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?m)(?:^|[:：|,>–-][ \t]*)[ \t]*(?P<name>[\p{Lu}\p{Han}\p{Katakana}][\p{L}\p{N}&.'’\-]*(?:[ \t](?:[\p{Lu}][\p{L}\p{N}&.'’\-]*|&|of|und|de)){0,3})").ok()
});
/// Lines from the start and the end in which such names are looked for.
const NAME_LINES: usize = 8;
const HEADED_LINES: usize = 6;
const NAME_EVIDENCE: f64 = -2.5;
/// Evidence of a sender who seems to be a person.
const PERSON: f64 = -4.0;
/// How many candidates the model is asked about.
const ASKED_MAX: usize = 4;

/// Candidates as `find` gives them, the best of them asked about.
pub(super) fn open(layout: &Layout<'_>, aliases: &MakerAliases, site: &SiteKnowledge, questions: &mut Questions) -> Vec<MakerCandidate> {
    let mut candidates = find(layout, aliases, site);
    for candidate in candidates.iter_mut().take(ASKED_MAX) {
        candidate.asked = questions.maker(&layout.around(candidate.span, &[]), &candidate.printed);
    }
    candidates
}

/// Joins the model's answers in; best first.
pub(super) fn decide(mut candidates: Vec<MakerCandidate>, answers: &Answers) -> Vec<MakerCandidate> {
    for candidate in &mut candidates {
        candidate.evidence = answers.raised(About::Maker, candidate.asked, candidate.evidence);
    }
    candidates.sort_by(|a, b| b.evidence.total_cmp(&a.evidence).then(a.span.cmp(&b.span)));
    candidates
}

/// Candidates with their evidence, one per maker, best first.
pub(super) fn find(layout: &Layout<'_>, aliases: &MakerAliases, site: &SiteKnowledge) -> Vec<MakerCandidate> {
    let mut seen: Vec<(Span, f64)> = Vec::new();
    known_names(layout, aliases, site, &mut seen);
    let text = layout.document.text.as_str();
    if let Some(legal) = LEGAL_NAME.as_ref() {
        seen.extend(
            legal
                .captures_iter(text)
                .filter_map(|found| found.name("name").filter(|name| name.as_str().len() > 2).and(found.get(0)))
                .map(|whole| (Span::new(whole.start(), whole.end()), 1.5)),
        );
    }
    for (regex, weight) in [(&LABELLED, 5.0), (&SPEAKER, 1.0), (&COPYRIGHT, 1.5)] {
        if let Some(regex) = regex.as_ref() {
            seen.extend(regex.captures_iter(text).filter_map(|found| found.name("name")).map(|name| (Span::new(name.start(), name.end()), weight)));
        }
    }
    if let Some(sender) = SENDER.as_ref() {
        // Two plain words are a person more often than a firm.
        let is_firm = |name: &str| [&TRADE_NAME, &LEGAL_NAME].into_iter().any(|regex| regex.as_ref().is_some_and(|regex| regex.is_match(name)));
        let is_person = |name: &str| (2..=3).contains(&name.split_whitespace().count()) && !is_firm(name);
        let names = sender.captures_iter(text).filter_map(|found| found.name("name"));
        seen.extend(names.map(|name| (Span::new(name.start(), name.end()), if is_person(name.as_str()) { PERSON } else { 1.2 })));
    }
    if let Some(trade) = TRADE_NAME.as_ref() {
        // `Acme RF switches` sells them; `Acme Switches` is a name.
        let is_name = |name: &str| name.rsplit([' ', '\t']).next().is_some_and(|word| !word.starts_with(char::is_lowercase));
        seen.extend(trade.find_iter(text).filter(|found| is_name(found.as_str())).map(|found| (Span::new(found.start(), found.end()), 1.5)));
    }
    seen.extend(headed(layout).map(|span| (span, 2.0)));
    seen.extend(labelled_cells(layout).into_iter().map(|span| (span, 5.0)));
    seen.extend(letterhead(layout).map(|span| (span, 1.5)));
    seen.extend(bare_names(layout).into_iter().map(|span| (span, NAME_EVIDENCE)));
    // `Stone Electronics` in `Harrow & Stone Electronics, Inc.` is no name of its own.
    let wholes: Vec<Span> = seen.iter().filter(|(_, weight)| *weight >= 1.5).map(|(span, _)| *span).collect();
    seen.retain(|(span, _)| !wholes.iter().any(|whole| whole.contains(*span) && whole.start < span.start));
    let domains = sender_domains(layout);
    let mut candidates: Vec<MakerCandidate> = Vec::new();
    for (span, weight) in seen {
        let span = without_words_beside(layout, span);
        let printed = layout.document.slice(span).trim().trim_end_matches(',').to_owned();
        // `Attn. Harper Controls` is whom it is written to; `Retirement of` is no name.
        let lower = printed.to_lowercase();
        if ["attn ", "attn. ", "attention "].iter().any(|to| lower.starts_with(to))
            || [" of", " nr.", " nr", " no", " no."].iter().any(|end| lower.ends_with(end))
        {
            continue;
        }
        // What holds a number is a part or a document.
        if printed.split_whitespace().any(|word| word.bytes().filter(u8::is_ascii_digit).count() >= 3) {
            continue;
        }
        // `Abkündigung WR-X4 Steckverbinder` is what the document is of.
        if printed.split_once(' ').is_some_and(|(first, _)| DOCUMENTS.contains(&first.to_uppercase().as_str())) {
            continue;
        }
        let key = aliases.key(&printed);
        if key.chars().count() < 2 || is_general(&key) || !key.chars().any(char::is_alphabetic) {
            continue;
        }
        let evidence = weight + place_evidence(layout, span) + domain_evidence(&key, &domains);
        match candidates.iter_mut().find(|known| is_same(&known.key, &key)) {
            Some(known) => join(known, MakerCandidate { span, printed, key, evidence, asked: None }, aliases),
            None => candidates.push(MakerCandidate { span, printed, key, evidence, asked: None }),
        }
    }
    candidates.sort_by(|a, b| b.evidence.total_cmp(&a.evidence).then(a.span.cmp(&b.span)));
    candidates
}

/// The name before what the document is, in its first lines.
fn headed<'a>(layout: &'a Layout<'_>) -> impl Iterator<Item = Span> + 'a {
    (0..layout.line_count().min(HEADED_LINES)).filter_map(|number| {
        let name =
            HEADED.as_ref()?.captures(layout.line(number))?.name("name").filter(|name| !name.as_str().bytes().any(|byte| byte.is_ascii_digit()))?;
        let start = layout.line_span(number).start as usize;
        Some(Span::new(start + name.start(), start + name.end()))
    })
}

/// A name without general words at its end and a label before it, as long as something is left.
fn without_words_beside(layout: &Layout<'_>, span: Span) -> Span {
    let printed = layout.document.slice(span).trim_end();
    let mut name = printed;
    if let Some((label, rest)) = name.split_once([' ', '\t'])
        && LABELS.contains(&label.to_uppercase().as_str())
    {
        name = rest.trim_start();
    }
    let start = span.start as usize + (printed.len() - name.len());
    while let Some((rest, word)) = name.rsplit_once([' ', '\t'])
        && BEHIND_NAMES.contains(&word.to_uppercase().as_str())
    {
        name = rest.trim_end();
    }
    Span::new(start, start + name.len())
}

/// The first words of a letter: one to four of them, all with capitals, before a wide blank or the end of the line.
fn letterhead(layout: &Layout<'_>) -> Option<Span> {
    let number = (0..layout.line_count().min(5)).find(|number| !layout.line(*number).trim().is_empty())?;
    let line = layout.line(number);
    let indent = line.len() - line.trim_start().len();
    let rest = &line[indent..];
    let name = rest.split("  ").next().and_then(|part| part.split('|').next()).map_or(rest, str::trim);
    let words: Vec<&str> = name.split_whitespace().collect();
    let capital = words.iter().all(|word| word.starts_with(|c: char| c.is_uppercase() || c == '&'));
    let plain = !name.contains([':', '@']) && !name.bytes().any(|byte| byte.is_ascii_digit());
    let start = layout.line_span(number).start as usize + indent;
    ((1..=4).contains(&words.len()) && capital && plain).then(|| Span::new(start, start + name.len()))
}

/// Cells to the right of a cell that says `Manufacturer`.
fn labelled_cells(layout: &Layout<'_>) -> Vec<Span> {
    static LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)^\W*(?:manufacturer|maker|mfr|mfg|vendor|supplier|brand|company|hersteller|lieferant|firma|fabricant|fournisseur|soci[ée]t[ée]|fabricante|proveedor|empresa|メーカー|製造元|会社名|発信元?|制造商|生产商|厂商|公司|供应商|製造商|廠商)(?:\s+name)?\W*$").ok()
    });
    let Some(label) = LABEL.as_ref() else { return Vec::new() };
    let rows = layout.tables.iter().flat_map(|table| &table.rows);
    let pairs = rows.flat_map(|row| row.windows(2)).filter(|pair| label.is_match(layout.document.slice(pair[0])));
    let named = pairs.map(|pair| pair[1]).filter(|name| (2..=60).contains(&(name.end - name.start)) && !label.is_match(layout.document.slice(*name)));
    named.collect()
}

/// Names in the first and the last lines, and names that are met again and again, that nothing says anything about.
fn bare_names(layout: &Layout<'_>) -> Vec<Span> {
    let Some(regex) = NAME.as_ref() else { return Vec::new() };
    let count = layout.line_count();
    let near = (0..count.min(NAME_LINES)).chain(count.saturating_sub(NAME_LINES).max(NAME_LINES.min(count))..count);
    static REPEATED: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"[\p{Lu}][\p{L}\p{N}'’\-]*(?:[ \t](?:[\p{Lu}][\p{L}\p{N}&'’\-]*|&)){1,3}").ok());
    const LOOKED_AT: usize = 200;
    let mut times: std::collections::BTreeMap<&str, Vec<Span>> = std::collections::BTreeMap::new();
    for found in REPEATED.as_ref().into_iter().flat_map(|regex| regex.find_iter(&layout.document.text)).take(LOOKED_AT) {
        times.entry(found.as_str()).or_default().push(Span::new(found.start(), found.end()));
    }
    let repeated = times.into_values().filter(|spans| spans.len() >= 2).map(|spans| spans[0]);
    let names = near.flat_map(|number| {
        let start = layout.line_span(number).start as usize;
        regex
            .captures_iter(layout.line(number))
            .filter_map(move |found| found.name("name").map(|name| Span::new(start + name.start(), start + name.end())))
    });
    let text = layout.document.text.as_str();
    names
        .chain(repeated)
        .filter(|span| {
            let name = layout.document.slice(*span);
            let is_label = text[span.end as usize..].trim_start_matches([' ', '\t', '.']).starts_with([':', '：']);
            name.len() <= 60 && !is_label && name.bytes().filter(u8::is_ascii_digit).count() < 2
        })
        .collect()
}

/// Whether one name is the other with more words behind it: `Kestane`, `Kestane Sensors`, `Kestane Sensors Product Notices`.
fn is_same(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    long == short || (short.chars().count() >= 4 && long.strip_prefix(short).is_some_and(|rest| rest.starts_with(' ')))
}

/// The same maker again, in another place: each place adds a little, and the surest writing is kept. A listed name beats a longer one that is not listed.
fn join(known: &mut MakerCandidate, again: MakerCandidate, aliases: &MakerAliases) {
    let listed = |candidate: &MakerCandidate| aliases.names().any(|(_, key)| key == candidate.key);
    let (more, less) = (known.evidence.max(again.evidence), known.evidence.min(again.evidence));
    let (short, long) = if again.key.len() >= known.key.len() { (&known.key, &again.key) } else { (&again.key, &known.key) };
    // `Norvane` and `Norvane Semiconductor`: the whole name, unless what is more in it are words of any notice.
    let is_whole = long
        .strip_prefix(short.as_str())
        .is_some_and(|rest| !rest.is_empty() && rest.split(' ').all(|word| word.chars().count() != 1 && !GENERAL_WORDS.contains(&word)));
    let better = match (listed(&again), listed(known)) {
        (true, false) => true,
        (false, true) => false,
        _ if is_whole && less > -2.0 => again.key.len() > known.key.len(),
        _ => again.evidence > known.evidence,
    };
    if better {
        *known = again;
    }
    known.evidence = more + less.clamp(0.0, 2.0) * 0.2;
}

/// Names of the lists, whole words. Names of up to three letters (`TI`, `ST`) only in capitals, since they are words otherwise.
fn known_names(layout: &Layout<'_>, aliases: &MakerAliases, site: &SiteKnowledge, seen: &mut Vec<(Span, f64)>) {
    let words = words(&layout.document.text);
    let mut add = |name: &str, weight: f64| {
        let wanted: Vec<&str> = name.split(' ').collect();
        let short = name.chars().count() <= 3;
        for window in words.windows(wanted.len()) {
            let matches = window.iter().zip(&wanted).all(|((_, folded), wanted)| folded == wanted);
            let (Some((first, _)), Some((last, _))) = (window.first(), window.last()) else { continue };
            let span = Span { start: first.start, end: last.end };
            let printed = layout.document.slice(span);
            let capital = printed.chars().next().is_some_and(|c| c.is_uppercase() || !c.is_alphabetic() || c.is_lowercase() && name == "ONSEMI");
            if matches && capital && (!short || !printed.chars().any(char::is_lowercase)) {
                // `Delta` in `Delta Ridge Converters` is no mention of Delta.
                let is_longer = wanted.len() == 1 && name_goes_on(&layout.document.text[span.end as usize..]);
                if !is_longer {
                    seen.push((span, weight - if short { 1.0 } else { 0.0 }));
                }
            }
        }
    };
    let firsts: std::collections::HashSet<&str> = words.iter().map(|(_, folded)| folded.as_str()).collect();
    let there = |name: &str| name.split(' ').all(|word| firsts.contains(word));
    for (name, _) in aliases.names().filter(|(name, _)| there(name)) {
        add(name, 1.5);
    }
    for maker in site.makers.iter().map(|maker| normal_maker(maker)).filter(|name| !name.is_empty() && there(name)) {
        add(&maker, 2.5);
    }
}

/// Whether a name goes on with a word that is neither of a trade nor of a legal form.
fn name_goes_on(after: &str) -> bool {
    static NEXT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^ (?P<word>\p{Lu}[\p{Ll}]{2,})\b(?: \p{Lu}\p{Ll}+)?").ok());
    static TRADE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)^(?:semi\w*|electro\w*|devices?|technolog\w*|components?|inc|corp\w*|gmbh|ltd|co|company|limited|incorporated|group|industr\w*|manufacturing|microelectronics|instruments|connectivity|integrated|products?|notice|mail|pcn|eol)$").ok()
    });
    let Some(word) = NEXT.as_ref().and_then(|regex| regex.captures(after)).and_then(|found| found.name("word")) else { return false };
    let general = GENERAL_WORDS.contains(&word.as_str().to_uppercase().as_str());
    !general && !TRADE.as_ref().is_some_and(|regex| regex.is_match(word.as_str()))
}

/// Words with their folded form, as `normal_maker` folds them.
fn words(text: &str) -> Vec<(Span, String)> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if c.is_alphanumeric() || c == '.' && start.is_some() {
            start.get_or_insert(at);
        } else if let Some(from) = start.take() {
            let word = text[from..at].trim_end_matches('.');
            let folded = normal_maker(word);
            if !folded.is_empty() {
                words.push((Span::new(from, from + word.len()), folded));
            }
        }
    }
    words
}

/// A letter-head, a subject, who speaks and who signs count more than a name in passing.
fn place_evidence(layout: &Layout<'_>, span: Span) -> f64 {
    let line = layout.line_at(span.start);
    let text = layout.line(line);
    let before = &layout.document.text[layout.line_span(line).start as usize..span.start as usize];
    let after = &layout.document.text[span.end as usize..layout.line_span(line).end as usize];
    let mut evidence = 0.0;
    if line < 6 {
        evidence += 1.0;
    }
    if layout.document.title.is_some_and(|title| title.contains(span)) {
        evidence += 1.0;
    }
    if text.trim().len() <= span.end as usize - span.start as usize + 12 {
        evidence += 0.7;
    }
    if SPEAKS.as_ref().is_some_and(|regex| regex.is_match(after)) {
        evidence += 2.5;
    }
    if text.to_lowercase().starts_with("from:") || text.to_lowercase().starts_with("von:") {
        evidence += 1.0;
    }
    // Who signs, and a sender of two plain words, is a person.
    let above = (0..line).rev().map(|number| layout.line(number).trim()).find(|text| !text.is_empty()).unwrap_or("");
    if CLOSING.as_ref().is_some_and(|regex| regex.is_match(above)) {
        evidence -= 2.0;
    }
    if NOT_MAKER.as_ref().is_some_and(|regex| regex.is_match(before)) {
        evidence -= 3.0;
    }
    evidence
}

/// Domains of mail addresses, the sender's first.
fn sender_domains(layout: &Layout<'_>) -> Vec<String> {
    static ADDRESS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"[A-Za-z0-9._%+\-]+@(?P<domain>[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+)").ok());
    let Some(address) = ADDRESS.as_ref() else { return Vec::new() };
    let found = address.captures_iter(&layout.document.text).filter_map(|found| found.name("domain")).map(|domain| domain.as_str().to_lowercase());
    let mut domains: Vec<String> = found.take(20).collect();
    domains.dedup();
    domains
}

fn domain_evidence(key: &str, domains: &[String]) -> f64 {
    let folded: String = key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let first_word: String = key.split(' ').next().unwrap_or("").to_lowercase();
    let of = |domain: &String| {
        let bare: String = domain.chars().filter(|c| c.is_alphanumeric()).collect();
        (folded.len() >= 4 && bare.contains(&folded)) || (first_word.len() >= 4 && domain.split(['.', '-']).any(|label| label == first_word))
    };
    if domains.iter().any(of) { 1.5 } else { 0.0 }
}
