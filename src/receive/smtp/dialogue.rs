//! What each command is answered, as a function of what was said before: no sockets, no clock.

use std::borrow::Cow;

use smtp_proto::{Error, MAIL_BODY_BINARYMIME, MAIL_REQUIRETLS, MAIL_SMTPUTF8, MailFrom, RcptTo, Request};

use crate::{config::smtp::Smtp, limits};

/// A mail that is being announced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Mail {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    is_utf8: bool,
    /// A part of it came by BDAT.
    pub(super) is_chunked: bool,
}

/// What the session does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Say(String),
    /// The mail follows, up to its dot.
    Data,
    /// A piece of the mail of so many bytes follows at once, without waiting for an answer.
    Chunk {
        bytes: usize,
        is_last: bool,
    },
    /// The same, but it is thrown away and this is said.
    Skip {
        bytes: usize,
        say: String,
    },
    /// The mail must not follow, and this is said.
    NoData(String),
    StartTls,
    Quit,
}

pub(super) struct Dialogue<'a> {
    config: &'a Smtp,
    /// The connection is encrypted.
    pub(super) is_tls: bool,
    /// The name the client gave itself.
    pub(super) helo: Option<String>,
    pub(super) mail: Option<Mail>,
    errors: u32,
}

impl<'a> Dialogue<'a> {
    /// The state after the connection or its TLS was made: nothing that was said before counts (RFC 3207, section 4.2).
    pub(super) fn new(config: &'a Smtp, is_tls: bool) -> Dialogue<'a> {
        Dialogue { config, is_tls, helo: None, mail: None, errors: 0 }
    }

    pub(super) fn greeting(&self) -> String {
        format!("220 {} ESMTP Lastbuy takes notices", self.config.hostname)
    }

    /// Whether the client was refused so often that it is no mail server.
    pub(super) fn is_hopeless(&self) -> bool {
        self.errors >= limits::SMTP_ERRORS_MAX
    }

    /// Counts what is a refusal.
    pub(super) fn note(&mut self, answer: &str) {
        if answer.starts_with('5') {
            self.errors += 1;
        }
    }

    /// One line with its CR LF. `room` says whether this peer may send another mail, or after how many seconds.
    pub(super) fn answer(&mut self, line: &[u8], room: impl FnOnce() -> Result<(), u64>) -> Next {
        match Request::parse(&mut line.iter()) {
            Ok(request) => self.follow(request, room),
            Err(error) => Next::Say(refuse(&error)),
        }
    }

    fn follow(&mut self, request: Request<Cow<'_, str>>, room: impl FnOnce() -> Result<(), u64>) -> Next {
        let say = |text: &str| Next::Say(text.to_owned());
        match request {
            Request::Ehlo { host } => {
                self.greeted(&host);
                Next::Say(self.extensions())
            }
            Request::Helo { host } => {
                self.greeted(&host);
                Next::Say(format!("250 {}", self.config.hostname))
            }
            Request::StartTls if self.is_tls => say("503 5.5.1 the connection is encrypted already"),
            Request::StartTls if self.config.tls.is_none() => say("502 5.5.1 there is no certificate here: smtp.certificate_file"),
            Request::StartTls => Next::StartTls,
            Request::Mail { from } => Next::Say(self.mail(&from, room)),
            Request::Rcpt { to } => Next::Say(self.recipient(&to)),
            Request::Data => match &self.mail {
                Some(mail) if mail.is_chunked => Next::NoData("503 5.5.1 the mail was begun with BDAT".to_owned()),
                Some(mail) if !mail.to.is_empty() => Next::Data,
                Some(_) => Next::NoData("554 5.5.1 no recipient was accepted".to_owned()),
                None => Next::NoData("503 5.5.1 MAIL and RCPT come first".to_owned()),
            },
            Request::Bdat { chunk_size: bytes, is_last } => match &mut self.mail {
                Some(mail) if !mail.to.is_empty() => {
                    mail.is_chunked = true;
                    Next::Chunk { bytes, is_last }
                }
                // The piece is on its way all the same.
                _ => Next::Skip { bytes, say: "503 5.5.1 MAIL and RCPT come first".to_owned() },
            },
            Request::Rset => {
                self.mail = None;
                say("250 2.0.0 forgotten")
            }
            Request::Noop { .. } => say("250 2.0.0 here"),
            Request::Quit => Next::Quit,
            Request::Vrfy { .. } => say("252 2.5.0 send a mail and see"),
            Request::Help { .. } => say("214 2.0.0 EHLO HELO STARTTLS MAIL RCPT DATA BDAT RSET NOOP VRFY QUIT"),
            other => Next::Say(format!("502 5.5.1 {} is not offered", other.name())),
        }
    }

    fn greeted(&mut self, host: &str) {
        self.helo = Some(host.chars().take(255).collect());
        self.mail = None;
    }

    fn extensions(&self) -> String {
        let size = format!("SIZE {}", limits::BODY_BYTES_MAX);
        let mut lines = vec![self.config.hostname.as_str(), &size, "8BITMIME", "SMTPUTF8", "PIPELINING", "CHUNKING"];
        if self.config.tls.is_some() && !self.is_tls {
            lines.push("STARTTLS");
        }
        lines.push("ENHANCEDSTATUSCODES");
        let last = lines.len() - 1;
        let lines = lines.iter().enumerate().map(|(at, line)| format!("250{}{line}", if at == last { ' ' } else { '-' }));
        lines.collect::<Vec<_>>().join("\r\n")
    }

    fn mail(&mut self, from: &MailFrom<Cow<'_, str>>, room: impl FnOnce() -> Result<(), u64>) -> String {
        if self.config.require_tls && !self.is_tls {
            return "530 5.7.0 STARTTLS comes first".to_owned();
        }
        if self.helo.is_none() {
            return "503 5.5.1 EHLO comes first".to_owned();
        }
        if self.mail.is_some() {
            return "503 5.5.1 a mail is begun already; RSET forgets it".to_owned();
        }
        if from.size > limits::BODY_BYTES_MAX {
            return too_large();
        }
        if from.flags & (MAIL_BODY_BINARYMIME | MAIL_REQUIRETLS) != 0 {
            return "555 5.5.4 neither BINARYMIME nor REQUIRETLS is offered".to_owned();
        }
        let is_utf8 = from.flags & MAIL_SMTPUTF8 != 0;
        if !from.address.is_ascii() && !is_utf8 {
            return "553 5.6.7 an address that is not ASCII needs SMTPUTF8".to_owned();
        }
        if let Err(seconds) = room() {
            return format!("450 4.7.1 that is more than {} mails a minute; come again in {seconds} seconds", self.config.mails_per_minute);
        }
        self.mail = Some(Mail { from: from.address.to_string(), is_utf8, ..Mail::default() });
        "250 2.1.0 sender noted".to_owned()
    }

    fn recipient(&mut self, to: &RcptTo<Cow<'_, str>>) -> String {
        let Some(mail) = &mut self.mail else { return "503 5.5.1 MAIL comes first".to_owned() };
        if !to.address.is_ascii() && !mail.is_utf8 {
            return "553 5.6.7 an address that is not ASCII needs SMTPUTF8".to_owned();
        }
        if !is_listed(&self.config.recipients, &to.address) {
            return "550 5.1.1 no notices are taken for this address".to_owned();
        }
        if mail.to.len() >= limits::SMTP_RECIPIENTS_MAX {
            return format!("452 4.5.3 at most {} recipients a mail", limits::SMTP_RECIPIENTS_MAX);
        }
        mail.to.push(to.address.to_string());
        "250 2.1.5 recipient noted".to_owned()
    }
}

pub(super) fn too_large() -> String {
    format!("552 5.3.4 a mail has at most {} bytes here; split it, or hand the file to lastbuy ingest", limits::BODY_BYTES_MAX)
}

/// Local parts are compared without regard to case: every mail server a plant runs does.
fn is_listed(recipients: &[String], address: &str) -> bool {
    let address = address.to_lowercase();
    let domain = address.rsplit_once('@').map(|(_, domain)| domain);
    recipients.is_empty() || recipients.iter().any(|listed| *listed == address || listed.strip_prefix('@').is_some_and(|of| Some(of) == domain))
}

fn refuse(error: &Error) -> String {
    match error {
        Error::InvalidSenderAddress => "501 5.1.7 the sender's address is not understood".to_owned(),
        Error::InvalidRecipientAddress => "501 5.1.3 the recipient's address is not understood".to_owned(),
        Error::SyntaxError { syntax } => format!("501 5.5.2 the form is {syntax}"),
        Error::InvalidParameter { param } => format!("501 5.5.4 the parameter {param} is not understood"),
        Error::UnsupportedParameter { .. } => "555 5.5.4 a parameter is not offered".to_owned(),
        _ => "500 5.5.2 this is no command".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn config(recipients: &[&str]) -> Smtp {
        Smtp {
            listen: ([127, 0, 0, 1], 0).into(),
            hostname: "lastbuy.example".to_owned(),
            recipients: recipients.iter().map(|of| (*of).to_owned()).collect(),
            peers: Vec::new(),
            tls: None,
            require_tls: false,
            connections: 1,
            connections_per_peer: 1,
            mails_per_minute: 5,
            idle: Duration::from_secs(1),
        }
    }

    /// Says the lines one after the other; the beginnings of the answers.
    fn say(config: &Smtp, lines: &[&str]) -> Vec<String> {
        let mut dialogue = Dialogue::new(config, false);
        let of = |next: Next| match next {
            Next::Say(text) | Next::NoData(text) => text[..3].to_owned(),
            other => format!("{other:?}").split(' ').next().unwrap_or_default().to_owned(),
        };
        lines.iter().map(|line| of(dialogue.answer(format!("{line}\r\n").as_bytes(), || Ok(())))).collect()
    }

    #[test]
    fn the_order_of_commands_is_kept() {
        let config = config(&["pcn@plant.example", "@notices.example"]);
        let mail =
            ["EHLO a", "MAIL FROM:<x@y.example> SIZE=100 BODY=8BITMIME", "RCPT TO:<PCN@plant.example>", "RCPT TO:<any@Notices.example>", "DATA"];
        assert_eq!(say(&config, &mail), ["250", "250", "250", "250", "Data"]);
        assert_eq!(say(&config, &["MAIL FROM:<>"]), ["503"]);
        assert_eq!(say(&config, &["HELO a", "RCPT TO:<pcn@plant.example>", "DATA"]), ["250", "503", "503"]);
        assert_eq!(say(&config, &["HELO a", "MAIL FROM:<>", "MAIL FROM:<>", "DATA", "BDAT 5 LAST"]), ["250", "250", "503", "554", "Skip"]);
        assert_eq!(say(&config, &["HELO a", "MAIL FROM:<>", "RSET", "MAIL FROM:<>", "EHLO b", "MAIL FROM:<>"]), vec!["250"; 6]);
        let chunked = ["EHLO a", "MAIL FROM:<>", "RCPT TO:<pcn@plant.example>", "BDAT 5", "DATA"];
        assert_eq!(say(&config, &chunked), ["250", "250", "250", "Chunk", "503"]);
        assert_eq!(
            say(&config, &["NOOP", "VRFY x", "HELP", "EXPN x", "AUTH PLAIN", "STARTTLS", "QUIT"]),
            ["250", "252", "214", "502", "502", "502", "Quit"]
        );
    }

    #[test]
    fn what_never_will_be_right_is_5xx_and_a_rate_is_not() {
        let config = config(&["pcn@plant.example"]);
        let after = |line: &str| say(&config, &["EHLO a", "MAIL FROM:<x@y.example>", line]).remove(2);
        assert_eq!(after("RCPT TO:<sales@plant.example>"), "550");
        assert_eq!(after("RCPT TO:<pcn@plant.example.evil.example>"), "550");
        assert_eq!(after("RCPT TO:pcn@plant.example"), "501");
        assert_eq!(after("RCPT TO:<pcn@plänt.example>"), "553");
        let first = |line: &str| say(&config, &["EHLO a", line]).remove(1);
        assert_eq!(first("MAIL FROM:<x@y.example> SIZE=99999999"), "552");
        assert_eq!(first("MAIL FROM:<x@y.example> BODY=BINARYMIME"), "555");
        assert_eq!(first("MAIL FROM:<ü@y.example>"), "553");
        assert_eq!(first("MAIL FROM:<ü@y.example> SMTPUTF8"), "250");
        assert_eq!(first("GET / HTTP/1.1"), "500");
        let mut dialogue = Dialogue::new(&config, false);
        dialogue.answer(b"EHLO a\r\n", || Ok(()));
        let Next::Say(said) = dialogue.answer(b"MAIL FROM:<>\r\n", || Err(7)) else { panic!("an answer") };
        assert!(said.starts_with("450 4.7.1") && said.contains("7 seconds"), "{said}");
    }

    proptest::proptest! {
        /// Whatever a line holds, there is an answer of one known form, and nothing of the line is repeated that could begin another line.
        #[test]
        fn any_line_gets_an_answer(line in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
            let config = config(&[]);
            let mut dialogue = Dialogue::new(&config, false);
            if let Next::Say(said) = dialogue.answer(&[&line[..], b"\r\n"].concat(), || Ok(())) {
                proptest::prop_assert!(said.len() > 4 && said.as_bytes()[..3].iter().all(u8::is_ascii_digit));
                proptest::prop_assert!(said.lines().all(|line| line.starts_with("250") || !said.contains('\n')));
            }
        }
    }
}
