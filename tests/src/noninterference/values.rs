//! The values that two runs share, and those that differ between them.

use arbitrary::{Result, Unstructured};
use fastrand::Rng;
use sendbox_sandbox::{Attempt, Callback, Content, Message, Recipient, TextEncoding, Usage, Variable};

/// Clear values: the same in both runs.
pub struct Clear {
    /// Country, calling code, and the lengths of national numbers.
    pub destination: (&'static str, &'static str, std::ops::RangeInclusive<usize>),
    pub usage: Usage,
    pub encoding: TextEncoding,
    pub units: u32,
    pub has_client_ip: bool,
    /// Names of variables, `code` first. Empty for a connector that takes texts.
    pub variables: Vec<&'static str>,
    pub lifetime_seconds: u32,
    pub attempt: u32,
    pub nonce: String,
    /// Whether a callback is read instead of a message being sent.
    pub is_callback: bool,
    pub callback_fields: usize,
}

impl Clear {
    pub fn read(input: &mut Unstructured<'_>) -> Result<Self> {
        let destinations = [
            ("DE", "49", 10..=11),
            ("DK", "45", 8..=8),
            ("US", "1", 10..=10),
            ("CN", "86", 11..=11),
            ("AT", "43", 7..=12),
        ];
        let variables = ["code", "link", "name"];
        let count = input.int_in_range(0..=3)?;
        Ok(Self {
            destination: input.choose(&destinations)?.clone(),
            usage: *input.choose(&Usage::ALL)?,
            encoding: *input.choose(&[TextEncoding::Gsm7, TextEncoding::Ucs2])?,
            // A character may take two units of a text.
            units: input.int_in_range(2 * SHORTEST as u32..=300)?,
            has_client_ip: input.arbitrary()?,
            variables: variables[..count].to_vec(),
            lifetime_seconds: input.int_in_range(1..=900)?,
            attempt: input.int_in_range(1..=3)?,
            nonce: input.arbitrary::<[u8; 16]>()?.iter().map(|byte| format!("{byte:02x}")).collect(),
            is_callback: input.int_in_range(1..=8_u8)? == 8,
            callback_fields: input.int_in_range(0..=3)?,
        })
    }

    /// The number of sealed values that a call receives.
    pub fn given(&self) -> usize {
        if self.is_callback {
            // URL, body, two headers, and the fields of query and form.
            return 4 + 2 * self.callback_fields;
        }
        3 + self.variables.len().max(1) + usize::from(self.has_client_ip)
    }
}

/// Sealed values: they differ in content, and in length where the clear values allow it.
pub struct Secrets {
    pub token: String,
    pub signer: String,
    national: String,
    code: String,
    text: String,
    variables: Vec<String>,
    client_ip: String,
    received: Vec<String>,
}

/// Shorter values are not searched for in responses: a provider that repeats them reveals them.
const SHORTEST: usize = 4;

/// A random secret, of a kind that some operation treats specially.
fn secret(random: &mut Rng) -> String {
    let alphabets: [&[char]; 7] = [
        &['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
        &['a', 'b', 'c', 'd', 'e', 'f', '0', '1', '2', '3'],
        &['A', 'b', 'C', 'd', '+', '/', '9', 'x', 'Y', 'z'],
        &['a', '%', '4', '1', '&', '=', '+', ';', 'z'],
        &['a', '"', '\\', 'n', '{', '}', '\u{1}', '\n', 'z'],
        &['ä', '漢', '😀', 'z', '<', '>'],
        &['k', 'l', 'm', 'n', 'o', 'p', 'q', 'r'],
    ];
    let alphabet = alphabets[random.usize(..alphabets.len())];
    let most = [4, 16, 64, 400, 4_000][random.usize(..5)];
    let mut secret = String::new();
    let length = random.usize(SHORTEST..=most);
    while secret.len() < length {
        let next = alphabet[random.usize(..alphabet.len())];
        if secret.len() + next.len_utf8() > 4_096 {
            break;
        }
        secret.push(next);
    }
    secret
}

fn digits(random: &mut Rng, count: usize) -> String {
    (0..count).map(|at| char::from(b'0' + if at == 0 { random.u8(1..10) } else { random.u8(..10) })).collect()
}

/// A text of exactly this many units.
fn text(random: &mut Rng, encoding: TextEncoding, units: u32, code: &str) -> String {
    let narrow: &[char] = match encoding {
        TextEncoding::Gsm7 => &['a', 'é', 'Ω', ' ', '"', '&', '<', '\n', '5', 'k'],
        TextEncoding::Ucs2 => &['ж', '漢', 'a', '"', '\\', '7', '\u{e000}'],
    };
    // Two units each.
    let wide: &[char] = match encoding {
        TextEncoding::Gsm7 => &['€', '[', '^'],
        TextEncoding::Ucs2 => &['😀', '𝟗'],
    };
    let mut left = units as usize;
    let mut text = String::new();
    if code.len() <= left {
        text.push_str(code);
        left -= code.len();
    }
    while left > 0 {
        if left >= 2 && random.u8(..6) == 0 {
            text.push(wide[random.usize(..wide.len())]);
            left -= 2;
        } else {
            text.push(narrow[random.usize(..narrow.len())]);
            left -= 1;
        }
    }
    text
}

/// Whether two values are equal, which is sealed as well.
fn is_the_same(random: &mut Rng) -> bool {
    random.u8(..8) == 0
}

impl Secrets {
    pub fn random(random: &mut Rng, clear: &Clear) -> Self {
        let length = random.usize(4..=10);
        let code = digits(random, length);
        let length = random.usize(clear.destination.2.clone());
        let received = (0..clear.callback_fields)
            .map(|_| {
                let length = random.usize(7..=15);
                digits(random, length)
            })
            .collect();
        let token = secret(random);
        Self {
            signer: if is_the_same(random) { token.clone() } else { secret(random) },
            token: if is_the_same(random) { code.clone() } else { token },
            national: digits(random, length),
            text: text(random, clear.encoding, clear.units, &code),
            variables: clear
                .variables
                .iter()
                .map(|name| {
                    if *name == "code" || is_the_same(random) {
                        return code.clone();
                    }
                    secret(random).chars().take(400).collect()
                })
                .collect(),
            client_ip: if random.bool() { "192.0.2.7".into() } else { "2001:db8:1234:5678:9abc:def0:1234:5678".into() },
            code,
            received,
        }
    }

    /// Every sealed value of a message that a provider could guess.
    pub fn all(&self) -> Vec<&str> {
        let own = [&self.token, &self.signer, &self.national, &self.code, &self.text, &self.client_ip];
        own.into_iter().chain(&self.variables).map(String::as_str).collect()
    }

    pub fn message(&self, clear: &Clear) -> Message {
        let (country, calling_code, _) = &clear.destination;
        let content = if clear.variables.is_empty() {
            let segments = clear.units.div_ceil(60);
            Content::Text { text: self.text.clone().into(), encoding: clear.encoding, segments, units: clear.units }
        } else {
            let variable =
                |(name, value): (&&str, &String)| Variable { name: (*name).to_owned(), value: value.clone().into() };
            Content::Variables(clear.variables.iter().zip(&self.variables).map(variable).collect())
        };
        Message {
            recipient: Recipient {
                e164: format!("+{calling_code}{}", self.national).into(),
                national: self.national.clone().into(),
                country: Some((*country).to_owned()),
                calling_code: (*calling_code).to_owned(),
            },
            usage: clear.usage,
            locale: Some("en".into()),
            content,
            code: Some(self.code.clone().into()),
            lifetime_seconds: clear.lifetime_seconds,
            client_ip: clear.has_client_ip.then(|| self.client_ip.clone().into()),
            idempotency_key: "one-of-a-kind".into(),
            attempt: Attempt { number: clear.attempt, started_at: 1_795_000_000_000, nonce: clear.nonce.clone() },
        }
    }

    /// A callback with numbers in every part and an invalid signature.
    pub fn callback(&self, clear: &Clear) -> Callback {
        let fields = self.received.iter().enumerate().map(|(index, number)| format!("to{index}={number}"));
        let fields = fields.collect::<Vec<_>>().join("&");
        Callback {
            method: "POST".into(),
            url: format!("https://sms.example.test/reports?{fields}"),
            headers: vec![
                ("content-type".into(), "application/x-www-form-urlencoded".into()),
                ("x-signature".into(), format!("00ff{}", clear.nonce)),
            ],
            body: fields.into_bytes().into(),
        }
    }
}
