//! XML as SiliconExpert sends it, turned into the JSON it sends otherwise: an element with elements becomes an object, one with text a string, one that is there
//! again a list. So an array of one is an object here too, as in its own JSON. No document type, no entities but the five of XML itself.

use quick_xml::{Reader, events::Event};
use serde_json::{Map, Value};

use super::Refusal;
use crate::limits;

/// An element that is not closed yet.
#[derive(Default)]
struct Open {
    name: String,
    members: Map<String, Value>,
    text: String,
}

impl Open {
    fn value(self) -> Value {
        if self.members.is_empty() { Value::String(self.text.trim().to_owned()) } else { Value::Object(self.members) }
    }

    fn add(&mut self, name: String, value: Value) {
        match self.members.get_mut(&name) {
            None => drop(self.members.insert(name, value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
}

/// What the root element holds.
pub(super) fn parse(body: &[u8]) -> Result<Value, Refusal> {
    let broken = |at: u64, why: &str| Refusal::Malformed(format!("the body is no XML that is taken here: {why} at byte {at}"));
    let text = std::str::from_utf8(body).map_err(|error| broken(error.valid_up_to() as u64, "it is not UTF-8"))?;
    let mut reader = Reader::from_str(text.strip_prefix('\u{FEFF}').unwrap_or(text));
    let mut open: Vec<Open> = Vec::new();
    let mut elements = 0;
    loop {
        let at = reader.buffer_position();
        let event = reader.read_event().map_err(|error| broken(at, &error.to_string()))?;
        match event {
            Event::Start(_) | Event::Empty(_) if elements >= limits::JSON_VALUES_MAX || open.len() >= limits::JSON_DEPTH_MAX => {
                return Err(broken(at, "it has too many elements, or nests too deep"));
            }
            Event::Start(element) => {
                elements += 1;
                open.push(Open { name: element.local_name().as_ref().to_owned(), ..Open::default() });
            }
            Event::Empty(element) => {
                elements += 1;
                let name = element.local_name().as_ref().to_owned();
                match open.last_mut() {
                    Some(parent) => parent.add(name, Value::String(String::new())),
                    None => return Ok(Value::Object(Map::new())),
                }
            }
            Event::End(_) => match (open.pop(), open.last_mut()) {
                (Some(closed), Some(parent)) => parent.add(closed.name.clone(), closed.value()),
                (Some(root), None) => return Ok(root.value()),
                (None, _) => return Err(broken(at, "an element ends that did not begin")),
            },
            Event::Text(said) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&said);
                }
            }
            Event::CData(said) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&said);
                }
            }
            Event::GeneralRef(named) => {
                let character = match named.resolve_char_ref() {
                    Ok(Some(character)) => Some(character.to_string()),
                    _ => quick_xml::escape::resolve_xml_entity(&named).map(str::to_owned),
                };
                match (character, open.last_mut()) {
                    (Some(character), Some(element)) => element.text.push_str(&character),
                    _ => return Err(broken(at, "it names an entity that XML does not have")),
                }
            }
            Event::DocType(_) => return Err(broken(at, "it has a document type, which is not read")),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => return Err(broken(at, "it ends too early")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_become_what_their_json_is() {
        let xml = "<?xml version=\"1.0\"?><ServiceResult xmlns=\"urn:x\"><!-- a --><Result><PCNDto><PCNNumber>N&amp;1</PCNNumber><Empty/></PCNDto><PCNDto>\
                   <PCNNumber><![CDATA[N<2>]]></PCNNumber></PCNDto></Result><One> a&#x2F;b </One></ServiceResult>";
        let expected = json!({ "Result": { "PCNDto": [{ "PCNNumber": "N&1", "Empty": "" }, { "PCNNumber": "N<2>" }] }, "One": "a/b" });
        assert_eq!(parse(xml.as_bytes()).expect("XML"), expected);
    }

    #[test]
    fn bombs_and_broken_xml_are_refused() {
        let deep = format!("{}{}", "<a>".repeat(1000), "</a>".repeat(1000));
        for (xml, says) in [
            ("<!DOCTYPE a [<!ENTITY b \"bb\">]><a>&b;</a>", "document type"),
            ("<a>&b;</a>", "entity"),
            ("<a><b></a></b>", "at byte"),
            ("<a>", "too early"),
            ("", "too early"),
            (&deep, "too deep"),
            ("<a>\u{1}</", "at byte"),
        ] {
            let refusal = parse(xml.as_bytes()).expect_err("refused").to_string();
            assert!(refusal.contains(says), "{refusal}");
        }
        assert!(parse(b"<a>\xFF</a>").is_err());
    }
}
