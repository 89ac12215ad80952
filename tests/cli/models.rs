//! Models come and go: added from files that may be anything, tried on what people confirmed, put in use under a running server, removed.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::common::{self, Server, json, ok, said};

/// The program without a model named from outside, so that choices count.
fn lastbuy(data_dir: &Path) -> Command {
    let mut command = common::lastbuy(data_dir);
    command.env_remove("LASTBUY_MODEL");
    command
}

/// The default model's weights in a file that is another; `change` may damage it.
fn other(dir: &Path, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let mut bytes = std::fs::read(common::model()).expect("the default model");
    bytes.push(0);
    change(&mut bytes);
    let path = dir.join(name);
    std::fs::write(&path, bytes).expect("file");
    path
}

fn refused(command: &mut Command, part: &str) {
    let output = command.output().expect("run");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains(part), "{:?} is not in: {}", part, said(&output));
}

fn in_use(data_dir: &Path) -> Vec<String> {
    let models = json(lastbuy(data_dir).args(["model", "list", "--json"]));
    let models = models.as_array().expect("list");
    models.iter().filter(|model| model["in_use"] == true).map(|model| model["path"].as_str().expect("path").to_owned()).collect()
}

#[test]
fn a_file_is_added_when_it_is_a_model_that_loads_and_only_then() {
    let (dir, files) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
    let own = dir.path().join("models");
    let text = files.path().join("text.gguf");
    std::fs::write(&text, "I am no model, only a text about one.").expect("file");
    let half = other(files.path(), "half.gguf", |bytes| bytes.truncate(5_000_000));
    let unlicensed = other(files.path(), "unlicensed.gguf", |bytes| {
        let at = bytes.windows(15).position(|window| window == b"general.license").expect("the licence's key");
        bytes[at..at + 15].copy_from_slice(b"general.lichens");
    });
    let impostor = other(files.path(), "SmolLM2-135M-Instruct.Q4_1.gguf", |_| {});
    let adapter = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/SmolLM2-135M-Instruct.Q4_1.adapter.gguf");
    for (file, part) in [
        (&text, "not a GGUF file"),
        (&half, "corrupted or incomplete"),
        (&unlicensed, "--licence"),
        (&impostor, "default model's name"),
        (&adapter, "'adapter'"),
        (&files.path().join("gone.gguf"), "No such file"),
    ] {
        refused(lastbuy(dir.path()).args(["model", "add"]).arg(file), part);
        let left = std::fs::read_dir(&own).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{} left something behind", file.display());
    }
    let before = in_use(dir.path());
    let added = json(lastbuy(dir.path()).args(["model", "add", "--json", "--licence", "Apache-2.0"]).arg(&unlicensed));
    assert_eq!((&added["licence"], &added["architecture"], &added["quantisation"]), (&"Apache-2.0".into(), &"llama".into(), &"Q4_1".into()));
    assert_eq!((&added["parameters"], &added["context_tokens"]), (&134_515_008.into(), &8192.into()));
    assert!(added["chat_template"].as_str().is_some_and(|template| template.contains("<|im_start|>")), "{added}");
    // The same file once more is the same model; what is in use is not changed by what is added.
    assert_eq!(json(lastbuy(dir.path()).args(["model", "add", "--json", "--licence", "MIT"]).arg(&unlicensed)), added);
    assert_eq!((in_use(dir.path()), before.len()), (before, 1));
    std::fs::copy(other(files.path(), "third.gguf", |bytes| bytes.push(1)), &unlicensed).expect("copy");
    refused(lastbuy(dir.path()).args(["model", "add"]).arg(&unlicensed), "another model lies there");
    ok(lastbuy(dir.path()).args(["model", "remove", "unlicensed"]));
    assert_eq!(std::fs::read_dir(&own).expect("folder").count(), 0);
    let trail = json(lastbuy(dir.path()).args(["audit", "list", "--json"])).to_string();
    assert!(trail.contains("model.added") && trail.contains("model.removed"), "{trail}");
}

#[test]
fn a_model_is_tried_before_it_is_used_and_a_running_server_takes_it_up() {
    let (dir, files) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
    let other = other(files.path(), "other.gguf", |_| {});
    let server = Server::start_under(&["env", "-u", "LASTBUY_MODEL"].map(str::to_owned), dir.path());
    ok(lastbuy(dir.path()).args(["model", "add"]).arg(&other));
    refused(lastbuy(dir.path()).args(["model", "use", "other"]), "never tried");
    let nothing = lastbuy(dir.path()).args(["model", "trial", "other"]).output().expect("run");
    assert_eq!(nothing.status.code(), Some(3), "{}", said(&nothing));

    let take = |number: usize| {
        let notice = files.path().join("notice.txt");
        std::fs::write(&notice, format!("Acme Semiconductor GmbH\nDiscontinuance of AX10{number}-3\nLast orders three months after this letter.\n"))
            .expect("notice");
        let events = json(lastbuy(dir.path()).args(["ingest", "--wait", "--json"]).arg(notice));
        events[0]["job_id"].as_str().or(events[0]["job"].as_str()).unwrap_or_else(|| panic!("{events}")).to_owned()
    };
    let reading = |job: &str| server.get(&format!("/v1/jobs/{job}/results/reading")).1;
    let waits = take(1);
    let read_before = reading(&waits);
    assert!(read_before["provenance"]["adapter_sha256"].is_string(), "{read_before}");
    ok(lastbuy(dir.path()).args(["review", "resolve", &waits, "--confirm-rest"]));

    let trial = json(lastbuy(dir.path()).args(["model", "trial", "other", "--json"]));
    assert_eq!(trial["report"]["cases"], 1, "{trial}");
    // What was confirmed is what the model in use had read: it is right in every field, and the other has no adapter.
    assert_eq!(trial["report"]["in_use"]["right"], 1, "{trial}");
    assert_eq!((&trial["beside"]["adapter_sha256"].is_string(), &trial["model"]["adapter_sha256"]), (&true, &Value::Null));
    let fields = trial["report"]["fields"].as_array().expect("fields");
    let worse: u64 = fields.iter().filter_map(|field| field["worse_count"].as_u64()).sum();
    assert_eq!(worse == 0, trial["report"]["tried"]["right"] == 1, "{trial}");

    ok(lastbuy(dir.path()).args(["model", "use", "other"]));
    assert!(in_use(dir.path())[0].ends_with("models/other.gguf"));
    refused(lastbuy(dir.path()).args(["model", "remove", "other"]), "in use");
    let after = reading(&take(2));
    assert_eq!(after["provenance"]["model_sha256"], trial["model"]["sha256"], "{after}");
    assert_eq!(after["provenance"]["reader"], "other");
    // The way back to the default needs no trial.
    ok(lastbuy(dir.path()).args(["model", "use", "SmolLM2-135M-Instruct.Q4_1"]));
    assert_eq!(reading(&take(3))["provenance"]["adapter_sha256"], read_before["provenance"]["adapter_sha256"]);

    let listed = server.get("/v1/models").1;
    let of = |file: &str| {
        listed["items"]
            .as_array()
            .expect("items")
            .iter()
            .find(|model| model["path"].as_str().is_some_and(|path| path.ends_with(file)))
            .expect("model")
    };
    assert_eq!((&of("other.gguf")["trial"]["report"], &of("other.gguf")["in_use"]), (&trial["report"], &false.into()));
    let trail = json(lastbuy(dir.path()).args(["audit", "list", "--json"])).to_string();
    assert!(["model.added", "model.tried", "model.used"].iter().all(|act| trail.contains(act)), "{trail}");
}
