use super::*;
use crate::domain::document::{Document, Format};

fn read(html: &str) -> Document {
    let mut builder = Builder::default();
    add(&mut builder, "page", html.as_bytes(), None);
    builder.finish(Format::Html).expect("document")
}

fn table(document: &Document, number: usize) -> Vec<Vec<&str>> {
    document.tables[number].rows.iter().map(|row| row.iter().map(|cell| document.slice(*cell)).collect()).collect()
}

#[test]
fn a_table_of_data_keeps_its_cells() {
    let document = read(
        "<html><head><title>PDN 7 </title><style>p{}</style></head><body><p>We end:</p><table><caption>Parts</caption>\
         <tr><th>Part<th>New<th>LTB</tr><tr><td>AX100-3<td>AX200-3<td rowspan=2>2027-03-31</tr><tr><td>AX100<br>-5<td>&nbsp;</tr></table>Regards",
    );
    assert_eq!(document.text, "PDN 7\n\nWe end:\n\nParts\nPart      New      LTB\nAX100-3   AX200-3  2027-03-31\nAX100 -5\n\nRegards\n");
    assert_eq!(document.title.map(|title| document.slice(title)), Some("PDN 7"));
    assert_eq!(table(&document, 0), [["Part", "New", "LTB"], ["AX100-3", "AX200-3", "2027-03-31"], ["AX100 -5", "", "2027-03-31"]]);
}

#[test]
fn spans_over_columns_keep_the_grid() {
    let document = read("<table><tr><th colspan=2>Part<th>LTB<tr><td>AX1<td>AX2<td>May<tr><td rowspan=0>B1<td>B2<td>June<tr><td>C2<td>July</table>");
    assert_eq!(table(&document, 0), [["Part", "", "LTB"], ["AX1", "AX2", "May"], ["B1", "B2", "June"], ["B1", "C2", "July"]]);
}

#[test]
fn layout_tables_dissolve_and_data_in_them_stays() {
    let document = read(
        "<table><tr><td><img src='data:image/png;base64,AAAA'></td></tr><tr><td><p>Dear customer,</p><p>we end it.</p>\
         <table><tr><td>Part</td><td>LTB</td></tr><tr><td>AX1</td><td>May</td></tr></table></td></tr><tr><td>Acme</td><td>Bonn</td></tr></table>",
    );
    assert_eq!(document.text, "Dear customer,\n\nwe end it.\n\nPart  LTB\nAX1   May\n\nAcme   Bonn\n");
    assert_eq!((document.tables.len(), table(&document, 0)), (1, vec![vec!["Part", "LTB"], vec!["AX1", "May"]]));
}

#[test]
fn a_table_too_wide_for_a_grid_keeps_its_text() {
    let row = format!("<tr>{}<td>AX1", "<td>x".repeat(limits::TABLE_COLUMNS_MAX));
    let document = read(&format!("<table>{row}{row}</table>"));
    assert!(document.tables.is_empty());
    assert_eq!(document.text.lines().filter(|line| line.ends_with("x   AX1")).count(), 2);
}

#[test]
fn what_nobody_sees_is_not_read() {
    let document = read(
        "<p>seen<script>no()</script><span style='color:red; DISPLAY : none'>no</span><span hidden>no</span><!-- no --><font style='font-size:0'>no</font>\
         <span style='font-size:0.9em'> too</span></p><template><p>no</p></template><div style=\"mso-hide:all\">no</div>",
    );
    assert_eq!(document.text, "seen too\n");
    // What only machines see is none of it.
    assert_eq!(document.hidden, ["no no no", "no"]);
}

/// Ways to write `zz9` so that no reader sees it.
const UNSEEN: &[&str] = &[
    "<p style='color:#fff'>zz9</p>",
    "<p style='color: #FEFEFE !important'>zz9</p>",
    "<font color=white>zz9</font>",
    "<font color='#ffffff'>zz9</font>",
    "<span style='color:rgb(255, 255, 255)'>zz9</span>",
    "<span style='color:rgba(0,0,0,0)'>zz9</span>",
    "<span style='color:transparent'>zz9</span>",
    "<table><tr bgcolor='#003366'><td><font color='#003366'>zz9</font></td><td>b</td></tr></table>",
    "<div style='background:#222'><b style='color:#222'>zz9</b></div>",
    "<div style='visibility:hidden'><b>zz9</b></div>",
    "<div style='font-size:1px'>zz9</div>",
    "<div style='font-size:20px'><b style='font-size:5%'>zz9</b></div>",
    "<div style='position:absolute;left:-9999px'>zz9</div>",
    "<div style='position:fixed; top: -100em'>zz9</div>",
    "<div style='text-indent:-9999px'>zz9</div>",
    "<div style='margin-left:-5000pt'>zz9</div>",
    "<div style='max-height:0;overflow:hidden'>zz9</div>",
    "<div style='height:1px;width:1px;overflow:hidden'>zz9</div>",
    "<div style='position:absolute;clip:rect(0 0 0 0)'>zz9</div>",
    "<div style='clip-path:inset(50%)'>zz9</div>",
    "<div style='transform:scale(0)'>zz9</div>",
    "<div style='opacity:0.01'>zz9</div>",
    "<div hidden>zz9</div>",
    "<style>.x{display:none}</style><div class='a x'>zz9</div>",
    "<style>/* a */ p.x, #y { color : white }</style><p class=x>zz9</p>",
    "<style><!-- #y{font-size:0} --></style><div id=y><b>zz9</b></div>",
    "<style>b{visibility:hidden}</style><b>zz9</b>",
];

/// Ways to write it so that a reader sees it, or may.
const MAYBE_SEEN: &[&str] = &[
    "<div style='background:#036'><b style='color:#fff'>zz9</b></div>",
    "<table><tr><td bgcolor=navy><font color=white>zz9</font></td><td>b</td></tr></table>",
    "<table><tr><td background='x.png'><font color=white>zz9</font></td><td>b</td></tr></table>",
    "<div style='background-image:linear-gradient(red, blue)'><b style='color:#fff'>zz9</b></div>",
    "<div aria-hidden=true>zz9</div>",
    "<div style='visibility:hidden'><b style='visibility:visible'>zz9</b></div>",
    "<div style='font-size:0'><b style='font-size:12px'>zz9</b></div>",
    "<div style='left:-9999px'>zz9</div>",
    "<div style='margin-left:-20px'>zz9</div>",
    "<div style='max-height:0'>zz9</div>",
    "<div style='font-size:8px;color:#ccc'>zz9</div>",
    "<div style='opacity:0.6'>zz9</div>",
    "<style>@media (max-width:600px){.x{display:none}}</style><div class=x>zz9</div>",
    "<style>.a .x{display:none}</style><div class=x>zz9</div>",
    "<style>.x:hover{display:none}</style><div class=x>zz9</div>",
    "<style>table td.x{background:#036}</style><table><tr><td class=x><font color=white>zz9</font></td><td>b</td></tr></table>",
    "<style>.x{display:none}</style><div class=x style='display:block'>zz9</div>",
    "<style>a{color:#fff}.b a{color:red}</style><a href=x>seen</a><i>zz9</i>",
];

#[test]
fn text_that_no_reader_sees_is_kept_apart_and_all_other_text_is_read() {
    for page in UNSEEN {
        let document = read(&format!("<html><body><p>before</p>{page}<p>after</p></body></html>"));
        assert!(!document.text.contains("zz9") && document.text.contains("after"), "{page}: {}", document.text);
        assert_eq!(document.hidden, ["zz9"], "{page}");
    }
    for page in MAYBE_SEEN {
        let document = read(&format!("<p>before</p>{page}<p>after</p>"));
        assert!(document.text.contains("zz9"), "{page}: {}", document.text);
        assert!(!document.hidden.iter().any(|text| text.contains("zz9")), "{page}");
    }
    assert!(UNSEEN.len() > 20 && MAYBE_SEEN.len() > 15);
}

#[test]
fn sheets_that_break_off_and_nest_are_no_harm() {
    for sheet in [
        "{",
        "}",
        "a{",
        "@media{",
        "@media x{a{b:c",
        "/*",
        "a{b",
        ",,{}",
        ".#{}",
        "@import 'x';.y{display:none}",
        "..x{display:none}",
        &"@media x{".repeat(10_000),
    ] {
        assert!(read(&format!("<style>{sheet}</style><p class=z>seen</p>")).text.contains("seen"), "{sheet:.40}");
    }
}

#[test]
fn boxes_say_whether_they_are_ticked() {
    let document =
        read("<input type=checkbox>Discontinuance<br><input type=checkbox checked>Change<ul><li>one <a href='http://x.example'>link</a><li>two</ul>");
    assert_eq!(document.text, "[ ] Discontinuance\n[x] Change\n\n- one link\n- two\n");
}

#[test]
fn preformatted_text_keeps_its_lines_and_entities_are_characters() {
    assert_eq!(read("<pre>a   b\n  c &amp; d</pre>x&lt;y &#8364;").text, "a   b\n  c & d\n\nx<y €\n");
}

#[test]
fn the_declared_character_set_counts() {
    let mut builder = Builder::default();
    add(&mut builder, "page", b"<meta http-equiv=Content-Type content='text/html; charset=shift_jis'><p>\x90\xbb\x95\x69</p>", None);
    assert_eq!(builder.finish(Format::Html).expect("document").text, "製品\n");
}

#[test]
fn depth_and_length_have_bounds() {
    let deep = format!("{}AX100-3{}", "<div>".repeat(3_000), "</div>".repeat(3_000));
    let document = read(&deep);
    assert_eq!(document.text.trim(), "AX100-3");
    assert!(document.warnings[0].contains("nests deeper"));
    let tables = format!("{}AX100-3", "<table><tr><td>".repeat(1_000));
    assert_eq!(read(&tables).text.trim(), "AX100-3");
    let long = format!("<p>start</p>{}", "<!-- a comment that fills the page -->\n".repeat(limits::HTML_BYTES_MAX / 39));
    assert!(read(&long).warnings[0].contains("longer than"));
    let picture = format!("<img src=\"data:image/png;base64,{}\"><p>after</p>", "A".repeat(limits::HTML_BYTES_MAX + 10));
    let document = read(&picture);
    assert_eq!((document.text.as_str(), document.warnings.len()), ("after\n", 0));
}
