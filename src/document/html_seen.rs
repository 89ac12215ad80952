//! What of a page a reader sees. Text may be hidden by attributes, by style (in the element or in a sheet of the page), by writing it in the colour of its ground, too
//! small to read, or off the screen. Where it is not sure that something is hidden it counts as seen: leaving out what a person sees would be worse.

use std::collections::HashMap;

use super::{
    dom::{Id, Page},
    html_style::{Sheet, colour, length},
};
use crate::limits;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Seen,
    /// Text for machines: scripts, styles.
    Machine,
    /// Text that could be seen and is kept from it.
    Hidden,
}

/// What text inherits from what it stands in. A colour that is not known is `None` and hides nothing.
#[derive(Clone)]
struct Look {
    ink: Option<[u8; 3]>,
    ground: Option<[u8; 3]>,
    /// Of the writing, in pixels.
    size: f32,
    is_invisible: bool,
    is_clear: bool,
}

const PAPER: Look = Look { ink: Some([0, 0, 0]), ground: Some([255, 255, 255]), size: 16.0, is_invisible: false, is_clear: false };
/// Nobody reads writing smaller than this, in pixels.
const SIZE_MIN: f32 = 2.0;
/// Further than this off the screen, in pixels.
const FAR: f32 = -500.0;
/// Colours whose channels differ by no more than this are one to the eye.
const SAME_COLOUR: u8 = 8;

impl Look {
    fn is_unseen(&self) -> bool {
        let is_same = |one: [u8; 3], other: [u8; 3]| one.iter().zip(other).all(|(one, other)| one.abs_diff(other) <= SAME_COLOUR);
        let on_its_own_colour = self.ink.zip(self.ground).is_some_and(|(ink, ground)| is_same(ink, ground));
        self.is_invisible || self.is_clear || self.size < SIZE_MIN || on_its_own_colour
    }
}

/// By node of one page.
pub(super) struct Seen(Vec<State>);

impl Seen {
    pub(super) fn of(page: &Page) -> Seen {
        let sheet = Sheet::of(page);
        let mut looks = vec![PAPER; page.len()];
        let mut states = vec![State::Seen; page.len()];
        // Parents come before what they hold.
        for id in page.descendants(page.root(), |_| false) {
            let parent = page.parent(id).unwrap_or(page.root());
            let (mut look, mut state) = (looks[parent].clone(), states[parent]);
            if let (State::Seen, Some(name)) = (state, page.name(id)) {
                state = element(page, id, name, &sheet, &mut look);
            } else if state == State::Seen && page.text(id).is_some() && look.is_unseen() {
                state = State::Hidden;
            }
            looks[id] = look;
            states[id] = state;
        }
        Seen(states)
    }

    /// Whether nobody sees a node, nor what it holds.
    pub(super) fn is_hidden(&self, id: Id) -> bool {
        self.0[id] != State::Seen
    }

    /// What is kept from the reader: each run of it, within `limits`.
    pub(super) fn hidden_texts(&self, page: &Page) -> Vec<String> {
        let (mut texts, mut run, mut bytes) = (Vec::new(), String::new(), 0);
        for id in page.descendants(page.root(), |_| false) {
            let Some(text) = page.text(id).filter(|text| !text.trim().is_empty()) else { continue };
            match self.0[id] {
                State::Machine => {}
                State::Hidden if bytes < limits::HIDDEN_TEXT_BYTES_MAX => {
                    let text = &text[..text.floor_char_boundary(limits::HIDDEN_TEXT_BYTES_MAX - bytes)];
                    bytes += text.len();
                    run.push_str(text);
                    run.push(' ');
                }
                State::Hidden => {}
                State::Seen => texts.push(std::mem::take(&mut run)),
            }
        }
        texts.push(run);
        texts
    }
}

fn element(page: &Page, id: Id, name: &str, sheet: &Sheet, look: &mut Look) -> State {
    if matches!(name, "head" | "script" | "style" | "template" | "iframe" | "object" | "svg" | "math" | "audio" | "video" | "canvas" | "title") {
        return State::Machine;
    }
    let declared = sheet.declared(page, id, name);
    // A link has a colour of its own.
    if name == "a" {
        look.ink = None;
    }
    for (attribute, is_ground) in [("bgcolor", true), ("color", false), ("text", false)] {
        if let Some(value) = page.attribute(id, attribute).filter(|_| attribute != "text" || name == "body") {
            let of = if is_ground { &mut look.ground } else { &mut look.ink };
            *of = colour(value);
        }
    }
    if page.attribute(id, "background").is_some() || declared.may_have_ground {
        look.ground = None;
    }
    paint(&declared.values, look);
    let is_gone = page.attribute(id, "hidden").is_some() && declared.values.get("display").is_none_or(|display| display == "none");
    if is_gone || is_removed(&declared.values) { State::Hidden } else { State::Seen }
}

fn paint(declared: &HashMap<String, String>, look: &mut Look) {
    for name in ["background-color", "background", "background-image"] {
        let Some(value) = declared.get(name) else { continue };
        if value.contains("url(") || value.contains("gradient") || value.contains("var(") {
            look.ground = None;
        } else if name != "background-image" && !matches!(value.as_str(), "none" | "transparent" | "inherit" | "initial" | "unset") {
            look.ground = value.split(", ").flat_map(str::split_whitespace).find_map(colour).or_else(|| colour(value));
        }
    }
    for name in ["color", "-webkit-text-fill-color"] {
        let Some(value) = declared.get(name).filter(|value| !matches!(value.as_str(), "inherit" | "unset" | "currentcolor")) else { continue };
        let alpha = value.strip_prefix("rgba(").and_then(|rest| rest.trim_end_matches(')').rsplit([',', '/']).next()?.trim().parse::<f32>().ok());
        look.is_clear = value == "transparent" || alpha.is_some_and(|alpha| alpha < 0.02);
        look.ink = colour(value);
    }
    if let Some(size) = declared.get("font-size").and_then(|value| length(value, look.size)) {
        look.size = size;
    }
    match declared.get("visibility").map(String::as_str) {
        Some("hidden" | "collapse") => look.is_invisible = true,
        Some("visible") => look.is_invisible = false,
        _ => {}
    }
}

/// Whether an element and all it holds is taken off the page.
fn is_removed(declared: &HashMap<String, String>) -> bool {
    let of = |name: &str| declared.get(name).map(String::as_str);
    let pixels = |name: &str| of(name).and_then(|value| length(value, PAPER.size));
    let is_nothing = |name: &str| pixels(name).is_some_and(|length| length.abs() <= 1.0);
    let is_far = |name: &str| pixels(name).is_some_and(|length| length <= FAR);
    let is_placed = matches!(of("position"), Some("absolute" | "fixed" | "relative"));
    let is_clipped = of("clip").is_some_and(|clip| {
        let inside = clip.trim_start_matches("rect(").trim_end_matches(')');
        clip.starts_with("rect(")
            && inside.split([',', ' ']).filter(|side| !side.is_empty()).all(|side| length(side, PAPER.size).is_some_and(|side| side.abs() <= 1.0))
    });
    let cut = matches!(of("overflow").or(of("overflow-y")).or(of("overflow-x")), Some("hidden" | "clip"));
    of("display") == Some("none")
        || of("mso-hide") == Some("all")
        || of("content-visibility") == Some("hidden")
        || of("opacity").and_then(|opacity| opacity.trim_end_matches('%').parse::<f32>().ok()).is_some_and(|opacity| opacity < 0.02)
        || (is_placed && ["left", "top", "right", "bottom"].into_iter().any(is_far))
        || ["text-indent", "margin-left", "margin-top"].into_iter().any(is_far)
        || is_clipped
        || of("clip-path").is_some_and(|path| path.starts_with("inset(50%") || path.starts_with("inset(100%") || path == "circle(0)")
        || of("transform").is_some_and(|transform| transform.starts_with("scale(0)") || transform.starts_with("scale(0,"))
        || (cut && ["height", "max-height", "width", "max-width"].into_iter().any(is_nothing))
}
