//! STUB: one file a command; the only place that prints.
pub fn main() -> std::process::ExitCode {
    todo!()
}
