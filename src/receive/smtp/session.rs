//! One connection: reads what comes, answers in order, gives a whole mail to the store, and says 250 when the store says that it is on disk.

use std::{io, net::IpAddr, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    sync::SemaphorePermit,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::TlsAcceptor;

use super::{
    Shared,
    body::Body,
    dialogue::{Dialogue, Mail, Next, too_large},
    input::{Input, Line},
};
use crate::{
    clock,
    domain::time::At,
    intake::{self, Envelope},
    limits, meter,
    receive::stopped,
    store::WriteError,
};

const WRITE_TIMEOUT: Duration = Duration::from_secs(limits::SMTP_WRITE_SECONDS_MAX);
const STOPPING: &str = "421 4.3.2 the server is stopping; come again in a moment";

/// Why a connection ends.
enum Ended {
    /// Said and done, or the client is gone.
    Closed,
    /// It goes on encrypted.
    StartTls,
}

/// Says one line and closes.
pub(super) async fn turn_away(mut stream: TcpStream, line: &str) {
    let said = timeout(WRITE_TIMEOUT, stream.write_all(format!("{line}\r\n").as_bytes())).await;
    if matches!(said, Ok(Ok(()))) {
        let _ = stream.shutdown().await;
    }
}

pub(super) async fn run(stream: TcpStream, peer: IpAddr, shared: &Shared) {
    let mut session = Session::new(stream, peer, shared, false);
    session.say(&session.dialogue.greeting());
    let ended = session.converse().await;
    let (Ok(Ended::StartTls), Some(tls)) = (ended, &shared.config.tls) else { return };
    let handshake = TlsAcceptor::from(std::sync::Arc::clone(tls)).accept(session.stream);
    match timeout(Duration::from_secs(limits::TLS_HANDSHAKE_SECONDS_MAX), handshake).await {
        Ok(Ok(stream)) => drop(Session::new(stream, peer, shared, true).converse().await),
        Ok(Err(error)) => tracing::warn!(%peer, %error, "a mail connection could not be encrypted"),
        Err(_) => tracing::warn!(%peer, "a mail connection was not encrypted in time"),
    }
}

struct Session<'a, S> {
    stream: S,
    peer: IpAddr,
    shared: &'a Shared,
    dialogue: Dialogue<'a>,
    input: Input,
    /// Answers that were not sent yet: a group of commands gets its answers together (RFC 2920).
    answers: Vec<u8>,
    chunked: Option<Chunked<'a>>,
}

/// A mail that comes by BDAT.
struct Chunked<'a> {
    _turn: SemaphorePermit<'a>,
    bytes: Vec<u8>,
    until: Instant,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Session<'a, S> {
    fn new(stream: S, peer: IpAddr, shared: &'a Shared, is_tls: bool) -> Session<'a, S> {
        let dialogue = Dialogue::new(&shared.config, is_tls);
        Session { stream, peer, shared, dialogue, input: Input::default(), answers: Vec::new(), chunked: None }
    }

    fn say(&mut self, line: &str) {
        self.dialogue.note(line);
        self.answers.extend_from_slice(line.as_bytes());
        self.answers.extend_from_slice(b"\r\n");
    }

    async fn flush(&mut self) -> io::Result<()> {
        if self.answers.is_empty() {
            return Ok(());
        }
        let answers = std::mem::take(&mut self.answers);
        let written = timeout(WRITE_TIMEOUT, async {
            self.stream.write_all(&answers).await?;
            self.stream.flush().await
        });
        written.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn close(&mut self) -> Ended {
        if self.flush().await.is_ok() {
            let _ = timeout(WRITE_TIMEOUT, self.stream.shutdown()).await;
        }
        Ended::Closed
    }

    async fn converse(&mut self) -> io::Result<Ended> {
        let mut stopping = self.shared.stopping.clone();
        loop {
            while let Some(line) = self.input.line() {
                match self.line(line).await? {
                    Some(Ended::Closed) => return Ok(self.close().await),
                    Some(Ended::StartTls) => {
                        // What came behind the command, unencrypted, could be anybody's: it must not be taken for what comes encrypted.
                        if !self.input.buffer.is_empty() {
                            self.say("554 5.5.1 nothing may follow STARTTLS before its answer");
                            return Ok(self.close().await);
                        }
                        self.say("220 2.0.0 go ahead");
                        self.flush().await?;
                        return Ok(Ended::StartTls);
                    }
                    None => {}
                }
                if self.dialogue.is_hopeless() {
                    self.say("421 4.7.0 too many refused commands");
                    return Ok(self.close().await);
                }
            }
            self.flush().await?;
            let read = tokio::select! {
                () = stopped(&mut stopping) => None,
                read = timeout(self.shared.config.idle, read_more(&mut self.stream, &mut self.input)) => Some(read),
            };
            match read {
                None => {
                    self.say(STOPPING);
                    return Ok(self.close().await);
                }
                Some(Ok(Ok(0))) => return Ok(Ended::Closed),
                Some(Ok(Ok(_))) => {}
                Some(Ok(Err(error))) => return Err(error),
                Some(Err(_)) => {
                    self.say("421 4.4.2 nothing came for too long");
                    return Ok(self.close().await);
                }
            }
        }
    }

    /// Answers one line; `Some` where the connection ends with it.
    async fn line(&mut self, line: Line) -> io::Result<Option<Ended>> {
        let line = match line {
            Line::Whole(line) => line,
            Line::TooLong => {
                self.say(&format!("500 5.5.6 a line has at most {} bytes", limits::SMTP_LINE_BYTES_MAX));
                return Ok(None);
            }
            Line::Garbled => {
                self.say("500 5.5.2 a line ends with CR LF and holds no control characters");
                return Ok(None);
            }
            Line::Endless => {
                self.say("421 4.7.0 no line ends");
                return Ok(Some(Ended::Closed));
            }
        };
        let (peers, peer) = (&self.shared.peers, self.peer);
        match self.dialogue.answer(&line, || peers.mail(peer, clock::now_ms())) {
            Next::Say(answer) => {
                if self.dialogue.mail.is_none() {
                    self.chunked = None;
                }
                self.say(&answer);
            }
            Next::NoData(answer) => {
                self.say(&answer);
                // What follows could be the text of a mail; read as commands it could be somebody else's.
                return Ok((!self.input.buffer.is_empty()).then_some(Ended::Closed));
            }
            Next::Data => return self.data().await,
            Next::Chunk { bytes, is_last } => return self.chunk(bytes, is_last).await,
            Next::Skip { bytes, say } => {
                if bytes > limits::BODY_BYTES_MAX {
                    self.say(&too_large());
                    return Ok(Some(Ended::Closed));
                }
                self.skip(bytes).await?;
                self.say(&say);
            }
            Next::StartTls => return Ok(Some(Ended::StartTls)),
            Next::Quit => {
                self.say("221 2.0.0 good-bye");
                return Ok(Some(Ended::Closed));
            }
        }
        Ok(None)
    }

    /// Waits for one of the mails in memory to go.
    async fn turn(&self) -> Option<SemaphorePermit<'a>> {
        let turn = timeout(Duration::from_secs(limits::SMTP_TURN_SECONDS_MAX), self.shared.mails.acquire());
        turn.await.ok()?.ok()
    }

    fn crowded(&mut self) {
        self.say(&format!("451 4.3.2 {} mails are coming in already; come again in a moment", limits::SMTP_MAILS_IN_FLIGHT_MAX));
    }

    async fn data(&mut self) -> io::Result<Option<Ended>> {
        if !self.input.buffer.is_empty() {
            // Whoever sends on before the answer is broken, or wants a mail's text taken for commands.
            self.say("554 5.5.0 the mail comes after 354");
            return Ok(Some(Ended::Closed));
        }
        let Some(_turn) = self.turn().await else {
            self.crowded();
            return Ok(None);
        };
        self.say("354 the mail, then a dot on a line of its own");
        self.flush().await?;
        let until = deadline();
        let mut body = Body::new(limits::BODY_BYTES_MAX);
        loop {
            let (used, is_end) = body.take(&self.input.buffer);
            let _ = self.input.buffer.split_to(used);
            if is_end {
                break;
            }
            if body.length() > 2 * limits::BODY_BYTES_MAX {
                self.say(&too_large());
                return Ok(Some(Ended::Closed));
            }
            self.more(until).await?;
        }
        let answer = match (self.dialogue.mail.take(), body.finish()) {
            (Some(mail), Some(bytes)) => self.accept(mail, bytes).await,
            _ => too_large(),
        };
        self.say(&answer);
        Ok(None)
    }

    async fn chunk(&mut self, bytes: usize, is_last: bool) -> io::Result<Option<Ended>> {
        let so_far = self.chunked.as_ref().map_or(0, |chunked| chunked.bytes.len());
        if bytes > limits::BODY_BYTES_MAX - so_far {
            self.say(&too_large());
            return Ok(Some(Ended::Closed));
        }
        let mut chunked = match self.chunked.take() {
            Some(chunked) => chunked,
            None => match self.turn().await {
                Some(turn) => Chunked { _turn: turn, bytes: Vec::new(), until: deadline() },
                None => {
                    self.skip(bytes).await?;
                    self.dialogue.mail = None;
                    self.crowded();
                    return Ok(None);
                }
            },
        };
        let mut left = bytes;
        while left > 0 {
            let piece = self.input.buffer.split_to(left.min(self.input.buffer.len()));
            chunked.bytes.extend_from_slice(&piece);
            left -= piece.len();
            if left > 0 {
                self.more(chunked.until).await?;
            }
        }
        let answer = match is_last.then(|| self.dialogue.mail.take()).flatten() {
            Some(mail) => self.accept(mail, chunked.bytes).await,
            None => {
                let answer = format!("250 2.0.0 {bytes} bytes noted");
                self.chunked = Some(chunked);
                answer
            }
        };
        self.say(&answer);
        Ok(None)
    }

    /// Throws so many bytes away.
    async fn skip(&mut self, bytes: usize) -> io::Result<()> {
        let until = deadline();
        let mut left = bytes;
        while left > 0 {
            let piece = self.input.buffer.split_to(left.min(self.input.buffer.len()));
            left -= piece.len();
            if left > 0 {
                self.more(until).await?;
            }
        }
        Ok(())
    }

    /// More of a mail, before `until` and before the client was silent for too long.
    async fn more(&mut self, until: Instant) -> io::Result<()> {
        let until = until.min(Instant::now() + self.shared.config.idle);
        match timeout_at(until, read_more(&mut self.stream, &mut self.input)).await {
            Ok(Ok(0)) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => read.map(|_| ()),
            Err(_) => {
                self.say("421 4.4.2 the mail did not come in time");
                self.close().await;
                Err(io::ErrorKind::TimedOut.into())
            }
        }
    }

    /// Gives a whole mail to the store; the answer is 250 only after it is on disk.
    async fn accept(&self, mail: Mail, bytes: Vec<u8>) -> String {
        let envelope = Envelope {
            peer: self.peer,
            helo: self.dialogue.helo.clone().unwrap_or_default(),
            from: mail.from,
            to: mail.to,
            tls: self.dialogue.is_tls,
        };
        let arrival = match intake::mail(&envelope, Bytes::from(bytes)) {
            Ok(arrival) => arrival,
            Err(refusal) => {
                meter::delivery("smtp", "refused");
                return format!("554 5.6.0 {refusal}");
            }
        };
        let peer = self.peer;
        match self.shared.store.accept_async(arrival, None, At(clock::now_ms())).await {
            Ok(accepted) => {
                meter::delivery("smtp", if accepted.duplicate { "duplicate" } else { "taken" });
                tracing::info!(%peer, event = %accepted.event, duplicate = accepted.duplicate, "a mail is on disk");
                let known = if accepted.duplicate { "was known already" } else { "is on disk" };
                format!("250 2.0.0 {} {known}", accepted.event)
            }
            Err(WriteError::Busy(why)) => {
                meter::delivery("smtp", "put_off");
                tracing::warn!(%peer, %why, "a mail is put off");
                "452 4.3.1 nothing new is taken at the moment; come again".to_owned()
            }
            Err(error) => {
                meter::delivery("smtp", "put_off");
                tracing::error!(%peer, %error, "a mail is put off");
                "451 4.3.0 the store takes nothing; come again".to_owned()
            }
        }
    }
}

fn deadline() -> Instant {
    Instant::now() + Duration::from_secs(limits::SMTP_MAIL_SECONDS_MAX)
}

async fn read_more<S: AsyncRead + Unpin>(stream: &mut S, input: &mut Input) -> io::Result<usize> {
    input.buffer.reserve(limits::SMTP_READ_BYTES);
    stream.read_buf(&mut input.buffer).await
}
