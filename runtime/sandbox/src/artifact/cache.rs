//! Compiled code that survives a restart, and cannot be planted.
//!
//! One folder of mode 0700 that belongs to the user of this process, and so does the key in it. A compiled component is a
//! file named by the digest of its source and the hash of the engine's settings. Beside it is an HMAC over both names and the
//! contents, under a key that only this folder has. What does not verify is compiled again and replaced, silently: a cache may lose, it may not lie.
//!
//! This is the only file with `unsafe`: loading compiled code is trusting it. Two kinds are trusted: what
//! verifies in the cache ([`Cache::load`]), and what a compiler that this process has started just handed over ([`adopt`]).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sendbox_contract::Digest;
use sha2::Sha256;
use wasmtime::Engine;
use wasmtime::component::Component;
use zeroize::Zeroizing;

use super::compile::own_code::OwnCode;
use crate::engine::fingerprint;

const KEY_FILE: &str = "key";
const KEY_BYTES: usize = 32;

/// The cache folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It is open to others.
    #[error("the cache folder {0} is open to other users; it needs mode 0700")]
    Open(PathBuf),
    /// The folder, or the key in it, belongs to somebody else, who could plant code there.
    #[error(
        "{path} of the cache belongs to user {owner}, and this process runs as user {user}; remove it, change its owner, or \
         name another folder"
    )]
    Owner {
        /// The folder or the key.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who this process is.
        user: u32,
    },
    /// The folder, or the key in it, is not what it has to be: most often a symbolic link.
    #[error("{path} of the cache is not {expected}; remove it")]
    Kind {
        /// The folder or the key.
        path: PathBuf,
        /// `a folder` or `a file`.
        expected: &'static str,
    },
    /// It cannot be read or written.
    #[error("the cache folder {path} cannot be used: {source}")]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Compiled components on disk.
pub(crate) struct Cache {
    folder: PathBuf,
    key: Zeroizing<Vec<u8>>,
    engine_hash: String,
}

impl Cache {
    /// Opens the folder, making it and its key where missing.
    pub(crate) fn open(folder: &Path, engine: &Engine) -> Result<Self, CacheError> {
        let failed = |source| CacheError::Io { path: folder.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let found = fs::symlink_metadata(folder).map_err(failed)?;
        check_own(folder, &found, found.is_dir(), "a folder")?;
        if found.permissions().mode() & 0o077 != 0 {
            return Err(CacheError::Open(folder.to_owned()));
        }
        let key_file = folder.join(KEY_FILE);
        let key = key(&key_file).map_err(failed)?;
        let found = fs::symlink_metadata(&key_file).map_err(failed)?;
        check_own(&key_file, &found, found.is_file(), "a file")?;
        Ok(Self { folder: folder.to_owned(), key, engine_hash: fingerprint(engine) })
    }

    /// The compiled component, if it is here and verifies.
    pub(crate) fn load(&self, engine: &Engine, digest: &Digest) -> Option<Component> {
        let path = self.code_path(digest);
        let mut file = File::open(&path).ok()?;
        let mut code = Vec::new();
        file.read_to_end(&mut code).ok()?;
        let tag = fs::read(path.with_extension("mac")).ok()?;
        if self.mac(digest, &code)?.verify_slice(&tag).is_err() {
            return None;
        }
        // SAFETY: wasmtime asks that the bytes come from its own compiler and were not changed since. They verified just now
        // under a key that is readable by this user alone, and it is these verified bytes that are loaded, not the file.
        #[allow(unsafe_code, reason = "see the module's documentation")]
        unsafe {
            Component::deserialize(engine, &code).ok()
        }
    }

    /// Keeps compiled code. A failure is not an error: the next start compiles again.
    pub(crate) fn store(&self, digest: &Digest, code: &[u8]) -> Option<()> {
        let tag = self.mac(digest, code)?.finalize().into_bytes();
        let path = self.code_path(digest);
        replace(&path.with_extension("mac"), &tag).ok()?;
        replace(&path, code).ok()
    }

    fn code_path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{}-{}.cwasm", digest.hex(), self.engine_hash))
    }

    fn mac(&self, digest: &Digest, code: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(digest.hex().as_bytes());
        mac.update(self.engine_hash.as_bytes());
        mac.update(code);
        Some(mac)
    }
}

/// Whether something belongs to this process's user and is what it has to be. `found` is of the thing itself and not of what a
/// link leads to.
fn check_own(path: &Path, found: &fs::Metadata, fits: bool, expected: &'static str) -> Result<(), CacheError> {
    if !fits {
        return Err(CacheError::Kind { path: path.to_owned(), expected });
    }
    let user = rustix::process::geteuid().as_raw();
    if found.uid() != user {
        return Err(CacheError::Owner { path: path.to_owned(), owner: found.uid(), user });
    }
    Ok(())
}

/// Makes code of this process's own compiler runnable.
pub(crate) fn adopt(engine: &Engine, code: &OwnCode) -> wasmtime::Result<Component> {
    // SAFETY: wasmtime asks that the bytes come from its own compiler and were not changed since. `OwnCode` is only made from
    // what a child of this process wrote into a pipe that nobody else holds, whose program is the operator's choice (this very
    // binary), with the engine's fingerprint. A file that takes over the compiler decides what comes out; compiled in this
    // process it would decide the same, without the child's limits in between. So this trusts the compiler as much as
    // `Component::new` does, and nothing more.
    #[allow(unsafe_code, reason = "see the module's documentation")]
    unsafe {
        Component::deserialize(engine, code.bytes())
    }
}

/// Reads the folder's key, or makes one. Two processes that start at once agree: the first to link the file wins.
fn key(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    loop {
        match fs::read(path) {
            Ok(key) if key.len() == KEY_BYTES => return Ok(Zeroizing::new(key)),
            Ok(_) => fs::remove_file(path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut key = [0_u8; KEY_BYTES];
        getrandom::fill(&mut key).map_err(|_| io::Error::other("no random bytes"))?;
        let own = write_new(path, &key)?;
        match fs::hard_link(&own, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => fs::remove_file(&own)?,
        }
    }
}

/// Writes a file beside `path` and renames it, so that a reader sees the old file or the new one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let own = write_new(path, bytes)?;
    fs::rename(own, path)
}

/// Writes a file of a name of its own beside `path`.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut unique = [0_u8; 8];
    getrandom::fill(&mut unique).map_err(|_| io::Error::other("no random bytes"))?;
    let own = path.with_extension(format!("{}.new", hex::encode(unique)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&own)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(own)
}
