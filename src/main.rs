//! `lastbuy`. The first argument decides whether this process is the appliance's command line or one of its own children (see `child`).

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args_os().nth(1).and_then(|role| role.into_string().ok()).as_deref() {
        Some(lastbuy::document::CHILD_ROLE) => lastbuy::document::child_main(),
        Some(lastbuy::llm::CHILD_ROLE) => lastbuy::llm::child_main(),
        _ => lastbuy::cli::main(),
    }
}
