//! Ids: random, short, safe in a URL, a log and a shell.

use sendbox_domain::model::Timestamp;

use crate::error::Error;
use crate::vault::{VaultError, random};

/// 32 letters and digits that are hard to confuse, in the order in which databases sort them. Each encodes five bits, without bias.
const ALPHABET: &[u8; 32] = b"123456789abcdefghjkmnpqrstuvwxyz";
/// Characters of an id behind its prefix.
const LENGTH: usize = 20;
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

/// The bits of an id behind its prefix of one letter, at most 100; `None` for anything else.
pub(crate) fn to_bits(id: &str) -> Option<u128> {
    let characters = id.as_bytes().get(1..).filter(|characters| characters.len() == LENGTH)?;
    characters.iter().try_fold(0, |bits: u128, character| {
        let five = ALPHABET.iter().position(|known| known == character)?;
        Some((bits << 5) | u128::try_from(five).ok()?)
    })
}

/// The id with these bits. The reverse of [`to_bits`].
///
/// # Errors
/// [`Error::NotFound`] if no id has so many.
pub(crate) fn of_bits(prefix: &str, bits: u128) -> Result<String, Error> {
    if bits >> (5 * LENGTH) != 0 {
        return Err(Error::NotFound("resource"));
    }
    let fives = (0..LENGTH).rev().map(|place| (bits >> (5 * place)).to_le_bytes()[0]);
    Ok(characters(fives).fold(prefix.to_owned(), with))
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
    fn the_bits_of_an_id_are_those_of_no_other() {
        for id in ["m11111111111111111111", "mzzzzzzzzzzzzzzzzzzzz", "m1234567891234567891z"] {
            let bits = to_bits(id).unwrap();
            assert_eq!(of_bits("m", bits).unwrap(), id);
        }
        for id in ["", "m", "m1111111111111111111", "m111111111111111111111", "m0000000000000000000i"] {
            assert_eq!(to_bits(id), None, "{id}");
        }
        assert!(of_bits("m", 1 << 100).is_err());
    }

    #[test]
    fn ordered_ids_are_in_the_order_of_their_times() {
        let times = [0, 1, 31, 32, 1_023, 1_024, 1_796_000_000_000, 1_796_000_000_001, 1 << 44];
        let ids: Vec<String> = times.iter().map(|time| ordered("m", Timestamp(*time)).unwrap()).collect();
        assert!(ids.is_sorted(), "{ids:?}");
    }
}
