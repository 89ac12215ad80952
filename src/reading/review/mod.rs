//! A person looks at a reading: what is doubtful, which places of the text could be meant (`show`), and the reading as corrected (`correct`). A corrected value is one of the
//! text as well: it is picked by its place, or typed and found there.

mod correct;
mod show;
#[cfg(test)]
mod tests;

use jiff::civil::Date;

use super::dates::{Anchor, DateCandidate, Precision};
use crate::domain::notice::Notice;

pub use correct::{Answer, Corrected, correct};
pub use show::{Choice, Field, fields};

/// Dates of a notice by their keys in the flat form.
const DATES: [&str; 3] = ["issue_date", "last_time_buy", "last_time_ship"];

/// What a date of the text can mean, and whether it is only inferred.
fn meanings(candidate: &DateCandidate, notice: &Notice) -> Vec<(Date, bool)> {
    match candidate.precision {
        Precision::Day => vec![(candidate.date, false)],
        Precision::Swappable(other) => vec![(candidate.date, false), (other, false)],
        Precision::Month => vec![(candidate.date, true)],
        Precision::After(anchor, months) => {
            let from = match anchor {
                Anchor::Issue => &notice.issue_date,
                Anchor::LastTimeBuy => &notice.last_time_buy,
            };
            from.as_ref().and_then(|from| months.after(from.value)).map(|date| (date, true)).into_iter().collect()
        }
    }
}
