//! As much of style sheets as decides whether text is seen: selectors of one element by name, class and id, declarations, colours and lengths. A rule that depends on
//! more than the element itself (its place, the screen) may or may not hold: of it only counts that it may give a ground.

use std::collections::HashMap;

use super::dom::{Id, Page};
use crate::limits;

/// What the sheet and the element itself say, by lower-case name; later and more specific ones stand.
#[derive(Default)]
pub(super) struct Declared {
    pub values: HashMap<String, String>,
    /// A rule that may or may not hold gives a ground.
    pub may_have_ground: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Selector {
    name: Option<String>,
    id: Option<String>,
    classes: Vec<String>,
}

struct Rule {
    selector: Selector,
    values: Vec<(String, String)>,
    /// Whether it holds for certain where the selector fits.
    is_certain: bool,
}

/// The style sheets of a page, each rule found by one word of its selector.
#[derive(Default)]
pub(super) struct Sheet {
    rules: Vec<Rule>,
    by_word: HashMap<String, Vec<usize>>,
}

impl Sheet {
    pub(super) fn of(page: &Page) -> Sheet {
        let mut sheet = Sheet::default();
        for id in page.descendants(page.root(), |_| false).filter(|id| page.name(*id) == Some("style")) {
            let text: String = page.children(id).filter_map(|child| page.text(child)).collect();
            sheet.take(&without_comments(&text), true);
        }
        sheet
    }

    fn take(&mut self, text: &str, is_certain: bool) {
        let mut rest = text;
        while let Some((head, behind)) = rest.split_once('{') {
            // Statements without a block, such as @import, end before it.
            let head = head.rsplit(';').next().unwrap_or(head).trim();
            let end = closes(behind);
            let block = &behind[..end];
            if head.starts_with('@') {
                // Only one level: what nests deeper holds even less surely.
                if is_certain && block.contains('{') {
                    self.take(block, false);
                }
            } else {
                let values = declarations(block);
                for selector in head.split(',') {
                    self.add(selector, &values, is_certain);
                }
            }
            rest = behind.get(end + 1..).unwrap_or("");
        }
    }

    fn add(&mut self, selector: &str, values: &[(String, String)], is_certain: bool) {
        if self.rules.len() >= limits::HTML_STYLE_RULES_MAX {
            return;
        }
        let selector = selector.trim();
        let last = selector.rsplit([' ', '>', '+', '~']).next().unwrap_or(selector);
        let is_plain = last == selector && !last.contains([':', '[', '*']);
        let parsed = compound(last.split([':', '[']).next().unwrap_or(last));
        let word = match &parsed {
            Selector { id: Some(id), .. } => format!("#{id}"),
            Selector { classes, .. } if !classes.is_empty() => format!(".{}", classes[0]),
            Selector { name: Some(name), .. } => name.clone(),
            Selector { .. } => return,
        };
        self.by_word.entry(word).or_default().push(self.rules.len());
        self.rules.push(Rule { selector: parsed, values: values.to_vec(), is_certain: is_certain && is_plain });
    }

    pub(super) fn declared(&self, page: &Page, id: Id, name: &str) -> Declared {
        let mut declared = Declared::default();
        let classes: Vec<&str> = page.attribute(id, "class").map(|classes| classes.split_whitespace().collect()).unwrap_or_default();
        let own_id = page.attribute(id, "id");
        let words = classes.iter().map(|class| format!(".{class}")).chain(own_id.map(|id| format!("#{id}"))).chain([name.to_owned()]);
        let mut fitting: Vec<usize> = words.filter_map(|word| self.by_word.get(&word)).flatten().copied().collect();
        let weight = |selector: &Selector| (selector.id.is_some(), selector.classes.len(), selector.name.is_some());
        fitting.sort_by_key(|rule| (weight(&self.rules[*rule].selector), *rule));
        for rule in fitting.into_iter().map(|rule| &self.rules[rule]) {
            let Selector { name: wanted, id: wanted_id, classes: wanted_classes } = &rule.selector;
            let fits = wanted.as_deref().is_none_or(|wanted| wanted == name)
                && wanted_id.as_deref().is_none_or(|wanted| Some(wanted) == own_id)
                && wanted_classes.iter().all(|class| classes.contains(&class.as_str()));
            if fits && rule.is_certain {
                declared.values.extend(rule.values.iter().cloned());
            } else if fits {
                declared.may_have_ground |= rule.values.iter().any(|(name, _)| name.starts_with("background"));
            }
        }
        if let Some(style) = page.attribute(id, "style") {
            declared.values.extend(declarations(style));
        }
        declared
    }
}

fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("/*") {
        out.push_str(before);
        rest = behind.split_once("*/").map_or("", |(_, behind)| behind);
    }
    out.push_str(rest);
    // Sheets are often wrapped so that old programs take them for a comment.
    out.replace("<!--", "").replace("-->", "")
}

/// Where a block ends whose bracket was opened before.
fn closes(text: &str) -> usize {
    let mut depth = 1_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

fn declarations(text: &str) -> Vec<(String, String)> {
    let one = |declaration: &str| {
        let (name, value) = declaration.split_once(':')?;
        let value = value.split('!').next().unwrap_or(value).trim().to_ascii_lowercase();
        Some((name.trim().to_ascii_lowercase(), value))
    };
    text.split(';').filter_map(one).collect()
}

/// `td.note#x` in its parts.
fn compound(text: &str) -> Selector {
    let mut selector = Selector::default();
    let mut start = 0;
    let ends: Vec<usize> = text.char_indices().filter(|(at, c)| *at > 0 && matches!(c, '.' | '#')).map(|(at, _)| at).chain([text.len()]).collect();
    for end in ends {
        let part = &text[start..end];
        match part.split_at_checked(1) {
            Some((".", class)) => selector.classes.push(class.to_owned()),
            Some(("#", id)) => selector.id = Some(id.to_owned()),
            Some(_) if part != "*" => selector.name = Some(part.to_ascii_lowercase()),
            _ => {}
        }
        start = end;
    }
    selector
}

/// A length in pixels, where `em` is that many; `None` of what is no length.
pub(super) fn length(value: &str, em: f32) -> Option<f32> {
    let at = value.find(|c: char| c.is_ascii_alphabetic() || c == '%').unwrap_or(value.len());
    let number: f32 = value[..at].trim().parse().ok()?;
    let unit = match &value[at..] {
        "px" => 1.0,
        "pt" => 4.0 / 3.0,
        "em" => em,
        "rem" => 16.0,
        "%" => em / 100.0,
        "in" => 96.0,
        "cm" => 96.0 / 2.54,
        "mm" => 96.0 / 25.4,
        // Of the screen; about a thousand pixels.
        "vw" | "vh" => 10.0,
        "" => 1.0,
        _ => return None,
    };
    Some(number * unit)
}

/// A colour as red, green and blue; `None` of one that is not known.
pub(super) fn colour(value: &str) -> Option<[u8; 3]> {
    let value = value.trim().to_ascii_lowercase();
    if let Some(digits) = value.strip_prefix('#') {
        return hexadecimal(digits);
    }
    if let Some(inside) = value.strip_prefix("rgb(").or_else(|| value.strip_prefix("rgba(")) {
        let mut channels = inside.trim_end_matches(')').split([',', ' ', '/']).filter(|channel| !channel.is_empty()).map(channel);
        return Some([channels.next()??, channels.next()??, channels.next()??]);
    }
    let named = match value.as_str() {
        "white" => "ffffff",
        "snow" => "fffafa",
        "ivory" => "fffff0",
        "ghostwhite" => "f8f8ff",
        "whitesmoke" => "f5f5f5",
        "black" => "000000",
        "red" => "ff0000",
        "lime" => "00ff00",
        "green" => "008000",
        "blue" => "0000ff",
        "navy" => "000080",
        "yellow" => "ffff00",
        "gray" | "grey" => "808080",
        "silver" => "c0c0c0",
        "lightgray" | "lightgrey" => "d3d3d3",
        "darkgray" | "darkgrey" => "a9a9a9",
        "orange" => "ffa500",
        "maroon" => "800000",
        "purple" => "800080",
        "teal" => "008080",
        // The old attribute takes the digits alone.
        other if other.len() == 6 && other.bytes().all(|byte| byte.is_ascii_hexdigit()) => other,
        _ => return None,
    };
    hexadecimal(named)
}

fn channel(text: &str) -> Option<u8> {
    let (number, of) = text.strip_suffix('%').map_or((text, 1.0), |percent| (percent, 2.55));
    let value: f32 = number.parse().ok()?;
    Some((value * of).round().clamp(0.0, 255.0) as u8)
}

fn hexadecimal(digits: &str) -> Option<[u8; 3]> {
    let digit = |at: usize| digits.get(at..at + 1).and_then(|digit| u8::from_str_radix(digit, 16).ok());
    match digits.len() {
        3 | 4 => Some([digit(0)? * 17, digit(1)? * 17, digit(2)? * 17]),
        6 | 8 => Some([digit(0)? * 16 + digit(1)?, digit(2)? * 16 + digit(3)?, digit(4)? * 16 + digit(5)?]),
        _ => None,
    }
}
