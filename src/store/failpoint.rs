//! Named points at which a test ends this process as a power failure would end it, and barriers it leaves out. Nothing of it is in a release.
//!
//! ```text
//! LASTBUY_FAILPOINT=<point>:<n>     SIGKILL at the n-th passing of the point
//! LASTBUY_FAILPOINT=skip-barrier:0  no fdatasync on the log: what is lost where a write is believed
//! ```

#[cfg(not(all(feature = "failpoints", debug_assertions)))]
mod set {
    pub fn pass(_: &str) {}

    pub fn skips(_: &str) -> bool {
        false
    }
}

#[cfg(all(feature = "failpoints", debug_assertions))]
mod set {
    use std::sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    };

    static SET: LazyLock<Option<(String, AtomicU64)>> = LazyLock::new(|| {
        let text = std::env::var("LASTBUY_FAILPOINT").ok()?;
        let (point, passes) = text.split_once(':')?;
        Some((point.to_owned(), AtomicU64::new(passes.parse().ok()?)))
    });

    pub fn pass(point: &str) {
        if let Some((set, left)) = SET.as_ref()
            && set == point
            && left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            // Whether or not it could be sent: nothing may be done after this point.
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            loop {
                std::thread::park();
            }
        }
    }

    pub fn skips(sync: &str) -> bool {
        SET.as_ref().is_some_and(|(set, _)| set.strip_prefix("skip-") == Some(sync))
    }
}

/// A test may end the process here.
pub(super) fn pass(point: &str) {
    set::pass(point);
}

/// Whether a test asks for this sync to be left out.
pub(super) fn skips(sync: &str) -> bool {
    set::skips(sync)
}
