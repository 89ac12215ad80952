//! Mail at a real SMTP server that speaks TLS.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex},
};

use lastbuy::{
    domain::destination::{Language, MailTls, Relay, Secret, Way},
    store::Delivery,
};

use crate::{
    receiver::{Stream, accept_tls, authority, listen},
    webhook::{NOW, send},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaks {
    Implicit,
    Starttls,
    /// It offers no TLS.
    Plain,
}

/// What a server was told, and the mails it took.
#[derive(Clone, Default)]
struct Mailbox {
    commands: Arc<Mutex<Vec<String>>>,
    mails: Arc<Mutex<Vec<String>>>,
}

impl Mailbox {
    /// Whether the client asked for TLS.
    fn talk(&self, stream: &mut BufReader<Box<dyn Stream>>, offers_tls: bool, refuses: Option<(&str, &str)>) -> Option<bool> {
        let say = |stream: &mut BufReader<Box<dyn Stream>>, text: &str| stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).ok();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_owned();
            self.commands.lock().expect("commands").push(line.clone());
            if let Some((begin, answer)) = refuses
                && line.starts_with(begin)
            {
                say(stream, answer)?;
                continue;
            }
            match line.split(' ').next().unwrap_or_default() {
                "EHLO" if offers_tls => say(stream, "250-test\r\n250 STARTTLS")?,
                "EHLO" => say(stream, "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN")?,
                "STARTTLS" => {
                    say(stream, "220 go on")?;
                    return Some(true);
                }
                "AUTH" => say(stream, "235 welcome")?,
                "DATA" => {
                    say(stream, "354 go on")?;
                    let mut mail = String::new();
                    while !mail.ends_with("\r\n.\r\n") {
                        stream.read_line(&mut mail).ok()?;
                    }
                    self.mails.lock().expect("mails").push(mail);
                    say(stream, "250 taken")?;
                }
                "QUIT" => {
                    say(stream, "221 bye")?;
                    return Some(false);
                }
                _ => say(stream, "250 ok")?,
            }
        }
    }
}

fn server(speaks: Speaks, certificate: &'static str, refuses: Option<(&'static str, &'static str)>) -> (SocketAddr, Mailbox) {
    let mailbox = Mailbox::default();
    let takes = mailbox.clone();
    let address = listen(move |stream: TcpStream| {
        let plain = stream.try_clone().expect("clone");
        let mut talk: BufReader<Box<dyn Stream>> = match speaks {
            Speaks::Implicit => BufReader::new(Box::new(accept_tls(certificate, stream))),
            Speaks::Starttls | Speaks::Plain => BufReader::new(Box::new(stream)),
        };
        if talk.get_mut().write_all(b"220 test\r\n").is_ok() && takes.talk(&mut talk, speaks == Speaks::Starttls, refuses) == Some(true) {
            takes.talk(&mut BufReader::new(Box::new(accept_tls(certificate, plain))), false, refuses);
        }
    });
    (address, mailbox)
}

fn relay(address: SocketAddr, tls: MailTls, ca: &str) -> Relay {
    Relay {
        host: "localhost".to_owned(),
        port: address.port(),
        tls,
        login: (tls != MailTls::None).then(|| ("lastbuy".to_owned(), Secret("open sesame".to_owned()))),
        from: "Lastbuy <lastbuy@plant.example>".to_owned(),
        to: vec!["buyer@plant.example".to_owned(), "boss@plant.example".to_owned()],
        ca: Some(authority(ca)),
    }
}

#[test]
fn a_mail_is_handed_over_by_tls_with_its_id() {
    for (speaks, tls) in [(Speaks::Implicit, MailTls::Implicit), (Speaks::Starttls, MailTls::Starttls), (Speaks::Plain, MailTls::None)] {
        let (address, mailbox) = server(speaks, "server.pem", None);
        assert_eq!(send(Way::Mail(relay(address, tls, "ca.pem")), Language::De, NOW), Delivery::Taken, "{speaks:?}");
        let [mail] = mailbox.mails.lock().expect("mails").clone().try_into().expect("one");
        let parsed = mail_parser::MessageParser::default().parse(mail.as_bytes()).expect("mail");
        assert_eq!(parsed.message_id(), Some("msg_00112233445566778899aabbccddeeff@plant.example"));
        assert!(parsed.subject().is_some_and(|subject| subject.starts_with("Bewertung geändert: C-7")));
        assert!(parsed.bcc().is_none(), "a line break in a title makes no header");
        let text = parsed.body_text(0).expect("text");
        assert!(text.contains("Gefährdete Marge: 2.000,25 EUR (vorher: 1.234.567,50 EUR)") && text.contains("30.04.2027"), "{text}");
        let commands = mailbox.commands.lock().expect("commands").join("\n");
        assert_eq!(commands.matches("RCPT TO:").count(), 2, "{commands}");
        assert_eq!(commands.contains("AUTH PLAIN"), tls != MailTls::None, "{commands}");
    }
}

#[test]
fn nothing_is_said_to_a_server_that_cannot_be_trusted() {
    for (speaks, certificate, ca, tls) in [
        (Speaks::Implicit, "expired.pem", "ca.pem", MailTls::Implicit),
        (Speaks::Implicit, "server.pem", "other-ca.pem", MailTls::Implicit),
        (Speaks::Starttls, "elsewhere.pem", "ca.pem", MailTls::Starttls),
        // Whoever takes STARTTLS out of the answer gets neither mail nor password.
        (Speaks::Plain, "server.pem", "ca.pem", MailTls::Starttls),
    ] {
        let (address, mailbox) = server(speaks, certificate, None);
        let delivery = send(Way::Mail(relay(address, tls, ca)), Language::En, NOW);
        assert!(matches!(delivery, Delivery::Failed { .. }), "{speaks:?} {certificate}: {delivery:?}");
        let commands = mailbox.commands.lock().expect("commands").join("\n");
        assert!(!commands.contains("AUTH") && !commands.contains("MAIL FROM"), "{commands}");
    }
}

#[test]
fn what_a_server_refuses_for_good_is_not_tried_again() {
    let of = |refuses| {
        let (address, mailbox) = server(Speaks::Implicit, "server.pem", Some(refuses));
        let delivery = send(Way::Mail(relay(address, MailTls::Implicit, "ca.pem")), Language::En, NOW);
        assert!(mailbox.mails.lock().expect("mails").is_empty());
        delivery
    };
    assert!(matches!(of(("RCPT", "550 no such person")), Delivery::Hopeless { error } if error.contains("no such person")));
    assert!(matches!(of(("MAIL", "451 later")), Delivery::Failed { .. }));
    let Delivery::Failed { error, .. } = of(("AUTH", "535 wrong password")) else { panic!("a person puts that right") };
    assert!(!error.contains("sesame"), "{error}");
}
