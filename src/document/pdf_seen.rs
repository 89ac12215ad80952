//! Which words of a PDF's page no reader sees: drawn without ink (text rendering modes 3 and 7), white where nothing coloured lies below, too small to read, or outside
//! the part of the page that is shown. Where it is not sure that something is hidden it counts as seen. What is drawn inside a form of the page is taken as drawn.
//!
//! Text recognition lays its text without ink under the picture of the page: such a page is read, and that is told, because nobody compared the two.

use pdf_oxide::{
    PdfDocument,
    content::{Matrix, Operator, parse_content_stream},
    geometry::Rect,
    layout::Word,
};

/// Nobody reads writing lower than this, in points.
const HEIGHT_MIN: f32 = 1.5;
/// From this share of light on a colour is white to the eye.
const WHITE: f32 = 0.97;
/// How far a word's left edge may lie before the place where its text began, in points: letters overhang.
const OVERHANG: f32 = 1.0;

pub(super) struct Sorted {
    pub seen: Vec<Word>,
    /// In reading order.
    pub hidden: Vec<String>,
    /// All text of the page is drawn without ink under a picture.
    pub is_recognised: bool,
}

/// Sorts the words of a page; an error says what of the page cannot be read.
pub(super) fn sort(pdf: &PdfDocument, page: usize, words: Vec<Word>) -> Result<Sorted, String> {
    let failed = |error: pdf_oxide::Error| error.to_string();
    if words.is_empty() {
        return Ok(Sorted { seen: words, hidden: Vec::new(), is_recognised: false });
    }
    let (left, bottom, right, top) = pdf.get_page_visible_box(page).map_err(failed)?;
    // What cannot be had again hides nothing.
    let content = pdf.get_page_content_data(page).unwrap_or_default();
    let has_white = words.iter().any(is_white);
    // Without white writing and without the operator that takes the ink away, what is drawn does not matter.
    let matters = has_white || content.windows(2).any(|two| two == b"Tr");
    let drawn = if matters { Drawn::of(&content) } else { Drawn::default() };
    let grounds = if has_white { grounds(pdf, page, &drawn).map_err(failed)? } else { None };
    let inkless: Vec<bool> = words.iter().map(|word| drawn.is_inkless(word)).collect();
    let is_recognised = drawn.has_pictures && !words.is_empty() && inkless.iter().all(|inkless| *inkless);
    let mut sorted = Sorted { seen: Vec::new(), hidden: Vec::new(), is_recognised };
    for (word, inkless) in words.into_iter().zip(inkless) {
        let (x, y) = middle(&word.bbox);
        let is_outside = x < left || x > right || y < bottom || y > top;
        let is_tiny = word.bbox.height < HEIGHT_MIN && word.avg_font_size < HEIGHT_MIN;
        // Over a ground that is not known, white writing may be seen.
        let is_blank = is_white(&word) && grounds.as_ref().is_some_and(|grounds| !grounds.iter().any(|ground| holds(ground, x, y)));
        if is_outside || is_tiny || is_blank || (inkless && !is_recognised) {
            sorted.hidden.push(word.text);
        } else {
            sorted.seen.push(word);
        }
    }
    Ok(sorted)
}

fn is_white(word: &Word) -> bool {
    word.chars.iter().all(|one| [one.color.r, one.color.g, one.color.b].iter().all(|light| *light >= WHITE))
}

fn middle(of: &Rect) -> (f32, f32) {
    (of.x + of.width / 2.0, of.y + of.height / 2.0)
}

fn holds(ground: &Rect, x: f32, y: f32) -> bool {
    (ground.x..=ground.x + ground.width).contains(&x) && (ground.y..=ground.y + ground.height).contains(&y)
}

/// Where something other than white lies below writing; `None` where that cannot be known.
fn grounds(pdf: &PdfDocument, page: usize, drawn: &Drawn) -> Result<Option<Vec<Rect>>, pdf_oxide::Error> {
    if drawn.is_shaded {
        return Ok(None);
    }
    let mut grounds = drawn.pictures.clone();
    for path in pdf.extract_paths(page)? {
        let is_coloured = path.fill_color.is_some_and(|fill| [fill.r, fill.g, fill.b].iter().any(|light| *light < WHITE));
        // A thick line is a bar.
        if is_coloured || path.has_stroke() {
            grounds.push(path.rendered_bbox());
        }
    }
    Ok(Some(grounds))
}

/// Where the text of one operator begins.
struct Run {
    x: f32,
    y: f32,
    is_inkless: bool,
}

/// What a page's content draws, as far as it matters here.
#[derive(Default)]
struct Drawn {
    runs: Vec<Run>,
    has_inkless: bool,
    pictures: Vec<Rect>,
    has_pictures: bool,
    /// Shadings and forms cover what cannot be told from here.
    is_shaded: bool,
}

impl Drawn {
    fn of(content: &[u8]) -> Drawn {
        let mut drawn = Drawn::default();
        let Ok(operators) = parse_content_stream(content) else {
            drawn.is_shaded = true;
            return drawn;
        };
        let mut state = State { ctm: Matrix::identity(), mode: 0, leading: 0.0 };
        let (mut kept, mut line, mut is_placed) = (Vec::new(), Matrix::identity(), false);
        for operator in operators {
            match operator {
                Operator::SaveState if kept.len() < crate::limits::PDF_STATES_MAX => kept.push(state.clone()),
                Operator::RestoreState => state = kept.pop().unwrap_or(state),
                Operator::Cm { a, b, c, d, e, f } => state.ctm = Matrix { a, b, c, d, e, f }.multiply(&state.ctm),
                Operator::Tr { render } => state.mode = render,
                Operator::TL { leading } => state.leading = leading,
                Operator::BeginText => (line, is_placed) = (Matrix::identity(), true),
                Operator::Tm { a, b, c, d, e, f } => (line, is_placed) = (Matrix { a, b, c, d, e, f }, true),
                Operator::Td { tx, ty } => (line, is_placed) = (Matrix::translation(tx, ty).multiply(&line), true),
                Operator::TD { tx, ty } => {
                    state.leading = -ty;
                    (line, is_placed) = (Matrix::translation(tx, ty).multiply(&line), true);
                }
                Operator::TStar => (line, is_placed) = (Matrix::translation(0.0, -state.leading).multiply(&line), true),
                Operator::Tj { .. } | Operator::TJ { .. } => drawn.shows(&state, &line, std::mem::take(&mut is_placed)),
                Operator::Quote { .. } | Operator::DoubleQuote { .. } => {
                    line = Matrix::translation(0.0, -state.leading).multiply(&line);
                    is_placed = false;
                    drawn.shows(&state, &line, true);
                }
                Operator::Do { .. } | Operator::InlineImage { .. } => drawn.pictured(&state.ctm),
                Operator::PaintShading { .. } => drawn.is_shaded = true,
                _ => {}
            }
        }
        drawn
    }

    /// Text that goes on where other text ended begins at a place that is not known: together they are without ink only if each is.
    fn shows(&mut self, state: &State, line: &Matrix, is_placed: bool) {
        let is_inkless = matches!(state.mode, 3 | 7);
        self.has_inkless |= is_inkless;
        match self.runs.last_mut() {
            Some(last) if !is_placed => last.is_inkless &= is_inkless,
            _ => {
                let at = line.multiply(&state.ctm).transform_point(0.0, 0.0);
                self.runs.push(Run { x: at.x, y: at.y, is_inkless });
            }
        }
    }

    /// A picture fills the unit square. What is hardly larger than that is a form, which fills what it says itself.
    fn pictured(&mut self, ctm: &Matrix) {
        const FORM_MAX: f32 = 2.0;
        self.has_pictures = true;
        let corners = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)].map(|(x, y)| ctm.transform_point(x, y));
        let low = corners.iter().fold((f32::MAX, f32::MAX), |low, corner| (low.0.min(corner.x), low.1.min(corner.y)));
        let high = corners.iter().fold((f32::MIN, f32::MIN), |high, corner| (high.0.max(corner.x), high.1.max(corner.y)));
        let rect = Rect { x: low.0, y: low.1, width: high.0 - low.0, height: high.1 - low.1 };
        self.is_shaded |= rect.width <= FORM_MAX && rect.height <= FORM_MAX;
        self.pictures.push(rect);
    }

    /// Whether the text that begins nearest before a word, on its line, is without ink; of two that begin at one place the one with ink counts.
    fn is_inkless(&self, word: &Word) -> bool {
        if !self.has_inkless {
            return false;
        }
        let Rect { x, y, height, .. } = word.bbox;
        let on_its_line = |run: &&Run| run.x <= x + OVERHANG && (y - 0.35 * height..=y + 0.6 * height).contains(&run.y);
        let nearest = self.runs.iter().filter(on_its_line).max_by(|one, other| one.x.total_cmp(&other.x).then(other.is_inkless.cmp(&one.is_inkless)));
        nearest.is_some_and(|run| run.is_inkless)
    }
}

#[derive(Clone)]
struct State {
    ctm: Matrix,
    mode: u8,
    leading: f32,
}

#[cfg(test)]
mod tests {
    use super::super::{builder::Builder, pdf};
    use crate::domain::document::{Document, Format};

    /// A PDF of one page with this content.
    fn file(content: &str) -> Vec<u8> {
        let objects = [
            "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
            "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/CropBox[0 0 600 700]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>/XObject<</I 6 0 R>>>>>>".to_owned(),
            format!("<</Length {}>>stream\n{content}\nendstream", content.len() + 1),
            "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned(),
            "<</Type/XObject/Subtype/Image/Width 1/Height 1/BitsPerComponent 8/ColorSpace/DeviceGray/Length 1>>stream\nx\nendstream".to_owned(),
        ];
        let mut bytes = b"%PDF-1.4\n".to_vec();
        let mut places = Vec::new();
        for (number, object) in objects.iter().enumerate() {
            places.push(bytes.len());
            bytes.extend(format!("{} 0 obj{object}endobj\n", number + 1).bytes());
        }
        let table = bytes.len();
        bytes.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
        places.iter().for_each(|at| bytes.extend(format!("{at:010} 00000 n \n").bytes()));
        bytes.extend(format!("trailer<</Root 1 0 R/Size {}>>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1).bytes());
        bytes
    }

    fn read(content: &str) -> Document {
        let mut builder = Builder::default();
        pdf::add(&mut builder, None, &file(content)).expect("read");
        builder.finish(Format::Pdf).expect("document")
    }

    const SEEN: &str = "BT /F 12 Tf 50 600 Td (Part AX100-3 ends) Tj ET";

    #[test]
    fn words_that_no_reader_sees_are_kept_apart() {
        for content in [
            "BT /F 12 Tf 3 Tr 50 500 Td (ZZ900-1 2030-01-01) Tj 0 Tr ET",
            "q BT /F 12 Tf 7 Tr 1 0 0 1 50 500 Tm [(ZZ9) -20 (00-1 2030-01-01)] TJ ET Q",
            "BT /F 12 Tf 3 Tr 14 TL 50 514 Td (ZZ900-1) ' 0 -14 Td (2030-01-01) Tj ET BT 0 Tr ET",
            "q 2 0 0 2 0 0 cm BT /F 6 Tf 3 Tr 25 250 Td (ZZ900-1 2030-01-01) Tj ET Q",
            "1 1 1 rg BT /F 12 Tf 50 500 Td (ZZ900-1 2030-01-01) Tj ET 0 g",
            "0.99 g BT /F 12 Tf 50 500 Td (ZZ900-1 2030-01-01) Tj ET 0 g",
            "BT /F 1 Tf 50 500 Td (ZZ900-1 2030-01-01) Tj ET",
            "BT /F 12 Tf 50 750 Td (ZZ900-1 2030-01-01) Tj ET",
            "BT /F 12 Tf 900 500 Td (ZZ900-1 2030-01-01) Tj ET",
        ] {
            for content in [format!("{SEEN} {content}"), format!("{content} {SEEN}")] {
                let document = read(&content);
                assert_eq!(document.text.trim(), "Part AX100-3 ends", "{content}");
                // What is not shown at all may be gone as well; what is drawn unseen is kept.
                let hidden = document.hidden.join(" ");
                assert!(hidden.is_empty() || hidden.contains("ZZ900-1"), "{content}: {hidden}");
                assert!(document.warnings.is_empty(), "{content}: {:?}", document.warnings);
            }
        }
    }

    #[test]
    fn words_that_may_be_seen_are_read() {
        for content in [
            "0 0 0.5 rg 40 490 300 30 re f 1 g BT /F 12 Tf 50 500 Td (ZZ900-1) Tj ET 0 g",
            "q 300 0 0 40 40 490 cm /I Do Q 1 g BT /F 12 Tf 50 500 Td (ZZ900-1) Tj ET 0 g",
            "0.8 g BT /F 12 Tf 50 500 Td (ZZ900-1) Tj ET 0 g",
            "BT /F 12 Tf 3 Tr 50 500 Td (ZZ900-1) Tj ET BT /F 12 Tf 0 Tr 50 500 Td (ZZ900-1) Tj ET",
            "BT /F 12 Tf 3 Tr 0 Tr 50 500 Td (ZZ900-1) Tj ET",
            "q BT 3 Tr ET Q BT /F 12 Tf 50 500 Td (ZZ900-1) Tj ET",
            "BT /F 1 Tf 12 0 0 12 50 500 Tm (ZZ900-1) Tj ET",
            "BT /F 4 Tf 50 500 Td (ZZ900-1) Tj ET",
        ] {
            let document = read(&format!("{SEEN} {content}"));
            assert!(document.text.contains("ZZ900-1"), "{content}: {}", document.text);
        }
    }

    #[test]
    fn a_layer_of_text_recognition_is_read_and_told() {
        let document = read("q 600 0 0 800 0 0 cm /I Do Q BT /F 12 Tf 3 Tr 50 600 Td (Part AX100-3 ends) Tj ET");
        assert_eq!(document.text.trim(), "Part AX100-3 ends");
        assert!(document.warnings.iter().any(|warning| warning.contains("text recognition")), "{:?}", document.warnings);
    }
}
