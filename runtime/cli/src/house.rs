//! A folder with everything that a running service keeps: its database, its keys, its compiled connectors. Shared by
//! `serve` and `demo`.
//!
//! Keys that are not given are made once and kept in files of mode 0600. A key that is missing beside a database that is
//! there is not made anew: what it sealed could never be read again.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use sendbox_sandbox::policy::{Limits, OperatorPolicy};
use sendbox_sandbox::{CompileLimits, Sandbox, SandboxConfig};
use sendbox_service::Store;
use sendbox_service::clock::SystemClock;
use sendbox_service::vault::{MasterKeys, random};
use sendbox_service::{BuiltIn, PublicUrl, Service, ServiceConfig, StartError};
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::development::Opened;
use crate::exit::{Blame as _, Stop};
use crate::render;
use crate::runner::{blame, compiler};

/// The file of `--config`. What is left out has its default.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Sends at once.
    pub in_flight: u32,
    /// Days after which messages and verifications are forgotten.
    pub retention_days: u32,
    /// What connectors may reach, for all tenants.
    pub operator: OperatorPolicy,
    /// Bounds on a connector.
    pub limits: Limits,
    /// What compiling a connector may cost.
    pub compile: CompileLimits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            in_flight: 64,
            retention_days: 30,
            operator: OperatorPolicy::default(),
            limits: Limits::default(),
            compile: CompileLimits::default(),
        }
    }
}

/// Where what is. Nothing is touched before [`House::open`].
pub struct House {
    /// The folder.
    pub data: PathBuf,
    /// Another database than the file in the folder.
    pub database_url: Option<String>,
    /// The platform key, if it is not in the folder's own file.
    pub platform_key: Option<Zeroizing<String>>,
    /// Its file.
    pub platform_key_file: Option<PathBuf>,
    /// The master keys, if they are not in the folder's own file.
    pub master_keys: Option<Zeroizing<String>>,
    /// Their file.
    pub master_key_file: Option<PathBuf>,
    /// Where providers reach this service.
    pub public_url: Option<PublicUrl>,
    /// From `--config`.
    pub settings: Settings,
}

/// A running service, and what must live as long.
pub struct Running {
    /// The service.
    pub service: Service,
    /// What opens everything.
    pub platform_key: Zeroizing<String>,
    /// Lines for the person who started it: what was made, and where.
    pub notes: Vec<String>,
    _lock: Option<File>,
}

impl House {
    /// A folder with its own files for everything.
    pub fn at(data: PathBuf) -> Self {
        Self {
            data,
            database_url: None,
            platform_key: None,
            platform_key_file: None,
            master_keys: None,
            master_key_file: None,
            public_url: None,
            settings: Settings::default(),
        }
    }

    /// Makes what is missing, and starts the service.
    pub async fn open(self, mut opened: Opened) -> Result<Running, Stop> {
        let data = &self.data;
        let name = || format!("cannot use the folder {}", data.display());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(data).with_context(name).blame_input()?;
        let lock = self.lock()?;
        let mut notes = Vec::new();
        let database = data.join("sendbox.db");
        let is_new = self.database_url.is_none() && !database.exists();

        let own = self.master_key_file.is_none();
        let path = self.master_key_file.clone().unwrap_or_else(|| data.join("master.keys"));
        let master = match self.master_keys {
            Some(text) => text,
            None if own && !is_new && !path.exists() && self.database_url.is_none() => {
                return Err(Stop::usage(anyhow!(
                    "{} is missing, and {} is sealed with it. Put it back: nothing can be read without it",
                    path.display(),
                    database.display()
                )));
            }
            None => {
                secret(&path, "the master key, which seals every secret: keep a copy elsewhere", &mut notes, || {
                    MasterKeys::generate().map_err(anyhow::Error::from)
                })?
            }
        };
        let master_keys =
            MasterKeys::read(&master).with_context(|| format!("the master keys ({})", path.display())).blame_input()?;
        let path = self.platform_key_file.clone().unwrap_or_else(|| data.join("platform.key"));
        let platform_key = match self.platform_key {
            Some(key) => key,
            None => secret(&path, "the platform key, which opens everything", &mut notes, || {
                Ok(Zeroizing::new(hex(random::<32>()?.as_ref())))
            })?,
        };

        let url = self.database_url.clone().unwrap_or_else(|| format!("sqlite://{}", database.display()));
        let store =
            Store::open(&url).await.map_err(|error| Stop::from(anyhow::Error::from(error).context("the store")))?;
        let mut operator = self.settings.operator;
        opened.agree_with(&mut operator);
        let sandbox = Sandbox::new(SandboxConfig {
            limits: self.settings.limits,
            in_flight: self.settings.in_flight,
            compiler: compiler(self.settings.compile)?,
            cache: Some(data.join("compiled")),
            addresses: opened.addresses,
            extra_authorities: opened.authorities,
            resolver: opened.resolver,
            ..SandboxConfig::default()
        })
        .map_err(blame)?;
        let service = Service::start(ServiceConfig {
            store,
            sandbox,
            master_keys,
            platform_key: platform_key.clone(),
            connectors: sendbox_catalogue::all()
                .iter()
                .map(|one| BuiltIn { id: one.name, component: one.component })
                .collect(),
            default_templates: default_templates()?,
            operator,
            clock: Arc::new(SystemClock),
            sole: lock.is_some(),
            retention_days: self.settings.retention_days,
            public_url: self.public_url,
        })
        .await
        .map_err(|error| match error {
            StartError::PlatformKey | StartError::Keys(_) => Stop::usage(error),
            StartError::Store(_) => Stop::from(anyhow::Error::from(error)),
        })?;
        Ok(Running { service, platform_key, notes, _lock: lock })
    }

    /// The file database is of one process. PostgreSQL is of many.
    fn lock(&self) -> Result<Option<File>, Stop> {
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
            .blame_input()?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Err(Stop::usage(anyhow!(
                "another sendbox is running with the folder {}; stop it, or use another folder. Several at once need --database-url postgres://…",
                self.data.display()
            ))),
            Err(TryLockError::Error(error)) => Err(Stop::usage(anyhow::Error::from(error).context(name()))),
        }
    }
}

/// A secret from its file; made and kept there when there is none.
fn secret(
    path: &Path,
    what: &str,
    notes: &mut Vec<String>,
    make: impl FnOnce() -> anyhow::Result<Zeroizing<String>>,
) -> Result<Zeroizing<String>, Stop> {
    let name = || format!("cannot read {}", path.display());
    match fs::read_to_string(path) {
        Ok(text) => return Ok(Zeroizing::new(text.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Stop::usage(anyhow::Error::from(error).context(name()))),
    }
    let made = make()?;
    let name = || format!("cannot write {}", path.display());
    let mut file =
        OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).with_context(name).blame_input()?;
    file.write_all(made.as_bytes()).and_then(|()| file.write_all(b"\n")).with_context(name).blame_input()?;
    file.sync_all().with_context(name).blame_input()?;
    notes.push(format!("made {what}: {}", path.display()));
    Ok(made)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The default texts of every language, with their language. The English ones are for every other language too.
pub fn default_templates() -> Result<Vec<Value>, Stop> {
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

/// Says what was made.
pub fn tell(running: &Running) {
    for note in &running.notes {
        render::warn(note);
    }
}
