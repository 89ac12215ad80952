//! Composition: opens the store, wires the layers, starts what serves and what works, and drains them in order: intake first, then the workers, then the log.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use crate::{
    child::Program,
    clock,
    config::{Config, Notifications, tls::Certificates},
    datasets::Datasets,
    document::Extractor,
    domain::{export::Columns, maker::MakerAliases, time::At},
    evidence::Key,
    factory,
    http::{self, AccessSettings, Service},
    intake::{self, Gate},
    limits,
    llm::{self, LlmError, Shelf},
    notify,
    reading::Reader,
    receive,
    store::{self, Actor, OpenError, Retention, Store, WriteError},
    work::{self, Knowledge, Models, Stop, Swept, WorkError, Worker},
};

/// Name of the socket in the data directory that the command line speaks to.
pub const ADMIN_SOCKET: &str = "admin.sock";

#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error(transparent)]
    Store(#[from] OpenError),
    #[error("the store could not be closed in order: {0}")]
    Close(#[from] WriteError),
    #[error(transparent)]
    Work(#[from] WorkError),
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
    #[error("maker aliases: {0}")]
    Aliases(String),
    /// A secret, a certificate or a list of columns has the wrong form.
    #[error("{0}")]
    Gate(String),
    #[error("{0}")]
    Model(String),
    #[error("the store stopped after a failed write and must be reopened: {0}")]
    Poisoned(String),
    #[error("a worker ended unexpectedly; its message is in the log above")]
    Worker,
}

/// Built-in maker names and, over them, the site's.
pub fn aliases(config: &Config) -> Result<MakerAliases, AppError> {
    let mut aliases = factory::built_in_aliases();
    if let Some(list) = &config.maker_aliases {
        aliases.add_list(list).map_err(AppError::Aliases)?;
    }
    Ok(aliases)
}

/// How the columns of exports are named, by source.
fn columns(config: &Config) -> Result<BTreeMap<String, Columns>, AppError> {
    let columns = config.written.intake.columns.iter().map(|(source, named)| Ok((source.clone(), Columns::of(source, named)?)));
    columns.collect::<Result<_, String>>().map_err(AppError::Gate)
}

/// Who may send what; tries the form of every secret and certificate.
pub fn gate(config: &Config) -> Result<Gate, AppError> {
    let written = &config.written.intake;
    Gate::new(intake::Settings {
        secrets: config.secrets.clone(),
        tolerance_s: written.clock_tolerance_seconds.into(),
        mandrill_url: written.mandrill_url.clone(),
        ses_topics: written.ses_topics.clone(),
        ses_certificates: config.ses_certificates.clone(),
        confirms_subscriptions: config.sns.is_some(),
        cloudevents_batches: written.cloudevents_batches,
        columns: columns(config)?,
    })
    .map_err(AppError::Gate)
}

/// The installation's models: those of the data directory, then of `models/` beside the program and in the folders above it.
pub fn shelf(config: &Config) -> Shelf {
    let program = std::env::current_exe().ok();
    let others = program.iter().flat_map(|program| program.ancestors().skip(1).map(|dir| dir.join("models"))).collect();
    let configured = Some(&config.written.model.file).filter(|file| !file.is_empty());
    Shelf::new(Program::this(), model_threads(config), config.data_dir.join("models"), others, configured.map(PathBuf::from))
}

/// Puts the models that this program carries into the data directory. A program that carries none, as one built for development, does nothing; a data
/// directory that cannot be written to leaves the models of the other folders.
fn unpack_models(config: &Config) {
    let dir = config.data_dir.join("models");
    if let Err(error) = llm::unpack(Path::new("/proc/self/exe"), &dir) {
        tracing::warn!(%error, dir = %dir.display(), "the models that the program carries were not unpacked");
    }
}

/// The file of the model in use, once what the program carries is unpacked.
pub fn model_file(config: &Config) -> Result<PathBuf, AppError> {
    if config.written.model.file.is_empty() {
        unpack_models(config);
    }
    shelf(config).in_use().map_err(model)?.ok_or_else(|| no_model(config))
}

fn model(error: LlmError) -> AppError {
    AppError::Model(error.to_string())
}

fn no_model(config: &Config) -> AppError {
    AppError::Model(format!(
        "no model was found: put {} into {} (models/README.md says where it comes from), or name one as model.file",
        llm::DEFAULT_MODEL_FILE,
        config.data_dir.join("models").display()
    ))
}

/// Threads for the model: every core but one, because its threads spin and the server needs one.
pub fn model_threads(config: &Config) -> usize {
    match config.written.model.threads {
        0 => std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1)).clamp(1, limits::LLM_THREADS_MAX),
        chosen => chosen.min(limits::LLM_THREADS_MAX),
    }
}

/// The newest of the scheduled backups, if there is one.
pub fn newest_backup(config: &Config) -> Option<PathBuf> {
    work::scheduled(Path::new(&config.written.backup.folder)).ok()?.pop()
}

/// How long bodies are kept.
fn retention(config: &Config) -> Retention {
    let written = &config.written.retention;
    let bytes = (written.keep_mib > 0).then(|| written.keep_mib.saturating_mul(1 << 20));
    Retention { days: (written.keep_days > 0).then_some(written.keep_days), bytes }
}

/// A reader with the model in use behind it.
pub fn reader(config: &Config) -> Result<Reader, AppError> {
    if config.written.model.file.is_empty() {
        unpack_models(config);
    }
    let engine = shelf(config).start().map_err(model)?.ok_or_else(|| no_model(config))?;
    Ok(Reader::new(Some(Arc::new(engine)), aliases(config)?).with_exports(columns(config)?))
}

/// What runs: the server's two faces and the workers, over one open store.
pub struct Running {
    pub store: Arc<Store>,
    http: http::Running,
    /// Of the network face, where it is encrypted.
    certificates: Option<Arc<Certificates>>,
    receivers: Option<receive::Running>,
    /// Address of the network face, where there is one.
    serves: Option<SocketAddr>,
    stop: Arc<Stop>,
    workers: Vec<JoinHandle<Result<(), WorkError>>>,
    /// What delivers messages, where there is work.
    notifier: Option<notify::Running>,
    socket: PathBuf,
    drain: Duration,
    /// Makes the first admin at `/setup`, while there is no user.
    pub setup_code: Option<String>,
}

/// Opens the data directory and starts the admin socket; with `tcp` the webhooks, pages and receivers, with `work` the workers. Call within a tokio runtime.
pub fn start(config: &Config, tcp: Option<TcpListener>, work: bool) -> Result<Running, AppError> {
    let gate = gate(config)?;
    let options =
        store::Options { at_once: config.at_once.clone(), keys_kept_days: config.written.intake.keys_kept_days, rules: config.notify.rules.clone() };
    let store = Store::open_with(&config.data_dir, options)?;
    let datasets = Arc::new(Datasets::new(Arc::clone(&store), aliases(config)?));
    let stop = Arc::new(Stop::default());
    let shelf = Arc::new(shelf(config));
    let workers = if work { start_workers(config, &store, &datasets, &shelf, &stop)? } else { Vec::new() };
    let socket = config.data_dir.join(ADMIN_SOCKET);
    let admin = bind_admin(&socket)?;
    let serves = tcp.as_ref().and_then(|tcp| tcp.local_addr().ok());
    let service = Service::new(Arc::clone(&store), datasets, gate, config.written.intake.sources.clone(), Arc::clone(&shelf))
        .map_err(|error| AppError::Gate(error.to_string()))?
        .with_rate(config.written.intake.per_minute)
        .with_origins(config.written.intake.cloudevents_origins.clone())
        .with_destinations(config.notify.destinations.iter().map(|destination| destination.name.clone()).collect())
        .with_retention(retention(config))
        .with_evidence_key(Key::of(&config.data_dir).map_err(|error| AppError::Gate(error.to_string()))?)
        .with_four_eyes(config.written.decisions.four_eyes)
        .with_access(AccessSettings {
            always: config.written.access.always().map_err(|error| AppError::Gate(error.to_string()))?,
            loopback: serves.is_none_or(|address| address.ip().is_loopback()),
            secure_cookies: config.written.access.behind_tls || config.tls.is_some(),
        })
        .with_watchers(config.metrics_from.clone());
    let (tls, certificates) = match config.tls.as_ref().filter(|_| tcp.is_some()) {
        Some(tls) => tls.server().map(|(server, certificates)| (Some(server), Some(certificates))).map_err(AppError::Gate)?,
        None => (None, None),
    };
    let setup_code = serves.and_then(|_| service.setup_code().transpose()).transpose().map_err(|error| AppError::Gate(error.to_string()))?;
    let http = http::start(Arc::new(service), tcp, tls, Some(admin))
        .map_err(|source| AppError::Io { what: "the server could not start".to_owned(), source })?;
    let notifier = if work { Some(start_notifier(config, &store)?) } else { None };
    if let Some(address) = serves {
        note(&store, "server.started", &format!("version {}, on {address}", env!("CARGO_PKG_VERSION")))?;
    }
    let receivers = serves
        .map(|_| receive::start(config, &store))
        .transpose()
        .map_err(|source| AppError::Io { what: "a receiver could not start".to_owned(), source })?;
    Ok(Running {
        store,
        http,
        certificates,
        receivers,
        serves,
        stop,
        workers,
        notifier,
        socket,
        drain: Duration::from_secs(config.written.work.drain_seconds),
        setup_code,
    })
}

/// A server's beginning and end are on record; a command that opens the store for a moment is not.
fn note(store: &Store, act: &str, detail: &str) -> Result<(), WriteError> {
    store.note(act, "server", detail, &this_user(), At(clock::now_ms()))
}

/// Who runs this process.
pub fn this_user() -> Actor {
    Actor(format!("uid:{}", rustix::process::geteuid().as_raw()))
}

fn start_workers(
    config: &Config,
    store: &Arc<Store>,
    datasets: &Arc<Datasets>,
    shelf: &Arc<Shelf>,
    stop: &Arc<Stop>,
) -> Result<Vec<JoinHandle<Result<(), WorkError>>>, AppError> {
    let worker = Arc::new(Worker {
        store: Arc::clone(store),
        datasets: Arc::clone(datasets),
        extractor: Extractor::new(Program::this()),
        models: Models::new(Arc::clone(shelf), reader(config)?),
        as_of: config.as_of,
        knowledge: Knowledge::default(),
        swept: Swept::default(),
    });
    let runtime = tokio::runtime::Handle::current();
    let mut threads = Vec::new();
    let retention = retention(config);
    if !retention.is_off() {
        let (store, stop) = (Arc::clone(store), Arc::clone(stop));
        let thread = std::thread::Builder::new().name("retention".to_owned()).spawn(move || work::retain(&store, retention, &stop));
        threads.push(thread.map_err(|source| AppError::Io { what: "retention could not start".to_owned(), source })?);
    }
    let backup = &config.written.backup;
    if backup.every_hours > 0 {
        let schedule = work::Schedule { folder: PathBuf::from(&backup.folder), every_hours: backup.every_hours, keep: backup.keep };
        let (store, stop) = (Arc::clone(store), Arc::clone(stop));
        let thread = std::thread::Builder::new().name("backups".to_owned()).spawn(move || work::back_up(&store, &schedule, &stop));
        threads.push(thread.map_err(|source| AppError::Io { what: "scheduled backups could not start".to_owned(), source })?);
    }
    for number in 1..=config.written.work.workers {
        let (worker, stop, runtime, name) = (Arc::clone(&worker), Arc::clone(stop), runtime.clone(), format!("worker-{number}"));
        let thread = std::thread::Builder::new().name(name.clone()).spawn(move || worker.run(&name, &stop, &runtime));
        threads.push(thread.map_err(|source| AppError::Io { what: "a worker could not start".to_owned(), source })?);
    }
    Ok(threads)
}

fn start_notifier(config: &Config, store: &Arc<Store>) -> Result<notify::Running, AppError> {
    let Notifications { destinations, rules, zone } = config.notify.clone();
    let settings = notify::Settings { destinations, rules, zone, as_of: config.as_of };
    notify::start(store, settings, &tokio::runtime::Handle::current())
        .map_err(|source| AppError::Io { what: "delivering messages could not start".to_owned(), source })
}

/// The store's lock is held, so a socket that is still there belongs to a process that is gone.
fn bind_admin(socket: &Path) -> Result<UnixListener, AppError> {
    let failed = |source| AppError::Io { what: format!("{} could not be opened", socket.display()), source };
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    UnixListener::bind(socket).map_err(failed)
}

impl Running {
    /// Ends when the store is poisoned or a worker is gone; the process must then end too.
    pub async fn trouble(&self) -> AppError {
        loop {
            if let Some(why) = self.store.poisoned() {
                return AppError::Poisoned(why);
            }
            if self.workers.iter().any(JoinHandle::is_finished) {
                return AppError::Worker;
            }
            tokio::time::sleep(Duration::from_millis(limits::WORK_WAIT_MS_MAX)).await;
        }
    }

    /// Reads the network face's certificate anew where its files were changed, or with `always`; `None`: there was nothing to do.
    pub fn reload_certificate(&self, always: bool) -> Option<Result<(), String>> {
        let certificates = self.certificates.as_ref()?;
        if always { Some(certificates.reload()) } else { certificates.reload_if_changed() }
    }

    /// Where mails are taken, if they are.
    pub fn mails_taken_on(&self) -> Option<SocketAddr> {
        self.receivers.as_ref().and_then(receive::Running::smtp_address)
    }

    /// Stops intake, lets the steps in hand finish or leaves them to be taken up again, and closes the log.
    pub async fn stop(self) -> Result<(), AppError> {
        self.stop.now();
        if let Some(notifier) = &self.notifier {
            notifier.stop();
        }
        let receivers = async {
            if let Some(receivers) = self.receivers {
                receivers.stop().await;
            }
        };
        tokio::join!(self.http.stop(), receivers);
        let until = tokio::time::Instant::now() + self.drain;
        let at_work =
            || self.workers.iter().any(|worker| !worker.is_finished()) || self.notifier.as_ref().is_some_and(|notifier| !notifier.is_over());
        while at_work() && tokio::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if self.notifier.as_ref().is_some_and(|notifier| !notifier.is_over()) {
            tracing::warn!("an attempt at a message did not end in time; it goes out again at the next start");
        }
        let mut result = Ok(());
        for worker in self.workers {
            if !worker.is_finished() {
                tracing::warn!("a step did not finish in time; its job is taken up again at the next start");
            } else {
                match worker.join() {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => result = Err(error.into()),
                    Err(_) => result = Err(AppError::Worker),
                }
            }
        }
        match std::fs::remove_file(&self.socket) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => tracing::warn!(%error, "the admin socket could not be removed"),
            _ => {}
        }
        if let (Some(address), None) = (self.serves, self.store.poisoned()) {
            note(&self.store, "server.stopped", &format!("on {address}"))?;
        }
        self.store.close()?;
        result
    }
}
