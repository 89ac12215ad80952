//! What kind of notice it is: words that speak for each kind, after boxes that are not ticked and sentences that deny it were left out.

use std::sync::LazyLock;

use regex::Regex;

use super::layout::Layout;
use crate::domain::{document::Document, notice::NoticeKind};

pub(super) const KINDS: [NoticeKind; 5] = [NoticeKind::Pdn, NoticeKind::Pcn, NoticeKind::Nrnd, NoticeKind::Retraction, NoticeKind::Other];

/// What speaks for a kind: where it is said once, and how much more for each further time.
struct Sign {
    regex: Regex,
    kind: NoticeKind,
    weight: f64,
}

/// A box that is offered and not ticked, with what it stands for.
static UNTICKED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?:\[\s?\]|\(\s?\)|☐|□|❏|○)[ \t]*[^\n\[\]()☐☒☑□■]{2,60}").ok());
static TICKED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)(?:\[\s?[x✓✔]\s?\]|\([x✓✔]\)|☒|☑|■|✓|✔)[ \t]*(?P<what>[^\n\[\]()☐☒☑□■]{2,60})").ok());

/// Denials: nothing ends although the words of an end stand there.
static DENIED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:\b(?:not|never|neither|nor|nothing|nobody|no\s+plans?\s+to|no\s+(?:[\w-]+\s+){0,2}(?:is|are|was|were|has\s+been|will\s+be)|nicht|kein\w*|no\s+se\s+trata\s+de\s+una|keine\s+abk[üu]ndigung|ne\s+(?:sont|sera|seront)\s+pas|no\s+(?:se|está|serán?|hay))\b[^.;\n]{0,40}?(?:discontinu\w*|obsolet\w*|end[\s-]of[\s-]life|\bEOL\b|phas\w+\s+out|abgek[üu]ndigt|abk[üu]ndigung|eingestellt|arr[êe]t\w*|descontinu\w*|descatalogad?\w*)|\bwithout\s+(?:any\s+|an?\s+)?(?:discontinu\w*|end[\s-]of[\s-]life)|\bno\s+(?:end[\s-]of[\s-]life|eol|discontinuance|discontinuation|last[\s-]time[\s-]buy)\b|(?:end[\s-]of[\s-]life|\bEOL\b|discontinu\w*|obsolescence|abk[üu]ndigung\w*|arr[êe]t|obsolescencia|descontinuaci[óo]n|discontinuaci[óo]n)\)?\s+(?:date\s+)?(?:(?:is|are|has\s+been|was|ist|est|est[áa]|has)\s+)(?:currently\s+|presently\s+|derzeit\s+)?(?:not|neither|nicht|pas|no|nor)\b|(?:n'est|ne\s+sont|no\s+est[áa]n?)\s+(?:pas\s+|)(?:arr[êe]t|pr[ée]v|previst|concern)\w*|(?:生産中止|生産終了|製造中止|廃番|停产)(?:では|し(?:ない|ません)|の予定はありません|不会)|(?:不(?:会|會|再)?|并非|並非|未|暂无|暫無|没有)停[产產]|(?:生産|製造|供給)は?(?:継続|続け))",
    )
    .ok()
});

/// Last orders that hold only for what a change does not reach: they end no part.
static OLD_MATERIAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:our|the|its|a)\s+(?:sub-?)?(?:supplier|vendor|maker|manufacturer)\b[^.;]{0,50}?\s(?:has|have|had)\s+(?:declared|discontinued|announced|stopped|withdrawn)[^.;]*|(?:discontinu\w*|\bEOL\b|obsolete\w*|end[\s-]of[\s-]life|descatalogad\w*|arr[êe]t[ée]\w*|abgek[üu]ndigt|eingestellt|停产|生産終了|廃番)\s*(?:by|from|at|por|par|durch|von|von\s+Seiten|due\s+to)\s+(?:its|the|our|their|his|su|sus|nuestro|notre|nos|ihr\w*|unser\w*|d\w{1,2}|\w+)?\s*(?:resin\s+|material\s+|own\s+|raw\s+)?(?:maker|supplier|manufacturer|vendor|producer|fabricante|proveedor|fournisseur|hersteller|lieferant|vorlieferant)\w*|(?:last|final)[\s-]+(?:time[\s-]*)?(?:buy|orders?|purchases?|ship\w*|deliver\w*)\b[^.;\n]{0,40}?\b(?:unchanged|current|old|earlier|former|previous|existing|pre-?change)\s+(?:material|version|revision|product|site|stock|design|die|parts?|devices?|marking|label|finish|package|type)\b|bridge\s+buy|\b(?:old|previous|current|former|unchanged|existing)\s+[\w-]+\s*:\s*(?:last|final)\s+(?:order|delivery|ship\w*)[^.;\n]{0,40}|(?:last|final)\s+(?:orders?|ship\w*|deliver\w*)\s+(?:for\s+|of\s+)?(?:sn-?pb|leaded|lead[\s-]containing)\b|(?:ware|material|artikel|teile)\s+im\s+alten\s+(?:zustand|stand)[^.;\n]{0,60}(?:bestell|liefer)\w*|letzt\w*\s*(?:bestell|liefer|auslieferung)\w*[^.;\n]{0,30}?\b(?:alte[rnsm]?|bisherige[rnsm]?|unver[äa]ndert\w*|vorherige[rnsm]?)\s|derni[eè]res?\s+(?:commande|livraison)s?[^.;\n]{0,30}?\b(?:ancien|actuel|pr[ée]c[ée]dent)\w*|[úu]ltim[ao]s?\s+(?:pedido|compra|entrega|env[íi]o)s?[^.;\n]{0,30}?\bversi[óo]n\s+(?:anterior|actual)|変更前\S{0,6}最終(?:受注|注文|購入|出荷)|(?:变更|變更|旧版|旧|舊)(?:前|品)\S{0,6}最[后後終终]",
    )
    .ok()
});

/// The number of a notice says what list it is of, not what it is about: `EOL-AL-273: marking change`. Nor does a field that is not filled in.
static NOT_SAID: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\b(?:[A-Z]{1,8}[-_/])*(?:EOL|PDN|PCN|PTN|LTB|DN)N?(?:[-_/#][A-Z]{1,6})*[-_/#]?\d[\w\-/.]*|(?i:(?:last|final)[\s-]+(?:time[\s-]*)?(?:buy|orders?|purchases?|ship\w*|deliver\w*)(?:\s+dates?)?(?:\s*\([^)\n]{0,40}\))?[\s.:]*(?:_{2,}|n\s?/\s?a\b|none\b|not\s+applicable|-+\s*$)|last\s?time\s?buy:n/a|letzt\w*\s+(?:bestell\w*|liefer\w*|auftr\w*)[\s.:]*(?:entfällt|n\s?/\s?a\b|kein\w*|-+\s*$)|derni[eè]re?s?\s+(?:commandes?|livraisons?|exp[ée]ditions?)[\s.:]*(?:sans\s+objet|n[ée]ant|n\s?/\s?a\b)|[úu]ltim[ao]s?\s+(?:pedidos?|entregas?|env[íi]os?)[\s.:]*(?:no\s+aplica|n\s?/\s?a\b)|最終(?:受注|注文|出荷)[日\s:：]*(?:なし|無し|未定|-))",
    )
    .ok()
});

static SIGNS: LazyLock<Vec<Sign>> = LazyLock::new(|| {
    use NoticeKind::{Nrnd, Other, Pcn, Pdn, Retraction};
    [
        (Pdn, 3.0, r"(?:product|part|device)?\s*discontinu(?:ance|ation)\s*(?:notice|notification|announcement)?|\bPDNs?\b|end[\s-]of[\s-](?:life|production)\s*(?:notice|notification|announcement)?|\bEOL\b|(?:will|to|has|have|is|are|been)\s+(?:be\s+|been\s+|being\s+)?(?:discontinu\w*|phased\s+out|obsolet\w*|made\s+obsolete|withdrawn\s+from)|(?:cease|stop)\w*\s+(?:the\s+)?(?:production|manufactur\w*|making|producing)|(?:is|are)\s+retiring|phas(?:e|ing)\s+out|end\s+of\s+production|withdrawn\s+from\s+sale|\b(?:we\s+|therefore\s+|will\s+)(?:end|close|retire|drop|delete)\s+(?:these|the|this|our|production|following)\b|cease\w*\s+(?:the\s+)?manufacture|\bend(?:s|ing)?\s+(?:the\s+|its\s+|their\s+)?production|production\s+(?:of\s+\S+\s+)?(?:will\s+)?(?:end|stop|cease)s?\b|reach\w*\s+(?:its|their)\s+end|(?:going|has|have)\s+to\s+stop\s+(?:making|producing)|comes?\s+to\s+(?:its|an|their)\s+end|\b(?:is|are|becomes?|became)\s+obsolete\b|is\s+not\s+made\s+any\s+more|no\s+longer\s+(?:be\s+)?(?:made|produced|manufactured)|discontinu(?:e|es|ed|ing)\b"),
        (Pdn, 3.0, r"最終(?:受注|注文|購入|出荷)|最[后後終终](?:订购|购买|采购|下单|订单|出货|訂購|採購|出貨)|derni[eè]re?s?\s+(?:commande|livraison)|[úu]ltim[ao]s?\s+(?:pedido|compra|entrega|env[íi]o)|last[\s-]*time[\s-]*(?:buy|order|ship)|\bLTB\b|(?:last|final)\s+(?:purchase\s+)?orders?\b|lifetime\s+buy|last\s+(?:day|date|call)\s+(?:to|for)\s+(?:\w+\s+)?(?:order|purchase|buy)|order\s*deadline|order\s*book\s*closes|截止(?:订购|订货|下单|訂購|訂貨|下單)|bestellschluss|lieferende"),
        (Pdn, 4.5, r"abk[üu]ndig\w*|abgek[üu]ndigt\w*|produkteinstellung\w*|(?:fertigung|produktion|herstellung)\s+(?:\S+\s+){0,8}?einstellen|einstellung\s+(?:der\s+)?(?:fertigung|produktion)|eingestellt|letzt(?:e\w*\s+bestell|bestell)\w*|(?:produkt)?auslauf\w*|arr[êe]t\s+(?:de\s+)?(?:la\s+)?(?:production|fabrication|commercialisation)|fin\s+de\s+(?:vie|production|fabrication)|obsolescence|descontinua\w*|discontinuaci[óo]n|descatalog\w*|caus\w+\s+baja|dej\w+\s+de\s+(?:fabricar|producir)|baja\s+en\s+(?:nuestro\s+)?cat[áa]logo|ne\s+ser(?:a|ont)\s+plus\s+(?:fabriqu|produit)\w*|受注を?(?:終了|締め?切)|entfallen\s+(?:die|folgende)|gibt\s+den\s+betrieb\s+auf|fin\s+de\s+(?:vida|producci[óo]n)|生産(?:中止|終了|停止)|製造(?:中止|終了)|販売終了|廃止|廃番|停[产產]|停止(?:生产|生產|供应)|终止(?:生产|供货)"),
        (Pcn, 3.0, r"(?:product|process)(?:/process)?\s+change\s*(?:notice|notification)?|\bPCNs?\b|change\s+notification|änderungsmitteilung|produktänderung\w*|prozessänderung\w*|modification\s+(?:de|du)\s+(?:produit|proc[ée]d[ée])|aviso\s+de\s+cambio|cambio\s+de\s+(?:producto|proceso)|notificaci[óo]n\s+de\s+cambio|変更(?:通知|のお知らせ)|(?:产品|工艺|产品/工艺)?变更"),
        (Pcn, 3.0, r"(?:form,?\s*fit,?\s*(?:and|or|&)?\s*function|no\s+change\s+(?:to|in)|(?:change|changes|changing|transfer\w*|relocat\w*|qualif\w*|move\w*|conver\w*|adding|addition)\s+(?:of|in|to|from|the|an?)\s+(?:\w+\s+){0,4}(?:site|assembly|wafer|fab|test|material|compound|lead\s?frame|die|marking|label|packing|packaging|datasheet|data\s+sheet|bond|finish|process|source|supplier))"),
        (Pcn, 3.0, r"\b(?:change\s+(?:notice|inside|of\s+(?:the\s+)?\w+)|(?:\w{3,}\s+)change\b|request\s+for\s+approval\s+of\s+change)|(?-i:\bCHANGE\b)|\bchange\s*$|(?:old|new)\s+(?:part\s+)?(?:marking|enamel|label|process|site|material)|\bconversion\b|same\s+(?:p/?n|part\s+numbers?|ordering\s+code)|(?:part\s+numbers?|specifications?|ordering\s+codes?)\s+(?:is|are|remains?)\s+(?:kept|unchanged|the\s+same)|lifecycle\s+remains|sample\s+requests?|verpackungseinheit\w*|fertigungsstandort|wird\s+ge[äa]ndert|ändert\s+sich|umstellung|stellen\s+wir\s+\S+\s+\S+\s+um\b|modification|cambio\s+de|変更|变更|變更"),
        (Other, 7.0, r"holidays?\b|works?\s+closure|closed\s+(?:from|for|between)|betriebsferien|werksferien|betriebsurlaub|fermeture\s+annuelle|cong[ée]s|vacaciones|休業|放假|春节|order\s+(?:confirmation|acknowledge?ment)|auftragsbestätigung|\binvoice\b|\brechnung\b|\bfacture\b|\bfactura\b|quotation|newsletter|minutes\s+of|price\s+(?:list|increase|adjustment)|preiserhöhung|stock\s+list|excess\s+stock|delivery\s+note|lieferschein|webinar|survey|questionnaire|terms\s+(?:and\s+conditions\s+)?of\s+sale|terms\s+and\s+conditions|price\s+change|no\s+(?:product|part|device|item)s?\s+(?:is|are)\s+(?:presently\s+|currently\s+|hereby\s+)?(?:subject|chang)\w*|list\s+of\s+people|distribution\s+list|移転|価格改定|seminar|einladung|invitation|question\s+about|\banfrage\b|su\s+consulta|oferta\b|your\s+enquiry|报价|訂單確認|订单确认|見積|納期遅延|delivery\s+delay|retard\s+de\s+livraison|lieferverzug"),
        (Nrnd, 7.5, r"not\s+(?:be\s+)?(?:recommended|intended|suggested|to\s+be\s+used)?\s*(?:to\s+be\s+used\s+)?(?:for|in)\s+(?:use\s+in\s+)?new\s+(?:design|development|project)s?|no\s+longer\s+recommend\w*|\bNRND\b|nicht\s+(?:mehr\s+)?f[üu]r\s+neu(?:e\s+)?(?:entwicklung|design|konstruktion|projekt)\w*|non\s+recommand[ée]\w*\s+pour\s+(?:les\s+)?nouve\w*|d[ée]conseill[ée]\w*\s+pour\s+(?:les\s+)?nouve\w*|no\s+(?:se\s+)?recom[ie]+nda\w*\s+para\s+(?:\S+\s+){0,2}nuev\w*|新規(?:設計|採用)[^。\n]{0,6}非推奨|不(?:再)?(?:推荐|建议)(?:用于|用在)?新(?:的)?(?:设计|项目)|新規(?:設計|採用)に?は?(?:お勧め|推奨)(?:し|でき|いたし)"),
        (Retraction, 6.5, r"(?:retract|rescind|withdraw|cancel|revok|void)\w*\s+(?:of\s+)?(?:the\s+|this\s+|its\s+|our\s+|that\s+)?(?:earlier\s+|previous(?:ly\s+issued)?\s+|original\s+)?(?:pcn|pdn|eol|notice|notification|discontinu\w*|announcement|end[\s-]of[\s-]life)|(?:notice|notification|pcn|pdn|announcement|discontinuance)\s+(?:[\w\-/.]+\s+){0,4}(?:(?:is|has\s+been|was|are|have\s+been)\s+(?:hereby\s+|formally\s+)?(?:retract|rescind|withdraw|cancel|revok|void)\w*|(?:retracted|rescinded|withdrawn|cancell?ed|revoked)\b)|retraction|zur[üu]ckgezogen|(?:wird|ist|hiermit)\s+widerrufen|annulation|est\s+annul[ée]|retir[ée]e?\s|anulaci[óo]n|queda\s+sin\s+efecto|取り?消し|撤回|撤销|取消(?:通知|停产)|(?:notice|letter|announcement|notification)\s+of\s+[^.;\n]{4,30},?\s+which[^.;]{0,120}\bis\s+(?:cancell?ed|withdrawn|void|retracted)|(?:discontinu\w*|end[\s-]of[\s-]life|eol)\s+of\s+(?:\S+\s+){1,3}(?:is\s+|has\s+been\s+|was\s+)?(?:cancell?ed|withdrawn|revoked)|reinstat\w+|as\s+not\s+issued|恢复供货|恢復供貨|生産継続|ignore\s+our\s+(?:letter|notice|mail|announcement)|(?:discontinu\w*|end[\s-]of[\s-]life|eol)\s+(?:of\s+\S+\s+)?(?:is|has\s+been|was)\s+(?:suspended|cancell?ed|withdrawn|called\s+off|reversed)|nimmt\s+(?:\S+\s+){0,2}?(?:abk[üu]ndigung|mitteilung)[^.;]{0,80}?zur[üu]ck|rücknahme\s+(?:der|dieser|unserer)\s+(?:\S+\s+){0,2}?\S*(?:kündigung|mitteilung)|zur[üu]ckgenommen|suspended\s+until"),
    ]
    .into_iter()
    .filter_map(|(kind, weight, pattern)| Some(Sign { regex: Regex::new(&format!("(?im){pattern}")).ok()?, kind, weight }))
    .collect()
});

/// What a field says that is named after the type of a notice.
static TYPED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?im)(?:^|[ \t]{2}|\|)\W*(?:(?:change|notification|notice|alert|pcn)\s+)?(?:type|art|kind|category|tipo|種別|种类|类型)(?:\s+(?:of|de|der)\s+(?:change|notice|notification|mitteilung|cambio))?[ \t.:|：]+(?P<what>\p{L}[^\n|]{3,60})").ok()
});

/// A sentence that asks.
static ASKED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[^.!?;:\n？。]{3,160}[?？]|\b(?:asks?\s+)?whether\b[^.;?\n]{0,160}").ok());

/// Log odds that the list in a notice's number is what the notice is.
const NUMBER: f64 = 2.5;

/// From these log odds on, which words of an end and words of last orders reach together, a notice is of an end, whatever it is titled.
const AN_END: f64 = 9.0;
/// What a letter that is no notice calls itself in its first line, in log odds on top.
const FIRST_WORDS: f64 = 3.0;
/// Bytes from the start in which a letter says what it is about.
const HEAD_BYTES: usize = 300;

/// Log-odds of each of `KINDS`.
pub(super) fn evidence(document: &Document) -> Vec<f64> {
    let ticked: String = TICKED.as_ref().map_or_else(String::new, |regex| {
        regex.captures_iter(&document.text).filter_map(|found| found.name("what")).map(|what| what.as_str()).collect::<Vec<_>>().join("\n")
    });
    // `Type: Product discontinuation` says it as a box does.
    let typed = TYPED.as_ref().into_iter().flat_map(|regex| regex.captures_iter(&document.text)).filter_map(|found| found.name("what"));
    let ticked = typed.fold(ticked, |all, what| format!("{all}\n{}", what.as_str()));
    let mut scores = KINDS.map(|_| 0.0_f64);
    let plain = without(&UNTICKED, &unwrapped(&unglued(&document.text)));
    // What is only asked is not said.
    let plain = without(&ASKED, &plain);
    let has_denial = DENIED.as_ref().is_some_and(|regex| regex.is_match(&plain));
    let plain = without(&NOT_SAID, &without(&OLD_MATERIAL, &without(&DENIED, &plain)));
    // A title that asks says nothing.
    let title = document.title.map_or("", |title| document.slice(title));
    let title = if title.trim_end().ends_with(['?', '？']) { "" } else { title };
    let head = format!("{title}\n{}", &document.text[..document.text.floor_char_boundary(HEAD_BYTES)]);
    let first = document.text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    let mut withdraws = false;
    for sign in SIGNS.iter() {
        let Some(at) = KINDS.iter().position(|kind| *kind == sign.kind) else { continue };
        let in_head = sign.regex.is_match(&head);
        withdraws |= sign.kind == NoticeKind::Retraction && in_head;
        // What a letter is about when it is no notice is said at its start; in the text of a notice the same words are its terms.
        if sign.kind == NoticeKind::Other {
            scores[at] += if in_head { sign.weight } else { 0.0 };
            scores[at] += if in_head && sign.regex.is_match(first) { FIRST_WORDS } else { 0.0 };
            continue;
        }
        let times = sign.regex.find_iter(&plain).count();
        if times > 0 {
            scores[at] += sign.weight + 0.5 * (times.min(5) - 1) as f64;
        }
        if sign.regex.is_match(title) {
            scores[at] += sign.weight * 0.5;
        }
        if !ticked.is_empty() && sign.regex.is_match(&ticked) {
            scores[at] += sign.weight * 2.0;
        }
    }
    let [pdn, pcn, nrnd, retraction, other] = &mut scores;
    // Its list is a weak hint where the words say nothing.
    if let Some(number) = NOT_SAID.as_ref().and_then(|regex| regex.find(&document.text)) {
        let names = |lists: &[&str]| lists.iter().any(|list| number.as_str().contains(list));
        *pdn += if names(&["EOL", "PDN", "LTB"]) { NUMBER } else { 0.0 };
        *pcn += if names(&["PCN", "PTN"]) { NUMBER } else { 0.0 };
    }
    if *retraction > 0.0 {
        // A withdrawal names what it withdraws.
        *retraction += if withdraws { pdn.max(0.0) } else { pdn.min(4.0) };
    }
    if has_denial {
        *pdn -= 4.0;
    }
    // A change notice over an end is an end (`PCN` in the title, a last-time buy in the text).
    if *pdn >= 5.0 && *pcn > 0.0 && !has_denial {
        *pdn += 3.0;
    }
    if *pdn >= AN_END && !has_denial {
        *pcn = pcn.min(*pdn - 1.5);
    }
    // So is one that says of parts that they are not for new designs, while nothing ends.
    if *nrnd > 0.0 && *pdn < 5.0 {
        *nrnd += 3.0;
    }
    *other += 1.5;
    scores.to_vec()
}

/// What a notice opens with: its title and its first lines, without a mail's head and salutations.
pub(super) fn opening(layout: &Layout<'_>) -> String {
    let title = layout.document.title.map_or("", |title| layout.document.slice(title)).trim();
    let says_something = |line: &&str| {
        line.chars().filter(|c| c.is_alphabetic()).count() >= 4
            && (title.is_empty() || !line.ends_with(title))
            && !OPENING_EMPTY.as_ref().is_some_and(|regex| regex.is_match(line))
    };
    let lines = (0..layout.line_count().min(40)).map(|number| layout.line(number).trim()).filter(says_something);
    std::iter::once(title).chain(lines.take(8)).collect::<Vec<_>>().join(" ")
}

static OPENING_EMPTY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^[>\s]*(?:(?:from|to|cc|date|sent|subject|von|an|gesendet|betreff|de|à|para|enviado|asunto|envoy[ée]|objet|reply-to|message-id|差出人|宛先|日時|件名|发件人|收件人|主题)\s*[:：]|(?:dear|hello|hi|guten\s+tag|sehr\s+geehrte|bonjour|madame|messieurs|estimad\w+|拝啓|尊敬)\b)").ok()
});

/// Lines that were broken where they were full, joined: a denial goes on in the next line.
fn unwrapped(text: &str) -> String {
    const FULL_CHARS_MIN: usize = 55;
    let mut joined = String::with_capacity(text.len());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        joined.push_str(line.trim_end());
        let goes_on = lines.peek().is_some_and(|next| next.trim_start().starts_with(|c: char| c.is_lowercase() || c.is_ascii_digit()));
        joined.push(if goes_on && line.trim_end().chars().count() >= FULL_CHARS_MIN { ' ' } else { '\n' });
    }
    joined
}

/// Words of a text that lost its blanks, apart: `PartNotDiscontinued`.
fn unglued(text: &str) -> String {
    static GLUED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?P<one>\p{Ll}{2})(?P<other>\p{Lu}\p{Ll})").ok());
    GLUED.as_ref().map_or_else(|| text.to_owned(), |regex| regex.replace_all(text, "$one $other").into_owned())
}

fn without(regex: &LazyLock<Option<Regex>>, text: &str) -> String {
    regex.as_ref().map_or_else(|| text.to_owned(), |regex| regex.replace_all(text, " ").into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> NoticeKind {
        let document = Document::plain(text);
        let scores = evidence(&document);
        let best = (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).expect("kinds");
        KINDS[best]
    }

    #[test]
    fn kinds_by_their_words() {
        for (text, expected) in [
            ("Product Discontinuance Notice. Last time buy: 2027-03-31.", NoticeKind::Pdn),
            ("Process Change Notification: transfer of assembly site. Form, fit and function unchanged.", NoticeKind::Pcn),
            (
                "PCN 2026-14. The parts below will be discontinued. Last order date 2027-01-31. No change in form, fit or function of the replacement.",
                NoticeKind::Pdn,
            ),
            ("This part is not recommended for new designs.", NoticeKind::Nrnd),
            ("We hereby withdraw our notice PDN-17. The discontinuance is cancelled; the part remains available.", NoticeKind::Retraction),
            (
                "Please note that this product is NOT being discontinued. Process change: new mould compound material, change of the lead frame.",
                NoticeKind::Pcn,
            ),
            ("[ ] Discontinuance  [x] Process change  [ ] Datasheet change", NoticeKind::Pcn),
            ("Process Change Notice: new lead frame finish. Last time buy of current version: 2027-03-11.", NoticeKind::Pcn),
            ("Notificación de cambio. Último pedido de la versión anterior: 29/04/2023.", NoticeKind::Pcn),
            ("Update to PDN-1644: discontinuance rescinded. Previously announced last shipment: 2027-09-26.", NoticeKind::Retraction),
            ("Our office is closed from 24 December.", NoticeKind::Other),
            ("Abkündigung des Bauteils, letzte Bestellung 31.03.2027", NoticeKind::Pdn),
            ("生産終了のお知らせ 最終受注日", NoticeKind::Pdn),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn every_sign_is_a_regular_expression() {
        assert_eq!(SIGNS.len(), 9);
        assert!(UNTICKED.is_some() && TICKED.is_some() && DENIED.is_some() && OLD_MATERIAL.is_some());
    }
}
