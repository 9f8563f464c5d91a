//! The language: one operation per line, words separated by spaces, literals percent-encoded.

/// A sealed value: one that the call received (`recipient`, `secret 0`), or the result of an operation.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// `g3`: the fourth value that the call received.
    Given(usize),
    /// `r3`: the fourth result.
    Result(usize),
}

/// A part of a composed value.
#[derive(Clone, Debug)]
pub enum Piece {
    /// `=text`
    Text(String),
    /// `g0`, `r0`
    Value(Value),
}

/// Reads `g0` or `r0`.
pub fn value(word: &str) -> Option<Value> {
    let number = word.get(1..)?.parse().ok()?;
    match word.as_bytes().first()? {
        b'g' => Some(Value::Given(number)),
        b'r' => Some(Value::Result(number)),
        _ => None,
    }
}

/// Reads comma-separated parts; an empty word has none.
pub fn pieces(word: &str) -> Option<Vec<Piece>> {
    word.split(',').filter(|piece| !piece.is_empty()).map(piece).collect()
}

fn piece(word: &str) -> Option<Piece> {
    match word.strip_prefix('=') {
        Some(literal) => Some(Piece::Text(text(literal))),
        None => value(word).map(Piece::Value),
    }
}

/// Decodes a literal.
pub fn text(word: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = word.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = escaped.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
