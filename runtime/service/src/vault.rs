//! Secrets at rest: an envelope of two keys.
//!
//! A **master key** lives outside the database (a file or the environment). It wraps the **data key** of each tenant, which
//! seals what that tenant stores: secrets of connections, numbers, codes being sent. A copy of the database alone reveals nothing.
//!
//! Promises
//! - AES-256-GCM-SIV (RFC 8452): a repeated nonce would show only that two plaintexts are equal;
//! - a sealed value opens only for the tenant and the associated data that it was sealed with;
//! - codes are kept as HMAC-SHA-256 under a key that is derived from a master key and never stored;
//! - rotation: the first master key of the list is the current one, and data keys that another one wraps are wrapped again with it.
//!   The old key can be removed when no tenant and no pending code (ten minutes) uses it. When a key may become the current one is up
//!   to `key_registry.rs`.
//!
//! Must not know: what the sealed values are, and where they are stored.

use std::fmt;

use aes_gcm_siv::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Length of every key in bytes.
const KEY: usize = 32;
/// Length of a nonce in bytes (RFC 8452).
const NONCE: usize = 12;
/// The first byte of every sealed value: the version of its format.
const VERSION: u8 = 1;

type Key = Zeroizing<[u8; KEY]>;

/// Why keys or sealed values cannot be used. Contains no key and no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The list of master keys is malformed.
    #[error(
        "line {line} is not a master key; write 32 random bytes in base64 (`openssl rand -base64 32`), one key on a line, the current one first"
    )]
    Malformed {
        /// Counted from 1.
        line: usize,
    },
    /// The list holds no key.
    #[error(
        "there is no master key; write 32 random bytes in base64 (`openssl rand -base64 32`), one key on a line, the current one first"
    )]
    Empty,
    /// A value is sealed with a key that is not in the list.
    #[error(
        "this database is sealed with the master key `{0}`, which was not given; give every process the same master keys, and keep an older key on a line below the current one"
    )]
    UnknownMasterKey(String),
    /// The current key is new, and other processes may not have it.
    #[error(
        "the master key `{0}` is new to this database, and other processes may not have it; write it below the current one first, restart every process, and then move it to the first line"
    )]
    UnannouncedMasterKey(String),
    /// The value was changed, or was sealed for another tenant or with other associated data.
    #[error("a sealed value cannot be opened: it was changed, or belongs elsewhere")]
    Sealed,
    /// The operating system provided no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
}

/// Random bytes from the operating system.
///
/// # Errors
/// When it provides none.
pub fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, VaultError> {
    let mut bytes = Zeroizing::new([0_u8; N]);
    if !seeded::fill(bytes.as_mut()) {
        getrandom::fill(bytes.as_mut()).map_err(|_| VaultError::NoRandomness)?;
    }
    Ok(bytes)
}

/// Makes all random bytes of this thread follow from a seed; with `None`, they come from the operating system again. Only for a
/// simulation, whose runs can be repeated: such keys and codes are no secrets.
#[doc(hidden)]
pub fn seed_random_bytes(seed: Option<u64>) {
    seeded::set(seed);
}

mod seeded {
    use std::cell::Cell;

    use sha2::{Digest as _, Sha256};

    thread_local! {
        /// The seed, and the number of blocks that were taken.
        static STATE: Cell<Option<(u64, u64)>> = const { Cell::new(None) };
    }

    pub(super) fn set(seed: Option<u64>) {
        STATE.set(seed.map(|seed| (seed, 0)));
    }

    /// Fills the bytes, if this thread has a seed.
    pub(super) fn fill(bytes: &mut [u8]) -> bool {
        for part in bytes.chunks_mut(32) {
            let Some((seed, block)) = STATE.get() else { return false };
            let random = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(block.to_be_bytes()).finalize();
            part.iter_mut().zip(random).for_each(|(byte, random)| *byte = random);
            STATE.set(Some((seed, block + 1)));
        }
        STATE.get().is_some()
    }
}

/// Random bytes in base64url, for a token or a secret.
///
/// # Errors
/// [`VaultError::NoRandomness`].
pub(crate) fn random_text<const N: usize>() -> Result<Zeroizing<String>, VaultError> {
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(random::<N>()?.as_ref())))
}

/// A random number from 0 to 1, to spread things in time.
///
/// # Errors
/// When the operating system provides no random bytes.
pub(crate) fn random_fraction() -> Result<f64, VaultError> {
    Ok(f64::from(u32::from_le_bytes(*random::<4>()?)) / f64::from(u32::MAX))
}

/// Derives a key for one purpose (HKDF-SHA-256, RFC 5869).
fn derive_key(key: &Key, purpose: &str) -> Key {
    let mut out = Zeroizing::new([0_u8; KEY]);
    // Fails only for outputs of more than 255 blocks; this is one block.
    Hkdf::<Sha256>::new(None, key.as_ref()).expand(purpose.as_bytes(), out.as_mut()).ok();
    out
}

/// HMAC-SHA-256 over length-prefixed parts, so that different lists of parts never yield the same input.
fn mac(key: &Key, parts: &[&[u8]]) -> Vec<u8> {
    let Ok(mut mac) = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key.as_ref()) else { return Vec::new() };
    for part in parts {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

fn seal(key: &Key, aad: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    let nonce = random::<NONCE>()?;
    let cipher = Aes256GcmSiv::new_from_slice(key.as_ref()).map_err(|_| VaultError::Sealed)?;
    let sealed = cipher
        .encrypt(&Nonce::from(*nonce), Payload { msg: plain, aad: aad.as_bytes() })
        .map_err(|_| VaultError::Sealed)?;
    let mut out = Vec::with_capacity(1 + NONCE + sealed.len());
    out.push(VERSION);
    out.extend_from_slice(nonce.as_ref());
    out.extend_from_slice(&sealed);
    Ok(out)
}

fn open(key: &Key, aad: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let (version, rest) = sealed.split_first().ok_or(VaultError::Sealed)?;
    let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>().ok_or(VaultError::Sealed)?;
    if *version != VERSION {
        return Err(VaultError::Sealed);
    }
    let cipher = Aes256GcmSiv::new_from_slice(key.as_ref()).map_err(|_| VaultError::Sealed)?;
    cipher
        .decrypt(&Nonce::from(*nonce), Payload { msg: ciphertext, aad: aad.as_bytes() })
        .map(Zeroizing::new)
        .map_err(|_| VaultError::Sealed)
}

/// The master keys of a deployment; the first is the current one.
pub struct MasterKeys {
    keys: Vec<(String, Key)>,
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|(id, _)| id)).finish()
    }
}

impl MasterKeys {
    /// Parses keys in base64, one on a line, the current one first. Empty lines and lines that begin with `#` are skipped.
    ///
    /// # Errors
    /// When a line is not a key, or there is none.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let malformed = || VaultError::Malformed { line: index + 1 };
            let bytes = Zeroizing::new(STANDARD.decode(line).map_err(|_| malformed())?);
            let key: Key = Zeroizing::new(<[u8; KEY]>::try_from(bytes.as_slice()).map_err(|_| malformed())?);
            keys.push((Self::id(&key), key));
        }
        if keys.is_empty() { Err(VaultError::Empty) } else { Ok(Self { keys }) }
    }

    /// A new key, as [`Self::parse`] accepts it.
    ///
    /// # Errors
    /// When the operating system provides no random bytes.
    pub fn generate() -> Result<Zeroizing<String>, VaultError> {
        Ok(Zeroizing::new(STANDARD.encode(random::<KEY>()?.as_ref())))
    }

    /// A name for a key that reveals nothing about it.
    fn id(key: &Key) -> String {
        hex::encode(derive_key(key, "sendbox/v1/id").get(..6).unwrap_or_default())
    }

    fn current(&self) -> Result<&(String, Key), VaultError> {
        self.keys.first().ok_or(VaultError::Empty)
    }

    fn find(&self, id: &str) -> Result<&Key, VaultError> {
        let known = self.keys.iter().find(|(known, _)| known == id).map(|(_, key)| key);
        known.ok_or_else(|| VaultError::UnknownMasterKey(id.to_owned()))
    }

    /// The ids of all keys, the current one first.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(id, _)| id.as_str())
    }

    /// The id of the current key, which wraps new data keys.
    pub fn current_id(&self) -> &str {
        self.keys.first().map_or("", |(id, _)| id)
    }

    /// Creates a data key for a new tenant. Returns the key, and the key wrapped for the store.
    ///
    /// # Errors
    /// When the operating system provides no random bytes.
    pub fn new_tenant_key(&self, tenant: &str) -> Result<(TenantKey, Vec<u8>), VaultError> {
        let key = TenantKey { tenant: tenant.to_owned(), key: random::<KEY>()? };
        let wrapped = self.wrap(&key)?;
        Ok((key, wrapped))
    }

    /// Wraps a data key with the current master key.
    ///
    /// # Errors
    /// When the operating system provides no random bytes.
    pub fn wrap(&self, key: &TenantKey) -> Result<Vec<u8>, VaultError> {
        let (_, master) = self.current()?;
        seal(&derive_key(master, "sendbox/v1/wrap"), &format!("tenant/{}", key.tenant), key.key.as_ref())
    }

    /// Unwraps a tenant's data key.
    ///
    /// # Errors
    /// When the master key is missing, or the value was changed.
    pub fn unwrap_tenant_key(&self, tenant: &str, master: &str, wrapped: &[u8]) -> Result<TenantKey, VaultError> {
        let wrapping = derive_key(self.find(master)?, "sendbox/v1/wrap");
        let bytes = open(&wrapping, &format!("tenant/{tenant}"), wrapped)?;
        let key = Zeroizing::new(<[u8; KEY]>::try_from(bytes.as_slice()).map_err(|_| VaultError::Sealed)?);
        Ok(TenantKey { tenant: tenant.to_owned(), key })
    }

    /// The keyed hash of a code, bound to its verification. `master` names the key: the current one for a new code, the stored one
    /// for a check.
    ///
    /// # Errors
    /// When that master key is missing.
    pub fn code_mac(&self, master: &str, binding: &CodeBinding<'_>, code: &str) -> Result<Vec<u8>, VaultError> {
        let key = derive_key(self.find(master)?, "sendbox/v1/code");
        let CodeBinding { tenant, verification, usage, recipient } = *binding;
        let parts = [tenant.as_bytes(), verification.as_bytes(), usage.as_bytes(), recipient, code.as_bytes()];
        Ok(mac(&key, &parts))
    }
}

/// What a code is bound to. It is invalid for everything else.
#[derive(Clone, Copy)]
pub struct CodeBinding<'a> {
    /// The tenant's id.
    pub tenant: &'a str,
    /// The verification's id.
    pub verification: &'a str,
    /// The usage.
    pub usage: &'a str,
    /// The recipient's keyed hash.
    pub recipient: &'a [u8],
}

/// Compares two values in constant time.
pub fn constant_time_eq(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// A tenant's data key. Has no `Debug`.
#[derive(Clone)]
pub struct TenantKey {
    tenant: String,
    key: Key,
}

impl TenantKey {
    /// Whether it is the key of this tenant.
    pub(crate) fn is_of(&self, tenant: &str) -> bool {
        self.tenant == tenant
    }

    fn bound_aad(&self, aad: &str) -> String {
        format!("{}/{aad}", self.tenant)
    }

    /// Seals a value with associated data like `connection/main/secrets`. It can be opened only with the same associated data.
    ///
    /// # Errors
    /// When the operating system provides no random bytes.
    pub fn seal(&self, aad: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        seal(&derive_key(&self.key, "sendbox/v1/seal"), &self.bound_aad(aad), plain)
    }

    /// Opens a value that was sealed with this associated data.
    ///
    /// # Errors
    /// When it was changed, or was sealed with other associated data.
    pub fn open(&self, aad: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        open(&derive_key(&self.key, "sendbox/v1/seal"), &self.bound_aad(aad), sealed)
    }

    /// A keyed hash of values for one purpose, for look-ups of values that are not stored. It stays the same when master keys
    /// are rotated.
    pub fn hash(&self, purpose: &str, parts: &[&[u8]]) -> Vec<u8> {
        mac(&derive_key(&self.key, &format!("sendbox/v1/hash/{purpose}")), parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> MasterKeys {
        MasterKeys::parse(&MasterKeys::generate().unwrap()).unwrap()
    }

    #[test]
    fn a_value_opens_only_where_it_was_sealed() {
        let keys = keys();
        let (acme, _) = keys.new_tenant_key("acme").unwrap();
        let (other, _) = keys.new_tenant_key("other").unwrap();
        let sealed = acme.seal("connection/main", b"hunter2").unwrap();
        assert_eq!(acme.open("connection/main", &sealed).unwrap().as_slice(), b"hunter2");
        assert!(acme.open("connection/second", &sealed).is_err());
        assert!(other.open("connection/main", &sealed).is_err());
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(acme.open("connection/main", &changed).is_err(), "byte {index}");
        }
        assert!(acme.open("connection/main", &sealed[..5]).is_err());
        assert_ne!(sealed, acme.seal("connection/main", b"hunter2").unwrap());
    }

    #[test]
    fn master_keys_are_rotated() {
        let (old, new) = (MasterKeys::generate().unwrap(), MasterKeys::generate().unwrap());
        let before = MasterKeys::parse(&old).unwrap();
        let (key, wrapped) = before.new_tenant_key("acme").unwrap();
        let sealed = key.seal("aad", b"value").unwrap();

        let both = MasterKeys::parse(&format!("# new\n{}\n\n{}\n", *new, *old)).unwrap();
        let key = both.unwrap_tenant_key("acme", before.current_id(), &wrapped).unwrap();
        let rewrapped = both.wrap(&key).unwrap();
        let after = MasterKeys::parse(&new).unwrap();
        let key = after.unwrap_tenant_key("acme", after.current_id(), &rewrapped).unwrap();
        assert_eq!(key.open("aad", &sealed).unwrap().as_slice(), b"value");

        let refused = after.unwrap_tenant_key("acme", before.current_id(), &wrapped).err().unwrap();
        assert_eq!(refused, VaultError::UnknownMasterKey(before.current_id().to_owned()));
        // A wrapped key belongs to its tenant.
        assert!(after.unwrap_tenant_key("other", after.current_id(), &rewrapped).is_err());
    }

    #[test]
    fn malformed_keys_are_named_by_line() {
        let good = MasterKeys::generate().unwrap();
        for (text, line) in [("x", 1), (&*format!("{}\nAAAA", *good), 2)] {
            assert_eq!(MasterKeys::parse(text).unwrap_err(), VaultError::Malformed { line });
        }
        assert_eq!(MasterKeys::parse("# none\n").unwrap_err(), VaultError::Empty);
    }

    #[test]
    fn a_code_is_bound_to_everything() {
        let keys = keys();
        let binding = CodeBinding { tenant: "t", verification: "v", usage: "sign-in", recipient: b"r" };
        let mac = |binding, code| keys.code_mac(keys.current_id(), &binding, code).unwrap();
        let right = mac(binding, "123456");
        assert!(constant_time_eq(&right, &mac(binding, "123456")));
        for other in [
            mac(binding, "123457"),
            mac(CodeBinding { tenant: "u", ..binding }, "123456"),
            mac(CodeBinding { verification: "w", ..binding }, "123456"),
            mac(CodeBinding { usage: "register", ..binding }, "123456"),
            mac(CodeBinding { recipient: b"s", ..binding }, "123456"),
            // Parts are separated: no bytes move from one to the next.
            mac(CodeBinding { tenant: "tv", verification: "", ..binding }, "123456"),
        ] {
            assert!(!constant_time_eq(&right, &other));
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let text = MasterKeys::generate().unwrap();
        assert!(!format!("{:?}", MasterKeys::parse(&text).unwrap()).contains(text.get(..8).unwrap()));
    }
}
