//! `lastbuy model trial`: a model in the shadow of the one in use, on the site's own confirmed cases.

use std::{collections::HashSet, sync::Arc};

use serde_json::{Value, json};

use crate::{
    app,
    cli::{
        CommandResult, Context, Ended,
        client::{Client, escape},
        output::{self, Bar},
    },
    clock,
    domain::{document::Document, notice::Reading, time::At},
    limits,
    llm::{ModelInfo, Shelf},
    reading::{
        PROMPT_VERSION, Reader, SiteKnowledge, flat,
        trial::{self, Outcome, Report, Trial, Tried, Values, Weights},
    },
    store::Progress,
};

/// What a person confirmed, before it is read again.
struct Confirmed {
    event: String,
    source: String,
    document: Document,
    label: Value,
}

pub(super) fn run(context: &Context, name: &str, limit: usize, as_json: bool) -> CommandResult {
    let config = context.config()?;
    let shelf = app::shelf(&config);
    let model = shelf.named(name)?;
    let Some(in_use) = shelf.start()? else {
        anyhow::bail!("there is no model in use to compare with: `lastbuy model use NAME --untried` takes this one")
    };
    if in_use.info().sha256 == model.sha256 {
        anyhow::bail!("{} is the model in use: there is nothing to compare it with", model.weights());
    }
    let beside = weights(in_use.info());
    let reader = Reader::new(Some(Arc::new(in_use)), app::aliases(&config)?);
    let cases = Client::during(context, false, |client| confirmed(client, limit.min(limits::TRIAL_CASES_MAX)))?;
    let cases: Vec<Confirmed> = cases.into_iter().filter(|case| reader.asks_the_model(&case.source, &case.document)).collect();
    if cases.is_empty() {
        output::note("Nobody has confirmed or corrected a reading by a model here yet, so there is nothing to try it on.");
        return Ok(Ended::Nothing);
    }
    let bar = Bar::of_rows();
    let before = read_all(&reader, &cases, &bar, 0);
    // One model at a time: two do not fit a small machine.
    let (reader, tried) = other(&shelf, reader, model)?;
    let after = read_all(&reader, &cases, &bar, cases.len());
    bar.done();
    let tried_cases: Vec<Tried> = cases
        .into_iter()
        .zip(before.into_iter().zip(after))
        .map(|(case, (in_use, tried))| Tried { event: case.event, label: case.label, in_use, tried })
        .collect();
    let report = trial::report(&tried_cases, &app::aliases(&config)?);
    let trial = Trial {
        at: At(clock::now_ms()),
        model: tried,
        beside,
        prompt_version: PROMPT_VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        report,
    };
    let shown = serde_json::to_value(&trial)?;
    Client::during(context, false, |client| client.post(&format!("/v1/models/{}/trial", escape(&trial.model.sha256)), &shown))?;
    if as_json {
        output::json(&shown)?;
    } else {
        output::print(&text(&trial))?;
    }
    Ok(Ended::Done)
}

/// The reader with another model; the one before is ended first.
fn other(shelf: &Shelf, reader: Reader, model: ModelInfo) -> anyhow::Result<(Reader, Weights)> {
    let without = reader.behind(None);
    drop(reader);
    let engine = shelf.load(model)?;
    let weights = weights(engine.info());
    Ok((without.behind(Some(Arc::new(engine))), weights))
}

fn weights(model: &ModelInfo) -> Weights {
    Weights { name: model.weights(), sha256: model.sha256.clone(), adapter_sha256: model.adapter.as_ref().map(|adapter| adapter.sha256.clone()) }
}

/// The newest correction of each event with the text that it was read in.
fn confirmed(client: &Client, limit: usize) -> anyhow::Result<Vec<Confirmed>> {
    let (mut seen, mut cases) = (HashSet::new(), Vec::new());
    for correction in client.list("/v1/corrections", limits::EVAL_EXPORT_MAX)? {
        let (job, event) = (output::text(&correction, "/job"), output::text(&correction, "/event"));
        if cases.len() == limit || !seen.insert(event.clone()) {
            continue;
        }
        let source = output::text(&client.get(&format!("/v1/events/{event}"))?, "/source");
        let result = |step: &str| client.get(&format!("/v1/jobs/{job}/results/{step}"));
        let (Ok(document), Ok(reading)) = (result("document"), result("reading")) else {
            output::note(&format!("{event} is left out: its bytes were given up by retention"));
            continue;
        };
        let reading: Reading = serde_json::from_value(reading)?;
        cases.push(Confirmed { event, source, document: serde_json::from_value(document)?, label: flat(&reading) });
    }
    Ok(cases)
}

fn read_all(reader: &Reader, cases: &[Confirmed], bar: &Bar, before: usize) -> Vec<Outcome> {
    let read = |(number, case): (usize, &Confirmed)| {
        bar.show(Progress { what: "readings", done: (before + number) as u64, total: (cases.len() * 2) as u64 });
        match reader.read(&case.source, &case.document, &SiteKnowledge::default()) {
            Ok(reading) => Outcome { read: flat(&reading), passes: reading.passes() },
            Err(error) => {
                output::note(&format!("{}: {error}", case.event));
                Outcome { read: json!(null), passes: false }
            }
        }
    };
    cases.iter().enumerate().map(read).collect()
}

fn text(trial: &Trial) -> String {
    let Report { cases, in_use, tried, fields } = &trial.report;
    let values = |values: &Values| format!("{} of {}", values.right, values.read);
    let rows = fields.iter().map(|field| {
        vec![
            field.field.clone(),
            field.labelled.to_string(),
            values(&field.in_use),
            values(&field.tried),
            field.better_count.to_string(),
            field.worse_count.to_string(),
        ]
    });
    let table = output::table(
        &["field", "confirmed", "in use: right of read", "tried: right of read", "cases better", "cases worse"],
        &[1, 2, 3, 4, 5],
        rows.collect(),
    );
    let named = fields.iter().flat_map(|field| {
        let named = |what: &str, events: &[String]| (!events.is_empty()).then(|| format!("{} {what} in {}", field.field, events.join(", ")));
        [named("better", &field.better), named("worse", &field.worse)].into_iter().flatten()
    });
    let mut lines = vec![
        format!("{} beside {}, on {cases} confirmed cases", trial.model.name, trial.beside.name),
        table,
        format!("Right in every field: {} (in use: {})", tried.right, in_use.right),
        format!(
            "Would pass without a person: {}, wrong among these {} (in use: {}, wrong {})",
            tried.passed, tried.passed_wrong, in_use.passed, in_use.passed_wrong
        ),
    ];
    lines.extend(named);
    lines.join("\n")
}
