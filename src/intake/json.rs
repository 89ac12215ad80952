//! JSON within bounds, and the sentences about what is missing in it.

use serde_json::Value;

use super::{Refusal, few};
use crate::limits;

/// Reads a JSON body: UTF-8, at most `limits::JSON_DEPTH_MAX` levels and `limits::JSON_VALUES_MAX` values. Errors give line and column.
pub(super) fn parse(body: &[u8]) -> Result<Value, Refusal> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let (line, column) = place(body, error.valid_up_to());
        Refusal::Malformed(format!("the body is not UTF-8: the byte at line {line} column {column} belongs to no character"))
    })?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    bounded(text.as_bytes())?;
    serde_json::from_str(text).map_err(|error| {
        use serde_json::error::Category;
        let what = match error.classify() {
            Category::Eof => "it ends too early",
            _ => "a syntax error",
        };
        Refusal::Malformed(format!("the body is not JSON: {what} at line {} column {}", error.line(), error.column()))
    })
}

/// Depth and number of values, counted before anything is built: a tree of small values takes many times the memory of its text.
fn bounded(text: &[u8]) -> Result<(), Refusal> {
    let (mut depth, mut values) = (0_usize, 1_usize);
    let (mut in_string, mut escaped) = (false, false);
    for (at, byte) in text.iter().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                values += 1;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
        if depth > limits::JSON_DEPTH_MAX {
            let (line, column) = place(text, at);
            return Err(Refusal::Malformed(format!("the JSON nests deeper than {} levels at line {line} column {column}", limits::JSON_DEPTH_MAX)));
        }
    }
    if values > limits::JSON_VALUES_MAX {
        return Err(Refusal::Malformed(format!("the JSON holds more than {} values; split it", limits::JSON_VALUES_MAX)));
    }
    Ok(())
}

/// Line and column, from 1, of a byte; columns count bytes, as serde_json's do.
fn place(text: &[u8], at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    (line, at - before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1) + 1)
}

/// A value and its JSON path.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Node<'a> {
        Node { value, path: "$".to_owned() }
    }

    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    /// A sentence about this value, which says where it stands.
    pub(super) fn refuse(&self, what: &str) -> Refusal {
        Refusal::Malformed(format!("{} {what}", self.path))
    }

    fn is_not(&self, wanted: &str) -> Refusal {
        let is = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        self.refuse(&format!("must be {wanted}, not {is}"))
    }

    /// This value, where it is an object.
    pub(super) fn object(self) -> Result<Node<'a>, Refusal> {
        if self.value.is_object() { Ok(self) } else { Err(self.is_not("an object")) }
    }

    /// A member; null counts as absent.
    pub(super) fn get(&self, key: &str) -> Option<Node<'a>> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(Node { value, path: format!("{}.{key}", self.path) })
    }

    pub(super) fn need(&self, key: &str) -> Result<Node<'a>, Refusal> {
        self.get(key).ok_or_else(|| self.refuse(&format!("has no '{key}'")))
    }

    /// Members of an object, in the order sent; none where it is no object.
    pub(super) fn members(&self) -> impl Iterator<Item = (&'a str, Node<'a>)> + use<'a> {
        let path = self.path.clone();
        self.value.as_object().into_iter().flatten().map(move |(key, value)| (key.as_str(), Node { value, path: format!("{path}.{}", few(key)) }))
    }

    pub(super) fn text(&self) -> Result<&'a str, Refusal> {
        self.value.as_str().ok_or_else(|| self.is_not("a string"))
    }

    /// A string that says something.
    pub(super) fn filled_text(&self) -> Result<&'a str, Refusal> {
        let text = self.text()?;
        if text.trim().is_empty() { Err(self.refuse("must not be empty")) } else { Ok(text) }
    }

    /// Elements of an array.
    pub(super) fn items(&self) -> Result<impl Iterator<Item = Node<'a>> + use<'a>, Refusal> {
        let items = self.value.as_array().ok_or_else(|| self.is_not("an array"))?;
        let path = self.path.clone();
        Ok(items.iter().enumerate().map(move |(at, value)| Node { value, path: format!("{path}[{at}]") }))
    }

    /// Elements of an array, or the one object that some senders put in place of an array of one.
    pub(super) fn one_or_more(&self) -> Result<Vec<Node<'a>>, Refusal> {
        match self.value {
            Value::Object(_) => Ok(vec![self.clone()]),
            Value::Array(_) => self.items()?.map(Node::object).collect(),
            _ => Err(self.is_not("an array or an object")),
        }
    }

    /// A day as ISO 8601 writes it.
    pub(super) fn date(&self) -> Result<(), Refusal> {
        let text = self.text()?;
        let is_day = text.len() == "2026-01-31".len() && text.parse::<jiff::civil::Date>().is_ok();
        if is_day { Ok(()) } else { Err(self.refuse(&format!("must be a day like 2026-01-31, not '{}'", few(text)))) }
    }

    /// The bytes of base64 with or without line breaks.
    pub(super) fn decoded(&self) -> Result<bytes::Bytes, Refusal> {
        self.base64()?;
        let digits: Vec<u8> = self.text()?.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, digits).map(bytes::Bytes::from).map_err(|_| self.refuse("is not base64"))
    }

    /// Base64 with or without line breaks; the bytes themselves are decoded later.
    pub(super) fn base64(&self) -> Result<(), Refusal> {
        let text = self.text()?;
        let digits = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
        let mut count = 0_usize;
        let mut padding = 0_usize;
        for byte in digits {
            count += 1;
            match byte {
                b'=' => padding += 1,
                _ if padding == 0 && (byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')) => {}
                _ => return Err(self.refuse("is not base64")),
            }
        }
        if count.is_multiple_of(4) && padding <= 2 { Ok(()) } else { Err(self.refuse("is not base64: its length is wrong")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(body: &[u8]) -> String {
        parse(body).expect_err("must be refused").to_string()
    }

    #[test]
    fn says_where_a_body_breaks() {
        assert_eq!(sentence(b"{\"a\": 1,\n  \"b\" 2}"), "the body is not JSON: a syntax error at line 2 column 7");
        assert_eq!(sentence(b"{\"a\": [1"), "the body is not JSON: it ends too early at line 1 column 8");
        assert_eq!(sentence(b"{\n\"a\": \"\xff\"}"), "the body is not UTF-8: the byte at line 2 column 7 belongs to no character");
        assert!(parse("\u{FEFF}{}".as_bytes()).is_ok());
    }

    #[test]
    fn bounds_depth_and_values_before_building_anything() {
        let at_limit = format!("{}{}", "[".repeat(limits::JSON_DEPTH_MAX), "]".repeat(limits::JSON_DEPTH_MAX));
        assert!(parse(at_limit.as_bytes()).is_ok());
        assert!(sentence("[".repeat(100_000).as_bytes()).contains("nests deeper than 64 levels at line 1 column 65"));
        assert!(sentence(format!("[0{}]", ",0".repeat(limits::JSON_VALUES_MAX)).as_bytes()).contains("values"));
        // Brackets and commas in strings do not count.
        let quoted = format!("[\"{}\\\"[\"]", "[,".repeat(limits::JSON_VALUES_MAX));
        assert!(parse(quoted.as_bytes()).is_ok());
    }

    #[test]
    fn names_the_place_of_what_is_missing() {
        let value = serde_json::json!({"parts": ["A", 5, " "], "day": "31.01.2026"});
        let root = Node::root(&value);
        assert_eq!(root.need("mpn").expect_err("absent").to_string(), "$ has no 'mpn'");
        let parts: Vec<Node> = root.need("parts").and_then(|parts| parts.items().map(Iterator::collect)).expect("array");
        assert_eq!(parts[1].text().expect_err("number").to_string(), "$.parts[1] must be a string, not a number");
        assert_eq!(parts[2].filled_text().expect_err("blank").to_string(), "$.parts[2] must not be empty");
        assert_eq!(
            root.need("day").and_then(|day| day.date()).expect_err("day").to_string(),
            "$.day must be a day like 2026-01-31, not '31.01.2026'"
        );
    }
}
