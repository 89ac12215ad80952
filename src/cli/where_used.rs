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
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    let client = Client::connect(context, false)?;
    let answer = ask(args, &client);
    client.close()?;
    let answer = answer?;
    if args.json {
        output::json(&answer)?;
    } else {
        output::print(&text(&answer))?;
    }
    Ok(Ended::Done)
}

fn ask(args: &Args, client: &Client) -> anyhow::Result<Value> {
    let maker = args.maker.as_deref().map(|maker| format!("&maker={}", escape(maker))).unwrap_or_default();
    let by_mpn = client.get(&format!("/v1/where-used?mpn={}{maker}", escape(&args.part)));
    if by_mpn.is_ok() || args.maker.is_some() {
        return by_mpn;
    }
    // Not a maker's number: perhaps the factory's own. Its absence too leaves the first answer, which has the suggestions.
    client.get(&format!("/v1/where-used?item={}", escape(&args.part))).or(by_mpn)
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
        let rows = products.iter().map(|product| vec![output::text(product, "/sku"), output::text(product, "/pieces")]).collect();
        out.push_str(&output::table(&["product", "pieces per unit"], &[1], rows));
        out.push('\n');
        let paths = item.get("paths").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for path in paths {
            let nodes: Vec<&str> = path.get("nodes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
            out.push_str(&format!("  {}  × {}\n", nodes.join(" → "), output::text(path, "/quantity")));
        }
        let in_all = item.get("paths_in_all").and_then(Value::as_u64).unwrap_or_default();
        if in_all > paths.len() as u64 {
            out.push_str(&format!("  … and {} more paths\n", in_all - paths.len() as u64));
        }
    }
    out
}
