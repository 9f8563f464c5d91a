//! Creating, changing, listing and deleting the ingresses of a tenant.

use sendbox_domain::field_error::{FieldError, FieldErrors};
use sendbox_domain::ingress::kind::API_KEY_HEADER;
use sendbox_domain::ingress::settings;
use sendbox_domain::ingress::setup::{SetupFacts, steps};
use sendbox_domain::model::{
    AddressRotation, Ingress, IngressAuthentication, IngressAuthenticationInput, IngressAuthenticationType as Method,
    IngressInput, IngressKind, Scope, Sensitive,
};
use sendbox_domain::rules::policy;
use sendbox_domain::rules::quota::Quota;
use sendbox_store::ingresses;
use sendbox_store::rows::IngressRow;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::id;
use crate::ingress::secrets::{IngressSecrets, new_account_sid, new_api_key, new_secret, new_token, token_hash};
use crate::service::Service;
use crate::standard_webhooks::key_of;
use crate::vault::TenantKey;

/// Maximum grace period of a previous address, in seconds: a week.
const MAX_GRACE_SECONDS: u64 = 7 * 24 * 3600;
/// The user name of HTTP Basic.
const DEFAULT_USERNAME: &str = "sendbox";

/// An ingress as the audit log shows it: without the address and the secrets.
fn audit_view(row: &IngressRow) -> Value {
    json!({
        "kind": row.kind,
        "enabled": row.enabled,
        "authentication": { "type": row.method, "name": row.method_name },
        "settings": row.settings,
    })
}

/// How an ingress of this kind is authenticated unless the admin says otherwise.
fn default_authentication(kind: IngressKind) -> IngressAuthenticationInput {
    let facts = kind.facts();
    let method = facts.methods.first().copied().unwrap_or(Method::Bearer);
    IngressAuthenticationInput {
        method,
        header: (method == Method::Header).then(|| API_KEY_HEADER.to_owned()),
        username: None,
        audience: facts.audience.map(str::to_owned),
        secrets: None,
        rotate_api_key: None,
    }
}

/// Checks that secrets have the form that their method needs.
fn check_secrets(method: Method, secrets: &[Sensitive]) -> Result<()> {
    let is_wrong = |secret: &Sensitive| method == Method::StandardWebhooks && key_of(secret.expose()).is_none();
    let errors = secrets.iter().enumerate().filter(|(_, secret)| is_wrong(secret)).map(|(index, _)| {
        let message =
            "must be `v1,whsec_` or `whsec_` and 16 to 96 bytes in base64, as the platform's configuration has it";
        FieldError::new(format!("/authentication/secrets/{index}"), message)
    });
    Ok(FieldErrors::none_or(errors.collect())?)
}

impl Service {
    fn ingress_view(&self, caller: &Caller, row: &IngressRow, key: &TenantKey) -> Result<Ingress> {
        let shown = caller.may(&row.tenant, &[Scope::Manage]).is_ok();
        let opened = IngressSecrets::open(key, row)?;
        let base = self.inner.ingress_url.as_ref().map(ToString::to_string).unwrap_or_default();
        let address = format!("{base}/v1/ingress/{}", opened.token.as_str());
        let of = |method: Method| row.method_name.clone().filter(|_| row.method == method);
        let secrets: Vec<String> = opened.secrets.iter().map(|secret| secret.to_string()).collect();
        let setup = steps(SetupFacts {
            kind: row.kind,
            address: &address,
            method: row.method,
            header: row.method_name.as_deref().unwrap_or("Authorization"),
            username: row.method_name.as_deref().unwrap_or(DEFAULT_USERNAME),
            audience: row.method_name.as_deref().filter(|_| row.method == Method::JwtHs256).unwrap_or_default(),
            secret: secrets.first().map(String::as_str).unwrap_or_default(),
            api_key: opened.api_key.as_ref(),
        });
        Ok(Ingress {
            name: row.name.clone(),
            kind: row.kind,
            enabled: row.enabled,
            previous_address_expires_at: row.old_token_until.filter(|until| *until > self.now()),
            authentication: IngressAuthentication {
                method: row.method,
                header: of(Method::Header),
                username: of(Method::Basic),
                audience: of(Method::JwtHs256),
                secrets: shown.then_some(secrets),
                api_key: opened.api_key.clone().filter(|_| shown),
            },
            settings: row.settings.clone(),
            setup: if shown { setup } else { Vec::new() },
            address: shown.then_some(address),
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }

    /// Creates an ingress, or changes the one of this name. Secrets that are left out are kept. Returns whether it was created.
    ///
    /// # Errors
    /// [`Error::Invalid`]; [`Error::Conflict`] when the ingress has another kind; [`Error::QuotaReached`].
    pub async fn save_ingress(
        &self,
        caller: &Caller,
        tenant: &str,
        name: &str,
        input: IngressInput,
    ) -> Result<(Ingress, bool)> {
        caller.may(tenant, &[Scope::Manage])?;
        let IngressInput { kind, enabled, authentication, settings } = input;
        policy::connection_name(name).map_err(|error| FieldErrors(vec![error]))?;
        settings::check(kind, &settings)?;
        if let Some(authentication) = &authentication {
            settings::check_authentication(kind, authentication)?;
            check_secrets(authentication.method, authentication.secrets.as_deref().unwrap_or_default())?;
        }
        let now = self.now();
        let mut tx = self.store_of(tenant).begin().await?;
        let tenant_row = self.lock_tenant(&mut tx, tenant).await?;
        let key = self.tenant_key(&tenant_row)?;
        let before = ingresses::get(&mut tx, tenant, name).await?;
        let mut row = match &before {
            Some(before) if before.kind != kind => {
                return Err(Error::Conflict(format!(
                    "the ingress `{name}` is of the kind `{}`; delete it, or choose another name",
                    before.kind.as_str()
                )));
            }
            Some(before) => before.clone(),
            None => {
                if ingresses::list(&mut tx, tenant).await?.len() as u64 >= Quota::Ingresses.max() {
                    return Err(Error::full(Quota::Ingresses));
                }
                new_row(tenant, name, kind, &key, now)?
            }
        };
        row.enabled = enabled;
        row.settings = settings;
        row.updated_at = now;
        if let Some(authentication) = authentication.or_else(|| before.is_none().then(|| default_authentication(kind)))
        {
            authenticate(&mut row, authentication, &key)?;
        }
        ingresses::put(&mut tx, &row).await?;
        let what = ("ingress.save", format!("ingress:{name}"));
        let values = (before.as_ref().map(audit_view), Some(audit_view(&row)));
        self.record_audit(&mut tx, caller, Some(tenant), what, values).await?;
        tx.commit().await?;
        Ok((self.ingress_view(caller, &row, &key)?, before.is_none()))
    }

    /// The ingresses of a tenant, by name.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn ingresses(&self, caller: &Caller, tenant: &str) -> Result<Vec<Ingress>> {
        caller.may(tenant, &[Scope::Read])?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        let key = self.tenant_key(&self.tenant_row(&mut tx, tenant).await?)?;
        let rows = ingresses::list(&mut tx, tenant).await?;
        rows.iter().map(|row| self.ingress_view(caller, row, &key)).collect()
    }

    /// One ingress.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn ingress(&self, caller: &Caller, tenant: &str, name: &str) -> Result<Ingress> {
        caller.may(tenant, &[Scope::Read])?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        let key = self.tenant_key(&self.tenant_row(&mut tx, tenant).await?)?;
        let row = ingresses::get(&mut tx, tenant, name).await?.ok_or(Error::NotFound("ingress"))?;
        self.ingress_view(caller, &row, &key)
    }

    /// Gives an ingress a new address. The previous one stops working at once, or after a grace period.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`].
    pub async fn rotate_ingress_address(
        &self,
        caller: &Caller,
        tenant: &str,
        name: &str,
        rotation: AddressRotation,
    ) -> Result<Ingress> {
        caller.may(tenant, &[Scope::Manage])?;
        if rotation.grace_seconds > MAX_GRACE_SECONDS {
            return Err(Error::invalid("/graceSeconds", format!("must be at most {MAX_GRACE_SECONDS}, a week")));
        }
        let now = self.now();
        let mut tx = self.store_of(tenant).begin().await?;
        let key = self.tenant_key(&self.lock_tenant(&mut tx, tenant).await?)?;
        let mut row = ingresses::get(&mut tx, tenant, name).await?.ok_or(Error::NotFound("ingress"))?;
        let opened = IngressSecrets::open(&key, &row)?;
        let until = (rotation.grace_seconds > 0).then(|| now.plus_seconds(rotation.grace_seconds));
        let token = new_token()?;
        let old = std::mem::replace(&mut row.token_hash, token_hash(&token).unwrap_or_default());
        row.old_token_hash = until.map(|_| old);
        row.old_token_until = until;
        row.updated_at = now;
        row.sealed = IngressSecrets { token, ..opened }.seal(&key, &row.id)?;
        ingresses::put(&mut tx, &row).await?;
        let what = ("ingress.rotate-address", format!("ingress:{name}"));
        let after = json!({ "rotatedAt": now, "previousAddressExpiresAt": until });
        self.record_audit(&mut tx, caller, Some(tenant), what, (None, Some(after))).await?;
        tx.commit().await?;
        self.ingress_view(caller, &row, &key)
    }

    /// Deletes an ingress: calls of its address are answered with 404 from now on.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete_ingress(&self, caller: &Caller, tenant: &str, name: &str) -> Result<()> {
        caller.may(tenant, &[Scope::Manage])?;
        let mut tx = self.store_of(tenant).begin().await?;
        self.lock_tenant(&mut tx, tenant).await?;
        let row = ingresses::get(&mut tx, tenant, name).await?.ok_or(Error::NotFound("ingress"))?;
        ingresses::delete(&mut tx, tenant, name).await?;
        let what = ("ingress.delete", format!("ingress:{name}"));
        self.record_audit(&mut tx, caller, Some(tenant), what, (Some(audit_view(&row)), None)).await?;
        Ok(tx.commit().await?)
    }
}

/// An ingress with a new address, and without a secret.
fn new_row(
    tenant: &str,
    name: &str,
    kind: IngressKind,
    key: &TenantKey,
    now: sendbox_domain::model::Timestamp,
) -> Result<IngressRow> {
    let id = id::new("g")?;
    let token = new_token()?;
    Ok(IngressRow {
        tenant: tenant.to_owned(),
        name: name.to_owned(),
        kind,
        enabled: true,
        token_hash: token_hash(&token).unwrap_or_default(),
        old_token_hash: None,
        old_token_until: None,
        method: Method::None,
        method_name: None,
        sealed: IngressSecrets { token, secrets: Vec::new(), api_key: None }.seal(key, &id)?,
        settings: Default::default(),
        created_at: now,
        updated_at: now,
        id,
    })
}

/// Changes how an ingress is authenticated. Secrets of the same method are kept if none are given.
fn authenticate(row: &mut IngressRow, input: IngressAuthenticationInput, key: &TenantKey) -> Result<()> {
    let IngressAuthenticationInput { method, header, username, audience, secrets, rotate_api_key } = input;
    let opened = IngressSecrets::open(key, row)?;
    let is_same = row.method == method;
    let kept_name = row.method_name.take().filter(|_| is_same);
    row.method_name = match method {
        Method::Header => header,
        Method::JwtHs256 => audience,
        Method::Basic => Some(match (username.or(kept_name), row.kind) {
            (Some(name), _) => name,
            (None, IngressKind::Twilio) => new_account_sid()?,
            (None, _) => DEFAULT_USERNAME.to_owned(),
        }),
        _ => None,
    };
    row.method = method;
    let secrets: Vec<Zeroizing<String>> = match secrets {
        Some(given) => given.into_iter().map(Sensitive::into_inner).collect(),
        None if is_same && (!opened.secrets.is_empty() || method == Method::None) => opened.secrets,
        None if method == Method::None || row.kind.facts().makes_secret => Vec::new(),
        None => vec![new_secret(row.kind, method)?],
    };
    let api_key = match opened.api_key {
        Some(kept) if rotate_api_key != Some(true) => Some(kept),
        _ if row.kind == IngressKind::Twilio => Some(new_api_key()?),
        _ => None,
    };
    row.sealed = IngressSecrets { token: opened.token, secrets, api_key }.seal(key, &row.id)?;
    Ok(())
}
