//! Models: which there are, which is in use, and putting another in its place. Adding one names a file of this machine, and so is on the admin socket only.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Service, admin::actor, now, problem::Problem};
use crate::{
    llm::{ModelInfo, Shelf},
    reading::{PROMPT_VERSION, trial::Trial},
};

type Answer = Result<HttpResponse, Problem>;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/v1/models", web::get().to(models))
        .route("/v1/models/{name}/use", web::post().to(choose))
        .route("/v1/models/{name}/remove", web::post().to(remove));
}

pub fn socket_routes(config: &mut web::ServiceConfig) {
    config.route("/v1/models", web::post().to(added)).route("/v1/models/{name}/trial", web::post().to(tried));
}

/// A model with what this installation knows of it.
pub(super) struct Known {
    pub model: ModelInfo,
    pub is_in_use: bool,
    pub is_own: bool,
    /// The last one.
    pub trial: Option<Trial>,
}

/// Every model that is found, in the order in which they would be used.
pub(super) fn known(shelf: &Shelf) -> Result<Vec<Known>, Problem> {
    let in_use = shelf.in_use()?.and_then(|path| path.canonicalize().ok());
    let known = |model: ModelInfo| Known {
        is_in_use: in_use.is_some() && model.path.canonicalize().ok() == in_use,
        is_own: shelf.is_own(&model),
        trial: shelf.trial(&model.sha256),
        model,
    };
    Ok(shelf.list().into_iter().map(known).collect())
}

async fn models(service: web::Data<Service>) -> Answer {
    let known = web::block(move || known(&service.shelf)).await??;
    let items: Vec<Value> = known.into_iter().map(shown).collect();
    Ok(HttpResponse::Ok().json(json!({ "items": items, "prompt_version": PROMPT_VERSION, "program": env!("CARGO_PKG_VERSION") })))
}

fn shown(known: Known) -> Value {
    let mut shown = json!(known.model);
    shown["in_use"] = json!(known.is_in_use);
    shown["own"] = json!(known.is_own);
    shown["trial"] = json!(known.trial);
    shown
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Use {
    /// Also a model that was never tried on this site's cases.
    #[serde(default)]
    untried: bool,
}

async fn choose(service: web::Data<Service>, request: HttpRequest, name: web::Path<String>, asked: web::Json<Use>) -> Answer {
    let by = actor(&request);
    let model = web::block(move || {
        let model = service.shelf.named(&name)?;
        // What the release was measured with needs no trial: the way back to it must be short.
        if !asked.untried && !model.is_default && service.shelf.trial::<Trial>(&model.sha256).is_none() {
            return Err(Problem::unfit(format!(
                "{} was never tried on what people confirmed here: `lastbuy model trial {0}` does, and --untried takes it all the same",
                model.weights()
            )));
        }
        service.shelf.try_out(model.clone())?;
        service.shelf.choose(&model)?;
        service.store.note("model.used", &model.weights(), &described(&model), &by, now())?;
        Ok(model)
    });
    Ok(HttpResponse::Ok().json(model.await??))
}

async fn remove(service: web::Data<Service>, request: HttpRequest, name: web::Path<String>) -> Answer {
    let by = actor(&request);
    let model = web::block(move || {
        let model = service.shelf.named(&name)?;
        service.shelf.remove(&model)?;
        service.store.note("model.removed", &model.weights(), &described(&model), &by, now())?;
        Ok::<_, Problem>(model)
    });
    Ok(HttpResponse::Ok().json(model.await??))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Added {
    sha256: String,
}

/// Puts on record that a model was added; it lies in the site's folder already.
async fn added(service: web::Data<Service>, request: HttpRequest, added: web::Json<Added>) -> Answer {
    let by = actor(&request);
    let model = web::block(move || {
        let model = service.shelf.named(&added.sha256)?;
        service.store.note("model.added", &model.weights(), &described(&model), &by, now())?;
        Ok::<_, Problem>(model)
    });
    Ok(HttpResponse::Created().json(model.await??))
}

/// Keeps the report of a trial, which the command line makes: two models beside the one in use do not fit a small machine, and a trial takes minutes.
async fn tried(service: web::Data<Service>, request: HttpRequest, name: web::Path<String>, trial: web::Json<Trial>) -> Answer {
    let by = actor(&request);
    web::block(move || {
        let (model, trial) = (service.shelf.named(&name)?, trial.into_inner());
        if model.sha256 != trial.model.sha256 {
            return Err(Problem::conflict(format!("the trial is of another file than the {} that is there", model.weights())));
        }
        service.shelf.keep_trial(&model.sha256, &trial)?;
        let (tried, beside) = (trial.report.tried, trial.report.in_use);
        let detail = format!(
            "{} cases: right {} and {}, passed {} and {}, wrong among these {} and {}, with it and with {}",
            trial.report.cases, tried.right, beside.right, tried.passed, beside.passed, tried.passed_wrong, beside.passed_wrong, trial.beside.name
        );
        Ok(service.store.note("model.tried", &model.weights(), &detail, &by, now())?)
    })
    .await??;
    Ok(HttpResponse::Ok().json(json!({})))
}

fn described(model: &ModelInfo) -> String {
    let adapter = model.adapter.as_ref().map_or_else(|| "without adapter".to_owned(), |adapter| format!("adapter {}", adapter.sha256));
    format!("SHA-256 {}, {adapter}, licence {}", model.sha256, model.licence.as_deref().unwrap_or("unknown"))
}
