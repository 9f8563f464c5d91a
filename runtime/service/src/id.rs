//! Ids: random, short, safe in a URL, a log and a shell.

use crate::vault::{VaultError, random};

/// 32 letters and digits that are hard to confuse. Each encodes five bits, without bias.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz123456789";

/// A new id: a prefix for its kind, and 100 random bits.
///
/// # Errors
/// When the operating system provides no random bytes.
pub(crate) fn new(prefix: &str) -> Result<String, VaultError> {
    let bytes = random::<20>()?;
    let random = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 31))).map(|byte| char::from(*byte));
    Ok(format!("{prefix}{}", random.collect::<String>()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_are_plain_and_differ() {
        let (one, other) = (super::new("m").unwrap(), super::new("m").unwrap());
        assert_eq!(one.len(), 21);
        assert!(one.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
        assert_ne!(one, other);
    }
}
