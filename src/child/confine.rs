//! What a child may not do. Before it begins: it dies with its parent, may not grow past its address space and CPU time, writes no core file. Once it runs and is
//! confined: no new privileges, no socket, no connection, no other program, no file of its own (a file cannot grow past zero bytes). A child that needs nothing but
//! its requests is sealed: where the kernel has Landlock it reaches no path of the file system at all, and the filter of system calls takes opening files away in
//! any case.

use std::{
    io,
    os::{fd::AsFd, unix::net::UnixStream, unix::process::CommandExt},
    process::Command,
};

use landlock::{ABI, Access as _, AccessFs, Ruleset, RulesetAttr as _};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

use super::Spec;

/// Tells the child to confine itself before it takes a request.
const CONFINED: &str = "LASTBUY_CHILD_CONFINED";
/// Value that also takes the file system away.
const SEALED: &str = "sealed";

/// Adds the limits that are set between fork and exec.
pub(super) fn apply(command: &mut Command, spec: &Spec) {
    if spec.confined {
        command.env(CONFINED, if spec.sealed { SEALED } else { "1" });
    }
    let mut limits = vec![(libc::RLIMIT_CORE, 0)];
    limits.extend(spec.address_space_bytes.map(|bytes| (libc::RLIMIT_AS, bytes)));
    limits.extend(spec.cpu_seconds.map(|seconds| (libc::RLIMIT_CPU, seconds)));
    if spec.confined {
        limits.push((libc::RLIMIT_FSIZE, 0));
    }
    let parent = std::process::id();
    let before_exec = move || {
        for (resource, most) in &limits {
            let limit = libc::rlimit { rlim_cur: *most, rlim_max: *most };
            // SAFETY: setrlimit reads one rlimit that lives on this stack.
            #[allow(unsafe_code, reason = "rlimits between fork and exec")]
            if unsafe { libc::setrlimit(*resource, &raw const limit) } != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        // SAFETY: prctl with these arguments touches no memory; getppid has no arguments.
        #[allow(unsafe_code, reason = "a child must not outlive its parent")]
        let alone = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 || u32::try_from(libc::getppid()) != Ok(parent) };
        if alone { Err(io::Error::other("the parent is gone")) } else { Ok(()) }
    };
    // SAFETY: between fork and exec the closure only makes async-signal-safe system calls and allocates nothing (the error paths end the child).
    #[allow(unsafe_code, reason = "pre_exec is how limits are set before the program runs")]
    unsafe {
        command.pre_exec(before_exec);
    }
}

/// The child's end of the socketpair, confined as the parent asked; `None` where this process was not started by one.
pub(super) fn parents_end() -> Option<UnixStream> {
    let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned().ok()?);
    // Only a Unix socket has such an address.
    stream.peer_addr().ok()?;
    if let Some(how) = std::env::var_os(CONFINED) {
        confine(how == SEALED).ok()?;
    }
    Some(stream)
}

/// From here on these system calls fail with EPERM. seccompiler also sets no_new_privs.
fn confine(is_sealed: bool) -> Result<(), String> {
    let mut denied = vec![
        libc::SYS_socket,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_listen,
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_setns,
        libc::SYS_unshare,
        libc::SYS_mount,
        libc::SYS_bpf,
        libc::SYS_io_uring_setup,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_kcmp,
        libc::SYS_pidfd_getfd,
    ];
    if is_sealed {
        without_files()?;
        denied.extend([libc::SYS_openat, libc::SYS_openat2, libc::SYS_name_to_handle_at, libc::SYS_open_by_handle_at, libc::SYS_memfd_create]);
        #[cfg(target_arch = "x86_64")]
        denied.extend([libc::SYS_open, libc::SYS_creat]);
    }
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| error.to_string())?;
    let eperm = libc::EPERM.unsigned_abs();
    let filter =
        SeccompFilter::new(denied.into_iter().map(|call| (call, Vec::new())).collect(), SeccompAction::Allow, SeccompAction::Errno(eperm), arch)
            .map_err(|error| error.to_string())?;
    let program: BpfProgram = filter.try_into().map_err(|error: seccompiler::BackendError| error.to_string())?;
    seccompiler::apply_filter_all_threads(&program).map_err(|error| error.to_string())
}

/// Landlock without a single rule: no path may be opened, made, changed or run. Best effort, because older kernels do not have it and others have it switched off.
fn without_files() -> Result<(), String> {
    let ruleset = Ruleset::default().handle_access(AccessFs::from_all(ABI::V5)).and_then(Ruleset::create).map_err(|error| error.to_string())?;
    ruleset.restrict_self().map(drop).map_err(|error| error.to_string())
}
