//! `lastbuy cases`: obsolescence matters.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{CommandResult, Context, Ended, client::Client, ingest, output};
use crate::{evidence, handover};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Newest first.
    List {
        #[arg(long, default_value_t = 100)]
        limit: usize,
        #[arg(long)]
        json: bool,
    },
    /// One case.
    Show {
        id: String,
        #[arg(long)]
        json: bool,
    },
    /// Make a case by hand: a part that ends, known from somewhere else.
    Add {
        /// A maker's part number; repeat it for more.
        #[arg(required = true, value_name = "MPN")]
        mpns: Vec<String>,
        #[arg(long)]
        maker: Option<String>,
        /// PDN, PCN or NRND.
        #[arg(long, default_value = "PDN")]
        kind: String,
        #[arg(long, value_name = "ID")]
        notice_id: Option<String>,
        #[arg(long, value_name = "YYYY-MM-DD")]
        issue_date: Option<String>,
        #[arg(long, value_name = "YYYY-MM-DD")]
        last_time_buy: Option<String>,
        #[arg(long, value_name = "YYYY-MM-DD")]
        last_time_ship: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Record the answer a person chose.
    Decide {
        id: String,
        /// For example "last-time buy".
        answer: String,
        /// Why.
        #[arg(long)]
        note: Option<String>,
        /// Who sees it through. With an owner, a day or a product the answer is one of the statement's.
        #[arg(long)]
        owner: Option<String>,
        #[arg(long, value_name = "YYYY-MM-DD")]
        due: Option<String>,
        /// Another answer for one product; repeat it for more.
        #[arg(long = "product", value_name = "SKU=ANSWER")]
        products: Vec<String>,
    },
    /// What was decided is carried out: close the case.
    Done {
        id: String,
        #[arg(long)]
        note: Option<String>,
    },
    /// Take a decision back.
    Reopen {
        id: String,
        /// Why.
        #[arg(long)]
        note: String,
    },
    /// What a decision rests on as one signed file; or check such a file.
    Evidence {
        #[arg(required_unless_present = "verify")]
        id: Option<String>,
        #[arg(long, value_name = "FILE", required_unless_present = "verify")]
        out: Option<PathBuf>,
        /// Check this file; no store is needed.
        #[arg(long, value_name = "FILE", conflicts_with_all = ["id", "out"], requires = "key")]
        verify: Option<PathBuf>,
        /// The public key of the installation that made it, or a file that holds it; noted beforehand, not taken from the pack.
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    /// What was read of a case as a file for other systems.
    Export {
        id: String,
        /// smartpcn (VDMA 24903, a ZIP container) or idta02036 (asset administration shell, JSON).
        #[arg(long)]
        format: handover::Format,
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// The public key of this installation: note it where nobody can change it.
    EvidenceKey,
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    if let Command::Evidence { verify: Some(file), key: Some(key), .. } = &args.command {
        return verify(file, key);
    }
    Client::during(context, matches!(args.command, Command::Add { .. }), |client| act(&args.command, client))
}

fn act(command: &Command, client: &Client) -> CommandResult {
    match command {
        Command::List { limit, json } => {
            output::rows(*json, &client.list("/v1/cases", *limit)?, "No case yet: a notice makes one, or `lastbuy cases add MPN`.", table)
        }
        Command::Show { id, json } => {
            show(client, id, *json)?;
            Ok(Ended::Done)
        }
        Command::Add { mpns, maker, kind, notice_id, issue_date, last_time_buy, last_time_ship, json: as_json } => {
            let answer = client.post(
                "/v1/cases",
                &json!({
                    "mpns": mpns, "maker": maker, "kind": kind, "notice_id": notice_id, "issue_date": issue_date,
                    "last_time_buy": last_time_buy, "last_time_ship": last_time_ship,
                }),
            )?;
            ingest::wait(client, &[output::text(&answer, "/job_id")])?;
            show(client, &output::text(&answer, "/case/id"), *as_json)?;
            Ok(Ended::Done)
        }
        Command::Decide { id, answer, note, owner, due, products } => {
            if owner.is_none() && due.is_none() && products.is_empty() {
                client.post(&format!("/v1/cases/{id}/decide"), &json!({ "answer": answer, "note": note }))?;
            } else {
                let of = |text: &String| match text.split_once('=') {
                    Some((product, answer)) => Ok(json!({ "product": product, "answer": answer })),
                    None => anyhow::bail!("'{text}' is not SKU=ANSWER"),
                };
                let products = products.iter().map(of).collect::<anyhow::Result<Vec<Value>>>()?;
                let body = json!({ "answer": answer, "reason": note, "owner": owner, "due": due, "products": products });
                client.post(&format!("/v1/cases/{id}/decision"), &body)?;
            }
            let waits = client.get(&format!("/v1/cases/{id}/decision"))?["current"]["stage"] == json!("proposed");
            output::print(&format!("{id}: {} {answer}", if waits { "proposed, and a second person approves:" } else { "decided for" }))?;
            Ok(Ended::Done)
        }
        Command::Done { id, note } => {
            client.post(&format!("/v1/cases/{id}/decision/done"), &json!({ "note": note }))?;
            output::print(&format!("{id}: done, the case is closed"))?;
            Ok(Ended::Done)
        }
        Command::Reopen { id, note } => {
            client.post(&format!("/v1/cases/{id}/decision/reopen"), &json!({ "note": note }))?;
            output::print(&format!("{id}: open again"))?;
            Ok(Ended::Done)
        }
        Command::Evidence { id, out, .. } => {
            let (Some(id), Some(out)) = (id, out) else { anyhow::bail!("a case and --out FILE are needed, or --verify FILE --key KEY") };
            let pack = client.get_bytes(&format!("/v1/cases/{id}/evidence"))?;
            std::fs::write(out, &pack).with_context(|| format!("{} cannot be written", out.display()))?;
            output::print(&format!("{}: {} bytes of evidence about {id}", out.display(), pack.len()))?;
            Ok(Ended::Done)
        }
        Command::Export { id, format, out } => {
            let bytes = client.get_bytes(&format!("/v1/cases/{id}/export?format={}", format.as_str()))?;
            std::fs::write(out, &bytes).with_context(|| format!("{} cannot be written", out.display()))?;
            output::print(&format!("{}: {} bytes about {id}", out.display(), bytes.len()))?;
            Ok(Ended::Done)
        }
        Command::EvidenceKey => {
            output::print(&output::text(&client.get("/v1/evidence-key")?, "/public_key"))?;
            Ok(Ended::Done)
        }
    }
}

fn show(client: &Client, id: &str, as_json: bool) -> anyhow::Result<()> {
    let case = client.get(&format!("/v1/cases/{id}"))?;
    let decision = client.get(&format!("/v1/cases/{id}/decision"))?["current"].take();
    if as_json {
        let mut case = case;
        case["decision"] = decision;
        return output::json(&case);
    }
    output::print(&table(std::slice::from_ref(&case)))?;
    for part in case.get("parts").and_then(Value::as_array).into_iter().flatten() {
        output::print(&format!("  {}", output::text(part, "/mpn")))?;
    }
    if decision.is_object() {
        output::print(&decided(&decision))?;
    }
    output::print(&needs_text(std::slice::from_ref(&case)))?;
    if let Some((state, fields)) = case.get("state").and_then(Value::as_object).and_then(|state| state.iter().next()) {
        let why = [output::text(fields, "/reason"), output::text(fields, "/answer")].into_iter().find(|text| text != "–").unwrap_or_default();
        output::print(&format!("{state}: {why}"))?;
    }
    output::print(&history_text(&case))?;
    output::print(&format!("from: {}; newest assessment: {}", output::text(&case, "/events"), output::text(&case, "/latest")))
}

/// The newest decision with its steps.
fn decided(decision: &Value) -> String {
    let text = |pointer: &str| output::text(decision, pointer);
    let mut out = format!("decision {}: {}, {}\n", text("/number"), text("/stage"), text("/proposal/answer"));
    for (name, pointer) in [("why", "/proposal/reason"), ("owner", "/proposal/owner"), ("due", "/proposal/due"), ("rests on", "/proposal/assessment")]
    {
        if decision.pointer(pointer).is_some_and(|value| !value.is_null()) {
            out.push_str(&format!("  {name}: {}\n", text(pointer)));
        }
    }
    for product in decision.pointer("/proposal/products").and_then(Value::as_array).into_iter().flatten() {
        out.push_str(&format!("  {}: {}\n", output::text(product, "/product"), output::text(product, "/answer")));
    }
    for step in decision.get("steps").and_then(Value::as_array).into_iter().flatten() {
        let note = step.pointer("/1/note").and_then(Value::as_str).map_or_else(String::new, |note| format!(": {note}"));
        out.push_str(&format!("  {} by {} at {}{note}\n", output::text(step, "/0"), output::text(step, "/1/by"), output::text(step, "/1/at")));
    }
    out
}

/// Checks an evidence pack without the store.
fn verify(file: &Path, key: &str) -> CommandResult {
    let text = if Path::new(key).is_file() { std::fs::read_to_string(key).with_context(|| format!("{key} cannot be read"))? } else { key.to_owned() };
    let public = evidence::public_key(&text)?;
    let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let evidence::Verified { manifest, audit } = evidence::verify(&bytes, &public)?;
    output::print(&format!(
        "sound: {} of {} by {}, {} files, {} lines of the audit trail up to record {}",
        manifest.case,
        manifest.made_at,
        manifest.made_by,
        manifest.files.len(),
        audit.entries,
        manifest.log_record
    ))?;
    manifest.missing.iter().for_each(|missing| output::note(&format!("missing: {missing}")));
    Ok(Ended::Done)
}

/// What each notice of the case did to it.
fn history_text(case: &Value) -> String {
    let rows = case.get("history").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut lines = Vec::new();
    for row in rows {
        lines.push(format!(
            "{}, {} by {}: {}",
            output::text(row, "/event"),
            output::text(row, "/received_at"),
            output::text(row, "/source"),
            output::text(row, "/is")
        ));
        let changes = row.pointer("/told/changes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        lines.extend(changes.iter().map(|change| {
            let of = |side: &str| change.get(side).and_then(Value::as_str);
            match (of("before"), of("after")) {
                (Some(before), Some(after)) => format!("  {}: {before} → {after}", output::text(change, "/what")),
                (None, Some(after)) => format!("  {}: {after}", output::text(change, "/what")),
                (Some(before), None) => format!("  {}: no longer {before}", output::text(change, "/what")),
                (None, None) => format!("  {}", output::text(change, "/what")),
            }
        }));
    }
    lines.join("\n")
}

/// What a person must supply or decide.
pub fn needs(case: &Value) -> Vec<String> {
    let needs = case.pointer("/headline/needs").and_then(Value::as_array);
    needs.into_iter().flatten().filter_map(|need| need.as_str().map(str::to_owned)).collect()
}

/// What each case needs a person for, in full sentences under the list.
pub fn needs_text(cases: &[Value]) -> String {
    let of_case = |case: &Value| {
        let id = output::text(case, "/id");
        needs(case).iter().map(|need| output::hanging(&format!("  {id}  "), need)).collect::<Vec<_>>()
    };
    cases.iter().flat_map(of_case).collect::<Vec<_>>().join("\n")
}

/// The list a manager reads.
pub fn table(cases: &[Value]) -> String {
    let rows = cases.iter().map(row).collect();
    let head = ["case", "notice", "maker", "parts", "last-time buy", "runs out", "margin at risk", "best answer", "its cost", "needs a person"];
    output::table(&head, &[6, 8], rows)
}

fn row(case: &Value) -> Vec<String> {
    let assessed = case.get("headline").is_some_and(|headline| !headline.is_null());
    let open = case.get("state").and_then(Value::as_str) == Some("open");
    let needs = needs(case);
    vec![
        output::text(case, "/id"),
        title(case),
        output::text(case, "/maker"),
        parts(case),
        output::text(case, "/last_time_buy"),
        if assessed { output::text(case, "/headline/runs_out") } else { "not assessed".to_owned() },
        match output::text(case, "/kind").as_str() {
            _ if !assessed => "–".to_owned(),
            "PDN" | "NRND" => output::money(case.pointer("/headline/margin_at_risk")),
            _ => "ends nothing".to_owned(),
        },
        if open { output::text(case, "/headline/best_answer") } else { output::state(case.get("state")) },
        if case.pointer("/headline/best_answer").is_some_and(Value::is_string) {
            output::money(case.pointer("/headline/best_cost"))
        } else {
            "–".to_owned()
        },
        match needs.len() {
            0 => "no".to_owned(),
            1 => "1 thing".to_owned(),
            several => format!("{several} things"),
        },
    ]
}

/// As `Case::title` tells it.
fn title(case: &Value) -> String {
    let read: Result<crate::domain::case::Case, _> = serde_json::from_value(case.clone());
    read.map_or_else(|_| output::text(case, "/notice_id"), |case| case.title())
}

/// The first part and how many more.
fn parts(case: &Value) -> String {
    let parts = case.get("parts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    match parts {
        [] => "–".to_owned(),
        [only] => output::text(only, "/mpn"),
        [first, rest @ ..] => format!("{} +{}", output::text(first, "/mpn"), rest.len()),
    }
}
