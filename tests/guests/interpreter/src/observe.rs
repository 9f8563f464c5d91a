//! Records what was observed.

use std::cell::RefCell;
use std::fmt::Debug;
use std::io::Write;

/// FNV-1a, 64 bits: it shows any difference, and does not have to resist guessing.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// One observation, as sixteen letters from `a` to `p`.
pub fn observe(what: &impl Debug) {
    let letters: String = digest(format!("{what:?}").as_bytes())
        .to_be_bytes()
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from(b'a' + nibble))
        .collect();
    std::io::stderr().write_all(letters.as_bytes()).ok();
    OBSERVED.with_borrow_mut(|observed| observed.push_str(&letters));
}

thread_local! {
    static OBSERVED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// All observations, in pieces that fit into the text of a report.
pub fn observed() -> Vec<String> {
    OBSERVED.with_borrow(|observed| {
        observed.as_bytes().chunks(496).map(|piece| String::from_utf8_lossy(piece).into_owned()).collect()
    })
}
