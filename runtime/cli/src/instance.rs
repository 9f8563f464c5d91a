//! A service in this process, with its data folder: database, keys, compiled connectors. Shared by `serve`, `demo` and `dev`.
//!
//! Keys that are not given are generated once and kept in files of mode 0600. A master key is generated with a new database only:
//! a new key could not read what the lost one sealed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use sendbox_domain::rules::request_rate::RequestRates;
use sendbox_domain::rules::retention::Retention;
use sendbox_sandbox::policy::{Limits, OperatorPolicy};
use sendbox_sandbox::{CompileLimits, Sandbox, SandboxConfig};
use sendbox_service::Store;
use sendbox_service::clock::SystemClock;
use sendbox_service::vault::{MasterKeys, random};
use sendbox_service::{BuiltIn, PublicUrl, Service, ServiceConfig, StartError, StoreError, has_master_keys};
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::development::{Network, NetworkOverrides};
use crate::exit::{CliError, InputErrorExt as _};
use crate::render;
use crate::runner::{compiler, sandbox_error};

/// The contents of `serve --config FILE.toml`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The most sends that run at the same time.
    pub in_flight: u32,
    /// Days after which messages and verifications are deleted.
    pub retention_days: u32,
    /// Days after which entries of the audit log are deleted.
    pub audit_retention_days: u32,
    /// How fast the keys of tenants may make requests, beside messages and checks.
    pub requests: RequestRates,
    /// What connectors of all tenants may reach.
    pub operator: OperatorPolicy,
    /// Limits for one call of a connector.
    pub limits: Limits,
    /// Limits for the compilation of a connector.
    pub compile: CompileLimits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            in_flight: 64,
            retention_days: Retention::default().days,
            audit_retention_days: Retention::default().audit_days,
            requests: RequestRates::default(),
            operator: OperatorPolicy::default(),
            limits: Limits::default(),
            compile: CompileLimits::default(),
        }
    }
}

/// How to start an instance. Nothing is read or written before [`InstanceConfig::start`].
pub struct InstanceConfig {
    /// The data folder.
    pub data: PathBuf,
    /// PostgreSQL instead of `sendbox.db` in the data folder.
    pub database_url: Option<String>,
    /// Takes precedence over the file.
    pub platform_key: Option<Zeroizing<String>>,
    /// `platform.key` in the data folder by default.
    pub platform_key_file: Option<PathBuf>,
    /// Take precedence over the file.
    pub master_keys: Option<Zeroizing<String>>,
    /// `master.keys` in the data folder by default.
    pub master_key_file: Option<PathBuf>,
    /// The URL under which providers reach this service.
    pub public_url: Option<PublicUrl>,
    /// The URL under which identity platforms reach this service. `None`: the public URL.
    pub ingress_url: Option<PublicUrl>,
    pub settings: Settings,
}

/// A running service, and the lock on its data folder.
pub struct RunningInstance {
    pub service: Service,
    pub platform_key: Zeroizing<String>,
    /// What was generated on the first start, and where it is. See [`RunningInstance::print_notes`].
    notes: Vec<String>,
    _lock: Option<File>,
}

impl RunningInstance {
    /// Prints what was generated on the first start.
    pub fn print_notes(&self) {
        for note in &self.notes {
            render::warn(note);
        }
    }
}

impl InstanceConfig {
    /// The defaults, with everything in one data folder.
    pub fn in_folder(data: PathBuf) -> Self {
        Self {
            data,
            database_url: None,
            platform_key: None,
            platform_key_file: None,
            master_keys: None,
            master_key_file: None,
            public_url: None,
            ingress_url: None,
            settings: Settings::default(),
        }
    }

    /// Creates what is missing in the data folder, and starts the service.
    pub async fn start(self, network: NetworkOverrides) -> Result<RunningInstance, CliError> {
        let data = &self.data;
        let name = || format!("cannot use the folder {}", data.display());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(data).with_context(name).into_input_error()?;
        let lock = self.lock()?;
        let mut notes = Vec::new();
        let database = data.join("sendbox.db");
        let is_new = self.database_url.is_none() && !database.exists();

        // PostgreSQL is opened first: only the database knows whether other processes have keys already. SQLite comes last, so that its
        // file is not there before its keys.
        let postgres = match &self.database_url {
            Some(url) => Some(open_store(url).await?),
            None => None,
        };
        let is_sealed = match &postgres {
            Some(store) => has_master_keys(store).await.map_err(store_error)?,
            None => !is_new,
        };
        let path = self.master_key_file.clone().unwrap_or_else(|| data.join("master.keys"));
        let master = match self.master_keys {
            Some(text) => text,
            None if is_sealed && !path.exists() && postgres.is_some() => {
                return Err(CliError::usage(anyhow!(
                    "{} is missing, but the database is sealed with the master keys of another process. Give this process the same ones with --master-key-file, and the same platform key with --platform-key-file",
                    path.display(),
                )));
            }
            None if is_sealed && !path.exists() => {
                return Err(CliError::usage(anyhow!(
                    "{} is missing, but {} is sealed with it. Restore the file: the database cannot be read without it",
                    path.display(),
                    database.display()
                )));
            }
            None => secret(&path, "master key, which seals every secret; keep a copy elsewhere", &mut notes, || {
                MasterKeys::generate().map_err(anyhow::Error::from)
            })?,
        };
        let master_keys = MasterKeys::parse(&master)
            .with_context(|| format!("the master keys ({})", path.display()))
            .into_input_error()?;
        let path = self.platform_key_file.clone().unwrap_or_else(|| data.join("platform.key"));
        let platform_key = match self.platform_key {
            Some(key) => key,
            None => secret(&path, "platform key, which has access to everything", &mut notes, || {
                Ok(Zeroizing::new(hex(random::<32>()?.as_ref())))
            })?,
        };

        let store = match postgres {
            Some(store) => store,
            None => open_store(&format!("sqlite://{}", database.display())).await?,
        };
        let Network { operator, addresses, authorities, resolver } = network.apply(self.settings.operator);
        let sandbox = Sandbox::new(SandboxConfig {
            limits: self.settings.limits,
            in_flight: self.settings.in_flight,
            compiler: compiler(self.settings.compile)?,
            cache: Some(data.join("compiled")),
            addresses,
            extra_authorities: authorities,
            resolver,
            ..SandboxConfig::default()
        })
        .map_err(sandbox_error)?;
        let service = Service::start(ServiceConfig {
            store,
            sandbox: Arc::new(sandbox),
            calls: None,
            master_keys,
            platform_key: platform_key.clone(),
            connectors: sendbox_catalogue::all()
                .iter()
                .map(|one| BuiltIn { id: one.name, component: one.component })
                .collect(),
            default_templates: default_templates()?,
            operator,
            clock: Arc::new(SystemClock),
            exclusive: lock.is_some(),
            retention: Retention { days: self.settings.retention_days, audit_days: self.settings.audit_retention_days },
            public_url: self.public_url,
            ingress_url: self.ingress_url,
            request_rates: self.settings.requests,
        })
        .await
        .map_err(|error| match error {
            StartError::PlatformKey | StartError::Keys(_) => CliError::usage(error),
            StartError::Store(_) => CliError::from(anyhow::Error::from(error)),
        })?;
        Ok(RunningInstance { service, platform_key, notes, _lock: lock })
    }

    /// Only one process may use the database in the folder. PostgreSQL needs no lock: several processes may share it.
    fn lock(&self) -> Result<Option<File>, CliError> {
        if self.database_url.is_some() {
            return Ok(None);
        }
        let path = self.data.join("lock");
        let name = || format!("cannot use {}", path.display());
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .with_context(name)
            .into_input_error()?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Err(CliError::usage(anyhow!(
                "another sendbox is running with the data folder {}; stop it, or use another folder. To run several processes, use --database-url postgres://…",
                self.data.display()
            ))),
            Err(TryLockError::Error(error)) => Err(CliError::usage(anyhow::Error::from(error).context(name()))),
        }
    }
}

async fn open_store(url: &str) -> Result<Store, CliError> {
    Store::open(url).await.map_err(store_error)
}

fn store_error(error: StoreError) -> CliError {
    CliError::from(anyhow::Error::from(error).context("the database"))
}

/// Reads a secret from its file, or generates it and writes the file if there is none.
fn secret(
    path: &Path,
    what: &str,
    notes: &mut Vec<String>,
    generate: impl FnOnce() -> anyhow::Result<Zeroizing<String>>,
) -> Result<Zeroizing<String>, CliError> {
    let name = || format!("cannot read {}", path.display());
    match fs::read_to_string(path) {
        Ok(text) => return Ok(Zeroizing::new(text.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(CliError::usage(anyhow::Error::from(error).context(name()))),
    }
    let generated = generate()?;
    let name = || format!("cannot write {}", path.display());
    let mut file =
        OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).with_context(name).into_input_error()?;
    file.write_all(generated.as_bytes()).and_then(|()| file.write_all(b"\n")).with_context(name).into_input_error()?;
    file.sync_all().with_context(name).into_input_error()?;
    notes.push(format!("generated the {what}: {}", path.display()));
    Ok(generated)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The default templates of every language. The English ones come first without a locale, for every other language.
pub fn default_templates() -> Result<Vec<Value>, CliError> {
    let mut all = Vec::new();
    for (locale, text) in sendbox_catalogue::all_messages() {
        let file: Value = serde_json::from_str(text).with_context(|| format!("the texts for {locale}"))?;
        let entries = file.get("templates").and_then(Value::as_array).cloned().unwrap_or_default();
        if locale == "en" {
            all.splice(0..0, entries.clone());
        }
        all.extend(entries.into_iter().map(|mut entry| {
            if let Some(members) = entry.as_object_mut() {
                members.insert("locale".to_owned(), Value::from(locale));
            }
            entry
        }));
    }
    Ok(all)
}
