//! Mails (RFC 5322): head lines and body first, then every attachment that holds text as pages named after its file. A mail says most things twice, as plain text
//! and as HTML: one of them is taken, and it is told where the other says more.

use std::{borrow::Cow, collections::HashSet, sync::LazyLock};

use mail_parser::{Address, Encoding, Message, MessageParser, MessagePart, MimeHeaders, PartType, decoders};
use regex::bytes::Regex;

use super::{
    builder::Builder,
    decode, html,
    nesting::Nesting,
    open::{self, Hints},
    text,
};
use crate::limits;

/// What stands above a mail's body.
#[derive(Default)]
pub(super) struct Head<'a> {
    pub(super) from: Option<Cow<'a, str>>,
    pub(super) subject: Option<Cow<'a, str>>,
    pub(super) date: Option<Cow<'a, str>>,
}

impl Head<'_> {
    /// Begins the page of the body with the head's lines; the subject is the document's title.
    pub(super) fn add(&self, builder: &mut Builder, name: Option<&str>) {
        builder.page(name.map_or_else(|| "body".to_owned(), |name| format!("{name}, body")));
        for (field, value) in [("From", &self.from), ("Subject", &self.subject), ("Date", &self.date)] {
            let Some(value) = value.as_deref().map(str::trim).filter(|value| !value.is_empty()) else { continue };
            let before = field.len() + 2;
            let mut place = builder.line(&format!("{field}: {value}"));
            if field == "Subject" && place.start < place.end {
                place.start += before as u32;
                builder.title(place);
            }
        }
        builder.blank();
    }
}

/// Adds a mail, with the mails in it.
pub(super) fn add(builder: &mut Builder, name: Option<&str>, bytes: &[u8], nesting: Nesting<'_>) -> Result<(), String> {
    // The parser builds mails within mails as a tree; one that is deeper than any real one is not given to it.
    static NESTED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("(?i)message/(?:rfc822|global)|multipart/digest").ok());
    if NESTED.as_ref().is_some_and(|nested| nested.find_iter(bytes).nth(limits::MAIL_PARTS_MAX).is_some()) {
        return Err(format!("it holds more than {} mails within mails; hand in the one that matters", limits::MAIL_PARTS_MAX));
    }
    let mail = MessageParser::default().parse(bytes).ok_or("it has no mail header; save the mail again as .eml")?;
    message(builder, name, &mail, nesting);
    Ok(())
}

fn message(builder: &mut Builder, name: Option<&str>, mail: &Message<'_>, nesting: Nesting<'_>) {
    let head = Head {
        from: mail.from().and_then(Address::first).map(|from| match (&from.name, &from.address) {
            (Some(name), Some(address)) => format!("{name} <{address}>").into(),
            (Some(one), None) | (None, Some(one)) => Cow::Borrowed(&**one),
            (None, None) => Cow::Borrowed(""),
        }),
        subject: mail.subject().map(Cow::Borrowed),
        date: mail.header_raw("Date").map(|date| date.split_whitespace().collect::<Vec<_>>().join(" ").into()),
    };
    head.add(builder, name);
    let plain = body(mail, &mail.text_body);
    if mail.html_body == mail.text_body {
        builder.append(plain);
    } else {
        choose(builder, plain, body(mail, &mail.html_body));
    }
    let mut attachments = Attachments::new(nesting);
    let in_bodies: HashSet<u32> = mail.text_body.iter().chain(&mail.html_body).copied().collect();
    for id in mail.attachments.iter().filter(|id| !in_bodies.contains(id)) {
        if let Some(part) = mail.part(*id) {
            attachments.part(builder, name, mail, part);
        }
    }
    attachments.end(builder, name);
}

/// The parts of one version of the body, one after the other.
fn body(mail: &Message<'_>, parts: &[u32]) -> Builder {
    let mut version = Builder::default();
    for id in parts.iter().take(limits::MAIL_PARTS_MAX) {
        let Some(part) = mail.part(*id) else { continue };
        match &part.body {
            PartType::Html(html) => {
                let html = decoded(&mut version, mail, part, html);
                html::body(&mut version, &html, false);
            }
            PartType::Text(plain) => {
                let plain = decoded(&mut version, mail, part, plain);
                text::lines(&mut version, &plain);
            }
            _ => {}
        }
    }
    version
}

/// Takes the plain version, unless the HTML version holds tables or says what the plain one leaves out.
pub(super) fn choose(builder: &mut Builder, plain: Builder, html: Builder) {
    let is_plain_empty = plain.text().trim().is_empty();
    let is_html_empty = html.text().trim().is_empty();
    let takes_html =
        !is_html_empty && (is_plain_empty || html.tables_found() > plain.tables_found() || !lacking(html.text(), plain.text()).is_empty());
    let (taken, other, names) = if takes_html { (html, plain, ("plain-text", "HTML")) } else { (plain, html, ("HTML", "plain-text")) };
    let lacking = lacking(other.text(), taken.text());
    other.hidden().iter().for_each(|text| builder.hide(text));
    builder.append(taken);
    if !lacking.is_empty() {
        builder.warn(format!("the mail's {} version says what its {} version, which was read, does not: {}", names.0, names.1, lacking.join(", ")));
    }
}

/// Words with digits (dates, numbers, parts) of one text that the other does not hold; the first few.
pub(super) fn lacking<'a>(of: &'a str, within: &str) -> Vec<&'a str> {
    const SHOWN_MAX: usize = 3;
    let word = |word: &'a str| word.trim_matches(|c: char| !c.is_alphanumeric());
    let counts =
        |word: &&str| (4..=60).contains(&word.len()) && word.contains(|c: char| c.is_ascii_digit()) && !word.contains("://") && !word.contains('@');
    let known: HashSet<&str> = within.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric())).collect();
    let mut squeezed = None;
    let mut lacking = Vec::new();
    for word in of.split_whitespace().map(word).filter(counts).filter(|word| !known.contains(word)) {
        // Line breaks stand elsewhere in the other.
        let squeezed = squeezed.get_or_insert_with(|| within.split_whitespace().collect::<String>());
        if !squeezed.contains(word) && !lacking.contains(&word) {
            lacking.push(word);
            if lacking.len() == SHOWN_MAX {
                break;
            }
        }
    }
    lacking
}

/// A text part's characters. The parser believes the character set that the part names; ours is held against the bytes.
fn decoded<'a>(builder: &mut Builder, mail: &Message<'_>, part: &MessagePart<'_>, text: &'a str) -> Cow<'a, str> {
    if part.is_encoding_problem {
        builder.warn("a part of the mail is damaged: its transfer encoding breaks off, and it was read as it stands");
    }
    let flow = |text: Cow<'a, str>| if is_flowed(part) { Cow::Owned(unflowed(&text, breaks_words(part))) } else { text };
    if text.is_ascii() && !text.contains('\u{1B}') {
        return flow(Cow::Borrowed(text));
    }
    let bytes = mail.raw_message().get(part.raw_body_offset() as usize..part.raw_end_offset() as usize).unwrap_or_default();
    let bytes = match part.encoding {
        Encoding::None => Some(bytes.to_vec()),
        Encoding::QuotedPrintable => decoders::quoted_printable::quoted_printable_decode(bytes),
        Encoding::Base64 => decoders::base64::base64_decode(bytes),
    };
    let Some(bytes) = bytes else { return flow(Cow::Borrowed(text)) };
    let (again, warning) = decode::text(&bytes, part.content_type().and_then(|of| of.attribute("charset")));
    if let Some(warning) = warning {
        builder.warn(warning);
    }
    flow(Cow::Owned(again))
}

/// Whether lines of a part were broken by its sender (RFC 3676).
fn is_flowed(part: &MessagePart<'_>) -> bool {
    part.content_type().and_then(|of| of.attribute("format")).is_some_and(|format| format.eq_ignore_ascii_case("flowed"))
}

/// Whether the blank at the end of a broken line is the break's and not the text's, as in writing without blanks.
fn breaks_words(part: &MessagePart<'_>) -> bool {
    part.content_type().and_then(|of| of.attribute("delsp")).is_some_and(|delsp| delsp.eq_ignore_ascii_case("yes"))
}

/// Paragraphs as they were written: a line that ends in a blank goes on in the next, where both are quoted equally deep; `-- ` stands above a signature.
fn unflowed(text: &str, breaks_words: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let quoted = line.len() - line.trim_start_matches('>').len();
        let words = &line[quoted..];
        let words = words.strip_prefix(' ').unwrap_or(words);
        if open != Some(quoted) {
            if open.is_some() {
                out.push('\n');
            }
            out.push_str(&line[..quoted]);
            if quoted > 0 {
                out.push(' ');
            }
        }
        let is_open = words.ends_with(' ') && words != "-- ";
        out.push_str(if is_open && breaks_words { &words[..words.len() - 1] } else { words });
        open = is_open.then_some(quoted);
        if open.is_none() {
            out.push('\n');
        }
    }
    out
}

/// Goes through what is attached.
pub(super) struct Attachments<'a> {
    /// Of the mail they are attached to.
    nesting: Nesting<'a>,
    seen: usize,
    pictures: Vec<String>,
}

impl<'a> Attachments<'a> {
    pub(super) fn new(nesting: Nesting<'a>) -> Attachments<'a> {
        Attachments { nesting, seen: 0, pictures: Vec::new() }
    }

    fn part(&mut self, builder: &mut Builder, within: Option<&str>, mail: &Message<'_>, part: &MessagePart<'_>) {
        let media_type = part.content_type().map(|of| format!("{}/{}", of.ctype(), of.subtype().unwrap_or_default())).unwrap_or_default();
        let file_name = part.attachment_name();
        match &part.body {
            PartType::Message(inner) => {
                let Some(name) = self.next(builder, within, file_name.or(inner.subject()), "attached mail") else { return };
                if self.nesting.deeper().is_too_deep() {
                    builder.warn(format!("{name}: mails nest deeper than {}; what is deeper was not read", limits::NESTING_MAX));
                } else {
                    message(builder, Some(&name), inner, self.nesting.deeper());
                }
            }
            PartType::Html(text) | PartType::Text(text) => {
                let text = decoded(builder, mail, part, text).into_owned();
                self.file(builder, within, file_name, &media_type, text.as_bytes());
            }
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => self.file(builder, within, file_name, &media_type, bytes),
            PartType::Multipart(_) => {}
        }
    }

    /// Reads one attached file, whatever it is called, or tells why not.
    pub(super) fn file(&mut self, builder: &mut Builder, within: Option<&str>, file_name: Option<&str>, media_type: &str, bytes: &[u8]) {
        // A signature says nothing that is not in what it signs.
        if matches!(media_type, "application/pkcs7-signature" | "application/x-pkcs7-signature" | "application/pgp-signature") {
            return;
        }
        if media_type.starts_with("image/") {
            self.pictures.push(file_name.unwrap_or("unnamed").to_owned());
            return;
        }
        let Some(name) = self.next(builder, within, file_name, "attachment") else { return };
        let is_mail = media_type == "message/rfc822";
        let hints = Hints { name: Some(&name), file_name, is_mail, charset: None, nesting: self.nesting.deeper() };
        // Of a file that cannot be read no empty pages are left behind.
        let mut file = Builder::default();
        match open::add(&mut file, &hints, bytes) {
            Ok(_) => builder.append(file),
            Err(why) => builder.warn(format!("{name} was not read: {why}")),
        }
    }

    /// The name of the next attachment; `None` past the limit.
    pub(super) fn next(&mut self, builder: &mut Builder, within: Option<&str>, name: Option<&str>, unnamed: &str) -> Option<String> {
        self.seen += 1;
        if self.seen > limits::MAIL_PARTS_MAX {
            builder.warn(format!("the mail has more than {} attachments; the rest was not read", limits::MAIL_PARTS_MAX));
            return None;
        }
        let name = name.map(|name| name.chars().filter(|c| !c.is_control()).take(80).collect::<String>()).filter(|name| !name.trim().is_empty());
        let name = name.unwrap_or_else(|| format!("{unnamed} {}", self.seen));
        Some(within.map_or(name.clone(), |within| format!("{within}, {name}")))
    }

    pub(super) fn end(self, builder: &mut Builder, within: Option<&str>) {
        const SHOWN_MAX: usize = 4;
        let count = self.pictures.len();
        if count == 0 {
            return;
        }
        let mut names =
            self.pictures.into_iter().take(SHOWN_MAX).map(|name| name.chars().take(40).collect::<String>()).collect::<Vec<_>>().join(", ");
        if count > SHOWN_MAX {
            names.push_str(", …");
        }
        let within = within.map(|within| format!("{within}: ")).unwrap_or_default();
        let what = if count == 1 { "1 picture is".to_owned() } else { format!("{count} pictures are") };
        builder.warn(format!("{within}{what} not read ({names})"));
    }
}

#[cfg(test)]
mod tests {
    use super::{lacking, unflowed};

    #[test]
    fn broken_lines_are_joined() {
        assert_eq!(unflowed("製品は \n終了\n", true), "製品は終了\n");
        assert_eq!(
            unflowed("We end \nAX100-3.\n  indented\n> a \n> b\n>> c \nd\n-- \nMe\n", false),
            "We end AX100-3.\n indented\n> a b\n>> c \nd\n-- \nMe\n"
        );
    }

    #[test]
    fn only_words_with_digits_count_as_lacking() {
        assert_eq!(lacking("Hello AX100-3, by 2027-03-31! 12", "by 2027-\n03-31"), ["AX100-3"]);
        assert!(lacking("see https://x.example/?id=12345 or a1234@x.example", "").is_empty());
    }
}
