//! Local mode over HTTP: the functions' own routers, what stands in for the cloud
//! around them, and a door that opens to this machine only.

mod access;
mod door;
mod explain;
mod line_side;
mod member;
mod overheard;
mod page;
mod phones;
mod pool;
mod simulator;
mod view;
mod walk;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, middleware, routing::get};
use azukari::host::secrets::SecretsError;
use azukari_sweeper::SweepError;

use crate::installation::Installation;

/// Where it listens unless told otherwise.
pub const LISTEN: &str = "127.0.0.1:8080";

/// How often the schedules run by themselves. Rows are erased when due or on the
/// button of the simulator; nobody waits a minute on one machine.
const SCHEDULE: Duration = Duration::from_secs(3_600);

/// Why local mode does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Not an address.
    #[error(
        "「{0}」は待ち受けアドレスではありません（例: 127.0.0.1:8080）。 / \"{0}\" is not an address such as 127.0.0.1:8080."
    )]
    NotAnAddress(String),
    /// An address that other machines reach.
    #[error(
        "ローカルモードはこのマシンからだけ使えます。{0}では待ち受けません（127.0.0.1か[::1]にしてください）。 / Local mode serves this machine only: listen on 127.0.0.1 or [::1], not on {0}."
    )]
    NotLoopback(SocketAddr),
    /// The address is taken, or not ours.
    #[error("{0}で待ち受けできません: {1} / Cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// Serving broke off.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The secrets are not complete.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The vault was brought back from a backup.
    #[error(
        "データベースがバックアップから戻されています。消去した方や、送信を取り消されたメッセージが、戻っているかもしれません。起動する前に azukari restore check を実行してください。 / The vault was brought back from a backup: people who were erased, and messages that were unsent, may be back. Run azukari restore check before it serves."
    )]
    Restored,
    /// Whether it was cannot be told.
    #[error(transparent)]
    NotTold(#[from] SweepError),
}

/// Checks that an address can be reached from this machine alone.
///
/// # Errors
/// It is not an address, or not a loopback one.
pub fn loopback(listen: &str) -> Result<SocketAddr, ServeError> {
    let address: SocketAddr = listen.parse().map_err(|_| ServeError::NotAnAddress(listen.to_owned()))?;
    if address.ip().is_loopback() { Ok(address) } else { Err(ServeError::NotLoopback(address)) }
}

/// Everything on one port.
///
/// # Errors
/// The secrets are not complete.
pub fn router(installation: &Arc<Installation>, address: SocketAddr) -> Result<Router, SecretsError> {
    let public_url = format!("http://{address}");
    let webhook = Arc::new(installation.webhook(&public_url)?);
    let keeper = pool::Keeper::new(Arc::clone(installation));
    let form = Arc::new(installation.form(&public_url)?);
    let link = Arc::new(installation.link(&public_url)?);
    let functions = azukari_webhook::router(Arc::clone(&webhook))
        .merge(azukari_form::router(Arc::clone(&form)))
        .merge(azukari_link::router(Arc::clone(&link)))
        .layer(middleware::from_fn_with_state(keeper, pool::keep_full));
    let opener = Arc::new(installation.opener()?);
    let local = simulator::Local {
        installation: Arc::clone(installation),
        webhook,
        form,
        link,
        opener,
        functions: functions.clone(),
        last: Arc::default(),
    };
    let own = simulator::router(local.clone())
        .merge(phones::router(local.clone()))
        .merge(line_side::router(local.clone()))
        .merge(access::router(local.clone(), &public_url))
        .merge(member::router(local.clone(), &public_url))
        .merge(view::router(local))
        .merge(walk::router(Arc::clone(installation)))
        .merge(page::router())
        .layer(middleware::from_fn_with_state(address, door::same_origin));
    let functions = functions.layer(middleware::from_fn_with_state(Arc::clone(installation), overheard::webhooks));
    Ok(Router::new()
        .route("/healthz", get(async || "ok\n"))
        .merge(functions)
        .merge(own)
        .layer(middleware::from_fn_with_state(address, door::this_host)))
}

/// Serves until the process is told to stop. A vault that was brought back from a backup is
/// not served before what is on the erasure list is erased again.
///
/// # Errors
/// See [`ServeError`].
pub async fn serve(
    installation: Arc<Installation>,
    address: SocketAddr,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), ServeError> {
    if installation.is_restored().await? {
        return Err(ServeError::Restored);
    }
    let listener = tokio::net::TcpListener::bind(address).await.map_err(|error| ServeError::Listen(address, error))?;
    let address = listener.local_addr()?;
    let router = router(&installation, address)?;
    let schedule = tokio::spawn(run_schedules(Arc::clone(&installation)));
    ready(address);
    axum::serve(listener, router)
        .with_graceful_shutdown(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    schedule.abort();
    Ok(())
}

/// What EventBridge does in the cloud.
async fn run_schedules(installation: Arc<Installation>) {
    let mut ticks = tokio::time::interval(SCHEDULE);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        if let Err(error) = installation.refill().await {
            tracing::error!(event = "pool_not_filled", %error, "the pool could not be filled");
        }
        if let Err(error) = installation.sweep_on_schedule().await {
            tracing::error!(event = "sweep_not_begun", %error, "the sweep could not begin");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::loopback;

    #[test]
    fn only_this_machine() {
        for good in ["127.0.0.1:8080", "[::1]:0", "127.9.9.9:1"] {
            assert!(loopback(good).is_ok(), "{good}");
        }
        for bad in ["0.0.0.0:8080", "192.168.0.2:80", "[::]:8080", "localhost:8080", "8080", ""] {
            assert!(loopback(bad).is_err(), "{bad}");
        }
    }
}
