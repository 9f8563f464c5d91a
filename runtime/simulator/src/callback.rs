//! Status callbacks of the providers, a moment after a message was accepted.
//!
//! The simulator does not use the Internet. It acts as the TLS proxy in front of a deployment: a callback to a configured public
//! origin is sent as plain HTTP to its loopback address, and any other callback is dropped.

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

/// Delay of the callback that the message is on its way.
pub(crate) const SENT_AFTER: Duration = Duration::from_millis(300);
/// Further delay of the callback that the message was delivered or could not be.
pub(crate) const ENDED_AFTER: Duration = Duration::from_millis(900);
/// Time limit for one callback.
const PATIENCE: Duration = Duration::from_secs(15);
/// Maximum number of messages whose callbacks wait. Callbacks of further messages are dropped.
const MOST_WAITING: usize = 1000;

/// A callback of a provider. Has no `Debug`: it contains a number, and a URL that is a secret.
pub(crate) struct StatusCallback {
    /// The delay after the previous callback.
    pub(crate) after: Duration,
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// The queue of callbacks.
pub(crate) struct CallbackQueue(mpsc::Sender<Vec<StatusCallback>>);

impl CallbackQueue {
    /// Starts the task that sends queued callbacks until the simulator stops.
    pub(crate) fn start(fronts: BTreeMap<String, SocketAddr>, stop: watch::Receiver<Stopped>) -> Self {
        let (sender, receiver) = mpsc::channel(MOST_WAITING);
        tokio::spawn(run(Arc::new(fronts), receiver, stop));
        Self(sender)
    }

    /// Queues the callbacks of one message, in their order.
    pub(crate) fn take(&self, callbacks: Vec<StatusCallback>) {
        if !callbacks.is_empty() {
            // If the queue is full, they are lost, as with a busy provider.
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
                            // Not reported: a provider does not report it either.
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

/// Sends a callback if its origin is configured. `None`: it did not arrive.
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
