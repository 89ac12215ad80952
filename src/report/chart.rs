//! Charts as boxes in whole units of an SVG's own grid; the page's template draws them. Every chart stands beside a table with the same figures.

/// Width and height of a chart, in its own units.
pub(super) const WIDTH: i32 = 720;
pub(super) const HEIGHT: i32 = 150;
/// Room above the bars for their figures, below for their names.
const TOP: i32 = 16;
const BOTTOM: i32 = 18;
/// Columns of one chart that carry a name, and the width of a letter of it.
const NAMED_MAX: usize = 14;
const LETTER: usize = 7;

/// A bar with its name and figure.
pub(super) struct Bar {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
    /// Under 0, or the one that counts.
    pub is_marked: bool,
    /// Empty where there is no room for it.
    pub name: String,
    pub value: String,
    /// Where name and figure stand.
    pub middle: i32,
    pub above: i32,
}

pub(super) struct Chart {
    pub bars: Vec<Bar>,
    /// Height of zero.
    pub zero: i32,
}

/// One value of a chart: its name, its figure as shown, its size.
pub(super) struct Point {
    pub name: String,
    pub value: String,
    pub size: f64,
    pub is_marked: bool,
}

/// Columns from left to right; what is under zero hangs below the line. `None` where there is nothing to see.
pub(super) fn columns(points: Vec<Point>) -> Option<Chart> {
    let most = points.iter().map(|point| point.size).fold(0.0, f64::max);
    let least = points.iter().map(|point| point.size).fold(0.0, f64::min);
    let range = most - least;
    let is_drawn = range.is_finite() && range > 0.0;
    let count = i32::try_from(points.len()).ok().filter(|count| is_drawn && *count > 0 && *count <= WIDTH)?;
    let room = f64::from(HEIGHT - TOP - BOTTOM);
    let scaled = |size: f64| (size / range * room).round() as i32;
    let zero = TOP + scaled(most);
    let pitch = WIDTH / count;
    let named_every = points.len().div_ceil(NAMED_MAX);
    let bars = points.into_iter().enumerate().map(|(at, point)| {
        let height = scaled(point.size.abs()).max(i32::from(point.size != 0.0));
        let y = if point.size < 0.0 { zero } else { zero - height };
        let x = i32::try_from(at).unwrap_or(0) * pitch;
        let has_room = at.is_multiple_of(named_every);
        let shown = |text: String| if has_room { text } else { String::new() };
        Bar {
            x: x + pitch / 8,
            y,
            width: (pitch - pitch / 4).max(1),
            height,
            is_marked: point.is_marked,
            name: shown(fitted(point.name, usize::try_from(pitch).unwrap_or(0) * named_every / LETTER)),
            value: shown(point.value),
            middle: x + pitch / 2,
            above: y - 4,
        }
    });
    Some(Chart { bars: bars.collect(), zero })
}

/// A name in so many letters, so that no two run into each other.
fn fitted(name: String, most: usize) -> String {
    if name.chars().count() <= most { name } else { name.chars().take(most.saturating_sub(1)).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(sizes: &[f64]) -> Vec<Point> {
        sizes.iter().map(|size| Point { name: "n".to_owned(), value: "v".to_owned(), size: *size, is_marked: *size < 0.0 }).collect()
    }

    #[test]
    fn bars_stand_on_zero_and_stay_within() {
        let chart = columns(points(&[100.0, 50.0, 0.0, -100.0])).expect("a chart");
        let all = HEIGHT - TOP - BOTTOM;
        let heights: Vec<i32> = chart.bars.iter().map(|bar| bar.height).collect();
        assert_eq!((chart.zero, heights), (TOP + all / 2, vec![all / 2, all / 4, 0, all / 2]));
        assert!(chart.bars.iter().all(|bar| bar.y >= 0 && bar.y + bar.height <= HEIGHT && bar.x + bar.width <= WIDTH));
        assert_eq!((fitted("FY27 Q3".to_owned(), 7), fitted("Redesign".to_owned(), 4)), ("FY27 Q3".to_owned(), "Red…".to_owned()));
        assert!(columns(points(&[])).is_none() && columns(points(&[0.0])).is_none() && columns(points(&[f64::NAN])).is_none());
        assert!(columns(points(&[1.0; 240])).is_some_and(|chart| chart.bars.iter().filter(|bar| !bar.name.is_empty()).count() <= NAMED_MAX));
    }
}
