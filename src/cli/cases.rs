//! `lastbuy cases`: obsolescence matters.

use serde_json::{Value, json};

use super::{CommandResult, Context, Ended, client::Client, ingest, output};

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
    },
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    let client = Client::connect(context, matches!(args.command, Command::Add { .. }))?;
    let ended = act(&args.command, &client);
    client.close()?;
    ended
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
        Command::Decide { id, answer, note } => {
            client.post(&format!("/v1/cases/{id}/decide"), &json!({ "answer": answer, "note": note }))?;
            output::print(&format!("{id}: decided for {answer}"))?;
            Ok(Ended::Done)
        }
    }
}

fn show(client: &Client, id: &str, as_json: bool) -> anyhow::Result<()> {
    let case = client.get(&format!("/v1/cases/{id}"))?;
    if as_json {
        return output::json(&case);
    }
    output::print(&table(std::slice::from_ref(&case)))?;
    for part in case.get("parts").and_then(Value::as_array).into_iter().flatten() {
        output::print(&format!("  {}", output::text(part, "/mpn")))?;
    }
    output::print(&needs_text(std::slice::from_ref(&case)))?;
    output::print(&format!("from: {}; newest assessment: {}", output::text(&case, "/events"), output::text(&case, "/latest")))
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
