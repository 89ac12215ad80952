//! What a release is made with.

use std::process::Command;

use crate::common::{json, lastbuy, model, ok};

#[test]
fn a_program_that_carries_the_model_needs_no_other() {
    let dir = tempfile::tempdir().expect("folder");
    let program = dir.path().join("bin/lastbuy");
    std::fs::create_dir(dir.path().join("bin")).expect("folder");
    let built = env!("CARGO_BIN_EXE_lastbuy");
    ok(lastbuy(dir.path()).args(["release", "carry", "--program", built, "--to"]).arg(&program).arg(model()));
    let data = dir.path().join("data");
    let run = |args: &[&str]| {
        let mut command = Command::new(&program);
        command.env_remove("LASTBUY_MODEL").arg("--data-dir").arg(&data).args(args);
        command
    };
    // The first command that needs the model unpacks it; the children are the same program and must start from it too.
    let text = dir.path().join("notice.txt");
    std::fs::write(&text, "Acme ends AX100-3. Last time buy date: 2027-03-31.").expect("file");
    let read = json(run(&["read", "--flat"]).arg(&text));
    assert!(read["affected_parts"].is_array(), "{read}");
    let models = json(&mut run(&["model", "list", "--json"]));
    assert_eq!(models[0]["is_default"], true, "{models}");
    let path = data.join("models").join(model().file_name().expect("name"));
    assert_eq!(models[0]["path"], path.to_string_lossy().as_ref(), "{models}");
}

#[test]
fn man_pages_and_completions_name_every_command_and_nothing_hidden() {
    let dir = tempfile::tempdir().expect("folder");
    ok(lastbuy(dir.path()).args(["release", "man"]).arg(dir.path()));
    let page = std::fs::read_to_string(dir.path().join("lastbuy.1")).expect("lastbuy.1");
    assert!(page.contains("lastbuy\\-serve(1)") && !page.contains("lastbuy\\-release"), "{page}");
    assert!(std::fs::read_to_string(dir.path().join("lastbuy-serve.1")).expect("lastbuy-serve.1").contains("listen"));
    for shell in ["bash", "zsh", "fish"] {
        let text = ok(lastbuy(dir.path()).args(["release", "completions", shell]));
        assert!(text.contains("where-used"), "{shell}: {text}");
    }
}
