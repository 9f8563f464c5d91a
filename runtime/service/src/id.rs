//! Ids: random, short, safe in a URL, a log and a shell.

use sendbox_domain::model::Timestamp;

use crate::vault::{VaultError, random};

/// 32 letters and digits that are hard to confuse, in the order in which databases sort them. Each encodes five bits, without bias.
const ALPHABET: &[u8; 32] = b"123456789abcdefghjkmnpqrstuvwxyz";
/// Characters of an ordered id that are its time: 45 bits, enough for a thousand years of milliseconds.
const TIME_CHARACTERS: u32 = 9;

/// A new id: a prefix for its kind, and 100 random bits.
///
/// # Errors
/// When the operating system provides no random bytes.
pub(crate) fn new(prefix: &str) -> Result<String, VaultError> {
    let bytes = random::<20>()?;
    Ok(characters(bytes.iter().copied()).fold(prefix.to_owned(), with))
}

/// A new id for a row of a large table: a prefix for its kind, the time, and 55 random bits. Rows that are inserted together are
/// neighbours in an index, so that a batch changes a few of its pages, however large the table is.
///
/// # Errors
/// When the operating system provides no random bytes.
pub(crate) fn ordered(prefix: &str, now: Timestamp) -> Result<String, VaultError> {
    let time = (0..TIME_CHARACTERS).rev().map(|place| (now.0.unsigned_abs() >> (5 * place)).to_le_bytes()[0]);
    let bytes = random::<11>()?;
    Ok(characters(time.chain(bytes.iter().copied())).fold(prefix.to_owned(), with))
}

/// The characters of the lowest five bits of each byte.
fn characters(bytes: impl Iterator<Item = u8>) -> impl Iterator<Item = char> {
    bytes.filter_map(|byte| ALPHABET.get(usize::from(byte & 31))).map(|byte| char::from(*byte))
}

fn with(mut id: String, character: char) -> String {
    id.push(character);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain_and_differ() {
        for id in [|| new("m"), || ordered("m", Timestamp(1_796_000_000_000))] {
            let (one, other) = (id().unwrap(), id().unwrap());
            assert_eq!(one.len(), 21);
            assert!(one.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
            assert_ne!(one, other);
        }
    }

    #[test]
    fn ordered_ids_are_in_the_order_of_their_times() {
        let times = [0, 1, 31, 32, 1_023, 1_024, 1_796_000_000_000, 1_796_000_000_001, 1 << 44];
        let ids: Vec<String> = times.iter().map(|time| ordered("m", Timestamp(*time)).unwrap()).collect();
        assert!(ids.is_sorted(), "{ids:?}");
    }
}
