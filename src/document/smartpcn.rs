//! smartPCN (VDMA 24903): the body of a container. Where it says who ends what, it becomes the flat form that needs no model; otherwise labelled lines and a table of
//! its items. Element names are matched without their namespace, because it changes with each edition. Document types and entities are refused.

use quick_xml::{Reader, events::Event};
use serde_json::{Map, Value, json};

use super::{builder::Builder, cells, decode};
use crate::{domain::document::Format, limits};

/// An element: its local name, its own text, what is in it; attributes stand as elements.
#[derive(Default)]
struct Element {
    name: String,
    text: String,
    within: Vec<Element>,
}

impl Element {
    /// Text of the first element of one of these names, in the order of the names, at any depth but not within an item or what it is replaced by.
    fn find(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.first(name))
    }

    fn first(&self, name: &str) -> Option<&str> {
        if self.name.eq_ignore_ascii_case(name) && !self.text.trim().is_empty() {
            return Some(self.text.trim());
        }
        self.within.iter().filter(|inner| !inner.is_item()).find_map(|inner| inner.first(name))
    }

    /// As `find`, for an item itself.
    fn of(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.within.iter().find_map(|inner| inner.first(name)))
    }

    /// Texts of every element of this name in an item.
    fn all<'a>(&'a self, name: &str, found: &mut Vec<&'a str>) {
        for inner in &self.within {
            if inner.name.eq_ignore_ascii_case(name) && !inner.text.trim().is_empty() {
                found.push(inner.text.trim());
            }
            inner.all(name, found);
        }
    }

    fn is_item(&self) -> bool {
        ["ItemNumber", "PartNumber", "item"].iter().any(|name| self.name.eq_ignore_ascii_case(name)) && !self.within.is_empty()
    }

    fn items<'a>(&'a self, found: &mut Vec<&'a Element>) {
        if self.is_item() {
            found.push(self);
        } else {
            self.within.iter().for_each(|inner| inner.items(found));
        }
    }

    /// Everything in it that holds text, with its name, items left out.
    fn leaves<'a>(&'a self, found: &mut Vec<(&'a str, &'a str)>) {
        if !self.text.trim().is_empty() {
            found.push((&self.name, self.text.trim()));
        }
        self.within.iter().filter(|inner| !inner.is_item()).for_each(|inner| inner.leaves(found));
    }
}

/// Whether a text is such a body by itself.
pub(super) fn is_body(text: &str) -> bool {
    let start = &text[..text.floor_char_boundary(4096)];
    start.trim_start_matches('\u{FEFF}').trim_start().starts_with('<') && start.contains("PCNbody")
}

/// Adds a body; `Format::Json` where it was taken as the flat form.
pub(super) fn add(builder: &mut Builder, name: Option<&str>, bytes: &[u8]) -> Result<Format, String> {
    let (text, warning) = decode::text(bytes, declared(bytes).as_deref());
    warning.into_iter().for_each(|warning| builder.warn(warning));
    let body = parse(&text)?;
    let mut items = Vec::new();
    body.items(&mut items);
    // A feed is the whole document: within a mail or an archive the lines are what can stand beside the rest.
    if name.is_none()
        && let Some(flat) = flat(&body, &items)
    {
        let text = serde_json::to_string_pretty(&flat).map_err(|error| error.to_string())?;
        builder.feed(&text)?;
        return Ok(Format::Json);
    }
    builder.page(name.unwrap_or("smartPCN"));
    let mut leaves = Vec::new();
    body.leaves(&mut leaves);
    for (name, text) in leaves {
        let label = label(name);
        let mut place = builder.line(&format!("{label}: {text}"));
        place.start = place.end.min(place.start + label.len() as u32 + 2);
        if name.eq_ignore_ascii_case("pcnTitle") {
            builder.title(place);
        }
    }
    let rows: Vec<Vec<(&str, &str)>> = items
        .iter()
        .map(|item| {
            let mut found = Vec::new();
            item.within.iter().for_each(|inner| inner.leaves(&mut found));
            found
        })
        .collect();
    let mut heads: Vec<&str> = Vec::new();
    for (name, _) in rows.iter().flatten() {
        if !heads.contains(name) && heads.len() < limits::TABLE_COLUMNS_MAX {
            heads.push(name);
        }
    }
    let body = rows.iter().map(|row| {
        heads.iter().map(|head| row.iter().filter(|(name, _)| name == head).map(|(_, text)| *text).collect::<Vec<_>>().join(", ")).collect()
    });
    let rows: Vec<Vec<String>> = std::iter::once(heads.iter().map(|head| label(head)).collect()).chain(body).collect();
    cells::add(builder, name.unwrap_or("the smartPCN body"), &rows);
    Ok(Format::Text)
}

/// What a person calls an element.
fn label(name: &str) -> String {
    let known = match name.to_ascii_lowercase().as_str() {
        "pcnmfrname" => "Manufacturer",
        "pcnnumber" => "Notice number",
        "pcntitle" => "Title",
        "pcnissuedate" => "Issue date",
        "pcntype" => "Notice type",
        "pcnltb" | "pcnltbd" | "pcnlto" | "itemltb" | "itemlto" => "Last time buy date",
        "pcnltd" | "itemltd" => "Last time ship date",
        "pcneos" => "End of sale",
        "pcneopeffdate" => "End of production",
        "itemmfrnumber" | "partmfrnumber" => "Part number",
        "itemmfrtypeident" | "partmfrtypeident" => "Type",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    let bare = ["pcn", "item", "part"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix).filter(|rest| rest.starts_with(char::is_uppercase)))
        .unwrap_or(name);
    let mut words = String::new();
    for (at, c) in bare.char_indices() {
        let parts = at > 0 && c.is_uppercase() && bare[..at].ends_with(char::is_lowercase);
        if parts {
            words.push(' ');
        }
        words.extend(if at == 0 {
            c.to_uppercase().collect::<Vec<_>>()
        } else if parts {
            c.to_lowercase().collect()
        } else {
            vec![c]
        });
    }
    words
}

/// The flat form (assets/schema/notice.v1.json); `None` where the body does not say what it takes.
fn flat(body: &Element, items: &[&Element]) -> Option<Value> {
    const BUY: [&str; 8] = ["pcnLTB", "pcnLTBD", "pcnLTO", "pcnLTODate", "itemLTB", "itemLTO", "itemLastTimeBuy", "pcnEOS"];
    const REPLACEMENT: [&str; 5] = ["itemReplacementMfrNumber", "itemReplacementNumber", "replacementMfrNumber", "itemSuccessor", "itemReplacement"];
    let kind = body.find(&["pcnType"])?.to_uppercase();
    let number_of = |item: &Element| item.of(&["itemMfrNumber", "partMfrNumber", "itemMfrTypeIdent", "partMfrTypeIdent"]).map(str::to_owned);
    let parts: Vec<String> = items.iter().map(|item| number_of(item)).collect::<Option<_>>()?;
    if !matches!(kind.as_str(), "PDN" | "PCN") || parts.is_empty() {
        return None;
    }
    let mut replacements = Map::new();
    let (mut own_buys, mut own_ships) = (Map::new(), Map::new());
    for (item, part) in items.iter().zip(&parts) {
        let mut named = Vec::new();
        if let Some(name) = REPLACEMENT.iter().find(|name| item.of(&[**name]).is_some()) {
            item.all(name, &mut named);
        }
        match named.as_slice() {
            [] if item.of(&["itemNoReplacement"]).is_some() => _ = replacements.insert(part.clone(), Value::Null),
            [] => {}
            [one] => _ = replacements.insert(part.clone(), json!(one)),
            several => _ = replacements.insert(part.clone(), json!(several)),
        }
        if let Some(date) = item.of(&BUY).filter(|_| kind == "PDN") {
            own_buys.insert(part.clone(), json!(date));
        }
        if let Some(date) = item.of(&["itemLTD", "itemLastTimeShip"]).filter(|_| kind == "PDN") {
            own_ships.insert(part.clone(), json!(date));
        }
    }
    let date = |names: &[&str]| body.find(names).filter(|_| kind == "PDN");
    Some(json!({
        "manufacturer": body.find(&["pcnMfrName"])?,
        "notice_id": body.find(&["pcnNumber"])?,
        "notice_type": kind,
        "title": body.find(&["pcnTitle"]),
        "issue_date": body.find(&["pcnIssueDate"]),
        "last_time_buy": date(&BUY),
        "last_time_ship": date(&["pcnLTD", "pcnLTS"]),
        "affected_parts": parts,
        "replacements": replacements,
        "per_part_ltb": own_buys,
        "per_part_lts": own_ships,
        "language": "en",
    }))
}

/// The encoding that the first line names.
fn declared(bytes: &[u8]) -> Option<String> {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    let (_, rest) = start.split_once("encoding=")?;
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    rest[1..].split(quote).next().map(str::to_owned)
}

fn parse(text: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(text);
    let mut open = vec![Element::default()];
    let mut elements = 0;
    loop {
        let event = reader
            .read_event()
            .map_err(|error| format!("the smartPCN body is damaged at byte {} ({error}); get the file again", reader.error_position()))?;
        let (start, is_empty) = match event {
            Event::Start(start) => (start, false),
            Event::Empty(start) => (start, true),
            Event::End(_) => {
                close(&mut open);
                continue;
            }
            Event::Text(part) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&part);
                }
                continue;
            }
            Event::CData(part) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&part);
                }
                continue;
            }
            Event::GeneralRef(name) => {
                let name = name.into_inner();
                let plain = quick_xml::escape::unescape(&format!("&{name};")).map(|text| text.into_owned());
                let plain = plain
                    .map_err(|_| format!("the smartPCN body names an entity ({}), which is refused", name.chars().take(20).collect::<String>()))?;
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&plain);
                }
                continue;
            }
            Event::DocType(_) => {
                return Err(
                    "the smartPCN body has a document type, which can hold entities and is refused; ask the sender for one without".to_owned()
                );
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
        };
        elements += 1;
        if elements > limits::XML_ELEMENTS_MAX || open.len() > limits::XML_DEPTH_MAX {
            return Err(format!(
                "the smartPCN body has more than {} elements or nests deeper than {}",
                limits::XML_ELEMENTS_MAX,
                limits::XML_DEPTH_MAX
            ));
        }
        let mut element = Element { name: start.local_name().as_ref().to_owned(), ..Element::default() };
        for attribute in start
            .attributes()
            .flatten()
            .filter(|attribute| !attribute.key.as_ref().starts_with("xmlns") && !attribute.key.as_ref().starts_with("xsi:"))
        {
            let text = attribute.value.into_owned();
            let text = quick_xml::escape::unescape(&text).map_or_else(|_| text.clone(), |plain| plain.into_owned());
            element.within.push(Element { name: attribute.key.local_name().as_ref().to_owned(), text, within: Vec::new() });
        }
        open.push(element);
        if is_empty {
            close(&mut open);
        }
    }
    if open.len() > 1 {
        return Err("the smartPCN body ends too early; get the file again".to_owned());
    }
    open.pop().and_then(|mut root| root.within.pop()).ok_or_else(|| "the smartPCN body is empty".to_owned())
}

fn close(open: &mut Vec<Element>) {
    if open.len() > 1
        && let Some(done) = open.pop()
        && let Some(parent) = open.last_mut()
    {
        parent.within.push(done);
    }
}
