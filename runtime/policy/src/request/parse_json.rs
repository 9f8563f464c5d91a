//! A JSON parser (RFC 8259) that is stricter than most providers: names must be unique, regardless of case.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;

use super::slot::is_slot;
use super::source::Source;
use super::tree::{Name, NodeId, Tree, Value};

/// Maximum nesting of arrays and objects.
const DEPTH_MAX: usize = 16;

type Result<T> = std::result::Result<T, &'static str>;

/// Parses a document into `tree`, below `parent`.
pub(super) fn parse(text: &str, source: Source, parent: Option<NodeId>, tree: &mut Tree) -> Result<()> {
    let mut parser = Parser { rest: text, source, tree };
    parser.value(parent, Name::Json, 0)?;
    parser.blanks();
    if parser.rest.is_empty() { Ok(()) } else { Err("something follows the JSON document") }
}

struct Parser<'t, 'o> {
    rest: &'t str,
    source: Source,
    tree: &'o mut Tree,
}

impl Parser<'_, '_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn peek(&mut self) -> Option<char> {
        self.blanks();
        self.rest.chars().next()
    }

    fn take(&mut self, text: &str) -> bool {
        self.blanks();
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn next_char(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn value(&mut self, parent: Option<NodeId>, name: Name, depth: usize) -> Result<()> {
        if depth > DEPTH_MAX {
            return Err("its JSON is nested too deeply");
        }
        match self.peek() {
            Some('{') => self.object(parent, name, depth),
            Some('[') => self.array(parent, name, depth),
            Some('"') => {
                let text = self.string()?;
                self.tree.push(parent, name, Value::Text(text)).map(drop)
            }
            Some(c) if self.source == Source::Written && is_slot(c) => {
                self.next_char();
                self.tree.push(parent, name, Value::Number(c.to_string())).map(drop)
            }
            Some('-' | '0'..='9') => {
                let number = self.number()?;
                self.tree.push(parent, name, Value::Number(number)).map(drop)
            }
            _ => {
                let word = ["true", "false", "null"].into_iter().find(|word| self.take(word));
                let word = word.ok_or("it is not JSON")?;
                self.tree.push(parent, name, Value::Word(word)).map(drop)
            }
        }
    }

    fn object(&mut self, parent: Option<NodeId>, name: Name, depth: usize) -> Result<()> {
        let id = self.tree.push(parent, name, Value::Object)?;
        self.take("{");
        if self.take("}") {
            return Ok(());
        }
        let mut names = BTreeSet::new();
        loop {
            if self.peek() != Some('"') {
                return Err("a name in its JSON is not a string");
            }
            let name = self.string()?;
            if !names.insert(folded(&name)) {
                return Err("a JSON object has the same name twice");
            }
            if !self.take(":") {
                return Err("it is not JSON");
            }
            self.value(Some(id), Name::Key(name), depth + 1)?;
            if !self.take(",") {
                return if self.take("}") { Ok(()) } else { Err("it is not JSON") };
            }
        }
    }

    fn array(&mut self, parent: Option<NodeId>, name: Name, depth: usize) -> Result<()> {
        let id = self.tree.push(parent, name, Value::Array)?;
        self.take("[");
        if self.take("]") {
            return Ok(());
        }
        for index in 0.. {
            self.value(Some(id), Name::Index(index), depth + 1)?;
            if !self.take(",") {
                break;
            }
        }
        if self.take("]") { Ok(()) } else { Err("it is not JSON") }
    }

    fn string(&mut self) -> Result<String> {
        self.take("\"");
        let mut text = String::new();
        loop {
            let plain = self.rest.find(['"', '\\']).ok_or("a JSON string does not end")?;
            let (before, rest) = self.rest.split_at_checked(plain).ok_or("it is not JSON")?;
            if before.contains(|c: char| c < ' ') {
                return Err("a JSON string holds a control character");
            }
            text.push_str(before);
            self.rest = rest;
            if self.next_char() == Some('"') {
                return Ok(text);
            }
            text.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Result<char> {
        Ok(match self.next_char() {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let high = self.unit()?;
                let units = match high {
                    0xD800..=0xDBFF if self.rest.starts_with("\\u") => {
                        self.rest = self.rest.get(2..).unwrap_or_default();
                        vec![high, self.unit()?]
                    }
                    _ => vec![high],
                };
                let mut decoded = char::decode_utf16(units);
                match (decoded.next(), decoded.next()) {
                    (Some(Ok(c)), None) => c,
                    _ => return Err("a JSON escape is half a character"),
                }
            }
            _ => return Err("an escape is not JSON"),
        })
    }

    fn unit(&mut self) -> Result<u16> {
        let digits = self.rest.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let digits = digits.ok_or("an escape is not JSON")?;
        self.rest = self.rest.get(4..).unwrap_or_default();
        u16::from_str_radix(digits, 16).map_err(|_| "an escape is not JSON")
    }

    fn number(&mut self) -> Result<String> {
        let end = self.rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
        let (number, rest) = self.rest.split_at_checked(end.unwrap_or(self.rest.len())).ok_or("it is not JSON")?;
        if !is_number(number) {
            return Err("a number is not JSON");
        }
        self.rest = rest;
        Ok(number.to_owned())
    }
}

/// RFC 8259 section 6.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(m, e)| (m, Some(e)));
    let (integer, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(i, f)| (i, Some(f)));
    digits(integer)
        && (integer == "0" || !integer.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

/// A name, folded for comparison by a lenient parser.
fn folded(name: &str) -> String {
    name.nfkc().flat_map(char::to_lowercase).collect()
}
