//! What is counted and measured while the process runs, and its text for Prometheus (OpenMetrics 1.0). One set of meters a process: whoever does something counts
//! it here, and `GET /metrics` tells it together with what is looked up at that moment (`Gauge`).
//!
//! Labels come from lists of ours (sources, steps, destinations of the configuration), never from what somebody sends, so their number is bounded. The names are a
//! contract; packaging/operations.md explains each.

use std::{
    collections::BTreeMap,
    sync::{LazyLock, atomic::AtomicU64},
    time::Duration,
};

use prometheus_client::{
    encoding::text,
    metrics::{counter::Counter, family::Family, gauge::Gauge as Value, histogram::Histogram},
    registry::{Registry, Unit},
};

type Labels = Vec<(&'static str, String)>;

struct Meter {
    registry: Registry,
    deliveries: Family<Labels, Counter>,
    steps: Family<Labels, Histogram, fn() -> Histogram>,
    children: Family<Labels, Counter>,
    syncs: Histogram,
    attempts: Family<Labels, Counter>,
    backups: Family<Labels, Counter>,
    last_backup: Value,
}

static METER: LazyLock<Meter> = LazyLock::new(|| {
    let mut registry = Registry::with_prefix("lastbuy");
    let deliveries = Family::<Labels, Counter>::default();
    registry.register("deliveries", "Deliveries by source and by what became of them", deliveries.clone());
    // From the case step of a few milliseconds to a reading at its limit.
    let steps = Family::<Labels, Histogram, fn() -> Histogram>::new_with_constructor(|| {
        Histogram::new([0.005, 0.02, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0])
    });
    registry.register_with_unit("step", "Time that a step of a job took, by step and outcome", Unit::Seconds, steps.clone());
    let children = Family::<Labels, Counter>::default();
    registry.register("child_starts", "Starts of the children, by role; more than one of child-llm is a restart of the model", children.clone());
    let syncs = Histogram::new([0.0005, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0]);
    registry.register_with_unit("store_sync", "Time that the medium took for one group of the log (fdatasync)", Unit::Seconds, syncs.clone());
    let attempts = Family::<Labels, Counter>::default();
    registry.register("message_attempts", "Attempts at messages, by destination and outcome", attempts.clone());
    let backups = Family::<Labels, Counter>::default();
    registry.register("backups", "Scheduled backups by outcome", backups.clone());
    let last_backup = Value::default();
    registry.register("last_backup_timestamp_seconds", "When the last scheduled backup was made; 0: none since the start", last_backup.clone());
    Meter { registry, deliveries, steps, children, syncs, attempts, backups, last_backup }
});

/// A delivery of a source ended; `answer` is `taken`, `duplicate`, `quarantined`, `refused`, `unauthorised` or `put_off`.
pub fn delivery(source: &str, answer: &'static str) {
    METER.deliveries.get_or_create(&vec![("source", source.to_owned()), ("answer", answer.to_owned())]).inc();
}

pub fn step(step: &str, outcome: &str, took: Duration) {
    METER.steps.get_or_create(&vec![("step", step.to_owned()), ("outcome", outcome.to_owned())]).observe(took.as_secs_f64());
}

pub fn child_started(role: &str) {
    METER.children.get_or_create(&vec![("role", role.to_owned())]).inc();
}

pub fn synced(took: Duration) {
    METER.syncs.observe(took.as_secs_f64());
}

pub fn attempt(destination: &str, outcome: &str) {
    METER.attempts.get_or_create(&vec![("destination", destination.to_owned()), ("outcome", outcome.to_owned())]).inc();
}

/// A scheduled backup was made at this moment, or failed.
pub fn backed_up(made: bool, at_ms: i64) {
    METER.backups.get_or_create(&vec![("outcome", if made { "made" } else { "failed" }.to_owned())]).inc();
    if made {
        METER.last_backup.set(at_ms / 1000);
    }
}

/// A value as it is now.
pub struct Gauge {
    /// Without the prefix `lastbuy_`.
    pub name: &'static str,
    pub help: &'static str,
    pub labels: Labels,
    pub value: f64,
}

/// Everything as text, gauges of one name together.
pub fn text(gauges: Vec<Gauge>) -> Result<String, std::fmt::Error> {
    let mut now = Registry::with_prefix("lastbuy");
    let mut families: BTreeMap<&'static str, Family<Labels, Value<f64, AtomicU64>>> = BTreeMap::new();
    for gauge in gauges {
        let family = families.entry(gauge.name).or_insert_with(|| {
            let family = Family::default();
            now.register(gauge.name, gauge.help, family.clone());
            family
        });
        family.get_or_create(&gauge.labels).set(gauge.value);
    }
    let mut out = String::new();
    text::encode_registry(&mut out, &METER.registry)?;
    text::encode_registry(&mut out, &now)?;
    text::encode_eof(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_told_with_its_labels() {
        delivery("generic", "taken");
        step("reading", "done", Duration::from_millis(40));
        child_started("child-llm");
        synced(Duration::from_micros(700));
        attempt("erp", "taken");
        let gauge = |state: &str, value| Gauge { name: "jobs", help: "Jobs by state", labels: vec![("state", state.to_owned())], value };
        let text = text(vec![gauge("ready", 3.0), gauge("dead", 0.0)]).expect("text");
        for line in [
            "lastbuy_deliveries_total{source=\"generic\",answer=\"taken\"} 1",
            "lastbuy_step_seconds_count{step=\"reading\",outcome=\"done\"} 1",
            "lastbuy_child_starts_total{role=\"child-llm\"} 1",
            "lastbuy_store_sync_seconds_bucket{le=\"0.001\"} 1",
            "lastbuy_message_attempts_total{destination=\"erp\",outcome=\"taken\"} 1",
            "lastbuy_jobs{state=\"ready\"} 3.0",
            "lastbuy_jobs{state=\"dead\"} 0.0",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "no '{line}' in\n{text}");
        }
        assert_eq!(text.matches("# TYPE lastbuy_jobs ").count(), 1, "{text}");
    }
}
