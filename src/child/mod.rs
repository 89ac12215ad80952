//! STUB: one place that re-runs this binary as a child. See the brief.
use std::{ffi::OsString, path::PathBuf, process::ExitCode, time::Duration};

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
    /// Limit of CPU time for one request, in seconds; the wall-clock deadline is the caller's.
    pub cpu_seconds: Option<u64>,
    /// No network, no new files, no new privileges.
    pub confined: bool,
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
pub struct Supervised;

impl Supervised {
    pub fn new(_spec: Spec) -> Supervised {
        todo!()
    }
    /// Sends a request and waits for its answer; kills the child at the deadline.
    pub fn ask(&self, _request: &[u8], _deadline: Duration) -> Result<Vec<u8>, ChildError> {
        todo!()
    }
    /// Process id of the live child, for tests and `doctor`.
    pub fn pid(&self) -> Option<u32> {
        todo!()
    }
}

/// The child's side: answers requests until the parent closes its end.
pub fn serve(_handler: impl FnMut(&[u8]) -> Result<Vec<u8>, String>) -> ExitCode {
    todo!()
}
