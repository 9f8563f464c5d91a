//! Programs made from bytes: most resemble a connector, with some oddities; some do anything.

use arbitrary::{Result, Unstructured};

use super::values::Clear;

const ENCODINGS: [&str; 7] = ["base64", "base64url", "hex", "percent", "form", "json", "xml"];
const HASHES: [&str; 4] = ["md5", "sha1", "sha256", "sha512"];
const API: &str = "=https://api.hostile.test";
const SIDE: &str = "=https://side.hostile.test";
const JSON: &str = "content-type:=application/json";
const FORM: &str = "content-type:=application/x-www-form-urlencoded";
/// The maximum size of a parameter, in bytes.
const LONGEST: usize = 4_096;

/// Writes a program, and counts its results.
struct Writer<'w, 'u> {
    input: &'w mut Unstructured<'u>,
    lines: Vec<String>,
    results: usize,
    given: usize,
    is_callback: bool,
}

/// A program for a message with these clear values. It ends soon after the input is used up.
pub fn program(input: &mut Unstructured<'_>, clear: &Clear) -> Result<String> {
    let mut writer =
        Writer { input, lines: Vec::new(), results: 0, given: clear.given(), is_callback: clear.is_callback };
    writer.make("secret token");
    writer.make("secret signer");
    let steps = writer.input.int_in_range(0..=19)?;
    for _ in 0..steps {
        if writer.one_in(10)? && !clear.is_callback {
            writer.other_request()?;
        } else {
            writer.anything()?;
        }
    }
    if !clear.is_callback && !writer.one_in(8)? {
        writer.request_with_the_message(clear)?;
        let steps = writer.input.int_in_range(0..=3)?;
        for _ in 0..steps {
            writer.anything()?;
        }
    }
    // Nothing refers to later lines, so the end can be cut off.
    let mut lines = writer.lines;
    while lines.iter().map(|line| line.len() + 1).sum::<usize>() > LONGEST {
        lines.pop();
    }
    Ok(lines.join("\n"))
}

impl Writer<'_, '_> {
    fn make(&mut self, line: impl Into<String>) -> String {
        self.lines.push(line.into());
        self.results += 1;
        format!("r{}", self.results - 1)
    }

    fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn one<'c>(&mut self, choices: &[&'c str]) -> Result<&'c str> {
        self.input.choose(choices).copied()
    }

    /// `true` once in `times` calls; never when the input is used up.
    fn one_in(&mut self, times: u8) -> Result<bool> {
        Ok(self.input.int_in_range(1..=times)? == times)
    }

    fn index(&mut self, below: usize) -> Result<usize> {
        self.input.choose_index(below)
    }

    fn value(&mut self) -> Result<String> {
        Ok(if self.input.arbitrary()? {
            format!("g{}", self.index(self.given)?)
        } else {
            format!("r{}", self.index(self.results)?)
        })
    }

    fn literal(&mut self) -> Result<String> {
        let literals = ["=", "=a", "=%22,%22", "=x%3D1%26", "=%0A", "=%C3%A9", "=Bearer%20", "=%7B%7D", "=12", "=v0."];
        self.one(&literals).map(str::to_owned)
    }

    fn piece(&mut self) -> Result<String> {
        if self.input.arbitrary()? { self.literal() } else { self.value() }
    }

    /// Writes one operation, or several of one kind.
    fn anything(&mut self) -> Result<()> {
        let (encoding, hash) = (self.one(&ENCODINGS)?, self.one(&HASHES)?);
        let value = self.value()?;
        match self.input.int_in_range(0..=25_u8)? {
            0..=5 => drop(self.make(format!("encode {value} {encoding}"))),
            6..=8 => drop(self.make(format!("digest {value} {hash}"))),
            9..=11 => {
                let key = self.value()?;
                self.make(format!("hmac {value} {hash} {key}"));
            }
            12..=15 => {
                let count = self.input.int_in_range(0..=5)?;
                let pieces = (0..count).map(|_| self.piece()).collect::<Result<Vec<_>>>()?;
                self.make(format!("concat {}", pieces.join(",")));
            }
            16 => {
                // For a secret this is allowed, and reveals nothing.
                let secret = self.one(&["r0", "r1"])?;
                self.make(format!("decode {secret} {encoding}"));
            }
            17 => {
                let key = self.one(&["token", "signer", "plain", "program", "none"])?;
                self.line(format!("get {key}"));
            }
            18 => drop(self.make("secret token")),
            19 => self.line("log =something%20happened"),
            20 => {
                let lines = ["clock", "timer 1000000", "timer 0", "random 64", "environment", "grow 1", "spin 1000"];
                let line = self.one(&lines)?;
                // A callback has no time and no nonce of its own: both are those of its run.
                if !self.is_callback || !matches!(line, "clock" | "random 64") {
                    self.line(line);
                }
            }
            21 => self.line(format!("reveal {value}")),
            22 => self.exhaust_a_budget()?,
            23 => {
                let other = self.value()?;
                // Where no check is allowed, it ends the call, so it is rare.
                if self.one_in(4)? {
                    let check = self.one(&["matches", "jwt"])?;
                    self.line(format!("{check} {value} {other}"));
                }
            }
            24 => {
                // While a callback is read: an invalid signature and an invalid token.
                let received = format!("g{}", self.index(self.given)?);
                let signature = self.make(format!("hmac {received} {hash} r1"));
                if self.one_in(3)? {
                    self.line(format!("matches {signature} {received}"));
                }
            }
            _ => {
                let index = self.index(self.results)?;
                if index > 1 {
                    self.line(format!("drop {index}"));
                }
            }
        }
        Ok(())
    }

    /// Repeats an operation until a budget ends the call.
    fn exhaust_a_budget(&mut self) -> Result<()> {
        if !self.one_in(3)? {
            return Ok(());
        }
        // Large enough to exhaust a budget of bytes, because handles are few.
        let value = if self.input.arbitrary()? { self.one(&["r0", "r1"])?.to_owned() } else { self.value()? };
        let encoding = self.one(&ENCODINGS)?;
        let times = self.one(&["*70", "*300", "*2500"])?;
        let line = match self.input.int_in_range(0..=5_u8)? {
            0 => format!("{times} encode {value} {encoding}"),
            1 => format!("{times} concat {}", [value.as_str(); 40].join(",")),
            2 => format!("{times} digest {value} sha512"),
            3 => format!("{times} get plain"),
            4 => format!("{times} log =x"),
            _ => format!("{times} grow 20"),
        };
        // The results are not counted: nothing after them refers to them.
        self.line(line);
        Ok(())
    }

    /// A request without the message: to the side host, or to the provider before the message.
    fn other_request(&mut self) -> Result<()> {
        let host = self.one(&[SIDE, SIDE, API])?;
        let bearer = "authorization:=Bearer%20,r0";
        let line = match self.input.int_in_range(0..=6_u8)? {
            0 => format!("send GET {host}/token?a=1  {bearer}"),
            1 => format!("send GET {host}/plain "),
            2 => {
                let secret = self.make("encode r0 form");
                format!("send POST {host}/token =a%3D1%26token%3D,{secret} {FORM}")
            }
            3 => {
                let secret = self.make("encode r0 percent");
                format!("send GET {host}/token?key=,{secret} ")
            }
            4 => {
                // Too large with some secrets and not with others.
                let secret = self.make("encode r0 hex");
                let many = [secret.as_str(); 30].join(",");
                format!("send POST {host}/token =%7B%22a%22:%22,{many},=%22%7D {JSON}")
            }
            5 => {
                let value = self.value()?;
                format!("send POST {host}/any =%7B%22a%22:%22,{value},=%22%7D {JSON}")
            }
            _ => {
                let (value, name) = (self.value()?, self.one(&["x-any", "user-agent", "range", "host"])?);
                format!("send GET {host}/any  {name}:{value}")
            }
        };
        self.line(line);
        Ok(())
    }

    /// A request that resembles that of a connector.
    fn request_with_the_message(&mut self, clear: &Clear) -> Result<()> {
        let to = self.make("encode g0 json");
        let contents: Vec<(String, String)> = if clear.variables.is_empty() {
            vec![("text".into(), self.make("encode g3 json"))]
        } else {
            let names = clear.variables.clone();
            names
                .iter()
                .enumerate()
                .map(|(at, name)| ((*name).to_owned(), self.make(format!("encode g{} json", 3 + at))))
                .collect()
        };
        let mut body = format!("=%7B%22to%22:%22,{to},=%22%2C");
        if clear.variables.is_empty() {
            body.push_str(&format!("%22text%22:%22,{},=%22", contents[0].1));
        } else {
            let members: Vec<String> =
                contents.iter().map(|(name, value)| format!("%22{name}%22:%22,{value},=%22")).collect();
            body.push_str(&format!("%22payload%22:%7B{}%7D", members.join("%2C")));
        }
        if clear.has_client_ip && self.input.arbitrary()? {
            let address = self.make(format!("encode g{} json", 3 + clear.variables.len().max(1)));
            body.push_str(&format!("%2C%22ip%22:%22,{address},=%22"));
        }
        match self.input.int_in_range(0..=5_u8)? {
            0 => {
                let value = self.value()?;
                let value = self.make(format!("encode {value} json"));
                body.push_str(&format!("%2C%22more%22:%22,{value},=%22"));
            }
            1 => {
                let (value, hash, encoding) =
                    (self.value()?, self.one(&HASHES)?, self.one(&["hex", "base64", "base64url"])?);
                let digest = self.make(format!("digest {value} {hash}"));
                let digest = self.make(format!("encode {digest} {encoding}"));
                body.push_str(&format!("%2C%22digest%22:%22,{digest},=%22"));
            }
            _ => {}
        }
        body.push_str("%7D");
        let body = if self.one_in(4)? { self.make(format!("concat {body}")) } else { body };
        let hash = self.one(&HASHES)?;
        let signature = self.make(format!("concat {body}"));
        let signature = self.make(format!("hmac {signature} {hash} r1"));
        let encoding = self.one(&["hex", "base64"])?;
        let signature = self.make(format!("encode {signature} {encoding}"));
        let header = match self.input.int_in_range(0..=3_u8)? {
            0 => format!("authorization:=Bearer%20,r0 x-signature:=v1%3D,{signature}"),
            1 => {
                let user = self.make("concat =user:,r0");
                let basic = self.make(format!("encode {user} base64"));
                format!("authorization:=Basic%20,{basic}")
            }
            2 => {
                let whole = self.make(format!("concat =TC3%20,{signature}"));
                format!("authorization:{whole}")
            }
            _ => String::new(),
        };
        self.line(format!("send POST {API}/v1/messages {body} {JSON} {header}").trim_end().to_owned());
        Ok(())
    }
}
