//! The REST API over a [`TestService`], on a loopback port; a client; and one good request for every operation of the document.
//!
//! - [`Api`]: the server. It stops when it is dropped.
//! - [`Client`]: a caller with or without a key. Its [`ApiResponse`]s contain everything that a caller sees.
//! - [`operations`]: the operations of the OpenAPI document.
//! - [`ApiFixture`](crate::api_fixture::ApiFixture): a tenant in which every operation has something to work on, and the table of
//!   requests that succeed there. An operation without a row fails every test that iterates over the document.
//!
//! Must not know: how the server works. It sees what a caller sees.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use sendbox_server::Listener;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

pub use crate::api_fixture::{ApiFixture, LIVE, NUMBER, OWN, Versions};
use crate::test_service::{PLATFORM_KEY, TestService};

/// Every scope, the strongest first.
pub const SCOPES: [&str; 4] = ["manage", "send", "verify", "read"];

/// The REST API over a test service, on a loopback port.
pub struct Api {
    /// The service.
    pub backend: TestService,
    address: SocketAddr,
    http: reqwest::Client,
    /// The server stops when this is dropped.
    _stop: oneshot::Sender<()>,
}

impl Api {
    /// Serves on a port that the system chooses.
    pub async fn over(backend: TestService) -> Self {
        Self::at(Self::listener().await, backend)
    }

    /// A port that the system chooses.
    pub async fn listener() -> Listener {
        sendbox_server::listen("127.0.0.1:0".parse().unwrap()).await.unwrap()
    }

    /// Serves on a listener.
    pub fn at(listener: Listener, backend: TestService) -> Self {
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let until = async move {
            stopped.await.ok();
            Duration::ZERO
        };
        tokio::spawn(sendbox_server::serve(listener, backend.service.clone(), until, Duration::from_secs(20)));
        // The test service has installed the cryptography provider for TLS. Proxies of this machine are ignored.
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { backend, address, http, _stop: stop }
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client without a key.
    pub fn anonymous(&self) -> Client {
        Client { base: format!("http://{}", self.address), http: self.http.clone(), key: None }
    }

    /// A client with a key.
    pub fn client(&self, key: &str) -> Client {
        Client { key: Some(key.to_owned()), ..self.anonymous() }
    }

    /// A client with the platform key.
    pub fn platform(&self) -> Client {
        self.client(PLATFORM_KEY)
    }

    /// Creates a tenant.
    pub async fn create_tenant(&self, id: &str, environment: &str) {
        let new = json!({ "id": id, "name": id, "environment": environment });
        self.platform().post("/v1/tenants", &new).await.expect(201);
    }

    /// Creates a key. Returns its id and its secret.
    pub async fn create_key(&self, tenant: &str, scopes: &[&str]) -> (String, String) {
        let new = json!({ "name": scopes.join(" and "), "scopes": scopes });
        let key = self.platform().post(&format!("/v1/tenants/{tenant}/keys"), &new).await.expect(201);
        (text(&key["id"]), text(&key["secret"]))
    }

    /// Sends a request byte for byte: no HTTP client normalises its path or its headers. `headers` are added to `Host`,
    /// `Connection: close` and, for a body, `Content-Length`.
    pub async fn wire(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> ApiResponse {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        self.raw(&[head.as_bytes(), b"\r\n", body].concat()).await
    }

    /// Sends bytes, which must contain `Connection: close`, and reads the response.
    pub async fn raw(&self, request: &[u8]) -> ApiResponse {
        self.exchange(request, false).await
    }

    /// Like [`Self::raw`], and closes the sending side of the connection.
    pub async fn raw_and_shutdown(&self, request: &[u8]) -> ApiResponse {
        self.exchange(request, true).await
    }

    async fn exchange(&self, request: &[u8], no_more: bool) -> ApiResponse {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        if no_more {
            stream.shutdown().await.unwrap();
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        ApiResponse::read(&answer)
    }
}

/// A client of the API, with or without a key.
#[derive(Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    key: Option<String>,
}

impl Client {
    /// `GET`
    pub async fn get(&self, path: &str) -> ApiResponse {
        self.call("GET", path, None, &[]).await
    }

    /// `POST`
    pub async fn post(&self, path: &str, body: &Value) -> ApiResponse {
        self.call("POST", path, Some(body), &[]).await
    }

    /// Uploads the file of a connector with `POST`.
    pub async fn upload(&self, path: &str, file: Vec<u8>) -> ApiResponse {
        let mut request =
            self.http.post(format!("{}{path}", self.base)).header(CONTENT_TYPE, "application/wasm").body(file);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        ApiResponse::of(status, headers, response.text().await.unwrap())
    }

    /// `PUT`
    pub async fn put(&self, path: &str, body: &Value) -> ApiResponse {
        self.call("PUT", path, Some(body), &[]).await
    }

    /// `DELETE`
    pub async fn delete(&self, path: &str) -> ApiResponse {
        self.call("DELETE", path, None, &[]).await
    }

    /// Sends any request. A body is sent as JSON.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> ApiResponse {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.base));
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        ApiResponse::of(status, headers, response.text().await.unwrap())
    }
}

/// A response.
#[derive(Clone, Debug)]
pub struct ApiResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
    /// The body as JSON; `null` if it is not JSON.
    pub json: Value,
}

impl ApiResponse {
    fn of(status: u16, headers: HeaderMap, text: String) -> Self {
        let json = serde_json::from_str(&text).unwrap_or_default();
        Self { status, headers, text, json }
    }

    /// Parses a response from the bytes of a connection that was closed after it.
    fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: HeaderMap = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap()))
            .collect();
        assert!(!headers.contains_key("transfer-encoding"), "a chunked response is not parsed here");
        Self::of(status, headers, String::from_utf8(bytes[end + 4..].to_vec()).unwrap())
    }

    /// The body. Fails unless the response has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json
    }

    /// The problem document. Fails unless the response is a complete problem document with this status and type.
    #[track_caller]
    pub fn problem(self, status: u16, kind: &str) -> Value {
        self.assert_problem();
        let actual = (self.status, self.json["type"].as_str().unwrap());
        assert_eq!(actual, (status, format!("/problems/{kind}").as_str()), "{}", self.text);
        self.json
    }

    /// Fails unless the response is a complete problem document with a 4xx status.
    #[track_caller]
    pub fn assert_problem(&self) {
        let Self { status, headers, text, json } = self;
        assert!((400..500).contains(status), "{status}: {text}");
        assert_eq!(headers[CONTENT_TYPE], "application/problem+json", "{status}: {text}");
        assert_eq!(json["status"], *status, "{text}");
        for member in ["type", "title", "detail", "instance"] {
            assert!(json[member].as_str().is_some_and(|value| !value.is_empty()), "no `{member}` in {text}");
        }
        let id = headers["x-request-id"].to_str().unwrap();
        assert_eq!(json["instance"], format!("urn:sendbox:request:{id}"));
    }

    /// The response without what identifies the request. Two responses that are equal here are the same to a caller.
    pub fn comparable(&self) -> ComparableResponse {
        let mut json = self.json.clone();
        if let Some(members) = json.as_object_mut() {
            members.remove("instance");
        }
        let named = |name: &HeaderName| {
            ["x-request-id", "date", "ratelimit-remaining", "ratelimit-reset"].contains(&name.as_str())
        };
        let headers = self.headers.iter().filter(|(name, _)| !named(name));
        ComparableResponse {
            status: self.status,
            headers: headers.map(|(name, value)| (name.to_string(), format!("{value:?}"))).collect(),
            json,
        }
    }
}

/// A response without what identifies its request.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparableResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers, except the request's id, the date, and how much of its rate the key has left.
    pub headers: BTreeSet<(String, String)>,
    /// The body without `instance`.
    pub json: Value,
}

/// The string in a JSON value.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a string")).to_owned()
}

/// An operation of the OpenAPI document.
#[derive(Clone, Debug)]
pub struct Operation {
    /// `operationId`
    pub id: String,
    /// `GET`
    pub method: String,
    /// `/v1/tenants/{tenant}`
    pub path: String,
    /// Whether it needs a key.
    pub secured: bool,
    /// Whether it takes a JSON body.
    pub takes_body: bool,
    /// Whether it takes the file of a connector.
    pub takes_file: bool,
    /// Whether the body is optional.
    pub body_is_optional: bool,
    /// The names of its query parameters.
    pub query: Vec<String>,
    /// The names of the headers that it reads.
    pub headers: Vec<String>,
}

impl Operation {
    /// The names of its path parameters, in order.
    pub fn path_parameters(&self) -> Vec<&str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
    }

    /// Whether its path contains a tenant.
    pub fn of_a_tenant(&self) -> bool {
        self.path.contains("{tenant}")
    }

    /// Its path with these values.
    pub fn at(&self, value: impl Fn(&str) -> String) -> String {
        self.path_parameters()
            .into_iter()
            .fold(self.path.clone(), |path, name| path.replace(&format!("{{{name}}}"), &value(name)))
    }
}

/// Every operation of the document.
pub fn operations() -> &'static [Operation] {
    static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(read_document);
    &OPERATIONS
}

fn read_document() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&sendbox_server::openapi().to_json().unwrap()).unwrap();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let names = |location: &str| {
                let found = parameters.iter().filter(|parameter| parameter["in"] == location);
                found.map(|parameter| text(&parameter["name"])).collect()
            };
            let body = operation.get("requestBody");
            found.push(Operation {
                id: text(&operation["operationId"]),
                method: method.to_uppercase(),
                path: path.clone(),
                secured: operation["security"] != json!([]),
                takes_body: body.is_some_and(|body| body["content"].get("application/json").is_some()),
                takes_file: body.is_some_and(|body| body["content"].get("application/wasm").is_some()),
                body_is_optional: body.is_some_and(|body| body["required"] != true),
                query: names("query"),
                headers: names("header"),
            });
        }
    }
    found
}

/// Which keys an operation accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// No key is needed.
    Anyone,
    /// The platform key, and a key of the tenant with any of these scopes.
    Keys(&'static [&'static str]),
    /// The platform key only.
    Platform,
}

/// A request that succeeds in a [`ApiFixture`].
pub struct Sample {
    /// The `operationId` of the operation.
    pub operation: Operation,
    /// The values of its path parameters, except the tenant.
    pub path_parameters: Vec<(&'static str, String)>,
    /// The query with its `?`, or empty.
    pub query: &'static str,
    /// The body.
    pub body: Option<Value>,
    /// The file, for an operation that takes one.
    pub file: Option<Vec<u8>>,
    /// The status of the response.
    pub status: u16,
    /// The keys that it accepts.
    pub access: Access,
}

impl Sample {
    /// Its path and query, for this tenant.
    pub fn target(&self, tenant: &str) -> String {
        let value = |name: &str| match name {
            "tenant" => tenant.to_owned(),
            _ => self
                .path_parameters
                .iter()
                .find(|(parameter, _)| *parameter == name)
                .expect("the table fills the path")
                .1
                .clone(),
        };
        format!("{}{}", self.operation.at(value), self.query)
    }

    /// Its body as bytes, and the `Content-Type`.
    pub fn wire(&self) -> (Vec<u8>, (&'static str, &'static str)) {
        match (&self.file, &self.body) {
            (Some(file), _) => (file.clone(), ("Content-Type", "application/wasm")),
            (None, Some(body)) => (body.to_string().into_bytes(), ("Content-Type", "application/json")),
            (None, None) => (Vec::new(), ("Content-Type", "application/json")),
        }
    }

    /// Sends it.
    pub async fn send(&self, client: &Client, tenant: &str) -> ApiResponse {
        if let Some(file) = &self.file {
            return client.upload(&self.target(tenant), file.clone()).await;
        }
        client.call(&self.operation.method, &self.target(tenant), self.body.as_ref(), &[]).await
    }
}
