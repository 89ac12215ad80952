//! What support needs to help, without what is nobody's business: no secret, no content of a notice, nothing of the factory's data. Secrets are files and the
//! configuration holds their names only; what an address may carry besides host and port is left out.

use std::{io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::Context as _;
use regex::Regex;
use serde_json::{Value, json};

use super::{Found, rows};
use crate::{
    cli::{Context, client::Client},
    clock,
    domain::time::At,
    limits,
};

pub fn write(path: &Path, context: &Context, findings: &[Found]) -> anyhow::Result<()> {
    let config = context.config();
    let shown = match &config {
        Ok(config) => without_addresses(&config.show())?,
        Err(error) => format!("# cannot be read: {error:#}"),
    };
    let from_store = Client::during(context, false, |client| {
        Ok(json!({
            "jobs": client.get("/v1/jobs/counts")?,
            "messages": client.get("/v1/messages/counts")?,
            "space": client.get("/v1/space")?,
            "readiness": client.get("/readyz").unwrap_or_else(|error| json!(error.to_string())),
            "metrics": String::from_utf8_lossy(&client.get_bytes("/metrics")?),
            "acts": acts(&client.get(&format!("/v1/audit?limit={}", limits::SUPPORT_ACTS))?),
        }))
    });
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let names: Vec<String> =
        std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(|name| name.starts_with("LASTBUY_")).collect();
    let text = serde_json::to_string_pretty(&json!({
        "made_at": At(clock::now_ms()),
        "version": env!("CARGO_PKG_VERSION"),
        "arch": std::env::consts::ARCH,
        "findings": rows(findings),
        "configuration": shown,
        "egress": config.as_ref().map(|config| config.egress()).unwrap_or_default(),
        "environment": names,
        "system": read("/etc/os-release"),
        "kernel": read("/proc/version"),
        "memory": read("/proc/meminfo").lines().take(5).collect::<Vec<_>>(),
        "processor": read("/proc/cpuinfo").lines().filter(|line| line.starts_with("model name") || line.starts_with("flags")).take(2).collect::<Vec<_>>(),
        "store": from_store.unwrap_or_else(|error| json!(format!("{error:#}"))),
    }))?;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("{} cannot be made; a file that is there is not replaced", path.display()))?;
    file.write_all(text.as_bytes())?;
    Ok(file.sync_all()?)
}

/// Who did what kind of act when; the details may quote a notice.
fn acts(page: &Value) -> Vec<Value> {
    let items = page.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| json!({ "at": item["at"], "by": item["by"], "act": item["act"], "object": item["object"] })).collect()
}

/// Addresses are cut behind the host.
fn without_addresses(config: &str) -> anyhow::Result<String> {
    Ok(Regex::new("(https?://)(?:[^\"/@]*@)?([^\"/@?]+)[^\"]*")?.replace_all(config, "$1$2/...").into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_cut_behind_its_host() {
        let text = "url = \"https://user:word@erp.example:8443/in/T0/secret?key=1\"\nname = \"x\"\n";
        assert_eq!(without_addresses(text).expect("pattern"), "url = \"https://erp.example:8443/...\"\nname = \"x\"\n");
    }
}
