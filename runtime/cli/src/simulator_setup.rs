//! A running simulator with what a send to it needs: its certificate authority, connection configurations, flags.
//!
//! Shared by `simulate`, `demo` and `dev`. Its files are in a folder of mode 0700 that is removed at the end.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use sendbox_simulator::{HttpSmsAccount, Simulator, SimulatorConfig};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::exit::CliError;
use crate::render::quoted;

/// The recipient in examples, a number of Denmark's format.
pub const NUMBER: &str = "+4512345678";
/// The code in examples.
pub const CODE: &str = "123456";

/// A running simulator and its files.
pub struct SimulatorSetup {
    pub simulator: Simulator,
    /// One for each built-in connector.
    pub connections: Vec<Connection>,
    /// The file with the authority's certificate.
    pub ca: PathBuf,
    _folder: TempDir,
}

/// A connection to an account of the simulator.
pub struct Connection {
    /// The built-in connector: `twilio`.
    pub connector: &'static str,
    /// The contents of its file: parameters and templates.
    pub config: Value,
    pub path: PathBuf,
    /// The provider's host, which the simulator serves: `api.twilio.com`.
    pub host: String,
}

impl SimulatorSetup {
    /// Starts the simulators and writes the files.
    pub async fn start(config: SimulatorConfig, ca: Option<&Path>) -> Result<Self, CliError> {
        let config = SimulatorConfig {
            http: HttpSmsAccount { authorization: Some("Bearer made-for-the-simulator".to_owned()), ..config.http },
            ..config
        };
        let wanted = connections(&config)?;
        // An invalid host, a port in use or an unknown fault is invalid input.
        let simulator = Simulator::start(config).await.map_err(CliError::usage)?;
        let folder = tempfile::Builder::new().prefix("sendbox-").tempdir().context("cannot make a temporary folder")?;
        let ca = ca.map_or_else(|| folder.path().join("ca.pem"), Path::to_owned);
        simulator.write_ca(&ca).map_err(CliError::usage)?;
        let mut connections = Vec::new();
        for (connector, host, config) in wanted {
            let path = folder.path().join(format!("{connector}.json"));
            let text = serde_json::to_string_pretty(&config).context("cannot write a configuration")?;
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            connections.push(Connection { connector, config, path, host });
        }
        Ok(Self { simulator, connections, ca, _folder: folder })
    }

    /// `--connect-to … --extra-ca …` for one host.
    pub fn flags(&self, host: &str) -> String {
        let ca = quoted(&self.ca.display().to_string());
        format!("--connect-to {host}:443={} --extra-ca {ca}", self.simulator.tls_addr())
    }

    /// A `sendbox send` command line, to paste.
    pub fn send_command(&self, connection: &Connection) -> String {
        format!(
            "{} send --connector {} --config {} --to {NUMBER} --usage sign-in --code {CODE} {}",
            crate::render::own_name(),
            connection.connector,
            quoted(&connection.path.display().to_string()),
            self.flags(&connection.host),
        )
    }

    /// The URL of the inbox page.
    pub fn inbox_url(&self) -> String {
        format!("http://{}/", self.simulator.inbox_addr())
    }
}

/// The default English templates.
fn templates() -> Result<Value, CliError> {
    let text =
        sendbox_catalogue::messages("en").ok_or_else(|| anyhow!("this build does not contain the English texts"))?;
    let mut messages: Value = serde_json::from_str(text).context("the English texts are not JSON")?;
    Ok(messages.get_mut("templates").map(Value::take).unwrap_or_default())
}

fn connections(config: &SimulatorConfig) -> Result<Vec<(&'static str, String, Value)>, CliError> {
    let twilio = json!({
        "parameters": {
            "accountSID": config.twilio.account_sid,
            "authToken": config.twilio.auth_token,
            "fromMessagingServiceSID": format!("MG{}", "5e".repeat(16)),
            "validityPeriod": "lifetime",
        },
        "templates": templates()?,
    });
    let smsaero = json!({
        "parameters": {
            "email": config.smsaero.email,
            "apiKey": config.smsaero.api_key,
            "senderName": config.smsaero.signs.first(),
        },
        "templates": templates()?,
    });
    let gatewayapi = json!({
        "parameters": {
            "apiToken": config.gatewayapi.api_token,
            "sender": "Sendbox",
            "validityPeriod": "lifetime",
        },
        "templates": templates()?,
    });
    let vonage = json!({
        "parameters": {
            "apiKey": config.vonage.api_key,
            "apiSecret": config.vonage.api_secret,
            "brandName": "Sendbox",
            "ttl": "lifetime",
        },
        "templates": templates()?,
    });
    let aliyun = json!({
        "parameters": {
            "accessKeyId": config.aliyun.access_key_id,
            "accessKeySecret": config.aliyun.access_key_secret,
            "signName": "阿里云短信测试",
        },
        "templates": [
            { "usage": "generic", "templateCode": { "china": "SMS_154950909", "overseas": "SMS_154950910" } },
        ],
    });
    let tencent = json!({
        "parameters": {
            "accessKeyId": config.tencent.secret_id,
            "accessKeySecret": config.tencent.secret_key,
            "signName": "腾讯云",
            "sdkAppId": config.tencent.sdk_app_id,
            "region": "ap-guangzhou",
        },
        "templates": [{ "usage": "generic", "templateCode": { "china": "449739", "overseas": "449740" } }],
    });
    let mut all = vec![
        ("twilio", "api.twilio.com".to_owned(), twilio),
        ("smsaero", "gate.smsaero.ru".to_owned(), smsaero),
        ("gatewayapi", "gatewayapi.com".to_owned(), gatewayapi),
        ("vonage", "rest.nexmo.com".to_owned(), vonage),
        ("aliyun", "dysmsapi.aliyuncs.com".to_owned(), aliyun),
        ("tencent", "sms.tencentcloudapi.com".to_owned(), tencent),
    ];
    if let Some(host) = config.http.hosts.first() {
        let parameters =
            json!({ "endpoint": format!("https://{host}/sms"), "authorization": config.http.authorization });
        all.push(("http", host.clone(), json!({ "parameters": parameters })));
    }
    Ok(all)
}
