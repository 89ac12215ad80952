//! Asks SiliconExpert about the factory's parts once in a while: `authenticateUser` opens a session, `partDetail` tells the life cycle and the newest notices of fifty
//! parts. A record that says that something ends or changed is taken as if it had been pushed; one that says what it said last time is left alone.

mod client;

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinHandle};

use self::client::{Client, Failed};
use super::stopped;
use crate::{
    clock,
    config::poller::Poller,
    domain::{event::Digest, time::At},
    intake::{self, By, Delivery},
    limits,
    store::{Store, WriteError},
};

const SOURCE: &str = "siliconexpert";
/// Status codes of the API: the answer is whole, there is nothing to tell, the session is over.
const OK: &str = "0";
const NO_RESULT: &str = "7";
const NOT_AUTHENTICATED: &str = "39";

pub(super) fn start(config: Poller, store: std::sync::Arc<Store>, mut stopping: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut polling = Polling { client: Client::new(config.clone()), config, store, told: HashMap::new() };
        let mut wait = Duration::ZERO;
        let mut failures = 0_u32;
        loop {
            tokio::select! {
                () = stopped(&mut stopping) => return,
                () = tokio::time::sleep(wait) => {}
            }
            let round = tokio::select! {
                () = stopped(&mut stopping) => return,
                round = polling.round() => round,
            };
            wait = match round {
                Ok(taken) => {
                    failures = 0;
                    tracing::info!(taken, "SiliconExpert was asked");
                    polling.config.poll
                }
                Err(error) => {
                    failures += 1;
                    let wait = Duration::from_secs(limits::POLL_RETRY_SECONDS << failures.min(10)).min(polling.config.poll);
                    tracing::warn!(%error, again_in_s = wait.as_secs(), "SiliconExpert could not be asked");
                    wait
                }
            };
        }
    })
}

struct Polling {
    config: Poller,
    client: Client,
    store: std::sync::Arc<Store>,
    /// What each part's record said when it was last taken, so that the log is not filled with repeats.
    told: HashMap<String, Digest>,
}

impl Polling {
    /// Asks about every part; how many records were taken.
    async fn round(&mut self) -> Result<usize, Failed> {
        let text = std::fs::read_to_string(&self.config.com_ids_file)
            .map_err(|error| Failed(format!("{} cannot be read: {error}", self.config.com_ids_file.display())))?;
        let ids: Vec<&str> = text.lines().map(str::trim).filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())).collect();
        let mut taken = 0;
        for some in ids.chunks(limits::POLL_PARTS_MAX) {
            let answer = self.part_detail(&some.join(",")).await?;
            let records = &answer["Results"]["ResultDto"];
            // One record comes as itself.
            let records: Vec<&Value> =
                records.as_array().map_or_else(|| records.as_object().map(|_| records).into_iter().collect(), |all| all.iter().collect());
            for record in records {
                taken += usize::from(self.take(record).await?);
            }
        }
        Ok(taken)
    }

    async fn part_detail(&mut self, com_ids: &str) -> Result<Value, Failed> {
        let form = [("comIds", com_ids), ("getLifeCycleData", "1"), ("fmt", "json")];
        for attempt in 0..2 {
            if attempt > 0 || !self.client.has_session() {
                self.client.authenticate().await?;
            }
            let answer = self.client.ask("partDetail", &form).await?;
            match answer["Status"]["Code"].as_str().unwrap_or_default() {
                OK => return Ok(answer),
                NO_RESULT => return Ok(Value::Null),
                NOT_AUTHENTICATED => {}
                code => {
                    return Err(Failed(format!("it answered with the status {code}: {}", answer["Status"]["Message"].as_str().unwrap_or_default())));
                }
            }
        }
        Err(Failed("it does not know its own session".to_owned()))
    }

    /// Whether a record was taken.
    async fn take(&mut self, record: &Value) -> Result<bool, Failed> {
        if !is_news(record) {
            return Ok(false);
        }
        let mut record = record.clone();
        // The day on which SiliconExpert last looked is no news about the part.
        if let Some(summary) = record.get_mut("SummaryData").and_then(Value::as_object_mut) {
            summary.shift_remove("LastCheckDate");
        }
        let id = record["RequestedComID"].as_str().unwrap_or_default().to_owned();
        let body = Bytes::from(json!({ "Results": { "ResultDto": record } }).to_string());
        let digest = Digest::of(&body);
        if self.told.get(&id) == Some(&digest) {
            return Ok(false);
        }
        let source = SOURCE.parse().map_err(|error| Failed(format!("{error}")))?;
        let content_type = Some("application/json".to_owned());
        let delivery = Delivery { source, content_type, file_name: None, headers: Vec::new(), body };
        let received = match intake::receive(delivery, By::Own, clock::now_ms()) {
            Ok(received) => received,
            Err(refusal) => {
                tracing::warn!(com_id = id, %refusal, "a record of SiliconExpert is not understood");
                return Ok(false);
            }
        };
        let mut is_new = false;
        for arrival in received.arrivals {
            let accepted = self.store.accept_async(arrival, None, At(clock::now_ms())).await;
            is_new |= !accepted.map_err(|error: WriteError| Failed(error.to_string()))?.duplicate;
        }
        self.told.insert(id, digest);
        Ok(is_new)
    }
}

/// Whether a record says that the part ends, ended or was changed. A part that is simply active is none of our business.
fn is_news(record: &Value) -> bool {
    let text = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
    let life = &record["LifeCycleData"];
    let newest = &record["PCNData"]["PCNDto"];
    let newest = newest.get(0).unwrap_or(newest);
    let ends = ["LTBDate"].iter().any(|key| text(&life[*key]));
    let is_active = life["PartStatus"].as_str().is_none_or(|status| status.trim().is_empty() || status.trim().eq_ignore_ascii_case("active"));
    ends || !is_active || ["LastPCNNumber", "LastEOLNumber", "LastTimeBuyDate", "LastShipDate"].iter().any(|key| text(&newest[*key]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ends_or_changed_is_news() {
        let record = |life: Value, pcn: Value| json!({ "LifeCycleData": life, "PCNData": { "PCNDto": pcn } });
        assert!(!is_news(&record(json!({ "PartStatus": "Active", "LTBDate": "" }), json!({ "LastPCNNumber": "" }))));
        assert!(!is_news(&json!({ "SummaryData": { "PartNumber": "AX" } })));
        for news in [
            record(json!({ "PartStatus": "Obsolete" }), Value::Null),
            record(json!({ "PartStatus": "Active", "LTBDate": "Mar 31, 2027" }), Value::Null),
            record(json!({ "PartStatus": "Active" }), json!({ "LastEOLNumber": "N-1" })),
            record(Value::Null, json!([{ "LastPCNNumber": "N-1" }, {}])),
        ] {
            assert!(is_news(&news), "{news}");
        }
    }
}
