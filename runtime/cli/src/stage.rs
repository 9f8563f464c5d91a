//! A running simulator with everything at hand to send to it: its certificate authority, ready configurations, flags.
//!
//! Shared by `simulate` and `demo`. What it writes lies in a folder of mode 0700 that is removed at the end.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use sendbox_simulator::{HttpSmsAccount, Simulator, SimulatorConfig};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::exit::Stop;
use crate::render::quoted;

/// Whom examples send to: a number of the shape of Denmark's.
pub const NUMBER: &str = "+4512345678";
/// What examples send.
pub const CODE: &str = "123456";

/// A running simulator and the files that go with it.
pub struct Stage {
    /// Serves until it is dropped.
    pub simulator: Simulator,
    /// One for each built-in connector, by its name.
    pub connections: Vec<Connection>,
    /// The authority's certificate.
    pub ca: PathBuf,
    _folder: TempDir,
}

/// A ready configuration.
pub struct Connection {
    /// The built-in connector: `twilio`.
    pub connector: &'static str,
    /// As the file has it, with the simulator's own credentials.
    pub config: Value,
    /// The file.
    pub path: PathBuf,
    /// Where the simulator serves it: `api.twilio.com`.
    pub host: String,
}

impl Stage {
    /// Starts the simulators and writes the files.
    pub async fn set(config: SimulatorConfig, ca: Option<&Path>) -> Result<Self, Stop> {
        let config = SimulatorConfig {
            http: HttpSmsAccount { authorization: Some("Bearer made-for-the-simulator".to_owned()), ..config.http },
            ..config
        };
        let wanted = connections(&config)?;
        // A wrong host, a taken port, an unknown fault: all are what was typed.
        let simulator = Simulator::start(config).await.map_err(Stop::usage)?;
        let folder = tempfile::Builder::new().prefix("sendbox-").tempdir().context("cannot make a temporary folder")?;
        let ca = ca.map_or_else(|| folder.path().join("ca.pem"), Path::to_owned);
        simulator.write_ca(&ca).map_err(Stop::usage)?;
        let mut connections = Vec::new();
        for (connector, host, config) in wanted {
            let path = folder.path().join(format!("{connector}.json"));
            let text = serde_json::to_string_pretty(&config).context("cannot write a configuration")?;
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            connections.push(Connection { connector, config, path, host });
        }
        Ok(Self { simulator, connections, ca, _folder: folder })
    }

    /// `--connect-to … --extra-ca …`, for one host.
    pub fn flags(&self, host: &str) -> String {
        let ca = quoted(&self.ca.display().to_string());
        format!("--connect-to {host}:443={} --extra-ca {ca}", self.simulator.tls_addr())
    }

    /// A whole command line that sends.
    pub fn send_command(&self, connection: &Connection) -> String {
        format!(
            "{} send --connector {} --config {} --to {NUMBER} --usage sign-in --code {CODE} {}",
            crate::render::own_name(),
            connection.connector,
            quoted(&connection.path.display().to_string()),
            self.flags(&connection.host),
        )
    }

    /// Where the inbox can be watched.
    pub fn inbox_url(&self) -> String {
        format!("http://{}/", self.simulator.inbox_addr())
    }
}

/// The default English texts.
fn templates() -> Result<Value, Stop> {
    let text = sendbox_catalogue::messages("en").ok_or_else(|| anyhow!("the English texts are not in this build"))?;
    let mut messages: Value = serde_json::from_str(text).context("the English texts are not JSON")?;
    Ok(messages.get_mut("templates").map(Value::take).unwrap_or_default())
}

fn connections(config: &SimulatorConfig) -> Result<Vec<(&'static str, String, Value)>, Stop> {
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
