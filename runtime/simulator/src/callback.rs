//! What providers call back with: status callbacks, a moment after a message was taken.
//!
//! The simulator has no way to the Internet, and takes none. It stands for what ends TLS in front of a deployment: a callback to
//! a public origin that it was told of goes as plain HTTP to a loopback address, and any other goes nowhere.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::HOST;
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use url::Url;

use crate::shutdown::Stopped;

/// After so long a message is on its way.
pub(crate) const SENT_AFTER: Duration = Duration::from_millis(300);
/// And so much later it is there, or will never be.
pub(crate) const ENDED_AFTER: Duration = Duration::from_millis(900);
/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// Messages whose callbacks wait to be sent at most; those beyond have none.
const MOST_WAITING: usize = 1000;

/// One call of a provider. Has no `Debug`: it holds a number, and an address that is a secret.
pub(crate) struct StatusCallback {
    /// How long after the one before.
    pub(crate) after: Duration,
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// Where callbacks are handed in.
pub(crate) struct Courier(mpsc::Sender<Vec<StatusCallback>>);

impl Courier {
    /// Sends what is handed in, until the simulator ends.
    pub(crate) fn start(fronts: BTreeMap<String, SocketAddr>, stop: watch::Receiver<Stopped>) -> Self {
        let (sender, receiver) = mpsc::channel(MOST_WAITING);
        tokio::spawn(run(Arc::new(fronts), receiver, stop));
        Self(sender)
    }

    /// Takes the callbacks of one message, in their order.
    pub(crate) fn take(&self, callbacks: Vec<StatusCallback>) {
        if !callbacks.is_empty() {
            // One that is too busy has lost them, like a provider that is.
            self.0.try_send(callbacks).ok();
        }
    }
}

async fn run(
    fronts: Arc<BTreeMap<String, SocketAddr>>,
    mut handed_in: mpsc::Receiver<Vec<StatusCallback>>,
    mut stop: watch::Receiver<Stopped>,
) {
    let mut under_way = JoinSet::new();
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            Some(_) = under_way.join_next(), if !under_way.is_empty() => {}
            callbacks = handed_in.recv(), if under_way.len() < MOST_WAITING => match callbacks {
                Some(callbacks) => {
                    let fronts = Arc::clone(&fronts);
                    under_way.spawn(async move {
                        for callback in callbacks {
                            sleep(callback.after).await;
                            // Nobody is told: a provider does not complain either.
                            timeout(PATIENCE, deliver(&fronts, callback)).await.ok();
                        }
                    });
                }
                None => break,
            },
        }
    }
    under_way.shutdown().await;
}

/// Sends one, if its origin is known. `None`: it did not arrive.
async fn deliver(fronts: &BTreeMap<String, SocketAddr>, callback: StatusCallback) -> Option<()> {
    let url = Url::parse(&callback.url).ok()?;
    let front = fronts.get(&url.origin().ascii_serialization())?;
    let stream = TcpStream::connect(front).await.ok()?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str()?),
        None => url.host_str()?.to_owned(),
    };
    let target: Uri = url[url::Position::BeforePath..url::Position::AfterQuery].parse().ok()?;
    let mut request = Request::builder().method(Method::POST).uri(target).header(HOST, host);
    for (name, value) in &callback.headers {
        request = request.header(*name, value);
    }
    let request = request.body(Full::new(Bytes::from(callback.body))).ok()?;
    let conversation = async {
        let response = sender.send_request(request).await.ok()?;
        response.into_body().collect().await.ok()?;
        drop(sender);
        Some(())
    };
    let (ended, done) = tokio::join!(connection, conversation);
    ended.ok()?;
    done
}
