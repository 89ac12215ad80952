//! `accuris` and `z2data`: exports of BOM tools, one row a part (`domain::export`). Of CSV and JSON, the rows of one notice (same maker, same number, same kind) become
//! one notice in the published form, with the rows themselves beside it. A workbook is taken by its bytes, as one event: it needs a large parser, and is opened in the
//! sandboxed child; `reading::export` makes its rows notices by the same columns.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{Delivery, Refusal, Settings, Taken, few, json, json::Node, media_type::MediaType};
use crate::{
    domain::{
        export::{Columns, announces_nothing, day, kind_of_row},
        notice::NoticeKind,
    },
    limits,
};

/// First bytes of a workbook: of ZIP, in which XLSX, XLSB and ODS come, and of a compound file, as old Excel writes it.
const WORKBOOKS: [&[u8]; 2] = [b"PK\x03\x04", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"];

struct Notice {
    manufacturer: String,
    notice_id: String,
    kind: NoticeKind,
    fields: Map<String, Value>,
    parts: Vec<Value>,
    last_buys: Map<String, Value>,
    replacements: Map<String, Value>,
    rows: Vec<Value>,
}

pub(super) fn check(delivery: &Delivery, settings: &Settings) -> Result<Vec<Taken>, Refusal> {
    let columns = settings.columns.get(delivery.source.as_str()).filter(|columns| !columns.mpn.is_empty()).ok_or_else(|| {
        Refusal::Malformed(format!("nobody said how {} names its columns: fill [intake.columns.{}]", delivery.source, delivery.source))
    })?;
    let media_type = MediaType::of(delivery)?;
    if WORKBOOKS.iter().any(|magic| delivery.body.starts_with(magic)) {
        return Ok(vec![Taken::whole(media_type.unwrap_or_else(MediaType::unspecified), None)]);
    }
    if delivery.body.len() > limits::JSON_BODY_BYTES_MAX {
        return Err(Refusal::TooLarge(format!(
            "the export has {} bytes, CSV and JSON may have {}; split it, or send the workbook",
            delivery.body.len(),
            limits::JSON_BODY_BYTES_MAX
        )));
    }
    let rows = if media_type.is_some_and(|of| of.is_json()) || matches!(delivery.body.trim_ascii_start().first(), Some(b'[' | b'{')) {
        json_rows(&delivery.body)?
    } else {
        csv_rows(&delivery.body)?
    };
    let (mut notices, mut active): (Vec<Notice>, Vec<Value>) = (Vec::new(), Vec::new());
    for (number, row) in rows.into_iter().enumerate() {
        active.extend(add(&mut notices, columns, number + 1, row)?);
        if notices.len() > limits::EVENTS_A_DELIVERY_MAX {
            return Err(Refusal::Malformed(format!("the export holds more than {} notices; split it", limits::EVENTS_A_DELIVERY_MAX)));
        }
    }
    if notices.is_empty() && active.is_empty() {
        return Err(Refusal::Malformed("the export has no rows: there is nothing to read".to_owned()));
    }
    let taken = |body: Bytes| Taken { body: Some(body), ..Taken::whole(MediaType::plain_json(), None) };
    let mut all: Vec<Taken> = notices.into_iter().map(|notice| taken(notice.body())).collect();
    if !active.is_empty() {
        let ignored = Some(format!("{} rows of the export say that their part is active, and announce nothing", active.len()));
        all.push(Taken { ignored, ..taken(Bytes::from(json!({ "export_rows": active }).to_string())) });
    }
    Ok(all)
}

/// Puts a row to its notice; gives it back where it announces nothing.
fn add(notices: &mut Vec<Notice>, columns: &Columns, number: usize, row: Map<String, Value>) -> Result<Option<Value>, Refusal> {
    let cell = |column: &str| -> String {
        let found = row.iter().find(|(name, _)| Columns::is_called(name, column));
        found
            .map(|(_, value)| value.as_str().map_or_else(|| value.to_string(), str::to_owned).trim().to_owned())
            .filter(|text| text != "null")
            .unwrap_or_default()
    };
    let mpn = cell(&columns.mpn);
    if mpn.is_empty() {
        return Err(Refusal::Malformed(format!("row {number} has no part number in the column '{}'", few(&columns.mpn))));
    }
    let (manufacturer, notice_id, status) = (cell(&columns.manufacturer), cell(&columns.notice_id), cell(&columns.status));
    let has_last_date = [&columns.last_time_buy, &columns.last_time_ship].iter().any(|column| !cell(column).is_empty());
    let kind = kind_of_row(&status, has_last_date);
    if announces_nothing(kind, &status, &notice_id) {
        return Ok(Some(Value::Object(row)));
    }
    let date = |column: &str| {
        let text = cell(column);
        if text.is_empty() {
            return Ok(None);
        }
        day(&text).map(|day| Some(Value::String(day.to_string()))).ok_or_else(|| {
            Refusal::Malformed(format!(
                "row {number}: '{}' in the column '{}' is no day such as 2027-03-31, 03/31/2027 or 31.03.2027",
                few(&text),
                few(column)
            ))
        })
    };
    let is_same =
        |notice: &&mut Notice| !notice_id.is_empty() && notice.manufacturer == manufacturer && notice.notice_id == notice_id && notice.kind == kind;
    let notice = match notices.iter_mut().find(is_same) {
        Some(notice) => notice,
        None => {
            let mut fields = Map::new();
            for (key, column) in [("issue_date", &columns.issue_date), ("last_time_ship", &columns.last_time_ship)] {
                fields.extend(date(column)?.map(|day| (key.to_owned(), day)));
            }
            let (parts, rows) = (Vec::new(), Vec::new());
            notices.push(Notice { manufacturer, notice_id, kind, fields, parts, rows, last_buys: Map::new(), replacements: Map::new() });
            let last = notices.len() - 1;
            &mut notices[last]
        }
    };
    notice.last_buys.extend(date(&columns.last_time_buy)?.map(|day| (mpn.clone(), day)));
    let replacement = cell(&columns.replacement);
    if !replacement.is_empty() {
        notice.replacements.insert(mpn.clone(), Value::String(replacement));
    }
    notice.parts.push(Value::String(mpn));
    notice.rows.push(Value::Object(row));
    Ok(None)
}

impl Notice {
    fn body(self) -> Bytes {
        let earliest = self.last_buys.values().filter_map(Value::as_str).min().map(str::to_owned);
        let mut body = json!({ "notice_type": self.kind.as_str() });
        let text = |text: String| (!text.is_empty()).then_some(Value::String(text));
        let dates = (!self.last_buys.is_empty()).then_some(Value::Object(self.last_buys));
        for (key, value) in [
            ("manufacturer", text(self.manufacturer)),
            ("notice_id", text(self.notice_id)),
            ("last_time_buy", earliest.map(Value::String)),
            ("per_part_ltb", dates),
            ("replacements", (!self.replacements.is_empty()).then_some(Value::Object(self.replacements))),
            ("affected_parts", Some(Value::Array(self.parts))),
        ] {
            if let Some(value) = value {
                body[key] = value;
            }
        }
        for (key, value) in self.fields {
            body[key] = value;
        }
        body["export_rows"] = Value::Array(self.rows);
        Bytes::from(body.to_string())
    }
}

fn json_rows(body: &[u8]) -> Result<Vec<Map<String, Value>>, Refusal> {
    let value = json::parse(body)?;
    let root = Node::root(&value);
    // One row, a list of rows, or an object that wraps the list.
    let list = root.members().map(|(_, member)| member).find(|member| member.value().is_array()).unwrap_or_else(|| root.clone());
    list.one_or_more()?.into_iter().map(|row| Ok(row.value().as_object().cloned().unwrap_or_default())).collect()
}

fn csv_rows(body: &[u8]) -> Result<Vec<Map<String, Value>>, Refusal> {
    let text =
        std::str::from_utf8(body).map_err(|_| Refusal::Malformed("the export is neither JSON nor CSV in UTF-8; export it as UTF-8".to_owned()))?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let head = text.lines().next().unwrap_or_default();
    let delimiter = [b',', b';', b'\t'].into_iter().max_by_key(|delimiter| head.bytes().filter(|byte| byte == delimiter).count()).unwrap_or(b',');
    let broken = |error: csv::Error| Refusal::Malformed(format!("the export is no CSV: {error}"));
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    let names = reader.headers().map_err(broken)?.clone();
    if names.len() > limits::EXPORT_COLUMNS_MAX {
        return Err(Refusal::Malformed(format!("the export has more than {} columns", limits::EXPORT_COLUMNS_MAX)));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        if rows.len() >= limits::EXPORT_ROWS_MAX {
            return Err(Refusal::Malformed(format!("the export has more than {} rows; split it", limits::EXPORT_ROWS_MAX)));
        }
        let record = record.map_err(broken)?;
        rows.push(names.iter().zip(&record).map(|(name, cell)| (name.to_owned(), Value::String(cell.to_owned()))).collect());
    }
    Ok(rows)
}
