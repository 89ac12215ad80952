//! `lastbuy where-used`: the products a part goes into.

use serde_json::Value;

use super::{
    CommandResult, Context, Ended,
    client::{Client, escape},
    output,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A maker's part number, or the factory's own item number.
    #[arg(value_name = "MPN-or-item")]
    part: String,
    /// Its maker; without it every maker's.
    #[arg(long)]
    maker: Option<String>,
    /// Show what takes it level by level, each assembly's own uses once.
    #[arg(long)]
    tree: bool,
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    let answer = Client::during(context, false, |client| ask(args, client))?;
    if args.json {
        output::json(&answer)?;
    } else {
        output::print(&text(&answer))?;
    }
    Ok(Ended::Done)
}

fn ask(args: &Args, client: &Client) -> anyhow::Result<Value> {
    let maker = args.maker.as_deref().map(|maker| format!("&maker={}", escape(maker))).unwrap_or_default();
    let tree = if args.tree { "&tree=1" } else { "" };
    let by_mpn = client.get(&format!("/v1/where-used?mpn={}{maker}{tree}", escape(&args.part)));
    if by_mpn.is_ok() || args.maker.is_some() {
        return by_mpn;
    }
    // Not a maker's number: perhaps the factory's own. Its absence too leaves the first answer, which has the suggestions.
    client.get(&format!("/v1/where-used?item={}{tree}", escape(&args.part))).or(by_mpn)
}

fn text(answer: &Value) -> String {
    let mut out = String::new();
    for item in answer.get("items").and_then(Value::as_array).into_iter().flatten() {
        out.push_str(&format!("{} {}\n", output::text(item, "/item"), output::text(item, "/description")));
        let matched = output::text(item, "/match");
        if matched != "–" {
            out.push_str(&format!("  {} {} ({matched} match)\n", output::text(item, "/maker"), output::text(item, "/mpn")));
        }
        let products = item.get("products").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let rows = products.iter().map(|product| {
            let margin = output::text(product, "/contribution");
            let margin = if margin == "–" { "unknown".to_owned() } else { format!("{margin} {}", output::text(product, "/currency")) };
            vec![output::text(product, "/sku"), output::text(product, "/pieces"), margin]
        });
        out.push_str(&output::table(&["product", "pieces per unit", "margin of a unit"], &[1, 2], rows.collect()));
        out.push('\n');
        let sources = item.get("sources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for source in sources {
            let qualified = if source.get("qualified").and_then(Value::as_bool) == Some(true) { "qualified" } else { "not qualified" };
            let share = output::text(source, "/share");
            let share = if share == "–" { String::new() } else { format!(", share of the use {share}") };
            out.push_str(&format!("  source: {} {}, {qualified}{share}\n", output::text(source, "/maker"), output::text(source, "/mpn")));
        }
        if let Some(tree) = item.get("tree").filter(|tree| tree.is_object()) {
            tree_text(tree, &mut out);
            continue;
        }
        let paths = item.get("paths").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for path in paths {
            let nodes: Vec<&str> = path.get("nodes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
            out.push_str(&format!("  {}  × {}{}\n", nodes.join(" → "), output::text(path, "/quantity"), days(path)));
        }
        let in_all = item.get("paths_in_all").and_then(Value::as_u64).unwrap_or_default();
        if in_all > paths.len() as u64 {
            out.push_str(&format!("  … and {} more paths\n", in_all - paths.len() as u64));
        }
    }
    out
}

/// From the item up; what stands further up already is not told again.
fn tree_text(tree: &Value, out: &mut String) {
    let lines = tree.get("lines").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for line in lines {
        let level = line.get("level").and_then(Value::as_u64).and_then(|level| usize::try_from(level).ok()).unwrap_or(0);
        let is = |name: &str| line.get(name).and_then(Value::as_bool) == Some(true);
        let number = output::text(line, "/number");
        let indent = "  ".repeat(level + 1);
        if level == 0 {
            out.push_str(&format!("{indent}{number}\n"));
            continue;
        }
        let mut more = days(line);
        if is("is_product") {
            more.push_str(", product");
        }
        if is("is_repeated") {
            more.push_str(", see above");
        }
        let (quantity, pieces) = (output::text(line, "/quantity"), output::text(line, "/pieces"));
        out.push_str(&format!("{indent}in {number}: {quantity} a piece; {pieces} of the item in one{more}\n"));
    }
    let in_all = tree.get("lines_in_all").and_then(Value::as_u64).unwrap_or_default();
    if in_all > lines.len() as u64 {
        out.push_str(&format!("  … and {} more lines; the pieces count them\n", in_all - lines.len() as u64));
    }
}

/// When a line or a way is in force, where that ends or begins.
fn days(value: &Value) -> String {
    match (output::text(value, "/valid_from").as_str(), output::text(value, "/valid_to").as_str()) {
        ("–", "–") => String::new(),
        (from, "–") => format!(", from {from}"),
        ("–", to) => format!(", to {to}"),
        (from, to) => format!(", {from} to {to}"),
    }
}
