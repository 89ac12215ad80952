//! Words that tell what a value beside them is, in the languages notices come in. Code's half of the evidence; the model's half is in `questions`.

use std::sync::LazyLock;

use regex::Regex;

use super::layout::Around;

/// What a date is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum DateRole {
    Issue,
    Buy,
    Ship,
    Effective,
    None,
}

impl DateRole {
    pub const ALL: [DateRole; 5] = [DateRole::Issue, DateRole::Buy, DateRole::Ship, DateRole::Effective, DateRole::None];

    pub fn name(self) -> &'static str {
        match self {
            DateRole::Issue => "issue",
            DateRole::Buy => "last time buy",
            DateRole::Ship => "last time ship",
            DateRole::Effective => "effective",
            DateRole::None => "none",
        }
    }
}

/// What a part number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum PartRole {
    Affected,
    Replacement,
    Neither,
}

impl PartRole {
    pub const ALL: [PartRole; 3] = [PartRole::Affected, PartRole::Replacement, PartRole::Neither];
}

/// A cue: what it looks like, what it speaks for, and how strongly (in natural log odds).
struct Cue<R> {
    regex: Regex,
    role: R,
    weight: f64,
}

fn cues<R: Copy>(list: &[(R, f64, &str)]) -> Vec<Cue<R>> {
    list.iter()
        .filter_map(|(role, weight, pattern)| Some(Cue { regex: Regex::new(&format!("(?i){pattern}")).ok()?, role: *role, weight: *weight }))
        .collect()
}

static DATE_CUES: LazyLock<Vec<Cue<DateRole>>> = LazyLock::new(|| {
    use DateRole::{Buy, Effective, Issue, None, Ship};
    cues(&[
        (
            Buy,
            6.5,
            r"last[\s-]*time[\s-]*(?:buy|order|purchase)|(?-i:\bLTB\b|\bLTO\b|\bLOD\b)|(?:last|final)[\s-]*(?:(?:purchase|order|buy|po)s?\b|purchase|order)|\border\s*(?:deadline|book\s*closes)|\borders?\s+due\b|\bEOL\s*order|(?:last|final)\s+(?:date|day|call|chance|opportunity)\s+(?:to|for)\s+(?:\w+\s+){0,2}(?:order|purchase|buy|po)",
        ),
        (
            Buy,
            4.0,
            r"(?:orders?|POs?|purchase\s+orders?|buy)\b[^.;\n]{0,50}\b(?:by|until|till|up\s+to(?:\s+and\s+including)?|before|through|than|accepted|received|placed|entered|to|after|close[sd]?)\b|(?:place|submit|enter|accept|book|send)\w*\b[^.;]{0,40}\borders?|(?:closing|final|last)\s+orders?\b|order\s+(?:deadline|book|entry|intake|cut-?off)|non-?cancel+able",
        ),
        (
            Buy,
            6.5,
            r"letzt\w*?\s*(?:\w+\s+)?(?:bestell|auftrag|kauf|abruf)\w*|letzt(?:bestell|kauf|abruf)\w*|bestell(?:schluss|frist|ende|termin)\w*|letztmalig\w*\s+(?:\w+\s+){0,2}(?:bestell|geordert)\w*",
        ),
        (Buy, 4.0, r"bestell\w+|auftr[äa]g\w*"),
        (
            Buy,
            6.5,
            r"derni[eè]re?s?\s+(?:date\s+(?:de|d')\s*)?(?:commande|achat|ordre)s?|date\s+limite\s+(?:de|d')\s*(?:commande|achat)|[úu]ltim[ao]s?\s+(?:fecha\s+de\s+)?(?:pedido|compra|[óo]rden)\w*|fecha\s+l[íi]mite\s+(?:de|para)\s+(?:\w+\s+)?(?:pedido|compra)",
        ),
        (Buy, 4.0, r"\bcommandes?\b|\bpedidos?\b|\bcompras?\b"),
        (
            Buy,
            6.5,
            r"最終(?:受注|発注|注文|購入|ご注文)|ラスト\s?(?:バイ|オーダー)|(?:注文|受注)(?:締切|期限)|截止(?:订购|订货|下单|接单|訂購|訂貨|下單)|(?:订购|订货|下单)截止|最[后後終终]\s?(?:订购|訂購|购买|購買|採購|采购|下单|下單|订单|訂單|订货|訂貨|接单|接單)",
        ),
        (
            Ship,
            6.5,
            r"last[\s-]*time[\s-]*(?:ship\w*|deliver\w*)|(?:last|final)[\s-]*d[ei]spatch\w*|(?-i:\bLTS\b|\bLTD\b|\bLSD\b)|(?:last|final)[\s-]*(?:ship\w*|deliver\w*)|(?:last|final)\s+(?:date|day)\s+(?:of|for)\s+(?:\w+\s+)?(?:ship|deliver)\w*|end\s+of\s+(?:ship|deliver)\w*",
        ),
        (
            Ship,
            4.0,
            r"(?:ship(?:ment|ped|ping|s)?|deliver(?:y|ies|ed|able)?|dispatch\w*)\b[^.;\n]{0,50}\b(?:by|until|till|before|through|than|complete[sd]?|end[s]?|after|beyond|date)\b|(?:ship|deliver|dispatch)\w*\s+(?:schedul|tak|mad|complet|request)\w*|(?:deliver|ship|d[ei]spatch)\w*|\bleft\s+(?:here|us|our|the)\b|\bleaves?\s+(?:here|us|our|the)\b",
        ),
        (
            Ship,
            6.5,
            r"letzt\w*?\s*(?:\w+\s+)?(?:liefer|ausliefer|versand|auslief)\w*|letzt(?:liefer|versand)\w*|liefer(?:ende|schluss)|(?:letzte|abschlie[ßs]+ende)\s+auslieferung",
        ),
        (Ship, 4.0, r"(?:aus)?(?:ge)?liefer\w+|leave\w*\s+(?:our|the)\s+(?:warehouse|factory|works|plant)|versand\w*"),
        (
            Ship,
            6.5,
            r"derni[eè]re?s?\s+(?:date\s+(?:de|d')\s*)?(?:livraison|exp[ée]dition|envoi)s?|[úu]ltim[ao]s?\s+(?:fecha\s+de\s+)?(?:env[íi]o|entrega|embarque|despacho)s?|fin\s+des?\s+(?:las?\s+|los\s+)?(?:entregas?|env[íi]os?|livraisons?|exp[ée]ditions?)",
        ),
        (Ship, 4.0, r"\blivraisons?\b|exp[ée]ditions?|\bentregas?\b|\benv[íi]os?\b"),
        (Ship, 6.5, r"最終(?:出荷|納入|納品|納期|発送|納め)|最[后後終终]\s?(?:出货|出貨|发货|發貨|交货|交貨|供货|供貨)"),
        (Ship, 4.0, r"出荷|納入|発送|出货|交货"),
        (
            Issue,
            6.5,
            r"issue\s*d?\s*date|date\s+(?:of\s+)?(?:issue|notice|notification|publication|announcement|release)|(?:notice|notification|publication|announcement|pcn|pdn|letter)\s+(?:issue\s+)?date|\bissued\b|\bpublished\b|date\s+issued|released?\s*(?:on|date)\b|released?on|publish\w*\s*(?:on|date)|announc\w*\s*date|document\s+date",
        ),
        (Issue, 5.0, r"^\W*date\W*$|\bdated\b|dated\W*$|announced\s+on"),
        (
            Issue,
            6.0,
            r"ausgabe(?:datum)?|ausgestellt|datum\s+(?:der|dieser|des)\s+(?:mitteilung|schreibens|abk[üu]ndigung)|mitteilungsdatum|erstellt\s+am|^\W*datum\W*$|mitteilung\s+vom|date\s+(?:d'[ée]mission|de\s+(?:notification|publication|l'avis))|[ée]mis\s+le|^\W*date\s*:?\W*$|fecha\s+(?:de\s+)?(?:emisi[óo]n|notificaci[óo]n|publicaci[óo]n|aviso)|^\W*fecha\W*$|発行日|通知日|発信日|作成日|发布日期|發佈日期|发文日期|通知日期|发出日期|^\W*日期\W*$",
        ),
        (
            Effective,
            5.0,
            r"effectiv\w*|implement\w*|first\s*ship\w*|first\s+(?:day|date)\s+of\s+(?:ship|deliver)\w*|(?:first|initial)\s+(?:ship\w*|deliver\w*|date)[^.;]{0,40}(?:chang|new|revis)\w*|(?:change|cut-?over|conversion|transition)\s+(?:date|takes|will)|\bsamples?\b[^.;]{0,30}(?:available|from)|start(?:ing|s|ed)?\s+(?:of|from|with|on|in)|end\s+of\s+(?:life|production|sale|support)|production\s+(?:will\s+)?(?:end|stop|cease)s?",
        ),
        (
            Effective,
            5.0,
            r"wirksam|g[üu]ltig\s+ab|umsetzung|inkraft\w*|produktionsende|einstellung\s+(?:der\s+)?(?:fertigung|produktion)|prise\s+d'effet|entr[ée]e\s+en\s+vigueur|fin\s+de\s+production|fecha\s+efectiva|entrada\s+en\s+vigor|fin\s+de\s+producci[óo]n|適用|実施|切替|生産終了日|生效|实施|停产日期",
        ),
        (
            None,
            6.5,
            r"(?:agreement|contract|orders?|terms|report|certificate)\s+(?:dated|of|before|from|from\s+before)\b|\b(?:requested|confirmed|payable)\b|\bclosed\s+(?:from|between|until)|ferm[ée]e?s?\s+(?:du|le)|geschlossen\s+(?:vom|von|ab)|cerrad[oa]s?\s+(?:del|desde)|休業|\b(?:our|unsere?n?r?|notre|nuestr[ao])\s+(?:\p{L}+\s+){0,2}?(?:notice|notification|letter|mail|announcement|mitteilung|abk[üu]ndigung|avis|lettre|courrier|aviso|carta)\s+(?:\S+\s+)?(?:of|from|dated|vom|du|de|del)\s*$|(?:discontinuance|notice|notification)\s+(?:announced|published|sent|issued)\s+on\s*$|previous(?:ly)?|originally|formerly|initially|supersed\w*|superc\w*|earlier\s+(?:date|notice)|instead\s+of|(?:extend|postpon|mov|chang|shift|delay)\w*\s+from|no\s+longer|fassung|vorank[üu]ndigung|ursprünglich|bisher\w*|statt|anstelle|initialement|au\s+lieu|originalmente|en\s+lugar|旧|原定",
        ),
        (None, 9.0, r"(?:\(|\b|^)(?:was|formerly|previously|vorher|zuvor|bisher|ancienne?(?:ment)?|antes|旧|原)\W*$"),
        (
            None,
            5.0,
            r"\bform\b|template|\brev(?:ision)?\b\.?|version|formular|vorlage|\bstand\b|formulaire|plantilla|copyright|©|printed|\bpage\b|様式|版",
        ),
        (None, 5.0, r"^\W*(?:sent|gesendet|envoy[ée]|enviado|received)\s*:?\s*(?:\w{2,9},?\s*)?$|\bwrote\b|schrieb|a\s+écrit|escribi[óo]"),
        (
            None,
            5.0,
            r"acknowledg\w*|\brespon(?:d|se)\w*|repl(?:y|ies)|feedback|quer(?:y|ies)|comment\w*|meeting|webinar|holiday|valid\s+until|expires?|date\s+code|datecode|since|established|founded|introduc\w*|J-STD|rückmeldung|antwort\w*|r[ée]ponse|respuesta|回答",
        ),
    ])
});

static PART_CUES: LazyLock<Vec<Cue<PartRole>>> = LazyLock::new(|| {
    use PartRole::{Affected, Neither, Replacement};
    cues(&[
        (
            Affected,
            5.0,
            r"^\W*(?:(?:affected|discontinued|our|old|manufacturer|maker|mfr|mfg|vendor|supplier|sales|obsolete|full)?\W*(?:part|product|device|item|type|ordering|order|orderable|model|catalog(?:ue)?|material|mpn|p/?n)\W*(?:part\W*)?(?:numbers?|nos?\.?|names?|codes?|identification|list|s)?(?:\s*\(?s\)?)?|artikel\W*(?:nummern?|nr\.?)?|typen?|typ\W*bezeichnung|bestell(?:nummern?|bezeichnung|code)|r[ée]f[ée]rences?|referencias?|piezas?|pi[èe]ces?|bauteile?|型番|品番|品名|型号|料号|物料号)\W*$",
        ),
        (
            Affected,
            5.5,
            r"affected|impacted|discontinu\w*|obsolet\w*|end[\s-]of[\s-]life|\bEOL\b|phas\w+\s+out|ceas\w*|retir(?:e|es|ing|ed)\b|stop\w*\s+(?:making|producing|manufactur\w*|the\s+production)|concerned|subject\s+to|withdraw\w*|last[\s-]time[\s-]buy|change\s+(?:of|to|in)\s+[\w\s-]{0,30}\bfor\b|move\w*\s+to\s+lifecycle",
        ),
        (
            Affected,
            2.0,
            r"(?:manufacturer|mfr|mfg|maker|vendor|supplier|our|old|current|existing)?\s*(?:part|product|device|item|type|ordering|order|orderable|model|catalog(?:ue)?|material|sales)\s*(?:part\s*)?(?:numbers?|nos?\b\.?|names?|codes?|types?|#|id|/)*|\bMPNs?\b|\bP/?N\b|\bSKUs?\b|\bparts?\b|\bproducts?\b|\bdevices?\b|\bold\b",
        ),
        (
            Affected,
            5.5,
            r"betroffen\w*|abgek[üu]ndigt\w*|abk[üu]ndigung|auslauf\w*|eingestellt\w*|concern[ée]\w*|arr[êe]t\w*|affect[ée]\w*|afectad\w*|descontinuad\w*|discontinuad\w*|対象|生産中止|生産終了|廃止|製造中止|受影响|受影響|停产|停產|涉及",
        ),
        (
            Affected,
            2.0,
            r"artikel\w*|\btyp(?:en)?\b|bestell(?:nummer|bezeichnung|code)|bauteil\w*|produkt\w*|r[ée]f[ée]rences?|produits?|articles?|referencias?|productos?|piezas?|pi[èe]ces?|componentes?|型番|品番|品名|製品|型号|型號|料号|料號|产品|產品",
        ),
        (
            Replacement,
            6.5,
            r"replac\w*|\brepl\b|\balt\b|supersed\w*|substitut\w*|alternat\w*|successor|migrat\w*|follow[\s-]?(?:on|up)|drop[\s-]in|pin[\s-](?:to[\s-]pin[\s-])?compatible|equivalent|upgrade|\bnew\s+(?:part|product|device|order|type|p/?n|number|mpn)\w*|→|->|=>|recommend\w*|suggest\w*|consider|instead",
        ),
        (
            Replacement,
            6.5,
            r"ersatz\w*|ersetzt\w*|nachfolg\w*|alternativ\w*|\bneue[rs]?\s+(?:artikel|typ|bestell)\w*|remplac\w*|substitution|successeur|[ée]quivalent\w*|pr[ée]conis\w*|pr[ée]f[ée]r\w+|prene[zr]|use\s+instead|\bheir\b|please\s+(?:move|change|switch|migrate)\s+to\b|migrat\w*\s+to\b|for\s+new\s+(?:designs?|projects?)|f[üu]r\s+neu\p{L}+\s*:|ご検討|请(?:使用|选用|考虑|改用)|建议(?:使用|选用|改用)|新设计(?:请|建议)|re+mplaz\w*|sustitu\w*|recomend\w*|代替|後継|推奨|置換|替代|替换|替換|推荐|推薦|取代|后续|後續",
        ),
        (
            Neither,
            5.0,
            r"(?:mou?ld(?:ing)?\s+)?compound|lead\s?frame|wafer|\bdie\b|bond\s+wire|qualification|\bvehicle\b|carrier\s+tape|\btray\b|\breel\b|drawing|data\s?sheet|specification|standard|lot\b|batch|date\s+code|customer\s+(?:part|item|ref|p/?n|no|number)\w*|your\s+(?:part|ref|item|order|p/?n)\w*|\bHTS\b|\bECCN\b|\bfab\b|tel\b|phone|\bfax\b|purchase\s+order\s+n|invoice|package|packing|description|qty|quantity|kunden\w*|verpackung|bezeichnung|beschreibung|zeichnung|emballage|d[ée]signation|embalaje|descripci[óo]n|包装|封装|備考|remarks?|comment",
        ),
        (
            Neither,
            6.0,
            r"not\s+(?:be\s+)?(?:affected|impacted|discontinued)|by\s+its\s+(?:maker|supplier|manufacturer|vendor)\b|unaffected|remain\w*\s+(?:available|in\s+production|active)|continue\w*\s+to\s+be|nicht\s+betroffen|weiterhin|non\s+concern|no\s+afectad|対象外|不受影响",
        ),
    ])
});

/// Log-odds by role from what stands around a place: label and words before count by nearness, words after somewhat less.
/// `reach` is the distance, in characters, over which a cue before the place loses two thirds of its weight.
fn weigh<R: Copy + PartialEq>(cues: &[Cue<R>], roles: &[R], around: &Around<'_>, reach: f64) -> Vec<f64> {
    let mut scores = vec![0.0_f64; roles.len()];
    let mut add = |role: R, weight: f64| {
        if let Some(at) = roles.iter().position(|known| *known == role) {
            // The strongest cue of a role counts; two of the same kind say hardly more than one.
            scores[at] = scores[at].max(weight);
        }
    };
    for cue in cues {
        if let Some(found) = around.label.and_then(|label| cue.regex.find_iter(label).last()) {
            // Of two cues in one label (`last order, delivery`) the later one is the head word.
            let rest = around.label.map_or(0, |label| label[found.end()..].chars().count());
            add(cue.role, cue.weight * 1.1 - rest as f64 * 0.02);
        }
        if let Some(found) = cue.regex.find_iter(around.before).last() {
            // Of two that end at the same word (`orders will be shipped until`) the one that begins nearer says more.
            let distance = around.before[found.end()..].chars().count() as f64 + found.len() as f64 * 0.2;
            add(cue.role, cue.weight * (-distance / reach).exp());
        }
        if let Some(found) = cue.regex.find(around.after) {
            let distance = around.after[..found.start()].chars().count() as f64;
            add(cue.role, cue.weight * 0.8 * (-distance / 40.0).exp());
        }
    }
    scores
}

/// Log-odds of each of `DateRole::ALL`.
pub(super) fn date_evidence(around: &Around<'_>) -> Vec<f64> {
    // `Deliveries under final orders` speaks of delivering.
    static OF_ORDERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:(?:under|against|on|from)\s+(?:(?:all|any|such|these|the|accepted|placed|final|last|ltb|last[\s-]time[\s-]buy)\s+)+|for\s+(?:such|these|accepted|placed)\s+)orders?\b").ok()
    });
    let before = OF_ORDERS.as_ref().map_or_else(
        || around.before.to_owned(),
        |regex| {
            regex
                .replace_all(around.before, |found: &regex::Captures<'_>| " ".repeat(found.get(0).map_or(0, |all| all.as_str().chars().count())))
                .into_owned()
        },
    );
    let mut scores = weigh(&DATE_CUES, &DateRole::ALL, &Around { label: around.label, before: &before, after: around.after }, 100.0);
    if let Some(none) = scores.last_mut() {
        // A date that nothing speaks for is most likely none of those asked for.
        *none = none.max(1.0);
    }
    scores
}

/// Log-odds of each of `PartRole::ALL`.
pub(super) fn part_evidence(around: &Around<'_>) -> Vec<f64> {
    // `not recommended` speaks of the part itself, `recommended` of its replacement.
    static NOT_RECOMMENDED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)not\s+(?:recommended\s+)?for\s+(?:use\s+in\s+)?new\s+\w+|not\s+recommended|no\s+longer\s+recommend\w*|nicht\s+(?:mehr\s+)?(?:\S+\s+){0,3}empfohlen|non\s+recommand\w*|no\s+recomendad\w*|d[ée]conseill[ée]\w*|非推奨|不推荐|不推薦|不建议")
            .ok()
    });
    let plain = |text: &str| NOT_RECOMMENDED.as_ref().map_or_else(|| text.to_owned(), |regex| regex.replace_all(text, "obsolete").into_owned());
    let (label, before, after) = (around.label.map(plain), plain(around.before), plain(around.after));
    // What a list of parts is about stands further off than what a date is.
    weigh(&PART_CUES, &PartRole::ALL, &Around { label: label.as_deref(), before: &before, after: &after }, 140.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date_role(before: &str, after: &str) -> DateRole {
        let scores = date_evidence(&Around { label: None, before, after });
        let best = (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).expect("roles");
        DateRole::ALL[best]
    }

    #[test]
    fn the_words_beside_a_date_tell_what_it_is() {
        for (before, after, role) in [
            ("Last Time Buy date: ", "", DateRole::Buy),
            ("Orders will be accepted until ", "", DateRole::Buy),
            ("with deliveries to be completed no later than ", "", DateRole::Ship),
            ("Letzte Bestellmöglichkeit: ", "", DateRole::Buy),
            ("Letzte Auslieferung bis ", "", DateRole::Ship),
            ("最終受注日: ", "", DateRole::Buy),
            ("最后出货日期：", "", DateRole::Ship),
            ("Date of issue ", "", DateRole::Issue),
            ("截止订货：", "", DateRole::Buy),
            ("Fin des livraisons ", "", DateRole::Ship),
            ("Form QF-104 Rev. C, ", "", DateRole::None),
            ("The change becomes effective on ", "", DateRole::Effective),
            ("extended from ", "", DateRole::None),
            ("We were founded in Ulm on ", "", DateRole::None),
            ("", " is the last day to place orders", DateRole::Buy),
        ] {
            assert_eq!(date_role(before, after), role, "{before:?} {after:?}");
        }
    }

    #[test]
    fn every_pattern_is_a_regular_expression() {
        // `cues` leaves a broken pattern out; here it is missed.
        assert_eq!(DATE_CUES.len(), 25);
        assert_eq!(PART_CUES.len(), 9);
    }
}
