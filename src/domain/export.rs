//! Exports of BOM tools: one row a part. Their push formats are not public, so the site says how the columns are called.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{lifecycle, notice::NoticeKind};

/// Names of an export's columns, compared without regard to case; empty: the export has no such column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    pub mpn: String,
    pub manufacturer: String,
    pub status: String,
    pub notice_id: String,
    pub issue_date: String,
    pub last_time_buy: String,
    pub last_time_ship: String,
    pub replacement: String,
}

impl Columns {
    /// The columns of a source by what they hold.
    pub fn of(source: &str, named: &BTreeMap<String, String>) -> Result<Columns, String> {
        let mut columns = Columns::default();
        for (field, column) in named {
            let place = match field.as_str() {
                "mpn" => &mut columns.mpn,
                "manufacturer" => &mut columns.manufacturer,
                "status" => &mut columns.status,
                "notice_id" => &mut columns.notice_id,
                "issue_date" => &mut columns.issue_date,
                "last_time_buy" => &mut columns.last_time_buy,
                "last_time_ship" => &mut columns.last_time_ship,
                "replacement" => &mut columns.replacement,
                other => {
                    return Err(format!(
                        "intake.columns.{source}: '{other}' is none of mpn, manufacturer, status, notice_id, issue_date, last_time_buy, last_time_ship, replacement"
                    ));
                }
            };
            place.clone_from(column);
        }
        if columns.mpn.is_empty() {
            return Err(format!("intake.columns.{source}: mpn is missing, without a part number there is no notice"));
        }
        Ok(columns)
    }

    /// Whether a heading is the column called `name`.
    pub fn is_called(heading: &str, name: &str) -> bool {
        !name.is_empty() && heading.trim().eq_ignore_ascii_case(name.trim())
    }
}

/// The kind of notice a row stands for: what its status means, else a discontinuance where it has a last date.
pub fn kind_of_row(status: &str, has_last_date: bool) -> NoticeKind {
    lifecycle::kind_of(status).unwrap_or(if has_last_date { NoticeKind::Pdn } else { NoticeKind::Other })
}

/// Whether a row only says that its part goes on: most rows of a bill of materials do, and none of them is a notice.
pub fn announces_nothing(kind: NoticeKind, status: &str, notice_id: &str) -> bool {
    kind == NoticeKind::Other && notice_id.is_empty() && lifecycle::is_active(status)
}

/// A day as exports write it. `03/04/2027` is the third month: the tools are American; a day above twelve in the first place is refused rather than turned around.
pub fn day(text: &str) -> Option<Date> {
    let text = text.split(['T', ' ']).next().unwrap_or_default();
    ["%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y"].iter().find_map(|form| Date::strptime(form, text).ok())
}
