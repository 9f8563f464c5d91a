//! A cache of compiled code that survives restarts and cannot be tampered with by others.
//!
//! The cache is a folder with mode 0700. The folder and its key belong to the user of this process. A compiled component is a file
//! that is named by the digest of its source and the hash of the engine's settings. Next to it is an HMAC of both names and the
//! contents, under a key that only this folder has. An entry that does not verify is silently compiled again and replaced.
//!
//! This is the only file with `unsafe`, because loading compiled code means trusting it. Two kinds of code are trusted: entries
//! that verify ([`Cache::load`]), and code from a compiler that this process has started ([`adopt`]).

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

/// Why the cache folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// Other users can access the folder.
    #[error("the cache folder {0} is open to other users; it needs mode 0700")]
    Open(PathBuf),
    /// The folder or its key belongs to another user, who could plant code there.
    #[error(
        "{path} of the cache belongs to user {owner}, and this process runs as user {user}; remove it, change its owner, or \
         name another folder"
    )]
    Owner {
        /// The folder or the key.
        path: PathBuf,
        /// The user id of the owner.
        owner: u32,
        /// The user id of this process.
        user: u32,
    },
    /// The folder or its key has the wrong file type: usually it is a symbolic link.
    #[error("{path} of the cache is not {expected}; remove it")]
    Kind {
        /// The folder or the key.
        path: PathBuf,
        /// The expected type: `a folder` or `a file`.
        expected: &'static str,
    },
    /// The folder cannot be read or written.
    #[error("the cache folder {path} cannot be used: {source}")]
    Io {
        /// The folder.
        path: PathBuf,
        /// The error of the operating system.
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
    /// Opens the folder, and creates it and its key if necessary.
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

    /// Loads a compiled component, if it is in the cache and verifies.
    pub(crate) fn load(&self, engine: &Engine, digest: &Digest) -> Option<Component> {
        let path = self.code_path(digest);
        let mut file = File::open(&path).ok()?;
        let mut code = Vec::new();
        file.read_to_end(&mut code).ok()?;
        let tag = fs::read(path.with_extension("mac")).ok()?;
        if self.mac(digest, &code)?.verify_slice(&tag).is_err() {
            return None;
        }
        // SAFETY: wasmtime requires that the bytes come from its own compiler and have not been changed. They have just been
        // verified with a key that only this user can read, and these verified bytes are loaded, not the file.
        #[allow(unsafe_code, reason = "see the module's documentation")]
        unsafe {
            Component::deserialize(engine, &code).ok()
        }
    }

    /// Stores compiled code. A failure is not an error: the next start compiles again.
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

/// Checks that a file or folder belongs to the user of this process and has the expected type. `found` is the metadata of the entry
/// itself, not of what a link points to.
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

/// Turns code from this process's own compiler into a component.
pub(crate) fn adopt(engine: &Engine, code: &OwnCode) -> wasmtime::Result<Component> {
    // SAFETY: wasmtime requires that the bytes come from its own compiler and have not been changed. `OwnCode` is created only from
    // what a child of this process wrote into a pipe that nobody else has, with a program that the operator chose (this very
    // binary) and the engine's fingerprint. A file that takes over the compiler controls its output; compiled in this process, it
    // would control the same, without the child's limits. So this trusts the compiler exactly as much as `Component::new` does.
    #[allow(unsafe_code, reason = "see the module's documentation")]
    unsafe {
        Component::deserialize(engine, code.bytes())
    }
}

/// Reads the folder's key, or creates one. Two processes that start at the same time agree: the first to link the file wins.
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

/// Writes a file next to `path` and renames it, so that readers see either the old or the new file.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let own = write_new(path, bytes)?;
    fs::rename(own, path)
}

/// Writes a file with a unique name next to `path`.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut unique = [0_u8; 8];
    getrandom::fill(&mut unique).map_err(|_| io::Error::other("no random bytes"))?;
    let own = path.with_extension(format!("{}.new", hex::encode(unique)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&own)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(own)
}
