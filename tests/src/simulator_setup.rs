//! The simulator with its default accounts, a sandbox that reaches nothing else, and each connector's parameters for it.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sendbox_sandbox::policy::{Limits, OperatorPolicy, TenantGrant};
use sendbox_sandbox::{
    Attempt, ClearRequest, Connector, Content, ContentKind, DryRun, Sandbox, SandboxConfig, SendRequest, SendResult,
    Variable,
};
use sendbox_simulator::{Simulator, SimulatorConfig};
use serde_json::{Value, json};

use crate::sandbox_fixture::{self, CODE, NoNames, addresses, message};

/// A simulator, and a sandbox that reaches nothing else.
pub struct SimulatorSetup {
    /// The providers.
    pub simulator: Simulator,
    /// The sandbox.
    pub sandbox: Sandbox,
}

impl SimulatorSetup {
    /// Starts both.
    pub async fn new(config: SimulatorConfig, limits: Limits) -> Self {
        let simulator = Simulator::start(config).await.unwrap();
        let authority = CertificateDer::from_pem_slice(simulator.ca_pem().as_bytes()).unwrap();
        let sandbox = Sandbox::new(SandboxConfig {
            limits,
            in_flight: 2,
            addresses: addresses(simulator.connect_to()),
            extra_authorities: vec![authority.to_vec()],
            resolver: Some(Arc::new(NoNames)),
            ..SandboxConfig::default()
        })
        .unwrap();
        Self { simulator, sandbox }
    }

    /// A built-in connector.
    pub async fn load(&self, name: &str) -> Connector {
        let built_in = sendbox_catalogue::find(name).unwrap_or_else(|| panic!("no connector {name}"));
        self.sandbox.load(built_in.component).await.unwrap()
    }

    /// Sends with a separate owner, so that no HTTP connection is shared with the previous send.
    pub async fn send(&self, connector: &Connector, owner: &str, parameters: &Value, template: &str) -> SendResult {
        let request = request(connector, owner, parameters, template);
        self.sandbox.send(connector, request).await
    }

    /// The requests that an attempt would send, in plain text.
    pub async fn requests(
        &self,
        connector: &Connector,
        attempt: &Attempt,
        parameters: &Value,
        template: &str,
    ) -> Vec<ClearRequest> {
        let mut request = request(connector, "dry-run", parameters, template);
        request.message.attempt = attempt.clone();
        request.dry_run = Some(DryRun { show_sealed: true });
        let result = self.sandbox.send(connector, request).await;
        result.requests.into_iter().map(|request| request.clear.expect("it was asked for")).collect()
    }
}

/// The canonical message, with the content that the connector takes.
fn request(connector: &Connector, owner: &str, parameters: &Value, template: &str) -> SendRequest {
    let parameters = connector.parameters(parameters).unwrap();
    let grant = connector.grant(&parameters, &OperatorPolicy::default(), &TenantGrant::default()).unwrap();
    let content = match connector.metadata().content {
        ContentKind::Text => sandbox_fixture::text(),
        ContentKind::Variables => sandbox_fixture::variables(),
        ContentKind::Template => Content::Template {
            template: template.to_owned(),
            variables: vec![Variable { name: "code".into(), value: CODE.to_owned().into() }],
        },
    };
    SendRequest {
        owner: owner.into(),
        parameters: Arc::new(parameters),
        grant: Arc::new(grant),
        message: message(content),
        pinned: None,
        dry_run: None,
        withdrawn: None,
        revocation: None,
    }
}

/// A connector's parameters for the simulator's default account, and a template where it takes one.
pub fn connection(name: &str) -> (Value, &'static str) {
    let config = SimulatorConfig::default();
    let parameters = match name {
        "twilio" => json!({
            "accountSID": config.twilio.account_sid,
            "authToken": config.twilio.auth_token,
            "fromMessagingServiceSID": format!("MG{}", "7a".repeat(16)),
        }),
        "smsaero" => json!({
            "email": config.smsaero.email,
            "apiKey": config.smsaero.api_key,
            "senderName": config.smsaero.signs.first(),
        }),
        "gatewayapi" => json!({ "apiToken": config.gatewayapi.api_token, "sender": "Sendbox" }),
        "vonage" => json!({
            "apiKey": config.vonage.api_key,
            "apiSecret": config.vonage.api_secret,
            "brandName": "Sendbox",
        }),
        "aliyun" => json!({
            "accessKeyId": config.aliyun.access_key_id,
            "accessKeySecret": config.aliyun.access_key_secret,
            "signName": "阿里云短信测试",
        }),
        "tencent" => json!({
            "accessKeyId": config.tencent.secret_id,
            "accessKeySecret": config.tencent.secret_key,
            "signName": "腾讯云",
            "sdkAppId": config.tencent.sdk_app_id,
            "region": "ap-guangzhou",
        }),
        "http" => json!({ "endpoint": "https://hooks.simulator.test/send" }),
        other => panic!("no parameters for {other}"),
    };
    let template = match name {
        "aliyun" => r#"{"china":"SMS_154950909","overseas":"SMS_154950910"}"#,
        "tencent" => r#"{"china":"449739","overseas":"449740"}"#,
        _ => "",
    };
    (parameters, template)
}
