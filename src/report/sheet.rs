//! One sheet that is filled from top to bottom: its looks, its cells, its totals.

use rust_decimal::{Decimal, prelude::ToPrimitive};
use rust_xlsxwriter::{ColNum, ExcelDateTime, Format, FormatAlign, FormatBorder, Formula, RowNum, Worksheet, XlsxError};

use super::UNKNOWN;
use crate::{domain::money::Money, impact::Assessment};

pub(super) type Done = Result<(), XlsxError>;

pub(super) struct Looks {
    title: Format,
    head: Format,
    text: Format,
    money: Format,
    total: Format,
    total_text: Format,
    number: Format,
    price: Format,
    share: Format,
    date: Format,
    chosen: Format,
}

/// A column, the amounts in it, and what the statement says they come to; `None` is unknown.
pub(super) type Summed = (ColNum, Vec<Option<Money>>, Option<Money>);

impl Looks {
    pub(super) fn of(assessment: &Assessment) -> Looks {
        let places = assessment.currency.places() as usize;
        let money = if places == 0 { "#,##0".to_owned() } else { format!("#,##0.{}", "0".repeat(places)) };
        let text = Format::new().set_text_wrap().set_align(FormatAlign::Top);
        Looks {
            title: Format::new().set_bold().set_font_size(14),
            head: Format::new().set_bold().set_text_wrap().set_border_bottom(FormatBorder::Thin).set_align(FormatAlign::Top),
            money: Format::new().set_num_format(&money).set_align(FormatAlign::Top),
            total: Format::new().set_num_format(&money).set_bold().set_border_top(FormatBorder::Thin),
            total_text: Format::new().set_bold().set_border_top(FormatBorder::Thin),
            number: Format::new().set_num_format("#,##0.####").set_align(FormatAlign::Top),
            price: Format::new().set_num_format("#,##0.00####").set_align(FormatAlign::Top),
            share: Format::new().set_num_format("0 %").set_align(FormatAlign::Top),
            date: Format::new().set_num_format("yyyy-mm-dd").set_align(FormatAlign::Top),
            chosen: text.clone().set_bold(),
            text,
        }
    }
}

/// A sheet that is filled from top to bottom.
pub(super) struct Sheet<'a> {
    pub(super) of: &'a mut Worksheet,
    pub(super) looks: &'a Looks,
    pub(super) row: RowNum,
}

/// One cell's content; `None` is unknown.
pub(super) enum Cell<'a> {
    Text(&'a str),
    Chosen(&'a str),
    Money(Option<Money>),
    Number(Option<f64>),
    Price(Option<Decimal>),
    Share(Option<f64>),
    Date(Option<jiff::civil::Date>),
    /// A formula, and what it comes to.
    Sum(String, Money),
    Empty,
}

impl Sheet<'_> {
    pub(super) fn widths(&mut self, widths: &[u16]) -> Done {
        for (column, width) in (0..).zip(widths) {
            self.of.set_column_width(column, f64::from(*width))?;
        }
        Ok(())
    }

    pub(super) fn title(&mut self, text: &str) -> Done {
        if self.row > 0 {
            self.row += 1;
        }
        self.of.write_string_with_format(self.row, 0, text, &self.looks.title)?;
        self.row += 1;
        Ok(())
    }

    pub(super) fn heads(&mut self, heads: &[&str]) -> Done {
        for (column, head) in (0..).zip(heads) {
            self.of.write_string_with_format(self.row, column, *head, &self.looks.head)?;
        }
        self.row += 1;
        Ok(())
    }

    pub(super) fn line(&mut self, cells: &[Cell<'_>]) -> Done {
        for (column, cell) in (0..).zip(cells) {
            self.cell(column, cell)?;
        }
        self.row += 1;
        Ok(())
    }

    fn cell(&mut self, column: ColNum, cell: &Cell<'_>) -> Done {
        let (row, looks) = (self.row, self.looks);
        let unknown = |sheet: &mut Worksheet| sheet.write_string_with_format(row, column, UNKNOWN, &looks.text).map(|_| ());
        match cell {
            Cell::Text(text) => self.of.write_string_with_format(row, column, *text, &looks.text).map(|_| ()),
            Cell::Chosen(text) => self.of.write_string_with_format(row, column, *text, &looks.chosen).map(|_| ()),
            Cell::Money(Some(money)) => self.of.write_number_with_format(row, column, double(money.amount()), &looks.money).map(|_| ()),
            Cell::Number(Some(number)) => self.of.write_number_with_format(row, column, *number, &looks.number).map(|_| ()),
            Cell::Price(Some(price)) => self.of.write_number_with_format(row, column, double(*price), &looks.price).map(|_| ()),
            Cell::Share(Some(share)) => self.of.write_number_with_format(row, column, *share, &looks.share).map(|_| ()),
            Cell::Date(Some(day)) => {
                let (year, month, of_month) = (u16::try_from(day.year()).unwrap_or(1970), day.month().unsigned_abs(), day.day().unsigned_abs());
                self.of.write_datetime_with_format(row, column, &ExcelDateTime::from_ymd(year, month, of_month)?, &looks.date).map(|_| ())
            }
            Cell::Sum(formula, money) => {
                let formula = Formula::new(formula).set_result(money.amount().to_string());
                self.of.write_formula_with_format(row, column, formula, &looks.total).map(|_| ())
            }
            Cell::Money(None) | Cell::Number(None) | Cell::Price(None) | Cell::Share(None) | Cell::Date(None) => unknown(self.of),
            Cell::Empty => Ok(()),
        }
    }

    /// A line of totals: a formula over the rows from `first` to the one above, where the parts come to the total; otherwise the total.
    pub(super) fn totals(&mut self, label: &str, first: RowNum, columns: &[Summed]) -> Done {
        self.of.write_string_with_format(self.row, 0, label, &self.looks.total_text)?;
        for (column, parts, total) in columns {
            let cell = match total {
                Some(total) if sum(parts) == Some(*total) && self.row > first => {
                    let name = rust_xlsxwriter::utility::column_number_to_name(*column);
                    Cell::Sum(format!("=SUM({name}{}:{name}{})", first + 1, self.row), *total)
                }
                total => Cell::Money(*total),
            };
            self.cell(*column, &cell)?;
        }
        self.row += 1;
        Ok(())
    }
}

/// Cells hold doubles; fifteen digits of them are exact, more than any amount shown has.
fn double(amount: Decimal) -> f64 {
    amount.to_f64().unwrap_or(0.0)
}

/// `None` where a part is unknown or they cannot be added.
pub(super) fn sum(parts: &[Option<Money>]) -> Option<Money> {
    let mut parts = parts.iter();
    let first = (*parts.next()?)?;
    parts.try_fold(first, |sum, part| sum.plus((*part)?).ok())
}
