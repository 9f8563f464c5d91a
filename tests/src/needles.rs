//! Every form in which a canary may leak.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::sandbox_fixture::{CODE, E164, NATIONAL, SIGNER, TEXT, TOKEN};

/// A canary in one form.
#[derive(Clone)]
pub struct Needle {
    /// `the token in base64`
    pub what: String,
    /// The bytes to look for.
    pub bytes: Vec<u8>,
}

/// All canaries in all forms.
pub fn all() -> Vec<Needle> {
    [
        ("the token", TOKEN),
        ("the signer", SIGNER),
        ("the code", CODE),
        ("the number", &E164[1..]),
        ("the national number", NATIONAL),
        ("the text", TEXT),
    ]
    .into_iter()
    .flat_map(|(what, value)| forms(what, value))
    .collect()
}

/// A value in all forms.
pub fn forms(what: &str, value: &str) -> Vec<Needle> {
    let percent = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    let json = serde_json::to_string(value).unwrap();
    let mut forms = vec![
        ("in clear".to_owned(), value.to_owned()),
        ("in hexadecimal".into(), hex::encode(value)),
        ("in upper hexadecimal".into(), hex::encode_upper(value)),
        ("percent-encoded".into(), percent.clone()),
        ("form-encoded".into(), percent.replace("%20", "+")),
        ("in JSON".into(), json.trim_matches('"').to_owned()),
    ];
    // Inside a longer base64 text a value looks different at each of three offsets; its outermost characters depend on its
    // neighbours and are left out.
    for offset in 0..3 {
        for (name, engine) in [("base64", &STANDARD), ("base64url", &URL_SAFE_NO_PAD)] {
            let shifted = [vec![0; offset], value.as_bytes().to_vec()].concat();
            let whole = engine.encode(&shifted);
            let inner = &whole[(offset * 8).div_ceil(6)..(shifted.len() * 8) / 6];
            forms.push((format!("in {name} at offset {offset}"), inner.to_owned()));
        }
    }
    let mut needles: Vec<Needle> = Vec::new();
    for (form, text) in forms {
        if !needles.iter().any(|needle| needle.bytes == text.as_bytes()) {
            needles.push(Needle { what: format!("{what} {form}"), bytes: text.into_bytes() });
        }
    }
    needles
}

/// Fails if one of the needles is in `haystack`. `place` names it.
pub fn assert_clean(place: &str, haystack: &str, needles: &[Needle]) {
    for needle in needles {
        let found = haystack.as_bytes().windows(needle.bytes.len()).any(|window| window == needle.bytes);
        assert!(!found, "{} is in {place}", needle.what);
    }
}
