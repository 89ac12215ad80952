//! One place that re-runs this binary as a child: untrusted bytes and llama.cpp work there, so that a failed assertion, a bomb or a hang kills a child and not
//! the log.
//!
//! Parent and child share a socketpair, given to the child as its standard input; C++ code prints to standard output, so that one is not used. The child
//! begins with its program version, which must be the parent's. Then the parent sends a request and waits for one answer, each a frame of one kind byte, a
//! length and as many bytes (`frame`). At its deadline a child is killed; one that died is started again by the next request. A child ends when the parent
//! closes its end, and with the parent (`PR_SET_PDEATHSIG`).

mod confine;
mod frame;

use std::{
    ffi::OsString,
    io::Read,
    os::{fd::OwnedFd, unix::net::UnixStream, unix::process::CommandExt},
    path::PathBuf,
    process::{Child as Process, Command, ExitCode, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use frame::Kind;

use crate::{limits, meter};

/// Which binary is run: this one, or for tests the one cargo built.
#[derive(Debug, Clone)]
pub struct Program(PathBuf);

impl Program {
    /// `/proc/self/exe`.
    pub fn this() -> Program {
        Program(PathBuf::from("/proc/self/exe"))
    }

    pub fn at(path: impl Into<PathBuf>) -> Program {
        Program(path.into())
    }
}

/// What to run and how tightly.
#[derive(Debug, Clone)]
pub struct Spec {
    pub program: Program,
    /// First argument: the hidden subcommand.
    pub role: &'static str,
    pub args: Vec<OsString>,
    /// Limit of the address space, in bytes.
    pub address_space_bytes: Option<u64>,
    /// Limit of CPU time for one child's life, in seconds; the wall-clock deadline is the caller's.
    pub cpu_seconds: Option<u64>,
    /// No network, no new files, no new privileges; see `confine`.
    pub confined: bool,
    /// Of a confined child: no file at all, whatever it is for.
    pub sealed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChildError {
    #[error("{0}")]
    Start(String),
    /// It died while working on the request (signal or exit status in the sentence).
    #[error("{0}")]
    Died(String),
    #[error("no answer within {0:?}; the child was killed")]
    Late(Duration),
    /// The handler in the child said no; the child lives on.
    #[error("{0}")]
    Refused(String),
}

/// A child that is started when first asked and again after it died. One request at a time.
pub struct Supervised {
    spec: Spec,
    live: Mutex<Option<Live>>,
    /// 0 while none lives; read without waiting for the request in hand.
    pid: AtomicU32,
}

struct Live {
    process: Process,
    stream: UnixStream,
    /// The last of what it wrote to standard error.
    said: Arc<Mutex<String>>,
    listener: Option<JoinHandle<()>>,
    /// It said its version, which is ours.
    is_greeted: bool,
}

impl Supervised {
    pub fn new(spec: Spec) -> Supervised {
        Supervised { spec, live: Mutex::new(None), pid: AtomicU32::new(0) }
    }

    /// Sends a request and waits for its answer; kills the child at the deadline.
    pub fn ask(&self, request: &[u8], deadline: Duration) -> Result<Vec<u8>, ChildError> {
        let mut slot = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + deadline;
        let greeted = |mut live: Live| greet(&mut live, self.spec.role, until, deadline).map(|()| live);
        // That a child died while it waited says nothing about this request.
        let waiting = slot.take().and_then(|live| if live.is_greeted { Some(live) } else { greeted(live).ok() });
        let mut live = match waiting {
            Some(live) => live,
            None => start(&self.spec).and_then(greeted)?,
        };
        self.pid.store(live.process.id(), Ordering::Relaxed);
        let answer = exchange(&mut live.stream, request, until);
        match answer {
            Ok((Kind::Answer, bytes)) => {
                *slot = Some(live);
                Ok(bytes)
            }
            Ok((Kind::Refusal, bytes)) => {
                *slot = Some(live);
                Err(ChildError::Refused(String::from_utf8_lossy(&bytes).into_owned()))
            }
            Ok((kind, _)) => {
                self.pid.store(0, Ordering::Relaxed);
                Err(ChildError::Died(format!("the child {} answered with a frame of kind {kind:?}; {}", self.spec.role, live.end())))
            }
            Err(error) if frame::is_timeout(&error) => {
                self.pid.store(0, Ordering::Relaxed);
                live.end();
                Err(ChildError::Late(deadline))
            }
            Err(_) => {
                self.pid.store(0, Ordering::Relaxed);
                Err(ChildError::Died(format!("the child {} died at work: {}", self.spec.role, live.end())))
            }
        }
    }

    /// Starts the child, so that the first request does not wait for that. One that dies while it waits, as it does with the
    /// thread that started it, is replaced by the first request.
    pub fn begin(&self) {
        let mut slot = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_none() {
            *slot = start(&self.spec).ok();
        }
    }

    /// Process id of the live child, for tests and `doctor`.
    pub fn pid(&self) -> Option<u32> {
        match self.pid.load(Ordering::Relaxed) {
            0 => None,
            pid => Some(pid),
        }
    }
}

fn exchange(stream: &mut UnixStream, request: &[u8], until: Instant) -> std::io::Result<(Kind, Vec<u8>)> {
    frame::write(stream, Kind::Request, request, Some(until))?;
    frame::read(stream, Some(until))
}

fn start(spec: &Spec) -> Result<Live, ChildError> {
    let failed = |what: &str, error: std::io::Error| ChildError::Start(format!("the child {} could not be started: {what}: {error}", spec.role));
    let (ours, theirs) = UnixStream::pair().map_err(|error| failed("socketpair", error))?;
    let mut command = Command::new(&spec.program.0);
    command
        .arg0("lastbuy")
        .arg(spec.role)
        .args(&spec.args)
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    for kept in ["LANG", "RUST_BACKTRACE", "LASTBUY_TEST_CHILD"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    confine::apply(&mut command, spec);
    let mut process = command.spawn().map_err(|error| failed("exec", error))?;
    // The command holds the child's end of the socketpair; only when it is gone does a dead child mean an end of file here.
    drop(command);
    meter::child_started(spec.role);
    let said = Arc::new(Mutex::new(String::new()));
    let listener = process.stderr.take().map(|stderr| listen(stderr, Arc::clone(&said)));
    Ok(Live { process, stream: ours, said, listener, is_greeted: false })
}

/// Waits for the child's version, which must be ours.
fn greet(live: &mut Live, role: &str, until: Instant, deadline: Duration) -> Result<(), ChildError> {
    match frame::read(&mut live.stream, Some(until)) {
        Ok((Kind::Hello, version)) if version == VERSION.as_bytes() => {
            live.is_greeted = true;
            Ok(())
        }
        Ok((Kind::Hello, version)) => {
            live.end();
            let theirs = String::from_utf8_lossy(&version).into_owned();
            Err(ChildError::Start(format!("the program was replaced while it runs (this is {VERSION}, the child {theirs}): restart it")))
        }
        Ok(_) => Err(ChildError::Start(format!("the child {} did not begin with its version; {}", role, live.end()))),
        Err(error) if frame::is_timeout(&error) => {
            live.end();
            Err(ChildError::Late(deadline))
        }
        Err(_) => Err(ChildError::Start(format!("the child {} ended at its start: {}", role, live.end()))),
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Keeps the end of what a child writes to standard error, for the sentence about its death.
fn listen(mut stderr: std::process::ChildStderr, said: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = stderr.read(&mut buffer) {
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            said.push_str(&String::from_utf8_lossy(&buffer[..read]));
            if said.len() > limits::CHILD_STDERR_BYTES_MAX {
                let cut = said.floor_char_boundary(said.len() - limits::CHILD_STDERR_BYTES_MAX / 2);
                said.drain(..cut);
            }
        }
    })
}

impl Live {
    /// Kills and reaps it, and says how it ended.
    fn end(&mut self) -> String {
        // Ending by itself shows in the status; a child that still lives is killed here.
        std::thread::sleep(Duration::from_millis(20));
        let status = match self.process.try_wait() {
            Ok(Some(status)) => Some(status),
            _ => {
                let _ = self.process.kill();
                self.process.wait().ok()
            }
        };
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        // A reader that fails may print a trace behind the reason.
        let out_of_memory = said.lines().find(|line| line.starts_with("memory allocation of"));
        let last = said.lines().rev().find(|line| !line.trim().is_empty() && !line.starts_with("note:"));
        let last = out_of_memory.or(last).unwrap_or("it said nothing").trim();
        match status {
            Some(status) => format!("{status}; {last}"),
            None => format!("its end was not seen; {last}"),
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The child's side: answers requests until the parent closes its end.
pub fn serve(mut handler: impl FnMut(&[u8]) -> Result<Vec<u8>, String>) -> ExitCode {
    let Some(mut stream) = confine::parents_end() else {
        // Somebody typed the hidden subcommand.
        return ExitCode::from(2);
    };
    if frame::write(&mut stream, Kind::Hello, VERSION.as_bytes(), None).is_err() {
        return ExitCode::FAILURE;
    }
    loop {
        let answered = match frame::read(&mut stream, None) {
            Ok((Kind::Request, request)) => match handler(&request) {
                Ok(answer) => frame::write(&mut stream, Kind::Answer, &answer, None),
                Err(why) => frame::write(&mut stream, Kind::Refusal, why.as_bytes(), None),
            },
            // End of file: the parent is done with us.
            Err(_) => return ExitCode::SUCCESS,
            Ok(_) => return ExitCode::FAILURE,
        };
        if answered.is_err() {
            return ExitCode::FAILURE;
        }
    }
}
