//! What goes through the pipes between parent and child. Numbers are little-endian, and every value is preceded by its length.
//!
//! To the child: [`MAGIC`], the [`Order`] as JSON, the component, and the end of the pipe. From the child: [`Frame`]s.
//!
//! Both sides are of one build (the fingerprint of the engine tells), so there are no versions in here.

use std::io::{self, Read, Write};

use sendbox_policy::Limits;
use serde::{Deserialize, Serialize};

/// Before the order: what comes is meant for this program.
pub(super) const MAGIC: [u8; 8] = *b"sendbox\x01";

/// Bytes of an order. Limits and a fingerprint are far smaller.
const LARGEST_ORDER: u64 = 64 << 10;
/// Bytes of anything that the child says but code. A shape can hold names of the size of the file, escaped.
pub(super) const LARGEST_WORD: u64 = 16 << 20;
/// Bytes of a fingerprint in front of the code.
pub(super) const FINGERPRINT_BYTES: usize = 16;

/// What to compile, and for whom.
#[derive(Serialize)]
pub(super) struct Order<'a> {
    /// What the file is judged by.
    pub(super) limits: &'a Limits,
    /// Of the engine that will run the code.
    pub(super) engine: String,
}

/// The same, received.
#[derive(Deserialize)]
pub(super) struct Received {
    pub(super) limits: Limits,
    pub(super) engine: String,
}

impl Order<'_> {
    /// All that goes in front of the component's bytes.
    pub(super) fn head(&self, component_bytes: usize) -> io::Result<Vec<u8>> {
        let json = serde_json::to_vec(self)?;
        let mut head = MAGIC.to_vec();
        head.extend((json.len() as u64).to_le_bytes());
        head.extend(json);
        head.extend((component_bytes as u64).to_le_bytes());
        Ok(head)
    }
}

impl Received {
    /// Reads the order, and the component up to the end of the pipe.
    pub(super) fn read(from: &mut impl Read) -> io::Result<(Self, Vec<u8>)> {
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let mut magic = [0; MAGIC.len()];
        from.read_exact(&mut magic)?;
        if magic != MAGIC {
            return Err(wrong("this is not an order"));
        }
        let length = length(from)?;
        if length > LARGEST_ORDER {
            return Err(wrong("the order is too large"));
        }
        let mut json = Vec::new();
        from.by_ref().take(length).read_to_end(&mut json)?;
        let order: Self = serde_json::from_slice(&json)?;
        let length = self::length(from)?;
        if length > order.limits.component_bytes as u64 {
            return Err(wrong("the component is larger than its own limit"));
        }
        let mut component = Vec::new();
        from.by_ref().take(length + 1).read_to_end(&mut component)?;
        if component.len() as u64 != length {
            return Err(wrong("the component has not the length that was announced"));
        }
        Ok((order, component))
    }
}

fn length(from: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// What the child says. Each is a byte, a length and so many bytes; all but [`Shape`](Self::Shape) are the last word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// JSON of the shape: compilation begins.
    Shape,
    /// The fingerprint of the engine that compiled, and the code.
    Code,
    /// JSON of an error that the file is to blame for.
    Refused,
    /// Text: why this child cannot work at all.
    Unable,
}

impl Frame {
    const ALL: [(Self, u8); 4] = [(Self::Shape, b's'), (Self::Code, b'c'), (Self::Refused, b'r'), (Self::Unable, b'u')];

    pub(super) fn of(tag: u8) -> Option<Self> {
        Self::ALL.iter().find(|(_, byte)| *byte == tag).map(|(frame, _)| *frame)
    }

    fn tag(self) -> u8 {
        Self::ALL.iter().find(|(frame, _)| *frame == self).map_or(0, |(_, byte)| *byte)
    }

    /// Writes one.
    pub(super) fn write(self, to: &mut impl Write, parts: &[&[u8]]) -> io::Result<()> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        to.write_all(&[self.tag()])?;
        to.write_all(&(length as u64).to_le_bytes())?;
        for part in parts {
            to.write_all(part)?;
        }
        to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(limits: &Limits, component: &[u8]) -> Vec<u8> {
        let order = Order { limits, engine: "0123456789abcdef".into() };
        [order.head(component.len()).unwrap(), component.to_vec()].concat()
    }

    #[test]
    fn an_order_arrives_as_it_was_sent() {
        let limits = Limits { memory_bytes: 1 << 20, ..Limits::default() };
        let (order, component) = Received::read(&mut sent(&limits, b"component").as_slice()).unwrap();
        assert_eq!((order.limits, order.engine.as_str()), (limits, "0123456789abcdef"));
        assert_eq!(component, b"component");
    }

    #[test]
    fn an_order_that_is_cut_off_or_has_more_behind_it_is_refused() {
        let whole = sent(&Limits::default(), b"component");
        for length in 0..whole.len() {
            assert!(Received::read(&mut &whole[..length]).is_err(), "cut at {length}");
        }
        assert!(Received::read(&mut [whole, vec![0]].concat().as_slice()).is_err());
        assert!(Received::read(&mut b"GET / HTTP/1.1\r\n\r\n".as_slice()).is_err());
        let small = Limits { component_bytes: 4, ..Limits::default() };
        assert!(Received::read(&mut sent(&small, b"component").as_slice()).is_err());
    }
}
