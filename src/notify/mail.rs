//! Mail through the site's relay.

use std::time::Duration;

use lettre::{
    SmtpTransport, Transport,
    message::{Mailbox, MessageBuilder, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
    },
};

use super::text::Text;
use crate::{
    domain::{
        destination::{MailTls, Relay},
        message::Message,
    },
    limits,
    store::Delivery,
};

pub(super) fn deliver(relay: &Relay, message: &Message, text: &Text) -> Delivery {
    let mail = match compose(relay, message, text) {
        Ok(mail) => mail,
        Err(error) => return Delivery::Hopeless { error },
    };
    let transport = match transport(relay) {
        Ok(transport) => transport,
        Err(error) => return Delivery::Failed { error, wait_ms: None },
    };
    match transport.send(&mail) {
        Ok(_) => Delivery::Taken,
        Err(error) => {
            let mut said = format!("{} does not take the mail: {error}", relay.host);
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                if !said.ends_with(&cause.to_string()) {
                    said.push_str(&format!(": {cause}"));
                }
                source = cause.source();
            }
            // 5yz is for good (RFC 5321), except for what a person puts right in the configuration or at the relay: login and TLS.
            let code = error.status().map(u16::from);
            if error.is_permanent() && !matches!(code, Some(530 | 534 | 535 | 538)) {
                Delivery::Hopeless { error: said }
            } else {
                Delivery::Failed { error: said, wait_ms: None }
            }
        }
    }
}

/// The mail; its Message-ID is the message's own id, so that a repeat is known as one.
fn compose(relay: &Relay, message: &Message, text: &Text) -> Result<lettre::Message, String> {
    let address = |text: &String| text.parse::<Mailbox>().map_err(|error| format!("'{text}' is not an address: {error}"));
    let from = address(&relay.from)?;
    let domain = from.email.domain().to_owned();
    let mut mail: MessageBuilder =
        lettre::Message::builder().from(from).subject(text.title.clone()).message_id(Some(format!("<{}@{domain}>", message.stable_id)));
    for to in &relay.to {
        mail = mail.to(address(to)?);
    }
    mail.header(ContentType::TEXT_PLAIN).body(text.plain()).map_err(|error| format!("no mail can be made of it: {error}"))
}

fn transport(relay: &Relay) -> Result<SmtpTransport, String> {
    let tls = match relay.tls {
        MailTls::None => Tls::None,
        MailTls::Implicit => Tls::Wrapper(parameters(relay)?),
        MailTls::Starttls => Tls::Required(parameters(relay)?),
    };
    let mut builder =
        SmtpTransport::builder_dangerous(&relay.host).port(relay.port).tls(tls).timeout(Some(Duration::from_secs(limits::DELIVERY_SECONDS_MAX)));
    if let Some((user, password)) = &relay.login {
        builder = builder.credentials(Credentials::new(user.clone(), password.0.clone()));
    }
    Ok(builder.build())
}

fn parameters(relay: &Relay) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(relay.host.clone());
    if let Some(pem) = &relay.ca {
        let certificate = Certificate::from_pem(pem).map_err(|error| format!("the ca_file cannot be used: {error}"))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|error| format!("TLS cannot be set up: {error}"))
}
