//! `lastbuy serve`: the appliance, until it is told to stop.

use std::{io::IsTerminal, net::TcpListener, time::Duration};

use anyhow::Context as _;
use bytes::Bytes;
use hyper::Method;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::{CommandResult, Context, Ended, client, output, service};
use crate::{app, config::Config, intake, limits};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address to serve webhooks and pages on, instead of the configured one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<std::net::SocketAddr>,
    /// Open the store, load the model, and end well if the server would be ready; nothing is taken meanwhile. What an update tries a release with.
    #[arg(long, hide = true)]
    trial: bool,
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    let mut config = context.config()?;
    if let Some(listen) = args.listen {
        config = config.with_listen(listen, intake::sources())?;
    }
    start_log(&config)?;
    if args.trial {
        return trial(&config);
    }
    let listener = TcpListener::bind(config.listen).with_context(|| format!("{} cannot be listened on", config.listen))?;
    let address = listener.local_addr()?;
    let runtime = client::runtime()?;
    runtime.block_on(async {
        let running = app::start(&config, Some(listener), true)?;
        tracing::info!(%address, data_dir = %config.data_dir.display(), "serving");
        if let Some(mails) = running.mails_taken_on() {
            tracing::info!(address = %mails, "taking mails");
            output::note(&format!("Lastbuy takes mails on {mails}"));
        }
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        if let Some(code) = &running.setup_code {
            tracing::warn!(code, "there is no user yet: the code makes the first one at /setup");
            output::note(&format!(
                "No user yet. Make the first one at {scheme}://{address}/setup?code={code} or with `lastbuy user add NAME --role admin`"
            ));
        }
        output::note(&format!("Lastbuy is serving on {scheme}://{address}/ with its data in {}", config.data_dir.display()));
        service::ready(&address);
        let watch = tokio::spawn(service::watch(config.data_dir.join(app::ADMIN_SOCKET)));
        let ended = until_stopped(&running).await;
        service::stopping();
        watch.abort();
        running.stop().await?;
        tracing::info!("stopped");
        ended
    })?;
    Ok(Ended::Done)
}

fn trial(config: &Config) -> CommandResult {
    let runtime = client::runtime()?;
    runtime.block_on(async {
        let running = app::start(config, None, true)?;
        let socket = config.data_dir.join(app::ADMIN_SOCKET);
        let answer = client::exchange(&socket, Method::GET, "/readyz", "application/json", Bytes::new()).await;
        running.stop().await?;
        let (status, body) = answer?;
        anyhow::ensure!(status.is_success(), "it would not be ready: {}", String::from_utf8_lossy(&body));
        output::print("It would be ready.")?;
        Ok(Ended::Done)
    })
}

/// Ends well at SIGTERM or SIGINT, with an error when the process cannot go on. At SIGHUP, and when its files change, the certificate is read anew.
pub async fn until_stopped(running: &app::Running) -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut look = tokio::time::interval(Duration::from_secs(limits::CERTIFICATE_LOOK_SECONDS));
    let trouble = running.trouble();
    tokio::pin!(trouble);
    loop {
        let reloaded = tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            trouble = &mut trouble => return Err(trouble.into()),
            _ = hang_up.recv() => running.reload_certificate(true),
            _ = look.tick() => running.reload_certificate(false),
        };
        match reloaded {
            None => {}
            Some(Ok(())) => tracing::info!("the certificate was read anew"),
            Some(Err(why)) => tracing::error!(why, "the certificate cannot be used; the old one stays in force"),
        }
    }
}

/// The log of a server goes to standard error, for the service manager to keep.
pub fn start_log(config: &Config) -> anyhow::Result<()> {
    let filter =
        EnvFilter::try_new(&config.written.log.level).with_context(|| format!("log.level: '{}' is not a filter", config.written.log.level))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let started = if config.written.log.format == "json" { builder.json().try_init() } else { builder.try_init() };
    started.map_err(|error| anyhow::anyhow!("the log could not be started: {error}"))
}
