//! What an assessment costs: fifty products, forty months, every answer of the field, ten thousand trials; and the same simulation by numpy beside it, on the same
//! model. `packaging/bench.sh impact` runs it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot be made must fail at once, and prints what it found"
)]

#[path = "../../tests/common/tiny.rs"]
mod tiny;

use std::{path::Path, process::Command, time::Instant};

use lastbuy::{
    domain::{
        case::NamedReplacement,
        factory::{AnswerCost, DemandKind},
        id::DatasetId,
        maker::MakerAliases,
        money::Currency,
    },
    factory::{Factory, PartMatch},
    impact::{
        Input, assess,
        simulation::{Model, Trials, play},
        simulation_model,
    },
};
use tiny::{Tiny, decimal};

const PRODUCTS: u32 = 50;
const MONTHS: u32 = 40;
const TRIALS: u32 = 10_000;

/// One item on boards of fifty products, with a late order, a spot market, and a cost for every answer.
fn factory() -> Tiny {
    let mut tiny = Tiny::empty().item("I", "2.35").source("I", "TI", "X1", "active", "").ends("X1").stock("I", "60000");
    tiny = tiny.source("I", "Acme", "Y1", "active", "2.9").order("I", "20000", Some(jiff::civil::date(2027, 6, 14)));
    for product in 0..PRODUCTS {
        let (sku, board) = (format!("P{product:02}"), format!("B{:02}", product % 10));
        if product < 10 {
            tiny = tiny.item(&board, "").line(&board, "I", &(product % 4 + 1).to_string());
        }
        tiny = tiny.product(&sku, &format!("{}.50", 9 + product * 7)).line(&sku, &board, "1");
        for month in 0..MONTHS {
            let period = format!("{}-{:02}", 2027 + month / 12, month % 12 + 1);
            tiny = tiny.demand(&sku, &period, &(40 + product * 3 + month % 7).to_string(), DemandKind::Forecast);
        }
    }
    tiny.case.parts[0].replacement = NamedReplacement::Named(vec!["X9".to_owned()]);
    let site = &mut tiny.data.site;
    (site.discount_rate, site.spot_price_factor) = (Some(decimal("0.08")), Some(decimal("11")));
    (site.risk.trials, site.risk.weeks_cv) = (TRIALS, Some(decimal("0.25")));
    for (at, key) in ANSWERS.iter().enumerate() {
        let own = AnswerCost {
            cost: decimal(&(1000 + 40_000 * at).to_string()),
            currency: Currency::EUR,
            weeks: decimal(&(4 + 9 * at).to_string()),
            probability: Some(decimal("0.85")),
            price_factor: Some(decimal("1.3")),
        };
        site.answers.insert((*key).to_owned(), own);
    }
    tiny
}

const ANSWERS: [&str; 10] = [
    "approved_alternate",
    "last_time_buy",
    "spot",
    "simple_substitute",
    "complex_substitute",
    "aftermarket",
    "extension_of_production",
    "redesign_assembly",
    "redesign_system",
    "end_product",
];

fn least(times: usize, mut run: impl FnMut()) -> f64 {
    let timed = (0..times).map(|_| {
        let begun = Instant::now();
        run();
        begun.elapsed().as_secs_f64()
    });
    timed.fold(f64::INFINITY, f64::min)
}

fn main() {
    let built = if cfg!(debug_assertions) { "with debug assertions, as the development profile has them" } else { "as a release" };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("built {built}; {cores} cores");
    let mut tiny = factory();
    let factory = Factory::new(tiny.data.clone(), MakerAliases::default());
    let matches: Vec<PartMatch> = tiny.case.parts.iter().map(|part| factory.find_part(tiny.case.maker.as_deref(), &part.mpn)).collect();
    let input = |factory| Input { factory, dataset: DatasetId(1), case: &tiny.case, matches: &matches, as_of: tiny.as_of, other_open_parts: &[] };
    let model = simulation_model(&input(&factory)).expect("model").expect("something is at risk");
    println!("{PRODUCTS} products, {MONTHS} months, {} answers of known cost, {TRIALS} trials", model.courses.len());
    println!("assessment in all            {:7.3} s   (goal on two cores: 1 s)", least(3, || drop(assess(&input(&factory)))));
    let mut played = Vec::new();
    for threads in [1, 2] {
        println!("simulation, {threads} thread(s)      {:7.3} s", least(3, || played = play(&model, threads)));
    }
    let ours = least(3, || played = play(&model, cores));
    beside(&model, &played, ours);
    tiny.data.site.risk.sensitivities = true;
    let with = Factory::new(tiny.data.clone(), MakerAliases::default());
    println!("assessment with sensitivities{:7.3} s", least(1, || drop(assess(&Input { factory: &with, ..input(&factory) }))));
}

/// The same model by numpy, where `PYTHON` or `python3` has it.
fn beside(model: &Model, played: &[Trials], ours: f64) {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("model.json");
    std::fs::write(&file, serde_json::to_vec(model).expect("JSON")).expect("written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/impact/simulate.py");
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let output = Command::new(&python).arg(&script).arg(&file).output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        println!("numpy: not measured, {} has none; PYTHON names an interpreter that has", python.display());
        return;
    };
    let theirs: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let seconds = theirs["seconds"].as_f64().expect("seconds");
    println!(
        "the same by numpy {:<11}{seconds:7.3} s   {:.1} times as long as here (goal: 5)",
        theirs["numpy"].as_str().unwrap_or(""),
        seconds / ours
    );
    println!("{:<26}{:>16}{:>16}{:>22}", "mean cost", "here", "numpy", "apart, standard errors");
    for ((course, trials), row) in model.courses.iter().zip(played).zip(theirs["answers"].as_array().expect("answers")) {
        let here = trials.cost.iter().sum::<f64>() / trials.cost.len() as f64;
        let (there, error) = (row["cost"].as_f64().expect("cost"), row["cost_error"].as_f64().expect("error"));
        // Both means have an error of this size.
        let apart = if error > 0.0 { (here - there) / (error * std::f64::consts::SQRT_2) } else { 0.0 };
        println!("{:<26}{here:>16.0}{there:>16.0}{apart:>22.1}", course.name);
        assert!((here - there).abs() <= 5.0 * std::f64::consts::SQRT_2 * error + 1e-6 * here.abs(), "{} differs by more than noise", course.name);
    }
}
