//! The protocol between parent and child. Numbers are little-endian, and every value is preceded by its length.
//!
//! To the child: [`MAGIC`], the [`Order`] as JSON, and the component until the end of the pipe. From the child: [`Frame`]s.
//!
//! Both sides come from the same build (checked by the engine's fingerprint), so the protocol has no versions.

use std::io::{self, Read, Write};

use sendbox_policy::Limits;
use serde::{Deserialize, Serialize};

/// Comes before the order, and shows that the input is meant for this program.
pub(super) const MAGIC: [u8; 8] = *b"sendbox\x01";

/// Maximum size of an order, in bytes. Limits and a fingerprint are far smaller.
const MAX_ORDER_BYTES: u64 = 64 << 10;
/// Maximum size of everything from the child except code, in bytes. A structure can contain escaped names as large as the file.
pub(super) const MAX_FRAME_BYTES: u64 = 16 << 20;
/// Size of the fingerprint before the code, in bytes.
pub(super) const FINGERPRINT_BYTES: usize = 16;

/// What to compile, and for which engine.
#[derive(Serialize)]
pub(super) struct Order<'a> {
    /// The limits for the file.
    pub(super) limits: &'a Limits,
    /// The fingerprint of the engine that will run the code.
    pub(super) engine: String,
}

/// A received [`Order`].
#[derive(Deserialize)]
pub(super) struct ReceivedOrder {
    pub(super) limits: Limits,
    pub(super) engine: String,
}

impl Order<'_> {
    /// Everything that precedes the component.
    pub(super) fn head(&self, component_bytes: usize) -> io::Result<Vec<u8>> {
        let json = serde_json::to_vec(self)?;
        let mut head = MAGIC.to_vec();
        head.extend((json.len() as u64).to_le_bytes());
        head.extend(json);
        head.extend((component_bytes as u64).to_le_bytes());
        Ok(head)
    }
}

impl ReceivedOrder {
    /// Reads the order, and the component until the end of the pipe.
    pub(super) fn read(from: &mut impl Read) -> io::Result<(Self, Vec<u8>)> {
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let mut magic = [0; MAGIC.len()];
        from.read_exact(&mut magic)?;
        if magic != MAGIC {
            return Err(wrong("this is not an order"));
        }
        let length = length(from)?;
        if length > MAX_ORDER_BYTES {
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

/// A frame from the child: a byte, a length and the payload. All but [`Shape`](Self::Shape) are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// The structure as JSON; compilation begins.
    Shape,
    /// The fingerprint of the engine that compiled, and the code.
    Code,
    /// An error as JSON that is the file's fault.
    Refused,
    /// A text that says why this child cannot work at all.
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

    /// Writes a frame.
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
        let (order, component) = ReceivedOrder::read(&mut sent(&limits, b"component").as_slice()).unwrap();
        assert_eq!((order.limits, order.engine.as_str()), (limits, "0123456789abcdef"));
        assert_eq!(component, b"component");
    }

    #[test]
    fn an_order_that_is_cut_off_or_has_more_behind_it_is_refused() {
        let whole = sent(&Limits::default(), b"component");
        for length in 0..whole.len() {
            assert!(ReceivedOrder::read(&mut &whole[..length]).is_err(), "cut at {length}");
        }
        assert!(ReceivedOrder::read(&mut [whole, vec![0]].concat().as_slice()).is_err());
        assert!(ReceivedOrder::read(&mut b"GET / HTTP/1.1\r\n\r\n".as_slice()).is_err());
        let small = Limits { component_bytes: 4, ..Limits::default() };
        assert!(ReceivedOrder::read(&mut sent(&small, b"component").as_slice()).is_err());
    }
}
